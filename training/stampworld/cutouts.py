# SPDX-License-Identifier: Apache-2.0
"""Photographic cut-outs with transparency, read from the Debian package tuxpaint-stamps-default."""

from __future__ import annotations

import functools
import os
import pickle
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from . import kinds

STAMPS = Path(os.environ.get("ALREF_STAMPS", "/usr/share/tuxpaint/stamps"))
CACHE = Path(os.environ.get("ALREF_TRAINING_CACHE", Path.home() / ".cache" / "alref-training"))

_FORMAT = 1  # raise when the contents of the cache file change
_LONGEST_SIDE = 320
_SHORTEST_USABLE_SIDE = 45


@dataclass(frozen=True)
class Cutout:
    """One thing, cut out of its photograph.

    mips: premultiplied RGBA u8 [h, w, 4], each half the size of the one before.
    hull: convex hull of the silhouette in pixels of mips[0], f32 [points, 2] as (x, y).
    area: pixels of mips[0] inside the silhouette (alpha above one half).
    """

    key: str
    kind: str
    mips: tuple[np.ndarray, ...]
    hull: np.ndarray
    area: int
    held_out: bool
    sound: Path | None


def _read(path: Path) -> np.ndarray | None:
    """RGBA u8, cropped to the silhouette; None if the picture cannot serve as a cut-out."""
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.ndim != 3 or picture.shape[2] != 4 or picture.dtype != np.uint8:
        return None
    solid = picture[..., 3] > 127
    if not 0.01 < solid.mean() < 0.97:
        return None
    ys, xs = np.where(solid)
    picture = picture[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
    if max(picture.shape[:2]) < _SHORTEST_USABLE_SIDE:
        return None
    return picture[..., [2, 1, 0, 3]]


def _make(key: str, picture: np.ndarray) -> Cutout:
    level = picture.astype(np.float32)
    level[..., :3] *= level[..., 3:] / 255.0
    scale = _LONGEST_SIDE / max(level.shape[:2])
    if scale < 1:
        level = cv2.resize(level, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    mips = []
    while True:
        mips.append(np.clip(np.round(level), 0, 255).astype(np.uint8))
        if len(mips) == 5 or min(level.shape[:2]) < 16:
            break
        level = cv2.resize(level, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    solid = (mips[0][..., 3] > 127).astype(np.uint8)
    contours, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    hull = cv2.convexHull(np.concatenate(contours))[:, 0].astype(np.float32)
    sound = STAMPS / f"{key}.ogg"
    return Cutout(
        key=key,
        kind=kinds.kind_of(key),
        mips=tuple(mips),
        hull=hull,
        area=int(solid.sum()),
        held_out=key in kinds.HELD_OUT,
        sound=sound if sound.exists() else None,
    )


def _build() -> list[Cutout]:
    if not STAMPS.is_dir():
        raise FileNotFoundError(
            f"{STAMPS}: no stamps there; install the Debian package tuxpaint-stamps-default"
        )
    found = []
    for folder in kinds.FOLDERS:
        for path in sorted((STAMPS / folder).glob("**/*.png")):
            key = str(path.relative_to(STAMPS))[:-4]
            if any(part in key for part in kinds.SKIPPED_PARTS):
                continue
            picture = _read(path)
            # Named kinds and held-out cut-outs are listed by hand: losing one must not go unseen.
            if picture is None and (key in kinds.KIND_OF_KEY or key in kinds.HELD_OUT):
                raise ValueError(f"{path}: unusable as a cut-out, yet listed in kinds.py")
            if picture is not None:
                found.append(_make(key, picture))
    missing = (set(kinds.KIND_OF_KEY) | kinds.HELD_OUT) - {c.key for c in found}
    if missing:
        raise ValueError(f"{STAMPS}: no cut-outs {sorted(missing)}, listed in kinds.py")
    return found


@functools.cache
def load() -> tuple[Cutout, ...]:
    """All cut-outs, in a fixed order. The first call on a machine reads 400 files (about 10 s)."""
    # One file a format and a stamps folder; a new version of the package changes the folder's time.
    stamp = int(STAMPS.stat().st_mtime) if STAMPS.is_dir() else 0
    path = CACHE / f"cutouts-{_FORMAT}-{stamp}.pickle"
    if path.exists():
        return tuple(pickle.loads(path.read_bytes()))
    found = _build()
    CACHE.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_bytes(pickle.dumps(found, protocol=4))
    part.rename(path)
    return tuple(found)


@functools.cache
def pool(held_out: bool, named_only: bool) -> tuple[Cutout, ...]:
    """The cut-outs that one split may use."""
    return tuple(
        c
        for c in load()
        if c.held_out == held_out and not (named_only and c.key not in kinds.KIND_OF_KEY)
    )
