// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/ref_segmenter.h"

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace alref::cli {

/// Who reasons, as a command line says it.
struct ReasonerArguments {
  ReasonerKind kind = ReasonerKind::kRules;
  ChatSettings chat;
  std::vector<std::string> replay_files;
  std::string record_file;
  std::string answer_cache;
  std::string chat_model, chat_key_file;
  std::vector<double> chat_prices;
};

/// --reasoner, --record, --replay and the options of the reasoner chat.
void add_reasoner_options(CLI::App& command, ReasonerArguments& arguments);

/// Fills in what is not on the command line: the key, the URL and the cache's place. --replay says
/// the reasoner. Throws Error(kInput) for a key file that cannot be read.
void complete(ReasonerArguments& arguments);

/// Into RefOptions or AvOptions.
template <typename Options>
void apply(const ReasonerArguments& arguments, Options& options) {
  options.reasoner = arguments.kind;
  options.chat = arguments.chat;
  options.replay_files = arguments.replay_files;
  options.record_file = arguments.record_file;
  options.answer_cache = arguments.answer_cache;
}

/// "rules", "chat", "replay", "first".
std::string name_of(ReasonerKind kind);

}  // namespace alref::cli
