# SPDX-License-Identifier: Apache-2.0
"""What the tests of commands share: running `alref`, pictures without a library, a report of what failed."""
import gzip
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import zlib
from dataclasses import dataclass
from pathlib import Path


def png(width: int, height: int, channels: int, pixels: bytes) -> bytes:
    """8 bits a channel: 1 is grey, 3 is RGB."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = width * channels
    lines = b"".join(b"\0" + pixels[y * row: (y + 1) * row] for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2}[channels], 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) +
            chunk(b"IEND", b""))


def picture(width: int, height: int, shift: int = 0) -> bytes:
    """A PNG of ramps and stripes that move with `shift`."""
    pixels = bytearray()
    for y in range(height):
        for x in range(width):
            pixels += bytes(((5 * x + y + 9 * shift) % 256, (x * y // 3 + shift) % 256, (3 * y - 4 * x) % 256))
    return png(width, height, 3, bytes(pixels))


def grey_values(file: Path) -> tuple[int, int, bytes]:
    """(width, height, pixels) of an 8-bit grey PNG that has no filters but 0 to 4."""
    data = file.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n", f"{file} is no PNG"
    at, packed, width, height = 8, b"", 0, 0
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at: at + 8])
        body = data[at + 8: at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, color = struct.unpack(">IIBB", body[:10])
            assert (depth, color) == (8, 0), f"{file}: depth {depth}, colour type {color}"
        elif kind == b"IDAT":
            packed += body
        at += length + 12
    raw, rows, above = zlib.decompress(packed), [], bytes(width)
    for y in range(height):
        kind, line = raw[y * (width + 1)], bytearray(raw[y * (width + 1) + 1: (y + 1) * (width + 1)])
        for x in range(width):
            left, up, corner = line[x - 1] if x else 0, above[x], above[x - 1] if x else 0
            guess = left + up - corner
            paeth = min((left, up, corner), key=lambda v: abs(guess - v))
            line[x] = (line[x] + (0, left, up, (left + up) // 2, paeth)[kind]) % 256
        rows.append(bytes(line))
        above = rows[-1]
    return width, height, b"".join(rows)


@dataclass
class Floats:
    """A NumPy file of 32-bit floats."""
    shape: tuple
    values: tuple

    @staticmethod
    def read(file: Path) -> "Floats":
        data = file.read_bytes()
        header = eval(data[10: 10 + struct.unpack("<H", data[8:10])[0]])  # a Python literal, by definition
        assert header["descr"] == "<f4" and not header["fortran_order"], header
        body = data[10 + struct.unpack("<H", data[8:10])[0]:]
        return Floats(header["shape"], struct.unpack(f"<{len(body) // 4}f", body))


def tiny_sam2(alref: str, data: Path, folder: Path) -> Path:
    """The tests' SAM 2 of 64 pixels, by way of `alref convert`."""
    source = data / "convert" / "sam2"
    checkpoint = folder / "tiny-sam2.1.pt"
    checkpoint.write_bytes(gzip.decompress((source / "tiny-sam2.1.pt.gz").read_bytes()))
    (folder / "tiny-sam2.1.json").write_bytes((source / "tiny-sam2.1.json").read_bytes())
    subprocess.run([alref, "convert", checkpoint, "-o", folder / "sam2.gguf"], check=True, capture_output=True)
    return folder / "sam2.gguf"


def image_language_bind(alref: str, data: Path, folder: Path) -> Path:
    """The tests' LanguageBind_Image, by way of `alref convert`."""
    source = data / "convert" / "language_bind_image"
    (folder / "pytorch_model.bin").write_bytes(gzip.decompress((source / "pytorch_model.bin.gz").read_bytes()))
    for name in ("config.json", "merges.txt"):
        (folder / name).write_bytes((source / name).read_bytes())
    model = folder / "language_bind_image.gguf"
    subprocess.run([alref, "convert", folder / "pytorch_model.bin", "-o", model], check=True, capture_output=True)
    return model


class Commands:
    """Runs `alref COMMAND ...` and compares what it says."""

    def __init__(self, alref: str, command: str):
        self.start = [alref, command]

    def arguments(self, *arguments) -> list:
        return self.start + [a if isinstance(a, bytes) else str(a) for a in arguments] + ["--threads", "1"]

    def run(self, *arguments, stdin: bytes = b"") -> str:
        """Expects success, and gives what it prints."""
        done = subprocess.run(self.arguments(*arguments), input=stdin, capture_output=True, timeout=300)
        assert done.returncode == 0, f"status {done.returncode}: {done.stderr.decode(errors='replace')}"
        return done.stdout.decode()

    def fails(self, status: int, says: str, *arguments, stdin: bytes = b"") -> None:
        """Expects this exit status, and one line on stderr that holds `says`."""
        done = subprocess.run(self.arguments(*arguments), input=stdin, capture_output=True, timeout=300)
        text = done.stderr.decode(errors="replace")
        assert done.returncode == status, f"status {done.returncode}, expected {status}; said: {text}"
        assert says in text, f"expected '{says}', said: {text}"
        assert len(text.strip().splitlines()) <= 2, f"more than a line and a hint: {text}"

    def stops(self, stream: bytes, *arguments, begun: Path | None = None) -> None:
        """Ctrl-C ends what writes a stream, too: its end is not the input's. Expects status 130, and nothing printed.

        stream: what was written until then: more than a pipe holds, so that the program has begun to read; or less, and a
        file or folder that the program makes before it reads.
        """
        with subprocess.Popen(self.arguments(*arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
            run.stdin.write(stream)
            run.stdin.flush()
            deadline = time.monotonic() + 60
            while begun and not begun.exists() and time.monotonic() < deadline:
                time.sleep(0.005)
            run.send_signal(signal.SIGINT)
            printed, said = run.communicate(timeout=60)
        assert (run.returncode, printed) == (130, b""), (run.returncode, printed, said)
        assert said.startswith(b"alref: stopped") and len(said.splitlines()) == 1, said


def run_all(tests) -> int:
    """Calls each of `tests` with a folder of its own; prints what failed. The program's exit status."""
    failures = 0
    for test in tests:
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(Path(folder))
            except Exception:  # one test's failure must not hide the next one's
                failures += 1
                print(f"{test.__name__}:", file=sys.stderr)
                traceback.print_exc()
    return os.EX_OK if failures == 0 else 1
