# SPDX-License-Identifier: Apache-2.0
"""Swin Transformer (arXiv 2103.14030) with the module names of the official GroundingDINO."""

import torch
import torch.nn.functional as F
from torch import nn


def _windows(x, w):
    """[B, H, W, C] -> [B * H/w * W/w, w * w, C]"""
    b, h, wd, c = x.shape
    return x.view(b, h // w, w, wd // w, w, c).transpose(2, 3).reshape(-1, w * w, c)


def _unwindows(x, w, h, wd):
    """Inverse of _windows for a map of h x wd."""
    return x.view(-1, h // w, wd // w, w, w, x.shape[-1]).transpose(2, 3).reshape(-1, h, wd, x.shape[-1])


def shift_mask(h, w, window):
    """Additive mask [windows, window^2, window^2] of the shifted partition: -100 between regions."""
    region = torch.zeros(1, h, w, 1)
    cuts = (slice(0, -window), slice(-window, -(window // 2)), slice(-(window // 2), None))
    for i, rows in enumerate(cuts):
        for j, cols in enumerate(cuts):
            region[:, rows, cols] = 3 * i + j
    region = _windows(region, window).squeeze(-1)
    return torch.where(region[:, None] == region[:, :, None], 0.0, -100.0)


def _relative_index(w):
    y, x = torch.meshgrid(torch.arange(w), torch.arange(w), indexing="ij")
    y, x = y.flatten(), x.flatten()
    return (y[:, None] - y[None] + w - 1) * (2 * w - 1) + x[:, None] - x[None] + w - 1


class WindowAttention(nn.Module):
    """Attention inside windows with a learned bias for each offset. x [N, w*w, dim]."""

    def __init__(self, dim, window, heads):
        super().__init__()
        self.heads = heads
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        self.register_buffer("relative_position_index", _relative_index(window))
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def forward(self, x, mask):
        n, area, dim = x.shape
        q, k, v = self.qkv(x).view(n, area, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        bias = self.relative_position_bias_table[self.relative_position_index.view(-1)]
        bias = bias.view(area, area, -1).permute(2, 0, 1)
        a = (q * (dim // self.heads) ** -0.5) @ k.transpose(-2, -1) + bias
        if mask is not None:
            a = (a.view(-1, len(mask), self.heads, area, area) + mask[:, None]).view(a.shape)
        return self.proj((a.softmax(-1).to(v.dtype) @ v).transpose(1, 2).reshape(n, area, dim))


class _Mlp(nn.Module):
    def __init__(self, dim, inner):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dim, inner), nn.Linear(inner, dim)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class _Block(nn.Module):
    def __init__(self, dim, heads, window, shifted):
        super().__init__()
        self.window, self.shift = window, window // 2 if shifted else 0
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = WindowAttention(dim, window, heads)
        self.mlp = _Mlp(dim, 4 * dim)

    def forward(self, x, mask):
        _, h, w, _ = x.shape
        down, right = -h % self.window, -w % self.window
        y = F.pad(self.norm1(x), (0, 0, 0, right, 0, down))
        if self.shift:
            y = y.roll((-self.shift, -self.shift), (1, 2))
        y = self.attn(_windows(y, self.window), mask if self.shift else None)
        y = _unwindows(y, self.window, h + down, w + right)
        if self.shift:
            y = y.roll((self.shift, self.shift), (1, 2))
        x = x + y[:, :h, :w]
        return x + self.mlp(self.norm2(x))


class _PatchMerging(nn.Module):
    """[B, H, W, C] -> [B, ceil(H/2), ceil(W/2), 2C]"""

    def __init__(self, dim):
        super().__init__()
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = nn.LayerNorm(4 * dim)

    def forward(self, x):
        x = F.pad(x, (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2))
        quarters = [x[:, i::2, j::2] for j in (0, 1) for i in (0, 1)]
        return self.reduction(self.norm(torch.cat(quarters, -1)))


class _Stage(nn.Module):
    def __init__(self, dim, depth, heads, window, downsample):
        super().__init__()
        self.window = window
        self.blocks = nn.ModuleList(_Block(dim, heads, window, i % 2 == 1) for i in range(depth))
        self.downsample = _PatchMerging(dim) if downsample else None
        self._masks = {}

    def forward(self, x):
        """-> the stage's output, and the next stage's input"""
        h, w = (s + -s % self.window for s in x.shape[1:3])
        if (h, w) not in self._masks:
            self._masks[h, w] = shift_mask(h, w, self.window)
        mask = self._masks[h, w].to(x.device)
        for block in self.blocks:
            x = block(x, mask)
        return x, self.downsample(x) if self.downsample is not None else None


class _PatchEmbed(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.proj = nn.Conv2d(3, dim, 4, 4)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        x = F.pad(x, (0, -x.shape[3] % 4, 0, -x.shape[2] % 4))
        return self.norm(self.proj(x).permute(0, 2, 3, 1))


class Swin(nn.Module):
    """images [B, 3, H, W] -> maps of strides 8, 16, 32, each [B, h, w, channels], normalised."""

    def __init__(self, c):
        super().__init__()
        self.patch_embed = _PatchEmbed(c.embed_dim)
        self.layers = nn.ModuleList(
            _Stage(c.swin_width(i), c.depths[i], c.swin_heads[i], c.window_size, i < 3)
            for i in range(4)
        )
        for i in (1, 2, 3):
            self.add_module(f"norm{i}", nn.LayerNorm(c.swin_width(i)))

    def forward(self, images):
        x, maps = self.patch_embed(images), []
        for i, stage in enumerate(self.layers):
            out, x = stage(x)
            if i:
                maps.append(getattr(self, f"norm{i}")(out))
        return maps
