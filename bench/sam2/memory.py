#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Memory of `alref track` over a long video: what is resident after some frames, and the most that ever was.

    bench/sam2/memory.py ALREF MODEL.gguf CLIP [--frames 3000] [--early 300] [--size 1280x720] [--feature-cache 512M]

CLIP is repeated and scaled until there are as many frames. Exits with 1 where from the early frame to the last the resident memory
grows by more than 2 %, or where at any time it is more than 1.5 GB and the cache's budget. The budget for features must
be full by the early frame, or it is what grows: a frame's take 8.4 MB at 1024 px, but 576 KiB with the embedded nano model
(384 px), for which 128M is 227 frames and 512M is 910. Needs the program ffmpeg.
"""
import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def status_kib(pid: int, key: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    return 0  # a process that has ended has no memory


def size_in_bytes(text: str) -> int:
    return int(float(text.rstrip("KMG")) * 1024 ** (" KMG".find(text[-1]) if text[-1] in "KMG" else 0))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("alref")
    parser.add_argument("model")
    parser.add_argument("clip")
    parser.add_argument("--frames", type=int, default=3000)
    parser.add_argument("--early", type=int, default=300)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--feature-cache", default="512M")
    args = parser.parse_args()
    width, height = (int(side) for side in args.size.split("x"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(["ffmpeg", "-v", "error", "-stream_loop", "-1", "-i", args.clip, "-an", "-vf",
                        f"scale={width}:{height}", "-frames:v", str(args.frames), "-c:v", "libx264", "-preset",
                        "ultrafast", folder / "long.mp4"], check=True)
        box = ",".join(str(round(v)) for v in (0.3 * width, 0.25 * height, 0.62 * width, 0.8 * height))
        masks = folder / "out" / "masks" / "1"
        start = time.monotonic()
        process = subprocess.Popen([args.alref, "track", folder / "long.mp4", "--sam2", args.model, "--frame", "0", "--box",
                                    box, "-o", folder / "out", "--feature-cache", args.feature_cache])
        samples, peak = {}, 0
        while process.poll() is None:
            resident, peak = status_kib(process.pid, "VmRSS"), max(peak, status_kib(process.pid, "VmHWM"))
            done = sum(1 for _ in masks.iterdir()) if masks.is_dir() else 0
            if resident and 0 < done < args.frames:  # after the last one it gives back what it has
                samples[done] = resident
            time.sleep(0.2)
        if process.returncode:
            return process.returncode
        seconds = time.monotonic() - start
        done = sum(1 for _ in masks.iterdir())
    early = samples[min(frame for frame in samples if frame >= args.early)]
    last = samples[max(samples)]
    slope = last / early - 1
    print(f"{done} frames of {args.size} in {seconds:.0f} s; resident after {args.early}: {early / 1024:.1f} MiB, after "
          f"{max(samples)}: {last / 1024:.1f} MiB ({slope:+.1%}); peak {peak / 1024:.1f} MiB")
    bounded = peak * 1024 <= 1.5e9 + size_in_bytes(args.feature_cache)
    return 0 if done == args.frames and slope <= 0.02 and bounded else 1


if __name__ == "__main__":
    sys.exit(main())
