// SPDX-License-Identifier: Apache-2.0
#include "perception/language_bind/language_bind.h"

#include "alref/error.h"

#include <filesystem>
#include <fstream>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "compute/tiny_model.h"
#include "convert/convert.h"
#include "perception/language_bind/goldens.h"
#include "perception/testing/chord.h"
#include "perception/testing/memory_sound.h"
#include "testing/temporary_folder.h"
#include "text/golden.h"

namespace alref::language_bind {
namespace {

using testing::chord;

const DeviceOptions kCpuF32 = {.threads = 2, .precision = Precision::kF32};
// Two layers in f32 in another order of summation: observed 3e-7.
constexpr double kTolerance = 2e-5;

class LanguageBindTest : public ::testing::Test {
 protected:
  compute::Device device_{kCpuF32};
  LanguageBind network_{ALREF_TEST_DATA "/language_bind/tiny.gguf", device_};
};

TEST_F(LanguageBindTest, TextsEqualHuggingFacesClip) {
  EXPECT_LE(compute::relative_error(network_.embed_text("dog barking"), kText0), kTolerance);
  EXPECT_LE(compute::relative_error(network_.embed_text("the man sings"), kText1), kTolerance);
  EXPECT_LE(compute::relative_error(network_.embed_text(""), kText2), kTolerance);
}

TEST_F(LanguageBindTest, SoundsEqualHuggingFacesClipOnFilterBanks) {
  EXPECT_LE(compute::relative_error(network_.embed_audio(chord(0.3)), kShortSound), kTolerance);
  EXPECT_LE(compute::relative_error(network_.embed_audio(chord(1.3)), kLongSound), kTolerance);
}

// Seven are two batches, of three and of four; in f32 in another order of summation: observed
// 1.8e-7.
TEST_F(LanguageBindTest, SoundsTogetherEqualEachByItself) {
  std::vector<Waveform> sounds;
  for (const double seconds : {0.3, 1.3, 0.0, 0.01, 0.7, 0.3, 2.0})
    sounds.push_back(chord(seconds));
  const auto together = network_.embed_sounds(sounds.size(), [&](size_t i) { return sounds[i]; });
  ASSERT_EQ(together.size(), sounds.size());
  for (size_t i = 0; i < sounds.size(); ++i)
    EXPECT_LE(compute::relative_error(together[i], network_.embed_audio(sounds[i])), 1e-6) << i;
  EXPECT_TRUE(network_.embed_sounds(0, {}).empty());
}

TEST_F(LanguageBindTest, EmbeddingsAreUnitVectorsWhateverTheSound) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const std::vector<float>& samples :
       {std::vector<float>{}, {0.3f}, std::vector<float>(20000), {nan, nan, 1}}) {
    const std::vector<float> e = network_.embed_audio({.sample_rate = 16000, .samples = samples});
    EXPECT_NEAR(std::inner_product(e.begin(), e.end(), e.begin(), 0.0), 1, 1e-5);
  }
}

TEST_F(LanguageBindTest, OtherSampleRatesAndInvalidTextAreRefused) {
  EXPECT_THROW(network_.embed_audio({.sample_rate = 48000, .samples = {0.1f}}), Error);
  EXPECT_THROW(network_.embed_text("\xff"), Error);
}

TEST_F(LanguageBindTest, ASourceGivesWhatItsSamplesGiveAndIsNeverHeldWhole) {
  for (const double seconds : {0.0, 0.01, 0.3, 1.3, 25.0}) {
    const Waveform sound = chord(seconds);
    testing::MemorySound source(sound);
    EXPECT_EQ(network_.embed_audio(source), network_.embed_audio(sound)) << seconds;
    EXPECT_LE(source.longest(), 10 * 16000u);
  }
}

// LanguageBind_Image, from Hugging Face's layout: its text tower alone is used.
TEST(LanguageBindImageTest, TextsOfAConvertedFileEqualHuggingFacesClip) {
  const std::filesystem::path data = ALREF_TEST_DATA "/convert/language_bind_image";
  const alref::testing::TemporaryFolder folder;
  folder.write("pytorch_model.bin",
               alref::testing::inflate_file((data / "pytorch_model.bin.gz").string()));
  for (const char* name : {"config.json", "merges.txt"})
    std::filesystem::copy_file(data / name, folder / name);
  convert::convert_checkpoint(folder / "pytorch_model.bin", folder / "image.gguf", {});
  compute::Device device(kCpuF32);
  LanguageBind network(folder / "image.gguf", device);

  std::ifstream goldens(data / "texts.json");
  const auto texts = nlohmann::json::parse(goldens);
  EXPECT_EQ(texts.size(), 71u);
  for (const auto& [text, expected] : texts.items()) {
    // The goldens have six decimals.
    EXPECT_LE(compute::relative_error(network.embed_text(text), expected.get<std::vector<float>>()),
              kTolerance)
        << text;
  }
  EXPECT_THROW(network.embed_audio(chord(0.3)), Error);
}

TEST(ChunksTest, AShortSoundIsRepeated) {
  // Two frames of two bins for three frames: bin 0 is 1 3 1, bin 1 is 2 4 2, in all three channels.
  const std::vector<float> mel = {1, 2, 3, 4};
  EXPECT_THAT(fuse_chunks({mel, mel, mel}, 2, 3),
              ::testing::ElementsAre(1, 3, 1, 2, 4, 2, 1, 3, 1, 2, 4, 2, 1, 3, 1, 2, 4, 2));
}

TEST(ChunksTest, OfALongSoundAreTheMiddlesOfThreeRanges) {
  // Ten frames for two: starts 0 ... 8 fall into 0-2, 3-5 and 6-8, whose middles are 1, 4 and 7.
  EXPECT_THAT(chunk_starts(10, 2), ::testing::ElementsAre(1, 4, 7));
  // One start more than none: the other two ranges are empty, and stand for 0.
  EXPECT_THAT(chunk_starts(3, 2), ::testing::ElementsAre(0, 1, 0));
  EXPECT_THAT(chunk_starts(2, 3), ::testing::ElementsAre(0, 0, 0));
  EXPECT_THAT(fuse_chunks({{{1, 2}, {4, 5}, {7, 8}}}, 1, 2),
              ::testing::ElementsAre(1, 2, 4, 5, 7, 8));
}

}  // namespace
}  // namespace alref::language_bind
