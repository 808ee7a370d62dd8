#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`alref match`: what the embedded network makes of a real clip, and sounds and texts of every kind with a tiny one.

usage: match_test.py ALREF TESTS/DATA
"""
import sys
from pathlib import Path

import sounds
from command_testing import Commands, image_language_bind, run_all
from film import pcm16, tone, write_wav

ALREF, DATA = sys.argv[1], Path(sys.argv[2])
EXAMPLES = DATA.parent.parent / "examples" / "stampworld"
MODEL = DATA / "language_bind" / "tiny.gguf"
TINY = ["--model", MODEL, "--text", "dog barking", "--text", "the man sings"]
MATCH = Commands(ALREF, "match")


def similarities(file: Path, *options) -> dict[str, float]:
    lines = [line.split(None, 1) for line in MATCH.run(file, *options).splitlines()]
    return {text: float(number) for number, text in lines}


def test_the_embedded_network_knows_a_band(_: Path) -> None:
    # A drum kit and a bee, not asked in the order of likeness.
    asked = ["sheep", "drum kit", "saw", "bee"]
    heard = similarities(EXAMPLES / "band.mp4", *(part for text in asked for part in ("--text", text)))
    assert list(heard) == asked and all(-1 <= s <= 1 for s in heard.values()), heard
    assert min(heard["drum kit"], heard["bee"]) > 0.1 + max(heard["sheep"], heard["saw"]), heard


def test_texts(folder: Path) -> None:
    sound = write_wav(folder / "tone.wav", pcm16(tone(1, 16000)), 16000)
    one = ["--model", MODEL, "--text"]
    same = MATCH.run(sound, *one, "Dog   BARKING", "--text", "dog barking").split("\n")
    assert same[0].split()[0] == same[1].split()[0], same  # CLIP knows neither capitals nor runs of blanks
    assert len(MATCH.run(sound, *one, "").splitlines()) == 1
    assert len(MATCH.run(sound, *one, "a very long text " * 100).splitlines()) == 1  # its first tokens count
    MATCH.fails(2, "UTF-8", sound, *one, b"a \xff cat")
    MATCH.fails(2, "--text", sound, "--model", MODEL)


def test_sounds_that_are_alike(folder: Path) -> None:
    for one, other in sounds.same_sounds(folder):
        assert MATCH.run(one, *TINY) == MATCH.run(other, *TINY), (one.name, other.name)
    heard = [similarities(file, *TINY) for file in sounds.other_rates(folder)]
    for other in heard[1:]:
        assert all(abs(other[name] - s) < 0.1 for name, s in heard[0].items()), heard


def test_silence(folder: Path) -> None:
    heard = similarities(write_wav(folder / "silent.wav", bytes(64000), 16000), *TINY)
    assert all(-1 <= s <= 1 for s in heard.values()), heard


def test_a_stream_is_heard_like_a_file(folder: Path) -> None:
    sound = write_wav(folder / "long.wav", pcm16(tone(12, 16000) + tone(5, 16000, hertz=900)), 16000)
    assert MATCH.run("-", *TINY, stdin=sound.read_bytes()) == MATCH.run(sound, *TINY)
    # It is held, as it is read twice, and so has a limit; a file has none.
    long = write_wav(folder / "longer.wav", bytes(1000 * (sounds.LONGEST_HELD + 1)), 1000, bits=8)
    MATCH.fails(3, "longer than the 600 seconds", "-", *TINY, stdin=long.read_bytes())
    MATCH.run(long, *TINY)


def test_long_sounds_are_not_held(folder: Path) -> None:
    short, long = (sounds.peak_kilobytes(MATCH, folder, seconds, *TINY) for seconds in (60, 1800))
    assert long - short < 40_000, f"{short} kB for a minute, {long} kB for half an hour, which is 115 MB at 16 kHz"


def test_what_holds_no_sound_is_refused(folder: Path) -> None:
    sounds.unheard(MATCH, folder, *TINY)


def test_an_interrupted_stream(folder: Path) -> None:
    sounds.interrupted(MATCH, folder, EXAMPLES / "band.mp4", *TINY)


def test_damaged_models_are_refused(folder: Path) -> None:
    sounds.damaged_models(MATCH, folder, MODEL, DATA / "beats" / "tiny.gguf", "--text", "a dog")
    sound = write_wav(folder / "tone.wav", pcm16(tone(1, 16000)), 16000)
    MATCH.fails(4, "holds no network for sounds", sound, "--model", image_language_bind(ALREF, DATA, folder), "--text", "a dog")


if __name__ == "__main__":
    sys.exit(run_all([test for name, test in list(globals().items()) if name.startswith("test_")]))
