# SPDX-License-Identifier: Apache-2.0
"""Do these modules equal the official ones? Same random weights into both, outputs side by side.

    python -m training.sam2.compare_official --sam2-repo PATH

PATH: a checkout of github.com/facebookresearch/sam2 (nothing of it is needed for anything else).
Prints the largest difference of every output, relative to the output's largest value, and fails
above 1e-5.
"""

from __future__ import annotations

import argparse
import functools
import sys
import types

import torch

from .config import NANO, Config
from .model import Bank, Prompt, Sam2

_BOUND = 1e-5  # f32 roundoff through some 20 layers; observed: 7e-7


def build_official(c: Config):
    """The official network at the sizes of `c`, options as in configs/sam2.1/*.yaml."""
    # Imported by hieradet.py to read pretrained trunks, which is not done here.
    for name in ("iopath", "iopath.common", "iopath.common.file_io"):
        sys.modules.setdefault(name, types.ModuleType(name))
    sys.modules["iopath.common.file_io"].g_pathmgr = None
    from sam2.modeling import sam2_base
    from sam2.modeling.backbones.hieradet import Hiera
    from sam2.modeling.backbones.image_encoder import FpnNeck, ImageEncoder
    from sam2.modeling.memory_attention import MemoryAttention, MemoryAttentionLayer
    from sam2.modeling.memory_encoder import CXBlock, Fuser, MaskDownSampler, MemoryEncoder
    from sam2.modeling.position_encoding import PositionEmbeddingSine
    from sam2.modeling.sam.transformer import RoPEAttention

    def position(dim: int):
        return PositionEmbeddingSine(num_pos_feats=dim, normalize=True, temperature=10000)

    side = c.image_size // 16
    attention = functools.partial(
        RoPEAttention,
        rope_theta=10000.0,
        feat_sizes=(side, side),
        embedding_dim=c.dim,
        num_heads=c.memory_heads,
        downsample_rate=1,
        dropout=0.0,
    )
    encoder = ImageEncoder(
        scalp=1,
        trunk=Hiera(
            embed_dim=c.width,
            num_heads=c.heads,
            stages=c.stages,
            global_att_blocks=c.global_blocks,
            window_pos_embed_bkg_spatial_size=(c.background, c.background),
            window_spec=c.windows,
        ),
        neck=FpnNeck(
            position_encoding=position(c.dim),
            d_model=c.dim,
            backbone_channel_list=[c.width * 2**i for i in (3, 2, 1, 0)],
            fpn_top_down_levels=[2, 3],
            fpn_interp_model="nearest",
        ),
    )
    layer = MemoryAttentionLayer(
        activation="relu",
        dim_feedforward=c.memory_mlp,
        dropout=0.0,
        pos_enc_at_attn=False,
        self_attention=attention(),
        d_model=c.dim,
        pos_enc_at_cross_attn_keys=True,
        pos_enc_at_cross_attn_queries=False,
        cross_attention=attention(rope_k_repeat=True, kv_in_dim=c.mem_dim),
    )
    memory_encoder = MemoryEncoder(
        out_dim=c.mem_dim,
        in_dim=c.dim,
        position_encoding=position(c.mem_dim),
        mask_downsampler=MaskDownSampler(kernel_size=3, stride=2, padding=1, embed_dim=c.dim),
        fuser=Fuser(CXBlock(dim=c.dim), num_layers=c.fuser_layers),
    )
    # The official code fixes these two widths; here they are sizes like any other.
    whole = sam2_base.TwoWayTransformer
    sam2_base.TwoWayTransformer = lambda mlp_dim, **rest: whole(mlp_dim=c.decoder_mlp, **rest)
    extra = sam2_base.MaskDecoder
    sam2_base.MaskDecoder = lambda iou_head_hidden_dim, **rest: extra(
        iou_head_hidden_dim=c.iou_hidden, **rest
    )
    try:
        return sam2_base.SAM2Base(
            encoder,
            MemoryAttention(
                d_model=c.dim, pos_enc_at_input=True, layer=layer, num_layers=c.memory_layers
            ),
            memory_encoder,
            num_maskmem=c.num_maskmem,
            image_size=c.image_size,
            sigmoid_scale_for_mem_enc=20.0,
            sigmoid_bias_for_mem_enc=-10.0,
            use_mask_input_as_output_without_sam=True,
            directly_add_no_mem_embed=True,
            no_obj_embed_spatial=True,
            use_high_res_features_in_sam=True,
            multimask_output_in_sam=True,
            iou_prediction_use_sigmoid=True,
            use_obj_ptrs_in_encoder=True,
            add_tpos_enc_to_obj_ptrs=True,
            proj_tpos_enc_in_obj_ptrs=True,
            use_signed_tpos_enc_to_obj_ptrs=True,
            only_obj_ptrs_in_the_past_for_eval=True,
            pred_obj_scores=True,
            pred_obj_scores_mlp=True,
            fixed_no_obj_ptr=True,
            multimask_output_for_tracking=True,
            use_multimask_token_for_obj_ptr=True,
            multimask_min_pt_num=0,
            multimask_max_pt_num=1,
            use_mlp_for_obj_ptr_proj=True,
            memory_temporal_stride_for_eval=c.memory_stride,
            # set by build_sam2_video_predictor
            binarize_mask_from_pts_for_mem_enc=True,
            sam_mask_decoder_extra_args={
                "dynamic_multimask_via_stability": True,
                "dynamic_multimask_stability_delta": 0.05,
                "dynamic_multimask_stability_thresh": 0.98,
            },
        ).eval()
    finally:
        sam2_base.TwoWayTransformer, sam2_base.MaskDecoder = whole, extra


def official_track(net, images, prompts, order, frames, backwards):
    """Steps of the official network: {frame: dict} in the order given."""
    bank = {"cond_frame_outputs": {}, "non_cond_frame_outputs": {}}
    out = {}
    for t in order:
        features = net.forward_image(images[t : t + 1])
        _, feats, places, sizes = net._prepare_backbone_features(features)
        p = prompts.get(t)
        n = _objects(prompts)
        feats = [x.expand(-1, n, -1) for x in feats]
        places = [x.expand(-1, n, -1) for x in places]
        points = None
        if p is not None and p.points is not None:
            points = {"point_coords": p.points, "point_labels": p.labels}
        out[t] = net.track_step(
            frame_idx=t,
            is_init_cond_frame=p is not None,
            current_vision_feats=feats,
            current_vision_pos_embeds=places,
            feat_sizes=sizes,
            point_inputs=points,
            mask_inputs=p.masks if p is not None else None,
            output_dict=bank,
            num_frames=frames,
            track_in_reverse=backwards,
        )
        bank["cond_frame_outputs" if p is not None else "non_cond_frame_outputs"][t] = out[t]
    return out


def _objects(prompts: dict[int, Prompt]) -> int:
    p = next(iter(prompts.values()))
    return len(p.points) if p.points is not None else len(p.masks)


def our_track(net, images, prompts, order, frames, backwards):
    bank, out = Bank(), {}
    for t in order:
        row = torch.zeros(_objects(prompts), dtype=torch.long)
        f = net.encode(images[t : t + 1]).select(row)
        out[t] = net.step(f, bank, t, frames, prompts.get(t), backwards)
    return out


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sam2-repo", required=True, help="checkout of facebookresearch/sam2")
    sys.path.insert(0, parser.parse_args().sam2_repo)
    torch.manual_seed(0)
    config = NANO
    ours, official = Sam2(config).eval(), build_official(config)
    state = {}
    for name, tensor in ours.state_dict().items():
        noise = torch.randn_like(tensor) / max(1, tensor[0].numel()) ** 0.5
        state[name] = tensor + noise if "norm" in name or ".encoder." in name else noise
    s = config.image_size
    images = torch.randn(5, 3, s, s)
    box = torch.tensor([[[40.0, 30.0], [150.0, 170.0]], [[10.0, 90.0], [200.0, 250.0]]])
    click = torch.tensor([[[100.0, 90.0]], [[33.0, 201.0]]])
    mask = torch.zeros(2, 1, s, s, dtype=torch.bool)
    mask[0, :, 40:150, 60:170] = True  # the second object's mask stays empty
    cases = {
        "box": ({0: Prompt(box, torch.tensor([[2, 3]] * 2))}, [0, 1, 2], False),
        "click": ({0: Prompt(click, torch.tensor([[1]] * 2))}, [0, 1, 2], False),
        "mask": ({0: Prompt(masks=mask)}, [0, 1, 2], False),
        "backwards": ({4: Prompt(box, torch.tensor([[2, 3]] * 2))}, [4, 3, 2, 1, 0], True),
    }
    worst = 0.0
    runs = [(seen, name, *case) for seen in (4.0, -4.0) for name, case in cases.items()]
    for seen, name, prompts, order, backwards in runs:
        # Things that are seen and things that are not take different ways.
        state["sam_mask_decoder.pred_obj_score_head.layers.2.bias"][:] = seen
        ours.load_state_dict(state)
        official.load_state_dict(state)  # strict: same names, same shapes
        a = our_track(ours, images, prompts, order, 5, backwards)
        b = official_track(official, images, prompts, order, 5, backwards)
        for t in order:
            for ours_name, theirs in (
                ("masks", "pred_masks"),
                ("score", "object_score_logits"),
                ("pointer", "obj_ptr"),
                ("memory", "maskmem_features"),
            ):
                x, y = getattr(a[t], ours_name), b[t][theirs]
                error = float((x - y).abs().max() / y.abs().max().clamp(min=1e-6))
                worst = max(worst, error)
                print(f"seen {seen:+.0f} {name:10} frame {t} {ours_name:8} {error:.1e}")
    print(f"{len(state)} tensors with the same names and shapes")
    print(f"largest relative difference {worst:.1e} (bound {_BOUND:.0e})")
    if not worst < _BOUND:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
