# SPDX-License-Identifier: Apache-2.0
"""What lies behind the objects: photographs of two Debian packages, and made-up textures.

The photographs (mate-backgrounds; lomiri-wallpapers-16.04 and -20.04) are used where they are
installed. Without them every background is made up.
"""

from __future__ import annotations

import functools
import hashlib
import math
import os
import pickle
from pathlib import Path

import cv2
import numpy as np

from . import cutouts

FOLDER = Path(os.environ.get("ALREF_BACKGROUNDS", "/usr/share/backgrounds"))

# Pictures that show an animal, a drum and the like are left out: nothing unnamed may look like a
# named kind.
TRAIN_PHOTOS = (
    "mate/nature/Aqua.jpg",
    "mate/nature/Blinds.jpg",
    "mate/nature/Dune.jpg",
    "mate/nature/FreshFlower.jpg",
    "mate/nature/Garden.jpg",
    "mate/nature/RainDrops.jpg",
    "mate/nature/Storm.jpg",
    "mate/nature/TwoWings.jpg",
    "mate/nature/Wood.jpg",
    "mate/abstract/Flow.png",
    "Bridge_by_Sander_Klootwijk.jpg",
    "Infinite-Sea_by_Aury88.jpg",
    "Painting-Colors_by__herobrine7gamer.jpg",
    "Picture_0B_by_freespace.jpg",
    "aitzgorri_by_Aitzol_Berasategi.jpg",
    "analogpattern_by_Peter_Nerlich.jpg",
    "life_by_Aitzol_Berasategi.jpg",
    "picosdeeuropa_by_Aitzol_Berasategi.jpg",
    "seeding_by_Clements_Engelhardt.jpg",
    "umang_by_Abhishek_Mudgal.jpg",
)
TEST_PHOTOS = (
    "mate/nature/GreenMeadow.jpg",
    "mate/nature/YellowFlower.jpg",
    "mate/abstract/Gulp.png",
    "Picture_1A_by_freespace.jpg",
    "greentock_by_Peter_Nerlich.jpg",
    "sunset_by_Aitzol_Berasategi.jpg",
)

_FORMAT = 1
_SHORT_SIDE = 480
_LONG_SIDE = 1000


def _read(path: Path) -> np.ndarray | None:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        return None
    scale = _SHORT_SIDE / min(picture.shape[:2])
    picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(picture[:_LONG_SIDE, :_LONG_SIDE, ::-1])


@functools.cache
def photos(test: bool) -> tuple[np.ndarray, ...]:
    """Photographs RGB u8 [h, w, 3] of one split, short side 480; empty if none is installed."""
    names = [n for n in (TEST_PHOTOS if test else TRAIN_PHOTOS) if (FOLDER / n).exists()]
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]
    name = f"backgrounds-{_FORMAT}-{digest}.pickle"
    path = cutouts.CACHE / name
    if path.exists():
        return tuple(pickle.loads(path.read_bytes()))
    found = [p for n in names if (p := _read(FOLDER / n)) is not None]
    cutouts.CACHE.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_bytes(pickle.dumps(found, protocol=4))
    part.rename(path)
    return tuple(found)


def _noise(rng: np.random.Generator, side: int) -> np.ndarray:
    """Smooth coloured noise of several octaves, sometimes with stripes. u8 [side, side, 3]."""
    out = np.zeros((side, side, 3), np.float32)
    amplitude = rng.uniform(10, 90)
    for octave in range(1, 7):
        n = 2**octave + 1
        grain = rng.standard_normal((n, n, 3)).astype(np.float32)
        if rng.random() < 0.5:
            grain = np.repeat(grain[..., :1], 3, axis=2)
        grain = cv2.resize(grain, (side, side), interpolation=cv2.INTER_CUBIC)
        out += grain * (amplitude / octave)
    out += rng.uniform(20, 235, 3).astype(np.float32)
    if rng.random() < 0.35:
        angle, pitch = rng.uniform(0, math.pi), rng.uniform(0.02, 0.25)
        ys, xs = np.mgrid[:side, :side].astype(np.float32)
        stripes = np.sin((xs * math.cos(angle) + ys * math.sin(angle)) * pitch)
        out += stripes[..., None] * rng.uniform(5, 50)
    return np.clip(out, 0, 255).astype(np.uint8)


def _gradient(rng: np.random.Generator, side: int) -> np.ndarray:
    """A sky over a ground: two vertical blends that meet at a horizon, with a little grain."""
    horizon = int(rng.uniform(0.3, 0.8) * side)
    colours = rng.uniform(20, 235, (4, 3)).astype(np.float32)
    out = np.empty((side, side, 3), np.float32)
    for rows, (top, bottom) in (
        (slice(0, horizon), colours[:2]),
        (slice(horizon, side), colours[2:]),
    ):
        n = rows.stop - rows.start
        blend = np.linspace(0, 1, n, dtype=np.float32)[:, None]
        out[rows] = (top * (1 - blend) + bottom * blend)[:, None]
    grain = rng.standard_normal((side // 4, side // 4, 1)).astype(np.float32)
    grain = cv2.resize(grain, (side, side), interpolation=cv2.INTER_CUBIC)
    out += grain[..., None] * rng.uniform(0, 18)
    return np.clip(out, 0, 255).astype(np.uint8)


def _patchwork(rng: np.random.Generator, side: int) -> np.ndarray:
    """Fur, feathers and metal: magnified pieces of cut-outs, laid over one another and blurred."""
    out = _noise(rng, side)
    pool = cutouts.pool(held_out=False, named_only=False)
    for _ in range(int(rng.integers(4, 12))):
        texture = pool[rng.integers(len(pool))].mips[0]
        h, w = texture.shape[:2]
        y, x = int(rng.uniform(0.2, 0.5) * h), int(rng.uniform(0.2, 0.5) * w)
        piece = texture[y : y + max(8, h // 3), x : x + max(8, w // 3)]
        size = int(rng.uniform(0.3, 0.8) * side)
        piece = cv2.resize(piece, (size, size), interpolation=cv2.INTER_CUBIC)
        top, left = (int(v) for v in rng.integers(0, side - size + 1, 2))
        alpha = piece[..., 3:].astype(np.float32) / 255.0
        under = out[top : top + size, left : left + size].astype(np.float32)
        blended = under * (1 - alpha) + piece[..., :3]
        out[top : top + size, left : left + size] = np.clip(blended, 0, 255).astype(np.uint8)
    sigma = rng.uniform(0.5, 4.0)
    return cv2.GaussianBlur(out, (0, 0), sigma)


def draw(rng: np.random.Generator, side: int, test: bool) -> np.ndarray:
    """One background, RGB u8 [h, w, 3] with h and w at least about `side` pixels."""
    pictures = photos(test)
    which = rng.random()
    if pictures and which < 0.6:
        return pictures[rng.integers(len(pictures))]
    side = min(side, 480)  # magnified when used; finer texture would be lost in the blur anyway
    if which < 0.8:
        return _noise(rng, side)
    if which < 0.88:
        return _gradient(rng, side)
    return _patchwork(rng, side)
