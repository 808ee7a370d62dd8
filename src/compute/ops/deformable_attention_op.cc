// SPDX-License-Identifier: Apache-2.0
#include "compute/ops/deformable_attention_op.h"

#include <algorithm>
#include <limits>

#include "compute/ops/vector_math.h"
#include "compute/row_at.h"

namespace alref::compute {
namespace {

using simd::F32;
using simd::I32;
using simd::kLanes;

// A value of one of the types that maps come in.
struct Bf16 {
  uint16_t bits;
};

ALREF_INLINE void widen(F32& into, const float* from) { simd::load(into, from); }

ALREF_INLINE void widen(F32& into, const Bf16* from) {
  simd::U16 bits;
  simd::load(bits, from);
  const simd::U32 wide = __builtin_convertvector(bits, simd::U32) << 16;
  std::memcpy(&into, &wide, sizeof(into));
}

ALREF_INLINE float widen(float value) { return value; }

ALREF_INLINE float widen(Bf16 value) {
  const uint32_t wide = static_cast<uint32_t>(value.bits) << 16;
  float result;
  std::memcpy(&result, &wide, sizeof(result));
  return result;
}

// What depends on a point's place in the list of one head only; padded to whole vectors.
struct PointTable {
  explicit PointTable(const DeformableAttentionParams& p) {
    const int64_t count = static_cast<int64_t>(p.levels.size()) * p.points;
    vectors = static_cast<int>((count + kLanes - 1) / kLanes);
    const size_t padded = static_cast<size_t>(vectors) * kLanes;
    width.assign(padded, 1), height.assign(padded, 1);
    stride.assign(padded, 1), start.assign(padded, 0);
    int64_t first = 0;
    size_t i = 0;
    for (const MapSize& level : p.levels) {
      for (int64_t point = 0; point < p.points; ++point, ++i) {
        width[i] = static_cast<float>(level.width);
        height[i] = static_cast<float>(level.height);
        stride[i] = static_cast<int32_t>(level.width);
        start[i] = static_cast<int32_t>(first);
      }
      first += level.pixels();
    }
  }

  int vectors;
  std::vector<float> width, height;
  std::vector<int32_t> stride, start;  // pixels in a row; first pixel of the level
};

// The four pixels of each point of one head, and their weights (0 where outside the map).
struct Corners {
  explicit Corners(int vectors)
      : pixel(static_cast<size_t>(vectors) * 4 * kLanes), weight(pixel.size()) {}
  std::vector<int32_t> pixel;  // [vectors, 4, 16]
  std::vector<float> weight;
};

ALREF_INLINE void floor_of(const F32& x, I32& whole, F32& fraction) {
  whole = __builtin_convertvector(x, I32);
  whole += (__builtin_convertvector(whole, F32) > x);  // true is -1: truncation went up
  fraction = x - __builtin_convertvector(whole, F32);
}

// x, y: places in pixels of the level, where (0, 0) is a pixel's centre. weight: the attention.
ALREF_INLINE void find_corners(const PointTable& table, int v, const F32& x, const F32& y,
                               const F32& attention, Corners& corners) {
  F32 width, height, x_fraction, y_fraction;
  I32 stride, start, x0, y0;
  simd::load(width, &table.width[static_cast<size_t>(v) * kLanes]);
  simd::load(height, &table.height[static_cast<size_t>(v) * kLanes]);
  simd::load(stride, &table.stride[static_cast<size_t>(v) * kLanes]);
  simd::load(start, &table.start[static_cast<size_t>(v) * kLanes]);
  const F32 low = F32{} - 2.0f;
  // Beyond one pixel outside nothing counts; comparisons this way round also turn NaN into a
  // number.
  F32 xc = x > low ? x : low, yc = y > low ? y : low;
  xc = xc < width + 1.0f ? xc : width + 1.0f;
  yc = yc < height + 1.0f ? yc : height + 1.0f;
  floor_of(xc, x0, x_fraction);
  floor_of(yc, y0, y_fraction);
  const I32 last_x = __builtin_convertvector(width, I32) - 1,
            last_y = __builtin_convertvector(height, I32) - 1;
  for (int corner = 0; corner < 4; ++corner) {
    const I32 cx = x0 + (corner & 1), cy = y0 + (corner >> 1);
    const I32 outside = (cx < 0) | (cx > last_x) | (cy < 0) | (cy > last_y);
    const F32 weight = attention * (corner & 1 ? x_fraction : 1.0f - x_fraction) *
                       (corner >> 1 ? y_fraction : 1.0f - y_fraction);
    const size_t slot = (static_cast<size_t>(v) * 4 + static_cast<size_t>(corner)) * kLanes;
    simd::store(&corners.weight[slot], outside ? F32{} : weight);
    simd::store(&corners.pixel[slot], outside ? start : start + cy * stride + cx);
  }
}

// Softmax over all points of a head; the padding gets weight 0.
ALREF_INLINE void softmax(const float* scores, int64_t count, float* weights, int vectors) {
  std::copy_n(scores, count, weights);
  std::fill(weights + count, weights + vectors * kLanes, -std::numeric_limits<float>::infinity());
  const float top = *std::max_element(weights, weights + count);
  F32 total{};
  for (int v = 0; v < vectors; ++v) {
    F32 w;
    simd::load(w, weights + v * kLanes);
    w -= top;
    simd::exp(w);
    total += w;
    simd::store(weights + v * kLanes, w);
  }
  const float scale = 1.0f / simd::sum(total);
  for (int i = 0; i < vectors * kLanes; ++i) weights[i] *= scale;
}

// Sums 16 * kVectors channels of one head.
template <int kVectors, typename Value>
ALREF_INLINE void gather(const Corners& corners, int64_t count, const char* value, size_t stride,
                         float* out) {
  // Two sums, of the left and of the right corners: one alone would wait for itself at every step.
  F32 sums[2][kVectors] = {};
  for (int64_t point = 0; point < count; ++point) {
    const size_t slot =
        static_cast<size_t>(point / kLanes) * 4 * kLanes + static_cast<size_t>(point % kLanes);
    for (size_t corner = 0; corner < 4; ++corner) {
      const float weight = corners.weight[slot + corner * kLanes];
      const auto* pixel = reinterpret_cast<const Value*>(
          value + static_cast<size_t>(corners.pixel[slot + corner * kLanes]) * stride);
      for (int k = 0; k < kVectors; ++k) {
        F32 channels;
        widen(channels, pixel + k * kLanes);
        sums[corner % 2][k] += channels * weight;
      }
    }
  }
  for (int k = 0; k < kVectors; ++k) simd::store(out + k * kLanes, sums[0][k] + sums[1][k]);
}

template <typename Value>
ALREF_INLINE void gather_any(const Corners& corners, int64_t count, const char* value,
                             size_t stride, int64_t channels, float* out) {
  std::fill_n(out, channels, 0.0f);
  for (int64_t point = 0; point < count; ++point) {
    const size_t slot =
        static_cast<size_t>(point / kLanes) * 4 * kLanes + static_cast<size_t>(point % kLanes);
    for (size_t corner = 0; corner < 4; ++corner) {
      const float weight = corners.weight[slot + corner * kLanes];
      const auto* pixel = reinterpret_cast<const Value*>(
          value + static_cast<size_t>(corners.pixel[slot + corner * kLanes]) * stride);
      for (int64_t c = 0; c < channels; ++c) out[c] += widen(pixel[c]) * weight;
    }
  }
}

template <typename Value>
ALREF_INLINE void attend(const ggml_tensor* node, const DeformableAttentionParams& params,
                         const Range& mine) {
  const ggml_tensor *value = node->src[0], *offsets = node->src[1], *scores = node->src[2],
                    *reference = node->src[3];
  const int64_t queries = node->ne[1], heads = params.heads, d = node->ne[0] / heads;
  const int64_t count = static_cast<int64_t>(params.levels.size()) * params.points;
  const bool boxes = reference->ne[0] == 4;
  const float per_point = 0.5f / static_cast<float>(params.points);
  const PointTable table(params);
  Corners corners(table.vectors);
  std::vector<float> attention(static_cast<size_t>(table.vectors) * kLanes), xs(attention.size()),
      ys(attention.size());

  for (int64_t i = mine.begin; i < mine.end; ++i) {
    const int64_t image = i / queries, query = i % queries;
    const float* place = row_at(reference, query, image % reference->ne[2]);
    for (int64_t head = 0; head < heads; ++head) {
      softmax(row_at(scores, query, image) + head * count, count, attention.data(), table.vectors);
      const float* offset = row_at(offsets, query, image) + head * count * 2;
      for (int64_t point = 0; point < count; ++point) {
        xs[static_cast<size_t>(point)] = offset[2 * point];
        ys[static_cast<size_t>(point)] = offset[2 * point + 1];
      }
      for (int v = 0; v < table.vectors; ++v) {
        F32 x, y, weight, width, height;
        simd::load(x, &xs[static_cast<size_t>(v) * kLanes]);
        simd::load(y, &ys[static_cast<size_t>(v) * kLanes]);
        simd::load(weight, &attention[static_cast<size_t>(v) * kLanes]);
        simd::load(width, &table.width[static_cast<size_t>(v) * kLanes]);
        simd::load(height, &table.height[static_cast<size_t>(v) * kLanes]);
        if (boxes) {
          x = (place[0] + x * (per_point * place[2])) * width - 0.5f;
          y = (place[1] + y * (per_point * place[3])) * height - 0.5f;
        } else {
          x = place[0] * width + x - 0.5f;
          y = place[1] * height + y - 0.5f;
        }
        find_corners(table, v, x, y, weight, corners);
      }
      const char* values = static_cast<const char*>(value->data) +
                           static_cast<size_t>(image) * value->nb[2] +
                           static_cast<size_t>(head * d) * sizeof(Value);
      float* out = static_cast<float*>(node->data) + i * node->ne[0] + head * d;
      switch (d) {
        case 16:
          gather<1, Value>(corners, count, values, value->nb[1], out);
          break;
        case 32:
          gather<2, Value>(corners, count, values, value->nb[1], out);
          break;
        case 64:
          gather<4, Value>(corners, count, values, value->nb[1], out);
          break;
        default:
          gather_any<Value>(corners, count, values, value->nb[1], d, out);
      }
    }
  }
}

ALREF_FOR_EACH_CPU void attend_f32(const ggml_tensor* node, const DeformableAttentionParams& params,
                                   const Range& mine) {
  attend<float>(node, params, mine);
}

ALREF_FOR_EACH_CPU void attend_bf16(const ggml_tensor* node,
                                    const DeformableAttentionParams& params, const Range& mine) {
  attend<Bf16>(node, params, mine);
}

}  // namespace

void DeformableAttentionOp::run(ggml_tensor* node, int part, int parts) const {
  const Range mine = share(node->ne[1] * node->ne[2], part, parts);
  if (node->src[0]->type == GGML_TYPE_BF16) {
    attend_bf16(node, params_, mine);
  } else {
    attend_f32(node, params_, mine);
  }
}

ggml_tensor* deformable_attention(Graph& g, const DeformableAttentionParams& params,
                                  ggml_tensor* value, ggml_tensor* offsets, ggml_tensor* scores,
                                  ggml_tensor* reference) {
  int64_t pixels = 0;
  for (const MapSize& level : params.levels) pixels += level.pixels();
  const int64_t points = params.heads * static_cast<int64_t>(params.levels.size()) * params.points;
  GGML_ASSERT(value->ne[1] == pixels && value->ne[0] % params.heads == 0);
  GGML_ASSERT(offsets->ne[0] == 2 * points && scores->ne[0] == points &&
              offsets->ne[1] == scores->ne[1]);
  GGML_ASSERT(reference->ne[0] == 2 || reference->ne[0] == 4);
  GGML_ASSERT(value->type == GGML_TYPE_F32 || value->type == GGML_TYPE_BF16);
  return custom(g, std::make_shared<DeformableAttentionOp>(params),
                {offsets->ne[2], offsets->ne[1], value->ne[0]},
                {value, offsets, scores, reference});
}

}  // namespace alref::compute
