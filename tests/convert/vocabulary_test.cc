// SPDX-License-Identifier: Apache-2.0
// What ships with the program for checkpoints that hold no vocabulary; expected are the ids of
// Hugging Face's bert-base-uncased and the ends of CLIP's own merges file.
#include "convert/vocabulary.h"

#include <set>

#include <gtest/gtest.h>

namespace alref::convert {
namespace {

TEST(BertVocabularyTest, HasThePiecesAtTheirIds) {
  const std::vector<std::string> pieces = bert_uncased_vocabulary();
  ASSERT_EQ(pieces.size(), 30522u);
  const struct {
    size_t id;
    const char* piece;
  } known[] = {{0, "[PAD]"}, {100, "[UNK]"}, {101, "[CLS]"},  {102, "[SEP]"},     {103, "[MASK]"},
               {1012, "."},  {1029, "?"},    {1037, "a"},     {3899, "dog"},      {4937, "cat"},
               {6556, "remote"}, {2491, "control"}, {2075, "##ing"}, {30521, "##\uFF5E"}};
  for (const auto& [id, piece] : known) EXPECT_EQ(pieces[id], piece);
  EXPECT_EQ(std::set<std::string>(pieces.begin(), pieces.end()).size(), pieces.size());
}

TEST(ClipMergesTest, AreAllThereInOrder) {
  const std::vector<std::string> merges = clip_merges();
  ASSERT_EQ(merges.size(), 48894u);
  EXPECT_EQ(merges[0], "i n");
  EXPECT_EQ(merges[1], "t h");
  EXPECT_EQ(merges[3], "r e");
  EXPECT_EQ(merges.back(), "jeky ll</w>");
}

}  // namespace
}  // namespace alref::convert
