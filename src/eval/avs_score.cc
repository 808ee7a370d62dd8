// SPDX-License-Identifier: Apache-2.0
#include "eval/avs_score.h"

#include "alref/error.h"

#include <array>
#include <cmath>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "core/avs_classes.h"
#include "metrics/avs.h"

namespace alref::eval {
namespace {

using datasets::AvsDataset;
using datasets::AvsLayout;
using datasets::AvsResults;
using datasets::AvsVideo;
using metrics::AvsVariant;

constexpr int kFrames = 5;
constexpr int kFramesOfV2 = 10;

BinaryScore of(const metrics::AvsScore& score) { return {score.mean_j(), score.mean_f()}; }

void score_classes(const AvsDataset& dataset, const AvsResults& results, const AvsVideo& video,
                   bool missing, metrics::AvssScore& score) {
  for (int i = 0; i < video.frames; ++i) {
    const auto truth = dataset.truth_classes(video, i);
    score.add(missing ? std::vector<uint8_t>(truth.size()) : results.read_classes(video, i), truth);
  }
}

/// Binary scores that are gathered together.
struct Gathered {
  explicit Gathered(int frames_per_video) : official(AvsVariant::kOfficial, frames_per_video) {}

  metrics::AvsScore per_frame{AvsVariant::kPerFrame, 1};
  metrics::AvsScore official;
  std::map<std::string, metrics::AvsScore> groups;
};

BinaryScore score_masks(const AvsDataset& dataset, const AvsResults& results, const AvsVideo& video,
                        bool missing, Gathered& all) {
  metrics::AvsScore own(AvsVariant::kPerFrame, 1);
  auto& group = all.groups.try_emplace(video.group, metrics::AvsScore(AvsVariant::kPerFrame, 1))
                    .first->second;
  for (int i = 0; i < video.frames; ++i) {
    const Mask truth = dataset.truth(video, i);
    const Mask predicted = missing ? Mask(truth.width, truth.height) : results.read(video, i);
    try {
      for (metrics::AvsScore* score : {&own, &group, &all.per_frame, &all.official})
        score->add(predicted, truth);
    } catch (const Error& error) {
      throw Error(error.kind(), results.file(video, i).string() + ": " + error.what());
    }
  }
  return of(own);
}

std::string line(const char* pattern, double a, double b, const std::string& name) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), pattern, 100 * a, 100 * b);
  return text.data() + name + "\n";
}

double rounded(double value) { return std::round(value * 1e6) / 1e6; }

}  // namespace

AvsScoreResult score_avs(const AvsDataset& dataset, const std::filesystem::path& out,
                         const std::function<void(int, int)>& progress) {
  const AvsResults results(dataset.layout(), out);
  AvsScoreResult score;
  score.layout = dataset.layout();
  score.videos = static_cast<int>(dataset.videos().size());
  Gathered binary(dataset.layout() == AvsLayout::kV2Binary ? kFramesOfV2 : kFrames);
  metrics::AvssScore classes;
  int done = 0;
  for (const AvsVideo& video : dataset.videos()) {
    const bool missing = !std::filesystem::is_directory(results.folder(video));
    score.missing += missing;
    score.frames += video.frames;
    if (dataset.has_classes()) {
      score_classes(dataset, results, video, missing, classes);
    } else {
      score.by_video.emplace_back(video.name,
                                  score_masks(dataset, results, video, missing, binary));
    }
    if (progress) progress(++done, score.videos);
  }
  if (dataset.has_classes()) {
    score.mean_iou = classes.mean_iou();
    score.mean_f = classes.mean_f();
    for (int c = 0; c < metrics::kAvssClasses; ++c) {
      score.class_iou.push_back(classes.class_iou(c));
      score.class_frames.push_back(classes.class_frames(c));
    }
    return score;
  }
  score.per_frame = of(binary.per_frame);
  score.official = of(binary.official);
  if (dataset.layout() == AvsLayout::kS4) {
    for (const auto& [name, group] : binary.groups) score.groups[name] = of(group);
  }
  return score;
}

std::string table(const AvsScoreResult& score) {
  std::string text;
  if (score.layout == AvsLayout::kAvss) {
    text = "   mIoU F-score\n" + line("%7.2f %7.2f  ", score.mean_iou, score.mean_f,
                                      "all 71 classes, those never seen counting as 0");
    for (size_t c = 0; c < score.class_iou.size(); ++c) {
      if (score.class_frames[c] == 0) continue;
      std::array<char, 64> row{};
      std::snprintf(row.data(), row.size(), "%7.2f %7s  ", 100 * score.class_iou[c], "");
      text += row.data() + (c == 0 ? std::string("background") : std::string(kAvsClasses[c - 1])) +
              ", " + std::to_string(score.class_frames[c]) + " frames\n";
    }
  } else {
    text = "    M_J     M_F\n" +
           line("%7.2f %7.2f  ", score.per_frame.j, score.per_frame.f,
                "each frame by itself, as AL-Ref-SAM 2 is scored") +
           line("%7.2f %7.2f  ", score.official.j, score.official.f,
                "batches of 4 videos, as AVSBench's own code scores");
    for (const auto& [name, group] : score.groups)
      text += line("%7.2f %7.2f  ", group.j, group.f, name);
  }
  text += std::to_string(score.videos) + " videos, " + std::to_string(score.frames) + " frames";
  if (score.missing > 0)
    text += "; " + std::to_string(score.missing) + " without results count as empty masks";
  return text + "\n";
}

std::string json(const AvsScoreResult& score) {
  using Json = nlohmann::ordered_json;
  const auto pair = [](const BinaryScore& s) {
    return Json{{"m_j", rounded(s.j)}, {"m_f", rounded(s.f)}};
  };
  Json json = {{"videos", score.videos}, {"frames", score.frames}, {"missing", score.missing}};
  if (score.layout == AvsLayout::kAvss) {
    json["miou"] = rounded(score.mean_iou);
    json["f_score"] = rounded(score.mean_f);
    Json classes = Json::object();
    for (size_t c = 0; c < score.class_iou.size(); ++c) {
      if (score.class_frames[c] > 0)
        classes[c == 0 ? "background" : std::string(kAvsClasses[c - 1])] = {
            {"iou", rounded(score.class_iou[c])}, {"frames", score.class_frames[c]}};
    }
    json["classes"] = std::move(classes);
  } else {
    json["per_frame"] = pair(score.per_frame);
    json["batches_of_4_videos"] = pair(score.official);
    Json groups = Json::object(), videos = Json::array();
    for (const auto& [name, group] : score.groups) groups[name] = pair(group);
    for (const auto& [name, video] : score.by_video) {
      Json entry = pair(video);
      entry["video"] = name;
      videos.push_back(std::move(entry));
    }
    if (!score.groups.empty()) json["categories"] = std::move(groups);
    json["by_video"] = std::move(videos);
  }
  return json.dump(1) + "\n";
}

}  // namespace alref::eval
