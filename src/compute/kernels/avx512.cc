// SPDX-License-Identifier: Apache-2.0
// Built for AVX-512 F, BW, DQ and VL; only row_kernels() and block_kernels() (kernels.cc) may lead
// here.
#include "compute/kernels/avx512.h"

#include <utility>

#include "compute/kernels/products.h"

namespace alref::compute::kernels {
namespace {

struct F32 {
  using T = float;
  using Vector = __m512;
  static constexpr int kPerStep = 1;
  static constexpr int64_t kMultiple = 1;
  static int64_t place(int64_t step, int64_t vector, int64_t width, int64_t) {
    return step * width + vector;
  }

  static __m512 load(const float* p) { return _mm512_loadu_ps(p); }
  static __m512 broadcast(const float* p) { return _mm512_set1_ps(*p); }
  static __m512 step(__m512 sum, __m512 a, __m512 b) { return _mm512_fmadd_ps(a, b, sum); }
  static void store(float* p, __m512 x) { _mm512_storeu_ps(p, x); }
  static void store(float* p, __mmask16 lanes, __m512 x) { _mm512_mask_storeu_ps(p, lanes, x); }
  static __m512 gelu_of_element(__m512 x) { return gelu(x); }
  static __m512 widen(const float* p, __mmask16 lanes) { return _mm512_maskz_loadu_ps(lanes, p); }
  static __m512i gather_row(const float* p, int64_t count) {
    return _mm512_castps_si512(_mm512_maskz_loadu_ps(first_lanes(count), p));
  }
  static __m512i interleave(const float* even, const float*, __mmask16 lanes) {
    return _mm512_castps_si512(_mm512_maskz_loadu_ps(lanes, even));
  }
  static float rounded_top(float top) { return top; }
  static float weigh(const float* scores, int64_t n, float scale, float top, float* weights) {
    const __m512 factor = _mm512_set1_ps(scale), shift = _mm512_set1_ps(top);
    __m512 sum = _mm512_setzero_ps();
    for (int64_t j = 0; j < n; j += 16) {
      const __m512 weight = exp2(_mm512_fmsub_ps(_mm512_loadu_ps(scores + j), factor, shift));
      const __m512 known = _mm512_maskz_mov_ps(first_lanes(n - j), weight);
      sum = _mm512_add_ps(sum, known);
      _mm512_storeu_ps(weights + j, known);
    }
    return _mm512_reduce_add_ps(sum);
  }
};

// Of 16 / n rows at a time, where n divides 16.
void norm_of_short_rows(const float* x, float* y, int64_t rows, int64_t n, const RowNorm& norm) {
  const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                channel = _mm512_and_si512(lane, _mm512_set1_epi32(static_cast<int>(n - 1)));
  const auto repeated = [&](const float* values, float without) {
    return values ? _mm512_permutexvar_ps(channel, _mm512_maskz_loadu_ps(first_lanes(n), values))
                  : _mm512_set1_ps(without);
  };
  const auto mean = [&](__m512 v) {
    for (int step = 1; step < n; step *= 2) {
      const __m512i other = _mm512_xor_si512(lane, _mm512_set1_epi32(step));
      v = _mm512_add_ps(v, _mm512_permutexvar_ps(other, v));
    }
    return _mm512_mul_ps(v, _mm512_set1_ps(1.0f / static_cast<float>(n)));
  };
  const __m512 weight = repeated(norm.weight, 1), bias = repeated(norm.bias, 0);
  for (int64_t i = 0; i < rows * n; i += 16) {
    const __mmask16 lanes = first_lanes(rows * n - i);
    const __m512 v = _mm512_maskz_loadu_ps(lanes, x + i), d = _mm512_sub_ps(v, mean(v));
    const __m512 deviation =
        _mm512_sqrt_ps(_mm512_add_ps(mean(_mm512_mul_ps(d, d)), _mm512_set1_ps(norm.eps)));
    _mm512_mask_storeu_ps(y + i, lanes, _mm512_fmadd_ps(_mm512_div_ps(d, deviation), weight, bias));
  }
}

void layer_norm(const float* x, float* y, int64_t rows, int64_t n, const RowNorm& norm) {
  if (n <= 16 && 16 % n == 0) return norm_of_short_rows(x, y, rows, n, norm);
  for (int64_t r = 0; r < rows; ++r, x += n, y += n) {
    const NormalizedRow row(x, n, norm);
    for (int64_t i = 0; i < n; i += 16) _mm512_mask_storeu_ps(y + i, first_lanes(n - i), row.at(i));
  }
}

void activate(const float* x, float* y, int64_t n, Activation activation) {
  for (int64_t i = 0; i < n; i += 16) {
    const __mmask16 lanes = first_lanes(n - i);
    const __m512 v = _mm512_maskz_loadu_ps(lanes, x + i);
    const __m512 w = activation == Activation::kGelu      ? gelu(v)
                     : activation == Activation::kRelu    ? relu(v)
                     : activation == Activation::kSigmoid ? sigmoid(v)
                                                          : v;
    _mm512_mask_storeu_ps(y + i, lanes, w);
  }
}

void softmax(const float* x, float* y, int64_t n, float scale, const float* mask) {
  const __m512 factor = _mm512_set1_ps(scale), least = _mm512_set1_ps(-__builtin_inff());
  const auto scores = [&](int64_t i, __mmask16 lanes) {
    const __m512 added = mask ? _mm512_maskz_loadu_ps(lanes, mask + i) : _mm512_setzero_ps();
    return _mm512_fmadd_ps(_mm512_maskz_loadu_ps(lanes, x + i), factor, added);
  };
  __m512 high = least, total = _mm512_setzero_ps();
  for (int64_t i = 0; i < n; i += 16) {
    const __mmask16 lanes = first_lanes(n - i);
    high = _mm512_mask_max_ps(high, lanes, high, scores(i, lanes));
  }
  const __m512 top = _mm512_set1_ps(_mm512_reduce_max_ps(high));
  const auto weights = [&](int64_t i, __mmask16 lanes) {
    const __m512 below = _mm512_sub_ps(scores(i, lanes), top);
    return _mm512_maskz_mov_ps(lanes, exp2(_mm512_mul_ps(below, _mm512_set1_ps(kLog2E))));
  };
  if (n <= 16) {  // what a masked store wrote is slow to load again
    const __mmask16 lanes = first_lanes(n);
    const __m512 all = weights(0, lanes);
    _mm512_mask_storeu_ps(y, lanes,
                          _mm512_mul_ps(all, _mm512_set1_ps(1 / _mm512_reduce_add_ps(all))));
    return;
  }
  for (int64_t i = 0; i < n; i += 16) {
    const __mmask16 lanes = first_lanes(n - i);
    const __m512 weight = weights(i, lanes);
    total = _mm512_add_ps(total, weight);
    _mm512_mask_storeu_ps(y + i, lanes, weight);
  }
  const __m512 share = _mm512_set1_ps(1 / _mm512_reduce_add_ps(total));
  for (int64_t i = 0; i < n; i += 16) {
    const __mmask16 lanes = first_lanes(n - i);
    _mm512_mask_storeu_ps(y + i, lanes, _mm512_mul_ps(_mm512_maskz_loadu_ps(lanes, y + i), share));
  }
}

void rotate(const float* x, float* y, int64_t n, const float* turns) {
  for (int64_t i = 0; i < n; i += 16) {
    const __mmask16 lanes = first_lanes(n - i);
    const __m512 turn = _mm512_maskz_loadu_ps(lanes, turns + i),
                 pairs = _mm512_maskz_loadu_ps(lanes, x + i);
    const __m512 crossed = _mm512_mul_ps(_mm512_permute_ps(pairs, 0xb1), _mm512_movehdup_ps(turn));
    _mm512_mask_storeu_ps(y + i, lanes,
                          _mm512_fmaddsub_ps(pairs, _mm512_moveldup_ps(turn), crossed));
  }
}

void stream(const void* from, void* to, size_t bytes) {
  const auto* source = static_cast<const char*>(from);
  auto* target = static_cast<char*>(to);
  size_t i = std::min(bytes, (64 - reinterpret_cast<uintptr_t>(to) % 64) % 64);  // whole lines only
  std::memcpy(target, source, i);
  for (; i + 64 <= bytes; i += 64)
    _mm512_stream_si512(reinterpret_cast<__m512i*>(target + i), _mm512_loadu_si512(source + i));
  std::memcpy(target + i, source + i, bytes - i);
  _mm_sfence();  // such stores are ordered by nothing else
}

// Four pixels at a time share each weight that is loaded.
void depthwise_row(const DepthwiseRow& r) {
  constexpr int kPixels = 4;
  for (int64_t x0 = 0; x0 < r.out_width; x0 += kPixels) {
    for (int64_t c = 0; c < r.channels; c += 16) {
      const __mmask16 lanes = first_lanes(r.channels - c);
      const __m512 bias = r.bias ? _mm512_maskz_loadu_ps(lanes, r.bias + c) : _mm512_setzero_ps();
      __m512 sum[kPixels] = {bias, bias, bias, bias};
      for (int64_t ky = 0; ky < r.kernel_h; ++ky) {
        if (!r.lines[ky]) continue;
        for (int64_t kx = 0; kx < r.kernel_w; ++kx) {
          const __m512 w =
              _mm512_maskz_loadu_ps(lanes, r.weight + (ky * r.kernel_w + kx) * r.channels + c);
          for (int p = 0; p < kPixels; ++p) {
            const int64_t x = x0 + p + kx - r.pad_w;
            if (x < 0 || x >= r.width) continue;
            sum[p] = _mm512_fmadd_ps(
                _mm512_maskz_loadu_ps(lanes, r.lines[ky] + x * r.pixel_stride + c), w, sum[p]);
          }
        }
      }
      for (int p = 0; p < kPixels && x0 + p < r.out_width; ++p) {
        _mm512_mask_storeu_ps(r.result + (x0 + p) * r.channels + c, lanes, sum[p]);
      }
    }
  }
}

// Four vectors of pixels at a time share each weight that is loaded.
void few_channels_row(const FewChannelsRow& r) {
  constexpr int kVectors = 4;
  const int64_t pixels = 16 / r.out, step = pixels * r.stride_w * r.in;  // from vector to vector
  // Which of the values that begin at a vector's first pixel each lane multiplies.
  alignas(64) int32_t of_lane[16];
  for (int64_t lane = 0; lane < 16; ++lane)
    of_lane[lane] = static_cast<int32_t>(lane / r.out * r.stride_w * r.in);
  const __m512i first = _mm512_load_si512(of_lane);
  const __m512 bias = _mm512_loadu_ps(r.bias);
  for (int64_t x = 0; x < r.out_width; x += kVectors * pixels) {
    const int64_t vectors = std::min<int64_t>(kVectors, (r.out_width - x + pixels - 1) / pixels);
    __m512 sum[kVectors] = {bias, bias, bias, bias};
    const float* weight = r.weight;
    for (int64_t ky = 0; ky < r.kernel_h; ++ky) {
      if (!r.lines[ky]) {
        weight += r.kernel_w * r.in * 16;
        continue;
      }
      const float* line = r.lines[ky] + x * r.stride_w * r.in;
      for (int64_t tap = 0; tap < r.kernel_w * r.in; ++tap, weight += 16) {
        const __m512 w = _mm512_loadu_ps(weight);
        const __m512i index = _mm512_add_epi32(first, _mm512_set1_epi32(static_cast<int>(tap)));
        for (int64_t v = 0; v < vectors; ++v) {
          const float* from = line + v * step;
          const __m512 values = pixels == 1 ? _mm512_set1_ps(from[tap])
                                            : _mm512_permutexvar_ps(index, _mm512_loadu_ps(from));
          sum[v] = _mm512_fmadd_ps(values, w, sum[v]);
        }
      }
    }
    for (int64_t v = 0; v < vectors; ++v) {
      const int64_t at = x + v * pixels;
      _mm512_mask_storeu_ps(r.result + at * r.out, first_lanes((r.out_width - at) * r.out), sum[v]);
    }
  }
}

}  // namespace

const BlockKernels kAvx512F32 = {.element = Element::kF32,
                                 .element_bytes = 4,
                                 .k_multiple = 1,
                                 .row_multiple = 24,
                                 .strip_rows = 96,
                                 .strips = 1,
                                 .keys = 256,
                                 .from_f32 = Products<F32>::kFromF32,
                                 .from_elements = Products<F32>::kFromElements,
                                 .normalize = Products<F32>::normalize,
                                 .add = Products<F32>::add,
                                 .scatter = Products<F32>::scatter,
                                 .product = Products<F32>::product,
                                 .softmax = Products<F32>::softmax,
                                 .attend = nullptr};

const RowKernels kAvx512Rows = {.layer_norm = layer_norm,
                                .activate = activate,
                                .softmax = softmax,
                                .rotate = rotate,
                                .stream = stream,
                                .depthwise_row = depthwise_row,
                                .few_channels_row = few_channels_row,
                                .deformable_head = deformable_head};

}  // namespace alref::compute::kernels
