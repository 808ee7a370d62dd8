#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table of ablations on a data set with known truth: the method with its steps switched off one by one, or replaced
by what the truth would choose.

usage: tools/ablations.py --alref PROGRAM --bench DIR --out DIR [--shard i/n] [--threads N] [--sam2 M] [--detector M]

DIR is what `make bench-data` writes. Runs `alref evaluate rvos --ablations` (resumable), scores each variant, and writes
OUT/ablations.md and OUT/ablations.svg. Only videos with results of all variants count, so that a part of a data set
(--shard) can be shown.
"""
import argparse
import html
import json
import subprocess
from pathlib import Path

ROWS = {
    "baseline": "baseline: best box on frame 0",
    "pivot-frame": "+ pivot frame",
    "pivot-box": "+ pivot box: the method",
    "oracle-frame": "true pivot frame",
    "oracle-box": "true choice of the box",
    "oracle-both": "both",
    "true-detections": "true boxes for the detector's",
}
CATEGORIES = ["kind", "position", "size", "motion", "order", "relation"]
# "Motion, order or one of several of a kind decides."
HARD = "motion, order or contested"


def scores(alref: str, bench: Path, out: Path) -> list[dict]:
    file = out.with_suffix(".json")
    subprocess.run([alref, "score", "rvos", out, "--root", bench / "ref-youtube-vos", "--attributes",
                    bench / "stampbench.json", "--json", file], check=True, stdout=subprocess.DEVNULL)
    return json.loads(file.read_text())["expressions"]


def means(expressions: list[dict]) -> dict[str, float]:
    """J&F in percent overall and by category; for sentences about nothing the share of empty answers."""
    def mean(values):
        values = list(values)
        return 100 * sum(values) / len(values) if values else float("nan")

    def is_hard(e):
        a = e["attributes"]
        return a["category"] in ("motion", "order") or a["contested"] == "true"

    about = [e for e in expressions if e["refers_to_something"]]
    value = {"all": mean((e["J"] + e["F"]) / 2 for e in about)}
    for category in CATEGORIES:
        value[category] = mean((e["J"] + e["F"]) / 2 for e in about if e["attributes"]["category"] == category)
    value[HARD] = mean((e["J"] + e["F"]) / 2 for e in about if is_hard(e))
    value["nothing: empty"] = mean(e["answered_empty"] for e in expressions if not e["refers_to_something"])
    return value


def chart(table: dict[str, dict[str, float]]) -> str:
    """A bar a variant and group of columns, as SVG."""
    columns = ["all", HARD, *CATEGORIES]
    colours = ["#999999", "#7fb2e5", "#1f5fa8", "#f0b27a", "#e67e22", "#c0392b", "#27ae60"]
    bar, gap, left, height = 11, 18, 50, 260
    group = bar * len(table) + gap
    width = left + group * len(columns) + 20
    svg = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height + 60 + 16 * len(table)}" '
           'font-family="sans-serif" font-size="12">', '<rect width="100%" height="100%" fill="white"/>']
    for value in range(0, 101, 20):
        y = 20 + height * (1 - value / 100)
        svg.append(f'<line x1="{left}" x2="{width - 10}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>')
        svg.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{value}</text>')
    for i, column in enumerate(columns):
        x = left + gap / 2 + i * group
        for k, variant in enumerate(table):
            tall = max(0.0, table[variant][column]) / 100 * height if table[variant][column] == table[variant][column] else 0
            svg.append(f'<rect x="{x + k * bar:.1f}" y="{20 + height - tall:.1f}" width="{bar - 1}" height="{tall:.1f}" '
                       f'fill="{colours[k]}"/>')
        label = "hard" if column == HARD else column
        svg.append(f'<text x="{x + bar * len(table) / 2:.1f}" y="{height + 38}" text-anchor="middle">{label}</text>')
    for k, variant in enumerate(table):
        y = height + 60 + 16 * k
        svg.append(f'<rect x="{left}" y="{y - 10}" width="11" height="11" fill="{colours[k]}"/>')
        svg.append(f'<text x="{left + 18}" y="{y}">{html.escape(ROWS[variant])}</text>')
    return "\n".join(svg) + "\n</svg>\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--alref", required=True)
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--table-only", action="store_true", help="of the results that there are")
    args, options = parser.parse_known_args()  # the rest is for `alref evaluate rvos`
    if not args.table_only:
        subprocess.run([args.alref, "evaluate", "rvos", "--root", args.bench / "ref-youtube-vos", "-o", args.out,
                        "--ablations", "--kinds", args.bench / "stampbench.json", *options], check=True)
    done = {file.stem for file in (args.out / ".alref").glob("*.done")}
    table = {}
    for variant in ROWS:
        if (args.out / variant).is_dir():
            expressions = scores(args.alref, args.bench, args.out / variant)
            counted = [e for e in expressions if e["video"] in done]
            table[variant] = means(counted)
    columns = list(next(iter(table.values())))
    lines = [f"J&F on {len(done)} clips, {len(counted)} sentences", "", "| | " + " | ".join(columns) + " |",
             "| --- |" + " ---: |" * len(columns)]
    for variant, values in table.items():
        lines.append(f"| {ROWS[variant]} | " + " | ".join(f"{values[c]:.1f}" for c in columns) + " |")
    text = "\n".join(lines) + "\n"
    (args.out / "ablations.md").write_text(text)
    (args.out / "ablations.svg").write_text(chart(table))
    print(text)


if __name__ == "__main__":
    main()
