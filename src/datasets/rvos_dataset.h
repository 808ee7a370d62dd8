// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/label_track.h"

namespace alref::datasets {

/// The three benchmarks of referring video object segmentation, and how their folders are laid out.
enum class RvosLayout {
  /// ROOT/meta_expressions/valid/meta_expressions.json, ROOT/valid/JPEGImages/VIDEO/FRAME.jpg.
  /// Videos that are also in
  /// ROOT/meta_expressions/test/meta_expressions.json are left out (202 of 507 remain). The
  /// official truth is not public; where
  /// expressions carry "obj_id", ROOT/valid/Annotations/VIDEO/FRAME.png is taken for it.
  kRefYoutubeVos,
  /// The same folders, as ReferFormer prepares them. Expressions come in fours per object: 4 * i +
  /// k is annotator k's of
  /// object i. Truth: palette PNGs in ROOT/valid/Annotations/VIDEO, 255 is ignored.
  kRefDavis17,
  /// ROOT/valid_u/{meta_expressions.json, JPEGImages/VIDEO/FRAME.jpg, mask_dict.json}; an
  /// expression's truth is the union
  /// of the run-length masks that its "anno_id" names.
  kMevis,
};

/// "ref-youtube-vos", "ref-davis17", "mevis". Throws Error(kInvalidArgument) for another name.
RvosLayout rvos_layout(std::string_view name);

struct RvosExpression {
  std::string id;
  std::string text;
  /// What it refers to: palette values (Ref-YouTube-VOS, Ref-DAVIS17) or mask ids (MeViS); empty:
  /// nothing in the video, or not known.
  std::vector<int> objects;
};

struct RvosVideo {
  std::string name;
  std::vector<std::string> frames;          ///< file names without ending, in order
  std::vector<RvosExpression> expressions;  ///< in the order of their numbers
};

/// Videos, expressions and, where it is there, the truth.
class RvosDataset {
 public:
  /// Reads the lists; pictures and masks are read when asked for. Throws Error(kInput) naming the
  /// file and what is wrong.
  static RvosDataset open(RvosLayout layout, const std::filesystem::path& root);

  RvosLayout layout() const { return layout_; }
  const std::vector<RvosVideo>& videos() const { return videos_; }
  /// The folder of a video's frames.
  std::filesystem::path frames_folder(const RvosVideo& video) const;
  bool has_truth() const { return has_truth_; }

  /// The palette values of all frames (Ref-YouTube-VOS, Ref-DAVIS17).
  LabelTrack truth_labels(const RvosVideo& video) const;
  /// Per frame, the mask of what an expression refers to; all empty where it refers to nothing.
  std::vector<Mask> truth(const RvosVideo& video, const RvosExpression& expression) const;

 private:
  struct RunLengths;

  RvosDataset(RvosLayout layout, std::filesystem::path root)
      : layout_(layout), root_(std::move(root)) {}
  void read_videos(const std::filesystem::path& file);
  void leave_out_videos_of(const std::filesystem::path& file);
  std::filesystem::path split_folder() const;
  std::vector<Mask> truth_of_labels(const RvosVideo& video, const RvosExpression& expression) const;
  std::vector<Mask> truth_of_run_lengths(const RvosVideo& video,
                                         const RvosExpression& expression) const;

  RvosLayout layout_;
  std::filesystem::path root_;
  std::vector<RvosVideo> videos_;
  bool has_truth_ = false;
  std::shared_ptr<const RunLengths> run_lengths_;  // MeViS
};

}  // namespace alref::datasets
