// SPDX-License-Identifier: Apache-2.0
#include "alref/error.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "convert/checkpoint.h"
#include "convert/torch_file.h"

namespace alref::convert {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string file(std::string_view header, size_t data) {
  testing::Bytes out;
  out.put<uint64_t>(header.size()).put_text(header).put_text(std::string(data, '\x3f'));
  return out.str();
}

std::string complaint(const std::string& bytes) {
  try {
    read_safetensors(as_bytes(bytes), "model.safetensors");
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kModel);
    EXPECT_THAT(error.what(), HasSubstr("model.safetensors"));
    return error.what();
  }
}

constexpr std::string_view kTwo =
    R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[4,28]},)"
    R"("b":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}})";

TEST(SafetensorsTest, ReadsTensors) {
  const std::string bytes = file(kTwo, 28);
  const auto tensors = read_safetensors(as_bytes(bytes), "model.safetensors");
  ASSERT_EQ(tensors.size(), 2u);
  EXPECT_THAT(tensors.at("a").shape, ElementsAre(2, 3));
  EXPECT_THAT(tensors.at("a").strides, ElementsAre(3, 1));
  EXPECT_EQ(tensors.at("a").storage.size(), 24u);
  std::vector<float> values(2);
  tensors.at("b").read(0, values);
  EXPECT_EQ(values[0], 0.74609375f);  // 0x3f3f as bf16
}

TEST(SafetensorsTest, EmptyTensorsHoldNothing) {
  const std::string bytes = file(R"({"e":{"dtype":"F32","shape":[0,4],"data_offsets":[0,0]}})", 0);
  const auto tensors = read_safetensors(as_bytes(bytes), "model.safetensors");
  EXPECT_EQ(tensors.at("e").elements(), 0);
  std::vector<float> values;
  tensors.at("e").read(0, values);
  EXPECT_TRUE(values.empty());
}

TEST(SafetensorsTest, CutShortAtEveryByteIsAnError) {
  const std::string whole = file(kTwo, 28);
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(complaint(whole.substr(0, size)), "");
}

TEST(SafetensorsTest, DataIsCoveredWithoutGapsOrOverlaps) {
  EXPECT_EQ(complaint(file(kTwo, 28)), "");
  EXPECT_THAT(complaint(file(kTwo, 29)), HasSubstr("cover 28 of 29"));
  const auto two = [](const std::string& a, const std::string& b, size_t data) {
    return complaint(file(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + a +
                              R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + b + "}}",
                          data));
  };
  EXPECT_EQ(two("[0,4]", "[4,8]", 8), "");
  EXPECT_THAT(two("[0,4]", "[5,9]", 9), HasSubstr("gap or overlap at byte 4"));
  EXPECT_THAT(two("[0,4]", "[3,7]", 7), HasSubstr("gap or overlap"));
  EXPECT_THAT(two("[0,4]", "[0,4]", 4), HasSubstr("gap or overlap"));
}

TEST(SafetensorsTest, RefusesBadEntries) {
  const auto entry = [](const std::string& body) {
    return complaint(file("{\"w\":" + body + "}", 8));
  };
  ASSERT_EQ(entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})"), "");
  EXPECT_THAT(entry(R"({"dtype":"F4","shape":[2],"data_offsets":[0,8]})"), HasSubstr("dtype"));
  EXPECT_THAT(entry(R"({"dtype":7,"shape":[2],"data_offsets":[0,8]})"), HasSubstr("dtype"));
  EXPECT_THAT(entry(R"({"shape":[2],"data_offsets":[0,8]})"), HasSubstr("'dtype'"));
  EXPECT_THAT(entry(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"),
              HasSubstr("do not make"));
  EXPECT_THAT(entry(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})"),
              HasSubstr("whole number"));
  EXPECT_THAT(entry(R"({"dtype":"F32","shape":[2.0],"data_offsets":[0,8]})"),
              HasSubstr("whole number"));
  // 2^62 + 2 elements of 4 bytes wrap round to 8 bytes.
  EXPECT_THAT(entry(R"({"dtype":"F32","shape":[4611686018427387906],"data_offsets":[0,8]})"),
              HasSubstr("do not make"));
  EXPECT_THAT(
      entry(
          R"({"dtype":"F32","shape":[9223372036854775807,0,9223372036854775807],"data_offsets":[0,0]})"),
      HasSubstr("do not make"));
  EXPECT_THAT(entry(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})"),
              HasSubstr("expected within"));
  EXPECT_THAT(entry(R"({"dtype":"F32","shape":[2],"data_offsets":[4,12]})"),
              HasSubstr("expected within"));
  EXPECT_THAT(entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0]})"),
              HasSubstr("data_offsets"));
  EXPECT_THAT(entry("7"), HasSubstr("dtype"));
  EXPECT_THAT(entry(R"({"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]})"),
              HasSubstr("twice"));
}

TEST(SafetensorsTest, RefusesBadHeaders) {
  EXPECT_THAT(complaint(file("[]", 0)), HasSubstr("'{'"));
  EXPECT_THAT(complaint(file("{\"a\":", 0)), HasSubstr("not JSON"));
  EXPECT_THAT(complaint(file("{\"\xff\":1}", 0)), HasSubstr("not JSON"));
  EXPECT_THAT(complaint(file("{\"a\":" + std::string(100000, '['), 0)), HasSubstr("nested deeper"));
  testing::Bytes huge;
  huge.put<uint64_t>(100'000'001).put_text("{}");
  EXPECT_THAT(complaint(huge.str()), HasSubstr("at most 100000000"));
  EXPECT_THAT(complaint(file(R"({"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)"
                             R"("w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})",
                             0)),
              HasSubstr("'w' twice"));
}

}  // namespace
}  // namespace alref::convert
