# SPDX-License-Identifier: Apache-2.0
"""Writes an official GroundingDINO module as a model file, by the rules of docs/model-format.md."""
import re
from pathlib import Path

import gguf
import torch


def write_grounding_dino(model, size: dict, bert, vocabulary: Path, variant: str, path: Path,
                         extra: dict | None = None) -> None:
    writer = gguf.GGUFWriter(str(path), "grounding-dino")
    key = lambda name: f"grounding-dino.{name}"
    writer.add_string("general.name", f"groundingdino-{variant}-random")
    writer.add_string("general.type", "f32")
    writer.add_string(key("variant"), variant if variant.startswith("swin") else "custom")
    integers = {
        "swin.embed_dim": size["embed_dim"], "swin.window_size": size["window_size"], "d_model": size["d_model"],
        "num_heads": size["nheads"], "dim_feedforward": size["dim_feedforward"], "encoder_layers": size["enc_layers"],
        "decoder_layers": size["dec_layers"], "num_feature_levels": 4, "enc_n_points": size["enc_n_points"],
        "dec_n_points": size["dec_n_points"], "fusion.num_heads": size["nheads"] // 2,
        "fusion.dim": size["dim_feedforward"] // 2, "text_enhancer.num_heads": size["nheads"] // 2,
        "text_enhancer.dim_feedforward": size["dim_feedforward"] // 2, "num_queries": size["num_queries"],
        "max_text_len": size["max_text_len"],
        "image.short_side": size["short_side"], "image.max_side": size["max_side"], "bert.hidden_size": bert.hidden_size,
        "bert.layers": bert.num_hidden_layers, "bert.num_heads": bert.num_attention_heads,
        "bert.intermediate_size": bert.intermediate_size, "bert.vocab_size": bert.vocab_size,
        "bert.max_position_embeddings": bert.max_position_embeddings, "bert.type_vocab_size": bert.type_vocab_size,
    }
    for name, value in integers.items():
        writer.add_uint32(key(name), value)
    writer.add_array(key("swin.depths"), size["depths"])
    writer.add_array(key("swin.num_heads"), size["num_heads"])
    writer.add_array(key("swin.out_indices"), [1, 2, 3])
    writer.add_array(key("image.mean"), [0.485, 0.456, 0.406])
    writer.add_array(key("image.std"), [0.229, 0.224, 0.225])
    for name, value in {"swin.mlp_ratio": 4.0, "position_temperature": 20.0, "box_threshold": 0.25,
                        "text_threshold": 0.25, "bert.layer_norm_eps": bert.layer_norm_eps}.items():
        writer.add_float32(key(name), value)
    writer.add_string("tokenizer.ggml.model", "bert")
    writer.add_array("tokenizer.ggml.tokens", vocabulary.read_text(encoding="utf-8").splitlines())

    for name, tensor in model.state_dict().items():
        # One box head serves all layers; "bbox_embed.0" stands for it.
        shared = re.match(r"transformer\.decoder\.bbox_embed\.|bbox_embed\.[1-9]", name)
        if shared or name.endswith(("position_ids", "relative_position_index", "token_type_ids")) or ".pooler." in name:
            continue
        writer.add_tensor(name, tensor.detach().to(torch.float32).contiguous().numpy())
    for name, array in (extra or {}).items():
        writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
