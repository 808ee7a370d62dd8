#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`alref segment` on a disk that is too small: one line, status 6, and what stands under a final name is whole.

usage: segment_disk_full.py ALREF CLIP

Skipped (status 77) where a tmpfs cannot be mounted.
"""
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from loopback import make_clip

ALREF, CLIP = sys.argv[1], Path(sys.argv[2])
SKIPPED = 77
# From too small for anything to nearly enough: all of it takes about 700 KB, and the files fail at different places.
SIZES_KB = (4, 16, 40, 80, 120, 200, 300, 400, 500)


def is_whole(path: Path) -> bool:
    data = path.read_bytes()
    if path.suffix == ".png":
        return data.endswith(b"IEND\xaeB\x60\x82")
    if path.suffix == ".mp4":
        return b"moov" in data and b"mdat" in data
    if path.suffix == ".json":
        return bool(json.loads(data))
    return data.rstrip().endswith(b"</html>")


def main() -> int:
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        clip = root / "clip.mp4"
        make_clip(CLIP, clip, 12)
        disk = root / "disk"
        disk.mkdir()
        failed = 0
        for size in SIZES_KB:
            mount = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(disk)],
                                   capture_output=True, text=True)
            if mount.returncode != 0:
                print(f"skipped: no tmpfs can be mounted here ({mount.stderr.strip()})")
                return SKIPPED
            try:
                run = subprocess.run([ALREF, "segment", str(clip), "--text", "the giraffe", "-o", str(disk / "out"),
                                      "--cutout", "png", "--threads", "1"], capture_output=True, text=True, timeout=300)
                files = [p for p in disk.rglob("*") if p.is_file() and ".alref" not in p.parts]
                broken = [str(p) for p in files if p.suffix == ".part" or not is_whole(p)]
                if broken:
                    faults.append(f"{size} KB: not whole: {broken}")
                if run.returncode not in (0, 6):
                    faults.append(f"{size} KB: status {run.returncode}: {run.stderr}")
                if run.returncode == 6:
                    failed += 1
                    lines = run.stderr.strip().splitlines()
                    if len(lines) != 1 or not re.search("No space left|disk", lines[0]):
                        faults.append(f"{size} KB: said {lines}")
            finally:
                subprocess.run(["umount", str(disk)], check=True)
        if failed < 3:
            faults.append(f"only {failed} of the disks were too small: the test shows too little")
    print("\n".join(faults))
    return 1 if faults else 0


sys.exit(main())
