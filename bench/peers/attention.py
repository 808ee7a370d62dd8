#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times PyTorch's scaled_dot_product_attention on the shapes of bench/shapes/attention.txt, in f32 and bf16.

usage: attention.py [--threads N] [--repeats N] [--only TEXT] SHAPES...

Needs torch. Run it beside `bench_ops` on the same machine and compare the GFLOPS. To leave AMX out:
ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16 for oneDNN and MKL_ENABLE_INSTRUCTIONS=AVX512_E3 for MKL, which PyTorch then calls.
"""

import argparse
import math
import time

import torch
import torch.nn.functional as functional


def read_cases(path):
    for line in open(path, encoding="utf-8"):
        words = line.split("#")[0].split()
        if words and words[0] == "attention":
            options = words[8:]
            masks = int(options[options.index("mask") + 1]) if "mask" in options else 0
            yield words[1], [int(word) for word in words[2:8]], "bias" in options, masks


def time_case(sizes, bias, masks, dtype, repeats):
    batch, heads, queries, keys, d, dv = sizes
    query, key, value = (
        torch.randn(batch, heads, rows, width, dtype=dtype)
        for rows, width in ((queries, d), (keys, d), (keys, dv))
    )
    mask = None
    if bias or masks:
        # Position bias of each head, plus the window's mask: what Swin adds to the scores.
        mask = torch.randn(1, heads if bias else 1, queries, keys, dtype=dtype)
        if masks:
            mask = mask + torch.randn(batch, 1, queries, keys, dtype=dtype)
    best = math.inf
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        best = min(best, time.perf_counter() - begin)
    return 2 * batch * heads * queries * keys * (d + dv) / best * 1e-9


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("shapes", nargs="+")
    parser.add_argument("--threads", type=int, default=0, help="0: PyTorch's choice")
    parser.add_argument("--repeats", type=int, default=5, help="the best of so many counts")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads; GFLOPS, best of {arguments.repeats}\n")
    print("| case | f32 | bf16 |\n| --- | --- | --- |")
    with torch.inference_mode():
        for path in arguments.shapes:
            for name, sizes, bias, masks in read_cases(path):
                if arguments.only in name:
                    rates = [
                        time_case(sizes, bias, masks, dtype, arguments.repeats)
                        for dtype in (torch.float32, torch.bfloat16)
                    ]
                    print(f"| {name} | {rates[0]:.0f} | {rates[1]:.0f} |", flush=True)


if __name__ == "__main__":
    main()
