#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The peer of bench_sam2: Hugging Face's Sam2Video in PyTorch, random weights, memory full, by stage.

usage: bench/peers/sam2_hf.py {tiny|large} {f32|bf16|autocast} [--threads N] [--objects 1] [--repeats 5]

One clicked frame, then frames that each attend to 7 memories of 4096 tokens and 16 pointers of 4 tokens,
1024 px. A run during which other processes took more than 5 % of the machine is told apart as
"disturbed". Needs parity/requirements.txt.
"""
import argparse
import contextlib
import os
import time

import torch
from transformers import Sam2VideoConfig, Sam2VideoModel
from transformers.models.sam2.configuration_sam2 import Sam2HieraDetConfig, Sam2VisionConfig
from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

WIDTH = {"tiny": 96, "large": 144}
HIERA = {
    "tiny": {"num_attention_heads": 1, "blocks_per_stage": [1, 2, 7, 2], "window_size_per_stage": [8, 4, 14, 7],
             "num_attention_heads_per_stage": [1, 2, 4, 8], "global_attention_blocks": [5, 7, 9]},
    "large": {"num_attention_heads": 2, "blocks_per_stage": [2, 6, 36, 4], "window_size_per_stage": [8, 4, 16, 8],
              "num_attention_heads_per_stage": [2, 4, 8, 16], "global_attention_blocks": [23, 33, 43]},
}
STAGES = {"get_image_features": "encoder", "_prepare_memory_conditioned_features": "memory attention",
          "_single_frame_forward": "decoder", "_encode_new_memory": "memory encoder"}
FULL = 17  # the first frame that sees 6 recent memories beside the clicked one, and 16 pointers
TOKENS = 7 * 4096 + 16 * 4


def busy() -> float:
    """Seconds of processor time that all processes of the machine have used."""
    with open("/proc/stat", encoding="ascii") as stat:
        user, nice, system = (int(word) for word in stat.readline().split()[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def build(variant: str) -> Sam2VideoModel:
    widths = [WIDTH[variant] * 2**i for i in range(4)]
    backbone = Sam2HieraDetConfig(hidden_size=widths[0], embed_dim_per_stage=widths,
                                  window_positional_embedding_background_size=[7, 7], **HIERA[variant])
    vision = Sam2VisionConfig(backbone_config=backbone, backbone_channel_list=widths[::-1])
    torch.manual_seed(0)
    return Sam2VideoModel._from_config(Sam2VideoConfig(vision_config=vision), attn_implementation="sdpa").eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("variant", choices=list(HIERA))
    parser.add_argument("precision", choices=["f32", "bf16", "autocast"])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--objects", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    dtype = torch.bfloat16 if args.precision == "bf16" else torch.float32
    model = build(args.variant).to(dtype)
    video = torch.randn(FULL + 1 + args.repeats, 3, 1024, 1024)
    session = Sam2VideoInferenceSession(video=video, video_height=720, video_width=1280, dtype=dtype)
    for number in range(args.objects):
        index = session.obj_id_to_idx(number + 1)
        place = torch.tensor([[[[300.0 + 100 * number, 512.0]]]], dtype=dtype)
        session.add_point_inputs(index, 0, {"point_coords": place, "point_labels": torch.ones(1, 1, 1, dtype=torch.int32)})
        session.obj_with_new_inputs.append(number + 1)
    spent, tokens = {}, set()

    def timed(owner, name, label):
        function = getattr(owner, name)

        def run(*positional, **named):
            if "memory" in named:
                tokens.add(named["memory"].shape[0])
            start = time.perf_counter()
            result = function(*positional, **named)
            spent[label] = spent.get(label, 0) + time.perf_counter() - start
            return result

        setattr(owner, name, run)

    for name, label in STAGES.items():
        timed(model, name, label)
    timed(model.memory_attention, "forward", "of which its network")
    autocast = contextlib.nullcontext()
    if args.precision == "autocast":
        autocast = torch.autocast("cpu", dtype=torch.bfloat16)
    runs = []
    with torch.inference_mode(), autocast:
        model(session, frame_idx=0)
        model(session, frame_idx=1)
        for outputs in session.output_dict_per_obj.values():
            recent = outputs["non_cond_frame_outputs"]
            recent.update({i: dict(recent[1]) for i in range(2, FULL)})
        for frame in range(FULL, FULL + 1 + args.repeats):
            spent.clear()
            tokens.clear()
            others, own, start = busy(), sum(os.times()[:2]), time.perf_counter()
            model(session, frame_idx=frame)
            wall = time.perf_counter() - start
            others = busy() - others - (sum(os.times()[:2]) - own)
            if frame == FULL:
                continue  # the first run prepares
            assert tokens == {TOKENS}, tokens
            runs.append((wall, dict(spent)))
            print(f"{wall:.3f} s", {label: round(s, 3) for label, s in spent.items()},
                  "disturbed" if others > 0.05 * wall else "", flush=True)
    best = min(runs, key=lambda run: run[0])
    print(f"torch {torch.__version__}, {args.variant}, {args.precision}, {args.threads} threads, "
          f"{args.objects} objects: best {best[0]:.3f} s a frame")


if __name__ == "__main__":
    main()
