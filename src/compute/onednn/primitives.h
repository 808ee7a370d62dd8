// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <map>

#include <ggml.h>
#include <oneapi/dnnl/dnnl.hpp>

#include "compute/onednn/engine.h"
#include "compute/onednn/matmul.h"
#include "compute/ops/attention_op.h"
#include "compute/ops/convolution_op.h"

namespace alref::compute::onednn {

/// The same operators by oneDNN's own primitives, in f32: for processors without AVX-512, which our
/// kernels need. Primitives are made once per shape, and weights converted once. All use scratch
/// memory that we hand in, because oneDNN's own belongs to the thread that made the primitive.
class Primitives {
 public:
  Primitives() : engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {}

  bool takes_matmul(const ggml_tensor* node) const;
  void run_matmul(Engine& engine, const Linear& linear);

  /// Only where the scores of a head are worth a primitive: small windows are better off in
  /// AttentionOp itself.
  bool takes_attention(const AttentionOp& op, const ggml_tensor* node) const;
  void run_attention(Engine& engine, const AttentionOp& op, ggml_tensor* node);

  void run_convolution(Engine& engine, const ConvolutionOp& op, ggml_tensor* node);

  /// Drops what was packed of weights in [begin, begin + bytes).
  void forget(const void* begin, size_t bytes);

 private:
  struct Primitive {
    dnnl::primitive primitive;
    dnnl::memory::desc source, weights, bias, result, scratchpad;
    Scratch packed;  // a convolution's weights
  };
  /// A product [m, k] x [k, n]; strides in elements.
  struct ProductKey {
    int64_t m, n, k, source_stride, weight_k_stride, weight_n_stride, result_stride;
    bool bias, residual;
    kernels::Activation activation;
    // clang-tidy 14 takes the 0 that the compiler compares with for a pointer.
    auto operator<=>(const ProductKey&) const = default;  // NOLINT(modernize-use-nullptr)
  };
  /// The node's shape and parameters, and the weights' address.
  using ConvolutionKey = std::array<int64_t, 16>;

  void multiply(Engine& engine, const ProductKey& key, const float* source, const float* weights,
                const float* bias, float* result);
  /// run_matmul with another place for the result.
  void run_product(Engine& engine, const Linear& linear, float* result);
  Primitive make_convolution(const ConvolutionOp& op, const ggml_tensor* node);
  void execute(Engine& engine, const Primitive& p, const float* source, const void* weights,
               const float* bias, float* result);
  const float* as_f32(Engine& engine, const ggml_tensor* weight);

  dnnl::engine engine_;
  dnnl::stream stream_;
  std::map<ProductKey, Primitive> products_;
  std::map<ConvolutionKey, Primitive> convolutions_;
  std::map<const void*, Scratch> converted_;  // weights that are not f32, by their address
  Scratch scratchpad_;
};

}  // namespace alref::compute::onednn
