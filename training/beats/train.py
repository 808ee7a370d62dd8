# SPDX-License-Identifier: Apache-2.0
"""Train BEATs on stamp world's sounds; stop it at any time, go on with --resume.

    python -m training.beats.train --out DIR [--resume] [--device cuda]

DIR receives train.pt (the whole state), log.jsonl (losses and scores against hours of processor
time) and export/ (the averaged weights in the official layout).
"""

from __future__ import annotations

import argparse

import torch
import torch.nn.functional as F
from torch import Tensor

from ..sounds import mixtures, trainer
from .config import NANO
from .evaluate import evaluate
from .export import export
from .labels import targets
from .model import Beats

_SECONDS = (4.0, 2.0, 6.0, 1.0, 3.0, 8.0)  # of the mixtures of successive steps
_SCORED = 200


def _by_adam(name: str) -> bool:
    return "relative_attention_bias" in name or name.startswith("predictor")


def _masked(energies: Tensor, seed: int) -> Tensor:
    """One band of time and one of pitch silenced, as SpecAugment does (arXiv:1904.08779)."""
    g = torch.Generator().manual_seed(seed)
    out = energies.clone()
    for row in out:
        for axis, widest in ((0, 0.15), (1, 0.12)):
            size = row.shape[axis]
            width = int(torch.rand((), generator=g) * widest * size)
            at = int(torch.randint(0, size - width, (), generator=g))
            row.narrow(axis, at, width).fill_(-1.0)
    return out


class BeatsTrainer(trainer.Trainer):
    def __init__(self, args: argparse.Namespace):
        torch.manual_seed(args.seed)
        super().__init__(args, Beats(NANO).initialise(), _by_adam)

    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        seconds = _SECONDS[step % len(_SECONDS)]
        count = max(8, round(self.args.batch * 4 / seconds))
        first = self.args.seed * 100_000_000 + step * 1000
        drawn = [mixtures.draw(first + i, "train", seconds) for i in range(count)]
        samples = torch.stack([torch.from_numpy(m.samples) for m in drawn]).to(self.device)
        truth = torch.stack([targets(m) for m in drawn]).to(self.device)
        with torch.autocast(self.device.type, enabled=False):
            energies = _masked(self.net.energies(samples), first)
        logits = self.net.predictor(self.net.tokens(energies)).float().mean(1)
        # Summed over the classes: a mean over 527 would be mostly about what is never there.
        return F.binary_cross_entropy_with_logits(logits, truth, reduction="sum") / count, {}

    def score(self) -> dict[str, float]:
        return evaluate(self.average, _SCORED)

    def export(self) -> None:
        export(self.average, self.args.out / "export")


def main() -> None:
    args = trainer.parser(__doc__.splitlines()[0], steps=2400, lr=2e-3).parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)
    trainer.start(BeatsTrainer(args))


if __name__ == "__main__":
    main()
