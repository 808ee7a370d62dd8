// SPDX-License-Identifier: Apache-2.0
#include "cli/convert_command.h"

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "cli/terminal.h"
#include "convert/convert.h"

namespace alref::cli {
namespace {

struct Arguments {
  std::string checkpoint;
  std::string output;
  std::string type = "f32";
};

void run(const Arguments& arguments) {
  convert::ConvertOptions options;
  options.type = convert::parse_weight_type(arguments.type);
  std::optional<ProgressBar> bar;
  options.progress = [&](uint64_t done, uint64_t total) {
    throw_if_interrupted();
    constexpr uint64_t kMillion = 1'000'000;
    if (!bar) bar.emplace("convert", static_cast<int64_t>(total / kMillion), "M weights");
    bar->update(static_cast<int64_t>(done / kMillion));
  };
  const auto report = convert::convert_checkpoint(arguments.checkpoint, arguments.output, options);
  if (bar) bar->finish();
  std::printf("%s: %s, %zu tensors, %llu weights, %llu bytes\n", arguments.output.c_str(),
              report.name.c_str(), report.tensors, static_cast<unsigned long long>(report.elements),
              static_cast<unsigned long long>(report.bytes));
}

}  // namespace

void add_convert_command(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand(
      "convert",
      "Turns an official checkpoint (.pt, .pth, .bin, .safetensors) into a GGUF model file");
  command
      ->add_option("CHECKPOINT", arguments->checkpoint,
                   "SAM 2 or 2.1, GroundingDINO (official or Hugging Face's), BEATs, LanguageBind; "
                   "what its shapes\n"
                   "cannot tell is read from CHECKPOINT's name with .json, or config.json and "
                   "vocab.txt, beside it")
      ->required();
  command
      ->add_option("-o,--output", arguments->output,
                   "the GGUF file; replaced only when the new one is complete")
      ->required();
  command
      ->add_option("--type", arguments->type,
                   "numbers of the large tensors: f32, f16, bf16 or q8_0")
      ->capture_default_str();
  command->footer("example: alref convert sam2.1_hiera_tiny.pt -o sam2.1-tiny.gguf --type bf16");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace alref::cli
