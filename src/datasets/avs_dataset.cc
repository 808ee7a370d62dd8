// SPDX-License-Identifier: Apache-2.0
#include "datasets/avs_dataset.h"

#include "alref/error.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "core/avs_classes.h"
#include "datasets/csv.h"
#include "media/image_io.h"
#include "outputs/class_map.h"

namespace alref::datasets {
namespace {

using std::filesystem::path;

constexpr int kFrames = 5;
constexpr int kFramesOfV2 = 10;
constexpr size_t kCategoryColumn = 2;  // of S4's list

// Names become parts of paths: one that says "../x" must not lead out of its folder.
void require_plain_name(const path& file, const std::string& name) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos ||
      name.find('\0') != std::string::npos) {
    throw Error(ErrorKind::kInput, file.string() + ": '" + name + "' is not a plain name");
  }
}

/// 1 where any channel is not 0 (v2_binary/eval_miou_and_fscore.py; grey pictures alike).
Mask foreground_of(const Image& image) {
  Mask mask(image.width, image.height);
  for (size_t i = 0; i < mask.pixels.size(); ++i) {
    mask.pixels[i] = (image.pixels[3 * i] | image.pixels[3 * i + 1] | image.pixels[3 * i + 2]) != 0;
  }
  return mask;
}

/// For each pixel of a line of kAvssSide the one of a line of `length` under its middle. Adds up
/// steps as Pillow does (libImaging/Geometry.c, ImagingScaleAffine): where a middle falls between
/// two pixels, rounding decides, and frames 320 or 640 wide have many such places.
std::array<int, kAvssSide> nearest_pixels(int length) {
  std::array<int, kAvssSide> pixels{};
  const double step = static_cast<double>(length) / kAvssSide;
  double at = step * 0.5;
  for (int& pixel : pixels) {
    pixel = std::min(static_cast<int>(at), length - 1);
    at += step;
  }
  return pixels;
}

const std::map<media::Rgb, uint8_t>& class_of_colour() {
  static const std::map<media::Rgb, uint8_t> kClasses = [] {
    std::map<media::Rgb, uint8_t> classes;
    for (const media::Rgb& colour : outputs::avs_palette())
      classes.emplace(colour, static_cast<uint8_t>(classes.size()));
    return classes;
  }();
  return kClasses;
}

}  // namespace

AvsLayout avs_layout(std::string_view name) {
  if (name == "s4") return AvsLayout::kS4;
  if (name == "ms3") return AvsLayout::kMs3;
  if (name == "avss") return AvsLayout::kAvss;
  if (name == "v2-binary") return AvsLayout::kV2Binary;
  throw Error(ErrorKind::kInvalidArgument,
              "layout '" + std::string(name) + "': expected s4, ms3, avss or v2-binary");
}

AvsDataset AvsDataset::open(AvsLayout layout, const path& root) {
  AvsDataset dataset(layout, root);
  const bool is_object = layout == AvsLayout::kS4 || layout == AvsLayout::kMs3;
  const path file = root / (layout == AvsLayout::kS4    ? "s4_meta_data.csv"
                            : layout == AvsLayout::kMs3 ? "ms3_meta_data.csv"
                                                        : "metadata.csv");
  try {
    const CsvTable table = read_csv(file);
    const size_t split = table.column("split");
    const size_t name = is_object ? 0 : table.column("uid");
    const size_t label = is_object ? kCategoryColumn : table.column("label");
    if (layout == AvsLayout::kS4 && table.headers.size() <= label)
      throw Error(ErrorKind::kInput, "table: expected the category in the third column");
    for (const auto& row : table.rows) {
      if (row[split] != "test") continue;
      AvsVideo video{.name = row[name], .group = {}, .frames = kFrames};
      if (layout != AvsLayout::kMs3) video.group = row[label];
      if (!is_object && video.group == "v2") video.frames = kFramesOfV2;
      if (layout == AvsLayout::kV2Binary && video.group != "v2") continue;
      require_plain_name(file, video.name);
      if (!video.group.empty()) require_plain_name(file, video.group);
      dataset.videos_.push_back(std::move(video));
    }
  } catch (const Error& error) {
    const std::string what = error.what();
    throw Error(error.kind(), what.starts_with(file.string()) ? what : file.string() + ": " + what);
  }
  return dataset;
}

std::vector<std::string> AvsDataset::frame_files(const AvsVideo& video) const {
  std::vector<std::string> files;
  for (int i = 0; i < video.frames; ++i) {
    const std::string number = std::to_string(i + 1) + ".png";
    switch (layout_) {
      case AvsLayout::kS4:
        files.push_back((root_ / "s4_data" / "visual_frames" / "test" / video.group / video.name /
                         (video.name + "_" + number))
                            .string());
        break;
      case AvsLayout::kMs3:
        files.push_back(
            (root_ / "ms3_data" / "visual_frames" / video.name / (video.name + ".mp4_" + number))
                .string());
        break;
      default:
        files.push_back(
            (root_ / video.group / video.name / "frames" / (std::to_string(i) + ".jpg")).string());
    }
  }
  return files;
}

path AvsDataset::sound_file(const AvsVideo& video) const {
  const std::string wav = video.name + ".wav";
  switch (layout_) {
    case AvsLayout::kS4:
      return root_ / "s4_data" / "audio_wav" / "test" / video.group / wav;
    case AvsLayout::kMs3:
      return root_ / "ms3_data" / "audio_wav" / "test" / wav;
    default:
      return root_ / video.group / video.name / "audio.wav";
  }
}

path AvsDataset::truth_file(const AvsVideo& video, int frame) const {
  const std::string number = video.name + "_" + std::to_string(frame + 1) + ".png";
  switch (layout_) {
    case AvsLayout::kS4:
      return root_ / "s4_data" / "gt_masks" / "test" / video.group / video.name / number;
    case AvsLayout::kMs3:
      return root_ / "ms3_data" / "gt_masks" / "test" / video.name / number;
    default:
      return root_ / video.group / video.name / "labels_rgb" / (std::to_string(frame) + ".png");
  }
}

Mask AvsDataset::truth(const AvsVideo& video, int frame) const {
  return foreground_of(media::read_image(truth_file(video, frame).string()));
}

std::vector<uint8_t> AvsDataset::truth_classes(const AvsVideo& video, int frame) const {
  return classes_of(media::read_image(truth_file(video, frame).string()));
}

std::vector<std::string> AvsDataset::true_labels(const AvsVideo& video) const {
  std::vector<std::string> labels;
  if (layout_ == AvsLayout::kS4) {
    std::string label = video.group;
    if (label.starts_with("playing_")) label.erase(0, 8);
    std::ranges::replace(label, '_', ' ');
    return {label};
  }
  if (layout_ == AvsLayout::kMs3) return labels;
  std::set<uint8_t> classes;
  for (int i = 0; i < video.frames; ++i) {
    for (const uint8_t c : truth_classes(video, i)) classes.insert(c);
  }
  for (const uint8_t c : classes) {
    if (c > 0) labels.emplace_back(kAvsClasses[c - 1U]);
  }
  return labels;
}

path AvsResults::folder(const AvsVideo& video) const {
  return layout_ == AvsLayout::kS4 || layout_ == AvsLayout::kAvss ? out_ / video.group / video.name
                                                                  : out_ / video.name;
}

path AvsResults::file(const AvsVideo& video, int frame) const {
  return folder(video) / (std::to_string(frame + 1) + "_video_mask.png");
}

Mask AvsResults::read(const AvsVideo& video, int frame) const {
  return foreground_of(media::read_image(file(video, frame).string()));
}

std::vector<uint8_t> AvsResults::read_classes(const AvsVideo& video, int frame) const {
  return classes_of(media::read_image(file(video, frame).string()));
}

std::vector<uint8_t> classes_of(const Image& image) {
  const auto& classes = class_of_colour();
  std::vector<uint8_t> map;
  map.reserve(size_t{kAvssSide} * kAvssSide);
  const auto columns = nearest_pixels(image.width), rows = nearest_pixels(image.height);
  for (int y = 0; y < kAvssSide; ++y) {
    const uint8_t* row = image.row(rows[static_cast<size_t>(y)]);
    for (int x = 0; x < kAvssSide; ++x) {
      const uint8_t* p = row + ptrdiff_t{3} * columns[static_cast<size_t>(x)];
      const auto found = classes.find({p[0], p[1], p[2]});
      map.push_back(found != classes.end() ? found->second : uint8_t{0});
    }
  }
  return map;
}

}  // namespace alref::datasets
