#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`alref listen` on sounds of every kind, with the tests' tiny networks; the table of docs/sound.md is held to here.

usage: listen_test.py ALREF DATA
"""
import json
import math
import subprocess
import sys
import time
from pathlib import Path

from command_testing import Commands, image_language_bind, run_all, tiny_sam2
from film import float32, pcm16, tone, write_avi, write_wav

ALREF, DATA = sys.argv[1], Path(sys.argv[2])
TAGGER, MATCHER = DATA / "beats" / "tiny.gguf", DATA / "language_bind" / "tiny.gguf"
DETECTOR = DATA / "grounding_dino" / "tiny.gguf"
LISTEN = Commands(ALREF, "listen")


def networks(folder: Path) -> list:
    sam2 = folder / "sam2.gguf"
    if not sam2.exists():
        tiny_sam2(ALREF, DATA, folder)
    return ["--sam2", sam2, "--detector", DETECTOR, "--tagger", TAGGER, "--sound-matcher", MATCHER]


def listen(folder: Path, film: Path, *options) -> dict:
    out = folder / f"out-{film.stem}"
    LISTEN.run(film, "-o", out, *networks(folder), "--reasoner", "first", "--no-overlay", *options)
    return json.loads((out / "report.json").read_text())


def sounding(report: dict) -> list[bool]:
    return [bool(labels) for labels in report["labels_by_moment"]]


def test_an_ordinary_film(folder: Path) -> None:
    film = write_avi(folder / "film.avi", 3, sound=pcm16(tone(3, 16000)))
    report = listen(folder, film)
    assert [len(w["tags"]) for w in report["windows"]] == [5], report
    assert sounding(report) == [True] * 3, report["labels_by_moment"]
    assert len(report["waveform_peaks"]) == 30 and abs(report["waveform_peaks"][5] - 0.5) < 0.01
    out = folder / "out-film"
    masks = json.loads((out / "masks.json").read_text())
    assert [c["name"] for c in masks["categories"]] == [l["name"] for l in report["labels"]]
    assert len(list((out / "masks" / "0").iterdir())) == 3
    assert "<svg" in (out / "report.html").read_text() and not (out / ".alref").exists()


def test_classes(folder: Path) -> None:
    film = write_avi(folder / "film.avi", 2, sound=pcm16(tone(2, 16000)))
    report = listen(folder, film, "--semantic", "--label", "dog")
    assert report["labels"] == [{"name": "dog", "class": "dog", "class_index": 17}], report["labels"]
    assert len(list((folder / "out-film" / "classes").iterdir())) == 2


def test_unknown_labels_get_a_class(folder: Path) -> None:
    film = write_avi(folder / "film.avi", 1, sound=pcm16(tone(1, 16000)))
    (label,) = listen(folder, film, "--semantic", "--label", "theremin")["labels"]
    assert label["name"] == "theremin" and 1 <= label["class_index"] <= 70, label


def test_a_class_matcher_of_its_own(folder: Path) -> None:
    model = image_language_bind(ALREF, DATA, folder)
    film = write_avi(folder / "film.avi", 1, sound=pcm16(tone(1, 16000)))
    options = ["--semantic", "--label", "theremin", "--precision", "f32"]
    (own,) = listen(folder, film, *options)["labels"]
    (label,) = listen(folder, film, *options, "--class-matcher", model)["labels"]
    texts = json.loads((DATA / "convert" / "language_bind_image" / "texts.json").read_text())
    meant = texts.pop("theremin")
    nearest = max(texts, key=lambda name: sum(a * b for a, b in zip(meant, texts[name])))
    assert label["class"] == nearest != own["class"], (label, nearest, own)
    # It takes texts only, so that it cannot say which of two labels sounds.
    changed = [model if a == MATCHER else a for a in networks(folder)]
    (folder / "1.json").write_text('{"film": "{\'dog\': 1, \'cat\': 1}"}')
    (folder / "2.json").write_text('{"film": {"dog": 1, "cat": 1}}')
    LISTEN.fails(4, "language_bind_image.gguf: holds no network for sounds", film, "-o", folder / "out", *changed,
                 "--reasoner", "replay", "--replay", folder / "1.json", "--replay", folder / "2.json")


def test_another_recording(folder: Path) -> None:
    film = write_avi(folder / "silent.avi", 3)
    wav = write_wav(folder / "other.wav", pcm16(tone(1, 16000)), 16000)
    report = listen(folder, film, "--sound", wav)
    assert report["sound"] == "other.wav" and sounding(report) == [True] * 3, report


def test_a_sentence_beside_the_sound(folder: Path) -> None:
    film = write_avi(folder / "film.avi", 2, sound=pcm16(tone(2, 16000)))
    report = listen(folder, film, "--text", "the dog")
    masks = json.loads((folder / "out-film" / "masks.json").read_text())
    assert [c["name"] for c in masks["categories"]] == [report["labels"][0]["name"], "the dog"]
    sentences = json.loads((folder / "out-film" / "sentences.json").read_text())
    seconds = report["run"]["seconds"]
    assert seconds["sentences"] == sentences["run"]["seconds"]["total"] > 0, seconds
    parts = sum(s for stage, s in seconds.items() if stage != "total")
    assert abs(parts - seconds["total"]) < 0.01, seconds


def test_sentences_look_at_the_features_of_the_sound(folder: Path) -> None:
    film = write_avi(folder / "film.avi", 8, sound=pcm16(tone(8, 16000)))
    alone = folder / "alone"
    sam2, detector = networks(folder)[:2], networks(folder)[2:4]
    Commands(ALREF, "segment").run(film, "-o", alone, *sam2, *detector, "--reasoner", "first", "--no-overlay", "--text", "the dog")
    assert json.loads((alone / "report.json").read_text())["run"]["encoder_runs"] == 8
    # The same sentence, and another, beside a sound: no frame is encoded for them again.
    sound = listen(folder, film, "--text", "the dog", "--text", "a cat")["run"]
    sentences = json.loads((folder / "out-film" / "sentences.json").read_text())
    assert [s["text"] for s in sentences["sentences"]] == ["the dog", "a cat"] and sentences["run"]["detector_runs"] == 2, sentences
    assert (sound["encoder_runs"], sentences["run"]["encoder_runs"]) == (8, 0), (sound, sentences["run"])


def test_a_killed_run_continues(folder: Path) -> None:
    film = write_avi(folder / "film.avi", 12, sound=pcm16(tone(12, 16000)))

    def command(out: Path) -> list:
        return LISTEN.arguments(film, "-o", out, *networks(folder), "--reasoner", "first", "--window", "4", "--text", "the dog")

    def results(out: Path) -> list:
        masks = [f.read_bytes() for f in sorted(out.glob("masks/*/*.png"))]
        report = json.loads((out / "report.json").read_text())
        return [masks, (out / "masks.json").read_bytes(), report["windows"], report["labels_by_moment"], report["waveform_peaks"]]

    subprocess.run(command(folder / "calm"), check=True, capture_output=True)
    calm, killed = results(folder / "calm"), 0
    for number, trace in enumerate(("sound/detections.jsonl", "sound/results.bin", "detections.jsonl")):
        out = folder / f"killed-{number}"
        child = subprocess.Popen(command(out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while child.poll() is None and not (out / ".alref" / trace).exists():
            time.sleep(0.002)
        child.kill()
        killed += child.wait() == -9
        subprocess.run(command(out), check=True, capture_output=True)
        assert results(out) == calm, f"killed when there was {trace}: other results"
        assert not (out / ".alref").exists()
    assert killed > 0, "every run ended before it could be killed"


def test_no_sound_track(folder: Path) -> None:
    film = write_avi(folder / "film.avi", 2)
    LISTEN.fails(3, "has no sound track", film, "-o", folder / "out", *networks(folder))


def test_a_folder_of_frames(folder: Path) -> None:
    from command_testing import picture
    frames = folder / "frames"
    frames.mkdir()
    (frames / "0.png").write_bytes(picture(16, 16))
    LISTEN.fails(3, "give --sound", frames, "-o", folder / "out", *networks(folder))


def test_a_silent_track(folder: Path) -> None:
    film = write_avi(folder / "film.avi", 2, sound=pcm16([0.0] * 32000))
    report = listen(folder, film)
    assert report["labels"] == [] and report["windows"][0]["silent"] and sounding(report) == [False] * 2, report


def test_sound_that_ends_early(folder: Path) -> None:
    film = write_avi(folder / "film.avi", 8, sound=pcm16(tone(1, 16000)))
    report = listen(folder, film, "--window", "4")
    assert [w["silent"] for w in report["windows"]] == [False, True], report["windows"]


def test_eight_channels(folder: Path) -> None:
    mono = tone(1, 16000)
    both = [write_avi(folder / f"{n}.avi", 1, channels=n, sound=pcm16([s for s in mono for _ in range(n)])) for n in (1, 8)]
    tags = [listen(folder, film)["windows"][0]["tags"] for film in both]
    assert tags[0] == tags[1], tags


def test_one_sample(folder: Path) -> None:
    film = write_avi(folder / "film.avi", 2, sound=pcm16([0.5]))
    assert len(listen(folder, film)["windows"][0]["tags"]) == 5


def test_samples_that_are_no_numbers(folder: Path) -> None:
    samples = tone(1, 16000)
    samples[100], samples[200], samples[300] = math.nan, math.inf, -math.inf
    film = write_avi(folder / "film.avi", 1, sound=float32(samples), bits=32)
    tags = listen(folder, film)["windows"][0]["tags"]
    assert all(0 <= tag["probability"] <= 1 for tag in tags), tags


def test_other_rates(folder: Path) -> None:
    tags = {}
    for rate in (8000, 16000, 44100, 96000):
        film = write_avi(folder / f"{rate}.avi", 1, rate=rate, sound=pcm16(tone(1, rate)))
        tags[rate] = {t["name"]: t["probability"] for t in listen(folder, film)["windows"][0]["tags"]}
    for rate, heard in tags.items():
        # The same tone: resampling leaves a little, mostly at the ends.
        assert all(abs(p - tags[16000].get(name, p)) < 0.05 for name, p in heard.items()), tags


def peak_kilobytes(folder: Path, hours: float, window: int, reasoner: str) -> int:
    """Of a run on ten minutes of a tone, then silence, in which the tiny networks need not run: it is read all the same."""
    seconds = round(3600 * hours)
    sound = (bytes(128 + 60 * (i // 40 % 2) for i in range(1000)) * 600).ljust(1000 * seconds, b"\x80")
    film = write_avi(folder / f"long-{hours}.avi", seconds // 600 or 1, min(600, seconds), sound=sound, rate=1000, bits=8)
    command = LISTEN.arguments(film, "-o", folder / "out-long", *networks(folder), "--reasoner", reasoner, "--no-overlay",
                               "--window", window, "--fps", "0.01")
    child = subprocess.run([sys.executable, "-c", f"import resource, subprocess, sys\nsubprocess.run({list(map(str, command))!r}, "
                            "check=True, stdout=2)\nprint(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"],
                           capture_output=True, timeout=600, check=True)
    return int(child.stdout)


def test_six_hours(folder: Path) -> None:
    # The whole sound at 16 kHz would be 1.4 GB.
    short, long = (peak_kilobytes(folder, hours, 600, "first") for hours in (0.5, 6))
    assert long - short < 200_000, f"{short} kB for half an hour, {long} kB for six hours"


def test_a_long_window(folder: Path) -> None:
    # 50 minutes more of it are 192 MB, which are there twice while they are read, and never three times: the networks
    # that listen get moments and segments one by one.
    short, long = (peak_kilobytes(folder, 1, window, "rules") for window in (600, 3600))
    assert long - short < 2 * 192_000, f"{short} kB with windows of ten minutes, {long} kB with one of an hour"


def test_a_long_reference(folder: Path) -> None:
    film = write_avi(folder / "film.avi", 1)
    wav = write_wav(folder / "long.wav", bytes(601 * 1000), 1000, bits=8)
    LISTEN.fails(3, "longer than the 600 seconds", film, "--sound", wav, "-o", folder / "out", *networks(folder))


def test_an_interrupted_stream(folder: Path) -> None:
    film = write_avi(folder / "film.avi", 100, sound=pcm16(tone(3, 16000))).read_bytes()
    out, arguments = folder / "out", networks(folder)
    for stream in (b"", film[: len(film) // 2]):
        LISTEN.stops(stream, "-", "-o", out, *arguments, begun=out / ".alref")
    assert not [p for p in out.rglob("*") if p.is_file()], "the cut stream was kept"


def test_damaged_models(folder: Path) -> None:
    film = write_avi(folder / "film.avi", 1, sound=pcm16(tone(1, 16000)))
    arguments = networks(folder)
    for name, option in ((TAGGER, "--tagger"), (MATCHER, "--sound-matcher")):
        whole = name.read_bytes()
        for size in (0, 3, 100, len(whole) // 2, len(whole) - 200):
            cut = folder / f"cut-{size}.gguf"
            cut.write_bytes(whole[:size])
            changed = [cut if i > 0 and arguments[i - 1] == option else a for i, a in enumerate(arguments)]
            LISTEN.fails(4, f"cut-{size}.gguf", film, "-o", folder / "out", *changed)
    changed = [TAGGER if a == MATCHER else a for a in arguments]
    LISTEN.fails(4, "tiny.gguf", film, "-o", folder / "out", *changed)  # a BEATs model is no LanguageBind


def test_settings_that_do_not_go_together(folder: Path) -> None:
    film = write_avi(folder / "film.avi", 1, sound=pcm16(tone(1, 16000)))
    LISTEN.fails(2, "expected windows of 1 to 50 moments", film, "-o", folder / "out", *networks(folder), "--fps", "20")


def test_damaged_segments(folder: Path) -> None:
    film = write_avi(folder / "film.avi", 2, sound=pcm16(tone(2, 16000)))
    segments = folder / "segments.json"
    for text in ("", "[]", '{"film": [[1, 1]]}', '{"film": [[1, 2], [0, 1]]}', '{"film": [[-1, 1]]}', '{"film": 3}', '{"film": null}',
                 '{"film": ' + 100_000 * "[" + 100_000 * "]" + "}"):
        segments.write_text(text)
        LISTEN.fails(3, "segments.json", film, "-o", folder / "out", *networks(folder), "--segments", segments)


if __name__ == "__main__":
    sys.exit(run_all([test for name, test in list(globals().items()) if name.startswith("test_")]))
