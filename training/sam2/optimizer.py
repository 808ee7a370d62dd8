# SPDX-License-Identifier: Apache-2.0
"""Muon for the matrices of a network, AdamW for the rest of it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_BY_ADAM = (
    "embed",
    "token",
    "tpos",
    "no_obj",
    "no_mem",
    "dwconv",
    "patch_embed",
    "mask_downsample.",
)
_SMALLEST_SIDE = 16


def _orthogonal(g: Tensor) -> Tensor:
    """The nearest semi-orthogonal matrices to g [n, rows, columns], roughly.

    Five Newton-Schulz steps with the coefficients of K. Jordan's Muon (2024).
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.bfloat16()
    tall = x.shape[1] > x.shape[2]
    x = x.transpose(1, 2) if tall else x
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        square = x @ x.transpose(1, 2)
        x = a * x + (b * square + c * square @ square) @ x
    return (x.transpose(1, 2) if tall else x).to(g.dtype)


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised; scaled so that AdamW's learning rates fit (arXiv:2502.16982).

    Parameters with more than two axes count as matrices [first, rest]; `parts` splits the first
    axis of a fused projection into independent matrices.
    """

    def __init__(self, groups: list[dict], lr: float, momentum: float = 0.95):
        super().__init__(groups, {"lr": lr, "momentum": momentum, "weight_decay": 0.0, "parts": 1})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            by_shape: dict[tuple, list[tuple[nn.Parameter, Tensor]]] = {}
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["momentum"] = torch.zeros_like(p)
                m = state["momentum"].lerp_(p.grad, 1 - group["momentum"])
                update = p.grad.lerp(m, group["momentum"])
                update = update.reshape(group["parts"], p.shape[0] // group["parts"], -1)
                by_shape.setdefault(tuple(update.shape[1:]), []).append((p, update))
            for (rows, columns), same in by_shape.items():
                stacked = _orthogonal(torch.cat([u for _, u in same]))
                rate = group["lr"] * 0.2 * max(rows, columns) ** 0.5
                for (p, _), update in zip(same, stacked.split(group["parts"])):
                    p.mul_(1 - group["lr"] * group["weight_decay"])
                    p.add_(update.reshape(p.shape), alpha=-rate)


def build(
    net: nn.Module, others: list[nn.Parameter], lr: float, weight_decay: float
) -> list[torch.optim.Optimizer]:
    """Optimisers of all parameters of `net`, and of `others`."""
    matrices, fused, decayed, rest = [], [], [], list(others)
    for name, p in net.named_parameters():
        flat = p.reshape(p.shape[0], -1) if p.ndim > 1 else p
        if p.ndim < 2:
            rest.append(p)
        elif any(part in name for part in _BY_ADAM):
            rest.append(p)
        elif min(flat.shape) < _SMALLEST_SIDE:
            decayed.append(p)
        elif name.endswith("attn.qkv.weight"):
            fused.append(p)
        else:
            matrices.append(p)
    muon = Muon(
        [
            {"params": matrices, "weight_decay": weight_decay},
            {"params": fused, "weight_decay": weight_decay, "parts": 3},
        ],
        lr,
    )
    adam = torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": weight_decay},
            {"params": rest, "weight_decay": 0.0},
        ],
        lr=lr,
        betas=(0.9, 0.98),
    )
    return [muon, adam]
