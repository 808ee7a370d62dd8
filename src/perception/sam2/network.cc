// SPDX-License-Identifier: Apache-2.0
#include "perception/sam2/network.h"

#include <algorithm>

namespace alref::sam2 {

using compute::Graph;

struct Network::Encoding {
  explicit Encoding(Network& network) : graph(*network.device_) {
    const int64_t size = network.config_.image_size;
    image = graph.input(GGML_TYPE_F32, {1, size, size, 3});
    network.image_encoder_(graph, image, network.features_);
  }

  Graph graph;
  ggml_tensor* image;
};

struct Network::Decoding {
  Decoding(Network& network, const DecodingKey& key) : graph(*network.device_, /*max_nodes=*/1024) {
    ggml_context* c = graph.context();
    const Config& config = network.config_;
    ggml_tensor* image = network.features_.embedding.tensor();
    if (key.view == View::kWithoutMemory) image = ggml_add(c, image, network.no_memory_);
    if (key.has_mask) {
      mask = graph.input(GGML_TYPE_F32, {1, config.mask_size(), config.mask_size(), 1});
      ggml_tensor* dense = network.prompt_encoder_.encode_mask(graph, mask);
      image = ggml_add(c, image, ggml_reshape_2d(c, dense, image->ne[0], image->ne[1]));
    } else {
      image = ggml_add(c, image, network.prompt_encoder_.no_mask());
    }
    tokens = graph.input(GGML_TYPE_F32, {key.tokens, config.dim});
    result = network.mask_decoder_(graph, image, network.prompt_encoder_.image_positions(), tokens,
                                   network.features_);
    graph.output(result.masks);
    graph.output(result.ious);
    graph.output(result.object_score);
    pointers = graph.output(network.pointer_proj_(graph, result.mask_tokens));
  }

  Graph graph;
  ggml_tensor* tokens;
  ggml_tensor* mask = nullptr;
  MaskDecoder::Result result;
  ggml_tensor* pointers;
};

Network::Network(const std::filesystem::path& path, std::shared_ptr<compute::Device> device)
    : device_(std::move(device)),
      weights_(compute::Weights::open(path, *device_)),
      config_(read_config(weights_.file())),
      image_encoder_(weights_, config_),
      prompt_encoder_(weights_ / "sam_prompt_encoder", config_),
      mask_decoder_(weights_ / "sam_mask_decoder", config_),
      pointer_proj_(weights_ / "obj_ptr_proj",
                    {config_.dim, config_.dim, config_.dim, config_.dim}),
      no_memory_(weights_.f32("no_mem_embed", {1, 1, config_.dim})),
      features_(*device_, config_) {}

Network::~Network() = default;

void Network::encode(std::span<const float> image) {
  if (!encoding_) encoding_ = std::make_unique<Encoding>(*this);
  encoding_->graph.write(encoding_->image, image);
  encoding_->graph.run();
  ++encoder_runs_;
}

Network::Decoding& Network::decoding(const DecodingKey& key) {
  constexpr size_t kMaxGraphs = 32;
  auto it = decodings_.find(key);
  if (it == decodings_.end()) {
    if (decodings_.size() >= kMaxGraphs) decodings_.clear();
    it = decodings_.emplace(key, std::make_unique<Decoding>(*this, key)).first;
  }
  return *it->second;
}

Decoded Network::decode(View view, const std::optional<PromptPoints>& points,
                        const FloatMap* mask) {
  std::vector<float> tokens = mask_decoder_.own_tokens();
  if (points) {
    const std::vector<float> prompt = prompt_encoder_.encode(*points);
    tokens.insert(tokens.end(), prompt.begin(), prompt.end());
  }
  Decoding& stage = decoding({.view = view,
                              .tokens = static_cast<int64_t>(tokens.size()) / config_.dim,
                              .has_mask = mask != nullptr});
  stage.graph.write(stage.tokens, tokens);
  if (mask) stage.graph.write(stage.mask, mask->values);
  stage.graph.run();

  const auto size = static_cast<int>(config_.mask_size());
  const std::vector<float> masks = stage.graph.read(stage.result.masks);
  const std::vector<float> pointers = stage.graph.read(stage.pointers);
  Decoded result;
  result.ious = stage.graph.read(stage.result.ious);
  result.object_score = stage.graph.read(stage.result.object_score).front();
  for (int64_t i = 0; i < config_.decoder.mask_tokens(); ++i) {
    FloatMap& map = result.masks.emplace_back(size, size);
    std::copy_n(masks.begin() + i * size * size, map.values.size(), map.values.begin());
    result.pointers.emplace_back(pointers.begin() + i * config_.dim,
                                 pointers.begin() + (i + 1) * config_.dim);
  }
  return result;
}

}  // namespace alref::sam2
