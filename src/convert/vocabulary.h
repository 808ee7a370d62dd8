// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace alref::convert {

/// The lines of a small text file (16 MiB at most), or nothing where there is none. Throws
/// Error(kModel).
std::optional<std::vector<std::string>> read_lines(const std::filesystem::path& path);

/// BERT's uncased vocabulary, 30,522 pieces, and CLIP's 48,894 merges, which ship with the program
/// (models/README.md).
std::vector<std::string> bert_uncased_vocabulary();
std::vector<std::string> clip_merges();
std::vector<std::string> audioset_labels();

}  // namespace alref::convert
