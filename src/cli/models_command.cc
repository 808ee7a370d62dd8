// SPDX-License-Identifier: Apache-2.0
#include "cli/models_command.h"

#include <cstdio>
#include <memory>
#include <string>

#include "convert/model_info.h"

namespace alref::cli {
namespace {

struct Arguments {
  std::string file;
  bool json = false;
};

}  // namespace

void add_models_command(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* models = app.add_subcommand("models", "Shows model files");
  models->require_subcommand(1);
  CLI::App* info =
      models->add_subcommand("info", "What a GGUF file holds: metadata, types, tensors");
  info->add_option("FILE", arguments->file, "a GGUF model file")->required();
  info->add_flag("--json", arguments->json, "as a JSON object");
  info->callback([arguments] {
    const std::string text = arguments->json ? convert::model_info_json(arguments->file) + "\n"
                                             : convert::model_info_text(arguments->file);
    std::fwrite(text.data(), 1, text.size(), stdout);
  });
}

}  // namespace alref::cli
