// SPDX-License-Identifier: Apache-2.0
#include "compute/onednn/deformable_attention.h"

#include <algorithm>
#include <limits>

#include "compute/kernels/deformable.h"
#include "compute/onednn/product.h"
#include "compute/row_at.h"

namespace alref::compute::onednn {
namespace {

constexpr int64_t kPixels = 64;    // copied at a time
constexpr int64_t kQueries = 512;  // that a thread takes at a time

int64_t points_of(const DeformableAttentionParams& params) {
  return static_cast<int64_t>(params.levels.size()) * params.points;
}

kernels::DeformablePoints table_of(const DeformableAttentionParams& params, int64_t pixel_bytes) {
  kernels::DeformablePoints table{
      .width = {}, .height = {}, .stride = {}, .start = {}, .count = points_of(params)};
  table.width.fill(1), table.height.fill(1);
  size_t i = 0;
  int64_t first = 0;
  for (const MapSize& level : params.levels) {
    for (int64_t point = 0; point < params.points; ++point, ++i) {
      table.width[i] = static_cast<float>(level.width);
      table.height[i] = static_cast<float>(level.height);
      table.stride[i] = static_cast<int32_t>(level.width * pixel_bytes);
      table.start[i] = static_cast<int32_t>(first * pixel_bytes);
    }
    first += level.pixels();
  }
  return table;
}

std::ptrdiff_t stride_of(const ggml_tensor* t) {
  return static_cast<std::ptrdiff_t>(t->nb[1] / sizeof(float));
}

// A copy costs about as much as a quarter of the pixels' queries.
bool worth_copying(const ggml_tensor* node) { return 4 * node->ne[1] >= node->src[0]->ne[1]; }

}  // namespace

bool takes_narrow_value(const Engine& engine, const DeformableAttentionOp& op,
                        const ggml_tensor* node) {
  const ggml_tensor* value = node->src[0];
  return engine.rows() && value->ne[0] / op.params().heads % 32 == 0 &&
         points_of(op.params()) <= kernels::kMostDeformablePoints &&
         value->ne[1] * static_cast<int64_t>(value->nb[1]) <= std::numeric_limits<int32_t>::max();
}

bool takes_deformable_attention(const Engine& engine, const DeformableAttentionOp& op,
                                const ggml_tensor* node) {
  return takes_narrow_value(engine, op, node) &&
         (node->src[0]->type != GGML_TYPE_F32 || worth_copying(node));
}

void run_deformable_attention(Engine& engine, const DeformableAttentionOp& op, ggml_tensor* node) {
  const ggml_tensor *value = node->src[0], *offsets = node->src[1], *scores = node->src[2],
                    *reference = node->src[3];
  const DeformableAttentionParams& params = op.params();
  const kernels::BlockKernels& kernels = *engine.fast();
  const int64_t heads = params.heads, d = value->ne[0] / heads, pixels = value->ne[1],
                queries = node->ne[1];
  const bool in_place = !worth_copying(node);  // bf16 already
  const int64_t head_bytes = d * static_cast<int64_t>(kernels.element_bytes),
                pixel_bytes = in_place ? static_cast<int64_t>(value->nb[1]) : head_bytes,
                map_bytes = in_place ? head_bytes : pixels * pixel_bytes;
  const kernels::DeformablePoints points = table_of(params, pixel_bytes);
  std::byte* copies =
      in_place ? nullptr : engine.shared_scratch(static_cast<size_t>(heads * map_bytes));
  for (int64_t image = 0; image < value->ne[2]; ++image) {
    if (!in_place) {
      engine.parallel((pixels + kPixels - 1) / kPixels, [&](int64_t item, int) {
        const int64_t begin = item * kPixels, count = std::min(kPixels, pixels - begin);
        for (int64_t head = 0; head < heads; ++head) {
          const void* rows[kPixels];
          for (int64_t i = 0; i < count; ++i)
            rows[i] = place_in(value, row_at(value, begin + i, image), head * d);
          reading(kernels, value)
              .convert(rows, count, d, copies + head * map_bytes + begin * pixel_bytes, d);
        }
      });
    }
    const auto* maps =
        in_place ? reinterpret_cast<const std::byte*>(row_at(value, 0, image)) : copies;
    // Head after head, so that the threads read one map at a time.
    const int64_t blocks = (queries + kQueries - 1) / kQueries;
    engine.parallel(heads * blocks, [&](int64_t item, int) {
      const int64_t head = item / blocks, begin = item % blocks * kQueries;
      engine.rows()->deformable_head(
          {.points = &points,
           .map = maps + head * map_bytes,
           .element = kernels.element,
           .pixel_bytes = pixel_bytes,
           .channels = d,
           .queries = std::min(kQueries, queries - begin),
           .offsets = row_at(offsets, begin, image) + head * points.count * 2,
           .scores = row_at(scores, begin, image) + head * points.count,
           .reference = row_at(reference, begin, image % reference->ne[2]),
           .offsets_stride = stride_of(offsets),
           .scores_stride = stride_of(scores),
           .reference_stride = stride_of(reference),
           .boxes = reference->ne[0] == 4,
           .per_point = 0.5f / static_cast<float>(params.points),
           .result = static_cast<std::byte*>(node->data) +
                     static_cast<size_t>((image * queries + begin) * node->ne[0] + head * d) *
                         node->nb[0],
           .result_element =
               node->type == GGML_TYPE_F32 ? kernels::Element::kF32 : kernels::Element::kBf16,
           .result_stride = node->ne[0]});
    });
  }
}

}  // namespace alref::compute::onednn
