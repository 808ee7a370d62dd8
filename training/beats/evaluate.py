# SPDX-License-Identifier: Apache-2.0
"""Scores of a tagger on mixtures that training never draws.

python -m training.beats.evaluate CHECKPOINT.pt [--mixtures 500]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from torch import Tensor

from ..sounds import mixtures
from ..sounds.kinds import KINDS, SILENCE, SPEECH
from ..sounds.segments import best_threshold
from .config import Config
from .labels import numbers, targets
from .model import Beats

_SECONDS = (3.0, 5.0, 10.0)


def average_precision(scores: Tensor, truth: Tensor) -> float:
    """Area under the curve of precision and recall; scores and truth [n], at least one is true."""
    order = scores.argsort(descending=True, stable=True)
    hits = truth[order].double()
    precision = hits.cumsum(0) / torch.arange(1, len(hits) + 1)
    return float((precision * hits).sum() / hits.sum())


@torch.inference_mode()
def evaluate(net: Beats, count: int, split: str = "seen") -> dict[str, float]:
    """In percent, over `count` mixtures of 3, 5 or 10 s.

    map: mean over classes of the average precision, of the kinds' own classes (no wider ones).
    top5_I: share of the mixtures' kinds, with I kinds at once, of which a class of their own is
        among the five likeliest; top1_1: the same with one kind and one class.
    """
    net = net.eval()
    device = next(net.parameters()).device
    scores, truth, kinds = [], [], []
    for i in range(count):
        mixture = mixtures.draw(i, split, _SECONDS[i % len(_SECONDS)])
        samples = torch.from_numpy(mixture.samples)[None].to(device)
        scores.append(net(samples)[0].float().cpu())
        truth.append(targets(mixture) > 0.5)
        kinds.append([k for k in mixture.kinds(0, len(mixture.samples)) if k != SPEECH])
    logits, right = torch.stack(scores), torch.stack(truth)
    present = [c for c in range(right.shape[1]) if right[:, c].any()]
    result = {
        "map": 100
        * sum(average_precision(logits[:, c], right[:, c]) for c in present)
        / len(present)
    }
    names = numbers()
    for size, top in ((1, 1), (1, 5), (2, 5), (3, 5)):
        found = asked = 0
        for i, heard in enumerate(kinds):
            if len(heard) != size:
                continue
            best = set(logits[i].topk(top).indices.tolist())
            asked += size
            found += sum(any(names[label] in best for label in KINDS[k].labels) for k in heard)
        result[f"top{top}_{size}"] = 100 * found / max(1, asked)
    return {name: round(value, 1) for name, value in result.items()}


@torch.inference_mode()
def evaluate_seconds(net: Beats, count: int, split: str = "seen") -> dict[str, float]:
    """Of single seconds of `count` tracks of 5 s, in percent.

    second_1: seconds with one kind whose likeliest class is the kind's own (or how it sounds).
    on: of a track's kinds and seconds, the mean of the shares of sounding and of silent ones that
        are told so by the class' probability, at least 0.35 of its highest in the track.
    changes, threshold: of the cosine of adjacent seconds' probabilities without "Silence"; see
        sounds.segments.best_threshold.
    """
    net = net.eval()
    device = next(net.parameters()).device
    names = numbers()
    similarity: list[float] = []
    changes: list[bool] = []
    first: list[bool] = []
    told: dict[bool, list[bool]] = {True: [], False: []}
    for i in range(count):
        mixture = mixtures.draw(i, split, 5.0, sources=(0.05, 0.35, 0.4, 0.2))
        pieces = torch.from_numpy(mixture.samples).reshape(5, -1).to(device)
        probabilities = net(pieces).float().sigmoid().cpu()
        probabilities[:, names[SILENCE]] = 0
        bounds = [(t * len(pieces[0]), (t + 1) * len(pieces[0])) for t in range(5)]
        now = [set(mixture.kinds(*b)) - {SPEECH} for b in bounds]
        for t in range(4):
            similarity.append(
                float(torch.cosine_similarity(probabilities[t], probabilities[t + 1], 0))
            )
            changes.append(now[t] != now[t + 1])
        for t, kinds in enumerate(now):
            if len(kinds) == 1:
                best = int(probabilities[t].argmax())
                first.append(best in [names[label] for label in KINDS[next(iter(kinds))].labels])
        for kind in set().union(*now):
            likely = probabilities[:, [names[label] for label in KINDS[kind].labels]].amax(1)
            for t in range(5):
                told[kind in now[t]].append(
                    bool((likely[t] >= 0.35 * likely.max()) == (kind in now[t]))
                )
    threshold, changed = best_threshold(similarity, changes)
    shares = [100 * sum(hits) / len(hits) for hits in told.values()]
    result = {"second_1": 100 * sum(first) / len(first), "on": sum(shares) / 2, "changes": changed}
    return {**{k: round(v, 1) for k, v in result.items()}, "threshold": round(threshold, 2)}


def load(path: Path) -> Beats:
    """The network of a checkpoint in the official layout."""
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    known = Config.__dataclass_fields__
    net = Beats(Config(**{k: v for k, v in checkpoint["cfg"].items() if k in known}))
    net.load_state_dict(checkpoint["model"])
    return net


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--mixtures", type=int, default=500)
    args = parser.parse_args()
    net = load(args.checkpoint)
    print(json.dumps(evaluate(net, args.mixtures) | evaluate_seconds(net, args.mixtures)))


if __name__ == "__main__":
    main()
