// SPDX-License-Identifier: Apache-2.0
// Built for AVX-512 with BF16; only block_kernels() (kernels.cc) may lead here.
#include "compute/kernels/avx512.h"
#include "compute/kernels/bf16.h"

namespace alref::compute::kernels {
namespace {

struct Avx512Bf16 : Bf16 {
  static constexpr int64_t kMultiple = 2;
  static int64_t place(int64_t step, int64_t vector, int64_t width, int64_t) {
    return step * width + vector;
  }
};
using Base = Products<Avx512Bf16>;

}  // namespace

const BlockKernels kAvx512Bf16 = {.element = Element::kBf16,
                                  .element_bytes = 2,
                                  .k_multiple = Avx512Bf16::kMultiple,
                                  .row_multiple = 24,
                                  .strip_rows = 96,
                                  .strips = 1,
                                  .keys = 256,
                                  .from_f32 = Base::kFromF32,
                                  .from_elements = Base::kFromElements,
                                  .normalize = Base::normalize,
                                  .add = Base::add,
                                  .scatter = Base::scatter,
                                  .product = Base::product,
                                  .softmax = Base::softmax,
                                  .attend = nullptr};

}  // namespace alref::compute::kernels
