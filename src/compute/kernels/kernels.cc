// SPDX-License-Identifier: Apache-2.0
#include "compute/kernels/kernels.h"

#if defined(__x86_64__)
#include "compute/kernels/avx512.h"
#endif

namespace alref::compute::kernels {

Panels::Panels(int64_t n) : vectors((n + 15) / 16), fours(0), threes((4 - vectors % 4) % 4), last(0) {
  if (3 * threes > vectors) {  // 1, 2 or 5
    threes = vectors == 5 ? 1 : 0;
    last = vectors == 5 ? 2 : vectors;
  } else {
    fours = (vectors - 3 * threes) / 4;
  }
}

#if defined(__x86_64__)

namespace {
bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
}  // namespace

const BlockKernels* block_kernels(Element element) {
  if (!has_avx512()) return nullptr;
  if (element == Element::kF32) return &kAvx512F32;
  return __builtin_cpu_supports("avx512bf16") ? &kAvx512Bf16 : nullptr;
}

const RowKernels* row_kernels() { return has_avx512() ? &kAvx512Rows : nullptr; }

#else

const BlockKernels* block_kernels(Element) { return nullptr; }
const RowKernels* row_kernels() { return nullptr; }

#endif

}  // namespace alref::compute::kernels
