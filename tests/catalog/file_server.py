#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A loopback stand-in for a publisher of files that misbehaves as the first part of the path says.

usage: file_server.py LOG

Serves 100,000 bytes, byte i being i * i % 251. Prints its port, and the port of a second one that serves as a proxy.
Appends a line to LOG for every request: port, path, Range. Ends with its standard input.
"""
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FILE = bytes(i * i % 251 for i in range(100_000))
LOCK = threading.Lock()
SEEN: dict[str, int] = {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.split("://")[-1]
        scenario = path.split("/")[1]
        wanted = self.headers.get("Range")
        with LOCK:
            tries = SEEN[scenario] = SEEN.get(scenario, 0) + 1
            with open(sys.argv[1], "a", encoding="utf8") as log:
                print(self.server.server_port, self.path, wanted, file=log)
        data, tag = FILE, '"1"'
        most = len(data)  # bytes until the connection is cut
        if scenario == "cut":
            most = 30_000
        elif scenario == "dead":
            most = 30_000 if tries == 1 else 0
        elif scenario == "changed" and tries == 1:
            data, tag, most = bytes(len(FILE)), '"0"', 30_000
        elif scenario == "deaf":  # knows nothing of ranges
            wanted, most = None, 30_000 if tries == 1 else most
        elif scenario == "liar":  # says it goes on, and begins anew
            most = 30_000 if tries == 1 else most
            if wanted:
                return self.reply(206, data, {"Content-Range": f"bytes 0-{len(data) - 1}/{len(data)}"}, len(data))
        elif scenario == "wrong":
            data = bytes(len(FILE))
        elif scenario == "short":
            data = FILE[:99_999]
        elif scenario == "long":
            data = FILE + b"!"
        elif scenario == "missing":
            return self.reply(404, b"<html>gone</html>", {}, 100)
        elif scenario == "busy" and tries < 3:
            return self.reply(503, b"later", {}, 100)
        elif scenario == "moved":
            return self.reply(302, b"", {"Location": "/whole/file.pt"}, 100)
        elif scenario == "circle":
            return self.reply(302, b"", {"Location": "/circle/file.pt"}, 100)
        elif scenario == "page":
            return self.reply(302, b"", {"Location": "file:///etc/passwd"}, 100)
        elif scenario == "silent":
            time.sleep(30)
        if self.headers.get("If-Range", tag) != tag:
            wanted = None
        begin = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        if begin >= len(data):
            return self.reply(416, b"", {"Content-Range": f"bytes */{len(data)}"}, 100)
        headers = {"ETag": tag, "Accept-Ranges": "bytes"}
        if wanted:
            headers["Content-Range"] = f"bytes {begin}-{len(data) - 1}/{len(data)}"
        return self.reply(206 if wanted else 200, data[begin:], headers, most)

    def reply(self, status, body, headers, most):
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[:most])
        except OSError:
            pass
        self.close_connection = True

    def log_message(self, *args):
        pass


SERVER = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
PROXY = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
for server in (SERVER, PROXY):
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
print(SERVER.server_port, PROXY.server_port, flush=True)
sys.stdin.read()
