# SPDX-License-Identifier: Apache-2.0
"""Batches of stamp world for the tracker. A batch depends on its number alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from .. import stampworld
from .model import Prompt
from .prompt_encoder import LOWER_RIGHT, POSITIVE, UPPER_LEFT

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
DEVIATION = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)

_LEAST_SEEN = 0.002  # of the frame, for a thing to be prompted
_PREVIEW = 64  # pixels; enough to see whether a thing goes


@dataclass(frozen=True)
class Scenes:
    """What a training clip shows.

    things: followed in it at most. goes: share of the clips in which one of them, seen in the
    prompted frame, is out of sight in a quarter of the frames or more.
    """

    settings: stampworld.Settings
    things: int = 3
    goes: float = 0.0


# Many things a clip: encoding a frame costs far more than following one more thing in it.
SHORT = Scenes(stampworld.Settings(objects=(0.15, 0.25, 0.3, 0.3), area=(0.012, 0.28), shapes=0.3))
IMAGES = replace(SHORT, things=4)
# What makes a tracker lose its thing: it is out of sight for long, and its twin is not.
LONG = Scenes(
    stampworld.Settings(
        objects=(0.05, 0.25, 0.35, 0.35),
        area=(0.02, 0.25),
        twin=0.5,
        outside=0.5,
        meet=0.5,
        duration=(2.7, 8.0),
        shapes=0.15,
    ),
    things=4,
    goes=0.5,
)


@dataclass
class Batch:
    """B clips of T frames, M objects of them.

    images u8 [T, B, 3, S, S]; clip i64 [M]; masks bool [T, M, S, S]; foreground bool [T, B, S, S]:
    pixels of any thing. Frame 0 is the prompted one.
    """

    images: Tensor
    clip: Tensor
    masks: Tensor
    foreground: Tensor
    prompt: Prompt

    def to(self, device: torch.device) -> Batch:
        p = self.prompt
        moved = [None if x is None else x.to(device) for x in (p.points, p.labels, p.masks)]
        rest = [x.to(device) for x in (self.images, self.clip, self.masks, self.foreground)]
        return Batch(*rest, Prompt(*moved))


def normalise(images: Tensor) -> Tensor:
    """u8 [n, 3, S, S] -> f32, as the official code does."""
    return (images.float() / 255 - MEAN.to(images.device)) / DEVIATION.to(images.device)


def to_tensor(frames: np.ndarray) -> Tensor:
    """u8 [T, S, S, 3] -> [T, 3, S, S]."""
    return torch.from_numpy(frames).permute(0, 3, 1, 2).contiguous()


def _boxes(rng: np.random.Generator, masks: np.ndarray) -> np.ndarray:
    """Boxes f32 [M, 2, 2] of masks [M, S, S]; every other one drawn carelessly."""
    boxes = stampworld.mask_boxes(masks[:, None])[:, 0]
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    careless = rng.random((len(boxes), 1)) < 0.5
    boxes = boxes + rng.normal(0, 0.05, boxes.shape) * sides * careless
    return np.clip(boxes, 0, masks.shape[-1]).astype(np.float32).reshape(-1, 2, 2)


def _prompt(rng: np.random.Generator, masks: np.ndarray, kind: str) -> Prompt:
    if kind == "mask":
        return Prompt(masks=torch.from_numpy(masks[:, None]))
    if kind == "box":
        labels = torch.tensor([[UPPER_LEFT, LOWER_RIGHT]] * len(masks))
        return Prompt(torch.from_numpy(_boxes(rng, masks)), labels)
    points = []
    for mask in masks:
        ys, xs = np.nonzero(mask)
        i = rng.integers(len(xs))
        points.append([[float(xs[i]), float(ys[i])]])
    return Prompt(torch.tensor(points), torch.full((len(masks), 1), POSITIVE))


def _goes(clip: stampworld.Clip, first: int) -> bool:
    """Whether a thing of frame `first` is out of sight in a quarter of the frames or more."""
    area = clip.masks.mean((2, 3))
    return bool(((area[:, first] > _LEAST_SEEN) & ((area == 0).mean(1) >= 0.25)).any())


def _draw_clip(
    rng: np.random.Generator, seed: int, frames: int, size: int, scenes: Scenes
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A clip as `scenes` wants it, forwards or backwards, from the first seed that gives one.

    Its frames, its masks, and which of its things can be prompted.
    """
    must_go = None
    while True:
        settings = replace(scenes.settings, strength=float(rng.choice([0.6, 1.0, 1.6])))
        order = np.arange(frames)[:: rng.choice([1, -1])]
        if must_go is None:  # drawn third, as for the long clips that trained nano SAM 2.1
            must_go = rng.random() < scenes.goes
        if not must_go or _goes(
            stampworld.generate(seed, frames, _PREVIEW, settings=settings), order[0]
        ):
            clip = stampworld.generate(seed, frames, size, settings=settings)
            masks = clip.masks[:, order]
            clear = np.flatnonzero(masks[:, 0].sum((1, 2)) > _LEAST_SEEN * size * size)
            if len(clear):
                return clip.frames[order], masks, clear
        seed += 1


def make_batch(
    seed: int, clips: int, frames: int, size: int, scenes: Scenes, kinds: dict
) -> Batch:
    """A batch of training clips. kinds: weights of prompts "box", "click", "mask"."""
    rng = np.random.default_rng([7, seed])
    images, masks, foreground, owner = [], [], [], []
    for number in range(clips):
        # 1,000 tries a clip would be needed to run into the next one's seeds.
        first = (seed * clips + number) * 1000
        pictures, truth, clear = _draw_clip(rng, first, frames, size, scenes)
        chosen = rng.permutation(clear)[: scenes.things]
        owner += [number] * len(chosen)
        images.append(to_tensor(pictures))
        masks.append(truth[chosen])
        foreground.append(truth.any(0))
    true = np.concatenate(masks)
    names = list(kinds)
    weights = np.array([kinds[n] for n in names])
    kind = names[rng.choice(len(names), p=weights / weights.sum())]
    return Batch(
        images=torch.stack(images, 1),
        clip=torch.tensor(owner),
        masks=torch.from_numpy(true).transpose(0, 1).contiguous(),
        foreground=torch.from_numpy(np.stack(foreground, 1)),
        prompt=_prompt(rng, true[:, 0], kind),
    )
