"""The fault proxy itself: a sweep with a proxy that disturbs nothing would pass for nothing."""

import http.client
import http.server
import socket
import socketserver
import subprocess
import threading

import pytest

from harness import PROXY, Proxy, wait_for


class Upstream(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen = []

    def answer(self):
        size = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(size) if size else self.read_chunks()
        self.seen.append((self.command, self.path, body))
        if self.path.endswith("/stream"):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"first\n")
            self.wfile.flush()
            self.rfile.read(1)  # until the client has seen it and goes away
            self.close_connection = True
            return
        answer = b"0123456789"
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def read_chunks(self):
        body = b""
        while self.headers.get("Transfer-Encoding") == "chunked":
            size = int(self.rfile.readline(), 16)
            body += self.rfile.read(size)
            self.rfile.readline()
            if size == 0:
                break
        return body

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def address_string(self):
        return "unix"

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))

    def ask(self, method, path, body=None, **options):
        self.request(method, path, body, **options)
        response = self.getresponse()
        return response.status, response.read()


@pytest.fixture
def upstream(tmp_path, monkeypatch):
    path = tmp_path / "upstream.sock"
    Upstream.seen = []
    with Server(str(path), Upstream) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        yield Upstream
        server.shutdown()


def test_passes_everything_through_and_numbers_it(upstream, tmp_path):
    with Proxy(tmp_path, None) as proxy:
        connection = Connection(proxy.socket)
        assert connection.ask("GET", "/v1.41/one") == (200, b"0123456789")
        assert connection.ask("POST", "/v1.41/two", b"x" * 300000)[0] == 200
        assert connection.ask("PUT", "/three", iter([b"ab", b"c" * 70000]), encode_chunked=True)[0] == 200
        assert connection.ask("DELETE", "/four")[0] == 200
        assert proxy.requests() == [
            "1 GET /v1.41/one HTTP/1.1",
            "2 POST /v1.41/two HTTP/1.1",
            "3 PUT /three HTTP/1.1",
            "4 DELETE /four HTTP/1.1",
        ]
    assert [(m, p, len(b)) for m, p, b in upstream.seen] == [
        ("GET", "/v1.41/one", 0),
        ("POST", "/v1.41/two", 300000),
        ("PUT", "/three", 70002),
        ("DELETE", "/four", 0),
    ]


def test_streams_are_not_held_back(upstream, tmp_path):
    with Proxy(tmp_path, None) as proxy:
        connection = Connection(proxy.socket)
        connection.request("GET", "/stream")
        response = connection.getresponse()
        assert response.readline() == b"first\n"  # while the stream is still open
        connection.close()


@pytest.mark.parametrize(
    "kind, reaches_engine",
    [("refuse", False), ("500", False), ("garbage", False), ("cut", True), ("half", True), ("drop", False), ("hold", True)],
)
def test_faults(upstream, tmp_path, kind, reaches_engine):
    with Proxy(tmp_path, kind, at=2) as proxy:
        connection = Connection(proxy.socket)
        assert connection.ask("GET", "/one")[0] == 200
        connection.sock.settimeout(0.3 if kind in ("drop", "hold") else 60)
        if kind == "500":
            assert connection.ask("POST", "/two", b"body") == (500, b'{"message":"injected failure"}')
        elif kind in ("drop", "hold"):
            with pytest.raises(TimeoutError):
                connection.ask("POST", "/two", b"body")
        else:
            with pytest.raises((http.client.HTTPException, ConnectionError)):
                connection.ask("POST", "/two", b"body")
        wait_for(lambda: len(proxy.requests()) == 2, "the second request")
        assert [path for _, path, _ in upstream.seen] == ["/one"] + ["/two"] * reaches_engine
        assert Connection(proxy.socket).ask("GET", "/three") == (200, b"0123456789")


def test_half_gives_the_head_and_half_of_the_body(upstream, tmp_path):
    with Proxy(tmp_path, "half", at=1) as proxy:
        with pytest.raises(http.client.IncompleteRead) as error:
            Connection(proxy.socket).ask("GET", "/")
        assert error.value.partial == b"01234"


def test_count_and_many_connections(upstream, tmp_path):
    with Proxy(tmp_path, "500", at=3, count=4) as proxy:
        statuses = [Connection(proxy.socket).ask("GET", "/")[0] for _ in range(8)]
        assert statuses == [200, 200, 500, 500, 500, 500, 200, 200]


def test_match_ignores_the_api_version(upstream, tmp_path, monkeypatch):
    command = tmp_path / "proxy"
    command.write_text(f"#!/bin/sh\nexec '{PROXY}' \"$@\" --match 'POST /containers/'\n")
    command.chmod(0o755)
    monkeypatch.setattr("harness.PROXY", command)
    asked = [
        ("POST", "/v1.41/containers/a"),
        ("GET", "/v1.41/containers/b"),
        ("POST", "/networks/c"),
        ("POST", "/containers/d"),
        ("POST", "/containers/e"),
    ]
    with Proxy(tmp_path, "500", at=2) as proxy:
        assert [Connection(proxy.socket).ask(*what)[0] for what in asked] == [200, 200, 200, 500, 200]


@pytest.mark.parametrize("options", [["--fault", "nonsense"], ["--at", "x"], ["--listen"], []])
def test_wrong_options_are_refused(options):
    assert subprocess.run([PROXY, *options], capture_output=True).returncode == 64
