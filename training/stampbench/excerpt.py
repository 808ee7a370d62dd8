# SPDX-License-Identifier: Apache-2.0
"""Write the few clips of StampBench that are kept with the sources, for the tests.

    python -m training.stampbench.excerpt --bench bench-data --out tests/data/stampbench --clips 10

The layout is MeViS's, except that a clip is VIDEO.mp4 and mask_dict.json is compressed: small enough to keep.
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", type=Path, required=True, help="what `make bench-data` wrote")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=10)
    args = parser.parse_args()
    source = args.bench / "mevis" / "valid_u"
    args.out.mkdir(parents=True, exist_ok=True)
    videos = json.loads((source / "meta_expressions.json").read_text())["videos"]
    chosen = dict(list(videos.items())[: args.clips])
    masks = json.loads((source / "mask_dict.json").read_text())
    wanted = {str(n) for v in chosen.values() for e in v["expressions"].values() for n in e["anno_id"]}
    truth = json.dumps({n: masks[n] for n in sorted(wanted, key=int)}, separators=(",", ":"))
    (args.out / "mask_dict.json.gz").write_bytes(gzip.compress(truth.encode(), 9, mtime=0))
    (args.out / "meta_expressions.json").write_text(json.dumps({"videos": chosen}, indent=1) + "\n")
    bench = json.loads((args.bench / "stampbench.json").read_text())
    bench["videos"] = {name: bench["videos"][name] for name in chosen}
    (args.out / "stampbench.json").write_text(json.dumps(bench, indent=1) + "\n")
    (args.out / "LICENCE.txt").write_text((args.bench / "LICENCE.txt").read_text())
    for name in chosen:
        command = ["ffmpeg", "-v", "error", "-y", "-framerate", "15", "-i", source / "JPEGImages" / name / "%05d.jpg"]
        command += ["-c:v", "libx264", "-preset", "slow", "-crf", "25", "-threads", "1", "-pix_fmt", "yuv420p"]
        subprocess.run([*map(str, command), str(args.out / f"{name}.mp4")], check=True)


if __name__ == "__main__":
    main()
