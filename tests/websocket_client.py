"""A WebSocket client as small as the tests need (RFC 6455): text messages, pings answered, closes told."""

import base64
import json
import os
import socket
import struct
import time


class Closed(Exception):
    """The server closed; `code` is its close code, or None without one."""

    def __init__(self, code):
        super().__init__(f"closed with {code}")
        self.code = code


class WebSocket:
    def __init__(self, host, port, path, headers=None, timeout=60, receive_buffer=None):
        self.timeout = timeout
        self.end = time.monotonic() + timeout
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect((host, port))
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}:{port}", "Connection: Upgrade", "Upgrade: websocket",
                 "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.buffer = b""
        head = self._until(b"\r\n\r\n").decode()
        self.status = int(head.split()[1])
        if self.status != 101:
            self.body = self.buffer + self._rest()

    def _fill(self):
        self.socket.settimeout(max(0.001, self.end - time.monotonic()))
        data = self.socket.recv(65536)
        if not data:
            raise Closed(None)
        self.buffer += data

    def _until(self, end):
        while end not in self.buffer:
            self._fill()
        head, self.buffer = self.buffer.split(end, 1)
        return head

    def _rest(self):
        rest = b""
        try:
            while data := self.socket.recv(65536):
                rest += data
        except OSError:
            pass
        return rest

    def _take(self, size):
        while len(self.buffer) < size:
            self._fill()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def _frame(self):
        first, second = self._take(2)
        size = second & 127
        if size == 126:
            (size,) = struct.unpack(">H", self._take(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", self._take(8))
        return first & 15, self._take(size)

    def send(self, opcode, data=b""):
        mask = os.urandom(4)
        body = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
        self.socket.sendall(bytes([0x80 | opcode, 0x80 | len(data)]) + mask + body)

    def receive(self):
        """The next message, as JSON; pings do not make the wait any longer."""
        self.end = time.monotonic() + self.timeout
        while True:
            opcode, data = self._frame()
            if opcode == 1:
                return json.loads(data)
            if opcode == 9:
                self.send(10, data)
            elif opcode == 8:
                raise Closed(struct.unpack(">H", data[:2])[0] if len(data) >= 2 else None)

    def close(self):
        self.socket.close()
