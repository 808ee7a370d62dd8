# SPDX-License-Identifier: Apache-2.0
"""Stamp world keeps its promises: repeatable, exact, sentences that hold for one object only."""

import numpy as np
import pytest

from training import stampworld
from training.stampworld import cutouts


@pytest.fixture(scope="module")
def clips():
    """Varied clips: twins, occlusion, things that enter and leave."""
    return [
        stampworld.generate(
            seed, 24, 96, "seen", "named", twin=0.6, outside=0.5, meet=0.7, interval=None
        )
        for seed in range(30)
    ]


def test_same_seed_gives_same_clip():
    a, b = (stampworld.generate(5, 6, 96) for _ in range(2))
    assert np.array_equal(a.frames, b.frames)
    assert np.array_equal(a.masks, b.masks)
    assert a.expressions == b.expressions
    assert not np.array_equal(a.frames, stampworld.generate(6, 6, 96).frames)
    assert not np.array_equal(a.frames, stampworld.generate(5, 6, 96, "seen").frames)


def test_masks_are_disjoint_and_match_boxes(clips):
    for clip in clips:
        assert clip.masks.sum(0).max() <= 1
        for n, t in np.ndindex(clip.masks.shape[:2]):
            ys, xs = np.where(clip.masks[n, t])
            if len(xs) == 0:
                assert np.isnan(clip.boxes[n, t]).all()
                continue
            box = [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
            assert clip.boxes[n, t].tolist() == box
            # The hull's box holds every visible pixel; sampling may spill one pixel.
            assert clip.amodal[n, t, 0] <= box[0] + 1.5 and clip.amodal[n, t, 3] >= box[3] - 1.5


def test_clips_hold_occlusion_entering_and_twins(clips):
    assert np.mean([(c.hidden > 0.25).any() for c in clips]) > 0.3
    assert np.mean([np.isnan(c.boxes).any() for c in clips]) > 0.2
    assert np.mean([len(set(c.kinds)) < len(c.kinds) for c in clips]) > 0.3


def test_sentences_name_one_object(clips):
    seen = set()
    for clip in clips:
        texts = [e.text for e in clip.expressions]
        assert len(texts) == len(set(texts))
        for e in clip.expressions:
            seen.add(e.category)
            if e.category == "absent":
                assert e.target is None and e.text.removeprefix("the ") not in clip.kinds
            else:
                assert clip.kinds[e.target] in e.text
            if e.category == "kind":
                assert clip.kinds.count(clip.kinds[e.target]) == 1 or not e.contested
    assert seen == set(stampworld.CATEGORIES)


def test_position_and_size_sentences_are_true(clips):
    checked = 0
    for clip in clips:
        x = (clip.boxes[..., 0] + clip.boxes[..., 2]) / 2
        for e in clip.expressions:
            if not (e.contested and e.text.endswith("on the left")):
                continue
            twins = [n for n, k in enumerate(clip.kinds) if k == clip.kinds[e.target]]
            for n in twins:
                both = ~np.isnan(x[n]) & ~np.isnan(x[e.target])
                if n != e.target and both.any():
                    assert np.mean(x[e.target][both] < x[n][both]) > 0.7
                    checked += 1
    assert checked > 0


def test_held_out_cutouts_stay_out():
    held_out = {c.key for c in cutouts.load() if c.held_out}
    assert len(held_out) == len(stampworld.HELD_OUT)
    for seed in range(40):
        assert not held_out & set(stampworld.generate(seed, 1, 64).keys)
        assert set(stampworld.generate(seed, 1, 64, "unseen").keys) <= held_out


def test_named_kinds_only():
    for seed in range(40):
        kinds = stampworld.generate(seed, 1, 64, kinds="named").kinds
        assert set(kinds) <= set(stampworld.NAMED_KINDS)


@pytest.mark.parametrize("bad", [{"split": "test"}, {"kinds": "some"}])
def test_unknown_choice_is_an_error(bad):
    with pytest.raises(ValueError, match="expected"):
        stampworld.generate(0, 1, 64, **bad)
