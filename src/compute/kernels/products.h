// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "compute/kernels/rows.h"

// For the AVX-512 files of this folder only: see vector_math.h. E says, beside what its rows need
// (rows.h), how one element type is loaded and multiplied:
//   kPerStep   elements of k that one multiplication takes: 1, or 2 beside each other in 32 bits
//   place      where 16 columns of a step stand in a panel: (step, which 16, of how many, of how
//              many steps)
//   load, broadcast, step (multiply and add), gather_row, interleave
//   gelu_of_element: GELU of what is then stored as an element
namespace alref::compute::kernels {

template <class E>
struct Products : ElementRows<E> {
  using Rows = ElementRows<E>;
  using Rows::padded;
  using typename Rows::T;
  static constexpr int kPerStep = E::kPerStep;
  // Rows for which the sums fill the registers, with `width` vectors of columns: 24 sums, 4
  // columns, 1 pair.
  static constexpr int rows_of(int width) { return width == 4 ? 6 : width == 3 ? 8 : 12; }

  template <int kRows, int kWidth>
  [[gnu::always_inline]] static inline void finish(__m512 (&sum)[kRows][kWidth], float* c,
                                                   std::ptrdiff_t stride, __mmask16 last,
                                                   int64_t row, int64_t column, const Epilogue& e) {
    const auto lanes = [&](int j) {
      return j == kWidth - 1 ? last : static_cast<__mmask16>(0xffff);
    };
    if (e.row_scale) {
#pragma GCC unroll 12
      for (int i = 0; i < kRows; ++i) {
        const __m512 scale = _mm512_set1_ps(e.row_scale[row + i]);
#pragma GCC unroll 12
        for (int j = 0; j < kWidth; ++j) sum[i][j] = _mm512_mul_ps(sum[i][j], scale);
      }
    }
    if (e.bias) {
#pragma GCC unroll 12
      for (int j = 0; j < kWidth; ++j) {
        const __m512 bias = _mm512_maskz_loadu_ps(lanes(j), e.bias + column + 16 * j);
#pragma GCC unroll 12
        for (int i = 0; i < kRows; ++i) sum[i][j] = _mm512_add_ps(sum[i][j], bias);
      }
    }
    if (e.activation == Activation::kRelu) {
#pragma GCC unroll 12
      for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 12
        for (int j = 0; j < kWidth; ++j) sum[i][j] = relu(sum[i][j]);
      }
    } else if (e.activation == Activation::kGelu) {
      // Through memory, so that the compiler need not keep 24 sums beside GELU's constants.
      alignas(64) float tile[kRows * kWidth][16];
#pragma GCC unroll 12
      for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 12
        for (int j = 0; j < kWidth; ++j) _mm512_store_ps(tile[i * kWidth + j], sum[i][j]);
      }
      if (e.elements) {
#pragma GCC unroll 2
        for (int t = 0; t < kRows * kWidth; ++t)
          _mm512_store_ps(tile[t], E::gelu_of_element(_mm512_load_ps(tile[t])));
      } else {
#pragma GCC unroll 2
        for (int t = 0; t < kRows * kWidth; ++t)
          _mm512_store_ps(tile[t], gelu(_mm512_load_ps(tile[t])));
      }
#pragma GCC unroll 12
      for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 12
        for (int j = 0; j < kWidth; ++j) sum[i][j] = _mm512_load_ps(tile[i * kWidth + j]);
      }
    }
    if (e.residual) {
      const float* residual = e.residual + row * e.residual_stride + column;
#pragma GCC unroll 12
      for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 12
        for (int j = 0; j < kWidth; ++j) {
          sum[i][j] = _mm512_add_ps(
              sum[i][j],
              _mm512_maskz_loadu_ps(lanes(j), residual + i * e.residual_stride + 16 * j));
        }
      }
    }
#pragma GCC unroll 12
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 12
      for (int j = 0; j < kWidth; ++j) {
        float* at = c + i * stride + 16 * j;
        if (e.elements) {
          E::store(static_cast<T*>(e.elements) + (row + i) * e.elements_stride + column + 16 * j,
                   lanes(j), sum[i][j]);
        } else if (e.stream) {
          _mm512_stream_ps(at, sum[i][j]);
        } else if (j < kWidth - 1 || last == 0xffff) {
          _mm512_storeu_ps(at, sum[i][j]);  // what a masked store wrote is slow to load again
        } else {
          _mm512_mask_storeu_ps(at, last, sum[i][j]);
        }
      }
    }
  }

  template <int kRows, int kWidth>
  static void tile(const T* a, std::ptrdiff_t a_stride, const T* panel, int64_t steps, float* c,
                   std::ptrdiff_t c_stride, __mmask16 last, int64_t row, int64_t column,
                   const Epilogue& e) {
    __m512 sum[kRows][kWidth];
    if (e.accumulate) {
#pragma GCC unroll 12
      for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 12
        for (int j = 0; j < kWidth; ++j) {
          sum[i][j] = _mm512_maskz_loadu_ps(j == kWidth - 1 ? last : static_cast<__mmask16>(0xffff),
                                            c + i * c_stride + 16 * j);
        }
      }
    } else {
#pragma GCC unroll 12
      for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 12
        for (int j = 0; j < kWidth; ++j) sum[i][j] = _mm512_setzero_ps();
      }
    }
    for (int64_t k = 0; k < steps; ++k) {
      typename E::Vector columns[kWidth];
#pragma GCC unroll 12
      for (int j = 0; j < kWidth; ++j)
        columns[j] = E::load(panel + (k * kWidth + j) * 16 * kPerStep);
#pragma GCC unroll 12
      for (int i = 0; i < kRows; ++i) {
        const typename E::Vector pair = E::broadcast(a + i * a_stride + k * kPerStep);
#pragma GCC unroll 12
        for (int j = 0; j < kWidth; ++j) sum[i][j] = E::step(sum[i][j], pair, columns[j]);
      }
    }
    finish(sum, c, c_stride, last, row, column, e);
  }

  using Tile = void (*)(const T*, std::ptrdiff_t, const T*, int64_t, float*, std::ptrdiff_t,
                        __mmask16, int64_t, int64_t, const Epilogue&);

  template <int kWidth, int... kLess>
  static Tile tile_of(int64_t rows, std::integer_sequence<int, kLess...>) {
    static constexpr Tile kTiles[] = {tile<kLess + 1, kWidth>...};
    return kTiles[rows - 1];
  }
  template <int kWidth>
  static Tile tile_of(int64_t rows) {
    return tile_of<kWidth>(rows, std::make_integer_sequence<int, rows_of(kWidth)>());
  }
  static Tile tile_of(int64_t rows, int64_t width) {
    switch (width) {
      case 1:
        return tile_of<1>(rows);
      case 2:
        return tile_of<2>(rows);
      case 3:
        return tile_of<3>(rows);
      default:
        return tile_of<4>(rows);
    }
  }

  static void product(const void* a, std::ptrdiff_t a_stride, int64_t m, const void* packed,
                      int64_t k, int64_t n, int64_t first, int64_t end, float* c,
                      std::ptrdiff_t c_stride, const Epilogue& e, const SoftmaxBlock* meanwhile) {
    if (meanwhile) Rows::softmax(*meanwhile);
    const Panels panels(n);
    const int64_t steps = (k + kPerStep - 1) / kPerStep;
    for (int64_t p = first; p < end; ++p) {
      const int64_t column = 16 * panels.begin(p), width = panels.width(p);
      const T* panel = static_cast<const T*>(packed) + column * steps * kPerStep;
      const __mmask16 last = first_lanes(n - column - 16 * (width - 1));
      const int64_t most = rows_of(static_cast<int>(width));
      const Tile whole = tile_of(most, width);
      int64_t row = 0;
      for (; row + most <= m; row += most) {
        whole(static_cast<const T*>(a) + row * a_stride, a_stride, panel, steps,
              c + row * c_stride + column, c_stride, last, row, column, e);
      }
      if (row < m) {
        tile_of(m - row, width)(static_cast<const T*>(a) + row * a_stride, a_stride, panel, steps,
                                c + row * c_stride + column, c_stride, last, row, column, e);
      }
    }
    if (e.stream) _mm_sfence();  // such stores are ordered by nothing else
  }

  template <typename From>
  static void pack_transposed(const void* const* b, int64_t k, int64_t columns, int64_t width,
                              void* panel) {
    constexpr int64_t kBlock = 16 * kPerStep;  // of k, in one transposition
    const int64_t steps = padded(k) / kPerStep;
    for (int64_t j = 0; j < width; ++j) {
      const int64_t rows = columns - 16 * j;
      for (int64_t k0 = 0; k0 < k; k0 += kBlock) {
        __m512i r[16];
        for (int i = 0; i < 16; ++i) {
          r[i] = i < rows ? E::gather_row(static_cast<const From*>(b[16 * j + i]) + k0, k - k0)
                          : _mm512_setzero_si512();
        }
        transpose(r);
        for (int i = 0; i < 16 && k0 / kPerStep + i < steps; ++i) {
          _mm512_storeu_si512(
              static_cast<T*>(panel) + E::place(k0 / kPerStep + i, j, width, steps) * 16 * kPerStep,
              r[i]);
        }
      }
    }
  }

  template <typename From>
  static void pack(const void* const* b, int64_t begin, int64_t k, int64_t columns, int64_t width,
                   void* panel) {
    const int64_t steps = padded(k) / kPerStep;
    for (int64_t step = 0; step < steps; ++step) {
      const int64_t k0 = step * kPerStep;
      if (k0 >= k) {
        for (int64_t j = 0; j < width; ++j) {
          _mm512_storeu_si512(
              static_cast<T*>(panel) + E::place(step, j, width, steps) * 16 * kPerStep,
              _mm512_setzero_si512());
        }
        continue;
      }
      for (int64_t j = 0; j < width; ++j) {
        const __mmask16 lanes =
            columns > 16 * j ? first_lanes(columns - 16 * j) : static_cast<__mmask16>(0);
        const auto row = [&](int64_t i) { return static_cast<const From*>(b[i]) + begin + 16 * j; };
        const bool has_odd = kPerStep == 2 && k0 + 1 < k;
        _mm512_storeu_si512(
            static_cast<T*>(panel) + E::place(step, j, width, steps) * 16 * kPerStep,
            E::interleave(row(k0), has_odd ? row(k0 + 1) : nullptr, lanes));
      }
    }
  }

  static constexpr OperandKernels kFromF32 = {Rows::convert, pack_transposed<float>, pack<float>,
                                              Rows::template largest<float>},
                                  kFromElements = {Rows::copy, pack_transposed<T>, pack<T>,
                                                   Rows::template largest<T>};
};

}  // namespace alref::compute::kernels
