#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes filter_bank_goldens.h: filter banks of sounds that a formula gives.

64 bins, LanguageBind's 112 and BEATs' 128 by the PyPI package kaldi-native-fbank. 128 it refuses when asked for them at once ("You may
have set num_mel_bins too large."), since at 16 kHz the fourth triangle, between 63 and 93 Hz, holds no point of the spectrum;
torchaudio, whose function BEATs' and LanguageBind's own codes call, leaves that one empty. The three below it and the 124 above it Kaldi
computes if each are asked for as filter banks between their own lowest and highest frequency.

Kaldi, and torchaudio as the official codes call it, run in float32, and their rounding reaches 1e-3 where a bin is 10^6 times weaker than
others: main() prints how far each is from the formula in double.

usage: make_filter_bank_goldens.py TORCHAUDIO.whl > filter_bank_goldens.h        (needs torch; the wheel need not be installed)
"""
import sys
import types
import zipfile
from importlib.metadata import version
from pathlib import Path

import kaldi_native_fbank as knf
import numpy as np

RATE = 16000


def noise(count):
    state, values = 1, []
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        values.append((state >> 33) / 2**30 - 1)
    return np.array(values)


def chord(seconds):
    """Three tones with noise, in [-1, 1]: the sound of the audio networks' tests."""
    t = np.arange(int(seconds * RATE))
    tones = sum(np.sin(2 * np.pi * t / RATE * f) for f in (300, 750, 1900)) * 0.1
    return (tones + noise(len(t)) * 0.05).astype(np.float32)


def sounds():
    t = np.arange(RATE // 2)
    phase = 2 * np.pi * t / RATE
    music = sum(np.sin(phase * f) / (k + 1) for k, f in enumerate((220, 440, 660, 1320))) * 0.3
    music += noise(len(t)) * 0.03  # pure tones leave bins to the rounding of Kaldi's float transform
    # Speech-like: pulses at 120 Hz through a slow envelope, with noise.
    speech = (t % 133 < 3) * np.abs(np.sin(phase * 3)) * 0.8 + noise(len(t)) * 0.01
    return {
        "kMusic": music,
        "kSpeech": speech,
        "kClipped": np.clip(music * 8, -1, 1),
        "kSilence": np.zeros(len(t)),
    }


def mel(frequency):
    return 1127 * np.log(1 + frequency / 700)


def by_formula(samples, bins, window):
    """torchaudio.compliance.kaldi.fbank's steps, in double."""
    samples = (samples * 32768).astype(np.float32).astype(float)
    frames = np.lib.stride_tricks.sliding_window_view(samples, 400)[::160]
    frames = frames - frames.mean(1, keepdims=True)
    frames = frames - 0.97 * np.concatenate([frames[:, :1], frames[:, :-1]], 1)
    hann = np.hanning(400)
    power = np.abs(np.fft.rfft(frames * (hann**0.85 if window == "povey" else hann), 512)) ** 2
    edges = np.linspace(mel(20), mel(RATE / 2), bins + 2)
    position = mel(np.arange(256) * RATE / 512)
    up = (position - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    down = (edges[2:, None] - position) / (edges[2:] - edges[1:-1])[:, None]
    weights = np.maximum(0, np.minimum(up, down))
    return np.log(np.maximum(power[:, :256] @ weights.T, np.finfo(np.float32).eps))


def torchaudio_kaldi(wheel):
    """torchaudio.compliance.kaldi, which is pure Python; the rest of torchaudio wants a PyTorch of the same version."""
    sys.modules.setdefault("torchaudio", types.ModuleType("torchaudio"))
    module = types.ModuleType("torchaudio.compliance.kaldi")
    exec(zipfile.ZipFile(wheel).read("torchaudio/compliance/kaldi.py"), module.__dict__)
    return module


def by_torchaudio(kaldi, samples, bins, window, double=True):
    """What BEATs.py and processing_audio.py ask for; `samples` in [-1, 1]."""
    import torch

    scaled = torch.tensor((samples * 32768).astype(np.float32))[None]
    banks = kaldi.fbank(scaled.double() if double else scaled, htk_compat=True, use_energy=False, num_mel_bins=bins, dither=0.0,
                        sample_frequency=RATE, frame_length=25, frame_shift=10, window_type=window)
    return banks.double().numpy()


# Those of the 48 in which Kaldi rounds most are among them.
FRAMES = (4, 7, 17, 28, 44)
EMPTY = 3  # of 128 bins at 16 kHz


def by_kaldi(samples, bins, window):
    if bins != 128:
        return by_kaldi_between(samples, bins, window, 20, RATE / 2)
    edges = 700 * np.expm1(np.linspace(mel(20), mel(RATE / 2), bins + 2) / 1127)
    below = by_kaldi_between(samples, EMPTY, window, 20, edges[EMPTY + 1])
    above = by_kaldi_between(samples, bins - EMPTY - 1, window, edges[EMPTY + 1], RATE / 2)
    return np.concatenate([below, np.full((len(below), 1), np.log(np.finfo(np.float32).eps)), above], 1)


def by_kaldi_between(samples, bins, window, low, high):
    options = knf.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.window_type = window
    options.frame_opts.samp_freq = RATE
    options.mel_opts.num_bins = bins
    options.mel_opts.low_freq, options.mel_opts.high_freq = low, high
    computer = knf.OnlineFbank(options)
    computer.accept_waveform(RATE, (samples * 32768).astype(np.float32).tolist())
    computer.input_finished()
    return np.array([computer.get_frame(i) for i in range(computer.num_frames_ready)])


def is_refused_by_kaldi(bins):
    try:
        by_kaldi_between(np.zeros(RATE), bins, "povey", 20, RATE / 2)
    except ValueError as error:
        return "num_mel_bins too large" in str(error)
    return False


def report(what, got, expected):
    error = np.abs(got - expected)
    print(f"{what}: {error.max():.1e} at most, {(error > 1e-4).sum()} of {error.size} values above 1e-4", file=sys.stderr)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    kaldi = torchaudio_kaldi(sys.argv[1])
    torchaudio = Path(sys.argv[1]).name.split("-")[1]
    assert is_refused_by_kaldi(128) and not is_refused_by_kaldi(112)
    assert by_kaldi(np.full(3, 0.5), 112, "hanning").size == 0  # 3 samples are no frame
    print("// SPDX-License-Identifier: Apache-2.0")
    print(f"// Made by make_filter_bank_goldens.py with kaldi-native-fbank {version('kaldi-native-fbank')}.")
    print("#pragma once\n\n#include <vector>\n\nnamespace alref {\n")
    print(f"// Frames {FRAMES} of 48, all bins: 128 with Povey's window, 112 with Hann's and 64 with Povey's.")
    for name, samples in sounds().items():
        for bins, window in ((128, "povey"), (112, "hanning"), (64, "povey")):
            formula, values = by_formula(samples, bins, window), by_kaldi(samples, bins, window)
            what = f"{name}, {bins} bins: double and "
            report(what + "Kaldi", formula, values)
            report(what + f"torchaudio {torchaudio}, double", formula, by_torchaudio(kaldi, samples, bins, window))
            report(what + "torchaudio, float32", formula, by_torchaudio(kaldi, samples, bins, window, double=False))
            assert values.shape == (48, bins)
            rows = values[list(FRAMES)].ravel()
            print(f"inline const std::vector<float> {name}{bins} = {{")
            for i in range(0, len(rows), 8):
                print("    " + ", ".join(f"{v:.9g}f" if "." in f"{v:.9g}" else f"{v:.1f}f" for v in rows[i : i + 8]) + ",")
            print("};\n")
    print("}  // namespace alref")


if __name__ == "__main__":
    main()
