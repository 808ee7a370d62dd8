// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include <gtest/gtest.h>
#include <zlib.h>

#include "media/image_io.h"
#include "outputs/npy.h"
#include "testing/temporary_folder.h"

namespace alref::outputs {
namespace {

uint32_t number(const std::vector<uint8_t>& bytes, size_t at, int count) {
  uint32_t value = 0;
  for (int i = count - 1; i >= 0; --i) value = value << 8 | bytes.at(at + static_cast<size_t>(i));
  return value;
}

// Walks the archive as an unzipper does, from its end, by the offsets that it gives.
TEST(NpzTest, IsAZipOfNpyFiles) {
  const testing::TemporaryFolder folder;
  const std::string path = (folder.path() / "a.npz").string();
  const std::vector<float> first = {1, 2, 3, 4, 5, 6}, second = {7};
  const NamedArray arrays[] = {{"logits", {2, 3}, first}, {"boxes", {1}, second}};
  write_npz(path, arrays);

  const std::vector<uint8_t> bytes = media::read_file(path);
  const size_t end = bytes.size() - 22;
  ASSERT_EQ(number(bytes, end, 4), 0x06054b50u);
  ASSERT_EQ(number(bytes, end + 10, 2), 2u);
  size_t entry = number(bytes, end + 16, 4);
  ASSERT_EQ(entry + number(bytes, end + 12, 4), end);
  for (const NamedArray& array : arrays) {
    ASSERT_EQ(number(bytes, entry, 4), 0x02014b50u);
    const size_t size = number(bytes, entry + 24, 4), name = number(bytes, entry + 28, 2);
    EXPECT_EQ(std::string(&bytes[entry + 46], &bytes[entry + 46] + name), array.name + ".npy");
    const size_t local = number(bytes, entry + 42, 4);
    ASSERT_EQ(number(bytes, local, 4), 0x04034b50u);
    const size_t data = local + 30 + number(bytes, local + 26, 2);
    EXPECT_EQ(number(bytes, entry + 16, 4), crc32_z(0, &bytes[data], size));
    std::vector<float> values(array.values.size());
    std::memcpy(values.data(), &bytes[data + size] - values.size() * sizeof(float),
                values.size() * sizeof(float));
    EXPECT_TRUE(std::equal(values.begin(), values.end(), array.values.begin()));
    entry += 46 + name;
  }
}

}  // namespace
}  // namespace alref::outputs
