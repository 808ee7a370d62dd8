#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/metrics/goldens.h: scores of random masks by NumPy and SciPy alone, sharing no code with src/metrics.

usage: make_goldens.py [--davis-repo DIR] [--avsbench-repo DIR] > goldens.h

With the official repositories at hand (davisvideochallenge/davis2017-evaluation; OpenNLPLab/AVSBench) it also compares
itself with their code and fails where they are more than 1e-6 apart. Needs numpy and scipy; the comparison with the
repositories also opencv-python-headless, scikit-image and torch.
"""
import argparse
import math
import sys

import numpy as np
import scipy
from scipy.ndimage import distance_transform_edt
from scipy.optimize import linear_sum_assignment


class Random:
    def __init__(self, seed):
        self.state = seed

    def below(self, bound):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % bound


def random_mask(random, width, height):
    mask = np.zeros((height, width), bool)
    kind = random.below(10)
    if kind == 0:
        return mask
    if kind == 1:
        return ~mask
    y, x = np.mgrid[:height, :width]
    for _ in range(1 + random.below(3)):
        cx, cy = random.below(width), random.below(height)
        rx, ry = 1 + random.below(width // 2), 1 + random.below(height // 2)
        mask |= ((x - cx) * ry) ** 2 + ((y - cy) * rx) ** 2 <= (rx * ry) ** 2
    for _ in range(width * height // 50):
        mask.flat[random.below(width * height)] ^= True
    return mask


def j_score(p, t, void):
    p, t = p & ~void, t & ~void
    union = (p | t).sum()
    return 1.0 if union == 0 else (p & t).sum() / union


def edge_map(m):
    """Neighbours to the right, below and diagonal; padded with a copy, so that nothing differs at the border."""
    q = np.pad(m, ((0, 1), (0, 1)), mode="edge")
    right, below, diagonal = q[:-1, 1:], q[1:, :-1], q[1:, 1:]
    out = (m ^ right) | (m ^ below) | (m ^ diagonal)
    out[-1, :] = (m ^ right)[-1, :]
    out[:, -1] = (m ^ below)[:, -1]
    out[-1, -1] = False
    return out


def near(m, radius):
    return distance_transform_edt(~m) <= radius if m.any() else np.zeros_like(m)


def f_score(p, t, void):
    radius = math.ceil(0.008 * math.hypot(*t.shape))
    pb, tb = edge_map(p & ~void), edge_map(t & ~void)
    if not pb.any() or not tb.any():
        return float(pb.any() == tb.any())
    precision = (pb & near(tb, radius)).sum() / pb.sum()
    recall = (tb & near(pb, radius)).sum() / tb.sum()
    return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def avs_batches(pairs, frames_per_batch):
    js, fs = [], []
    for start in range(0, len(pairs), frames_per_batch):
        ious, curves = [], []
        for p, t in pairs[start : start + frames_per_batch]:
            if not t.any():
                ious.append((~p).sum() / (t.size + 1e-7))
                continue
            ious.append((p & t).sum() / ((p | t).sum() + 1e-7))
            curve = []
            for threshold in np.linspace(0, 1, 255):
                q = p.astype(float) >= threshold
                precision, recall = (q & t).sum() / (q.sum() + 1e-20), (q & t).sum() / t.sum()
                divisor = 0.3 * precision + recall
                curve.append(1.3 * precision * recall / divisor if divisor else 0.0)
            curves.append(curve)
        js.append(np.mean(ious))
        fs.append(np.mean(curves, 0).max() if curves else 0.0)
    return float(np.mean(js)), float(np.mean(fs))


def avss(pairs):
    ious, fs = [[] for _ in range(71)], [[] for _ in range(71)]
    for p, t in pairs:
        for c in range(71):
            a, b = p == c, t == c
            if not (a | b).any():
                continue
            both = (a & b).sum()
            ious[c].append(both / (a | b).sum())
            precision, recall = both / max(a.sum(), 1), both / max(b.sum(), 1)
            fs[c].append(1.3 * precision * recall / (0.3 * precision + recall) if both else 0.0)
    return tuple(float(np.mean([np.mean(v) if v else 0.0 for v in values])) for values in (ious, fs))


SIZES = [(64, 48), (33, 77), (1, 1), (2, 5), (160, 90), (224, 224)]


def frames(count, seed):
    random = Random(seed)
    for i in range(count):
        width, height = SIZES[i % len(SIZES)]
        size = (max(width, 2), max(height, 2))
        yield random_mask(random, *size), random_mask(random, *size), random_mask(random, *size) if i % 3 == 0 else None


def table(name, rows):
    print(f"inline const std::vector<std::pair<double, double>> {name} = {{")
    for a, b in rows:
        print(f"    {{{a!r}, {b!r}}},")
    print("};\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--davis-repo")
    parser.add_argument("--avsbench-repo")
    args = parser.parse_args()

    davis = []
    for p, t, void in frames(60, seed=1):
        v = np.zeros_like(t) if void is None else void
        davis.append((float(j_score(p, t, v)), float(f_score(p, t, v))))

    random = Random(2)
    predicted = [[random_mask(random, 40, 30) for _ in range(3)] for _ in range(4)]
    truth = [[random_mask(random, 40, 30) for _ in range(3)] for _ in range(3)]
    void = np.zeros((30, 40), bool)
    js = np.array([[np.mean([j_score(a, b, void) for a, b in zip(p, t)]) for t in truth] for p in predicted])
    fs = np.array([[np.mean([f_score(a, b, void) for a, b in zip(p, t)]) for t in truth] for p in predicted])
    rows, columns = linear_sum_assignment(-(js + fs) / 2)
    matched = [(float(js[r, c]), float(fs[r, c])) for c, r in sorted(zip(columns, rows))]

    random = Random(3)
    pairs = [(random_mask(random, 56, 56), random_mask(random, 56, 56)) for _ in range(50)]
    random = Random(4)
    maps = []
    for _ in range(12):
        both = []
        for _ in range(2):
            m = np.zeros((24, 24), int)
            for _ in range(4):
                label = random.below(71)
                m[random_mask(random, 24, 24)] = label
            both.append(m)
        maps.append(tuple(both))

    print("// SPDX-License-Identifier: Apache-2.0")
    print(f"// Made by make_goldens.py with numpy {np.__version__}, scipy {scipy.__version__}.")
    print("#pragma once\n\n#include <utility>\n#include <vector>\n\nnamespace alref::metrics {\n")
    print("// J and F of 60 frames, seed 1.")
    table("kDavisFrames", davis)
    print("// Mean J and F of three true objects matched to four predicted ones, three frames, seed 2.")
    table("kMatchedTracks", matched)
    print("// M_J and M_F of 50 frames, seed 3: batches of 20 frames, and frame by frame.")
    table("kAvs", [avs_batches(pairs, 20), avs_batches(pairs, 1)])
    print("// Mean IoU and F of 12 class maps, seed 4.")
    table("kAvss", [avss(maps)])
    print("}  // namespace alref::metrics")

    if args.davis_repo:
        sys.path.insert(0, args.davis_repo)
        from davis2017.metrics import db_eval_boundary, db_eval_iou

        for (p, t, v), (j, f) in zip(frames(60, seed=1), davis):
            assert abs(db_eval_iou(t, p, v) - j) < 1e-6 and abs(db_eval_boundary(t, p, v) - f) < 1e-6
        print("davis2017-evaluation agrees", file=sys.stderr)
    if args.avsbench_repo:
        compare_with_avsbench(args.avsbench_repo, pairs, maps, avs_batches(pairs, 20), avss(maps))


def compare_with_avsbench(repo, pairs, maps, expected_avs, expected_avss):
    import contextlib
    import io
    import tempfile
    import types

    import torch

    for name in ("pandas", "torchvision", "torchvision.transforms", "cv2"):
        sys.modules.setdefault(name, types.ModuleType(name))
    sys.modules["torchvision"].transforms = sys.modules["torchvision.transforms"]
    torch.Tensor.cuda = lambda self, *a, **k: self
    sys.path.insert(0, f"{repo}/avs_scripts/avs_s4/utils")
    sys.path.insert(0, f"{repo}/avs_scripts/avss/utils")
    import compute_color_metrics
    import utility

    js, fs = [], []
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        for start in range(0, len(pairs), 20):
            p, t = (torch.tensor(np.array(m[start : start + 20]).astype(np.float32)) for m in zip(*pairs))
            logits = (p * 2 - 1) * 100
            js.append(float(utility.mask_iou(logits, t.int())))
            fs.append(float(utility.Eval_Fmeasure(logits, t, folder)))
    assert abs(np.mean(js) - expected_avs[0]) < 1e-6 and abs(np.mean(fs) - expected_avs[1]) < 1e-6
    p = torch.nn.functional.one_hot(torch.tensor(np.array([m[0] for m in maps])), 71).permute(0, 3, 1, 2).float()
    t = torch.tensor(np.array([m[1] for m in maps]))
    iou, f, count, _ = compute_color_metrics.calc_color_miou_fscore(p, t, T=1)
    result = [float(torch.nan_to_num(x / count).mean()) for x in (iou, f)]
    assert abs(result[0] - expected_avss[0]) < 1e-6 and abs(result[1] - expected_avss[1]) < 1e-6, (result, expected_avss)
    print("AVSBench agrees", file=sys.stderr)


if __name__ == "__main__":
    main()
