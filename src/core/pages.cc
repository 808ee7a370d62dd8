// SPDX-License-Identifier: Apache-2.0
#include "core/pages.h"

#include <cstdint>

#include <sys/mman.h>
#include <unistd.h>

namespace alref {
namespace {

// Only advice: a kernel that does not know it refuses it.
void advise_whole_pages(const void* memory, size_t bytes, int advice) {
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto at = reinterpret_cast<uintptr_t>(memory);
  const uintptr_t begin = (at + page - 1) / page * page, end = (at + bytes) / page * page;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, advice);
}

}  // namespace

void release_file_pages(const void* begin, size_t bytes) {
  advise_whole_pages(begin, bytes, MADV_DONTNEED);
}

void prefer_large_pages([[maybe_unused]] void* begin, [[maybe_unused]] size_t bytes) {
#ifdef MADV_HUGEPAGE
  constexpr size_t kLargePage = size_t{2} << 20;
  if (bytes >= kLargePage) advise_whole_pages(begin, bytes, MADV_HUGEPAGE);
#endif
}

}  // namespace alref
