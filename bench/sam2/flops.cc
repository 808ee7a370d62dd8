// SPDX-License-Identifier: Apache-2.0
#include "sam2/flops.h"

#include <cmath>

namespace alref::sam2 {
namespace {

double product(int64_t rows, int64_t in, int64_t out) {
  return 2.0 * static_cast<double>(rows) * static_cast<double>(in) * static_cast<double>(out);
}

int64_t padded(int64_t side, int64_t window) { return (side + window - 1) / window * window; }

double trunk(const Config& config) {
  int64_t side = config.image_size / 4;
  double sum = product(side * side, 3 * 7 * 7, config.trunk.embed_dim);
  for (const BlockConfig& block : config.trunk.blocks()) {
    const int64_t window = block.window > 0 ? block.window : side;
    const int64_t whole = padded(side, window), keys = window * window;
    const int64_t out_side = block.pools ? side / 2 : side,
                  queries = block.pools ? whole / 2 : whole;
    sum += product(whole * whole, block.dim, 3 * block.dim_out);
    sum += 2 * product(queries * queries, keys, block.dim_out);
    sum += product(queries * queries, block.dim_out, block.dim_out);
    sum += product(
        out_side * out_side, block.dim_out,
        2 * static_cast<int64_t>(static_cast<double>(block.dim_out) * config.trunk.mlp_ratio));
    if (block.dim != block.dim_out) sum += product(side * side, block.dim, block.dim_out);
    side = out_side;
  }
  return sum;
}

double neck(const Config& config) {
  double sum = 0;
  for (size_t stage = 0; stage < 4; ++stage) {
    const int64_t side = config.image_size >> (2 + stage);
    sum += product(side * side, config.trunk.stage_dim(stage), config.dim);
    if (stage < 2) sum += product(side * side, config.dim, config.dim / (stage == 0 ? 8 : 4));
  }
  return sum;
}

double memory_attention(const Config& config, int64_t frames, int64_t pointers) {
  const int64_t d = config.dim, m = config.memory.dim,
                pixels = config.map_size() * config.map_size();
  const int64_t keys = frames * pixels + pointers * (d / m);
  const double self = 4 * product(pixels, d, d) + 2 * product(pixels, pixels, d);
  const double cross =
      2 * product(pixels, d, d) + 2 * product(keys, m, d) + 2 * product(pixels, keys, d);
  return static_cast<double>(config.memory.layers) *
         (self + cross + 2 * product(pixels, d, config.memory.mlp_dim));
}

double decoder(const Config& config) {
  constexpr int64_t kTokens = 8;  // two of a prompt
  const int64_t d = config.dim, pixels = config.map_size() * config.map_size();
  const double token_to_image = product(pixels, d, d) + 2 * product(kTokens, pixels, d / 2);
  const double image_to_token = product(pixels, d, d) + 2 * product(pixels, kTokens, d / 2);
  double sum = token_to_image;
  sum += static_cast<double>(config.decoder.layers) *
         (token_to_image + image_to_token + 2 * product(kTokens, d, config.decoder.mlp_dim));
  sum +=
      product(pixels, d, d) + product(4 * pixels, d / 4, d / 2);  // the two transposed convolutions
  return sum + product(16 * pixels, d / 8, config.decoder.mask_tokens());
}

double memory_encoder(const Config& config) {
  const int64_t d = config.dim, pixels = config.map_size() * config.map_size();
  double sum = 0;
  for (int64_t i = 0; i < 4; ++i) {
    const int64_t side = config.image_size >> (i + 1), in = int64_t{1} << (2 * i);
    sum += product(side * side, 9 * in, 4 * in);
  }
  sum += product(pixels, 256, d) + product(pixels, d, d) + product(pixels, d, config.memory.dim);
  return sum + static_cast<double>(config.memory.fuser_layers) *
                   (product(pixels, 49, d) + 2 * product(pixels, d, 4 * d));
}

}  // namespace

Flops count_flops(const Config& config, int64_t frames, int64_t pointers) {
  return {.encoder = (trunk(config) + neck(config)) / 1e9,
          .memory_attention = memory_attention(config, frames, pointers) / 1e9,
          .decoder = decoder(config) / 1e9,
          .memory_encoder = memory_encoder(config) / 1e9};
}

}  // namespace alref::sam2
