#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`alref track` on a tiny network: what it writes, what Ctrl-C leaves, and what it says to bad input.

usage: track_test.py ALREF TESTS/DATA
"""
import json
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from command_testing import Commands, Floats, grey_values, picture, png, run_all, tiny_sam2

ALREF, DATA = sys.argv[1], Path(sys.argv[2])
TRACK = Commands(ALREF, "track")
WIDTH, HEIGHT, FRAMES = 50, 40, 6
BOX = ("--frame", "2", "--box", "8,5,40,30")


def frames(folder: Path, count: int = FRAMES) -> Path:
    video = folder / "frames"
    video.mkdir()
    for i in range(count):
        (video / f"{i:05}.png").write_bytes(picture(WIDTH, HEIGHT, i))
    return video


def video_file(folder: Path, *options) -> Path:
    file = folder / "video.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-i", frames(folder, 40) / "%05d.png", "-vf", "crop=48:40", "-g", "5",
                    *options, file], check=True)
    return file


def track(video, out: Path, *arguments, stdin: bytes = b"") -> dict:
    """{object: numbers of the frames that have a mask}"""
    TRACK.run(video, "--sam2", MODEL, "-o", out, "--precision", "f32", *arguments, stdin=stdin)
    return written(out)


def written(out: Path) -> dict:
    return {int(folder.name): sorted(int(file.stem) for file in folder.iterdir())
            for folder in sorted((out / "masks").iterdir())}


def ellipse() -> bytes:
    inside = lambda x, y: (x - 25) ** 2 / 144 + (y - 20) ** 2 / 100 < 1
    return png(WIDTH, HEIGHT, 1, bytes(255 * inside(x, y) for y in range(HEIGHT) for x in range(WIDTH)))


def prompts_file(folder: Path, prompts) -> Path:
    file = folder / "prompts.json"
    file.write_text(prompts if isinstance(prompts, str) else json.dumps(prompts))
    return file


def test_passes_go_to_the_end_back_or_both_ways(folder: Path):
    video, after, before = frames(folder), [2, 3, 4, 5], [0, 1, 2]
    assert track(video, folder / "forward", *BOX) == {1: after}
    assert track(video, folder / "reverse", *BOX, "--reverse") == {1: before}
    assert track(video, folder / "both", *BOX, "--both") == {1: [0, 1, 2, 3, 4, 5]}
    for name, numbers in (("forward", after), ("reverse", [2])):
        for i in numbers:
            one, both = (folder / part / "masks" / "1" / f"{i:05}.png" for part in (name, "both"))
            assert one.read_bytes() == both.read_bytes(), f"{name}, frame {i}"


def test_start_says_where_a_pass_begins(folder: Path):
    assert track(frames(folder), folder / "out", *BOX, "--start", "4") == {1: [4, 5]}


def test_masks_and_logits_have_the_documented_form(folder: Path):
    track(frames(folder), folder / "out", *BOX, "--logits", folder / "logits")
    assert sorted(p.name for p in (folder / "logits").iterdir()) == [f"{i}_1.npy" for i in (2, 3, 4, 5)]
    assert Floats.read(folder / "logits" / "3_1.npy").shape == (16, 16)
    width, height, pixels = grey_values(folder / "out" / "masks" / "1" / "00003.png")
    assert (width, height) == (WIDTH, HEIGHT)
    assert set(pixels) <= {0, 255}


def test_prompts_of_every_kind_for_several_objects(folder: Path):
    (folder / "mask.png").write_bytes(ellipse())  # found beside the prompts' file
    prompts = [{"frame": 3, "object": 7, "mask": "mask.png"},
               {"frame": 1, "object": 2, "points": [[20, 15], [5, 35]], "labels": [1, 0]},
               {"frame": 1, "object": 4, "box": [8, 5, 40, 30]}]
    video = frames(folder)
    given = prompts_file(folder, prompts)
    assert track(video, folder / "out", "--prompts", given, "--both") == {i: [0, 1, 2, 3, 4, 5] for i in (2, 4, 7)}
    # A mask that was given is, on its frame, the result.
    _, _, got = grey_values(folder / "out" / "masks" / "7" / "00003.png")
    _, _, expected = grey_values(folder / "mask.png")
    same = sum(a == b for a, b in zip(got, expected)) / len(got)
    assert same > 0.9, f"{same:.2f} of the pixels are the same"

    alone = track(video, folder / "point", "--frame", "1", "--point", "20,15", "--point", "5,35,0")
    assert alone == {1: [1, 2, 3, 4, 5]}
    point, both = (folder / part / f"{k}" / "00001.png" for part, k in (("point/masks", 1), ("out/masks", 2)))
    assert point.read_bytes() == both.read_bytes()
    assert track(video, folder / "mask", "--frame", "3", "--mask", folder / "mask.png") == {1: [3, 4, 5]}


def test_a_stream_gives_the_masks_of_the_file(folder: Path):
    # Matroska can be read without going back.
    file = video_file(folder, "-f", "matroska")
    expected = track(file, folder / "file", *BOX)
    assert expected == {1: list(range(2, 40))}
    assert track("-", folder / "stream", *BOX, stdin=file.read_bytes()) == expected
    for i in expected[1]:
        one, other = (folder / part / "masks" / "1" / f"{i:05}.png" for part in ("file", "stream"))
        assert one.read_bytes() == other.read_bytes(), f"frame {i}"


def test_a_video_that_ends_early_gives_the_frames_that_there_are(folder: Path):
    whole = video_file(folder, "-movflags", "+faststart")
    data = whole.read_bytes()
    cut = folder / "cut.mp4"
    cut.write_bytes(data[: len(data) * 2 // 3])
    numbers = track(cut, folder / "out", *BOX)[1]
    assert numbers == list(range(2, 2 + len(numbers))), numbers
    assert 5 < len(numbers) < 38, numbers


def test_no_frames_at_all_is_an_error(folder: Path):
    out, arguments = folder / "out", ("--sam2", MODEL, *BOX)
    empty = folder / "empty.mp4"
    empty.touch()
    TRACK.fails(3, "empty.mp4", empty, *arguments, "-o", out)
    (folder / "hollow").mkdir()
    TRACK.fails(3, "hollow", folder / "hollow", *arguments, "-o", out)
    TRACK.fails(3, "standard input", "-", *arguments, "-o", out)
    TRACK.fails(3, "nowhere.mp4", folder / "nowhere.mp4", *arguments, "-o", out)
    text = folder / "text.mp4"
    text.write_text("this is no video")
    TRACK.fails(3, "text.mp4", text, *arguments, "-o", out)
    whole = video_file(folder)
    broken = folder / "broken.mp4"  # its index is at the end, and gone
    broken.write_bytes(whole.read_bytes()[:-2000])
    TRACK.fails(3, "broken.mp4", broken, *arguments, "-o", out)
    assert not out.exists()


def test_an_unreadable_frame_in_the_middle_is_an_error_that_keeps_what_is_done(folder: Path):
    video = frames(folder)
    (video / "00004.png").write_text("this is no picture")
    TRACK.fails(3, "00004.png", video, "--sam2", MODEL, *BOX, "-o", folder / "out")
    assert written(folder / "out") == {1: [2, 3]}


def test_ctrl_c_keeps_what_is_done(folder: Path):
    video, out = frames(folder, 400), folder / "out"
    command = TRACK.arguments(video, "--sam2", MODEL, *BOX, "--both", "--logits", folder / "logits", "-o", out)
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    third = out / "masks" / "1" / "00004.png"
    deadline = time.monotonic() + 120
    while not third.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=120)[1].decode()
    assert process.returncode == 130, f"status {process.returncode}: {said}"
    assert "kept" in said, said
    numbers = written(out)[1]
    assert numbers == list(range(2, 2 + len(numbers))) and 3 <= len(numbers) < 398, numbers
    for i in numbers:
        assert grey_values(out / "masks" / "1" / f"{i:05}.png")[:2] == (WIDTH, HEIGHT)
    assert sorted(p.name for p in (folder / "logits").iterdir()) == sorted(f"{i}_1.npy" for i in numbers)


def test_ctrl_c_before_a_streams_end(folder: Path):
    film = (DATA.parent.parent / "examples" / "stampworld" / "giraffes.mp4").read_bytes()  # its index is at its end
    TRACK.stops(film[: len(film) // 2], "-", "--sam2", MODEL, *BOX, "-o", folder / "out")
    assert not (folder / "out").exists()


def test_a_terminal_shows_frames_a_second_and_the_time_left(folder: Path):
    terminal, end = pty.openpty()
    command = TRACK.arguments(frames(folder), "--sam2", MODEL, *BOX, "-o", folder / "out")
    process = subprocess.Popen(command, stderr=end)
    os.close(end)
    said = b""
    try:
        while part := os.read(terminal, 4096):
            said += part
    except OSError:  # how Linux says that nobody writes to the terminal any more
        pass
    os.close(terminal)
    assert process.wait(timeout=120) == 0
    lines = said.decode().split("\r")
    assert any(re.search(r"tracking \[#*\.+\] \d/4 frames, \d+\.\d/s, \d+:\d\d left", line) for line in lines), said
    assert any(re.search(r"tracking \[#+\] 4/4 frames, \d+\.\d/s$", line.rstrip()) for line in lines), said


def test_prompts_that_mean_nothing_are_refused(folder: Path):
    video, out = frames(folder), folder / "out"
    (folder / "mask.png").write_bytes(ellipse())
    (folder / "small.png").write_bytes(png(3, 3, 1, bytes(9)))

    def refused(status, says, *prompt):
        TRACK.fails(status, says, video, "--sam2", MODEL, "-o", out, *prompt)

    refused(2, "prompts: expected")
    refused(2, "prompts: expected one of", *BOX, "--point", "3,3")
    refused(2, "prompts: expected", *BOX, "--prompts", prompts_file(folder, []))
    refused(2, "x0,y0,x1,y1", "--box", "1,2,nan,9")
    refused(2, "lies beside", "--box", f"{WIDTH + 1},0,{WIDTH + 9},9")
    refused(2, "within the picture", "--point", f"3,{HEIGHT + 1}")
    refused(2, "no such frame", "--frame", str(FRAMES), "--box", "1,2,9,9")
    refused(2, "--frame", "--frame", "-1", "--box", "1,2,9,9")
    refused(2, f"expected {WIDTH} x {HEIGHT}", "--mask", folder / "small.png")
    refused(3, "nowhere.png", "--mask", folder / "nowhere.png")
    refused(2, "no such frame", *BOX, "--start", str(FRAMES))

    def refused_list(status, says, prompts):
        refused(status, says, "--prompts", prompts_file(folder, prompts))

    refused_list(3, "expected a list", [])
    refused_list(3, "expected a list", {"frame": 1})
    refused_list(3, "prompts.json", "this is no JSON")
    refused_list(3, "prompt 1", [{"frame": 1, "box": [1, 2, 9, 9]}, {"box": [1, 2, 9, 9]}])
    refused_list(3, "expected 4", [{"frame": 1, "box": [1, 2, 9]}])
    refused_list(3, "expected one of", [{"frame": 1}])
    refused_list(3, "expected one of", [{"frame": 1, "box": [1, 2, 9, 9], "mask": "mask.png"}])
    refused_list(3, "prompts.json", '[{"frame": 1, "box": [1, 2, NaN, 9]}]')
    refused_list(3, "prompts.json", '[{"frame": 1, "box": [1, 2, 1e999, 9]}]')
    refused_list(2, "no such frame", [{"frame": -1, "box": [1, 2, 9, 9]}])
    refused_list(2, "no such frame", [{"frame": 10 ** 6, "box": [1, 2, 9, 9]}])
    refused_list(2, "finite", [{"frame": 1, "box": [1, 2, 1e300, 9]}])
    refused_list(2, "as many labels", [{"frame": 1, "points": [[1, 2], [3, 4]], "labels": [1]}])
    refused_list(2, "0 or 1", [{"frame": 1, "points": [[1, 2]], "labels": [5]}])
    assert not out.exists()


with tempfile.TemporaryDirectory() as models:
    MODEL = tiny_sam2(ALREF, DATA, Path(models))
    STATUS = run_all([test for name, test in list(globals().items()) if name.startswith("test_")])
sys.exit(STATUS)
