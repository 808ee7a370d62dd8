# SPDX-License-Identifier: Apache-2.0
"""Towers of sound and text. Own code under the names of Hugging Face's CLIP, as LanguageBind's."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..sounds.filter_banks import filter_banks
from .config import Config, Tower

CHANNELS = 3  # of the "picture": chunks of a long sound, or three times the same


class Attention(nn.Module):
    def __init__(self, c: Tower):
        super().__init__()
        self.heads = c.num_attention_heads
        names = ("q_proj", "k_proj", "v_proj", "out_proj")
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (
            nn.Linear(c.hidden_size, c.hidden_size) for _ in names
        )

    def forward(self, x: Tensor, causal: bool) -> Tensor:
        q, k, v = (
            p(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for p in (self.q_proj, self.k_proj, self.v_proj)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return self.out_proj(y.transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    def __init__(self, c: Tower):
        super().__init__()
        self.fc1 = nn.Linear(c.hidden_size, c.intermediate_size)
        self.fc2 = nn.Linear(c.intermediate_size, c.hidden_size)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class Layer(nn.Module):
    def __init__(self, c: Tower):
        super().__init__()
        self.self_attn = Attention(c)
        self.layer_norm1 = nn.LayerNorm(c.hidden_size, c.layer_norm_eps)
        self.mlp = Mlp(c)
        self.layer_norm2 = nn.LayerNorm(c.hidden_size, c.layer_norm_eps)

    def forward(self, x: Tensor, causal: bool) -> Tensor:
        x = x + self.self_attn(self.layer_norm1(x), causal)
        return x + self.mlp(self.layer_norm2(x))


class Encoder(nn.Module):
    def __init__(self, c: Tower, causal: bool):
        super().__init__()
        self.layers = nn.ModuleList(Layer(c) for _ in range(c.num_hidden_layers))
        self.causal = causal

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x, self.causal)
        return x


class TextEmbeddings(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.token_embedding = nn.Embedding(c.vocab_size, c.text.hidden_size)
        self.position_embedding = nn.Embedding(c.max_position_embeddings, c.text.hidden_size)

    def forward(self, ids: Tensor) -> Tensor:
        return self.token_embedding(ids) + self.position_embedding.weight[: ids.shape[1]]


class TextModel(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.embeddings = TextEmbeddings(c)
        self.encoder = Encoder(c.text, causal=True)
        self.final_layer_norm = nn.LayerNorm(c.text.hidden_size, c.text.layer_norm_eps)

    def forward(self, ids: Tensor, ends: Tensor) -> Tensor:
        x = self.final_layer_norm(self.encoder(self.embeddings(ids)))
        return x[torch.arange(len(x), device=x.device), ends]


class PatchEmbeddings(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        width, side = c.audio.hidden_size, c.patch_size
        self.class_embedding = nn.Parameter(torch.zeros(width))
        self.patch_embedding = nn.Conv2d(CHANNELS, width, side, side, bias=False)
        self.position_embedding = nn.Embedding(c.patches + 1, width)

    def forward(self, pictures: Tensor) -> Tensor:
        x = self.patch_embedding(pictures).flatten(2).transpose(1, 2)
        first = self.class_embedding.expand(len(x), 1, -1)
        return torch.cat([first.to(x.dtype), x], 1) + self.position_embedding.weight


class SoundModel(nn.Module):
    """LanguageBind's "vision_model", which looks at filter banks."""

    def __init__(self, c: Config):
        super().__init__()
        self.embeddings = PatchEmbeddings(c)
        self.pre_layrnorm = nn.LayerNorm(c.audio.hidden_size, c.audio.layer_norm_eps)
        self.encoder = Encoder(c.audio, causal=False)
        self.post_layernorm = nn.LayerNorm(c.audio.hidden_size, c.audio.layer_norm_eps)

    def forward(self, pictures: Tensor) -> Tensor:
        x = self.encoder(self.pre_layrnorm(self.embeddings(pictures)))
        return self.post_layernorm(x[:, 0])


class LanguageBind(nn.Module):
    """embed_text, embed_sound -> unit vectors [B, projection_dim]."""

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.text_model = TextModel(config)
        self.text_projection = nn.Linear(config.text.hidden_size, config.projection_dim, bias=False)
        self.vision_model = SoundModel(config)
        self.visual_projection = nn.Linear(
            config.audio.hidden_size, config.projection_dim, bias=False
        )
        self.logit_scale = nn.Parameter(torch.tensor(2.6592))

    def initialise(self) -> LanguageBind:
        """As Hugging Face's CLIP: normal, narrower with width and depth."""
        for tower, c in (
            (self.text_model, self.config.text),
            (self.vision_model, self.config.audio),
        ):
            inside = c.hidden_size**-0.5 * (2 * c.num_hidden_layers) ** -0.5
            for name, p in tower.encoder.named_parameters():
                if name.endswith(("out_proj.weight", "fc2.weight")):
                    nn.init.normal_(p, std=inside)
                elif p.ndim == 2:
                    nn.init.normal_(p, std=c.hidden_size**-0.5)
                elif name.endswith("bias"):
                    nn.init.zeros_(p)
        for table in (self.text_model.embeddings, self.vision_model.embeddings):
            nn.init.normal_(table.position_embedding.weight, std=0.02)
        nn.init.normal_(self.vision_model.embeddings.class_embedding, std=0.02)
        nn.init.normal_(self.text_projection.weight, std=self.config.text.hidden_size**-0.5)
        nn.init.normal_(self.visual_projection.weight, std=self.config.audio.hidden_size**-0.5)
        return self

    def pictures(self, samples: Tensor) -> Tensor:
        """f32 [B, n] -> [B, 3, mel bins, frames].

        A short sound is repeated. Of a long one the official code takes three chunks, each from a
        random place of a third of the possible starts; here it is the middle of each third.
        """
        c = self.config
        samples = samples - samples.mean(-1, keepdim=True)
        mel = filter_banks(samples, c.num_mel_bins, "hanning")
        spare = mel.shape[1] - c.target_length
        if spare <= 0:
            mel = mel.repeat(1, -(-c.target_length // mel.shape[1]), 1)
        thirds = torch.arange(max(spare, 0) + 1).tensor_split(CHANNELS)
        starts = [int(part[len(part) // 2]) if len(part) else 0 for part in thirds]
        chunks = torch.stack([mel[:, s : s + c.target_length] for s in starts], 1)
        return (chunks.transpose(2, 3) - c.audio_mean) / (2 * c.audio_std)

    def embed_pictures(self, pictures: Tensor) -> Tensor:
        return F.normalize(self.visual_projection(self.vision_model(pictures)).float(), dim=-1)

    def embed_sound(self, samples: Tensor) -> Tensor:
        return self.embed_pictures(self.pictures(samples))

    def embed_text(self, ids: Tensor, ends: Tensor) -> Tensor:
        return F.normalize(self.text_projection(self.text_model(ids, ends)).float(), dim=-1)
