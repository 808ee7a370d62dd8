# SPDX-License-Identifier: Apache-2.0
"""Objects over a background, frame by frame, with the exact truth of what is visible."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from .cutouts import Cutout
from .motion import Path


@dataclass
class Light:
    """Change of brightness and colour: (rgb - 128) * contrast + 128 + offset, times gain [3]."""

    contrast: float = 1.0
    offset: float = 0.0
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)

    @staticmethod
    def draw(rng: np.random.Generator, strength: float) -> Light:
        gain = np.full(3, math.exp(rng.uniform(-0.25, 0.25) * strength))
        if rng.random() < 0.4:
            gain = gain * np.exp(rng.uniform(-0.25, 0.25, 3) * strength)
        return Light(
            contrast=1 + rng.uniform(-0.25, 0.25) * strength,
            offset=rng.uniform(-25, 25) * strength,
            gain=tuple(gain),
        )

    def apply(self, rgba: np.ndarray) -> np.ndarray:
        """Premultiplied RGBA u8 -> the same, relit."""
        alpha = rgba[..., 3:].astype(np.float32)
        rgb = rgba[..., :3].astype(np.float32)
        middle = alpha * (128 / 255.0)
        rgb = ((rgb - middle) * self.contrast + middle + self.offset * alpha / 255.0) * self.gain
        return np.concatenate([np.clip(rgb, 0, alpha), alpha], 2).astype(np.uint8)

    def apply_opaque(self, rgb: np.ndarray) -> np.ndarray:
        """RGB u8 -> the same, relit."""
        level = np.arange(256, dtype=np.float32)[:, None]
        table = ((level - 128) * self.contrast + 128 + self.offset) * np.float32(self.gain)
        return cv2.LUT(rgb, np.clip(table, 0, 255).astype(np.uint8)[None])


@dataclass
class Actor:
    """One object of a clip: what it looks like and how it moves.

    scale: pixels of the frame per pixel of the cut-out's largest mip, at path scale 1.
    stretch: width over height, relative to the photograph.
    wave: amplitude (in pixels of the cut-out), waves over its height, and beats per clip of a
        sideways ripple; amplitude 0 for rigid things.
    """

    cutout: Cutout
    path: Path
    scale: float
    stretch: float
    flipped: bool
    light: Light
    wave: tuple[float, float, float] = (0.0, 1.0, 1.0)


@dataclass
class Camera:
    """A window on the background: centre and drift in background pixels, zoom and its growth."""

    centre: np.ndarray
    drift: np.ndarray
    zoom: float
    growth: float
    flipped: bool


@dataclass
class Finish:
    """What the lens and sensor add: blur (sigma, pixels) and noise (standard deviation)."""

    blur: float = 0.0
    noise: float = 0.0


@dataclass
class Truth:
    """What compose() knows.

    masks bool [N, T, H, W]: visible pixels; disjoint.
    amodal f32 [N, T, 4]: box of the hull, whether visible or not, may reach outside the frame.
    whole i64 [N, T]: pixels in the frame if nothing lay in front.
    area f32 [N, T]: pixels of the full silhouette, the part outside the frame too.
    covers i64 [N, N, T]: pixels of object j that object i, in front, hides.
    """

    masks: np.ndarray
    amodal: np.ndarray
    whole: np.ndarray
    area: np.ndarray
    covers: np.ndarray


_GRAIN = np.random.default_rng(0).standard_normal((1088, 1088, 3)).astype(np.float32)


class _Sprite:
    """An actor's relit textures, made once a mip level."""

    def __init__(self, actor: Actor):
        self.actor = actor
        self._levels: dict[int, np.ndarray] = {}

    def texture(self, scale: float) -> tuple[np.ndarray, float]:
        """The mip to sample at `scale`, and its size as a share of the largest."""
        mips = self.actor.cutout.mips
        level = int(np.clip(math.floor(math.log2(max(1 / scale, 1)) + 0.3), 0, len(mips) - 1))
        if level not in self._levels:
            self._levels[level] = self.actor.light.apply(mips[level])
        return self._levels[level], 0.5**level

    def draw(
        self, affine: np.ndarray, offset: np.ndarray, scale: float, window: tuple, t: float
    ) -> np.ndarray:
        """RGBA u8 of the window (x0, y0, x1, y1) of the frame."""
        x0, y0, x1, y1 = window
        texture, share = self.texture(scale)
        # cut-out pixel c -> frame pixel affine @ c + offset; the mip's pixel is share * c
        forward = np.concatenate([affine / share, (offset - [x0, y0])[:, None]], 1)
        size = (x1 - x0, y1 - y0)
        amplitude, waves, beats = self.actor.wave
        if amplitude == 0:
            return cv2.warpAffine(texture, forward, size, flags=cv2.INTER_LINEAR)
        back = cv2.invertAffineTransform(forward).astype(np.float32)
        xs = np.arange(size[0], dtype=np.float32)[None]
        ys = np.arange(size[1], dtype=np.float32)[:, None]
        u = back[0, 0] * xs + back[0, 1] * ys + back[0, 2]
        v = back[1, 0] * xs + back[1, 1] * ys + back[1, 2]
        turn = v * np.float32(2 * math.pi * waves / texture.shape[0])
        u += np.float32(amplitude * share) * np.sin(turn + np.float32(2 * math.pi * beats * t))
        return cv2.remap(texture, u, v, cv2.INTER_LINEAR)


def _background(picture: np.ndarray, camera: Camera, t: float, height: int, width: int):
    zoom = camera.zoom * math.exp(camera.growth * t)
    x, y = camera.centre + camera.drift * t
    sx = -zoom if camera.flipped else zoom
    matrix = np.array([[sx, 0, x - sx * width / 2], [0, zoom, y - zoom * height / 2]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(
        picture, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT
    )


def compose(
    actors: list[Actor],
    background: np.ndarray,
    camera: Camera,
    finish: Finish,
    times: np.ndarray,
    height: int,
    width: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, Truth]:
    """Frames RGB u8 [T, height, width, 3] at `times` [T] in [0, 1] of the clip, and their truth.

    Later actors lie in front of earlier ones.
    """
    n, count = len(actors), len(times)
    frames = np.empty((count, height, width, 3), np.uint8)
    truth = Truth(
        masks=np.zeros((n, count, height, width), bool),
        amodal=np.zeros((n, count, 4), np.float32),
        whole=np.zeros((n, count), np.int64),
        area=np.zeros((n, count), np.float32),
        covers=np.zeros((n, n, count), np.int64),
    )
    sprites = [_Sprite(a) for a in actors]
    centres = [a.path.centre(times) * [width, height] for a in actors]
    scales = [a.path.scale(times) * a.scale for a in actors]
    angles = [a.path.angle(times) for a in actors]
    for t, time in enumerate(times):
        frame = _background(background, camera, time, height, width)
        for k, actor in enumerate(actors):
            scale = scales[k][t]
            c, s = math.cos(angles[k][t]), math.sin(angles[k][t])
            stretch = math.sqrt(actor.stretch)
            affine = np.array([[c, -s], [s, c]]) @ np.diag(
                [(-scale if actor.flipped else scale) * stretch, scale / stretch]
            )
            h, w = actor.cutout.mips[0].shape[:2]
            offset = centres[k][t] - affine @ [w / 2, h / 2]
            hull = actor.cutout.hull @ affine.T + offset
            reach = actor.wave[0] * scale
            box = (*(hull.min(0) - [reach, 0]), *(hull.max(0) + [reach, 0]))
            truth.amodal[k, t] = box
            truth.area[k, t] = actor.cutout.area * scale**2
            x0, y0 = max(0, math.floor(box[0]) - 1), max(0, math.floor(box[1]) - 1)
            x1, y1 = min(width, math.ceil(box[2]) + 2), min(height, math.ceil(box[3]) + 2)
            if x1 <= x0 or y1 <= y0:
                continue
            window = np.s_[y0:y1, x0:x1]
            sprite = sprites[k].draw(affine, offset, scale, (x0, y0, x1, y1), time)
            alpha = sprite[..., 3]
            keep = cv2.cvtColor(255 - alpha, cv2.COLOR_GRAY2BGR)
            under = cv2.multiply(frame[window], keep, scale=1 / 255.0)
            frame[window] = cv2.add(under, np.ascontiguousarray(sprite[..., :3]))
            solid = alpha > 127
            truth.whole[k, t] = np.count_nonzero(solid)
            for j in range(k):
                behind = truth.masks[j, t][window]
                truth.covers[k, j, t] = np.count_nonzero(behind & solid)
                behind &= ~solid
            truth.masks[k, t][window] = solid
        if finish.blur > 0:
            frame = cv2.GaussianBlur(frame, (0, 0), finish.blur)
        if finish.noise > 0:
            y, x = rng.integers(0, 64, 2)
            grain = np.tile(_GRAIN, (1 + height // 1024, 1 + width // 1024, 1))
            grain = grain[y : y + height, x : x + width]
            frame = cv2.add(frame, (grain * finish.noise).astype(np.int16), dtype=cv2.CV_8U)
        frames[t] = frame
    return frames, truth
