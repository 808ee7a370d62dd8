// SPDX-License-Identifier: Apache-2.0
#include "eval/rvos_score.h"

#include "alref/error.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "media/image_io.h"
#include "outputs/coco_rle.h"
#include "outputs/mask_png.h"
#include "testing/temporary_folder.h"

namespace alref::eval {
namespace {

using alref::testing::TemporaryFolder;
using datasets::RvosDataset;
using datasets::RvosLayout;
using std::filesystem::path;

void write_text(const path& file, const std::string& text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

// Label maps of 4 x 1 pixels.
void write_labels(const path& file, const std::vector<uint8_t>& labels) {
  std::filesystem::create_directories(file.parent_path());
  media::LabelImage image(4, 1);
  image.labels = labels;
  const std::vector<uint8_t> png = media::encode_png(image);
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(png.data()), static_cast<std::streamsize>(png.size()));
}

class RvosScoreTest : public ::testing::Test {
 protected:
  path root() const { return folder_.path() / "data"; }
  path out() const { return folder_.path() / "out"; }

  TemporaryFolder folder_;
};

// One video of three frames: object 1 in the left half, object 2 on the last pixel.
class RefYoutubeVosTest : public RvosScoreTest {
 protected:
  RefYoutubeVosTest() {
    write_text(root() / "meta_expressions/valid/meta_expressions.json", R"({"videos": {
      "cats": {"expressions": {"0": {"exp": "the cat", "obj_id": "1"}, "1": {"exp": "the dog", "obj_id": "2"},
                               "2": {"exp": "the tuba", "obj_id": "0"}},
               "frames": ["00000", "00001", "00002"]},
      "hidden": {"expressions": {"0": {"exp": "x", "obj_id": "1"}}, "frames": ["00000"]}}})");
    write_text(root() / "meta_expressions/test/meta_expressions.json",
               R"({"videos": {"hidden": {}}})");
    for (const char* frame : {"00000", "00001", "00002"}) {
      write_labels(root() / "valid/Annotations/cats" / (std::string(frame) + ".png"), {1, 1, 0, 2});
    }
  }

  void answer(const std::string& expression, const std::vector<uint8_t>& labels) {
    for (const char* frame : {"00000", "00001", "00002"}) {
      write_labels(out() / "Annotations/cats" / expression / (std::string(frame) + ".png"), labels);
    }
  }

  RvosDataset dataset() { return RvosDataset::open(RvosLayout::kRefYoutubeVos, root()); }
};

TEST_F(RefYoutubeVosTest, LeavesOutTheVideosOfTheTestList) {
  const RvosDataset data = dataset();
  ASSERT_EQ(data.videos().size(), 1u);
  EXPECT_EQ(data.videos()[0].name, "cats");
}

TEST_F(RefYoutubeVosTest, ScoresEachExpressionAndAMissingOneAsZero) {
  answer("0", {255, 255, 0, 0});
  const RvosScore score = score_rvos(dataset(), out());
  ASSERT_EQ(score.expressions.size(), 3u);
  EXPECT_EQ(score.expressions[0].j_and_f(), 1);
  EXPECT_EQ(score.expressions[1].j_and_f(), 0);
  EXPECT_EQ(score.overall().expressions, 2);  // the tuba is not in the video
  EXPECT_EQ(score.overall().j_and_f(), 0.5);
}

TEST_F(RefYoutubeVosTest, AnExpressionAboutNothingIsRightOnlyWhenEmpty) {
  EXPECT_EQ(score_rvos(dataset(), out()).rightly_empty(), 0);  // no answer is no empty answer
  answer("2", {0, 0, 0, 0});
  EXPECT_EQ(score_rvos(dataset(), out()).rightly_empty(), 1);
  answer("2", {0, 255, 0, 0});
  EXPECT_EQ(score_rvos(dataset(), out()).rightly_empty(), 0);
}

TEST_F(RefYoutubeVosTest, GroupsByStampBenchsAttributes) {
  answer("0", {255, 255, 0, 0});
  write_text(folder_.path() / "stampbench.json",
             R"({"videos": {"cats": {"hidden": true, "enters_or_leaves": false,
    "expressions": {"0": {"category": "kind", "contested": false}, "1": {"category": "motion", "contested": true}}}}})");
  RvosScoreOptions options;
  options.attributes = folder_.path() / "stampbench.json";
  const auto groups = score_rvos(dataset(), out(), options).by_attribute();
  EXPECT_EQ(groups.at({"category", "kind"}).j_and_f(), 1);
  EXPECT_EQ(groups.at({"category", "motion"}).j_and_f(), 0);
  EXPECT_EQ(groups.at({"hidden", "true"}).expressions, 2);
}

TEST_F(RefYoutubeVosTest, ResultsOfAnotherSizeAreAnError) {
  answer("0", {255, 255, 0, 0});
  media::LabelImage wide(5, 1);
  outputs::write_mask_png((out() / "Annotations/cats/0/00001.png").string(), Mask(5, 1));
  EXPECT_THROW(score_rvos(dataset(), out()), Error);
}

TEST_F(RefYoutubeVosTest, NamesThatLeadOutOfTheFolderAreRefused) {
  write_text(root() / "meta_expressions/valid/meta_expressions.json",
             R"({"videos": {"../evil": {"expressions": {}, "frames": []}}})");
  EXPECT_THROW(dataset(), Error);
}

TEST_F(RefYoutubeVosTest, DamagedListsAreAnErrorThatNamesTheFile) {
  write_text(root() / "meta_expressions/valid/meta_expressions.json",
             R"({"videos": {"a": {"frames": 7}}})");
  try {
    dataset();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("meta_expressions.json"));
  }
}

class RefDavisTest : public RvosScoreTest {
 protected:
  RefDavisTest() {
    write_text(root() / "meta_expressions/valid/meta_expressions.json",
               R"({"videos": {"run": {"expressions": {
      "0": {"exp": "a"}, "1": {"exp": "b"}, "2": {"exp": "c"}, "3": {"exp": "d"},
      "4": {"exp": "e"}, "5": {"exp": "f"}, "6": {"exp": "g"}, "7": {"exp": "h"}},
      "frames": ["00000", "00001", "00002"]}}})");
    for (const char* frame : {"00000", "00001", "00002"}) {
      write_labels(root() / "valid/Annotations/run" / (std::string(frame) + ".png"),
                   {1, 1, 255, 2});
    }
    for (int annotator = 0; annotator < 4; ++annotator) answer(annotator, "00000", {1, 1, 0, 2});
    for (int annotator = 0; annotator < 4; ++annotator) answer(annotator, "00001", {1, 1, 0, 2});
    for (int annotator = 0; annotator < 4; ++annotator) answer(annotator, "00002", {1, 1, 0, 2});
  }

  void answer(int annotator, const std::string& frame, const std::vector<uint8_t>& labels) {
    write_labels(out() / ("anno_" + std::to_string(annotator)) / "run" / (frame + ".png"), labels);
  }

  RvosScore score(DavisTask task) {
    RvosScoreOptions options;
    options.task = task;
    return score_rvos(RvosDataset::open(RvosLayout::kRefDavis17, root()), out(), options);
  }
};

TEST_F(RefDavisTest, ScoresEveryObjectForEveryAnnotator) {
  const RvosScore result = score(DavisTask::kUnsupervised);
  EXPECT_EQ(result.expressions.size(), 8u);
  EXPECT_EQ(result.overall().j_and_f(), 1);
  EXPECT_EQ(result.expressions[1].expression, "4");
  EXPECT_EQ(result.expressions[1].text, "e");
}

TEST_F(RefDavisTest, OnlyTheUnsupervisedTaskForgivesSwappedIdentities) {
  for (const char* frame : {"00000", "00001", "00002"}) answer(0, frame, {2, 2, 0, 1});
  EXPECT_EQ(score(DavisTask::kUnsupervised).overall().j, 1);
  EXPECT_LT(score(DavisTask::kSemiSupervised).overall().j, 1);
}

TEST_F(RefDavisTest, TheSemiSupervisedTaskLeavesTheFirstAndLastFrameOut) {
  for (int annotator = 0; annotator < 4; ++annotator) {
    answer(annotator, "00000", {0, 0, 0, 0});
    answer(annotator, "00002", {0, 0, 0, 2});
  }
  EXPECT_LT(score(DavisTask::kUnsupervised).overall().j, 1);
  // The pixel under 255 is not object 1's truth, and here nothing is ignored; the answer leaves it
  // out anyway.
  EXPECT_EQ(score(DavisTask::kSemiSupervised).overall().j, 1);
}

TEST_F(RvosScoreTest, MevisTakesTheUnionOfTheNamedMasks) {
  write_text(root() / "valid_u/meta_expressions.json",
             R"({"videos": {"v": {"vid_id": 0, "frames": ["00000", "00001"],
    "expressions": {"0": {"exp": "both", "anno_id": [0, 1]}}}}})");
  const Mask left = [] {
    Mask m(4, 1);
    m.pixels = {1, 1, 0, 0};
    return m;
  }();
  const Mask right = [] {
    Mask m(4, 1);
    m.pixels = {0, 0, 0, 1};
    return m;
  }();
  const auto entry = [](const Mask& mask) {
    return R"({"size": [1, 4], "counts": ")" + outputs::encode_rle(mask).counts + "\"}";
  };
  write_text(root() / "valid_u/mask_dict.json", "{\"0\": [" + entry(left) + ", null], \"1\": [" +
                                                    entry(right) + ", " + entry(right) + "]}");
  write_labels(out() / "v/0/00000.png", {255, 255, 0, 255});
  write_labels(out() / "v/0/00001.png", {0, 0, 0, 255});
  const RvosScore score = score_rvos(RvosDataset::open(RvosLayout::kMevis, root()), out());
  EXPECT_EQ(score.overall().j_and_f(), 1);
}

TEST_F(RvosScoreTest, WithoutTruthThereIsNothingToScore) {
  write_text(root() / "meta_expressions/valid/meta_expressions.json", R"({"videos": {}})");
  EXPECT_THROW(score_rvos(RvosDataset::open(RvosLayout::kRefYoutubeVos, root()), out()), Error);
}

TEST(RvosScoreTextTest, ShowsTheSameNumbersEverywhere) {
  RvosScore score;
  score.expressions.push_back({.video = "v",
                               .expression = "0",
                               .text = "a <b>",
                               .j = 0.5,
                               .f = 0.75,
                               .attributes = {{"category", "kind"}}});
  EXPECT_THAT(table(score), ::testing::HasSubstr("62.50"));
  EXPECT_THAT(json(score), ::testing::HasSubstr("\"J&F\": 0.625"));
  EXPECT_THAT(chart(score, "a <title>"), ::testing::AllOf(::testing::HasSubstr("62.5"),
                                                          ::testing::HasSubstr("a &lt;title&gt;")));
}

}  // namespace
}  // namespace alref::eval
