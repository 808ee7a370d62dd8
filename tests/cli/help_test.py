#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every command's --help fits a screen and ends with an example; what it leaves out, --help-all has.

usage: help_test.py ALREF
"""
import re
import subprocess
import sys

ALREF = sys.argv[1]
COMMANDS = ("segment", "listen", "mask", "track", "detect", "convert", "tag", "match", "models info", "models list", "models pull",
            "evaluate rvos", "evaluate avs", "score rvos", "score avs", "score masks")
LINES = 45  # of a terminal


def text(command: str, option: str) -> str:
    run = subprocess.run([ALREF, *command.split(), option], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0 and not run.stderr, (command, run)
    return run.stdout


def options(shown: str) -> set[str]:
    return set(re.findall(r"^  (?:-\w,)?(--[a-z0-9-]+)", shown, re.M))


for command in COMMANDS:
    shown = text(command, "--help")
    assert shown.startswith(f"usage: alref {command}"), shown
    assert "example" in shown.rstrip().splitlines()[-1], (command, shown)
    assert len(shown.splitlines()) <= LINES, (command, len(shown.splitlines()))
    if "--help-all" in shown:
        everything = text(command, "--help-all")
        assert options(everything) > options(shown), command
        for group in re.search(r"More under --help-all: (.*)", shown)[1].split(", "):
            assert f"\n{group}:" in everything, (command, group)
assert "--chat-url" in text("segment", "--help-all") and "--chat-url" not in text("segment", "--help")
