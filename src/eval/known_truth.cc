// SPDX-License-Identifier: Apache-2.0
#include "eval/known_truth.h"

#include "alref/error.h"

#include <fstream>
#include <map>
#include <memory>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/mask_scan.h"

namespace alref::eval {
namespace {

using datasets::RvosDataset;
using datasets::RvosExpression;
using datasets::RvosLayout;
using datasets::RvosVideo;
using Boxes = std::vector<std::optional<Box>>;  // one a frame

constexpr float kSure = 0.9f;  // the score of a true box

Boxes boxes_of(const std::vector<Mask>& masks) {
  Boxes boxes;
  for (const Mask& mask : masks) boxes.push_back(bounds_of(mask));
  return boxes;
}

struct Thing {
  std::string kind;
  Boxes boxes;
};

std::vector<Thing> things_of(const RvosDataset& dataset, const RvosVideo& video,
                             const std::filesystem::path& file) {
  if (dataset.layout() != RvosLayout::kRefYoutubeVos || file.empty()) {
    throw Error(ErrorKind::kInvalidArgument,
                "true boxes for the detector's: expected the layout ref-youtube-vos and "
                "stampbench.json, which names the things");
  }
  std::ifstream in(file);
  const auto json = nlohmann::json::parse(in, nullptr, /*allow_exceptions=*/false);
  const auto labels = dataset.truth_labels(video);
  std::vector<Thing> things;
  try {
    for (const auto& object : json.at("videos").at(video.name).at("objects")) {
      things.push_back({object.at("kind"), boxes_of(labels.masks_of(object.at("id")))});
    }
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::kInput, file.string() + ": " + error.what());
  }
  return things;
}

bool names(std::string_view caption, const std::string& kind) {
  return !kind.empty() && (caption == kind || caption.ends_with(" " + kind));
}

}  // namespace

RefOptions::Truth known_truth(const RvosDataset& dataset, const RvosVideo& video,
                              const Oracles& oracles, const std::filesystem::path& kinds) {
  RefOptions::Truth truth;
  truth.chooses_frame = oracles.frame;
  truth.chooses_box = oracles.box;
  if (oracles.frame || oracles.box) {
    auto meant = std::make_shared<std::map<std::string, Boxes, std::less<>>>();
    for (const RvosExpression& expression : video.expressions) {
      (*meant)[expression.text] = boxes_of(dataset.truth(video, expression));
    }
    truth.box = [meant](std::string_view text, int frame) {
      return meant->find(text)->second.at(static_cast<size_t>(frame));
    };
  }
  if (oracles.detections) {
    auto things = std::make_shared<std::vector<Thing>>(things_of(dataset, video, kinds));
    truth.detections = [things](int frame, std::string_view caption) {
      std::vector<Detection> found;
      for (const Thing& thing : *things) {
        const auto& box = thing.boxes.at(static_cast<size_t>(frame));
        if (box && names(caption, thing.kind))
          found.push_back({.box = *box, .score = kSure, .phrase = thing.kind, .phrase_offset = 0});
      }
      return found;
    };
  }
  return truth;
}

}  // namespace alref::eval
