// SPDX-License-Identifier: Apache-2.0
#include "eval/mask_score.h"

#include "alref/error.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include <nlohmann/json.hpp>

#include "core/quote.h"
#include "metrics/davis.h"
#include "outputs/coco_rle.h"

namespace alref::eval {
namespace {

using Json = nlohmann::json;

struct Track {
  std::string name;
  std::vector<Mask> masks;
};

std::vector<Track> read_tracks(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) throw Error(ErrorKind::kInput, file.string() + ": cannot be read");
  std::vector<Track> tracks;
  try {
    const Json root = Json::parse(in);
    const Json& video = root.at("videos").at(0);
    const int width = video.at("width").get<int>(), height = video.at("height").get<int>();
    if (width <= 0 || height <= 0 || int64_t{width} * height > media::kMaxPixels) {
      throw Error(ErrorKind::kInput, file.string() + ": has frames of " + std::to_string(width) +
                                         " x " + std::to_string(height) + " pixels");
    }
    for (const Json& annotation : root.at("annotations")) {
      Track& track = tracks.emplace_back();
      for (const Json& category : root.at("categories")) {
        if (category.at("id") == annotation.at("category_id"))
          track.name = category.at("name").get<std::string>();
      }
      for (const Json& entry : annotation.at("segmentations")) {
        if (entry.is_null()) {
          track.masks.emplace_back(width, height);
          continue;
        }
        const outputs::Rle rle{.height = entry.at("size").at(0).get<int>(),
                               .width = entry.at("size").at(1).get<int>(),
                               .counts = entry.at("counts").get<std::string>()};
        track.masks.push_back(outputs::decode_rle(rle));
      }
    }
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::kInput, file.string() + ": " + error.what());
  }
  return tracks;
}

const Track* find_track(const std::vector<Track>& tracks, const std::string& name) {
  const auto found = std::ranges::find(tracks, name, &Track::name);
  return found != tracks.end() ? &*found : nullptr;
}

ScoredMasks score(const std::string& name, const std::vector<Mask>& found,
                  const std::vector<Mask>& wanted) {
  const metrics::TrackScores track = metrics::score_track(found, wanted);
  return {.name = name, .j = track.mean_j(), .f = track.mean_f()};
}

}  // namespace

std::vector<ScoredMasks> score_masks(const std::filesystem::path& predicted,
                                     const std::filesystem::path& truth) {
  const std::vector<Track> found = read_tracks(predicted), wanted = read_tracks(truth);
  if (found.size() != wanted.size()) {
    throw Error(ErrorKind::kInput, predicted.string() + ": has " + std::to_string(found.size()) +
                                       " objects, expected " + std::to_string(wanted.size()));
  }
  std::vector<ScoredMasks> scores;
  for (size_t i = 0; i < wanted.size(); ++i)
    scores.push_back(score(wanted[i].name, found[i].masks, wanted[i].masks));
  return scores;
}

std::vector<ScoredMasks> score_named_masks(const std::filesystem::path& predicted,
                                           std::span<const std::filesystem::path> truths,
                                           std::span<const std::string> names) {
  const std::vector<Track> found = read_tracks(predicted);
  std::vector<Track> wanted;
  for (const auto& truth : truths)
    std::ranges::move(read_tracks(truth), std::back_inserter(wanted));
  std::vector<ScoredMasks> scores;
  for (const std::string& name : names) {
    const Track* true_track = find_track(wanted, name);
    if (!true_track) throw Error(ErrorKind::kInput, "the truth holds no object " + quote(name));
    if (const Track* track = find_track(found, name)) {
      scores.push_back(score(name, track->masks, true_track->masks));
      continue;
    }
    std::vector<Mask> nothing;
    for (const Mask& mask : true_track->masks) nothing.emplace_back(mask.width, mask.height);
    scores.push_back(score(name, nothing, true_track->masks));
    scores.back().missing = true;
  }
  return scores;
}

}  // namespace alref::eval
