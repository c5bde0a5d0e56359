"""A real S3 server on loopback, and a network to it that can be cut."""

import os
import re
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import boto3
from moto.server import ThreadedMotoServer

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",  # pragma: allowlist secret
    "AWS_DEFAULT_REGION": "us-east-1",
}
BUCKET = "bucket"
REQUEST = re.compile(rb"^(?:GET|HEAD|PUT|POST|DELETE) \S+ HTTP/1\.1\r$", re.MULTILINE)


class Network:
    """Passes bytes between a port of its own and the server until it is cut.

    Attributes:
        requests: how many were sent to the server.
    """

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._connections: set[socket.socket] = set()
        self._left: int | None = None
        self._is_cut = False
        self.requests = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_after(self, sent: int) -> None:
        """Let the network fail once so many more bytes were sent to the server."""
        self._left = sent

    def mend(self) -> None:
        """Let it work again."""
        self._left, self._is_cut = None, False

    @property
    def is_cut(self) -> bool:
        return self._is_cut

    def close(self) -> None:
        """Stop for good."""
        self._cut()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._is_cut:
                    client.close()
                    continue
                server = socket.create_connection(self._server)
                self._connections |= {client, server}
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            sending = sink.getpeername()[1] == self._server[1]
            while block := source.recv(1 << 14):
                self.requests += len(REQUEST.findall(block)) if sending else 0
                if sending and self._left is not None:
                    self._left -= len(block)
                    if self._left < 0:
                        self._cut()
                        return
                sink.sendall(block)
        for end in (source, sink):
            end.close()

    def _cut(self) -> None:
        self._is_cut = True
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._connections.clear()


class Bucket:
    """An empty bucket, as its owner sees it, and the network that others reach it by."""

    def __init__(self, server: tuple[str, int]) -> None:
        self.network = Network(server)
        self.client = boto3.client("s3", endpoint_url=f"http://{server[0]}:{server[1]}")
        # servers of one process share what they hold
        urllib.request.urlopen(f"http://{server[0]}:{server[1]}/moto-api/reset", b"").close()
        self.client.create_bucket(Bucket=BUCKET)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.network.port}"

    def uri(self, folder: str = "folder") -> str:
        """Return the URI of a store in it that leaves nothing but the credentials to find."""
        options = f"endpoint_override=127.0.0.1:{self.network.port}&scheme=http&region=us-east-1"
        return f"s3://{BUCKET}/{folder}?{options}"

    def objects(self) -> dict[str, int]:
        """Return the size of every object by its key."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return {o["Key"]: o["Size"] for page in pages for o in page.get("Contents", ())}

    def content(self, key: str) -> bytes:
        """Return an object."""
        return bytes(self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read())


@contextmanager
def serve() -> Iterator[Bucket]:
    """Run a server with one bucket; its credentials are in the environment meanwhile."""
    before = dict(os.environ)
    os.environ.update(CREDENTIALS)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    bucket = Bucket(server.get_host_and_port())
    try:
        yield bucket
    finally:
        bucket.network.close()
        server.stop()
        os.environ.clear()
        os.environ.update(before)


def mend_after(bucket: Bucket, seconds: float) -> None:
    """Mend the network so long after it was cut."""
    while not bucket.network.is_cut:
        time.sleep(0.02)
    time.sleep(seconds)
    bucket.network.mend()
