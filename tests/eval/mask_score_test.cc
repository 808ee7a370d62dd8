// SPDX-License-Identifier: Apache-2.0
#include "eval/mask_score.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alref/error.h"
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
  const auto scores = score_masks(folder.write("found.json", found.text(2)), folder.write("truth.json", truth.text(2)));
  ASSERT_EQ(scores.size(), 2u);
  EXPECT_EQ(scores[0].name, "the cat");
  EXPECT_EQ(scores[0].j, 0.5);
  EXPECT_EQ(scores[1].j_and_f(), 1);
}

TEST(MaskScoreTest, DamagedOrUnequalFilesAreErrors) {
  const TemporaryFolder folder;
  outputs::MasksJson one("clip", 8, 4);
  one.add_object("the cat");
  const auto good = folder.write("good.json", one.text(2));
  EXPECT_THROW(score_masks(good, folder.write("short.json", one.text(1))), Error);
  EXPECT_THROW(score_masks(good, folder.write("none.json", outputs::MasksJson("clip", 8, 4).text(2))), Error);
  EXPECT_THROW(score_masks(good, folder.write("bad.json", "{\"videos\": [")), Error);
  EXPECT_THROW(score_masks(good, folder.write("other.json", "{\"videos\": [{\"width\": -1, \"height\": 4}]}")), Error);
  EXPECT_THROW(score_masks(good, folder / "missing.json"), Error);
}

}  // namespace
}  // namespace alref::eval
