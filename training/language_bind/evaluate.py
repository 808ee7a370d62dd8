# SPDX-License-Identifier: Apache-2.0
"""Scores of the two towers on mixtures that training never draws.

python -m training.language_bind.evaluate CHECKPOINT.bin [--mixtures 500]
"""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path

import torch
from torch import Tensor

from ..sounds import mixtures
from ..sounds.kinds import AVSBENCH, KINDS, SPEECH
from ..sounds.segments import best_threshold
from ..sounds.voices import RATE
from . import tokenizer
from .config import NANO
from .model import LanguageBind

# Labels that no sound is trained with (the text tower has met their words, without a class), and
# the class of AVSBench that a person would give each.
UNHEARD: dict[str, str] = {
    "puppy": "dog", "hound": "dog", "kitten": "cat", "pony": "horse", "stallion": "horse",
    "mule": "donkey", "chick": "hen", "sparrow": "bird", "pigeon": "bird", "eagle": "bird",
    "swan": "goose", "mallard": "duck", "hog": "pig", "ewe": "sheep", "lioness": "lion",
    "cougar": "leopard", "panther": "leopard", "coyote": "wolf", "parakeet": "parrot",
    "toddler": "baby", "infant": "baby", "lady": "woman", "gentleman": "man", "jet": "airplane",
    "plane": "airplane", "chopper": "helicopter", "pickup truck": "truck", "lorry": "truck",
    "locomotive": "train", "coach": "bus", "taxi": "car", "sedan": "car",
    "motorbike": "motorcycle", "scooter": "motorcycle", "ferry": "boat", "canoe": "boat",
    "rifle": "gun", "pistol": "gun", "police car": "emergency-car", "ambulance": "emergency-car",
    "lawn mower": "mower", "chainsaw": "saw", "hatchet": "axe", "rocket": "missile-rocket",
    "hoover": "vacuum-cleaner", "hairdryer": "hair-dryer", "grand piano": "piano",
    "acoustic guitar": "guitar", "bass drum": "drum", "snare drum": "drum",
    "alarm clock": "clock", "church bell": "bell", "computer keyboard": "keyboard",
    "xylophone": "marimba", "mouth organ": "harmonica",
}  # fmt: skip


@torch.inference_mode()
def embed_texts(net: LanguageBind, texts: list[str]) -> Tensor:
    device = net.logit_scale.device
    ids, ends = tokenizer.batch(texts)
    return net.embed_text(ids.to(device), ends.to(device)).cpu()


@torch.inference_mode()
def embed_pieces(net: LanguageBind, samples, bounds: list[tuple[int, int]]) -> Tensor:
    """Of pieces from second to second of one track: [n, dim]."""
    device = net.logit_scale.device
    wave = torch.from_numpy(samples).to(device)
    return torch.cat([net.embed_sound(wave[None, s * RATE : e * RATE]) for s, e in bounds]).cpu()


def classify(net: LanguageBind, texts: list[str]) -> list[str]:
    """The class of AVSBench's 70 whose text is nearest, as the method maps labels to classes."""
    best = (embed_texts(net, texts) @ embed_texts(net, list(AVSBENCH)).T).argmax(1)
    return [AVSBENCH[i] for i in best.tolist()]


def evaluate(net: LanguageBind, count: int, split: str = "seen") -> dict[str, float]:
    """In percent, over `count` tracks of 5 s.

    single: a piece with one kind of sound finds its name among those of all kinds.
    choice_I: a piece with I kinds finds exactly them among all combinations of the track's kinds
        and of one that is not there, as the method chooses (chance: one in 3 to 15).
    labels: of the single labels so chosen or not, the share that is right.
    classes, unheard: share of the kinds with a class, and of UNHEARD, mapped to the right class.
    threshold, changes: see sounds.segments.best_threshold.
    """
    net = net.eval()
    names = list(KINDS)
    plain = embed_texts(net, names)
    single: list[bool] = []
    choice: dict[int, list[bool]] = {1: [], 2: [], 3: []}
    labels: list[bool] = []
    similarity: list[float] = []
    changes: list[bool] = []
    for i in range(count):
        mixture = mixtures.draw(i, split, 5.0, sources=(0.05, 0.35, 0.4, 0.2))
        seconds = [(t, t + 1) for t in range(5)]
        # Pieces of the same kinds throughout, as ideal sound segments are.
        now = [frozenset(mixture.kinds(s * RATE, e * RATE)) - {SPEECH} for s, e in seconds]
        embedded = embed_pieces(net, mixture.samples, seconds)
        for t in range(4):
            similarity.append(float(embedded[t] @ embedded[t + 1]))
            changes.append(now[t] != now[t + 1])
        there = sorted({k for kinds in now for k in kinds})
        if not there:
            continue
        absent = names[i % len(names)]
        candidates = [*there, *([absent] if absent not in there else [])]
        sets = [
            frozenset(c)
            for n in range(1, len(candidates) + 1)
            for c in itertools.combinations(candidates, n)
        ]
        texts = embed_texts(net, [", ".join(k for k in candidates if k in s) for s in sets])
        pieces, start = [], 0
        for t in range(1, 6):
            if t == 5 or now[t] != now[start]:
                pieces.append((start, t))
                start = t
        for (s, e), sound in zip(pieces, embed_pieces(net, mixture.samples, pieces)):
            if not now[s]:
                continue
            chosen = sets[int((texts @ sound).argmax())]
            choice[len(now[s])].append(chosen == now[s])
            labels += [(k in chosen) == (k in now[s]) for k in candidates]
            if len(now[s]) == 1:
                single.append(names[int((plain @ sound).argmax())] in now[s])
    threshold, told = best_threshold(similarity, changes)

    def share(hits: list[bool]) -> float:
        return 100 * sum(hits) / max(1, len(hits))

    known = [k for k in KINDS if KINDS[k].category is not None]
    mapped = classify(net, known)
    unheard = classify(net, list(UNHEARD))
    result = {
        "single": share(single),
        **{f"choice_{n}": share(hits) for n, hits in choice.items()},
        "labels": share(labels),
        "classes": share([m == KINDS[k].category for k, m in zip(known, mapped)]),
        "unheard": share([m == c for m, c in zip(unheard, UNHEARD.values())]),
        "changes": told,
    }
    return {**{k: round(v, 1) for k, v in result.items()}, "threshold": round(threshold, 2)}


def load(path: Path) -> LanguageBind:
    """The network of a checkpoint of this package."""
    net = LanguageBind(NANO)
    net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return net


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--mixtures", type=int, default=500)
    args = parser.parse_args()
    print(json.dumps(evaluate(load(args.checkpoint), args.mixtures)))


if __name__ == "__main__":
    main()
