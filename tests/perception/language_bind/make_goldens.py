#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/data/language_bind/tiny.gguf and tests/perception/language_bind/goldens.h: a LanguageBind_Audio of the full architecture
at a tiny size with seeded random weights, and what Hugging Face's CLIP modules, of which LanguageBind is built, compute with it.

usage: make_goldens.py     (needs torch, transformers, numpy, gguf, open-clip-torch for the merges, kaldi-native-fbank)
"""
import gzip
import json
import sys
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import gguf
import numpy as np
import torch
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "core"))

from make_filter_bank_goldens import by_formula, chord  # noqa: E402

MERGES = 100
DIM, FFN, LAYERS, HEADS, PROJECTION = 32, 64, 2, 4, 24
BINS, FRAMES, PATCH, TOKENS = 112, 56, 14, 12
MEAN, STD = -4.2677393, 4.5689974
TEXTS = ["dog barking", "the man sings", ""]


def merges():
    path = Path(find_spec("open_clip").origin).parent / "bpe_simple_vocab_16e6.txt.gz"
    return gzip.open(path, "rt", encoding="utf-8").read().split("\n")[1 : MERGES + 1]


def tokenizer():
    from transformers.models.clip.tokenization_clip import bytes_to_unicode

    symbols = list(bytes_to_unicode().values())
    words = symbols + [s + "</w>" for s in symbols] + ["".join(m.split()) for m in merges()]
    words += ["<|startoftext|>", "<|endoftext|>"]
    folder = tempfile.mkdtemp()
    Path(folder, "vocab.json").write_text(json.dumps({w: i for i, w in enumerate(words)}))
    Path(folder, "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges()) + "\n")
    return CLIPTokenizer(f"{folder}/vocab.json", f"{folder}/merges.txt"), len(words)


def model(vocabulary):
    sizes = dict(hidden_size=DIM, intermediate_size=FFN, num_hidden_layers=LAYERS, num_attention_heads=HEADS, hidden_act="gelu")
    text = dict(sizes, vocab_size=vocabulary, max_position_embeddings=TOKENS, bos_token_id=vocabulary - 2, eos_token_id=vocabulary - 1)
    vision = dict(sizes, image_size=PATCH, patch_size=PATCH)
    torch.manual_seed(1)
    clip = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=PROJECTION)).eval()
    places = BINS // PATCH * (FRAMES // PATCH) + 1
    # LanguageBind stretches the positions to pictures that are not square (modeling_audio.py, resize_pos).
    clip.vision_model.embeddings.position_embedding = torch.nn.Embedding(places, DIM)
    with torch.no_grad():
        for name, p in clip.named_parameters():
            if "norm" in name:
                p.copy_(torch.randn_like(p) * 0.2 + (1 if name.endswith("weight") else 0))
            elif p.dim() == 1 or "position" in name:
                p.copy_(torch.randn_like(p) * 0.3)
            elif p.dim() > 1:
                p.copy_(torch.randn_like(p) / p[0].numel() ** 0.5)
    return clip


def embed_audio(clip, samples):
    samples = samples - samples.mean()
    mel = torch.tensor(by_formula(samples / 32768, BINS, "hanning")).float()
    total = len(mel)
    if total > FRAMES:
        parts = [p if len(p) else [0] for p in np.array_split(range(total - FRAMES + 1), 3)]
        starts = [int(p[len(p) // 2]) for p in parts]
        chunks = [mel[s : s + FRAMES] for s in starts]
    else:
        chunks = [mel.repeat(FRAMES // total + 1, 1)[:FRAMES]] * 3
    picture = (torch.stack(chunks).transpose(1, 2) - MEAN) / (STD * 2)
    vision = clip.vision_model
    patches = vision.embeddings.patch_embedding(picture[None]).flatten(2).transpose(1, 2)
    x = torch.cat([vision.embeddings.class_embedding.expand(1, 1, -1), patches], 1)
    x = vision.pre_layrnorm(x + vision.embeddings.position_embedding.weight)
    x = vision.encoder(inputs_embeds=x).last_hidden_state[:, 0]
    return torch.nn.functional.normalize(clip.visual_projection(vision.post_layernorm(x)), dim=-1)[0]


def write_gguf(clip, vocabulary, path):
    out = gguf.GGUFWriter(str(path), "language-bind")
    out.add_string("language-bind.variant", "custom")
    out.add_string("language-bind.modality", "audio")
    out.add_uint32("language-bind.projection_dim", PROJECTION)
    for tower in ("text", "vision"):
        for key, value in (("hidden_size", DIM), ("intermediate_size", FFN), ("layers", LAYERS), ("num_heads", HEADS)):
            out.add_uint32(f"language-bind.{tower}.{key}", value)
        out.add_string(f"language-bind.{tower}.hidden_act", "gelu")
        out.add_float32(f"language-bind.{tower}.layer_norm_eps", 1e-5)
    out.add_uint32("language-bind.text.max_position_embeddings", TOKENS)
    out.add_uint32("language-bind.text.vocab_size", vocabulary)
    out.add_uint32("language-bind.vision.patch_size", PATCH)
    out.add_uint32("language-bind.vision.image_size", PATCH)
    out.add_uint32("language-bind.audio.num_mel_bins", BINS)
    out.add_uint32("language-bind.audio.target_length", FRAMES)
    out.add_uint32("language-bind.audio.sample_rate", 16000)
    out.add_float32("language-bind.audio.mean", MEAN)
    out.add_float32("language-bind.audio.std", STD)
    out.add_string("tokenizer.ggml.model", "clip")
    out.add_array("tokenizer.ggml.merges", merges())
    for name, value in clip.state_dict().items():
        if "position_ids" not in name:
            out.add_tensor(name, np.atleast_1d(value.float().contiguous().numpy()))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def main():
    tokens, vocabulary = tokenizer()
    clip = model(vocabulary)
    data = HERE.parent.parent / "data" / "language_bind"
    data.mkdir(parents=True, exist_ok=True)
    write_gguf(clip, vocabulary, data / "tiny.gguf")
    rows = []
    with torch.no_grad():
        for text in TEXTS:
            ids = tokens(text, max_length=TOKENS, padding="max_length", truncation=True, return_tensors="pt")["input_ids"]
            embedding = clip.get_text_features(input_ids=ids)
            rows.append((f"kText{len(rows)}", f'"{text}"', torch.nn.functional.normalize(embedding, dim=-1)[0]))
        rows.append(("kShortSound", "A sound of 0.3 s, repeated.", embed_audio(clip, chord(0.3))))
        rows.append(("kLongSound", "A sound of 1.3 s, three chunks.", embed_audio(clip, chord(1.3))))
    lines = ["// SPDX-License-Identifier: Apache-2.0"]
    lines += [f"// Made by make_goldens.py with torch {version('torch')}, transformers {version('transformers')}."]
    lines += ["#pragma once", "", "#include <vector>", "", "namespace alref::language_bind {", ""]
    for name, what, values in rows:
        flat = [f"{v:.8g}f" for v in values.tolist()]
        lines += [f"// {what}", f"inline const std::vector<float> {name} = {{"]
        lines += ["    " + ", ".join(flat[i : i + 8]) + "," for i in range(0, len(flat), 8)] + ["};", ""]
    (HERE / "goldens.h").write_text("\n".join(lines + ["}  // namespace alref::language_bind", ""]))


if __name__ == "__main__":
    main()
