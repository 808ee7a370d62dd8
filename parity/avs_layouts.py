#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""AVSBench's four layouts and their scores: the official codes and `alref score avs` on the same folders.

    parity/avs_layouts.py --avsbench PATH --al-ref-sam2 PATH/avs --alref build/release/alref --data DIR

PATHs are checkouts of OpenNLPLab/AVSBench and appletea233/AL-Ref-SAM2, DIR is what `python -m training.stampbench.avs` writes
(AVSBench itself, placed alike, does as well). AVSBench's own loaders must read every test video of DIR, AVSS's with the classes
that the truth was written with; then results are made up of the truth, moved aside, wrong in class or empty, and AL-Ref-SAM 2's own
eval_miou_and_fscore.py, run as it is, must come to the numbers of `alref score avs`. No network is needed.
"""
import argparse
import json
import os
import pickle
import random
import runpy
import subprocess
import sys
import tempfile
import types
from pathlib import Path

import numpy as np
import torch
from PIL import Image

SECONDS = {"v1s": 5, "v1m": 5, "v2": 10}
TOLERANCE = 1e-6  # theirs sums in f32, ours is rounded to six digits


class Settings(types.SimpleNamespace):
    """What their config.py holds, EasyDict's way."""


def stub_imports() -> None:
    """torchvision's transforms that the official codes use, after its functional.py; what they import and do not use here; a GPU."""
    def to_tensor(picture):
        a = np.array(picture, np.uint8) * (255 if picture.mode == "1" else 1)
        return torch.from_numpy(a.reshape(*a.shape[:2], -1)).permute(2, 0, 1).float() / 255

    def normalise(mean, std):
        m, s = (torch.tensor(v)[:, None, None] for v in (mean, std))
        return lambda x: (x - m) / s

    def compose(steps):
        def run(x):
            for step in steps:
                x = step(x)
            return x
        return run

    transforms = types.ModuleType("torchvision.transforms")
    transforms.ToTensor, transforms.Normalize, transforms.Compose = lambda: to_tensor, normalise, compose
    vision = types.ModuleType("torchvision")
    vision.transforms = transforms
    sys.modules.update({"torchvision": vision, "torchvision.transforms": transforms})
    for name in ("cv2", "matplotlib", "matplotlib.pyplot"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["matplotlib"].pyplot = sys.modules["matplotlib.pyplot"]
    torch.Tensor.cuda = lambda self, *_, **__: self


def run_official(script: Path, cfg: Settings) -> dict:
    """The globals of a script of theirs, run as the program with these settings."""
    config = types.ModuleType("config")
    config.cfg = cfg
    for name in [n for n in sys.modules if n.split(".")[0] in ("utils", "config")]:
        del sys.modules[name]
    sys.modules["config"] = config
    sys.path.insert(0, str(script.parent))
    stdout = sys.stdout
    try:
        with open(os.devnull, "w") as sys.stdout:
            return runpy.run_path(str(script), run_name="__main__")
    finally:
        sys.stdout = stdout
        sys.path.pop(0)


def load_official(folder: Path, module: str, cfg: Settings):
    config = types.ModuleType("config")
    config.cfg = cfg
    sys.modules["config"] = config
    sys.path.insert(0, str(folder))
    try:
        source = (folder / f"{module}.py").read_text().replace("from wave import _wave_params", "")
        loaded = types.ModuleType(module)
        exec(compile(source, module, "exec"), loaded.__dict__)  # noqa: S102
        return loaded
    finally:
        sys.path.pop(0)


# --- AVSBench's loaders ---

def check_object_loader(avsbench: Path, data: Path, setting: str, work: Path) -> int:
    """S4Dataset or MS3Dataset over the test split; log-mel pickles, which alref does not need, are put beside."""
    root = data / ("Single-source" if setting == "s4" else "Multi-sources")
    mels = work / "audio_log_mel"
    paths = Settings(ANNO_CSV=str(root / f"{setting}_meta_data.csv"), DIR_IMG=str(root / f"{setting}_data" / "visual_frames"),
                     DIR_AUDIO_LOG_MEL=str(mels), DIR_MASK=str(root / f"{setting}_data" / "gt_masks"))
    loader = load_official(avsbench / "avs_scripts" / f"avs_{setting}", "dataloader", Settings(DATA=paths))
    dataset = (loader.S4Dataset if setting == "s4" else loader.MS3Dataset)("test")
    for i in range(len(dataset)):
        row = dataset.df_split.iloc[i]
        file = mels / "test" / (row.iloc[2] if setting == "s4" else "") / f"{row.iloc[0]}.pkl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(pickle.dumps(torch.zeros(5, 1, 96, 64)))
        pictures, _, masks, *_ = dataset[i]
        assert pictures.shape[:2] == (5, 3) and masks.shape[0] == 5 and masks.shape[2:] == pictures.shape[2:], row
    return len(dataset)


def check_semantic_loader(avsbench: Path, data: Path) -> int:
    """V2Dataset over the test split, and its labels against the classes in the pictures, read by the palette's bits."""
    root = data / "AVSBench_semantic"
    paths = Settings(META_CSV_PATH=str(root / "metadata.csv"), LABEL_IDX_PATH=str(root / "label2idx.json"),
                     DIR_BASE=str(root), CROP_IMG_AND_MASK=True, CROP_SIZE=224)
    loader = load_official(avsbench / "avs_scripts" / "avss", "color_dataloader", Settings(DATA=paths, NUM_CLASSES=71, MASK_NUM=10))
    dataset = loader.V2Dataset("test")
    for i in range(len(dataset)):
        row = dataset.df_split.iloc[i]
        pictures, sound, labels, seen, *_ = dataset[i]
        count = SECONDS[row["label"]]
        assert pictures.shape == (10, 3, 224, 224) and labels.shape == (10, 1, 224, 224) and int(seen.sum()) == count, row
        assert Path(sound).is_file(), sound
        for t in range(count):
            picture = Image.open(root / row["label"] / row["uid"] / "labels_rgb" / f"{t}.png").convert("RGB")
            rgb = np.array(picture.resize((224, 224), Image.NEAREST)).astype(int)
            number = sum(((rgb[..., c] >> (7 - bit)) & 1) << (3 * bit + c) for c in range(3) for bit in range(8))
            assert (labels[t, 0].numpy() == number).all(), (row["uid"], t)
    return len(dataset)


# --- made-up results ---

def spoil(rng: random.Random, picture: Image.Image, colours: list) -> Image.Image:
    """The truth, whole, moved aside, in another class, or nothing."""
    a = np.array(picture)
    kind = rng.randrange(5)
    if kind == 0:
        a = np.zeros_like(a)
    elif kind < 3:
        a = np.roll(a, (rng.randrange(1, 9), rng.randrange(1, 9)), (0, 1))
    elif kind == 3 and colours:
        a[(a != 0).any(-1)] = rng.choice(colours)
    return Image.fromarray(a)


def make_results(setting: str, data: Path, out: Path) -> None:
    rng = random.Random(setting)
    if setting in ("s4", "ms3"):
        root = data / ("Single-source" if setting == "s4" else "Multi-sources") / f"{setting}_data" / "gt_masks" / "test"
        for file in sorted(root.rglob("*_[0-9]*.png")):
            to = out / file.parent.relative_to(root) / f"{file.stem.rsplit('_', 1)[1]}_video_mask.png"
            to.parent.mkdir(parents=True, exist_ok=True)
            spoil(rng, Image.open(file).convert("L"), []).save(to)
        return
    root = data / "AVSBench_semantic"
    for file in sorted(root.glob("*/*/labels_rgb/*.png")):
        label, name = file.parts[-4:-2]
        if setting == "v2-binary" and label != "v2":
            continue
        to = (out / label if setting == "avss" else out) / name / f"{int(file.stem) + 1}_video_mask.png"
        to.parent.mkdir(parents=True, exist_ok=True)
        spoiled = spoil(rng, Image.open(file).convert("RGB"), [(128, 0, 0), (0, 128, 0), (64, 0, 0)])
        if setting == "v2-binary":
            spoiled = Image.fromarray((np.array(spoiled).any(-1) * 255).astype(np.uint8))
        spoiled.save(to)


def official_score(setting: str, repo: Path, data: Path, results: Path, work: Path) -> tuple[float, float]:
    base = data / {"s4": "Single-source", "ms3": "Multi-sources"}.get(setting, "AVSBench_semantic")
    object_data = base / f"{setting}_data"
    csv = {"s4": "s4_meta_data.csv", "ms3": "ms3_meta_data.csv"}.get(setting, "metadata.csv")
    paths = Settings(BASE_DIR=str(base), ANNO_CSV=str(base / csv), LABEL2IDX=str(base / "label2idx.json"), DIR=str(base / "v2"),
                     GT_MASK_DIR=str(object_data / "gt_masks" / "test"))
    shown = Settings(VIS_OUTPUT_DIR=str(results))
    files = Settings(OUTPUT_PATH=str(work / "score.txt"), DETAILED_OUTPUT_PATH=str(work / "details.txt"))
    folder = object_data / "gt_masks" / "test"
    categories = sorted(p.name for p in folder.iterdir()) if setting == "s4" else []
    cfg = Settings(OUTPUT_DIR=str(work), SPLIT="test", LABEL="v2", CATEGORIES=categories, DATA=paths, MERGE=shown, SAM2=shown, EVAL=files)
    found = run_official(repo / setting.replace("-", "_") / "eval_miou_and_fscore.py", cfg)
    return (found["miou"], found["f_score"]) if setting == "avss" else (float(found["miou"]), found["F_score"])


def our_score(setting: str, alref: Path, data: Path, results: Path, work: Path) -> tuple[float, float]:
    base = data / {"s4": "Single-source", "ms3": "Multi-sources"}.get(setting, "AVSBench_semantic")
    file = work / "score.json"
    subprocess.run([alref, "score", "avs", results, "--layout", setting, "--root", base, "--json", file], check=True, stdout=subprocess.DEVNULL)
    score = json.loads(file.read_text())
    if setting == "avss":
        return score["miou"], score["f_score"]
    return score["per_frame"]["m_j"], score["per_frame"]["m_f"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("avsbench", "al-ref-sam2", "alref", "data"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args()
    stub_imports()
    faults = 0
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for setting in ("s4", "ms3"):
            print(f"{setting}: AVSBench's loader reads {check_object_loader(args.avsbench, args.data, setting, work)} videos")
        print(f"avss: AVSBench's loader reads {check_semantic_loader(args.avsbench, args.data)} videos, classes as written")
        for setting in ("s4", "ms3", "avss", "v2-binary"):
            results = work / setting
            make_results(setting, args.data, results)
            theirs = official_score(setting, args.al_ref_sam2, args.data, results, work)
            ours = our_score(setting, args.alref, args.data, results, work)
            equal = all(abs(a - b) <= TOLERANCE for a, b in zip(theirs, ours))
            faults += not equal
            print(f"{setting}: official {theirs[0]:.6f} {theirs[1]:.6f}, alref {ours[0]:.6f} {ours[1]:.6f}{'' if equal else '  DIFFER'}")
    return 1 if faults else 0


sys.exit(main())
