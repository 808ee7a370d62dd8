# SPDX-License-Identifier: Apache-2.0
"""Losses of SAM 2 (arXiv:2408.00714, appendix D.2.2), and helpers for the first hours."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .model import Step

_FOCAL, _DICE, _IOU, _SEEN = 20.0, 1.0, 1.0, 1.0
_SPARE = 0.3  # weight of the masks that stand in where the mask for clear prompts is not stable


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


def _masks_loss(
    masks: Tensor, ious: Tensor, target: Tensor, early: float
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Of candidates [B, m, ., .] with predicted qualities [B, m], against target [B, s, s].

    The candidate that fits best is trained, all predicted qualities are: ([B], [B], figures [B]).
    """
    size = target.shape[-1]
    logits = F.interpolate(masks, (size, size), mode="bilinear", align_corners=False)
    target = target[:, None].expand_as(logits)
    overlap = dice(logits, target)
    shape = _FOCAL * focal(logits, target) + _DICE * overlap
    if early > 0:
        shape = shape + early * balanced(logits, target)
    with torch.no_grad():
        a, b = logits > 0, target > 0
        iou = (a & b).sum((-2, -1)) / (a | b).sum((-2, -1)).clamp(min=1)
    quality = (ious - iou).abs().mean(1)
    best = shape.argmin(1, keepdim=True)
    figures = {"dice": overlap.gather(1, best)[:, 0], "iou": iou.gather(1, best)[:, 0]}
    return shape.gather(1, best)[:, 0], quality, {**figures, "quality": quality}


def step_loss(step: Step, masks: Tensor, early: float) -> tuple[Tensor, dict[str, float]]:
    """Loss of one frame of B objects against their true masks bool [B, S, S].

    early: weight of the balanced cross entropy, which pulls masks towards their place at first.
    """
    target = shrink(masks, masks.shape[-1] // 2)
    shape, quality, figures = _masks_loss(step.candidates, step.ious, target, early)
    loss = shape + _IOU * quality
    if step.spare is not None:
        shape, quality, _ = _masks_loss(step.spare, step.spare_ious, target, early)
        loss = loss + _SPARE * (shape + _IOU * quality)
    seen = masks.flatten(1).any(1).float()
    count = seen.sum().clamp(min=1)
    existence = F.binary_cross_entropy_with_logits(step.score[:, 0], seen)
    log = {name: float((x.detach() * seen).sum() / count) for name, x in figures.items()}
    log["existence"] = float(existence.detach())
    return (loss * seen).sum() / count + _SEEN * existence, log
