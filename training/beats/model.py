# SPDX-License-Identifier: Apache-2.0
"""BEATs with its classifier. Own code under the official module names (microsoft/unilm, beats/)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..sounds.filter_banks import filter_banks
from .config import Config

MEL_BINS = 128
_MEAN, _STD = 15.41663, 6.55582  # of the filter banks (BEATs.preprocess)
_SCALE = 32768.0  # the official code takes 16-bit samples


def buckets(tokens: int, count: int, farthest: int) -> Tensor:
    """Relative places of keys seen from queries, as rows of the table of biases: i64 [n, n].

    T5's rule: half of the rows for keys behind the query; near ones exactly, far ones by logarithm.
    """
    at = torch.arange(tokens)
    apart = at[None, :] - at[:, None]
    half = count // 2
    exact = half // 2
    distance = apart.abs()
    far = torch.log(distance.clamp(min=1).float() / exact) / math.log(farthest / exact)
    far = (exact + far * (half - exact)).long().clamp(max=half - 1)
    return (apart > 0).long() * half + torch.where(distance < exact, distance, far)


class Attention(nn.Module):
    """Self-attention whose position bias each query scales by gates of its own (gru_rel_pos)."""

    def __init__(self, c: Config):
        super().__init__()
        dim = c.encoder_embed_dim
        self.heads = c.encoder_attention_heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (
            nn.Linear(dim, dim) for _ in range(4)
        )
        self.relative_attention_bias = nn.Embedding(c.num_buckets, self.heads)
        self.grep_linear = nn.Linear(dim // self.heads, 8)
        self.grep_a = nn.Parameter(torch.ones(1, self.heads, 1, 1))

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """x [B, N, dim], bias [heads, N, N] -> [B, N, dim]."""
        q, k, v = (
            p(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for p in (self.q_proj, self.k_proj, self.v_proj)
        )
        gates = self.grep_linear(q).unflatten(-1, (2, 4)).sum(-1).sigmoid()
        a, b = gates.split(1, -1)
        bias = (a * (b * self.grep_a - 1) + 2) * bias
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.to(q.dtype))
        return self.out_proj(y.transpose(1, 2).flatten(2))


class Layer(nn.Module):
    """Post-norm layer with DeepNorm's scaled residuals (arXiv:2203.00555)."""

    def __init__(self, c: Config):
        super().__init__()
        self.self_attn = Attention(c)
        self.self_attn_layer_norm = nn.LayerNorm(c.encoder_embed_dim)
        self.fc1 = nn.Linear(c.encoder_embed_dim, c.encoder_ffn_embed_dim)
        self.fc2 = nn.Linear(c.encoder_ffn_embed_dim, c.encoder_embed_dim)
        self.final_layer_norm = nn.LayerNorm(c.encoder_embed_dim)
        self.alpha = (2 * c.encoder_layers) ** 0.25

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        x = self.self_attn_layer_norm(self.alpha * x + self.self_attn(x, bias))
        return self.final_layer_norm(self.alpha * x + self.fc2(F.gelu(self.fc1(x))))


class PositionConv(nn.Conv1d):
    """The convolution of positions; its kernel's taps have lengths of their own (weight_norm)."""

    def __init__(self, c: Config):
        dim, kernel = c.encoder_embed_dim, c.conv_pos
        super().__init__(dim, dim, kernel, padding=kernel // 2, groups=c.conv_pos_groups)
        weight = torch.randn_like(self.weight) * (4 / (kernel * dim)) ** 0.5
        del self.weight
        self.weight_g = nn.Parameter(weight.norm(dim=(0, 1), keepdim=True))
        self.weight_v = nn.Parameter(weight)

    def forward(self, x: Tensor) -> Tensor:
        """[B, dim, N] -> [B, dim, N]; an even kernel makes one token too many, which falls away."""
        weight = self.weight_v * (self.weight_g / self.weight_v.norm(dim=(0, 1), keepdim=True))
        y = F.conv1d(x, weight, self.bias, padding=self.padding, groups=self.groups)
        return y[..., : x.shape[-1]]


class Encoder(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.config = c
        self.pos_conv = nn.ModuleList([PositionConv(c)])
        self.layers = nn.ModuleList(Layer(c) for _ in range(c.encoder_layers))
        for layer in self.layers[1:]:  # one table for all
            layer.self_attn.relative_attention_bias = self.layers[
                0
            ].self_attn.relative_attention_bias
        self.layer_norm = nn.LayerNorm(c.encoder_embed_dim)

    def forward(self, x: Tensor) -> Tensor:
        c = self.config
        x = self.layer_norm(x + F.gelu(self.pos_conv[0](x.transpose(1, 2))).transpose(1, 2))
        rows = buckets(x.shape[1], c.num_buckets, c.max_distance).to(x.device)
        bias = self.layers[0].self_attn.relative_attention_bias(rows).permute(2, 0, 1)
        for layer in self.layers:
            x = layer(x, bias)
        return x


class Beats(nn.Module):
    """Samples in [-1, 1] at 16 kHz, f32 [B, n] -> logits [B, classes]."""

    def __init__(self, config: Config):
        super().__init__()
        c = self.config = config
        side = c.input_patch_size
        self.patch_embedding = nn.Conv2d(1, c.embed_dim, side, side, bias=c.conv_bias)
        self.layer_norm = nn.LayerNorm(c.embed_dim)
        if c.embed_dim != c.encoder_embed_dim:
            self.post_extract_proj = nn.Linear(c.embed_dim, c.encoder_embed_dim)
        self.encoder = Encoder(c)
        self.predictor = nn.Linear(c.encoder_embed_dim, c.predictor_class)

    def initialise(self) -> Beats:
        """Xavier's weights with DeepNorm's gains; the classifier starts at rare classes."""
        gain = (8 * self.config.encoder_layers) ** -0.25
        for name, p in self.encoder.layers.named_parameters():
            if name.endswith(("q_proj.weight", "k_proj.weight")):
                nn.init.xavier_normal_(p)
            elif name.endswith(("v_proj.weight", "out_proj.weight", "fc1.weight", "fc2.weight")):
                nn.init.xavier_normal_(p, gain)
            elif name.endswith(("_proj.bias", "fc1.bias", "fc2.bias")):
                nn.init.zeros_(p)
        nn.init.normal_(self.encoder.layers[0].self_attn.relative_attention_bias.weight, std=0.02)
        nn.init.normal_(self.predictor.weight, std=0.02)
        nn.init.constant_(self.predictor.bias, -5.0)
        return self

    def energies(self, samples: Tensor) -> Tensor:
        """Normalised filter banks [B, frames, 128]."""
        return (filter_banks(samples * _SCALE, MEL_BINS, "povey") - _MEAN) / (2 * _STD)

    def tokens(self, energies: Tensor) -> Tensor:
        """[B, frames, 128] -> [B, N, width]; mel bins go first, then time."""
        x = self.patch_embedding(energies[:, None]).flatten(2).transpose(1, 2)
        x = self.layer_norm(x)
        if self.config.embed_dim != self.config.encoder_embed_dim:
            x = self.post_extract_proj(x)
        return self.encoder(x)

    def forward(self, samples: Tensor) -> Tensor:
        return self.predictor(self.tokens(self.energies(samples))).mean(1)
