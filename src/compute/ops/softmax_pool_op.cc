// SPDX-License-Identifier: Apache-2.0
#include "compute/ops/softmax_pool_op.h"

#include <algorithm>
#include <limits>

#include "compute/ops/vector_math.h"

namespace alref::compute {
namespace {

using simd::F32;
using simd::kLanes;

constexpr int64_t kRows = 256;    // of x at a time: they stay in the second-level cache
constexpr int64_t kColumns = 16;  // of scores at a time: one vector of weights a row
constexpr int kTileColumns = 4;   // accumulators in registers: 4 columns x 4 vectors of channels
constexpr int kTileVectors = 4;

struct Matrix {
  const char* data;
  size_t stride;
  ALREF_INLINE const float* row(int64_t i) const {
    return reinterpret_cast<const float*>(data + static_cast<size_t>(i) * stride);
  }
};

// y[j][c] += sum over rows of weights[row][j] * x[row][c], for kTileColumns columns j and `vectors`
// vectors of channels.
template <int kVectors>
ALREF_INLINE void multiply_tile(const float* weights, const Matrix& x, int64_t first, int64_t rows,
                                int64_t channel, float* y, int64_t y_stride) {
  F32 sums[kTileColumns][kVectors];
  for (int j = 0; j < kTileColumns; ++j) {
    for (int k = 0; k < kVectors; ++k)
      simd::load(sums[j][k], y + j * y_stride + channel + k * kLanes);
  }
  for (int64_t i = 0; i < rows; ++i) {
    const float* from = x.row(first + i) + channel;
    F32 values[kVectors];
    for (int k = 0; k < kVectors; ++k) simd::load(values[k], from + k * kLanes);
    for (int j = 0; j < kTileColumns; ++j) {
      const float weight = weights[i * kColumns + j];
      for (int k = 0; k < kVectors; ++k) sums[j][k] += values[k] * weight;
    }
  }
  for (int j = 0; j < kTileColumns; ++j) {
    for (int k = 0; k < kVectors; ++k)
      simd::store(y + j * y_stride + channel + k * kLanes, sums[j][k]);
  }
}

ALREF_INLINE void multiply(const float* weights, const Matrix& x, int64_t first, int64_t rows,
                           int64_t channels, float* y) {
  for (int64_t j = 0; j < kColumns; j += kTileColumns) {
    const float* w = weights + j;
    float* out = y + j * channels;
    int64_t c = 0;
    for (; c + kTileVectors * kLanes <= channels; c += kTileVectors * kLanes) {
      multiply_tile<kTileVectors>(w, x, first, rows, c, out, channels);
    }
    for (; c + kLanes <= channels; c += kLanes)
      multiply_tile<1>(w, x, first, rows, c, out, channels);
    for (; c < channels; ++c) {
      for (int k = 0; k < kTileColumns; ++k) {
        for (int64_t i = 0; i < rows; ++i)
          out[k * channels + c] += w[i * kColumns + k] * x.row(first + i)[c];
      }
    }
  }
}

// `count` <= kColumns scores; the rest 0.
ALREF_INLINE void read(const float* from, int64_t count, F32& into) {
  if (count == kColumns) return simd::load(into, from);
  float part[kColumns] = {};
  std::copy_n(from, count, part);
  simd::load(into, part);
}

// Columns [column, column + count) of one image's scores; count <= kColumns.
ALREF_INLINE void pool_columns(const Matrix& scores, const Matrix& x, int64_t rows,
                               int64_t channels, int64_t column, int64_t count,
                               std::vector<float>& weights, std::vector<float>& sums, float* out) {
  F32 top = F32{} - std::numeric_limits<float>::max(), total{};
  for (int64_t i = 0; i < rows; ++i) {
    F32 s;
    read(scores.row(i) + column, count, s);
    top = s > top ? s : top;
  }
  std::fill(sums.begin(), sums.end(), 0.0f);
  for (int64_t first = 0; first < rows; first += kRows) {
    const int64_t n = std::min(kRows, rows - first);
    for (int64_t i = 0; i < n; ++i) {
      F32 s;
      read(scores.row(first + i) + column, count, s);
      s -= top;
      simd::exp(s);
      total += s;
      simd::store(&weights[static_cast<size_t>(i * kColumns)], s);
    }
    multiply(weights.data(), x, first, n, channels, sums.data());
  }
  for (int64_t j = 0; j < count; ++j) {
    const float scale = 1 / total[j];
    for (int64_t c = 0; c < channels; ++c)
      out[j * channels + c] = sums[static_cast<size_t>(j * channels + c)] * scale;
  }
}

ALREF_FOR_EACH_CPU void pool(const ggml_tensor* node, int part, int parts) {
  const ggml_tensor *scores = node->src[0], *x = node->src[1];
  const int64_t rows = x->ne[1], channels = x->ne[0], columns = scores->ne[0];
  const int64_t blocks = (columns + kColumns - 1) / kColumns;
  std::vector<float> weights(static_cast<size_t>(kRows * kColumns)),
      sums(static_cast<size_t>(kColumns * channels));
  const Range mine = share(blocks * x->ne[2], part, parts);
  for (int64_t i = mine.begin; i < mine.end; ++i) {
    const int64_t image = i / blocks, column = i % blocks * kColumns;
    const Matrix s{
        static_cast<const char*>(scores->data) + static_cast<size_t>(image) * scores->nb[2],
        scores->nb[1]};
    const Matrix values{static_cast<const char*>(x->data) + static_cast<size_t>(image) * x->nb[2],
                        x->nb[1]};
    float* out = static_cast<float*>(node->data) + (image * columns + column) * channels;
    pool_columns(s, values, rows, channels, column, std::min(kColumns, columns - column), weights,
                 sums, out);
  }
}

class SoftmaxPoolOp : public CustomOp {
 public:
  std::string_view name() const override { return "softmax pool"; }
  void run(ggml_tensor* node, int part, int parts) const override { pool(node, part, parts); }
};

}  // namespace

ggml_tensor* softmax_pool(Graph& g, ggml_tensor* scores, ggml_tensor* x) {
  GGML_ASSERT(scores->ne[1] == x->ne[1] && scores->ne[2] == x->ne[2]);
  return custom(g, std::make_shared<SoftmaxPoolOp>(), {x->ne[2], scores->ne[0], x->ne[0]},
                {scores, x});
}

}  // namespace alref::compute
