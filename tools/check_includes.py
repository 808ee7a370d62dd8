#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may know whom: reads the #include lines of include/ and src/ against the table below.

usage: tools/check_includes.py [ROOT]

Prints each line that breaks a rule and exits with 1 if there is one. docs/architecture.md explains the table; change
both together.
"""
import re
import sys
from pathlib import Path

# folder -> folders of src/ that it may include besides itself ("alref" is include/alref)
MAY_KNOW = {
    "alref": set(),
    "core": {"alref"},
    "media": {"alref", "core"},
    "text": {"alref", "core"},
    "compute": {"alref", "core", "compute/kernels"},
    "compute/kernels": set(),
    "compute/onednn": {"alref", "core", "compute", "compute/kernels"},
    "perception": {"alref", "core"},
    "perception/sam2": {"alref", "core", "compute", "perception"},
    "perception/grounding_dino": {"alref", "core", "compute", "perception", "text"},
    "perception/beats": {"alref", "core", "compute", "perception"},
    "perception/language_bind": {"alref", "core", "compute", "perception", "text"},
    "reasoning": {"alref", "core", "media", "perception"},
    "pipeline": {"alref", "core", "perception", "reasoning"},
    "outputs": {"alref", "core", "media"},
    "convert": {"alref", "core", "compute"},
    "catalog": {"alref", "core", "convert"},
    "datasets": {"alref", "core", "media", "outputs"},
    "metrics": {"alref", "core"},
    "api": {"alref", "core", "media", "compute", "perception", "reasoning", "pipeline", "perception/sam2",
            "perception/grounding_dino", "perception/beats", "perception/language_bind"},
    "eval": {"alref", "core", "media", "outputs", "datasets", "metrics"},
    "cli": {"alref", "core", "media", "outputs", "convert", "catalog", "eval"},
}

# header prefix -> folders that may include it
EXTERNAL = {
    r"ggml|gguf": {"compute", "compute/onednn", "perception/sam2", "perception/grounding_dino", "perception/beats",
                   "perception/language_bind", "convert", "api"},
    r"oneapi/|dnnl": {"compute/onednn", "api"},
    r"libav|libsw": {"media", "api"},
    r"jpeglib|png\.h": {"media"},
    r"cairo": {"media", "reasoning"},
    r"nlohmann/": {"reasoning", "outputs", "datasets", "eval", "cli", "convert", "api"},
    r"curl/": {"reasoning", "catalog", "api"},
    r"sqlite3": {"reasoning"},
    r"spdlog/|CLI/": {"cli"},
}


def folder_of(path: Path, root: Path) -> str | None:
    parts = path.relative_to(root).parts
    if parts[0] == "include":
        return "alref"
    for depth in (2, 1):  # the most specific folder that has a rule
        name = "/".join(parts[1 : 1 + depth])
        if name in MAY_KNOW and len(parts) > 1 + depth:
            return name
    return None


def folder_of_include(text: str) -> str | None:
    parts = text.split("/")
    if parts[0] == "alref":
        return "alref"
    for depth in (2, 1):
        name = "/".join(parts[:depth])
        if name in MAY_KNOW and len(parts) > depth:
            return name
    return None


def check(root: Path) -> list[str]:
    faults = []
    files = [p for top in ("include", "src") for p in (root / top).rglob("*") if p.suffix in (".h", ".cc")]
    for path in sorted(files):
        where = path.relative_to(root)
        folder = folder_of(path, root)
        if folder is None:
            faults.append(f"{where}: its folder has no rule in tools/check_includes.py")
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+[<"]([^>"]+)[>"]', line)
            if not match:
                continue
            header = match.group(1)
            target = folder_of_include(header)
            if target is not None:
                if target != folder and target not in MAY_KNOW[folder]:
                    # A device makes its backends: the one place where compute knows its own backend.
                    if (str(where), target) == ("src/compute/device.cc", "compute/onednn"):
                        continue
                    faults.append(f"{where}:{number}: {folder} must not know {target} ({header})")
                continue
            for prefix, users in EXTERNAL.items():
                if re.match(prefix, header) and folder not in users:
                    faults.append(f"{where}:{number}: {folder} must not include {header}")
    return faults


def main() -> int:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    faults = check(root)
    print("\n".join(faults) if faults else "every include is allowed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
