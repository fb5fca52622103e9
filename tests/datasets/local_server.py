"""A server on this machine in the place of those that publish data."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class FileServer(ThreadingHTTPServer):
    """Answers every request with the same bytes."""

    daemon_threads = True
    content = b""
    status = 200
    announced: int | None = None  #: length in the header, where it is not the true one

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class _Handler(BaseHTTPRequestHandler):
    server: FileServer

    def do_HEAD(self) -> None:
        self.send_response(self.server.status)
        size = self.server.announced
        self.send_header("Content-Length", str(len(self.server.content) if size is None else size))
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        self.wfile.write(self.server.content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def running_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """Start it, and see that it is asked directly."""
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    with FileServer(("127.0.0.1", 0), _Handler) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.shutdown()
