# SPDX-License-Identifier: Apache-2.0
"""What the trainers of the sound networks share: state, log, averaged weights, learning rate."""

from __future__ import annotations

import argparse
import copy
import json
import math
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from ..sam2.optimizer import Muon

_WARM_UP_STEPS = 60
_SMALLEST_SIDE = 16


def optimizers(
    net: nn.Module, by_adam: Callable[[str], bool], decay: float
) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of `net`, AdamW for its other parameters and those of `by_adam`."""
    matrices, rest = [], []
    for name, p in net.named_parameters():
        if not p.requires_grad:
            continue
        is_matrix = p.ndim == 2 and min(p.shape) >= _SMALLEST_SIDE and not by_adam(name)
        (matrices if is_matrix else rest).append(p)
    return [
        Muon([{"params": matrices, "weight_decay": decay}], lr=0.0),
        torch.optim.AdamW(rest, lr=0.0, betas=(0.9, 0.98), weight_decay=0.0),
    ]


class Trainer(ABC):
    """One run. A batch depends on the seed and the step alone; DIR/train.pt is the whole state."""

    def __init__(self, args: argparse.Namespace, net: nn.Module, by_adam: Callable[[str], bool]):
        self.args, self.device = args, torch.device(args.device)
        self.net = net.to(self.device)
        self.average = copy.deepcopy(self.net)
        self.optimizers = optimizers(self.net, by_adam, args.weight_decay)
        self.step, self.seconds = 0, 0.0
        self.sums: dict[str, float] = {}

    @abstractmethod
    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        """The loss of the batch of a step, and what to log."""

    @abstractmethod
    def score(self) -> dict[str, float]:
        """Scores of the averaged weights."""

    @abstractmethod
    def export(self) -> None:
        """Writes DIR/export from the averaged weights."""

    def state(self) -> dict:
        return {
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [o.state_dict() for o in self.optimizers],
            "counters": [self.step, self.seconds],
            "seed": self.args.seed,
        }

    def load(self, state: dict) -> None:
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        for o, s in zip(self.optimizers, state["optimizers"]):
            o.load_state_dict(s)
        self.step, self.seconds = state["counters"]
        self.args.seed = state["seed"]

    def save(self) -> None:
        part = self.args.out / "train.pt.part"
        torch.save(self.state(), part)
        part.rename(self.args.out / "train.pt")

    def log(self, kind: str, **values) -> None:
        line = {"kind": kind, "hours": round(self.seconds / 3600, 4), "step": self.step, **values}
        with (self.args.out / "log.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)

    def rate(self) -> float:
        """Rises, stays, and falls to 0 over the last half of the run."""
        left = 1 - self.step / self.args.steps
        return self.args.lr * min(1.0, (self.step + 1) / _WARM_UP_STEPS, 2 * max(0.0, left))

    def train_step(self) -> None:
        self.net.train()
        for o in self.optimizers:
            for group in o.param_groups:
                group["lr"] = self.rate()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=not self.args.f32):
            loss, logs = self.loss(self.step)
        for o in self.optimizers:
            o.zero_grad()
        loss.backward()
        norm = float(nn.utils.clip_grad_norm_(self.net.parameters(), 1.0))
        if not math.isfinite(norm):
            raise FloatingPointError(f"step {self.step}: the gradient is not finite")
        for o in self.optimizers:
            o.step()
        share = 1 - min(self.args.average, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(
                list(self.average.parameters()), list(self.net.parameters()), share
            )
        self.step += 1
        for name, value in {**logs, "loss": float(loss.detach()), "gradient": norm}.items():
            self.sums[name] = 0.97 * self.sums.get(name, value) + 0.03 * value

    def run(self) -> None:
        stop = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.append(True))
        # Processor time: what a pause or a busy machine does not change; on a GPU the clock.
        clock = time.process_time if self.device.type == "cpu" else time.time
        while not stop and self.step < self.args.steps:
            before = clock()
            self.train_step()
            self.seconds += clock() - before
            if self.step % 50 == 0:
                self.log("loss", **{k: round(v, 4) for k, v in self.sums.items()})
            if self.step % 200 == 0:
                self.save()
            if self.step % self.args.score_steps == 0 or self.step == self.args.steps:
                self.log("score", **self.score())
                self.export()
        self.save()


def parser(description: str, steps: int, lr: float) -> argparse.ArgumentParser:
    """The options that all trainers have."""
    p = argparse.ArgumentParser(description=description)
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--resume", action="store_true", help="go on from DIR/train.pt")
    p.add_argument("--device", default="cpu")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--steps", type=int, default=steps, help="of the whole run; the rate falls to 0")
    p.add_argument("--batch", type=int, default=32)
    p.add_argument("--lr", type=float, default=lr)
    p.add_argument("--weight-decay", type=float, default=0.02)
    p.add_argument("--average", type=float, default=0.995, help="of the averaged weights")
    p.add_argument("--score-steps", type=int, default=400)
    p.add_argument("--f32", action="store_true", help="no bfloat16")
    return p


def start(trainer: Trainer) -> None:
    """Load, run."""
    path = trainer.args.out / "train.pt"
    if trainer.args.resume and path.exists():
        trainer.load(torch.load(path, map_location=trainer.args.device, weights_only=True))
    trainer.run()
