# SPDX-License-Identifier: Apache-2.0
"""Which clips and which sentences make up StampBench. Its difficulty is fixed here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .. import stampworld
from ..stampworld import Clip, Expression

FPS = 15
SIZES = ((240, 320), (288, 384), (360, 480), (360, 640), (480, 640))  # height, width
FRAMES = (40, 120)

# Share of the sentences by category.
SHARES = {
    "kind": 0.30,
    "position": 0.15,
    "size": 0.10,
    "motion": 0.25,
    "order": 0.10,
    "relation": 0.05,
    "absent": 0.05,
}
_SENTENCES = 3.25  # a clip, on average
_HIDDEN, _HIDDEN_FRAMES = 0.25, 5  # "hidden by a quarter or more for a while"
_SMALLEST, _LARGEST = 0.02, 0.25  # of the frame: mean area while seen
_PREVIEW = 4  # plans are made on clips of a quarter of the size


@dataclass(frozen=True)
class Entry:
    """A clip of the benchmark: how to generate it, and the sentences chosen for it."""

    name: str
    split: str
    seed: int
    frames: int
    size: tuple[int, int]
    expressions: tuple[Expression, ...]


def settings(frames: int, named: bool) -> stampworld.Settings:
    """Of a clip of so many frames."""
    return stampworld.Settings(
        objects=(0, 0.3, 0.4, 0.3),
        area=(0.03, 0.2),
        twin=0.6 if named else 0.2,
        outside=0.3,
        meet=0.4,
        duration=(frames / FPS, frames / FPS),
        interval=None,
    )


def render(entry: Entry) -> Clip:
    """The clip at full size."""
    return _generate(entry.split, entry.seed, entry.frames, entry.size)


def _generate(split: str, seed: int, frames: int, size: tuple[int, int]) -> Clip:
    named = split == "seen"
    kinds = "named" if named else "all"
    return stampworld.generate(seed, frames, size, split, kinds, settings(frames, named))


def is_hidden(clip: Clip) -> np.ndarray:
    """bool [N]: a quarter or more of the object is hidden by others for a while."""
    return (clip.hidden > _HIDDEN).sum(1) >= _HIDDEN_FRAMES


def comes_or_goes(clip: Clip) -> np.ndarray:
    """bool [N]: the object is wholly outside the frame for a part of the clip."""
    gone = clip.outside > 0.999
    return gone.any(1) & ~gone.all(1)


def _is_fair(clip: Clip) -> bool:
    """Whether every object is of the right size and seen for a quarter of the clip or more."""
    area = clip.masks.mean((2, 3))
    seen = area > 0
    if (seen.mean(1) < 0.25).any():
        return False
    mean = area.sum(1) / seen.sum(1)
    return bool(((mean >= _SMALLEST) & (mean <= _LARGEST)).all())


class _Chooser:
    """Picks sentences so that the shares of the categories come out right over the whole set."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()
        self.clips = 0

    def choose(self, candidates: list[Expression]) -> tuple[Expression, ...]:
        self.clips += 1
        left = list(candidates)
        chosen: list[Expression] = []
        while left and self.count.total() < round(_SENTENCES * self.clips):
            total = self.count.total() + 1
            used = {e.target for e in chosen}

            def worth(e: Expression) -> tuple:
                # First the category that is most behind; among its sentences those that another
                # object of the same kind contests, and those about objects not yet asked for.
                behind = SHARES[e.category] * total - self.count[e.category]
                return behind, e.contested, e.target not in used

            best = max(left, key=worth)
            left.remove(best)
            chosen.append(best)
            self.count[best.category] += 1
        return tuple(chosen)


def plan(seed: int, clips: int, unseen: int) -> Iterator[Entry]:
    """The entries of a benchmark: `clips` with sentences, then `unseen` for the tracker alone.

    In order and one by one; the first n entries do not depend on how many follow.
    """
    chooser = _Chooser()
    for i in range(clips + unseen):
        split = "seen" if i < clips else "unseen"
        number = i if split == "seen" else i - clips
        rng = np.random.default_rng([11, seed, split == "seen", number])
        frames = int(rng.integers(FRAMES[0], FRAMES[1] + 1))
        size = SIZES[rng.integers(len(SIZES))]
        # Four clips in ten must hide something, three in ten let something come or go.
        must_hide, must_move = number % 10 in (0, 3, 5, 8), number % 10 in (2, 5, 8)
        small = (size[0] // _PREVIEW, size[1] // _PREVIEW)
        while True:
            clip_seed = int(rng.integers(2**31))
            clip = _generate(split, clip_seed, frames, small)
            if not _is_fair(clip):
                continue
            if must_hide and not is_hidden(clip).any():
                continue
            if must_move and not comes_or_goes(clip).any():
                continue
            if split == "unseen" or len(clip.expressions) >= 5:
                break
        chosen = chooser.choose(clip.expressions) if split == "seen" else ()
        yield Entry(f"{split}{number:04d}", split, clip_seed, frames, size, chosen)
