# SPDX-License-Identifier: Apache-2.0
"""Stamp world's sounds: their truth, their names, and their filter banks."""

import kaldi_native_fbank as knf
import numpy as np
import pytest
import torch

from training.beats.labels import labels, numbers, targets
from training.sounds import mixtures, voices
from training.sounds.filter_banks import filter_banks
from training.sounds.kinds import AVSBENCH, GENERAL, KINDS, SILENCE, SPEECH, audioset_targets
from training.sounds.segments import best_threshold
from training.stampworld import cutouts, kinds


def test_every_kind_bears_names_that_exist():
    known = {name for _, name in labels()}
    assert len(labels()) == 527 and len(AVSBENCH) == 70 == len(set(AVSBENCH))
    assert list(AVSBENCH) == sorted(AVSBENCH)
    for kind in KINDS.values():
        assert set(kind.labels) <= known
        assert kind.category is None or kind.category in AVSBENCH
    assert set(GENERAL) <= known
    # A wider class may be implied by wider ones, but each must be implied by some kind.
    implied = {name for kind in KINDS for name in audioset_targets(kind)}
    assert set(GENERAL) <= implied


def test_named_kinds_with_a_sound_are_all_there():
    """Whatever stamp world can let sound, the networks know under the same noun."""
    heard = {c.kind for c in cutouts.load() if c.sound and c.key in kinds.KIND_OF_KEY}
    silent = {"giraffe"}  # its file holds no sound
    assert heard - silent <= set(KINDS)


def test_mixtures_repeat_and_splits_differ():
    a, b, c = (mixtures.draw(7, s, 2.0).samples for s in ("train", "train", "seen"))
    assert np.array_equal(a, b) and not np.array_equal(a, c)
    assert a.dtype == np.float32 and len(a) == 2 * voices.RATE and np.abs(a).max() <= 1


def test_truth_says_who_can_be_heard():
    tracks = {
        "dog": np.zeros(16000, np.float32),
        "cow": np.zeros(16000, np.float32),
    }
    tracks["dog"][:8000] = 0.5
    tracks["cow"][:8000] = 0.001  # drowned by the dog
    tracks["cow"][8000:] = 0.1
    mixture = tracks["dog"] + tracks["cow"]
    truth = mixtures.heard(tracks, mixture)
    assert truth["dog"].tolist() == [True] * 10 + [False] * 10
    assert truth["cow"].tolist() == [False] * 10 + [True] * 10
    track = mixtures.Mixture(mixture, truth)
    assert track.kinds(0, 8000) == ["dog"] and track.kinds(8000, 16000) == ["cow"]
    assert set(track.kinds(0, 16000)) == {"dog", "cow"}


def test_a_voice_repeats_within_its_time():
    voice = np.ones(1000, np.float32)
    track = mixtures.place(np.random.default_rng(0), voice, 32000, 8000, 24000)
    assert not track[:8000].any() and not track[24000:].any()
    assert track[8000] == 1 and np.count_nonzero(np.diff(track > 0)) > 4


def test_targets_name_first_what_sounds():
    on = np.ones(20, bool)
    both = mixtures.Mixture(np.zeros(16000, np.float32), {"dog": on, SPEECH: on})
    found, at = targets(both), numbers()
    assert found[at["Dog"]] == 1 == found[at["Speech"]]
    assert found[at["Dog"]] > found[at["Bark"]] > found[at["Animal"]] > 0
    nobody = targets(mixtures.Mixture(np.zeros(16000, np.float32), {"dog": ~on}))
    assert nobody[at[SILENCE]] == 1 == nobody.sum()


@pytest.mark.parametrize("window", ["povey", "hanning"])
def test_filter_banks_are_kaldis(window):
    """At 64 bins: with more Kaldi refuses, for its lowest triangles hold no frequency."""
    samples = mixtures.draw(3, "seen", 1.0).samples * 32768
    options = knf.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.window_type = window
    options.mel_opts.num_bins = 64
    options.mel_opts.high_freq = 0
    kaldi = knf.OnlineFbank(options)
    kaldi.accept_waveform(16000, samples.tolist())
    kaldi.input_finished()
    expected = np.array([kaldi.get_frame(i) for i in range(kaldi.num_frames_ready)])
    ours = filter_banks(torch.from_numpy(samples), 64, window).numpy()
    assert ours.shape == expected.shape
    # Quiet bins of loud frames are rounding in both transforms.
    assert np.quantile(np.abs(ours - expected), 0.99) < 1e-3


def test_filter_banks_of_many_bins_leave_the_empty_ones_at_the_floor():
    banks = filter_banks(torch.zeros(2, 560), 128, "povey")
    assert banks.shape == (2, 2, 128)
    assert torch.allclose(banks, torch.tensor(np.log(np.finfo(np.float32).eps)))


def test_threshold_parts_changes_from_none():
    similarity, changes = [0.9, 0.8, 0.95, 0.2, 0.3], [False, False, False, True, True]
    threshold, told = best_threshold(similarity, changes)
    assert 0.3 < threshold < 0.8 and told == 100
