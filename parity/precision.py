#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Masks of `alref track` in bf16 against those in f32: mean IoU over the frames of real clips, with trained weights.

    parity/precision.py --alref build/release/alref --model models/nano-sam2.1.gguf CLIP.mp4@x0,y0,x1,y1 ... [--frames 60]

What is in the box (pixels) of a clip's first frame is followed; frames on which both masks are empty do not count. Exits with 1 where a clip's
mean is below 0.98. Needs the program ffmpeg, NumPy and Pillow.
"""
import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

BOUND = 0.98


def masks(arguments, video: Path, box: str, out: Path, precision: str) -> list:
    subprocess.run([arguments.alref, "track", video, "--sam2", arguments.model, "--frame", "0", "--box", box, "-o", out,
                    "--precision", precision], check=True)
    return [np.array(Image.open(path)) > 0 for path in sorted((out / "masks" / "1").iterdir())]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alref", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("clips", nargs="+")
    arguments = parser.parse_args()
    good = True
    for argument in arguments.clips:
        clip, box = argument.rsplit("@", 1)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "frames").mkdir()
            subprocess.run(["ffmpeg", "-v", "error", "-i", clip, "-frames:v", str(arguments.frames),
                            folder / "frames" / "%05d.png"], check=True)
            pairs = zip(*(masks(arguments, folder / "frames", box, folder / p, p) for p in ("f32", "bf16")), strict=True)
            ious = [(a & b).sum() / (a | b).sum() for a, b in pairs if (a | b).any()]
        mean = float(np.mean(ious))
        good &= mean >= BOUND
        print(f"{Path(clip).name}: {len(ious)} frames with a mask, mean IoU {mean:.4f}, smallest {min(ious):.4f}", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
