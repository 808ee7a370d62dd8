# SPDX-License-Identifier: Apache-2.0
"""Starting weights: small networks learn nothing for long from the official ones."""

import torch
import torch.nn.functional as F
from torch import nn

from .data import all_kinds, contexts, find
from .swin import WindowAttention


@torch.no_grad()
def start(model, text):
    """Before the dense pre-training: gains of one everywhere, and whitened text."""
    for name, m in model.named_modules():
        if name.startswith("bert") or "sampling_offsets" in name or "attention_weights" in name:
            continue
        if isinstance(m, (nn.Linear, nn.Conv2d)):
            nn.init.xavier_uniform_(m.weight)
            if m.bias is not None:
                nn.init.zeros_(m.bias)
        if isinstance(m, WindowAttention):
            nn.init.trunc_normal_(m.relative_position_bias_table, std=0.02)
    for head in (model.bbox_embed[0], model.transformer.enc_out_bbox_embed):
        nn.init.zeros_(head.layers[-1].weight)
    whiten_text(model, text)


def whiten_text(model, text):
    """Text projection = whitened principal components of the nouns' features, turned at random.

    Features of different nouns share a large common part; without this all nouns look alike.
    """
    model.feat_map.weight.requires_grad_(True)
    x = torch.cat([text.encode([[k]])[0]["features"][0, 1 : 1 + len(text.phrase_ids(k))] for k in all_kinds()])
    mean = x.mean(0)
    _, s, v = torch.linalg.svd(x - mean, full_matrices=False)
    d = min(model.config.d_model, len(s))
    w = torch.zeros(model.config.d_model, x.shape[1])
    w[:d] = v[:d] / (s[:d, None] + 0.15 * s[min(24, d - 1)])
    w = torch.linalg.qr(torch.randn(model.config.d_model, model.config.d_model))[0] @ w
    w /= ((x - mean) @ w.t()).std()
    model.feat_map.weight.copy_(w)
    model.feat_map.bias.copy_(-w @ mean)


@torch.no_grad()
def refit_text(model, text, words):
    """Text projection that takes a kind's tokens to its vector in `words` [kinds, d], whatever the phrase.

    Ridge regression over many phrases: the dense pre-training knew few of them, and to the text encoder
    "dog", "the dog" and "the larger dog" are further apart than two animals are. The plain phrases
    count most.
    """
    kinds = all_kinds()
    x, y = [], []
    for i, kind in enumerate(kinds):
        ids = text.phrase_ids(kind)
        plain = [kind, f"the {kind}", f"a {kind}"]
        for phrase in 8 * plain + contexts(kind, kinds[(i + 7) % len(kinds)]):
            inputs, spans = text.encode([[phrase]])
            at = find(text.phrase_ids(phrase), ids)
            x.append(inputs["features"][0, spans[0][0][at : at + len(ids)]])
            y.append(words[i].expand(len(ids), -1))
    x, y = torch.cat(x).double(), torch.cat(y).double()
    mean_x, mean_y = x.mean(0), y.mean(0)
    x, y = x - mean_x, y - mean_y
    gram = x.t() @ x
    gram += 1e-5 * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
    w = torch.linalg.solve(gram, x.t() @ y).t()
    model.feat_map.weight.copy_(w)
    model.feat_map.bias.copy_(mean_y - w @ mean_x)


@torch.no_grad()
def near_identity(model, images, words):
    """After the dense pre-training: the agreement of a cell and a word becomes the first score.

    Encoder and decoder start close to passing their inputs on, and both sides of the dot product
    get a common component that makes the first scores low (focal loss's prior), through biases of
    LayerNorms that are there anyway. Its direction is the one in which cells of `images` [B, 3, h, w]
    and `words` [kinds, d] vary least.
    """
    t, d = model.transformer, model.config.d_model
    eye = torch.eye(d)
    t.level_embed.mul_(0.3)
    for fuse, enhance, layer in zip(t.encoder.fusion_layers, t.encoder.text_layers, t.encoder.layers):
        for linear in (enhance.self_attn.out_proj, enhance.linear2, layer.self_attn.output_proj, layer.linear2):
            linear.weight.mul_(0.05)
        fuse.gamma_v.fill_(0.02)
        fuse.gamma_l.fill_(0.02)
    t.enc_output.weight.copy_(eye)
    t.tgt_embed.weight.normal_(std=0.1)
    for layer in t.decoder.layers:
        layer.cross_attn.value_proj.weight.copy_(eye)
        layer.cross_attn.output_proj.weight.copy_(eye)
        for linear in (layer.self_attn.out_proj, layer.ca_text.out_proj, layer.linear2):
            linear.weight.mul_(0.2)
    cells = torch.cat([m.flatten(0, 2) for m in model.maps(images)[:3]]).float()
    cells = F.layer_norm(cells, (d,))
    words = F.layer_norm(words, (d,))
    spread = cells.t() @ cells / len(cells) + 3 * words.t() @ words / len(words)
    common = torch.linalg.eigh(spread)[1][:, 0]
    last = t.encoder.text_layers[-1].norm2
    last.weight.fill_(0.15)
    last.bias.copy_(-0.6 * common)
    t.enc_output_norm.bias.copy_(9 * common)
    t.decoder.norm.bias.copy_(9 * common)
