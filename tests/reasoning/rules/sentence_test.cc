// SPDX-License-Identifier: Apache-2.0
#include "reasoning/rules/sentence.h"

#include "alref/error.h"

#include <fstream>

#include <gtest/gtest.h>

namespace alref::reasoning {
namespace {

std::string parse_line(const std::string& text) {
  const Sentence sentence = parse_sentence(text);
  std::string line = to_string(sentence.head);
  if (!sentence.unread.empty()) line += " ??";
  for (const std::string& word : sentence.unread) line += " " + word;
  return line;
}

TEST(SentenceTest, GoldenParses) {
  std::ifstream file(ALREF_TEST_DATA "/reasoning/sentences.txt");
  ASSERT_TRUE(file);
  int count = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    const size_t bar = line.find(" | ");
    ASSERT_NE(bar, std::string::npos) << line;
    EXPECT_EQ(parse_line(line.substr(0, bar)), line.substr(bar + 3)) << line.substr(0, bar);
    ++count;
  }
  EXPECT_GE(count, 150);
}

TEST(SentenceTest, CaptionIsTheNounWithItsQualities) {
  EXPECT_EQ(caption_of(parse_sentence("the second striped cat from the left").head),
            "the striped cat");
  EXPECT_EQ(caption_of(parse_sentence("the red fire truck moving left").head), "the fire truck");
  EXPECT_EQ(caption_of(parse_sentence("the one on the left").head), "the object");
}

TEST(SentenceTest, CaseAndPunctuationDoNotMatter) {
  EXPECT_EQ(parse_line("The Dog, which is MOVING left!"),
            parse_line("the dog which is moving left"));
  EXPECT_EQ(parse_line("the man\xE2\x80\x99s hat"), parse_line("the man's hat"));
}

TEST(SentenceTest, AnyTextIsRead) {
  // Nothing here may throw or recurse without end.
  for (const char* text :
       {"'s", ",,,a", "of of of of", "the the the", "not not not", "and and", "in in in in in",
        "the dog of the dog of the dog of the dog of the dog of the dog of the dog", "1 2 3 4th",
        "\xC3\xA9t\xC3\xA9", "between between and and", "the man in the man in the man in a hat"}) {
    EXPECT_NO_THROW(parse_sentence(text)) << text;
  }
}

TEST(SentenceTest, EmptyAndEndlessTextsAreErrors) {
  EXPECT_THROW(parse_sentence(""), Error);
  EXPECT_THROW(parse_sentence(" .!? "), Error);
  std::string words;
  for (int i = 0; i < 300; ++i) words += "dog on the left ";
  EXPECT_THROW(parse_sentence(words), Error);
}

}  // namespace
}  // namespace alref::reasoning
