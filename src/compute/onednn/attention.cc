// SPDX-License-Identifier: Apache-2.0
#include "compute/onednn/attention.h"

#include <cmath>
#include <limits>

#include "compute/onednn/product.h"

namespace alref::compute::onednn {
namespace {

using kernels::BlockKernels;
using kernels::Panels;

// A block of scores (96 x 256 x 4 bytes), its weights, and the keys and values that it meets (256 x 256 x 2 bytes each)
// fit a second-level cache of 1 MiB together with the queries and the result.
constexpr int64_t kQueries = 96;
constexpr int64_t kKeys = 256;
// Up to here all keys are one block, and nothing has to be rescaled.
constexpr int64_t kKeysAtOnce = 384;

struct View {
  const char* data;
  size_t row, outer;

  View(const ggml_tensor* t, int64_t offset) : data(static_cast<const char*>(t->data) + offset * 4), row(t->nb[1]), outer(t->nb[2]) {}
  const float* at(int64_t i1, int64_t i2) const {
    return reinterpret_cast<const float*>(data + static_cast<size_t>(i1) * row + static_cast<size_t>(i2) * outer);
  }
  std::ptrdiff_t stride() const { return static_cast<std::ptrdiff_t>(row / sizeof(float)); }
};

class Attention {
 public:
  Attention(Engine& engine, const AttentionOp& op, ggml_tensor* node)
      : engine_(engine),
        op_(op),
        node_(node),
        kernels_(*engine.fast()),
        heads_(op.heads()),
        d_(node->src[0]->ne[0] / heads_),
        dv_(node->src[2]->ne[0] / heads_),
        queries_(node->src[0]->ne[1]),
        keys_(node->src[1]->ne[1]),
        batch_(node->src[0]->ne[2]),
        key_block_(keys_ <= kKeysAtOnce ? keys_ : kKeys),
        key_blocks_((keys_ + key_block_ - 1) / key_block_),
        query_block_(std::min(queries_, kQueries)),
        query_blocks_((queries_ + query_block_ - 1) / query_block_),
        k_block_bytes_(kernels_.packed_bytes(d_, key_block_)),
        v_block_bytes_(kernels_.packed_bytes(key_block_, dv_)) {}

  void run() {
    const int64_t tasks = batch_ * heads_;
    // Each thread its own heads where there are enough of them, else all threads on one head after another.
    if (tasks >= 4 * engine_.threads() || queries_ <= query_block_) {
      run_heads(tasks);
    } else {
      for (int64_t task = 0; task < tasks; ++task) run_head(task);
    }
  }

 private:
  struct Parts {
    std::byte *queries, *weights;
    float *scores, *result, *tops, *sums;
  };

  int64_t query_stride() const { return block_stride(kernels_, d_); }
  int64_t weight_stride() const { return block_stride(kernels_, key_block_); }
  int64_t score_stride() const { return (key_block_ + 15) / 16 * 16 + 16; }
  int64_t result_stride() const { return (dv_ + 15) / 16 * 16 + 16; }

  Parts parts(Carver& carver) const {
    const auto rows = static_cast<size_t>(query_block_);
    Parts p;
    p.queries = carver.take(rows * static_cast<size_t>(query_stride()) * kernels_.element_bytes);
    p.weights = carver.take(rows * static_cast<size_t>(weight_stride()) * kernels_.element_bytes);
    p.scores = carver.take<float>(rows * static_cast<size_t>(score_stride()));
    p.result = carver.take<float>(key_blocks_ > 1 ? rows * static_cast<size_t>(result_stride()) : 0);
    p.tops = carver.take<float>(rows);
    p.sums = carver.take<float>(rows);
    return p;
  }

  size_t packed_bytes() const { return static_cast<size_t>(key_blocks_) * (k_block_bytes_ + v_block_bytes_); }
  std::byte* packed_keys(std::byte* packed, int64_t block) const {
    return packed + static_cast<size_t>(block) * (k_block_bytes_ + v_block_bytes_);
  }
  std::byte* packed_values(std::byte* packed, int64_t block) const { return packed_keys(packed, block) + k_block_bytes_; }
  int64_t keys_in(int64_t block) const { return std::min(key_block_, keys_ - block * key_block_); }

  void pack_block(int64_t task, int64_t block, std::byte* packed) const {
    const int64_t b = task / heads_, h = task % heads_, first = block * key_block_, keys = keys_in(block);
    const View k(node_->src[1], h * d_), v(node_->src[2], h * dv_);
    const Panels key_panels(keys), value_panels(dv_);
    for (int64_t p = 0; p < key_panels.count(); ++p) {
      const int64_t column = 16 * key_panels.begin(p);
      kernels_.pack_transposed(
          k.at(first + column, b), k.stride(), d_, std::min(keys - column, 16 * key_panels.width(p)), key_panels.width(p),
          packed_keys(packed, block) + static_cast<size_t>(column * kernels_.padded(d_)) * kernels_.element_bytes);
    }
    for (int64_t p = 0; p < value_panels.count(); ++p) {
      const int64_t column = 16 * value_panels.begin(p);
      kernels_.pack(v.at(first, b) + column, v.stride(), keys, std::min(dv_ - column, 16 * value_panels.width(p)),
                    value_panels.width(p),
                    packed_values(packed, block) + static_cast<size_t>(column * kernels_.padded(keys)) * kernels_.element_bytes);
    }
  }

  void attend(int64_t task, int64_t query_block, std::byte* packed, const Parts& p) const {
    const int64_t b = task / heads_, h = task % heads_, first = query_block * query_block_;
    const int64_t rows = std::min(query_block_, queries_ - first);
    const View q(node_->src[0], h * d_);
    const ggml_tensor *bias = op_.bias(node_), *mask = op_.mask(node_);
    float* out = static_cast<float*>(node_->data) + (b * queries_ + first) * node_->ne[0] + h * dv_;
    for (int64_t i = 0; i < rows; ++i) {
      kernels_.convert(q.at(first + i, b), p.queries + static_cast<size_t>(i * query_stride()) * kernels_.element_bytes, d_);
    }
    std::fill_n(p.tops, rows, -std::numeric_limits<float>::infinity());
    std::fill_n(p.sums, rows, 0.0f);

    for (int64_t block = 0; block < key_blocks_; ++block) {
      const int64_t keys = keys_in(block), key = block * key_block_;
      kernels_.product(p.queries, query_stride(), rows, packed_keys(packed, block), d_, keys, 0, Panels(keys).count(), p.scores,
                       score_stride(), {});
      kernels::SoftmaxBlock s{.rows = rows, .keys = keys, .scale = op_.scale(), .scores = p.scores,
                              .scores_stride = score_stride(), .tops = p.tops, .sums = p.sums, .weights = p.weights,
                              .weights_stride = weight_stride(), .result = block > 0 ? p.result : nullptr,
                              .result_stride = result_stride(), .columns = dv_};
      if (bias) {
        const View view(bias, key);
        s.bias = view.at(first, h);
        s.bias_stride = view.stride();
      }
      if (mask) {
        const View view(mask, key);
        s.mask = view.at(first, b % mask->ne[2]);
        s.mask_stride = view.stride();
      }
      kernels_.softmax(s);
      kernels::Epilogue e;
      if (key_blocks_ == 1) {
        invert(p.sums, rows);
        e.row_scale = p.sums;
        kernels_.product(p.weights, weight_stride(), rows, packed_values(packed, block), keys, dv_, 0, Panels(dv_).count(), out,
                         node_->ne[0], e);
      } else {
        e.accumulate = block > 0;
        kernels_.product(p.weights, weight_stride(), rows, packed_values(packed, block), keys, dv_, 0, Panels(dv_).count(),
                         p.result, result_stride(), e);
      }
    }
    if (key_blocks_ == 1) return;
    invert(p.sums, rows);
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t c = 0; c < dv_; ++c) out[i * node_->ne[0] + c] = p.result[i * result_stride() + c] * p.sums[i];
    }
  }

  // Where nothing is attended to, the result is 0.
  static void invert(float* sums, int64_t rows) {
    for (int64_t i = 0; i < rows; ++i) sums[i] = sums[i] == 0 ? 0 : 1 / sums[i];
  }

  void run_heads(int64_t tasks) {
    Carver sizes;
    sizes.take(packed_bytes());
    parts(sizes);
    engine_.reserve_thread_scratch(sizes.used());
    engine_.parallel(tasks, [&](int64_t task, int thread) {
      Carver carver(engine_.thread_scratch(thread));
      std::byte* packed = carver.take(packed_bytes());
      const Parts p = parts(carver);
      for (int64_t block = 0; block < key_blocks_; ++block) pack_block(task, block, packed);
      for (int64_t block = 0; block < query_blocks_; ++block) attend(task, block, packed, p);
    });
  }

  void run_head(int64_t task) {
    std::byte* packed = engine_.shared_scratch(packed_bytes());
    engine_.parallel(key_blocks_, [&](int64_t block, int) { pack_block(task, block, packed); });
    Carver sizes;
    parts(sizes);
    engine_.reserve_thread_scratch(sizes.used());
    engine_.parallel(query_blocks_, [&](int64_t block, int thread) {
      Carver carver(engine_.thread_scratch(thread));
      attend(task, block, packed, parts(carver));
    });
  }

  Engine& engine_;
  const AttentionOp& op_;
  ggml_tensor* node_;
  const BlockKernels& kernels_;
  int64_t heads_, d_, dv_, queries_, keys_, batch_;
  int64_t key_block_, key_blocks_, query_block_, query_blocks_;
  size_t k_block_bytes_, v_block_bytes_;
};

}  // namespace

void run_attention(Engine& engine, const AttentionOp& op, ggml_tensor* node) { Attention(engine, op, node).run(); }

}  // namespace alref::compute::onednn
