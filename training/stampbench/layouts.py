# SPDX-License-Identifier: Apache-2.0
"""Writers of the data sets' layouts. Pictures are written once and linked into all of them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from pycocotools import mask as coco

from ..stampworld import Clip, Expression

_QUALITY = 92  # of JPEG


def _palette() -> list[int]:
    """The colours of DAVIS and VOC: the index's bits go to red, green and blue in turn."""
    colours = []
    for index in range(256):
        rgb = [0, 0, 0]
        for bit in range(8):
            for channel in range(3):
                rgb[channel] |= (index >> channel & 1) << (7 - bit)
            index >>= 3
        colours += rgb
    return colours


_PALETTE = _palette()


def write_pictures(clip: Clip, folder: Path) -> list[str]:
    """JPEG files of the frames; returns their names without ending."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{t:05d}" for t in range(len(clip.frames))]
    for name, frame in zip(names, clip.frames):
        bgr = np.ascontiguousarray(frame[..., ::-1])
        cv2.imwrite(str(folder / f"{name}.jpg"), bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return names


def write_annotations(masks: np.ndarray, folder: Path) -> None:
    """Palette PNG files of disjoint masks [N, T, H, W]: pixel value n + 1 is object n."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = np.arange(1, len(masks) + 1, dtype=np.uint8)[:, None, None]
    for t in range(masks.shape[1]):
        index = (masks[:, t] * numbers).sum(0, dtype=np.uint8)
        picture = Image.fromarray(index, mode="P")
        picture.putpalette(_PALETTE)
        picture.save(folder / f"{t:05d}.png")


def link(source: Path, target: Path) -> None:
    """Make `target` a folder of hard links to the files of `source` (copies where links fail)."""
    target.mkdir(parents=True, exist_ok=True)
    for file in sorted(source.iterdir()):
        new = target / file.name
        new.unlink(missing_ok=True)
        try:
            os.link(file, new)
        except OSError:
            new.write_bytes(file.read_bytes())


class RefYouTubeVos:
    """valid/{JPEGImages,Annotations}, meta_expressions/valid/meta_expressions.json.

    Expressions carry obj_id as the training split of Ref-YouTube-VOS does ("0": nothing).
    """

    def __init__(self, root: Path):
        self.root = root / "ref-youtube-vos"
        self.videos: dict[str, dict] = {}

    def add(self, name: str, clip: Clip, frames: list[str], chosen: list[Expression]) -> None:
        self.videos[name] = {
            "expressions": {
                str(i): {"exp": e.text, "obj_id": "0" if e.target is None else str(e.target + 1)}
                for i, e in enumerate(chosen)
            },
            "frames": frames,
        }
        write_annotations(clip.masks, self.root / "valid" / "Annotations" / name)

    def pictures(self, name: str) -> Path:
        return self.root / "valid" / "JPEGImages" / name

    def finish(self) -> None:
        _write_json(
            self.root / "meta_expressions" / "valid" / "meta_expressions.json",
            {"videos": self.videos},
        )


class RefDavis:
    """The same folders, as ReferFormer prepares Ref-DAVIS17: four expressions an object.

    Expression 4 * i + k is annotator k's for object i; where an object has fewer than four
    sentences they repeat. Objects are numbered by their place among those that have a sentence.
    """

    def __init__(self, root: Path):
        self.root = root / "ref-davis17"
        self.videos: dict[str, dict] = {}

    def add(self, name: str, clip: Clip, frames: list[str], chosen: list[Expression]) -> None:
        by_object: dict[int, list[str]] = {}
        for e in [*chosen, *clip.expressions]:
            if e.target is not None and e.text not in by_object.get(e.target, []):
                by_object.setdefault(e.target, []).append(e.text)
        expressions = {}
        for i, target in enumerate(sorted(by_object)):
            for k in range(4):
                text = by_object[target][k % len(by_object[target])]
                expressions[str(4 * i + k)] = {"exp": text, "obj_id": str(i + 1)}
        self.videos[name] = {"expressions": expressions, "frames": frames}
        asked = clip.masks[sorted(by_object)]
        write_annotations(asked, self.root / "valid" / "Annotations" / name)

    def pictures(self, name: str) -> Path:
        return self.root / "valid" / "JPEGImages" / name

    def finish(self) -> None:
        _write_json(
            self.root / "meta_expressions" / "valid" / "meta_expressions.json",
            {"videos": self.videos},
        )
        names = "".join(f"{name}\n" for name in self.videos)
        path = self.root / "ImageSets" / "2017" / "val.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(names)


class MeViS:
    """valid_u/{JPEGImages, meta_expressions.json, mask_dict.json}, masks as COCO run lengths."""

    def __init__(self, root: Path):
        self.root = root / "mevis"
        self.videos: dict[str, dict] = {}
        self.masks: dict[str, list] = {}

    def add(self, name: str, clip: Clip, frames: list[str], chosen: list[Expression]) -> None:
        first = len(self.masks)
        self.videos[name] = {
            "expressions": {
                str(i): {
                    "exp": e.text,
                    "obj_id": [] if e.target is None else [e.target],
                    "anno_id": [] if e.target is None else [first + e.target],
                }
                for i, e in enumerate(chosen)
            },
            "vid_id": len(self.videos),
            "frames": frames,
        }
        for masks in clip.masks:
            runs = []
            for mask in masks:
                code = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
                code["counts"] = code["counts"].decode()
                runs.append(code if mask.any() else None)
            self.masks[str(len(self.masks))] = runs

    def pictures(self, name: str) -> Path:
        return self.root / "valid_u" / "JPEGImages" / name

    def finish(self) -> None:
        _write_json(self.root / "valid_u" / "meta_expressions.json", {"videos": self.videos})
        _write_json(self.root / "valid_u" / "mask_dict.json", self.masks)


LAYOUTS = {"ref-youtube-vos": RefYouTubeVos, "ref-davis17": RefDavis, "mevis": MeViS}


def _write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n")
