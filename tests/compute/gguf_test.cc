// SPDX-License-Identifier: Apache-2.0
#include "alref/error.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compute/gguf_reader.h"
#include "compute/gguf_writer.h"
#include "testing/temporary_folder.h"

namespace alref::compute {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Dims = std::vector<int64_t>;

/// A GGUF file spelled field by field, so that each field can be made wrong.
class RawFile {
 public:
  template <typename T>
  RawFile& put(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  RawFile& text(std::string_view s) {
    put<uint64_t>(s.size());
    bytes_ += s;
    return *this;
  }
  RawFile& header(uint64_t tensors, uint64_t keys, uint32_t version = 3) {
    bytes_ += "GGUF";
    return put(version).put(tensors).put(keys);
  }
  RawFile& tensor(std::string_view name, std::vector<uint64_t> ne, uint32_t type, uint64_t offset) {
    text(name).put(static_cast<uint32_t>(ne.size()));
    for (const uint64_t n : ne) put(n);
    return put(type).put(offset);
  }
  RawFile& data(size_t count) {
    bytes_.resize((bytes_.size() + 31) / 32 * 32);
    bytes_.append(count, '\x11');
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

class GgufTest : public ::testing::Test {
 protected:
  std::shared_ptr<const GgufFile> open(const std::string& bytes) {
    bytes_ = bytes;
    return GgufFile::open_memory(std::as_bytes(std::span(bytes_)), "model.gguf");
  }

  /// What opening says; empty where the file is accepted.
  std::string complaint(const std::string& bytes) {
    try {
      open(bytes);
      return "";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kModel);
      const std::string what = error.what();
      EXPECT_THAT(what, StartsWith("model.gguf"));
      EXPECT_THAT(what, Not(HasSubstr("\n")));
      EXPECT_LT(what.size(), 1000u);
      return what;
    }
  }

  /// Every kind of metadata value and three tensors.
  static RawFile sample() {
    RawFile f;
    f.header(3, 15);
    f.text("u8").put(0u).put<uint8_t>(200);
    f.text("i8").put(1u).put<int8_t>(-2);
    f.text("u16").put(2u).put<uint16_t>(60000);
    f.text("i16").put(3u).put<int16_t>(-3);
    f.text("u32").put(4u).put<uint32_t>(4000000000u);
    f.text("i32").put(5u).put<int32_t>(-4);
    f.text("f32").put(6u).put<float>(0.5f);
    f.text("yes").put(7u).put<uint8_t>(1);
    f.text("name").put(8u).text("tiny");
    f.text("u64").put(10u).put<uint64_t>(uint64_t{1} << 40);
    f.text("i64").put(11u).put<int64_t>(-5);
    f.text("f64").put(12u).put<double>(0.1);
    f.text("list").put(9u).put(5u).put<uint64_t>(3).put(1).put(2).put(-3);
    f.text("words").put(9u).put(8u).put<uint64_t>(2).text("one").text("");
    f.text("huge").put(10u).put<uint64_t>(~uint64_t{0});
    f.tensor("a.weight", {2, 3}, GGML_TYPE_F32, 0);
    f.tensor("b", {32}, GGML_TYPE_Q8_0, 32);
    f.tensor("c", {}, GGML_TYPE_F16, 96);
    return f.data(98);
  }

  testing::TemporaryFolder folder_;
  std::string bytes_;
};

TEST_F(GgufTest, ReadsValuesOfEveryType) {
  const auto file = open(sample().bytes());
  EXPECT_EQ(file->integer("u8"), 200);
  EXPECT_EQ(file->integer("i8"), -2);
  EXPECT_EQ(file->integer("u16"), 60000);
  EXPECT_EQ(file->integer("i16"), -3);
  EXPECT_EQ(file->integer("u32"), 4000000000);
  EXPECT_EQ(file->integer("i32"), -4);
  EXPECT_EQ(file->integer("u64"), int64_t{1} << 40);
  EXPECT_EQ(file->integer("i64"), -5);
  EXPECT_EQ(file->real("f32"), 0.5);
  EXPECT_EQ(file->real("f64"), 0.1);
  EXPECT_EQ(file->real("i16"), -3.0);
  EXPECT_EQ(file->flag("yes"), true);
  EXPECT_EQ(file->text("name"), "tiny");
  EXPECT_THAT(*file->integers("list"), ElementsAre(1, 2, -3));
  EXPECT_THAT(*file->reals("list"), ElementsAre(1.0, 2.0, -3.0));
  EXPECT_THAT(*file->texts("words"), ElementsAre("one", ""));
  EXPECT_EQ(file->keys().size(), 15u);
  EXPECT_EQ(file->display("list", 2), "[1, 2, ... 3 in all]");
  EXPECT_EQ(file->display("name"), "'tiny'");
}

TEST_F(GgufTest, AbsentKeysAreNothingAndWrongKindsAreErrors) {
  const auto file = open(sample().bytes());
  EXPECT_FALSE(file->integer("absent").has_value());
  EXPECT_FALSE(file->texts("absent").has_value());
  EXPECT_FALSE(file->has("absent"));
  EXPECT_THROW(file->integer("name"), Error);
  EXPECT_THROW(file->integer("f32"), Error);
  EXPECT_THROW(file->integer("huge"), Error);
  EXPECT_THROW(file->integer("list"), Error);
  EXPECT_THROW(file->flag("u8"), Error);
  EXPECT_THROW(file->integers("words"), Error);
  EXPECT_THROW(file->texts("list"), Error);
  EXPECT_THROW(file->text("yes"), Error);
}

TEST_F(GgufTest, FindsTensorsWithShapesOutermostFirst) {
  const auto file = open(sample().bytes());
  const GgufTensor* a = file->find("a.weight");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->shape, (Dims{3, 2}));
  EXPECT_EQ(a->bytes, 24u);
  EXPECT_EQ(file->data(*a).size(), 24u);
  EXPECT_EQ(file->data(*a)[0], std::byte{0x11});
  EXPECT_EQ(file->find("b")->bytes, 34u);
  EXPECT_TRUE(file->find("c")->shape.empty());
  EXPECT_EQ(file->find("c")->elements(), 1);
  EXPECT_EQ(file->find("d"), nullptr);
  const auto mapped = GgufFile::open(folder_.write("model.gguf", bytes_));
  mapped->release_pages(*mapped->find("a.weight"));
  EXPECT_EQ(mapped->data(*mapped->find("a.weight"))[23], std::byte{0x11});
}

TEST_F(GgufTest, CutShortAtEveryByteIsAnError) {
  const std::string whole = sample().bytes();
  ASSERT_EQ(complaint(whole), "");
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(complaint(whole.substr(0, size)), "") << "cut to " << size << " bytes";
  }
}

// Any 4 or 8 bytes may be a length, a count, a type or an offset: set them all to extremes. Whether
// a file is still valid differs; nothing may crash, and what is accepted must be readable.
TEST_F(GgufTest, ExtremesInEveryFieldNeitherCrashNorLeaveTheFile) {
  const std::string whole = sample().bytes();
  const uint64_t extremes[] = {0,
                               1,
                               0x7fffffff,
                               0xffffffff,
                               0x7fffffffffffffff,
                               0x8000000000000000,
                               0xfffffffffffffff8,
                               0xffffffffffffffff};
  int refused = 0;
  for (size_t at = 0; at < whole.size() - 98; ++at) {
    for (const uint64_t value : extremes) {
      for (const size_t width : {4, 8}) {
        std::string bad = whole;
        std::memcpy(bad.data() + at, &value, std::min(width, bad.size() - at));
        if (!complaint(bad).empty()) {
          ++refused;
          continue;
        }
        const auto file = open(bad);
        for (const GgufTensor& tensor : file->tensors()) {
          ASSERT_LE(tensor.offset + file->data(tensor).size(), bad.size());
        }
        for (const auto key : file->keys()) EXPECT_FALSE(file->display(key).empty());
      }
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST_F(GgufTest, RefusesWhatIsNoGguf) {
  EXPECT_THAT(complaint("not a model, but long enough to be one"), HasSubstr("expected 'GGUF'"));
  EXPECT_THAT(complaint(RawFile().header(0, 0, 1).bytes()),
              HasSubstr("version is 1, expected 2 or 3"));
  EXPECT_THAT(complaint(RawFile().header(0, 0, 0x03000000).bytes()), HasSubstr("big-endian"));
  EXPECT_EQ(complaint(RawFile().header(0, 0, 2).bytes()), "");
  EXPECT_THROW(GgufFile::open(folder_ / "absent.gguf"), Error);
  EXPECT_THROW(GgufFile::open(folder_.path()), Error);
}

TEST_F(GgufTest, RefusesHugeCounts) {
  const uint64_t huge = uint64_t{1} << 62;
  EXPECT_THAT(complaint(RawFile().header(huge, 0).bytes()), HasSubstr("number of tensors"));
  EXPECT_THAT(complaint(RawFile().header(0, huge).bytes()), HasSubstr("number of keys"));
  EXPECT_THAT(complaint(RawFile().header(0, 1).text("k").put(9u).put(4u).put(huge).bytes()),
              HasSubstr("'k'"));
  EXPECT_THAT(complaint(RawFile().header(0, 1).text("k").put(9u).put(8u).put(huge).bytes()),
              HasSubstr("cut short"));
}

TEST_F(GgufTest, RefusesBadValues) {
  const auto one_key = [](std::string_view key, uint32_t type) {
    return RawFile().header(0, 1).text(key).put(type);
  };
  EXPECT_THAT(complaint(one_key("k", 13).put(0u).bytes()), HasSubstr("type 13"));
  EXPECT_THAT(complaint(one_key("k", 9).put(9u).put<uint64_t>(0).bytes()), HasSubstr("in a list"));
  EXPECT_THAT(complaint(one_key("k", 7).put<uint8_t>(2).bytes()), HasSubstr("expected 0 or 1"));
  EXPECT_THAT(complaint(one_key("", 0).put<uint8_t>(2).bytes()), HasSubstr("printable"));
  EXPECT_THAT(complaint(one_key("a\nb", 0).put<uint8_t>(2).bytes()), HasSubstr("'a\\x0ab'"));
  RawFile twice;
  twice.header(0, 2).text("k").put(4u).put(1u).text("k").put(4u).put(1u);
  EXPECT_THAT(complaint(twice.bytes()), HasSubstr("key 'k' appears twice"));
  for (const uint32_t alignment : {0u, 3u, 4u, 48u, 1u << 17}) {
    EXPECT_THAT(complaint(one_key("general.alignment", 4).put(alignment).bytes()),
                HasSubstr("power of two"));
  }
  EXPECT_EQ(complaint(one_key("general.alignment", 4).put(64u).bytes()), "");
}

TEST_F(GgufTest, RefusesBadTensors) {
  const auto one = [](std::vector<uint64_t> ne, uint32_t type, uint64_t offset = 0) {
    return RawFile().header(1, 0).tensor("w", std::move(ne), type, offset).data(256).bytes();
  };
  const uint64_t huge = uint64_t{1} << 62;
  ASSERT_EQ(complaint(one({2, 2}, GGML_TYPE_F32)), "");
  EXPECT_THAT(complaint(one({1, 1, 1, 1, 1}, GGML_TYPE_F32)), HasSubstr("5 dimensions"));
  EXPECT_THAT(complaint(one({4, 0}, GGML_TYPE_F32)), HasSubstr("shape is 0"));
  EXPECT_THAT(complaint(one({huge * 2}, GGML_TYPE_F32)), HasSubstr("expected 1 to"));
  EXPECT_THAT(complaint(one({huge, huge}, GGML_TYPE_F32)), HasSubstr("larger than the file"));
  // The product of the shape wraps round to 4 elements, and to none.
  EXPECT_THAT(complaint(one({huge + 1, 4}, GGML_TYPE_F32)), HasSubstr("larger than the file"));
  EXPECT_THAT(complaint(one({huge, 4}, GGML_TYPE_F32)), HasSubstr("larger than the file"));
  EXPECT_THAT(complaint(one({4}, 4)), HasSubstr("unknown type 4"));
  EXPECT_THAT(complaint(one({4}, GGML_TYPE_COUNT)), HasSubstr("unknown type"));
  EXPECT_THAT(complaint(one({4}, ~0u)), HasSubstr("unknown type"));
  EXPECT_THAT(complaint(one({33}, GGML_TYPE_Q8_0)), HasSubstr("multiple of 32"));
  EXPECT_THAT(complaint(one({4}, GGML_TYPE_F32, 8)), HasSubstr("multiple of 32"));
  EXPECT_THAT(complaint(one({4}, GGML_TYPE_F32, 256)), HasSubstr("within the 256 bytes"));
  EXPECT_THAT(complaint(one({4}, GGML_TYPE_F32, ~uint64_t{31})), HasSubstr("within the 256 bytes"));
}

TEST_F(GgufTest, RefusesTwinsAndOverlaps) {
  RawFile twins;
  twins.header(2, 0).tensor("w", {4}, 0, 0).tensor("w", {4}, 0, 32).data(64);
  EXPECT_THAT(complaint(twins.bytes()), HasSubstr("tensor 'w' appears twice"));
  RawFile overlap;
  overlap.header(2, 0).tensor("v", {9}, 0, 0).tensor("w", {4}, 0, 32).data(64);
  EXPECT_THAT(complaint(overlap.bytes()), HasSubstr("'v' and 'w' overlap"));
  RawFile same;
  same.header(2, 0).tensor("v", {4}, 0, 0).tensor("w", {4}, 0, 0).data(64);
  EXPECT_THAT(complaint(same.bytes()), HasSubstr("overlap"));
}

TEST_F(GgufTest, RefusesBadTensorNames) {
  for (const std::string& name : {std::string(), std::string(128, 'w'), std::string("w\0x", 3)}) {
    EXPECT_THAT(complaint(RawFile().header(1, 0).tensor(name, {4}, 0, 0).data(64).bytes()),
                HasSubstr("tensor name"));
  }
}

TEST_F(GgufTest, WriterAndReaderAgree) {
  GgufWriter writer;
  writer.set_text("general.architecture", "tiny");
  writer.set_integer("small", 7);
  writer.set_integer("negative", -7);
  writer.set_integer("large", int64_t{1} << 33);
  writer.set_real("exact", 0.5);
  writer.set_real("inexact", 0.1);
  writer.set_flag("flag", true);
  writer.set_integers("integers", Dims{1, -2});
  writer.set_integers("wide", Dims{1, int64_t{1} << 40});
  writer.set_reals("reals", std::vector<double>{0.1, 2});
  writer.set_texts("texts", std::vector<std::string>{"a", "b"});
  writer.add_tensor("x", GGML_TYPE_F32, Dims{1, 1, 3});
  writer.add_tensor("q", GGML_TYPE_Q8_0, Dims{2, 32});
  writer.add_tensor("scalar", GGML_TYPE_F32, Dims{});
  const auto path = folder_ / "written.gguf";
  writer.begin(path);
  std::vector<std::byte> data(12 + 68 + 4);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i);
  for (size_t i = 0; i < data.size(); i += 7) {
    writer.write(std::span(data).subspan(i, std::min<size_t>(7, data.size() - i)));
  }
  EXPECT_FALSE(std::filesystem::exists(path)) << "before finish()";
  writer.finish();

  const auto file = GgufFile::open(path);
  EXPECT_EQ(file->text("general.architecture"), "tiny");
  EXPECT_EQ(file->integer("small"), 7);
  EXPECT_EQ(file->integer("negative"), -7);
  EXPECT_EQ(file->integer("large"), int64_t{1} << 33);
  EXPECT_EQ(file->real("exact"), 0.5);
  EXPECT_EQ(file->real("inexact"), 0.1);
  EXPECT_EQ(file->flag("flag"), true);
  EXPECT_EQ(*file->integers("integers"), (Dims{1, -2}));
  EXPECT_EQ(*file->integers("wide"), (Dims{1, int64_t{1} << 40}));
  EXPECT_THAT(*file->reals("reals"), ElementsAre(0.1, 2));
  EXPECT_THAT(*file->texts("texts"), ElementsAre("a", "b"));
  EXPECT_EQ(file->find("x")->shape, (Dims{1, 1, 3}));
  EXPECT_EQ(file->data(*file->find("x"))[11], std::byte{11});
  EXPECT_EQ(file->data(*file->find("q"))[0], std::byte{12});
  EXPECT_EQ(file->data(*file->find("scalar"))[3], std::byte{83});
}

TEST_F(GgufTest, UnfinishedWritingLeavesNothingBehind) {
  {
    GgufWriter writer;
    writer.add_tensor("x", GGML_TYPE_F32, Dims{3});
    writer.begin(folder_ / "unfinished.gguf");
    EXPECT_THROW(writer.finish(), Error);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(GgufTest, WriterRefusesWhatTheFormatCannotHold) {
  GgufWriter writer;
  EXPECT_THROW(writer.add_tensor("x", GGML_TYPE_F32, Dims{1, 1, 1, 1, 1}), Error);
  EXPECT_THROW(writer.add_tensor("x", GGML_TYPE_F32, Dims{0}), Error);
  EXPECT_THROW(writer.add_tensor("x", GGML_TYPE_Q8_0, Dims{33}), Error);
  EXPECT_THROW(writer.add_tensor(std::string(128, 'x'), GGML_TYPE_F32, Dims{1}), Error);
  EXPECT_THROW(writer.add_tensor("x", GGML_TYPE_F32, Dims{int64_t{1} << 62, 4}), Error);
  EXPECT_THROW(writer.write(std::vector<std::byte>(1)), Error);
  EXPECT_THROW(GgufWriter().begin(folder_.write("file", "") / "model.gguf"), Error);
}

}  // namespace
}  // namespace alref::compute
