# SPDX-License-Identifier: Apache-2.0
"""The towers of sound and text, what they are taught, and their export, at a small size."""

import dataclasses
import json
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from training.language_bind import draws, evaluate, phrases, teacher, tokenizer, train
from training.language_bind.config import NANO, Tower
from training.language_bind.export import export
from training.language_bind.model import LanguageBind
from training.sounds import trainer
from training.sounds.kinds import AVSBENCH, KINDS

TINY = dataclasses.replace(NANO, text=Tower(128, 64, 1, 4), audio=Tower(24, 48, 2, 2))


class FakeTeacher:
    """Random vectors; the same word, the same vector."""

    def __init__(self):
        self.texts = list(phrases.nouns())
        self.vectors = F.normalize(torch.randn(len(self.texts), 128), dim=-1)
        self.tokens = F.normalize(torch.randn(NANO.vocab_size, 128), dim=-1)

    def __getitem__(self, text):
        return self.vectors[self.texts.index(text)]


@pytest.fixture
def net():
    torch.manual_seed(0)
    return LanguageBind(TINY).initialise().eval()


def test_vocabulary_is_clips():
    words = tokenizer.vocabulary()
    assert len(words) == 49408 and words[320] == "a</w>" and words[-1] == "<|endoftext|>"
    # As OpenAI's CLIP gives them for "a photo of a cat".
    assert tokenizer.encode("A photo  of a cat") == (49406, 320, 1125, 539, 320, 2368, 49407)
    assert tokenizer.encode("") == (49406, 49407)
    assert len(tokenizer.encode("cat " * 100)) == 77


def test_what_follows_a_text_does_not_matter(net):
    alone, ends = tokenizer.batch(["dog"])
    padded, both_ends = tokenizer.batch(
        ["dog", "a very long text about a dog, a cow and a fire truck"]
    )
    assert torch.allclose(
        net.embed_text(alone, ends)[0], net.embed_text(padded, both_ends)[0], atol=1e-6
    )


def test_a_short_sound_is_repeated_and_a_long_one_cut_in_three(net):
    rng = np.random.default_rng(0)
    short = torch.from_numpy(
        rng.standard_normal((1, 400 + 160 * 99)).astype(np.float32)
    )  # 100 frames
    picture = net.pictures(short)
    assert picture.shape == (1, 3, 112, 504)
    assert torch.equal(picture[..., :100], picture[..., 100:200]) and torch.equal(
        picture[:, 0], picture[:, 2]
    )
    long = torch.from_numpy(
        rng.standard_normal((1, 400 + 160 * 509)).astype(np.float32)
    )  # 510 frames
    picture = net.pictures(long)
    # Starts 0..6 in thirds of 3, 2 and 2, of which the middles are 1, 4 and 6.
    for channel, start in ((0, 1), (1, 4), (2, 6)):
        assert torch.equal(picture[0, channel, :, :400], picture[0, 0, :, start - 1 : start + 399])


def test_export_has_hugging_faces_layout(net, tmp_path):
    path = export(net, tmp_path)
    weights = torch.load(path, weights_only=True)
    config = json.loads((path.parent / "config.json").read_text())
    assert path.name == "pytorch_model.bin"
    assert (
        config["vision_config"]["num_mel_bins"] == 112
        and config["vision_config"]["target_length"] == 504
    )
    shapes = {name: tuple(t.shape) for name, t in weights.items()}
    expected = {
        "logit_scale": (),
        "text_model.embeddings.token_embedding.weight": (49408, 128),
        "text_model.embeddings.position_embedding.weight": (77, 128),
        "text_model.final_layer_norm.weight": (128,),
        "text_projection.weight": (128, 128),
        "vision_model.embeddings.class_embedding": (24,),
        "vision_model.embeddings.patch_embedding.weight": (24, 3, 28, 28),
        "vision_model.embeddings.position_embedding.weight": (73, 24),
        "vision_model.pre_layrnorm.bias": (24,),
        "vision_model.encoder.layers.1.self_attn.out_proj.bias": (24,),
        "vision_model.encoder.layers.1.mlp.fc1.weight": (48, 24),
        "visual_projection.weight": (128, 24),
    }
    assert expected.items() <= shapes.items()
    layer = r"(text|vision)_model\.encoder\.layers\.\d+\."
    layer += (
        r"(self_attn\.[qkv]_proj|self_attn\.out_proj|mlp\.fc[12]|layer_norm[12])\.(weight|bias)"
    )
    others = {name for name in shapes if not re.fullmatch(layer, name)} - set(expected)
    assert others == {
        "text_model.final_layer_norm.bias",
        "vision_model.pre_layrnorm.weight",
        "vision_model.post_layernorm.weight",
        "vision_model.post_layernorm.bias",
    }


def test_draws_repeat_and_texts_name_what_they_mean():
    a, b = (draws.draw(1, 6, 6) for _ in range(2))
    assert torch.equal(a.samples, b.samples) and a.texts == b.texts
    assert len(a.choices) == len(a.heard) == len(a.samples) == 6
    for heard, choice in zip(a.heard, a.choices):
        assert a.meanings[choice[0]] == heard  # the right one first
        assert heard not in [a.meanings[i] for i in choice[1:]]
    rng = np.random.default_rng(0)
    for _ in range(50):
        text = draws.text_for(rng, frozenset({"crow", "owl"}))
        assert "bird" not in text.split(" and ")  # a name that fits both says nothing


def test_lists_mean_the_sum_of_their_parts():
    taught = FakeTeacher()
    meanings = draws.Meanings(taught)
    pair = meanings[frozenset({"dog", "cow"})]
    assert torch.allclose(
        pair, F.normalize(meanings[frozenset({"dog"})] + meanings[frozenset({"cow"})], dim=0)
    )
    texts, vectors = draws.lesson(np.random.default_rng(1), taught, 64)
    assert vectors.shape == (64, 128) and torch.allclose(vectors.norm(dim=1), torch.ones(64))
    assert any(", " in text for text in texts)


def test_unheard_labels_name_no_sound_of_training():
    kinds = {name for kind in KINDS for name in phrases.names(kind)}
    assert not set(evaluate.UNHEARD) & kinds
    assert set(evaluate.UNHEARD.values()) <= set(AVSBENCH)


def test_training_lowers_the_loss_of_a_batch(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "NANO", TINY)
    monkeypatch.setattr(train, "_TEXT_STEPS", 1)
    monkeypatch.setattr(teacher, "load", FakeTeacher)
    torch.manual_seed(0)
    arguments = ["--out", str(tmp_path), "--steps", "1000", "--batch", "4", "--f32"]
    run = train.LanguageBindTrainer(trainer.parser("test", 10, 2e-3).parse_args(arguments))
    assert not run.net.text_model.embeddings.token_embedding.weight.requires_grad
    step_loss = run.loss
    monkeypatch.setattr(run, "loss", lambda step: step_loss(2))
    first = float(run.loss(2)[0].detach())
    for _ in range(30):
        run.train_step()
    assert float(run.loss(2)[0].detach()) < 0.8 * first
