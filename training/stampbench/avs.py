# SPDX-License-Identifier: Apache-2.0
"""Write Stamp-AVS: clips with sounding and silent things in the layouts of AVSBench.

    python -m training.stampbench.avs --out DIR --seed 1 [--clips 40]

DIR/Single-source (S4), DIR/Multi-sources (MS3), DIR/AVSBench_semantic (AVSS: v1s and v1m are the
first two relabelled, as in AVSBench; V2-binary: v2), each with `clips` clips, all of split "test".
DIR/stampavs.json: what is seen in every clip, and what sounds in every second.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from . import avs_plan
from .__main__ import _NOTICE
from .avs_layouts import MultiSources, Semantic, SingleSource


def describe(entry: avs_plan.Entry, scene: avs_plan.Scene) -> dict:
    """What the score tables need to know of a clip."""
    return {
        "setting": entry.setting.name,
        "seed": entry.seed,
        "size": list(entry.size),
        "objects": [
            {
                "kind": kind,
                "cutout": scene.clip.keys[n],
                "category": avs_plan.category(kind),
                "sounds": scene.sounding[n].nonzero()[0].tolist(),
                "area": [round(float(m.mean()), 4) for m in scene.clip.masks[n]],
            }
            for n, kind in enumerate(scene.clip.kinds)
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clips", type=int, default=40, help="of each setting")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "LICENCE.txt").write_text(_NOTICE)
    single, multi, semantic = (
        layout(args.out) for layout in (SingleSource, MultiSources, Semantic)
    )
    layouts = {"s4": (single, "v1s"), "ms3": (multi, "v1m"), "v2": (None, "v2")}
    described = {}
    for setting in avs_plan.SETTINGS:
        layout, label = layouts[setting.name]
        for entry in avs_plan.plan(args.seed, setting, args.clips):
            scene = avs_plan.render(entry)
            described[entry.name] = describe(entry, scene)
            if layout is not None:
                layout.add(entry.name, scene)
            if all(avs_plan.category(kind) for kind in entry.seconds):
                semantic.add(entry.name, label, scene)
            print(f"{entry.name}: {', '.join(entry.seconds)}", flush=True)
    for layout in (single, multi, semantic):
        layout.finish()
    meta = {"name": "Stamp-AVS", "seed": args.seed, "videos": described}
    (args.out / "stampavs.json").write_text(json.dumps(meta, indent=1) + "\n")


if __name__ == "__main__":
    main()
