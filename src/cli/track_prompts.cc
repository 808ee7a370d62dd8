// SPDX-License-Identifier: Apache-2.0
#include "cli/track_prompts.h"

#include "alref/error.h"

#include <filesystem>

#include <nlohmann/json.hpp>

#include "media/image_io.h"
#include "outputs/mask_png.h"

namespace alref::cli {
namespace {

using nlohmann::json;

TrackPrompt prompt_of(const json& entry, const std::filesystem::path& folder) {
  TrackPrompt prompt;
  prompt.frame = entry.at("frame").get<int>();
  prompt.object = entry.value("object", 1);
  if (entry.contains("box")) {
    const auto box = entry.at("box").get<std::vector<float>>();
    if (box.size() != 4) {
      throw Error(ErrorKind::kInput, "box: " + std::to_string(box.size()) + " numbers, expected 4");
    }
    prompt.box = Box{box[0], box[1], box[2], box[3]};
  }
  if (entry.contains("points")) {
    for (const auto& point : entry.at("points").get<std::vector<std::vector<float>>>()) {
      if (point.size() != 2) {
        throw Error(ErrorKind::kInput,
                    "point: " + std::to_string(point.size()) + " numbers, expected 2");
      }
      prompt.points.push_back({point[0], point[1]});
    }
    prompt.labels = entry.contains("labels") ? entry.at("labels").get<std::vector<int>>()
                                             : std::vector<int>(prompt.points.size(), 1);
  }
  if (entry.contains("mask")) {
    prompt.mask_path = entry.at("mask").get<std::string>();
    if (!std::filesystem::exists(prompt.mask_path)) {
      prompt.mask_path = (folder / prompt.mask_path).string();
    }
  }
  if (prompt.box.has_value() + !prompt.points.empty() + !prompt.mask_path.empty() != 1) {
    throw Error(ErrorKind::kInput, "expected one of box, points and mask");
  }
  return prompt;
}

}  // namespace

std::vector<TrackPrompt> read_track_prompts(const std::string& path) {
  constexpr size_t kMaxBytes = size_t{64} << 20;
  const std::vector<uint8_t> bytes = media::read_file(path, kMaxBytes);
  std::vector<TrackPrompt> prompts;
  try {
    const json list = json::parse(bytes.begin(), bytes.end());
    if (!list.is_array() || list.empty()) {
      throw Error(ErrorKind::kInput, "expected a list of prompts");
    }
    for (const json& entry : list) {
      prompts.push_back(prompt_of(entry, std::filesystem::path(path).parent_path()));
    }
  } catch (const std::exception& error) {  // ours and the JSON library's
    throw Error(ErrorKind::kInput,
                path + ": prompt " + std::to_string(prompts.size()) + ": " + error.what());
  }
  return prompts;
}

void add_prompt(VideoTracker& tracker, const TrackPrompt& prompt) {
  if (prompt.box) {
    tracker.add_box(prompt.object, prompt.frame, *prompt.box);
  } else if (!prompt.mask_path.empty()) {
    tracker.add_mask(prompt.object, prompt.frame, outputs::read_mask_png(prompt.mask_path));
  } else {
    tracker.add_points(prompt.object, prompt.frame, prompt.points, prompt.labels);
  }
}

}  // namespace alref::cli
