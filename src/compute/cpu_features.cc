// SPDX-License-Identifier: Apache-2.0
#include "compute/cpu_features.h"

#include <algorithm>
#include <thread>

#include <sched.h>

#ifdef ALREF_ONEDNN
#include "compute/kernels/kernels.h"
#endif

namespace alref::compute {

int usable_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

#if defined(__x86_64__)

bool cpu_multiplies_bf16() { return __builtin_cpu_supports("avx512bf16"); }

std::string instruction_set() {
#ifdef ALREF_ONEDNN
  if (kernels::may_use_amx()) return "amx_bf16";
#endif
  if (__builtin_cpu_supports("avx512bf16")) return "avx512_bf16";
  if (__builtin_cpu_supports("avx512vnni")) return "avx512_vnni";
  if (__builtin_cpu_supports("avx512f")) return "avx512";
  if (__builtin_cpu_supports("avx2")) return "avx2";
  return "sse";
}

#else

bool cpu_multiplies_bf16() { return false; }

std::string instruction_set() {
#if defined(__aarch64__)
  return "neon";
#else
  return "scalar";
#endif
}

#endif

}  // namespace alref::compute
