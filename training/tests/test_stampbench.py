# SPDX-License-Identifier: Apache-2.0
"""StampBench keeps its fixed difficulty, and its layouts tell the truth."""

import json
import sys
from collections import Counter

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco

from training import stampworld
from training.stampbench import __main__ as program
from training.stampbench import plan, tracker
from training.stampworld import sound


@pytest.fixture(scope="module")
def entries():
    return list(plan.plan(1, 20, 0))


def test_shares_of_sentences(entries):
    chosen = [e for entry in entries for e in entry.expressions]
    assert len(chosen) >= 3 * len(entries)
    assert np.mean([e.contested for e in chosen]) >= 0.4
    count = Counter(e.category for e in chosen)
    for category, share in plan.SHARES.items():
        # One or two sentences of about 65 may be lacking or too many.
        assert abs(count[category] / len(chosen) - share) < 0.035, category


def test_plan_is_repeatable_and_does_not_depend_on_its_length(entries):
    assert list(plan.plan(1, 3, 0)) == entries[:3]
    assert next(plan.plan(2, 1, 0)).seed != entries[0].seed


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = tmp_path_factory.mktemp("bench")
    arguments = ["stampbench", "--out", str(root), "--seed", "5", "--clips", "1", "--unseen", "1"]
    kept, sizes, frames = sys.argv, plan.SIZES, plan.FRAMES
    sys.argv, plan.SIZES, plan.FRAMES = arguments, ((120, 160),), (10, 12)
    try:
        program.main()
    finally:
        sys.argv, plan.SIZES, plan.FRAMES = kept, sizes, frames
    return root


def test_layouts_agree(written):
    meta = json.loads((written / "stampbench.json").read_text())["videos"]
    info = meta["seen0000"]
    truth = stampworld.generate(
        info["seed"],
        info["frames"],
        tuple(info["size"]),
        "seen",
        "named",
        plan.settings(info["frames"], named=True),
    )
    youtube = written / "ref-youtube-vos"
    expressions = json.loads(
        (youtube / "meta_expressions/valid/meta_expressions.json").read_text()
    )["videos"]["seen0000"]
    assert len(expressions["frames"]) == info["frames"]
    picture = Image.open(youtube / "valid/Annotations/seen0000/00003.png")
    assert picture.mode == "P"
    for n in range(len(truth.kinds)):
        assert np.array_equal(np.array(picture) == n + 1, truth.masks[n, 3])
    mevis = written / "mevis/valid_u"
    masks = json.loads((mevis / "mask_dict.json").read_text())
    for n in range(len(truth.kinds)):
        runs = masks[str(n)][3]
        mask = np.zeros(truth.masks.shape[2:], bool) if runs is None else coco.decode(runs) > 0
        assert np.array_equal(mask, truth.masks[n, 3])
    listed = json.loads((mevis / "meta_expressions.json").read_text())["videos"]["seen0000"]
    for key, e in info["expressions"].items():
        assert expressions["expressions"][key]["exp"] == e["exp"]
        assert listed["expressions"][key]["exp"] == e["exp"]
        wanted = [] if e["obj_id"] is None else [e["obj_id"] - 1]
        assert listed["expressions"][key]["obj_id"] == wanted


def test_tracker_is_scored_by_the_true_masks(written):
    meta = json.loads((written / "stampbench.json").read_text())["videos"]
    truth = tracker.Truth(written)
    for name, info in meta.items():
        settings = plan.settings(info["frames"], named=info["split"] == "seen")
        kinds = "named" if info["split"] == "seen" else "all"
        clip = stampworld.generate(
            info["seed"], info["frames"], tuple(info["size"]), info["split"], kinds, settings
        )
        truths = truth.of(name, info)
        assert len(truths) == len(clip.masks)
        for n, masks in truths.items():
            assert np.array_equal(masks, clip.masks[n - 1])


def test_davis_has_four_sentences_an_object(written):
    videos = json.loads(
        (written / "ref-davis17/meta_expressions/valid/meta_expressions.json").read_text()
    )["videos"]
    expressions = videos["seen0000"]["expressions"]
    assert len(expressions) % 4 == 0
    assert all(e["obj_id"] == str(int(k) // 4 + 1) for k, e in expressions.items())


def test_unseen_clips_show_held_out_cutouts(written):
    meta = json.loads((written / "stampbench.json").read_text())["videos"]
    keys = {o["cutout"] for o in meta["unseen0000"]["objects"]}
    assert keys <= stampworld.HELD_OUT
    assert len(list((written / "unseen/JPEGImages/unseen0000").iterdir())) >= 10


def test_sound_track_follows_the_objects():
    clip = stampworld.generate(4, 45, 64, "seen", "named", interval=None, duration=(3, 3))
    track = sound.mix(clip, 1, busy=1.0)
    assert len(track.samples) == 3 * sound.RATE
    assert np.array_equal(track.samples, sound.mix(clip, 1, busy=1.0).samples)
    assert track.events
    for e in track.events:
        loud = track.samples[round(e.start * sound.RATE) : round(e.end * sound.RATE)]
        assert np.abs(loud).max() > 0.05
        assert not np.isnan(clip.boxes[e.target, :, 0]).all()
    silence = sound.mix(clip, 1, busy=0.0)
    assert not silence.events and np.abs(silence.samples).max() < 0.05


def test_shares_add_up():
    assert abs(sum(plan.SHARES.values()) - 1) < 1e-9
    assert set(plan.SHARES) == set(stampworld.CATEGORIES)
