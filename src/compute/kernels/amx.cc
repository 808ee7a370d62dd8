// SPDX-License-Identifier: Apache-2.0
// Built for AVX-512 with BF16 and AMX; only block_kernels() (kernels.cc) may lead here.
#include <algorithm>

#include "compute/kernels/amx_tiles.h"
#include "compute/kernels/avx512.h"

namespace alref::compute::kernels {
namespace {

// Of columns that stay in the first-level cache, 1 KiB each, beside sums, rows and results.
constexpr int64_t kStayingTiles = 40;

/// Sums that have left the tiles and wait for what follows the product. That is done a few rows at
/// a time between the steps of the next block, since it needs other units of the processor than
/// products do.
class Waiting {
 public:
  static constexpr int64_t kStride = 48;

  explicit Waiting(const Epilogue& epilogue) : epilogue_(epilogue) {}

  /// Sums [rows, 16 * width] are about to be stored to sums(), kStride a row, for c at (row,
  /// column).
  void set(float* c, std::ptrdiff_t stride, int64_t rows, int64_t width, __mmask16 last,
           int64_t row, int64_t column, int64_t steps) {
    c_ = c, stride_ = stride, rows_ = rows, last_ = last, row_ = row, column_ = column;
    done_ = 0;
    const bool whole = last == 0xffff;
    finish_ = width == 1   ? finish_of<1>(epilogue_, whole)
              : width == 2 ? finish_of<2>(epilogue_, whole)
                           : finish_of<3>(epilogue_, whole);
    at_once_ = (rows + steps - 1) / steps;
  }
  /// Sums [rows, 16 * width] at (row, column) are next: what will be added to them is asked for.
  void expect(int64_t rows, int64_t width, int64_t row, int64_t column, int64_t steps) {
    if (!epilogue_.residual) return;
    coming_ = epilogue_.residual + row * epilogue_.residual_stride + column;
    coming_rows_ = rows, coming_values_ = 16 * width;
    coming_at_once_ = (rows + steps - 1) / steps;
  }
  float* sums() { return sums_; }
  void some() {
    up_to(std::min(rows_, done_ + at_once_));
    for (int64_t i = std::min(coming_rows_, coming_at_once_); i > 0; --i, --coming_rows_) {
      for (int64_t j = 0; j < coming_values_; j += 16) _mm_prefetch(coming_ + j, _MM_HINT_T0);
      coming_ += epilogue_.residual_stride;
    }
  }
  void all() { up_to(rows_); }

 private:
  template <int kWidth>
  static void finish(const Waiting& w, int64_t row, int64_t end) {
    for (; row < end; ++row) {
      float* c = w.c_ + row * w.stride_;
      __m512 sum[1][kWidth];
#pragma GCC unroll 3
      for (int j = 0; j < kWidth; ++j) {
        sum[0][j] = _mm512_load_ps(w.sums_ + row * kStride + 16 * j);
        if (w.epilogue_.accumulate) {
          sum[0][j] = _mm512_add_ps(
              sum[0][j], _mm512_maskz_loadu_ps(j == kWidth - 1 ? w.last_ : 0xffff, c + 16 * j));
        }
      }
      Base::finish(sum, c, w.stride_, w.last_, w.row_ + row, w.column_, w.epilogue_);
    }
  }

  // The usual ends of a product, of whole vectors: nothing is decided row by row.
  template <int kWidth, Activation kActivation, bool kResidual, bool kElements>
  static void finish_whole(const Waiting& w, int64_t row, int64_t end) {
    const Epilogue& e = w.epilogue_;
    __m512 bias[kWidth];
#pragma GCC unroll 3
    for (int j = 0; j < kWidth; ++j)
      bias[j] = e.bias ? _mm512_loadu_ps(e.bias + w.column_ + 16 * j) : _mm512_setzero_ps();
    const float* sums = w.sums_ + row * kStride;
    const float* residual =
        kResidual ? e.residual + (w.row_ + row) * e.residual_stride + w.column_ : nullptr;
    float* c = w.c_ + row * w.stride_;
    uint16_t* elements = kElements ? static_cast<uint16_t*>(e.elements) +
                                         (w.row_ + row) * e.elements_stride + w.column_
                                   : nullptr;
    for (; row < end; ++row) {
#pragma GCC unroll 3
      for (int j = 0; j < kWidth; ++j) {
        __m512 sum = _mm512_add_ps(_mm512_load_ps(sums + 16 * j), bias[j]);
        if constexpr (kActivation == Activation::kGelu)
          sum = kElements ? AmxBf16::gelu_of_element(sum) : gelu(sum);
        if constexpr (kActivation == Activation::kRelu) sum = relu(sum);
        if constexpr (kResidual) sum = _mm512_add_ps(sum, _mm512_loadu_ps(residual + 16 * j));
        if constexpr (kElements) {
          AmxBf16::store(elements + 16 * j, sum);
        } else if (e.stream) {
          _mm512_stream_ps(c + 16 * j, sum);
        } else {
          _mm512_storeu_ps(c + 16 * j, sum);
        }
      }
      sums += kStride;
      if constexpr (kResidual) residual += e.residual_stride;
      if constexpr (kElements) {
        elements += e.elements_stride;
      } else {
        c += w.stride_;
      }
    }
  }

  using Finish = void (*)(const Waiting&, int64_t, int64_t);
  template <int kWidth>
  static Finish finish_of(const Epilogue& e, bool whole) {
    if (!whole || e.row_scale || e.accumulate || (e.residual && e.elements)) return finish<kWidth>;
    switch (e.activation) {
      case Activation::kNone:
        return e.residual   ? finish_whole<kWidth, Activation::kNone, true, false>
               : e.elements ? finish_whole<kWidth, Activation::kNone, false, true>
                            : finish_whole<kWidth, Activation::kNone, false, false>;
      case Activation::kRelu:
        return e.residual   ? finish<kWidth>
               : e.elements ? finish_whole<kWidth, Activation::kRelu, false, true>
                            : finish_whole<kWidth, Activation::kRelu, false, false>;
      case Activation::kGelu:
        return e.residual   ? finish<kWidth>
               : e.elements ? finish_whole<kWidth, Activation::kGelu, false, true>
                            : finish_whole<kWidth, Activation::kGelu, false, false>;
      default:
        return finish<kWidth>;
    }
  }

  void up_to(int64_t end) {
    if (done_ < end) finish_(*this, done_, end);
    done_ = end;
  }

  const Epilogue& epilogue_;
  float* c_ = nullptr;
  std::ptrdiff_t stride_ = 0;
  int64_t rows_ = 0, row_ = 0, column_ = 0, done_ = 0, at_once_ = 0;
  __mmask16 last_ = 0;
  Finish finish_ = nullptr;
  const float* coming_ = nullptr;
  int64_t coming_rows_ = 0, coming_values_ = 0, coming_at_once_ = 0;
  alignas(64) float sums_[2 * kTileRows * kStride];
};

/// Rows of another block's softmax, shared out over the steps of a product.
class Meanwhile {
 public:
  Meanwhile(const SoftmaxBlock* block, int64_t steps) : steps_(steps) {
    if (block) block_ = *block, rows_ = block->end - block->begin;
  }
  void some() {
    for (due_ += rows_; due_ >= steps_; due_ -= steps_) {
      block_.end = block_.begin + 1;
      Base::softmax(block_);
      ++block_.begin;
    }
  }

 private:
  SoftmaxBlock block_{};
  int64_t steps_, rows_ = 0, due_ = 0;
};

/// f(tile, row of tiles, column of tiles) for the sums of a block: tiles 0 to 2 and 3 to 5.
template <int kRows, int kWidth, class F>
inline void for_each_sum(const F& f) {
  const auto row = [&]<int kRow>(std::integral_constant<int, kRow>) {
    f(std::integral_constant<int, 3 * kRow>(), kRow, 0);
    if constexpr (kWidth > 1) f(std::integral_constant<int, 3 * kRow + 1>(), kRow, 1);
    if constexpr (kWidth > 2) f(std::integral_constant<int, 3 * kRow + 2>(), kRow, 2);
  };
  row(std::integral_constant<int, 0>());
  if constexpr (kRows > 1) row(std::integral_constant<int, 1>());
}

/// Loads a tile that is not needed again soon without driving others out of the first-level cache.
template <int kTile>
inline void load_once(const void* p, std::ptrdiff_t stride_bytes) {
  show_tile(p, stride_bytes);
  asm volatile("tileloaddt1 (%0,%1,1), %%tmm%c2" ::"r"(p), "r"(stride_bytes), "i"(kTile)
               : "memory");
}

/// One block of [16 * kRows, 16 * kWidth] sums over k. Six sums need seven loads a step: fewer
/// bytes a product than four. Where the columns' tiles stay in the first-level cache (`b_stays`)
/// for the next rows, rows pass it by.
template <int kRows, int kWidth>
void block(const uint16_t* a, std::ptrdiff_t a_bytes, const uint16_t* b, int64_t steps, float* c,
           std::ptrdiff_t c_stride, bool from_c, bool b_stays, Waiting& before,
           Meanwhile& meanwhile) {
  const auto load_row = [&]<int kTile>(std::integral_constant<int, kTile>, const uint16_t* row) {
    b_stays ? load_once<kTile>(row, a_bytes) : load<kTile>(row, a_bytes);
  };
  for_each_sum<kRows, kWidth>([&](auto tile, int row, int column) {
    if (from_c) {
      load<tile.value>(c + kTileRows * row * c_stride + 16 * column, c_stride * 4);
    } else {
      zero<tile.value>();
    }
  });
  const uint16_t* a1 = a + kTileRows * a_bytes / 2;
  const int64_t vector = steps * 16 * kTileK;  // from one 16 columns to the next
  for (int64_t s = 0; s < steps; ++s, a += kTileK, a1 += kTileK, b += 16 * kTileK) {
    load_row(std::integral_constant<int, 6>(), a);
    load<7>(b, 64);
    multiply_add<0, 6, 7>();
    if constexpr (kWidth > 1) {
      load<7>(b + vector, 64);
      multiply_add<1, 6, 7>();
    }
    if constexpr (kWidth > 2) {
      load<7>(b + 2 * vector, 64);
      multiply_add<2, 6, 7>();
    }
    if constexpr (kRows > 1) {  // backwards, since the last columns are loaded
      load_row(std::integral_constant<int, 6>(), a1);
      multiply_add<2 + kWidth, 6, 7>();
      if constexpr (kWidth > 2) {
        load<7>(b + vector, 64);
        multiply_add<4, 6, 7>();
      }
      if constexpr (kWidth > 1) {
        load<7>(b, 64);
        multiply_add<3, 6, 7>();
      }
    }
    before.some();
    meanwhile.some();
  }
  before.all();
  for_each_sum<kRows, kWidth>([&](auto tile, int row, int column) {
    store<tile.value>(c + kTileRows * row * c_stride + 16 * column, c_stride * 4);
  });
}

// Rows of `a` are read in whole tiles: up to the next multiple of 16.
void product(const void* a, std::ptrdiff_t a_stride, int64_t m, const void* packed, int64_t k,
             int64_t n, int64_t first, int64_t end, float* c, std::ptrdiff_t c_stride,
             const Epilogue& e, const SoftmaxBlock* softmax) {
  static constexpr decltype(&block<1, 1>) kBlocks[2][3] = {{block<1, 1>, block<1, 2>, block<1, 3>},
                                                           {block<2, 1>, block<2, 2>, block<2, 3>}};
  const Tiles tiles;
  Waiting waiting(e);
  const Panels panels(n);
  const int64_t steps = (k + kTileK - 1) / kTileK, vectors = panels.begin(end);
  const int64_t groups = (vectors - panels.begin(first) + 2) / 3,
                blocks = (m + 2 * kTileRows - 1) / (2 * kTileRows);
  Meanwhile meanwhile(softmax, groups * blocks * steps);
  const bool stays = m > 4 * kTileRows;  // columns are used again
  const bool plain = e.plain() && !e.stream && !e.elements;
  for (int64_t vector = panels.begin(first), width; vector < vectors; vector += width) {
    const int64_t left = vectors - vector;
    width = left == 2 || left == 4 ? 2 : std::min<int64_t>(3, left);  // 2 + 2 is better than 3 + 1
    const int64_t column = 16 * vector;
    const __mmask16 last = first_lanes(n - column - 16 * (width - 1));
    const auto* b = static_cast<const uint16_t*>(packed) + vector * steps * 16 * kTileK;
    for (int64_t row = 0; row < m; row += 2 * kTileRows) {
      const int64_t rows = std::min(m - row, 2 * kTileRows);
      const bool direct = plain && last == 0xffff && rows % kTileRows == 0;
      float* at = c + row * c_stride + column;
      waiting.expect(rows, width, row, column, steps);
      kBlocks[(rows - 1) / kTileRows][width - 1](
          static_cast<const uint16_t*>(a) + row * a_stride, a_stride * 2, b, steps,
          direct ? at : waiting.sums(), direct ? c_stride : Waiting::kStride,
          direct && e.accumulate, stays && width * steps <= kStayingTiles, waiting, meanwhile);
      if (!direct) waiting.set(at, c_stride, rows, width, last, row, column, steps);
    }
  }
  waiting.all();
  if (e.stream) _mm_sfence();
}

}  // namespace

const BlockKernels kAmxBf16 = {.element = Element::kBf16,
                               .element_bytes = 2,
                               .k_multiple = AmxBf16::kMultiple,
                               .row_multiple = 2 * kTileRows,
                               .strip_rows = 2 * kTileRows,
                               .strips = 24,
                               .keys = 512,
                               .from_f32 = Base::kFromF32,
                               .from_elements = Base::kFromElements,
                               .normalize = Base::normalize,
                               .add = Base::add,
                               .scatter = Base::scatter,
                               .product = product,
                               .softmax = Base::softmax,
                               .attend = attend_at_once};

}  // namespace alref::compute::kernels
