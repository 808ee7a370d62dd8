// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "catalog/catalog.h"
#include "catalog/download.h"
#include "convert/convert.h"

namespace alref::catalog {

struct PullOptions {
  convert::ConvertOptions convert = {};
  /// Tries, pauses and progress; sizes and digests come from the catalogue.
  DownloadOptions download = {};
  /// Another place for the same files, to which their names are added: a mirror. Their digests are
  /// checked as ever.
  std::string from;
  std::function<void(const std::string& file)> on_file;  ///< before each download
};

/// Fetches a model's files from its publisher, converts them and puts `folder`/NAME.gguf in place.
/// Downloads lie in `folder`/.NAME.download meanwhile, where a call that was broken off goes on.
/// @throws Error  what download() and convert_checkpoint() throw, and kUnavailable for a model
/// whose
///                publisher offers no address that a program can fetch.
convert::ConvertReport pull(const PublishedModel& model, const std::filesystem::path& folder,
                            const PullOptions& options);

}  // namespace alref::catalog
