// SPDX-License-Identifier: Apache-2.0
#include "cli/models_command.h"

#include "alref/models.h"

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "catalog/pull.h"
#include "cli/terminal.h"
#include "convert/model_info.h"

namespace alref::cli {
namespace {

constexpr double kMegabyte = 1e6;

std::string megabytes(uint64_t bytes) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.0f MB", static_cast<double>(bytes) / kMegabyte);
  return text.data();
}

void print_row(const std::string& name, const std::string& state, const std::string& size,
               const std::string& licence, const std::string& what) {
  std::printf("%-20s %-10s %-8s %-11s %s\n", name.c_str(), state.c_str(), size.c_str(),
              licence.c_str(), what.c_str());
}

void list() {
  print_row("NAME", "STATE", "SIZE", "LICENCE", "");
  auto installed = installed_models();
  for (const catalog::PublishedModel& model : catalog::published_models()) {
    const auto found = installed.find(model.name);
    if (found != installed.end()) {
      print_row(model.name, "installed", megabytes(std::filesystem::file_size(found->second)),
                model.licence, model.network + ", " + found->second);
      installed.erase(found);
      continue;
    }
    uint64_t bytes = 0;
    for (const catalog::PublishedFile& file : model.files) bytes += file.bytes;
    print_row(model.name, model.files.empty() ? "by hand" : "to pull",
              bytes ? megabytes(bytes) : "?", model.licence, model.network + ", " + model.page);
  }
  for (const auto& [name, file] : installed)
    print_row(name, "installed", megabytes(std::filesystem::file_size(file)), "-", file);
}

struct PullArguments {
  std::string name, from, type = "f32";
  bool again = false;
};

void pull(const PullArguments& arguments) {
  const catalog::PublishedModel& model = catalog::find_published(arguments.name);
  const auto installed = installed_models();
  if (const auto found = installed.find(model.name); found != installed.end() && !arguments.again) {
    std::printf("%s\n", found->second.c_str());
    return;
  }
  std::optional<ProgressBar> bar;
  catalog::PullOptions options;
  options.from = arguments.from;
  options.convert.type = convert::parse_weight_type(arguments.type);
  const auto show = [&](const std::string& what, uint64_t done, uint64_t total, const char* unit) {
    throw_if_interrupted();
    const auto in_millions = [](uint64_t n) { return static_cast<int64_t>(n / 1'000'000); };
    if (!bar) bar.emplace(what, in_millions(total), unit);
    bar->update(in_millions(done));
  };
  std::string file;
  options.on_file = [&](const std::string& name) {
    bar.reset();
    file = name;
  };
  options.download.progress = [&](uint64_t done, uint64_t total) {
    if (total > 0) show(file, done, total, "MB");
    throw_if_interrupted();
  };
  options.convert.progress = [&](uint64_t done, uint64_t total) {
    if (done == 0) bar.reset();
    show("convert", done, total, "M weights");
  };
  const std::filesystem::path folder = user_model_folder();
  const auto report = catalog::pull(model, folder, options);
  bar.reset();
  std::printf("%s: %s, %s, licence %s\n", (folder / (model.name + ".gguf")).c_str(),
              report.name.c_str(), megabytes(report.bytes).c_str(), model.licence.c_str());
}

struct InfoArguments {
  std::string file;
  bool json = false;
};

void add_info(CLI::App& models) {
  auto arguments = std::make_shared<InfoArguments>();
  CLI::App* info =
      models.add_subcommand("info", "What a GGUF file holds: metadata, types, tensors");
  info->add_option("FILE", arguments->file, "a GGUF model file")->required();
  info->add_flag("--json", arguments->json, "as a JSON object");
  info->footer("example: alref models info sam2.1-tiny.gguf");
  info->callback([arguments] {
    const std::string text = arguments->json ? convert::model_info_json(arguments->file) + "\n"
                                             : convert::model_info_text(arguments->file);
    std::fwrite(text.data(), 1, text.size(), stdout);
  });
}

}  // namespace

void add_models_command(CLI::App& app) {
  CLI::App* models = app.add_subcommand("models", "Shows model files, and fetches official ones");
  models->require_subcommand(1);
  add_info(*models);
  models->add_subcommand("list", "What is installed, what can be had, sizes and licences")
      ->callback(&list)
      ->footer("example: alref models list");
  auto arguments = std::make_shared<PullArguments>();
  CLI::App* command = models->add_subcommand(
      "pull", "Fetches an official checkpoint from its publisher, converts and installs it");
  command->add_option("NAME", arguments->name, "a name that `alref models list` shows")->required();
  command
      ->add_option("--type", arguments->type,
                   "numbers of the large tensors: f32, f16, bf16 or q8_0")
      ->capture_default_str();
  command
      ->add_option("--from", arguments->from,
                   "a mirror: the address of a folder with the same files")
      ->type_name("URL");
  command->add_flag("--again", arguments->again, "even if it is installed");
  command->footer(
      "It goes to $ALREF_MODELS, else $XDG_DATA_HOME/alref/models, else "
      "~/.local/share/alref/models.\n"
      "A download that was broken off goes on. Proxies: https_proxy and its like.\n"
      "example: alref models pull sam2.1-tiny --type bf16");
  command->callback([arguments] { pull(*arguments); });
}

}  // namespace alref::cli
