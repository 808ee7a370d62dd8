#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""BEATs and LanguageBind against the official code, seeded random weights at true size, f32.

    parity/sound.py --alref build/release/alref --stages build/release/parity/sound_stages [--beats-repo PATH/unilm/beats]

Weights go through `alref convert`. BEATs: microsoft/unilm's own code. LanguageBind: Hugging Face's CLIP modules, of which
PKU-YuanGroup/LanguageBind's audio and text towers are made, put together as its modeling_audio.py does. Filter banks: with
--torchaudio WHEEL by torchaudio's function, in float32, as both official codes call it; else by the formula in
tests/core/make_filter_bank_goldens.py. Prints relative L2 errors; exits with 1 where one is above 1e-4.
"""
import argparse
import gzip
import json
import subprocess
import sys
import tempfile
import types
from pathlib import Path

import numpy as np
import torch
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "core"))

from make_filter_bank_goldens import by_formula, by_torchaudio, torchaudio_kaldi  # noqa: E402

BOUND = 1e-4
TEXTS = ["dog barking", "a man sings; a guitar", "", "cello, violin, piano, accordion, the sound of rain on a tin roof"]
BEATS = dict(  # BEATs_iter3_plus_AS2M, fine-tuned
    input_patch_size=16, embed_dim=512, conv_bias=False, encoder_layers=12, encoder_embed_dim=768, encoder_ffn_embed_dim=3072,
    encoder_attention_heads=12, activation_fn="gelu", layer_norm_first=False, deep_norm=True, conv_pos=128, conv_pos_groups=16,
    relative_position_embedding=True, num_buckets=320, max_distance=800, gru_rel_pos=True, finetuned_model=True,
    predictor_class=527,
)


def sound(seconds: float) -> np.ndarray:
    """Chords that change with noise on them."""
    random = np.random.default_rng(1)
    t = np.arange(int(16000 * seconds)) / 16000
    tones = sum(np.sin(2 * np.pi * f * t * (1 + 0.1 * np.sin(t))) / (i + 1) for i, f in enumerate((220, 331, 880, 3000)))
    return (0.1 * tones * (1 + np.sin(3 * t)) + random.normal(0, 0.01, t.size)).astype(np.float32)


TORCHAUDIO = []  # its compliance/kaldi.py, where --torchaudio is given


def banks(samples: np.ndarray, bins: int, window: str) -> torch.Tensor:
    if TORCHAUDIO:
        return torch.tensor(by_torchaudio(TORCHAUDIO[0], samples / 32768, bins, window, double=False)).float()
    return torch.tensor(by_formula(samples / 32768, bins, window)).float()


def randomise(model: torch.nn.Module, seed: int) -> None:
    """Weights that make every part count: the usual initialisations leave biases and gates at 0."""
    generator = torch.Generator().manual_seed(seed)
    rand = lambda p: torch.randn(p.shape, generator=generator)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith("weight_g"):
                p.mul_(torch.rand(p.shape, generator=generator) + 0.5)
            elif "norm" in name or "layrnorm" in name:
                p.copy_(rand(p) * 0.2 + (1 if name.endswith("weight") else 0))
            elif p.dim() == 1 or any(part in name for part in ("grep", "relative", "position")):
                p.copy_(rand(p) * 0.3)
            elif p.dim() > 1:
                p.copy_(rand(p) / p[0].numel() ** 0.5)


def error(got: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(got - expected.ravel()) / np.linalg.norm(expected))


def convert(alref: str, checkpoint: Path) -> Path:
    model = checkpoint.parent / "model.gguf"
    subprocess.run([alref, "convert", checkpoint, "-o", model], check=True, stdout=subprocess.DEVNULL)
    checkpoint.unlink()
    return model


def stages(program: str, model: Path, folder: Path) -> dict[str, np.ndarray]:
    subprocess.run([program, model, folder], check=True)
    return {f.stem: np.fromfile(f, np.float32) for f in folder.glob("*.f32")}


def official_beats(repo: Path) -> torch.nn.Module:
    kaldi = types.ModuleType("torchaudio.compliance.kaldi")
    kaldi.fbank = lambda x, **_: banks(x[0].numpy(), 128, "povey")
    sys.modules.update({"torchaudio": types.ModuleType("torchaudio"), "torchaudio.compliance": types.ModuleType("torchaudio.compliance"),
                        "torchaudio.compliance.kaldi": kaldi})
    sys.path.insert(0, str(repo))
    from BEATs import BEATs, BEATsConfig

    model = BEATs(BEATsConfig(BEATS)).eval()
    randomise(model, 1)
    return model


def labels() -> dict[int, str]:
    lines = (ROOT / "models" / "audioset-labels.tsv").read_text().splitlines()
    return {i: line.split("\t")[0] for i, line in enumerate(lines)}


def compare_beats(arguments, folder: Path) -> bool:
    model = official_beats(arguments.beats_repo)
    checkpoint = folder / "beats.pt"
    torch.save({"cfg": BEATS, "model": model.state_dict(), "label_dict": labels()}, checkpoint)
    weights = convert(arguments.alref, checkpoint)
    good = True
    for seconds in (10, 3.7):
        samples = sound(seconds)
        samples.tofile(folder / "samples.f32")
        tokens = {}
        hook = model.encoder.register_forward_hook(lambda _, __, out: tokens.update(x=out[0]))
        with torch.no_grad():
            probabilities, _ = model.extract_features(torch.tensor(samples)[None])
        hook.remove()
        got = stages(arguments.stages, weights, folder)
        errors = {"tokens": error(got["tokens"], tokens["x"][0].numpy()),
                  "probabilities": error(got["probabilities"], probabilities[0].numpy())}
        good &= max(errors.values()) <= BOUND
        print(f"BEATs, {seconds} s: " + ", ".join(f"{name} {e:.1e}" for name, e in errors.items()), flush=True)
    return good


def make_clip() -> tuple[CLIPModel, dict, dict]:
    """LanguageBind_Audio_FT's size: CLIP ViT-L/14 with positions for 112 x 1036 filter banks."""
    text = dict(vocab_size=49408, hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12,
                max_position_embeddings=77, hidden_act="gelu", bos_token_id=49406, eos_token_id=49407)
    vision = dict(hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16, patch_size=14,
                  image_size=224, hidden_act="gelu")
    model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=768)).eval()
    model.vision_model.embeddings.position_embedding = torch.nn.Embedding(112 // 14 * (1036 // 14) + 1, 1024)
    randomise(model, 2)
    sizes = dict(num_mel_bins=112, target_length=1036, audio_sample_rate=16000, audio_mean=-4.2677393, audio_std=4.5689974)
    return model, text, vision | sizes


def embed_audio(model: CLIPModel, samples: np.ndarray) -> np.ndarray:
    mel = banks(samples - samples.mean(), 112, "hanning")
    repeated = mel.repeat(1036 // len(mel) + 1, 1)[:1036]  # processing_audio.py, of sounds up to 10.4 s
    picture = (torch.stack([repeated.T] * 3)[None] + 4.2677393) / (4.5689974 * 2)
    vision = model.vision_model
    x = vision.embeddings.patch_embedding(picture).flatten(2).transpose(1, 2)
    x = torch.cat([vision.embeddings.class_embedding.expand(1, 1, -1), x], 1) + vision.embeddings.position_embedding.weight
    x = vision.encoder(inputs_embeds=vision.pre_layrnorm(x)).last_hidden_state[:, 0]
    return torch.nn.functional.normalize(model.visual_projection(vision.post_layernorm(x)), dim=-1)[0].numpy()


def embed_texts(model: CLIPModel, merges: Path) -> np.ndarray:
    from transformers.models.clip.tokenization_clip import bytes_to_unicode

    symbols = list(bytes_to_unicode().values())
    words = symbols + [s + "</w>" for s in symbols] + ["".join(m.split()) for m in merges.read_text().splitlines()[1:]]
    vocabulary = merges.parent / "vocab.json"
    vocabulary.write_text(json.dumps({w: i for i, w in enumerate([*words, "<|startoftext|>", "<|endoftext|>"])}))
    tokenizer = CLIPTokenizer(str(vocabulary), str(merges))
    tokens = tokenizer(TEXTS, padding="max_length", max_length=77, truncation=True, return_tensors="pt")
    vocabulary.unlink()
    return torch.nn.functional.normalize(model.get_text_features(**tokens), dim=-1).numpy()


def compare_language_bind(arguments, folder: Path) -> bool:
    model, text, vision = make_clip()
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    (folder / "config.json").write_text(json.dumps({"text_config": text, "vision_config": vision}))
    merges = gzip.decompress((ROOT / "models" / "clip-merges.txt.gz").read_bytes()).decode()
    (folder / "merges.txt").write_text("#version: 0.2\n" + merges)
    samples = sound(4)
    with torch.no_grad():
        audio, texts = embed_audio(model, samples), embed_texts(model, folder / "merges.txt")
    del model
    weights = convert(arguments.alref, folder / "pytorch_model.bin")
    samples.tofile(folder / "samples.f32")
    (folder / "texts.txt").write_text("\n".join(TEXTS) + "\n")
    got = stages(arguments.stages, weights, folder)
    errors = {"audio": error(got["audio"], audio), "texts": error(got["texts"], texts)}
    print("LanguageBind: " + ", ".join(f"{name} {e:.1e}" for name, e in errors.items()), flush=True)
    return max(errors.values()) <= BOUND


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--alref", required=True)
    parser.add_argument("--stages", required=True)
    parser.add_argument("--beats-repo", type=Path, help="left out: LanguageBind only")
    parser.add_argument("--torchaudio", type=Path, metavar="WHEEL", help="filter banks by its own function")
    arguments = parser.parse_args()
    if arguments.torchaudio:
        TORCHAUDIO.append(torchaudio_kaldi(arguments.torchaudio))
    good = True
    for compare in ([compare_beats] if arguments.beats_repo else []) + [compare_language_bind]:
        with tempfile.TemporaryDirectory() as folder:
            good &= compare(arguments, Path(folder))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
