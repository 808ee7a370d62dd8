# SPDX-License-Identifier: Apache-2.0
"""The tagger's network, its scores, its trainer and its export, at a size that takes seconds."""

import dataclasses

import pytest
import torch
from torch import nn

from training.beats import evaluate, train
from training.beats.config import NANO
from training.beats.export import export
from training.beats.labels import labels, numbers
from training.beats.model import Beats, buckets
from training.sounds import mixtures, trainer
from training.sounds.kinds import KINDS

TINY = dataclasses.replace(
    NANO, embed_dim=24, encoder_embed_dim=48, encoder_layers=2, encoder_ffn_embed_dim=64
)


def test_buckets_are_exact_near_and_logarithmic_far():
    rows = buckets(300, 64, 256)
    assert rows[5, :5].tolist() == [5, 4, 3, 2, 1] and rows[5, 5] == 0
    assert rows[0, 1:17].tolist() == [32 + i for i in range(1, 17)]
    assert rows[0, 16:].diff().min() >= 0 and rows[0, -1] == 63
    assert rows[299, 0] == 31


def test_position_kernel_is_weight_norm_of_torch():
    net = Beats(TINY).initialise()
    ours = net.encoder.pos_conv[0]
    ours.weight_g.data *= 1.7
    theirs = nn.Conv1d(
        48, 48, TINY.conv_pos, padding=TINY.conv_pos // 2, groups=TINY.conv_pos_groups
    )
    theirs = nn.utils.parametrizations.weight_norm(theirs, dim=2)
    theirs.parametrizations.weight.original0.data.copy_(ours.weight_g)
    theirs.parametrizations.weight.original1.data.copy_(ours.weight_v)
    theirs.bias.data.copy_(ours.bias)
    x = torch.randn(2, 48, 30)
    assert torch.allclose(ours(x), theirs(x)[..., :30], atol=1e-6)


def test_average_precision_by_hand():
    scores, truth = torch.tensor([0.9, 0.8, 0.7, 0.1]), torch.tensor([True, False, True, False])
    assert evaluate.average_precision(scores, truth) == pytest.approx((1 + 2 / 3) / 2)


def test_export_has_the_official_layout(tmp_path):
    net = Beats(TINY).initialise().eval()
    checkpoint = torch.load(export(net, tmp_path), weights_only=True)
    assert set(checkpoint) == {"cfg", "label_dict", "model"}
    assert checkpoint["label_dict"] == {i: name for i, (name, _) in enumerate(labels())}
    shapes = {name: tuple(t.shape) for name, t in checkpoint["model"].items()}
    assert shapes["patch_embedding.weight"] == (24, 1, 32, 32)
    assert shapes["post_extract_proj.weight"] == (48, 24)
    assert shapes["encoder.pos_conv.0.weight_g"] == (1, 1, 32)
    assert shapes["encoder.pos_conv.0.weight_v"] == (48, 3, 32)
    for layer in (0, 1):  # all layers' tables of biases are there, and are one
        name = f"encoder.layers.{layer}.self_attn.relative_attention_bias.weight"
        assert shapes[name] == (320, 6)
        assert torch.equal(
            checkpoint["model"][name],
            net.encoder.layers[0].self_attn.relative_attention_bias.weight,
        )
    assert shapes["encoder.layers.1.self_attn.grep_a"] == (1, 6, 1, 1)
    assert shapes["predictor.weight"] == (527, 48)
    samples = torch.randn(1, 16000) * 0.1
    assert torch.equal(evaluate.load(tmp_path / "nano-beats.pt").eval()(samples), net(samples))


class Oracle(nn.Module):
    """Knows the seconds of the tracks that will be asked for."""

    def __init__(self, tracks: int):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.known = {}
        for i in range(tracks):
            mixture = mixtures.draw(i, "seen", 5.0, sources=(0.05, 0.35, 0.4, 0.2))
            for t, piece in enumerate(torch.from_numpy(mixture.samples).reshape(5, -1)):
                logits = torch.full((527,), -9.0)
                for kind in mixture.kinds(t * 16000, (t + 1) * 16000):
                    if kind != "Speech":
                        logits[numbers()[KINDS[kind].labels[0]]] = 9.0
                self.known[piece.numpy().tobytes()] = logits

    def forward(self, samples):
        return torch.stack([self.known[piece.numpy().tobytes()] for piece in samples])


def test_scores_of_seconds_of_one_who_knows():
    scores = evaluate.evaluate_seconds(Oracle(30), 30)
    assert scores["second_1"] == 100
    # Two kinds may share a class, and then one seems to sound while the other does.
    assert scores["on"] > 97 and scores["changes"] > 97


def _trainer(folder, monkeypatch, steps: int, *options: str) -> train.BeatsTrainer:
    monkeypatch.setattr(train, "NANO", TINY)
    arguments = ["--out", str(folder), "--steps", str(steps), "--batch", "4", "--f32", *options]
    return train.BeatsTrainer(trainer.parser("test", 10, 2e-3).parse_args(arguments))


def test_a_resumed_run_makes_the_same_steps(tmp_path, monkeypatch):
    whole = _trainer(tmp_path, monkeypatch, 4)
    for _ in range(3):
        whole.train_step()
    half = _trainer(tmp_path, monkeypatch, 4)
    half.train_step()
    half.save()
    other = _trainer(tmp_path, monkeypatch, 4)
    other.load(torch.load(tmp_path / "train.pt", weights_only=True))
    for _ in range(2):
        other.train_step()
    for a, b in zip(whole.average.parameters(), other.average.parameters()):
        assert torch.equal(a, b)


def test_training_lowers_the_loss_of_a_batch(tmp_path, monkeypatch):
    run = _trainer(tmp_path, monkeypatch, 1000)
    step_loss = run.loss
    monkeypatch.setattr(run, "loss", lambda step: step_loss(0))
    first = float(run.loss(0)[0].detach())
    for _ in range(40):
        run.train_step()
    assert float(run.loss(0)[0].detach()) < 0.8 * first
