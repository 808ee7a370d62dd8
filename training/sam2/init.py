# SPDX-License-Identifier: Apache-2.0
"""A first state of the weights from which little training goes far.

SAM 2 spends much of its training on learning where things are: that a corner of a box is a place
in the image, on which side of it a pixel lies, and that the memory of a place speaks of that
place. All of it can be written into the weights by hand. What is set here is learned further.
"""

from __future__ import annotations

import math

import torch

from .model import Sam2

_LOW = 4  # pairs of channels in a head of the decoder that tell sides
_SIDE_GAIN = 3.4  # score of some 2 for a pixel one token (of 256 px images) beyond a corner
_PLACE_GAIN = 3.0  # attention to the corner's own surroundings
_MEMORY_GAIN = 3.0  # attention to the same place in memory: e times as much as 1 token beside it


def _frequencies(features: int) -> torch.Tensor:
    """Cycles per half image side, [2, features]: slow ones along x and y, octaves, then random."""
    slow = torch.tensor([0.10, 0.14, 0.18, 0.22])  # monotone over the whole image
    octaves = 0.5 * 2 ** torch.linspace(0, 4, 8)
    out = torch.randn(2, features)
    columns = [torch.stack([f, 0 * f]) for f in (slow, octaves)]
    columns += [torch.stack([0 * f, f]) for f in (slow, octaves)]
    order = torch.cat([columns[0], columns[2], columns[1], columns[3]], 1)
    out[:, : order.shape[1]] = order
    return out


@torch.no_grad()
def initialise(net: Sam2) -> Sam2:
    """Sets the weights of `net` in place, by torch's global generator."""
    position = net.sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix
    position.copy_(_frequencies(position.shape[1]))
    half = position.shape[1]
    torch.nn.init.trunc_normal_(net.image_encoder.trunk.pos_embed, std=0.02)
    torch.nn.init.trunc_normal_(net.image_encoder.trunk.pos_embed_window, std=0.02)

    decoder = net.sam_mask_decoder.transformer
    looks = [layer.cross_attn_token_to_image for layer in decoder.layers]
    looked_at = [layer.cross_attn_image_to_token for layer in decoder.layers]
    for attention in [*looks, *looked_at, decoder.final_attn_token_to_image]:
        # Equal projections: a prompt token and its own place in the image agree most.
        attention.q_proj.weight.mul_(_PLACE_GAIN)
        attention.k_proj.weight.copy_(attention.q_proj.weight)
        attention.q_proj.bias.zero_()
        attention.k_proj.bias.zero_()
    for attention in looked_at:
        # Four heads in which a pixel looks at corners to its left, right, above and below:
        # the score is the sum of sin(a (pixel - corner)).
        width = attention.q_proj.out_features // attention.heads
        pairs = min(_LOW, width // 2)
        for head in range(4):
            column, sign = (0, _LOW)[head // 2], 1 - 2 * (head % 2)
            rows = slice(head * width, (head + 1) * width)
            q, k = attention.q_proj.weight[rows], attention.k_proj.weight[rows]
            q.zero_(), k.zero_()
            for i in range(pairs):
                sine, cosine = column + i, half + column + i
                q[2 * i, sine] = sign * _SIDE_GAIN
                k[2 * i, cosine] = _SIDE_GAIN
                q[2 * i + 1, cosine] = sign * _SIDE_GAIN
                k[2 * i + 1, sine] = -_SIDE_GAIN
    for layer in net.memory_attention.layers:
        # With constant queries and keys, rotary encoding is attention to one's own place.
        dim = layer.cross_attn_image.q_proj.out_features
        fast = torch.zeros(dim)
        for start in (0, dim // 2):
            fast[start : start + 16 : 2] = _MEMORY_GAIN
        layer.cross_attn_image.q_proj.bias.copy_(fast)
        layer.cross_attn_image.k_proj.bias.copy_(fast)
    # Things are mostly seen.
    net.sam_mask_decoder.pred_obj_score_head.layers[-1].bias.fill_(math.log(9))
    return net
