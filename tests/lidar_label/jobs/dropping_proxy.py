"""A TCP proxy before a server, which cuts connections in the middle or refuses them all."""

import contextlib
import random
import socket
import threading


class DroppingProxy:
    """Forwards to a port; of the connections a share is cut after some bytes of the answer."""

    def __init__(self, target: int, seed: int) -> None:
        self._target = target
        self._random = random.Random(seed)
        self.share, self.cut, self.refusing = 0.0, 0, False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.refusing:
                    client.close()
                    continue
                after = self._random.randrange(200, 400_000)
                limit = after if self._random.random() < self.share else None
                server = socket.create_connection(("127.0.0.1", self._target))
                for source, sink, most in ((client, server, None), (server, client, limit)):
                    threading.Thread(
                        target=self._forward, args=(source, sink, most), daemon=True
                    ).start()

    def _forward(self, source: socket.socket, sink: socket.socket, limit: int | None) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while block := source.recv(65536):
                if limit is not None and passed + len(block) > limit:
                    sink.sendall(block[: limit - passed])
                    self.cut += 1
                    break
                sink.sendall(block)
                passed += len(block)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
