// SPDX-License-Identifier: Apache-2.0
#include "perception/grounding_dino/grounding_dino.h"

#include "alref/error.h"

#include <algorithm>
#include <limits>

#include "perception/grounding_dino/preprocess.h"

namespace alref::grounding_dino {
namespace {

constexpr size_t kKeptTexts = 16;

std::vector<std::string> vocabulary(const compute::GgufFile& file) {
  std::optional<std::vector<std::string>> tokens = file.texts("tokenizer.ggml.tokens");
  if (!tokens)
    throw Error(ErrorKind::kModel, file.path().string() + ": 'tokenizer.ggml.tokens' is missing");
  return std::move(*tokens);
}

void check(const DetectionThresholds& thresholds) {
  const auto check_one = [](const char* name, float value) {
    if (!(value >= 0 && value <= 1)) {
      throw Error(ErrorKind::kInvalidArgument,
                  std::string(name) + " threshold: expected 0 to 1, got " + std::to_string(value));
    }
  };
  check_one("box", thresholds.box);
  check_one("text", thresholds.text);
}

}  // namespace

GroundingDino::GroundingDino(const std::filesystem::path& model,
                             std::shared_ptr<compute::Device> device, Labels labels)
    : device_(std::move(device)),
      network_(compute::Weights::open(model, *device_)),
      tokenizer_(vocabulary(network_.file())),
      labels_(labels) {
  const auto tokens = static_cast<int64_t>(tokenizer_.vocabulary().size());
  if (tokens > network_.config().bert.vocabulary) {
    throw Error(ErrorKind::kModel, model.string() + ": the vocabulary has " +
                                       std::to_string(tokens) + " pieces, expected at most " +
                                       std::to_string(network_.config().bert.vocabulary));
  }
}

const GroundingDino::Text& GroundingDino::text(std::string_view caption) {
  const auto known = std::find_if(texts_.begin(), texts_.end(),
                                  [&](const Text& t) { return t.caption == caption; });
  if (known != texts_.end()) {
    texts_.splice(texts_.begin(), texts_, known);
    return texts_.front();
  }
  Caption tokens =
      read_caption(caption, tokenizer_, static_cast<size_t>(network_.config().max_text_tokens));
  TextFeatures features = network_.encode_text(tokens.ids, separators(tokenizer_));
  ++text_encoder_runs_;
  texts_.push_front({std::string(caption), std::move(tokens), std::move(features)});
  if (texts_.size() > kKeptTexts) texts_.pop_back();
  return texts_.front();
}

Network::Queries GroundingDino::run(std::span<const Image> images, const TextFeatures& text) {
  const auto batch = static_cast<int64_t>(images.size());
  const Config& config = network_.config();
  const auto write_pixels = [&](std::span<float> to) {
    const size_t values = to.size() / images.size();
    for (size_t i = 0; i < images.size(); ++i)
      write_input(images[i], config, network_.threads(), to.subspan(i * values, values));
  };
  network_.encode_image(write_pixels, batch, input_size(images.front(), config));
  const std::vector<float> logits = network_.fuse(text);
  return network_.decode(select_queries(logits, batch, text.tokens, network_.config().queries));
}

std::vector<Detection> GroundingDino::detect(const Image& image, std::string_view caption,
                                             const DetectionThresholds& thresholds) {
  return detect(image, caption, thresholds, nullptr);
}

std::vector<Detection> GroundingDino::detect(const Image& image, std::string_view caption,
                                             const DetectionThresholds& thresholds,
                                             RawDetections* raw) {
  check(thresholds);
  const Text& text = this->text(caption);
  const Network::Queries queries = run({&image, 1}, text.features);
  if (raw) *raw = to_raw(queries, text.features);
  return label({.count = static_cast<size_t>(queries.count),
                .logits = queries.logits,
                .boxes = queries.boxes},
               text.tokens, thresholds, image.width, image.height);
}

std::vector<std::vector<Detection>> GroundingDino::detect(std::span<const Image> images,
                                                          std::string_view caption,
                                                          const DetectionThresholds& thresholds) {
  check(thresholds);
  const Text& text = this->text(caption);
  const size_t tokens = text.tokens.ids.size();
  std::vector<std::vector<Detection>> result;
  while (result.size() < images.size()) {
    const size_t first = result.size();
    size_t end = first + 1;
    while (end < images.size() && images[end].width == images[first].width &&
           images[end].height == images[first].height)
      ++end;
    const Network::Queries queries = run(images.subspan(first, end - first), text.features);
    const auto count = static_cast<size_t>(queries.count);
    for (size_t i = first; i < end; ++i) {
      const QueryScores scores{
          .count = count,
          .logits = std::span(queries.logits).subspan((i - first) * count * tokens, count * tokens),
          .boxes = std::span(queries.boxes).subspan((i - first) * count * 4, count * 4)};
      result.push_back(label(scores, text.tokens, thresholds, images[i].width, images[i].height));
    }
  }
  return result;
}

RawDetections GroundingDino::raw(const Image& image, std::string_view caption) {
  const Text& text = this->text(caption);
  return to_raw(run({&image, 1}, text.features), text.features);
}

std::vector<Detection> GroundingDino::label(const QueryScores& scores, const Caption& caption,
                                            const DetectionThresholds& thresholds, int width,
                                            int height) const {
  return labels_ == Labels::kClean
             ? clean_detections(scores, caption, thresholds, width, height)
             : official_detections(scores, caption, tokenizer_, thresholds, width, height);
}

RawDetections GroundingDino::to_raw(const Network::Queries& queries,
                                    const TextFeatures& text) const {
  const auto tokens = static_cast<size_t>(text.tokens);
  RawDetections raw;
  raw.queries = static_cast<size_t>(queries.count);
  raw.tokens = static_cast<size_t>(network_.config().max_text_tokens);
  raw.logits.assign(raw.queries * raw.tokens, -std::numeric_limits<float>::infinity());
  raw.boxes = queries.boxes;
  for (size_t i = 0; i < raw.queries; ++i) {
    std::copy_n(&queries.logits[i * tokens], tokens, &raw.logits[i * raw.tokens]);
  }
  return raw;
}

std::unique_ptr<Detector> make_grounding_dino(const std::filesystem::path& model,
                                              std::shared_ptr<compute::Device> device,
                                              Labels labels) {
  return std::make_unique<GroundingDino>(model, std::move(device), labels);
}

}  // namespace alref::grounding_dino
