#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/data/beats/tiny.gguf and tests/perception/beats/goldens.h: a BEATs of the full architecture at a tiny size with
seeded random weights, and what the official code computes with it.

usage: make_goldens.py --beats-repo DIR/unilm/beats     (microsoft/unilm; needs torch, numpy, gguf, kaldi-native-fbank)

torchaudio is not needed: its filter banks come from the formula in tests/core/make_filter_bank_goldens.py.
"""
import argparse
import sys
import types
from importlib.metadata import version
from pathlib import Path

import gguf
import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "core"))
from make_filter_bank_goldens import by_formula, chord  # noqa: E402

CONFIG = dict(
    input_patch_size=16, embed_dim=24, conv_bias=False, encoder_layers=2, encoder_embed_dim=32,
    encoder_ffn_embed_dim=64, encoder_attention_heads=4, activation_fn="gelu", layer_norm_first=False, deep_norm=True,
    conv_pos=8, conv_pos_groups=4, relative_position_embedding=True, num_buckets=32, max_distance=40, gru_rel_pos=True,
    finetuned_model=True, predictor_class=5,
)  # fmt: skip


def official(repo, config, seed):
    """The official model with weights that make every part count: BERT's initialisation leaves biases and gates at 0."""
    fake = types.ModuleType("torchaudio")
    kaldi = types.ModuleType("torchaudio.compliance.kaldi")
    kaldi.fbank = lambda x, **_: torch.tensor(by_formula(x[0].numpy() / 32768, 128, "povey")).float()
    sys.modules.update({"torchaudio": fake, "torchaudio.compliance": types.ModuleType("torchaudio.compliance"),
                        "torchaudio.compliance.kaldi": kaldi})  # fmt: skip
    sys.path.insert(0, str(repo))
    from BEATs import BEATs, BEATsConfig

    torch.manual_seed(seed)
    model = BEATs(BEATsConfig(config)).eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith("weight_g"):
                p.mul_(torch.rand_like(p) + 0.5)
            elif "layer_norm" in name:
                p.copy_(torch.randn_like(p) * 0.2 + (1 if name.endswith("weight") else 0))
            elif p.dim() == 1 or "grep" in name or "relative" in name:
                p.copy_(torch.randn_like(p) * 0.5)
            elif p.dim() == 2:
                p.copy_(torch.randn_like(p) / p.shape[1] ** 0.5)
    return model


def write_gguf(model, config, path):
    out = gguf.GGUFWriter(str(path), "beats")
    out.add_string("beats.variant", "custom")
    for key, value in config.items():
        {bool: out.add_bool, int: out.add_uint32, str: out.add_string}[type(value)](f"beats.{key}", value)
    out.add_float32("beats.fbank.mean", 15.41663)
    out.add_float32("beats.fbank.std", 6.55582)
    out.add_uint32("beats.fbank.num_mel_bins", 128)
    out.add_uint32("beats.fbank.sample_rate", 16000)
    out.add_array("beats.labels.ids", [f"/m/{i}" for i in range(config["predictor_class"])])
    out.add_array("beats.labels.names", [f"sound {i}" for i in range(config["predictor_class"])])
    for name, value in model.state_dict().items():
        if "relative_attention_bias" in name and ".layers.0." not in name:
            continue  # the first layer's, shared
        out.add_tensor(name, value.float().contiguous().numpy())
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def run(model, samples):
    tokens = {}
    hook = model.encoder.register_forward_hook(lambda _, __, out: tokens.update(x=out[0]))
    with torch.no_grad():
        probabilities, _ = model.extract_features(torch.tensor(samples)[None])
    hook.remove()
    return tokens["x"][0].numpy(), probabilities[0].numpy()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--beats-repo", type=Path, required=True)
    args = parser.parse_args()
    model = official(args.beats_repo, CONFIG, seed=1)
    data = HERE.parent.parent / "data" / "beats"
    data.mkdir(parents=True, exist_ok=True)
    write_gguf(model, CONFIG, data / "tiny.gguf")
    tokens, probabilities = run(model, chord(1.3))
    lines = ["// SPDX-License-Identifier: Apache-2.0"]
    lines += [f"// Made by make_goldens.py with torch {version('torch')} and the official code of microsoft/unilm, beats."]
    lines += ["#pragma once", "", "#include <vector>", "", "namespace alref::beats {", ""]
    for name, values, what in (
        ("kTokens", tokens[::9], f"Every ninth of {len(tokens)} tokens of a sound of 1.3 s."),
        ("kProbabilities", probabilities, "Class probabilities of the same sound."),
    ):
        lines += [f"// {what}", f"inline const std::vector<float> {name} = {{"]
        flat = [f"{v:.8g}f" if "." in f"{v:.8g}" or "e" in f"{v:.8g}" else f"{v:.1f}f" for v in values.ravel()]
        lines += ["    " + ", ".join(flat[i : i + 8]) + "," for i in range(0, len(flat), 8)] + ["};", ""]
    (HERE / "goldens.h").write_text("\n".join(lines + ["}  // namespace alref::beats", ""]))


if __name__ == "__main__":
    main()
