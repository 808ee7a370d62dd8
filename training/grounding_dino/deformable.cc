// SPDX-License-Identifier: Apache-2.0
// Sampling step of multi-scale deformable attention on CPUs, forward and backward, one thread.
//
//   value   [B, N, H, D]           the maps' cells, level after level, rows first
//   at      [B, Q, H, L, P, 2]     sampling places (x, y) in [0, 1], bilinear, zero outside
//   weight  [B, Q, H, L, P]
//   shapes  h and w of each level
//   result  [B, Q, H, D]           all f32 and contiguous

#include <torch/extension.h>

#include <cmath>
#include <vector>

namespace {

struct Sizes {
  int64_t batch, cells, queries, heads, levels, points, dim;
};

Sizes sizes(const torch::Tensor& value, const torch::Tensor& at) {
  return {value.size(0), value.size(1), at.size(1), at.size(2), at.size(3), at.size(4), value.size(3)};
}

// Calls visit(sample, first cell of the level, height, width, x, y) for each sampling place; x and y
// in cells, from the centre of the first.
template <class Visit>
void for_each_sample(const Sizes& s, const std::vector<int64_t>& shapes, const float* at, int64_t bqh,
                     Visit visit) {
  int64_t start = 0;
  for (int64_t l = 0; l < s.levels; ++l) {
    const int64_t h = shapes[2 * l], w = shapes[2 * l + 1];
    for (int64_t p = 0; p < s.points; ++p) {
      const int64_t i = (bqh * s.levels + l) * s.points + p;
      const float x = at[2 * i] * w - 0.5f, y = at[2 * i + 1] * h - 0.5f;
      if (x > -1 && y > -1 && x < w && y < h) visit(i, start, h, w, x, y);
    }
    start += h * w;
  }
}

}  // namespace

torch::Tensor forward(torch::Tensor value, torch::Tensor at, torch::Tensor weight,
                      std::vector<int64_t> shapes) {
  const Sizes s = sizes(value, at);
  auto out = torch::zeros({s.batch, s.queries, s.heads, s.dim}, value.options());
  const float *v = value.data_ptr<float>(), *a = at.data_ptr<float>(), *w = weight.data_ptr<float>();
  float* o = out.data_ptr<float>();
  const int64_t row = s.heads * s.dim;
  for (int64_t bqh = 0; bqh < s.batch * s.queries * s.heads; ++bqh) {
    const int64_t head = bqh % s.heads, b = bqh / (s.heads * s.queries);
    const float* base = v + b * s.cells * row + head * s.dim;
    float* __restrict y = o + bqh * s.dim;
    for_each_sample(s, shapes, a, bqh, [&](int64_t i, int64_t start, int64_t mh, int64_t mw, float px, float py) {
      const int64_t x0 = std::floor(px), y0 = std::floor(py);
      const float fx = px - x0, fy = py - y0;
      for (int corner = 0; corner < 4; ++corner) {
        const int64_t cx = x0 + (corner & 1), cy = y0 + (corner >> 1);
        if (cx < 0 || cy < 0 || cx >= mw || cy >= mh) continue;
        const float c = ((corner & 1) ? fx : 1 - fx) * ((corner >> 1) ? fy : 1 - fy) * w[i];
        const float* __restrict cell = base + (start + cy * mw + cx) * row;
        for (int64_t d = 0; d < s.dim; ++d) y[d] += c * cell[d];
      }
    });
  }
  return out;
}

std::vector<torch::Tensor> backward(torch::Tensor value, torch::Tensor at, torch::Tensor weight,
                                    std::vector<int64_t> shapes, torch::Tensor grad) {
  const Sizes s = sizes(value, at);
  auto d_value = torch::zeros_like(value), d_at = torch::zeros_like(at), d_weight = torch::zeros_like(weight);
  const float *v = value.data_ptr<float>(), *a = at.data_ptr<float>(), *w = weight.data_ptr<float>();
  const float* g = grad.data_ptr<float>();
  float *dv = d_value.data_ptr<float>(), *da = d_at.data_ptr<float>(), *dw = d_weight.data_ptr<float>();
  const int64_t row = s.heads * s.dim;
  for (int64_t bqh = 0; bqh < s.batch * s.queries * s.heads; ++bqh) {
    const int64_t head = bqh % s.heads, b = bqh / (s.heads * s.queries);
    const int64_t base = b * s.cells * row + head * s.dim;
    const float* __restrict gy = g + bqh * s.dim;
    for_each_sample(s, shapes, a, bqh, [&](int64_t i, int64_t start, int64_t mh, int64_t mw, float px, float py) {
      const int64_t x0 = std::floor(px), y0 = std::floor(py);
      const float fx = px - x0, fy = py - y0;
      float sum = 0, slope_x = 0, slope_y = 0;
      for (int corner = 0; corner < 4; ++corner) {
        const int64_t cx = x0 + (corner & 1), cy = y0 + (corner >> 1);
        if (cx < 0 || cy < 0 || cx >= mw || cy >= mh) continue;
        const float wx = (corner & 1) ? fx : 1 - fx, wy = (corner >> 1) ? fy : 1 - fy;
        const int64_t cell = base + (start + cy * mw + cx) * row;
        const float c = wx * wy * w[i];
        const float* __restrict x = v + cell;
        float* __restrict dx = dv + cell;
        float dot = 0;
        for (int64_t d = 0; d < s.dim; ++d) {
          dot += gy[d] * x[d];
          dx[d] += c * gy[d];
        }
        sum += wx * wy * dot;
        slope_x += ((corner & 1) ? wy : -wy) * dot;
        slope_y += ((corner >> 1) ? wx : -wx) * dot;
      }
      dw[i] = sum;
      da[2 * i] = slope_x * w[i] * mw;
      da[2 * i + 1] = slope_y * w[i] * mh;
    });
  }
  return {d_value, d_at, d_weight};
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("forward", &forward);
  m.def("backward", &backward);
}
