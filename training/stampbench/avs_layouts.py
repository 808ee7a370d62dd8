# SPDX-License-Identifier: Apache-2.0
"""Writers of AVSBench's layouts, as the data loaders of OpenNLPLab/AVSBench read them.

Seconds are counted from 1 in AVSBench-object and from 0 in AVSBench-semantic.
"""

from __future__ import annotations

import csv
import json
import wave
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ..sounds.kinds import AVSBENCH
from ..sounds.voices import RATE
from . import avs_plan
from .avs_plan import Scene
from .layouts import _PALETTE, _QUALITY

SPLIT = "test"


def write_wave(path: Path, samples: np.ndarray) -> None:
    """Mono, 16 bits, 16 kHz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.round(samples * 32767).astype("<i2").tobytes())


def _write_table(path: Path, head: list[str], rows: list[list]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)


def _write_picture(path: Path, frame: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    quality = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY] if path.suffix == ".jpg" else []
    cv2.imwrite(str(path), np.ascontiguousarray(frame[..., ::-1]), quality)


def sounding_mask(scene: Scene, second: int) -> np.ndarray:
    """bool [H, W]: every pixel of what sounds."""
    return scene.clip.masks[scene.sounding[:, second], second].any(0)


def class_map(scene: Scene, second: int) -> np.ndarray:
    """u8 [H, W]: AVSBench's class of what sounds, 0 elsewhere."""
    out = np.zeros(scene.clip.frames.shape[1:3], np.uint8)
    for n in np.flatnonzero(scene.sounding[:, second]):
        category = avs_plan.category(scene.clip.kinds[n])
        out[scene.clip.masks[n, second]] = AVSBENCH.index(category) + 1
    return out


def _write_binary(path: Path, scene: Scene, second: int) -> None:
    """Grey, 0 and 255."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(sounding_mask(scene, second).astype(np.uint8) * 255).save(path)


class SingleSource:
    """S4: Single-source/s4_meta_data.csv and
    s4_data/{visual_frames,gt_masks}/test/CATEGORY/NAME/NAME_T.png,
    s4_data/audio_wav/test/CATEGORY/NAME.wav.
    """

    def __init__(self, root: Path):
        self.root = root / "Single-source"
        self.rows: list[list] = []

    def add(self, name: str, scene: Scene) -> None:
        (n,) = np.flatnonzero(scene.sounding.any(1))
        category = scene.clip.kinds[n].replace(" ", "_")
        data = self.root / "s4_data"
        for t, frame in enumerate(scene.clip.frames):
            file = Path(SPLIT, category, name, f"{name}_{t + 1}.png")
            _write_picture(data / "visual_frames" / file, frame)
            _write_binary(data / "gt_masks" / file, scene, t)
        write_wave(data / "audio_wav" / SPLIT / category / f"{name}.wav", scene.samples)
        self.rows.append([name, 0, category, SPLIT])

    def finish(self) -> None:
        _write_table(
            self.root / "s4_meta_data.csv", ["name", "start", "category", "split"], self.rows
        )


class MultiSources:
    """MS3: Multi-sources/ms3_meta_data.csv and ms3_data/visual_frames/NAME/NAME.mp4_T.png,
    gt_masks/test/NAME/NAME_T.png, audio_wav/test/NAME.wav."""

    def __init__(self, root: Path):
        self.root = root / "Multi-sources"
        self.rows: list[list] = []

    def add(self, name: str, scene: Scene) -> None:
        data = self.root / "ms3_data"
        for t, frame in enumerate(scene.clip.frames):
            _write_picture(data / "visual_frames" / name / f"{name}.mp4_{t + 1}.png", frame)
            _write_binary(data / "gt_masks" / SPLIT / name / f"{name}_{t + 1}.png", scene, t)
        write_wave(data / "audio_wav" / SPLIT / f"{name}.wav", scene.samples)
        self.rows.append([name, SPLIT])

    def finish(self) -> None:
        _write_table(self.root / "ms3_meta_data.csv", ["name", "split"], self.rows)


class Semantic:
    """AVSS and V2-binary: AVSBench_semantic/metadata.csv, label2idx.json and
    LABEL/NAME/{frames/T.jpg, labels_rgb/T.png, audio.wav}, LABEL being v1s, v1m or v2.

    labels_rgb has the 71 colours of PASCAL VOC's map; the first is the background.
    """

    HEAD = ["vid", "uid", "s_min", "s_sec", "a_obj", "split", "label"]

    def __init__(self, root: Path):
        self.root = root / "AVSBench_semantic"
        self.rows: list[list] = []

    def add(self, name: str, label: str, scene: Scene) -> None:
        folder = self.root / label / name
        colours = np.array(_PALETTE, np.uint8).reshape(-1, 3)
        for t, frame in enumerate(scene.clip.frames):
            _write_picture(folder / "frames" / f"{t}.jpg", frame)
            path = folder / "labels_rgb" / f"{t}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(colours[class_map(scene, t)]).save(path)
        write_wave(folder / "audio.wav", scene.samples)
        sounding = [k for k, on in zip(scene.clip.kinds, scene.sounding.any(1)) if on]
        objects = "_".join(dict.fromkeys(avs_plan.category(k) for k in sounding))
        self.rows.append([name, name, 0, 0, objects, SPLIT, label])

    def finish(self) -> None:
        _write_table(self.root / "metadata.csv", self.HEAD, self.rows)
        numbers = {name: i for i, name in enumerate(("background", *AVSBENCH))}
        (self.root / "label2idx.json").write_text(json.dumps(numbers, indent=1) + "\n")
