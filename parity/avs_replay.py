#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The method's authors' replies and sound segments for AVSBench, replayed: for every video the pipeline must come to the
objects, pivot frames, box numbers and segments that the files hold, and a video's only label must sound every second.

    parity/avs_replay.py --program build/release/tests/pipeline/avs_replay --data PATH

PATH is the folder `avs` of a checkout of appletea233/AL-Ref-SAM2, or any folder with gpt_results/SETTING/ and audio_segment/.
What is expected is read here, by Python's own literal_eval, as the authors' next scripts do. Videos and networks are not needed.
"""
import argparse
import ast
import json
import subprocess
import sys
import tempfile
from pathlib import Path

SETTINGS = ("s4", "ms3", "avss", "v2_binary")


def find_segments(data: Path, setting: str) -> Path | None:
    names = (f"{setting}_audio_segment.json", f"{setting}.json")
    return next((p for n in names if (p := data / "audio_segment" / n).is_file()), None)


def seconds_of(setting: str, segments: list | None) -> int:
    """AVSS' clips of the label v2 have 10 seconds; their segments say so."""
    if setting == "v2_binary":
        return 10
    return 10 if setting == "avss" and segments and segments[-1][1] > 5 else 5


def box_numbers(setting: str, objects: dict, reply) -> dict:
    if reply is None:
        return {}
    return {next(iter(objects)): int(reply)} if setting == "s4" else {name: int(n) for name, n in reply.items()}


def expectation(setting: str, reply_1: str, reply_2, segments: list | None) -> dict:
    objects = ast.literal_eval(reply_1)
    seconds = seconds_of(setting, segments)
    frames = [[name, frame if 1 <= frame <= seconds else 1] for name, frame in objects.items()]
    if setting == "s4":
        frames = frames[:1]
    return {"objects": frames, "boxes": box_numbers(setting, objects, reply_2), "seconds": seconds,
            "segments": segments if len(frames) > 1 else []}


def plan_of(expected: dict, setting: str) -> dict:
    # Question 2 was asked where the detector had found two or three boxes.
    boxes = {name: max(2, number) for name, number in expected["boxes"].items()}
    return {"moments": expected["seconds"], "single": setting == "s4", "boxes": boxes}


def faults_of(expected: dict, got: dict) -> list[str]:
    faults = [f"{what}: {got[what]}, expected {expected[what]}" for what in ("objects", "boxes", "segments")
              if got[what] != expected[what]]
    labels, names = got["labels"], [name for name, _ in expected["objects"]]
    if len(labels) != expected["seconds"]:
        faults.append(f"labels of {len(labels)} seconds, expected {expected['seconds']}")
    if len(names) < 2 and any(second != names for second in labels):
        faults.append(f"labels {labels}, expected {names} in every second")
    if any(not set(second) <= set(names) for second in labels):
        faults.append(f"labels {labels}, expected some of {names}")
    return faults


def check(setting: str, data: Path, program: str) -> int:
    files = [data / "gpt_results" / setting / f"cot_stage_{stage}_outputs.json" for stage in (1, 2)]
    replies = [json.loads(f.read_text()) for f in files]
    segments_file = find_segments(data, setting)
    segments = json.loads(segments_file.read_text()) if segments_file else {}
    expected = {video: expectation(setting, reply, replies[1].get(video), segments.get(video))
                for video, reply in replies[0].items()}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as plan:
        json.dump({video: plan_of(e, setting) for video, e in expected.items()}, plan)
        plan.flush()
        command = [program, plan.name, *files, *([segments_file] if segments_file else [])]
        done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, check=True)
    got = json.loads(done.stdout)
    faulty = 0
    for video, e in expected.items():
        faults = faults_of(e, got[video])
        faulty += bool(faults)
        for fault in faults:
            print(f"{setting} {video}: {fault}")
    count = {"objects": sum(len(e["objects"]) for e in expected.values()),
             "box numbers": sum(len(e["boxes"]) for e in expected.values()),
             "segments": sum(len(e["segments"]) for e in expected.values())}
    single = sum(len(e["objects"]) == 1 for e in expected.values())
    print(f"{setting}: {len(expected)} videos, {faulty} differ; {', '.join(f'{n} {what}' for what, n in count.items())}, "
          f"{single} videos with one label")
    return faulty


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True)
    parser.add_argument("--data", type=Path, required=True)
    args = parser.parse_args()
    return 1 if sum(check(setting, args.data, args.program) for setting in SETTINGS) else 0


if __name__ == "__main__":
    sys.exit(main())
