// SPDX-License-Identifier: Apache-2.0
#include "eval/mask_score.h"

#include "alref/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "outputs/coco_rle.h"
#include "testing/temporary_folder.h"

namespace alref::eval {
namespace {

using testing::TemporaryFolder;

Mask half(bool left) {
  Mask mask(8, 4);
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 4; ++x) mask.row(y)[left ? x : x + 4] = 1;
  }
  return mask;
}

TEST(MaskScoreTest, ScoresWhatSegmentWrites) {
  const TemporaryFolder folder;
  outputs::MasksJson truth("clip", 8, 4), found("clip", 8, 4);
  truth.add_object("the cat");
  truth.add_object("the dog");
  found.add_object("0");
  found.add_object("1");
  for (int frame : {0, 1}) truth.add(0, frame, half(true));
  truth.add(1, 0, half(false));
  found.add(0, 0, half(true));
  found.add(0, 1, half(false));
  found.add(1, 0, half(false));  // frame 1: both empty, which is right
  const auto scores = score_masks(folder.write("found.json", found.text(2)),
                                  folder.write("truth.json", truth.text(2)));
  ASSERT_EQ(scores.size(), 2u);
  EXPECT_EQ(scores[0].name, "the cat");
  EXPECT_EQ(scores[0].j, 0.5);
  EXPECT_EQ(scores[1].j_and_f(), 1);
}

TEST(MaskScoreTest, NamedObjectsAreMatchedByName) {
  const TemporaryFolder folder;
  outputs::MasksJson sounds("clip", 8, 4), sentences("clip", 8, 4), found("clip", 8, 4);
  sounds.add_object("cat");
  sounds.add_object("dog");
  sentences.add_object("the cat");
  sentences.add_object("the mouse");
  found.add_object("the cat");
  found.add_object("something else");
  found.add_object("dog");
  for (int frame : {0, 1}) {
    sounds.add(0, frame, half(true));
    sentences.add(0, frame, half(true));
    found.add(0, frame, half(true));
    found.add(1, frame, half(true));
  }
  sounds.add(1, 0, half(false));
  found.add(2, 0, half(true));
  const std::vector<std::filesystem::path> truths = {
      folder.write("sounds.json", sounds.text(2)),
      folder.write("sentences.json", sentences.text(2))};
  const auto file = folder.write("found.json", found.text(2));
  const std::vector<std::string> names = {"cat", "dog", "the cat"};
  const auto scores = score_named_masks(file, truths, names);
  ASSERT_EQ(scores.size(), 3u);
  EXPECT_EQ(scores[0].j, 0);
  EXPECT_TRUE(scores[0].missing);
  EXPECT_EQ(scores[1].j, 0.5);  // wrong in the first frame, rightly empty in the second
  EXPECT_FALSE(scores[1].missing);
  EXPECT_EQ(scores[2].j, 1);
  EXPECT_THROW(score_named_masks(file, truths, std::vector<std::string>{"the horse"}), Error);
}

TEST(MaskScoreTest, DamagedOrUnequalFilesAreErrors) {
  const TemporaryFolder folder;
  outputs::MasksJson one("clip", 8, 4);
  one.add_object("the cat");
  const auto good = folder.write("good.json", one.text(2));
  EXPECT_THROW(score_masks(good, folder.write("short.json", one.text(1))), Error);
  EXPECT_THROW(
      score_masks(good, folder.write("none.json", outputs::MasksJson("clip", 8, 4).text(2))),
      Error);
  EXPECT_THROW(score_masks(good, folder.write("bad.json", "{\"videos\": [")), Error);
  EXPECT_THROW(score_masks(good, folder.write("other.json",
                                              "{\"videos\": [{\"width\": -1, \"height\": 4}]}")),
               Error);
  EXPECT_THROW(score_masks(good, folder / "missing.json"), Error);
}

}  // namespace
}  // namespace alref::eval
