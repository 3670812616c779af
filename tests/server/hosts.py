"""Hosts on loopback that behave badly, and count who connects."""

import socket
import threading


class Host:
    """Answers each connection with `answer(send, head)` on a thread of its own, where `send` writes bytes to the client."""

    def __init__(self, answer, address="127.0.0.1"):
        self.answer = answer
        self.heads = []
        self.connections = 0
        self.listener = socket.create_server((address, 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def url(self, path="/clip.mp4?token=hunter2", host="127.0.0.1"):
        return f"http://{host}:{self.port}{path}"

    def _listen(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            try:
                head = b""
                while b"\r\n\r\n" not in head:
                    piece = connection.recv(4096)
                    if not piece:
                        return
                    head += piece
                self.heads.append(head.decode().lower())
                self.answer(connection.sendall, self.heads[-1])
            except OSError:
                pass  # The client had enough, which is what is tested.

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def found(body, length=None, headers=""):
    return f"HTTP/1.1 200 OK\r\n{headers}Content-Length: {len(body) if length is None else length}\r\n\r\n".encode() + body


def moved(location):
    return f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


def status(number):
    return f"HTTP/1.1 {number} X\r\nContent-Length: 0\r\n\r\n".encode()


def saying(answer):
    return lambda send, head: send(answer)
