// SPDX-License-Identifier: Apache-2.0
// usage: sound_stages MODEL FOLDER. Runs BEATs or LanguageBind (MODEL says which) in f32 on
// FOLDER/samples.f32, mono at 16 kHz, and the lines of FOLDER/texts.txt, and writes tokens.f32 and
// probabilities.f32, or audio.f32 and texts.f32, for parity/sound.py to compare.
#include "alref/error.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "perception/beats/beats.h"
#include "perception/language_bind/language_bind.h"

namespace {

using alref::compute::Device;

std::vector<float> read(const std::filesystem::path& path) {
  std::vector<float> values(std::filesystem::file_size(path) / sizeof(float));
  std::ifstream(path, std::ios::binary)
      .read(reinterpret_cast<char*>(values.data()),
            static_cast<std::streamsize>(values.size() * sizeof(float)));
  return values;
}

void write(const std::filesystem::path& path, const std::vector<float>& values) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(values.data()),
             static_cast<std::streamsize>(values.size() * sizeof(float)));
}

void run(const std::filesystem::path& model, const std::filesystem::path& folder) {
  Device device({.name = "cpu", .threads = 0, .precision = alref::Precision::kF32});
  const std::vector<float> samples = read(folder / "samples.f32");
  if (!std::filesystem::exists(folder / "texts.txt")) {
    alref::beats::Beats network(model, device);
    const auto output = network.run(samples);
    write(folder / "tokens.f32", output.tokens);
    write(folder / "probabilities.f32", output.probabilities);
    return;
  }
  alref::language_bind::LanguageBind network(model, device);
  write(folder / "audio.f32",
        network.embed_audio({.sample_rate = 16000, .channels = 1, .samples = samples}));
  std::ifstream lines(folder / "texts.txt");
  std::vector<float> texts;
  for (std::string line; std::getline(lines, line);) {
    const auto embedding = network.embed_text(line);
    texts.insert(texts.end(), embedding.begin(), embedding.end());
  }
  write(folder / "texts.f32", texts);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: sound_stages MODEL FOLDER\n");
    return 2;
  }
  try {
    run(argv[1], argv[2]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sound_stages: %s\n", error.what());
    return 1;
  }
  return 0;
}
