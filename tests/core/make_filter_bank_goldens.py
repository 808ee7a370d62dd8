#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes filter_bank_goldens.h: filter banks of sounds that a formula gives.

64 bins and LanguageBind's 112 by the PyPI package kaldi-native-fbank. BEATs' 128 bins it refuses ("You may have set num_mel_bins too
large."), since at 16 kHz the fourth triangle, between 63 and 93 Hz, holds no point of the spectrum; torchaudio, whose function BEATs'
and LanguageBind's own codes call, leaves that one empty. So 128 bins by that function, on samples in double precision. In float32, as
the official codes call it, its rounding (and Kaldi's) reaches 1e-3 where a bin is 10^6 times weaker than others: main() prints how far.

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


def by_kaldi(samples, bins, window):
    options = knf.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.window_type = window
    options.frame_opts.samp_freq = RATE
    options.mel_opts.num_bins = bins
    options.mel_opts.high_freq = 0
    computer = knf.OnlineFbank(options)
    computer.accept_waveform(RATE, (samples * 32768).astype(np.float32).tolist())
    computer.input_finished()
    return np.array([computer.get_frame(i) for i in range(computer.num_frames_ready)])


def is_refused_by_kaldi(bins):
    try:
        by_kaldi(np.zeros(RATE), bins, "povey")
    except ValueError as error:
        return "num_mel_bins too large" in str(error)
    return False


def report(what, got, expected):
    error = np.abs(got - expected)
    print(f"{what}: {error.max():.1e} at most, {(error > 1e-4).mean() * 1e6:.0f} values in a million above 1e-4", file=sys.stderr)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    kaldi = torchaudio_kaldi(sys.argv[1])
    torchaudio = Path(sys.argv[1]).name.split("-")[1]
    assert is_refused_by_kaldi(128) and not is_refused_by_kaldi(112)
    assert by_kaldi(np.full(3, 0.5), 112, "hanning").size == 0  # 3 samples are no frame
    print("// SPDX-License-Identifier: Apache-2.0")
    print(f"// Made by make_filter_bank_goldens.py with kaldi-native-fbank {version('kaldi-native-fbank')} and torchaudio {torchaudio}.")
    print("#pragma once\n\n#include <vector>\n\nnamespace alref {\n")
    print("// Every tenth of the 48 frames, all bins: 128 with Povey's window by torchaudio, 112 with Hann's and 64 with Povey's by Kaldi.")
    for name, samples in sounds().items():
        for bins, window in ((128, "povey"), (112, "hanning"), (64, "povey")):
            formula = by_formula(samples, bins, window)
            report(f"{name}, {bins} bins: formula and torchaudio, double", formula, by_torchaudio(kaldi, samples, bins, window))
            report(f"{name}, {bins} bins: formula and torchaudio, float32", formula, by_torchaudio(kaldi, samples, bins, window, double=False))
            if bins < 128:
                report(f"{name}, {bins} bins: formula and Kaldi", formula, by_kaldi(samples, bins, window))
            values = by_kaldi(samples, bins, window) if bins < 128 else by_torchaudio(kaldi, samples, bins, window)
            assert values.shape == (48, bins)
            rows = values[::10].ravel()
            print(f"inline const std::vector<float> {name}{bins} = {{")
            for i in range(0, len(rows), 8):
                print("    " + ", ".join(f"{v:.7g}f" if "." in f"{v:.7g}" else f"{v:.1f}f" for v in rows[i : i + 8]) + ",")
            print("};\n")
    print("}  // namespace alref")


if __name__ == "__main__":
    main()
