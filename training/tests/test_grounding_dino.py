# SPDX-License-Identifier: Apache-2.0
"""The detector's network, its captions and its trainer."""

import json

import numpy as np
import pytest
import torch

from training.grounding_dino import data, losses, sampling, train
from training.grounding_dino.calibrate import shift_logits
from training.grounding_dino.config import Config
from training.grounding_dino.export import write_export
from training.grounding_dino.initialise import refit_text
from training.grounding_dino.model import GroundingDino
from training.grounding_dino.text import TextCache, sub_sentence_masks

torch.set_num_threads(1)  # the networks are too small to share among threads


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    out = GroundingDino(Config()).eval()
    out.bert.load_minilm()
    return out


@pytest.fixture(scope="module")
def text(model):
    return TextCache(model.bert, 40)


def test_sub_sentences_do_not_see_each_other():
    """[CLS] a cat . a dog . [SEP] and padding: as the official code masks and counts them."""
    ids = torch.tensor([[101, 1037, 4937, 1012, 1037, 3899, 1012, 102, 0]])
    mask, positions = sub_sentence_masks(ids)
    expected = torch.block_diag(*(torch.ones(n, n) for n in (1, 3, 3, 1, 1))).bool()
    assert torch.equal(mask[0], expected)
    assert positions[0].tolist() == [0, 0, 1, 2, 0, 1, 2, 0, 0]


def test_kept_text_features_equal_a_whole_run(model, text):
    inputs, spans = text.encode([["the cat on the left", "a dog"], ["guitar"]])
    ids = torch.zeros(2, 40, dtype=torch.long)
    for row, phrases in zip(ids, (["the cat on the left", "a dog"], ["guitar"])):
        tokens = [101] + sum((text.phrase_ids(p) + [1012] for p in phrases), []) + [102]
        row[: len(tokens)] = torch.tensor(tokens)
    with torch.no_grad():
        whole = model.text_features(ids)
    assert spans[0] == [[1, 2, 3, 4, 5], [7, 8]]
    for key in ("token_mask", "mask", "positions"):
        assert torch.equal(inputs[key], whole[key])
    used = ids != 0
    # rounding of f32 over six layers: 4e-7 observed
    assert (inputs["features"] - whole["features"])[used].abs().max() < 1e-5


def test_compiled_sampling_equals_plain():
    """Also outside the maps; both gradients. Rounding only: 2e-7 observed."""
    if sampling._extension() is None:
        pytest.skip("no compiler")
    torch.manual_seed(0)
    shapes = [(8, 6), (4, 3), (2, 2)]
    value = torch.randn(2, 64, 2, 16, requires_grad=True)
    at = (torch.rand(2, 20, 2, 3, 4, 2) * 1.4 - 0.2).requires_grad_()
    weight = torch.rand(2, 20, 2, 3, 4, requires_grad=True)
    up = torch.randn(2, 20, 2, 16)
    results = []
    for f in (sampling.sample, sampling.sample_plain):
        y = f(value, at, weight, shapes)
        results.append((y, *torch.autograd.grad(y, (value, at, weight), up)))
    for got, want in zip(*results):
        assert (got - want).norm() < 1e-5 * want.norm()


def test_equal_to_hugging_face():
    pytest.importorskip("transformers")
    from training.grounding_dino.oracle_hf import compare

    small = Config(embed_dim=32, depths=(1, 1, 2, 1), queries=30, encoder_layers=1, decoder_layers=2,
                   bert_hidden=48, bert_layers=1, bert_mlp=64, bert_heads=4)
    # 3e-6 observed; anything structural is above 1e-2
    assert max(compare(small, 100, 132).values()) < 1e-4


def _scene(kinds):
    n = len(kinds)
    boxes = np.array([[0.2 + 0.5 * i / n, 0.5, 0.2, 0.2] for i in range(n)], np.float32)
    return data.Still(np.zeros((64, 64, 3), np.uint8), boxes, kinds, np.zeros((n, 64, 64), bool), [], [])


def test_a_twin_is_a_candidate_and_not_the_one_meant(text):
    pairs = [("the larger dog", [(0, "dog", 1.0), (1, "dog", data.NAMED_ONLY)])]
    _, spans = text.encode([["the larger dog"]])
    objects, tokens = data.token_targets(pairs, spans[0], text, 8)
    assert objects == [0, 1]
    assert tokens.tolist() == [[0, 0, 0, 1, 0, 0, 0, 0], [0, 0, 0, 0.5, 0, 0, 0, 0]]


def test_captions_tell_the_truth(text):
    kinds = data.all_kinds()
    scene = _scene([kinds[3], kinds[3], kinds[7]])
    absent = 0
    for seed in range(200):
        for phrase, found in data.caption(scene, np.random.default_rng(seed), text):
            absent += not found
            for n, noun, value in found:
                assert noun == scene.kinds[n] and noun in phrase and value in (1.0, data.NAMED_ONLY)
            for n, kind in enumerate(scene.kinds):
                if phrase in (kind, f"the {kind}", f"a {kind}"):
                    assert (n, kind, 1.0) in found
    assert absent > 50


def test_text_projection_knows_a_kind_in_any_phrase(model, text):
    torch.manual_seed(0)
    kinds = data.all_kinds()
    words = torch.nn.functional.normalize(torch.randn(len(kinds), model.config.d_model), dim=-1)
    kept = {k: v.clone() for k, v in model.feat_map.state_dict().items()}
    try:
        refit_text(model, text, words)
        right = 0
        for i, kind in enumerate(kinds):
            inputs, _ = text.encode([[f"the {kind} that sleeps"]])  # a phrase it was not fitted to
            token = model.feat_map(inputs["features"][0, 2])
            right += int((words @ token).argmax()) == i
    finally:
        model.feat_map.load_state_dict(kept)
    assert right >= 0.9 * len(kinds)


def test_right_boxes_and_words_cost_least():
    torch.manual_seed(0)
    boxes = torch.tensor([[0.3, 0.4, 0.25, 0.2]])
    tokens = torch.zeros(1, 6)
    tokens[0, 1:3] = 1
    mask = torch.ones(1, 6, dtype=torch.bool)
    shape = (128, 128)
    cells = len(data.cells(shape))

    def output(box, sign):
        scores = torch.full((1, 5, 6), -6.0)
        scores[0, 2, 1:3] = 6.0 * sign
        return {
            "enc_scores": torch.full((1, cells, 6), -6.0), "enc_boxes": torch.full((1, cells, 4), 0.5),
            "enc_valid": torch.ones(cells, dtype=torch.bool), "scores": [scores], "boxes": [box.expand(1, 5, 4)],
        }

    def cost(box, sign):
        return losses.detection_loss(output(box, sign), [{"boxes": boxes, "tokens": tokens}], shape, mask)[0]

    right = cost(boxes[None], 1)
    assert right < cost(boxes[None] + 0.05, 1)
    assert right < cost(boxes[None], -1)


def test_proposals_come_from_the_middle_at_a_fitting_level():
    boxes = torch.tensor([[0.5, 0.5, 0.5, 0.5]])
    yes, skip = losses.dense_assignment(boxes, (128, 128))
    grid = data.cells((128, 128))
    chosen = grid[yes[:, 0]]
    assert set(chosen[:, 2].tolist()) == {16.0, 32.0}  # a side of 64 pixels is 4 or 2 cells
    assert ((chosen[:, :2] - 64).abs() <= 16).all()
    assert not (yes & skip).any()


def test_a_stopped_run_makes_the_same_steps(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "STAGES", (("dense", 10, ((64, 64),), 2, 1e-3, 1e-4),))
    straight = train.Trainer(str(tmp_path / "a"), torch.device("cpu"), resume=False)
    for _ in range(3):
        straight.take_step()
    stopped = train.Trainer(str(tmp_path / "b"), torch.device("cpu"), resume=False)
    (tmp_path / "b").mkdir()
    stopped.take_step()
    stopped.save()
    resumed = train.Trainer(str(tmp_path / "b"), torch.device("cpu"), resume=True)
    for _ in range(2):
        resumed.take_step()
    assert resumed.step == 3 and resumed.seed == straight.seed
    for (name, a), b in zip(straight.model.state_dict().items(), resumed.model.state_dict().values()):
        assert torch.equal(a, b), name


def test_export_has_the_official_layout(model, tmp_path):
    write_export(model, str(tmp_path), {"hours": 0})
    state = torch.load(tmp_path / "nano-grounding-dino.pt")["model"]
    for key in (
        "backbone.0.layers.0.blocks.0.attn.qkv.weight", "backbone.0.norm3.weight",
        "bert.encoder.layer.5.output.LayerNorm.bias", "bert.pooler.dense.weight", "feat_map.weight",
        "input_proj.3.0.weight", "transformer.level_embed", "transformer.tgt_embed.weight",
        "transformer.encoder.layers.1.self_attn.sampling_offsets.weight",
        "transformer.encoder.fusion_layers.0.attn.values_v_proj.weight",
        "transformer.encoder.text_layers.0.self_attn.in_proj_weight",
        "transformer.decoder.layers.2.ca_text.in_proj_weight", "transformer.decoder.ref_point_head.layers.0.weight",
        "transformer.decoder.bbox_embed.2.layers.2.weight", "transformer.enc_out_bbox_embed.layers.2.bias",
        "bbox_embed.0.layers.0.weight",
    ):
        assert key in state, key
    told = json.loads((tmp_path / "nano-grounding-dino.json").read_text())
    assert told["format"] == "grounding-dino-hyperparameters"
    assert told["swin"] == {"num_heads": [1, 2, 4, 8], "window_size": 8}
    assert len((tmp_path / "vocab.txt").read_text(encoding="utf8").splitlines()) == 30522


def test_calibration_moves_logits_and_leaves_the_boxes_of_a_query():
    torch.manual_seed(0)
    small = GroundingDino(Config(queries=500)).eval()  # more than there are cells: no selection
    images = torch.randn(1, 3, 64, 64)
    ids = torch.tensor([[101, 1037, 4937, 1012, 102]])
    with torch.no_grad():
        small.transformer.decoder.norm.bias.fill_(1.0)
        inputs = small.text_features(ids)
        before = small(images, **inputs)
        shift_logits(small, before["states"][-1][0], 0.7)
        after = small(images, **inputs)
    order = [o["boxes"][-1][0][:, 0].sort()[1] for o in (before, after)]
    boxes = [o["boxes"][-1][0][i] for o, i in zip((before, after), order)]
    assert (boxes[0] - boxes[1]).abs().max() < 1e-4  # f32 rounding
    moved = after["scores"][-1].mean() - before["scores"][-1].mean()
    assert abs(moved - 0.7) < 1e-3
