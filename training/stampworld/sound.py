# SPDX-License-Identifier: Apache-2.0
"""The sound of a clip: the stamps' own sounds, mixed. Needs the program ffmpeg to decode them."""

from __future__ import annotations

import functools
import subprocess
from dataclasses import dataclass

import numpy as np

from . import cutouts
from .world import Clip

RATE = 16000  # samples a second


@dataclass(frozen=True)
class Event:
    """Object `target` sounds from `start` to `end`, in seconds."""

    target: int
    start: float
    end: float


@dataclass
class Track:
    """Mono samples f32 [n] in [-1, 1] at RATE, and who sounds when."""

    samples: np.ndarray
    events: list[Event]


@functools.lru_cache(maxsize=128)
def _decode(key: str) -> np.ndarray | None:
    """The sound of a cut-out, f32 [n], loudest sample 1, silence at the ends cut off; or None."""
    path = next((c.sound for c in cutouts.load() if c.key == key), None)
    if path is None:
        return None
    to_mono = f"-ac 1 -ar {RATE} -f f32le -".split()
    command = ["ffmpeg", "-v", "error", "-i", str(path), *to_mono]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    samples = np.frombuffer(raw, np.float32)
    loud = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max(initial=1e-9))
    if len(loud) < RATE // 20:
        return None
    samples = samples[loud[0] : loud[-1] + 1]
    return samples / np.abs(samples).max()


def _voice(clip: Clip, n: int) -> np.ndarray | None:
    """The sound of object n's cut-out, or of another cut-out of its named kind."""
    kind = clip.kinds[n]
    keys = [clip.keys[n], *cutouts.kinds.NAMED_KINDS.get(kind, ())]
    return next((v for key in keys if key and (v := _decode(key)) is not None), None)


def mix(clip: Clip, seed: int, busy: float = 0.6) -> Track:
    """A sound track as long as the clip.

    Every object that has a sound and is seen sounds with probability `busy`; things that sound do
    so one to three times while they are seen, louder when they are larger. A soft hiss lies below.
    """
    rng = np.random.default_rng([3, seed])
    frames = clip.frames.shape[0]
    length = round(frames / clip.fps * RATE)
    samples = (rng.standard_normal(length) * rng.uniform(0, 0.004)).astype(np.float32)
    events = []
    for n in range(len(clip.kinds)):
        seen = np.flatnonzero(~np.isnan(clip.boxes[n, :, 0]))
        voice = _voice(clip, n)
        sounds = rng.random() < busy
        if voice is None or len(seen) == 0 or not sounds:
            continue
        begin, end = seen[0] / clip.fps, (seen[-1] + 1) / clip.fps
        share = float(np.sqrt(clip.masks[n, seen].mean()))  # side of the object over the frame's
        gain = min(0.8, 0.25 + share) * rng.uniform(0.7, 1.0)
        at = begin
        for _ in range(int(rng.integers(1, 4))):
            at += rng.uniform(0, max(0.1, (end - at) / 3))
            start = round(at * RATE)
            room = min(len(voice), round(end * RATE) - start, length - start)
            piece = voice[: max(0, room)].copy()
            if len(piece) < RATE // 10:
                break
            fade = min(len(piece), RATE // 50)
            piece[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
            samples[start : start + len(piece)] += gain * piece
            events.append(Event(n, at, at + len(piece) / RATE))
            at = events[-1].end
    return Track(np.clip(samples, -1, 1), events)
