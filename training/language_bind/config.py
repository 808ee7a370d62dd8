# SPDX-License-Identifier: Apache-2.0
"""Sizes of the two towers, under the names of the official config.json."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tower:
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    hidden_act: str = "gelu"
    layer_norm_eps: float = 1e-5


@dataclass(frozen=True)
class Config:
    text: Tower = Tower(128, 512, 2, 4)
    vocab_size: int = 49408
    max_position_embeddings: int = 77
    audio: Tower = Tower(192, 768, 4, 6)
    patch_size: int = 28
    num_mel_bins: int = 112
    target_length: int = 504  # frames of 10 ms
    audio_sample_rate: int = 16000
    audio_mean: float = -4.2677393
    audio_std: float = 4.5689974
    projection_dim: int = 128

    @property
    def patches(self) -> int:
        return self.num_mel_bins // self.patch_size * (self.target_length // self.patch_size)

    def as_json(self) -> dict:
        """The official config.json."""
        text = {
            **vars(self.text),
            "vocab_size": self.vocab_size,
            "max_position_embeddings": self.max_position_embeddings,
            "bos_token_id": self.vocab_size - 2,
            "eos_token_id": self.vocab_size - 1,
        }
        vision = {
            **vars(self.audio),
            "patch_size": self.patch_size,
            "image_size": 224,
            "num_channels": 3,
            "num_frames": 1,
            "add_time_attn": False,
            "lora_r": 0,
            "num_mel_bins": self.num_mel_bins,
            "target_length": self.target_length,
            "audio_sample_rate": self.audio_sample_rate,
            "audio_mean": self.audio_mean,
            "audio_std": self.audio_std,
        }
        both = {"projection_dim": self.projection_dim}
        return {
            "architectures": ["LanguageBindAudio"],
            "model_type": "LanguageBindAudio",
            **both,
            "text_config": {**text, **both},
            "vision_config": {**vision, **both},
        }


NANO = Config()
