// SPDX-License-Identifier: Apache-2.0
#include "cli/prompt_options.h"

#include "alref/error.h"

#include <cerrno>
#include <cmath>
#include <cstdlib>

namespace alref::cli {
namespace {

[[noreturn]] void fail(const std::string& text, const std::string& expected) {
  throw Error(ErrorKind::kInvalidArgument, "'" + text + "': expected " + expected);
}

std::vector<float> numbers(const std::string& text, const std::string& expected) {
  std::vector<float> result;
  const char* at = text.c_str();
  while (true) {
    char* end = nullptr;
    result.push_back(std::strtof(at, &end));
    if (end == at || !std::isfinite(result.back())) fail(text, expected);
    if (*end == '\0') return result;
    if (*end != ',') fail(text, expected);
    at = end + 1;
  }
}

}  // namespace

Box parse_box(const std::string& text) {
  constexpr const char* kExpected = "a box x0,y0,x1,y1 in pixels";
  const std::vector<float> n = numbers(text, kExpected);
  if (n.size() != 4) fail(text, kExpected);
  return {n[0], n[1], n[2], n[3]};
}

std::pair<Point, int> parse_point(const std::string& text) {
  constexpr const char* kExpected = "a point x,y in pixels, or x,y,1 on the object or x,y,0 off it";
  const std::vector<float> n = numbers(text, kExpected);
  if (n.size() == 2) return {{n[0], n[1]}, 1};
  if (n.size() != 3 || (n[2] != 0 && n[2] != 1)) fail(text, kExpected);
  return {{n[0], n[1]}, static_cast<int>(n[2])};
}

Mask mask_of(const FloatMap& logits) {
  Mask mask(logits.width, logits.height);
  for (size_t i = 0; i < mask.pixels.size(); ++i) mask.pixels[i] = logits.values[i] > 0;
  return mask;
}

}  // namespace alref::cli
