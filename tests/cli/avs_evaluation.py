#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`alref evaluate avs` and `alref score avs` on made-up data in AVSBench's four layouts, with the tests' tiny networks.

usage: avs_evaluation.py ALREF DATA

What is scored is compared with the formulae written here anew, in plain Python, after AVSBench's utility.py and
compute_color_metrics.py and AL-Ref-SAM 2's eval_miou_and_fscore.py.
"""
import json
import random
import subprocess
import sys
from pathlib import Path

from command_testing import Commands, grey_values, png, run_all, tiny_sam2
from film import pcm16, tone, write_wav

ALREF, DATA = sys.argv[1], Path(sys.argv[2])
EVALUATE, SCORE = Commands(ALREF, "evaluate"), Commands(ALREF, "score")
SIZE = (64, 14)  # 64 to 224 leaves middles of pixels between two pixels
PIXELS = SIZE[0] * SIZE[1]


# --- the formulae ---

def iou(p: list[bool], t: list[bool]) -> float:
    if not any(t):
        return sum(not x for x in p) / (len(p) + 1e-7)
    return sum(a and b for a, b in zip(p, t)) / (sum(a or b for a, b in zip(p, t)) + 1e-7)


def f_of(p: list[bool], t: list[bool]) -> float:
    both = sum(a and b for a, b in zip(p, t))
    precision, recall = both / (sum(p) + 1e-20), both / (sum(t) + 1e-20)
    bottom = 0.3 * precision + recall
    return 1.3 * precision * recall / bottom if bottom else 0.0


def batch(pairs: list) -> tuple[float, float]:
    """The curve of a binary mask has two values: of everything, at threshold 0, and of the mask, at all others."""
    curves = [(f_of([True] * len(t), t), f_of(p, t)) for p, t in pairs if any(t)]
    f = max(sum(c[i] for c in curves) / len(curves) for i in (0, 1)) if curves else 0.0
    return sum(iou(p, t) for p, t in pairs) / len(pairs), f


def batches(pairs: list, size: int) -> tuple[float, float]:
    scores = [batch(pairs[i:i + size]) for i in range(0, len(pairs), size)]
    return tuple(sum(s[k] for s in scores) / len(scores) for k in (0, 1))


def nearest(values: list, width: int, height: int) -> list:
    """Pillow's: steps are added up."""
    def places(length: int) -> list[int]:
        step = length / 224
        at, found = step * 0.5, []
        for _ in range(224):
            found.append(int(at))
            at += step
        return found

    return [values[y * width + x] for y in places(height) for x in places(width)]


def classes_score(pairs: list) -> tuple[float, float]:
    sums = {}
    for p, t in pairs:
        for c in set(p) | set(t):
            both = sum(a == c and b == c for a, b in zip(p, t))
            pred, true = sum(a == c for a in p), sum(b == c for b in t)
            precision, recall = both / pred if pred else 0, both / true if true else 0
            bottom = 0.3 * precision + recall
            entry = sums.setdefault(c, [0, 0.0, 0.0])
            entry[0] += 1
            entry[1] += both / (pred + true - both)
            entry[2] += 1.3 * precision * recall / bottom if bottom else 0
    return tuple(sum(s[k] / s[0] for s in sums.values()) / 71 for k in (1, 2))


# --- made-up data ---

def colour(index: int) -> tuple[int, int, int]:
    """PASCAL VOC's palette: the bits of the index go to red, green and blue in turn."""
    rgb = [0, 0, 0]
    for bit in range(8):
        for channel in range(3):
            rgb[channel] |= (index >> (3 * bit + channel) & 1) << (7 - bit)
    return tuple(rgb)


def blob(rng: random.Random, empty: bool = False) -> list[bool]:
    x0, y0 = rng.randrange(SIZE[0]), rng.randrange(SIZE[1])
    x1, y1 = rng.randrange(x0, SIZE[0]) + 1, rng.randrange(y0, SIZE[1]) + 1
    return [not empty and x0 <= i % SIZE[0] < x1 and y0 <= i // SIZE[0] < y1 for i in range(PIXELS)]


def write(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def grey(mask: list[bool]) -> bytes:
    return png(*SIZE, 1, bytes(255 * m for m in mask))


def rgb(classes: list[int]) -> bytes:
    return png(*SIZE, 3, b"".join(bytes(colour(c)) for c in classes))


def class_map(rng: random.Random, empty: bool) -> list[int]:
    values = [0] * PIXELS
    for c in rng.sample(range(1, 71), 2):
        values = [c if b else v for b, v in zip(blob(rng, empty), values)]
    return values


def random_mask(rng: random.Random, frame: int) -> list[bool]:
    """Every corner case comes: both empty, one empty, all of the frame, anything."""
    kind = rng.randrange(6)
    return [True] * PIXELS if kind == 0 else blob(rng, empty=kind == 1 or frame == 4)


def picture(i: int) -> bytes:
    return png(*SIZE, 3, bytes((40 * i + 3 * p) % 256 for p in range(PIXELS * 3)))


def write_sound(file: Path, seconds: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    write_wav(file, pcm16(tone(seconds, 16000)), 16000)


def make_s4(root: Path, videos: int) -> list[tuple[str, str, int]]:
    """Also names that the list holds for training, and a comma in quotes."""
    lines, made = ["name,start,category,split"], []
    for i in range(videos):
        name, category = f"clip{i}", ("playing_violin", "dog_barking")[i % 2]
        lines += [f"{name},0,{category},test", f'"train,{i}",0,{category},train']
        folder = root / "s4_data" / "visual_frames" / "test" / category / name
        for k in range(5):
            write(folder / f"{name}_{k + 1}.png", picture(i + k))
        write_sound(root / "s4_data" / "audio_wav" / "test" / category / f"{name}.wav", 5)
        made.append((name, category, 5))
    (root / "s4_meta_data.csv").write_text("\n".join(lines) + "\n")
    return made


def make_ms3(root: Path, videos: int) -> list[tuple[str, str, int]]:
    names = [f"clip{i}" for i in range(videos)]
    for i, name in enumerate(names):
        for k in range(5):
            write(root / "ms3_data" / "visual_frames" / name / f"{name}.mp4_{k + 1}.png", picture(i + k))
        write_sound(root / "ms3_data" / "audio_wav" / "test" / f"{name}.wav", 5)
    (root / "ms3_meta_data.csv").write_text("video_id,split\n" + "".join(f"{n},test\n" for n in names))
    return [(name, "", 5) for name in names]


def make_semantic(root: Path, labels: list[str]) -> list[tuple[str, str, int]]:
    lines, made = ["vid,uid,s_min,s_sec,a_obj,split,label"], []
    for i, label in enumerate(labels):
        name, frames = f"clip{i}", 10 if label == "v2" else 5
        lines.append(f"{i},{name},0,0,dog,test,{label}")
        for k in range(frames):
            write(root / label / name / "frames" / f"{k}.jpg", picture(i + k))  # told apart by content, not by name
        write_sound(root / label / name / "audio.wav", frames)
        made.append((name, label, frames))
    (root / "metadata.csv").write_text("\n".join(lines) + "\n")
    return made


def score(folder: Path, layout: str) -> dict:
    SCORE_ARGS = ["avs", folder / "out", "--layout", layout, "--root", folder, "--json", folder / "score.json"]
    done = subprocess.run([ALREF, "score", *map(str, SCORE_ARGS)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "score.json").read_text())


def expect(got: dict, expected: tuple, names: tuple) -> None:
    for name, value in zip(names, expected):
        assert abs(got[name] - value) < 2e-6, f"{name}: {got[name]}, expected {value}"


# --- scores ---

def check_binary(folder: Path, layout: str, videos: list, truth_file, out_folder) -> None:
    rng, pairs = random.Random(7), []
    for i, (name, group, frames) in enumerate(videos):
        for k in range(frames):
            p, t = random_mask(rng, k + (i == 2)), random_mask(rng, k)
            if i == 1:  # no truth in the whole video
                t = [False] * PIXELS
            if i < len(videos) - 1:
                write(out_folder(name, group) / f"{k + 1}_video_mask.png", grey(p))
            else:  # no results at all
                p = [False] * PIXELS
            as_classes = rgb([17 * v for v in t]) if layout == "v2-binary" else grey(t)
            write(truth_file(name, group, k), as_classes)
            pairs.append((p, t))
    got = score(folder, layout)
    assert got["videos"] == len(videos) and got["missing"] == 1, got
    # AL-Ref-SAM 2 scores frame by frame; a frame without truth has F = 0.
    expect(got["per_frame"], batches(pairs, 1), ("m_j", "m_f"))
    expect(got["batches_of_4_videos"], batches(pairs, 4 * videos[0][2]), ("m_j", "m_f"))
    if layout == "s4":
        own = [pair for pair, video in zip(pairs, [v for v in videos for _ in range(5)]) if video[1] == "dog_barking"]
        expect(got["categories"]["dog_barking"], batches(own, 1), ("m_j", "m_f"))


def test_s4_scores(folder: Path) -> None:
    check_binary(folder, "s4", make_s4(folder, 6),
                 lambda n, g, k: folder / "s4_data" / "gt_masks" / "test" / g / n / f"{n}_{k + 1}.png",
                 lambda n, g: folder / "out" / g / n)


def test_ms3_scores(folder: Path) -> None:
    check_binary(folder, "ms3", make_ms3(folder, 5), lambda n, g, k: folder / "ms3_data" / "gt_masks" / "test" / n / f"{n}_{k + 1}.png",
                 lambda n, g: folder / "out" / n)


def test_v2_binary_scores(folder: Path) -> None:
    videos = make_semantic(folder, ["v2", "v1s", "v2", "v2"])
    check_binary(folder, "v2-binary", [v for v in videos if v[1] == "v2"],
                 lambda n, g, k: folder / g / n / "labels_rgb" / f"{k}.png", lambda n, g: folder / "out" / n)


def test_avss_scores(folder: Path) -> None:
    rng, pairs = random.Random(8), []
    for i, (name, label, frames) in enumerate(make_semantic(folder, ["v1s", "v2", "v1m"])):
        for k in range(frames):
            t, p = class_map(rng, k == 0), class_map(rng, k == 1)
            p = t if k == 3 else p
            write(folder / label / name / "labels_rgb" / f"{k}.png", rgb(t))
            if i < 2:
                write(folder / "out" / label / name / f"{k + 1}_video_mask.png", rgb(p))
            pairs.append((nearest(p if i < 2 else [0] * PIXELS, *SIZE), nearest(t, *SIZE)))
    got = score(folder, "avss")
    expect(got, classes_score(pairs), ("miou", "f_score"))


def test_masks_of_another_size(folder: Path) -> None:
    (name, _, _), = make_ms3(folder, 1)
    for k in range(5):
        write(folder / "ms3_data" / "gt_masks" / "test" / name / f"{name}_{k + 1}.png", grey(blob(random.Random(k))))
        write(folder / "out" / name / f"{k + 1}_video_mask.png", png(3, 3, 1, bytes(9)))
    done = subprocess.run([ALREF, "score", "avs", folder / "out", "--layout", "ms3", "--root", folder], capture_output=True, text=True)
    assert done.returncode == 3 and "1_video_mask.png" in done.stderr and "differ in size" in done.stderr, done.stderr


def test_lists_that_lie(folder: Path) -> None:
    for text, says in (("", "is empty"), ("a,b\n", "no column 'split'"), ("n,split\nx\n", "has 1 fields"),
                       ('n,split\n"x,test\n', "stays open"), ("n,split\n../up,test\n", "is not a plain name")):
        (folder / "ms3_meta_data.csv").write_text(text)
        done = subprocess.run([ALREF, "score", "avs", folder, "--layout", "ms3", "--root", folder], capture_output=True, text=True)
        assert done.returncode == 3 and says in done.stderr, f"{text!r}: {done.returncode} {done.stderr}"


# --- runs ---

def evaluate(folder: Path, layout: str, *options) -> str:
    if not (folder / "sam2.gguf").exists():
        tiny_sam2(ALREF, DATA, folder)
    return EVALUATE.run("avs", "--layout", layout, "--root", folder, "-o", folder / "out", "--sam2", folder / "sam2.gguf", "--detector",
                        DATA / "grounding_dino" / "tiny.gguf", "--tagger", DATA / "beats" / "tiny.gguf", "--sound-matcher",
                        DATA / "language_bind" / "tiny.gguf", "--box-threshold", "0.001", *options)


def test_every_layout_is_written_where_it_is_scored(folder: Path) -> None:
    replies = folder / "replies.json"
    for layout, make in (("s4", lambda f: make_s4(f, 1)), ("ms3", lambda f: make_ms3(f, 1)),
                         ("avss", lambda f: make_semantic(f, ["v1s", "v2"])), ("v2-binary", lambda f: make_semantic(f, ["v2", "v1m"]))):
        root = folder / layout
        root.mkdir()
        videos = [v for v in make(root) if layout != "v2-binary" or v[1] == "v2"]
        replies.write_text(json.dumps({name: "{'dog': 2, 'sheep': 1}" for name, _, _ in videos}))
        numbers = folder / "numbers.json"
        numbers.write_text(json.dumps({name: {"dog": "2", "sheep": "1"} for name, _, _ in videos}))
        evaluate(root, layout, "--replay", replies, "--replay", numbers)
        for name, group, frames in videos:
            out = root / "out" / group / name if layout in ("s4", "avss") else root / "out" / name
            assert sorted(f.name for f in out.iterdir()) == sorted(f"{k + 1}_video_mask.png" for k in range(frames)), layout
            if layout != "avss":
                assert grey_values(out / "1_video_mask.png")[:2] == SIZE


def test_runs_are_resumed_and_shared(folder: Path) -> None:
    make_ms3(folder, 4)
    assert "2 videos: 0 done before" in evaluate(folder, "ms3", "--reasoner", "first", "--shard", "1/2")
    assert sorted(p.name for p in (folder / "out").iterdir() if p.name != ".alref") == ["clip1", "clip3"]
    before = (folder / "out" / "clip1" / "1_video_mask.png").stat().st_mtime_ns
    assert "4 videos: 2 done before" in evaluate(folder, "ms3", "--reasoner", "first")
    assert (folder / "out" / "clip1" / "1_video_mask.png").stat().st_mtime_ns == before


def test_true_labels(folder: Path) -> None:
    ((name, label, _),) = make_semantic(folder, ["v1s"])
    for k in range(5):
        write(folder / label / name / "labels_rgb" / f"{k}.png", rgb([17 if k == 2 else 0] * PIXELS))
    evaluate(folder, "avss", "--true-labels")
    make_ms3(folder, 1)
    EVALUATE.fails(2, "MS3 does not say", "avs", "--layout", "ms3", "--root", folder, "-o", folder / "out", "--true-labels")


if __name__ == "__main__":
    sys.exit(run_all([test for name, test in list(globals().items()) if name.startswith("test_")]))
