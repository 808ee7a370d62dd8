#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/sam2/goldens.json: what the official SAM 2 code makes of tiny random networks.

    tests/oracles/make_sam2_goldens.py --sam2-repo PATH > tests/data/sam2/goldens.json

Weights, pictures and prompts are formulae that tests/perception/sam2/tiny_sam2.h repeats, so that only results are
kept. Memories stay in 32 bits. Committed with PyTorch 2.13 and facebookresearch/sam2 at 2b90b9f.
"""
import argparse
import functools
import json
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "parity"))
import sam2_official as official  # noqa: E402

SIZE, WIDTH, HEIGHT, FRAMES = 96, 60, 44, 12


def tiny_config(repository, version):
    config = official.model_config(repository, f"{version}-tiny")
    d, m = 32, 8
    config["image_size"] = SIZE
    trunk = config["image_encoder"]["trunk"]
    trunk.update(embed_dim=8, num_heads=1, stages=[1, 2, 3, 1], global_att_blocks=[5], window_spec=[8, 4, 4, 2],
                 window_pos_embed_bkg_spatial_size=[7, 7])
    neck = config["image_encoder"]["neck"]
    neck.update(d_model=d, backbone_channel_list=[64, 32, 16, 8])
    neck["position_encoding"]["num_pos_feats"] = d
    attention = config["memory_attention"]
    attention.update(d_model=d, num_layers=2)
    attention["layer"].update(d_model=d, dim_feedforward=64)
    for name in ("self_attention", "cross_attention"):
        attention["layer"][name].update(embedding_dim=d, feat_sizes=[SIZE // 16, SIZE // 16])
    attention["layer"]["cross_attention"]["kv_in_dim"] = m
    encoder = config["memory_encoder"]
    encoder.update(out_dim=m, in_dim=d)
    encoder["position_encoding"]["num_pos_feats"] = m
    encoder["mask_downsampler"]["embed_dim"] = d
    encoder["fuser"]["layer"]["dim"] = d
    return config


def shrink_fixed_sizes():
    """Widths that the official code does not take from its configuration."""
    import sam2.modeling.sam2_base as base

    def two_way(**arguments):
        return transformer(**(arguments | {"mlp_dim": 64}))

    def decoder(**arguments):
        return mask_decoder(**(arguments | {"iou_head_hidden_dim": 32}))

    transformer, mask_decoder = base.TwoWayTransformer, base.MaskDecoder
    base.TwoWayTransformer, base.MaskDecoder = two_way, decoder


def numbers(name, count):
    """Uniform in [-1, 1): SplitMix64 from a hash (FNV-1a) of the tensor's name."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = (seed ^ byte) * 0x100000001B3 % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2**23 - 1


@torch.no_grad()
def fill(model):
    for name, tensor in model.state_dict().items():
        mean, spread = 0.0, 0.1
        if "gaussian_matrix" in name:
            spread = 1.0
        elif name.endswith(".gamma"):
            mean = 0.5
        elif tensor.ndim == 1:
            mean = 1.0 if name.endswith(".weight") else 0.0
        elif not name.endswith(".weight") or "_embed.w" in name or "token" in name.split(".")[-2] or "point_emb" in name:
            spread = 1.0
        else:
            spread = (3.0 / tensor[0].numel()) ** 0.5
        values = mean + spread * numbers(name, tensor.numel())
        tensor.copy_(torch.from_numpy(values.astype(np.float32)).view(tensor.shape))
    # Objects that are there on some frames and not on others.
    model.sam_mask_decoder.pred_obj_score_head.layers[-1].bias.fill_(-0.15)


def frame(t):
    y, x, c = np.mgrid[0:HEIGHT, 0:WIDTH, 0:3]
    return ((x * (c + 3) + y * (5 - c) + 11 * t + (x * y + 7 * t) % (13 + c) * 9) % 256).astype(np.uint8)


def ellipse(x0, y0, x1, y1):
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    u, v = (2 * x + 1 - x0 - x1) * (y1 - y0), (2 * y + 1 - y0 - y1) * (x1 - x0)
    return u * u + v * v < ((x1 - x0) * (y1 - y0)) ** 2


def rounded(array):
    return [float(f"{value:.7g}") for value in np.asarray(array, dtype=np.float32).ravel()]


def sparse(mask):
    return rounded(mask.reshape(SIZE // 4, SIZE // 4)[1::3, 1::3])


IMAGE_PROMPTS = [
    {"points": [[31, 20]], "labels": [1]},
    {"box": [8, 5, 40, 30]},
    {"points": [[31, 20], [50, 9]], "labels": [1, 0], "box": [8, 5, 40, 30]},
    {"points": [[22, 33]], "labels": [1], "mask": True},
    {"mask": True},
]


def image_goldens(repository):
    from sam2.sam2_image_predictor import SAM2ImagePredictor

    model = official.build(tiny_config(repository, "2.1"), video=False, dynamic_multimask=False, seed=0)
    fill(model)
    predictor = SAM2ImagePredictor(model)
    predictor._bb_feat_sizes = [(SIZE // s, SIZE // s) for s in (4, 8, 16)]
    predictor.set_image(frame(0))
    mask_input = (numbers("mask input", (SIZE // 4) ** 2) * 8).astype(np.float32).reshape(1, SIZE // 4, SIZE // 4)
    results = []
    for prompt in IMAGE_PROMPTS:
        for multimask in (False, True):
            _, scores, logits = predictor.predict(
                point_coords=np.array(prompt["points"], np.float32) if "points" in prompt else None,
                point_labels=np.array(prompt["labels"]) if "points" in prompt else None,
                box=np.array(prompt["box"], np.float32) if "box" in prompt else None,
                mask_input=mask_input if "mask" in prompt else None,
                multimask_output=multimask, return_logits=True)
            results.append(prompt | {"multimask": multimask, "scores": rounded(scores),
                                     "logits": [sparse(one) for one in logits]})
    return results


SCENARIOS = {
    "two objects, both ways, a correction, a new object, one removed": (
        "2.1", {}, [
            {"box": [8, 5, 40, 30], "object": 1, "frame": 3},
            {"mask": [20, 10, 52, 40], "object": 2, "frame": 7},
            {"pass": 3, "reverse": False},
            {"pass": 3, "reverse": True},
            {"points": [[30, 20], [10, 35]], "labels": [1, 0], "object": 1, "frame": 5},
            {"points": [[45, 12]], "labels": [1], "object": 7, "frame": 6},
            {"pass": 5, "reverse": False},
            {"remove": 1},
            {"pass": 9, "reverse": True},
        ]),
    "more conditioning frames than attended to, memories two frames apart": (
        "2.1", {"max_conditioning_frames": 2, "memory_stride": 2}, [
            {"box": [10, 8, 44, 36], "object": 1, "frame": 1},
            {"points": [[30, 22]], "labels": [1], "object": 1, "frame": 4},
            {"mask": [14, 6, 50, 30], "object": 1, "frame": 8},
            {"points": [[20, 30], [40, 12]], "labels": [1, 1], "object": 1, "frame": 11},
            {"pass": 0, "reverse": False},
            {"pass": 11, "reverse": True},
        ]),
    "SAM 2 without the .1": (
        "2", {}, [
            {"box": [8, 5, 40, 30], "object": 1, "frame": 4},
            {"mask": [0, 0, 0, 0], "object": 2, "frame": 5},
            {"pass": 4, "reverse": False},
            {"pass": 4, "reverse": True},
        ]),
}


def video_goldens(repository):
    import sam2.sam2_video_predictor as module

    official.keep_memories_in_f32()
    module.load_video_frames = lambda **arguments: official.frames_as_loaded(
        [frame(t) for t in range(FRAMES)], SIZE)
    results = []
    for name, (version, options, steps) in SCENARIOS.items():
        model = official.build(tiny_config(repository, version), video=True, dynamic_multimask=True, seed=0)
        fill(model)
        model.max_cond_frames_in_attn = options.get("max_conditioning_frames", -1)
        model.memory_temporal_stride_for_eval = options.get("memory_stride", 1)
        state = model.init_state(video_path="")
        done = []
        for step in steps:
            result = dict(step)
            if "pass" in step:
                result["frames"] = []
                for t, objects, _ in model.propagate_in_video(state, step["pass"], reverse=step["reverse"]):
                    result["frames"].append({"frame": t, "objects": [
                        {"object": o} | official_output(state, o, t) for o in objects]})
            elif "remove" in step:
                model.remove_object(state, step["remove"], need_output=False)
            elif "mask" in step:
                model.add_new_mask(state, step["frame"], step["object"], ellipse(*step["mask"]))
            else:
                model.add_new_points_or_box(
                    state, step["frame"], step["object"],
                    points=np.array(step["points"], np.float32) if "points" in step else None,
                    labels=np.array(step["labels"], np.int32) if "points" in step else None,
                    box=np.array(step["box"], np.float32) if "box" in step else None)
            done.append(result)
        results.append({"name": name, "version": version, "options": options, "steps": done})
    return results


def official_output(state, obj, t):
    outputs = state["output_dict_per_obj"][state["obj_id_to_idx"][obj]]
    out = outputs["cond_frame_outputs"].get(t) or outputs["non_cond_frame_outputs"][t]
    return {"score": rounded(out["object_score_logits"])[0], "logits": sparse(out["pred_masks"].numpy())}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sam2-repo", required=True)
    repository = parser.parse_args().sam2_repo
    torch.use_deterministic_algorithms(True)
    official.import_official(repository)
    shrink_fixed_sizes()
    json.dump({"image": image_goldens(repository), "video": video_goldens(repository)}, sys.stdout, indent=None,
              separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
