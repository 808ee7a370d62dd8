// SPDX-License-Identifier: Apache-2.0
#include "text/bpe.h"

#include "alref/error.h"

#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/golden.h"

namespace alref::text {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> clip_merges() {
  std::istringstream in(testing::inflate_file(ALREF_TEST_DATA "/../../models/clip-merges.txt.gz"));
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

const Bpe& clip() {
  static const Bpe tokenizer(clip_merges());
  return tokenizer;
}

TEST(BpeTest, AgreesWithHuggingFaceOnTenThousandStrings) {
  const auto records = testing::read_golden_tokens(ALREF_TEST_DATA "/text/bpe.golden.gz");
  ASSERT_EQ(records.size(), 10000u);
  for (const auto& record : records) {
    const auto ids = clip().encode(record.text);
    ASSERT_TRUE(ids.size() == record.count && testing::digest_of(ids) == record.digest)
        << ids.size() << " tokens, expected " << record.count << ", of: " << record.text;
  }
}

// Ids as published with CLIP: "a photo of a dog".
TEST(BpeTest, EncodesBetweenStartAndEnd) {
  EXPECT_EQ(clip().size(), 49408u);
  EXPECT_THAT(clip().encode("A photo of a dog"),
              ElementsAre(49406, 320, 1125, 539, 320, 1929, 49407));
  EXPECT_THAT(clip().encode(""), ElementsAre(49406, 49407));
}

TEST(BpeTest, LongTextIsCut) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "dog ";
  EXPECT_EQ(clip().encode(text).size(), 77u);
  EXPECT_EQ(clip().encode(text).back(), clip().end());
  EXPECT_EQ(clip().encode(text, 1000).size(), 102u);
  EXPECT_THROW(clip().encode(text, 1), Error);
}

TEST(BpeTest, LongWordsTakeNoQuadraticTime) {
  EXPECT_EQ(clip().encode(std::string(1 << 20, 'a')).size(), 77u);
}

TEST(BpeTest, InvalidUtf8IsAnError) { EXPECT_THROW(clip().encode("\xc3"), Error); }

TEST(BpeTest, RefusesMergesOfUnknownTokens) {
  EXPECT_THROW(Bpe(std::vector<std::string>{"a"}), Error);
  EXPECT_THROW(Bpe(std::vector<std::string>{"ab c</w>"}), Error);
  EXPECT_THROW(Bpe(std::vector<std::string>{""}), Error);
  EXPECT_THAT(Bpe(std::vector<std::string>{"a b", "ab c</w>"}).encode("abc"),
              ElementsAre(514, 513, 515));
}

}  // namespace
}  // namespace alref::text
