// SPDX-License-Identifier: Apache-2.0
// Reply files in the formats of the method's authors.
#include "alref/error.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "core/base64.h"
#include "core/sha256.h"
#include "reasoning/chat/recording.h"

namespace alref::reasoning {
namespace {

std::string write_file(const std::string& name, const std::string& text) {
  const auto path = std::filesystem::path(testing::TempDir()) / name;
  std::ofstream(path) << text;
  return path;
}

std::string ask(ReplayResponder& replay, Stage stage, const std::string& video,
                const std::string& subject, int clip) {
  const Question question{.stage = stage,
                          .text = "?",
                          .image = nullptr,
                          .video = video,
                          .subject = subject,
                          .clip = clip};
  std::string text;
  replay.ask(std::span(&question, 1), [&](size_t, Answer answer) { text = answer.text; });
  return text;
}

TEST(RepliesTest, AvsStages) {
  ReplayResponder replay;
  replay.add_file(
      write_file("avs_1.json", "{\n\"a_1\": \"{'dog': 3, 'man': 1}\", \"b\": \"{'cat': 2}\"}"));
  replay.add_file(write_file("avs_2.json", R"({"a_1": {"dog": "2", "man": 1}})"));
  replay.add_file(write_file("s4_2.json", R"({"b": "3"})"));
  EXPECT_EQ(ask(replay, Stage::kSoundingObjects, "a_1", "", 0), "{'dog': 3, 'man': 1}");
  EXPECT_EQ(ask(replay, Stage::kSoundingBox, "a_1", "dog", 0), "[2]");
  EXPECT_EQ(ask(replay, Stage::kSoundingBox, "a_1", "man", 0), "[1]");
  EXPECT_EQ(ask(replay, Stage::kSoundingBox, "b", "cat", 0), "[3]");
  EXPECT_THROW(ask(replay, Stage::kSoundingObjects, "c", "", 0), Error);
}

TEST(RepliesTest, RvosStagesByTheClipInThePicturesName) {
  ReplayResponder replay;
  // The list's order is that of a directory listing: clip 1 stands first.
  replay.add_file(
      write_file("cot_one_stage.json", R"({"0": {"exp_id": 0, "exp": "a dog", "res_list": [
      {"response": "[4]", "image_path": "x/combined_5_step_10_id_1.jpg", "target_frame_id": 4},
      {"response": "[2]", "image_path": "x/combined_5_step_10_id_0.jpg", "target_frame_id": 2}]}})"));
  replay.add_file(write_file("cot_two_stage.json", R"({"exp_id": 0, "exp": "a dog", "res_list": [
      {"target_frame_id": 2, "response_two_stage": "box [1]", "target_object_id": 1},
      {"target_frame_id": 4, "response_two_stage": "box [-1]", "target_object_id": -1}]})"));
  EXPECT_EQ(ask(replay, Stage::kPivotFrame, "any", "a dog", 0), "[2]");
  EXPECT_EQ(ask(replay, Stage::kPivotFrame, "any", "a dog", 1), "[4]");
  EXPECT_EQ(ask(replay, Stage::kPivotBox, "any", "a dog", 1), "box [-1]");
}

TEST(RepliesTest, AModelsNameThatIsNoTextIsLeftOut) {
  ReplayResponder replay;
  replay.add_text("tape.jsonl", R"({"key": "a", "answer": "[1]", "model": 3})");
  EXPECT_EQ(replay.size(), 1u);
}

TEST(RepliesTest, OtherFilesAreErrors) {
  // Printing what is nested so deeply would overflow the stack.
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  for (const std::string& text :
       {std::string(), std::string("no json"), std::string("[1, 2]"), std::string("{}"),
        std::string(R"({"a": 1})"), std::string(R"({"a": {"dog": null}})"),
        R"({"a": {"dog": )" + deep + "}}",
        std::string("{\"key\": \"a\", \"answer\": \"b\"}\nrubbish\n{}")}) {
    ReplayResponder replay;
    EXPECT_THROW(replay.add_file(write_file("bad.json", text)), Error) << text.substr(0, 100);
  }
  ReplayResponder replay;
  EXPECT_THROW(replay.add_file("/no/such/file"), Error);
}

// FIPS 180-4's examples, and a message across several blocks (Python's hashlib).
TEST(Sha256Test, KnownDigests) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  Sha256 pieces;
  for (int i = 0; i < 1000; ++i) pieces.update("a");
  EXPECT_EQ(pieces.hex_digest(),
            "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3");
}

// RFC 4648, section 10.
TEST(Base64Test, RfcVectors) {
  const auto encode = [](std::string_view text) {
    return base64(std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
  };
  EXPECT_EQ(encode(""), "");
  EXPECT_EQ(encode("f"), "Zg==");
  EXPECT_EQ(encode("fo"), "Zm8=");
  EXPECT_EQ(encode("foo"), "Zm9v");
  EXPECT_EQ(encode("foobar"), "Zm9vYmFy");
}

}  // namespace
}  // namespace alref::reasoning
