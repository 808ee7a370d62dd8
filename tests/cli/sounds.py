# SPDX-License-Identifier: Apache-2.0
"""Sounds of every kind for the tests of `alref tag` and `alref match`, which treat them alike."""
import math
import subprocess
import sys
from pathlib import Path

from command_testing import Commands
from film import float32, pcm16, tone, write_avi, write_wav

LONGEST_HELD = 600  # seconds of a stream that is read twice


def unheard(commands: Commands, folder: Path, *options) -> None:
    """What holds no sound: status 3, and why."""
    commands.fails(3, "has no sound track", write_avi(folder / "mute.avi", 2), *options)
    commands.fails(3, "its sound track has no samples", write_wav(folder / "empty.wav", b"", 16000), *options)
    commands.fails(3, "nowhere.wav", folder / "nowhere.wav", *options)
    commands.fails(3, "too long", folder / ("a" * 300), *options)  # than any file's name
    commands.fails(3, str(folder), folder, *options)
    (folder / "text.wav").write_text("this is no sound")
    commands.fails(3, "text.wav", folder / "text.wav", *options)
    commands.fails(3, "standard input", "-", *options)
    wav = write_wav(folder / "tone.wav", pcm16(tone(1, 16000)), 16000).read_bytes()
    for length in (0, 3, 20, 43):
        (folder / "cut.wav").write_bytes(wav[:length])
        commands.fails(3, "cut.wav", folder / "cut.wav", *options)
    commands.fails(3, "2000000 samples a second", write_wav(folder / "fast.wav", pcm16([0.1] * 2000), 2_000_000), *options)


def interrupted(commands: Commands, folder: Path, film: Path, *options) -> None:
    """Half of a sound that could be heard, and half of a film that cannot be read, since its index is at its end."""
    for file in (write_wav(folder / "tone.wav", pcm16(tone(15, 16000)), 16000), film):
        data = file.read_bytes()
        commands.stops(data[: len(data) // 2], "-", *options)


def damaged_models(commands: Commands, folder: Path, good: Path, other: Path, *options) -> None:
    """Status 4, and the file's name."""
    sound = write_wav(folder / "tone.wav", pcm16(tone(1, 16000)), 16000)
    whole = good.read_bytes()
    for size in (0, 3, 100, len(whole) // 2, len(whole) - 200):
        cut = folder / f"cut-{size}.gguf"
        cut.write_bytes(whole[:size])
        commands.fails(4, cut.name, sound, "--model", cut, *options)
    commands.fails(4, f"{other.parent.name}/{other.name}", sound, "--model", other, *options)
    commands.fails(4, "nowhere.gguf", sound, "--model", folder / "nowhere.gguf", *options)


def same_sounds(folder: Path) -> list[tuple[Path, Path]]:
    """Pairs of sounds that are heard alike, to the last digit."""
    mono, broken, zeroed = tone(1, 16000), tone(1, 16000), tone(1, 16000)
    broken[100], broken[200], broken[300], broken[400] = math.nan, math.inf, -math.inf, 1e30
    zeroed[100] = zeroed[200] = zeroed[300] = zeroed[400] = 0.0
    one = write_wav(folder / "one.wav", pcm16(mono), 16000)
    eight = write_wav(folder / "eight.wav", pcm16([s for s in mono for _ in range(8)]), 16000, channels=8)
    film = write_avi(folder / "film.avi", 1, sound=pcm16(mono))
    # What is shorter than the networks' shortest input is heard as if silence followed.
    sample = write_wav(folder / "sample.wav", pcm16([0.5]), 16000)
    followed = write_wav(folder / "followed.wav", pcm16([0.5] + [0.0] * 200), 16000)
    return [(one, eight), (one, film), (sample, followed),
            (write_wav(folder / "broken.wav", float32(broken), 16000, bits=32),
             write_wav(folder / "zeroed.wav", float32(zeroed), 16000, bits=32))]


def other_rates(folder: Path) -> list[Path]:
    """The same tone; resampling leaves a little, mostly at the ends."""
    return [write_wav(folder / f"{rate}.wav", pcm16(tone(1, rate)), rate) for rate in (16000, 8000, 44100, 96000)]


def peak_kilobytes(commands: Commands, folder: Path, seconds: int, *options) -> int:
    """Of a run on a sound of so many seconds."""
    sound = write_wav(folder / f"{seconds}.wav", bytes(128 + 60 * (i // 40 % 2) for i in range(1000)) * seconds, 1000, bits=8)
    command = list(map(str, commands.arguments(sound, *options)))
    child = subprocess.run([sys.executable, "-c", f"import resource, subprocess\nsubprocess.run({command!r}, check=True, stdout=2)\n"
                            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"], capture_output=True, timeout=600, check=True)
    return int(child.stdout)
