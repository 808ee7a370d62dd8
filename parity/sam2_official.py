# SPDX-License-Identifier: Apache-2.0
"""The official SAM 2 code with seeded random weights, as an oracle.

Imports the package `sam2` from a checkout of github.com/facebookresearch/sam2 that the caller names; what it needs and
this comparison does not (torchvision, iopath, hydra) is stood in for.
"""
import argparse
import importlib
import subprocess
import sys
import tempfile
import types
from pathlib import Path

import numpy as np
import torch
import yaml

VARIANTS = {
    "2-tiny": "sam2/sam2_hiera_t.yaml",
    "2-small": "sam2/sam2_hiera_s.yaml",
    "2-base-plus": "sam2/sam2_hiera_b+.yaml",
    "2-large": "sam2/sam2_hiera_l.yaml",
    "2.1-tiny": "sam2.1/sam2.1_hiera_t.yaml",
    "2.1-small": "sam2.1/sam2.1_hiera_s.yaml",
    "2.1-base-plus": "sam2.1/sam2.1_hiera_b+.yaml",
    "2.1-large": "sam2.1/sam2.1_hiera_l.yaml",
}


class _Resize(torch.nn.Module):
    """torchvision.transforms.Resize of a float tensor: antialiased bilinear."""

    def __init__(self, size):
        super().__init__()
        self.size = list(size)

    def forward(self, x):
        return torch.nn.functional.interpolate(
            x[None], size=self.size, mode="bilinear", align_corners=False, antialias=True)[0]


class _Normalize(torch.nn.Module):
    def __init__(self, mean, std):
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1))

    def forward(self, x):
        return (x - self.mean) / self.std


class _ToTensor:
    def __call__(self, image):
        return torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255


def import_official(repository: str) -> None:
    """Makes `import sam2` find the checkout."""
    torchvision = types.ModuleType("torchvision")
    transforms = types.ModuleType("torchvision.transforms")
    transforms.Resize, transforms.Normalize, transforms.ToTensor = _Resize, _Normalize, _ToTensor
    torchvision.transforms = transforms
    iopath = types.ModuleType("iopath")
    common = types.ModuleType("iopath.common")
    file_io = types.ModuleType("iopath.common.file_io")
    file_io.g_pathmgr = None
    hydra = types.ModuleType("hydra")
    hydra.initialize_config_module = lambda *args, **kwargs: None
    core = types.ModuleType("hydra.core")
    global_hydra = types.ModuleType("hydra.core.global_hydra")
    global_hydra.GlobalHydra = types.SimpleNamespace(
        instance=lambda: types.SimpleNamespace(is_initialized=lambda: True))
    for module in (torchvision, transforms, iopath, common, file_io, hydra, core, global_hydra):
        sys.modules[module.__name__] = module
    sys.path.insert(0, repository)


def _instantiate(node):
    if isinstance(node, list):
        return [_instantiate(item) for item in node]
    if node == "1e-6":  # YAML 1.1 takes it for a text; hydra does not
        return 1e-6
    if not isinstance(node, dict):
        return node
    arguments = {key: _instantiate(value) for key, value in node.items() if key != "_target_"}
    if "_target_" not in node:
        return arguments
    module, name = node["_target_"].rsplit(".", 1)
    return getattr(importlib.import_module(module), name)(**arguments)


def model_config(repository: str, variant: str) -> dict:
    path = Path(repository) / "sam2" / "configs" / VARIANTS[variant]
    return yaml.safe_load(path.read_text())["model"]


def build(config: dict, *, video: bool, dynamic_multimask: bool, seed: int):
    """The official model. `video`: the video predictor with the official builder's options, but no hole filling (which
    needs a GPU)."""
    config = dict(config)
    config["_target_"] = ("sam2.sam2_video_predictor.SAM2VideoPredictor" if video
                          else "sam2.modeling.sam2_base.SAM2Base")
    if dynamic_multimask:
        config["sam_mask_decoder_extra_args"] = {
            "dynamic_multimask_via_stability": True,
            "dynamic_multimask_stability_delta": 0.05,
            "dynamic_multimask_stability_thresh": 0.98,
        }
    if video:
        config["binarize_mask_from_pts_for_mem_enc"] = True
    model = _instantiate(config).eval()
    randomize(model, seed)
    return model


@torch.no_grad()
def randomize(model: torch.nn.Module, seed: int) -> None:
    """Weights under which nothing is degenerate: activations keep their size, attention has an opinion, layer scales count."""
    generator = torch.Generator().manual_seed(seed)

    def normal(parameter, std, mean=0.0):
        parameter.copy_(mean + std * torch.randn(parameter.shape, generator=generator))

    named = dict(model.named_parameters()) | {
        name: buffer for name, buffer in model.named_buffers() if "gaussian_matrix" in name}
    for name, parameter in sorted(named.items()):
        owner, _, leaf = name.rpartition(".")
        if "gaussian_matrix" in leaf:
            normal(parameter, 1.0)
        elif leaf == "gamma":
            normal(parameter, 0.1, 0.5)
        elif parameter.ndim == 1 and leaf == "weight":  # a norm's
            normal(parameter, 0.1, 1.0)
        elif parameter.ndim == 1:
            normal(parameter, 0.1)
        elif leaf == "weight" and not isinstance(model.get_submodule(owner), torch.nn.Embedding):
            normal(parameter, parameter[0].numel() ** -0.5)
        else:  # embeddings and tokens
            normal(parameter, 0.5)
    # Objects that are there more often than not, and masks with both an inside and an outside.
    model.sam_mask_decoder.pred_obj_score_head.layers[-1].bias.fill_(1.0)


def keep_memories_in_f32() -> None:
    """The official video predictor stores memories as bf16 even where all else is f32; from now on it does not."""
    import sam2.sam2_video_predictor as module

    class Torch:
        bfloat16 = torch.float32

        def __getattr__(self, name):
            return getattr(torch, name)

    module.torch = Torch()


def frames_as_loaded(frames, image_size):
    """RGB arrays as the official loader makes them of image files: (images, height, width)."""
    from PIL import Image

    mean = torch.tensor((0.485, 0.456, 0.406))[:, None, None]
    std = torch.tensor((0.229, 0.224, 0.225))[:, None, None]
    images = torch.zeros(len(frames), 3, image_size, image_size)
    for i, frame in enumerate(frames):
        small = np.array(Image.fromarray(frame).resize((image_size, image_size))) / 255.0
        images[i] = torch.from_numpy(small).permute(2, 0, 1)
    images -= mean
    images /= std
    return images, frames[0].shape[0], frames[0].shape[1]


def convert(model, alref: str, folder: Path, variant: str) -> Path:
    """The model's weights as a GGUF file, by way of a checkpoint and `alref convert`."""
    checkpoint, weights = folder / f"sam{variant}.pt", folder / f"sam{variant}.gguf"
    torch.save({"model": model.state_dict()}, checkpoint)
    subprocess.run([alref, "convert", checkpoint, "-o", weights, "--type", "f32"], check=True, capture_output=True)
    checkpoint.unlink()
    return weights


def compare_variants(parser: argparse.ArgumentParser, variants: list, compare) -> None:
    """The main program of both comparisons: `compare(arguments, variant, folder)` of each variant says whether its errors
    are within bounds; exits with 1 where one's are not. Adds the options that both have."""
    parser.add_argument("--sam2-repo", required=True)
    parser.add_argument("--alref", required=True)
    parser.add_argument("--variants", nargs="+", default=variants, choices=VARIANTS)
    arguments = parser.parse_args()
    import_official(arguments.sam2_repo)
    good = True
    for variant in arguments.variants:
        with tempfile.TemporaryDirectory() as folder:
            good &= compare(arguments, variant, Path(folder))
    sys.exit(0 if good else 1)
