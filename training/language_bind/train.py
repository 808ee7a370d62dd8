# SPDX-License-Identifier: Apache-2.0
"""Train LanguageBind's towers of sound and text; stop it at any time, go on with --resume.

    python -m training.language_bind.train --out DIR [--resume] [--device cuda]

DIR receives train.pt (the whole state), log.jsonl (losses and scores against hours of processor
time) and export/ (the averaged weights in the official layout).
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from torch import Tensor

from ..sounds import trainer
from . import draws, teacher, tokenizer
from .config import NANO
from .evaluate import evaluate
from .export import export
from .model import LanguageBind

_SCORED = 100
_LESSON = 48  # texts a step without a sound
_TEXT_STEPS = 150  # at the start, for the text tower alone


def _by_adam(name: str) -> bool:
    return "embedding" in name


class LanguageBindTrainer(trainer.Trainer):
    def __init__(self, args: argparse.Namespace):
        torch.manual_seed(args.seed)
        net = LanguageBind(NANO).initialise()
        self.teacher = teacher.load()
        self.meanings = draws.Meanings(self.teacher)
        # A word's vector is the teacher's, of the usual size; it stays as it is, for most of the
        # 49408 tokens would never be trained.
        table = net.text_model.embeddings.token_embedding
        table.weight.data.copy_(self.teacher.tokens * 0.05 * NANO.text.hidden_size**0.5)
        table.weight.requires_grad_(False)
        super().__init__(args, net, _by_adam)

    def embed(self, texts: list[str]) -> Tensor:
        ids, ends = tokenizer.batch(texts)
        return self.net.embed_text(ids.to(self.device), ends.to(self.device))

    def lesson(self, step: int, count: int) -> Tensor:
        """How far the text tower is from the teacher."""
        rng = np.random.default_rng([29, self.args.seed, step])
        texts, vectors = draws.lesson(rng, self.teacher, count)
        return (1 - (self.embed(texts) * vectors.to(self.device)).sum(-1)).mean()

    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        if step < _TEXT_STEPS:
            lesson = self.lesson(step, 16 * _LESSON)
            return 10 * lesson, {"lesson": float(lesson.detach())}
        drawn = draws.draw(self.args.seed, step, self.args.batch)
        lesson = self.lesson(step, _LESSON)
        texts = self.embed(drawn.texts)
        with torch.autocast(self.device.type, enabled=False):
            pictures = self.net.pictures(drawn.samples.to(self.device))
        sounds = self.net.embed_pictures(pictures)
        meant = torch.stack([self.meanings[m] for m in drawn.meanings]).to(self.device)
        heard = torch.stack([self.meanings[h] for h in drawn.heard]).to(self.device)
        anchor = (1 - (texts * meant).sum(-1)).mean()
        near = (1 - (sounds * heard).sum(-1)).mean()

        scores = self.net.logit_scale.exp().clamp(max=50) * sounds @ texts.T
        same = torch.tensor(
            [[m == h for m in drawn.meanings] for h in drawn.heard], device=self.device
        )
        # Against every text of the batch, and against those between which the method would choose.
        among_all = scores.logsumexp(1) - scores.masked_fill(~same, -1e4).logsumexp(1)
        rows = [scores[i, choice] for i, choice in enumerate(drawn.choices)]
        among_few = torch.stack([row.logsumexp(0) - row[0] for row in rows])
        total = among_all.mean() + among_few.mean() + 3 * near + 2 * anchor + 6 * lesson
        parts = {
            "all": among_all,
            "few": among_few,
            "near": near,
            "anchor": anchor,
            "lesson": lesson,
        }
        return total, {name: float(value.detach().mean()) for name, value in parts.items()}

    def score(self) -> dict[str, float]:
        return evaluate(self.average, _SCORED)

    def export(self) -> None:
        export(self.average, self.args.out / "export")


def main() -> None:
    args = trainer.parser(__doc__.splitlines()[0], steps=2400, lr=2e-3).parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)
    trainer.start(LanguageBindTrainer(args))


if __name__ == "__main__":
    main()
