# SPDX-License-Identifier: Apache-2.0
"""Prompt encoder of SAM 2.1: points, boxes as two points, and masks."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .config import Config
from .layers import LayerNorm2d

# Labels of points. A box is two points: its upper left and its lower right corner.
PADDING, NEGATIVE, POSITIVE, UPPER_LEFT, LOWER_RIGHT = -1, 0, 1, 2, 3


class RandomPosition(nn.Module):
    """Fourier features of places in [0, 1] x [0, 1]; the frequencies are part of the weights."""

    def __init__(self, features: int):
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.randn(2, features))

    def forward(self, places: Tensor) -> Tensor:
        """(x, y) [..., 2] -> [..., 2 * features]."""
        turn = 2 * math.pi * ((2 * places - 1) @ self.positional_encoding_gaussian_matrix)
        return torch.cat([turn.sin(), turn.cos()], -1)

    def grid(self, side: int) -> Tensor:
        """Features of the cells of a square grid, [1, 2 * features, side, side]."""
        middle = (
            torch.arange(side, device=self.positional_encoding_gaussian_matrix.device) + 0.5
        ) / side
        y, x = torch.meshgrid(middle, middle, indexing="ij")
        return self(torch.stack([x, y], -1)).permute(2, 0, 1)[None]


class PromptEncoder(nn.Module):
    """Prompts -> tokens [B, n, dim] and a dense embedding added to the image features."""

    def __init__(self, c: Config):
        super().__init__()
        self.pe_layer = RandomPosition(c.dim // 2)
        self.point_embeddings = nn.ModuleList(nn.Embedding(1, c.dim) for _ in range(4))
        self.not_a_point_embed = nn.Embedding(1, c.dim)
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, 4, 2, stride=2),
            LayerNorm2d(4),
            nn.GELU(),
            nn.Conv2d(4, 16, 2, stride=2),
            LayerNorm2d(16),
            nn.GELU(),
            nn.Conv2d(16, c.dim, 1),
        )
        self.no_mask_embed = nn.Embedding(1, c.dim)

    def tokens(self, points: Tensor, labels: Tensor, image_size: int) -> Tensor:
        """Points [B, n, 2] in pixels with labels [B, n] -> [B, n + 1, dim].

        The last token is padding: that is how the video predictor feeds points and boxes.
        """
        points = torch.cat([points, points.new_zeros(len(points), 1, 2)], 1)
        labels = torch.cat([labels, labels.new_full((len(labels), 1), PADDING)], 1)
        place = self.pe_layer((points + 0.5) / image_size)
        kinds = torch.cat([e.weight for e in self.point_embeddings])
        real = place + kinds[labels.clamp(min=0)]
        return torch.where((labels == PADDING)[..., None], self.not_a_point_embed.weight, real)

    def dense(self, masks: Tensor | None) -> Tensor:
        """Mask logits [B, 1, 4 * side, 4 * side] -> [B, dim, side, side]; None: [1, dim, 1, 1]."""
        if masks is None:
            return self.no_mask_embed.weight[..., None, None]
        return self.mask_downscaling(masks)
