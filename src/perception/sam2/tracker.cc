// SPDX-License-Identifier: Apache-2.0
#include "perception/sam2/tracker.h"

#include "alref/error.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/resize_map.h"
#include "perception/sam2/holes.h"
#include "perception/sam2/mask_choice.h"
#include "perception/sam2/preprocess.h"

namespace alref::sam2 {
namespace {

constexpr float kAbsentLogit = -1024;  // of every pixel where the object is not visible
constexpr float kMaskLogit = 10;       // of a mask that was given

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorKind::kInvalidArgument, what); }

// A mask prompt at the network's input size: 1 where at least half is covered.
Mask stretched(const Mask& mask, int size) {
  FloatMap map(mask.width, mask.height);
  for (size_t i = 0; i < map.values.size(); ++i) map.values[i] = mask.pixels[i] ? 1.0f : 0.0f;
  map = resize_bilinear_antialiased(map, size, size);
  Mask result(size, size);
  for (size_t i = 0; i < map.values.size(); ++i) result.pixels[i] = map.values[i] >= 0.5f;
  return result;
}

// Sines and cosines of a distance in time (sam2_utils.py, get_1d_sine_pe), appended to `out`.
void encode_distance(double distance, int64_t dim, std::vector<float>& out) {
  const int64_t half = dim / 2;
  const auto angle = [&](int64_t i) {
    const int64_t pair = i / 2 * 2;
    return distance / std::pow(10000.0, static_cast<double>(pair) / static_cast<double>(half));
  };
  for (int64_t i = 0; i < half; ++i) out.push_back(static_cast<float>(std::sin(angle(i))));
  for (int64_t i = 0; i < half; ++i) out.push_back(static_cast<float>(std::cos(angle(i))));
}

void append(std::vector<float>& to, const std::vector<float>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

Tracker::Tracker(Segmenter& segmenter, FrameSource& frames)
    : segmenter_(segmenter), network_(segmenter.network()), frames_(frames) {
  if (frames.width() < 1 || frames.height() < 1) {
    throw Error(ErrorKind::kInput, "video: frames of " + std::to_string(frames.width()) + " x " +
                                       std::to_string(frames.height()) + " pixels");
  }
  const MemoryConfig& memory = network_.config().memory;
  const Sam2VideoOptions& options = segmenter.options();
  recall_options_.frames = static_cast<int>(memory.frames);
  // A stream's length is not known; the official code takes the smaller of it and the model's
  // number.
  recall_options_.pointers =
      std::min(static_cast<int>(memory.pointers),
               frames.frame_count().value_or(static_cast<int>(memory.pointers)));
  recall_options_.stride =
      options.memory_stride > 0 ? options.memory_stride : static_cast<int>(memory.stride);
  recall_options_.max_conditioning_frames = options.max_conditioning_frames;
}

Tracker::Object& Tracker::object(int id) {
  for (Object& known : objects_) {
    if (known.id == id) return known;
  }
  objects_.push_back(
      {.id = id, .bank = {}, .new_conditioning = {}, .new_corrections = {}, .passed = {}});
  return objects_.back();
}

void Tracker::look_at(int frame) {
  if (frame < 0 || !segmenter_.look_at(frames_, frame)) {
    fail("frame " + std::to_string(frame) + ": the video has no such frame");
  }
}

void Tracker::add_mask(int object_id, int frame, const Mask& mask) {
  if (mask.width != frames_.width() || mask.height != frames_.height()) {
    fail("mask: expected " + std::to_string(frames_.width()) + " x " +
         std::to_string(frames_.height()) + " pixels as the video, got " +
         std::to_string(mask.width) + " x " + std::to_string(mask.height));
  }
  look_at(frame);
  FrameMemory memory = start_from(stretched(mask, static_cast<int>(network_.config().image_size)));
  Object& target = object(object_id);
  auto& where = target.passed.contains(frame) ? target.new_corrections : target.new_conditioning;
  where.insert_or_assign(frame, std::move(memory));
}

void Tracker::add_box(int object_id, int frame, const Box& box) {
  add_prompt(object_id, frame,
             to_prompt_points({}, {}, box, frames_.width(), frames_.height(), network_.config()));
}

void Tracker::add_points(int object_id, int frame, std::span<const Point> points,
                         std::span<const int> labels) {
  if (points.empty()) fail("points: expected at least one");
  add_prompt(object_id, frame,
             to_prompt_points(points, labels, std::nullopt, frames_.width(), frames_.height(),
                              network_.config()));
}

void Tracker::add_prompt(int object_id, int frame, const PromptPoints& prompt) {
  look_at(frame);
  Object& target = object(object_id);
  const auto passed = target.passed.find(frame);
  const bool correction = passed != target.passed.end();
  auto& where = correction ? target.new_corrections : target.new_conditioning;

  // What was known of the object here goes in with the points.
  const FrameMemory* known = nullptr;
  if (const auto it = where.find(frame); it != where.end()) known = &it->second;
  if (!known) known = target.bank.conditioning(frame);
  if (!known) known = target.bank.tracked(frame);
  std::optional<FloatMap> previous;
  if (known) {
    previous = known->mask;
    for (float& value : previous->values) value = std::clamp(value, -32.0f, 32.0f);
  }
  const FloatMap* before = previous ? &*previous : nullptr;
  FrameMemory memory = correction ? track(target, frame, passed->second, &prompt, before)
                                  : start_from(prompt, before);
  where.insert_or_assign(frame, std::move(memory));
}

void Tracker::remove_object(int id) {
  std::erase_if(objects_, [id](const Object& known) { return known.id == id; });
}

void Tracker::reset() {
  objects_.clear();
  pass_.reset();
}

void Tracker::take_in_prompts(Object& object) {
  for (auto& [frame, memory] : object.new_corrections) {
    // A corrected conditioning frame stays one.
    if (!object.bank.conditioning(frame)) object.bank.add_tracked(frame, std::move(memory));
  }
  for (auto& [frame, memory] : object.new_conditioning) {
    object.bank.add_conditioning(frame, std::move(memory));
  }
  object.new_corrections.clear();
  object.new_conditioning.clear();
}

// The mask, pointer and memory of what the decoder says of the current frame. The memory is left to
// the caller.
FrameMemory Tracker::choose(Decoded decoded, size_t prompt_points) const {
  const Config& config = network_.config();
  const auto count = static_cast<int64_t>(prompt_points);
  const bool multimask =
      count >= config.multimask_min_points && count <= config.multimask_max_points;
  const bool visible = decoded.object_score > 0;
  const size_t mask = multimask ? best_multimask(decoded)
                      : segmenter_.options().dynamic_multimask
                          ? stable_mask(decoded, config.decoder)
                          : 0;
  FrameMemory result;
  result.object_score = decoded.object_score;
  result.pointer = visible ? decoded.pointers[multimask ? mask : 0] : network_.absent_pointer();
  result.mask = std::move(decoded.masks[mask]);
  if (!visible) std::fill(result.mask.values.begin(), result.mask.values.end(), kAbsentLogit);
  return result;
}

FrameMemory Tracker::start_from(const PromptPoints& prompt, const FloatMap* previous) {
  FrameMemory result = choose(network_.decode(Network::View::kWithoutMemory, prompt, previous),
                              prompt.points.size());
  if (const int area = segmenter_.options().fill_hole_area) fill_holes(result.mask, area);
  result.memory = network_.remember(result.mask, /*binary=*/true, result.object_score > 0);
  return result;
}

FrameMemory Tracker::start_from(const Mask& mask) {
  // The mask is the result; the decoder only makes a pointer of it.
  const PromptPoints no_points{{{0, 0}}, {kNoPoint}};
  const FloatMap input = network_.mask_input(mask);
  Decoded decoded = network_.decode(Network::View::kBare, no_points, &input);
  const bool given = mask.area() > 0, visible = given && decoded.object_score > 0;

  FrameMemory result;
  result.object_score = given ? kMaskLogit : -kMaskLogit;
  result.pointer = visible ? decoded.pointers[0] : network_.absent_pointer();
  FloatMap logits(mask.width, mask.height);
  for (size_t i = 0; i < logits.values.size(); ++i) {
    logits.values[i] = mask.pixels[i] ? kMaskLogit : -kMaskLogit;
  }
  const auto size = static_cast<int>(network_.config().mask_size());
  result.mask = resize_bilinear_antialiased(logits, size, size);
  if (const int area = segmenter_.options().fill_hole_area) fill_holes(result.mask, area);
  result.memory = network_.remember(result.mask, /*binary=*/true, given);
  return result;
}

void Tracker::recall(const Object& object, int frame, bool reverse) {
  const Config& config = network_.config();
  const MemoryBank::Recalled recalled = object.bank.recall(frame, reverse, recall_options_);
  MemoryTokens tokens;
  for (const auto& [time, memory] : recalled.frames) {
    tokens.frames.emplace_back(memory->memory);
    tokens.times.push_back(static_cast<int32_t>(config.memory.frames) - time - 1);
  }
  // A video of one frame never gets here with a distance other than 0.
  const double longest = std::max(1, recall_options_.pointers - 1);
  for (const auto& [distance, memory] : recalled.pointers) {
    append(tokens.pointers, memory->pointer);
    if (config.memory.pointers_have_time) {
      encode_distance(distance / longest, config.dim, tokens.pointer_times);
    }
  }
  network_.condition(tokens);
}

FrameMemory Tracker::track(const Object& object, int frame, bool reverse,
                           const PromptPoints* prompt, const FloatMap* previous) {
  recall(object, frame, reverse);
  const PromptPoints no_points{{{0, 0}}, {kNoPoint}};
  FrameMemory result =
      choose(network_.decode(Network::View::kConditioned, prompt ? *prompt : no_points, previous),
             prompt ? prompt->points.size() : 0);
  const bool visible = result.object_score > 0;
  const int area = segmenter_.options().fill_hole_area;
  // Holes are filled in what is shown and in what a user has seen and accepted, not in what is only
  // tracked.
  if (prompt && area) fill_holes(result.mask, area);
  result.memory = network_.remember(result.mask, /*binary=*/prompt != nullptr, visible);
  if (!prompt && area) fill_holes(result.mask, area);
  return result;
}

void Tracker::start_pass(int start, bool reverse) {
  if (objects_.empty()) fail("pass: no object was added");
  if (start < 0) fail("pass: starts at frame " + std::to_string(start) + ", expected 0 or more");
  // As the official predictor: nothing lies before frame 0, and the frame itself belongs to the
  // forward pass.
  pass_ = Pass{.start = start, .next = reverse && start == 0 ? -1 : start, .reverse = reverse};
}

bool Tracker::step(const FrameCallback& on_frame) {
  if (!pass_ || pass_->next < 0) return false;
  const int frame = pass_->next;
  bool only_prompts = true;
  for (Object& target : objects_) {
    take_in_prompts(target);
    only_prompts = only_prompts && target.bank.conditioning(frame);
  }
  // Where everything is known already, it is enough that the frame is there.
  if (only_prompts ? !frames_.frame(frame) : !segmenter_.look_at(frames_, frame)) {
    pass_->next = -1;
    return false;
  }
  StepMasks room = segmenter_.step_masks();
  std::vector<ObjectLogits>& masks = *room;
  masks.resize(objects_.size());
  auto shown = masks.begin();
  for (Object& target : objects_) {
    const FrameMemory* memory = target.bank.conditioning(frame);
    if (!memory) {
      if (!target.bank.has_conditioning()) {
        fail("object " + std::to_string(target.id) + ": no frame has a prompt for it");
      }
      target.bank.add_tracked(frame, track(target, frame, pass_->reverse, nullptr, nullptr));
      memory = target.bank.tracked(frame);
    }
    target.passed[frame] = pass_->reverse;
    shown->object = target.id;
    segmenter_.stretch(memory->mask, frames_.width(), frames_.height(), shown->logits);
    shown->object_score = memory->object_score;
    shown->low_resolution = memory->mask;
    ++shown;
    forget(target, frame);
  }
  pass_->next += pass_->reverse ? -1 : 1;
  on_frame(frame, masks);
  return true;
}

void Tracker::forget(Object& target, int frame) const {
  const Config& config = network_.config();
  const auto pixels = static_cast<size_t>(config.map_size() * config.map_size());
  const size_t bytes = sizeof(float) * (pixels * static_cast<size_t>(config.memory.dim + 16) +
                                        static_cast<size_t>(config.dim));
  const size_t count = segmenter_.options().history_bytes / bytes / objects_.size();
  const int reach =
      std::max(recall_options_.pointers, recall_options_.frames * recall_options_.stride);
  for (const int gone : target.bank.trim(count, frame, pass_->start, reach)) {
    target.passed.erase(gone);
  }
}

size_t Tracker::bytes() const {
  size_t sum = 0;
  for (const Object& object : objects_) {
    sum += object.bank.bytes() + object.passed.size() * sizeof(*object.passed.begin());
  }
  return sum;
}

}  // namespace alref::sam2
