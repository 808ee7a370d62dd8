# SPDX-License-Identifier: Apache-2.0
"""AudioSet's 527 classes in the order of class_labels_indices.csv."""

from __future__ import annotations

import functools
from pathlib import Path

import torch
from torch import Tensor

from ..sounds.kinds import SILENCE, SPEECH, audioset_targets
from ..sounds.mixtures import Mixture

_TABLE = Path(__file__).parents[2] / "models" / "audioset-labels.tsv"


@functools.cache
def labels() -> tuple[tuple[str, str], ...]:
    """(id, name) of every class."""
    lines = _TABLE.read_text(encoding="utf8").splitlines()
    return tuple((line.split("\t")[0], line.split("\t")[1]) for line in lines)


@functools.cache
def numbers() -> dict[str, int]:
    """Name -> number of the class."""
    return {name: i for i, (_, name) in enumerate(labels())}


def targets(mixture: Mixture) -> Tensor:
    """f32 [527]: what a tagger should say of a whole mixture."""
    out = torch.zeros(len(labels()))
    kinds = mixture.kinds(0, len(mixture.samples))
    for kind in kinds:
        for name, share in (
            {SPEECH: 1.0}.items() if kind == SPEECH else audioset_targets(kind).items()
        ):
            out[numbers()[name]] = max(out[numbers()[name]], share)
    if not kinds:
        out[numbers()[SILENCE]] = 1.0
    return out
