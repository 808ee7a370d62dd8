// SPDX-License-Identifier: Apache-2.0
// Golden: the official code on a network of seeded random weights (parity/make_gdino_golden.py).
// Observed errors are 2e-6; the bounds leave room for other orders of summation. Leaving out a
// window's shift or a layer scale gives errors above 0.01.
#include "perception/grounding_dino/grounding_dino.h"

#include "alref/error.h"

#include <cmath>
#include <cstring>
#include <functional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compute/tiny_model.h"
#include "perception/grounding_dino/preprocess.h"
#include "testing/temporary_folder.h"

namespace alref::grounding_dino {
namespace {

using ::testing::HasSubstr;

constexpr double kTolerance = 5e-5;
const char kModel[] = ALREF_TEST_DATA "/grounding_dino/tiny.gguf";
const char kCaption[] = "A cat . the man's red hat? skateboarder";

std::shared_ptr<compute::Device> device() {
  return std::make_shared<compute::Device>(
      DeviceOptions{.name = "cpu", .threads = 2, .precision = Precision::kF32});
}

Image picture(int width, int height) {
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      uint8_t* pixel = image.row(y) + 3 * x;
      pixel[0] = static_cast<uint8_t>(3 * x + y);
      pixel[1] = static_cast<uint8_t>(x * y / 7);
      pixel[2] = static_cast<uint8_t>(255 - 2 * y);
    }
  }
  return image;
}

class GoldenTest : public ::testing::Test {
 protected:
  std::vector<float> golden(const std::string& name, const compute::Shape& shape) const {
    return weights_.values("golden." + name, shape);
  }
  static std::vector<int32_t> integers(const std::vector<float>& values) {
    return {values.begin(), values.end()};
  }

  std::shared_ptr<compute::Device> device_ = device();
  compute::Weights weights_ = compute::Weights::open(kModel, *device_);
};

// Every `step`th row of `width` values.
std::vector<float> every(const std::vector<float>& values, size_t step, size_t width) {
  std::vector<float> result;
  for (size_t row = 0; row * width < values.size(); row += step) {
    result.insert(result.end(), values.begin() + static_cast<std::ptrdiff_t>(row * width),
                  values.begin() + static_cast<std::ptrdiff_t>((row + 1) * width));
  }
  return result;
}

TEST_F(GoldenTest, EveryStageAgreesWithTheOfficialCode) {
  Network network(weights_);
  const text::WordPiece tokenizer(*weights_.file().texts("tokenizer.ggml.tokens"));
  const Caption caption = read_caption(kCaption, tokenizer, 64);
  const auto tokens = static_cast<int64_t>(caption.ids.size());
  ASSERT_EQ(caption.ids, integers(golden("ids", {tokens})));

  const TextFeatures text = network.encode_text(caption.ids, separators(tokenizer));
  const Image image = picture(141, 96);
  const compute::MapSize size = input_size(image, network.config());
  ASSERT_EQ(size.height, 96);
  ASSERT_EQ(size.width, 144);
  network.encode_image(
      [&](std::span<float> to) { write_input(image, network.config(), /*threads=*/2, to); }, 1,
      size);
  const std::vector<float> logits = network.fuse(text);
  const int64_t d = network.config().d_model;
  const auto sampled = [&](size_t step) {
    return (static_cast<int64_t>(logits.size()) / tokens + static_cast<int64_t>(step) - 1) /
           static_cast<int64_t>(step);
  };
  EXPECT_LE(compute::relative_error(network.text_features(), golden("memory_text", {tokens, d})),
            kTolerance);
  EXPECT_LE(compute::relative_error(every(network.image_features(), 13, static_cast<size_t>(d)),
                                    golden("memory", {sampled(13), d})),
            kTolerance);
  EXPECT_LE(compute::relative_error(every(logits, 5, static_cast<size_t>(tokens)),
                                    golden("first_stage", {sampled(5), tokens})),
            kTolerance);

  const std::vector<int32_t> selected = select_queries(logits, 1, tokens, network.config().queries);
  ASSERT_EQ(selected, integers(golden("selected", {network.config().queries})));
  const Network::Queries queries = network.decode(selected);
  EXPECT_LE(compute::relative_error(queries.logits, golden("logits", {queries.count, tokens})),
            kTolerance);
  EXPECT_LE(compute::relative_error(queries.boxes, golden("boxes", {queries.count, 4})),
            kTolerance);
}

TEST_F(GoldenTest, AnImageIsTheSameAloneAndInABatch) {
  GroundingDino detector(kModel, device_);
  const Image images[] = {picture(141, 96), picture(141, 96), picture(60, 80), picture(141, 96)};
  Image changed = images[1];
  for (uint8_t& value : changed.pixels) value = static_cast<uint8_t>(255 - value);
  const std::vector<Image> batch = {images[0], changed, images[2], images[3]};
  const auto found = detector.detect(batch, kCaption, {.box = 0.2f});
  ASSERT_EQ(found.size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    const auto alone = detector.detect(batch[i], kCaption, {.box = 0.2f});
    ASSERT_GT(alone.size(), 0u);
    ASSERT_EQ(found[i].size(), alone.size());
    for (size_t k = 0; k < alone.size(); ++k) {
      EXPECT_NEAR(found[i][k].score, alone[k].score, 1e-4);
      EXPECT_NEAR(found[i][k].box.x0, alone[k].box.x0, 0.02);
      EXPECT_EQ(found[i][k].phrase, alone[k].phrase);
    }
  }
}

TEST_F(GoldenTest, ACaptionIsEncodedOnce) {
  GroundingDino detector(kModel, device_);
  const std::vector<Image> frames = {picture(141, 96), picture(60, 80)};
  detector.detect(frames, kCaption, {});
  detector.detect(frames[1], kCaption, {});
  detector.raw(frames[0], kCaption);
  EXPECT_EQ(detector.text_encoder_runs(), 1);

  // 16 captions are kept, those that were used last.
  for (int i = 0; i < 15; ++i) detector.raw(frames[1], "cat" + std::string(i, '.'));
  detector.raw(frames[1], kCaption);
  EXPECT_EQ(detector.text_encoder_runs(), 16);
  detector.raw(frames[1], "a dog");  // takes the place of the first "cat"
  detector.raw(frames[1], kCaption);
  EXPECT_EQ(detector.text_encoder_runs(), 17);
  detector.raw(frames[1], "cat");
  EXPECT_EQ(detector.text_encoder_runs(), 18);
}

TEST_F(GoldenTest, RawHasAColumnForEachTokenThatThereCouldBe) {
  GroundingDino detector(kModel, device_);
  const RawDetections raw = detector.raw(picture(141, 96), kCaption);
  EXPECT_EQ(raw.queries, 20u);
  EXPECT_EQ(raw.tokens, 64u);
  const auto logits = golden("logits", {20, 16});
  EXPECT_NEAR(raw.logits[64 * 3 + 5], logits[16 * 3 + 5], 1e-3);
  EXPECT_EQ(raw.logits[64 * 3 + 16], -std::numeric_limits<float>::infinity());
}

TEST_F(GoldenTest, RawComesAlongWithDetections) {
  GroundingDino detector(kModel, device_);
  RawDetections raw;
  const auto found = detector.detect(picture(141, 96), kCaption, {.box = 0.2f}, &raw);
  const RawDetections alone = detector.raw(picture(141, 96), kCaption);
  EXPECT_EQ(raw.logits, alone.logits);
  EXPECT_EQ(raw.boxes, alone.boxes);
  const auto without = detector.detect(picture(141, 96), kCaption, {.box = 0.2f});
  ASSERT_EQ(found.size(), without.size());
  ASSERT_GT(found.size(), 0u);
  EXPECT_EQ(found[0].box, without[0].box);
}

TEST_F(GoldenTest, TakesThinAndTinyPictures) {
  GroundingDino detector(kModel, device_);
  EXPECT_EQ(detector.raw(picture(2000, 10), kCaption).queries, 20u);
  EXPECT_EQ(detector.raw(picture(1, 1), kCaption).queries, 20u);
}

// The official sizes: the short side of 0.67 pixels becomes 1, which is filled up to a patch.
TEST(InputTest, OfAVeryThinPictureAtTheOfficialSize) {
  Config config;
  config.short_side = 800;
  config.max_side = 1333;
  config.std = {1, 1, 1};
  const Image image = picture(20000, 10);
  const compute::MapSize size = input_size(image, config);
  EXPECT_EQ(size.width, 2000);
  EXPECT_EQ(size.height, 4);
  // One line of the picture, then zeros, whatever was there.
  std::vector<float> pixels(size_t{2000} * 4 * 3, -7);
  write_input(image, config, /*threads=*/1, pixels);
  EXPECT_GT(*std::max_element(pixels.begin(), pixels.begin() + 6000), 0);
  EXPECT_EQ(std::count(pixels.begin() + 6000, pixels.end(), 0.0f), 18000);
  EXPECT_EQ(input_size(picture(1, 1), config).width, 800);
}

// A thin picture may have fewer pixels on all levels than the network has queries.
TEST(SelectQueriesTest, TakesTheBestOfEachImageAndAllWhereThereAreFew) {
  const std::vector<float> logits = {1, 9, 5, 2, 5, 0, /* second image */ 0, 0, 1, 0, 0, 2};
  EXPECT_THAT(select_queries(logits, 2, 2, 2), ::testing::ElementsAre(0, 1, 2, 1));
  EXPECT_THAT(select_queries(logits, 2, 2, 9), ::testing::ElementsAre(0, 1, 2, 2, 1, 0));
}

std::string error_of(const std::function<void()>& call, ErrorKind kind) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind);
    return error.what();
  }
  return "no error";
}

TEST_F(GoldenTest, BadCallsAreErrors) {
  GroundingDino detector(kModel, device_);
  const auto call = [&](const Image& image, const std::string& caption,
                        DetectionThresholds thresholds) {
    return error_of([&] { detector.detect(image, caption, thresholds); },
                    ErrorKind::kInvalidArgument);
  };
  EXPECT_THAT(call(Image(), "a cat", {}), HasSubstr("empty (0 x 0)"));
  EXPECT_THAT(call(picture(1, 60000), "a cat", {}), HasSubstr("1 x 60000 is too thin"));
  EXPECT_THAT(call(picture(9, 9), "", {}), HasSubstr("caption is empty"));
  EXPECT_THAT(call(picture(9, 9), "a cat", {.box = 1.5f}),
              HasSubstr("box threshold: expected 0 to 1"));
  EXPECT_THAT(call(picture(9, 9), "a cat", {.box = 0.3f, .text = std::nanf("")}),
              HasSubstr("text threshold"));
}

TEST_F(GoldenTest, AModelThatIsNotThereIsAnError) {
  EXPECT_THAT(
      error_of([&] { GroundingDino(ALREF_TEST_DATA "/none.gguf", device_); }, ErrorKind::kModel),
      HasSubstr("none.gguf"));
}

// Writes `value` over a number of the model's metadata, which stands `distance` bytes behind the
// key: 4 for the type of a plain value; 16 for those of a list and of its entries, and its length.
template <typename T>
std::string changed(std::string model, const std::string& key, size_t distance, T value) {
  const size_t at = model.find("grounding-dino." + key);
  EXPECT_NE(at, std::string::npos);
  std::memcpy(&model[at + 15 + key.size() + distance], &value, sizeof value);
  return model;
}

TEST_F(GoldenTest, ModelsOfWrongSizesAreErrors) {
  const testing::TemporaryFolder folder;
  const std::string model = testing::read_whole(kModel);
  const auto says = [&](const std::string& content) {
    const auto path = folder.write("model.gguf", content);
    return error_of([&] { GroundingDino(path, device_); }, ErrorKind::kModel);
  };
  EXPECT_THAT(says(changed<uint32_t>(model, "num_queries", 4, 21)),
              HasSubstr("'transformer.tgt_embed.weight' has shape [20, 32], expected [21, 32]"));
  EXPECT_THAT(says(changed<uint32_t>(model, "num_heads", 4, 5)),
              HasSubstr("num_heads' is 5, expected a divisor of 32"));
  EXPECT_THAT(says(changed(model, "image.mean", 16, std::nanf(""))),
              HasSubstr("image.mean' is nan, expected a finite number"));
  EXPECT_THAT(says(changed(model, "image.std", 16, 0.0f)), HasSubstr("expected a positive number"));
}

}  // namespace
}  // namespace alref::grounding_dino
