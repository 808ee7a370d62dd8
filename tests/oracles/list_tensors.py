#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/convert/tensors.txt.gz: names and shapes of all tensors of the official checkpoints.

    tests/oracles/list_tensors.py --sam2-repo PATH --groundingdino-repo PATH --beats-folder PATH > tests/data/convert/tensors.txt.gz

The official modules are built with the official configurations, without weights. A block begins with
"# <variant>"; then one tensor a line: name, a tab, lengths separated by commas. Committed with PyTorch 2.13,
transformers 4.57.1; SAM 2, GroundingDINO, BEATs and LanguageBind as of 2025. Names and shapes that modules
share (`bbox_embed`) are listed as often as the checkpoints hold them.
"""

import argparse
import gzip
import importlib
import sys
import types
from unittest import mock

import torch
import transformers.models.bert.modeling_bert  # before the stubs, which it would look at
import transformers.models.clip.modeling_clip
import yaml


def stub(*names):
    for name in names:
        parts = name.split(".")
        for i in range(1, len(parts) + 1):
            sys.modules.setdefault(".".join(parts[:i]), mock.MagicMock(spec=None, __path__=[], __spec__=None))


def show(out, variant, state):
    out.append(f"# {variant}")
    out += [f"{name}\t{','.join(map(str, value.shape))}" for name, value in state.items()]


def build(node):
    """A YAML configuration as hydra instantiates it."""
    if isinstance(node, list):
        return [build(item) for item in node]
    if not isinstance(node, dict):
        return 1e-6 if node == "1e-6" else node  # PyYAML takes it for text
    arguments = {key: build(value) for key, value in node.items() if key != "_target_"}
    if "_target_" not in node:
        return arguments
    module, name = node["_target_"].rsplit(".", 1)
    return getattr(importlib.import_module(module), name)(**arguments)


def list_sam2(repo, out):
    sys.path.insert(0, repo)
    stub("iopath.common.file_io", "torchvision.transforms", "hydra", "hydra.core.global_hydra", "omegaconf")
    for version in ("2", "2.1"):
        for size, letter in (("tiny", "t"), ("small", "s"), ("base-plus", "b+"), ("large", "l")):
            with open(f"{repo}/sam2/configs/sam{version}/sam{version}_hiera_{letter}.yaml", encoding="utf8") as f:
                config = yaml.safe_load(f)["model"]
            show(out, f"sam{version}-{size}", build(config).state_dict())


def list_grounding_dino(repo, out):
    sys.path.insert(0, repo)
    stub("torchvision.ops.boxes", "torchvision.ops", "torchvision.models._utils", "torchvision.transforms.functional",
         "torchvision.transforms", "torchvision.models", "torchvision", "pycocotools.mask", "supervision", "addict",
         "timm.models.layers", "yapf.yapflib.yapf_api", "cv2", "matplotlib.pyplot",
         "matplotlib.collections", "matplotlib.patches", "termcolor")
    sys.modules["torchvision"].__version__ = "0.20"
    layers = sys.modules["timm.models.layers"]
    layers.DropPath = lambda p=0.0: torch.nn.Identity()
    layers.to_2tuple = lambda x: x if isinstance(x, tuple) else (x, x)
    layers.trunc_normal_ = torch.nn.init.trunc_normal_
    from transformers.models.bert.modeling_bert import BertModel
    from transformers.models.bert.configuration_bert import BertConfig

    from groundingdino.util import get_tokenlizer

    get_tokenlizer.get_tokenlizer = lambda _: mock.MagicMock()
    get_tokenlizer.get_pretrained_language_model = lambda _: BertModel(BertConfig())
    from groundingdino.models.GroundingDINO.groundingdino import build_groundingdino

    for size, file in (("swin-t", "SwinT_OGC"), ("swin-b", "SwinB_cfg")):
        settings = {}
        with open(f"{repo}/groundingdino/config/GroundingDINO_{file}.py", encoding="utf8") as f:
            exec(f.read(), settings)  # the official configuration is a Python file
        settings = {key: value for key, value in settings.items() if not key.startswith("__")}
        settings.update(device="cpu", use_checkpoint=False, use_transformer_ckpt=False)
        model = build_groundingdino(types.SimpleNamespace(**settings))
        show(out, f"grounding-dino-{size}", model.state_dict())


def list_beats(folder, out):
    sys.path.insert(0, folder)
    stub("torchaudio.compliance.kaldi")
    beats = importlib.import_module("BEATs")
    for name, finetuned in (("finetuned", True), ("pretrained", False)):
        config = beats.BEATsConfig(dict(
            input_patch_size=16, embed_dim=512, deep_norm=True, relative_position_embedding=True, max_distance=800,
            gru_rel_pos=True, finetuned_model=finetuned))
        show(out, f"beats-iter3+-{name}", beats.BEATs(config).state_dict())


def list_language_bind(out):
    """The published files are Hugging Face CLIP with ViT-L/14; the sound's tower has 8 x 74 patches."""
    from transformers.models.clip.modeling_clip import CLIPModel
    from transformers.models.clip.configuration_clip import CLIPConfig

    text = dict(vocab_size=49408, hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12)
    vision = dict(hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16, patch_size=14)
    for name in ("audio", "image"):
        state = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=768)).state_dict()
        if name == "audio":
            state["vision_model.embeddings.position_embedding.weight"] = torch.zeros(8 * 74 + 1, 1024)
        show(out, f"language-bind-{name}", state)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sam2-repo", required=True)
    parser.add_argument("--groundingdino-repo", required=True)
    parser.add_argument("--beats-folder", required=True)
    args = parser.parse_args()
    out = []
    torch.set_default_device("meta")  # shapes only
    linspace = torch.linspace
    torch.linspace = lambda *a, **k: linspace(*a, **{**k, "device": "cpu"})  # values are read while building
    list_sam2(args.sam2_repo, out)
    list_grounding_dino(args.groundingdino_repo, out)
    with torch.device("cpu"):  # it initialises by copies
        list_beats(args.beats_folder, out)
    list_language_bind(out)
    sys.stdout.buffer.write(gzip.compress(("\n".join(out) + "\n").encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
