// SPDX-License-Identifier: Apache-2.0
#include "reasoning/questions.h"

#include "alref/error.h"

#include <array>
#include <cstdio>
#include <functional>
#include <set>
#include <vector>

#include "reasoning/frame_strip.h"

namespace alref::reasoning {
namespace {

std::string join(const std::vector<std::string>& parts, std::string_view last_separator) {
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += i + 1 == parts.size() ? last_separator : std::string_view(", ");
    text += parts[i];
  }
  return text;
}

std::string counted_boxes(size_t count) {
  constexpr std::array<std::string_view, 7> kNumbers = {"no",   "one",  "two", "three",
                                                        "four", "five", "six"};
  return std::string(kNumbers.at(count)) + (count == 1 ? " box" : " boxes");
}

std::string layout(int frames) {
  return frames > 5 ? "in rows of five from left to right" : "from left to right";
}

void check_boxes(size_t count) {
  if (count >= 1 && count <= kBoxColours.size()) return;
  throw Error(ErrorKind::kInvalidArgument, "question about boxes: expected 1 to " +
                                               std::to_string(kBoxColours.size()) + " boxes, got " +
                                               std::to_string(count));
}

}  // namespace

std::string fill_prompt(std::string_view prompt,
                        const std::map<std::string, std::string, std::less<>>& values) {
  std::string text;
  std::set<std::string, std::less<>> used;
  while (true) {
    const size_t open = prompt.find("{{");
    text += prompt.substr(0, open);
    if (open == std::string_view::npos) break;
    const size_t close = prompt.find("}}", open);
    const std::string_view name = prompt.substr(open + 2, close - open - 2);
    const auto value = values.find(name);
    if (close == std::string_view::npos || value == values.end()) {
      throw Error(ErrorKind::kInvalidArgument, "prompt: no value for '" + std::string(name) + "'");
    }
    used.insert(value->first);
    text += value->second;
    prompt.remove_prefix(close + 2);
  }
  for (const auto& [name, value] : values) {
    if (!used.contains(name)) {
      throw Error(ErrorKind::kInvalidArgument, "prompt: nothing asks for '" + name + "'");
    }
  }
  return text;
}

std::string pivot_frame_question(std::string_view expression, int frames) {
  return fill_prompt(kPivotFramePrompt,
                     {{"expression", std::string(expression)}, {"frames", std::to_string(frames)}});
}

std::string pivot_box_question(std::string_view expression, int frames, int frame,
                               std::span<const Detection> boxes) {
  check_boxes(boxes.size());
  std::vector<std::string> marks, phrases;
  for (size_t i = 0; i < boxes.size(); ++i) {
    const std::string number = std::to_string(i + 1);
    marks.push_back(std::string(kBoxColours[i].name) + " (number " + number + ")");
    phrases.push_back("box " + number + " as \"" + boxes[i].phrase + "\"");
  }
  return fill_prompt(kPivotBoxPrompt, {{"expression", std::string(expression)},
                                       {"frames", std::to_string(frames)},
                                       {"frame", std::to_string(frame)},
                                       {"box_count", counted_boxes(boxes.size())},
                                       {"boxes", join(marks, " and ")},
                                       {"phrases", join(phrases, " and ")}});
}

std::string sounding_objects_question(int frames, std::span<const std::string> tags,
                                      std::span<const std::string> classes, bool single) {
  return fill_prompt(kSoundingObjectsPrompt,
                     {{"frames", std::to_string(frames)},
                      {"layout", layout(frames)},
                      {"tags", join({tags.begin(), tags.end()}, ", ")},
                      {"classes", join({classes.begin(), classes.end()}, ", ")},
                      {"how_many", single ? "the one kind that most likely sounds, one only,"
                                          : "each kind that is left"}});
}

std::string sounding_box_question(std::string_view object, int frames, int frame,
                                  std::span<const Detection> boxes, int width, int height) {
  check_boxes(boxes.size());
  std::vector<std::string> marks;
  for (size_t i = 0; i < boxes.size(); ++i) {
    const Box& box = boxes[i].box;
    std::array<char, 160> text{};
    std::snprintf(text.data(), text.size(),
                  "number %zu, %s, centre (%.3f, %.3f), width %.3f, height %.3f", i + 1,
                  kBoxColours[i].name, (box.x0 + box.x1) / 2 / width,
                  (box.y0 + box.y1) / 2 / height, box.width() / width, box.height() / height);
    marks.emplace_back(text.data());
  }
  return fill_prompt(kSoundingBoxPrompt, {{"object", std::string(object)},
                                          {"frames", std::to_string(frames)},
                                          {"layout", layout(frames)},
                                          {"frame", std::to_string(frame)},
                                          {"box_count", std::to_string(boxes.size())},
                                          {"boxes", join(marks, "; ")}});
}

}  // namespace alref::reasoning
