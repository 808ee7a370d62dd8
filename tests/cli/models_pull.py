#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`alref models list` and `alref models pull` from a mirror on loopback: a tiny checkpoint is fetched, converted and
installed; files that are not what they should be are not.

usage: models_pull.py ALREF TEST_DATA
"""
import functools
import gzip
import os
import subprocess
import sys
import tempfile
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ALREF, DATA = sys.argv[1], Path(sys.argv[2])


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def main() -> int:
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        mirror = root / "mirror"
        mirror.mkdir()
        source = DATA / "convert" / "language_bind"
        (mirror / "pytorch_model.bin").write_bytes(gzip.decompress((source / "pytorch_model.bin.gz").read_bytes()))
        for name in ("config.json", "merges.txt"):
            (mirror / name).write_bytes((source / name).read_bytes())
        (mirror / "sam2.1_hiera_tiny.pt").write_bytes(b"<html>Please log in</html>")
        server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=mirror))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        models = root / "models"

        def alref(*arguments: str):
            env = os.environ | {"ALREF_MODELS": str(models), "no_proxy": "127.0.0.1"}
            run = subprocess.run([ALREF, "models", *arguments], capture_output=True, text=True, timeout=120, env=env)
            return run.returncode, run.stdout, run.stderr

        def pull(name: str, status: int, says: str, *options: str):
            before = sorted(models.rglob("*.gguf"))
            got, out, err = alref("pull", name, "--from", f"http://127.0.0.1:{server.server_port}", *options)
            if got != status or says not in out + err:
                faults.append(f"pull {name}: status {got}, expected {status} and '{says}': {out}{err}")
            if status != 0 and sorted(models.rglob("*.gguf")) != before:
                faults.append(f"pull {name}: something was installed")

        installed = models / "language-bind-audio.gguf"
        pull("language-bind-audio", 0, str(installed))
        if [p for p in models.iterdir() if p != installed]:
            faults.append(f"left over: {list(models.iterdir())}")
        pull("language-bind-audio", 0, str(installed))  # is there already
        pull("sam2.1-tiny", 3, "26 bytes, expected 156008466")
        pull("sam2.1-small", 7, "404")
        pull("beats-as2m", 7, "alref convert")
        pull("no-such-model", 2, "sam2.1-tiny")
        (mirror / "pytorch_model.bin").write_bytes(b"<html>Please log in</html>")
        pull("language-bind-audio", 4, "pytorch_model.bin", "--again")
        if not installed.exists() or any(p.name.startswith(".language") for p in models.iterdir()):
            faults.append("a pull that failed took the installed model, or left the page that it got")
        status, out, err = alref("list")
        rows = {line.split()[0]: line for line in out.splitlines()}
        for name, says in {"language-bind-audio": "installed", "sam2.1-large": "898 MB", "beats-as2m": "by hand",
                           "grounding-dino-tiny": "Apache-2.0", "nano-sam2.1": "installed"}.items():
            if says not in rows.get(name, ""):
                faults.append(f"list: {name}: {rows.get(name)}")
    print("\n".join(faults))
    return 1 if faults else 0


sys.exit(main())
