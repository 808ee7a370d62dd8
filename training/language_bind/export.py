# SPDX-License-Identifier: Apache-2.0
"""Writes trained towers as LanguageBind's Hugging Face files.

python -m training.language_bind.export --run DIR --out DIR
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import torch

from .config import NANO
from .model import LanguageBind

NAME = "nano-language-bind"


def export(net: LanguageBind, folder: Path) -> Path:
    """Writes NAME/pytorch_model.bin (f32) and NAME/config.json; returns the former's path."""
    folder = folder / NAME
    folder.mkdir(parents=True, exist_ok=True)
    config = net.config.as_json()
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    part = folder / f".{NAME}.{os.getpid()}"
    weights = {k: v.detach().float().cpu().contiguous() for k, v in net.state_dict().items()}
    torch.save(weights, part)
    part.rename(folder / "pytorch_model.bin")
    return folder / "pytorch_model.bin"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, help="folder of the trainer")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    state = torch.load(args.run / "train.pt", map_location="cpu", weights_only=True)
    net = LanguageBind(NANO)
    net.load_state_dict(state["average"])
    print(export(net, args.out))


if __name__ == "__main__":
    main()
