// SPDX-License-Identifier: Apache-2.0
#include "catalog/pull.h"

#include "alref/error.h"

#include "core/atomic_file.h"

namespace alref::catalog {

convert::ConvertReport pull(const PublishedModel& model, const std::filesystem::path& folder,
                            const PullOptions& options) {
  const std::filesystem::path output = folder / (model.name + ".gguf");
  if (model.files.empty()) {
    throw Error(ErrorKind::kUnavailable, model.name +
                                             ": its publisher shares it by a page for people, " +
                                             model.page + "; fetch the checkpoint there, then " +
                                             "alref convert CHECKPOINT -o " + output.string());
  }
  const std::filesystem::path downloads = folder / ("." + model.name + ".download");
  create_folders(downloads);
  for (const PublishedFile& file : model.files) {
    if (std::filesystem::exists(downloads / file.name)) continue;
    if (options.on_file) options.on_file(file.name);
    DownloadOptions one = options.download;
    one.bytes = file.bytes;
    one.sha256 = file.sha256;
    const std::string slash = options.from.ends_with('/') ? "" : "/";
    download(options.from.empty() ? file.url : options.from + slash + file.name,
             downloads / file.name, one);
  }
  convert::ConvertReport report;
  try {
    report =
        convert::convert_checkpoint(downloads / model.files.front().name, output, options.convert);
  } catch (const Error& error) {
    // Without a digest only the conversion tells that something else was sent: it must not be taken
    // for the checkpoint again.
    if (error.kind() == ErrorKind::kModel) std::filesystem::remove_all(downloads);
    throw;
  }
  std::filesystem::remove_all(downloads);
  return report;
}

}  // namespace alref::catalog
