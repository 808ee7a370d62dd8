// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace alref::eval {

/// How the videos of a data set are shared out between processes.
struct ShareOptions {
  /// This process takes every `shards`-th video, from `shard` on.
  int shard = 0;
  int shards = 1;
  /// Called before each video; returns false to stop.
  std::function<bool(int done, int total)> progress;
};

struct RunSummary {
  int videos = 0;          ///< of this shard
  int done_before = 0;     ///< found finished
  int left_to_others = 0;  ///< being worked on by another process
};

/// Calls `run_video` with the index of each of this shard's videos that is not finished yet and not
/// in another process's hands, and notes it in OUT/.alref. A video is finished or begun anew.
/// Throws Error(kInvalidArgument) for a shard that there is not, Error(kOutput), and what
/// `run_video` throws, with the video's name in front.
RunSummary run_videos(const std::vector<std::string>& names, const std::filesystem::path& out,
                      const ShareOptions& options,
                      const std::function<void(size_t index)>& run_video);

}  // namespace alref::eval
