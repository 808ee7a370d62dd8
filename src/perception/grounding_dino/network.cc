// SPDX-License-Identifier: Apache-2.0
#include "perception/grounding_dino/network.h"

#include <algorithm>
#include <numeric>

#include "compute/ops/sine_embedding_op.h"
#include "perception/grounding_dino/positions.h"

namespace alref::grounding_dino {

using compute::Device;
using compute::DeviceTensor;
using compute::Graph;
using compute::MapSize;
using compute::Weights;
namespace nn = compute::nn;

/// Everything for one batch and size of images: graph of backbone and neck, and constants of the
/// encoder.
struct Network::ImagePlan {
  explicit ImagePlan(Device& device) : graph(device) {}

  int64_t batch = 0;
  MapSize size;
  std::vector<MapSize> levels;
  int64_t pixels = 0;            // S
  std::vector<float> proposals;  // [S, 4]
  DeviceTensor features;         // [batch, S, d], what the backbone leaves
  DeviceTensor positions;        // [S, d]
  DeviceTensor reference;        // [1, S, 2]
  DeviceTensor valid;            // [S, 1]
  DeviceTensor encoded;          // [batch, S, d], what the encoder leaves
  Graph graph;
  ggml_tensor* input = nullptr;
};

/// For one number of tokens, above an ImagePlan.
struct Network::FusionPlan {
  explicit FusionPlan(Device& device) : graph(device) {}

  int64_t tokens = 0;
  DeviceTensor text;  // [batch, T, d], what the encoder leaves
  Graph graph;
  ggml_tensor *features = nullptr, *positions = nullptr, *mask = nullptr, *logits = nullptr;
};

/// For one number of queries, above a FusionPlan.
struct Network::DecoderPlan {
  explicit DecoderPlan(Device& device) : graph(device) {}

  int64_t count = 0;
  Graph graph;
  ggml_tensor *selected = nullptr, *proposals = nullptr, *logits = nullptr, *boxes = nullptr;
};

Network::Network(Weights weights)
    : weights_(std::move(weights)),
      config_(Config::read(weights_.file())),
      bert_(weights_ / "bert", config_.bert),
      text_projection_(weights_ / "feat_map", config_.bert.hidden, config_.d_model),
      swin_(weights_ / "backbone" / int64_t{0}, config_.swin),
      neck_(weights_ / "input_proj", config_),
      encoder_(weights_ / "transformer" / "encoder", config_),
      proposal_projection_(weights_ / "transformer" / "enc_output", config_.d_model,
                           config_.d_model),
      proposal_norm_(weights_ / "transformer" / "enc_output_norm", config_.d_model),
      proposal_boxes_(weights_ / "transformer" / "enc_out_bbox_embed",
                      {config_.d_model, config_.d_model, config_.d_model, 4}),
      query_embeddings_((weights_ / "transformer" / "tgt_embed")
                            .f32("weight", {config_.queries, config_.d_model})),
      decoder_(weights_ / "transformer" / "decoder", weights_ / "bbox_embed" / int64_t{0},
               config_) {
  weights_.f32("transformer.level_embed",
               {config_.levels, config_.d_model});  // missing is an error of opening
}

Network::~Network() = default;

TextFeatures Network::encode_text(std::span<const int32_t> ids,
                                  std::span<const int32_t> separators) {
  const SubSentences layout = sub_sentences(ids, separators);
  const auto tokens = static_cast<int64_t>(ids.size());
  Graph g(weights_.device());
  ggml_tensor* words = g.input(GGML_TYPE_I32, {tokens});
  ggml_tensor* positions = g.input(GGML_TYPE_I32, {tokens});
  ggml_tensor* mask = g.input(GGML_TYPE_F32, {1, tokens, tokens});
  ggml_tensor* features = g.output(text_projection_(g, bert_(g, words, positions, mask)));
  g.write(words, ids);
  g.write(positions, layout.positions);
  g.write(mask, layout.mask);
  g.run();

  TextFeatures text{
      .tokens = tokens, .features = g.read(features), .positions = {}, .mask = layout.mask};
  text.positions.resize(text.features.size());
  for (int64_t i = 0; i < tokens; ++i) {
    compute::sine_embedding(static_cast<float>(layout.positions[static_cast<size_t>(i)]),
                            config_.d_model, 10000,
                            &text.positions[static_cast<size_t>(i * config_.d_model)]);
  }
  return text;
}

void Network::plan_image(int64_t batch, const MapSize& size) {
  if (image_ && image_->batch == batch && image_->size.height == size.height &&
      image_->size.width == size.width)
    return;
  queries_.reset(), fusion_.reset(), image_.reset();
  Device& device = weights_.device();
  const int64_t d = config_.d_model;

  auto plan = std::make_unique<ImagePlan>(device);
  plan->batch = batch;
  plan->size = size;
  plan->levels = neck_.sizes(swin_.sizes(size));
  for (const MapSize& level : plan->levels) plan->pixels += level.pixels();
  const Proposals guesses = proposals(plan->levels);
  plan->proposals = guesses.boxes;
  plan->features = DeviceTensor(device, GGML_TYPE_F32, {batch, plan->pixels, d});
  plan->encoded = DeviceTensor(device, GGML_TYPE_F32, {batch, plan->pixels, d});
  plan->positions = DeviceTensor(device, GGML_TYPE_F32, {plan->pixels, d});
  plan->positions.fill([&](std::span<float> to) {
    write_image_positions(plan->levels, d, config_.position_temperature,
                          weights_.values("transformer.level_embed", {config_.levels, d}), to);
  });
  plan->reference = DeviceTensor(device, GGML_TYPE_F32, {1, plan->pixels, 2});
  plan->reference.write(pixel_centres(plan->levels));
  plan->valid = DeviceTensor(device, GGML_TYPE_F32, {plan->pixels, 1});
  plan->valid.write(guesses.valid);

  Graph& g = plan->graph;
  plan->input = g.input(GGML_TYPE_F32, {batch, size.height, size.width, 3});
  const std::vector<ggml_tensor*> levels = neck_(g, swin_(g, plan->input));
  ggml_tensor* all = plan->features.tensor();
  size_t offset = 0;
  for (size_t i = 0; i < levels.size(); ++i) {
    ggml_tensor* part = ggml_view_3d(g.context(), all, d, plan->levels[i].pixels(), batch,
                                     all->nb[1], all->nb[2], offset);
    g.store(ggml_reshape_3d(g.context(), levels[i], d, plan->levels[i].pixels(), batch), part);
    offset += static_cast<size_t>(plan->levels[i].pixels()) * all->nb[1];
  }
  image_ = std::move(plan);
}

void Network::plan_fusion(int64_t tokens) {
  if (fusion_ && fusion_->tokens == tokens) return;
  queries_.reset(), fusion_.reset();
  const int64_t d = config_.d_model, batch = image_->batch;

  auto plan = std::make_unique<FusionPlan>(weights_.device());
  plan->tokens = tokens;
  plan->text = DeviceTensor(weights_.device(), GGML_TYPE_F32, {batch, tokens, d});
  Graph& g = plan->graph;
  plan->features = g.input(GGML_TYPE_F32, {batch, tokens, d});
  plan->positions = g.input(GGML_TYPE_F32, {tokens, d});
  plan->mask = g.input(GGML_TYPE_F32, {1, tokens, tokens});
  const ImageAndText encoded =
      encoder_(g, image_->levels, {image_->features.tensor(), plan->features},
               {.image_positions = image_->positions.tensor(),
                .reference = image_->reference.tensor(),
                .text_positions = plan->positions,
                .text_mask = plan->mask});
  g.store(encoded.image, image_->encoded);
  g.store(encoded.text, plan->text);
  ggml_tensor* x = ggml_mul(g.context(), encoded.image, image_->valid.tensor());
  x = proposal_norm_(g, proposal_projection_(g, x));
  plan->logits = g.output(ggml_mul_mat(g.context(), encoded.text, x));
  fusion_ = std::move(plan);
}

void Network::plan_decoder(int64_t count) {
  if (queries_ && queries_->count == count) return;
  queries_.reset();
  const int64_t d = config_.d_model, batch = image_->batch;

  auto plan = std::make_unique<DecoderPlan>(weights_.device());
  plan->count = count;
  Graph& g = plan->graph;
  ggml_context* c = g.context();
  plan->selected = g.input(GGML_TYPE_I32, {batch, count});
  plan->proposals = g.input(GGML_TYPE_F32, {batch, count, 4});
  ggml_tensor* image = image_->encoded.tensor();
  ggml_tensor* text = fusion_->text.tensor();
  // Rows without a valid proposal are zero in the official code; theirs is infinite here as there,
  // so their boxes are the same.
  ggml_tensor* x =
      proposal_norm_(g, proposal_projection_(g, ggml_get_rows(c, image, plan->selected)));
  ggml_tensor* boxes = ggml_sigmoid(c, ggml_add(c, proposal_boxes_(g, x), plan->proposals));
  ggml_tensor* queries =
      count == config_.queries ? query_embeddings_ : compute::rows(c, query_embeddings_, 0, count);
  queries = batch == 1 ? queries : ggml_repeat_4d(c, queries, d, count, batch, 1);
  const Decoder::Result result = decoder_(g, image_->levels, queries, boxes, image, text);
  plan->logits = g.output(ggml_mul_mat(c, text, result.queries));
  plan->boxes = g.output(result.boxes);
  queries_ = std::move(plan);
}

void Network::encode_image(const compute::Fill& pixels, int64_t batch, const MapSize& size) {
  plan_image(batch, size);
  image_->graph.fill(image_->input, pixels);
  image_->graph.run();
}

std::vector<float> Network::fuse(const TextFeatures& text) {
  plan_fusion(text.tokens);
  std::vector<float> features;
  for (int64_t i = 0; i < image_->batch; ++i) {
    features.insert(features.end(), text.features.begin(), text.features.end());
  }
  Graph& g = fusion_->graph;
  g.write(fusion_->features, features);
  g.write(fusion_->positions, text.positions);
  g.write(fusion_->mask, text.mask);
  g.run();
  return g.read(fusion_->logits);
}

Network::Queries Network::decode(std::span<const int32_t> selected) {
  const int64_t count = static_cast<int64_t>(selected.size()) / image_->batch;
  GGML_ASSERT(count > 0 && count <= config_.queries);
  plan_decoder(count);
  std::vector<float> guesses;
  for (int32_t pixel : selected) {
    const auto box = image_->proposals.begin() + 4 * static_cast<std::ptrdiff_t>(pixel);
    guesses.insert(guesses.end(), box, box + 4);
  }
  Graph& g = queries_->graph;
  g.write(queries_->selected, selected);
  g.write(queries_->proposals, guesses);
  g.run();
  return {count, g.read(queries_->logits), g.read(queries_->boxes)};
}

namespace {

std::vector<float> values_of(const compute::DeviceTensor& tensor) {
  std::vector<float> copy;
  const std::span<const float> values = tensor.read(copy);
  return {values.begin(), values.end()};
}

}  // namespace

const std::vector<MapSize>& Network::levels() const { return image_->levels; }

std::vector<float> Network::image_features() const { return values_of(image_->encoded); }

std::vector<float> Network::text_features() const { return values_of(fusion_->text); }

std::vector<int32_t> select_queries(std::span<const float> logits, int64_t batch, int64_t tokens,
                                    int64_t count) {
  const size_t pixels = logits.size() / static_cast<size_t>(batch * tokens);
  std::vector<int32_t> result;
  std::vector<float> best(pixels);
  std::vector<int32_t> order(pixels);
  for (int64_t image = 0; image < batch; ++image) {
    for (size_t i = 0; i < pixels; ++i) {
      const auto first =
          logits.begin() + static_cast<std::ptrdiff_t>((static_cast<size_t>(image) * pixels + i) *
                                                       static_cast<size_t>(tokens));
      best[i] = *std::max_element(first, first + tokens);
    }
    std::iota(order.begin(), order.end(), 0);
    const auto end = order.begin() + std::min(static_cast<std::ptrdiff_t>(count),
                                              static_cast<std::ptrdiff_t>(pixels));
    std::partial_sort(order.begin(), end, order.end(), [&](int32_t a, int32_t b) {
      const float x = best[static_cast<size_t>(a)], y = best[static_cast<size_t>(b)];
      return x != y ? x > y : a < b;
    });
    result.insert(result.end(), order.begin(), end);
  }
  return result;
}

}  // namespace alref::grounding_dino
