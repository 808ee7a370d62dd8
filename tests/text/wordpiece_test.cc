// SPDX-License-Identifier: Apache-2.0
#include "text/wordpiece.h"

#include "alref/error.h"

#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/golden.h"

namespace alref::text {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> bert_vocabulary() {
  std::ifstream in(ALREF_TEST_DATA "/../../models/bert-base-uncased-vocab.txt");
  std::vector<std::string> pieces;
  for (std::string line; std::getline(in, line);) pieces.push_back(line);
  return pieces;
}

const WordPiece& bert() {
  static const WordPiece tokenizer(bert_vocabulary());
  return tokenizer;
}

std::vector<std::string> pieces(std::string_view text) {
  std::vector<std::string> out;
  for (const Token& token : bert().tokenize(text)) {
    out.push_back(bert().vocabulary()[static_cast<size_t>(token.id)]);
  }
  return out;
}

TEST(WordPieceTest, AgreesWithHuggingFaceOnTenThousandStrings) {
  const auto records = testing::read_golden_tokens(ALREF_TEST_DATA "/text/wordpiece.golden.gz");
  ASSERT_EQ(records.size(), 10000u);
  for (const auto& record : records) {
    const auto ids = bert().encode(record.text);
    ASSERT_TRUE(ids.size() == record.count && testing::digest_of(ids) == record.digest)
        << ids.size() << " tokens, expected " << record.count << ", of: " << record.text;
  }
}

TEST(WordPieceTest, SplitsWordsSignsAndContinuations) {
  EXPECT_THAT(pieces("A dog . the man's hat"),
              ElementsAre("a", "dog", ".", "the", "man", "'", "s", "hat"));
  EXPECT_THAT(pieces("unaffable"), ElementsAre("una", "##ffa", "##ble"));
  EXPECT_THAT(pieces("H\u00c9LLO \u4e2d\u56fd"), ElementsAre("hello", "\u4e2d", "\u56fd"));
  EXPECT_THAT(pieces("a[SEP]b [sep]"), ElementsAre("a", "[SEP]", "b", "[", "sep", "]"));
  EXPECT_THAT(pieces("\U0001F600"), ElementsAre("[UNK]"));
  EXPECT_THAT(pieces(""), ElementsAre());
}

TEST(WordPieceTest, WordsOfMoreThanHundredCharactersAreUnknown) {
  EXPECT_EQ(bert().tokenize(std::string(100, 'a')).size() > 1, true);
  EXPECT_THAT(pieces(std::string(101, 'a')), ElementsAre("[UNK]"));
}

TEST(WordPieceTest, TokensKnowTheirPlaceInTheText) {
  const std::string text = "  The caf\u00c9s' dog";
  std::vector<std::string> parts;
  for (const Token& token : bert().tokenize(text)) {
    parts.push_back(text.substr(token.begin, token.end - token.begin));
  }
  EXPECT_THAT(parts, ElementsAre("The", "caf\u00c9s", "'", "dog"));
}

TEST(WordPieceTest, EncodesWithClsAndSep) {
  EXPECT_THAT(bert().encode("dog"), ElementsAre(101, 3899, 102));
  EXPECT_EQ(bert().pad(), 0);
  EXPECT_EQ(bert().id("."), 1012);
  EXPECT_EQ(bert().id("no such piece"), bert().unknown());
}

// Expected texts: BertTokenizer.decode(ids, clean_up_tokenization_spaces=True) of
// transformers 4.57.1.
TEST(WordPieceTest, DecodesToText) {
  const auto decoded = [](std::string_view text, bool clean_up) {
    std::vector<int32_t> ids;
    for (const Token& token : bert().tokenize(text)) ids.push_back(token.id);
    return bert().decode(ids, clean_up);
  };
  EXPECT_EQ(decoded("Unaffable dog, the man's hat.", true), "unaffable dog, the man's hat.");
  EXPECT_EQ(decoded("Unaffable dog, hat.", false), "unaffable dog , hat .");
  EXPECT_EQ(decoded("", true), "");
  EXPECT_THROW(bert().decode(std::vector<int32_t>{-1}), Error);
  EXPECT_THROW(bert().decode(std::vector<int32_t>{30522}), Error);
}

TEST(WordPieceTest, InvalidUtf8IsAnError) {
  for (const std::string bad :
       {"a\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe4\xb8", "\x80"}) {
    EXPECT_THROW(bert().tokenize(bad), Error);
  }
  try {
    bert().tokenize("ab\xff");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
    EXPECT_STREQ(error.what(), "text: invalid UTF-8 at byte 2");
  }
}

TEST(WordPieceTest, RefusesVocabulariesThatLackSpecialsOrRepeat) {
  EXPECT_THROW(WordPiece({"a", "b"}), Error);
  EXPECT_THROW(WordPiece({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "a"}), Error);
  EXPECT_EQ(WordPiece({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "a"}).encode("a").size(), 3u);
}

}  // namespace
}  // namespace alref::text
