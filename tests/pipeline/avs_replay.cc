// SPDX-License-Identifier: Apache-2.0
// usage: avs_replay PLAN STAGE_1 STAGE_2 [SEGMENTS]
// Answers both questions of AVS from the method's authors' reply files, and prints what the
// pipeline makes of them, as JSON: {video: {"objects": [[name, frame], ...], "boxes": {name:
// number}, "segments": [[begin, end], ...], "labels": [[name, ...], ...] by second}}. No video is
// needed: frames are grey, the networks made up. PLAN says {video: {"moments": seconds, "single":
// bool, "boxes": {name: how many the detector finds}}}. Driven by parity/avs_replay.py.
#include "alref/error.h"

#include <cstdio>
#include <fstream>

#include <nlohmann/json.hpp>

#include "api/av_engine.h"
#include "api/read_segments.h"
#include "pipeline/avs.h"
#include "pipeline/fake_listeners.h"
#include "pipeline/fake_segmenter.h"
#include "reasoning/box_world.h"
#include "reasoning/chat/recording.h"
#include "reasoning/sound/language_sound_reasoner.h"

namespace alref {
namespace {

using Json = nlohmann::json;

class SecondFrames : public reasoning::BoxWorld {
 public:
  explicit SecondFrames(int seconds) : BoxWorld(seconds, {}, 64, 48) {}
  double frame_rate() const override { return 1; }
};

Json replay(const std::string& video, const Json& plan, reasoning::SoundReasoner& reasoner,
            const std::string& segments) {
  const int moments = plan.at("moments");
  SecondFrames frames(moments);
  const auto detect = [&](int, const Image&, std::string_view caption, float, float) {
    const int count = plan.at("boxes").value(std::string(caption), 1);
    std::vector<Detection> boxes;
    for (int i = 0; i < count; ++i) {
      const auto at = static_cast<float>(10 * i);
      boxes.push_back({.box = {at, 5, at + 9, 40},
                       .score = 0.9f - 0.1f * static_cast<float>(i),
                       .phrase = std::string(caption)});
    }
    return boxes;
  };
  reasoning::Scene scene(frames, detect, video, {.strip = {.columns = 5, .frame_width = 64}});
  pipeline::FakeTagger tagger;
  pipeline::FakeEmbedder embedder;
  pipeline::FakeSegmenter segmenter;
  pipeline::Lbru lbru({.taggers = {&tagger}, .matcher = &embedder, .classes = &embedder});
  pipeline::FakeSound sound(std::vector<float>(static_cast<size_t>(moments), 0.1f));
  pipeline::AvsOptions options;
  options.window_seconds = moments;
  options.single = plan.at("single");
  if (!segments.empty()) options.segments = read_segments(segments, video);
  pipeline::AvsEvents events;
  events.on_window = [](const auto&) {};
  events.on_masks = [](const auto&, size_t, int, const FloatMap&, float) {};
  const auto run =
      pipeline::run_avs(scene, &sound, nullptr, reasoner, lbru, segmenter, options, events);

  const pipeline::WindowTrace& window = run.windows.at(0);
  Json result = {{"objects", Json::array()},
                 {"boxes", Json::object()},
                 {"segments", Json::array()},
                 {"labels", Json::array()}};
  for (const auto& label : window.labels) {
    result["objects"].push_back({label.label, label.frame + 1});
    if (label.choice) result["boxes"][label.label] = *label.box + 1;
  }
  for (const auto& [begin, end] : window.segments) result["segments"].push_back({begin, end});
  for (const auto& active : window.active) {
    Json names = Json::array();
    for (const size_t i : active) names.push_back(window.labels[i].label);
    result["labels"].push_back(std::move(names));
  }
  return result;
}

}  // namespace
}  // namespace alref

int main(int argc, char** argv) {
  using namespace alref;
  if (argc < 4 || argc > 5) {
    std::fprintf(stderr, "usage: avs_replay PLAN STAGE_1 STAGE_2 [SEGMENTS]\n");
    return 2;
  }
  try {
    auto responder = std::make_unique<reasoning::ReplayResponder>();
    responder->add_file(argv[2]);
    responder->add_file(argv[3]);
    reasoning::LanguageSoundReasoner reasoner("replay", std::move(responder), {});
    std::ifstream plan_file(argv[1]);
    Json results = Json::object();
    const Json plans = Json::parse(plan_file);
    for (const auto& [video, plan] : plans.items())
      results[video] = replay(video, plan, reasoner, argc > 4 ? argv[4] : "");
    std::printf("%s\n", results.dump().c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "avs_replay: %s\n", error.what());
    return 1;
  }
  return 0;
}
