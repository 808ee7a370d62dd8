#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/convert/*/: tiny checkpoints of every architecture with random weights, and what must come out.

    tests/oracles/make_checkpoints.py --beats-folder PATH --out tests/data/convert

A folder holds the checkpoint (gzip), the files that lie beside it, and expected.txt: a line a tensor with its official
name, shape, and CRC-32 of its values as little-endian f32. SAM 2 and GroundingDINO are built by training/, BEATs by
the official code (microsoft/unilm, folder beats), LanguageBind by transformers' CLIP. Weights are multiples of 1/16,
so that the files compress. Committed with PyTorch 2.13, transformers 4.57.1, safetensors 0.6.
"""

import argparse
import gzip
import json
import os
import re
import sys
import zlib
from pathlib import Path
from unittest import mock

import torch
from safetensors.torch import save_file
from transformers.models.clip.configuration_clip import CLIPConfig
from transformers.models.clip.modeling_clip import CLIPModel
from transformers.models.clip.tokenization_clip import CLIPTokenizer, bytes_to_unicode

sys.path.insert(0, str(Path(__file__).parents[2]))


def shake(state, seed):
    """Random weights of a few values; what is shared stays shared."""
    g = torch.Generator().manual_seed(seed)
    for value in state.values():
        if value.is_floating_point():
            value.copy_(torch.randint(-8, 8, value.shape, generator=g) / 16)
    return state


def compress(path):
    raw = path.read_bytes()
    with open(f"{path}.gz", "wb") as f, gzip.GzipFile("", "wb", 9, f, mtime=0) as z:
        z.write(raw)
    path.unlink()
    print(f"{path}.gz: {os.path.getsize(f'{path}.gz')} bytes of {len(raw)}")


def expect(folder, state):
    lines = []
    for name, value in sorted(state.items()):
        crc = zlib.crc32(value.detach().float().contiguous().numpy().tobytes())
        lines.append(f"{name}\t{','.join(map(str, value.shape))}\t{crc}\n")
    (folder / "expected.txt").write_text("".join(lines))


def make_sam2(out):
    from training.sam2.config import Config
    from training.sam2.model import Sam2

    c = Config(image_size=64, width=8, stages=(1, 1, 1, 1), windows=(4, 4, 4, 2), global_blocks=(2,), background=3,
               dim=16, mem_dim=8, memory_layers=1, memory_mlp=16, decoder_mlp=16, iou_hidden=8, num_maskmem=3,
               fuser_layers=1)
    state = shake(Sam2(c).state_dict(), 1)
    half = {k: v.half() for k, v in state.items()}
    half["image_encoder.trunk.blocks.0.attn.proj.weight"] = half["image_encoder.trunk.blocks.0.attn.proj.weight"].t()
    half["maskmem_tpos_enc"] = half["maskmem_tpos_enc"].bfloat16()
    torch.save({"model": half, "optimizer": {"lr": 0.1}, "epoch": 3}, out / "tiny-sam2.1.pt")
    compress(out / "tiny-sam2.1.pt")
    (out / "tiny-sam2.1.json").write_text(json.dumps(c.hyperparameters(), indent=1) + "\n")
    expect(out, half)


def make_grounding_dino(out, hugging_face_out):
    from training.grounding_dino.config import Config
    from training.grounding_dino.model import GroundingDino
    from training.grounding_dino.oracle_hf import to_hugging_face

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", ".", "?", "dog", "cat"]
    c = Config(embed_dim=8, depths=(1, 1, 1, 1), swin_heads=(1, 2, 2, 4), window_size=4, d_model=32, heads=4, mlp=32,
               encoder_layers=1, decoder_layers=2, queries=5, bert_hidden=16, bert_layers=1, bert_heads=2, bert_mlp=32,
               bert_vocab=len(words), short_side=64, max_side=96)
    state = shake(GroundingDino(c).state_dict(), 2)
    unused = ("relative_position_index", "position_ids")
    kept = {k: v for k, v in state.items() if not k.startswith(("transformer.decoder.bbox_embed.", "bert.pooler."))
            and not k.endswith(unused) and (not k.startswith("bbox_embed.") or k.startswith("bbox_embed.0."))}
    module = {f"module.{k}": v for k, v in state.items()} | {"module.label_enc.weight": torch.zeros(3, 2)}
    torch.save({"model": module}, out / "tiny.pth")
    compress(out / "tiny.pth")
    (out / "tiny.json").write_text(json.dumps(c.hyperparameters(), indent=1) + "\n")
    theirs = {k: v.clone() for k, v in to_hugging_face(state).items() if not k.startswith("model.decoder.bbox_embed.")}
    save_file(theirs, hugging_face_out / "model.safetensors", {"format": "pt"})
    compress(hugging_face_out / "model.safetensors")
    (hugging_face_out / "config.json").write_text(json.dumps({
        "model_type": "grounding-dino", "encoder_attention_heads": c.heads, "decoder_attention_heads": c.heads,
        "encoder_n_points": c.points, "decoder_n_points": c.points, "max_text_len": c.max_text_len,
        "positional_embedding_temperature": 20, "text_config": {"num_attention_heads": c.bert_heads}}, indent=1) + "\n")
    (hugging_face_out / "preprocessor_config.json").write_text(json.dumps({
        "size": {"shortest_edge": c.short_side, "longest_edge": c.max_side}}) + "\n")
    for folder in (out, hugging_face_out):
        (folder / "vocab.txt").write_text("\n".join(words) + "\n")
        expect(folder, kept)


def make_beats(folder, out):
    for name in ("torchaudio", "torchaudio.compliance", "torchaudio.compliance.kaldi"):
        sys.modules.setdefault(name, mock.MagicMock())
    sys.path.insert(0, folder)
    from BEATs import BEATs, BEATsConfig

    cfg = dict(input_patch_size=16, embed_dim=8, encoder_layers=2, encoder_embed_dim=16, encoder_ffn_embed_dim=32,
               encoder_attention_heads=2, activation_fn="gelu", deep_norm=True, relative_position_embedding=True,
               num_buckets=32, max_distance=80, gru_rel_pos=True, conv_pos=8, conv_pos_groups=4, finetuned_model=True,
               predictor_class=3, dropout=0.0, layer_norm_first=False, segment_threshold=0.75)
    state = shake(BEATs(BEATsConfig(cfg)).state_dict(), 3)
    labels = {0: "/m/09x0r", 1: "/m/05zppz", 2: "/m/02zsn"}
    torch.save({"cfg": cfg, "model": state, "label_dict": labels}, out / "tiny-beats.pt")
    compress(out / "tiny-beats.pt")
    expect(out, {k: v for k, v in state.items() if k != "encoder.layers.1.self_attn.relative_attention_bias.weight"})


def make_language_bind(out):
    text = dict(vocab_size=514 + 2, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
                max_position_embeddings=12, hidden_act="gelu", bos_token_id=514, eos_token_id=515)
    vision = dict(hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=4, patch_size=4,
                  image_size=16, hidden_act="gelu")
    model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=8))
    state = shake(model.state_dict(), 4)
    state["vision_model.embeddings.position_embedding.weight"] = torch.ones(2 * 3 + 1, 16) / 16
    torch.save(state | {"text_model.embeddings.position_ids": torch.arange(12)[None]}, out / "pytorch_model.bin")
    compress(out / "pytorch_model.bin")
    sound = dict(num_mel_bins=8, target_length=12, audio_sample_rate=16000, audio_mean=-4.5, audio_std=4.25)
    (out / "config.json").write_text(json.dumps({"text_config": text, "vision_config": vision | sound}, indent=1) + "\n")
    (out / "merges.txt").write_text("#version: 0.2\nd o\ndo g</w>\n")
    expect(out, state)


def make_language_bind_image(out):
    """LanguageBind_Image, of which `alref` uses the text tower, and texts.json: the unit vectors that transformers' CLIP gives
    AVSBench's classes and a word that is none of them."""
    text = dict(vocab_size=514 + 2, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
                max_position_embeddings=16, hidden_act="gelu", bos_token_id=514, eos_token_id=515)
    vision = dict(hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=4, patch_size=4,
                  image_size=16, hidden_act="gelu")
    model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=8)).eval()
    state = shake(model.state_dict(), 5)
    positions = {f"{tower}_model.embeddings.position_ids": torch.arange(count)[None] for tower, count in (("text", 16), ("vision", 17))}
    torch.save(state | positions, out / "pytorch_model.bin")
    compress(out / "pytorch_model.bin")
    (out / "config.json").write_text(json.dumps({"text_config": text, "vision_config": vision}, indent=1) + "\n")
    (out / "merges.txt").write_text("#version: 0.2\nd o\ndo g</w>\n")
    expect(out, state)

    symbols = list(bytes_to_unicode().values())
    words = [*symbols, *(s + "</w>" for s in symbols), "do", "dog</w>", "<|startoftext|>", "<|endoftext|>"]
    vocabulary = out / "vocab.json"
    vocabulary.write_text(json.dumps({w: i for i, w in enumerate(words)}))
    tokenizer = CLIPTokenizer(str(vocabulary), str(out / "merges.txt"))
    vocabulary.unlink()
    header = Path(__file__).parents[2] / "src" / "core" / "avs_classes.h"
    texts = ["theremin", *re.findall(r'"([a-z-]+)"', header.read_text().split("kAvsClasses = {")[1])]
    assert len(texts) == 71
    with torch.no_grad():
        tokens = tokenizer(texts, padding="max_length", max_length=16, truncation=True, return_tensors="pt")
        units = torch.nn.functional.normalize(model.get_text_features(**tokens), dim=-1)
    rows = (f"{json.dumps(t)}: {json.dumps([round(v, 6) for v in row])}" for t, row in zip(texts, units.tolist()))
    (out / "texts.json").write_text("{" + ",\n ".join(rows) + "}\n")


class Hostile:
    """Unpickling this with Python would run the command."""

    def __reduce__(self):
        return os.system, ("touch alref-was-here",)


def make_hostile(out):
    torch.save({"model": {"w": torch.zeros(2)}, "extra": Hostile()}, out / "system.pt")
    torch.save({"model": {"w": torch.zeros(2)}}, out / "protocol4.pt", pickle_protocol=4)
    torch.save({"model": {"w": torch.zeros(2)}}, out / "legacy.pt", _use_new_zipfile_serialization=False)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--beats-folder", required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    names = ("sam2", "grounding_dino", "grounding_dino_hf", "beats", "language_bind", "language_bind_image", "hostile")
    folders = {name: args.out / name for name in names}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    make_sam2(folders["sam2"])
    make_grounding_dino(folders["grounding_dino"], folders["grounding_dino_hf"])
    make_beats(args.beats_folder, folders["beats"])
    make_language_bind(folders["language_bind"])
    make_language_bind_image(folders["language_bind_image"])
    make_hostile(folders["hostile"])


if __name__ == "__main__":
    main()
