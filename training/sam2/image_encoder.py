# SPDX-License-Identifier: Apache-2.0
"""Image encoder of SAM 2.1: a Hiera trunk (arXiv:2306.00989) and a feature pyramid neck."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import Config
from .layers import Mlp


def _pool(x: Tensor) -> Tensor:
    """Largest of each 2 x 2 tokens: [B, H, W, C] -> [B, H / 2, W / 2, C]."""
    return F.max_pool2d(x.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)


class TrunkAttention(nn.Module):
    """Self-attention over all tokens of [B, H, W, C]; pools its queries on request."""

    def __init__(self, dim: int, out: int, heads: int, pool: bool):
        super().__init__()
        self.qkv = nn.Linear(dim, out * 3)
        self.proj = nn.Linear(out, out)
        self._heads = heads
        self._pool = pool

    def forward(self, x: Tensor) -> Tensor:
        b = len(x)
        q, k, v = self.qkv(x).chunk(3, -1)
        if self._pool:
            q = _pool(q)
        out_h, out_w = q.shape[1:3]

        def split(t: Tensor) -> Tensor:
            return t.reshape(b, -1, self._heads, t.shape[-1] // self._heads).transpose(1, 2)

        y = F.scaled_dot_product_attention(split(q), split(k), split(v))
        return self.proj(y.transpose(1, 2).reshape(b, out_h, out_w, -1))


class TrunkBlock(nn.Module):
    """Transformer block of Hiera; window 0 attends to the whole image."""

    def __init__(self, dim: int, out: int, heads: int, window: int, pool: bool):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = TrunkAttention(dim, out, heads, pool)
        self.norm2 = nn.LayerNorm(out, eps=1e-6)
        self.mlp = Mlp(out, out * 4, out, 2, F.gelu)
        if dim != out:
            self.proj = nn.Linear(dim, out)
        self._widens = dim != out
        self._window = window
        self._pool = pool

    def _attend_in_windows(self, x: Tensor) -> Tensor:
        b, h, w, c = x.shape
        n = self._window
        x = F.pad(x, (0, 0, 0, -w % n, 0, -h % n))  # zeros; they are attended to, as in Hiera
        rows, columns = x.shape[1] // n, x.shape[2] // n
        x = x.view(b, rows, n, columns, n, c).transpose(2, 3).reshape(-1, n, n, c)
        x = self.attn(x)
        n, c = x.shape[1], x.shape[3]
        x = x.view(b, rows, columns, n, n, c).transpose(2, 3).reshape(b, rows * n, columns * n, c)
        return x[:, : h // 2, : w // 2] if self._pool else x[:, :h, :w]

    def forward(self, x: Tensor) -> Tensor:
        short = x
        x = self.norm1(x)
        if self._widens:
            short = self.proj(x)
            short = _pool(short) if self._pool else short
        x = self._attend_in_windows(x) if self._window else self.attn(x)
        x = short + x
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    """7 x 7 convolution of stride 4: [B, 3, H, W] -> [B, H / 4, W / 4, dim]."""

    def __init__(self, dim: int):
        super().__init__()
        self.proj = nn.Conv2d(3, dim, 7, stride=4, padding=3)

    def forward(self, x: Tensor) -> Tensor:
        return self.proj(x).permute(0, 2, 3, 1)


class Hiera(nn.Module):
    """Images [B, 3, H, W] -> features [B, width * 2^i, H / 2^(i + 2), W / 2^(i + 2)], i = 0..3."""

    def __init__(self, c: Config):
        super().__init__()
        self.patch_embed = PatchEmbed(c.width)
        self.pos_embed = nn.Parameter(torch.zeros(1, c.width, c.background, c.background))
        self.pos_embed_window = nn.Parameter(torch.zeros(1, c.width, c.windows[0], c.windows[0]))
        self.blocks = nn.ModuleList()
        self._ends = set()
        dim, heads = c.width, c.heads
        for stage, depth in enumerate(c.stages):
            for i in range(depth):
                first = i == 0 and stage > 0
                out = dim * 2 if first else dim
                heads = heads * 2 if first else heads
                # The first block of a stage pools inside the windows of the stage before.
                window = c.windows[stage - 1 if first else stage]
                if len(self.blocks) in c.global_blocks:
                    window = 0
                self.blocks.append(TrunkBlock(dim, out, heads, window, pool=first))
                dim = out
            self._ends.add(len(self.blocks) - 1)

    def _positions(self, h: int, w: int) -> Tensor:
        window = self.pos_embed_window
        whole = F.interpolate(self.pos_embed.float(), (h, w), mode="bicubic")
        tiled = window.tile(1, 1, h // window.shape[2], w // window.shape[3])
        return (whole + tiled).permute(0, 2, 3, 1)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.patch_embed(x)
        x = x + self._positions(*x.shape[1:3]).to(x.dtype)
        out = []
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in self._ends:
                out.append(x.permute(0, 3, 1, 2))
        return out


class Lateral(nn.Module):
    """A 1 x 1 convolution (in a module of its own, as in the checkpoints)."""

    def __init__(self, channels: int, dim: int):
        super().__init__()
        self.conv = nn.Conv2d(channels, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class FpnNeck(nn.Module):
    """Stage features -> [B, dim, ., .] of strides 4, 8 and 16.

    Only stride 16 receives features from above (stride 32), which is then dropped.
    """

    def __init__(self, c: Config):
        super().__init__()
        widths = [c.width * 2**i for i in range(len(c.stages))]
        self.convs = nn.ModuleList(Lateral(width, c.dim) for width in reversed(widths))

    def forward(self, stages: list[Tensor]) -> list[Tensor]:
        coarse, *rest = [conv(x) for conv, x in zip(self.convs, reversed(stages))]
        rest[0] = rest[0] + F.interpolate(coarse.float(), scale_factor=2.0, mode="nearest")
        return list(reversed(rest))


class ImageEncoder(nn.Module):
    """Normalised images [B, 3, S, S] -> features of strides 4, 8, 16, each [B, dim, ., .]."""

    def __init__(self, c: Config):
        super().__init__()
        self.trunk = Hiera(c)
        self.neck = FpnNeck(c)

    def forward(self, x: Tensor) -> list[Tensor]:
        return self.neck(self.trunk(x))
