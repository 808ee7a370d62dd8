# SPDX-License-Identifier: Apache-2.0
"""Write StampBench.

    python -m training.stampbench --out DIR --seed 1 [--clips 200] [--unseen 60] [--videos]

DIR/ref-youtube-vos, DIR/ref-davis17, DIR/mevis: the same clips and sentences in three layouts.
DIR/unseen: clips of cut-outs that no training sees, for the tracker (JPEGImages, Annotations).
DIR/stampbench.json: attributes of every clip, object and sentence, and the tracker's prompts.
DIR/videos: MP4 with sound, with --videos (needs ffmpeg).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from ..stampworld import Clip, sound
from . import plan
from .layouts import LAYOUTS, link, write_annotations, write_pictures

_NOTICE = """The pictures and sounds in this folder are made from material of the Debian packages
tuxpaint-stamps-default (GPL-2), mate-backgrounds (GPL-2+ and others) and lomiri-wallpapers (CC-BY,
CC-BY-SA). They are licensed under the GPL, version 2; see /usr/share/doc/<package>/copyright.
"""


def prompt(clip: Clip, n: int, rng: np.random.Generator) -> dict:
    """A frame that shows object n well, and its box there: what the tracker is given."""
    area = clip.masks[n].sum((1, 2))
    clear = (clip.hidden[n] < 0.1) & (clip.outside[n] < 0.1) & (area > 0)
    at = int(rng.choice(np.flatnonzero(clear))) if clear.any() else int(area.argmax())
    return {"frame": at, "box": [float(v) for v in clip.boxes[n, at]]}


def describe(entry: plan.Entry, clip: Clip, chosen: list) -> dict:
    """What the score tables need to know of a clip."""
    hidden, moves = plan.is_hidden(clip), plan.comes_or_goes(clip)
    rng = np.random.default_rng([13, entry.seed])
    return {
        "split": entry.split,
        "seed": entry.seed,
        "size": list(entry.size),
        "frames": entry.frames,
        "fps": plan.FPS,
        "hidden": bool(hidden.any()),
        "enters_or_leaves": bool(moves.any()),
        "objects": [
            {
                "id": n + 1,
                "kind": kind,
                "cutout": clip.keys[n],
                "hidden": bool(hidden[n]),
                "enters_or_leaves": bool(moves[n]),
                "prompt": prompt(clip, n, rng),
            }
            for n, kind in enumerate(clip.kinds)
        ],
        "expressions": {
            str(i): {
                "exp": e.text,
                "category": e.category,
                "obj_id": None if e.target is None else e.target + 1,
                "contested": e.contested,
            }
            for i, e in enumerate(chosen)
        },
    }


def write_video(clip: Clip, samples: np.ndarray, path: Path) -> None:
    """H.264 and AAC; samples f32 [n] at sound.RATE."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = clip.frames.shape[1:3]
    with tempfile.NamedTemporaryFile(suffix=".f32") as raw:
        raw.write(samples.tobytes())
        raw.flush()
        command = ["ffmpeg", "-v", "error", "-y"]
        command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
        command += ["-r", f"{clip.fps:g}", "-i", "-"]
        command += ["-f", "f32le", "-ar", str(sound.RATE), "-ac", "1", "-i", raw.name]
        command += ["-c:v", "libx264", "-crf", "20", "-pix_fmt", "yuv420p"]
        command += ["-c:a", "aac", "-b:a", "96k", "-shortest", str(path)]
        subprocess.run(command, input=clip.frames.tobytes(), check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--unseen", type=int, default=60)
    parser.add_argument("--layouts", nargs="+", choices=LAYOUTS, default=list(LAYOUTS))
    parser.add_argument("--videos", action="store_true")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "LICENCE.txt").write_text(_NOTICE)
    layouts = [LAYOUTS[name](args.out) for name in args.layouts]
    described = {}
    for entry in plan.plan(args.seed, args.clips, args.unseen):
        clip = plan.render(entry)
        # What held in the preview and no longer holds at full size is left out.
        chosen = [e for e in entry.expressions if e in clip.expressions or e.target is None]
        described[entry.name] = describe(entry, clip, chosen)
        if entry.split == "unseen":
            write_pictures(clip, args.out / "unseen" / "JPEGImages" / entry.name)
            write_annotations(clip.masks, args.out / "unseen" / "Annotations" / entry.name)
        else:
            first, *others = (layout.pictures(entry.name) for layout in layouts)
            frames = write_pictures(clip, first)
            for other in others:
                link(first, other)
            for layout in layouts:
                layout.add(entry.name, clip, frames, chosen)
        if args.videos:
            samples = sound.mix(clip, entry.seed).samples
            write_video(clip, samples, args.out / "videos" / f"{entry.name}.mp4")
        print(f"{entry.name}: {len(chosen)} sentences", flush=True)
    for layout in layouts:
        layout.finish()
    meta = {"name": "StampBench", "seed": args.seed, "videos": described}
    (args.out / "stampbench.json").write_text(json.dumps(meta, indent=1) + "\n")


if __name__ == "__main__":
    main()
