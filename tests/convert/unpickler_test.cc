// SPDX-License-Identifier: Apache-2.0
#include "convert/unpickler.h"

#include "alref/error.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "convert/torch_file.h"

namespace alref::convert {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::PickleSpec;

std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string complaint(const std::string& bytes) {
  try {
    const Pickle pickle(as_bytes(bytes), "model.pt");
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kModel);
    EXPECT_THAT(error.what(), HasSubstr("model.pt"));
    return error.what();
  }
}

TEST(UnpicklerTest, ReadsPlainValues) {
  PickleSpec spec;
  spec.op('}').op('(').text("t").op(0x88).text("f").op(0x89).text("n").op('N').text("i").integer(
      -7);
  spec.text("k")
      .op('K')
      .op(200)
      .text("m")
      .op('M')
      .raw(std::string("\x01\x02", 2))
      .text("l")
      .op(0x8a)
      .op(2)
      .raw("\xff\xff");
  spec.text("d").op('G').raw(std::string("\x3f\xf8\0\0\0\0\0\0", 8)).text("s").text("text");
  spec.text("list").op(']').op('(').integer(1).integer(2).op('e').integer(3).op('a').op('u');
  const std::string bytes = spec.stop();
  const Pickle pickle(as_bytes(bytes), "model.pt");
  const PickleValue& root = pickle.root();
  EXPECT_EQ(*root.get("t")->as<bool>(), true);
  EXPECT_EQ(*root.get("f")->as<bool>(), false);
  EXPECT_NE(root.get("n")->as<PickleValue::None>(), nullptr);
  EXPECT_EQ(*root.get("i")->as<int64_t>(), -7);
  EXPECT_EQ(*root.get("k")->as<int64_t>(), 200);
  EXPECT_EQ(*root.get("m")->as<int64_t>(), 0x201);
  EXPECT_EQ(*root.get("l")->as<int64_t>(), -1);
  EXPECT_EQ(*root.get("d")->as<double>(), 1.5);
  EXPECT_EQ(*root.get("s")->as<std::string_view>(), "text");
  EXPECT_EQ(root.get("list")->as<PickleValue::List>()->size(), 3u);
  EXPECT_EQ(root.get("absent"), nullptr);
}

TEST(UnpicklerTest, ReadsTensors) {
  const std::string bytes = PickleSpec().tensor("3", 20, {4, 3}, {1, 4}, 8, "HalfStorage").stop();
  const Pickle pickle(as_bytes(bytes), "model.pt");
  const auto* tensor = pickle.root().as<PickleTensor>();
  ASSERT_NE(tensor, nullptr);
  EXPECT_EQ(tensor->storage.key, "3");
  EXPECT_EQ(tensor->storage.type, ElementType::kF16);
  EXPECT_EQ(tensor->storage.elements, 20u);
  EXPECT_EQ(tensor->offset, 8u);
  EXPECT_THAT(tensor->shape, ElementsAre(4, 3));
  EXPECT_THAT(tensor->strides, ElementsAre(1, 4));
}

TEST(UnpicklerTest, TensorsStayWithinTheirStorage) {
  const auto tensor = [](int32_t elements, std::vector<int32_t> shape, std::vector<int32_t> strides,
                         int32_t offset) {
    return complaint(PickleSpec().tensor("0", elements, shape, strides, offset).stop());
  };
  EXPECT_EQ(tensor(12, {4, 3}, {3, 1}, 0), "");
  EXPECT_EQ(tensor(12, {}, {}, 11), "");
  EXPECT_EQ(tensor(12, {0, 3}, {3, 1}, 12), "");
  EXPECT_THAT(tensor(11, {4, 3}, {3, 1}, 0), HasSubstr("beyond its storage"));
  EXPECT_THAT(tensor(12, {4, 3}, {3, 1}, 1), HasSubstr("beyond its storage"));
  EXPECT_THAT(tensor(12, {4, 3}, {4, 1}, 0), HasSubstr("beyond its storage"));
  EXPECT_THAT(tensor(12, {}, {}, 12), HasSubstr("beyond its storage"));
  EXPECT_THAT(tensor(12, {2}, {0x7fffffff}, 0), HasSubstr("beyond its storage"));
  // All elements are the same one: a few bytes would become gigabytes.
  EXPECT_THAT(tensor(1, {0x7fffffff, 0x7fffffff}, {0, 0}, 0), HasSubstr("beyond its storage"));
  EXPECT_THAT(tensor(12, {-1}, {1}, 0), HasSubstr("bad length"));
  EXPECT_THAT(tensor(12, {1}, {-1}, 0), HasSubstr("bad length"));
  EXPECT_THAT(tensor(12, {1}, {1, 1}, 0), HasSubstr("stride"));
  EXPECT_THAT(tensor(12, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1, 1}, 0),
              HasSubstr("at most 8"));
  EXPECT_THAT(tensor(-1, {1}, {1}, 0), HasSubstr("storage"));
}

// Each of these runs a program in Python's unpickler.
TEST(UnpicklerTest, RefusesWhatWouldRunCode) {
  const std::pair<const char*, const char*> functions[] = {
      {"os", "system"},           {"posix", "system"},     {"builtins", "eval"},
      {"__builtin__", "exec"},    {"subprocess", "Popen"}, {"runpy", "_run_code"},
      {"torch", "load"},          {"torch.hub", "load"},   {"pickle", "loads"},
      {"operator", "attrgetter"}, {"builtins", "getattr"}, {"torch._utils", "_import_dotted_name"}};
  for (const auto& [module, name] : functions) {
    const std::string bytes =
        PickleSpec().global(module, name).text("touch /tmp/x").op(0x85).op('R').stop();
    EXPECT_THAT(complaint(bytes), HasSubstr(std::string("'") + module + "." + name + "'"));
  }
}

TEST(UnpicklerTest, RefusesOpcodesThatTorchNeverWrites) {
  // STRING, INST, OBJ, EXT1, PERSID, FRAME, STACK_GLOBAL, DUP, POP, DICT, LIST, NEWOBJ_EX,
  // BYTEARRAY8, LONG4.
  for (const int opcode : std::initializer_list<int>{'S', 'i', 'o', 0x82, 'P', 0x95, 0x93, '2', '0',
                                                     'd', 'l', 0x92, 0x96, 0x8b}) {
    EXPECT_THAT(complaint(PickleSpec().op('N').op(opcode).raw("xxxxxxxx\n").stop()),
                HasSubstr("opcode"));
  }
  EXPECT_THAT(complaint(std::string("\x80\x04N.", 4)), HasSubstr("protocol 4"));
}

TEST(UnpicklerTest, CallsOnlyFunctionsAndOnlyWithTheirArguments) {
  EXPECT_THAT(complaint(PickleSpec().integer(1).op(')').op('R').stop()),
              HasSubstr("not a function"));
  EXPECT_THAT(complaint(PickleSpec().global("torch", "FloatStorage").op(')').op('R').stop()),
              HasSubstr("not a function"));
  EXPECT_THAT(complaint(PickleSpec().global("torch", "Size").integer(1).op('R').stop()),
              HasSubstr("not a function"));
  EXPECT_THAT(
      complaint(PickleSpec().global("torch._utils", "_rebuild_tensor_v2").op(')').op('R').stop()),
      HasSubstr("0 arguments"));
  EXPECT_THAT(complaint(PickleSpec().text("storage").op('Q').stop()), HasSubstr("persistent id"));
}

TEST(UnpicklerTest, RefusesBrokenStacks) {
  for (const std::string body : {"", "a", "(", "t", "e", "R", "b", "s", "u", "Q", "\x85", "q\x01",
                                 "N(", "NN", "h\x01", "(N", "}(Nu", "NNa", "N}NsN"}) {
    EXPECT_NE(complaint(PickleSpec().raw(body).stop()), "") << body;
  }
}

TEST(UnpicklerTest, BoundsDepthAndSize) {
  EXPECT_THAT(complaint(PickleSpec().raw(std::string(2000, '(')).stop()),
              HasSubstr("nested deeper"));
  EXPECT_THAT(complaint(PickleSpec().raw(std::string((1 << 20) + 1, 'N')).stop()),
              HasSubstr("more than"));
  // Lists that hold each other: nothing is expanded, and all is freed.
  EXPECT_EQ(complaint(PickleSpec().raw("]q").op(0).raw("h").op(0).raw("a").stop()), "");
  std::string doubling = "]";
  for (int i = 0; i < 200; ++i) doubling += std::string("q\x01h\x01\x86", 5);
  EXPECT_EQ(complaint(PickleSpec().raw(doubling).stop()), "");
}

// 100,000 calls, each of which could copy a list of 100,000: 80 GB.
TEST(UnpicklerTest, ArgumentsAreNotCopied) {
  PickleSpec spec;
  spec.raw("]q")
      .op(0)
      .op('(')
      .raw(std::string(100000, 'N'))
      .op('e')
      .op(0x85)
      .raw("q")
      .op(1)
      .op('(');
  spec.global("builtins", "set").raw("q").op(2);
  for (int i = 0; i < 100000; ++i) spec.raw("h").op(2).raw("h").op(1).op('R');
  EXPECT_EQ(complaint(spec.op('t').op(0x86).stop()), "");
}

TEST(UnpicklerTest, CutShortAtEveryByteIsAnError) {
  const std::string whole =
      PickleSpec().op('}').text("w").tensor("0", 12, {4, 3}, {3, 1}).op('s').stop();
  ASSERT_EQ(complaint(whole), "");
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(complaint(whole.substr(0, size)), "");
}

TEST(UnpicklerTest, KeepsListedObjectsWithoutRunningThem) {
  const std::string bytes = PickleSpec()
                                .global("argparse", "Namespace")
                                .op(')')
                                .op(0x81)
                                .op('}')
                                .text("x")
                                .integer(1)
                                .op('s')
                                .op('b')
                                .stop();
  const Pickle pickle(as_bytes(bytes), "model.pt");
  const auto* object = pickle.root().as<PickleObject>();
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(object->type, "Namespace");
  EXPECT_EQ(*object->state->get("x")->as<int64_t>(), 1);
}

}  // namespace
}  // namespace alref::convert
