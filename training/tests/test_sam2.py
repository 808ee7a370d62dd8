# SPDX-License-Identifier: Apache-2.0
"""The tracker's network and its trainer, at a size that takes seconds."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from training import stampworld
from training.sam2 import data, evaluate, losses, optimizer, train
from training.sam2.average import average
from training.sam2.config import NANO
from training.sam2.export import export, read_weights
from training.sam2.init import initialise
from training.sam2.model import Bank, Prompt, Sam2


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    out = initialise(Sam2(NANO)).eval()
    out.image_size = 128
    return out


def test_first_state_knows_sides_of_a_box(net):
    """Before any training, four heads tell on which side of a corner a pixel lies."""
    attention = net.sam_mask_decoder.transformer.layers[0].cross_attn_image_to_token
    encoder = net.sam_prompt_encoder.pe_layer
    pixels = encoder.grid(16).flatten(2).transpose(1, 2)
    corner = encoder(torch.tensor([[[0.4, 0.7]]]))
    q, k = attention.split(attention.q_proj(pixels)), attention.split(attention.k_proj(corner))
    score = (q @ k.transpose(-1, -2)).reshape(-1, 16, 16)
    place = (torch.arange(16) + 0.5) / 16
    assert torch.equal(score[0] > 0, (place > 0.4).expand(16, 16))
    assert torch.equal(score[1] > 0, (place < 0.4).expand(16, 16))
    assert torch.equal(score[2] > 0, (place > 0.7)[:, None].expand(16, 16))
    assert torch.equal(score[3] > 0, (place < 0.7)[:, None].expand(16, 16))


def test_an_unseen_thing_has_an_empty_mask_and_the_empty_pointer(net):
    bias = net.sam_mask_decoder.pred_obj_score_head.layers[-1].bias
    kept = bias.clone()
    image = torch.randn(1, 3, 128, 128)
    prompt = Prompt(torch.tensor([[[20.0, 20.0], [90.0, 90.0]]]), torch.tensor([[2, 3]]))
    try:
        with torch.no_grad():
            bias.fill_(-100.0)
            step = net.step(net.encode(image), Bank(), 0, 8, prompt)
    finally:
        bias.data.copy_(kept)
    assert (step.masks == -1024).all()
    assert torch.equal(step.pointer, net.no_obj_ptr)


def test_losses_prefer_the_truth():
    masks = torch.zeros(1, 64, 64, dtype=torch.bool)
    masks[:, 10:40, 20:50] = True
    target = losses.shrink(masks, 32)
    right, wrong = (target * 2 - 1) * 8, (1 - target * 2) * 8
    for loss in (losses.focal, losses.dice, losses.balanced):
        assert loss(right, target) < 0.05 < 0.5 < loss(wrong, target)


def test_muon_steps_are_orthogonal():
    torch.manual_seed(0)
    # The five steps bring singular values to about 0.7-1.2, not to 1: that is how Muon is made.
    g = torch.randn(3, 48, 16)
    out = optimizer._orthogonal(g)
    values = torch.linalg.svdvals(out.float())
    assert 0.6 < values.min() and values.max() < 1.3


def test_batch_depends_on_its_number_only():
    a, b = (data.make_batch(9, 3, 4, 64, data.SHORT, {"box": 1.0}) for _ in range(2))
    assert torch.equal(a.images, b.images) and torch.equal(a.prompt.points, b.prompt.points)
    assert a.masks.shape == (4, len(a.clip), 64, 64)
    assert a.masks[0].flatten(1).any(1).all()
    assert not (a.masks & ~a.foreground[:, a.clip]).any()


def test_a_seed_gives_the_clips_that_trained_the_model(monkeypatch):
    """Seeds, sizes and strengths in the order in which commit eec9fc7 asked for them."""
    asked = []

    def generate(seed, frames, size, settings):
        asked.append((seed, size, settings.strength))
        masks = np.zeros((2, frames, size, size), bool)
        if seed % 3:  # else nothing is to be seen
            masks[:, :, :8, :8] = True
        if seed % 3 == 2:  # one thing goes
            masks[0, 1:-1] = False
        return SimpleNamespace(masks=masks, frames=np.zeros((frames, size, size, 3), np.uint8))

    monkeypatch.setattr(data.stampworld, "generate", generate)
    data.make_batch(1, 4, 8, 48, data.LONG, {"box": 1.0})
    assert asked == [
        (4000, 64, 1.6),
        (4001, 64, 0.6),
        (4001, 48, 0.6),
        (5000, 48, 0.6),
        (6000, 64, 1.6),
        (6001, 64, 0.6),
        (6002, 64, 1.0),
        (6002, 48, 1.0),
        (7000, 48, 0.6),
    ]


def test_things_go_in_long_clips():
    """At least as often as asked for; a prompted frame shows each thing all the same."""
    scenes = replace(data.LONG, goes=1.0)
    for number in range(4):
        batch = data.make_batch(number, 1, 12, 64, scenes, {"box": 1.0})
        seen = batch.masks.flatten(2).any(2)
        assert seen[0].all()
        assert ((~seen).float().mean(0) >= 0.2).any()


def test_frozen_image_encoder_stays(tmp_path, monkeypatch):
    stage = train.Stage("tiny", 64, 9, images=2, videos=1, clips=1, frames=(3, 3), frozen=True)
    monkeypatch.setattr(train, "CURRICULUM", (stage,))
    trainer = train.Trainer(train.parse(["--out", str(tmp_path)]))
    trainer.net.image_size = 64
    before = {k: v.clone() for k, v in trainer.net.state_dict().items()}
    trainer.enter(0)
    for _ in range(2):
        trainer.train_step(trainer.batch(trainer.step))
    changed = {k for k, v in trainer.net.state_dict().items() if not torch.equal(v, before[k])}
    assert not any(k.startswith("image_encoder.") for k in changed)
    assert {k.split(".")[0] for k in changed} >= {"memory_attention", "memory_encoder"}


def test_boundary_score():
    true = np.zeros((100, 100), bool)
    true[20:60, 20:60] = True
    near, far, empty = np.roll(true, 1, 0), np.roll(true, 30, 0), np.zeros_like(true)
    assert evaluate.boundary(true, true) == evaluate.boundary(near, true) == 1.0
    assert evaluate.boundary(far, true) < 0.5
    assert evaluate.boundary(empty, true) == evaluate.boundary(true, empty) == 0.0
    assert evaluate.boundary(empty, empty) == evaluate.region(empty, empty) == 1.0


def test_tracking_runs_both_ways(net):
    clip = stampworld.generate(3, 5, (60, 80), "seen")
    masks = evaluate.track(net, clip.frames, np.array([[10.0, 10, 50, 50]], np.float32), 2)
    assert masks.shape == (1, 5, 60, 80)


def test_run_resumes_where_it_stopped(tmp_path, monkeypatch):
    """Four steps at once and two times two give the same weights."""
    stage = train.Stage("tiny", 64, hours=9, images=2, videos=0.5, clips=1, frames=(2, 2))
    monkeypatch.setattr(train, "CURRICULUM", (stage,))

    def run(folder, steps, resume):
        arguments = ["--out", str(folder)] + ["--resume"] * resume
        trainer = train.Trainer(train.parse(arguments))
        trainer.net.image_size = 64
        if resume:
            trainer.load(torch.load(folder / "train.pt", weights_only=True))
        for _ in range(steps):
            trainer.train_step(trainer.batch(trainer.step))
        trainer.save()
        return trainer.net.state_dict()

    whole = run(tmp_path / "a", 4, False)
    run(tmp_path / "b", 2, False)
    halves = run(tmp_path / "b", 2, True)
    assert all(torch.equal(whole[k], halves[k]) for k in whole)


def test_export_is_an_official_checkpoint(tmp_path, net):
    path = export(net, tmp_path)
    weights = torch.load(path, weights_only=True)["model"]
    assert weights["sam_mask_decoder.transformer.layers.0.mlp.layers.0.weight"].shape == (512, 128)
    assert weights["maskmem_tpos_enc"].shape == (7, 1, 1, 64)
    sizes = json.loads(path.with_suffix(".json").read_text())
    assert sizes["image_size"] == net.image_size == 128 and sizes["trunk"]["window_spec"] == [
        8,
        4,
        8,
        4,
    ]
    assert sum(w.numel() for w in weights.values()) * 2 < 8e6  # bytes as f16


def test_training_can_begin_with_a_model_file(tmp_path, net):
    """The weights in the repository are enough to go on, though not the optimisers' state."""
    gguf = pytest.importorskip("gguf")
    path = tmp_path / "model.gguf"
    writer = gguf.GGUFWriter(path, "sam2")
    for name, w in net.state_dict().items():
        data = w.numpy().astype(np.float16)
        # ggml itself keeps no leading lengths of 1.
        writer.add_tensor(name, data.reshape(data.shape[1:]) if data.shape[0] == 1 else data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    weights = read_weights(path, net)
    for name, w in net.state_dict().items():
        assert torch.equal(weights[name], w.half().float()), name
    from_pt = read_weights(export(net, tmp_path), net)
    assert all(torch.equal(from_pt[k], w) for k, w in net.state_dict().items())


def test_average_is_the_mean_of_checkpoints(net, tmp_path):
    paths = [export(net, tmp_path / "a")]
    other = initialise(Sam2(NANO))
    with torch.no_grad():
        for p in other.parameters():
            p.add_(1)
    other.image_size = 128
    paths.append(export(other, tmp_path / "b"))
    mean = Sam2(NANO)
    average(paths, mean)
    for a, b, m in zip(net.parameters(), other.parameters(), mean.parameters(), strict=True):
        assert torch.allclose(m, (a + b) / 2, atol=1e-6)
