# SPDX-License-Identifier: Apache-2.0
"""Moves all scores by a constant, inside weights that are there anyway, so that thresholds fit.

A score is the product of a query's state and a token's vector. All states share a large common part,
so a multiple of it added to all tokens (the last text layer's LayerNorm bias) shifts every logit by
nearly the same. The decoder's attention to the text sees the same tokens; its biases take it back.
"""

import math

import torch


@torch.no_grad()
def shift_logits(model, states, by):
    """Adds `by` to the model's logits, on average over `states` [n, d_model] (its decoder's output).

    Boxes change only where the selection of proposals does.
    """
    mean = states.mean(0)
    added = by * mean / mean.square().sum()
    for layer in model.transformer.decoder.layers:
        text = layer.ca_text
        d = len(added)
        text.in_proj_bias[d:] -= text.in_proj_weight[d:] @ added
    model.transformer.encoder.text_layers[-1].norm2.bias += added


def shift_between(threshold, wanted):
    """What to add to logits so that the score `threshold` becomes the score `wanted`."""
    return math.log(wanted / (1 - wanted)) - math.log(threshold / (1 - threshold))
