# SPDX-License-Identifier: Apache-2.0
"""A seeded generator of video clips with exact truth."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np

from . import backgrounds, compose, cutouts, expressions, motion, shapes
from .compose import Actor, Camera, Finish, Light
from .cutouts import Cutout

cv2.setNumThreads(0)  # one clip is too small to share among threads

_VERSION = 1  # of the random stream: raise it when the same seed gives another clip
_SPLITS = {"train": 1, "seen": 2, "unseen": 3}


@dataclass(frozen=True)
class Settings:
    """What a clip is made of. Areas are shares of the frame; probabilities in [0, 1].

    objects: weights of having 1, 2, 3... objects.
    area: range of an object's silhouette, drawn evenly in its logarithm.
    twin: probability that an object is of an earlier object's kind.
    outside: probability that an object enters or leaves the frame.
    meet: probability that an object's path passes another's.
    duration: range of a clip's length in seconds; motion is made for the whole of it.
    interval: range of the time between two frames in seconds, drawn evenly in its logarithm; a clip
        whose frames cover less than its duration shows a part of it. None: the frames cover all.
    strength: how far and how fast things move; 0 stands still.
    shapes: probability that an object is a made-up shape without a name.
    wave: probability that an object ripples.
    light: strength of changes of brightness and colour.
    """

    objects: tuple[float, ...] = (0.25, 0.4, 0.35)
    area: tuple[float, float] = (0.015, 0.30)
    twin: float = 0.3
    outside: float = 0.25
    meet: float = 0.35
    duration: tuple[float, float] = (2.5, 6.0)
    interval: tuple[float, float] | None = (1 / 15, 0.4)
    strength: float = 1.0
    shapes: float = 0.0
    wave: float = 0.25
    light: float = 1.0


@dataclass
class Clip:
    """N objects in T frames of H x W pixels.

    frames: RGB u8 [T, H, W, 3].
    masks: bool [N, T, H, W], the visible pixels; disjoint.
    boxes: f32 [N, T, 4], (x0, y0, x1, y1) of the visible pixels, half-open; nan if there are none.
    amodal: f32 [N, T, 4], of the whole object, hidden or not; may reach outside the frame.
    hidden: f32 [N, T], share of the object's pixels in the frame that others hide.
    outside: f32 [N, T], share of the object outside the frame.
    kinds: a noun an object ("" for made-up shapes); keys: the cut-outs' names.
    fps: frames a second.
    """

    frames: np.ndarray
    masks: np.ndarray
    boxes: np.ndarray
    amodal: np.ndarray
    hidden: np.ndarray
    outside: np.ndarray
    kinds: list[str]
    keys: list[str]
    expressions: list[expressions.Expression]
    fps: float


def mask_boxes(masks: np.ndarray) -> np.ndarray:
    """bool [N, T, H, W] -> half-open boxes f32 [N, T, 4], nan where a mask is empty."""
    out = np.full((*masks.shape[:2], 4), np.nan, np.float32)
    columns, rows = masks.any(2), masks.any(3)
    for n, t in np.argwhere(columns.any(2)):
        xs, ys = np.flatnonzero(columns[n, t]), np.flatnonzero(rows[n, t])
        out[n, t] = xs[0], ys[0], xs[-1] + 1, ys[-1] + 1
    return out


def _cast(
    rng: np.random.Generator, s: Settings, pool: tuple[Cutout, ...], by_kind: bool, test: bool
) -> list[Cutout]:
    """The cut-outs of a clip, drawn evenly over kinds (by_kind) or over cut-outs."""
    weights = np.array(s.objects) / sum(s.objects)
    pool_kinds = list(dict.fromkeys(c.kind for c in pool))
    chosen: list[Cutout] = []
    for _ in range(1 + int(rng.choice(len(weights), p=weights))):
        named = [c for c in chosen if c.kind]
        if rng.random() < s.shapes:
            chosen.append(shapes.draw(rng, test))
        elif named and rng.random() < s.twin:
            kind = named[rng.integers(len(named))].kind
            twins = [c for c in pool if c.kind == kind]
            chosen.append(twins[rng.integers(len(twins))])
        elif by_kind:
            kind = pool_kinds[rng.integers(len(pool_kinds))]
            same = [c for c in pool if c.kind == kind]
            chosen.append(same[rng.integers(len(same))])
        else:
            chosen.append(pool[rng.integers(len(pool))])
    return chosen


def _direct(
    rng: np.random.Generator, s: Settings, cast: list[Cutout], height: int, width: int
) -> list[Actor]:
    """How the cast looks and moves."""
    actors: list[Actor] = []
    for cutout in cast:
        share = math.exp(rng.uniform(math.log(s.area[0]), math.log(s.area[1])))
        twins = [a for a in actors if a.cutout.kind and a.cutout.kind == cutout.kind]
        if twins and rng.random() < 0.5:  # clearly larger or smaller than its twin
            of = twins[0].cutout.area * twins[0].scale ** 2 / (height * width)
            share = float(np.clip(of * rng.choice([0.45, 2.2]), *s.area))
        scale = math.sqrt(share * height * width / cutout.area)
        h, w = cutout.mips[0].shape[:2]
        scale = min(scale, 1.1 * height / h, 1.1 * width / w)
        size = max(h * scale / height, w * scale / width)
        for _ in range(8):  # apart from the others, if it can be
            start = rng.uniform(0.1, 0.9, 2)
            if all(np.hypot(*(start - a.path.places[0])) > 0.25 for a in actors):
                break
        path = motion.draw(rng, start, size, s.outside, s.strength)
        if actors and rng.random() < s.meet and s.strength > 0:
            motion.meet(rng, path, actors[rng.integers(len(actors))].path)
        ripple = rng.random() < s.wave
        wave = (
            rng.uniform(0.01, 0.05) * w,
            rng.uniform(0.4, 1.5),
            rng.uniform(0.5, 3) * s.strength,
        )
        actors.append(
            Actor(
                cutout=cutout,
                path=path,
                scale=scale,
                stretch=math.exp(rng.normal(0, 0.12)),
                flipped=rng.random() < 0.5,
                light=Light.draw(rng, s.light),
                wave=wave if ripple else (0.0, 1.0, 1.0),
            )
        )
    order = rng.permutation(len(actors))
    return [actors[i] for i in order]


def _film(rng: np.random.Generator, s: Settings, height: int, width: int, test: bool):
    """Background, camera and finish."""
    side = max(height, width)
    picture = backgrounds.draw(rng, int(side * 1.3), test)
    h, w = picture.shape[:2]
    zoom = rng.uniform(0.45, 0.95) * min(h / height, w / width)
    reach = np.array([zoom * width, zoom * height])
    room = np.maximum(np.array([w, h]) - reach, 0)
    centre = reach / 2 + rng.uniform(0, 1, 2) * room
    moving = rng.random() < 0.6
    drift = rng.normal(0, 0.15, 2) * reach * s.strength * moving
    growth = rng.uniform(-0.25, 0.25) * s.strength * moving
    camera = Camera(centre, drift, zoom, growth, rng.random() < 0.5)
    picture = Light.draw(rng, 0.7 * s.light).apply_opaque(picture)
    blur = rng.uniform(0.4, 1.0) * side / 256 if rng.random() < 0.15 else 0.0
    noise = rng.uniform(2, 9) if rng.random() < 0.4 else 0.0
    return picture, camera, Finish(blur, noise)


def _when(rng: np.random.Generator, s: Settings, frames: int) -> tuple[np.ndarray, float]:
    """Times [frames] of the frames as shares of the clip's duration, and frames a second."""
    duration = rng.uniform(*s.duration)
    if s.interval is None:
        return np.linspace(0, 1, frames), frames / duration
    step = math.exp(rng.uniform(math.log(s.interval[0]), math.log(s.interval[1])))
    length = step * (frames - 1) / duration
    start = rng.uniform(0, max(0.0, 1 - length))
    return start + np.linspace(0, min(length, 1.0), frames), 1 / step


def _start(
    seed: int, split: str, kinds: str, settings: Settings | None, changes: dict
) -> tuple[np.random.Generator, Settings, list[Cutout]]:
    """The first draws of a clip."""
    if split not in _SPLITS:
        raise ValueError(f"split is {split!r}, expected one of {sorted(_SPLITS)}")
    if kinds not in ("all", "named"):
        raise ValueError(f"kinds is {kinds!r}, expected 'all' or 'named'")
    if split == "unseen" and kinds == "named":
        raise ValueError("no cut-out of a named kind is held out: split 'unseen' needs kinds 'all'")
    s = replace(settings or Settings(), **changes)
    rng = np.random.default_rng([_VERSION, _SPLITS[split], int(seed)])
    test = split != "train"
    pool = cutouts.pool(held_out=split == "unseen", named_only=kinds == "named")
    return rng, s, _cast(rng, s, pool, kinds == "named", test)


def cast(
    seed: int, split: str, kinds: str, settings: Settings | None = None, **changes
) -> list[str]:
    """The kinds of the objects that `generate` would show, in no order; much faster."""
    return [c.kind for c in _start(seed, split, kinds, settings, changes)[2]]


def generate(
    seed: int,
    frames: int = 8,
    size: int | tuple[int, int] = 256,
    split: str = "train",
    kinds: str = "all",
    settings: Settings | None = None,
    **changes,
) -> Clip:
    """One clip. The same arguments give the same clip wherever the same packages are installed.

    size: of a frame, or (height, width).
    split: "train"; "seen" (compositions and photographs behind them that training never draws, of
        cut-outs that it does); "unseen" (cut-outs that training never draws).
    kinds: "all" cut-outs, or only those "named" in kinds.NAMED_KINDS (not with "unseen").
    changes: fields of Settings to replace.
    """
    rng, s, chosen = _start(seed, split, kinds, settings, changes)
    height, width = (size, size) if isinstance(size, int) else size
    test = split != "train"
    actors = _direct(rng, s, chosen, height, width)
    picture, camera, finish = _film(rng, s, height, width, test)
    times, fps = _when(rng, s, frames)
    pictures, truth = compose.compose(actors, picture, camera, finish, times, height, width, rng)
    seen = truth.masks.sum((2, 3))
    boxes = mask_boxes(truth.masks)
    shares = np.array([width, height], np.float32)
    whole = np.maximum(truth.whole, 1)
    scene = expressions.Scene(
        kinds=[a.cutout.kind for a in actors],
        # A sliver is no sight of a thing.
        visible=seen > np.maximum(0.1 * truth.area, 12),
        centre=(boxes[..., :2] + boxes[..., 2:]) / 2 / shares,
        body=(truth.amodal[..., :2] + truth.amodal[..., 2:]) / 2 / shares,
        size=truth.area / (height * width),
        covers=truth.covers,
    )
    return Clip(
        frames=pictures,
        masks=truth.masks,
        boxes=boxes,
        amodal=truth.amodal,
        hidden=np.where(truth.whole > 0, 1 - seen / whole, 0).astype(np.float32),
        outside=np.clip(1 - truth.whole / np.maximum(truth.area, 1), 0, 1).astype(np.float32),
        kinds=scene.kinds,
        keys=[a.cutout.key for a in actors],
        expressions=expressions.find(scene, height * width, rng),
        fps=fps,
    )
