#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How often the networks look at a frame, counted by `alref segment` itself: SAM 2's encoder once, while the features of
the clip fit the cache, the detector once a caption, whatever the number of sentences.

usage: segment_encodings.py ALREF CLIP
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from loopback import make_clip

ALREF, CLIP = sys.argv[1], Path(sys.argv[2])
FRAMES = 21
GIRAFFES = ["the giraffe on the left", "the giraffe on the right", "the largest giraffe"]


def segment(root: Path, sentences: list, *options: str) -> dict:
    out = root / "out"
    command = [ALREF, "segment", str(root / "clip.mp4"), "-o", str(out), "--no-overlay", "--threads", "1", *options]
    for sentence in sentences:
        command += ["--text", sentence]
    subprocess.run(command, check=True, timeout=300, stdout=subprocess.DEVNULL)
    return json.loads((out / "report.json").read_text())


def main() -> int:
    faults = []

    def expect(what: str, good: bool, got: object) -> None:
        if not good:
            faults.append(f"{what}: {got}")

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_clip(CLIP, root / "clip.mp4", FRAMES)
        one, three = (segment(root, sentences)["run"] for sentences in (GIRAFFES[:1], GIRAFFES))
        for run in (one, three):
            expect("every frame is encoded once", run["encoder_runs"] == FRAMES, run)
            expect("sampled frames are searched once", 0 < run["detector_runs"] <= FRAMES, run)
        expect("one caption, one search", one["detector_runs"] == three["detector_runs"], (one, three))
        two = segment(root, [GIRAFFES[0], "the bee"])["run"]
        expect("two captions, two searches", two["detector_runs"] == 2 * one["detector_runs"], (one, two))

        # Where nothing is kept: a pivot's frame for its prompts, then each frame once a direction.
        tight = segment(root, GIRAFFES, "--feature-cache", "0")
        starts = [s["start"] for s in tight["sentences"] if s["start"] is not None]
        pivots = {p["frame"] for s in tight["sentences"] for p in s["pivots"]}
        most = len(pivots) + FRAMES - min(starts) + max(starts) + 1
        expect("once a direction, and once a pivot", tight["run"]["encoder_runs"] <= most, (tight["run"], starts, pivots))
        expect("a pivot is not at the border", 0 < max(starts), starts)
    print("\n".join(faults))
    return 1 if faults else 0


sys.exit(main())
