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

from command_testing import Commands

ALREF = sys.argv[1]
FAILURES = []


def ffmpeg(*arguments: str) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True)


def make_films(root: Path) -> None:
    """Films that are damaged, or are none."""
    picture = ("-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=2")
    sound = ("-f", "lavfi", "-i", "sine=duration=1")
    ffmpeg(*picture, "-c:v", "mpeg4", str(root / "good.mp4"))
    ffmpeg(*picture, "-c:v", "mpeg4", str(root / "good.mkv"))
    ffmpeg(*sound, str(root / "sound.wav"))
    ffmpeg(*sound, "-c:a", "aac", str(root / "sound.mp4"))
    ffmpeg(*picture, "-c:v", "mpeg4", "-frames:v", "0", str(root / "no-frames.avi"))
    for name in ("good.mp4", "good.mkv"):
        data = (root / name).read_bytes()
        (root / f"half-{name}").write_bytes(data[: len(data) // 2])
        (root / f"head-{name}").write_bytes(data[:40])


def check(name: str, status: int, says: str, *arguments: str, out: Path, stdin: bytes = b"", env=None) -> None:
    command = [ALREF, "segment", *arguments, "-o", str(out), "--threads", "1"]
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
        check("a longer name than any file's", 3, "too long", str(root / ("a" * 300)), *dog, out=out)
        check("not a video", 3, "text.mp4", str(text), *dog, out=out)
        check("zero bytes", 3, "empty.mp4", str(empty), *dog, out=out)
        check("a stream that is no video", 3, "stream", "-", *dog, out=out, stdin=b"not a video either")
        film = Path(__file__).parent.parent.parent / "examples" / "stampworld" / "giraffes.mp4"
        stopped = root / "stopped"
        for stream in (b"", film.read_bytes()[:100_000]):
            Commands(ALREF, "segment").stops(stream, "-", *dog, "-o", stopped, begun=stopped / ".alref")
        (root / "hollow").mkdir()
        check("an empty folder", 3, "hollow", str(root / "hollow"), *dog, out=out)
        make_films(root)
        for film in ("sound.wav", "sound.mp4", "no-frames.avi", "half-good.mp4", "head-good.mp4", "head-good.mkv"):
            check(film, 3, film, str(root / film), *dog, out=out)
        check("an empty sentence", 2, "empty", str(picture), "--text", "", out=out)
        check("blanks for a sentence", 2, "empty", str(picture), "--text", " \t ", out=out)
        check("10,000 characters", 2, "words", str(picture), "--text", "the dog " * 1250, out=out)
        check("too many frames", 3, "frames", str(root / "good.mp4"), *dog, "--max-frames", "5", out=out)
        check("too many pixels", 3, "pixels", str(root / "good.mp4"), *dog, "--max-pixels", "100", out=out)
        check("too long", 3, "second", str(root / "good.mp4"), *dog, "--max-seconds", "1", out=out)
        # Nothing can be made there, not even by root.
        check("an unwritable place", 6, "/proc", str(picture), *dog, out=Path("/proc/alref"))
        check("no sentence", 2, "--text", str(picture), out=out)
        check("an unknown reasoner", 2, "--reasoner", str(picture), *dog, "--reasoner", "oracle", out=out)
        check("no model", 4, "no-such-model", str(picture), *dog, "--sam2", "no-such-model", out=out)
        check("a longer name than any model's", 4, "no such file", str(picture), *dog, "--sam2", "a" * 300, out=out)
        check("no model file", 4, "text.mp4", str(picture), *dog, "--sam2", str(text), "--detector", str(text), out=out)
        check("out is a file", 6, "text.mp4", str(picture), *dog, out=text / "below")
        # What can be read is worked on: the frames before the cut, and a frame of one pixel.
        for film in (root / "half-good.mkv", picture):
            done = subprocess.run([ALREF, "segment", str(film), *dog, "-o", str(root / "done"), "--threads", "1"], capture_output=True)
            if done.returncode != 0 or not (root / "done" / "masks" / "0" / "00000.png").exists():
                FAILURES.append(f"{film.name}: status {done.returncode}, said:\n{done.stderr.decode()}")
    for failure in FAILURES:
        print(failure)
    return 1 if FAILURES else 0


sys.exit(main())
