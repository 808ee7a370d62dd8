# SPDX-License-Identifier: Apache-2.0
"""Memory of SAM 2.1: how a frame and its mask are remembered, and how a new frame remembers."""

from __future__ import annotations

import torch.nn.functional as F
import torch
from torch import Tensor, nn

from .config import Config
from .layers import LayerNorm2d, RotaryAttention


class MemoryAttentionLayer(nn.Module):
    """Self-attention, attention to the memory, and a feed-forward part, each normed before."""

    def __init__(self, c: Config):
        super().__init__()
        self.self_attn = RotaryAttention(c.dim, c.memory_heads)
        self.cross_attn_image = RotaryAttention(c.dim, c.memory_heads, key_dim=c.mem_dim)
        self.linear1 = nn.Linear(c.dim, c.memory_mlp)
        self.linear2 = nn.Linear(c.memory_mlp, c.dim)
        self.norm1 = nn.LayerNorm(c.dim)
        self.norm2 = nn.LayerNorm(c.dim)
        self.norm3 = nn.LayerNorm(c.dim)

    def forward(self, x: Tensor, keys: Tensor, memory: Tensor, pointers: int) -> Tensor:
        y = self.norm1(x)
        x = x + self.self_attn(y, y, y)
        x = x + self.cross_attn_image(self.norm2(x), keys, memory, pointers)
        return x + self.linear2(F.relu(self.linear1(self.norm3(x))))


class MemoryAttention(nn.Module):
    """Frame features [B, N, dim] -> the same, knowing the memory [B, M, mem_dim].

    place [1, N, dim] and memory_place [B or 1, M, mem_dim] are position embeddings; the last
    `pointers` tokens of the memory have no place in the image.
    """

    def __init__(self, c: Config):
        super().__init__()
        self.layers = nn.ModuleList(MemoryAttentionLayer(c) for _ in range(c.memory_layers))
        self.norm = nn.LayerNorm(c.dim)

    def forward(
        self, x: Tensor, place: Tensor, memory: Tensor, memory_place: Tensor, pointers: int
    ) -> Tensor:
        x = x + 0.1 * place
        keys = memory + memory_place
        for layer in self.layers:
            x = layer(x, keys, memory, pointers)
        return self.norm(x)


class MaskDownSampler(nn.Module):
    """Masks [B, 1, 16 * side, 16 * side] -> [B, dim, side, side] in four strided steps."""

    def __init__(self, dim: int):
        super().__init__()
        self.encoder = nn.Sequential()
        channels = 1
        for _ in range(4):
            self.encoder.append(nn.Conv2d(channels, channels * 4, 3, stride=2, padding=1))
            channels *= 4
            self.encoder.append(LayerNorm2d(channels))
            self.encoder.append(nn.GELU())
        self.encoder.append(nn.Conv2d(channels, dim, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.encoder(x)


class ConvNextBlock(nn.Module):
    """ConvNeXt block (arXiv:2201.03545) on [B, dim, H, W]."""

    def __init__(self, dim: int):
        super().__init__()
        self.dwconv = nn.Conv2d(dim, dim, 7, padding=3, groups=dim)
        self.norm = LayerNorm2d(dim)
        self.pwconv1 = nn.Linear(dim, 4 * dim)
        self.pwconv2 = nn.Linear(4 * dim, dim)
        self.gamma = nn.Parameter(torch.full((dim,), 0.1))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.dwconv(x)).permute(0, 2, 3, 1)
        y = self.gamma * self.pwconv2(F.gelu(self.pwconv1(y)))
        return x + y.permute(0, 3, 1, 2)


class Fuser(nn.Module):
    """Blocks one after another."""

    def __init__(self, dim: int, depth: int):
        super().__init__()
        self.layers = nn.ModuleList(ConvNextBlock(dim) for _ in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


class MemoryEncoder(nn.Module):
    """Features [B, dim, side, side] and scaled masks [B, 1, S, S] -> [B, mem_dim, side, side]."""

    def __init__(self, c: Config):
        super().__init__()
        self.mask_downsampler = MaskDownSampler(c.dim)
        self.pix_feat_proj = nn.Conv2d(c.dim, c.dim, 1)
        self.fuser = Fuser(c.dim, c.fuser_layers)
        self.out_proj = nn.Conv2d(c.dim, c.mem_dim, 1)

    def forward(self, features: Tensor, masks: Tensor) -> Tensor:
        x = self.pix_feat_proj(features) + self.mask_downsampler(masks)
        return self.out_proj(self.fuser(x))
