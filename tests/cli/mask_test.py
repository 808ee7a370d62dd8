#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`alref mask` on a tiny network: what it prints and writes, and what it says to bad input.

usage: mask_test.py ALREF TESTS/DATA
"""
import sys
import tempfile
from pathlib import Path

from command_testing import Commands, Floats, grey_values, picture, run_all, tiny_sam2

ALREF, DATA = sys.argv[1], Path(sys.argv[2])
MASK = Commands(ALREF, "mask")
WIDTH, HEIGHT = 50, 40
BOX = ("--box", "8,5,40,30")


def image(folder: Path) -> Path:
    file = folder / "image.png"
    file.write_bytes(picture(WIDTH, HEIGHT))
    return file


def mask(folder: Path, *prompt) -> list:
    """(score, file) of each mask."""
    lines = MASK.run(image(folder), "--sam2", MODEL, "-o", folder / "out", *prompt, "--precision", "f32").splitlines()
    return [(float(line.split(" ", 1)[0]), Path(line.split(" ", 1)[1])) for line in lines]


def test_a_box_gives_one_mask_of_the_images_size(folder: Path):
    (score, file), = mask(folder, *BOX)
    assert 0 <= score <= 1
    width, height, pixels = grey_values(file)
    assert (width, height) == (WIDTH, HEIGHT)
    assert set(pixels) <= {0, 255}
    assert [p.name for p in (folder / "out").iterdir()] == ["0.png"]


def test_multimask_gives_three_and_their_logits(folder: Path):
    masks = mask(folder, "--point", "20,15", "--multimask", "--logits", folder / "logits.npy")
    assert [file.name for _, file in masks] == ["0.png", "1.png", "2.png"]
    assert Floats.read(folder / "logits.npy").shape == (3, 16, 16)


def test_points_say_where_it_is_and_where_not(folder: Path):
    logits = []
    for prompt in (["--point", "20,15"], ["--point", "20,15,1"], ["--point", "20,15", "--point", "5,35,0"]):
        mask(folder, *prompt, "--logits", folder / "logits.npy")
        logits.append(Floats.read(folder / "logits.npy").values)
    assert logits[0] == logits[1]
    assert logits[0] != logits[2]


def test_logits_come_back_as_a_mask_input(folder: Path):
    mask(folder, *BOX, "--logits", folder / "first.npy")
    mask(folder, *BOX, "--mask-input", folder / "first.npy", "--logits", folder / "second.npy")
    first, second = (Floats.read(folder / name) for name in ("first.npy", "second.npy"))
    assert first.shape == second.shape == (1, 16, 16)
    assert first.values != second.values


def test_a_box_is_cut_to_the_image(folder: Path):
    logits = []
    for box in ("-10,5,1000,30", f"0,5,{WIDTH},30"):
        mask(folder, "--box", box, "--logits", folder / "logits.npy")
        logits.append(Floats.read(folder / "logits.npy").values)
    assert logits[0] == logits[1]


def test_prompts_that_mean_nothing_are_refused(folder: Path):
    file = image(folder)

    def refused(says, *prompt):
        MASK.fails(2, says, file, "--sam2", MODEL, "-o", folder / "out", *prompt)

    refused("prompt")
    refused("x0,y0,x1,y1", "--box", "1,2,3")
    refused("x0,y0,x1,y1", "--box", "1,2,nan,9")
    refused("x0,y0,x1,y1", "--box", "1,2,inf,9")
    refused("x0,y0,x1,y1", "--box", "left")
    refused("x0 < x1", "--box", "9,5,9,30")
    refused("lies beside", "--box", f"{WIDTH + 1},0,{WIDTH + 9},9")
    refused("within the picture", "--point", f"{WIDTH + 1},3")
    refused("x,y", "--point", "nan,3")
    refused("x,y", "--point", "3,3,2")
    assert not (folder / "out").exists()


def test_bad_files_are_refused(folder: Path):
    file, whole = image(folder), MODEL.read_bytes()

    def refused(status, says, *, of=file, model=MODEL, out=folder / "out", more=()):
        MASK.fails(status, says, of, "--sam2", model, "-o", out, *BOX, *more)

    refused(3, "nowhere.png", of=folder / "nowhere.png")
    cut = folder / "cut.png"
    cut.write_bytes(file.read_bytes()[:100])
    refused(3, "cut.png", of=cut)
    jpeg = (DATA / "media" / "progressive.jpg").read_bytes()
    half = folder / "half.jpg"
    half.write_bytes(jpeg[: 3 * len(jpeg) // 4])
    refused(3, "half.jpg: not a whole JPEG: it breaks off", of=half)
    short = folder / "short.gguf"
    for length in (0, 3, 1000, len(whole) - 100):
        short.write_bytes(whole[:length])
        refused(4, "short.gguf", model=short)
    refused(4, "'grounding-dino', expected 'sam2'", model=DATA / "grounding_dino" / "tiny.gguf")
    refused(3, "nowhere.npy", more=("--mask-input", folder / "nowhere.npy"))
    refused(3, "image.png", more=("--mask-input", file))
    refused(6, "image.png", out=file / "below")


with tempfile.TemporaryDirectory() as models:
    MODEL = tiny_sam2(ALREF, DATA, Path(models))
    STATUS = run_all([test for name, test in list(globals().items()) if name.startswith("test_")])
sys.exit(STATUS)
