#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills `alref segment` at random moments and runs it again: the outputs must be those of an undisturbed run, and no
question whose answer was kept may be asked again.

usage: segment_killed.py ALREF CLIP [KILLS [SEED]]

A question that is on its way when the program dies is the only one that can be asked twice: the program that would have
to remember the answer is gone. So a repeated question is a fault if its answer was in the cache after the kill.
"""
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from loopback import ChatServer, differences, make_clip, outputs

ALREF, CLIP = sys.argv[1], Path(sys.argv[2])
KILLS = int(sys.argv[3]) if len(sys.argv) > 3 else 6
SEED = int(sys.argv[4]) if len(sys.argv) > 4 else 1


def kept_answers(cache: Path) -> set[int]:
    """The numbers of the answers in a cache that a killed program left."""
    if not cache.exists():
        return set()
    with sqlite3.connect(cache) as database:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'answers'").fetchone():
            return set()
        return {int(model.split()[1]) for (model,) in database.execute("SELECT model FROM answers")}


def main() -> int:
    rng = random.Random(SEED)
    faults: list[str] = []
    moments: dict[str, int] = {}
    repeated = 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        clip = root / "clip.mp4"
        make_clip(CLIP, clip, 21)
        server = ChatServer(delay=0.05)

        def command(out: Path, cache: Path) -> list[str]:
            texts = ["--text", "the giraffe on the left", "--text", "the giraffe"]
            return [ALREF, "segment", str(clip), *texts, "-o", str(out), "--step", "3", "--threads", "1", *server.options,
                    "--answer-cache", str(cache), "--cutout", "mov"]

        begin = time.monotonic()
        subprocess.run(command(root / "calm", root / "calm.sqlite"), check=True, stdout=subprocess.DEVNULL)
        seconds = time.monotonic() - begin
        calm = outputs(root / "calm")
        for kill in range(KILLS):
            out, cache = root / "out", root / "answers.sqlite"
            first = len(server.questions)
            process = subprocess.Popen(command(out, cache), stdout=subprocess.DEVNULL)
            try:
                process.wait(rng.uniform(0, seconds))
            except subprocess.TimeoutExpired:
                process.kill()
            killed = process.wait() == -9
            kept = {server.questions[n] for n in kept_answers(cache)}
            work = out / ".alref"
            where = "ended in time" if not killed else "while writing" if (work / "results.bin").exists() else (
                "while asking or tracking" if kept else "while detecting or before")
            moments[where] = moments.get(where, 0) + 1
            again = len(server.questions)
            subprocess.run(command(out, cache), check=True, stdout=subprocess.DEVNULL)
            repeated += len(server.questions) - first - len(set(server.questions[first:]))
            faults += [f"kill {kill}: a kept answer was paid again" for q in server.questions[again:] if q in kept]
            faults += [f"kill {kill}, {where}: {name} differs" for name in differences(outputs(out), calm)]
            shutil.rmtree(out)
            cache.unlink()
        if not any(name.endswith(".mp4") for name in calm) or len(server.questions) == 0:
            faults.append("the undisturbed run made no overlay or asked nothing")
    print(f"{KILLS} kills: {moments}; questions in flight that were asked again: {repeated}")
    print("\n".join(faults))
    return 1 if faults else 0


sys.exit(main())
