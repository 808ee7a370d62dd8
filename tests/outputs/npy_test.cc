// SPDX-License-Identifier: Apache-2.0
#include "outputs/npy.h"

#include "alref/error.h"

#include <gtest/gtest.h>

#include "media/media_testing.h"

namespace alref::outputs {
namespace {

using testing::bytes_of;
using testing::TempDir;

FloatMap map_of(int width, int height) {
  FloatMap map(width, height);
  for (size_t i = 0; i < map.values.size(); ++i) map.values[i] = static_cast<float>(i) * -0.37f;
  return map;
}

TEST(NpyTest, MapComesBackAsItWas) {
  const TempDir dir;
  for (const auto& [width, height] : {std::pair{1, 1}, {5, 3}, {256, 256}}) {
    const FloatMap map = map_of(width, height);
    write_npy(dir / "a.npy", map);
    EXPECT_EQ(bytes_of(dir / "a.npy").size() % 64, map.values.size() * 4 % 64) << "data is aligned";
    const FloatMap back = read_npy(dir / "a.npy");
    EXPECT_EQ(back.width, width);
    EXPECT_EQ(back.height, height);
    EXPECT_EQ(back.values, map.values);
  }
}

// The bytes that numpy.save (2.4.6) writes for array([[1, -2]], dtype=float32).
TEST(NpyTest, ReadsWhatNumpyWrites) {
  std::string text("\x93NUMPY\x01\x00\x76\x00", 10);
  text += "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }";
  text += std::string(127 - text.size(), ' ') + '\n';
  text += std::string("\x00\x00\x80\x3f\x00\x00\x00\xc0", 8);
  const std::vector<uint8_t> bytes(text.begin(), text.end());
  const FloatMap map = decode_npy(bytes, "numpy.npy");
  EXPECT_EQ(map.values, (std::vector<float>{1, -2}));
  const TempDir dir;
  write_npy(dir / "a.npy", map);
  EXPECT_EQ(bytes_of(dir / "a.npy"), bytes);
}

TEST(NpyTest, DamagedFilesAreErrors) {
  const TempDir dir;
  write_npy(dir / "a.npy", map_of(5, 3));
  const std::vector<uint8_t> good = bytes_of(dir / "a.npy");
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_THROW(decode_npy({good.data(), size}, "cut"), Error) << size;
  }
  std::vector<uint8_t> longer = good;
  longer.push_back(0);
  EXPECT_THROW(decode_npy(longer, "longer"), Error);
  // A header as long as its field can say, of blanks.
  const std::string start(
      "\x93NUMPY\x01\x00\xff\xff"
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }",
      69);
  const std::string text = start + std::string(10 + 0xffff - start.size(), ' ');
  const std::vector<uint8_t> blanks(text.begin(), text.end());
  EXPECT_THROW(decode_npy(blanks, "blanks"), Error);
  EXPECT_THROW(write_npy(dir / "b.npy", std::span<const FloatMap>()), Error);
}

}  // namespace
}  // namespace alref::outputs
