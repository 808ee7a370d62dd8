# SPDX-License-Identifier: Apache-2.0
"""Write weights as a checkpoint of the official layout.

python -m training.sam2.export --run DIR --out DIR
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import torch

from .config import NANO
from .model import Sam2

NAME = "nano-sam2.1"


def export(net: Sam2, folder: Path) -> Path:
    """Writes NAME.pt, {"model": weights f32}, and NAME.json beside it; returns the former's path.

    The image size is the network's present one: weights are best at the size of their training.
    The files are replaced as a whole: a reader never sees half of one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{NAME}.pt"
    part = folder / f".{NAME}.{os.getpid()}"
    weights = {k: v.detach().float().cpu().contiguous() for k, v in net.state_dict().items()}
    torch.save({"model": weights}, part)
    part.rename(path)
    part.write_text(json.dumps(net.config.hyperparameters(net.image_size), indent=2) + "\n")
    part.rename(path.with_suffix(".json"))
    return path


def read_weights(path: Path, net: Sam2) -> dict[str, torch.Tensor]:
    """The weights of a .pt checkpoint or of a .gguf model made from one, in the shapes of `net`."""
    if path.suffix != ".gguf":
        return torch.load(path, map_location="cpu", weights_only=True)["model"]
    from gguf import GGUFReader

    found = {t.name: torch.from_numpy(t.data.astype("float32")) for t in GGUFReader(path).tensors}
    # GGUF drops leading lengths of 1.
    return {name: found[name].reshape(w.shape) for name, w in net.state_dict().items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, help="folder of training.sam2.train")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    net = Sam2(NANO)
    state = torch.load(args.run / "train.pt", map_location="cpu", weights_only=True)
    net.load_state_dict(state["average"])
    net.image_size = state["image_size"]
    print(export(net, args.out))


if __name__ == "__main__":
    main()
