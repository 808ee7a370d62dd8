#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`alref tag`: what the embedded network hears in a real clip, how it is printed, and sounds of every kind with a tiny one.

usage: tag_test.py ALREF TESTS/DATA
"""
import json
import sys
from pathlib import Path

import sounds
from command_testing import Commands, run_all
from film import pcm16, tone, write_wav

ALREF, DATA = sys.argv[1], Path(sys.argv[2])
EXAMPLES = DATA.parent.parent / "examples" / "stampworld"
TINY = ["--model", DATA / "beats" / "tiny.gguf"]  # five classes
TAG = Commands(ALREF, "tag")


def tags(file: Path, *options) -> dict[str, float]:
    return {tag["name"]: tag["probability"] for tag in json.loads(TAG.run(file, "--json", *options))}


def test_the_embedded_network_hears_a_band(folder: Path) -> None:
    heard = tags(EXAMPLES / "band.mp4", "--top", 3)  # a drum kit and a bee
    assert list(heard)[0] == "Drum kit" and "Bee, wasp, etc." in heard, heard
    assert min(heard.values()) > 0.4, heard
    silent = tags(write_wav(folder / "silent.wav", bytes(64000), 16000))
    assert list(silent)[0] == "Silence" and silent["Silence"] > 0.9, silent


def test_json_and_lines_say_the_same(folder: Path) -> None:
    sound = write_wav(folder / "tone.wav", pcm16(tone(2, 16000)), 16000)
    listed = json.loads(TAG.run(sound, "--json", *TINY))
    lines = [line.split(None, 2) for line in TAG.run(sound, *TINY).splitlines()]
    assert [[f"{t['probability']:.4f}", t["id"], t["name"]] for t in listed] == lines, (listed, lines)
    assert len(listed) == 5 and sorted(listed, key=lambda t: -t["probability"]) == listed, listed


def test_top(folder: Path) -> None:
    sound = write_wav(folder / "tone.wav", pcm16(tone(2, 16000)), 16000)
    all_lines = TAG.run(sound, "--top", 10000, *TINY).splitlines()
    assert len(all_lines) == 5 and TAG.run(sound, "--top", 2, *TINY).splitlines() == all_lines[:2]
    for value in ("0", "-1", "nan", "two", "1.5"):
        TAG.fails(2, "--top", sound, "--top", value, *TINY)


def test_sounds_that_are_alike(folder: Path) -> None:
    for one, other in sounds.same_sounds(folder):
        assert TAG.run(one, *TINY) == TAG.run(other, *TINY), (one.name, other.name)
    heard = [tags(file, *TINY) for file in sounds.other_rates(folder)]
    for other in heard[1:]:
        assert all(abs(other[name] - p) < 0.05 for name, p in heard[0].items()), heard


def test_a_stream_is_heard_like_a_file(folder: Path) -> None:
    # Longer than the 20 s that are heard at once.
    sound = write_wav(folder / "long.wav", pcm16(tone(12, 16000) + [0.0] * 160000 + tone(5, 16000, hertz=900)), 16000)
    assert TAG.run("-", *TINY, stdin=sound.read_bytes()) == TAG.run(sound, *TINY)


def test_long_sounds_are_not_held(folder: Path) -> None:
    short, long = (sounds.peak_kilobytes(TAG, folder, seconds, *TINY) for seconds in (60, 1800))
    assert long - short < 40_000, f"{short} kB for a minute, {long} kB for half an hour, which is 115 MB at 16 kHz"


def test_what_holds_no_sound_is_refused(folder: Path) -> None:
    sounds.unheard(TAG, folder, *TINY)


def test_an_interrupted_stream(folder: Path) -> None:
    sounds.interrupted(TAG, folder, EXAMPLES / "band.mp4", *TINY)


def test_damaged_models_are_refused(folder: Path) -> None:
    sounds.damaged_models(TAG, folder, DATA / "beats" / "tiny.gguf", DATA / "language_bind" / "tiny.gguf")


if __name__ == "__main__":
    sys.exit(run_all([test for name, test in list(globals().items()) if name.startswith("test_")]))
