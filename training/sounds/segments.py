# SPDX-License-Identifier: Apache-2.0
"""Where a sound changes: a bound for how alike adjacent seconds are."""

from __future__ import annotations

import torch

# A bound between two vectors' cosine is worth asking for from -0.2 to 1.
_THRESHOLDS = [i / 50 for i in range(-10, 51)]


def best_threshold(similarity: list[float], changes: list[bool]) -> tuple[float, float]:
    """Below which similarity of adjacent seconds a change is most rightly assumed, and how rightly:
    in percent, the mean of the shares of changes and of non-changes that are told so."""
    s, c = torch.tensor(similarity), torch.tensor(changes)

    def right(bound: float) -> float:
        return float((s[c] < bound).float().mean() + (s[~c] >= bound).float().mean()) / 2

    # The middle of the best bounds: one more draw should not move it far.
    values = [right(t) for t in _THRESHOLDS]
    good = [t for t, v in zip(_THRESHOLDS, values) if v > max(values) - 0.005]
    return sum(good) / len(good), 100 * max(values)
