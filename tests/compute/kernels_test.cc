// SPDX-License-Identifier: Apache-2.0
// The inner loops of each instruction set that this processor has, against the obvious loops in
// double.
#include "compute/kernels/kernels.h"

#include <cmath>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "compute/kernels_testing.h"

namespace alref::compute::kernels {
namespace {

/// A product with both of its operands made ready.
struct Product {
  Product(const BlockKernels& with, int64_t rows, int64_t depth, int64_t columns, bool transposed)
      : Product(with, rows, depth, columns, transposed, whole_numbers(depth * columns, 2)) {}
  Product(const BlockKernels& with, int64_t rows, int64_t depth, int64_t columns, bool transposed,
          std::vector<float> right)
      : kernels(with),
        m(rows),
        k(depth),
        n(columns),
        a(whole_numbers(m * k, 1)),
        b(std::move(right)),
        stride(kernels.padded(k) + 32),
        elements(static_cast<size_t>((m + 15) / 16 * 16 * stride) * kernels.element_bytes),
        packed(kernels.packed_bytes(k, n)) {
    kernels.from_f32.convert(rows_of(a, m, k).data(), m, k, elements.data(), stride);
    const Panels panels(n);
    for (int64_t p = 0; p < panels.count(); ++p) {
      const int64_t column = 16 * panels.begin(p),
                    some = std::min(n - column, 16 * panels.width(p));
      std::byte* panel =
          packed.data() + static_cast<size_t>(column * kernels.padded(k)) * kernels.element_bytes;
      if (!transposed) {
        kernels.from_f32.pack(rows_of(b, k, n).data(), column, k, some, panels.width(p), panel);
        continue;
      }
      std::vector<float> columns_of_b(static_cast<size_t>(some * k));
      for (int64_t j = 0; j < some; ++j) {
        for (int64_t i = 0; i < k; ++i)
          columns_of_b[static_cast<size_t>(j * k + i)] = b[static_cast<size_t>(i * n + column + j)];
      }
      kernels.from_f32.pack_transposed(rows_of(columns_of_b, some, k).data(), k, some,
                                       panels.width(p), panel);
    }
  }

  double sum(int64_t row, int64_t column) const {
    double total = 0;
    for (int64_t i = 0; i < k; ++i)
      total += double{a[static_cast<size_t>(row * k + i)]} * b[static_cast<size_t>(i * n + column)];
    return total;
  }

  const BlockKernels& kernels;
  int64_t m, k, n;
  std::vector<float> a, b;
  int64_t stride;
  Memory elements, packed;
};

struct Size {
  int64_t m, k, n;
};
constexpr Size kSizes[] = {{1, 1, 1},     {16, 32, 16},  {32, 64, 48},  {17, 33, 49},
                           {31, 31, 64},  {33, 65, 80},  {7, 100, 96},  {64, 16, 112},
                           {50, 48, 128}, {98, 70, 250}, {100, 300, 33}};

TEST(KernelsTest, ProductsOfWholeNumbersAreExactAndTouchNothingElse) {
  for (const auto& [name, kernels] : kernels_here()) {
    for (const Size& s : kSizes) {
      for (const bool transposed : {false, true}) {
        Product p(*kernels, s.m, s.k, s.n, transposed);
        const int64_t stride = s.n + 5;
        Memory c(static_cast<size_t>((s.m + 1) * stride) * sizeof(float));
        kernels->product(p.elements.data(), p.stride, s.m, p.packed.data(), s.k, s.n, 0,
                         Panels(s.n).count(), c.floats(), stride, {}, nullptr);
        for (int64_t i = 0; i <= s.m; ++i) {
          for (int64_t j = 0; j < stride; ++j) {
            const float got = c.floats()[i * stride + j];
            if (i < s.m && j < s.n) {
              ASSERT_EQ(got, p.sum(i, j))
                  << name << " " << s.m << " x " << s.k << " x " << s.n << " at " << i << ", " << j;
            } else {
              ASSERT_TRUE(std::isnan(got))
                  << name << " wrote beyond its result at " << i << ", " << j;
            }
          }
        }
      }
    }
  }
}

// Factors are whole numbers and sixteenths of such, so that products are exact and all of GELU's
// bends are met.
TEST(KernelsTest, GeluErrsLessThanTheRoundingOfWhatIsStored) {
  for (const auto& [name, kernels] : kernels_here()) {
    for (const auto& [m, n] : {std::pair(64, 64), std::pair(50, 48), std::pair(50, 16)}) {
      std::vector<float> right = whole_numbers(8 * n, 2);
      for (float& value : right) value /= 16;
      Product p(*kernels, m, 8, n, false, right);
      for (const bool as_elements : {false, true}) {
        const size_t bytes = as_elements ? kernels->element_bytes : sizeof(float);
        Memory c(static_cast<size_t>(m * n) * bytes);
        kernels->product(p.elements.data(), p.stride, m, p.packed.data(), 8, n, 0,
                         Panels(n).count(), c.floats(), n,
                         {.activation = Activation::kGelu,
                          .elements = as_elements ? c.data() : nullptr,
                          .elements_stride = n},
                         nullptr);
        const bool bf16 = as_elements && kernels->element == Element::kBf16;
        for (int64_t i = 0; i < m * n; ++i) {
          const float got = as_elements ? element(*kernels, c.data(), i) : c.floats()[i];
          const double x = p.sum(i / n, i % n),
                       expected = 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
          ASSERT_NEAR(got, expected,
                      bf16 ? 8e-5 + std::abs(expected) / 256 : 1e-6 * std::max(1.0, std::abs(x)))
              << name << " of " << x;
        }
      }
    }
  }
}

TEST(KernelsTest, WhatFollowsAProductIsAppliedToEachSumOnce) {
  for (const Named& one : kernels_here()) {
    const std::string& name = one.name;  // lambdas may not take bindings along in Clang 14
    const BlockKernels* const kernels = one.kernels;
    for (const Size& s : kSizes) {
      Product p(*kernels, s.m, s.k, s.n, false);
      const auto bias = whole_numbers(s.n, 3), scale = whole_numbers(s.m, 4),
                 residual = whole_numbers(s.m * s.n, 5);
      Memory c(static_cast<size_t>(s.m * s.n) * sizeof(float));
      const auto run = [&](const Epilogue& e) {
        kernels->product(p.elements.data(), p.stride, s.m, p.packed.data(), s.k, s.n, 0,
                         Panels(s.n).count(), c.floats(), s.n, e, nullptr);
      };
      const auto expect = [&](const char* what, auto formula) {
        for (int64_t i = 0; i < s.m; ++i) {
          for (int64_t j = 0; j < s.n; ++j) {
            ASSERT_EQ(c.floats()[i * s.n + j], formula(i, j))
                << name << ", " << what << ", " << i << ", " << j;
          }
        }
      };
      const auto of_bias = [&](int64_t i, int64_t j) {
        return p.sum(i, j) + bias[static_cast<size_t>(j)];
      };
      const auto of_residual = [&](int64_t i, int64_t j) {
        return residual[static_cast<size_t>(i * s.n + j)];
      };
      run({.bias = bias.data(), .activation = Activation::kRelu});
      expect("bias and ReLU", [&](int64_t i, int64_t j) { return std::max(0.0, of_bias(i, j)); });
      run({.bias = bias.data(), .residual = residual.data(), .residual_stride = s.n});
      expect("bias and residual",
             [&](int64_t i, int64_t j) { return of_residual(i, j) + of_bias(i, j); });
      run({.bias = bias.data(),
           .row_scale = scale.data(),
           .activation = Activation::kRelu,
           .residual = residual.data(),
           .residual_stride = s.n});
      const auto all = [&](int64_t i, int64_t j) {
        const auto y = scale[static_cast<size_t>(i)] * p.sum(i, j) + bias[static_cast<size_t>(j)];
        return of_residual(i, j) + std::max(0.0, y);
      };
      expect("all at once", all);
      run({.accumulate = true});
      expect("added to what is there",
             [&](int64_t i, int64_t j) { return all(i, j) + p.sum(i, j); });
      std::memcpy(c.data(), residual.data(), residual.size() * sizeof(float));
      run({.residual = c.floats(), .residual_stride = s.n});
      expect("residual in place",
             [&](int64_t i, int64_t j) { return of_residual(i, j) + p.sum(i, j); });
    }
  }
}

TEST(KernelsTest, ResultsThatAreElementsAreWhatTheNextProductTakes) {
  for (const auto& [name, kernels] : kernels_here()) {
    std::vector<float> few = whole_numbers(20 * 96, 3);
    for (float& w : few) w = w > 4 ? 1.0f : 0.0f;  // small sums, exact in bf16
    Product p(*kernels, 41, 20, 96, false, few), q(*kernels, 41, 96, 19, false);
    Memory middle(static_cast<size_t>(48 * q.stride) * kernels->element_bytes),
        c(41 * 19 * sizeof(float));
    kernels->product(p.elements.data(), p.stride, 41, p.packed.data(), 20, 96, 0,
                     Panels(96).count(), middle.floats(), q.stride,
                     {.elements = middle.data(), .elements_stride = q.stride}, nullptr);
    kernels->product(middle.data(), q.stride, 41, q.packed.data(), 96, 19, 0, Panels(19).count(),
                     c.floats(), 19, {}, nullptr);
    for (int64_t i = 0; i < 41; ++i) {
      for (int64_t j = 0; j < 19; ++j) {
        double expected = 0;
        for (int64_t h = 0; h < 96; ++h)
          expected += p.sum(i, h) * q.b[static_cast<size_t>(h * 19 + j)];
        ASSERT_EQ(c.floats()[i * 19 + j], expected) << name << " at " << i << ", " << j;
      }
    }
  }
}

// The weights of one block, and what numbers that are none do to them. A weight in bf16 errs by 0.8
// % at most (bf16.h).
TEST(KernelsTest, SoftmaxMatchesTheFormulaAndKeepsNanToItsRow) {
  constexpr int64_t kRows = 6, kStride = 320;
  for (const auto& [name, kernels] : kernels_here()) {
    for (const int64_t keys : {1, 15, 16, 33, 64, 300}) {
      std::vector<float> scores(kRows * kStride, NAN);  // also beyond the keys
      for (int64_t i = 0; i < kRows; ++i) {
        for (int64_t j = 0; j < keys; ++j)
          scores[static_cast<size_t>(i * kStride + j)] =
              static_cast<float>(i * 7 + j * 13 % 41) - 20;
      }
      const auto last = [&](int64_t row) -> float& {
        return scores[static_cast<size_t>(row * kStride + keys - 1)];
      };
      std::fill_n(scores.begin() + 1 * kStride, keys, -INFINITY);
      last(2) = NAN;
      last(3) = INFINITY;
      last(4) = -INFINITY;
      std::vector<float> given = scores, tops(kRows), sums(kRows);
      Memory weights(kRows * kStride * kernels->element_bytes);
      kernels->softmax({.begin = 0,
                        .end = kRows,
                        .keys = keys,
                        .scale = 0.25f,
                        .scores = scores.data(),
                        .scores_stride = kStride,
                        .tops = tops.data(),
                        .sums = sums.data(),
                        .weights = weights.data(),
                        .weights_stride = kStride,
                        .result = nullptr,
                        .result_stride = 0,
                        .columns = 0});
      for (const int64_t row : {2, 3})
        EXPECT_TRUE(std::isnan(sums[static_cast<size_t>(row)])) << name << ", " << keys << " keys";
      for (const int64_t row : {0, 1, 4, 5}) {
        double sum = 0;
        for (int64_t j = 0; j < kernels->padded(keys); ++j) {
          const float got = element(*kernels, weights.data(), row * kStride + j);
          const double score = j < keys ? given[static_cast<size_t>(row * kStride + j)] : -INFINITY;
          const double expected =
              std::isinf(score)
                  ? 0
                  : std::exp2(score * 0.25 / std::log(2.0) - tops[static_cast<size_t>(row)]);
          ASSERT_NEAR(got, expected, expected * (kernels->element == Element::kF32 ? 1e-5 : 8e-3))
              << name << " " << keys << " " << j;
          sum += got;
        }
        EXPECT_NEAR(sums[static_cast<size_t>(row)], sum, 1e-5 * sum)
            << name << ", " << keys << " keys, row " << row;
      }
    }
  }
}

TEST(KernelsTest, StreamedResultsAndPartsOfThePanelsAreTheSame) {
  for (const auto& [name, kernels] : kernels_here()) {
    Product p(*kernels, 70, 96, 272, true);
    Memory whole(70 * 272 * sizeof(float)), parts(70 * 272 * sizeof(float));
    const int64_t panels = Panels(272).count();
    kernels->product(p.elements.data(), p.stride, 70, p.packed.data(), 96, 272, 0, panels,
                     whole.floats(), 272, {}, nullptr);
    for (int64_t first = 0; first < panels; ++first) {
      kernels->product(p.elements.data(), p.stride, 70, p.packed.data(), 96, 272, first, first + 1,
                       parts.floats(), 272, {.stream = true}, nullptr);
    }
    EXPECT_EQ(std::memcmp(whole.data(), parts.data(), 70 * 272 * sizeof(float)), 0) << name;
  }
}

}  // namespace
}  // namespace alref::compute::kernels
