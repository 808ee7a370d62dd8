// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include <array>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <utility>

namespace alref::cli {
namespace {

/// `shown` stands in the help. `good` says no to NaN, since every comparison with it does.
CLI::Validator number_that(std::function<bool(double)> good, std::string expected,
                           std::string shown) {
  return CLI::Validator(
      [good = std::move(good), expected = std::move(expected)](std::string& text) -> std::string {
        double value = 0;
        if (CLI::detail::lexical_cast(text, value) && good(value)) return "";
        return "expected " + expected + ", got '" + text + "'";
      },
      std::move(shown));
}

}  // namespace

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
          "of the CPU: auto, f32 or bf16; auto is bf16 where it multiplies that [default: auto]")
      ->type_name("P")
      ->transform(CLI::CheckedTransformer(precisions).description(""));
}

CLI::Validator in_range(double least, double most) {
  std::array<char, 64> range{};
  std::snprintf(range.data(), range.size(), "%g to %g", least, most);
  return number_that([=](double value) { return value >= least && value <= most; }, range.data(),
                     range.data());
}

CLI::Validator at_least_zero() {
  return number_that([](double value) { return value >= 0; }, "0 or more", "");
}

CLI::Validator above_zero() {
  return number_that([](double value) { return value > 0; }, "a number above 0", "");
}

}  // namespace alref::cli
