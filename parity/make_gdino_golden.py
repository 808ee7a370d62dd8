# SPDX-License-Identifier: Apache-2.0
"""Makes tests/data/grounding_dino/tiny.gguf: a GroundingDINO of 60,000 seeded random weights and what the official code computes with
it on one picture and caption. Made with torch 2.13.0, transformers 4.57.1, gguf 0.17.

usage: parity/make_gdino_golden.py --repo CHECKOUT [--out FILE]
"""
import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch

import gguf_model
import official_gdino

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "?", ",", "'", "a", "the", "cat", "dog", "man", "hat", "skate",
         "##board", "##er", "red", "s", "left"]
CAPTION = "A cat . the man's red hat? skateboarder"


def picture(height: int, width: int) -> np.ndarray:
    """[height, width, 3], 8 bits: ramps and stripes; the test makes the same."""
    y, x = np.mgrid[:height, :width]
    return np.stack([(3 * x + y) % 256, (x * y // 7) % 256, (255 - 2 * y) % 256], -1).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repo", type=Path, required=True, help="checkout of IDEA-Research/GroundingDINO")
    parser.add_argument("--out", type=Path,
                        default=Path(__file__).parent.parent / "tests/data/grounding_dino/tiny.gguf")
    args = parser.parse_args()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        vocabulary = Path(folder) / "vocab.txt"
        vocabulary.write_text("\n".join(WORDS) + "\n")
        model, size, tokenizer, bert = official_gdino.build(args.repo, "tiny", vocabulary, seed=3)
        mean, std = (torch.tensor(v).view(3, 1, 1) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
        # 96 x 141 is what a picture of this size stays at: its short side is the network's.
        pixels = (torch.from_numpy(picture(96, 141)).permute(2, 0, 1).float() / 255 - mean) / std
        oracle = official_gdino.run(model, pixels, CAPTION.lower() + ".")
        tokens = len(oracle["ids"])
        extra = {"golden.ids": oracle["ids"].astype(np.float32), "golden.memory_text": oracle["memory_text"],
                 "golden.memory": oracle["memory"][::13], "golden.first_stage": oracle["first_stage"][::5],
                 "golden.selected": oracle["selected"].astype(np.float32), "golden.logits": oracle["logits"][:, :tokens],
                 "golden.boxes": oracle["boxes"]}
        gguf_model.write_grounding_dino(model, size, bert, vocabulary, "tiny", args.out,
                                        {name: np.ascontiguousarray(array) for name, array in extra.items()})
    probability = 1 / (1 + np.exp(-oracle["logits"][:, :tokens]))
    print(args.out, args.out.stat().st_size, "bytes;", tokens, "tokens; best probabilities", np.round(probability.max(1), 3))


if __name__ == "__main__":
    main()
