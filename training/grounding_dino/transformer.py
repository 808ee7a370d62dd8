# SPDX-License-Identifier: Apache-2.0
"""GroundingDINO's encoder and decoder (arXiv 2303.05499), with the official module names.

All images of a batch have one size, so there is no padding of image tokens to mask.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from .sampling import sample


def inverse_sigmoid(x):
    """Logit, limited at 1e-3 from the ends as in the official code."""
    return torch.log(x.clamp(min=1e-3) / (1 - x).clamp(min=1e-3))


def sine(x, channels, temperature=10000.0):
    """x [...], already scaled to radians -> [..., channels], sine and cosine taking turns."""
    i = torch.arange(channels, device=x.device)
    angle = x[..., None] / temperature ** (2 * (i // 2) / channels)
    return torch.where(i % 2 == 0, angle.sin(), angle.cos())


def map_positions(h, w, channels, temperature, device):
    """Position encoding [h * w, channels] of one feature map: rows first, then columns."""
    y = (torch.arange(h, device=device) + 1) / (h + 1e-6) * (2 * math.pi)
    x = (torch.arange(w, device=device) + 1) / (w + 1e-6) * (2 * math.pi)
    y, x = sine(y, channels // 2, temperature), sine(x, channels // 2, temperature)
    return torch.cat((y[:, None].expand(h, w, -1), x[None].expand(h, w, -1)), -1).flatten(0, 1)


def cell_centres(shapes, device):
    """Centres (x, y) in [0, 1] of all cells of the maps, [sum(h * w), 2]."""
    out = []
    for h, w in shapes:
        y, x = torch.meshgrid(
            (torch.arange(h, device=device) + 0.5) / h,
            (torch.arange(w, device=device) + 0.5) / w,
            indexing="ij",
        )
        out.append(torch.stack((x, y), -1).view(-1, 2))
    return torch.cat(out)


def attend(q, k, v, mask=None):
    """Softmax attention [B, heads, N, d], spelt out: with so few tokens torch's fused one is slower."""
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return scores.softmax(-1).to(v.dtype) @ v


class Attention(nn.Module):
    """torch.nn.MultiheadAttention's weights; inputs [B, N, dim], mask True where allowed."""

    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * dim, dim))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * dim))
        self.out_proj = nn.Linear(dim, dim)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, q, k, v, mask=None):
        def split(t):
            return t.unflatten(-1, (self.heads, -1)).transpose(1, 2)

        weights = zip((q, k, v), self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3))
        q, k, v = (split(F.linear(x, w, b)) for x, w, b in weights)
        y = attend(q, k, v, mask)
        return self.out_proj(y.transpose(1, 2).flatten(2))


class DeformableAttention(nn.Module):
    """Multi-scale deformable attention (arXiv 2010.04159)."""

    def __init__(self, dim, heads, levels, points):
        super().__init__()
        self.heads, self.levels, self.points = heads, levels, points
        self.sampling_offsets = nn.Linear(dim, heads * levels * points * 2)
        self.attention_weights = nn.Linear(dim, heads * levels * points)
        self.value_proj = nn.Linear(dim, dim)
        self.output_proj = nn.Linear(dim, dim)
        self.reset_parameters()

    def reset_parameters(self):
        """Each head looks into a direction of its own, its points at growing distance."""
        nn.init.zeros_(self.sampling_offsets.weight)
        angle = torch.arange(self.heads) * (2 * math.pi / self.heads)
        ray = torch.stack((angle.cos(), angle.sin()), -1)
        ray = (ray / ray.abs().max(-1, keepdim=True)[0]).view(self.heads, 1, 1, 2)
        distance = torch.arange(1, self.points + 1).view(1, 1, -1, 1)
        with torch.no_grad():
            self.sampling_offsets.bias.copy_((ray * distance).expand(-1, self.levels, -1, -1).flatten())
        for linear in (self.attention_weights, self.value_proj, self.output_proj):
            nn.init.zeros_(linear.bias)
        nn.init.zeros_(self.attention_weights.weight)
        nn.init.xavier_uniform_(self.value_proj.weight)
        nn.init.xavier_uniform_(self.output_proj.weight)

    def forward(self, query, reference, value, shapes):
        """query [B, Nq, dim]; reference [B or 1, Nq, 2 or 4] in [0, 1]; value [B, sum(h*w), dim]."""
        b, n, dim = query.shape
        h, l, p = self.heads, self.levels, self.points
        value = self.value_proj(value).view(b, -1, h, dim // h)
        offsets = self.sampling_offsets(query).float().view(b, n, h, l, p, 2)
        weights = self.attention_weights(query).float().view(b, n, h, l * p).softmax(-1)
        at = reference[:, :, None, None, None, :2]
        if reference.shape[-1] == 2:
            size = torch.tensor([(w, hh) for hh, w in shapes], device=query.device)
            at = at + offsets / size[:, None]
        else:
            at = at + offsets / p * reference[:, :, None, None, None, 2:] * 0.5
        y = sample(value.float(), at, weights.view(b, n, h, l, p), shapes)
        return self.output_proj(y.flatten(2))


class Mlp(nn.Module):
    """Linear layers with ReLU between them."""

    def __init__(self, widths):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:]))

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


class TextLayer(nn.Module):
    """Text enhancer: self-attention inside each sub-sentence."""

    def __init__(self, c):
        super().__init__()
        self.self_attn = Attention(c.d_model, c.heads // 2)
        self.linear1, self.linear2 = nn.Linear(c.d_model, c.mlp // 2), nn.Linear(c.mlp // 2, c.d_model)
        self.norm1, self.norm2 = nn.LayerNorm(c.d_model), nn.LayerNorm(c.d_model)

    def forward(self, x, mask, positions):
        q = x + positions
        x = self.norm1(x + self.self_attn(q, q, x, mask[:, None]))
        return self.norm2(x + self.linear2(F.relu(self.linear1(x))))


class BiAttention(nn.Module):
    """Both directions of attention between image and text from one matrix of scores."""

    def __init__(self, c):
        super().__init__()
        inner = c.mlp // 2
        self.heads = c.heads // 2
        for name in ("v_proj", "l_proj", "values_v_proj", "values_l_proj"):
            self.add_module(name, nn.Linear(c.d_model, inner))
        self.out_v_proj, self.out_l_proj = nn.Linear(inner, c.d_model), nn.Linear(inner, c.d_model)

    def forward(self, v, l, token_mask):
        def split(t):
            return t.unflatten(-1, (self.heads, -1)).transpose(1, 2)

        def join(t):
            return t.transpose(1, 2).flatten(2)

        q, k = split(self.v_proj(v)), split(self.l_proj(l))
        from_text = attend(q, k, split(self.values_l_proj(l)), token_mask[:, None, None])
        from_image = attend(k, q, split(self.values_v_proj(v)))
        return self.out_v_proj(join(from_text)), self.out_l_proj(join(from_image))


class FusionLayer(nn.Module):
    """Feature enhancer's cross-attention; note that its residual starts after the LayerNorms."""

    def __init__(self, c):
        super().__init__()
        self.layer_norm_v, self.layer_norm_l = nn.LayerNorm(c.d_model), nn.LayerNorm(c.d_model)
        self.attn = BiAttention(c)
        self.gamma_v = nn.Parameter(torch.full((c.d_model,), 1e-4))
        self.gamma_l = nn.Parameter(torch.full((c.d_model,), 1e-4))

    def forward(self, v, l, token_mask):
        v, l = self.layer_norm_v(v), self.layer_norm_l(l)
        dv, dl = self.attn(v, l, token_mask)
        return v + self.gamma_v * dv, l + self.gamma_l * dl


class EncoderLayer(nn.Module):
    """Deformable self-attention of the image tokens, and an MLP."""

    def __init__(self, c):
        super().__init__()
        self.self_attn = DeformableAttention(c.d_model, c.heads, c.levels, c.points)
        self.norm1, self.norm2 = nn.LayerNorm(c.d_model), nn.LayerNorm(c.d_model)
        self.linear1, self.linear2 = nn.Linear(c.d_model, c.mlp), nn.Linear(c.mlp, c.d_model)

    def forward(self, x, positions, reference, shapes):
        x = self.norm1(x + self.self_attn(x + positions, reference, x, shapes))
        return self.norm2(x + self.linear2(F.relu(self.linear1(x))))


class Encoder(nn.Module):
    """Fusion, text enhancer and deformable attention in turn."""

    def __init__(self, c):
        super().__init__()
        n = range(c.encoder_layers)
        self.layers = nn.ModuleList(EncoderLayer(c) for _ in n)
        self.text_layers = nn.ModuleList(TextLayer(c) for _ in n)
        self.fusion_layers = nn.ModuleList(FusionLayer(c) for _ in n)

    def forward(self, x, positions, shapes, text, token_mask, text_mask, text_positions):
        reference = cell_centres(shapes, x.device)[None]
        text_positions = sine(text_positions.float() * (2 * math.pi), text.shape[-1])
        for fuse, enhance, layer in zip(self.fusion_layers, self.text_layers, self.layers):
            x, text = fuse(x, text, token_mask)
            text = enhance(text, text_mask, text_positions)
            x = layer(x, positions, reference, shapes)
        return x, text


class DecoderLayer(nn.Module):
    """Self-attention of the queries, attention to the text, deformable attention to the image, MLP."""

    def __init__(self, c):
        super().__init__()
        d = c.d_model
        self.cross_attn = DeformableAttention(d, c.heads, c.levels, c.points)
        self.norm1 = nn.LayerNorm(d)
        self.ca_text, self.catext_norm = Attention(d, c.heads), nn.LayerNorm(d)
        self.self_attn, self.norm2 = Attention(d, c.heads), nn.LayerNorm(d)
        self.linear1, self.linear2, self.norm3 = nn.Linear(d, c.mlp), nn.Linear(c.mlp, d), nn.LayerNorm(d)

    def forward(self, x, query_pos, reference, text, token_mask, memory, shapes):
        q = x + query_pos
        x = self.norm2(x + self.self_attn(q, q, x))
        x = self.catext_norm(x + self.ca_text(x + query_pos, text, text, token_mask[:, None, None]))
        x = self.norm1(x + self.cross_attn(x + query_pos, reference, memory, shapes))
        return self.norm3(x + self.linear2(F.relu(self.linear1(x))))


class Decoder(nn.Module):
    """Box refinement over the layers; `bbox_embed` is one module, shared by all layers."""

    def __init__(self, c, bbox_embed):
        super().__init__()
        self.layers = nn.ModuleList(DecoderLayer(c) for _ in range(c.decoder_layers))
        self.norm = nn.LayerNorm(c.d_model)
        self.ref_point_head = Mlp((2 * c.d_model, c.d_model, c.d_model))
        self.bbox_embed = bbox_embed

    def forward(self, x, reference, memory, shapes, text, token_mask):
        """reference [B, Nq, 4] (cx, cy, w, h) -> normalised states and boxes of every layer."""
        channels = x.shape[-1] // 2
        states, boxes, looked_at = [], [], reference
        for layer, head in zip(self.layers, self.bbox_embed):
            at = sine(reference * (2 * math.pi), channels)
            at = torch.cat([at[..., i, :] for i in (1, 0, 2, 3)], -1)
            x = layer(x, self.ref_point_head(at), reference, text, token_mask, memory, shapes)
            normed = self.norm(x)
            states.append(normed)
            boxes.append((head(normed).float() + inverse_sigmoid(looked_at)).sigmoid())
            looked_at = (head(x).float() + inverse_sigmoid(reference)).sigmoid()
            reference = looked_at.detach()
        return states, boxes
