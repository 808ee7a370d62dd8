# SPDX-License-Identifier: Apache-2.0
"""CLIP's byte-pair tokenizer, from the merges in models/clip-merges.txt.gz."""

from __future__ import annotations

import functools
import gzip
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
from torch import Tensor

_MERGES = Path(__file__).parents[2] / "models" / "clip-merges.txt.gz"
_WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


@functools.cache
def merges() -> tuple[tuple[str, str], ...]:
    with gzip.open(_MERGES, "rt", encoding="utf8") as file:
        return tuple(tuple(line.split()) for line in file.read().split("\n") if line)


@functools.cache
def vocabulary() -> tuple[str, ...]:
    """Token by number; "</w>" ends a word."""
    # The bytes that print come first, in their order (CLIP's bytes_to_unicode).
    printing = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printing]
    symbols = [chr(b) for b in printing] + [chr(256 + i) for i in range(len(others))]
    words = symbols + [s + "</w>" for s in symbols] + ["".join(m) for m in merges()]
    return (*words, "<|startoftext|>", "<|endoftext|>")


@functools.cache
def _tokenizer() -> Tokenizer:
    numbers = {word: i for i, word in enumerate(vocabulary())}
    tokenizer = Tokenizer(models.BPE(numbers, list(merges()), end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    split = pre_tokenizers.Split(Regex(_WORDS), behavior="removed", invert=True)
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, level])
    return tokenizer


@functools.lru_cache(maxsize=200_000)
def encode(text: str, limit: int = 77) -> tuple[int, ...]:
    """Ids with those of start and end, at most `limit`."""
    start = len(vocabulary()) - 2
    return (start, *_tokenizer().encode(text).ids[: limit - 2], start + 1)


def batch(texts: list[str]) -> tuple[Tensor, Tensor]:
    """ids i64 [B, longest], filled with the end token, and the place of each end [B].

    What follows the end does not matter: no token sees a later one.
    """
    rows = [encode(text) for text in texts]
    ids = torch.full((len(rows), max(map(len, rows))), len(vocabulary()) - 1)
    for row, tokens in zip(ids, rows):
        row[: len(tokens)] = torch.tensor(tokens)
    return ids, torch.tensor([len(tokens) - 1 for tokens in rows])
