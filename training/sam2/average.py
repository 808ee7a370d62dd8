# SPDX-License-Identifier: Apache-2.0
"""Write the mean of several states of one training as a checkpoint of the official layout.

python -m training.sam2.average MODEL MODEL [...] --out DIR

States that one run left after different times lie in one valley: their mean is steadier than any of
them (arXiv:2203.05482).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from .config import NANO
from .export import export, read_weights
from .model import Sam2


def average(paths: list[Path], net: Sam2) -> None:
    """Puts the mean of the checkpoints (.pt, or .gguf made from one) into `net`."""
    states = [read_weights(path, net) for path in paths]
    net.load_state_dict(
        {k: torch.stack([s[k].float() for s in states]).mean(0) for k in net.state_dict()}
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=Path, nargs="+", help=".pt of training.sam2.export, or .gguf")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--image-size", type=int, default=384, help="of their training")
    args = parser.parse_args()
    net = Sam2(NANO)
    average(args.models, net)
    net.image_size = args.image_size
    print(export(net, args.out))


if __name__ == "__main__":
    main()
