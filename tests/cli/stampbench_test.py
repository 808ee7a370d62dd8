#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The whole method with the embedded models on ten clips of StampBench whose truth is known.

usage: stampbench_test.py ALREF STAMPBENCH

The floor catches what breaks the method, not what makes it a little worse: empty answers score 0, the whole frame as the
answer to everything FULL_FRAME (counted here), and today's models far more than the floor (models/README.md).
"""
import gzip
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ALREF, SOURCE = sys.argv[1], Path(sys.argv[2])
FLOOR = 0.18  # J&F of all sentences
EMPTY_FLOOR = 0.5  # share of the sentences about nothing that are answered so


def unpack(root: Path) -> None:
    """The files as the layout of MeViS has them."""
    split = root / "valid_u"
    split.mkdir(parents=True)
    shutil.copy(SOURCE / "meta_expressions.json", split)
    (split / "mask_dict.json").write_bytes(gzip.decompress((SOURCE / "mask_dict.json.gz").read_bytes()))
    for video in sorted(SOURCE.glob("*.mp4")):
        frames = split / "JPEGImages" / video.stem
        frames.mkdir(parents=True)
        command = ["ffmpeg", "-v", "error", "-i", video, "-q:v", "2", "-start_number", "0", frames / "%05d.jpg"]
        subprocess.run(list(map(str, command)), check=True)


def full_frame_j(root: Path) -> float:
    """Mean J of the whole frame as the answer: the object's share of the frame."""
    split = root / "valid_u"
    videos = json.loads((split / "meta_expressions.json").read_text())["videos"]
    masks = json.loads((split / "mask_dict.json").read_text())
    shares = []
    for video in videos.values():
        for expression in video["expressions"].values():
            if not expression["anno_id"]:
                continue
            runs = [r for n in expression["anno_id"] for r in masks[str(n)]]
            areas = [area(r["counts"]) / (r["size"][0] * r["size"][1]) if r else 0 for r in runs]
            shares.append(sum(areas) / len(areas))
    return sum(shares) / len(shares)


def area(counts: str) -> int:
    """Pixels of a COCO run-length text (pycocotools, rleFrString)."""
    runs: list[int] = []
    value = shift = 0
    for char in counts:
        group = ord(char) - 48
        value |= (group & 0x1F) << shift
        shift += 5
        if group & 0x20:
            continue
        if group & 0x10:
            value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        value = shift = 0
    return sum(runs[1::2])


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "data"
        unpack(root)
        out = Path(folder) / "out"
        where = ["--layout", "mevis", "--root", str(root)]
        subprocess.run([ALREF, "evaluate", "rvos", *where, "-o", str(out), "--threads", "1"], check=True)
        scores = Path(folder) / "scores.json"
        table = subprocess.run([ALREF, "score", "rvos", str(out), *where, "--attributes", str(SOURCE / "stampbench.json"),
                                "--json", str(scores)], check=True, capture_output=True, text=True)
        result = json.loads(scores.read_text())
        full = full_frame_j(root)
    print(table.stdout)
    score, empty = result["overall"]["J&F"], result["about_nothing"]["rightly_empty"]
    print(f"J&F {score:.3f}, floor {FLOOR}; the whole frame: J {full:.3f}, F 0; about nothing {empty:.2f}, floor {EMPTY_FLOOR}")
    if full / 2 > FLOOR / 2:
        print("the floor is too low to mean anything")
        return 1
    return 0 if score >= FLOOR and empty >= EMPTY_FLOOR else 1


sys.exit(main())
