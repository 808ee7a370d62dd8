// SPDX-License-Identifier: Apache-2.0
// Checkpoints as PyTorch and safetensors write them, converted; tests/oracles/make_checkpoints.py
// makes them.
#include "convert/convert.h"

#include "alref/error.h"

#include <fstream>
#include <functional>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "compute/gguf_reader.h"
#include "convert/model_info.h"
#include "convert/name_table.h"
#include "convert/torch_file.h"
#include "testing/temporary_folder.h"
#include "text/golden.h"

namespace alref::convert {
namespace {

namespace fs = std::filesystem;
using compute::GgufFile;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class ConvertTest : public ::testing::Test {
 protected:
  /// Copies a case's files into the temporary folder, unpacked, and gives the checkpoint's path.
  fs::path unpack(const std::string& name) {
    fs::path checkpoint;
    for (const auto& entry : fs::directory_iterator(fs::path(ALREF_TEST_DATA) / "convert" / name)) {
      const fs::path& path = entry.path();
      if (path.extension() == ".gz") {
        checkpoint = folder_.write(path.stem().string(), testing::inflate_file(path.string()));
      } else {
        fs::copy_file(path, folder_ / path.filename().string(),
                      fs::copy_options::overwrite_existing);
      }
    }
    return checkpoint;
  }

  std::shared_ptr<const GgufFile> convert(const fs::path& checkpoint,
                                          WeightType type = WeightType::kF32) {
    report_ = convert_checkpoint(checkpoint, folder_ / "out.gguf", {type, nullptr});
    return GgufFile::open(folder_ / "out.gguf");
  }

  std::string complaint(const fs::path& checkpoint) {
    try {
      convert(checkpoint);
      return "";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kModel);
      EXPECT_THAT(error.what(), AllOf(HasSubstr(folder_.path().string()), Not(HasSubstr("\n"))));
      EXPECT_FALSE(fs::exists(folder_ / "out.gguf"));
      EXPECT_FALSE(fs::exists(folder_ / "out.gguf.part"));
      return error.what();
    }
  }

  /// Compares names, shapes and values with the case's expected.txt.
  void expect_tensors(const GgufFile& file) {
    std::ifstream in(folder_ / "expected.txt");
    size_t count = 0;
    for (std::string line; std::getline(in, line); ++count) {
      std::istringstream fields(line);
      std::string name, lengths, crc;
      std::getline(fields, name, '\t');
      std::getline(fields, lengths, '\t');
      std::getline(fields, crc, '\t');
      const auto* tensor = file.find(name);
      ASSERT_NE(tensor, nullptr) << name;
      std::string shape;
      for (const int64_t n : tensor->shape) shape += (shape.empty() ? "" : ",") + std::to_string(n);
      EXPECT_EQ(shape, lengths) << name;
      const auto data = file.data(*tensor);
      EXPECT_EQ(
          std::to_string(::crc32_z(0, reinterpret_cast<const Bytef*>(data.data()), data.size())),
          crc)
          << name;
    }
    EXPECT_EQ(file.tensors().size(), count);
    EXPECT_GT(count, 10u);
  }

  testing::TemporaryFolder folder_;
  ConvertReport report_;
};

TEST_F(ConvertTest, Sam2OfAnySize) {
  const auto file = convert(unpack("sam2"));
  expect_tensors(*file);
  EXPECT_EQ(file->text("general.architecture"), "sam2");
  EXPECT_EQ(file->text("general.source"), "tiny-sam2.1.pt");
  EXPECT_EQ(file->text("sam2.version"), "2.1");
  EXPECT_EQ(file->text("sam2.variant"), "custom");
  EXPECT_EQ(file->integer("sam2.image_size"), 64);
  EXPECT_THAT(*file->integers("sam2.trunk.window_spec"), ElementsAre(4, 4, 4, 2));
  EXPECT_THAT(*file->integers("sam2.trunk.window_pos_embed_bkg_spatial_size"), ElementsAre(3, 3));
  EXPECT_EQ(file->integer("sam2.mask_decoder.mlp_dim"), 16);
  EXPECT_EQ(file->integer("sam2.memory.dim"), 8);
  EXPECT_EQ(file->integer("sam2.memory.num_maskmem"), 3);
  EXPECT_EQ(file->flag("sam2.no_obj_embed_spatial"), true);
  EXPECT_EQ(report_.tensors, file->tensors().size());
}

TEST_F(ConvertTest, GroundingDino) {
  const auto file = convert(unpack("grounding_dino"));
  expect_tensors(*file);
  EXPECT_EQ(file->text("general.architecture"), "grounding-dino");
  EXPECT_EQ(file->integer("grounding-dino.swin.window_size"), 4);
  EXPECT_THAT(*file->integers("grounding-dino.swin.num_heads"), ElementsAre(1, 2, 2, 4));
  EXPECT_EQ(file->integer("grounding-dino.image.max_side"), 96);
  EXPECT_EQ(file->integer("grounding-dino.bert.num_heads"), 2);
  EXPECT_EQ(file->texts("tokenizer.ggml.tokens")->at(6), "dog");
}

TEST_F(ConvertTest, GroundingDinoOfHuggingFaceGivesTheSame) {
  const auto file = convert(unpack("grounding_dino_hf"));
  expect_tensors(*file);
  EXPECT_EQ(file->integer("grounding-dino.num_heads"), 4);
  EXPECT_EQ(file->integer("grounding-dino.image.short_side"), 64);
  EXPECT_EQ(file->integer("grounding-dino.bert.num_heads"), 2);
}

TEST_F(ConvertTest, Beats) {
  const auto file = convert(unpack("beats"));
  expect_tensors(*file);
  EXPECT_EQ(file->text("general.architecture"), "beats");
  EXPECT_EQ(file->integer("beats.max_distance"), 80);
  EXPECT_EQ(file->flag("beats.deep_norm"), true);
  EXPECT_THAT(*file->texts("beats.labels.ids"), ElementsAre("/m/09x0r", "/m/05zppz", "/m/02zsn"));
  EXPECT_EQ(file->texts("beats.labels.names")->at(1), "Male speech, man speaking");
  EXPECT_EQ(file->real("beats.segment_threshold"), 0.75);
}

TEST_F(ConvertTest, LanguageBind) {
  const auto file = convert(unpack("language_bind"));
  expect_tensors(*file);
  EXPECT_EQ(file->text("language-bind.modality"), "audio");
  EXPECT_EQ(file->integer("language-bind.vision.num_heads"), 4);
  EXPECT_EQ(file->text("language-bind.text.hidden_act"), "gelu");
  EXPECT_EQ(file->real("language-bind.audio.mean"), -4.5);
  EXPECT_THAT(*file->texts("tokenizer.ggml.merges"), ElementsAre("d o", "do g</w>"));
}

// The same names and no sound: pictures of 16 pixels in patches of 4.
TEST_F(ConvertTest, LanguageBindImage) {
  const auto file = convert(unpack("language_bind_image"));
  expect_tensors(*file);
  EXPECT_EQ(file->text("language-bind.modality"), "image");
  EXPECT_EQ(file->integer("language-bind.text.layers"), 2);
  EXPECT_EQ(file->integer("language-bind.vision.image_size"), 16);
  EXPECT_FALSE(file->has("language-bind.audio.mean"));
}

TEST_F(ConvertTest, TypesOfTheLargeTensors) {
  const fs::path checkpoint = unpack("grounding_dino");
  const auto type = [&](const GgufFile& file, const char* name) { return file.find(name)->type; };
  const auto quantised = convert(checkpoint, WeightType::kQ8_0);
  EXPECT_EQ(type(*quantised, "transformer.encoder.layers.0.linear1.weight"), GGML_TYPE_Q8_0);
  EXPECT_EQ(type(*quantised, "backbone.0.layers.0.blocks.0.mlp.fc1.weight"), GGML_TYPE_F16)
      << "rows of 8";
  EXPECT_EQ(type(*quantised, "backbone.0.patch_embed.proj.weight"), GGML_TYPE_F16);
  EXPECT_EQ(type(*quantised, "transformer.level_embed"), GGML_TYPE_F32);
  EXPECT_EQ(type(*quantised, "transformer.encoder.layers.0.linear1.bias"), GGML_TYPE_F32);
  EXPECT_EQ(type(*convert(checkpoint, WeightType::kBf16), "bert.embeddings.word_embeddings.weight"),
            GGML_TYPE_BF16);
  EXPECT_EQ(type(*convert(checkpoint, WeightType::kF16), "bert.embeddings.word_embeddings.weight"),
            GGML_TYPE_F16);
  EXPECT_THROW(parse_weight_type("q4_0"), Error);
}

// Weights are multiples of 1/16 below 1/2: f16 and bf16 hold them exactly, q8_0 within half of its
// step, the largest of 32 values over 127.
TEST_F(ConvertTest, ValuesSurviveEveryType) {
  const fs::path checkpoint = unpack("grounding_dino");
  const auto values = [&](WeightType type) {
    const auto file = convert(checkpoint, type);
    const auto* tensor = file->find("transformer.encoder.layers.0.linear1.weight");
    std::vector<float> out(static_cast<size_t>(tensor->elements()));
    const auto data = file->data(*tensor);
    if (tensor->type == GGML_TYPE_F32) {
      std::memcpy(out.data(), data.data(), data.size());
    } else {
      ggml_get_type_traits(tensor->type)->to_float(data.data(), out.data(), tensor->elements());
    }
    return out;
  };
  const auto exact = values(WeightType::kF32);
  EXPECT_EQ(values(WeightType::kF16), exact);
  EXPECT_EQ(values(WeightType::kBf16), exact);
  const auto rough = values(WeightType::kQ8_0);
  float worst = 0;
  for (size_t i = 0; i < exact.size(); ++i) worst = std::max(worst, std::abs(rough[i] - exact[i]));
  EXPECT_LE(worst, 0.5f / 127 / 2 * 1.01f);  // 1 %: the step itself is rounded to f16
  EXPECT_GT(worst, 0);
}

TEST_F(ConvertTest, TellsHowFarItIsAndStopsWhenAsked) {
  const fs::path checkpoint = unpack("sam2");
  uint64_t last = 0, whole = 0;
  convert_checkpoint(checkpoint, folder_ / "out.gguf",
                     {WeightType::kF32, [&](uint64_t done, uint64_t total) {
                        EXPECT_GT(done, last);
                        last = done;
                        whole = total;
                      }});
  EXPECT_EQ(last, whole);
  fs::remove(folder_ / "out.gguf");
  const auto stop = [](uint64_t, uint64_t) { throw Error(ErrorKind::kInterrupted, "stopped"); };
  EXPECT_THROW(convert_checkpoint(checkpoint, folder_ / "out.gguf", {WeightType::kF32, stop}),
               Error);
  EXPECT_FALSE(fs::exists(folder_ / "out.gguf"));
}

TEST_F(ConvertTest, ShowsWhatIsInAFile) {
  convert(unpack("sam2"));
  EXPECT_THAT(
      model_info_text(folder_ / "out.gguf"),
      AllOf(HasSubstr("sam2.version = '2.1'"), HasSubstr("no_mem_embed"), HasSubstr("[1, 1, 16]")));
  EXPECT_THAT(model_info_json(folder_ / "out.gguf"), HasSubstr("\"name\": \"no_mem_embed\""));
}

TEST_F(ConvertTest, AMissingSideFileIsNamed) {
  const fs::path sam2 = unpack("sam2");
  fs::remove(folder_ / "tiny-sam2.1.json");
  EXPECT_THAT(complaint(sam2),
              HasSubstr("tiny-sam2.1.json with its hyper-parameters is not beside it"));
  const fs::path bind = unpack("language_bind");
  fs::remove(folder_ / "config.json");
  EXPECT_THAT(complaint(bind), HasSubstr("config.json"));
}

TEST_F(ConvertTest, ABadSideFileIsNamedWithItsKey) {
  const fs::path checkpoint = unpack("sam2");
  const std::string good = testing::read_whole(folder_ / "tiny-sam2.1.json");
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string bad = good;
    bad.replace(bad.find(from), from.size(), to);
    folder_.write("tiny-sam2.1.json", bad);
    return complaint(checkpoint);
  };
  EXPECT_THAT(with("\"image_size\": 64", "\"image_size\": -64"),
              HasSubstr("'/image_size' is '-64'"));
  EXPECT_THAT(with("\"image_size\": 64", "\"image_size\": \"x\""), HasSubstr("'/image_size'"));
  EXPECT_THAT(with("\"image_size\"", "\"image_width\""), HasSubstr("'/image_size' is missing"));
  EXPECT_THAT(with("\"stages\": [\n   1,", "\"stages\": [\n   2,"), HasSubstr("'/trunk/stages'"));
  EXPECT_THAT(with("{", "["), HasSubstr("not JSON"));
}

/// A PyTorch file with tensors of zeros.
std::string torch_file(const std::vector<std::pair<std::string, std::vector<int32_t>>>& tensors) {
  testing::PickleSpec pickle;
  testing::ZipSpec zip;
  zip.entries.push_back({.name = "a/data.pkl"});
  pickle.op('}');
  for (const auto& [name, shape] : tensors) {
    int32_t elements = 1;
    std::vector<int32_t> strides(shape.size());
    for (size_t d = shape.size(); d-- > 0; elements *= shape[d]) strides[d] = elements;
    const std::string key = std::to_string(zip.entries.size() - 1);
    pickle.text(name).tensor(key, elements, shape, strides).op('s');
    zip.entries.push_back(
        {.name = "a/data/" + key, .data = std::string(static_cast<size_t>(elements) * 4, '\0')});
  }
  zip.entries[0].data = pickle.stop();
  return zip.bytes();
}

TEST_F(ConvertTest, ListsAllThatIsMissingUnknownAndMisshapen) {
  Checkpoint checkpoint(folder_.write(
      "w.pt",
      torch_file({{"a", {2}}, {"b", {3}}, {"x", {1}}, {"q", {2, 3}}, {"k", {2, 4}}, {"b2", {2}}})));
  Inputs inputs(checkpoint);
  const auto source = [&](const char* name) -> const SourceTensor& {
    return checkpoint.tensors().at(name);
  };
  for (const char* name : {"a", "b", "x"}) inputs.add(name, 0, name, source(name));
  inputs.add("qk", 0, "q", source("q"));
  inputs.add("qk", 1, "k", source("k"));
  inputs.add_twin("b", "b2", source("b2"));
  NameTable table;
  table.keep("a", {3});
  table.keep("b", {3});
  table.keep("c", {1});
  table.keep("d", {1});
  table.keep("qk", {4, 3});
  try {
    inputs.check(table, "toy");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(
        error.what(),
        HasSubstr("w.pt: is not a complete toy; missing 2: 'c', 'd'; unknown 1: 'x'; of another "
                  "shape 2: 'a' has shape [2], expected [3], 'qk' has shape [], expected [4, 3]; "
                  "unlike the tensor that they should share 1: 'b2'"));
  }
}

TEST_F(ConvertTest, SizesThatDoNotFitAreMisshapenTensors) {
  const fs::path checkpoint = unpack("language_bind");
  std::string config = testing::read_whole(folder_ / "config.json");
  config.replace(config.find("\"target_length\": 12"), 19, "\"target_length\": 16");
  folder_.write("config.json", config);
  EXPECT_THAT(complaint(checkpoint),
              HasSubstr("of another shape 1: 'vision_model.embeddings.position_embedding.weight' "
                        "has shape [7, 16], "
                        "expected [9, 16]"));
}

TEST_F(ConvertTest, SizesThatCannotBeReadAreErrors) {
  EXPECT_THAT(complaint(folder_.write(
                  "d.pt", torch_file({{"backbone.0.patch_embed.proj.weight", {96, 3, 4, 4}},
                                      {"transformer.level_embed", {4, 256}}}))),
              HasSubstr("has a Swin backbone of 0 stages"));
  EXPECT_THAT(
      complaint(folder_.write(
          "s.pt", torch_file({{"image_encoder.trunk.patch_embed.proj.weight", {96, 3, 7, 7}},
                              {"maskmem_tpos_enc", {7, 1, 1, 64}}}))),
      HasSubstr("no official variant"));
}

TEST_F(ConvertTest, RefusesWhatIsNoKnownNetwork) {
  EXPECT_THAT(complaint(folder_.write("other.pt", torch_file({{"fc.weight", {2, 3}}}))),
              HasSubstr("no network known here: it has 1 tensors, the first is 'fc.weight'"));
  EXPECT_THAT(complaint(folder_.write("empty.pt", torch_file({}))), HasSubstr("holds no tensors"));
  EXPECT_THAT(complaint(folder_.write("text.pt", "hello, I am a text")), HasSubstr("neither"));
  EXPECT_THAT(complaint(folder_.write("nothing.pt", "")), HasSubstr("neither"));
  EXPECT_THAT(complaint(folder_ / "absent.pt"), HasSubstr("cannot be opened"));
}

TEST_F(ConvertTest, RefusesHostileCheckpointsWithoutRunningThem) {
  const fs::path hostile = fs::path(ALREF_TEST_DATA) / "convert" / "hostile";
  const auto copy = [&](const char* name) {
    fs::copy_file(hostile / name, folder_ / name, fs::copy_options::overwrite_existing);
    return complaint(folder_ / name);
  };
  EXPECT_THAT(copy("system.pt"), HasSubstr("'posix.system', which is not among the names"));
  EXPECT_FALSE(fs::exists("alref-was-here"));
  EXPECT_THAT(copy("protocol4.pt"), HasSubstr("protocol 4"));
  EXPECT_THAT(copy("legacy.pt"), HasSubstr("before 1.6"));
}

TEST_F(ConvertTest, RefusesStoragesOfAnotherSizeAndDamagedData) {
  testing::ZipSpec zip;
  zip.entries = {
      {.name = "a/data.pkl",
       .data = testing::PickleSpec().op('}').text("w").tensor("0", 4, {4}, {1}).op('s').stop()},
      {.name = "a/data/0", .data = std::string(15, '\0')}};
  EXPECT_THAT(complaint(folder_.write("w.pt", zip.bytes())),
              HasSubstr("has 15 bytes, expected 4 elements of f32"));
  zip.entries.pop_back();
  EXPECT_THAT(complaint(folder_.write("w.pt", zip.bytes())), HasSubstr("no zip entry 'a/data/0'"));

  const fs::path checkpoint = unpack("sam2");
  std::string bytes = testing::read_whole(checkpoint);
  bytes[bytes.size() / 2] ^= 1;  // within the weights
  EXPECT_THAT(complaint(folder_.write("tiny-sam2.1.pt", bytes)), HasSubstr("checksum"));
}

TEST_F(ConvertTest, CutShortAnywhereIsAnError) {
  const std::string whole = testing::read_whole(unpack("beats"));
  for (size_t size = 0; size < whole.size(); size += 997) {
    EXPECT_NE(complaint(folder_.write("tiny-beats.pt", whole.substr(0, size))), "");
  }
}

}  // namespace
}  // namespace alref::convert
