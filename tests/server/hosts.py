"""Hosts on loopback: those that behave badly and count who connects, receivers of webhooks, and one that gives a clip."""

import contextlib
import http.server
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


class _Server:
    """An HTTP server on loopback, on a port of its own, as long as the block runs."""

    def __init__(self, handler):
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # the server under test may be killed in the middle of a word
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Receiver(_Server):
    """A receiver of webhooks: keeps headers and bodies of all that comes, and says 204 or what `answer` does."""

    def __init__(self):
        self.received = []
        self.connections = 0
        self.answer = lambda hook: hook.send(204)
        receiver = self

        class Hook(_Handler):
            def setup(self):
                receiver.connections += 1
                super().setup()

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.received.append((dict(self.headers), body))
                receiver.answer(self)

            def send(self, status, headers=None):
                self.send_response(status)
                for name, value in {"Content-Length": "0", **(headers or {})}.items():
                    self.send_header(name, value)
                self.end_headers()

        super().__init__(Hook)
        self.url = f"http://127.0.0.1:{self.port}/hook"

    def ids(self):
        """How often each `webhook-id` came, by it."""
        ids = [headers["webhook-id"] for headers, _ in list(self.received)]
        return {name: ids.count(name) for name in ids}


class ClipHost(_Server):
    """A host that gives `clip` to whoever asks, at `url`, once `asked` has returned."""

    def __init__(self, clip):
        self.asked = lambda: None
        host = self

        class Clip(_Handler):
            def do_GET(self):
                host.asked()
                self.send_response(200)
                self.send_header("Content-Length", str(len(clip)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(clip)

        super().__init__(Clip)
        self.url = f"http://127.0.0.1:{self.port}/clip.mp4"
