# SPDX-License-Identifier: Apache-2.0
"""What the tests of `alref segment` as a whole share: a chat server on loopback that remembers what it was paid for, a
small clip, and what two runs' outputs have in common."""
import hashlib
import json
import re
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class ChatServer:
    """Answers every question of one stage alike, after `delay` seconds. The answer's number, by which a client's cache
    can be asked which answers it has, stands in the model's name and so in no output."""

    def __init__(self, delay: float = 0.0, answers: tuple[str, str] = ("The second frame, [2].", "Box **[1]**.")):
        self.questions: list[str] = []  # SHA-256 of each request's body; its place is the answer's number
        self.requests: list[dict] = []  # the bodies
        self.answers = answers
        lock = threading.Lock()
        questions, server = self.questions, self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with lock:
                    number = len(questions)
                    questions.append(hashlib.sha256(body).hexdigest())
                    server.requests.append(json.loads(body))
                time.sleep(delay)
                stage = 1 if json.loads(body)["model"] == "frames" else 2
                reply = {
                    "model": f"answer {number}",
                    "choices": [{"message": {"content": server.answers[stage - 1]}}],
                    "usage": {"prompt_tokens": 1000, "completion_tokens": 10},
                }
                data = json.dumps(reply).encode()
                try:
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except OSError:
                    self.close_connection = True  # the client was killed

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # of clients that are killed
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.options = ["--reasoner", "chat", "--chat-url", f"http://127.0.0.1:{self._server.server_port}/v1"]
        self.options += ["--chat-frame-model", "frames", "--chat-box-model", "boxes"]


def make_clip(source: Path, target: Path, frames: int) -> None:
    """The first frames of a clip, small, with its sound."""
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(source), "-vf", "scale=240:-2", "-frames:v", str(frames)]
    command += ["-c:v", "libx264", "-threads", "1", "-c:a", "copy", "-shortest", str(target)]
    subprocess.run(command, check=True)


def outputs(folder: Path) -> dict[str, bytes]:
    """Every file of a run, less what may differ between runs that mean the same: "run" of report.json, and its
    counterpart at the end of report.html."""
    files = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        data = path.read_bytes()
        if path.name == "report.json":
            data = data[: data.index(b'\n "run": {')]
        elif path.name == "report.html":
            data = re.sub(rb"<h2>Time and cost</h2>.*", b"", data, flags=re.DOTALL)
        files[str(path.relative_to(folder))] = data
    return files


def differences(got: dict[str, bytes], expected: dict[str, bytes]) -> list[str]:
    names = sorted(got.keys() | expected.keys())
    return [name for name in names if got.get(name) != expected.get(name)]
