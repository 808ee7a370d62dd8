// SPDX-License-Identifier: Apache-2.0
#include "core/packed_mask.h"

#include "alref/error.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "core/mask_scan.h"

namespace alref {
namespace {

TEST(PackedMaskTest, UnpacksToWhatWasPacked) {
  std::mt19937 random(1);
  for (const auto& [width, height] : {std::pair(1, 1), {7, 5}, {320, 240}, {1, 300}}) {
    for (const double density : {0.0, 0.01, 0.5, 1.0}) {
      Mask mask(width, height);
      std::bernoulli_distribution on(density);
      for (uint8_t& p : mask.pixels) p = on(random);
      const PackedMask packed(mask);
      EXPECT_EQ(packed.unpack(), mask);
      EXPECT_EQ(packed.area(), mask.area());
      EXPECT_EQ(PackedMask(width, height, packed.bytes()).unpack(), mask);
    }
  }
}

TEST(MaskScanTest, FindsTheEndsOfRunsWhereverTheyLie) {
  for (size_t size = 0; size < 40; ++size) {
    for (size_t begin = 0; begin <= size; ++begin) {
      for (size_t end = begin; end <= size; ++end) {
        std::vector<uint8_t> pixels(size, 0);
        std::fill(pixels.begin() + static_cast<long>(begin),
                  pixels.begin() + static_cast<long>(end), uint8_t{1});
        const bool any = begin < end;
        ASSERT_EQ(first_on(pixels.data(), size), any ? begin : size);
        ASSERT_EQ(last_on(pixels.data(), size), any ? end : 0);
        ASSERT_EQ(run_length(pixels.data() + begin, size - begin),
                  any ? end - begin : size - begin);
      }
    }
  }
  const std::vector<uint8_t> kinds = {1, 255, 7, 1, 1, 1, 1, 1, 1, 1, 1, 0};
  EXPECT_EQ(run_length(kinds.data(), kinds.size()), 11u);  // all that is not 0 is on
}

TEST(PackedMaskTest, EmptyMasksTakeFewBytes) {
  EXPECT_LE(PackedMask(Mask(1920, 1080)).bytes().size(), 4u);
}

TEST(PackedMaskTest, RunsThatDoNotFitAreErrors) {
  const std::string too_short("\x05", 1), too_long("\x0d", 1), unfinished("\x80", 1);
  for (const std::string& bytes :
       {std::string(), too_short, too_long, unfinished, std::string(20, '\xff')}) {
    EXPECT_THROW(PackedMask(4, 3, bytes), Error);
  }
  EXPECT_NO_THROW(PackedMask(4, 3, std::string("\x0c", 1)));
}

}  // namespace
}  // namespace alref
