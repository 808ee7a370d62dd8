# SPDX-License-Identifier: Apache-2.0
"""Made-up things: smooth blobs, polygons and limbed shapes with a texture.

They have no name. They teach the tracker outlines beyond the few hundred photographs.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from . import backgrounds
from .cutouts import Cutout

_SIDE = 160


def _outline(rng: np.random.Generator) -> np.ndarray:
    """Silhouette u8 [side, side], anti-aliased, 255 inside."""
    canvas = np.zeros((_SIDE * 2, _SIDE * 2), np.uint8)
    manner = rng.random()
    centre = np.array([_SIDE, _SIDE], float)
    if manner < 0.5:  # a blob: a circle with a few harmonics
        turn = np.linspace(0, 2 * math.pi, 96, endpoint=False)
        radius = np.ones_like(turn)
        for k in range(1, int(rng.integers(2, 8))):
            radius += rng.normal(0, 0.45 / k) * np.cos(k * turn + rng.uniform(0, 2 * math.pi))
        radius = np.clip(radius, 0.25, None)
        points = np.stack([np.cos(turn), np.sin(turn)], 1) * (radius / radius.max())[:, None]
        points[:, 1] *= rng.uniform(0.4, 1.0)
        cv2.fillPoly(canvas, [np.int32(centre + points * (_SIDE - 4))], 255)
    elif manner < 0.65:  # a polygon
        corners = int(rng.integers(3, 9))
        turn = np.sort(rng.uniform(0, 2 * math.pi, corners))
        radius = rng.uniform(0.4, 1.0, corners)
        points = np.stack([np.cos(turn), np.sin(turn)], 1) * radius[:, None]
        cv2.fillPoly(canvas, [np.int32(centre + points * (_SIDE - 4))], 255)
    else:  # a body with limbs
        axes = (int(_SIDE * rng.uniform(0.3, 0.6)), int(_SIDE * rng.uniform(0.2, 0.45)))
        body = (_SIDE, _SIDE)
        cv2.ellipse(canvas, body, axes, rng.uniform(0, 180), 0, 360, 255, -1)
        for _ in range(int(rng.integers(2, 7))):
            turn = rng.uniform(0, 2 * math.pi)
            knee = centre + np.array([math.cos(turn), math.sin(turn)]) * _SIDE * 0.55
            bent = turn + rng.normal(0, 0.5)
            foot = knee + np.array([math.cos(bent), math.sin(bent)]) * _SIDE * rng.uniform(0.1, 0.4)
            width = int(_SIDE * rng.uniform(0.06, 0.22))
            cv2.line(canvas, body, tuple(np.int32(knee).tolist()), 255, width)
            cv2.line(
                canvas, tuple(np.int32(knee).tolist()), tuple(np.int32(foot).tolist()), 255, width
            )
    return cv2.resize(canvas, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)


def draw(rng: np.random.Generator, test: bool) -> Cutout:
    """One made-up thing."""
    alpha = _outline(rng)
    texture = backgrounds.draw(rng, _SIDE, test)
    h, w = texture.shape[:2]
    side = int(rng.uniform(0.4, 1.0) * min(h, w))
    y, x = int(rng.integers(0, h - side + 1)), int(rng.integers(0, w - side + 1))
    rgb = cv2.resize(
        texture[y : y + side, x : x + side], (_SIDE, _SIDE), interpolation=cv2.INTER_AREA
    ).astype(np.float32)
    tint = rng.uniform(0, 255, 3).astype(np.float32)
    strength = rng.uniform(0, 0.8)
    rgb = rgb * (1 - strength) + tint * strength
    if rng.random() < 0.4:  # lit from one side
        turn = rng.uniform(0, 2 * math.pi)
        ys, xs = np.mgrid[-1 : 1 : _SIDE * 1j, -1 : 1 : _SIDE * 1j].astype(np.float32)
        rgb *= (1 + 0.5 * (xs * math.cos(turn) + ys * math.sin(turn)))[..., None]
    rgb = np.clip(rgb, 0, 255) * (alpha[..., None].astype(np.float32) / 255)
    rgba = np.dstack([np.clip(rgb, 0, 255).astype(np.uint8), alpha])
    ys, xs = np.where(alpha > 127)
    rgba = np.ascontiguousarray(rgba[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1])
    mips = [rgba]
    while len(mips) < 4 and min(mips[-1].shape[:2]) >= 16:
        mips.append(cv2.resize(mips[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    solid = (rgba[..., 3] > 127).astype(np.uint8)
    contours, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    hull = cv2.convexHull(np.concatenate(contours))[:, 0].astype(np.float32)
    return Cutout(
        key="",
        kind="",
        mips=tuple(mips),
        hull=hull,
        area=int(solid.sum()),
        held_out=test,
        sound=None,
    )
