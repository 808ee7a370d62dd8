#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`alref track` against the official video predictor on a real clip, seeded random weights at true size.

    parity/sam2_video.py --sam2-repo PATH --alref build/release/alref --video CLIP.mp4 [--variants 2.1-tiny ...]

16 frames, a box on frame 5 for object 1, a mask on frame 11 for object 2, forwards and in reverse from frame 5, unless
options say otherwise. The official memories are kept in f32. Prints the largest relative L2 error of any frame's low-resolution logits; exits with
1 where it is above its bound. Needs the program ffmpeg, which cuts the frames for both.
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


def cut_frames(video: str, folder: Path, count: int):
    folder.mkdir()
    subprocess.run(["ffmpeg", "-v", "error", "-i", video, "-vf", "select=not(mod(n\\,4))", "-vsync", "0",
                    "-frames:v", str(count), "-start_number", "0", folder / "%05d.png"], check=True)
    return [np.array(Image.open(path)) for path in sorted(folder.iterdir())]


def prompts(height: int, width: int):
    box = [0.30 * width, 0.25 * height, 0.62 * width, 0.80 * height]
    y, x = np.mgrid[0:height, 0:width]
    mask = ((x / width - 0.55) / 0.2) ** 2 + ((y / height - 0.5) / 0.3) ** 2 < 1
    return [float(np.float32(v)) for v in box], mask


def run_official(arguments, model, frames, box, mask):
    """{(pass, frame, object): low-resolution logits}"""
    import sam2.sam2_video_predictor as module

    official.keep_memories_in_f32()
    module.load_video_frames = lambda **_: official.frames_as_loaded(frames, model.image_size)
    state = model.init_state(video_path="")
    model.add_new_points_or_box(state, arguments.box_frame, 1, box=np.array(box, np.float32))
    model.add_new_mask(state, arguments.mask_frame, 2, mask)
    masks = {}
    for reverse in (False, True):
        for frame, objects, _ in model.propagate_in_video(state, start_frame_idx=arguments.box_frame, reverse=reverse):
            for index, obj in enumerate(objects):
                outputs = state["output_dict_per_obj"][index]
                out = outputs["cond_frame_outputs"].get(frame) or outputs["non_cond_frame_outputs"][frame]
                masks[reverse, frame, obj] = out["pred_masks"][0, 0].numpy()
    return masks


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
    box, mask = prompts(*frames[0].shape[:2])
    expected = run_official(arguments, model, frames, box, mask)
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
