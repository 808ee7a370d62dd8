#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How often the networks look at frames: AL-Ref-SAM 2's own scripts against `alref segment`, on the same job.

    parity/encodings.py --al-ref-sam2 PATH --sam2-repo PATH --alref build/release/alref CLIP.mp4

Runs rvos/ytvos/concat_stage_2.py and segment_inference_stage_2.py of a checkout of github.com/appletea233/AL-Ref-SAM2 as
they are, on the real SAM 2 predictors with tiny random weights on the CPU, and counts the calls of SAM 2's image encoder
and of GroundingDINO (a stand-in that finds one box). `alref segment` gets the same frames, sentences and replies by
--replay; its report counts. Replies name the second frame of every clip, and its first box. Needs matplotlib, which their
scripts draw with. Exits with 1 where `alref` does not look at every frame once.
"""
import argparse
import importlib
import json
import subprocess
import sys
import tempfile
import threading
import types
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "oracles"))
import make_sam2_goldens as tiny  # noqa: E402
import sam2_official as official  # noqa: E402

STEP, FRAMES_PER_CLIP = 10, 5
SENTENCES = ["the dog on the left", "the largest person", "the thing that moves"]
BOX = [0.5, 0.5, 0.4, 0.4]  # centre, size
COUNTS = {"encoder": 0, "detector": 0}


def counted(function, name):
    def call(*arguments, **named):
        COUNTS[name] += 1
        return function(*arguments, **named)
    return call


def tiny_model(repository, *, video):
    model = official.build(tiny.tiny_config(repository, "2.1"), video=video, dynamic_multimask=video, seed=0)
    tiny.fill(model)
    model.forward_image = counted(model.forward_image, "encoder")
    return model


def stand_in(repository) -> None:
    """Modules that their scripts import, and that need a GPU, a checkpoint or a display."""
    def box_convert(boxes, in_fmt, out_fmt):
        assert (in_fmt, out_fmt) == ("cxcywh", "xyxy")
        centre, size = boxes[..., :2], boxes[..., 2:]
        return torch.cat([centre - size / 2, centre + size / 2], -1)

    def predict(**_):
        return torch.tensor([BOX]), torch.tensor([0.9]), ["thing"]

    modules = {
        "groundingdino": {}, "groundingdino.util": {},
        "groundingdino.util.inference": {
            "load_model": lambda *_, **__: torch.nn.Identity(), "load_image": lambda _: (None, None),
            "predict": counted(predict, "detector"), "annotate": None},
        "torchvision.ops": {"box_convert": box_convert},
        "sam2.build_sam": {"build_sam2": lambda *_, **__: tiny_model(repository, video=False),
                           "build_sam2_video_predictor": lambda *_, **__: tiny_model(repository, video=True)},
        "utils": dict.fromkeys(("show_anns", "show_mask", "show_points", "show_masks")),
    }
    for name, content in modules.items():
        module = sys.modules[name] = types.ModuleType(name)
        module.__dict__.update(content)
    module = importlib.import_module("sam2.sam2_image_predictor")
    real = module.SAM2ImagePredictor

    class TinyPredictor(real):
        def __init__(self, model):
            super().__init__(model)
            self._bb_feat_sizes = [(tiny.SIZE // s, tiny.SIZE // s) for s in (4, 8, 16)]

    module.SAM2ImagePredictor = TinyPredictor
    torch.cuda.set_device = lambda _: None


def write_replies(folder: Path, sentences, frames: int) -> None:
    """What the language model said, in the file of their first stage: the second frame of every clip."""
    span = STEP * FRAMES_PER_CLIP
    clips = [clip for clip in range(frames // span + 1) if clip * span + STEP < frames]
    replies = [{"response": "[2]", "target_frame_id": 2, "image_path": f"combined_5_step_10_id_{clip}.jpg"} for clip in clips]
    everything = {str(i): {"exp_id": i, "exp": s, "res_list": replies} for i, s in enumerate(sentences)}
    (folder / "stage_1").mkdir(parents=True)
    (folder / "stage_1" / "cot_one_stage.json").write_text(json.dumps(everything))


def answer_boxes(folder: Path, sentences) -> None:
    """What their gpt_cot_inference_stage_2.py adds to the boxes."""
    for i in range(len(sentences)):
        path = folder / "stage_2" / str(i)
        replies = json.loads((path / f"box_info_combined_{FRAMES_PER_CLIP}_step_{STEP}.json").read_text())
        for reply in replies["res_list"]:
            reply |= {"response_two_stage": "[1]", "target_object_id": 1}
        (path / "cot_two_stage.json").write_text(json.dumps(replies))


def theirs(scripts: Path, frames: Path, root: Path, sentences) -> dict:
    names = sorted(p.stem for p in frames.glob("*.jpg"))
    data = {frames.name: {"expressions": {str(i): {"exp": s} for i, s in enumerate(sentences)}, "frames": names}}
    sys.path.insert(0, str(scripts))
    sys.argv = ["script", "--output_dir", str(root)]
    args = importlib.import_module("opts").get_args_parser().parse_args()
    folder = root / "concat" / frames.name
    write_replies(folder, sentences, len(names))
    COUNTS.update(encoder=0, detector=0)
    work = (threading.Lock(), 0, args, data, str(root / "masks"), str(frames.parent), [frames.name])
    importlib.import_module("concat_stage_2").sub_processor(*work)
    answer_boxes(folder, sentences)
    importlib.import_module("segment_inference_stage_2").sub_processor(*work)
    written = len(list((root / "masks").rglob("*.png")))
    assert written == len(names) * len(sentences), f"their scripts wrote {written} masks"
    return dict(COUNTS)


def ours(alref: str, frames: Path, root: Path, sentences, cache: str) -> dict:
    replies = root / "concat" / frames.name
    command = [alref, "segment", str(frames), "-o", str(root / "out"), "--no-overlay", "--threads", "1", "--box-threshold",
               "0.001", "--feature-cache", cache, "--replay", str(replies / "stage_1" / "cot_one_stage.json")]
    for i, sentence in enumerate(sentences):
        command += ["--text", sentence, "--replay", str(replies / "stage_2" / str(i) / "cot_two_stage.json")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    report = json.loads((root / "out" / "report.json").read_text())
    assert all(s["pivots"] and not s["fallback"] for s in report["sentences"]), "a sentence got no pivot"
    return {"encoder": report["run"]["encoder_runs"], "detector": report["run"]["detector_runs"]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--al-ref-sam2", required=True, type=Path)
    parser.add_argument("--sam2-repo", required=True)
    parser.add_argument("--alref", required=True)
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("clip", type=Path)
    args = parser.parse_args()
    official.import_official(args.sam2_repo)
    tiny.shrink_fixed_sizes()
    stand_in(args.sam2_repo)
    print("| sentences | frames | SAM 2's encoder: reference | alref | the same, no room for features | "
          "detector: reference | alref |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    good = True
    with tempfile.TemporaryDirectory() as folder:
        frames = Path(folder) / "video" / args.clip.stem
        frames.mkdir(parents=True)
        subprocess.run(["ffmpeg", "-v", "error", "-i", args.clip, "-frames:v", str(args.frames), "-vf", "scale=320:-2",
                        "-start_number", "0", str(frames / "%05d.jpg")], check=True)
        count = len(list(frames.iterdir()))
        for sentences in (SENTENCES[:1], SENTENCES):
            root = Path(folder) / str(len(sentences))
            reference = theirs(args.al_ref_sam2 / "rvos" / "ytvos", frames, root, sentences)
            fits, tight = (ours(args.alref, frames, root, sentences, cache) for cache in ("512M", "0"))
            good &= fits["encoder"] == count and fits["detector"] <= reference["detector"]
            print(f"| {len(sentences)} | {count} | {reference['encoder']} | {fits['encoder']} | {tight['encoder']} | "
                  f"{reference['detector']} | {fits['detector']} |", flush=True)
    return 0 if good else 1


sys.exit(main())
