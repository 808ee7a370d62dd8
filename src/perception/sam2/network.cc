// SPDX-License-Identifier: Apache-2.0
#include "perception/sam2/network.h"

#include <algorithm>

#include "compute/nn/resize.h"

namespace alref::sam2 {

using compute::Graph;

namespace {

constexpr int64_t kMaskStride = 4;       // of low-resolution masks
constexpr size_t kMaxStageNodes = 1024;  // of all stages but the image encoder
constexpr size_t kMaxGraphs = 32;        // kept for one stage, by its inputs' sizes

}  // namespace

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
  Decoding(Network& network, const DecodingKey& key) : graph(*network.device_, kMaxStageNodes) {
    ggml_context* c = graph.context();
    const Config& config = network.config_;
    ggml_tensor* image = key.view == View::kConditioned ? network.conditioned_.tensor()
                                                        : network.features_.embedding.tensor();
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
    keep_exact(result.masks, key.tokens);
  }

  // In f32 whatever the device's precision: the masks and all products of tokens. They are next to
  // nothing of the work, and what they are wrong by is wrong in every pixel of a mask.
  void keep_exact(ggml_tensor* masks, int64_t token_rows) const {
    ggml_context* c = graph.context();
    for (ggml_tensor* t = ggml_get_first_tensor(c); t; t = ggml_get_next_tensor(c, t)) {
      if (t->op == GGML_OP_MUL_MAT && (t == masks || ggml_nrows(t->src[1]) <= token_rows))
        ggml_prec_set_acc(t, GGML_PREC_F32);
    }
  }

  Graph graph;
  ggml_tensor* tokens;
  ggml_tensor* mask = nullptr;
  MaskDecoder::Result result;
  ggml_tensor* pointers;
};

struct Network::Preparing {
  explicit Preparing(Network& network) : graph(*network.device_, kMaxStageNodes) {
    graph.store(network.memory_attention_.prepare(graph, network.features_.embedding.tensor()),
                network.prepared_);
  }

  Graph graph;
};

struct Network::Conditioning {
  Conditioning(Network& network, int64_t frame_count, int64_t pointer_count)
      : graph(*network.device_, kMaxStageNodes) {
    const Config& config = network.config_;
    const int64_t pixels = config.map_size() * config.map_size();
    const int64_t parts = config.dim / config.memory.dim;
    memory.tokens = graph.input(GGML_TYPE_F32,
                                {frame_count * pixels + pointer_count * parts, config.memory.dim});
    memory.times = graph.input(GGML_TYPE_I32, {frame_count});
    memory.pointer_times = pointer_count && config.memory.pointers_have_time
                               ? graph.input(GGML_TYPE_F32, {pointer_count, config.dim})
                               : nullptr;
    graph.store(network.memory_attention_(graph, network.prepared_.tensor(), memory),
                network.conditioned_);
  }

  Graph graph;
  MemoryAttention::Memory memory{};
};

struct Network::Remembering {
  Remembering(Network& network, bool binary) : graph(*network.device_, kMaxStageNodes) {
    ggml_context* c = graph.context();
    const Config& config = network.config_;
    const int64_t size = config.image_size;
    mask = graph.input(GGML_TYPE_F32, {config.mask_size(), config.mask_size()});
    ggml_tensor* map = ggml_reshape_4d(c, mask, 1, mask->ne[0], mask->ne[1], 1);
    ggml_tensor* large = compute::nn::resize(graph, map, size, size, Resampling::kBilinear);
    large = ggml_reshape_2d(c, large, size, size);
    large = binary ? ggml_step(c, large) : ggml_sigmoid(c, large);
    large = ggml_scale_bias(c, large, static_cast<float>(config.memory.mask_scale),
                            static_cast<float>(config.memory.mask_bias));
    memory = graph.output(network.memory_encoder_(graph, network.features_.embedding.tensor(),
                                                  ggml_reshape_4d(c, large, 1, size, size, 1)));
  }

  Graph graph;
  ggml_tensor* mask;
  ggml_tensor* memory;
};

Network::Network(const std::filesystem::path& path, std::shared_ptr<compute::Device> device)
    : device_(std::move(device)),
      weights_(compute::Weights::open(path, *device_)),
      config_(read_config(weights_.file())),
      image_encoder_(weights_, config_),
      prompt_encoder_(weights_ / "sam_prompt_encoder", config_),
      mask_decoder_(weights_ / "sam_mask_decoder", config_),
      memory_attention_(weights_, config_),
      memory_encoder_(weights_ / "memory_encoder", config_),
      pointer_proj_(weights_ / "obj_ptr_proj",
                    {config_.dim, config_.dim, config_.dim, config_.dim}),
      no_memory_(weights_.f32("no_mem_embed", {1, 1, config_.dim})),
      absent_pointer_(weights_.values("no_obj_ptr", {1, config_.dim})),
      mask_input_weight_(
          (weights_ / "mask_downsample").values("weight", {1, 1, kMaskStride, kMaskStride})),
      mask_input_bias_((weights_ / "mask_downsample").values("bias", {1})),
      features_(*device_, config_),
      prepared_(*device_, GGML_TYPE_F32, {config_.map_size() * config_.map_size(), config_.dim}),
      conditioned_(*device_, GGML_TYPE_F32,
                   {config_.map_size() * config_.map_size(), config_.dim}) {
  if (config_.memory.encodes_absence) {
    absent_memory_ = weights_.values("no_obj_embed_spatial", {1, config_.memory.dim});
  }
}

Network::~Network() = default;

void Network::encode(const compute::Fill& image) {
  if (!encoding_) encoding_ = std::make_unique<Encoding>(*this);
  encoding_->graph.fill(encoding_->image, image);
  encoding_->graph.run();
  ++encoder_runs_;
  is_prepared_ = false;
}

void Network::restore(const compute::Fill& fill) {
  is_prepared_ = false;
  for (compute::DeviceTensor* part : {&features_.embedding, &features_.stride8, &features_.stride4})
    part->fill(fill);
}

Network::Decoding& Network::decoding(const DecodingKey& key) {
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

void Network::prepare() {
  if (is_prepared_) return;
  if (!preparing_) preparing_ = std::make_unique<Preparing>(*this);
  preparing_->graph.run();
  is_prepared_ = true;
}

void Network::condition(const MemoryTokens& memory) {
  prepare();
  const std::pair key(static_cast<int64_t>(memory.times.size()),
                      static_cast<int64_t>(memory.pointers.size()) / config_.dim);
  auto it = conditionings_.find(key);
  if (it == conditionings_.end()) {
    if (conditionings_.size() >= kMaxGraphs) conditionings_.clear();
    it = conditionings_.emplace(key, std::make_unique<Conditioning>(*this, key.first, key.second))
             .first;
  }
  Conditioning& stage = *it->second;
  std::vector<std::span<const float>> tokens = memory.frames;
  tokens.emplace_back(memory.pointers);
  stage.graph.write(stage.memory.tokens, tokens);
  stage.graph.write(stage.memory.times, memory.times);
  if (stage.memory.pointer_times)
    stage.graph.write(stage.memory.pointer_times, memory.pointer_times);
  stage.graph.run();
}

std::vector<float> Network::remember(const FloatMap& mask, bool binary, bool visible) {
  std::unique_ptr<Remembering>& stage = remembering_[binary];
  if (!stage) stage = std::make_unique<Remembering>(*this, binary);
  stage->graph.write(stage->mask, mask.values);
  stage->graph.run();
  std::vector<float> memory = stage->graph.read(stage->memory);
  if (!visible && !absent_memory_.empty()) {
    for (size_t i = 0; i < memory.size(); ++i)
      memory[i] += absent_memory_[i % absent_memory_.size()];
  }
  return memory;
}

FloatMap Network::mask_input(const Mask& mask) const {
  const auto size = static_cast<int>(config_.mask_size());
  FloatMap result(size, size);
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      float sum = mask_input_bias_[0];
      for (int i = 0; i < kMaskStride * kMaskStride; ++i) {
        const uint8_t pixel =
            mask.row(kMaskStride * y + i / kMaskStride)[kMaskStride * x + i % kMaskStride];
        if (pixel) sum += mask_input_weight_[static_cast<size_t>(i)];
      }
      result.row(y)[x] = sum;
    }
  }
  return result;
}

}  // namespace alref::sam2
