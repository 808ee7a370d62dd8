# SPDX-License-Identifier: Apache-2.0
"""Writes the JPEG files of tests/data/media and what Pillow makes of them.

Made with Pillow 13.0.0 (its own libjpeg-turbo), numpy. Usage: make_image_goldens.py OUTPUT_FOLDER
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
y, x = np.mgrid[0:37, 0:53]
rgb = np.stack([x * 4, y * 6, 120 + 90 * np.sin(x / 5) * np.cos(y / 4)], -1).astype(np.uint8)
picture = Image.fromarray(rgb)
pictures = {
    "rgb": (picture, {}),
    "grey": (picture.convert("L"), {}),
    "progressive": (picture, {"progressive": True, "subsampling": 2}),
    "cmyk": (picture.convert("CMYK"), {}),
}
for name, (image, options) in pictures.items():
    image.save(out / f"{name}.jpg", quality=85, **options)
    Image.open(out / f"{name}.jpg").convert("RGB").save(out / f"{name}-pillow.png", optimize=True)
Image.fromarray((x + y) % 2 == 0).save(out / "bits.png")
Image.fromarray(((x + y) % 2 * 65535).astype(np.uint16)).save(out / "grey16.png")
