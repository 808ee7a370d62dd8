# SPDX-License-Identifier: Apache-2.0
"""Writes a trained tagger as a checkpoint of the official layout.

python -m training.beats.export --run DIR --out DIR [--threshold T]
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import torch

from .config import NANO
from .labels import labels
from .model import Beats

NAME = "nano-beats"


def export(net: Beats, folder: Path, threshold: float | None = None) -> Path:
    """Writes NAME.pt, {"cfg", "label_dict", "model"} in f32, whole or not at all; returns its path.

    threshold: cosine of adjacent seconds' probabilities below which a new sound begins; cfg carries
        it as "segment_threshold", which the official code does not mind.
    """
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{NAME}.{os.getpid()}"
    weights = {k: v.detach().float().cpu().contiguous() for k, v in net.state_dict().items()}
    label_dict = {i: name for i, (name, _) in enumerate(labels())}
    cfg = net.config.as_cfg() | ({} if threshold is None else {"segment_threshold": threshold})
    torch.save({"cfg": cfg, "label_dict": label_dict, "model": weights}, part)
    part.rename(folder / f"{NAME}.pt")
    return folder / f"{NAME}.pt"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, help="folder of the trainer")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threshold", type=float, help="of training.beats.evaluate")
    args = parser.parse_args()
    state = torch.load(args.run / "train.pt", map_location="cpu", weights_only=True)
    net = Beats(NANO)
    net.load_state_dict(state["average"])
    print(export(net, args.out, args.threshold))


if __name__ == "__main__":
    main()
