// SPDX-License-Identifier: Apache-2.0
#include "alref/error.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include <nlohmann/json.hpp>

#include "api/av_engine.h"

namespace alref {

std::optional<std::vector<pipeline::Segment>> read_segments(const std::string& path,
                                                            const std::string& video) {
  using Json = nlohmann::json;
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw Error(ErrorKind::kInput, path + ": cannot read segments: " + std::strerror(errno));
  const Json json = Json::parse(file, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    throw Error(ErrorKind::kInput, path + ": expected {video: [[begin, end], ...]}");
  }
  const auto found = json.find(video);
  if (found == json.end()) return std::nullopt;
  std::vector<pipeline::Segment> segments;
  int next = 0;
  for (const Json& entry : *found) {
    const bool is_pair = entry.is_array() && entry.size() == 2 && entry[0].is_number_unsigned() &&
                         entry[1].is_number_unsigned() && entry[0].get<uint64_t>() < (1U << 30) &&
                         entry[1].get<uint64_t>() < (1U << 30);
    const pipeline::Segment segment =
        is_pair ? pipeline::Segment(entry[0].get<int>(), entry[1].get<int>())
                : pipeline::Segment(0, 0);
    if (segment.first < next || segment.second <= segment.first) {
      throw Error(ErrorKind::kInput, path + ": '" + video +
                                         "': expected ascending pairs [begin, end], got " +
                                         found->dump().substr(0, 200));
    }
    next = segment.second;
    segments.push_back(segment);
  }
  return segments;
}

}  // namespace alref
