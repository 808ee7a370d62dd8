#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""BEATs' own code in PyTorch beside bench_beats, in turn, random weights at true size, 10 s of sound.

usage: bench/peers/beats_official.py --beats-repo PATH/unilm/beats --alref build/release/alref --bench build/release/bench/bench_beats
                                     [--threads N] [--rounds 5]

Each round times PyTorch in f32 and in bf16 (autocast) and our program, so that all see the same machine; PyTorch's filter banks are
left out of its time, ours are in. Prints the medians of wall and processor seconds. On a busy machine only the latter tell something.
Needs parity/requirements.txt.
"""
import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "parity"))

import sound  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beats-repo", type=Path, required=True)
    parser.add_argument("--alref", required=True)
    parser.add_argument("--bench", required=True)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model = sound.official_beats(args.beats_repo)
    samples = sound.sound(10)
    features = sound.banks(32768 * samples, 128, "povey")
    sys.modules["torchaudio.compliance.kaldi"].fbank = lambda *_, **__: features
    seconds = {}

    def note(name: str, wall: float, processor: float) -> None:
        seconds.setdefault(name, []).append((wall, processor))

    def run_torch(name: str, context, counted: bool) -> None:
        start, processor = time.perf_counter(), time.process_time()
        with torch.inference_mode(), context:
            model.extract_features(torch.tensor(samples)[None])
        if counted:
            note(name, time.perf_counter() - start, time.process_time() - processor)

    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "beats.pt"
        torch.save({"cfg": sound.BEATS, "model": model.state_dict(), "label_dict": sound.labels()}, checkpoint)
        weights = sound.convert(args.alref, checkpoint)
        for i in range(args.rounds + 1):
            run_torch("PyTorch f32", contextlib.nullcontext(), i > 0)
            run_torch("PyTorch bf16", torch.autocast("cpu", dtype=torch.bfloat16), i > 0)
            for precision in ("f32", "auto"):
                command = [args.bench, weights, "--repeats", "1", "--threads", str(args.threads), "--precision", precision]
                words = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
                if i > 0:
                    note(f"alref {precision}", float(words[0]), float(words[2]))
    for name, runs in seconds.items():
        wall, processor = (statistics.median(r[k] for r in runs) for k in (0, 1))
        print(f"{name}: {wall:.3f} s wall, {processor:.3f} s processor", flush=True)


if __name__ == "__main__":
    main()
