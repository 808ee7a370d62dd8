# SPDX-License-Identifier: Apache-2.0
"""SAM 2.1 (arXiv:2408.00714): one step of tracking, with the memory that it needs and makes."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import Config
from .image_encoder import ImageEncoder
from .layers import Mlp, sine_position, sine_time
from .mask_decoder import MaskDecoder
from .memory import MemoryAttention, MemoryEncoder
from .prompt_encoder import PADDING, PromptEncoder

NO_OBJECT = -1024.0  # mask logit where the thing is not seen
_MASK_SCALE, _MASK_BIAS = 20.0, -10.0  # masks in memory, and given masks as logits
_STABILITY_DELTA, _STABLE = 0.05, 0.98  # as set by build_sam2_video_predictor


@dataclass
class Features:
    """Of a batch of images: `top` [B, dim, side, side], and finer ones for the mask decoder."""

    top: Tensor
    fine: Tensor
    finer: Tensor

    def select(self, index: Tensor) -> Features:
        return Features(self.top[index], self.fine[index], self.finer[index])


@dataclass
class Prompt:
    """Points [B, n, 2] in pixels with labels [B, n], or masks bool [B, 1, S, S]; or neither."""

    points: Tensor | None = None
    labels: Tensor | None = None
    masks: Tensor | None = None


@dataclass
class Step:
    """What one frame yields for B objects.

    masks [B, 1, S / 4, S / 4]: logits of the chosen mask, NO_OBJECT where the thing is not seen.
    candidates [B, m, S / 4, S / 4] and ious [B, m]: before choosing and before that rule.
    spare, spare_ious: in training, the three masks that a clear prompt leaves unused; or None.
    score [B, 1]: logit of being seen. pointer [B, dim]. memory [B, mem_dim, side, side] or None.
    given [B, 1, S, S]: logits of a mask prompt, which goes into the memory undiminished; or None.
    """

    masks: Tensor
    candidates: Tensor
    ious: Tensor
    score: Tensor
    pointer: Tensor
    memory: Tensor | None = None
    given: Tensor | None = None
    spare: Tensor | None = None
    spare_ious: Tensor | None = None


@dataclass
class Bank:
    """Steps by frame number: those with a prompt, and the others."""

    prompted: dict[int, Step] = field(default_factory=dict)
    tracked: dict[int, Step] = field(default_factory=dict)


class Sam2(nn.Module):
    """The network. `image_size` may be changed at any time; no weight depends on it."""

    def __init__(self, c: Config):
        super().__init__()
        self.config = c
        self.image_size = c.image_size
        self.image_encoder = ImageEncoder(c)
        self.mask_downsample = nn.Conv2d(1, 1, 4, stride=4)
        self.memory_attention = MemoryAttention(c)
        self.memory_encoder = MemoryEncoder(c)
        self.maskmem_tpos_enc = nn.Parameter(torch.randn(c.num_maskmem, 1, 1, c.mem_dim) * 0.02)
        self.no_mem_embed = nn.Parameter(torch.randn(1, 1, c.dim) * 0.02)
        self.no_mem_pos_enc = nn.Parameter(
            torch.randn(1, 1, c.dim) * 0.02
        )  # in checkpoints; unused
        self.no_obj_ptr = nn.Parameter(torch.randn(1, c.dim) * 0.02)
        self.no_obj_embed_spatial = nn.Parameter(torch.randn(1, c.mem_dim) * 0.02)
        self.sam_prompt_encoder = PromptEncoder(c)
        self.sam_mask_decoder = MaskDecoder(c)
        self.obj_ptr_proj = Mlp(c.dim, c.dim, c.dim, 3)
        self.obj_ptr_tpos_proj = nn.Linear(c.dim, c.mem_dim)

    @property
    def side(self) -> int:
        """Tokens a side of the image features."""
        return self.image_size // 16

    def encode(self, images: Tensor) -> Features:
        """Normalised images [B, 3, S, S]."""
        finer, fine, top = self.image_encoder(images)
        return Features(
            top, self.sam_mask_decoder.conv_s1(fine), self.sam_mask_decoder.conv_s0(finer)
        )

    def _segment(self, image: Tensor, f: Features, prompt: Prompt, ambiguous: bool) -> Step:
        """The prompt encoder and the mask decoder on memory-conditioned features `image`."""
        points, labels = prompt.points, prompt.labels
        if points is None:
            points = image.new_zeros(len(image), 1, 2, dtype=torch.float32)
            labels = torch.full((len(image), 1), PADDING, device=image.device)
        encoder = self.sam_prompt_encoder
        out = self.sam_mask_decoder(
            image + encoder.dense(prompt.masks),
            encoder.pe_layer.grid(self.side),
            encoder.tokens(points, labels, self.image_size),
            f.fine,
            f.finer,
        )
        row = torch.arange(len(image), device=image.device)
        keep = slice(1, None) if ambiguous else slice(0, 1)
        masks, ious, tokens = out.masks[:, keep], out.ious[:, keep], out.tokens[:, keep]
        best = ious.argmax(1)
        token = tokens[row, best]
        if not ambiguous and not self.training:
            masks, ious = self._stable(out.masks, out.ious)
            best = torch.zeros_like(best)
        seen = out.score > 0
        chosen = torch.where(seen[..., None, None], masks[row, best][:, None], NO_OBJECT)
        return Step(
            masks=chosen,
            candidates=masks,
            ious=ious,
            score=out.score,
            pointer=self._pointer(token, seen),
            spare=out.masks[:, 1:] if self.training and not ambiguous else None,
            spare_ious=out.ious[:, 1:] if self.training and not ambiguous else None,
        )

    @staticmethod
    def _stable(masks: Tensor, ious: Tensor) -> tuple[Tensor, Tensor]:
        """The mask for clear prompts, or the best of the other three where it is not stable.

        Stable: nearly the same pixels lie above a slightly higher and a slightly lower threshold.
        """
        above = (masks[:, 0] > _STABILITY_DELTA).sum((1, 2)).float()
        below = (masks[:, 0] > -_STABILITY_DELTA).sum((1, 2)).float()
        stable = torch.where(below > 0, above / below, 1.0) >= _STABLE
        index = torch.where(stable, 0, 1 + ious[:, 1:].argmax(1))
        row = torch.arange(len(masks), device=masks.device)
        return masks[row, index][:, None], ious[row, index][:, None]

    def _pointer(self, token: Tensor, seen: Tensor) -> Tensor:
        return torch.where(seen, self.obj_ptr_proj(token).float(), self.no_obj_ptr)

    def _adopt(self, f: Features, masks: Tensor) -> Step:
        """A given mask is the answer; the decoder only makes the pointer."""
        logits = masks.float() * _MASK_SCALE + _MASK_BIAS
        low = F.interpolate(
            logits, scale_factor=0.25, mode="bilinear", align_corners=False, antialias=True
        )
        inner = self._segment(f.top, f, Prompt(masks=self.mask_downsample(masks.float())), False)
        seen = masks.flatten(1).any(1, keepdim=True)
        # The decoder has already put no_obj_ptr where it saw nothing; the given mask overrules it.
        pointer = torch.where(seen, inner.pointer, self.no_obj_ptr)
        score = torch.where(seen, -_MASK_BIAS, _MASK_BIAS)
        return Step(low, low, torch.ones_like(score), score, pointer, given=logits)

    def _remember(
        self, f: Features, bank: Bank, frame: int, frames: int, backwards: bool
    ) -> Tensor:
        """Features of `frame` conditioned on the memory in `bank`, [B, dim, side, side]."""
        c = self.config
        sign = -1 if backwards else 1
        memories, places, pointers = [], [], []
        place = sine_position(c.mem_dim, self.side, self.side, f.top.device).flatten(2)
        place = place.transpose(1, 2)  # [1, N, mem_dim]

        def add(step: Step, slot: int) -> None:
            memories.append(step.memory.flatten(2).transpose(1, 2))
            places.append(place + self.maskmem_tpos_enc[slot, 0])

        stride = 1 if self.training else c.memory_stride
        for step in bank.prompted.values():
            add(step, c.num_maskmem - 1)
        for slot in range(c.num_maskmem - 2, -1, -1):  # far to near: slot = frames back - 1
            back = slot + 1
            if back == 1:
                at = frame - sign
            else:  # every stride-th frame before the last one
                nearest = ((sign * frame - 2) // stride) * stride
                at = sign * (nearest - (back - 2) * stride)
            if at in bank.tracked:
                add(bank.tracked[at], slot)
        most = min(frames, c.max_obj_ptrs)
        for at, step in bank.prompted.items():
            # In use, pointers come from the past only; in training a prompt may lie ahead.
            if self.training or sign * (frame - at) >= 0:
                pointers.append((sign * (frame - at), step.pointer))
        for back in range(1, most):
            if frame - sign * back in bank.tracked:
                pointers.append((back, bank.tracked[frame - sign * back].pointer))
        count = 0
        if pointers:
            times = torch.tensor([t for t, _ in pointers], device=f.top.device) / (most - 1)
            times = self.obj_ptr_tpos_proj(sine_time(times, c.dim))
            tokens = torch.stack([p for _, p in pointers], 1).to(f.top.dtype)
            # A pointer is wider than the memory: it becomes several tokens.
            parts = c.dim // c.mem_dim
            memories.append(tokens.unflatten(2, (parts, c.mem_dim)).flatten(1, 2))
            places.append(times.repeat_interleave(parts, 0)[None])
            count = parts * len(pointers)
        x = f.top.flatten(2).transpose(1, 2)
        own = sine_position(c.dim, self.side, self.side, x.device).flatten(2).transpose(1, 2)
        x = self.memory_attention(x, own, torch.cat(memories, 1), torch.cat(places, 1), count)
        return x.transpose(1, 2).reshape(f.top.shape)

    def _memorise(self, f: Features, step: Step, clicked: bool) -> Tensor:
        high = step.given
        if high is None:
            size = (self.image_size, self.image_size)
            high = F.interpolate(step.masks, size, mode="bilinear", align_corners=False)
        # In use, what a user pointed at is remembered without doubt.
        sure = clicked and not self.training
        share = (high > 0).float() if sure else high.sigmoid()
        memory = self.memory_encoder(f.top, share * _MASK_SCALE + _MASK_BIAS)
        unseen = (step.score <= 0)[..., None, None] * self.no_obj_embed_spatial[..., None, None]
        return memory + unseen.to(memory.dtype)

    def step(
        self,
        features: Features,
        bank: Bank,
        frame: int,
        frames: int,
        prompt: Prompt | None = None,
        backwards: bool = False,
        memorise: bool = True,
        on_memory: bool = False,
    ) -> Step:
        """One frame of B objects; adds the step to `bank`.

        features: of the frame, a row an object. frames: of the video. A prompted frame looks at no
        memory, unless on_memory (a second prompt on a frame of a track).
        """
        if prompt is not None and prompt.masks is not None:
            step = self._adopt(features, prompt.masks)
        elif prompt is not None and not on_memory:
            image = features.top + self.no_mem_embed[0, 0][:, None, None]
            step = self._segment(image, features, prompt, ambiguous=prompt.labels.shape[1] <= 1)
        else:
            image = self._remember(features, bank, frame, frames, backwards)
            prompt = prompt or Prompt()
            few = prompt.labels is None or prompt.labels.shape[1] <= 1
            step = self._segment(image, features, prompt, ambiguous=few)
        if memorise:
            clicked = prompt is not None and prompt.points is not None
            step.memory = self._memorise(features, step, clicked)
        (bank.tracked if prompt is None or _empty(prompt) else bank.prompted)[frame] = step
        return step


def _empty(prompt: Prompt) -> bool:
    return prompt.points is None and prompt.masks is None
