// SPDX-License-Identifier: Apache-2.0
#include "cli/share_options.h"

#include "alref/error.h"

#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>

namespace alref::cli {
namespace {

std::optional<int> whole_number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<int> from_environment(const char* name) {
  const char* text = std::getenv(name);
  return text ? whole_number(text) : std::nullopt;
}

}  // namespace

void choose_shard(const std::string& text, eval::ShareOptions& run) {
  if (text.empty()) {
    const auto task = from_environment("SLURM_ARRAY_TASK_ID"),
               first = from_environment("SLURM_ARRAY_TASK_MIN"),
               count = from_environment("SLURM_ARRAY_TASK_COUNT");
    if (task && count) {
      run.shard = *task - first.value_or(0);
      run.shards = *count;
    }
    return;
  }
  const size_t slash = text.find('/');
  const auto shard = whole_number(std::string_view(text).substr(0, slash));
  const auto shards = slash == std::string::npos
                          ? std::nullopt
                          : whole_number(std::string_view(text).substr(slash + 1));
  if (!shard || !shards)
    throw Error(ErrorKind::kInvalidArgument, "--shard " + text + ": expected i/n, such as 0/8");
  run.shard = *shard;
  run.shards = *shards;
}

}  // namespace alref::cli
