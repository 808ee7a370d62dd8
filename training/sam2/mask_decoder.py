# SPDX-License-Identifier: Apache-2.0
"""Mask decoder of SAM 2.1."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .config import Config
from .layers import Attention, LayerNorm2d, Mlp

_MASKS = 4  # one for clear prompts, three for ambiguous ones


class TwoWayBlock(nn.Module):
    """Tokens attend to themselves and to the image; then the image attends to the tokens."""

    def __init__(self, c: Config, first: bool):
        super().__init__()
        dim = c.dim
        self.self_attn = Attention(dim, c.decoder_heads)
        self.norm1 = nn.LayerNorm(dim)
        self.cross_attn_token_to_image = Attention(dim, c.decoder_heads, dim // 2)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, c.decoder_mlp, dim, 2)
        self.norm3 = nn.LayerNorm(dim)
        self.norm4 = nn.LayerNorm(dim)
        self.cross_attn_image_to_token = Attention(dim, c.decoder_heads, dim // 2)
        self._first = first

    def forward(self, tokens, image, token_place, image_place):
        if self._first:
            tokens = self.self_attn(tokens, tokens, tokens)
        else:
            q = tokens + token_place
            tokens = tokens + self.self_attn(q, q, tokens)
        tokens = self.norm1(tokens)
        placed_image = image + image_place
        q = tokens + token_place
        tokens = self.norm2(tokens + self.cross_attn_token_to_image(q, placed_image, image))
        tokens = self.norm3(tokens + self.mlp(tokens))
        q = tokens + token_place
        image = self.norm4(image + self.cross_attn_image_to_token(placed_image, q, tokens))
        return tokens, image


class TwoWayTransformer(nn.Module):
    """Tokens [B, n, dim] and image [B, N, dim] look at each other."""

    def __init__(self, c: Config):
        super().__init__()
        self.layers = nn.ModuleList(TwoWayBlock(c, i == 0) for i in range(c.decoder_layers))
        self.final_attn_token_to_image = Attention(c.dim, c.decoder_heads, c.dim // 2)
        self.norm_final_attn = nn.LayerNorm(c.dim)

    def forward(self, image: Tensor, image_place: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        place = tokens
        for layer in self.layers:
            tokens, image = layer(tokens, image, place, image_place)
        more = self.final_attn_token_to_image(tokens + place, image + image_place, image)
        return self.norm_final_attn(tokens + more), image


@dataclass
class DecoderOutput:
    """masks [B, 4, 4 * side, 4 * side] logits; ious [B, 4]; tokens [B, 4, dim]; score [B, 1]."""

    masks: Tensor
    ious: Tensor
    tokens: Tensor
    score: Tensor


class MaskDecoder(nn.Module):
    """Image features and prompt tokens -> masks, their quality, and whether the thing is seen."""

    def __init__(self, c: Config):
        super().__init__()
        dim = c.dim
        self.transformer = TwoWayTransformer(c)
        self.iou_token = nn.Embedding(1, dim)
        self.mask_tokens = nn.Embedding(_MASKS, dim)
        self.obj_score_token = nn.Embedding(1, dim)
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(dim, dim // 4, 2, stride=2),
            LayerNorm2d(dim // 4),
            nn.GELU(),
            nn.ConvTranspose2d(dim // 4, dim // 8, 2, stride=2),
            nn.GELU(),
        )
        self.conv_s0 = nn.Conv2d(dim, dim // 8, 1)
        self.conv_s1 = nn.Conv2d(dim, dim // 4, 1)
        self.output_hypernetworks_mlps = nn.ModuleList(
            Mlp(dim, dim, dim // 8, 3) for _ in range(_MASKS)
        )
        self.iou_prediction_head = Mlp(dim, c.iou_hidden, _MASKS, 3, sigmoid=True)
        self.pred_obj_score_head = Mlp(dim, dim, 1, 3)

    def forward(
        self, image: Tensor, image_place: Tensor, prompt: Tensor, fine: Tensor, finer: Tensor
    ) -> DecoderOutput:
        """image [B, dim, side, side] with the dense prompt added; image_place [1, dim, side, side];
        prompt [B, n, dim]; fine [B, dim / 4, 2 side, 2 side]; finer [B, dim / 8, 4 side, 4 side].
        """
        own = torch.cat(
            [self.obj_score_token.weight, self.iou_token.weight, self.mask_tokens.weight]
        )
        tokens = torch.cat([own.expand(len(prompt), -1, -1), prompt], 1)
        b, dim, side, _ = image.shape
        tokens, rows = self.transformer(
            image.flatten(2).transpose(1, 2), image_place.flatten(2).transpose(1, 2), tokens
        )
        up1, norm, act1, up2, act2 = self.output_upscaling
        x = rows.transpose(1, 2).reshape(b, dim, side, side)
        x = act1(norm(up1(x) + fine))
        x = act2(up2(x) + finer)
        mask_tokens = tokens[:, 2 : 2 + _MASKS]
        weights = [mlp(mask_tokens[:, i]) for i, mlp in enumerate(self.output_hypernetworks_mlps)]
        masks = torch.stack(weights, 1) @ x.flatten(2)
        return DecoderOutput(
            masks=masks.unflatten(2, x.shape[2:]).float(),
            ious=self.iou_prediction_head(tokens[:, 1]).float(),
            tokens=mask_tokens,
            score=self.pred_obj_score_head(tokens[:, 0]).float(),
        )
