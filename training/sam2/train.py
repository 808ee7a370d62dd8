# SPDX-License-Identifier: Apache-2.0
"""Train SAM 2.1 on stamp world; stop it at any time, go on with --resume.

    python -m training.sam2.train --out DIR [--resume] [--device cuda] [--workers 8]

DIR receives train.pt (the whole state, every few minutes and on SIGTERM), log.jsonl (losses and
scores against hours of processor time) and export/ (the averaged weights in the official layout).
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from . import data, losses, optimizer
from .config import NANO
from .evaluate import evaluate
from .export import export, read_weights
from .init import initialise
from .model import Bank, Sam2

_CLIPS = {"box": 0.5, "mask": 0.4, "click": 0.1}
_IMAGES = {"box": 0.85, "click": 0.15}


@dataclass(frozen=True)
class Stage:
    """A part of the curriculum; it ends when `until` (a score and its value) or `hours` is reached.

    videos: share of the steps that train on clips; the others train on single images.
    clips, images: a step's batch size. frames: range of a clip's length. scenes: what clips show.
    frozen: the image encoder stays as it is, which makes long clips affordable.
    """

    name: str
    size: int
    hours: float
    until: tuple[str, float] | None = None
    images: int = 16
    videos: float = 0.0
    clips: int = 0
    frames: tuple[int, int] = (1, 1)
    prompts: dict[str, float] = field(default_factory=lambda: dict(_CLIPS))
    scenes: data.Scenes = data.SHORT
    frozen: bool = False


_LONG = {"scenes": data.LONG, "frozen": True}
CURRICULUM = (
    Stage("images", 128, hours=0.4, until=("prompt", 66.0)),
    Stage("pairs", 128, hours=0.3, until=("j", 55.0), videos=0.67, clips=8, frames=(2, 3)),
    Stage("clips", 128, hours=0.4, until=("jf", 65.0), videos=0.75, clips=4, frames=(4, 7)),
    Stage("full", 256, hours=1.5, images=6, videos=0.75, clips=2, frames=(4, 8)),
    Stage("fine", 384, hours=4.0, images=3, videos=0.75, clips=1, frames=(4, 8)),
    # Of a smaller size again: what is learnt here, when a thing is out of sight and which of two
    # it was, costs more frames than pixels.
    Stage("long", 256, 1.0, images=6, videos=0.9, clips=1, frames=(10, 16), **_LONG),
    Stage("last", 384, math.inf, images=3, videos=0.9, clips=1, frames=(8, 12), **_LONG),
)

_EVALUATION_CLIPS = 40
_WARM_UP_STEPS = 100


class Foreground(nn.Module):
    """Training aid: every feature map says which of its cells show any thing at all."""

    def __init__(self, dim: int):
        super().__init__()
        self.heads = nn.ModuleList(nn.Conv2d(c, 1, 1) for c in (dim, dim // 4, dim // 8))

    def forward(self, maps: tuple[Tensor, ...], truth: Tensor) -> Tensor:
        loss = truth.new_zeros((), dtype=torch.float32)
        for head, x in zip(self.heads, maps):
            target = losses.shrink(truth, x.shape[-1])
            loss = loss + losses.balanced(head(x)[:, 0].float(), target).mean()
        return loss / len(self.heads)


class Trainer:
    """The whole state of a run, and its steps."""

    def __init__(self, args: argparse.Namespace):
        self.args = args
        self.device = torch.device(args.device)
        torch.manual_seed(args.seed)
        self.net = initialise(Sam2(NANO)).to(self.device)
        self.aid = Foreground(NANO.dim).to(self.device)
        self.average = copy.deepcopy(self.net)
        self.optimizers = optimizer.build(
            self.net, list(self.aid.parameters()), args.lr, args.weight_decay
        )
        self.step = self.stage = self.stage_step = 0
        self.seconds = self.stage_seconds = self.annealed = 0.0
        self.sums: dict[str, float] = {}

    def state(self) -> dict:
        return {
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "aid": self.aid.state_dict(),
            "optimizers": [o.state_dict() for o in self.optimizers],
            "counters": [self.step, self.stage, self.stage_step, self.seconds, self.stage_seconds],
            "seed": self.args.seed,
            "image_size": self.net.image_size,
        }

    def load(self, state: dict) -> None:
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.aid.load_state_dict(state["aid"])
        for o, s in zip(self.optimizers, state["optimizers"]):
            o.load_state_dict(s)
        self.step, self.stage, self.stage_step, self.seconds, self.stage_seconds = state["counters"]
        self.args.seed = state["seed"]
        self.freeze()

    def begin(self, weights: dict[str, Tensor]) -> None:
        """Take over finished weights; the optimisers start anew."""
        self.net.load_state_dict(weights)
        self.average.load_state_dict(weights)

    def save(self) -> None:
        part = self.args.out / "train.pt.part"
        torch.save(self.state(), part)
        part.rename(self.args.out / "train.pt")

    def log(self, kind: str, **values) -> None:
        hours = round(self.seconds / 3600, 4)
        name = CURRICULUM[self.stage].name
        line = {"kind": kind, "hours": hours, "step": self.step, "stage": name, **values}
        with (self.args.out / "log.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)

    def batch(self, step: int) -> data.Batch:
        """The batch of a step of the present stage; depends on the arguments only."""
        stage = CURRICULUM[self.stage]
        # Clips are spread evenly among the steps.
        video = int((step + 1) * stage.videos) > int(step * stage.videos)
        frames, clips, kinds = 1, stage.images, _IMAGES
        if video:
            low, high = stage.frames
            frames, clips, kinds = low + step * 5 % (high - low + 1), stage.clips, stage.prompts
        seed = self.args.seed * 10_000_000 + step
        scenes = stage.scenes if video else data.IMAGES
        return data.make_batch(seed, clips, frames, stage.size, scenes, kinds)

    def loss(self, batch: data.Batch, early: float) -> tuple[Tensor, dict[str, float]]:
        net = self.net
        count, clips = batch.images.shape[:2]
        features = net.encode(data.normalise(batch.images.flatten(0, 1)))
        bank = Bank()
        total = features.top.new_zeros((), dtype=torch.float32)
        logs: dict[str, float] = {}
        trained = 0
        for t in range(count):
            f = features.select(batch.clip + t * clips)
            prompt = batch.prompt if t == 0 else None
            # A long video is what the network is for: 16 pointers are the most it has.
            step = net.step(f, bank, t, NANO.max_obj_ptrs, prompt, memorise=t + 1 < count)
            if t == 0 and prompt.masks is not None:
                continue  # the prompt itself is the answer
            loss, log = losses.step_loss(step, batch.masks[t], early)
            total = total + loss
            trained += 1
            for name, value in log.items():
                name = f"{name}_tracked" if t else name
                logs[name] = logs.get(name, 0.0) + value / (count - 1 if t else 1)
        total = total / trained
        if self.aid_weight > 0:
            maps = (features.top, features.fine, features.finer)
            aid = self.aid(maps, batch.foreground.flatten(0, 1))
            total = total + self.aid_weight * aid
            logs["foreground"] = float(aid.detach())
        return total, logs

    @property
    def aid_weight(self) -> float:
        stage = CURRICULUM[self.stage]
        return 0.0 if stage.frozen else 1.0 if stage.size == 128 else 0.2

    def train_step(self, batch: data.Batch) -> None:
        self.net.train()
        # After a change of stage the rate climbs again: momenta speak of another task.
        rate = self.args.lr * min(1, (self.stage_step + 1) / _WARM_UP_STEPS)
        if self.args.anneal_hours:
            rate *= max(0.0, 1 - self.annealed / (3600 * self.args.anneal_hours))
        for o in self.optimizers:
            for group in o.param_groups:
                group["lr"] = rate
        cast = torch.autocast(self.device.type, torch.bfloat16, enabled=not self.args.f32)
        with cast:
            loss, logs = self.loss(batch, early=max(0.0, 1 - self.step / 3000))
        for o in self.optimizers:
            o.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        if not math.isfinite(float(norm)):
            self.log("skipped", reason="gradient is not finite")
            return
        for o in self.optimizers:
            o.step()
        share = 1 - min(self.args.average, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            mine, theirs = list(self.average.parameters()), list(self.net.parameters())
            torch._foreach_lerp_(mine, theirs, share)
        self.step += 1
        self.stage_step += 1
        for name, value in {**logs, "loss": float(loss.detach()), "gradient": float(norm)}.items():
            old = self.sums.get(name, value)
            self.sums[name] = 0.97 * old + 0.03 * value

    def evaluate(self) -> None:
        """Scores of the averaged weights; may end the stage."""
        stage = CURRICULUM[self.stage]
        self.average.image_size = stage.size
        frames = 1 if stage.videos == 0 else 8
        scores = {}
        for split in ("seen", "unseen"):
            scores[split] = evaluate(self.average, split, _EVALUATION_CLIPS, frames, stage.size)
        self.log("score", size=stage.size, **scores)
        done = self.stage_seconds > 3600 * stage.hours
        if stage.until is not None:
            name, bar = stage.until
            done = done or scores["seen"].get(name, 0.0) >= bar
        if done and self.stage + 1 < len(CURRICULUM):
            self.enter(self.stage + 1)
        export(self.average, self.args.out / "export")
        self.net.image_size = CURRICULUM[self.stage].size

    def enter(self, stage: int) -> None:
        """Go on with another stage of the curriculum."""
        self.stage = stage
        self.stage_step, self.stage_seconds = 0, 0.0
        self.sums.clear()
        self.freeze()

    def freeze(self) -> None:
        """Let the image encoder learn, or not, as the stage says."""
        self.net.image_encoder.requires_grad_(not CURRICULUM[self.stage].frozen)

    def run(self) -> None:
        stop = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.append(True))
        self.net.image_size = CURRICULUM[self.stage].size
        # Processor time of this process: what a pause or a busy machine does not change. With
        # workers or a GPU it says little, and the clock is taken.
        clock = (
            time.process_time if self.device.type == "cpu" and not self.args.workers else time.time
        )
        before, saved, scored, said = clock(), self.seconds, self.seconds, self.seconds
        batches = self.batches()
        end = self.seconds + 3600 * (self.args.anneal_hours or self.args.hours)
        while not stop and self.seconds < end:
            self.train_step(next(batches))
            now = clock()
            spent, before = now - before, now
            self.seconds += spent
            self.stage_seconds += spent
            self.annealed += spent
            if self.seconds - said > 60:
                said = self.seconds
                self.log("loss", **{k: round(v, 4) for k, v in self.sums.items()})
            if self.seconds - saved > 240:
                saved = self.seconds
                self.save()
            if self.seconds - scored > 60 * self.args.score_minutes:
                stage = self.stage
                self.evaluate()
                before = clock()  # scoring is no training
                scored = self.seconds
                if stage != self.stage:
                    batches = self.batches()
        self.save()
        if not stop:
            self.evaluate()

    def batches(self):
        """Batches from the present step on, made ahead by --workers processes."""
        if not self.args.workers:
            while True:
                yield self.batch(self.step).to(self.device)
        steps = range(self.step, self.step + 100_000_000)
        loader = torch.utils.data.DataLoader(
            _Steps(self),
            batch_size=None,
            sampler=steps,
            num_workers=self.args.workers,
            prefetch_factor=4,
            multiprocessing_context="fork",
        )
        for batch in loader:
            yield batch.to(self.device)


class _Steps(torch.utils.data.Dataset):
    """Step number -> batch, of the stage in which it was made."""

    def __init__(self, trainer: Trainer):
        self._make = trainer.batch

    def __getitem__(self, step: int) -> data.Batch:
        return self._make(step)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--resume", action="store_true", help="go on from DIR/train.pt")
    parser.add_argument("--start-from", type=Path, help="weights (.pt or .gguf) to begin with")
    names = [stage.name for stage in CURRICULUM]
    parser.add_argument("--stage", choices=names, help="go on with this stage of the curriculum")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=0, help="processes that make batches")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--weight-decay", type=float, default=0.02)
    parser.add_argument("--average", type=float, default=0.998, help="of the averaged weights")
    parser.add_argument("--hours", type=float, default=math.inf, help="stop after so many more")
    parser.add_argument(
        "--anneal-hours", type=float, help="let the rate fall to 0 over so many hours, then stop"
    )
    parser.add_argument("--score-minutes", type=float, default=8)
    parser.add_argument("--f32", action="store_true", help="no bfloat16")
    args = parser.parse_args(arguments)
    args.out.mkdir(parents=True, exist_ok=True)
    return args


def main() -> None:
    args = parse()
    torch.set_num_threads(args.threads)
    trainer = Trainer(args)
    if args.start_from is not None:
        trainer.begin(read_weights(args.start_from, trainer.net))
    if args.resume and (args.out / "train.pt").exists():
        trainer.load(torch.load(args.out / "train.pt", map_location=args.device, weights_only=True))
    if args.stage is not None:
        trainer.enter([stage.name for stage in CURRICULUM].index(args.stage))
    trainer.run()


if __name__ == "__main__":
    main()
