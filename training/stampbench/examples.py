# SPDX-License-Identifier: Apache-2.0
"""Write the clips of examples/stampworld, with sound and true masks.

    python -m training.stampbench.examples --out examples/stampworld [--only NAME ...]

NAME.mp4; NAME.json: the true masks of what sentences mean. Of clips of Stamp-AVS also
NAME-sounds.json: the true masks of what sounds, in the seconds in which it does.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from pycocotools import mask as coco

from ..stampworld import Clip, sound
from . import avs_plan, plan
from .__main__ import write_video

# name -> seed of StampBench, clip, sentences with the object that they mean (counted from 0)
CLIPS = {
    "giraffes": (
        5,
        "seen0007",
        {"the giraffe on the left": 0, "the giraffe that disappears first": 1},
    ),
    "pasture": (5, "seen0003", {"the sheep": 0, "the smaller camel": 2}),
}
# name -> seed of Stamp-AVS, setting, clip
SOUND_CLIPS = {"band": (5, avs_plan.MS3, "ms3_0007")}
FPS = 15

NOTICE = """The clips in this folder are made of pictures and sounds of the Debian packages tuxpaint-stamps-default
(GPL-2), mate-backgrounds (GPL-2+ and others) and lomiri-wallpapers (CC-BY, CC-BY-SA) by
`python -m training.stampbench.examples`. They are licensed under the GPL, version 2; the licences of the parts
are in /usr/share/doc/<package>/copyright. NAME.json holds the true masks as COCO run lengths.
"""


def truth(clip: Clip, name: str, sentences: dict[str, int]) -> dict:
    """Masks in the layout of YouTube-VIS, as `alref segment` writes masks.json."""
    frames, height, width = clip.masks.shape[1:]
    annotations = []
    for k, target in enumerate(sentences.values(), 1):
        runs = []
        for mask in clip.masks[target]:
            code = coco.encode(mask.astype("uint8", order="F"))
            runs.append(
                {"size": code["size"], "counts": code["counts"].decode()} if mask.any() else None
            )
        annotations.append({"id": k, "video_id": 1, "category_id": k, "segmentations": runs})
    video = {
        "id": 1,
        "file_names": [f"{name}.mp4"],
        "width": width,
        "height": height,
        "length": frames,
    }
    categories = [{"id": k, "name": text} for k, text in enumerate(sentences, 1)]
    return {"videos": [video], "categories": categories, "annotations": annotations}


def write_truth(path: Path, clip: Clip, name: str, objects: dict[str, int]) -> None:
    path.write_text(json.dumps(truth(clip, name, objects)) + "\n")


def write_sound_clip(out: Path, name: str) -> None:
    """A clip of Stamp-AVS as a video."""
    seed, setting, clip_name = SOUND_CLIPS[name]
    number = int(clip_name.rsplit("_", 1)[1])
    entry = next(e for e in avs_plan.plan(seed, setting, number + 1) if e.name == clip_name)
    clip = avs_plan.film(entry, FPS)
    samples, heard = avs_plan.sound(entry, clip)
    write_video(clip, samples, out / f"{name}.mp4")
    objects = {kind: n for n, kind in enumerate(clip.kinds)}
    write_truth(out / f"{name}.json", clip, name, {f"the {kind}": n for kind, n in objects.items()})
    heard_frames = np.repeat(heard, FPS, axis=1)[:, :, None, None]
    clip.masks = clip.masks & heard_frames
    sounding = {kind: n for kind, n in objects.items() if heard[n].any()}
    write_truth(out / f"{name}-sounds.json", clip, name, sounding)
    print(
        name,
        clip.frames.shape,
        {k: heard[n].astype(int).tolist() for k, n in objects.items()},
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--only", nargs="+", choices=[*CLIPS, *SOUND_CLIPS], default=[*CLIPS, *SOUND_CLIPS]
    )
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "LICENCE.txt").write_text(NOTICE)
    for name in SOUND_CLIPS:
        if name in args.only:
            write_sound_clip(args.out, name)
    for name, (seed, clip_name, sentences) in CLIPS.items():
        if name not in args.only:
            continue
        entry = next(e for e in plan.plan(seed, 14, 0) if e.name == clip_name)
        clip = plan.render(entry)
        described = {e.text: e.target for e in clip.expressions}
        for text, target in sentences.items():
            if described.get(text) != target:
                raise SystemExit(
                    f"{name}: '{text}' means {described.get(text)}, not {target}; of {described}"
                )
        write_video(clip, sound.mix(clip, entry.seed).samples, args.out / f"{name}.mp4")
        write_truth(args.out / f"{name}.json", clip, name, sentences)
        print(name, clip.frames.shape, flush=True)


if __name__ == "__main__":
    main()
