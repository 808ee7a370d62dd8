#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`alref track` against the official video predictor on a real clip, seeded random weights at true size.

    parity/sam2_video.py --sam2-repo PATH --alref build/release/alref --video CLIP.mp4 [--variants 2.1-tiny ...]

16 frames, a box on frame 5 for object 1, a mask on frame 11 for object 2, forwards and in reverse from frame 5, unless
options say otherwise. The official memories are kept in f32. Prints the largest relative L2 error of any frame's low-resolution logits; exits with
1 where it is above its bound. Needs the program ffmpeg, which cuts the frames for both.

A box's mask is chosen among four: the single one where its stability is 0.98 or more, else the best of the three others. Under
random weights that can be a tie, which any rounding decides; a mask is then another one, not a worse one. So the first
of three boxes is taken with which the official code, in f32, is far enough from a tie.
"""
import argparse
import json
import subprocess
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import sam2_official as official

BOUNDS = {"f32": 1e-3, "bf16": 5e-2}
CLEAR = 0.005  # a choice's distance from a tie: bf16 moved the stability that decides by up to 0.0008


def cut_frames(video: str, folder: Path, count: int):
    folder.mkdir()
    subprocess.run(["ffmpeg", "-v", "error", "-i", video, "-vf", "select=not(mod(n\\,4))", "-vsync", "0",
                    "-frames:v", str(count), "-start_number", "0", folder / "%05d.png"], check=True)
    return [np.array(Image.open(path)) for path in sorted(folder.iterdir())]


def prompts(height: int, width: int):
    """Boxes to take the first clear one of, and a mask."""
    corners = [(0.30, 0.25, 0.62, 0.80), (0.60, 0.60, 0.95, 0.75), (0.35, 0.05, 0.47, 0.20)]
    boxes = [np.float32(box) * np.float32([width, height] * 2) for box in corners]
    y, x = np.mgrid[0:height, 0:width]
    mask = ((x / width - 0.55) / 0.2) ** 2 + ((y / height - 0.5) / 0.3) ** 2 < 1
    return boxes, mask


def distance_from_tie(decoder, masks, scores) -> float:
    """How far the dynamic choice among four masks of one object is from choosing another one."""
    stability = decoder._get_stability_scores(masks)[0, 0].item()
    distance = abs(stability - decoder.dynamic_multimask_stability_thresh)
    if stability < decoder.dynamic_multimask_stability_thresh:
        _, second, best = scores[0, 1:].sort().values.tolist()
        distance = min(distance, best - second)
    return distance


def add_clear_box(model, state, frame, boxes):
    """Prompts with the first box that leaves no tie; returns it."""
    decoder, distances = model.sam_mask_decoder, []
    choose = decoder._dynamic_multimask_via_stability

    def observed(masks, scores):
        distances.append(distance_from_tie(decoder, masks, scores))
        return choose(masks, scores)

    decoder._dynamic_multimask_via_stability = observed
    for box in boxes:
        model.reset_state(state)
        model.add_new_points_or_box(state, frame, 1, box=box)
        if distances[-1] >= CLEAR:
            decoder._dynamic_multimask_via_stability = choose
            print(f"box {box.round(1).tolist()}: {distances[-1]:.4f} from a tie; before it: "
                  f"{[round(d, 4) for d in distances[:-1]]}", flush=True)
            return box.tolist()
    raise SystemExit(f"no box is {CLEAR} from a tie: {distances}")


def run_official(arguments, model, frames, boxes, mask):
    """{(pass, frame, object): low-resolution logits}, and the box"""
    import sam2.sam2_video_predictor as module

    official.keep_memories_in_f32()
    module.load_video_frames = lambda **_: official.frames_as_loaded(frames, model.image_size)
    state = model.init_state(video_path="")
    box = add_clear_box(model, state, arguments.box_frame, boxes)
    model.add_new_mask(state, arguments.mask_frame, 2, mask)
    masks = {}
    for reverse in (False, True):
        for frame, objects, _ in model.propagate_in_video(state, start_frame_idx=arguments.box_frame, reverse=reverse):
            for index, obj in enumerate(objects):
                outputs = state["output_dict_per_obj"][index]
                out = outputs["cond_frame_outputs"].get(frame) or outputs["non_cond_frame_outputs"][frame]
                masks[reverse, frame, obj] = out["pred_masks"][0, 0].numpy()
    return masks, box


def run_alref(arguments, weights, folder, box, mask, precision):
    Image.fromarray(mask.astype(np.uint8) * 255).save(folder / "mask.png")
    (folder / "prompts.json").write_text(json.dumps([
        {"frame": arguments.box_frame, "object": 1, "box": box},
        {"frame": arguments.mask_frame, "object": 2, "mask": "mask.png"}]))
    start = time.monotonic()
    logits = folder / precision
    subprocess.run([arguments.alref, "track", folder / "frames", "--sam2", weights, "--prompts", folder / "prompts.json",
                    "--both", "--max-cond-frames", "-1", "--logits", logits, "-o", folder / "out",
                    "--precision", precision], check=True)
    print(f"alref track --precision {precision}: {time.monotonic() - start:.1f} s", flush=True)
    return logits


def compare(arguments, variant: str, folder: Path) -> bool:
    model = official.build(official.model_config(arguments.sam2_repo, variant), video=True,
                           dynamic_multimask=True, seed=1)
    weights = official.convert(model, arguments.alref, folder, variant)
    frames = cut_frames(arguments.video, folder / "frames", arguments.frames)
    boxes, mask = prompts(*frames[0].shape[:2])
    expected, box = run_official(arguments, model, frames, boxes, mask)
    good = True
    for precision in arguments.precisions:
        logits = run_alref(arguments, weights, folder, box, mask, precision)
        errors = {}
        for (reverse, frame, obj), value in expected.items():
            if not reverse and frame == arguments.box_frame and (True, frame, obj) in expected:
                continue  # the file holds the second pass's
            got = np.load(logits / f"{frame}_{obj}.npy")
            errors[reverse, frame, obj] = np.linalg.norm(got - value) / np.linalg.norm(value)
        worst = max(errors, key=errors.get)
        good &= bool(errors[worst] <= BOUNDS[precision])
        inside = np.mean([(value > 0).mean() for value in expected.values()])
        print(f"{variant} {precision}: {len(errors)} masks ({inside:.2f} of their pixels inside), largest relative error "
              f"{errors[worst]:.1e} (reverse, frame, object: {worst}), median {np.median(list(errors.values())):.1e}", flush=True)
    return good


if __name__ == "__main__":
    PARSER = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    PARSER.add_argument("--video", required=True)
    PARSER.add_argument("--frames", type=int, default=16)
    PARSER.add_argument("--box-frame", type=int, default=5)
    PARSER.add_argument("--mask-frame", type=int, default=11)
    PARSER.add_argument("--precisions", nargs="+", default=["f32", "bf16"], choices=BOUNDS)
    official.compare_variants(PARSER, ["2.1-tiny", "2.1-large", "2-tiny"], compare)
