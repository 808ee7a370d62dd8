#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A loopback stand-in for a chat server that misbehaves as the first part of the path says.

usage: fault_server.py LOG

Prints its port, and the port of a second server that nobody should ever ask. Appends a line to LOG for every request:
port, path, authorization, and how many milliseconds have passed since the start. Ends with its standard input.
"""
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

START = time.monotonic()
LOCK = threading.Lock()
SEEN: dict[str, int] = {}


def answer(text: str) -> bytes:
    return json.dumps(
        {
            "model": "fake-1",
            "choices": [{"message": {"role": "assistant", "content": text}}],
            "usage": {"prompt_tokens": 1000, "completion_tokens": 50},
        }
    ).encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        scenario = self.path.split("/")[1]
        with LOCK:
            tries = SEEN[scenario] = SEEN.get(scenario, 0) + 1
            with open(sys.argv[1], "a", encoding="utf8") as log:
                passed = int(1000 * (time.monotonic() - START))
                print(self.server.server_port, self.path, self.headers.get("Authorization"), passed, file=log)
        if self.server is not SERVER:
            return self.reply(200, answer("stolen [1]"))
        first = tries == 1
        if scenario == "ok":
            return self.reply(200, answer("I see. [2]"))
        if scenario == "check":  # is the request what the protocol wants?
            request = json.loads(body)
            text, picture = request["messages"][0]["content"]
            fine = request["model"] and text["type"] == "text" and picture["type"] == "image_url"
            fine = fine and picture["image_url"]["url"].startswith("data:image/jpeg;base64,/9j/")
            return self.reply(200, answer("[1]" if fine else "[5]"))
        if scenario == "slow":
            time.sleep(1.5)
            return self.reply(200, answer("[2]"))
        if scenario == "busy":
            return self.reply(429, b'{"error": {"message": "busy"}}', {"Retry-After": "1"}) if first else self.reply(
                200, answer("[2]")
            )
        if scenario == "broken":
            return self.reply(500, b"oops") if tries < 3 else self.reply(200, answer("[2]"))
        if scenario == "dead":
            return self.reply(503, b"down for good")
        if scenario == "half":
            whole = answer("[2]")
            return self.reply(200, whole[: len(whole) // 2] if first else whole)
        if scenario == "cut":  # promises more than it sends
            return self.reply(200, answer("[2]"), {"Content-Length": "100000"} if first else {})
        if scenario == "empty":
            return self.reply(200, answer("  ") if first else answer("[2]"))
        if scenario == "prose":
            return self.reply(200, answer("The second frame, surely."))
        if scenario == "wrong":
            return self.reply(200, answer("Frame [17]"))
        if scenario == "redirect":
            target = f"http://localhost:{OTHER.server_port}/stolen/chat/completions"
            return self.reply(307, b"", {"Location": target})
        if scenario == "echo":
            return self.reply(401, f"bad key: {self.headers.get('Authorization')}".encode())
        if scenario == "parrot":
            return self.reply(200, answer(f"You said {self.headers.get('Authorization')} [2]"))
        if scenario == "huge":
            self.send_response(200)
            self.send_header("Content-Length", str(100 << 20))
            self.end_headers()
            try:
                for _ in range(100):
                    self.wfile.write(b" " * (1 << 20))
            except OSError:
                pass  # the client had enough
            return None
        return self.reply(404, b"no such scenario")

    def reply(self, status, body, headers=None):
        headers = headers or {}
        try:
            self.send_response(status)
            if "Content-Length" not in headers:
                self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            pass
        self.close_connection = True

    def log_message(self, *args):
        pass


SERVER = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
OTHER = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
for server in (SERVER, OTHER):
    threading.Thread(target=server.serve_forever, daemon=True).start()
print(SERVER.server_port, OTHER.server_port, flush=True)
sys.stdin.read()
