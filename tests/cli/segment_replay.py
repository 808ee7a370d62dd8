#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A replayed run of `alref segment` writes what the recorded one wrote, byte for byte, and asks no one; neither does the
same run once more with its answers cached.

usage: segment_replay.py ALREF CLIP
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from loopback import ChatServer, differences, make_clip, outputs

ALREF, CLIP = sys.argv[1], Path(sys.argv[2])
TEXTS = ["--text", "the giraffe on the left", "--text", "the giraffe"]


def segment(out: Path, clip: Path, *options: str) -> dict[str, bytes]:
    for kind in ([], ["--palette"]):  # a folder of masks a sentence, then all in one
        command = [ALREF, "segment", str(clip), *TEXTS, "-o", str(out), "--step", "3", "--threads", "1", "--cutout", "png", *kind, *options]
        subprocess.run(command, check=True, timeout=600, stdout=subprocess.DEVNULL)
    return outputs(out)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        clip = root / "clip.mp4"
        make_clip(CLIP, clip, 21)
        server = ChatServer()
        cache, tape = root / "answers.sqlite", root / "tape.jsonl"
        asking = [*server.options, "--answer-cache", str(cache), "--record", str(tape)]
        recorded = segment(root / "recorded", clip, *asking)
        asked = len(server.questions)
        replayed = segment(root / "replayed", clip, "--replay", str(tape))
        again = segment(root / "again", clip, *asking)

        faults = []
        report = json.loads((root / "recorded" / "report.json").read_text())
        clips = [c for sentence in report["sentences"] for c in sentence["clips"]]
        if not any(c["pivot_box"] is not None for c in clips):
            faults.append("no box was chosen: the test compares too little")
        if asked == 0 or asked != len(set(server.questions)):
            faults.append(f"{asked} requests for {len(set(server.questions))} questions")
        if len(server.questions) != asked:
            faults.append(f"{len(server.questions) - asked} questions asked again")
        for name, got in (("replayed", replayed), ("again", again)):
            faults += [f"{name}: {file} differs" for file in differences(got, recorded)]
        for kind in ("masks/0/00000.png", "masks/00000.png", "masks.json", "overlay.mp4", "report.json", "cutout"):
            if not any(name.startswith(kind) for name in recorded):
                faults.append(f"{kind} is missing")
    print("\n".join(faults))
    return 1 if faults else 0


sys.exit(main())
