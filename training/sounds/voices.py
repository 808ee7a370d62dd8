# SPDX-License-Identifier: Apache-2.0
"""The recordings, decoded once a machine. Needs the program ffmpeg."""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path

import numpy as np

from ..stampworld.cutouts import CACHE, STAMPS
from .kinds import KINDS

RATE = 16000  # samples a second
_FORMAT = 1  # raise when the contents of the cache file change
_QUIET = 0.02  # share of the loudest sample below which ends are cut off
_SPEECHES = 120


def decode(path: Path) -> np.ndarray:
    """Mono f32 [n] at RATE, loudest sample 1, silence at the ends cut off."""
    to_mono = f"-ac 1 -ar {RATE} -f f32le -".split()
    command = ["ffmpeg", "-v", "error", "-i", str(path), *to_mono]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    samples = np.frombuffer(raw, np.float32)
    peak = np.abs(samples).max(initial=0)
    if peak < 1e-4:
        raise ValueError(f"{path}: silent")
    loud = np.flatnonzero(np.abs(samples) > _QUIET * peak)
    return samples[loud[0] : loud[-1] + 1] / peak


def _build() -> dict[str, np.ndarray]:
    files = {r: STAMPS / f"{r}.ogg" for kind in KINDS.values() for r in kind.recordings}
    # What people say about the stamps, in many languages: speech that is nobody's voice.
    spoken = sorted((STAMPS / "animals").glob("**/*_desc*.ogg"))
    every = max(1, len(spoken) // _SPEECHES)
    files |= {f"speech/{i}": path for i, path in enumerate(spoken[::every][:_SPEECHES])}
    missing = [str(path) for path in files.values() if not path.exists()]
    if missing or not spoken:
        raise FileNotFoundError(
            f"{STAMPS}: no {', '.join(missing) or 'spoken descriptions'}; "
            "install the Debian package tuxpaint-stamps-default"
        )
    return {name: decode(path) for name, path in files.items()}


@functools.cache
def load() -> dict[str, np.ndarray]:
    """Name of a recording -> samples f32 [n]; "speech/I" for spoken descriptions."""
    stamp = int(STAMPS.stat().st_mtime) if STAMPS.is_dir() else 0
    path = CACHE / f"sounds-{_FORMAT}-{stamp}.npz"
    if path.exists():
        with np.load(path) as file:
            return {name: file[name] for name in file.files}
    found = _build()
    CACHE.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.npz")
    np.savez(part, **found)
    part.rename(path)
    return found


@functools.cache
def speeches() -> tuple[str, ...]:
    return tuple(name for name in load() if name.startswith("speech/"))
