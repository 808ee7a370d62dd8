#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`alref evaluate rvos`: shards, Slurm's variables, several processes in one folder, killed and continued runs, and the
three layouts there and back: what it writes, taken as the truth, is scored 100.

usage: evaluate_test.py ALREF CLIP
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ALREF, CLIP = sys.argv[1], Path(sys.argv[2])
VIDEOS, FRAMES = 4, 5
FAULTS: list[str] = []
# The best box of frame 0, whatever it is: every sentence gets masks, whatever the models can do.
METHOD = ["--threads", "1", "--reasoner", "first"]


def make_data(root: Path, layout: str) -> None:
    split = root / ("valid_u" if layout == "mevis" else "valid")
    meta = {}
    for i in range(VIDEOS):
        name = f"v{i}"
        folder = split / "JPEGImages" / name
        folder.mkdir(parents=True)
        subprocess.run(["ffmpeg", "-v", "error", "-ss", str(i), "-i", str(CLIP), "-vf", "scale=160:120", "-frames:v",
                        str(FRAMES), "-start_number", "0", str(folder / "%05d.jpg")], check=True)
        texts = ["the giraffe"] * 4 + ["the left giraffe"] * 4 if layout == "ref-davis17" else ["the giraffe", "the left one"]
        meta[name] = {"frames": [f"{t:05d}" for t in range(FRAMES)], "vid_id": i,
                      "expressions": {str(k): {"exp": text, "obj_id": str(k // 4 + 1), "anno_id": [2 * i + k]}
                                      for k, text in enumerate(texts)}}
    file = split / "meta_expressions.json" if layout == "mevis" else root / "meta_expressions/valid/meta_expressions.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"videos": meta}))


def command(root: Path, out: Path, layout: str, *options: str) -> list[str]:
    return [ALREF, "evaluate", "rvos", "--layout", layout, "--root", str(root), "-o", str(out), *METHOD, *options]


def evaluate(root: Path, out: Path, *options: str, layout: str = "ref-youtube-vos", env=None) -> str:
    run = subprocess.run(command(root, out, layout, *options), capture_output=True, text=True, timeout=600,
                         env=os.environ | (env or {}))
    if run.returncode != 0:
        FAULTS.append(f"{options}: status {run.returncode}: {run.stderr}")
    return run.stdout


def results(out: Path) -> dict[str, bytes]:
    return {str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*.png"))}


def expect(what: str, truth: bool) -> None:
    if not truth:
        FAULTS.append(what)


def check_sharing(root: Path, folder: Path) -> None:
    whole = folder / "whole"
    evaluate(root, whole)
    expected = results(whole)
    expect(f"{len(expected)} masks", len(expected) == VIDEOS * 2 * FRAMES)
    expect("a second run does all again", f"{VIDEOS} done before" in evaluate(root, whole))

    shards = folder / "shards"
    expect("shard 0/2", "2 videos" in evaluate(root, shards, "--shard", "0/2"))
    expect("half of the videos", len(results(shards)) == len(expected) // 2)
    evaluate(root, shards, "--shard", "1/2")
    expect("the shards differ from the whole", results(shards) == expected)

    # Task ids of an array may begin anywhere.
    slurm = folder / "slurm"
    for task in ("7", "8", "9"):
        said = evaluate(root, slurm, env={"SLURM_ARRAY_TASK_ID": task, "SLURM_ARRAY_TASK_MIN": "7",
                                          "SLURM_ARRAY_TASK_COUNT": "3"})
        expect(f"task {task}: {said}", ("2 videos" if task == "7" else "1 videos") in said)
    expect("Slurm's tasks differ from the whole", results(slurm) == expected)

    for wrong in ("2/2", "-1/2", "0/0", "1", "a/b"):
        run = subprocess.run(command(root, folder / "wrong", "ref-youtube-vos", f"--shard={wrong}"), capture_output=True)
        expect(f"--shard {wrong}: status {run.returncode}", run.returncode == 2)

    together = folder / "together"
    started = [subprocess.Popen(command(root, together, "ref-youtube-vos"), stdout=subprocess.DEVNULL) for _ in range(3)]
    expect("three processes in one folder", all(p.wait(600) == 0 for p in started))
    evaluate(root, together)  # what the last to finish left to others that were still at it
    expect("three processes differ from the whole", results(together) == expected)

    killed = folder / "killed"
    begin = time.monotonic()
    evaluate(root, folder / "timed")
    seconds = time.monotonic() - begin
    for part in (0.3, 0.6, 0.8, 0.9):
        process = subprocess.Popen(command(root, killed, "ref-youtube-vos"), stdout=subprocess.DEVNULL)
        time.sleep(part * seconds)
        process.kill()
        process.wait()
    expect("what a killed run had finished is done again", f"{len(list(killed.glob('.alref/*.done')))} done before" in
           evaluate(root, killed))
    expect("a killed run differs from the whole", results(killed) == expected)


def check_round_trip(folder: Path, layout: str) -> None:
    root, out = folder / layout, folder / f"{layout}-out"
    make_data(root, layout)
    evaluate(root, out, layout=layout)
    if layout == "ref-davis17":
        expect("anno_0 to anno_3", {p.name for p in out.iterdir()} >= {f"anno_{k}" for k in range(4)})
        shutil.copytree(out / "anno_0", root / "valid" / "Annotations")  # all annotators say the same
    elif layout == "mevis":
        masks = {}
        for i in range(VIDEOS):
            for k in range(2):
                frames = [run_lengths(p) for p in sorted((out / f"v{i}" / str(k)).glob("*.png"))]
                masks[str(2 * i + k)] = frames
        (root / "valid_u" / "mask_dict.json").write_text(json.dumps(masks))
    scores = folder / f"{layout}.json"
    subprocess.run([ALREF, "score", "rvos", str(out), "--layout", layout, "--root", str(root), "--json", str(scores)],
                   check=True, stdout=subprocess.DEVNULL)
    overall = json.loads(scores.read_text())["overall"]
    expect(f"{layout}: its own results score {overall}", overall["J"] == 1 and overall["F"] == 1)


def run_lengths(png: Path) -> dict:
    """A 0 / 255 PNG as COCO run lengths (ffmpeg reads it, so that nothing of ours is shared)."""
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", str(png), "-f", "rawvideo", "-pix_fmt", "gray", "-"],
                         check=True, capture_output=True).stdout
    width, height = 160, 120
    column_by_column = [raw[y * width + x] > 0 for x in range(width) for y in range(height)]
    runs, inside = [0], False
    for pixel in column_by_column:
        if pixel != inside:
            runs.append(0)
            inside = pixel
        runs[-1] += 1
    text = ""
    for i, run in enumerate(runs):
        value = run - runs[i - 2] if i > 2 else run
        more = True
        while more:
            group = value & 0x1F
            value >>= 5
            more = value != (-1 if group & 0x10 else 0)
            text += chr((group | (0x20 if more else 0)) + 48)
    return {"size": [height, width], "counts": text}


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_data(folder / "data", "ref-youtube-vos")
        check_sharing(folder / "data", folder)
        for layout in ("ref-davis17", "mevis"):
            check_round_trip(folder, layout)
    print("\n".join(FAULTS))
    return 1 if FAULTS else 0


sys.exit(main())
