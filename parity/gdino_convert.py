# SPDX-License-Identifier: Apache-2.0
"""Converted GroundingDINO checkpoints at true size, seeded random weights: the way from file to boxes that a user goes.

usage: parity/gdino_convert.py --alref PROGRAM [--repo CHECKOUT] [--variants swin-t swin-b]

The official layout (a .pth as `torch.save` writes it; with --repo, IDEA-Research/GroundingDINO) and Hugging Face's (model.safetensors,
config.json and vocab.txt from `save_pretrained`) go through `alref convert`, then `alref detect --raw` in f32 on an image that
needs no resizing. Bar: 98 % of the 900 queries within 1e-3 in every logit and box coordinate (ties in the choice of queries may
swap neighbours). Hugging Face's code cuts infinite boxes, those of pixels at the edge, at 1e-5 of the image; here it does at 1e-3, as
the official code. Exits with 1 where it is missed.
"""
import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from PIL import Image

import official_gdino
from gdino import picture, vocabulary_file

HEIGHT, WIDTH = 800, 1068  # the detector's own size, in whole patches
CAPTION = "a cat . a dog . the man in the red shirt ."
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def picture_in_bytes() -> Image.Image:
    pixels = picture((HEIGHT, WIDTH)) * torch.tensor(STD)[:, None, None] + torch.tensor(MEAN)[:, None, None]
    return Image.fromarray((pixels.clamp(0, 1) * 255).byte().permute(1, 2, 0).numpy())


def normalized(image: Image.Image) -> torch.Tensor:
    x = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
    return (x - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def detect(alref: Path, checkpoint: Path, image: Path, folder: Path) -> dict:
    model, raw = folder / "model.gguf", folder / "raw.npz"
    alref = alref.resolve()
    subprocess.run([alref, "convert", checkpoint, "-o", model, "--type", "f32"], check=True)
    subprocess.run([alref, "detect", image, "--detector", model, "--text", CAPTION, "--raw", raw, "--precision", "f32"],
                   check=True, stdout=subprocess.DEVNULL)
    model.unlink()
    return dict(np.load(raw))


def report(name: str, got: dict, logits: np.ndarray, boxes: np.ndarray) -> bool:
    tokens = int(np.isfinite(logits).all(0).sum())
    errors = np.maximum(np.abs(got["logits"][:, :tokens] - logits[:, :tokens]).max(1), np.abs(got["boxes"] - boxes).max(1))
    same_tokens = int(np.isfinite(got["logits"]).all(0).sum()) == tokens
    within = float(np.mean(errors <= 1e-3)) if same_tokens else 0.0
    print(f"{name}: {tokens} tokens, {100 * within:.1f} % of {len(errors)} queries within 1e-3, median error {np.median(errors):.1e}",
          "ok" if within >= 0.98 else "MISSED", flush=True)
    return within >= 0.98


def official(alref: Path, repo: Path, variant: str, image: Path, folder: Path) -> bool:
    model, _, _, _ = official_gdino.build(repo, variant, vocabulary_file(), seed=0)
    checkpoint = folder / f"groundingdino_{variant}.pth"
    torch.save({"model": model.state_dict()}, checkpoint)
    oracle = official_gdino.run(model, normalized(Image.open(image)), CAPTION)
    got = detect(alref, checkpoint, image, folder)
    return report(f"official {variant}", got, oracle["logits"], oracle["boxes"])


def stable_topk(values: torch.Tensor, k: int, dim: int) -> tuple:
    """All pixels at the edge share one logit; torch.topk takes any of them, alref the first."""
    values, order = torch.sort(values, dim=dim, descending=True, stable=True)
    return values.narrow(dim, 0, k), order.narrow(dim, 0, k)


def official_logit(x: torch.Tensor, eps: float) -> torch.Tensor:
    """The boxes of pixels at the edge are infinite: Hugging Face cuts them at 1e-5 of the image, the official code at 1e-3."""
    x = x.clamp(1e-3, 1 - 1e-3)
    return torch.log(x / (1 - x))


def hugging_face(alref: Path, variant: str, image: Path, folder: Path) -> bool:
    # The backbone is transformers' own Swin, but an installed timm would be imported too, and with it torchvision.
    sys.modules["timm"] = None
    from transformers import BertTokenizer, GroundingDinoConfig, GroundingDinoForObjectDetection, SwinConfig

    size = official_gdino.SIZES[variant]
    swin = SwinConfig(embed_dim=size["embed_dim"], depths=size["depths"], num_heads=size["num_heads"],
                      window_size=size["window_size"], image_size=224, out_indices=[2, 3, 4])
    model = GroundingDinoForObjectDetection(GroundingDinoConfig(backbone_config=swin)).eval()
    generator = torch.Generator().manual_seed(7)
    for name, p in model.named_parameters():
        noise = torch.randn(p.shape, generator=generator)
        if p.ndim >= 2:
            p.data = noise / p[0].numel() ** 0.5
        elif name.endswith("layers.5.text_enhancer_layer.layer_norm_after.weight"):
            p.data = 0.15 + 0.02 * noise  # logits of order one, as in official_gdino.py
        elif name.endswith(("vision_param", "text_param")):
            p.data = 0.5 + 0.1 * noise
        else:
            p.data = (1 if "weight" in name else 0) + 0.1 * noise
    checkpoint = folder / f"hf-{variant}"
    model.save_pretrained(checkpoint)
    (checkpoint / "vocab.txt").write_bytes(vocabulary_file().read_bytes())
    text = BertTokenizer(str(vocabulary_file()))(CAPTION, return_tensors="pt")
    pixels = normalized(Image.open(image))[None]
    with (torch.inference_mode(), mock.patch.object(torch, "topk", stable_topk),
          mock.patch.object(torch.special, "logit", official_logit)):
        out = model(pixel_values=pixels, pixel_mask=torch.ones(1, HEIGHT, WIDTH, dtype=torch.long), **text)
    got = detect(alref, checkpoint / "model.safetensors", image, folder)
    return report(f"Hugging Face {variant}", got, out.logits[0].numpy(), out.pred_boxes[0].numpy())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alref", type=Path, required=True, help="the built program")
    parser.add_argument("--repo", type=Path, help="checkout of IDEA-Research/GroundingDINO")
    parser.add_argument("--variants", nargs="+", default=["swin-t", "swin-b"], choices=["swin-t", "swin-b"])
    args = parser.parse_args()
    ok = True
    for variant in args.variants:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            image = folder / "picture.png"
            picture_in_bytes().save(image)
            ok &= hugging_face(args.alref, variant, image, folder)
            if args.repo:
                ok &= official(args.alref, args.repo, variant, image, folder)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
