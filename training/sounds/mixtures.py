# SPDX-License-Identifier: Apache-2.0
"""Random sound tracks of one to three kinds, with the truth about every tenth of a second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import voices
from .kinds import KINDS, SPEECH
from .voices import RATE

HOP = RATE // 20  # samples a step of the truth
_SPLITS = {"train": 1, "seen": 2}
_AUDIBLE = 0.03  # share of the mixture's power in a step, and
_AUDIBLE_RMS = 2e-3  # loudness there, above which a voice is heard
_SOURCES = (0.06, 0.44, 0.33, 0.17)  # weights of 0, 1, 2, 3 kinds


@dataclass
class Mixture:
    """samples f32 [n] in [-1, 1]; heard: kind (or SPEECH) -> bool [n / HOP], who is heard when."""

    samples: np.ndarray
    heard: dict[str, np.ndarray]

    def kinds(self, start: int, end: int, least: float = 0.1) -> list[str]:
        """Who is heard for `least` seconds or more between two samples."""
        steps = slice(start // HOP, -(-end // HOP))
        return [k for k, on in self.heard.items() if on[steps].sum() * HOP >= least * RATE]


def _stretch(voice: np.ndarray, speed: float) -> np.ndarray:
    """Played `speed` times as fast: shorter and higher."""
    at = np.arange(0, len(voice) - 1, speed)
    low = at.astype(np.int64)
    share = (at - low).astype(np.float32)
    return voice[low] * (1 - share) + voice[low + 1] * share


def _filtered(rng: np.random.Generator, samples: np.ndarray) -> np.ndarray:
    """A gentle, random colour: what microphones, rooms and codecs do."""
    spectrum = np.fft.rfft(samples)
    at = np.linspace(0, 8, len(spectrum))
    gains = np.interp(at, np.arange(9), rng.normal(0, 2.5, 9))  # decibel by kHz
    if rng.random() < 0.3:  # a codec's low-pass
        gains = gains - 60 / (1 + np.exp(-8 * (at - rng.uniform(3.5, 7.5))))
    return np.fft.irfft(spectrum * 10 ** (gains / 20), len(samples)).astype(np.float32)


def noise(rng: np.random.Generator, length: int) -> np.ndarray:
    """Hiss between white and brown, of loudness 1."""
    spectrum = np.fft.rfft(rng.standard_normal(length).astype(np.float32))
    spectrum[1:] /= np.arange(1, len(spectrum)) ** rng.uniform(0, 0.9)
    spectrum[0] = 0
    hiss = np.fft.irfft(spectrum, length).astype(np.float32)
    return hiss / np.sqrt(np.mean(hiss**2))


def place(
    rng: np.random.Generator, voice: np.ndarray, length: int, start: int, end: int
) -> np.ndarray:
    """A track f32 [length] on which the voice repeats from `start` to `end`, with small pauses."""
    track = np.zeros(length, np.float32)
    at = start
    while at < end - RATE // 20:
        piece = voice[: end - at].copy()
        fade = min(len(piece), RATE // 50)
        piece[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
        track[at : at + len(piece)] = piece
        at += len(piece) + int(rng.uniform(0.02, 0.35) * RATE)
    return track


def heard(tracks: dict[str, np.ndarray], mixture: np.ndarray) -> dict[str, np.ndarray]:
    """Which of the tracks that were mixed can be heard, by steps of HOP samples."""

    def power(x: np.ndarray) -> np.ndarray:
        return np.square(x[: len(x) // HOP * HOP].reshape(-1, HOP)).mean(1)

    whole = power(mixture)
    return {
        name: (power(track) > _AUDIBLE * whole) & (power(track) > _AUDIBLE_RMS**2)
        for name, track in tracks.items()
    }


def draw(
    seed: int,
    split: str,
    seconds: float,
    sources: tuple[float, ...] = _SOURCES,
    without: frozenset[str] = frozenset(),
) -> Mixture:
    """One mixture. The same arguments give the same one; splits never share a draw.

    sources: weights of 0, 1, 2... kinds; without: recordings that are left out.
    """
    rng = np.random.default_rng([21, _SPLITS[split], int(seed)])
    length = round(seconds * RATE)
    recordings = voices.load()
    names = list(KINDS)
    number = int(rng.choice(len(sources), p=np.array(sources) / sum(sources)))
    chosen = [names[i] for i in rng.choice(len(names), number, replace=False)]
    if rng.random() < 0.1:
        chosen.append(SPEECH)
    tracks: dict[str, np.ndarray] = {}
    for kind in chosen:
        files = voices.speeches() if kind == SPEECH else KINDS[kind].recordings
        files = [f for f in files if f not in without]
        if not files:
            continue
        voice = _stretch(recordings[files[rng.integers(len(files))]], rng.uniform(0.9, 1.1))
        # A microphone comes in anywhere: now and then the voice does not begin at its beginning.
        if rng.random() < 0.4:
            voice = voice[int(rng.uniform(0, 0.5) * len(voice)) :]
        start = 0 if rng.random() < 0.4 else int(rng.uniform(0, 0.7) * length)
        lasts = rng.uniform(0.15, 1.0) * length
        end = length if rng.random() < 0.3 else min(length, start + int(lasts))
        track = place(rng, voice, length, start, end)
        loud = np.sqrt(np.mean(track[start:end] ** 2)) + 1e-6
        # Half by loudness, half by peak: clicks and drones are both to be heard.
        level = rng.uniform(0.25, 0.9) if rng.random() < 0.5 else rng.uniform(0.03, 0.15) / loud
        tracks[kind] = np.float32(min(level, 1.2)) * track
    mixture = sum(tracks.values(), np.zeros(length, np.float32))
    if rng.random() < 0.6:
        mixture = mixture + noise(rng, length) * np.float32(10 ** rng.uniform(-4.5, -1.8))
    truth = heard(tracks, mixture)
    if rng.random() < 0.5:
        mixture = _filtered(rng, mixture)
    mixture = mixture * np.float32(10 ** rng.uniform(-0.6, 0.1))
    return Mixture(np.clip(mixture, -1, 1), truth)
