#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`alref listen --reasoner chat` with a server on loopback: both questions as they are asked, what becomes of the answers, and
that answers are paid once. Tiny networks.

usage: listen_chat.py ALREF TESTS/DATA
"""
import base64
import json
import os
import subprocess
import sys
from pathlib import Path

from command_testing import Commands, run_all, tiny_sam2
from film import pcm16, tone, write_avi
from loopback import ChatServer, differences, outputs

ALREF, DATA = sys.argv[1], Path(sys.argv[2])
LISTEN = Commands(ALREF, "listen")
MOMENTS = 4


class Runs:
    """Runs on one film, in folders of their own, that share a cache of answers."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.film = write_avi(folder / "film.avi", MOMENTS, size=(32, 24), sound=pcm16(tone(MOMENTS, 16000)))
        self.options = ["--sam2", tiny_sam2(ALREF, DATA, folder), "--detector", DATA / "grounding_dino" / "tiny.gguf",
                        "--tagger", DATA / "beats" / "tiny.gguf", "--sound-matcher", DATA / "language_bind" / "tiny.gguf",
                        "--box-threshold", "0.1", "--top", "3", "--no-overlay", "--no-segments"]

    def listen(self, name: str, *options, cache: str = "answers.db") -> dict:
        command = LISTEN.arguments(self.film, "-o", self.folder / name, *self.options, "--answer-cache", self.folder / cache, *options)
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, env={**os.environ, "ALREF_CHAT_KEY": "sk-0"})
        assert done.returncode == 0, done.stderr
        return json.loads((self.folder / name / "report.json").read_text())


def parts(request: dict) -> tuple[str, dict]:
    """A request's text and picture."""
    (message,) = request["messages"]
    text, picture = message["content"]
    assert (message["role"], text["type"], picture["type"]) == ("user", "text", "image_url"), request
    return text["text"], picture["image_url"]


def test_both_questions(folder: Path) -> None:
    runs, server = Runs(folder), ChatServer(answers=("I hear: ['dog': 3, 'accordion': 9]", "It is [2]."))
    report = runs.listen("out", *server.options, "--record", folder / "tape.jsonl")
    (window,) = report["windows"]

    # Question 1: the tags that are heard, the classes, and the frames in one picture.
    objects, *boxes = server.requests
    text, picture = parts(objects)
    assert objects["model"] == "frames" and window["question"] == text, objects["model"]
    assert f"{MOMENTS} frames of a video" in text and "accordion, airplane, axe" in text, text
    assert len(window["tags"]) == 3 and all(tag["name"] in text for tag in window["tags"]), (window["tags"], text)
    start = "data:image/jpeg;base64,"
    assert picture["url"].startswith(start) and base64.b64decode(picture["url"][len(start):]).startswith(b"\xff\xd8")
    assert "detail" not in picture

    # Its answer: two labels; a frame that there is not means the first.
    assert window["reply"] == server.answers[0]
    assert [label["name"] for label in report["labels"]] == ["dog", "accordion"], report["labels"]
    assert [o["pivot_frame"] for o in window["objects"]] == [2, 0], window["objects"]

    # Question 2: once an object, about the detector's boxes on its frame, marked in another picture.
    assert len(boxes) == 2 and all(request["model"] == "boxes" for request in boxes), server.requests
    asked = dict(zip(("accordion", "dog"), sorted(boxes, key=lambda request: '"dog"' in parts(request)[0])))
    for found, number in zip(window["objects"], (3, 1)):
        text, picture = parts(asked[found["label"]])
        assert found["box_question"] == text and f'"{found["label"]}"' in text and f"In frame {number} " in text, text
        assert len(found["boxes"]) == 3 and "from 1 to 3" in text, text  # of three or more the three best
        assert picture["detail"] == "high" and picture["url"] != parts(objects)[1]["url"]
        assert (found["box_reply"], found["pivot_box"]) == ("It is [2].", 1), found

    # The outcome: a mask file a frame and label, both labels all the time, what it cost.
    assert report["labels_by_moment"] == [["dog", "accordion"]] * MOMENTS
    assert all(len(list((folder / "out" / "masks" / str(k)).iterdir())) == MOMENTS for k in (0, 1))
    assert report["run"]["reasoner"] == "chat", report["run"]
    paid = {"requests": 3, "cached_answers": 0, "prompt_tokens": 3000, "completion_tokens": 30}
    assert report["run"]["chat"].items() >= paid.items(), report["run"]["chat"]
    html = (folder / "out" / "report.html").read_text()
    assert "accordion" in html and "It is [2]." in html

    # The same questions again: from the cache, and from the recording without any server.
    again = runs.listen("again", *server.options)
    assert len(server.requests) == 3 and again["run"]["chat"]["cached_answers"] == 3, again["run"]["chat"]
    runs.listen("replayed", "--reasoner", "replay", "--replay", folder / "tape.jsonl")
    first = outputs(folder / "out")
    for name in ("again", "replayed"):
        assert not differences(outputs(folder / name), first), (name, differences(outputs(folder / name), first))


def test_unusable_answers(folder: Path) -> None:
    runs, server = Runs(folder), ChatServer(answers=("['dog': 2]", "The left one."))
    (window,) = runs.listen("box", *server.options)["windows"]
    assert [o["pivot_box"] for o in window["objects"]] == [0], window  # no number: box 1
    server.answers = ("Nothing of that is to be seen.", "")
    report = runs.listen("nothing", *server.options, cache="others.db")
    assert report["labels"] == [] and report["labels_by_moment"] == [[]] * MOMENTS and len(server.requests) == 3, report


def test_one_object_only(folder: Path) -> None:
    runs, server = Runs(folder), ChatServer(answers=("['dog': 1]", "[1]"))
    for name, options, words in (("several", [], "Name each kind"), ("single", ["--single"], "Name the one kind")):
        window = runs.listen(name, *server.options, *options)["windows"][0]
        assert words in window["question"], window["question"]


def test_silence_is_not_asked_about(folder: Path) -> None:
    runs, server = Runs(folder), ChatServer()
    runs.film = write_avi(folder / "silent.avi", 2, sound=bytes(64000))
    report = runs.listen("out", *server.options)
    assert server.requests == [] and report["windows"][0]["silent"] and report["labels"] == [], report


if __name__ == "__main__":
    sys.exit(run_all([test for name, test in list(globals().items()) if name.startswith("test_")]))
