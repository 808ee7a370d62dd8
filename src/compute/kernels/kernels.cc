// SPDX-License-Identifier: Apache-2.0
#include "compute/kernels/kernels.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "compute/kernels/avx512.h"
#endif

namespace alref::compute::kernels {

bool Epilogue::plain() const {
  return !bias && !row_scale && activation == Activation::kNone && !residual;
}

Panels::Panels(int64_t n)
    : vectors((n + 15) / 16), fours(0), threes((4 - vectors % 4) % 4), last(0) {
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

bool may_use_amx() {
  constexpr unsigned kTile = 1u << 24, kBf16 = 1u << 22;  // leaf 7, edx
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & kTile) == 0 || (d & kBf16) == 0)
    return false;
#if defined(__linux__)
  constexpr int kRequestPermission = 0x1023,
                kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  static const bool granted = syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return granted;
#else
  return false;
#endif
}

const BlockKernels* block_kernels(Element element, bool amx) {
  if (!has_avx512()) return nullptr;
  if (element == Element::kF32) return &kAvx512F32;
  if (!__builtin_cpu_supports("avx512bf16")) return nullptr;
  return amx && may_use_amx() ? &kAmxBf16 : &kAvx512Bf16;
}

const RowKernels* row_kernels() { return has_avx512() ? &kAvx512Rows : nullptr; }

#else

bool may_use_amx() { return false; }
const BlockKernels* block_kernels(Element, bool) { return nullptr; }
const RowKernels* row_kernels() { return nullptr; }

#endif

}  // namespace alref::compute::kernels
