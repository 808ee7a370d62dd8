// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "alref/types.h"

#include <optional>
#include <vector>

#include <nlohmann/json.hpp>

namespace alref {

/// [x0, y0, x1, y1, score, phrase's offset, phrase]
inline nlohmann::json box_to_json(const Detection& d) {
  return {d.box.x0, d.box.y0, d.box.x1, d.box.y1, d.score, d.phrase_offset, d.phrase};
}

inline Detection box_from_json(const nlohmann::json& j) {
  return {.box = {j.at(0), j.at(1), j.at(2), j.at(3)},
          .score = j.at(4),
          .phrase = j.at(6),
          .phrase_offset = j.at(5)};
}

inline nlohmann::json boxes_to_json(const std::vector<Detection>& boxes) {
  nlohmann::json json = nlohmann::json::array();
  for (const Detection& d : boxes) json.push_back(box_to_json(d));
  return json;
}

inline std::vector<Detection> boxes_from_json(const nlohmann::json& json) {
  std::vector<Detection> boxes;
  for (const nlohmann::json& j : json) boxes.push_back(box_from_json(j));
  return boxes;
}

inline nlohmann::json optional_to_json(const std::optional<int>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json();
}

inline std::optional<int> optional_from_json(const nlohmann::json& json) {
  return json.is_null() ? std::nullopt : std::optional(json.get<int>());
}

}  // namespace alref
