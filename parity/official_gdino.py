# SPDX-License-Identifier: Apache-2.0
"""The official GroundingDINO as an oracle: imported from a checkout of IDEA-Research/GroundingDINO, with seeded random weights.

torchvision, timm, OpenCV and supervision are not needed for a forward pass and are replaced by stand-ins.
"""
import importlib.util
import sys
import types
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import torch
from transformers import BertConfig, BertModel, BertTokenizer

SIZES = {
    "swin-t": dict(embed_dim=96, depths=[2, 2, 6, 2], num_heads=[3, 6, 12, 24], window_size=7),
    "swin-b": dict(embed_dim=128, depths=[2, 2, 18, 2], num_heads=[4, 8, 16, 32], window_size=12),
    # For the committed golden: every part present, all in 300 kB.
    "tiny": dict(embed_dim=3, depths=[2, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=4, d_model=32, nheads=4,
                 dim_feedforward=8, enc_layers=1, dec_layers=2, num_queries=20, enc_n_points=1, dec_n_points=2,
                 max_text_len=64, short_side=96, max_side=160,
                 bert=dict(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
                           max_position_embeddings=64)),
}
DEFAULTS = dict(d_model=256, nheads=8, dim_feedforward=2048, enc_layers=6, dec_layers=6, num_queries=900, enc_n_points=4,
                dec_n_points=4, max_text_len=256, short_side=800, max_side=1333, bert={})


def _stand_in(name: str, **attributes) -> None:
    module = types.ModuleType(name)
    module.__dict__.update(attributes)
    module.__spec__ = importlib.util.spec_from_loader(name, loader=None)
    module.__path__ = []
    module.__getattr__ = lambda attribute: mock.MagicMock(name=f"{name}.{attribute}")
    sys.modules[name] = module


def import_official(repo: Path):
    """The package's modules; `repo` is the checkout."""
    for name in ("torchvision", "torchvision.ops", "torchvision.ops.boxes", "torchvision.ops.misc", "torchvision.models",
                 "torchvision.models._utils", "torchvision.transforms", "torchvision.transforms.functional", "cv2",
                 "supervision", "addict", "yapf", "yapf.yapflib", "yapf.yapflib.yapf_api", "timm", "timm.models",
                 "groundingdino.util.visualizer"):
        _stand_in(name, __version__="0.99.0", _is_tracing=lambda: False)
    _stand_in("timm.models.layers", DropPath=lambda *_: torch.nn.Identity(), to_2tuple=lambda x: (x, x),
              trunc_normal_=torch.nn.init.trunc_normal_)
    sys.path.insert(0, str(repo))
    import groundingdino.models.GroundingDINO.groundingdino as model
    return model


def build(repo: Path, variant: str, vocabulary: Path, seed: int):
    """(model, sizes): weights are random but keep every layer's output of order one, so that no part is without effect."""
    size = {**DEFAULTS, **SIZES[variant]}
    module = import_official(repo)
    from groundingdino.models.GroundingDINO.backbone import backbone as backbone_module
    from groundingdino.util import get_tokenlizer
    from groundingdino.models.GroundingDINO.backbone import swin_transformer

    tokenizer = BertTokenizer(str(vocabulary))
    vocabulary_size = len(tokenizer)
    bert = BertConfig(vocab_size=vocabulary_size, **size["bert"])
    get_tokenlizer.get_tokenlizer = lambda _: tokenizer
    get_tokenlizer.get_pretrained_language_model = lambda _: BertModel(bert)

    swin_keys = ("embed_dim", "depths", "num_heads", "window_size")
    swin = lambda name, **kw: swin_transformer.SwinTransformer(
        pretrain_img_size=224, **{k: size[k] for k in swin_keys}, out_indices=kw["out_indices"], dilation=False)
    args = SimpleNamespace(
        backbone="swin_T_224_1k", position_embedding="sine", pe_temperatureH=20, pe_temperatureW=20,
        return_interm_indices=[1, 2, 3], backbone_freeze_keywords=None, enc_layers=size["enc_layers"],
        dec_layers=size["dec_layers"], pre_norm=False, dim_feedforward=size["dim_feedforward"], hidden_dim=size["d_model"],
        dropout=0.0, nheads=size["nheads"], num_queries=size["num_queries"], query_dim=4, num_patterns=0, num_feature_levels=4,
        enc_n_points=size["enc_n_points"], dec_n_points=size["dec_n_points"], two_stage_type="standard",
        two_stage_bbox_embed_share=False, two_stage_class_embed_share=False, transformer_activation="relu",
        dec_pred_bbox_embed_share=True, embed_init_tgt=True, dn_labelbook_size=2000, max_text_len=256,
        text_encoder_type="bert-base-uncased", use_text_enhancer=True, use_fusion_layer=True, use_checkpoint=False,
        use_transformer_ckpt=False, use_text_cross_attention=True, text_dropout=0.0, fusion_dropout=0.0,
        fusion_droppath=0.0, sub_sentence_present=True, use_checkpoint_swin=False, dn_box_noise_scale=1.0,
        dn_label_noise_ratio=0.5, masks=False, lr_backbone=0)
    if size["d_model"] != 256:  # the official code writes this width into two encodings
        from groundingdino.models.GroundingDINO import transformer, utils
        sines = utils.get_sine_pos_embed
        transformer.get_sine_pos_embed = lambda x, **_: sines(x, num_pos_feats=size["d_model"], exchange_xy=False)
        transformer.gen_sineembed_for_position = lambda x: sines(x, num_pos_feats=size["d_model"] // 2)
    torch.manual_seed(seed)
    with mock.patch.object(backbone_module, "build_swin_transformer", lambda name, **kw: swin(name, **kw)):
        model = module.build_groundingdino(args).eval()
    randomise(model, size, seed)
    return model, size, tokenizer, bert


@torch.no_grad()
def randomise(model, size, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)

    def normal(parameter, std, mean=0.0):
        parameter.copy_(torch.randn(parameter.shape, generator=generator) * std + mean)

    last_text = f"text_layers.{size['enc_layers'] - 1}.norm2"
    for name, p in model.named_parameters():
        if name.endswith("gamma_v") or name.endswith("gamma_l"):
            normal(p, 0.1, 0.3)
        elif "norm" in name.lower() and name.endswith("weight"):
            normal(p, 0.02 if last_text in name else 0.1, 0.15 if last_text in name else 1.0)
        elif "input_proj" in name and ".1.weight" in name:
            normal(p, 0.1, 1.0)
        elif name.endswith("bias"):
            if "sampling_offsets" not in name:  # these keep the official star of directions
                normal(p, 0.05)
        elif "sampling_offsets" in name:
            normal(p, 1.0 / p.shape[1] ** 0.5)
        elif "bbox_embed" in name and ".layers.2." in name:
            normal(p, 0.5 / p.shape[1] ** 0.5)
        elif "embed" in name and p.dim() == 2 and "layers" not in name:
            normal(p, 0.5)
        elif "relative_position_bias_table" in name:
            normal(p, 0.5)
        elif p.dim() >= 2:
            normal(p, 1.0 / np.sqrt(p[0].numel()))


@torch.no_grad()
def run(model, pixels: torch.Tensor, caption: str) -> dict:
    """pixels [3, H, W] normalised. All that the comparison needs, as numpy arrays."""
    from groundingdino.models.GroundingDINO import transformer as transformer_module
    seen = {}

    def after_encoder(_, __, output):
        seen["memory"], seen["memory_text"] = (o[0].numpy().copy() for o in output)

    def topk(values, k, dim):
        # All pixels at the edge share one logit; torch.topk takes any of them, we and this the first.
        values, order = torch.sort(values, dim=dim, descending=True, stable=True)
        seen["selected"] = order[0, :k].numpy().astype(np.int32)
        return values[:, :k], order[:, :k]

    hook = model.transformer.encoder.register_forward_hook(after_encoder)
    embed = model.transformer.enc_out_class_embed
    real_forward = embed.forward

    def first_stage(x, text):
        result = real_forward(x, text)
        seen["first_stage"] = result[0].numpy().copy()
        return result

    embed.forward = first_stage
    with mock.patch.object(transformer_module.torch, "topk", topk):
        out = model(pixels[None], captions=[caption])
    embed.forward = real_forward
    hook.remove()
    ids = model.tokenizer(caption)["input_ids"]
    tokens = len(ids)
    return dict(seen, first_stage=seen["first_stage"][:, :tokens], ids=np.array(ids, np.int32),
                logits=out["pred_logits"][0].numpy(), boxes=out["pred_boxes"][0].numpy())
