// SPDX-License-Identifier: Apache-2.0
// Built for AVX-512 with BF16 and AMX; only block_kernels() (kernels.cc) may lead here.
#include <algorithm>
#include <utility>

#include "compute/kernels/amx_tiles.h"
#include "compute/kernels/avx512.h"

namespace alref::compute::kernels {
namespace {

/// Of 16 rows of 16 values each, what `join` makes of a row's values: rows become lanes.
template <class Join>
inline __m512 joined(const float (&rows)[16][16], const Join& join) {
  __m512 quarters[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const auto pair = [&](int row) {
      const __m512 a = _mm512_load_ps(rows[row]), b = _mm512_load_ps(rows[row + 1]);
      return join(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    };
    const __m512d a = _mm512_castps_pd(pair(4 * i)), b = _mm512_castps_pd(pair(4 * i + 2));
    quarters[i] = join(_mm512_castpd_ps(_mm512_unpacklo_pd(a, b)),
                       _mm512_castpd_ps(_mm512_unpackhi_pd(a, b)));
  }
  const auto halves = [&](__m512 a, __m512 b) {
    return join(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
  };
  return halves(halves(quarters[0], quarters[1]), halves(quarters[2], quarters[3]));
}

/// Leaves [16, 16 * kWidth] sums over k in tiles 0 to kWidth - 1.
template <int kWidth>
void multiply(const void* a, std::ptrdiff_t a_bytes, const uint16_t* b, int64_t steps) {
  const auto* rows = static_cast<const char*>(a);
  zero<0>();
  if constexpr (kWidth > 1) zero<1>();
  if constexpr (kWidth > 2) zero<2>();
  if constexpr (kWidth > 3) zero<3>();
  const int64_t vector = steps * 16 * kTileK;  // from one 16 columns to the next
  for (int64_t s = 0; s < steps; ++s, rows += 64, b += 16 * kTileK) {
    load<6>(rows, a_bytes);
    load<7>(b, 64);
    multiply_add<0, 6, 7>();
    if constexpr (kWidth > 1) {
      load<5>(b + vector, 64);
      multiply_add<1, 6, 5>();
    }
    if constexpr (kWidth > 2) {
      load<4>(b + 2 * vector, 64);
      multiply_add<2, 6, 4>();
    }
    if constexpr (kWidth > 3) {
      load<7>(b + 3 * vector, 64);
      multiply_add<3, 6, 7>();
    }
  }
}

template <int kWidth>
void put(float* c, std::ptrdiff_t stride) {
  store<0>(c, stride * 4);
  if constexpr (kWidth > 1) store<1>(c + 16, stride * 4);
  if constexpr (kWidth > 2) store<2>(c + 32, stride * 4);
  if constexpr (kWidth > 3) store<3>(c + 48, stride * 4);
}

constexpr decltype(&multiply<1>) kMultiply[] = {multiply<1>, multiply<2>, multiply<3>, multiply<4>};
constexpr decltype(&put<1>) kPut[] = {put<1>, put<2>, put<3>, put<4>};

/// Asks for memory cache line by cache line, shared out over so many calls: many at once would keep
/// the processor waiting for room among what it waits for.
class Ahead {
 public:
  Ahead(const MemoryRange* ranges, int64_t count, int64_t calls)
      : next_(ranges), last_(ranges + count), calls_(calls) {
    for (const MemoryRange* r = ranges; r != last_; ++r) lines_ += (r->end - r->begin + 63) / 64;
  }
  void some() {
    for (due_ += lines_; due_ >= calls_; due_ -= calls_) {
      if (at_ >= end_) {
        if (next_ == last_) return;
        at_ = next_->begin, end_ = next_->end;
        ++next_;
      }
      __builtin_prefetch(at_, 0, 2);
      at_ += 64;
    }
  }

 private:
  const MemoryRange *next_, *last_;
  const std::byte *at_ = nullptr, *end_ = nullptr;
  int64_t calls_, lines_ = 0, due_ = 0;
};

/// 16 queries at a time: while tiles multiply the next ones with the keys, the vector units make
/// weights of these ones' scores.
class AtOnce {
 public:
  explicit AtOnce(const KeysAtOnce& a)
      : a_(a),
        key_tiles_((a.keys + 15) / 16),
        value_tiles_((a.dv + 15) / 16),
        stride_(16 * key_tiles_),
        weights_stride_((a.keys + kTileK - 1) / kTileK * kTileK),
        result_stride_(16 * value_tiles_),
        ahead_(a.ahead, a.ahead_count, (a.rows + 15) / 16 * 2 * 16 + a.rows) {
    float* at = a.scratch;
    const auto take = [&at](int64_t floats) { return std::exchange(at, at + 16 * floats); };
    for (float*& scores : scores_) scores = take(stride_);
    for (float*& result : results_) result = take(result_stride_);
    added_ = take(stride_);
    weights_ = reinterpret_cast<uint16_t*>(take(weights_stride_ / 2));
  }

  void run() {
    const Tiles tiles;
    const int64_t strips = (a_.rows + 15) / 16;
    score(0);
    put_scores(0);
    for (int64_t i = 0; i < strips; ++i) {
      if (i + 1 < strips) score(i + 1);
      weigh(i);
      if (i + 1 < strips) put_scores(i + 1);
      sum_values(i);
      if (i > 0) finish(i - 1);
    }
    finish(strips - 1);
    if (a_.stream) _mm_sfence();
  }

 private:
  int64_t rows_of(int64_t strip) const { return std::min<int64_t>(16, a_.rows - 16 * strip); }

  // So many columns stay in tiles until put_scores().
  bool fit_tiles() const { return key_tiles_ <= 4; }

  void score(int64_t strip) {
    const int64_t steps = (a_.d + kTileK - 1) / kTileK;
    const auto* queries = static_cast<const uint16_t*>(a_.queries) + 16 * strip * a_.queries_stride;
    const auto* keys = static_cast<const uint16_t*>(a_.packed_keys);
    for (int64_t tile = 0, width; tile < key_tiles_; tile += width) {
      width = std::min<int64_t>(4, key_tiles_ - tile);
      kMultiply[width - 1](queries, a_.queries_stride * 2, keys + tile * steps * 16 * kTileK,
                           steps);
      if (!fit_tiles()) kPut[width - 1](scores_[strip % 2] + 16 * tile, stride_);
    }
  }
  void put_scores(int64_t strip) {
    if (fit_tiles()) kPut[key_tiles_ - 1](scores_[strip % 2], stride_);
  }

  void weigh(int64_t strip) {
    static constexpr bool (AtOnce::*kOf[2][5])(int64_t) = {
        {&AtOnce::weigh_strip<0, false>, &AtOnce::weigh_strip<1, false>,
         &AtOnce::weigh_strip<2, false>, &AtOnce::weigh_strip<3, false>,
         &AtOnce::weigh_strip<4, false>},
        {&AtOnce::weigh_strip<0, true>, &AtOnce::weigh_strip<1, true>,
         &AtOnce::weigh_strip<2, true>, &AtOnce::weigh_strip<3, true>,
         &AtOnce::weigh_strip<4, true>}};
    const auto of_width = kOf[a_.bias || a_.mask][key_tiles_ <= 4 ? key_tiles_ : 0];
    if (!(this->*of_width)(strip)) weigh_row_by_row(strip);
  }

  // False, and nothing lost, where a row needs more care: NaN, infinite or huge scores.
  template <int kTiles, bool kAdd>
  bool weigh_strip(int64_t strip) {
    const int64_t tiles = kTiles ? kTiles : key_tiles_, rows = rows_of(strip);
    const __mmask16 rest = first_lanes(a_.keys - 16 * (tiles - 1));
    const __m512 scale = _mm512_set1_ps(a_.scale * kLog2E), unit = _mm512_set1_ps(kLog2E);
    const float* scores = scores_[strip % 2];
    alignas(64) float parts[16][16], tops[16];

    __m512 any = _mm512_setzero_ps();
    for (int64_t i = 0; i < 16; ++i) {
      const int64_t row = std::min(i, rows - 1);
      const float* bias = a_.bias ? a_.bias + (16 * strip + row) * a_.bias_stride : nullptr;
      const float* mask = a_.mask ? a_.mask + (16 * strip + row) * a_.mask_stride : nullptr;
      __m512 high = _mm512_set1_ps(-__builtin_inff());
      const auto raise = [&](int64_t j, __mmask16 lanes) __attribute__((always_inline)) {
        __m512 x = _mm512_load_ps(scores + row * stride_ + 16 * j);
        if constexpr (kAdd) {
          x = _mm512_mul_ps(x, scale);
          if (bias) x = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(lanes, bias + 16 * j), unit, x);
          if (mask) x = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(lanes, mask + 16 * j), unit, x);
          _mm512_store_ps(added_ + i * stride_ + 16 * j, x);
        }
        high = _mm512_mask_max_ps(high, lanes, high, x);
        any = _mm512_mask_add_ps(any, lanes, any, x);
      };
#pragma GCC unroll 4
      for (int64_t j = 0; j < tiles - 1; ++j) raise(j, 0xffff);
      raise(tiles - 1, rest);
      _mm512_store_ps(parts[i], high);
      ahead_.some();
    }
    __m512 top = joined(parts, [](__m512 a, __m512 b) { return _mm512_max_ps(a, b); });
    if constexpr (!kAdd) top = _mm512_mul_ps(top, scale);
    if (_mm512_cmp_ps_mask(any, any, _CMP_UNORD_Q) != 0 ||
        _mm512_cmp_ps_mask(_mm512_abs_ps(top), _mm512_set1_ps(Base::kLargeTop), _CMP_LT_OQ) !=
            0xffff)
      return false;
    _mm512_store_ps(tops, Weigher::rounded(top));

    const Weigher weigher(kAdd ? 1 : a_.scale * kLog2E);
    const float* from = kAdd ? added_ : scores;
    for (int64_t i = 0; i < 16; ++i) {
      const float* row = from + (kAdd ? i : std::min(i, rows - 1)) * stride_;
      uint16_t* weights = weights_ + i * weights_stride_;
      const __m512 base = Weigher::base(tops[i]);
      __m512 sum = _mm512_setzero_ps();
      const auto whole = [&](int64_t j) __attribute__((always_inline)) {
        return weigher.whole(_mm512_load_ps(row + 16 * j), base,
                             j == tiles - 1 ? rest : static_cast<__mmask16>(0xffff));
      };
#pragma GCC unroll 2
      for (int64_t j = 0; j < tiles; j += 2) {
        const __m512i both =
            weigher.pair(whole(j), j + 1 < tiles ? whole(j + 1) : weigher.nothing());
        _mm512_store_si512(weights + 16 * j, both);
        sum = weigher.add(sum, both);
      }
      _mm512_store_ps(parts[i], sum);
      ahead_.some();
    }
    const __m512 sum = joined(parts, [](__m512 a, __m512 b) { return _mm512_add_ps(a, b); });
    _mm512_store_ps(shares_[strip % 2], _mm512_div_ps(_mm512_set1_ps(1), sum));
    return true;
  }

  void weigh_row_by_row(int64_t strip) {
    float tops[16], sums[16];
    const SoftmaxBlock block{.begin = 0,
                             .end = rows_of(strip),
                             .keys = a_.keys,
                             .scale = a_.scale,
                             .scores = scores_[strip % 2],
                             .scores_stride = stride_,
                             .bias = a_.bias ? a_.bias + 16 * strip * a_.bias_stride : nullptr,
                             .bias_stride = a_.bias_stride,
                             .mask = a_.mask ? a_.mask + 16 * strip * a_.mask_stride : nullptr,
                             .mask_stride = a_.mask_stride,
                             .tops = tops,
                             .sums = sums,
                             .weights = weights_,
                             .weights_stride = weights_stride_,
                             .result = nullptr,
                             .result_stride = 0,
                             .columns = 0};
    Base::softmax(block);
    // Where nothing is attended to, the result is 0.
    for (int64_t i = 0; i < block.end; ++i) shares_[strip % 2][i] = sums[i] == 0 ? 0 : 1 / sums[i];
  }

  void sum_values(int64_t strip) {
    const int64_t steps = weights_stride_ / kTileK;
    for (int64_t tile = 0, width; tile < value_tiles_; tile += width) {
      width = std::min<int64_t>(4, value_tiles_ - tile);
      kMultiply[width - 1](
          weights_, weights_stride_ * 2,
          static_cast<const uint16_t*>(a_.packed_values) + tile * steps * 16 * kTileK, steps);
      kPut[width - 1](results_[strip % 2] + 16 * tile, result_stride_);
    }
  }

  void finish(int64_t strip) {
    const int64_t rows = rows_of(strip);
    for (int64_t i = 0; i < rows; ++i) {
      ahead_.some();
      void* to = a_.results[16 * strip + i];
      if (!to) continue;
      const float* from = results_[strip % 2] + i * result_stride_;
      const __m512 share = _mm512_set1_ps(shares_[strip % 2][i]);
      const auto at = [&](int64_t j) { return _mm512_mul_ps(_mm512_load_ps(from + j), share); };
      int64_t j = 0;
      if (a_.elements) {
        auto* out = static_cast<uint16_t*>(to);
        for (; j + 32 <= a_.dv; j += 32)
          _mm512_storeu_si512(out + j, (__m512i)_mm512_cvtne2ps_pbh(at(j + 16), at(j)));
        for (; j < a_.dv; j += 16) AmxBf16::store(out + j, first_lanes(a_.dv - j), at(j));
      } else if (a_.stream) {
        for (; j < a_.dv; j += 16) _mm512_stream_ps(static_cast<float*>(to) + j, at(j));
      } else {
        auto* out = static_cast<float*>(to);
        for (; j + 16 <= a_.dv; j += 16) _mm512_storeu_ps(out + j, at(j));
        if (j < a_.dv) _mm512_mask_storeu_ps(out + j, first_lanes(a_.dv - j), at(j));
      }
    }
  }

  const KeysAtOnce& a_;
  int64_t key_tiles_, value_tiles_, stride_, weights_stride_, result_stride_;
  float *scores_[2], *results_[2], *added_;
  uint16_t* weights_;
  Ahead ahead_;
  alignas(64) float shares_[2][16];
};

}  // namespace

void attend_at_once(const KeysAtOnce& a) { AtOnce(a).run(); }

}  // namespace alref::compute::kernels
