#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/grounding_dino/labels.json: the official labels of random choices of a caption's tokens.

    tests/oracles/make_label_goldens.py --repo CHECKOUT > tests/data/grounding_dino/labels.json

The official code is util/inference.py, predict, of IDEA-Research/GroundingDINO. Committed with transformers 4.57.1 and that
repository at 856dde2.
"""
import argparse
import json
import random
import sys
from pathlib import Path

import torch
from transformers import BertTokenizer

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "parity"))
import official_gdino  # noqa: E402

CAPTIONS = ["a cat . a dog . a remote control .", "the man's red t-shirt . isn't it ? a 1,234-piece puzzle .",
            "two naïve café-goers, an unbelievably long-haired dachshund . tv .",
            "they're what i'm holding ! we've \"quotes\" & (brackets) . 猫 и кот ."]
CHOICES = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repo", type=Path, required=True, help="checkout of IDEA-Research/GroundingDINO")
    official_gdino.import_official(parser.parse_args().repo)
    from groundingdino.util.utils import get_phrases_from_posmap

    tokenizer = BertTokenizer(str(ROOT / "models" / "bert-base-uncased-vocab.txt"))
    draw = random.Random(1)
    goldens = []
    for caption in CAPTIONS:
        tokenized = tokenizer(caption)
        tokens = len(tokenized["input_ids"])
        labels = []
        for i in range(CHOICES):
            above = sorted(draw.sample(range(tokens), draw.randint(1, tokens if i % 4 == 0 else 4)))
            chosen = torch.zeros(tokens, dtype=torch.bool)
            chosen[above] = True
            label = get_phrases_from_posmap(chosen, tokenized, tokenizer).replace(".", "")
            labels.append({"tokens": above, "label": label})
        goldens.append({"caption": caption, "labels": labels})
    json.dump(goldens, sys.stdout, ensure_ascii=False, indent=0)
    print()


if __name__ == "__main__":
    main()
