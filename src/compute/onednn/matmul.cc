// SPDX-License-Identifier: Apache-2.0
#include "compute/onednn/matmul.h"

#include <ggml-impl.h>

#include "compute/onednn/product.h"
#include "compute/ops/rope_op.h"
#include "compute/row_at.h"

namespace alref::compute::onednn {
namespace {

using kernels::BlockKernels;
using kernels::Epilogue;
using kernels::Panels;

const void* row_of(const ggml_tensor* t, int64_t row) {
  const int64_t i1 = row % t->ne[1], i2 = row / t->ne[1] % t->ne[2], i3 = row / t->ne[1] / t->ne[2];
  return row_at(t, i1, i2, i3);
}

auto gather_rows(const BlockKernels& kernels, const ggml_tensor* x, int64_t first,
                 const std::optional<kernels::RowNorm>& norm = std::nullopt,
                 const ggml_tensor* more = nullptr) {
  return [&kernels, x, first, norm, more](int64_t row, int64_t count, std::byte* block,
                                          int64_t stride) {
    constexpr int64_t kRows = 64;
    const void *rows[kRows], *others[kRows];
    for (int64_t i = 0; i < count; i += kRows) {
      const int64_t some = std::min(kRows, count - i);
      for (int64_t j = 0; j < some; ++j) rows[j] = row_of(x, first + row + i + j);
      std::byte* to = block + static_cast<size_t>(i * stride) * kernels.element_bytes;
      if (more) {
        for (int64_t j = 0; j < some; ++j) others[j] = row_of(more, first + row + i + j);
        kernels.add(rows, others, some, x->ne[0], to, stride);
      } else if (norm) {
        kernels.normalize(rows, some, x->ne[0], *norm, to, stride);
      } else {
        reading(kernels, x).convert(rows, some, x->ne[0], to, stride);
      }
    }
  };
}

const BlockKernels& kernels_for(const Engine& engine, const ggml_tensor* product) {
  return ggml_get_op_params_i32(product, 0) == GGML_PREC_F32 ? *engine.f32() : *engine.fast();
}

// Rows that a product reads where they lie: not those that would all fall into the same few sets of
// the first-level cache (block_stride).
const std::byte* straight_rows(const BlockKernels& kernels, const Linear& linear) {
  const ggml_tensor* x = linear.rows();
  const bool straight = !linear.norm && !linear.sum && x->type != GGML_TYPE_F32 &&
                        ggml_is_contiguous(x) && block_stride(kernels, x->ne[0]) == x->ne[0];
  return straight ? static_cast<const std::byte*>(x->data) : nullptr;
}

// The rows of a product's left operand.
auto gather_rows(const BlockKernels& kernels, const Linear& linear) {
  const auto norm = linear.norm ? std::optional(linear.norm->rows()) : std::nullopt;
  return gather_rows(kernels, linear.rows(), 0, norm, linear.sum ? linear.sum->src[1] : nullptr);
}

Epilogue epilogue_of(const Linear& linear) {
  Epilogue e;
  if (linear.bias) e.bias = static_cast<const float*>(linear.bias->data);
  e.activation = linear.activation;
  if (linear.residual) e.residual = static_cast<const float*>(linear.residual->data);
  e.residual_stride = linear.product->ne[0];
  return e;
}

RowsAfter rows_after(const Linear& linear) {
  RowsAfter after;
  for (const Norm& norm : linear.after) after.norms.push_back(norm.rows());
  if (const ggml_tensor* rope = linear.rope) {
    const ggml_tensor* table = rope->src[1];
    const auto& op = static_cast<const RopeOp&>(*custom_op_of(rope));
    after.rope = {.table = static_cast<const float*>(table->data),
                  .width = op.width(),
                  .height = table->ne[1] - op.width(),
                  .half = table->ne[0],
                  .tokens = rope->ne[1],
                  .rotated = op.rotated()};
  }
  return after;
}

// Where both operands are activations, b [n, k] is packed in the run itself.
struct Slices {
  const ggml_tensor *b, *x, *result;

  int64_t count() const { return x->ne[2] * x->ne[3]; }
  const float* b_rows(int64_t slice) const {
    const int64_t i2 = slice % x->ne[2] * b->ne[2] / x->ne[2],
                  i3 = slice / x->ne[2] * b->ne[3] / x->ne[3];
    return row_at(b, 0, i2, i3);
  }
};

void pack_panel(const BlockKernels& kernels, const Slices& s, int64_t slice, int64_t panel,
                std::byte* packed) {
  const int64_t k = s.b->ne[0], n = s.b->ne[1];
  const Panels panels(n);
  const int64_t column = 16 * panels.begin(panel);
  const auto stride = static_cast<std::ptrdiff_t>(s.b->nb[1] / sizeof(float));
  const int64_t columns = std::min(n - column, 16 * panels.width(panel));
  const void* rows[kernels::kPanelColumns];
  for (int64_t i = 0; i < columns; ++i) rows[i] = s.b_rows(slice) + (column + i) * stride;
  kernels.from_f32.pack_transposed(
      rows, k, columns, panels.width(panel),
      packed + static_cast<size_t>(column * kernels.padded(k)) * kernels.element_bytes);
}

void run_slice(Engine& engine, const BlockKernels& kernels, const Slices& s, int64_t slice,
               std::byte* packed, const Epilogue& whole) {
  const int64_t k = s.b->ne[0], n = s.b->ne[1], m = s.x->ne[1];
  engine.parallel(Panels(n).count(),
                  [&](int64_t panel, int) { pack_panel(kernels, s, slice, panel, packed); });
  Epilogue e = whole;
  if (e.residual) e.residual += slice * m * n;
  multiply(engine, kernels, m, k, n, packed, static_cast<float*>(s.result->data) + slice * m * n, n,
           e, gather_rows(kernels, s.x, slice * m));
}

// Many small products: one after the other on each thread.
void run_slices(Engine& engine, const BlockKernels& kernels, const Slices& s,
                const Epilogue& whole) {
  const int64_t k = s.b->ne[0], n = s.b->ne[1], m = s.x->ne[1];
  const int64_t stride = block_stride(kernels, k),
                rows = std::min((m + 15) / 16 * 16, block_rows(kernels, stride));
  const Panels panels(n);
  const auto parts = [&](Carver& carver) {
    std::byte* packed = carver.take(kernels.packed_bytes(k, n));
    std::byte* block = carver.take(static_cast<size_t>(rows * stride) * kernels.element_bytes);
    return std::pair(packed, block);
  };
  Carver sizes;
  parts(sizes);
  engine.reserve_thread_scratch(sizes.used());
  engine.parallel(s.count(), [&](int64_t slice, int thread) {
    Carver carver(engine.thread_scratch(thread));
    const auto [packed, block] = parts(carver);
    for (int64_t panel = 0; panel < panels.count(); ++panel)
      pack_panel(kernels, s, slice, panel, packed);
    const auto gather = gather_rows(kernels, s.x, slice * m);
    for (int64_t row = 0; row < m; row += rows) {
      const int64_t count = std::min(rows, m - row), at = (slice * m + row) * n;
      gather(row, count, block, stride);
      Epilogue e = whole;
      if (e.residual) e.residual += at;
      kernels.product(block, stride, count, packed, k, n, 0, panels.count(),
                      static_cast<float*>(s.result->data) + at, n, e, nullptr);
    }
  });
}

}  // namespace

bool takes_matmul(const Engine& engine, const ggml_tensor* node) {
  if (!engine.f32() || node->op != GGML_OP_MUL_MAT || ggml_get_op_params_i32(node, 1) != 0)
    return false;
  const ggml_tensor *b = node->src[0], *x = node->src[1];
  const bool elements =
      x->type == GGML_TYPE_BF16 && kernels_for(engine, node).element == kernels::Element::kBf16;
  if ((x->type != GGML_TYPE_F32 && !elements) || x->nb[0] != ggml_type_size(x->type) ||
      !ggml_is_contiguous(node))
    return false;
  if (is_weight(b)) {
    return (b->type == GGML_TYPE_F32 || ggml_get_type_traits(b->type)->to_float) &&
           b->nb[0] == ggml_type_size(b->type) && b->ne[2] == 1 && b->ne[3] == 1;
  }
  return b->type == GGML_TYPE_F32 && b->nb[0] == sizeof(float) && b->nb[1] % sizeof(float) == 0;
}

void run_matmul(Engine& engine, WeightCache& weights, const Linear& linear) {
  const ggml_tensor *b = linear.product->src[0], *x = linear.rows();
  const BlockKernels& kernels = kernels_for(engine, linear.product);
  Epilogue e = epilogue_of(linear);
  const int64_t k = b->ne[0], n = b->ne[1];
  if (is_weight(b)) {
    const std::byte* packed = weights.transposed(engine, kernels, b);
    auto* result = static_cast<float*>(linear.result->data);
    if (linear.result->type != GGML_TYPE_F32) {
      e.elements = result;
      e.elements_stride = n;
    }
    multiply(engine, kernels, ggml_nrows(x), k, n, packed, result, n, e,
             gather_rows(kernels, linear), rows_after(linear), straight_rows(kernels, linear));
    return;
  }
  const Slices slices{b, x, linear.result};
  if (slices.count() >= 4 * engine.threads()) return run_slices(engine, kernels, slices, e);
  std::byte* packed = engine.shared_scratch(kernels.packed_bytes(k, n));
  for (int64_t slice = 0; slice < slices.count(); ++slice)
    run_slice(engine, kernels, slices, slice, packed, e);
}

void run_mlp(Engine& engine, WeightCache& weights, const Mlp& mlp) {
  const ggml_tensor *b1 = mlp.first.product->src[0], *b2 = mlp.second.product->src[0],
                    *x = mlp.first.rows();
  const int64_t m = ggml_nrows(x), k = b1->ne[0], hidden = b1->ne[1], n = b2->ne[1];
  const BlockKernels& kernels = kernels_for(engine, mlp.first.product);
  const std::byte *packed1 = weights.transposed(engine, kernels, b1),
                  *packed2 = weights.transposed(engine, kernels, b2);
  const RowsAfter after = rows_after(mlp.second);
  const bool narrow = mlp.second.result->type != GGML_TYPE_F32;
  const int64_t stride = block_stride(kernels, k), hidden_stride = block_stride(kernels, hidden);
  const RowBlocks blocks(kernels, m, block_rows(kernels, stride + hidden_stride), engine.threads(),
                         2 * engine.threads());
  const auto parts = [&](Carver& carver) {
    const auto rows = static_cast<size_t>(blocks.most());
    std::byte* block = carver.take(rows * static_cast<size_t>(stride) * kernels.element_bytes);
    std::byte* middle =
        carver.take(rows * static_cast<size_t>(hidden_stride) * kernels.element_bytes);
    float* sums = carver.take<float>(after.empty() ? 0 : rows * static_cast<size_t>(n));
    return std::tuple(block, middle, sums);
  };
  Carver sizes;
  parts(sizes);
  engine.reserve_thread_scratch(sizes.used());
  auto* result = static_cast<float*>(mlp.second.result->data);
  engine.parallel(blocks.count, [&](int64_t item, int thread) {
    Carver carver(engine.thread_scratch(thread));
    const auto [block, middle, sums] = parts(carver);
    const int64_t row = blocks.begin(item), count = blocks.begin(item + 1) - row;
    gather_rows(kernels, mlp.first)(row, count, block, stride);
    Epilogue e1 = epilogue_of(mlp.first), e2 = epilogue_of(mlp.second);
    e1.elements = middle;
    e1.elements_stride = hidden_stride;
    std::byte* elements = narrow ? reinterpret_cast<std::byte*>(result) +
                                       static_cast<size_t>(row * n) * kernels.element_bytes
                                 : nullptr;
    if (after.empty()) e2.elements = elements;
    e2.elements_stride = n;
    e2.stream = may_stream(m, n, hidden, result, n, e2) && after.empty() && !narrow;
    if (e2.residual) e2.residual += row * n;
    kernels.product(block, stride, count, packed1, k, hidden, 0, Panels(hidden).count(),
                    reinterpret_cast<float*>(middle), hidden_stride, e1, nullptr);
    kernels.product(middle, hidden_stride, count, packed2, hidden, n, 0, Panels(n).count(),
                    after.empty() ? result + row * n : sums, n, e2, nullptr);
    if (!after.empty())
      finish_rows(engine, kernels, after, sums, row, count, n, result + row * n, elements,
                  m * n >= kLargeResult);
  });
}

}  // namespace alref::compute::onednn
