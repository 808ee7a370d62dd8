#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`alref mask` against the official image predictor, seeded random weights at true size.

    parity/sam2_image.py --sam2-repo PATH --alref build/release/alref [--variants 2.1-tiny ...] [--precision f32]

Each variant's weights go through `alref convert`. Prints the relative L2 error of the low-resolution logits and the
largest error of the IoU scores for each prompt; exits with 1 where one is above its bound.
"""
import argparse
import subprocess
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import sam2_official as official

BOUNDS = {"f32": (1e-4, 1e-4), "bf16": (5e-2, 5e-2)}
PROMPTS = [  # name, points with labels, box, mask input, multimask
    ("point, three masks", [(500, 300, 1)], None, False, True),
    ("box, one mask", [], (300, 100, 800, 500), False, False),
    ("points and mask, one mask", [(500, 300, 1), (900, 600, 0)], None, True, False),
    ("mask alone, three masks", [], None, True, True),
]


def picture() -> np.ndarray:
    """1280 x 720: soft blobs with fine noise on them."""
    random = np.random.default_rng(0)
    blobs = Image.fromarray(random.integers(0, 256, (9, 16, 3), dtype=np.uint8)).resize((1280, 720), Image.BICUBIC)
    return np.clip(np.array(blobs) + random.normal(0, 12, (720, 1280, 3)), 0, 255).astype(np.uint8)


def run_alref(arguments, model: Path, folder: Path, prompt):
    _, points, box, mask, multimask = prompt
    command = [arguments.alref, "mask", folder / "image.png", "--sam2", model, "-o", folder / "out",
               "--logits", folder / "logits.npy", "--precision", arguments.precision]
    for point in points:
        command += ["--point", ",".join(map(str, point))]
    if box:
        command += ["--box", ",".join(map(str, box))]
    if mask:
        command += ["--mask-input", folder / "mask.npy"]
    if multimask:
        command += ["--multimask"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return np.load(folder / "logits.npy"), np.array([float(line.split()[0]) for line in lines])


def compare(arguments, variant: str, folder: Path) -> bool:
    from sam2.sam2_image_predictor import SAM2ImagePredictor

    model = official.build(official.model_config(arguments.sam2_repo, variant), video=False,
                           dynamic_multimask=False, seed=1)
    weights = official.convert(model, arguments.alref, folder, variant)
    image = picture()
    Image.fromarray(image).save(folder / "image.png")
    predictor = SAM2ImagePredictor(model)
    predictor.set_image(image)
    mask_input = predictor.predict(point_coords=np.array([[500, 300]]), point_labels=np.array([1]),
                                   multimask_output=True, return_logits=True)[2][:1]
    np.save(folder / "mask.npy", mask_input)

    good = True
    logits_bound, score_bound = BOUNDS[arguments.precision]
    for prompt in PROMPTS:
        name, points, box, mask, multimask = prompt
        _, scores, logits = predictor.predict(
            point_coords=np.array([p[:2] for p in points]) if points else None,
            point_labels=np.array([p[2] for p in points]) if points else None,
            box=np.array(box) if box else None, mask_input=mask_input if mask else None,
            multimask_output=multimask, return_logits=True)
        got_logits, got_scores = run_alref(arguments, weights, folder, prompt)
        logits_error = np.linalg.norm(got_logits - logits) / np.linalg.norm(logits)
        score_error = np.abs(got_scores - scores).max()
        good &= bool(logits_error <= logits_bound and score_error <= score_bound)
        print(f"{variant} {arguments.precision} {name}: logits {logits_error:.1e}, scores {score_error:.1e}", flush=True)
    weights.unlink()
    return good


if __name__ == "__main__":
    torch.manual_seed(0)
    PARSER = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    PARSER.add_argument("--precision", choices=BOUNDS, default="f32")
    official.compare_variants(PARSER, list(official.VARIANTS), compare)
