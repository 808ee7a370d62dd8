# SPDX-License-Identifier: Apache-2.0
"""Sentences that hold for exactly one object of a clip, found from the clip's exact truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .kinds import NAMED_KINDS

CATEGORIES = ("kind", "position", "size", "motion", "order", "relation", "absent")

# A sentence must hold by a margin, and in this share of the frames in which it can be judged.
_MOST_FRAMES = 0.85
_APART = 0.10  # positions: share of the frame's side
_LARGER = 1.5  # sizes: ratio of areas
_MOVED = 0.12  # displacement that counts as moving, share of the frame's side
_RESTED = 0.03


@dataclass(frozen=True)
class Expression:
    """A sentence, its category, and the index of its object (None: nothing in the video).

    contested: another object of the same kind is in the clip.
    """

    text: str
    category: str
    target: int | None
    contested: bool


@dataclass(frozen=True)
class Scene:
    """What sentences are about, per object n and frame t; places are shares of the frame.

    visible bool [N, T]; centre f32 [N, T, 2] of the visible part (nan if invisible);
    body f32 [N, T, 2] centre of the whole object; size f32 [N, T] area of the whole object;
    covers i64 [N, N, T] pixels of j hidden by i.
    """

    kinds: list[str]
    visible: np.ndarray
    centre: np.ndarray
    body: np.ndarray
    size: np.ndarray
    covers: np.ndarray


def _mostly(truth: np.ndarray, where: np.ndarray) -> bool:
    """Whether `truth` [T] holds in most of the frames `where` [T], and there are such frames."""
    n = int(where.sum())
    return n > 0 and truth[where].sum() >= _MOST_FRAMES * n


_SIDES = (("left", 0, -1.0), ("right", 0, 1.0), ("top", 1, -1.0), ("bottom", 1, 1.0))
_ON = {
    "left": "on the left",
    "right": "on the right",
    "top": "at the top",
    "bottom": "at the bottom",
}
_TO = {"left": "to the left of", "right": "to the right of", "top": "above", "bottom": "below"}
_WAYS = {"left": "left", "right": "right", "top": "up", "bottom": "down"}


def _positions(s: Scene, n: int, same: list[int]):
    noun = s.kinds[n]
    for side, axis, sign in _SIDES:
        place = sign * s.centre[:, :, axis]
        if same:
            holds = all(
                _mostly(place[n] > place[j] + _APART, s.visible[n] & s.visible[j]) for j in same
            )
        else:
            holds = _mostly(place[n] > sign * 0.5 + _APART, s.visible[n])
        if holds:
            yield f"the {noun} {_ON[side]}", "position"


def _sizes(s: Scene, n: int, same: list[int]):
    if not same:
        return
    noun = s.kinds[n]
    several = len(same) > 1
    # Every frame in which both are seen must agree, not only the mean: things grow and shrink.
    for word, most, sign in (("larger", "largest", 1), ("smaller", "smallest", -1)):
        log = sign * np.log(s.size)
        if all(
            _mostly(log[n] > log[j] + np.log(_LARGER), s.visible[n] & s.visible[j]) for j in same
        ):
            yield f"the {most if several else word} {noun}", "size"


def _displacement(s: Scene, n: int) -> tuple[np.ndarray, float, float]:
    """Net way [2], path length, and log growth of object n over the frames that show it."""
    seen = np.flatnonzero(s.visible[n])
    body = s.body[n, seen[0] : seen[-1] + 1]
    size = s.size[n, seen[[0, -1]]]
    steps = np.diff(body, axis=0)
    return body[-1] - body[0], float(np.hypot(*steps.T).sum()), float(np.log(size[1] / size[0]))


def _motions(s: Scene, n: int, same: list[int]):
    if s.visible.shape[1] < 4:
        return
    noun = s.kinds[n]
    way, length, growth = _displacement(s, n)
    rest = [_displacement(s, j) for j in same]
    for side, axis, sign in _SIDES:
        straight = sign * way[axis] > 2 * abs(way[1 - axis]) and abs(way[axis]) > 0.7 * length
        if (
            straight
            and sign * way[axis] > _MOVED
            and all(sign * w[axis] < _RESTED for w, _, _ in rest)
        ):
            yield f"the {noun} moving {_WAYS[side]}", "motion"
    if length < _RESTED and abs(growth) < 0.1 and all(other > _MOVED for _, other, _ in rest):
        yield f"the {noun} that stays still", "motion"
    if length > 0.3 and np.hypot(*way) < 0.35 * length and same:
        if all(np.hypot(*w) > 0.7 * other or other < _RESTED for w, other, _ in rest):
            yield f"the {noun} moving back and forth", "motion"
    if same and length > 2 * _MOVED and all(length > 2 * other for _, other, _ in rest):
        yield f"the {noun} that moves the most", "motion"
    for word, sign in (("coming closer", 1), ("moving away", -1)):
        if sign * growth > 0.5 and all(sign * other < 0.15 for _, _, other in rest):
            yield f"the {noun} {word}", "motion"


def _orders(s: Scene, n: int, same: list[int]):
    frames = s.visible.shape[1]
    if not same or frames < 4:
        return
    noun = s.kinds[n]
    gap = max(2, round(0.06 * frames))
    first = [int(np.argmax(v)) for v in s.visible]
    last = [frames - 1 - int(np.argmax(v[::-1])) for v in s.visible]
    if all(first[n] + gap <= first[j] for j in same):
        yield f"the {noun} that appears first", "order"
    if all(first[n] >= first[j] + gap for j in same):
        yield f"the {noun} that appears last", "order"
    if all(last[n] + gap <= last[j] for j in same):
        yield f"the {noun} that disappears first", "order"
    if all(last[n] >= last[j] + gap for j in same) and last[n] < frames - 1:
        yield f"the {noun} that disappears last", "order"


def _relations(s: Scene, n: int, same: list[int]):
    noun = s.kinds[n]
    for m, other in enumerate(s.kinds):
        unnamed_or_several = not other or s.kinds.count(other) > 1
        if unnamed_or_several or other == noun or not s.visible[m].any():
            continue
        for side, axis, sign in _SIDES:
            ahead = sign * (s.centre[:, :, axis] - s.centre[m, :, axis])
            if _mostly(ahead[n] > _APART, s.visible[n] & s.visible[m]) and all(
                _mostly(ahead[j] < -_APART / 2, s.visible[j] & s.visible[m]) for j in same
            ):
                yield f"the {noun} {_TO[side]} the {other}", "relation"
        # Hidden by at least a tenth of the one behind, for a tenth of the clip.
        shared = s.covers > 0.1 * s.size[None] * s.visible.any()
        enough = max(1, s.visible.shape[1] // 10)
        over = shared.sum(2) >= enough
        for word, holds, rivals in (
            ("in front of", over[n, m], [over[j, m] for j in same]),
            ("behind", over[m, n], [over[m, j] for j in same]),
        ):
            if holds and not any(rivals):
                yield f"the {noun} {word} the {other}", "relation"


def find(scene: Scene, pixels: int, rng: np.random.Generator) -> list[Expression]:
    """Every sentence of the grammar that holds for exactly one object, and one about nothing.

    pixels: of a frame, to bring `scene.covers` to the unit of `scene.size`.
    """
    scene = Scene(
        scene.kinds,
        scene.visible,
        scene.centre,
        scene.body,
        np.maximum(scene.size, 1e-6),
        scene.covers / pixels,
    )
    found = []
    shown = [n for n, kind in enumerate(scene.kinds) if kind and scene.visible[n].any()]
    for n in shown:
        same = [j for j in shown if j != n and scene.kinds[j] == scene.kinds[n]]
        if not same:
            found.append(Expression(f"the {scene.kinds[n]}", "kind", n, False))
        for rule in (_positions, _sizes, _motions, _orders, _relations):
            found += [Expression(text, cat, n, bool(same)) for text, cat in rule(scene, n, same)]
    absent = [kind for kind in NAMED_KINDS if kind not in scene.kinds]
    found.append(Expression(f"the {absent[rng.integers(len(absent))]}", "absent", None, False))
    return found
