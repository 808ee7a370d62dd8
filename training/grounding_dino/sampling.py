# SPDX-License-Identifier: Apache-2.0
"""The sampling step of deformable attention: plain PyTorch, and a faster twin for CPUs."""

import functools
import os
import warnings

import torch
import torch.nn.functional as F


def sample_plain(value, at, weight, shapes):
    """Weighted sum of bilinear samples of several maps.

    value [B, sum(h*w), H, D], at [B, Q, H, L, P, 2] (x, y) in [0, 1], weight [B, Q, H, L, P]
    -> [B, Q, H, D]; places outside a map count as zero.
    """
    b, _, heads, dim = value.shape
    _, n, _, levels, points, _ = at.shape
    grid = (2 * at - 1).permute(3, 0, 2, 1, 4, 5).reshape(levels, b * heads, n, points, 2)
    sampled = []
    for level, part in enumerate(value.split([h * w for h, w in shapes], 1)):
        part = part.permute(0, 2, 3, 1).reshape(b * heads, dim, *shapes[level])
        sampled.append(F.grid_sample(part, grid[level], align_corners=False))
    weight = weight.transpose(1, 2).reshape(b * heads, 1, n, levels * points)
    y = (torch.cat(sampled, -1) * weight).sum(-1)
    return y.view(b, heads, dim, n).permute(0, 3, 1, 2)


@functools.cache
def _extension():
    """The compiled twin (a minute on first use), or None where it cannot be built."""
    from torch.utils.cpp_extension import load

    source = os.path.join(os.path.dirname(__file__), "deformable.cc")
    try:
        return load("alref_deformable", [source], extra_cflags=["-O3", "-march=native", "-ffast-math"])
    except (OSError, RuntimeError) as error:
        warnings.warn(f"{source}: not compiled, training will be slower: {error}", stacklevel=2)
        return None


class _Sample(torch.autograd.Function):
    @staticmethod
    def forward(ctx, value, at, weight, shapes):
        ctx.shapes = shapes
        ctx.save_for_backward(value, at, weight)
        return _extension().forward(value, at, weight, shapes)

    @staticmethod
    def backward(ctx, grad):
        return *_extension().backward(*ctx.saved_tensors, ctx.shapes, grad.contiguous()), None


def sample(value, at, weight, shapes):
    """As `sample_plain`, by the compiled twin while training on a CPU."""
    if not torch.is_grad_enabled() or value.device.type != "cpu" or _extension() is None:
        return sample_plain(value, at, weight, shapes)
    flat = [int(n) for shape in shapes for n in shape]
    return _Sample.apply(value.contiguous(), at.contiguous(), weight.contiguous(), flat)
