# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/resize: small pictures and checksums of what Pillow and PyTorch make of them.

Made with Pillow 13.0.0, torch 2.13.0 (CPU), numpy 2. Usage: make_resize_goldens.py OUTPUT_FOLDER

The pictures are noise and gradients of pictures.txt's sizes, made by a formula that resize_image_test.cc repeats:
value(x, y, c) = ((x * 7 + y * 13 + c * 29) ^ (x * y >> 3)) & 255. Each line of goldens.txt:
  method from_width from_height to_width to_height then for Pillow the FNV-1a hash of the bytes, for PyTorch
  24 values at equally spaced positions of the flattened [3, H, W] result.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

CASES = [
    (53, 37, 64, 64), (53, 37, 20, 11), (160, 96, 128, 128), (640, 360, 1024, 1024), (1280, 720, 1024, 1024),
    (1280, 720, 1333, 750), (33, 500, 52, 800), (1, 1, 7, 5), (1, 9, 3, 3), (2, 2, 2, 9), (300, 5, 3, 5),
    (1000, 800, 1, 1), (64, 64, 64, 64),
]


def picture(width, height):
    y, x, c = np.mgrid[0:height, 0:width, 0:3].astype(np.int64)
    return (((x * 7 + y * 13 + c * 29) ^ (x * y >> 3)) & 255).astype(np.uint8)


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


lines = []
for width, height, to_width, to_height in CASES:
    pixels = picture(width, height)
    size = f"{width} {height} {to_width} {to_height}"
    for name, filter in (("bilinear", Image.BILINEAR), ("bicubic", Image.BICUBIC)):
        result = np.asarray(Image.fromarray(pixels).resize((to_width, to_height), filter))
        lines.append(f"{name} {size} {fnv1a(result.tobytes()):016x}")
    tensor = torch.from_numpy(pixels).permute(2, 0, 1)[None].float().div(255)
    result = torch.nn.functional.interpolate(
        tensor, size=(to_height, to_width), mode="bilinear", antialias=True, align_corners=False).flatten().double()
    at = [i * (result.numel() - 1) // 23 for i in range(24)]
    lines.append(f"antialias {size} " + " ".join(f"{result[i].item():.9g}" for i in at))
out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
(out / "goldens.txt").write_text("\n".join(lines) + "\n")
