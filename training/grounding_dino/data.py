# SPDX-License-Identifier: Apache-2.0
"""Training pictures: stills of the stamp world, captions for them, and what each token should say."""

import dataclasses
from dataclasses import dataclass

import numpy as np
import torch

from training import stampworld

# A target below 1: the box is of a kind that the phrase names, but not the one that the whole phrase
# means. Such a box stays above the usual thresholds (a candidate) and below the one that is meant.
NAMED_ONLY = 0.5
_CROWD = (0, 0, 0, 1, 1, 1, 1, 1)
_SMALLEST = 0.0025  # visible share of the picture below which an object is not asked for

# Other words for what stampworld's sentences say.
_REPHRASED = {
    "on the left": ("to the left", "on the far left", "on the left side"),
    "on the right": ("to the right", "on the far right", "on the right side"),
    "larger": ("bigger",), "largest": ("biggest", "big"), "smallest": ("tiniest", "small"),
}
# What one picture cannot decide: any object of the kind may be meant.
_UNSEEN = (
    "moving left", "moving right", "moving up", "moving down", "that stays still",
    "moving back and forth", "that moves the most", "coming closer", "moving away",
    "that appears first", "that appears last", "that disappears first", "that disappears last",
    "that moves to the left", "that moves to the right", "that is moving", "walking", "standing",
    "in front of the {}", "behind the {}", "near the {}", "that passes the {}",
)


@dataclass
class Still:
    """One picture with truth: frame [H, W, 3] u8; boxes [n, 4] cxcywh in [0, 1]; kinds [n]; masks [n, H, W]."""

    frame: np.ndarray
    boxes: np.ndarray
    kinds: list
    masks: np.ndarray
    hidden: list  # kinds that are there, but too small to ask for
    expressions: list  # stampworld's sentences that hold for one of `kinds`, targets renumbered


def all_kinds():
    """The detector's nouns, in a fixed order."""
    return sorted(stampworld.NAMED_KINDS)


def still(seed, size, split, objects=(0.25, 0.35, 0.25, 0.15)):
    """The scene of a seed as one frame of size (h, w); `objects`: weights of having 1, 2, 3... of them."""
    area = (0.012, 0.35) if len(objects) < 5 else (0.012, 0.15)
    clip = stampworld.generate(
        seed, frames=1, size=size, split=split, kinds="named", objects=objects, area=area,
        twin=0.35 if len(objects) < 5 else 0.05, outside=0.05,
    )
    masks = clip.masks[:, 0]
    seen = [n for n in range(len(masks)) if masks[n].mean() > _SMALLEST]
    kinds = [clip.kinds[n] for n in seen]
    hidden = [k for n, k in enumerate(clip.kinds) if n not in seen and k not in kinds]
    x0, y0, x1, y1 = (clip.boxes[seen, 0] / np.array([size[1], size[0]] * 2, np.float32)).T
    boxes = np.stack([(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0], 1).astype(np.float32)
    told = [
        dataclasses.replace(e, target=seen.index(e.target)) for e in clip.expressions if e.target in seen
    ]
    return Still(clip.frames[0], boxes, kinds, masks[seen], hidden, told)


def contested(scene):
    """The still's expressions that single out one of several of a kind."""
    return [e for e in scene.expressions if e.contested and e.category in ("position", "size", "relation")]


def contexts(kind, other):
    """Phrases in which a kind is named, all with the kind as what they speak of."""
    modifiers = [w for pair in _REPHRASED.items() for w in (pair[0], *pair[1]) if " " in w]
    modifiers += ["at the top", "at the bottom", *_UNSEEN]
    modifiers += [f"{place} the {{}}" for place in ("to the left of", "to the right of", "above", "below")]
    sizes = ("larger", "bigger", "smaller", "largest", "smallest")
    return (
        [kind, f"the {kind}", f"a {kind}"]
        + [f"the {size} {kind}" for size in sizes]
        + [f"the {kind} {m.format(other)}" for m in modifiers]
    )


def _article(kind, rng):
    return ("", "the ", "a ")[rng.choice(3, p=(0.12, 0.76, 0.12))] + kind


def _expression(scene, rng):
    """One referring expression as (phrase, [(object, noun, what the noun's tokens should say)])."""
    hard = contested(scene)
    easy = [e for e in scene.expressions if e.category in ("position", "relation") and not e.contested]
    if rng.random() < 0.7 and (hard or easy):
        pool = hard if hard and (not easy or rng.random() < 0.75) else easy
        e = pool[rng.integers(len(pool))]
        phrase, kind = e.text, scene.kinds[e.target]
        for words, others in _REPHRASED.items():
            if words in phrase and rng.random() < 0.3:
                phrase = phrase.replace(words, others[rng.integers(len(others))])
                break
        meant = [e.target]
    else:
        kind = scene.kinds[rng.integers(len(scene.kinds))]
        modifier = _UNSEEN[rng.integers(len(_UNSEEN))]
        phrase = f"the {kind} {modifier.format(rng.choice(all_kinds()))}"
        meant = range(len(scene.kinds))
    found = [
        (n, kind, 1.0 if n in meant else NAMED_ONLY) for n, k in enumerate(scene.kinds) if k == kind
    ]
    for other in dict.fromkeys(scene.kinds):
        if other != kind and phrase.endswith(f" the {other}"):
            found += [(n, other, NAMED_ONLY) for n, k in enumerate(scene.kinds) if k == other]
    return phrase, found


def caption(scene, rng, text):
    """A caption for a still: a list of (phrase, found) as `_expression` gives them."""
    kinds = all_kinds()

    def absent(n):
        picked = [kinds[i] for i in rng.integers(0, len(kinds), n)]
        return [k for k in dict.fromkeys(picked) if k not in scene.kinds and k not in scene.hidden]

    def noun(kind):
        found = [(n, kind, 1.0) for n, k in enumerate(scene.kinds) if k == kind]
        return _article(kind, rng), found

    mode = rng.random()
    present = list(dict.fromkeys(scene.kinds))
    if mode < 0.3 and present:
        pairs = [_expression(scene, rng)]
    elif mode < 0.5 and present:
        pairs = [noun(present[rng.integers(len(present))])]
    elif mode < 0.65:
        pairs = []
        for kind in absent(4)[:1]:
            modifier = _UNSEEN[rng.integers(18)] if rng.random() < 0.25 else ""
            pairs = [(f"{_article(kind, rng)} {modifier}".strip(), [])]
    else:
        nouns = present + absent(int(rng.integers(0, 7)))
        rng.shuffle(nouns)
        pairs = [noun(k) for k in nouns]
    pairs = pairs or [noun(kinds[0])]
    while not text.fits([p for p, _ in pairs]):
        pairs.pop()
    return pairs


def find(ids, part):
    """Index of the first occurrence of `part` in `ids`; -1 if there is none."""
    return next((i for i in range(len(ids)) if ids[i : i + len(part)] == part), -1)


def token_targets(pairs, spans, text, length):
    """-> boxes' objects [n] and what each token should say for each, [n, length].

    Only nouns speak: of articles and modifiers a small network cannot know whose they are.
    """
    objects, rows = [], []
    for (phrase, found), span in zip(pairs, spans):
        ids = text.phrase_ids(phrase)
        for n, noun, value in found:
            part = text.phrase_ids(noun)
            at = find(ids, part)
            row = torch.zeros(length)
            row[span[at : at + len(part)]] = value
            objects.append(n)
            rows.append(row)
    return objects, torch.stack(rows) if rows else torch.zeros(0, length)


def detection_batch(seeds, size, split, text):
    """-> frames [B, h, w, 3], text inputs, targets: a dict(boxes [n, 4], tokens [n, L]) per picture."""
    scenes, captions = [], []
    for seed in seeds:
        rng = np.random.default_rng([seed, 77])
        scene = still(seed, size, split)
        scenes.append(scene)
        captions.append(caption(scene, rng, text))
    inputs, spans = text.encode([[p for p, _ in pairs] for pairs in captions])
    length = inputs["features"].shape[1]
    targets = []
    for scene, pairs, where in zip(scenes, captions, spans):
        objects, tokens = token_targets(pairs, where, text, length)
        targets.append({"boxes": torch.from_numpy(scene.boxes[objects]).view(-1, 4), "tokens": tokens})
    return torch.from_numpy(np.stack([s.frame for s in scenes])), inputs, targets


def cells(size, strides=(8, 16, 32, 64)):
    """Centres and stride of all cells of the maps of a picture (h, w): [N, 3] as x, y, stride in pixels."""
    out, (h, w) = [], size
    for stride in strides:
        y, x = np.mgrid[: -(-h // stride), : -(-w // stride)]
        out.append(np.stack([(x.ravel() + 0.5) * stride, (y.ravel() + 0.5) * stride, np.full(x.size, stride)], 1))
    return torch.from_numpy(np.concatenate(out)).float()


def dense_batch(seeds, size):
    """Crowded pictures and the kind that each cell of strides 8, 16, 32 shows.

    -> frames [B, h, w, 3], labels [B, N] (kind; number of kinds for background; -1 for undecided)
    """
    number = {k: i for i, k in enumerate(all_kinds())}
    grid = cells(size, (8, 16, 32))
    x = grid[:, 0].long().clamp(max=size[1] - 1).numpy()
    y = grid[:, 1].long().clamp(max=size[0] - 1).numpy()
    stride = grid[:, 2].numpy()
    frames, labels = [], []
    for seed in seeds:
        scene = still(seed, size, "train", objects=_CROWD)
        label = np.full(len(x), len(number))
        for kind, box, mask in zip(scene.kinds, scene.boxes, scene.masks):
            side = float(np.sqrt(box[2] * size[1] * box[3] * size[0]))
            fits = ((stride == 8) & (14 < side < 44)) | ((stride == 16) & (18 < side < 110)) | ((stride == 32) & (side > 28))
            inside = mask[y, x]
            label[inside] = np.where(fits[inside], number[kind], -1)
        if scene.hidden:
            label[label == len(number)] = -1
        frames.append(scene.frame)
        labels.append(label)
    return torch.from_numpy(np.stack(frames)), torch.from_numpy(np.stack(labels))
