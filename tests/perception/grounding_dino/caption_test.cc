// SPDX-License-Identifier: Apache-2.0
#include "perception/grounding_dino/caption.h"

#include "alref/error.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alref::grounding_dino {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const text::WordPiece& tokenizer() {
  static const text::WordPiece tokenizer({"[PAD]", "[UNK]", "[CLS]", "[SEP]", ".", "?", "a", "cat",
                                          "dog", "the", "man", "'", "s", "hat", "skate",
                                          "##board"});
  return tokenizer;
}

std::string error_of(const std::string& caption, size_t limit = 256) {
  try {
    read_caption(caption, tokenizer(), limit);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
    return error.what();
  }
  return "no error";
}

TEST(CaptionTest, IsCutAtStopsAndQuestionMarks) {
  const std::string text = "A cat . the man's hat?Skateboard";
  const Caption caption = read_caption(text, tokenizer(), 256);
  EXPECT_THAT(caption.ids, ElementsAre(2, 6, 7, 4, 9, 10, 11, 12, 13, 5, 14, 15, 4, 3));
  ASSERT_EQ(caption.phrases.size(), 3u);
  EXPECT_EQ(caption.phrases[0].text, "A cat");
  EXPECT_EQ(caption.phrases[1].text, "the man's hat");
  EXPECT_EQ(caption.phrases[2].text, "Skateboard");
  for (const Phrase& phrase : caption.phrases)
    EXPECT_EQ(text.substr(phrase.offset, phrase.text.size()), phrase.text);
  EXPECT_EQ(caption.phrases[1].first_token, 4u);
  EXPECT_EQ(caption.phrases[1].end_token, 9u);
}

TEST(CaptionTest, EndsWithOneStop) {
  EXPECT_EQ(read_caption("a cat", tokenizer(), 256).ids,
            read_caption("a cat.  ", tokenizer(), 256).ids);
}

TEST(CaptionTest, NeedsAWord) {
  for (const char* text : {"", "   \n", ".", " . ? ."})
    EXPECT_THAT(error_of(text), HasSubstr("empty"));
}

TEST(CaptionTest, OfTooManyTokensIsRefusedWithTheirNumber) {
  std::string text = "cat";
  for (int i = 1; i < 253; ++i) text += " cat";
  EXPECT_EQ(read_caption(text, tokenizer(), 256).ids.size(), 256u);  // with [CLS], "." and [SEP]
  EXPECT_THAT(error_of(text + " cat"), HasSubstr("257 tokens, expected at most 256"));
}

TEST(CaptionTest, MustBeUtf8) { EXPECT_THAT(error_of("a \xff cat"), HasSubstr("UTF-8")); }

// By hand after bertwarper.py: [CLS] a cat . dog . [SEP].
TEST(SubSentencesTest, AttendWithinThemselvesAndCountAnew) {
  const std::vector<int32_t> ids = {2, 6, 7, 4, 8, 4, 3};
  const SubSentences layout = sub_sentences(ids, separators(tokenizer()));
  EXPECT_THAT(layout.positions, ElementsAre(0, 0, 1, 2, 0, 1, 0));
  const int group[] = {0, 1, 1, 1, 2, 2, 3};
  for (size_t i = 0; i < ids.size(); ++i) {
    for (size_t j = 0; j < ids.size(); ++j) {
      EXPECT_EQ(layout.mask[i * ids.size() + j],
                group[i] == group[j] ? 0 : -std::numeric_limits<float>::infinity());
    }
  }
}

// Words that no separator follows before [SEP] see only themselves.
TEST(SubSentencesTest, WordsWithoutAnEndStayAlone) {
  const std::vector<int32_t> ids = {2, 6, 7, 3};
  const SubSentences layout = sub_sentences(ids, separators(tokenizer()));
  EXPECT_THAT(layout.positions, ElementsAre(0, 0, 0, 0));
  for (size_t i = 0; i < 4; ++i) {
    for (size_t j = 0; j < 4; ++j) EXPECT_EQ(layout.mask[i * 4 + j] == 0, i == j);
  }
}

}  // namespace
}  // namespace alref::grounding_dino
