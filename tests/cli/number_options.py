#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Options that take numbers refuse what is none, or out of range: exit status 2 and a line that names the option.

usage: number_options.py ALREF
"""
import subprocess
import sys

ALREF = sys.argv[1]
SEGMENT = ["segment", "nowhere.mp4", "--text", "the dog", "-o", "nowhere"]
LISTEN = ["listen", "nowhere.mp4", "-o", "nowhere"]
DETECT = ["detect", "nowhere.png", "--detector", "nowhere.gguf", "--text", "dog"]
TRACK = ["track", "nowhere.mp4", "--sam2", "nowhere.gguf", "-o", "nowhere"]
RVOS = ["evaluate", "rvos", "--root", "nowhere", "-o", "nowhere"]
AVS = ["evaluate", "avs", "--layout", "s4", "--root", "nowhere", "-o", "nowhere"]
FRACTIONS = {  # options whose numbers may have a fraction; each with one value that is too small
    "segment": (SEGMENT, {"--box-threshold": "0", "--fallback-threshold": "0", "--max-seconds": "0", "--chat-timeout": "0",
                          "--chat-max-cost": "-1", "--chat-prices": "-1,2"}),
    "listen": (LISTEN, {"--window": "0", "--fps": "0", "--box-threshold": "0", "--segment-threshold": "-1",
                        "--max-seconds": "0", "--chat-timeout": "0", "--chat-max-cost": "-1"}),
    "detect": (DETECT, {"--nms": "-0.1"}),
    "evaluate rvos": (RVOS, {"--box-threshold": "0", "--fallback-threshold": "0"}),
    "evaluate avs": (AVS, {"--box-threshold": "0", "--segment-threshold": "-1"}),
}
WHOLE = {  # options that count something
    "segment": (SEGMENT, {"--step": "0", "--frames-per-clip": "0", "--detect-every": "-1", "--max-cond-frames": "-2",
                          "--threads": "0", "--max-frames": "0", "--max-pixels": "0", "--chat-tries": "0",
                          "--chat-parallel": "0", "--chat-image-side": "63", "--chat-jpeg": "101", "--chat-max-calls": "-1"}),
    "listen": (LISTEN, {"--top": "0", "--max-cond-frames": "-2"}),
    "detect": (DETECT, {"--top": "0", "--threads": "1025"}),
    "track": (TRACK, {"--frame": "-1", "--start": "-1"}),
    "tag": (["tag", "nowhere.wav"], {"--top": "0"}),
    "evaluate rvos": (RVOS, {"--step": "0", "--frames-per-clip": "51"}),
}


def fault(command: list, option: str, value: str) -> str | None:
    run = subprocess.run([ALREF, *command, f"{option}={value}"], capture_output=True, text=True, timeout=60)
    if run.returncode == 2 and option in run.stderr and len(run.stderr.strip().splitlines()) <= 2:
        return None
    return f"{command[0]} {option}={value}: status {run.returncode}, said: {run.stderr}"


def main() -> int:
    faults = []
    for table, others in ((FRACTIONS, ("nan", "-nan", "many")), (WHOLE, ("nan", "1.5", "many"))):
        for command, options in table.values():
            for option, small in options.items():
                faults += [fault(command, option, value) for value in (small, *others)]
    faults = [text for text in faults if text]
    print("\n".join(faults))
    return 1 if faults else 0


sys.exit(main())
