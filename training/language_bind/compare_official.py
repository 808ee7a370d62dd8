# SPDX-License-Identifier: Apache-2.0
"""Check that our towers and our tokenizer equal the official ones, with seeded random weights.

    python -m training.language_bind.compare_official [--repo PATH]

Always against Hugging Face's CLIP (Python package transformers), of which LanguageBind's
`modeling_audio.py` is a copy but for its positions of pictures that are not square; with PATH, a
checkout of PKU-YuanGroup/LanguageBind, the sounds' pictures also against its processor.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import tempfile
import types
from pathlib import Path
from unittest import mock

import torch
from torch import nn

from ..beats.compare_official import stand_in_for_torchaudio
from ..sounds import mixtures
from . import phrases, tokenizer
from .config import NANO
from .model import LanguageBind

# f32 against f32 in another order of sums.
_BOUND = 1e-4
_STRINGS = 10_000
_TEXTS = ("dog barking", "a fire truck's siren; 3 cows", "", "café 2024 – ½ price!")


def hugging_face(ours: LanguageBind) -> nn.Module:
    from transformers import CLIPConfig, CLIPModel

    c = ours.config.as_json()
    config = CLIPConfig(c["text_config"], c["vision_config"], projection_dim=c["projection_dim"])
    clip = CLIPModel(config).eval()
    places = clip.vision_model.embeddings
    places.position_embedding = nn.Embedding(ours.config.patches + 1, ours.config.audio.hidden_size)
    places.position_ids = torch.arange(ours.config.patches + 1)[None]
    places.image_size = mock.ANY  # pictures of sounds are not square
    missing, unknown = clip.load_state_dict(ours.state_dict(), strict=False)
    if unknown or any(not name.endswith("position_ids") for name in missing):
        raise SystemExit(f"names differ: missing {missing}, unknown {unknown}")
    return clip


def official_tokenizer():
    from transformers import CLIPTokenizer

    folder = tempfile.mkdtemp()
    words, merges = Path(folder, "vocab.json"), Path(folder, "merges.txt")
    words.write_text(json.dumps({w: i for i, w in enumerate(tokenizer.vocabulary())}))
    lines = "\n".join(" ".join(m) for m in tokenizer.merges())
    merges.write_text(f"#version: 0.2\n{lines}\n")
    return CLIPTokenizer(str(words), str(merges))


def official_picture(repo: Path, samples: torch.Tensor) -> torch.Tensor:
    """What the official processor makes of samples [1, n]; middles stand for its random places."""
    stand_in_for_torchaudio()
    sys.modules["torchaudio"].set_audio_backend = lambda name: None
    absent = {
        name: types.ModuleType(name) for name in ("torchvision", "cv2") if name not in sys.modules
    }
    if "torchvision" in absent:
        absent["torchvision"].transforms = None
    path = repo / "languagebind" / "audio" / "processing_audio.py"
    with (
        mock.patch.dict(sys.modules, absent),
        mock.patch("numpy.random.choice", lambda r: r[len(r) // 2]),
    ):
        spec = importlib.util.spec_from_file_location("processing_audio", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        settings = types.SimpleNamespace(**NANO.as_json()["vision_config"])
        return module.AudioTransform(settings).waveform2melspec(samples.clone())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repo", type=Path)
    args = parser.parse_args()
    torch.manual_seed(0)
    ours = LanguageBind(NANO).initialise().eval()
    for name, p in ours.named_parameters():
        if "norm" in name or "bias" in name or "embedding" in name:
            p.data += 0.3 * torch.randn_like(p)
    clip, theirs = hugging_face(ours), official_tokenizer()

    strings = [*_TEXTS, *phrases.corpus()[: _STRINGS - len(_TEXTS)]]
    wrong = [s for s in strings if theirs(s)["input_ids"] != list(tokenizer.encode(s, 77))]
    print(f"{len(strings)} strings, {len(wrong)} with other tokens {wrong[:5]}")

    differences = {}
    samples = [
        torch.from_numpy(mixtures.draw(i, "seen", s).samples)[None]
        for i, s in enumerate((2.0, 7.3))
    ]
    with torch.inference_mode():
        padded = theirs(list(_TEXTS), padding="max_length", max_length=77, return_tensors="pt")
        ids, ends = tokenizer.batch(list(_TEXTS))
        expected = clip.text_model(padded["input_ids"])[1]
        differences["text tower"] = (ours.text_model(ids, ends), expected)
        for wave in samples:
            picture = ours.pictures(wave)
            expected = clip.vision_model(picture)[1]
            differences[f"sound tower, {wave.shape[1]} samples"] = (
                ours.vision_model(picture),
                expected,
            )
            if args.repo is not None:
                expected = official_picture(args.repo, wave)
                differences[f"picture, {wave.shape[1]} samples"] = picture[0], expected
    worst = 0.0
    for name, (a, b) in differences.items():
        value = float((a - b).norm() / b.norm())
        worst = max(worst, value)
        print(f"{name}: relative difference {value:.1e} (bound {_BOUND:.0e})")
    if wrong or not worst < _BOUND:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
