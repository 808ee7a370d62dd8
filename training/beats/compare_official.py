# SPDX-License-Identifier: Apache-2.0
"""Check that our network equals the official BEATs, with seeded random weights.

    python -m training.beats.compare_official --repo PATH

PATH: a checkout of microsoft/unilm. The official code takes filter banks from torchaudio; where
that is not installed, ours stand in for them (training/tests compares those with Kaldi's).
"""

from __future__ import annotations

import argparse
import sys
import types
from pathlib import Path

import torch
from torch import Tensor

from ..sounds import mixtures
from ..sounds.filter_banks import filter_banks
from .config import NANO, Config
from .model import Beats

# f32 against f32 in another order of sums.
_BOUND = 1e-4


def kaldi_fbank(waveform: Tensor, num_mel_bins: int, **options) -> Tensor:
    """torchaudio.compliance.kaldi.fbank of one channel, as far as the networks' code uses it."""
    expected = {"sample_frequency": 16000, "frame_length": 25, "frame_shift": 10}
    if any(options[name] != value for name, value in expected.items()):
        raise ValueError(f"filter banks with {options}, expected {expected}")
    return filter_banks(waveform[0], num_mel_bins, options.get("window_type", "povey"))


def stand_in_for_torchaudio() -> None:
    """Makes `import torchaudio.compliance.kaldi` work where torchaudio cannot be had."""
    try:
        import torchaudio  # noqa: F401
    except ImportError:
        names = ("torchaudio", "torchaudio.compliance", "torchaudio.compliance.kaldi")
        modules = [types.ModuleType(name) for name in names]
        modules[0].compliance, modules[1].kaldi = modules[1], modules[2]
        modules[2].fbank = kaldi_fbank
        sys.modules.update(zip(names, modules))


def differences(repo: Path, config: Config) -> dict[str, float]:
    """Largest relative differences of filter banks, tokens and probabilities."""
    stand_in_for_torchaudio()
    sys.path.insert(0, str(repo / "beats"))
    from BEATs import BEATs, BEATsConfig

    official = BEATs(BEATsConfig(config.as_cfg())).eval()
    torch.manual_seed(0)
    ours = Beats(config).initialise().eval()
    # Every weight is random, the gates and the table of biases strongly so: nothing may cancel.
    for name, p in ours.named_parameters():
        if "grep" in name or "bias" in name or "norm" in name:
            p.data += 0.3 * torch.randn_like(p)
    official.load_state_dict(ours.state_dict())  # strict: same names, same shapes
    samples = torch.from_numpy(mixtures.draw(1, "seen", 3.3).samples)[None]
    result = {}
    with torch.inference_mode():
        pairs = {"filter banks": (ours.energies(samples), official.preprocess(samples))}
        probabilities = official.extract_features(samples)[0]
        pairs["probabilities"] = (ours(samples).sigmoid(), probabilities)
        official.predictor = None
        pairs["tokens"] = (
            ours.tokens(ours.energies(samples)),
            official.extract_features(samples)[0],
        )
    for name, (a, b) in pairs.items():
        result[name] = float((a - b).norm() / b.norm())
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repo", type=Path, required=True)
    args = parser.parse_args()
    found = differences(args.repo, NANO)
    for name, value in found.items():
        print(f"{name}: relative difference {value:.1e} (bound {_BOUND:.0e})")
    if not max(found.values()) < _BOUND:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
