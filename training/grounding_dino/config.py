# SPDX-License-Identifier: Apache-2.0
"""Hyper-parameters of a GroundingDINO."""

import dataclasses
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
    queries: int = 64
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
    short_side: int = 192
    max_side: int = 320
    image_mean: tuple = (0.485, 0.456, 0.406)
    image_std: tuple = (0.229, 0.224, 0.225)

    def swin_width(self, stage):
        """Channels of backbone stage 0..3."""
        return self.embed_dim * 2**stage

    def hyperparameters(self):
        """What a converter cannot read from the shapes of the weights (training/README.md)."""
        return {
            "format": "grounding-dino-hyperparameters",
            "version": 1,
            "swin": {"num_heads": list(self.swin_heads), "window_size": self.window_size},
            "num_heads": self.heads,
            "enc_n_points": self.points,
            "dec_n_points": self.points,
            "fusion": {"num_heads": self.heads // 2},
            "text_enhancer": {"num_heads": self.heads // 2},
            "max_text_len": self.max_text_len,
            "position_temperature": self.position_temperature,
            "image": {
                "short_side": self.short_side,
                "max_side": self.max_side,
                "mean": list(self.image_mean),
                "std": list(self.image_std),
            },
            "box_threshold": 0.25,
            "text_threshold": 0.25,
            "bert": {"num_heads": self.bert_heads, "layer_norm_eps": 1e-12},
        }

    def state(self):
        """All fields, for the trainer's own state file."""
        return dataclasses.asdict(self)
