# SPDX-License-Identifier: Apache-2.0
"""Stamp-AVS keeps its difficulty, and its layouts tell the truth as AVSBench's loaders read it."""

import csv
import json
import sys
import wave

import numpy as np
import pytest
from PIL import Image

from training import stampworld
from training.sounds.kinds import AVSBENCH, KINDS
from training.stampbench import avs, avs_plan


def test_plan_is_repeatable_and_does_not_depend_on_its_length():
    first = list(avs_plan.plan(1, avs_plan.MS3, 2))
    assert list(avs_plan.plan(1, avs_plan.MS3, 1)) == first[:1]
    assert next(avs_plan.plan(2, avs_plan.MS3, 1)).seed != first[0].seed


def test_cast_is_that_of_the_clip():
    for seed in range(5):
        clip = stampworld.generate(seed, 2, 64, "seen", "named", avs_plan._settings(5))
        assert sorted(stampworld.cast(seed, "seen", "named", avs_plan._settings(5))) == sorted(
            clip.kinds
        )


def test_sounding_kinds_can_be_seen_and_heard():
    assert set(avs_plan.SOUNDING) <= set(KINDS) & set(stampworld.NAMED_KINDS)
    silent = [k for k in stampworld.NAMED_KINDS if k not in KINDS]
    assert silent  # some things never sound


def test_timetables():
    rng = np.random.default_rng(0)
    assert avs_plan._timetable(rng, avs_plan.S4, ["dog"]) == {"dog": (0, 1, 2, 3, 4)}
    tables = [avs_plan._timetable(rng, avs_plan.MS3, ["dog", "cow", "pig"]) for _ in range(60)]
    in_turn = 0
    for table in tables:
        for at in table.values():
            assert at == tuple(range(at[0], at[-1] + 1)) and 0 <= at[0] and at[-1] < 5
        in_turn += (
            sum(len(at) for at in table.values()) == 5 and len(set(sum(table.values(), ()))) == 5
        )
    assert 8 < in_turn < 40
    assert sum(all(len(at) == 5 for at in t.values()) for t in tables) > 3


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = tmp_path_factory.mktemp("avs")
    kept, sys.argv = sys.argv, ["avs", "--out", str(root), "--seed", "3", "--clips", "2"]
    sizes, avs_plan.SIZES = avs_plan.SIZES, ((120, 160),)
    try:
        avs.main()
    finally:
        sys.argv, avs_plan.SIZES = kept, sizes
    return root


def _rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_single_source_has_the_official_files(written):
    root = written / "Single-source"
    rows = _rows(root / "s4_meta_data.csv")
    assert len(rows) == 2 and list(rows[0]) == ["name", "start", "category", "split"]
    for row in rows:
        folder = f"test/{row['category']}/{row['name']}"
        for t in range(1, 6):  # loaders of avs_s4: name_T.png, mode "1"
            frame = Image.open(root / f"s4_data/visual_frames/{folder}/{row['name']}_{t}.png")
            mask = Image.open(root / f"s4_data/gt_masks/{folder}/{row['name']}_{t}.png")
            assert frame.size == mask.size == (160, 120)
            assert set(np.unique(mask)) <= {0, 255}
            assert np.array_equal(np.array(mask.convert("1")), np.array(mask) > 0)
        with wave.open(str(root / f"s4_data/audio_wav/{folder}.wav")) as file:
            assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (
                1,
                16000,
                80000,
            )


def test_masks_follow_what_sounds(written):
    told = json.loads((written / "stampavs.json").read_text())["videos"]
    root = written / "Multi-sources"
    for row in _rows(root / "ms3_meta_data.csv"):
        name = row["name"]
        for t in range(5):
            mask = np.array(
                Image.open(root / f"ms3_data/gt_masks/test/{name}/{name}_{t + 1}.png").convert("P")
            )
            area = sum(o["area"][t] for o in told[name]["objects"] if t in o["sounds"])
            assert (mask > 0).mean() == pytest.approx(area, abs=2e-4)
            assert (root / f"ms3_data/visual_frames/{name}/{name}.mp4_{t + 1}.png").exists()
        assert sum(bool(o["sounds"]) for o in told[name]["objects"]) >= 2


def test_semantic_colours_are_the_classes(written):
    told = json.loads((written / "stampavs.json").read_text())["videos"]
    root = written / "AVSBench_semantic"
    numbers = json.loads((root / "label2idx.json").read_text())
    assert len(numbers) == 71 and numbers["background"] == 0 and numbers["woman"] == 70
    rows = _rows(root / "metadata.csv")
    assert list(rows[0]).index("uid") == 1 and list(rows[0]).index("label") == 6
    assert {row["label"] for row in rows} >= {"v2"}
    for row in rows:
        folder = root / row["label"] / row["uid"]
        seconds = 10 if row["label"] == "v2" else 5
        assert len(list((folder / "frames").iterdir())) == seconds
        for t in range(seconds):
            colours = np.array(Image.open(folder / "labels_rgb" / f"{t}.png"))
            # The official palette's rule, from the colour back to the number.
            found = np.zeros(colours.shape[:2], int)
            for bit in range(8):
                for channel in range(3):
                    place = 3 * bit + channel
                    if place < 7:
                        found |= ((colours[..., channel] >> (7 - bit)) & 1).astype(int) << place
            sounding = [
                o for o in told[row["uid"]]["objects"] if t in o["sounds"] and o["area"][t] > 0
            ]
            expected = {AVSBENCH.index(o["category"]) + 1 for o in sounding}
            assert set(np.unique(found)) - {0} == expected


def test_the_track_holds_what_it_says():
    entry = next(avs_plan.plan(4, avs_plan.MS3, 1))
    scene = avs_plan.render(entry)
    again = avs_plan.render(entry)
    assert np.array_equal(scene.samples, again.samples) and np.array_equal(
        scene.clip.frames, again.clip.frames
    )
    assert scene.sounding.shape == (len(scene.clip.kinds), 5)
    for n, kind in enumerate(scene.clip.kinds):
        assert set(np.flatnonzero(scene.sounding[n])) <= set(entry.seconds.get(kind, ()))
    loud = np.sqrt((scene.samples.reshape(5, -1) ** 2).mean(1))
    assert (loud[scene.sounding.any(0)] > 0.01).all()
    assert (loud[~scene.sounding.any(0)] < 0.01).all()
