# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/rle/goldens.txt: what pycocotools makes of masks that coco_rle_test.cc makes by the same formulas.

Made with pycocotools 2.0.11, numpy 2.4. Usage: make_rle_goldens.py OUTPUT_FOLDER
Each line: kind width height counts.
"""

import sys
from pathlib import Path

import numpy as np
from pycocotools import mask as coco

KINDS = {
    "empty": lambda x, y, w, h: x < 0,
    "full": lambda x, y, w, h: x >= 0,
    "disc": lambda x, y, w, h: (2 * x - w) ** 2 + (2 * y - h) ** 2 < min(w, h) ** 2 // 2,
    "chequers": lambda x, y, w, h: (x + y) % 2 == 0,
    "stripes": lambda x, y, w, h: (x * x + 3 * y) // 7 % 3 == 0,
    "corner": lambda x, y, w, h: (x == w - 1) & (y == h - 1),
}
lines = []
for width, height in ((1, 1), (1, 7), (7, 1), (13, 11), (200, 150), (1280, 720)):
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    for kind, formula in KINDS.items():
        if width * height > 100_000 and kind in ("chequers", "stripes"):
            continue
        rle = coco.encode(np.asfortranarray(formula(x, y, width, height).astype(np.uint8)))
        lines.append(f"{kind} {width} {height} {rle['counts'].decode()}")
out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
(out / "goldens.txt").write_text("\n".join(lines) + "\n")
