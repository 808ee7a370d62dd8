// SPDX-License-Identifier: Apache-2.0
#include "compute/onednn/primitives.h"

#include <cmath>
#include <cstring>

#include <ggml-impl.h>

#include "compute/onednn/gelu.h"
#include "compute/row_at.h"

namespace alref::compute::onednn {
namespace {

using dnnl::memory;

// oneDNN 3 dropped operation descriptors: a primitive's description is made of its parts at once.
#if DNNL_VERSION_MAJOR >= 3
using MatmulDescription = dnnl::matmul::primitive_desc;
using ConvolutionDescription = dnnl::convolution_forward::primitive_desc;
MatmulDescription describe_matmul(const dnnl::engine& e, const memory::desc& a,
                                  const memory::desc& b, const memory::desc& bias,
                                  const memory::desc& c, const dnnl::primitive_attr& attr) {
  return bias.get_ndims() ? MatmulDescription(e, a, b, bias, c, attr)
                          : MatmulDescription(e, a, b, c, attr);
}
ConvolutionDescription describe_convolution(const dnnl::engine& e, const memory::desc& x,
                                            const memory::desc& w, const memory::desc& bias,
                                            const memory::desc& y, const memory::dims& stride,
                                            const memory::dims& left, const memory::dims& right,
                                            const dnnl::primitive_attr& attr) {
  const auto kind = dnnl::prop_kind::forward_inference;
  const auto algorithm = dnnl::algorithm::convolution_direct;
  return bias.get_ndims()
             ? ConvolutionDescription(e, kind, algorithm, x, w, bias, y, stride, left, right, attr)
             : ConvolutionDescription(e, kind, algorithm, x, w, y, stride, left, right, attr);
}
void append_eltwise(dnnl::post_ops& ops, dnnl::algorithm algorithm) {
  ops.append_eltwise(algorithm, 0, 0);
}
constexpr bool kOwnGelu = true;  // oneDNN 3.2's makes NaN of infinity
#else
using MatmulDescription = dnnl::matmul::primitive_desc;
using ConvolutionDescription = dnnl::convolution_forward::primitive_desc;
MatmulDescription describe_matmul(const dnnl::engine& e, const memory::desc& a,
                                  const memory::desc& b, const memory::desc& bias,
                                  const memory::desc& c, const dnnl::primitive_attr& attr) {
  if (bias.dims().empty()) return {{a, b, c}, attr, e};
  return {{a, b, bias, c}, attr, e};
}
ConvolutionDescription describe_convolution(const dnnl::engine& e, const memory::desc& x,
                                            const memory::desc& w, const memory::desc& bias,
                                            const memory::desc& y, const memory::dims& stride,
                                            const memory::dims& left, const memory::dims& right,
                                            const dnnl::primitive_attr& attr) {
  const auto kind = dnnl::prop_kind::forward_inference;
  const auto algorithm = dnnl::algorithm::convolution_direct;
  if (bias.dims().empty()) return {{kind, algorithm, x, w, y, stride, left, right}, attr, e};
  return {{kind, algorithm, x, w, bias, y, stride, left, right}, attr, e};
}
void append_eltwise(dnnl::post_ops& ops, dnnl::algorithm algorithm) {
  ops.append_eltwise(1, algorithm, 0, 0);
}
constexpr bool kOwnGelu = false;
#endif

memory::desc plain(const memory::dims& dims, const memory::dims& strides) {
  return memory::desc(dims, memory::data_type::f32, strides);
}
memory::desc any(const memory::dims& dims) {
  return memory::desc(dims, memory::data_type::f32, memory::format_tag::any);
}

bool has_even_rows(const ggml_tensor* t) {  // one stride leads from each row to the next
  return t->nb[2] == t->nb[1] * static_cast<size_t>(t->ne[1]) &&
         t->nb[3] == t->nb[2] * static_cast<size_t>(t->ne[2]);
}

int64_t stride_of(const ggml_tensor* t, int dimension = 1) {
  return static_cast<int64_t>(t->nb[dimension] / sizeof(float));
}

memory handle(const memory::desc& d, const dnnl::engine& e, const void* data) {
  return memory(d, e, const_cast<void*>(data));  // oneDNN's handles are not const-correct
}

}  // namespace

void Primitives::execute(Engine& engine, const Primitive& p, const float* source,
                         const void* weights, const float* bias, float* result) {
  if (scratchpad_.reserve(p.scratchpad.get_size())) engine.count_preparation();
  std::unordered_map<int, memory> arguments = {
      {DNNL_ARG_SRC, handle(p.source, engine_, source)},
      {DNNL_ARG_WEIGHTS, handle(p.weights, engine_, weights)},
      {DNNL_ARG_DST, handle(p.result, engine_, result)},
      {DNNL_ARG_SCRATCHPAD, handle(p.scratchpad, engine_, scratchpad_.data())}};
  if (bias) arguments.emplace(DNNL_ARG_BIAS, handle(p.bias, engine_, bias));
  p.primitive.execute(stream_, arguments);
  stream_.wait();
}

void Primitives::multiply(Engine& engine, const ProductKey& key, const float* source,
                          const float* weights, const float* bias, float* result) {
  auto it = products_.find(key);
  if (it == products_.end()) {
    engine.count_preparation();
    dnnl::post_ops ops;
    if (key.activation == kernels::Activation::kRelu)
      append_eltwise(ops, dnnl::algorithm::eltwise_relu);
    if (key.activation == kernels::Activation::kGelu)
      append_eltwise(ops, dnnl::algorithm::eltwise_gelu_erf);
    if (key.residual) ops.append_sum(1);
    dnnl::primitive_attr attr;
    attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    attr.set_post_ops(ops);
    const memory::desc a = plain({key.m, key.k}, {key.source_stride, 1});
    const memory::desc b = plain({key.k, key.n}, {key.weight_k_stride, key.weight_n_stride});
    const memory::desc shift = key.bias ? plain({1, key.n}, {key.n, 1}) : memory::desc();
    const memory::desc c = plain({key.m, key.n}, {key.result_stride, 1});
    const MatmulDescription description = describe_matmul(engine_, a, b, shift, c, attr);
    it = products_
             .emplace(
                 key,
                 Primitive{
                     dnnl::matmul(description), a, b, shift, c, description.scratchpad_desc(), {}})
             .first;
  }
  execute(engine, it->second, source, weights, bias, result);
}

const float* Primitives::as_f32(Engine& engine, const ggml_tensor* weight) {
  if (weight->type == GGML_TYPE_F32) return static_cast<const float*>(weight->data);
  Scratch& converted = converted_[weight->data];
  if (!converted.data()) {
    engine.count_preparation();
    converted.reserve(static_cast<size_t>(ggml_nelements(weight)) * sizeof(float));
    auto* values = reinterpret_cast<float*>(converted.data());
    engine.parallel(weight->ne[1], [&](int64_t row, int) {
      ggml_get_type_traits(weight->type)
          ->to_float(
              static_cast<const char*>(weight->data) + static_cast<size_t>(row) * weight->nb[1],
              values + row * weight->ne[0], weight->ne[0]);
    });
  }
  return reinterpret_cast<const float*>(converted.data());
}

bool Primitives::takes_matmul(const ggml_tensor* node) const {
  if (node->op != GGML_OP_MUL_MAT || ggml_get_op_params_i32(node, 1) != 0 ||
      !ggml_is_contiguous(node))
    return false;
  const ggml_tensor *b = node->src[0], *x = node->src[1];
  if (x->type != GGML_TYPE_F32 || x->nb[0] != sizeof(float) || b->nb[0] != ggml_type_size(b->type))
    return false;
  if (is_weight(b) && b->ne[2] == 1 && b->ne[3] == 1) {
    return has_even_rows(x) && (b->type == GGML_TYPE_F32 ||
                                (ggml_get_type_traits(b->type)->to_float && ggml_is_contiguous(b)));
  }
  // One primitive call a slice: not for thousands of small ones.
  return b->type == GGML_TYPE_F32 && x->ne[1] * b->ne[1] * b->ne[0] >= 1 << 18;
}

void Primitives::run_product(Engine& engine, const Linear& linear, float* result) {
  const ggml_tensor *b = linear.product->src[0], *x = linear.product->src[1];
  const int64_t k = b->ne[0], n = b->ne[1];
  if (linear.residual && linear.residual->data != linear.result->data) {
    std::memcpy(result, linear.residual->data,
                ggml_nbytes(linear.result));  // oneDNN adds to what it finds there
  }
  const float* bias = linear.bias ? static_cast<const float*>(linear.bias->data) : nullptr;
  ProductKey key{.m = x->ne[1],
                 .n = n,
                 .k = k,
                 .source_stride = stride_of(x),
                 .weight_k_stride = 1,
                 .weight_n_stride = b->type == GGML_TYPE_F32 ? stride_of(b) : k,
                 .result_stride = n,
                 .bias = bias != nullptr,
                 .residual = linear.residual != nullptr,
                 .activation = linear.activation};
  if (is_weight(b) && b->ne[2] == 1 && b->ne[3] == 1) {
    key.m = ggml_nrows(x);
    return multiply(engine, key, static_cast<const float*>(x->data), as_f32(engine, b), bias,
                    result);
  }
  for (int64_t i3 = 0; i3 < x->ne[3]; ++i3) {
    for (int64_t i2 = 0; i2 < x->ne[2]; ++i2) {
      multiply(engine, key, row_at(x, 0, i2, i3),
               row_at(b, 0, i2 * b->ne[2] / x->ne[2], i3 * b->ne[3] / x->ne[3]), bias,
               result + (i3 * x->ne[2] + i2) * key.m * n);
    }
  }
}

void Primitives::run_matmul(Engine& engine, const Linear& linear) {
  auto* result = static_cast<float*>(linear.result->data);
  if (!kOwnGelu || linear.activation != kernels::Activation::kGelu)
    return run_product(engine, linear, result);
  // The residual may stand where the result will.
  float* sums = linear.residual
                    ? reinterpret_cast<float*>(engine.shared_scratch(ggml_nbytes(linear.result)))
                    : result;
  run_product(engine, {.product = linear.product, .bias = linear.bias, .result = linear.result},
              sums);
  const auto* residual =
      linear.residual ? static_cast<const float*>(linear.residual->data) : nullptr;
  const int64_t n = linear.product->ne[0];
  engine.parallel(ggml_nelements(linear.result) / n, [&](int64_t row, int) {
    gelu(sums + row * n, residual ? residual + row * n : nullptr, result + row * n, n);
  });
}

bool Primitives::takes_attention(const AttentionOp& op, const ggml_tensor* node) const {
  return node->src[0]->ne[1] * node->src[1]->ne[1] * (node->src[0]->ne[0] / op.heads()) >= 1 << 22;
}

void Primitives::run_attention(Engine& engine, const AttentionOp& op, ggml_tensor* node) {
  const ggml_tensor *q = node->src[0], *k = node->src[1], *v = node->src[2], *bias = op.bias(node),
                    *mask = op.mask(node);
  const int64_t heads = op.heads(), d = q->ne[0] / heads, dv = v->ne[0] / heads, keys = k->ne[1];
  constexpr int64_t kQueries = 256;
  auto* scores = reinterpret_cast<float*>(
      engine.shared_scratch(static_cast<size_t>(kQueries * keys) * sizeof(float)));
  for (int64_t task = 0; task < q->ne[2] * heads; ++task) {
    const int64_t b = task / heads, h = task % heads;
    for (int64_t first = 0; first < q->ne[1]; first += kQueries) {
      const int64_t rows = std::min(kQueries, q->ne[1] - first);
      multiply(engine,
               {.m = rows,
                .n = keys,
                .k = d,
                .source_stride = stride_of(q),
                .weight_k_stride = 1,
                .weight_n_stride = stride_of(k),
                .result_stride = keys},
               row_at(q, 0, b) + first * stride_of(q) + h * d, row_at(k, 0, b) + h * d, nullptr,
               scores);
      engine.parallel(rows, [&](int64_t i, int) {
        float* row = scores + i * keys;
        const float* bias_row = bias ? row_at(bias, 0, h) + (first + i) * stride_of(bias) : nullptr;
        const float* mask_row =
            mask ? row_at(mask, 0, b % mask->ne[2]) + (first + i) * stride_of(mask) : nullptr;
        float top = -INFINITY;
        for (int64_t j = 0; j < keys; ++j) {
          row[j] =
              row[j] * op.scale() + (bias_row ? bias_row[j] : 0) + (mask_row ? mask_row[j] : 0);
          top = std::max(top, row[j]);
        }
        // Where nothing is attended to (-inf throughout), the result is 0; NaN stays NaN.
        const float shift = top == -INFINITY ? 0 : top;
        float sum = 0;
        for (int64_t j = 0; j < keys; ++j) sum += row[j] = std::exp(row[j] - shift);
        const float scale = sum == 0 ? 0 : 1 / sum;
        for (int64_t j = 0; j < keys; ++j) row[j] *= scale;
      });
      multiply(engine,
               {.m = rows,
                .n = dv,
                .k = keys,
                .source_stride = keys,
                .weight_k_stride = stride_of(v),
                .weight_n_stride = 1,
                .result_stride = node->ne[0]},
               scores, row_at(v, 0, b) + h * dv, nullptr,
               static_cast<float*>(node->data) + (b * q->ne[1] + first) * node->ne[0] + h * dv);
    }
  }
}

Primitives::Primitive Primitives::make_convolution(const ConvolutionOp& op,
                                                   const ggml_tensor* node) {
  const ConvolutionParams& p = op.params();
  const ggml_tensor *x = node->src[0], *weight = node->src[1];
  const int64_t in = x->ne[0] / p.groups, out = node->ne[0] / p.groups;
  const auto map = [](const ggml_tensor* t) {  // [N, C, H, W] as oneDNN counts them
    return plain({t->ne[3], t->ne[0], t->ne[2], t->ne[1]},
                 {stride_of(t, 3), 1, stride_of(t, 2), stride_of(t, 1)});
  };
  // Ours is [kh, kw, in, groups * out].
  const int64_t column = node->ne[0], line = column * in;
  const bool grouped = p.groups != 1;
  const memory::dims shape = grouped ? memory::dims{p.groups, out, in, p.kernel_h, p.kernel_w}
                                     : memory::dims{out, in, p.kernel_h, p.kernel_w};
  const memory::desc given =
      plain(shape, grouped ? memory::dims{out, 1, column, line * p.kernel_w, line}
                           : memory::dims{1, column, line * p.kernel_w, line});
  const memory::desc bias =
      op.bias(node) ? memory::desc({column}, memory::data_type::f32, memory::format_tag::a)
                    : memory::desc();
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const memory::dims right = {(node->ne[2] - 1) * p.stride_h + p.kernel_h - x->ne[2] - p.pad_h,
                              (node->ne[1] - 1) * p.stride_w + p.kernel_w - x->ne[1] - p.pad_w};
  const ConvolutionDescription description =
      describe_convolution(engine_, map(x), any(shape), bias, map(node), {p.stride_h, p.stride_w},
                           {p.pad_h, p.pad_w}, right, attr);
  Primitive made{
      dnnl::convolution_forward(description), map(x), description.weights_desc(), bias, map(node),
      description.scratchpad_desc(),          {}};
  made.packed.reserve(made.weights.get_size());
  memory source = handle(given, engine_, weight->data),
         target = handle(made.weights, engine_, made.packed.data());
  dnnl::reorder(source, target).execute(stream_, source, target);
  stream_.wait();
  return made;
}

void Primitives::run_convolution(Engine& engine, const ConvolutionOp& op, ggml_tensor* node) {
  const ConvolutionParams& p = op.params();
  const ggml_tensor *x = node->src[0], *bias = op.bias(node);
  const ConvolutionKey key = {x->ne[0],
                              x->ne[1],
                              x->ne[2],
                              x->ne[3],
                              stride_of(x, 1),
                              stride_of(x, 2),
                              stride_of(x, 3),
                              node->ne[0],
                              p.kernel_h,
                              p.kernel_w,
                              p.stride_h,
                              p.stride_w,
                              p.pad_h,
                              p.pad_w,
                              p.groups * 2 + (bias ? 1 : 0),
                              reinterpret_cast<intptr_t>(node->src[1]->data)};
  auto it = convolutions_.find(key);
  if (it == convolutions_.end()) {
    engine.count_preparation();
    it = convolutions_.emplace(key, make_convolution(op, node)).first;
  }
  execute(engine, it->second, static_cast<const float*>(x->data), it->second.packed.data(),
          bias ? static_cast<const float*>(bias->data) : nullptr, static_cast<float*>(node->data));
}

void Primitives::forget(const void* begin, size_t bytes) {
  const auto* first = static_cast<const std::byte*>(begin);
  const auto within = [&](const void* at) { return at >= first && at < first + bytes; };
  std::erase_if(converted_, [&](const auto& entry) { return within(entry.first); });
  std::erase_if(convolutions_, [&](const auto& entry) {
    return within(reinterpret_cast<const void*>(entry.first.back()));
  });
}

}  // namespace alref::compute::onednn
