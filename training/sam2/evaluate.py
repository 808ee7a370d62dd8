# SPDX-License-Identifier: Apache-2.0
"""Scores on clips that training never draws: a box on one frame, masks on all of them.

python -m training.sam2.evaluate --checkpoint nano-sam2.1.pt [--clips 60] [--frames 40]
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import cv2
import numpy as np
import torch

from .. import stampworld
from .config import NANO
from .data import normalise, to_tensor
from .model import Bank, Features, Prompt, Sam2
from .prompt_encoder import LOWER_RIGHT, UPPER_LEFT

_LEAST_SEEN = 0.002  # of the frame, for a frame to be the prompted one
_CHUNK = 16  # frames encoded at a time


@torch.no_grad()
def track(net: Sam2, frames: np.ndarray, boxes: np.ndarray, at: int) -> np.ndarray:
    """Masks bool [N, T, H, W] from boxes f32 [N, 4] on frame `at`, forwards and then backwards.

    frames: RGB u8 [T, H, W, 3] of any size; boxes in their pixels.
    """
    size = net.image_size
    count, height, width = frames.shape[:3]
    if (height, width) != (size, size):
        resized = [cv2.resize(f, (size, size), interpolation=cv2.INTER_AREA) for f in frames]
        frames = np.stack(resized)
    images = to_tensor(frames)
    device = next(net.parameters()).device
    parts = [net.encode(normalise(x.to(device))) for x in images.split(_CHUNK)]
    features = Features(
        *(torch.cat([getattr(p, n) for p in parts]) for n in ("top", "fine", "finer"))
    )
    n = len(boxes)
    points = torch.from_numpy(boxes.astype(np.float32)).reshape(n, 2, 2)
    points = (points * torch.tensor([size / width, size / height])).to(device)
    labels = torch.tensor([[UPPER_LEFT, LOWER_RIGHT]] * n, device=device)
    bank = Bank()
    out = np.zeros((n, count, height, width), bool)

    def step(t: int, prompt: Prompt | None, backwards: bool) -> None:
        row = torch.full((n,), t, device=device)
        result = net.step(features.select(row), bank, t, count, prompt, backwards)
        logits = result.masks.float().cpu().numpy()[:, 0]
        for i in range(n):
            out[i, t] = cv2.resize(logits[i], (width, height), interpolation=cv2.INTER_LINEAR) > 0

    step(at, Prompt(points, labels), False)
    for t in range(at + 1, count):
        step(t, None, False)
    for t in range(at - 1, -1, -1):
        step(t, None, True)
    return out


def region(predicted: np.ndarray, true: np.ndarray) -> float:
    """J of one frame: intersection over union, 1 where both are empty."""
    union = np.count_nonzero(predicted | true)
    return np.count_nonzero(predicted & true) / union if union else 1.0


def _border(mask: np.ndarray) -> np.ndarray:
    """Pixels that differ from their neighbour to the right, below, or both."""
    m = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
    here = m[:-1, :-1]
    out = (here ^ m[:-1, 1:]) | (here ^ m[1:, :-1]) | (here ^ m[1:, 1:])
    out[-1, -1] = False
    return out.astype(np.uint8)


def boundary(predicted: np.ndarray, true: np.ndarray) -> float:
    """F of one frame, as DAVIS 2017 defines it (bound 0.008 of the diagonal)."""
    radius = math.ceil(0.008 * math.hypot(*true.shape))
    ys, xs = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disk = (xs**2 + ys**2 <= radius**2).astype(np.uint8)
    a, b = _border(predicted), _border(true)
    if a.sum() == 0 or b.sum() == 0:
        return float(a.sum() == b.sum())
    precision = (a & cv2.dilate(b, disk)).sum() / a.sum()
    recall = (b & cv2.dilate(a, disk)).sum() / b.sum()
    total = precision + recall
    return 2 * precision * recall / total if total else 0.0


def score_clip(predicted: np.ndarray, true: np.ndarray, at: int) -> dict[str, list[float]]:
    """Per object: J and F over the frames that are not prompted, and J of the prompted one."""
    out: dict[str, list[float]] = {"j": [], "f": [], "prompt": []}
    for p, g in zip(predicted, true):
        rest = [t for t in range(len(g)) if t != at]
        out["prompt"].append(region(p[at], g[at]))
        if rest:
            out["j"].append(float(np.mean([region(p[t], g[t]) for t in rest])))
            out["f"].append(float(np.mean([boundary(p[t], g[t]) for t in rest])))
    return out


def evaluate(
    net: Sam2,
    split: str,
    clips: int,
    frames: int,
    size: int | tuple[int, int],
    whole: bool = False,
    copy: bool = False,
) -> dict[str, float]:
    """Mean scores over objects, in percent, for a true box on a random frame.

    whole: clips as in StampBench (2-4 objects of 2-25 % over their whole length of 15 frames a
        second) rather than short pieces of clips as in training.
    copy: the score of a tracker that copies the true mask of the prompted frame.
    """
    settings = stampworld.Settings()
    if whole:
        seconds = frames / 15
        settings = stampworld.Settings(
            objects=(0, 1, 1, 1), area=(0.02, 0.25), duration=(seconds, seconds), interval=None
        )
    sums: dict[str, list[float]] = {"j": [], "f": [], "prompt": []}
    net.eval()
    for seed in range(clips):
        clip = stampworld.generate(seed, frames, size, split, settings=settings)
        area = clip.masks.sum((2, 3))
        rng = np.random.default_rng(seed)
        clear = area > _LEAST_SEEN * clip.masks.shape[2] * clip.masks.shape[3]
        at = int(rng.integers(frames))
        chosen = np.flatnonzero(clear[:, at])
        if len(chosen) == 0:
            continue
        true = clip.masks[chosen]
        if copy:
            predicted = np.repeat(true[:, at : at + 1], frames, 1)
        else:
            predicted = track(net, clip.frames, clip.boxes[chosen, at], at)
        for name, values in score_clip(predicted, true, at).items():
            sums[name] += values
    means = {name: 100 * float(np.mean(v)) for name, v in sums.items() if v}
    if "j" in means:
        means["jf"] = (means["j"] + means["f"]) / 2
    return {**{k: round(v, 2) for k, v in means.items()}, "objects": len(sums["prompt"])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, required=True, help="of training.sam2.export")
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--image-size", type=int, help="of the network; default: the checkpoint's")
    parser.add_argument("--height", type=int, default=360)
    parser.add_argument("--width", type=int, default=480)
    args = parser.parse_args()
    net = Sam2(NANO)
    net.load_state_dict(torch.load(args.checkpoint, weights_only=True)["model"])
    sizes = json.loads(args.checkpoint.with_suffix(".json").read_text())
    net.image_size = args.image_size or sizes["image_size"]
    for split in ("seen", "unseen"):
        size = (args.height, args.width)
        for name, copy in (("tracked", False), ("copied", True)):
            scores = evaluate(net, split, args.clips, args.frames, size, whole=True, copy=copy)
            print(json.dumps({"split": split, "masks": name, **scores}), flush=True)


if __name__ == "__main__":
    main()
