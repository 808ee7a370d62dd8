// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include <array>
#include <cstdio>
#include <map>
#include <string>

namespace alref::cli {

void add_device_options(CLI::App& command, DeviceOptions& options) {
  static const std::map<std::string, Precision> precisions = {
      {"auto", Precision::kAuto}, {"f32", Precision::kF32}, {"bf16", Precision::kBf16}};
  command
      .add_option("--device", options.name,
                  "where networks run: cpu, or a GPU that `alref --version` lists")
      ->type_name("NAME")
      ->capture_default_str();
  command.add_option("--threads", options.threads, "CPU threads [default: one per core]")
      ->type_name("N")
      ->check(in_range(1, 1024));
  command
      .add_option(
          "--precision", options.precision,
          "auto, f32 or bf16; auto is bf16 where the processor multiplies it [default: auto]")
      ->type_name("P")
      ->transform(CLI::CheckedTransformer(precisions).description(""));
}

CLI::Validator in_range(double least, double most) {
  std::array<char, 64> range{};
  std::snprintf(range.data(), range.size(), "%g to %g", least, most);
  return CLI::Validator(
      [=, words = std::string(range.data())](std::string& text) -> std::string {
        double value = 0;
        const bool good = CLI::detail::lexical_cast(text, value) && value >= least && value <= most;
        return good ? "" : "expected " + words + ", got '" + text + "'";
      },
      range.data());
}

CLI::Validator at_least_zero() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        double value = 0;
        const bool good = CLI::detail::lexical_cast(text, value) && value >= 0;
        return good ? "" : "expected 0 or more, got '" + text + "'";
      },
      "");
}

CLI::Validator above_zero() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        double value = 0;
        const bool good = CLI::detail::lexical_cast(text, value) && value > 0;
        return good ? "" : "expected a number above 0, got '" + text + "'";
      },
      "");
}

}  // namespace alref::cli
