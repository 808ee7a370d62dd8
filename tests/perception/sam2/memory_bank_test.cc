// SPDX-License-Identifier: Apache-2.0
#include "perception/sam2/memory_bank.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alref::sam2 {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;
using ::testing::UnorderedElementsAreArray;

// A memory that says which frame it is of.
FrameMemory of_frame(int frame) {
  return {.memory = {static_cast<float>(frame)}, .pointer = {}, .mask = {}};
}

MemoryBank bank(const std::vector<int>& conditioning, const std::vector<int>& tracked) {
  MemoryBank result;
  for (const int frame : conditioning) result.add_conditioning(frame, of_frame(frame));
  for (const int frame : tracked) result.add_tracked(frame, of_frame(frame));
  return result;
}

std::vector<int> range(int begin, int end) {
  std::vector<int> frames;
  for (int i = begin; i < end; ++i) frames.push_back(i);
  return frames;
}

// (time, frame) of the frames recalled.
std::vector<std::pair<int, int>> frames(const MemoryBank::Recalled& recalled) {
  std::vector<std::pair<int, int>> result;
  for (const auto& [time, memory] : recalled.frames) {
    result.emplace_back(time, static_cast<int>(memory->memory[0]));
  }
  return result;
}

// (distance, frame) of the pointers recalled.
std::vector<std::pair<int, int>> pointers(const MemoryBank::Recalled& recalled) {
  std::vector<std::pair<int, int>> result;
  for (const auto& [distance, memory] : recalled.pointers) {
    result.emplace_back(distance, static_cast<int>(memory->memory[0]));
  }
  return result;
}

TEST(MemoryBankTest, RecallsThePromptAndTheLastFrames) {
  const MemoryBank memories = bank({0}, range(1, 20));
  const auto recalled = memories.recall(20, false, {.pointers = 4});
  EXPECT_THAT(frames(recalled), ElementsAre(Pair(0, 0), Pair(1, 14), Pair(2, 15), Pair(3, 16),
                                            Pair(4, 17), Pair(5, 18), Pair(6, 19)));
  EXPECT_THAT(pointers(recalled), ElementsAre(Pair(20, 0), Pair(1, 19), Pair(2, 18), Pair(3, 17)));
}

TEST(MemoryBankTest, InReverseLaterFramesAreBefore) {
  const MemoryBank memories = bank({10}, {8, 9, 11, 12});
  const auto recalled = memories.recall(7, true, {.pointers = 16});
  EXPECT_THAT(frames(recalled),
              ElementsAre(Pair(0, 10), Pair(2, 12), Pair(3, 11), Pair(5, 9), Pair(6, 8)));
  EXPECT_THAT(pointers(recalled),
              ElementsAre(Pair(3, 10), Pair(1, 8), Pair(2, 9), Pair(4, 11), Pair(5, 12)));
}

TEST(MemoryBankTest, PromptsToComeAreRememberedButGiveNoPointer) {
  const MemoryBank memories = bank({5, 30}, {6});
  const auto recalled = memories.recall(7, false, {});
  EXPECT_THAT(frames(recalled), ElementsAre(Pair(0, 5), Pair(0, 30), Pair(6, 6)));
  EXPECT_THAT(pointers(recalled), ElementsAre(Pair(2, 5), Pair(1, 6)));
}

TEST(MemoryBankTest, WithAStrideTakesEveryNthAndTheLastFrame) {
  const MemoryBank memories = bank({0}, range(1, 30));
  const auto recalled = memories.recall(30, false, {.pointers = 1, .stride = 5});
  // Multiples of 5 from 25 down (30 - 2 = 28), then the last frame.
  EXPECT_THAT(frames(recalled), ElementsAre(Pair(0, 0), Pair(1, 5), Pair(2, 10), Pair(3, 15),
                                            Pair(4, 20), Pair(5, 25), Pair(6, 29)));
}

TEST(MemoryBankTest, OfManyPromptsTakesOneOnEachSideAndTheNearest) {
  const MemoryBank memories = bank({0, 10, 20, 80, 90}, {});
  const auto recalled = memories.recall(60, false, {.max_conditioning_frames = 3});
  EXPECT_THAT(frames(recalled), UnorderedElementsAre(Pair(0, 20), Pair(0, 80), Pair(0, 90)));
}

TEST(MemoryBankTest, APromptNotTakenCountsAsATrackedFrame) {
  const MemoryBank memories = bank({56, 57, 58, 59, 61}, {});
  const auto recalled = memories.recall(60, false, {.max_conditioning_frames = 2});
  EXPECT_THAT(frames(recalled), UnorderedElementsAre(Pair(0, 59), Pair(0, 61), Pair(3, 56),
                                                     Pair(4, 57), Pair(5, 58)));
}

TEST(MemoryBankTest, APromptTakesThePlaceOfWhatWasTracked) {
  MemoryBank memories = bank({0}, {1, 2});
  memories.add_conditioning(1, of_frame(100));
  EXPECT_EQ(memories.tracked(1), nullptr);
  EXPECT_EQ(memories.conditioning(1)->memory[0], 100);
}

TEST(MemoryBankTest, ForgetsTheFarthestButNotWhatTheNextPassNeeds) {
  MemoryBank memories = bank({50}, range(0, 200));
  const size_t before = memories.bytes();
  const std::vector<int> gone =
      memories.trim(/*count=*/40, /*frame=*/199, /*start=*/50, /*reach=*/10);
  std::vector<int> left;
  for (int i = 0; i < 200; ++i) {
    if (memories.tracked(i)) left.push_back(i);
  }
  std::vector<int> expected = range(40, 61);
  for (const int frame : range(181, 200)) expected.push_back(frame);
  EXPECT_EQ(left, expected);
  std::vector<int> both = left;
  both.insert(both.end(), gone.begin(), gone.end());
  EXPECT_THAT(both, UnorderedElementsAreArray(range(0, 200)));
  EXPECT_EQ(before - memories.bytes(), gone.size() * sizeof(float));  // each memory is one number
}

}  // namespace
}  // namespace alref::sam2
