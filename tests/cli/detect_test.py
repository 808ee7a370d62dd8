#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`alref detect` on a tiny network: what it prints and writes, and what it says to bad input.

usage: detect_test.py ALREF TESTS/DATA
"""
import json
import sys
import zipfile
from pathlib import Path

from command_testing import Commands, Floats, picture, run_all

ALREF, DATA = sys.argv[1], Path(sys.argv[2])
MODEL = DATA / "grounding_dino" / "tiny.gguf"
LIMIT = 64  # tokens that the tiny network takes
DETECT = Commands(ALREF, "detect")


def image(folder: Path, width: int = 141, height: int = 96) -> Path:
    file = folder / f"{width}x{height}.png"
    file.write_bytes(picture(width, height))
    return file


def detect(file: Path, *more, text="a cat . the man's hat"):
    return DETECT.run(file, "--detector", MODEL, "--text", text, "--precision", "f32", *more)


def refused(status: int, says: str, file: Path, *more, text="a cat", model=MODEL):
    DETECT.fails(status, says, file, "--detector", model, "--text", text, *more)


def test_json_and_lines_say_the_same(folder: Path):
    file = image(folder)
    report = json.loads(detect(file, "--box-threshold", "0.1", "--json"))
    lines = [line.split(" ", 5) for line in detect(file, "--box-threshold", "0.1").splitlines()]
    assert report["width"] == 141 and report["height"] == 96
    found = report["detections"]
    assert found, "no box above 0.1"
    assert len(found) == len(lines)
    for one, line in zip(found, lines):
        assert abs(one["score"] - float(line[0])) < 1e-4
        assert one["phrase"] == line[5]
        assert "a cat . the man's hat"[one["offset"]:].startswith(one["phrase"])
    assert [one["score"] for one in found] == sorted((one["score"] for one in found), reverse=True)


def test_official_labels_may_join_phrases_and_boxes_stay_the_same(folder: Path):
    file = image(folder)
    low = ["--box-threshold", "0.1", "--text-threshold", "0", "--json"]
    clean = json.loads(detect(file, *low))["detections"]
    official = json.loads(detect(file, *low, "--official-labels"))["detections"]
    assert [one["box"] for one in official] == [one["box"] for one in clean]
    # Above 0 is every token, so every box gets the whole caption's words.
    assert all("cat" in one["phrase"] and "hat" in one["phrase"] for one in official), official
    assert not any("cat" in one["phrase"] and "hat" in one["phrase"] for one in clean)


def test_top_and_nms_leave_boxes_out(folder: Path):
    file = image(folder)
    all_lines = detect(file, "--box-threshold", "0").splitlines()
    assert len(all_lines) == 20  # every query of the tiny network
    assert detect(file, "--box-threshold", "0", "--top", "3").splitlines() == all_lines[:3]
    assert 1 <= len(detect(file, "--box-threshold", "0", "--nms", "0").splitlines()) < 20


def test_raw_holds_logits_and_boxes(folder: Path):
    detect(image(folder), "--raw", folder / "raw.npz", "-o", folder / "overlay.png")
    with zipfile.ZipFile(folder / "raw.npz") as archive:
        archive.extractall(folder)
    assert Floats.read(folder / "logits.npy").shape == (20, LIMIT)
    boxes = Floats.read(folder / "boxes.npy")
    assert boxes.shape == (20, 4)
    assert all(0 <= value <= 1 for value in boxes.values)
    assert (folder / "overlay.png").read_bytes().startswith(b"\x89PNG")


def test_the_overlay_is_what_its_name_says(folder: Path):
    file = image(folder)
    for name, start in (("a.png", b"\x89PNG"), ("a.PNG", b"\x89PNG"), ("a.jpg", b"\xff\xd8"), ("a.jpeg", b"\xff\xd8")):
        detect(file, "-o", folder / name)
        assert (folder / name).read_bytes().startswith(start), name
    for name in ("a.bmp", "a", "png"):
        refused(2, "expected a name that ends in .png, .jpg or .jpeg", file, "-o", folder / name)
        assert not (folder / name).exists()


def test_tiny_and_thin_images_are_fine(folder: Path):
    for width, height in ((1, 1), (2000, 10), (10, 2000)):
        report = json.loads(detect(image(folder, width, height), "--json", "--box-threshold", "0"))
        assert (report["width"], report["height"]) == (width, height)
        assert report["detections"]


def test_an_image_too_thin_is_refused(folder: Path):
    refused(2, "too thin", image(folder, 20000, 10))  # this network's long side is 160, the official ones' 1333


def test_bad_captions_are_refused(folder: Path):
    file = image(folder)
    for text in ("", "   ", " . ? ."):
        refused(2, "empty", file, text=text)
    words = " ".join(["cat"] * (LIMIT - 3))  # [CLS], a full stop and [SEP] are tokens too
    detect(file, text=words)
    refused(2, f"{LIMIT + 1} tokens, expected at most {LIMIT}", file, text=words + " cat")
    refused(2, "UTF-8", file, text=b"a \xff cat")


def test_bad_thresholds_are_refused(folder: Path):
    file = image(folder)
    for value in ("-0.1", "1.1", "nan", "inf"):
        refused(2, "box threshold: expected 0 to 1", file, "--box-threshold", value)
        refused(2, "text threshold: expected 0 to 1", file, "--text-threshold", value)
    for value in ("-0.1", "1.1", "nan"):
        refused(2, f"--nms: expected 0 to 1, got '{value}'", file, "--nms", value)
    for value in ("0", "-1", "nan", "two"):
        refused(2, f"--top: expected a number above 0, got '{value}'", file, "--top", value)
    refused(2, "--top", file, "--top", "1.5")


def test_places_that_are_no_files_are_refused(folder: Path):
    file = image(folder)
    (folder / "a.png").mkdir()
    refused(6, "is not a regular file", file, "-o", folder / "a.png")
    refused(6, "is not a regular file", file, "--raw", "/dev/null")


def test_damaged_images_are_refused(folder: Path):
    refused(3, "nowhere.png", folder / "nowhere.png")
    for source in (image(folder), DATA / "media" / "rgb.jpg"):
        whole = source.read_bytes()
        for length in (0, 1, 4, 20, len(whole) // 2):
            cut = folder / f"cut{source.suffix}"
            cut.write_bytes(whole[:length])
            refused(3, str(cut), cut)
    whole = (DATA / "media" / "progressive.jpg").read_bytes()
    cut = folder / "half.jpg"
    cut.write_bytes(whole[: 3 * len(whole) // 4])
    refused(3, "half.jpg: not a whole JPEG: it breaks off", cut)
    text = folder / "text.png"
    text.write_text("this is no picture")
    refused(3, str(text), text)
    refused(3, str(folder), folder)


def test_damaged_models_are_refused(folder: Path):
    file, whole = image(folder), MODEL.read_bytes()
    for name, content in (("empty", b""), ("short", whole[:1000]), ("cut", whole[:-1000]),
                          ("other", b"GGML" + whole[4:])):
        model = folder / f"{name}.gguf"
        model.write_bytes(content)
        refused(4, str(model), file, model=model)
    refused(4, "nowhere.gguf", file, model=folder / "nowhere.gguf")
    refused(4, "'beats', expected 'grounding-dino'", file, model=DATA / "beats" / "tiny.gguf")


sys.exit(run_all([test for name, test in list(globals().items()) if name.startswith("test_")]))
