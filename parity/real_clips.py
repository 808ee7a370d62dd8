#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`alref segment` on real clips, its files read by others: ffprobe, Pillow, pycocotools.

    parity/real_clips.py --alref build/release/alref --out DIR CLIP.mp4 ... [-- OPTIONS OF SEGMENT]

Three sentences a clip, those of real_clips.json where it knows the clip (the names are those of SAM 2's demo gallery).
Checks that the run ends well, shows its progress on a terminal, and that overlay, masks, run
lengths and report have as many frames as the clip, of its size, and say the same. Exits with 1 where one does not.
"""
import argparse
import base64
import html.parser
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from pycocotools import mask as coco

TEXTS = json.loads((Path(__file__).parent / "real_clips.json").read_text())
OTHER_TEXTS = ["the thing on the left", "the largest person", "the dog that moves"]


def probe(path: Path) -> dict:
    """Frames (counted by decoding), size as shown, and whether there is sound."""
    command = ["ffprobe", "-v", "error", "-count_frames", "-select_streams", "v:0", "-show_entries",
               "stream=nb_read_frames,width,height:stream_side_data=rotation", "-of", "json", str(path)]
    stream = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["streams"][0]
    turned = any(abs(d.get("rotation", 0)) % 180 == 90 for d in stream.get("side_data_list", []))
    size = (stream["width"], stream["height"])
    sound = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", "stream=codec_type", "-of",
                            "csv=p=0", str(path)], check=True, capture_output=True).stdout.strip()
    return {"frames": int(stream["nb_read_frames"]), "size": size[::-1] if turned else size, "sound": bool(sound)}


def run_on_a_terminal(command: list[str]) -> tuple[int, str]:
    """Exit status, and what a person saw."""
    parent, child = pty.openpty()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=child)
    os.close(child)
    seen = b""
    while True:
        try:
            data = os.read(parent, 65536)
        except OSError:
            break
        if not data:
            break
        seen += data
    return process.wait(), seen.decode(errors="replace")


class Pictures(html.parser.HTMLParser):
    """The pictures of a page, and whatever it would load from elsewhere."""

    def __init__(self):
        super().__init__()
        self.pictures, self.elsewhere = [], []

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("src", "href") and value and value.startswith("data:image/"):
                self.pictures.append(base64.b64decode(value.split(",", 1)[1]))
            elif name in ("src", "href") and value and not value.startswith("#"):
                self.elsewhere.append(value)


def check_page(path: Path) -> list[str]:
    page = Pictures()
    page.feed(path.read_text())
    for picture in page.pictures:
        Image.open(io.BytesIO(picture)).load()
    if page.elsewhere or not page.pictures:
        return [f"report.html has {len(page.pictures)} pictures and loads {page.elsewhere}"]
    return []


def check(clip: Path, out: Path, texts: list[str]) -> list[str]:
    source, overlay = probe(clip), probe(out / "overlay.mp4")
    faults = [] if overlay == source else [f"overlay {overlay}, source {source}"]
    faults += check_page(out / "report.html")
    for video in sorted((out / "cutout").glob("*.*")):
        got = probe(video) | {"sound": source["sound"]}
        faults += [] if got == source else [f"{video.name} {got}, source {source}"]
    width, height = source["size"]
    masks = json.loads((out / "masks.json").read_text())
    report = json.loads((out / "report.json").read_text())
    if [s["text"] for s in report["sentences"]] != texts or report["video"]["frames"] != source["frames"]:
        faults.append("report.json tells of another run")
    for k, annotation in enumerate(masks["annotations"]):
        files = sorted((out / "masks" / str(k)).glob("*.png"))
        if len(files) != source["frames"] or len(annotation["segmentations"]) != source["frames"]:
            faults.append(f"sentence {k}: {len(files)} PNGs, {len(annotation['segmentations'])} run lengths")
        for t, (file, runs) in enumerate(zip(files, annotation["segmentations"])):
            picture = np.array(Image.open(file))
            truth = coco.decode(runs) if runs else np.zeros((height, width), np.uint8)
            if picture.shape != (height, width) or not np.array_equal(picture, 255 * truth):
                faults.append(f"sentence {k}, frame {t}: PNG and run lengths differ")
                break
            if report["sentences"][k]["mask_areas"][t] != int(truth.sum()):
                faults.append(f"sentence {k}, frame {t}: the report has another area")
                break
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--alref", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("clips", nargs="+", type=Path)
    arguments = sys.argv[1:]
    options = arguments[arguments.index("--") + 1:] if "--" in arguments else []
    args = parser.parse_args(arguments[: arguments.index("--")] if "--" in arguments else arguments)
    bad = 0
    for clip in args.clips:
        out, texts = args.out / clip.stem, TEXTS.get(clip.stem, OTHER_TEXTS)
        command = [args.alref, "segment", str(clip), "-o", str(out), *options]
        for text in texts:
            command += ["--text", text]
        status, seen = run_on_a_terminal(command)
        faults = [f"status {status}: {seen[-300:]}"] if status else check(clip, out, texts)
        if "frames" not in seen or "/s" not in seen:
            faults.append("no progress was shown")
        report = json.loads((out / "report.json").read_text()) if not status else {}
        pivots = [len(s["pivots"]) for s in report.get("sentences", [])]
        frames = report.get("video", {}).get("frames")
        print(f"{clip.name}: {frames} frames, pivots {pivots}, {'; '.join(faults) or 'all files agree'}", flush=True)
        bad += bool(faults)
    return 1 if bad else 0


sys.exit(main())
