# SPDX-License-Identifier: Apache-2.0
"""Where an object is, how large and how tilted, at any time of a clip."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

# Share of moving objects by the way they move.
_MANNERS = {
    "still": 0.16,
    "drift": 0.30,
    "swing": 0.12,
    "circle": 0.06,
    "approach": 0.10,
    "cross": 0.08,
    "enter": 0.09,
    "leave": 0.09,
}
_OUTSIDE = ("cross", "enter", "leave")


@dataclass
class Path:
    """Motion over [0, 1], the whole of a clip; places are shares of the frame's width and height.

    The centre follows `places` [k, 2], reached at `times` [k] and joined by smooth curves; on top
    lie a sway and, for circles, a turn of `radius`. `growth` is the log of last over first size.
    """

    manner: str
    times: np.ndarray
    places: np.ndarray
    growth: float = 0.0
    tilt: float = 0.0
    sway: float = 0.0
    pace: float = 1.0
    phase: float = 0.0
    radius: np.ndarray = field(default_factory=lambda: np.zeros(2))

    def centre(self, t: np.ndarray) -> np.ndarray:
        """Centres [n, 2] at times t [n]."""
        i = np.clip(np.searchsorted(self.times, t, side="right") - 1, 0, len(self.times) - 2)
        span = self.times[i + 1] - self.times[i]
        u = np.clip((t - self.times[i]) / span, 0, 1)
        if self.manner in ("swing", "enter", "leave"):
            u = u * u * (3 - 2 * u)
        out = self.places[i] * (1 - u)[:, None] + self.places[i + 1] * u[:, None]
        turn = 2 * math.pi * self.pace * t + self.phase
        return out + np.stack([np.cos(turn), np.sin(turn)], 1) * self.radius

    def scale(self, t: np.ndarray) -> np.ndarray:
        """Size factor [n], 1 in the middle of the clip."""
        return np.exp(self.growth * (t - 0.5))

    def angle(self, t: np.ndarray) -> np.ndarray:
        """Tilt [n] in radians."""
        return self.tilt + self.sway * np.sin(2 * math.pi * self.pace * t + self.phase)


def draw(
    rng: np.random.Generator, start: np.ndarray, size: float, outside: float, strength: float
) -> Path:
    """A path that begins (or, for those that come in, ends up) near `start` [2].

    size: the object's larger side as a share of the frame, so that it can be wholly outside.
    outside: probability of a path that enters or leaves the frame.
    strength: scales how far the object gets.
    """
    names = [n for n in _MANNERS if n not in _OUTSIDE]
    if rng.random() < outside:
        names = list(_OUTSIDE)
    weights = np.array([_MANNERS[n] for n in names])
    manner = names[rng.choice(len(names), p=weights / weights.sum())]
    path = Path(manner, np.array([0.0, 1.0]), np.array([start, start]))
    if rng.random() < 0.6:
        path.tilt = rng.normal(0, 0.17)
    if manner != "still" and rng.random() < 0.5:
        path.sway = rng.uniform(0, 0.14)
    path.pace = rng.uniform(0.5, 2.0)
    path.phase = rng.uniform(0, 2 * math.pi)
    # Sideways is how most things move.
    sideways = rng.random() < 0.65
    direction = rng.choice([0, math.pi]) + rng.normal(0, 0.2) if sideways else rng.uniform(0, 6.28)
    ahead = np.array([math.cos(direction), math.sin(direction)])
    if manner == "drift":
        way = ahead * rng.uniform(0.15, 0.7) * strength
        # Turn round rather than drift out of the frame.
        end = start + way
        way = np.where((end < 0.05) | (end > 0.95), -way, way)
        path.places = np.array([start, start + way])
        path.growth = rng.normal(0, 0.12)
    elif manner == "swing":
        there = np.clip(start + ahead * rng.uniform(0.15, 0.45) * strength, 0.05, 0.95)
        turns = int(rng.integers(2, 5))
        path.times = np.linspace(0, 1, turns + 1)
        path.places = np.array([start if k % 2 == 0 else there for k in range(turns + 1)])
    elif manner == "circle":
        path.radius = rng.uniform(0.05, 0.2, 2) * strength
    elif manner == "approach":
        path.growth = rng.choice([-1, 1]) * rng.uniform(0.35, 0.9)
        path.places = np.array([start, np.clip(start + rng.normal(0, 0.1, 2), 0.1, 0.9)])
    elif manner in _OUTSIDE:
        side = np.sign(ahead[0]) if sideways else np.sign(ahead[1])
        axis = 0 if sideways else 1
        gone = start.copy()
        gone[axis] = 0.5 - side * (0.5 + size / 2 + 0.03)
        other = start.copy()
        other[axis] = 0.5 + side * (0.5 + size / 2 + 0.03)
        a, b = np.sort(rng.uniform(0.05, 0.95, 2))
        if manner == "cross":
            b = max(b, a + 0.3)
            path.times = np.array([0.0, a, b, max(1.0, b + 0.05)])
            path.places = np.array([gone, gone, other, other])
        elif manner == "enter":
            path.times = np.array([0.0, a * 0.6, min(a * 0.6 + 0.35, 0.99), 1.0])
            path.places = np.array([gone, gone, start, start])
        else:
            path.times = np.array([0.0, 0.15 + a * 0.4, 0.5 + a * 0.45, 1.0])
            path.places = np.array([start, start, gone, gone])
    return path


def meet(rng: np.random.Generator, path: Path, other: Path) -> None:
    """Shift `path` so that it passes `other` closely at some time in the middle of the clip."""
    t = np.array([rng.uniform(0.25, 0.75)])
    shift = other.centre(t)[0] - path.centre(t)[0] + rng.normal(0, 0.06, 2)
    if path.manner in _OUTSIDE:  # keep it outside where it has to be outside
        moved_axis = int(np.argmax(np.abs(np.ptp(path.places, axis=0))))
        shift[moved_axis] = 0.0
    else:  # and inside where it has to be inside
        low, high = path.places.min(0), path.places.max(0)
        shift = np.clip(shift, np.minimum(0.05 - low, 0), np.maximum(0.95 - high, 0))
    path.places = path.places + shift
