// SPDX-License-Identifier: Apache-2.0
#include "compute/ops/window_op.h"

#include <algorithm>

namespace alref::compute {
namespace {

int64_t windows_along(int64_t length, int64_t window) { return (length + window - 1) / window; }

const float* pixel(const ggml_tensor* x, int64_t image, int64_t row, int64_t column) {
  return reinterpret_cast<const float*>(
      static_cast<const char*>(x->data) + static_cast<size_t>(image) * x->nb[3] +
      static_cast<size_t>(row) * x->nb[2] + static_cast<size_t>(column) * x->nb[1]);
}

class WindowPartitionOp : public CustomOp {
 public:
  explicit WindowPartitionOp(const WindowParams& params) : params_(params) {}

  std::string_view name() const override { return "window partition"; }

  void run(ggml_tensor* node, int part, int parts) const override {
    const ggml_tensor* x = node->src[0];
    const int64_t channels = x->ne[0], width = x->ne[1], height = x->ne[2], side = params_.window;
    const int64_t across = windows_along(width, side), down = windows_along(height, side);
    const Range mine = share(node->ne[2] * side, part, parts);
    for (int64_t i = mine.begin; i < mine.end; ++i) {  // a row of pixels of a window
      const int64_t window = i / side, image = window / (across * down);
      const int64_t top = window / across % down * side, left = window % across * side;
      const int64_t y = (top + i % side + params_.shift) % (down * side);
      float* out = static_cast<float*>(node->data) + i * side * channels;
      for (int64_t column = 0; column < side; ++column, out += channels) {
        const int64_t xx = (left + column + params_.shift) % (across * side);
        if (y < height && xx < width) {
          std::copy_n(pixel(x, image, y, xx), channels, out);
        } else {
          std::fill_n(out, channels, 0.0f);
        }
      }
    }
  }

 private:
  WindowParams params_;
};

class WindowMergeOp : public CustomOp {
 public:
  explicit WindowMergeOp(const WindowParams& params) : params_(params) {}

  std::string_view name() const override { return "window merge"; }

  void run(ggml_tensor* node, int part, int parts) const override {
    const ggml_tensor* windows = node->src[0];
    const int64_t channels = node->ne[0], width = node->ne[1], height = node->ne[2],
                  side = params_.window;
    const int64_t across = windows_along(width, side), down = windows_along(height, side);
    const Range mine = share(node->ne[3] * height, part, parts);
    for (int64_t i = mine.begin; i < mine.end; ++i) {
      const int64_t image = i / height;
      const int64_t y = (i % height - params_.shift + down * side) % (down * side);
      float* out = static_cast<float*>(node->data) + i * width * channels;
      for (int64_t column = 0; column < width; ++column, out += channels) {
        const int64_t x = (column - params_.shift + across * side) % (across * side);
        const int64_t window = (image * down + y / side) * across + x / side;
        std::copy_n(pixel(windows, 0, window, y % side * side + x % side), channels, out);
      }
    }
  }

 private:
  WindowParams params_;
};

class PatchMergeOp : public CustomOp {
 public:
  std::string_view name() const override { return "patch merge"; }

  void run(ggml_tensor* node, int part, int parts) const override {
    const ggml_tensor* x = node->src[0];
    const int64_t channels = x->ne[0], out_width = node->ne[1], out_height = node->ne[2];
    const Range mine = share(node->ne[3] * out_height, part, parts);
    for (int64_t i = mine.begin; i < mine.end; ++i) {
      float* out = static_cast<float*>(node->data) + i * out_width * 4 * channels;
      for (int64_t column = 0; column < out_width; ++column) {
        for (int64_t k = 0; k < 4; ++k, out += channels) {
          const int64_t y = i % out_height * 2 + k % 2, xx = column * 2 + k / 2;
          if (y < x->ne[2] && xx < x->ne[1]) {
            std::copy_n(pixel(x, i / out_height, y, xx), channels, out);
          } else {
            std::fill_n(out, channels, 0.0f);
          }
        }
      }
    }
  }
};

// Which of the three strips of a rolled, padded map a line belongs to: wholly inside, or before or
// after the seam.
int strip(int64_t position, int64_t padded, const WindowParams& p) {
  if (position < padded - p.window) return 0;
  return position < padded - p.shift ? 1 : 2;
}

}  // namespace

ggml_tensor* window_partition(Graph& g, const WindowParams& params, ggml_tensor* x) {
  const int64_t windows =
      windows_along(x->ne[1], params.window) * windows_along(x->ne[2], params.window);
  return custom(g, std::make_shared<WindowPartitionOp>(params),
                {x->ne[3] * windows, params.window * params.window, x->ne[0]}, {x});
}

ggml_tensor* window_merge(Graph& g, const WindowParams& params, ggml_tensor* windows,
                          int64_t height, int64_t width) {
  const int64_t per_image =
      windows_along(width, params.window) * windows_along(height, params.window);
  GGML_ASSERT(windows->ne[2] % per_image == 0 && windows->ne[1] == params.window * params.window);
  return custom(g, std::make_shared<WindowMergeOp>(params),
                {windows->ne[2] / per_image, height, width, windows->ne[0]}, {windows});
}

ggml_tensor* patch_merge(Graph& g, ggml_tensor* x) {
  return custom(g, std::make_shared<PatchMergeOp>(),
                {x->ne[3], (x->ne[2] + 1) / 2, (x->ne[1] + 1) / 2, 4 * x->ne[0]}, {x});
}

std::vector<float> shifted_window_mask(const WindowParams& params, int64_t height, int64_t width) {
  const int64_t side = params.window, n = side * side;
  const int64_t across = windows_along(width, side), down = windows_along(height, side);
  std::vector<float> mask(static_cast<size_t>(across * down * n * n));
  std::vector<int> region(static_cast<size_t>(n));
  float* out = mask.data();
  for (int64_t window = 0; window < across * down; ++window) {
    for (int64_t i = 0; i < n; ++i) {
      const int64_t y = window / across * side + i / side, x = window % across * side + i % side;
      region[static_cast<size_t>(i)] =
          3 * strip(y, down * side, params) + strip(x, across * side, params);
    }
    for (int from : region) {
      for (int to : region) *out++ = from == to ? 0.0f : -100.0f;
    }
  }
  return mask;
}

}  // namespace alref::compute
