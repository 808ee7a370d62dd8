// SPDX-License-Identifier: Apache-2.0
#include "datasets/rvos_dataset.h"

#include "alref/error.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <map>

#include <nlohmann/json.hpp>

#include "datasets/label_track.h"
#include "media/image_io.h"
#include "outputs/coco_rle.h"

namespace alref::datasets {
namespace {

using Json = nlohmann::json;
using std::filesystem::path;

constexpr int kAnnotatorsPerObject = 4;  // Ref-DAVIS17
constexpr int kIgnoredLabel = 255;

Json read_json(const path& file) {
  std::ifstream in(file);
  if (!in) throw Error(ErrorKind::kInput, file.string() + ": cannot be read");
  try {
    return Json::parse(in);
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::kInput, file.string() + ": " + error.what());
  }
}

// Ids are numbers or texts that hold numbers, single ones or lists.
std::vector<int> integers(const Json& value) {
  std::vector<int> result;
  if (value.is_array()) {
    for (const Json& item : value) {
      const std::vector<int> one = integers(item);
      result.insert(result.end(), one.begin(), one.end());
    }
  } else if (value.is_number_integer()) {
    result.push_back(value.get<int>());
  } else if (value.is_string()) {
    const std::string text = value.get<std::string>();
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) {
      throw Error(ErrorKind::kInput, "expected an object's number, got '" + text + "'");
    }
    result.push_back(number);
  }
  return result;
}

// "10" comes after "9".
bool in_number_order(const RvosExpression& a, const RvosExpression& b) {
  return a.id.size() != b.id.size() ? a.id.size() < b.id.size() : a.id < b.id;
}

RvosExpression read_expression(RvosLayout layout, const std::string& id, const Json& json) {
  RvosExpression expression{.id = id, .text = json.at("exp").get<std::string>(), .objects = {}};
  if (layout == RvosLayout::kMevis) {
    if (json.contains("anno_id")) expression.objects = integers(json["anno_id"]);
  } else if (layout == RvosLayout::kRefDavis17) {
    expression.objects = {integers(id).at(0) / kAnnotatorsPerObject + 1};
  } else if (json.contains("obj_id")) {
    for (int object : integers(json["obj_id"])) {
      if (object > 0) expression.objects.push_back(object);
    }
  }
  return expression;
}

// Names become parts of paths: a file that names "../x" must not lead out of its folder.
void require_plain_name(const std::string& name) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos ||
      name.find('\0') != std::string::npos) {
    throw Error(ErrorKind::kInput, "'" + name + "' is not a plain name");
  }
}

}  // namespace

RvosLayout rvos_layout(std::string_view name) {
  if (name == "ref-youtube-vos") return RvosLayout::kRefYoutubeVos;
  if (name == "ref-davis17") return RvosLayout::kRefDavis17;
  if (name == "mevis") return RvosLayout::kMevis;
  throw Error(ErrorKind::kInvalidArgument,
              "layout '" + std::string(name) + "': expected ref-youtube-vos, ref-davis17 or mevis");
}

struct RvosDataset::RunLengths {
  /// Mask id -> one mask a frame, without counts where the object is not visible.
  std::map<int, std::vector<outputs::Rle>> tracks;
};

RvosDataset RvosDataset::open(RvosLayout layout, const path& root) {
  RvosDataset dataset(layout, root);
  if (layout == RvosLayout::kMevis) {
    dataset.read_videos(root / "valid_u" / "meta_expressions.json");
    const path file = root / "valid_u" / "mask_dict.json";
    if (std::filesystem::exists(file)) {
      const Json json = read_json(file);
      auto lengths = std::make_shared<RunLengths>();
      try {
        for (const auto& [id, frames] : json.items()) {
          std::vector<outputs::Rle>& track = lengths->tracks[integers(Json(id)).at(0)];
          for (const Json& frame : frames) {
            outputs::Rle& entry = track.emplace_back();
            if (frame.is_null()) continue;
            entry.counts = frame.at("counts").get<std::string>();
            entry.height = frame.at("size").at(0).get<int>();
            entry.width = frame.at("size").at(1).get<int>();
          }
        }
      } catch (const Json::exception& error) {
        throw Error(ErrorKind::kInput, file.string() + ": " + error.what());
      }
      dataset.run_lengths_ = std::move(lengths);
      dataset.has_truth_ = true;
    }
    return dataset;
  }
  const path lists = root / "meta_expressions";
  dataset.read_videos(lists / "valid" / "meta_expressions.json");
  const path test_list = lists / "test" / "meta_expressions.json";
  if (layout == RvosLayout::kRefYoutubeVos && std::filesystem::exists(test_list)) {
    dataset.leave_out_videos_of(test_list);
  }
  dataset.has_truth_ = std::filesystem::is_directory(root / "valid" / "Annotations");
  return dataset;
}

void RvosDataset::read_videos(const path& file) {
  const Json json = read_json(file);
  try {
    for (const auto& [name, entry] : json.at("videos").items()) {
      require_plain_name(name);
      RvosVideo video{.name = name,
                      .frames = entry.at("frames").get<std::vector<std::string>>(),
                      .expressions = {}};
      for (const std::string& frame : video.frames) require_plain_name(frame);
      for (const auto& [id, expression] : entry.at("expressions").items()) {
        require_plain_name(id);
        video.expressions.push_back(read_expression(layout_, id, expression));
      }
      std::sort(video.expressions.begin(), video.expressions.end(), in_number_order);
      videos_.push_back(std::move(video));
    }
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::kInput, file.string() + ": " + error.what());
  } catch (const Error& error) {
    throw Error(ErrorKind::kInput, file.string() + ": " + error.what());
  }
}

void RvosDataset::leave_out_videos_of(const path& file) {
  const Json json = read_json(file);
  if (!json.contains("videos")) throw Error(ErrorKind::kInput, file.string() + ": has no 'videos'");
  std::erase_if(videos_,
                [&](const RvosVideo& video) { return json["videos"].contains(video.name); });
}

path RvosDataset::split_folder() const {
  return root_ / (layout_ == RvosLayout::kMevis ? "valid_u" : "valid");
}

path RvosDataset::frames_folder(const RvosVideo& video) const {
  return split_folder() / "JPEGImages" / video.name;
}

LabelTrack RvosDataset::truth_labels(const RvosVideo& video) const {
  return read_label_track(split_folder() / "Annotations" / video.name, video.frames);
}

std::vector<Mask> RvosDataset::truth(const RvosVideo& video,
                                     const RvosExpression& expression) const {
  return layout_ == RvosLayout::kMevis ? truth_of_run_lengths(video, expression)
                                       : truth_of_labels(video, expression);
}

std::vector<Mask> RvosDataset::truth_of_labels(const RvosVideo& video,
                                               const RvosExpression& expression) const {
  const LabelTrack track = truth_labels(video);
  std::array<bool, 256> wanted{};
  for (int object : expression.objects) {
    if (object > 0 && object < kIgnoredLabel) wanted[static_cast<size_t>(object)] = true;
  }
  std::vector<Mask> masks;
  for (const std::vector<uint8_t>& labels : track.frames) {
    Mask& mask = masks.emplace_back(track.width, track.height);
    for (size_t i = 0; i < labels.size(); ++i) mask.pixels[i] = wanted[labels[i]];
  }
  return masks;
}

std::vector<Mask> RvosDataset::truth_of_run_lengths(const RvosVideo& video,
                                                    const RvosExpression& expression) const {
  // The file gives sizes with its masks only: where an expression refers to nothing, any mask of
  // the video, or a frame, tells.
  std::vector<Mask> masks(video.frames.size());
  for (int id : expression.objects) {
    const auto track = run_lengths_->tracks.find(id);
    if (track == run_lengths_->tracks.end() || track->second.size() != video.frames.size()) {
      throw Error(ErrorKind::kInput, video.name + ": expression " + expression.id + " names mask " +
                                         std::to_string(id) +
                                         ", which is missing or of another length");
    }
    for (size_t i = 0; i < masks.size(); ++i) {
      const outputs::Rle& frame = track->second[i];
      if (frame.counts.empty()) continue;
      const Mask visible = outputs::decode_rle(frame);
      if (masks[i].empty()) masks[i] = Mask(visible.width, visible.height);
      for (size_t p = 0; p < visible.pixels.size(); ++p) masks[i].pixels[p] |= visible.pixels[p];
    }
  }
  Mask sized;
  for (const Mask& mask : masks) {
    if (!mask.empty()) sized = Mask(mask.width, mask.height);
  }
  if (sized.empty() && !video.frames.empty()) {
    const path file = frames_folder(video) / (video.frames[0] + ".jpg");
    const Image image = media::read_image(file.string());
    sized = Mask(image.width, image.height);
  }
  for (Mask& mask : masks) {
    if (mask.empty()) mask = sized;
  }
  return masks;
}

}  // namespace alref::datasets
