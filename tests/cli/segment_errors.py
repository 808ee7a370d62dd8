#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `alref segment` says to bad input: one line on stderr, the documented exit status, nothing under a final name.

usage: segment_errors.py ALREF
"""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ALREF = sys.argv[1]
FAILURES = []


def check(name: str, status: int, says: str, *arguments: str, out: Path, stdin: bytes = b"", env=None) -> None:
    command = [ALREF, "segment", *arguments, "-o", str(out)]
    run = subprocess.run(command, input=stdin, capture_output=True, timeout=120, env={**os.environ, **(env or {})})
    text = run.stderr.decode(errors="replace")
    lines = text.strip().splitlines()
    left = [p for p in out.rglob("*") if p.is_file() and ".alref" not in p.parts] if out.is_dir() else []
    if run.returncode != status or says not in text or len(lines) > 2 or left:
        FAILURES.append(f"{name}: status {run.returncode} (expected {status}), left {left}, said:\n{text}")


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        picture = root / "frames"
        picture.mkdir()
        # The smallest PNG there is: one grey pixel.
        (picture / "0.png").write_bytes(
            bytes.fromhex(
                "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
                "3a7e9b550000000a49444154789c636800000082008177cd72b60000000049454e44ae426082"
            )
        )
        text = root / "text.mp4"
        text.write_text("this is no video")
        empty = root / "empty.mp4"
        empty.touch()
        dog = ("--text", "the dog")
        out = root / "out"
        check("no such file", 3, "nowhere.mp4", str(root / "nowhere.mp4"), *dog, out=out)
        check("not a video", 3, "text.mp4", str(text), *dog, out=out)
        check("zero bytes", 3, "empty.mp4", str(empty), *dog, out=out)
        check("a stream that is no video", 3, "stream", "-", *dog, out=out, stdin=b"not a video either")
        (root / "hollow").mkdir()
        check("an empty folder", 3, "hollow", str(root / "hollow"), *dog, out=out)
        check("no sentence", 2, "--text", str(picture), out=out)
        check("an unknown reasoner", 2, "--reasoner", str(picture), *dog, "--reasoner", "oracle", out=out)
        check("no model", 4, "no-such-model", str(picture), *dog, "--sam2", "no-such-model", out=out)
        check("no model file", 4, "text.mp4", str(picture), *dog, "--sam2", str(text), "--detector", str(text), out=out)
        check("out is a file", 6, "text.mp4", str(picture), *dog, out=text / "below")
    for failure in FAILURES:
        print(failure)
    return 1 if FAILURES else 0


sys.exit(main())
