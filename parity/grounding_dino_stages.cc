// SPDX-License-Identifier: Apache-2.0
// Runs GroundingDINO on given pixels and tokens and writes what each stage computes, for
// parity/gdino.py to compare.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "perception/grounding_dino/network.h"
#include "perception/grounding_dino/phrases.h"

namespace {

using alref::compute::Device;
using alref::compute::MapSize;
using alref::compute::Weights;
namespace gd = alref::grounding_dino;

template <typename T>
std::vector<T> read(const std::filesystem::path& path) {
  std::vector<T> values(std::filesystem::file_size(path) / sizeof(T));
  std::ifstream(path, std::ios::binary)
      .read(reinterpret_cast<char*>(values.data()),
            static_cast<std::streamsize>(values.size() * sizeof(T)));
  return values;
}

template <typename T>
void write(const std::filesystem::path& path, const std::vector<T>& values) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(values.data()),
             static_cast<std::streamsize>(values.size() * sizeof(T)));
}

// A line a box above the official thresholds.
void write_labels(const std::filesystem::path& path, const gd::Network& network,
                  const std::vector<int32_t>& ids, const gd::Network::Queries& queries) {
  const alref::text::WordPiece tokenizer(*network.file().texts("tokenizer.ggml.tokens"));
  const gd::QueryScores scores{.count = static_cast<size_t>(queries.count),
                               .logits = queries.logits,
                               .boxes = queries.boxes};
  std::ofstream out(path);
  for (const alref::Detection& found : gd::official_detections(
           scores, {.ids = ids, .phrases = {}}, tokenizer, {.box = 0.25f, .text = 0.25f}, 1, 1)) {
    out << found.phrase << "\n";
  }
}

void run(const std::filesystem::path& model, const std::filesystem::path& folder,
         const MapSize& image, alref::Precision precision) {
  Device device({.name = "cpu", .threads = 0, .precision = precision});
  gd::Network network(Weights::open(model, device));
  const std::vector<int32_t> ids = read<int32_t>(folder / "ids.i32"),
                             separators = read<int32_t>(folder / "separators.i32");
  const gd::TextFeatures text = network.encode_text(ids, separators);
  const std::vector<float> pixels = read<float>(folder / "pixels.f32");
  network.encode_image([&](std::span<float> to) { std::ranges::copy(pixels, to.begin()); }, 1,
                       image);
  const std::vector<float> logits = network.fuse(text);
  // A near tie in the choice of the queries changes all of them a little, through self attention:
  // the decoder is compared on the official code's choice.
  write(folder / "selected.i32",
        gd::select_queries(logits, 1, text.tokens, network.config().queries));
  const std::vector<int32_t> selected = read<int32_t>(folder / "oracle_selected.i32");
  const gd::Network::Queries queries = network.decode(selected);
  write(folder / "text.f32", text.features);
  write(folder / "memory.f32", network.image_features());
  write(folder / "memory_text.f32", network.text_features());
  write(folder / "first_stage.f32", logits);
  write(folder / "logits.f32", queries.logits);
  write(folder / "boxes.f32", queries.boxes);
  write_labels(folder / "labels.txt", network, ids, queries);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::cerr << "usage: grounding_dino_stages MODEL.gguf FOLDER HEIGHT WIDTH f32|bf16\n"
                 "FOLDER holds pixels.f32 [HEIGHT, WIDTH, 3], ids.i32 and separators.i32, and "
                 "receives the results.\n";
    return 2;
  }
  try {
    run(argv[1], argv[2], {std::stoll(argv[3]), std::stoll(argv[4])},
        std::string(argv[5]) == "bf16" ? alref::Precision::kBf16 : alref::Precision::kF32);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
  return 0;
}
