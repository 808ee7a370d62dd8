#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The peer of bench_gdino: Hugging Face's GroundingDINO (Swin-T) in PyTorch, random weights, by stage.

usage: bench/peers/gdino_hf.py {f32|autocast} [--threads N] [--height 800] [--width 1333] [--repeats 5]

"autocast" is bf16 where PyTorch's autocast allows it: its best precision on CPUs with bf16. A run during which other processes took more
than 5 % of the machine is told apart as "disturbed". Needs parity/requirements.txt.
"""
import argparse
import contextlib
import os
import sys
import time

import torch

# The backbone is transformers' own Swin, but an installed timm would be imported too, and with it torchvision.
sys.modules["timm"] = None
from transformers import GroundingDinoConfig, GroundingDinoForObjectDetection  # noqa: E402

# "a cat . a dog . a remote control ." in BERT's uncased vocabulary: 12 tokens
IDS = [101, 1037, 4937, 1012, 1037, 3899, 1012, 1037, 6556, 2491, 1012, 102]


def busy() -> float:
    """Seconds of processor time that all processes of the machine have used."""
    with open("/proc/stat", encoding="ascii") as stat:
        user, nice, system = (int(word) for word in stat.readline().split()[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("precision", choices=["f32", "autocast"])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--height", type=int, default=800)
    parser.add_argument("--width", type=int, default=1333)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    model = GroundingDinoForObjectDetection(GroundingDinoConfig()).eval()
    ids = torch.tensor([IDS])
    inputs = dict(pixel_values=torch.randn(1, 3, args.height, args.width),
                  pixel_mask=torch.ones(1, args.height, args.width, dtype=torch.long), input_ids=ids,
                  attention_mask=torch.ones_like(ids), token_type_ids=torch.zeros_like(ids))
    spent = {}

    def timed(module, name):
        forward = module.forward

        def run(*positional, **named):
            start = time.perf_counter()
            result = forward(*positional, **named)
            spent[name] = spent.get(name, 0) + time.perf_counter() - start
            return result

        module.forward = run

    for name, module in (("text", model.model.text_backbone), ("backbone", model.model.backbone),
                         ("encoder", model.model.encoder), ("decoder", model.model.decoder)):
        timed(module, name)
    autocast = torch.autocast("cpu", dtype=torch.bfloat16) if args.precision == "autocast" else contextlib.nullcontext()
    runs = []
    with torch.inference_mode(), autocast:
        model(**inputs)
        for _ in range(args.repeats):
            spent.clear()
            others, own, start = busy(), sum(os.times()[:2]), time.perf_counter()
            model(**inputs)
            wall = time.perf_counter() - start
            others = busy() - others - (sum(os.times()[:2]) - own)
            runs.append((wall, dict(spent)))
            print(f"{wall:.3f} s", {name: round(s, 3) for name, s in spent.items()},
                  "disturbed" if others > 0.05 * wall else "", flush=True)
    best = min(runs, key=lambda run: run[0])
    print(f"torch {torch.__version__}, {args.precision}, {args.threads} threads: best {best[0]:.3f} s")


if __name__ == "__main__":
    main()
