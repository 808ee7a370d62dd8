#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`alref segment --reasoner chat` with a server that misbehaves: another try, the paper's fallback or exit status 5, each
where it belongs, and the key in no file, no line of output and no request to another host.

usage: segment_chat_faults.py ALREF CLIP FAULT_SERVER
"""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from loopback import make_clip

ALREF, CLIP, SERVER = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
KEY = "sk-very-secret-0123456789"
FAULTS: list[str] = []


def expect(what: str, good: bool, got: object = "") -> None:
    if not good:
        FAULTS.append(f"{what}: {got}")


class Runs:
    def __init__(self, root: Path, port: int, other: int):
        self.root, self.port, self.other = root, port, other
        self.clip = root / "clip.mp4"
        make_clip(CLIP, self.clip, 12)

    def run(self, scenario: str, *options: str, url: str | None = None) -> tuple[subprocess.CompletedProcess, Path]:
        """One run in a folder of its own, whose every file is then searched for the key."""
        folder = self.root / (scenario + "".join(options)).replace("/", "_")
        folder.mkdir()
        command = [ALREF, "segment", str(self.clip), "--text", "the giraffe", "-o", str(folder / "out"), "--step", "3", "--threads",
                   "1", "--box-threshold", "0.05", "-vv", "--reasoner", "chat", "--chat-model", "m", "--record",
                   str(folder / "tape.jsonl"), "--chat-url", url or f"http://127.0.0.1:{self.port}/{scenario}", *options]
        environment = {**os.environ, "HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache"), "ALREF_CHAT_KEY": KEY}
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
        for file in (p for p in folder.rglob("*") if p.is_file()):
            expect(f"{scenario}: the key is in {file}", KEY.encode() not in file.read_bytes())
        expect(f"{scenario}: the key was printed", KEY not in done.stdout + done.stderr)
        return done, folder / "out"

    def answered(self, scenario: str, requests: int, *options: str) -> dict:
        """The run ends well after so many requests; gives what its report says of the sentence."""
        done, out = self.run(scenario, *options)
        expect(f"{scenario}: status", done.returncode == 0, done.stderr)
        if done.returncode:
            return {}
        report = json.loads((out / "report.json").read_text())
        expect(f"{scenario}: requests", report["run"]["chat"]["requests"] == requests, report["run"]["chat"])
        return report["sentences"][0]

    def failed(self, scenario: str, says: str, *options: str, url: str | None = None) -> None:
        """The run ends with status 5, a line that says why, and no output."""
        done, out = self.run(scenario, *options, url=url)
        lines = [line for line in done.stderr.splitlines() if line.startswith("alref: ")]
        expect(f"{scenario}: status", done.returncode == 5, f"{done.returncode}: {done.stderr}")
        expect(f"{scenario}: one line that says '{says}'", len(lines) == 1 and says in lines[0], done.stderr)
        left = [p for p in out.rglob("*") if p.is_file() and ".alref" not in p.parts]
        expect(f"{scenario}: left", not left, left)


def check(runs: Runs) -> None:
    # One clip: a question about its frames, then one about the boxes.
    sentence = runs.answered("ok", 2)
    expect("ok: pivot frame", bool(sentence) and sentence["clips"][0]["pivot_frame"] == 3, sentence)
    for scenario, requests in (("busy", 3), ("broken", 4), ("half", 3), ("cut", 3), ("empty", 3)):
        again = runs.answered(scenario, requests)
        expect(f"{scenario}: pivots", bool(again) and not again["fallback"] and bool(again["pivots"]), again)
    for scenario, words in (("prose", "The second frame, surely."), ("wrong", "Frame [17]")):
        sentence = runs.answered(scenario, 1)
        clip = sentence["clips"][0] if sentence else {}
        expect(f"{scenario}: the reply is in the report", clip.get("frame_reply") == words, clip)
        expect(f"{scenario}: no pivot, so the fallback", bool(sentence) and clip["pivot_frame"] is None and sentence["fallback"])
        expect(f"{scenario}: nothing is meant, where asked for", runs.answered(scenario, 1, "--on-no-pivot", "empty").get("refers_to_nothing"))
    parrot = runs.answered("parrot", 2)
    expect("parrot: the key is taken out", bool(parrot) and parrot["clips"][0]["frame_reply"] == "You said Bearer *** [2]", parrot)
    runs.failed("refused", "127.0.0.1:9", "--chat-tries", "2", url="http://127.0.0.1:9/v1")
    runs.failed("slow", "(try 2 of 2)", "--chat-tries", "2", "--chat-timeout", "0.2")
    runs.failed("dead", "status 503: 'down for good' (try 2 of 2)", "--chat-tries", "2")
    runs.failed("echo", "status 401: 'bad key: Bearer ***'")
    runs.failed("huge", "larger than 1048576 bytes")
    runs.failed("redirect", "redirects")


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        server = subprocess.Popen([sys.executable, SERVER, str(root / "requests.log")], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            port, other = map(int, server.stdout.readline().split())
            check(Runs(root, port, other))
        finally:
            server.stdin.close()
            server.wait()
        asked = [line.split() for line in (root / "requests.log").read_text().splitlines()]
        expect("the other host was asked", all(line[0] == str(port) for line in asked), asked)
        expect("the key goes to the host", all(line[2:4] == ["Bearer", KEY] for line in asked), asked)
    print("\n".join(FAULTS))
    return 1 if FAULTS else 0


sys.exit(main())
