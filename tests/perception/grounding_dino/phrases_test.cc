// SPDX-License-Identifier: Apache-2.0
#include "perception/grounding_dino/phrases.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace alref::grounding_dino {
namespace {

// [CLS] a cat . the skate ##board . [SEP]
constexpr size_t kTokens = 9;

class PhrasesTest : public ::testing::Test {
 protected:
  text::WordPiece tokenizer_{
      {"[PAD]", "[UNK]", "[CLS]", "[SEP]", ".", "a", "cat", "the", "skate", "##board"}};
  Caption caption_ = read_caption("A cat . the skateboard .", tokenizer_, 256);
  std::vector<float> logits_ = {
      -9, -9, 2,  -9, -9, 1,  -9, -9, -9,  // "cat" best, then "skate"
      -9, -9, -9, -9, -9, -9, 3,  -9, -9,  // "##board" alone
      -9, -9, -2, 4,  -9, -3, -9, -9, -9,  // best at the stop; of the words, at "cat"
      -9, -9, -2, -9, -9, -9, -9, -9, -9,  // below the threshold
  };
  std::vector<float> boxes_ = {0.5f, 0.5f, 1,    1,    0.25f, 0.5f, 0.5f, 0.25f,
                               0,    0,    0.5f, 0.5f, 0.5f,  0.5f, 1,    1};
  QueryScores scores_{4, logits_, boxes_};
};

TEST_F(PhrasesTest, CleanLabelsAreExactlyOnePhrase) {
  const auto found = clean_detections(scores_, caption_, {}, 200, 100);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].phrase, "A cat");
  EXPECT_EQ(found[0].phrase_offset, 0u);
  EXPECT_EQ(found[1].phrase, "the skateboard");
  EXPECT_EQ(found[1].phrase_offset, 8u);
  EXPECT_EQ(found[2].phrase, "A cat");
  EXPECT_FLOAT_EQ(found[0].score, 1 / (1 + std::exp(-2.0f)));
  EXPECT_EQ(found[0].box, (Box{0, 0, 200, 100}));
  EXPECT_EQ(found[1].box, (Box{0, 37.5f, 100, 62.5f}));
  EXPECT_EQ(found[2].box, (Box{-50, -25, 50, 25}));
}

TEST_F(PhrasesTest, OfficialLabelsJoinAndCut) {
  const auto found = official_detections(scores_, caption_, tokenizer_, {}, 200, 100);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].phrase, "cat skate");
  EXPECT_EQ(found[1].phrase, "##board");
  EXPECT_EQ(found[1].phrase_offset, 8u);
  EXPECT_EQ(found[2].phrase, "");
}

// Goldens: tests/oracles/make_label_goldens.py.
TEST(OfficialLabelsTest, AreThoseOfTheOfficialCode) {
  std::vector<std::string> pieces;
  std::ifstream vocabulary(ALREF_MODELS "/bert-base-uncased-vocab.txt");
  for (std::string piece; std::getline(vocabulary, piece);) pieces.push_back(piece);
  const text::WordPiece tokenizer(std::move(pieces));
  std::ifstream file(ALREF_TEST_DATA "/grounding_dino/labels.json");
  size_t compared = 0;
  for (const nlohmann::json& golden : nlohmann::json::parse(file)) {
    const Caption caption = read_caption(golden["caption"].get<std::string>(), tokenizer, 256);
    for (const nlohmann::json& one : golden["labels"]) {
      std::vector<float> logits(caption.ids.size(), -9);
      for (const size_t token : one["tokens"]) logits.at(token) = 2;
      const std::vector<float> box = {0.5f, 0.5f, 1, 1};
      const auto found = official_detections({1, logits, box}, caption, tokenizer, {}, 100, 100);
      ASSERT_EQ(found.size(), 1u);
      EXPECT_EQ(found[0].phrase, one["label"].get<std::string>()) << one;
      ++compared;
    }
  }
  EXPECT_EQ(compared, 160u);
}

TEST_F(PhrasesTest, ThresholdsAreExclusive) {
  logits_.assign(logits_.size(), -9);
  logits_[2] = 0;  // exactly one half
  EXPECT_EQ(clean_detections(scores_, caption_, {.box = 0.5f}, 200, 100).size(), 0u);
  EXPECT_EQ(clean_detections(scores_, caption_, {.box = 0.4999f}, 200, 100).size(), 1u);
  EXPECT_EQ(
      official_detections(scores_, caption_, tokenizer_, {.box = 0.4f, .text = 0.5f}, 200, 100)[0]
          .phrase,
      "");
}

}  // namespace
}  // namespace alref::grounding_dino
