# SPDX-License-Identifier: Apache-2.0
"""Sizes of a SAM 2.1 network, and the part of them that lies beside a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Config:
    """Sizes and options. The options that SAM 2.1 switches on in all its variants are not listed.

    width, stages, heads, windows, global_blocks: of the Hiera trunk (its first stage's width and
        heads; both double from stage to stage; windows are tokens a side, one a stage).
    background: side of the coarse position embedding that is stretched over the image.
    dim, mem_dim: channels of the image features and of the memory.
    """

    image_size: int = 256
    width: int = 32
    stages: tuple[int, ...] = (1, 2, 4, 1)
    heads: int = 1
    windows: tuple[int, ...] = (8, 4, 8, 4)
    global_blocks: tuple[int, ...] = (4, 5, 6)
    background: int = 7
    dim: int = 128
    mem_dim: int = 64
    memory_layers: int = 2
    memory_mlp: int = 512
    memory_heads: int = 1
    decoder_layers: int = 2
    decoder_mlp: int = 512
    decoder_heads: int = 8
    iou_hidden: int = 128
    num_maskmem: int = 7
    max_obj_ptrs: int = 16
    memory_stride: int = 1
    fuser_layers: int = 2

    def hyperparameters(self, image_size: int) -> dict:
        """What a converter cannot read from the shapes of the weights (training/README.md)."""
        return {
            "format": "sam2.1-hyperparameters",
            "version": 1,
            "image_size": image_size,
            "trunk": {
                "num_heads": self.heads,
                "stages": list(self.stages),
                "window_spec": list(self.windows),
                "global_att_blocks": list(self.global_blocks),
            },
            "memory_attention": {"num_heads": self.memory_heads, "rope_theta": 10000.0},
            "mask_decoder": {"num_heads": self.decoder_heads},
            "max_obj_ptrs_in_encoder": self.max_obj_ptrs,
            "memory_temporal_stride": self.memory_stride,
        }


# The embedded default: 3.6 million weights, 7.2 MB as f16.
NANO = Config()
