# SPDX-License-Identifier: Apache-2.0
"""The scores of a run as a table for the model card.

python -m training.sam2.curve DIR/log.jsonl [--every HOURS]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

_COLUMNS = ("prompt", "j", "f", "jf")


def table(lines: list[dict], every: float) -> str:
    """Markdown: hours, steps, stage, scores of both splits; rows at least `every` hours apart."""
    head = ["hours", "steps", "stage"]
    head += [f"{split} {c}" for split in ("seen", "unseen") for c in _COLUMNS]
    rows = [head, ["---"] * len(head)]
    last = -every
    scores = [line for line in lines if line["kind"] == "score"]
    for line in scores:
        if line["hours"] - last < every and line is not scores[-1]:
            continue
        last = line["hours"]
        row = [f"{line['hours']:.2f}", str(line["step"]), f"{line['stage']} {line['size']} px"]
        for split in ("seen", "unseen"):
            values = [line[split].get(c) for c in _COLUMNS]
            row += ["" if v is None else f"{v:.1f}" for v in values]
        rows.append(row)
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("log", type=Path)
    parser.add_argument("--every", type=float, default=0.0, help="hours between two rows")
    args = parser.parse_args()
    print(table([json.loads(line) for line in args.log.read_text().splitlines()], args.every))


if __name__ == "__main__":
    main()
