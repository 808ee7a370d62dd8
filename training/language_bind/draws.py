# SPDX-License-Identifier: Apache-2.0
"""A step's sounds and texts."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..sounds import mixtures
from ..sounds.kinds import KINDS, SPEECH
from ..sounds.voices import RATE
from . import phrases
from .teacher import Teacher

Names = frozenset[str]  # kinds that are heard at once; empty for silence

_SECONDS = (1, 2, 1, 4, 2, 1, 3, 5, 1, 8)  # of the pieces of successive steps
_WRONG = 3  # wrong combinations a sound, at most
_JOINTS = (", ", ", ", "; ", " and ")


@dataclass
class Step:
    """samples f32 [B, n] and who is heard in each; texts, what each names, and for each sound the
    numbers of the texts between which the method would have to choose."""

    samples: Tensor
    heard: list[Names]
    texts: list[str]
    meanings: list[Names]
    choices: list[list[int]]


def synonyms(kind: str) -> tuple[str, ...]:
    return phrases.SPEECH if kind == SPEECH else phrases.names(kind)


def text_for(rng: np.random.Generator, kinds: Names, plain: float = 0.4) -> str:
    """A text that names the kinds; `plain` of the names are the kinds' own."""
    if not kinds:
        return phrases.SILENCE[rng.integers(len(phrases.SILENCE))]
    parts = []
    for kind in rng.permutation(sorted(kinds)):
        names = synonyms(kind)
        category = None if kind == SPEECH else KINDS[kind].category
        rivals = [k for k in kinds if k not in (kind, SPEECH) and KINDS[k].category == category]
        if rng.random() < plain:
            name = names[0]
        elif category is not None and not rivals and rng.random() < 0.2:
            name = category if rng.random() < 0.5 else phrases.readable(category)
        else:
            name = names[rng.integers(len(names))]
        parts.append(name)
    if len(parts) == 1 and rng.random() < 0.15:
        return phrases.TEMPLATES[rng.integers(len(phrases.TEMPLATES))].format(parts[0])
    return _JOINTS[rng.integers(len(_JOINTS))].join(parts)


def draw(seed: int, step: int, count: int, split: str = "train") -> Step:
    """`count` pieces of whole seconds, cut out of mixtures as the method cuts a sound track."""
    rng = np.random.default_rng([23, seed, step])
    seconds = _SECONDS[step % len(_SECONDS)]
    count = count if seconds < 5 else count // 2
    samples, heard, wrong = [], [], []
    while len(samples) < count:
        number = int(rng.integers(2**31))
        mixture = mixtures.draw(number, split, seconds + 2.0)
        present = [k for k, on in mixture.heard.items() if on.any()]
        for start in rng.permutation(3)[: 2 if len(present) > 1 else 1]:
            begin, end = int(start) * RATE, (int(start) + seconds) * RATE
            now = frozenset(mixture.kinds(begin, end))
            samples.append(torch.from_numpy(mixture.samples[begin:end]))
            heard.append(now)
            # What sounds elsewhere in the track is what the method will mistake it for.
            wrong.append([k for k in present if k not in now])
    samples, heard, wrong = samples[:count], heard[:count], wrong[:count]

    texts, meanings, choices = [], [], []
    for now, others in zip(heard, wrong):
        candidates = list(now | set(others))
        while len(candidates) < min(3, len(now) + 2):
            kind = list(KINDS)[rng.integers(len(KINDS))]
            if kind not in candidates:
                candidates.append(kind)
        sets = [
            frozenset(c)
            for n in range(1, len(candidates) + 1)
            for c in itertools.combinations(candidates, n)
        ]
        sets = [s for s in sets if s != now]
        sets = [sets[i] for i in rng.permutation(len(sets))[:_WRONG]]
        choices.append(list(range(len(texts), len(texts) + 1 + len(sets))))
        for kinds in (now, *sets):
            texts.append(text_for(rng, kinds))
            meanings.append(kinds)
    return Step(torch.stack(samples), heard, texts, meanings, choices)


class Meanings:
    """Where a set of kinds lies in the teacher's space: the sum of its kinds' vectors."""

    def __init__(self, teacher: Teacher):
        self._vectors = {}
        for kind in (*KINDS, SPEECH):
            names = torch.stack([teacher[name] for name in synonyms(kind)])
            self._vectors[kind] = F.normalize(names[0] + names.mean(0), dim=0)
        self._silence = F.normalize(
            torch.stack([teacher[t] for t in phrases.SILENCE]).mean(0), dim=0
        )

    def __getitem__(self, kinds: Names) -> Tensor:
        """Unit vector [128]."""
        if not kinds:
            return self._silence
        return F.normalize(sum(self._vectors[k] for k in sorted(kinds)), dim=0)


def lesson(rng: np.random.Generator, teacher: Teacher, count: int) -> tuple[list[str], Tensor]:
    """Texts of the teacher's corpus, some in a template or joined; their meanings [count, 128]."""
    nouns, corpus = phrases.nouns(), teacher.texts
    texts, vectors = [], []
    for _ in range(count):
        pool = nouns if rng.random() < 0.5 else corpus
        text = pool[rng.integers(len(pool))]
        vector, luck = teacher[text], rng.random()
        if luck < 0.15:
            other = nouns[rng.integers(len(nouns))]
            text = f"{text}{_JOINTS[rng.integers(len(_JOINTS))]}{other}"
            vector = F.normalize(vector + teacher[other], dim=0)
        elif luck < 0.35:
            text = phrases.TEMPLATES[rng.integers(len(phrases.TEMPLATES))].format(text)
        texts.append(text)
        vectors.append(vector)
    return texts, torch.stack(vectors)
