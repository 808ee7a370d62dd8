# SPDX-License-Identifier: Apache-2.0
"""Sizes of BEATs, under the names of the official checkpoints' "cfg"."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Config:
    input_patch_size: int = 32
    embed_dim: int = 192
    conv_bias: bool = False
    encoder_layers: int = 4
    encoder_embed_dim: int = 192
    encoder_ffn_embed_dim: int = 768
    encoder_attention_heads: int = 6
    activation_fn: str = "gelu"
    layer_norm_first: bool = False
    deep_norm: bool = True
    conv_pos: int = 32
    conv_pos_groups: int = 16
    relative_position_embedding: bool = True
    num_buckets: int = 320
    max_distance: int = 800
    gru_rel_pos: bool = True
    finetuned_model: bool = True
    predictor_class: int = 527

    def as_cfg(self) -> dict:
        """The checkpoint's "cfg", with the official keys that only training reads."""
        drops = ("dropout", "attention_dropout", "activation_dropout", "dropout_input")
        unused = dict.fromkeys((*drops, "encoder_layerdrop", "predictor_dropout"), 0.0)
        return {**asdict(self), **unused, "layer_wise_gradient_decay_ratio": 1.0}


NANO = Config()
