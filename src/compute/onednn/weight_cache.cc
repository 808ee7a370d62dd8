// SPDX-License-Identifier: Apache-2.0
#include "compute/onednn/weight_cache.h"

#include <string_view>

#include <ggml-backend.h>

#include "core/pages.h"

namespace alref::compute::onednn {
namespace {

const ggml_tensor* owner(const ggml_tensor* tensor) {
  return tensor->view_src ? tensor->view_src : tensor;
}

// Pages of a mapped model file come back from the file when touched again; packed copies beside
// them would double the memory.
void release_mapped_pages(const ggml_tensor* tensor) {
  ggml_backend_buffer_t buffer = owner(tensor)->buffer;
  if (std::string_view(ggml_backend_buffer_name(buffer)) != "CPU_Mapped") return;
  release_file_pages(tensor->data, ggml_nbytes(tensor));
}

}  // namespace

bool is_weight(const ggml_tensor* tensor) {
  ggml_backend_buffer_t buffer = owner(tensor)->buffer;
  return buffer && ggml_backend_buffer_get_usage(buffer) == GGML_BACKEND_BUFFER_USAGE_WEIGHTS;
}

const std::byte* WeightCache::transposed(Engine& engine, const kernels::BlockKernels& kernels,
                                         const ggml_tensor* weight) {
  const int64_t k = weight->ne[0], n = weight->ne[1], slices = weight->ne[2] * weight->ne[3];
  const Key key{weight->data, kernels.element, true, k, n, slices, weight->nb[1], weight->type};
  if (auto it = packed_.find(key); it != packed_.end()) return it->second.data();

  engine.count_preparation();
  Scratch& packed = packed_[key];
  const size_t slice_bytes = kernels.packed_bytes(k, n);
  packed.reserve(slice_bytes * static_cast<size_t>(slices));
  const kernels::Panels panels(n);
  const auto to_float = ggml_get_type_traits(weight->type)->to_float;
  if (to_float)
    engine.reserve_thread_scratch(static_cast<size_t>(kernels::kPanelColumns * k) * sizeof(float));
  engine.parallel(slices * panels.count(), [&](int64_t item, int thread) {
    const int64_t slice = item / panels.count(), panel = item % panels.count();
    const int64_t column = 16 * panels.begin(panel),
                  columns = std::min(n - column, 16 * panels.width(panel));
    const char* rows = static_cast<const char*>(weight->data) +
                       static_cast<size_t>(column) * weight->nb[1] +
                       static_cast<size_t>(slice % weight->ne[2]) * weight->nb[2] +
                       static_cast<size_t>(slice / weight->ne[2]) * weight->nb[3];
    const void* values[kernels::kPanelColumns];
    for (int64_t i = 0; i < columns; ++i) {
      const char* row = rows + static_cast<size_t>(i) * weight->nb[1];
      values[i] = row;
      if (to_float) {
        float* converted = reinterpret_cast<float*>(engine.thread_scratch(thread)) + i * k;
        to_float(row, converted, k);
        values[i] = converted;
      }
    }
    kernels.from_f32.pack_transposed(
        values, k, columns, panels.width(panel),
        packed.data() + static_cast<size_t>(slice) * slice_bytes +
            static_cast<size_t>(column * kernels.padded(k)) * kernels.element_bytes);
  });
  release_mapped_pages(weight);
  return packed.data();
}

const std::byte* WeightCache::plain(Engine& engine, const kernels::BlockKernels& kernels,
                                    const ggml_tensor* weight, int64_t k, int64_t n, int64_t begin,
                                    int64_t columns) {
  const auto* values = static_cast<const float*>(weight->data) + begin;
  const Key key{values, kernels.element, false, k, n, columns, 0, weight->type};
  if (auto it = packed_.find(key); it != packed_.end()) return it->second.data();

  engine.count_preparation();
  Scratch& packed = packed_[key];
  packed.reserve(kernels.packed_bytes(k, columns));
  const kernels::Panels panels(columns);
  std::vector<const void*> rows(static_cast<size_t>(k));
  for (int64_t i = 0; i < k; ++i) rows[static_cast<size_t>(i)] = values + i * n;
  engine.parallel(panels.count(), [&](int64_t panel, int) {
    const int64_t column = 16 * panels.begin(panel);
    kernels.from_f32.pack(
        rows.data(), column, k, std::min(columns - column, 16 * panels.width(panel)),
        panels.width(panel),
        packed.data() + static_cast<size_t>(column * kernels.padded(k)) * kernels.element_bytes);
  });
  return packed.data();
}

void WeightCache::forget(const void* begin, size_t bytes) {
  const auto* first = static_cast<const std::byte*>(begin);
  std::erase_if(packed_, [&](const auto& entry) {
    const auto* at = static_cast<const std::byte*>(std::get<0>(entry.first));
    return at >= first && at < first + bytes;
  });
}

}  // namespace alref::compute::onednn
