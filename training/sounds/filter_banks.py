# SPDX-License-Identifier: Apache-2.0
"""Kaldi's filter banks in PyTorch, for many sounds at once."""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

RATE = 16000
WINDOW, SHIFT = 400, 160  # samples: 25 and 10 ms
_PADDED = 512
_LOWEST = 20.0  # Hz
_PREEMPHASIS = 0.97
_EPSILON = torch.finfo(torch.float32).eps  # Kaldi's floor under the logarithm


def _mel(hertz: Tensor) -> Tensor:
    return 1127.0 * torch.log1p(hertz / 700.0)


@functools.lru_cache(maxsize=8)
def _banks(bins: int, device: torch.device) -> Tensor:
    """Triangles in mel: f32 [_PADDED / 2 + 1, bins]; the highest frequency belongs to none."""
    edges = torch.tensor([_LOWEST, RATE / 2], dtype=torch.float64)
    low, high = _mel(edges)
    points = low + (high - low) / (bins + 1) * torch.arange(bins + 2, dtype=torch.float64)
    mel = _mel(torch.arange(_PADDED // 2, dtype=torch.float64) * RATE / _PADDED)[:, None]
    left, centre, right = points[:-2], points[1:-1], points[2:]
    up, down = (mel - left) / (centre - left), (right - mel) / (right - centre)
    banks = torch.minimum(up, down).clamp(min=0)
    return torch.cat([banks, banks.new_zeros(1, bins)]).float().to(device)


@functools.lru_cache(maxsize=8)
def _window(name: str, device: torch.device) -> Tensor:
    angle = 2 * math.pi * torch.arange(WINDOW, dtype=torch.float64) / (WINDOW - 1)
    hanning = 0.5 - 0.5 * torch.cos(angle)
    return {"povey": hanning**0.85, "hanning": hanning}[name].float().to(device)


def filter_banks(samples: Tensor, bins: int, window: str) -> Tensor:
    """Logarithmic energies: samples [..., n >= 400] -> [..., 1 + (n - 400) / 160, bins].

    As `torchaudio.compliance.kaldi.fbank` without dither and energy, of samples as they are
    (BEATs' are of 16-bit size). `window`: "povey" (Kaldi's own) or "hanning".
    """
    frames = samples.float().unfold(-1, WINDOW, SHIFT)
    frames = frames - frames.mean(-1, keepdim=True)
    before = torch.cat([frames[..., :1], frames[..., :-1]], -1)
    frames = (frames - _PREEMPHASIS * before) * _window(window, samples.device)
    power = torch.fft.rfft(frames, _PADDED).abs().square()
    return (power @ _banks(bins, samples.device)).clamp(min=_EPSILON).log()
