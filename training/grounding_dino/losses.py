# SPDX-License-Identifier: Apache-2.0
"""Detection losses: focal on tokens, L1 and generalised IoU on boxes, Hungarian matching."""

import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment

from .data import cells


def corners(b):
    """cxcywh -> x0 y0 x1 y1"""
    return torch.cat([b[..., :2] - b[..., 2:] / 2, b[..., :2] + b[..., 2:] / 2], -1)


def iou_and_giou(a, b):
    """Of boxes cxcywh, elementwise with broadcasting."""
    a, b = corners(a), corners(b)
    inter = (torch.min(a[..., 2:], b[..., 2:]) - torch.max(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    union = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - inter
    hull = (torch.max(a[..., 2:], b[..., 2:]) - torch.min(a[..., :2], b[..., :2])).prod(-1)
    iou = inter / union.clamp(min=1e-6)
    return iou, iou - (hull - union) / hull.clamp(min=1e-6)


def focal(x, target, weight):
    """Focal loss (alpha 0.25, gamma 2) that takes targets between 0 and 1. Sum over `weight`."""
    p = x.sigmoid()
    alpha = 0.25 * target + 0.75 * (1 - target)
    ce = F.binary_cross_entropy_with_logits(x, target, reduction="none")
    return (ce * (target - p).square() * alpha * weight).sum()


def dense_assignment(boxes, size):
    """Cells that should propose a box, and cells inside it that are left alone: two [N, n] bool."""
    h, w = size
    grid = cells(size)[:, None]
    b = boxes[None] * torch.tensor([w, h, w, h])
    dx, dy = (grid[..., 0] - b[..., 0]).abs(), (grid[..., 1] - b[..., 1]).abs()
    stride = grid[..., 2]
    side = (b[..., 2] * b[..., 3]).sqrt()
    level = (side / stride > 1.8) & (side / stride <= 7)
    centre = (dx < torch.maximum(0.28 * b[..., 2], stride * 0.5)) & (
        dy < torch.maximum(0.28 * b[..., 3], stride * 0.5)
    )
    inside = (dx < 0.5 * b[..., 2]) & (dy < 0.5 * b[..., 3])
    return level & centre, inside & ~(level & centre)


def _match(scores, boxes, target_boxes, tokens):
    p = scores.sigmoid()
    positive = (tokens > 0).float()
    positive = positive / positive.sum(-1, keepdim=True)
    cost = 0.25 * (1 - p) ** 2 * -(p + 1e-8).log() - 0.75 * p**2 * -(1 - p + 1e-8).log()
    _, giou = iou_and_giou(boxes[:, None], target_boxes[None])
    cost = 2 * cost @ positive.t() + 5 * torch.cdist(boxes, target_boxes, p=1) - 2 * giou
    i, j = linear_sum_assignment(cost.numpy())
    return torch.as_tensor(i), torch.as_tensor(j)


def detection_loss(out, targets, size, token_mask, one_to_many=4):
    """Loss of proposals (one to many, by place) and of each decoder layer (all but the last one to many).

    targets: per picture dict(boxes [n, 4], tokens [n, L]). -> loss, its parts as floats
    """
    parts, total = {}, 0.0
    used = token_mask[:, None].float()
    objects = max(1, sum(len(t["boxes"]) for t in targets))

    # proposals
    x = out["enc_scores"].masked_fill(~token_mask[:, None], -20.0)
    want, weight = torch.zeros_like(x), used.repeat(1, x.shape[1], 1) * out["enc_valid"][None, :, None]
    l1 = giou = 0.0
    positives = 0
    for b, t in enumerate(targets):
        if not len(t["boxes"]):
            continue
        yes, skip = dense_assignment(t["boxes"], size)
        yes &= out["enc_valid"][:, None]
        want[b] = (yes[..., None] * t["tokens"][None]).amax(1)
        skipped = (skip.float() @ (t["tokens"] > 0).float()) > 0
        weight[b] *= (~skipped | (want[b] > 0)).float()
        cell, n = yes.nonzero(as_tuple=True)
        if len(cell):
            share = 1 / yes.sum(0).float()[n]
            _, g = iou_and_giou(out["enc_boxes"][b, cell], t["boxes"][n])
            l1 = l1 + ((out["enc_boxes"][b, cell] - t["boxes"][n]).abs().sum(-1) * share).sum()
            giou = giou + ((1 - g) * share).sum()
            positives += len(cell)
    ce = focal(x, want, weight) / max(positives, 1) / 1.5
    total = total + 2 * ce + 5 * l1 / objects + 2 * giou / objects
    parts["enc_ce"], parts["enc_giou"] = ce.item(), float(torch.as_tensor(giou).detach()) / objects

    # decoder layers
    for layer, (scores, boxes) in enumerate(zip(out["scores"], out["boxes"])):
        x = scores.masked_fill(~token_mask[:, None], -20.0)
        want, l1, giou, matched = torch.zeros_like(x), 0.0, 0.0, 0
        repeats = one_to_many if layer < len(out["scores"]) - 1 else 1
        for b, t in enumerate(targets):
            n = len(t["boxes"])
            if n == 0:
                continue
            k = max(1, min(repeats, x.shape[1] // (2 * n)))
            target_boxes, tokens = t["boxes"].repeat(k, 1), t["tokens"].repeat(k, 1)
            i, j = _match(x[b].detach(), boxes[b].detach(), target_boxes, tokens)
            want[b, i] = tokens[j]
            _, g = iou_and_giou(boxes[b, i], target_boxes[j])
            l1 = l1 + (boxes[b, i] - target_boxes[j]).abs().sum()
            giou = giou + (1 - g).sum()
            matched += len(i)
        matched = max(matched, 1)
        ce = focal(x, want, used) / matched / 1.5
        total = total + 2 * ce + 5 * l1 / matched + 2 * giou / matched
        parts[f"d{layer}_ce"], parts[f"d{layer}_giou"] = ce.item(), float(torch.as_tensor(giou).detach()) / matched
    return total, parts
