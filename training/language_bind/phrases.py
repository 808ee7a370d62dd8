# SPDX-License-Identifier: Apache-2.0
"""The texts that the text tower learns from."""

from __future__ import annotations

import functools
import hashlib

import numpy as np

from ..beats.labels import labels
from ..sounds.kinds import AVSBENCH, KINDS
from ..stampworld.kinds import NAMED_KINDS
from . import tokenizer

# How people ask for a thing or its sound; {} stands for the name. The meaning stays the name's.
TEMPLATES = (
    "a {}",
    "the {}",
    "{} sound",
    "sound of {}",
    "the sound of a {}",
    "the sound of the {}",
    "a recording of a {}",
    "this is a sound of {}",
    "i hear a {}",
    "{}s",
    "the {} on the left",
)
SPEECH = ("speech", "person talking", "man speaking", "woman speaking", "voice", "people talking")
SILENCE = ("silence", "nothing", "quiet", "no sound")
_WORDS = 20_000  # of CLIP's vocabulary, the most frequent
_PAIRS = 8_000


def readable(name: str) -> str:
    """emergency-car -> emergency car"""
    return name.replace("-", " ").replace("_", " ")


@functools.cache
def names(kind: str) -> tuple[str, ...]:
    """What a kind of sound is called, its own name first."""
    return (kind, *KINDS[kind].phrases)


@functools.cache
def _words() -> tuple[str, ...]:
    """Whole words of CLIP's vocabulary, frequent ones first."""
    found = (t.removesuffix("</w>") for t in tokenizer.vocabulary() if t.endswith("</w>"))
    return tuple(w for w in found if len(w) > 2 and w.isascii() and w.isalpha())[:_WORDS]


@functools.cache
def nouns() -> tuple[str, ...]:
    """Names of things and sounds: those of the kinds, of AVSBench, AudioSet and stamp world."""
    found = [name for kind in KINDS for name in names(kind)] + [*SPEECH, *SILENCE, *NAMED_KINDS]
    found += [form for c in AVSBENCH for form in (c, readable(c))]
    found += [part.strip().lower() for _, name in labels() for part in name.split(",")]
    return tuple(dict.fromkeys(found))


@functools.cache
def corpus() -> tuple[str, ...]:
    """All texts whose vectors the teacher gives."""
    words = _words()
    rng = np.random.default_rng(31)
    frequent = len(words) // 4
    pairs = [
        f"{words[rng.integers(frequent)]} {words[rng.integers(len(words))]}" for _ in range(_PAIRS)
    ]
    return tuple(dict.fromkeys([*nouns(), *words, *pairs]))


def corpus_hash() -> str:
    return hashlib.sha256("\n".join(corpus()).encode()).hexdigest()[:12]
