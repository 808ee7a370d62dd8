// SPDX-License-Identifier: Apache-2.0
// What stands between products, row by row: read as f32 or as elements, and written as either.
#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "compute/kernels_testing.h"

namespace alref::compute::kernels {
namespace {

/// Whole numbers in f32, and the same as elements: both exact.
struct Rows {
  Rows(const BlockKernels& kernels, int64_t rows, int64_t n)
      : values(whole_numbers(rows * n, 7)),
        stride(kernels.padded((n + 15) / 16 * 16) + 32),
        elements(static_cast<size_t>(rows * stride) * kernels.element_bytes),
        f32(rows_of(values, rows, n)) {
    kernels.from_f32.convert(f32.data(), rows, n, elements.data(), stride);
    for (int64_t i = 0; i < rows; ++i) {
      narrow.push_back(elements.data() + static_cast<size_t>(i * stride) * kernels.element_bytes);
    }
  }

  std::vector<float> values;
  int64_t stride;
  Memory elements;
  std::vector<const void*> f32, narrow;
};

constexpr int64_t kLengths[] = {1, 7, 16, 17, 31, 32, 33, 63, 64, 72, 100};

TEST(KernelOperandsTest, ElementsAreReadAsTheirValuesInF32) {
  for (const Named& one : kernels_here()) {
    const std::string& name = one.name;  // lambdas may not take bindings along in Clang 14
    const BlockKernels* const kernels = one.kernels;
    for (const int64_t n : kLengths) {
      constexpr int64_t kRows = 19;
      const Rows rows(*kernels, kRows, n);
      const auto expect_same = [&](const char* what, size_t bytes, const auto& read) {
        Memory a(bytes + 64), b(bytes + 64);  // what lies behind must stay as it is, too
        read(kernels->from_f32, rows.f32.data(), a.data());
        read(kernels->from_elements, rows.narrow.data(), b.data());
        EXPECT_EQ(std::memcmp(a.data(), b.data(), bytes + 64), 0)
            << name << ", " << what << ", rows of " << n;
      };
      const size_t bytes = kernels->element_bytes;
      expect_same("convert", kRows * static_cast<size_t>(rows.stride) * bytes,
                  [&](const OperandKernels& from, const void* const* x, void* y) {
                    from.convert(x, kRows, n, y, rows.stride);
                  });
      expect_same("pack_transposed", kernels->packed_bytes(n, 32),
                  [&](const OperandKernels& from, const void* const* x, void* y) {
                    from.pack_transposed(x, n, kRows, 2, y);
                  });
      if (n > 5) {
        const int64_t columns = std::min<int64_t>(n - 5, kPanelColumns),
                      width = (columns + 15) / 16;
        expect_same("pack", kernels->packed_bytes(kRows, 16 * width),
                    [&](const OperandKernels& from, const void* const* x, void* y) {
                      from.pack(x, 5, kRows, columns, width, y);
                    });
      }
      for (const bool to_elements : {false, true}) {
        expect_same("largest", static_cast<size_t>(n) * sizeof(float),
                    [&](const OperandKernels& from, const void* const* x, void* y) {
                      from.largest(x, n, y, to_elements);
                    });
      }
    }
  }
}

TEST(KernelOperandsTest, SumsOfRowsAreConvertedAsTheRowsAre) {
  constexpr int64_t kRows = 3;
  for (const auto& [name, kernels] : kernels_here()) {
    for (const int64_t n : kLengths) {
      const Rows rows(*kernels, 2 * kRows, n);
      Memory sums(static_cast<size_t>(kRows * rows.stride) * kernels->element_bytes);
      kernels->add(rows.f32.data(), rows.f32.data() + kRows, kRows, n, sums.data(), rows.stride);
      for (int64_t i = 0; i < kRows; ++i) {
        for (int64_t j = 0; j < rows.stride; ++j) {
          const float got = element(*kernels, sums.data(), i * rows.stride + j);
          if (j < n) {
            ASSERT_EQ(got, rows.values[static_cast<size_t>(i * n + j)] +
                               rows.values[static_cast<size_t>((i + kRows) * n + j)])
                << name;
          } else if (j < kernels->padded((n + 15) / 16 * 16)) {
            ASSERT_EQ(got, 0.0f) << name;
          } else {
            ASSERT_TRUE(std::isnan(got)) << name << " wrote beyond its row";
          }
        }
      }
    }
  }
}

// Blocks of rows are cut by the number of threads: a row's norm must not know.
TEST(KernelOperandsTest, NormsOfRowsAreTheSameInBlocksOfAnyLength) {
  constexpr int64_t kRows = 7;
  for (const auto& [name, kernels] : kernels_here()) {
    for (const int64_t n : {16, 17, 48, 64, 100, 768}) {
      std::vector<float> x = whole_numbers(kRows * n, 7), weight = whole_numbers(n, 8),
                         bias = whole_numbers(n, 9);
      for (std::vector<float>* values : {&x, &weight, &bias})
        for (float& value : *values) value /= 7;
      const int64_t stride = kernels->padded((n + 15) / 16 * 16);
      const size_t bytes = static_cast<size_t>(stride) * kernels->element_bytes;
      const auto rows = rows_of(x, kRows, n);
      const RowNorm norm{.eps = 1e-5f, .weight = weight.data(), .bias = bias.data()};
      Memory together(kRows * bytes), alone(kRows * bytes);
      kernels->normalize(rows.data(), kRows, n, norm, together.data(), stride);
      for (size_t i = 0; i < kRows; ++i)
        kernels->normalize(rows.data() + i, 1, n, norm, alone.data() + i * bytes, stride);
      EXPECT_EQ(std::memcmp(together.data(), alone.data(), kRows * bytes), 0)
          << name << ", rows of " << n;
    }
  }
}

TEST(KernelOperandsTest, TheLargestOfFourRowsIsFound) {
  for (const auto& [name, kernels] : kernels_here()) {
    for (const int64_t n : kLengths) {
      const Rows rows(*kernels, 4, n);
      Memory f32(static_cast<size_t>(n + 1) * sizeof(float)),
          narrow(static_cast<size_t>(n + 1) * kernels->element_bytes);
      kernels->from_f32.largest(rows.f32.data(), n, f32.data(), false);
      kernels->from_f32.largest(rows.f32.data(), n, narrow.data(), true);
      for (int64_t i = 0; i < n; ++i) {
        float expected = rows.values[static_cast<size_t>(i)];
        for (int64_t row = 1; row < 4; ++row)
          expected = std::max(expected, rows.values[static_cast<size_t>(row * n + i)]);
        ASSERT_EQ(f32.floats()[i], expected) << name;
        ASSERT_EQ(element(*kernels, narrow.data(), i), expected) << name;
      }
      EXPECT_TRUE(std::isnan(f32.floats()[n])) << name;
      EXPECT_TRUE(std::isnan(element(*kernels, narrow.data(), n))) << name;
    }
  }
}

TEST(KernelOperandsTest, RowsAreScatteredScaledAndLeftOut) {
  constexpr int64_t kRows = 5;
  for (const auto& [name, kernels] : kernels_here()) {
    for (const int64_t n : kLengths) {
      for (const bool scaled : {false, true}) {
        for (const bool to_elements : {false, true}) {
          const std::vector<float> x = whole_numbers(kRows * n, 8),
                                   scale = {1.0f, -0.5f, 7.0f, 0.0f, 2.0f};
          const size_t bytes = to_elements ? kernels->element_bytes : sizeof(float);
          Memory y(static_cast<size_t>(kRows * (n + 1)) * bytes);
          void* rows[kRows];
          for (int64_t i = 0; i < kRows; ++i)
            rows[i] = i == 2 ? nullptr : y.data() + static_cast<size_t>((4 - i) * (n + 1)) * bytes;
          kernels->scatter(x.data(), n, scaled ? scale.data() : nullptr, kRows, n, rows,
                           to_elements);
          for (int64_t i = 0; i < kRows; ++i) {
            for (int64_t j = 0; j <= n; ++j) {
              const int64_t at = (4 - i) * (n + 1) + j;
              const float got = to_elements ? element(*kernels, y.data(), at) : y.floats()[at];
              if (i == 2 || j == n) {
                ASSERT_TRUE(std::isnan(got)) << name << " wrote where it should not";
              } else {
                ASSERT_EQ(got, x[static_cast<size_t>(i * n + j)] *
                                   (scaled ? scale[static_cast<size_t>(i)] : 1.0f))
                    << name;
              }
            }
          }
        }
      }
    }
  }
}

TEST(KernelOperandsTest, CopiesPastTheCachesAreWhole) {
  if (!row_kernels()) GTEST_SKIP() << "no AVX-512 here";
  for (const size_t bytes : {0, 1, 63, 64, 65, 1000}) {
    for (const size_t begin : {0, 2, 32, 63}) {
      const std::vector<float> from = whole_numbers(300, 9);
      Memory to(begin + bytes + 1);
      row_kernels()->stream(from.data(), to.data() + begin, bytes);
      EXPECT_EQ(std::memcmp(to.data() + begin, from.data(), bytes), 0) << bytes;
      EXPECT_EQ(to.data()[begin + bytes], std::byte{0xff}) << bytes;
      if (begin > 0) {
        EXPECT_EQ(to.data()[begin - 1], std::byte{0xff}) << bytes;
      }
    }
  }
}

}  // namespace
}  // namespace alref::compute::kernels
