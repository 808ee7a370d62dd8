# SPDX-License-Identifier: Apache-2.0
"""Stamp world: video clips with exact truth, made from the cut-outs of tuxpaint-stamps-default.

    from training import stampworld
    clip = stampworld.generate(seed=7, frames=8, size=256, split="train", kinds="named")

Pictures made by this package show GPL-2 material; keep them in folders that say so.
"""

from .expressions import CATEGORIES, Expression
from .kinds import HELD_OUT, NAMED_KINDS
from .world import Clip, Settings, cast, generate, mask_boxes

__all__ = [
    "CATEGORIES",
    "Clip",
    "Expression",
    "HELD_OUT",
    "NAMED_KINDS",
    "Settings",
    "cast",
    "generate",
    "mask_boxes",
]
