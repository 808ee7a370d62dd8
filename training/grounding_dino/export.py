# SPDX-License-Identifier: Apache-2.0
"""Writes a trained detector in the layout of the official checkpoints.

    python -m training.grounding_dino.export STATE.pt DIR

DIR then holds nano-grounding-dino.pt ({"model": state dict} with the keys of the official
groundingdino_swint_ogc.pth, f32), nano-grounding-dino.json (what shapes cannot tell) and vocab.txt.
"""

import argparse
import dataclasses
import json
import os
import shutil

import torch

from .config import Config
from .evaluate import calibrate
from .model import GroundingDino
from .text import TextCache, minilm_dir

NAME = "nano-grounding-dino"


def write_export(model, folder, provenance):
    """Writes the three files, each complete or not at all; `provenance` goes into the JSON file."""
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, NAME)
    torch.save({"model": {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}}, path + ".part")
    with open(path + ".json.part", "w", encoding="utf8") as f:
        json.dump({**model.config.hyperparameters(), "provenance": provenance}, f, indent=2)
        f.write("\n")
    os.replace(path + ".json.part", path + ".json")
    os.replace(path + ".part", path + ".pt")
    shutil.copyfile(os.path.join(minilm_dir(), "vocab.txt"), os.path.join(folder, "vocab.txt"))


def read_weights(path):
    """The detector's weights (no text encoder's) of a .pt checkpoint or of a .gguf model made from one."""
    if path.endswith(".gguf"):
        from gguf import GGUFReader
        from gguf.quants import dequantize

        found = {t.name: torch.from_numpy(dequantize(t.data, t.tensor_type).astype("float32")) for t in GGUFReader(path).tensors}
    else:
        found = torch.load(path, map_location="cpu", weights_only=True)["model"]
    return {k: v for k, v in found.items() if not k.startswith("bert.")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("state", help="state.pt of the trainer; its moving average is exported")
    parser.add_argument("folder")
    parser.add_argument("--short-side", type=int, default=192, help="of the pictures that it will see")
    a = parser.parse_args()
    state = torch.load(a.state, map_location="cpu")
    model = GroundingDino(Config())
    model.bert.load_minilm()
    model.load_state_dict(state["ema"], strict=False)
    model.eval()
    size = (a.short_side, a.short_side * 4 // 3)
    model.config = dataclasses.replace(model.config, short_side=size[0], max_side=size[0] * 5 // 3)
    print("threshold before calibration:", calibrate(model, TextCache(model.bert, 40), size))
    write_export(model, a.folder, {"hours": round(state["total"] / 3600, 3)})


if __name__ == "__main__":
    main()
