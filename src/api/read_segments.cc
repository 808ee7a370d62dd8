// SPDX-License-Identifier: Apache-2.0
#include "api/read_segments.h"

#include "alref/error.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include <nlohmann/json.hpp>

namespace alref {

std::optional<std::vector<pipeline::Segment>> read_segments(const std::string& path,
                                                            const std::string& video) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw Error(ErrorKind::kInput, path + ": cannot read segments: " + std::strerror(errno));
  return parse_segments(file, path, video);
}

std::optional<std::vector<pipeline::Segment>> parse_segments(std::istream& in,
                                                             const std::string& source,
                                                             const std::string& video) {
  using Json = nlohmann::json;
  const Json json = Json::parse(in, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    throw Error(ErrorKind::kInput, source + ": expected {video: [[begin, end], ...]}");
  }
  const auto found = json.find(video);
  if (found == json.end()) return std::nullopt;
  // What was found instead is not shown: writing JSON out descends as deep as it is nested.
  const auto fail = [&](size_t place) {
    throw Error(ErrorKind::kInput, source + ": '" + video + "', entry " + std::to_string(place) +
                                       ": expected ascending pairs [begin, end]");
  };
  if (!found->is_array()) fail(0);
  std::vector<pipeline::Segment> segments;
  int next = 0;
  for (const Json& entry : *found) {
    const bool is_pair = entry.is_array() && entry.size() == 2 && entry[0].is_number_unsigned() &&
                         entry[1].is_number_unsigned() && entry[0].get<uint64_t>() < (1U << 30) &&
                         entry[1].get<uint64_t>() < (1U << 30);
    const pipeline::Segment segment =
        is_pair ? pipeline::Segment(entry[0].get<int>(), entry[1].get<int>())
                : pipeline::Segment(0, 0);
    if (segment.first < next || segment.second <= segment.first) fail(segments.size());
    next = segment.second;
    segments.push_back(segment);
  }
  return segments;
}

}  // namespace alref
