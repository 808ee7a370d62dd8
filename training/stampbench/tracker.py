# SPDX-License-Identifier: Apache-2.0
"""The tracker's score on StampBench: a true box on one frame, masks on all of them.

python -m training.stampbench.tracker BENCH --alref build/release/alref -o OUT [--sam2 MODEL.gguf] [--every 4]

Runs `alref track --both` with the prompts of BENCH/stampbench.json (a run that was stopped goes on), then
scores J and F over the frames that are not prompted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path

import numpy as np
from PIL import Image
from pycocotools import mask as coco

from ..sam2.evaluate import score_clip


class Truth:
    """The true masks of a StampBench, whose files are read once."""

    def __init__(self, bench: Path):
        self.unseen = bench / "unseen/Annotations"
        root = bench / "mevis/valid_u"
        self.said = json.loads((root / "meta_expressions.json").read_text())["videos"]
        self.masks = json.loads((root / "mask_dict.json").read_text())

    def of(self, name: str, video: dict) -> dict[int, np.ndarray]:
        """Masks bool [T, H, W] of each object."""
        if video["split"] == "unseen":
            maps = np.stack([np.array(Image.open(p)) for p in sorted((self.unseen / name).glob("*.png"))])
            return {o["id"]: maps == o["id"] for o in video["objects"]}
        # The clip's objects follow one another there; a sentence says where its own one is.
        about = {key: e["obj_id"] for key, e in video["expressions"].items() if e["obj_id"] is not None}
        key, n = next(iter(about.items()))
        first = self.said[name]["expressions"][key]["anno_id"][0] - n
        empty = np.zeros(video["size"], bool)
        return {
            o["id"]: np.stack([coco.decode(r) > 0 if r else empty for r in self.masks[str(first + o["id"])]])
            for o in video["objects"]
        }


def track(args: argparse.Namespace, name: str, video: dict) -> Path:
    """-> the folder of the clip's masks."""
    folder = args.bench / ("unseen/JPEGImages" if video["split"] == "unseen" else "mevis/valid_u/JPEGImages") / name
    out = args.out / name
    if (out / "done").exists():
        return out
    out.mkdir(parents=True, exist_ok=True)
    for o in video["objects"]:  # apart, since each starts from a frame of its own
        path = out / f"prompt-{o['id']}.json"
        path.write_text(json.dumps([{"object": o["id"], **o["prompt"]}]))
        subprocess.run([args.alref, "track", folder, "--prompts", path, "--both", "--sam2", args.sam2,
                        "--threads", args.threads, "-o", out], check=True, capture_output=True)
    (out / "done").touch()
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=Path)
    parser.add_argument("--alref", required=True)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, help="take every n-th clip of a split only")
    parser.add_argument("--sam2", default="models/nano-sam2.1.gguf")
    parser.add_argument("--threads", default="1")
    args = parser.parse_args()
    truth = Truth(args.bench)
    videos = json.loads((args.bench / "stampbench.json").read_text())["videos"]
    for split in ("seen", "unseen"):
        sums: dict[str, list[float]] = {"j": [], "f": [], "prompt": []}
        chosen = [n for n in sorted(videos) if videos[n]["split"] == split][:: args.every]
        for name in chosen:
            out, video = track(args, name, videos[name]), videos[name]
            starts = {o["id"]: o["prompt"]["frame"] for o in video["objects"]}
            for n, true in truth.of(name, video).items():
                masks = sorted((out / "masks" / str(n)).glob("*.png"))
                predicted = np.stack([np.array(Image.open(p)) > 0 for p in masks])
                for key, values in score_clip(predicted[None], true[None], starts[n]).items():
                    sums[key] += values
        means = {k: round(100 * float(np.mean(v)), 1) for k, v in sums.items()}
        jf = round(50 * float(np.mean(sums["j"]) + np.mean(sums["f"])), 1)
        print(json.dumps({"split": split, "clips": len(chosen), "objects": len(sums["j"]), **means, "jf": jf}), flush=True)


if __name__ == "__main__":
    main()
