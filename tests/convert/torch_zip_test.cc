// SPDX-License-Identifier: Apache-2.0
#include "convert/torch_zip.h"

#include "alref/error.h"

#include <cstring>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "convert/torch_file.h"

namespace alref::convert {
namespace {

using ::testing::HasSubstr;
using testing::ZipSpec;

std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

ZipSpec sample() {
  ZipSpec zip;
  zip.entries = {{.name = "a/data.pkl", .data = "pickle"},
                 {.name = "a/data/0", .data = "12345678"}};
  return zip;
}

/// What reading says, of all entries; empty where all is well.
std::string complaint(const std::string& bytes) {
  try {
    const TorchZip zip(as_bytes(bytes), "model.pt");
    for (const auto& [name, entry] : zip.entries()) zip.read(name);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kModel);
    EXPECT_THAT(error.what(), HasSubstr("model.pt"));
    return error.what();
  }
}

std::string complaint(const ZipSpec& spec) { return complaint(spec.bytes()); }

TEST(TorchZipTest, ReadsStoredEntries) {
  for (const bool zip64 : {true, false}) {
    ZipSpec spec = sample();
    spec.zip64 = zip64;
    spec.entries[1].wide = true;
    const std::string bytes = spec.bytes();
    const TorchZip zip(as_bytes(bytes), "model.pt");
    EXPECT_EQ(zip.entries().size(), 2u);
    const auto data = zip.read("a/data/0");
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(data.data()), data.size()), "12345678");
    EXPECT_THROW(zip.read("a/data/1"), Error);
  }
}

TEST(TorchZipTest, CutShortAtEveryByteIsAnError) {
  const std::string whole = sample().bytes();
  ASSERT_EQ(complaint(whole), "");
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(complaint(whole.substr(0, size)), "") << "cut to " << size;
  }
}

TEST(TorchZipTest, ExtremesInEveryFieldDoNotCrash) {
  const std::string whole = sample().bytes();
  int refused = 0;
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const uint64_t value :
         {uint64_t{0}, uint64_t{0x7fffffff}, uint64_t{0x8000000000000000}, ~uint64_t{0}}) {
      for (const size_t width : {2, 4, 8}) {
        std::string bad = whole;
        std::memcpy(bad.data() + at, &value, std::min(width, bad.size() - at));
        if (!complaint(bad).empty()) ++refused;
      }
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST(TorchZipTest, RefusesCompressedEntriesSoThatNothingCanGrow) {
  ZipSpec bomb = sample();
  bomb.entries[1].method = 8;
  EXPECT_THAT(complaint(bomb), HasSubstr("compressed (method 8)"));
  ZipSpec grown = sample();
  grown.entries[1].size_change = 1 << 30;
  EXPECT_THAT(complaint(grown), HasSubstr("expected the same"));
  ZipSpec beyond = sample();
  beyond.entries[1].size_change = beyond.entries[1].packed_change = 1 << 20;
  EXPECT_THAT(complaint(beyond), HasSubstr("cut short"));
  ZipSpec wide = sample();
  wide.entries[1].wide = true;
  wide.entries[1].size_change = wide.entries[1].packed_change = int64_t{1} << 62;
  EXPECT_THAT(complaint(wide), HasSubstr("cut short"));
}

TEST(TorchZipTest, RefusesOverlapsAndTwins) {
  ZipSpec twins = sample();
  twins.entries[1].name = "a/data.pkl";
  EXPECT_THAT(complaint(twins), HasSubstr("appears twice"));
  // The second entry lies within the first one's data (David Fifield's "better zip bomb").
  ZipSpec inner;
  inner.entries = {{.name = "b", .data = "x"}};
  const std::string local = inner.bytes().substr(0, 30 + 1 + 1);
  ZipSpec overlap;
  overlap.entries = {{.name = "a", .data = local}, {.name = "b", .data = "x"}};
  overlap.entries[1].offset_change = -static_cast<int64_t>(local.size());
  EXPECT_THAT(complaint(overlap), HasSubstr("overlap at byte 31"));
}

TEST(TorchZipTest, RefusesHeadersThatDisagree) {
  ZipSpec names = sample();
  names.entries[1].local_name = "a/data/7";
  EXPECT_THAT(complaint(names), HasSubstr("disagree"));
  ZipSpec moved = sample();
  moved.directory_offset_change = 3;
  EXPECT_NE(complaint(moved), "");
  ZipSpec more = sample();
  more.count_change = 1;
  EXPECT_NE(complaint(more), "");
  ZipSpec fewer = sample();
  fewer.count_change = -1;
  EXPECT_THAT(complaint(fewer), HasSubstr("more than its entries"));
}

TEST(TorchZipTest, RefusesDamagedData) {
  ZipSpec damaged = sample();
  damaged.entries[1].crc_change = 1;
  EXPECT_THAT(complaint(damaged), HasSubstr("checksum"));
}

TEST(TorchZipTest, RefusesEncryptionAndStrangeNames) {
  ZipSpec encrypted = sample();
  encrypted.entries[1].flags = 1;
  EXPECT_THAT(complaint(encrypted), HasSubstr("encrypted"));
  for (const std::string name : {"", "/etc/passwd", "a/../b", "a\\b", "a\nb"}) {
    ZipSpec strange = sample();
    strange.entries[1].name = name;
    EXPECT_THAT(complaint(strange), HasSubstr("name that no checkpoint has")) << name;
  }
}

TEST(TorchZipTest, RefusesCommentsAndOtherTrailers) {
  EXPECT_NE(complaint(sample().bytes() + "comment"), "");
  EXPECT_THAT(complaint(std::string(100, '\0')), HasSubstr("trailer"));
}

}  // namespace
}  // namespace alref::convert
