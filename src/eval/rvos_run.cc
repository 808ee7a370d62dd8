// SPDX-License-Identifier: Apache-2.0
#include "eval/rvos_run.h"

#include "alref/error.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/atomic_file.h"
#include "datasets/rvos_results.h"
#include "media/image_folder.h"
#include "outputs/mask_png.h"

namespace alref::eval {
namespace {

using datasets::RvosDataset;
using datasets::RvosExpression;
using datasets::RvosLayout;
using datasets::RvosResults;
using datasets::RvosVideo;
using std::filesystem::path;

constexpr int kAnnotators = 4;

// A video is one process's while this lives; the system ends the claim with the process, however that ends.
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

// One folder of 0 / 255 PNGs an expression.
class ExpressionWriter : public MaskSink {
 public:
  ExpressionWriter(const RvosResults& results, const RvosVideo& video) : video_(video) {
    for (const RvosExpression& expression : video.expressions) {
      folders_.push_back(results.folder(video, expression));
      create_folders(folders_.back());
    }
  }

  void write(const FrameMasks& frame) override {
    const std::string name = video_.frames.at(static_cast<size_t>(frame.frame)) + ".png";
    for (size_t i = 0; i < folders_.size(); ++i) {
      outputs::write_mask_png((folders_[i] / name).string(), frame.masks[i]);
    }
  }

 private:
  const RvosVideo& video_;
  std::vector<path> folders_;
};

// One folder of palette PNGs an annotator: the objects' logits compete (the reference's Ref-DAVIS17 script).
class AnnotatorWriter : public MaskSink {
 public:
  AnnotatorWriter(const RvosResults& results, const RvosVideo& video) : video_(video) {
    for (int annotator = 0; annotator < kAnnotators; ++annotator) {
      folders_.push_back(results.folder(video, annotator));
      create_folders(folders_.back());
    }
  }

  void write(const FrameMasks& frame) override {
    const std::string name = video_.frames.at(static_cast<size_t>(frame.frame)) + ".png";
    for (size_t annotator = 0; annotator < folders_.size(); ++annotator) {
      std::vector<FloatMap> objects;
      for (size_t i = annotator; i < frame.logits.size(); i += kAnnotators) objects.push_back(frame.logits[i]);
      write_file((folders_[annotator] / name).string(), media::encode_png(outputs::merge_logits(objects)));
    }
  }

 private:
  const RvosVideo& video_;
  std::vector<path> folders_;
};

void run_video(const RvosDataset& dataset, const RvosVideo& video, const RvosResults& results,
               const std::shared_ptr<Models>& models, RefOptions method) {
  std::vector<std::string> files, texts;
  for (const std::string& frame : video.frames) files.push_back((dataset.frames_folder(video) / (frame + ".jpg")).string());
  for (const RvosExpression& expression : video.expressions) texts.push_back(expression.text);
  media::ImageFrames frames(files, {});
  method.video_name = video.name;
  const bool merged = dataset.layout() == RvosLayout::kRefDavis17;
  method.keep_logits = merged;
  std::unique_ptr<MaskSink> sink;
  if (merged) {
    sink = std::make_unique<AnnotatorWriter>(results, video);
  } else {
    sink = std::make_unique<ExpressionWriter>(results, video);
  }
  RefSegmenter(models, method).segment(frames, texts, *sink);
}

}  // namespace

RvosRunSummary run_rvos(const RvosDataset& dataset, const path& out, const RvosRunOptions& options) {
  if (options.shards < 1 || options.shard < 0 || options.shard >= options.shards) {
    throw Error(ErrorKind::kInvalidArgument, "shard " + std::to_string(options.shard) + " of " +
                                                 std::to_string(options.shards) + ": expected 0 to one less");
  }
  const RvosResults results(dataset.layout(), out);
  const path state = out / ".alref";
  create_folders(state);
  const auto models = std::make_shared<Models>(options.models);
  std::vector<const RvosVideo*> mine;
  for (size_t i = static_cast<size_t>(options.shard); i < dataset.videos().size(); i += static_cast<size_t>(options.shards)) {
    mine.push_back(&dataset.videos()[i]);
  }
  RvosRunSummary summary{.videos = static_cast<int>(mine.size())};
  for (size_t i = 0; i < mine.size(); ++i) {
    if (options.progress && !options.progress(static_cast<int>(i), summary.videos)) break;
    const RvosVideo& video = *mine[i];
    const path done = state / (video.name + ".done");
    const Claim claim(state / (video.name + ".lock"));
    if (!claim.mine()) {
      ++summary.left_to_others;
    } else if (std::filesystem::exists(done)) {
      ++summary.done_before;
    } else {
      try {
        run_video(dataset, video, results, models, options.method);
      } catch (const Error& error) {
        throw Error(error.kind(), video.name + ": " + error.what());
      }
      write_file(done.string(), std::string_view("done\n"));
    }
  }
  if (options.progress) options.progress(summary.videos, summary.videos);
  return summary;
}

}  // namespace alref::eval
