# SPDX-License-Identifier: Apache-2.0
"""Compares our GroundingDINO with Hugging Face's on the same random weights.

    python -m training.grounding_dino.oracle_hf

Needs `transformers` (4.57 was used), which nothing else here does. Prints the relative L2 distance
of the encoder's outputs, and the largest differences of logits and boxes; exits 1 above 1e-4.
"""

import re
import sys

import torch

from .config import Config
from .model import GroundingDino

_RULES = (
    (r"^backbone\.0\.patch_embed\.proj", "model.backbone.conv_encoder.model.embeddings.patch_embeddings.projection"),
    (r"^backbone\.0\.patch_embed\.norm", "model.backbone.conv_encoder.model.embeddings.norm"),
    (r"^backbone\.0\.norm(\d)", lambda m: f"model.backbone.conv_encoder.model.hidden_states_norms.stage{int(m[1]) + 1}"),
    (r"^backbone\.0\.layers", "model.backbone.conv_encoder.model.encoder.layers"),
    (r"(blocks\.\d+)\.norm1", r"\1.layernorm_before"),
    (r"(blocks\.\d+)\.norm2", r"\1.layernorm_after"),
    (r"attn\.relative_position", "attention.self.relative_position"),
    (r"(blocks\.\d+)\.attn\.qkv\.", r"\1.attention.self.@qkv."),
    (r"(blocks\.\d+)\.attn\.proj", r"\1.attention.output.dense"),
    (r"mlp\.fc1", "intermediate.dense"),
    (r"mlp\.fc2", "output.dense"),
    (r"^bert", "model.text_backbone"),
    (r"^feat_map", "model.text_projection"),
    (r"^input_proj", "model.input_proj_vision"),
    (r"^transformer\.(level_embed|enc_output)", r"model.\1"),
    (r"^transformer\.tgt_embed", "model.query_position_embeddings"),
    (r"^transformer\.enc_out_bbox_embed", "model.encoder_output_bbox_embed"),
    (r"^transformer\.encoder\.layers\.(\d+)", r"model.encoder.layers.\1.deformable_layer"),
    (r"^transformer\.encoder\.text_layers\.(\d+)", r"model.encoder.layers.\1.text_enhancer_layer"),
    (r"^transformer\.encoder\.fusion_layers\.(\d+)", r"model.encoder.layers.\1.fusion_layer"),
    (r"deformable_layer\.norm1", "deformable_layer.self_attn_layer_norm"),
    (r"deformable_layer\.norm2", "deformable_layer.final_layer_norm"),
    (r"text_enhancer_layer\.norm1", "text_enhancer_layer.layer_norm_before"),
    (r"text_enhancer_layer\.norm2", "text_enhancer_layer.layer_norm_after"),
    (r"gamma_v", "vision_param"),
    (r"gamma_l", "text_param"),
    (r"layer_norm_v\b", "layer_norm_vision"),
    (r"layer_norm_l\b", "layer_norm_text"),
    (r"attn\.v_proj", "attn.vision_proj"),
    (r"attn\.l_proj", "attn.text_proj"),
    (r"values_v_proj", "values_vision_proj"),
    (r"values_l_proj", "values_text_proj"),
    (r"out_v_proj", "out_vision_proj"),
    (r"out_l_proj", "out_text_proj"),
    (r"^transformer\.decoder\.norm", "model.decoder.layer_norm"),
    (r"^transformer\.decoder\.ref_point_head", "model.decoder.reference_points_head"),
    (r"^transformer\.decoder", "model.decoder"),
    (r"(model\.decoder\.layers\.\d+)\.cross_attn", r"\1.encoder_attn"),
    (r"(model\.decoder\.layers\.\d+)\.ca_text", r"\1.encoder_attn_text"),
    (r"(model\.decoder\.layers\.\d+)\.catext_norm", r"\1.encoder_attn_text_layer_norm"),
    (r"(model\.decoder\.layers\.\d+)\.norm1", r"\1.encoder_attn_layer_norm"),
    (r"(model\.decoder\.layers\.\d+)\.norm2", r"\1.self_attn_layer_norm"),
    (r"(model\.decoder\.layers\.\d+)\.norm3", r"\1.final_layer_norm"),
    (r"in_proj_", "@qkv."),
    (r"linear(\d)", r"fc\1"),
)


def to_hugging_face(state):
    """Our state dict with Hugging Face's names; joined query-key-value matrices are split."""
    out = {}
    for key, value in state.items():
        for pattern, replacement in _RULES:
            key = re.sub(pattern, replacement, key)
        if "@qkv" in key:
            for name, part in zip(("query", "key", "value"), value.chunk(3)):
                out[key.replace("@qkv", name)] = part
        else:
            out[key] = value
    return out


def hugging_face(c, state):
    """Hugging Face's model of the sizes in `c` with our weights."""
    import transformers.utils.import_utils

    # an installed timm would ask for torchvision, and neither is needed
    transformers.utils.import_utils._timm_available = False
    from transformers import BertConfig, GroundingDinoConfig, GroundingDinoForObjectDetection, SwinConfig

    swin = SwinConfig(
        embed_dim=c.embed_dim, depths=list(c.depths), num_heads=list(c.swin_heads),
        window_size=c.window_size, image_size=c.short_side, drop_path_rate=0.0,
        out_features=["stage2", "stage3", "stage4"],
    )
    bert = BertConfig(
        hidden_size=c.bert_hidden, num_hidden_layers=c.bert_layers, intermediate_size=c.bert_mlp,
        num_attention_heads=c.bert_heads, vocab_size=c.bert_vocab,
    )
    model = GroundingDinoForObjectDetection(
        GroundingDinoConfig(
            backbone_config=swin, text_config=bert.to_dict(), num_queries=c.queries,
            encoder_layers=c.encoder_layers, decoder_layers=c.decoder_layers,
            encoder_ffn_dim=c.mlp, decoder_ffn_dim=c.mlp, encoder_attention_heads=c.heads,
            decoder_attention_heads=c.heads, d_model=c.d_model, max_text_len=c.max_text_len,
            positional_embedding_temperature=c.position_temperature, two_stage=True,
        )
    )
    theirs = {k: v for k, v in to_hugging_face(state).items() if "pooler" not in k}
    missing, unexpected = model.load_state_dict(theirs, strict=False)
    missing = [k for k in missing if "position_ids" not in k and "pooler" not in k]
    if missing or unexpected:
        raise RuntimeError(f"keys do not match: missing {missing[:5]}, unexpected {unexpected[:5]}")
    return model.eval()


def shake(model, seed):
    """Random weights in which every parameter matters, biases and scales included."""
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=g)
            if "bert" in name:
                p.copy_(noise * 0.05 + (1 if "LayerNorm.weight" in name else 0))
            elif "norm" in name and name.endswith("weight"):
                p.copy_(1 + 0.1 * noise)
            elif p.dim() > 1:
                p.copy_(noise * p[0].numel() ** -0.5)
            else:
                p.add_(0.1 * noise)


def relative(a, b):
    """Relative L2 distance of a from b."""
    return ((a - b).norm() / b.norm()).item()


@torch.no_grad()
def compare(c, height, width, seed=0):
    """-> the four distances: image memory, text memory, logits and boxes of the queries."""
    torch.manual_seed(seed)
    ours = GroundingDino(c).eval()
    shake(ours, seed)
    theirs = hugging_face(c, ours.state_dict())
    images = torch.randn(2, 3, height, width)
    ids = torch.tensor([[101, 1996, 4937, 1012, 1037, 2417, 3899, 1012, 102], [101, 2417, 3899, 1012, 102, 0, 0, 0, 0]])
    got = ours(images, **ours.text_features(ids))
    want = theirs(pixel_values=images, input_ids=ids, attention_mask=(ids != 0).long())
    used = (ids != 0)[:, None].expand(-1, c.queries, -1)
    logits = want.logits[..., : ids.shape[1]]
    return {
        "memory": relative(got["memory"], want.encoder_last_hidden_state_vision),
        "text": relative(got["text"][ids != 0], want.encoder_last_hidden_state_text[ids != 0]),
        "logits": (got["scores"][-1] - logits)[used].abs().max().item() / logits[used].abs().max().item(),
        "boxes": (got["boxes"][-1] - want.pred_boxes).abs().max().item(),
    }


def main():
    wide = Config(embed_dim=96, depths=(2, 2, 6, 2), swin_heads=(3, 6, 12, 24), window_size=7, d_model=256,
                  mlp=2048, encoder_layers=6, decoder_layers=6, queries=300)
    worst = 0.0
    for name, c, height, width in (
        ("nano", Config(), 256, 256), ("nano", Config(), 150, 202), ("Swin-T sizes", wide, 224, 250)):
        distances = compare(c, height, width)
        print(name, f"{height} x {width}", {k: f"{v:.1e}" for k, v in distances.items()})
        worst = max(worst, *distances.values())
    return int(worst > 1e-4)


if __name__ == "__main__":
    sys.exit(main())
