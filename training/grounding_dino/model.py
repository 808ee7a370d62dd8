# SPDX-License-Identifier: Apache-2.0
"""GroundingDINO (arXiv 2303.05499) in plain PyTorch.

The state dict has the keys of the official checkpoint `groundingdino_swint_ogc.pth` (without its
`module.` prefix), so what reads official checkpoints reads ours. Widths other than the official
256 follow the rule of Hugging Face's implementation: all sine encodings scale with `d_model`.
"""

import torch
import torch.nn.functional as F
from torch import nn

from .swin import Swin
from .text import Bert, sub_sentence_masks
from .transformer import Decoder, Encoder, Mlp, cell_centres, map_positions


class Transformer(nn.Module):
    """Encoder, language-guided query selection and decoder."""

    def __init__(self, c, bbox_embed):
        super().__init__()
        self.queries, self.temperature = c.queries, c.position_temperature
        self.level_embed = nn.Parameter(torch.randn(c.levels, c.d_model))
        self.encoder = Encoder(c)
        self.decoder = Decoder(c, bbox_embed)
        self.tgt_embed = nn.Embedding(c.queries, c.d_model)
        self.enc_output = nn.Linear(c.d_model, c.d_model)
        self.enc_output_norm = nn.LayerNorm(c.d_model)
        self.enc_out_bbox_embed = Mlp((c.d_model, c.d_model, c.d_model, 4))

    def forward(self, maps, text, token_mask, text_mask, text_positions):
        """maps: list of [B, h, w, d] -> dict of the proposals' and all layers' scores and boxes."""
        shapes = [tuple(m.shape[1:3]) for m in maps]
        device, d = maps[0].device, maps[0].shape[-1]
        x = torch.cat([m.flatten(1, 2) for m in maps], 1)
        positions = torch.cat(
            [
                map_positions(h, w, d, self.temperature, device) + level
                for (h, w), level in zip(shapes, self.level_embed)
            ]
        )
        memory, text = self.encoder(x, positions, shapes, text, token_mask, text_mask, text_positions)

        def scores(y):
            with torch.autocast(device.type, enabled=False):
                s = y.float() @ text.float().transpose(1, 2)
            return s.masked_fill(~token_mask[:, None], float("-inf"))

        proposals, valid = self.proposals(shapes, device)
        y = self.enc_output_norm(self.enc_output(memory * valid[:, None]))
        enc_scores = scores(y)
        enc_boxes = self.enc_out_bbox_embed(y).float() + proposals
        best = enc_scores.detach().amax(-1).topk(min(self.queries, y.shape[1]), 1)[1]
        reference = enc_boxes.detach().gather(1, best[..., None].expand(-1, -1, 4)).sigmoid()
        queries = self.tgt_embed.weight[: best.shape[1]].expand(len(x), -1, -1)
        states, boxes = self.decoder(queries, reference, memory, shapes, text, token_mask)
        return {
            "memory": memory,
            "text": text,
            "enc_scores": enc_scores,
            "enc_boxes": enc_boxes.sigmoid(),
            "enc_valid": valid,
            "states": states,
            "scores": [scores(s) for s in states],
            "boxes": boxes,
        }

    @staticmethod
    def proposals(shapes, device):
        """A box per cell as logits [N, 4] (inf where too near the border), and where it is valid."""
        centres = cell_centres(shapes, device)
        size = [torch.full((h * w, 2), 0.05 * 2.0**i, device=device) for i, (h, w) in enumerate(shapes)]
        boxes = torch.cat((centres, torch.cat(size)), -1)
        valid = ((boxes > 0.01) & (boxes < 0.99)).all(-1)
        return torch.log(boxes / (1 - boxes)).masked_fill(~valid[:, None], float("inf")), valid


class GroundingDino(nn.Module):
    """images and tokens -> scores [B, queries, L] before the sigmoid, boxes [B, queries, 4] cxcywh."""

    def __init__(self, c):
        super().__init__()
        self.config = c
        # index 1 of the official `backbone` is the position encoding, which has no weights
        self.backbone = nn.ModuleList([Swin(c)])
        self.bert = Bert(c)
        self.feat_map = nn.Linear(c.bert_hidden, c.d_model)
        widths = [c.swin_width(i) for i in (1, 2, 3)]
        self.input_proj = nn.ModuleList(
            nn.Sequential(nn.Conv2d(w, c.d_model, 1), nn.GroupNorm(32, c.d_model)) for w in widths
        )
        self.input_proj.append(
            nn.Sequential(
                nn.Conv2d(widths[-1], c.d_model, 3, stride=2, padding=1), nn.GroupNorm(32, c.d_model)
            )
        )
        shared = Mlp((c.d_model, c.d_model, c.d_model, 4))
        self.bbox_embed = nn.ModuleList([shared] * c.decoder_layers)
        self.transformer = Transformer(c, self.bbox_embed)

    def maps(self, images):
        """Projected feature maps of strides 8, 16, 32, 64: list of [B, h, w, d]."""
        features = [m.permute(0, 3, 1, 2) for m in self.backbone[0](images)]
        features.append(features[-1])
        return [proj(f).permute(0, 2, 3, 1) for proj, f in zip(self.input_proj, features)]

    def text_features(self, ids):
        """ids [B, L] -> what `forward` takes as `text`."""
        mask, positions = sub_sentence_masks(ids.cpu())
        mask, positions = mask.to(ids.device), positions.to(ids.device)
        features = self.bert(ids, mask, positions)
        return {"features": features, "token_mask": ids != 0, "mask": mask, "positions": positions}

    def forward(self, images, features, token_mask, mask, positions):
        return self.transformer(
            self.maps(images), self.feat_map(features), token_mask, mask, positions
        )


def detector_state(model):
    """The state dict without the frozen text encoder."""
    return {k: v for k, v in model.state_dict().items() if not k.startswith("bert.")}


def normalise(frames, c):
    """frames [B, H, W, 3] uint8 -> [B, 3, H, W] float, ImageNet's mean and deviation."""
    x = frames.permute(0, 3, 1, 2).float() / 255
    mean = torch.tensor(c.image_mean, device=x.device).view(1, 3, 1, 1)
    std = torch.tensor(c.image_std, device=x.device).view(1, 3, 1, 1)
    return (x - mean) / std
