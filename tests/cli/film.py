# SPDX-License-Identifier: Apache-2.0
"""Films and sounds without a library: uncompressed AVI and WAV."""
import math
import struct
from pathlib import Path


def tone(seconds: float, rate: int, hertz: float = 440, gain: float = 0.5) -> list[float]:
    return [gain * math.sin(2 * math.pi * hertz * i / rate) for i in range(round(seconds * rate))]


def pcm16(samples: list[float]) -> bytes:
    return struct.pack(f"<{len(samples)}h", *(round(32767 * max(-1, min(1, s))) for s in samples))


def float32(samples: list[float]) -> bytes:
    return struct.pack(f"<{len(samples)}f", *samples)


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _list(name: bytes, data: bytes) -> bytes:
    return _chunk(b"LIST", name + data)


def sound_format(rate: int, channels: int, bits: int) -> bytes:
    block = channels * bits // 8
    return struct.pack("<HHIIHH", 3 if bits == 32 else 1, channels, rate, rate * block, block, bits)


def write_wav(file: Path, data: bytes, rate: int, channels: int = 1, bits: int = 16) -> Path:
    body = b"WAVE" + _chunk(b"fmt ", sound_format(rate, channels, bits)) + _chunk(b"data", data)
    file.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return file


def write_avi(file: Path, frames: int, seconds_per_frame: int = 1, size: tuple[int, int] = (16, 16), sound: bytes | None = None,
              rate: int = 16000, channels: int = 1, bits: int = 16) -> Path:
    """Grey frames that grow lighter, and samples that are shared out over them."""
    width, height = size
    header = struct.pack("<10I", seconds_per_frame * 1_000_000, 0, 0, 0x10, frames, 0, 1 + (sound is not None), 0, width, height)
    video = struct.pack("<4s4s10I4h", b"vids", b"DIB ", 0, 0, 0, seconds_per_frame, 1, 0, frames, 0, 0xFFFFFFFF, 0, 0, 0, width, height)
    picture = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, width * height * 3, 0, 0, 0, 0)
    streams = _list(b"strl", _chunk(b"strh", video) + _chunk(b"strf", picture))
    if sound is not None:
        block = channels * bits // 8
        audio = struct.pack("<4s4s10I4h", b"auds", b"\0" * 4, 0, 0, 0, block, rate * block, 0, len(sound) // block, 0, 0xFFFFFFFF,
                            block, 0, 0, 0, 0)
        streams += _list(b"strl", _chunk(b"strh", audio) + _chunk(b"strf", sound_format(rate, channels, bits)))
    movie, index = b"movi", b""
    share = 0 if sound is None else (len(sound) // (channels * bits // 8) + frames - 1) // frames * (channels * bits // 8)
    for i in range(frames):
        chunks = [(b"00db", bytes([50 + 100 * i // frames]) * (width * height * 3))]
        if sound is not None and sound[i * share:(i + 1) * share]:
            chunks.append((b"01wb", sound[i * share:(i + 1) * share]))
        for name, data in chunks:
            index += name + struct.pack("<3I", 0x10, len(movie), len(data))
            movie += _chunk(name, data)
    body = (b"AVI " + _list(b"hdrl", _chunk(b"avih", header.ljust(56, b"\0")) + streams) + _chunk(b"LIST", movie) +
            _chunk(b"idx1", index))
    file.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return file
