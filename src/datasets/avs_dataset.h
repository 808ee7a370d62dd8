// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace alref::datasets {

/// AVSBench's settings (OpenNLPLab/AVSBench, avs_scripts/*/; al-ref-sam2, avs/*/config.py), test
/// split. A video has one frame a second; NAME is a video's.
enum class AvsLayout {
  /// Single source, 5 frames. ROOT/s4_meta_data.csv (first column NAME, third CATEGORY, "split"),
  /// ROOT/s4_data/{visual_frames,gt_masks}/test/CATEGORY/NAME/NAME_1.png ... NAME_5.png,
  /// ROOT/s4_data/audio_wav/test/CATEGORY/NAME.wav.
  kS4,
  /// Several sources, 5 frames. ROOT/ms3_meta_data.csv (first column NAME, "split"),
  /// ROOT/ms3_data/visual_frames/NAME/NAME.mp4_1.png ..., ROOT/ms3_data/audio_wav/test/NAME.wav,
  /// ROOT/ms3_data/gt_masks/test/NAME/NAME_1.png ...
  kMs3,
  /// Classes, 10 frames for label v2, else 5. ROOT/metadata.csv ("uid", "label", "split"),
  /// ROOT/LABEL/NAME/{frames/0.jpg ..., audio.wav, labels_rgb/0.png ...}.
  kAvss,
  /// The videos of label v2 of the same, any class as foreground.
  kV2Binary,
};

/// "s4", "ms3", "avss", "v2-binary". Throws Error(kInvalidArgument) for another name.
AvsLayout avs_layout(std::string_view name);

struct AvsVideo {
  std::string name;
  std::string group;  ///< S4's category, AVSS's label; else empty
  int frames = 0;
};

/// Videos, sounds and, where it is there, the truth.
class AvsDataset {
 public:
  /// Reads the list; the rest is read when asked for. Throws Error(kInput).
  static AvsDataset open(AvsLayout layout, const std::filesystem::path& root);

  AvsLayout layout() const { return layout_; }
  bool has_classes() const { return layout_ == AvsLayout::kAvss; }
  const std::vector<AvsVideo>& videos() const { return videos_; }

  std::vector<std::string> frame_files(const AvsVideo& video) const;
  std::filesystem::path sound_file(const AvsVideo& video) const;
  /// Frames count from 0.
  std::filesystem::path truth_file(const AvsVideo& video, int frame) const;

  /// What sounds in a frame. Throws Error(kInput).
  Mask truth(const AvsVideo& video, int frame) const;
  /// Its classes [224, 224], as they are scored.
  std::vector<uint8_t> truth_classes(const AvsVideo& video, int frame) const;
  /// The names of the things that sound: of the classes in the truth (AVSS, V2-binary), or of the
  /// category (S4: "playing_violin" -> "violin"). Empty for MS3, which does not say.
  std::vector<std::string> true_labels(const AvsVideo& video) const;

 private:
  AvsDataset(AvsLayout layout, std::filesystem::path root)
      : layout_(layout), root_(std::move(root)) {}

  AvsLayout layout_;
  std::filesystem::path root_;
  std::vector<AvsVideo> videos_;
};

/// Where results lie, as the method's authors' evaluator reads them:
/// OUT/[GROUP/]NAME/1_video_mask.png ...; 0 or 255, AVSS: in AVSBench's colours.
class AvsResults {
 public:
  AvsResults(AvsLayout layout, std::filesystem::path out) : layout_(layout), out_(std::move(out)) {}

  std::filesystem::path folder(const AvsVideo& video) const;
  std::filesystem::path file(const AvsVideo& video, int frame) const;

  /// Throws Error(kInput).
  Mask read(const AvsVideo& video, int frame) const;
  std::vector<uint8_t> read_classes(const AvsVideo& video, int frame) const;

 private:
  AvsLayout layout_;
  std::filesystem::path out_;
};

/// Side of the maps on which AVSS is scored.
inline constexpr int kAvssSide = 224;

/// The classes of a picture in AVSBench's colours, nearest pixels of a 224 x 224 map (Pillow's
/// Image.NEAREST); a colour that is none of the 71 counts as background.
std::vector<uint8_t> classes_of(const Image& image);

}  // namespace alref::datasets
