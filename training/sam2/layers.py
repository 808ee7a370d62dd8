# SPDX-License-Identifier: Apache-2.0
"""Layers shared by the parts of SAM 2.1. Shapes are written outermost first."""

from __future__ import annotations

import functools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Mlp(nn.Module):
    """Linear layers with an activation between them; a sigmoid at the end on request."""

    def __init__(
        self, inputs: int, hidden: int, outputs: int, depth: int, activation=F.relu, sigmoid=False
    ):
        super().__init__()
        sizes = [inputs, *[hidden] * (depth - 1), outputs]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))
        self._activation = activation
        self._sigmoid = sigmoid

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            x = self._activation(layer(x))
        x = self.layers[-1](x)
        return x.sigmoid() if self._sigmoid else x


class LayerNorm2d(nn.Module):
    """Layer norm over the channels of [B, C, H, W]."""

    def __init__(self, channels: int, eps: float = 1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self._eps = eps

    def forward(self, x: Tensor) -> Tensor:
        rows = x.permute(0, 2, 3, 1)
        rows = F.layer_norm(rows, self.weight.shape, self.weight, self.bias, self._eps)
        return rows.permute(0, 3, 1, 2)


class Attention(nn.Module):
    """Multi-head attention q [B, Nq, dim], k and v [B, Nk, key_dim] -> [B, Nq, dim].

    inner: width of the projections, a multiple of heads.
    """

    def __init__(self, dim: int, heads: int, inner: int | None = None, key_dim: int | None = None):
        super().__init__()
        inner, key_dim = inner or dim, key_dim or dim
        self.heads = heads
        self.q_proj = nn.Linear(dim, inner)
        self.k_proj = nn.Linear(key_dim, inner)
        self.v_proj = nn.Linear(key_dim, inner)
        self.out_proj = nn.Linear(inner, dim)

    def split(self, x: Tensor) -> Tensor:
        """[B, N, inner] -> [B, heads, N, inner / heads]."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        q, k, v = self.split(self.q_proj(q)), self.split(self.k_proj(k)), self.split(self.v_proj(v))
        return self.out_proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


@functools.lru_cache(maxsize=32)
def axial_rotation(dim: int, side: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines f32 [side * side, dim / 2] of axial rotary encoding, theta 10000.

    The first half of the pairs turns with x, the second with y, in tokens.
    """
    rate = 10000.0 ** (-torch.arange(0, dim, 4, device=device)[: dim // 4].float() / dim)
    place = torch.arange(side, device=device).float()
    x = place.repeat(side)[:, None] * rate
    y = place.repeat_interleave(side)[:, None] * rate
    angle = torch.cat([x, y], 1)
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn the pairs (2i, 2i + 1) of the last axis of x [..., N, dim] by angles [N, dim / 2]."""
    even, odd = x.float().unflatten(-1, (-1, 2)).unbind(-1)
    turned = torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1)
    return turned.flatten(-2).to(x.dtype)


class RotaryAttention(Attention):
    """Attention whose queries lie on a square grid, with rotary encoding of their place.

    Keys are one or several such grids one after another, then `unplaced` keys without a place.
    """

    def forward(self, q: Tensor, k: Tensor, v: Tensor, unplaced: int = 0) -> Tensor:
        q, k, v = self.split(self.q_proj(q)), self.split(self.k_proj(k)), self.split(self.v_proj(v))
        side = math.isqrt(q.shape[-2])
        cos, sin = axial_rotation(q.shape[-1], side, q.device)
        q = rotate(q, cos, sin)
        placed = k.shape[-2] - unplaced
        grids = placed // q.shape[-2]
        turned = rotate(k[:, :, :placed], cos.repeat(grids, 1), sin.repeat(grids, 1))
        k = torch.cat([turned, k[:, :, placed:]], 2) if unplaced else turned
        return self.out_proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


@functools.lru_cache(maxsize=32)
def sine_position(dim: int, height: int, width: int, device: torch.device) -> Tensor:
    """Sine embedding of places, f32 [1, dim, height, width]: y in the first half, x in the second.

    Places count from 1 and are scaled so that the last is 2 pi.
    """
    half = dim // 2
    rate = 10000.0 ** (
        2 * torch.div(torch.arange(half, device=device), 2, rounding_mode="floor") / half
    )

    def encode(n: int) -> Tensor:
        place = torch.arange(1, n + 1, device=device).float()
        angle = (place / (n + 1e-6) * 2 * math.pi)[:, None] / rate
        return torch.stack([angle[:, 0::2].sin(), angle[:, 1::2].cos()], 2).flatten(1)

    y = encode(height)[:, None].expand(height, width, half)
    x = encode(width)[None].expand(height, width, half)
    return torch.cat([y, x], 2).permute(2, 0, 1)[None].contiguous()


def sine_time(place: Tensor, dim: int) -> Tensor:
    """Sine embedding f32 [n, dim] of times [n]."""
    half = dim // 2
    i = torch.arange(half, device=place.device)
    rate = 10000.0 ** (2 * torch.div(i, 2, rounding_mode="floor") / half)
    angle = place.float()[:, None] / rate
    return torch.cat([angle.sin(), angle.cos()], 1)
