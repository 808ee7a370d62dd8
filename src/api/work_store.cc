// SPDX-License-Identifier: Apache-2.0
#include "api/work_store.h"

#include "alref/error.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "api/detection_json.h"
#include "core/atomic_file.h"
#include "core/log.h"

namespace alref {
namespace {

using Json = nlohmann::json;

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// --- binary fields: a length in 8 bytes, then the bytes ---

void append_field(std::string& out, std::string_view field) {
  for (int shift = 0; shift < 64; shift += 8)
    out += static_cast<char>(field.size() >> shift & 0xff);
  out += field;
}

/// The next field; `in` moves on. Throws Error(kInput) past the end.
std::string_view take_field(std::string_view& in) {
  uint64_t size = 0;
  if (in.size() >= 8) {
    for (size_t i = 0; i < 8; ++i) size |= uint64_t{static_cast<uint8_t>(in[i])} << (8 * i);
    in.remove_prefix(8);
  }
  if (in.size() < size || in.data() == nullptr)
    throw Error(ErrorKind::kInput, "work file: cut off");
  const std::string_view field = in.substr(0, size);
  in.remove_prefix(size);
  return field;
}

}  // namespace

WorkStore::WorkStore(std::string folder, std::string detections_key, std::string results_key)
    : folder_(std::move(folder)),
      detections_key_(std::move(detections_key)),
      results_key_(std::move(results_key)) {
  if (folder_.empty()) return;
  create_folders(folder_);
  const std::string path = folder_ + "/detections.jsonl";
  load_detections(path);
  // Written anew: a line that a kill cut off must not run into the next one.
  std::string text = dump({{"key", detections_key_}}) + "\n";
  for (const auto& [key, boxes] : detections_) {
    text += dump({{"frame", key.first}, {"caption", key.second}, {"boxes", boxes_to_json(boxes)}}) +
            "\n";
  }
  write_file(path, std::string_view(text), Durability::kRenamed);
  detections_file_ = std::fopen(path.c_str(), "a");
  if (!detections_file_)
    throw Error(ErrorKind::kOutput, path + ": cannot append: " + std::strerror(errno));
}

WorkStore::~WorkStore() {
  if (detections_file_) std::fclose(detections_file_);
}

void WorkStore::load_detections(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  if (!std::getline(file, line) || line != dump({{"key", detections_key_}})) return;
  while (std::getline(file, line)) {
    try {
      const Json json = Json::parse(line);
      detections_[{json.at("frame"), json.at("caption")}] = boxes_from_json(json.at("boxes"));
    } catch (const Json::exception&) {
      return;  // the line that was being written when the run was killed
    }
  }
}

std::vector<Detection> WorkStore::detections(int frame, std::string_view caption,
                                             const std::function<std::vector<Detection>()>& look) {
  const std::string words(caption);
  if (const auto known = detections_.find({frame, words}); known != detections_.end())
    return known->second;
  std::vector<Detection> found = look();
  add_detections(frame, words, found);
  return found;
}

void WorkStore::add_detections(int frame, const std::string& caption,
                               const std::vector<Detection>& boxes) {
  if (!detections_file_) return;
  const std::string line =
      dump({{"frame", frame}, {"caption", caption}, {"boxes", boxes_to_json(boxes)}}) + "\n";
  if (std::fwrite(line.data(), 1, line.size(), detections_file_) != line.size() ||
      std::fflush(detections_file_) != 0) {
    throw Error(ErrorKind::kOutput,
                folder_ + "/detections.jsonl: cannot append: " + std::strerror(errno));
  }
}

void WorkStore::save_results(const std::string& report, const std::vector<MaskTrack>& tracks) {
  if (folder_.empty()) return;
  std::string out;
  append_field(out, results_key_);
  append_field(out, report);
  for (const MaskTrack& track : tracks) {
    append_field(out, std::string_view(reinterpret_cast<const char*>(track.scores.data()),
                                       track.scores.size() * 4));
    for (const PackedMask& mask : track.masks) append_field(out, mask.bytes());
  }
  write_file(folder_ + "/results.bin", std::string_view(out));
}

std::optional<std::pair<std::string, std::vector<MaskTrack>>> WorkStore::load_results(
    int width, int height) const {
  if (folder_.empty()) return std::nullopt;
  std::ifstream file(folder_ + "/results.bin", std::ios::binary);
  if (!file) return std::nullopt;
  std::stringstream content;
  content << file.rdbuf();
  const std::string bytes = content.str();
  try {
    std::string_view in = bytes;
    if (take_field(in) != results_key_) return std::nullopt;
    std::pair<std::string, std::vector<MaskTrack>> results;
    results.first = take_field(in);
    while (!in.empty()) {
      MaskTrack& track = results.second.emplace_back();
      const std::string_view scores = take_field(in);
      track.scores.resize(scores.size() / 4);
      std::memcpy(track.scores.data(), scores.data(), track.scores.size() * 4);
      for (size_t i = 0; i < track.scores.size(); ++i) {
        track.masks.emplace_back(width, height, std::string(take_field(in)));
      }
    }
    return results;
  } catch (const Error& error) {
    log(LogLevel::kWarning, folder_ + "/results.bin: " + error.what() + "; not used");
    return std::nullopt;
  }
}

std::string results_to_text(const std::vector<RefResult>& results) {
  Json json = Json::array();
  for (const RefResult& r : results) {
    Json& entry = json.emplace_back();
    entry = {
        {"text", r.text}, {"caption", r.caption}, {"fallback", r.fallback}, {"start", r.start}};
    entry["pivots"] = Json::array();
    for (const RefPivot& p : r.pivots) {
      entry["pivots"].push_back(
          {{"frame", p.frame}, {"box", box_to_json(p.detection)}, {"area", p.mask_area}});
    }
    entry["clips"] = Json::array();
    for (const RefClip& c : r.clips) {
      entry["clips"].push_back({{"index", c.index},
                                {"frames", c.frames},
                                {"frame_question", c.frame_question},
                                {"frame_reply", c.frame_reply},
                                {"pivot_frame", optional_to_json(c.pivot_frame)},
                                {"boxes", boxes_to_json(c.boxes)},
                                {"box_question", c.box_question},
                                {"box_reply", c.box_reply},
                                {"pivot_box", optional_to_json(c.pivot_box)},
                                {"strip", Json::binary(c.strip_jpeg)}});
    }
  }
  const std::vector<uint8_t> bytes = Json::to_cbor(json);
  return {bytes.begin(), bytes.end()};
}

std::vector<RefResult> results_from_text(const std::string& text) {
  try {
    std::vector<RefResult> results;
    for (const Json& entry : Json::from_cbor(text)) {
      RefResult& r = results.emplace_back();
      r.text = entry.at("text");
      r.caption = entry.at("caption");
      r.fallback = entry.at("fallback");
      r.start = entry.at("start");
      for (const Json& p : entry.at("pivots")) {
        r.pivots.push_back({p.at("frame"), box_from_json(p.at("box")), p.at("area")});
      }
      for (const Json& c : entry.at("clips")) {
        r.clips.push_back({.index = c.at("index"),
                           .frames = c.at("frames"),
                           .frame_question = c.at("frame_question"),
                           .frame_reply = c.at("frame_reply"),
                           .pivot_frame = optional_from_json(c.at("pivot_frame")),
                           .boxes = boxes_from_json(c.at("boxes")),
                           .box_question = c.at("box_question"),
                           .box_reply = c.at("box_reply"),
                           .pivot_box = optional_from_json(c.at("pivot_box")),
                           .strip_jpeg = c.at("strip").get_binary()});
      }
    }
    return results;
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::kInput, std::string("work file: ") + error.what());
  }
}

}  // namespace alref
