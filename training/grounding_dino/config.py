# SPDX-License-Identifier: Apache-2.0
"""Hyper-parameters of a GroundingDINO, and the JSON file that carries them beside a checkpoint."""

import dataclasses
import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Config:
    """Sizes of a GroundingDINO; the defaults are nano's.

    All widths follow the official layout: the text enhancer and the fusion have half the
    decoder's heads and half its MLP width, position encodings have `d_model` channels.
    """

    # Swin backbone
    embed_dim: int = 32
    depths: tuple = (2, 2, 4, 1)
    swin_heads: tuple = (1, 2, 4, 8)
    window_size: int = 8
    # transformer
    d_model: int = 128
    heads: int = 8
    mlp: int = 512
    encoder_layers: int = 2
    decoder_layers: int = 3
    queries: int = 100
    points: int = 4
    levels: int = 4
    position_temperature: float = 20.0
    # text encoder
    bert_hidden: int = 384
    bert_layers: int = 6
    bert_heads: int = 12
    bert_mlp: int = 1536
    bert_vocab: int = 30522
    max_text_len: int = 256
    # preprocessing: the short side becomes `short_side` unless the long one would pass `max_side`
    short_side: int = 256
    max_side: int = 427
    image_mean: tuple = (0.485, 0.456, 0.406)
    image_std: tuple = (0.229, 0.224, 0.225)

    def swin_width(self, stage):
        """Channels of backbone stage 0..3."""
        return self.embed_dim * 2**stage

    def to_json(self, path, **extra):
        """Writes what the checkpoint's shapes cannot tell, and `extra` (provenance)."""
        told = {
            "architecture": "groundingdino",
            "swin_heads": list(self.swin_heads),
            "window_size": self.window_size,
            "heads": self.heads,
            "points": self.points,
            "position_temperature": self.position_temperature,
            "bert_heads": self.bert_heads,
            "max_text_len": self.max_text_len,
            "short_side": self.short_side,
            "max_side": self.max_side,
            "image_mean": list(self.image_mean),
            "image_std": list(self.image_std),
            "box_threshold": 0.25,
            "text_threshold": 0.25,
        }
        with open(path, "w", encoding="utf8") as f:
            json.dump({**told, **extra}, f, indent=2)
            f.write("\n")

    def state(self):
        """All fields, for the trainer's own state file."""
        return dataclasses.asdict(self)
