# SPDX-License-Identifier: Apache-2.0
"""Trains nano GroundingDINO.

    python -m training.grounding_dino.train --out DIR [--resume]
    python -m training.grounding_dino.train --out DIR --start-from models/nano-grounding-dino.gguf --stage large

Stages, one after the other: dense pre-training of backbone and text projection (every cell says its
kind), detection on small pictures, detection on larger ones. Progress is counted in seconds of
processor time, so a slow or shared machine changes nothing but the wait. SIGTERM saves and ends;
--resume goes on. In DIR: state.pt, log.jsonl, export/ (the official layout), pid.
"""

import argparse
import dataclasses
import json
import math
import os
import signal
import time

import torch
import torch.nn.functional as F
from torch import nn

from .config import Config
from .data import all_kinds, dense_batch, detection_batch
from .evaluate import calibrate, evaluate
from .export import read_weights, write_export
from .initialise import near_identity, refit_text, start
from .losses import detection_loss
from .model import GroundingDino, detector_state, normalise
from .text import TextCache

# pictures (h, w) on which a stage is scored; h is the exported short side
SCORED = {"small": (128, 171), "large": (192, 256)}
TOKENS = 40  # every batch's captions are padded to this
# name, processor minutes, sizes (h, w) taken in turn, pictures a step, learning rate at the start and
# at the end (Muon's; AdamW's is half)
STAGES = (
    ("dense", 10.5, ((128, 128),), 10, 2e-3, 1e-4),
    ("small", 30, ((128, 128), (128, 160), (112, 144)), 16, 1.2e-3, 4e-4),
    ("large", 240, ((192, 256), (192, 256), (192, 192), (160, 256)), 8, 1e-3, 3e-5),
)


class Optimizer:
    """Muon for hidden matrices, AdamW for the rest; deformable attention's offsets learn slower.

    known_rate: factor for what the dense pre-training has taught.
    """

    def __init__(self, named, known_rate):
        groups = {"muon": ([], []), "adam": ([], []), "slow": ([], [])}
        for name, p in named:
            known = name.startswith(("backbone", "input_proj", "feat_map"))
            if "sampling_offsets" in name or "attention_weights" in name:
                group = "slow"
            elif p.dim() == 2 and not any(k in name for k in ("bias_table", "embed", "feat_map")):
                group = "muon"
            else:
                group = "adam"
            groups[group][known].append(p)
        rates = {"muon": 1.0, "adam": 0.5, "slow": 0.2}

        def rated(*names):
            return [
                {"params": params, "rate": rates[name] * (known_rate if known else 1.0)}
                for name in names
                for known, params in enumerate(groups[name])
                if params
            ]

        self.parts = [
            torch.optim.Muon(rated("muon"), lr=1, weight_decay=0.02, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(rated("adam", "slow"), lr=1, weight_decay=0.02, betas=(0.9, 0.98)),
        ]
        self.params = [p for pair in groups.values() for params in pair for p in params]

    def step(self, lr):
        """One update; gradients are clipped to norm 1. -> the norm before"""
        norm = nn.utils.clip_grad_norm_(self.params, 1.0)
        for part in self.parts:
            for group in part.param_groups:
                group["lr"] = lr * group.get("rate", 1.0)
            part.step()
            part.zero_grad(set_to_none=True)
        return float(norm)

    def state_dict(self):
        return [p.state_dict() for p in self.parts]

    def load_state_dict(self, states):
        for part, state in zip(self.parts, states):
            part.load_state_dict(state)


class DenseHead(nn.Module):
    """Classifies each cell by its cosine with the nouns' projected features; training only."""

    def __init__(self, model, text):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(20.0))
        self.background = nn.Parameter(0.01 * torch.randn(1, model.config.d_model))
        features = []
        for kind in all_kinds():
            inputs, spans = text.encode([[article + kind] for article in ("", "the ", "a ")])
            features.append(torch.stack([f[s[0][-len(text.phrase_ids(kind)):]].mean(0) for f, s in zip(inputs["features"], spans)]).mean(0))
        self.register_buffer("features", torch.stack(features))

    def forward(self, model, images):
        """-> scores [B, cells of strides 8, 16, 32, kinds + 1]"""
        cells = torch.cat([m.flatten(1, 2) for m in model.maps(images)[:3]], 1).float()
        words = torch.cat([model.feat_map(self.features), self.background])
        return F.normalize(cells, dim=-1) @ F.normalize(words.float(), dim=-1).t() * self.scale


class Trainer:
    """The run's whole state, and its steps."""

    def __init__(self, out, device, resume, minutes=()):
        self.out, self.device = out, device
        self.stages = [(s[0], dict(minutes).get(s[0], s[1]), *s[2:]) for s in STAGES]
        self.config = Config()
        torch.manual_seed(0)
        self.model = GroundingDino(self.config)
        self.model.bert.load_minilm()
        self.text = TextCache(self.model.bert, TOKENS)
        start(self.model, self.text)
        self.head = DenseHead(self.model, self.text)
        self.stage, self.spent, self.total, self.step, self.seed = 0, 0.0, 0.0, 0, 0
        self.averages, self.stop = {}, False
        self.model.to(device)
        self.head.to(device)
        path = os.path.join(out, "state.pt")
        state = torch.load(path, map_location=device) if resume and os.path.exists(path) else None
        if state:
            self.stage, self.spent, self.total = state["stage"], state["spent"], state["total"]
            self.step, self.seed, self.averages = state["step"], state["seed"], state["averages"]
            self.model.load_state_dict(state["model"], strict=False)
            self.head.load_state_dict(state["head"])
        self._new_optimizer()
        if state:
            self.optimizer.load_state_dict(state["optimizer"])
            self.ema, self.stage_step = state["ema"], state["stage_step"]
        self.tick = time.process_time()

    def _new_optimizer(self):
        """For the stage's parameters; the moving average starts from the present weights."""
        named = [(n, p) for n, p in self.model.named_parameters() if not n.startswith("bert.")]
        if self.stages[self.stage][0] == "dense":
            named = [(n, p) for n, p in named if n.startswith(("backbone", "input_proj", "feat_map"))]
            named += list(self.head.named_parameters())
        self.optimizer = Optimizer(named, 1.0 if self.stages[self.stage][0] == "dense" else 0.25)
        self.ema = {k: v.detach().clone() for k, v in detector_state(self.model).items()}
        self.stage_step = 0

    def begin(self, path, stage):
        """Takes over finished weights (.pt or .gguf) at the beginning of a stage; the optimisers start anew."""
        found = read_weights(path)
        with torch.no_grad():
            for name, p in self.model.named_parameters():
                if not name.startswith("bert."):
                    p.copy_(found[name].reshape(p.shape))  # GGUF drops leading lengths of 1
        self.stage = [s[0] for s in self.stages].index(stage)
        self._new_optimizer()

    def save(self):
        state = {
            "model": detector_state(self.model), "ema": self.ema, "head": self.head.state_dict(),
            "optimizer": self.optimizer.state_dict(), "stage": self.stage, "spent": self.spent,
            "total": self.total, "step": self.step, "stage_step": self.stage_step, "seed": self.seed, "averages": self.averages,
            "config": self.config.state(),
        }
        path = os.path.join(self.out, "state.pt")
        torch.save(state, path + ".part")
        os.replace(path + ".part", path)

    def log(self, **record):
        record = {"time": round(time.time()), "hours": round(self.total / 3600, 4), "stage": self.stages[self.stage][0],
                  "step": self.step, **record}
        with open(os.path.join(self.out, "log.jsonl"), "a", encoding="utf8") as f:
            f.write(json.dumps(record) + "\n")
        print(json.dumps(record), flush=True)

    def count_time(self):
        now = time.process_time() if self.device.type == "cpu" else time.perf_counter()
        self.spent += now - self.tick
        self.total += now - self.tick
        self.tick = now

    def note(self, parts):
        for k, v in parts.items():
            self.averages[k] = 0.97 * self.averages[k] + 0.03 * v if k in self.averages else v

    def learning_rate(self):
        _, minutes, _, _, first, last = self.stages[self.stage]
        done = min(1.0, self.spent / 60 / minutes)
        warm = min(1.0, (self.stage_step + 1) / 100)
        return warm * (last + (first - last) * 0.5 * (1 + math.cos(math.pi * done)))

    def take_step(self):
        name, _, sizes, batch, _, _ = self.stages[self.stage]
        size = sizes[self.step % len(sizes)]
        seeds = range(self.seed, self.seed + batch)
        self.seed += batch
        self.model.train()
        bf16 = torch.autocast(self.device.type, torch.bfloat16)
        if name == "dense":
            frames, labels = dense_batch(seeds, size)
            labels = labels.to(self.device)
            with bf16:
                scores = self.head(self.model, normalise(frames.to(self.device), self.config))
            loss, parts = self._dense_loss(scores, labels, size)
        else:
            frames, inputs, targets = detection_batch(seeds, size, "train", self.text)
            inputs = {k: v.to(self.device) for k, v in inputs.items()}
            with bf16:
                out = self.model(normalise(frames.to(self.device), self.config), **inputs)
            loss, parts = detection_loss(out, targets, size, inputs["token_mask"])
        loss.backward()
        parts["norm"] = self.optimizer.step(self.learning_rate())
        self.note(parts)
        keep = 1 - min(0.9985, (self.stage_step + 1) / (self.stage_step + 10))
        with torch.no_grad():
            for k, v in detector_state(self.model).items():
                if v.dtype.is_floating_point:
                    self.ema[k].lerp_(v, keep)
        self.step += 1
        self.stage_step += 1

    def _dense_loss(self, scores, labels, size):
        n8, n16, n32 = ((size[0] // s) * (size[1] // s) for s in (8, 16, 32))
        weight = torch.cat([torch.full((n,), w) for n, w in ((n8, 0.15), (n16, 1.0), (n32, 2.5))]).to(scores.device)
        background = scores.shape[-1] - 1
        ce = F.cross_entropy(scores.flatten(0, 1), labels.clamp(min=0).flatten(), reduction="none").view(labels.shape)
        shown = (labels >= 0) & (labels < background)
        weight = weight.expand_as(ce) * shown
        loss = (ce * weight).sum() / weight.sum().clamp(min=1) + 0.5 * ce[labels == background].mean()
        hit = scores[..., :-1].argmax(-1) == labels
        parts = {"dense_loss": loss.item()}
        for name, a, b in (("s8", 0, n8), ("s16", n8, n8 + n16), ("s32", n8 + n16, n8 + n16 + n32)):
            if shown[:, a:b].any():
                parts[name] = float(hit[:, a:b][shown[:, a:b]].float().mean())
        return loss, parts

    def averaged_model(self):
        """A copy with the moving average's weights, sharing the text encoder."""
        model = GroundingDino(self.config)
        model.bert = self.model.bert
        model.load_state_dict({k: v.cpu() for k, v in self.ema.items()}, strict=False)
        return model.eval()

    def check(self, scenes=60):
        """Calibrates and evaluates the moving average, and refreshes export/."""
        self.count_time()
        model = self.averaged_model()
        size = SCORED[self.stages[self.stage][0]]
        short = {"short_side": size[0], "max_side": size[0] * 5 // 3}
        model.config = dataclasses.replace(self.config, **short)
        text = TextCache(model.bert.cpu(), TOKENS)
        threshold = calibrate(model, text, size)
        scores = evaluate(model, text, size, scenes)
        self.log(evaluation=scores, size=size, threshold_before=threshold)
        write_export(model, os.path.join(self.out, "export"), {"hours": round(self.total / 3600, 3), "scores": scores})
        self.model.bert.to(self.device)
        self.tick = time.process_time() if self.device.type == "cpu" else time.perf_counter()

    def next_stage(self):
        """Goes on from the moving average."""
        self.model.load_state_dict(self.ema, strict=False)
        self.stage += 1
        self.spent = 0.0
        if self.stages[self.stage - 1][0] == "dense":
            with torch.no_grad():
                self.model.cpu()
                words = F.normalize(self.model.feat_map(self.head.features.cpu()), dim=-1)
                words = words * self.config.d_model**0.5
                refit_text(self.model, self.text, words)
                frames, _ = dense_batch(range(self.seed, self.seed + 16), self.stages[0][2][0])
                near_identity(self.model, normalise(frames, self.config), words)
                self.model.to(self.device)
        self.averages = {}
        self._new_optimizer()

    def run(self, check_minutes, log_steps):
        checked = saved = self.spent
        while not self.stop:
            self.take_step()
            self.count_time()
            minutes = self.stages[self.stage][1]
            learned = min(self.averages.get("s16", 0), self.averages.get("s32", 0)) > 0.9
            if self.step % log_steps == 0:
                self.log(minutes=round(self.spent / 60, 2), lr=round(self.learning_rate(), 6),
                         **{k: round(v, 4) for k, v in self.averages.items()})
            if self.stage + 1 < len(self.stages) and (self.spent / 60 >= minutes or learned):
                self.save()
                os.replace(os.path.join(self.out, "state.pt"), os.path.join(self.out, f"after-{self.stages[self.stage][0]}.pt"))
                self.next_stage()
                self.save()
                checked = saved = 0.0
            elif self.spent - checked > check_minutes * 60:
                checked = saved = self.spent
                self.save()
                if self.stage:
                    self.check()
            elif self.spent - saved > 60:
                saved = self.spent
                self.save()
        self.save()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True)
    parser.add_argument("--resume", action="store_true", help="go on from DIR/state.pt")
    parser.add_argument("--start-from", help="weights (.pt or .gguf) to begin with, at --stage")
    parser.add_argument("--stage", choices=[s[0] for s in STAGES], default="large")
    parser.add_argument("--minutes", action="append", default=[], metavar="STAGE=N",
                        help="processor minutes of a stage, over which its rate falls; repeatable")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--check-minutes", type=float, default=6, help="processor minutes between evaluations")
    parser.add_argument("--log-steps", type=int, default=25)
    a = parser.parse_args()
    names = [s[0] for s in STAGES]
    minutes = [(name, float(number)) for name, _, number in (m.partition("=") for m in a.minutes)]
    if unknown := [name for name, _ in minutes if name not in names]:
        parser.error(f"--minutes: no stage {', '.join(unknown)}; there are {', '.join(names)}")
    torch.set_num_threads(a.threads)
    os.makedirs(a.out, exist_ok=True)
    with open(os.path.join(a.out, "pid"), "w", encoding="utf8") as f:
        f.write(f"{os.getpid()}\n")
    trainer = Trainer(a.out, torch.device(a.device), a.resume, minutes)
    if a.start_from is not None:
        trainer.begin(a.start_from, a.stage)

    def stop(*_):
        trainer.stop = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    trainer.run(a.check_minutes, a.log_steps)


if __name__ == "__main__":
    main()
