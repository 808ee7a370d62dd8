#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/text/{wordpiece,bpe}.golden.gz: 10,000 strings each, and what Hugging Face makes of them.

    tests/oracles/make_tokenizer_goldens.py --bert-vocab models/bert-base-uncased-vocab.txt \\
        --clip-merges models/clip-merges.txt.gz --out tests/data/text

Committed files: transformers 4.57.1, Python 3.11 (Unicode 14.0), regex 2026.11.15. A record is: u16 bytes of the
string, the string, u16 number of tokens, u32 FNV-1a over the little-endian u32 ids; all little-endian.
The CLIP tokenizer is the one without ftfy (its BasicTokenizer path), which needs no repair of encodings.
"""

import argparse
import gzip
import json
import random
import struct
import sys
import tempfile
import unicodedata
from pathlib import Path

sys.modules["ftfy"] = None  # CLIPTokenizer then takes its own basic tokenizer

from transformers import BertTokenizer, CLIPTokenizer  # noqa: E402

COUNT = 10_000
SCRIPTS = [(0x20, 0x7E), (0xA0, 0x24F), (0x250, 0x2FF), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x52F),
           (0x530, 0x5FF), (0x600, 0x6FF), (0x900, 0x97F), (0xE00, 0xE7F), (0x1100, 0x11FF), (0x1E00, 0x1FFF),
           (0x2000, 0x206F), (0x2070, 0x2BFF), (0x3000, 0x30FF), (0x3400, 0x3480), (0x4E00, 0x9FFF),
           (0xA640, 0xA69F), (0xAC00, 0xD7A3), (0xF900, 0xFAFF), (0xFB00, 0xFFFF), (0x10400, 0x1044F),
           (0x1D100, 0x1D7FF), (0x1F300, 0x1FAFF), (0x20000, 0x20100), (0x2A6D0, 0x2A710), (0x2F800, 0x2FA1F)]
SPACES = [" ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u2028", "\u3000", "\u0085", "\u200b", "\x00", "\ufffd"]
ODD = ["\u0130", "I\u0307", "\u03a3", "\u03c3", "\u03c2", "\u017f", "\u212a", "\u2126", "\u0345", "\u01c5", "\u1e9e",
       "\u00df", "\ufb01", "\u0301", "\u0323", "\u0327", "\u1fbe", "\u037e", "\u1fef", "\U0001d165", "\U0001d16d",
       "\u302e", "\u0ac7", "\u0bbe", "\u0964", "\u00ad", "\ue000", "\U000e0001", "\u0378", "\u2160", "\u24b6"]
ENDINGS = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'\u017f", "\u2019s", "n't"]
SPECIALS = ["[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]", "[sep]", "[", "]", "<|startoftext|>", "<|endoftext|>",
            "<|ENDOFTEXT|>", "<|", "|>", "&amp;", "</w>", "##", "##ing"]


def char(rng, low, high):
    while True:
        cp = rng.randint(low, high)
        if not 0xD800 <= cp < 0xE000:
            return chr(cp)


def case(rng, word):
    return rng.choice([word, word, word.capitalize(), word.upper()])


def make(rng, words):
    """One string of a random kind."""
    kind = rng.randrange(12)
    some = lambda low, high: range(rng.randint(low, high))
    if kind < 3:  # sentences and captions
        sign = rng.choice([" . ", ". ", ", ", " ", "; ", "?", "! ", " - ", "/", " ' "])
        return sign.join(" ".join(case(rng, rng.choice(words)) for _ in some(1, 3)) for _ in some(1, 3))
    if kind == 3:
        return " ".join(rng.choice(words) + rng.choice(ENDINGS) for _ in some(1, 4))
    if kind == 4:  # one script
        low, high = rng.choice(SCRIPTS)
        return "".join(char(rng, low, high) if rng.random() < 0.85 else " " for _ in some(1, 20))
    if kind == 5:  # all scripts
        return "".join(char(rng, *rng.choice(SCRIPTS)) if rng.random() < 0.8 else rng.choice("ae oI") for _ in some(1, 12))
    if kind == 6:  # any code point
        return "".join(char(rng, 0, 0x10FFFF) if rng.random() < 0.5 else rng.choice(words) for _ in some(1, 6))
    if kind == 7:  # accents, composed and not, in any order
        base = "".join(c + "".join(chr(rng.randint(0x300, 0x345)) for _ in some(0, 3)) for c in rng.choice(words))
        return unicodedata.normalize(rng.choice(["NFC", "NFD"]), case(rng, base)) if rng.random() < 0.6 else base
    if kind == 8:
        return "".join(rng.choice(ODD + SPACES + ["a", "B", " ", "\u03b1"]) for _ in some(1, 12))
    if kind == 9:
        return "".join(rng.choice(SPACES + words[:2000] + list(".,'-")) for _ in some(1, 8))
    if kind == 10:
        return "".join(rng.choice(SPECIALS + [" ", "a", rng.choice(words)]) for _ in some(1, 6))
    number = str(rng.choice([rng.randint(0, 99), rng.randint(0, 10**9), rng.random()]))
    long = rng.choice(words)[:3] * rng.choice([1, 2, 25, 33, 34, 40])
    return rng.choice([number, f"{number}px", f"https://{rng.choice(words)}.org/?q={number}", f"x_{number} = {{{long}}}", long])


def strings(seed, words):
    rng = random.Random(seed)
    return ["", " ", "[CLS]"] + [make(rng, words) for _ in range(COUNT - 3)]


def write(path, texts, ids_of):
    out = bytearray()
    for text in texts:
        raw, ids, digest = text.encode(), ids_of(text), 0x811C9DC5
        for byte in struct.pack(f"<{len(ids)}I", *ids):
            digest = (digest ^ byte) * 0x01000193 & 0xFFFFFFFF
        out += struct.pack("<H", len(raw)) + raw + struct.pack("<HI", len(ids), digest)
    with open(path, "wb") as f, gzip.GzipFile("", "wb", 9, f, mtime=0) as z:
        z.write(out)
    print(f"{path}: {len(texts)} strings, {path.stat().st_size} bytes")


def clip_tokenizer(merges_gz):
    merges = gzip.open(merges_gz, "rt", encoding="utf8").read().strip().split("\n")
    order = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in order]
    letters = [chr(b) for b in order] + [chr(256 + i) for i in range(len(rest))]
    vocab = letters + [c + "</w>" for c in letters] + ["".join(m.split()) for m in merges]
    vocab += ["<|startoftext|>", "<|endoftext|>"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "vocab.json").write_text(json.dumps({v: i for i, v in enumerate(vocab)}))
        Path(folder, "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
        return CLIPTokenizer(f"{folder}/vocab.json", f"{folder}/merges.txt")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bert-vocab", required=True)
    parser.add_argument("--clip-merges", required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()

    bert = BertTokenizer(args.bert_vocab)
    words = [w for w in bert.vocab if w.isalpha() and len(w) > 2]
    write(args.out / "wordpiece.golden.gz", strings(1, words), lambda t: bert.encode(t))
    clip = clip_tokenizer(args.clip_merges)
    write(args.out / "bpe.golden.gz", strings(2, words), lambda t: clip(t, truncation=True, max_length=77).input_ids)


if __name__ == "__main__":
    main()
