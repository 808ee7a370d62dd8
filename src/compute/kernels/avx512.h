// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compute/kernels/kernels.h"

namespace alref::compute::kernels {

extern const BlockKernels kAvx512F32;
extern const BlockKernels kAvx512Bf16;
extern const BlockKernels kAmxBf16;
extern const RowKernels kAvx512Rows;

void deformable_head(const DeformableHead& head);
void attend_at_once(const KeysAtOnce& attention);  // with AMX

}  // namespace alref::compute::kernels
