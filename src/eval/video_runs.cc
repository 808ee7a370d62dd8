// SPDX-License-Identifier: Apache-2.0
#include "eval/video_runs.h"

#include "alref/error.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/atomic_file.h"

namespace alref::eval {
namespace {

using std::filesystem::path;

// A video is one process's while this lives; the system ends the claim with the process, however
// that ends.
class Claim {
 public:
  explicit Claim(const path& file) : fd_(::open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644)) {
    if (fd_ < 0) throw Error(ErrorKind::kOutput, file.string() + ": " + std::strerror(errno));
    mine_ = ::flock(fd_, LOCK_EX | LOCK_NB) == 0;
  }
  ~Claim() { ::close(fd_); }
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;

  bool mine() const { return mine_; }

 private:
  int fd_;
  bool mine_ = false;
};

}  // namespace

RunSummary run_videos(const std::vector<std::string>& names, const path& out,
                      const ShareOptions& options,
                      const std::function<void(size_t index)>& run_video) {
  if (options.shards < 1 || options.shard < 0 || options.shard >= options.shards) {
    throw Error(ErrorKind::kInvalidArgument, "shard " + std::to_string(options.shard) + " of " +
                                                 std::to_string(options.shards) +
                                                 ": expected 0 to one less");
  }
  const path state = out / ".alref";
  create_folders(state);
  std::vector<size_t> mine;
  for (auto i = static_cast<size_t>(options.shard); i < names.size();
       i += static_cast<size_t>(options.shards)) {
    mine.push_back(i);
  }
  RunSummary summary{.videos = static_cast<int>(mine.size())};
  for (size_t i = 0; i < mine.size(); ++i) {
    if (options.progress && !options.progress(static_cast<int>(i), summary.videos)) return summary;
    const std::string& name = names[mine[i]];
    const path done = state / (name + ".done");
    const Claim claim(state / (name + ".lock"));
    if (!claim.mine()) {
      ++summary.left_to_others;
    } else if (std::filesystem::exists(done)) {
      ++summary.done_before;
    } else {
      try {
        run_video(mine[i]);
      } catch (const Error& error) {
        throw Error(error.kind(), name + ": " + error.what());
      }
      write_file(done.string(), std::string_view("done\n"));
    }
  }
  if (options.progress) options.progress(summary.videos, summary.videos);
  return summary;
}

}  // namespace alref::eval
