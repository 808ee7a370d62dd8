# SPDX-License-Identifier: Apache-2.0
"""Which clips make up Stamp-AVS: who is seen in them, and who sounds when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from .. import stampworld
from ..sounds import mixtures, voices
from ..sounds.kinds import KINDS
from ..sounds.voices import RATE
from ..stampworld import Clip

# Kinds that may sound: whose sound AudioSet has a class for, so that a tagger can name them.
SOUNDING = (
    *("dog", "horse", "cow", "sheep", "pig", "duck", "hen", "turkey", "crow", "seagull", "penguin"),
    *(
        "heron",
        "tiger",
        "lion",
        "mouse",
        "frog",
        "whale",
        "bee",
        "grasshopper",
        "cello",
        "drum kit",
    ),
    *("saw", "scissors", "toilet", "fire truck"),
)
SIZES = ((240, 320), (288, 384), (360, 480))  # height, width
_PREVIEW = 4  # plans are made on clips of a quarter of the size
_SMALLEST, _LARGEST = 0.02, 0.30  # of the frame: mean area while seen
_SEEN = 0.004  # of the frame: less is no sight of a thing
_HEARD = 0.3  # seconds within a second that make an object sound in it


@dataclass(frozen=True)
class Setting:
    """A part of AVSBench. sources: how many kinds sound; classes: only those of its 70."""

    name: str
    seconds: int
    sources: tuple[int, ...]
    classes: bool


S4 = Setting("s4", 5, (1,), False)
MS3 = Setting("ms3", 5, (2, 2, 3), False)
V2 = Setting("v2", 10, (1, 2, 2, 3), True)
SETTINGS = (S4, MS3, V2)


@dataclass(frozen=True)
class Entry:
    """A clip: how to generate it, and the seconds in which each sounding kind is to sound."""

    name: str
    setting: Setting
    seed: int
    size: tuple[int, int]
    seconds: dict[str, tuple[int, ...]]


@dataclass
class Scene:
    """T seconds: frames of their middles, who sounds bool [N, T], samples f32 at 16 kHz."""

    clip: Clip
    sounding: np.ndarray
    samples: np.ndarray


def _settings(seconds: int) -> stampworld.Settings:
    return stampworld.Settings(
        objects=(0, 0.45, 0.4, 0.15),
        area=(0.03, 0.22),
        twin=0.0,
        outside=0.1,
        meet=0.25,
        duration=(seconds, seconds),
        interval=None,
        strength=0.7,
    )


def _middles(seed: int, seconds: int, size: tuple[int, int]) -> Clip:
    """A clip's frames in the middle of every second."""
    steps = 2 * seconds + 1  # at every half second, ends included
    clip = stampworld.generate(seed, steps, size, "seen", "named", _settings(seconds))
    odd = slice(1, None, 2)
    return replace(
        clip,
        frames=clip.frames[odd],
        masks=clip.masks[:, odd],
        boxes=clip.boxes[:, odd],
        amodal=clip.amodal[:, odd],
        hidden=clip.hidden[:, odd],
        outside=clip.outside[:, odd],
        fps=1.0,
    )


def film(entry: Entry, fps: int) -> Clip:
    """The same clip as a video."""
    frames = entry.setting.seconds * fps
    settings = _settings(entry.setting.seconds)
    return stampworld.generate(entry.seed, frames, entry.size, "seen", "named", settings)


def category(kind: str) -> str | None:
    """The class of AVSBench's 70 that a kind belongs to."""
    return KINDS[kind].category if kind in KINDS else None


def _may_sound(setting: Setting, kind: str) -> bool:
    return kind in SOUNDING and (not setting.classes or category(kind) is not None)


def _timetable(
    rng: np.random.Generator, setting: Setting, kinds: list[str]
) -> dict[str, tuple[int, ...]]:
    """One kind sounds all the time where AVSBench has it so; several come and go."""
    everything = tuple(range(setting.seconds))
    if setting is S4:
        return {kinds[0]: everything}
    pattern = rng.choice(["together", "in turn", "overlapping"], p=[0.2, 0.35, 0.45])
    if pattern == "together":
        return dict.fromkeys(kinds, everything)
    if pattern == "in turn" and len(kinds) > 1:
        bounds = rng.choice(np.arange(1, setting.seconds), len(kinds) - 1, replace=False)
        parts = np.split(np.array(everything), np.sort(bounds))
        return {kind: tuple(part.tolist()) for kind, part in zip(kinds, parts)}
    table = {}
    for kind in kinds:
        length = int(rng.integers(setting.seconds // 3 + 1, setting.seconds + 1))
        start = int(rng.integers(0, setting.seconds - length + 1))
        table[kind] = everything[start : start + length]
    return table


def _is_fair(clip: Clip, seconds: dict[str, tuple[int, ...]]) -> bool:
    """Every object is of the right size, and every sounding one is seen in most of its seconds."""
    area = clip.masks.mean((2, 3))
    seen = area > _SEEN
    if (seen.mean(1) < 0.4).any():
        return False
    mean = (area * seen).sum(1) / seen.sum(1)
    if ((mean < _SMALLEST) | (mean > _LARGEST)).any():
        return False
    return all(seen[clip.kinds.index(k), list(at)].mean() >= 0.6 for k, at in seconds.items())


def plan(seed: int, setting: Setting, clips: int) -> Iterator[Entry]:
    """The entries of a setting, one by one; the first n do not depend on how many follow."""
    for number in range(clips):
        rng = np.random.default_rng([17, seed, SETTINGS.index(setting), number])
        size = SIZES[rng.integers(len(SIZES))]
        small = (size[0] // _PREVIEW, size[1] // _PREVIEW)
        while True:
            clip_seed = int(rng.integers(2**31))
            cast = stampworld.cast(clip_seed, "seen", "named", _settings(setting.seconds))
            able = [k for k in sorted(set(cast)) if _may_sound(setting, k)]
            wanted = setting.sources[number % len(setting.sources)]
            # At least half of the clips show something that keeps silent.
            others = len(cast) - wanted
            if len(set(cast)) < len(cast) or len(able) < wanted or others < number % 2:
                continue
            chosen = [able[i] for i in rng.permutation(len(able))[:wanted]]
            seconds = _timetable(rng, setting, chosen)
            if _is_fair(_middles(clip_seed, setting.seconds, small), seconds):
                break
        yield Entry(f"{setting.name}_{number:04d}", setting, clip_seed, size, seconds)


def _track(rng: np.random.Generator, voice: np.ndarray, entry: Entry, kind: str) -> np.ndarray:
    """What a kind gives to the sound track: its voice, again and again, in its seconds."""
    length = entry.setting.seconds * RATE
    at = entry.seconds[kind]
    track = mixtures.place(rng, voice, length, at[0] * RATE, (at[-1] + 1) * RATE)
    on = track[at[0] * RATE : (at[-1] + 1) * RATE]
    loud = float(np.sqrt(np.mean(on**2)))
    level = min(rng.uniform(0.05, 0.12) / loud, 0.9)
    return np.float32(level) * track


def sound(entry: Entry, clip: Clip) -> tuple[np.ndarray, np.ndarray]:
    """samples f32 [n] at 16 kHz, and who is heard in which second: bool [N, T]."""
    rng = np.random.default_rng([19, entry.seed])
    recordings = voices.load()
    seconds = entry.setting.seconds
    tracks = {}
    for kind in sorted(entry.seconds):
        own = clip.keys[clip.kinds.index(kind)]
        files = KINDS[kind].recordings
        voice = recordings[own if own in files else files[rng.integers(len(files))]]
        tracks[kind] = _track(rng, voice, entry, kind)
    samples = sum(tracks.values(), np.zeros(seconds * RATE, np.float32))
    samples = samples + mixtures.noise(rng, len(samples)) * np.float32(rng.uniform(2e-4, 3e-3))
    truth = mixtures.Mixture(samples, mixtures.heard(tracks, samples))
    heard = np.zeros((len(clip.kinds), seconds), bool)
    for t in range(seconds):
        for kind in truth.kinds(t * RATE, (t + 1) * RATE, _HEARD):
            heard[clip.kinds.index(kind), t] = True
    # Pauses between two cries do not end a sound: those between two heard seconds count as heard.
    for row in heard:
        at = np.flatnonzero(row)
        if len(at):
            row[at[0] : at[-1] + 1] = True
    return np.clip(samples, -1, 1), heard


def render(entry: Entry) -> Scene:
    """The clip at full size, with its sound."""
    clip = _middles(entry.seed, entry.setting.seconds, entry.size)
    samples, heard = sound(entry, clip)
    return Scene(clip, heard, samples)
