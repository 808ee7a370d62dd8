# SPDX-License-Identifier: Apache-2.0
"""Losses of SAM 2 (arXiv:2408.00714, appendix D.2.2), and helpers for the first hours."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .model import Step

_FOCAL, _DICE, _IOU, _SEEN = 20.0, 1.0, 1.0, 1.0


def focal(logits: Tensor, target: Tensor) -> Tensor:
    """Focal loss (alpha 0.25, gamma 2), mean over the pixels: [..., H, W] -> [...]."""
    p = logits.sigmoid()
    cross_entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    miss = p + target - 2 * p * target
    weight = 0.75 - 0.5 * target
    return (weight * miss.square() * cross_entropy).mean((-2, -1))


def dice(logits: Tensor, target: Tensor) -> Tensor:
    """Dice loss: [..., H, W] -> [...]."""
    p = logits.sigmoid()
    both = (p * target).sum((-2, -1))
    return 1 - (2 * both + 1) / (p.sum((-2, -1)) + target.sum((-2, -1)) + 1)


def balanced(logits: Tensor, target: Tensor) -> Tensor:
    """Cross entropy in which inside and outside weigh the same: [..., H, W] -> [...]."""
    cross_entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    inside = (cross_entropy * target).sum((-2, -1)) / target.sum((-2, -1)).clamp(min=1)
    outer = 1 - target
    outside = (cross_entropy * outer).sum((-2, -1)) / outer.sum((-2, -1)).clamp(min=1)
    return (inside + outside) / 2


def shrink(masks: Tensor, size: int) -> Tensor:
    """bool [..., S, S] -> f32 [..., size, size], 1 where at least half of the cell is covered."""
    flat = masks.reshape(-1, 1, *masks.shape[-2:]).float()
    flat = F.avg_pool2d(flat, masks.shape[-1] // size)
    return (flat >= 0.5).float().reshape(*masks.shape[:-2], size, size)


def step_loss(step: Step, masks: Tensor, early: float) -> tuple[Tensor, dict[str, float]]:
    """Loss of one frame of B objects against their true masks bool [B, S, S].

    early: weight of the balanced cross entropy, which pulls masks towards their place at first.
    The candidate that fits best is trained; all predicted qualities are.
    """
    size = masks.shape[-1] // 2
    target = shrink(masks, size)[:, None]
    logits = F.interpolate(step.candidates, (size, size), mode="bilinear", align_corners=False)
    target = target.expand_as(logits)
    seen = masks.flatten(1).any(1).float()
    shape = _FOCAL * focal(logits, target) + _DICE * (overlap := dice(logits, target))
    if early > 0:
        shape = shape + early * balanced(logits, target)
    with torch.no_grad():
        a, b = logits > 0, target > 0
        union = (a | b).sum((-2, -1)).clamp(min=1)
        iou = (a & b).sum((-2, -1)) / union
    quality = (step.ious - iou).abs().mean(1)
    best = shape.argmin(1, keepdim=True)
    shape = shape.gather(1, best)[:, 0]
    existence = F.binary_cross_entropy_with_logits(step.score[:, 0], seen)
    count = seen.sum().clamp(min=1)
    loss = ((shape + _IOU * quality) * seen).sum() / count + _SEEN * existence
    with torch.no_grad():
        log = {
            "dice": float((overlap.gather(1, best)[:, 0] * seen).sum() / count),
            "iou": float((iou.gather(1, best)[:, 0] * seen).sum() / count),
            "quality": float((quality * seen).sum() / count),
            "existence": float(existence),
        }
    return loss, log
