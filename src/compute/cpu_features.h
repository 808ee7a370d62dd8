// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace alref::compute {

/// Cores that this process may run on (its affinity mask), at least 1.
int usable_cores();

/// Whether the processor multiplies bf16 with f32 accumulation in hardware (avx512_bf16 or AMX).
bool cpu_multiplies_bf16();

/// The widest instruction set that is used here, for `alref --version`: "amx_bf16", "avx512_bf16",
/// "avx512", "avx2", ...
std::string instruction_set();

}  // namespace alref::compute
