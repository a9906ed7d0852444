#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""lintel serve: a file system for peers that speak FUSE over a socket or a pipe."""
import json
import os
import signal
import socket
import stat
import struct
import subprocess
import tempfile

from harness import LINTEL, PATIENCE, contains, equal, fails, lintel, main, succeeds, test

INIT, LOOKUP, GETATTR, CREATE, WRITE, FORGET = 26, 1, 3, 35, 16, 2
ENOENT, ESTALE, EPROTO = 2, 116, 71


class Peer:
    """The kernel's part, over a pair of functions that send and receive one message."""

    def __init__(self, send, receive):
        self.send, self.receive, self.unique = send, receive, 0

    def post(self, opcode, node, body):
        """Sends a request; returns its unique id."""
        self.unique += 2
        self.send(struct.pack("<IIQQIIIHH", 40 + len(body), opcode, self.unique, node, 0, 0, 1, 0, 0)
                  + body)
        return self.unique

    def call(self, opcode, node, body=b""):
        """A request and its reply: (error, body)."""
        unique = self.post(opcode, node, body)
        while True:
            message = self.receive()
            length, error, to = struct.unpack("<IiQ", message[:16])
            equal(length, len(message))
            if to == unique:
                return -error, message[16:]

    def greet(self):
        """INIT; returns max_write."""
        error, body = self.call(INIT, 0, struct.pack("<IIII48x", 7, 38, 1 << 20, 1 << 22))
        equal(error, 0)
        return struct.unpack("<IIIIHHI", body[:24])[6]


def packet_peer(path):
    """A connection to a socket of packets."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.settimeout(PATIENCE)
    sock.connect(path)
    return sock, Peer(sock.send, lambda: sock.recv(1 << 21))


def stream_receive(read):
    """Receives one message of a stream."""
    def exactly(count):
        data = b""
        while len(data) < count:
            piece = read(count - len(data))
            assert piece, "the server has gone"
            data += piece
        return data

    def receive():
        head = exactly(4)
        return head + exactly(struct.unpack("<I", head)[0] - 4)
    return receive


def stream_peer(path):
    """A connection to a stream socket."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(PATIENCE)
    sock.connect(path)
    return sock, Peer(sock.sendall, stream_receive(sock.recv))


def use(peer, name, text):
    """Makes a file and writes to it; returns its node id."""
    error, body = peer.call(CREATE, 1, struct.pack("<IIII", os.O_RDWR, 0o100644, 0, 0) + name + b"\0")
    equal(error, 0)
    node, = struct.unpack("<Q", body[:8])
    fh, = struct.unpack("<Q", body[128:136])
    error, body = peer.call(WRITE, node, struct.pack("<QQIIQII", fh, 0, len(text), 0, 0, 2, 0) + text)
    equal(error, 0)
    equal(struct.unpack("<I", body[:4])[0], len(text))
    return node


class Served:
    """`lintel serve SOURCE --socket`, until the end of a with."""

    def __init__(self, source, *options):
        self.top = tempfile.mkdtemp(prefix="lintel-serve-")
        self.path = os.path.join(self.top, "socket")
        self.process = subprocess.Popen([LINTEL, "serve", source, "--socket", self.path, "--json", *options],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        self.ready = json.loads(self.process.stdout.readline())
        return self

    def stop(self, number=signal.SIGTERM):
        """Ends it; returns its exit code and what it said."""
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, said

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        if os.path.exists(self.path):
            os.unlink(self.path)
        os.rmdir(self.top)


@test
def a_socket_serves_one_after_the_other():
    with Served("mem:") as served:
        equal(served.ready["socket"], served.path)
        equal(served.ready["type"], "seqpacket")
        equal(served.ready["pid"], served.process.pid)
        equal(stat.S_IMODE(os.stat(served.path).st_mode), 0o600)
        sock, peer = packet_peer(served.path)
        assert peer.greet() >= 4096
        use(peer, b"file", b"text")
        sock.close()
        sock, peer = packet_peer(served.path)
        peer.greet()
        equal(peer.call(LOOKUP, 1, b"file\0")[0], 0)
        equal(peer.call(LOOKUP, 1, b"none\0")[0] in (0, ENOENT), True)
        sock.close()
        equal(served.stop(), (0, ""))
        assert not os.path.exists(served.path)


@test
def a_stream_socket_serves_two_at_once():
    with Served("mem:", "--stream") as served:
        equal(served.ready["type"], "stream")
        one, first = stream_peer(served.path)
        two, second = stream_peer(served.path)
        first.greet()
        second.greet()
        use(first, b"file", b"x" * 100000)
        error, body = second.call(LOOKUP, 1, b"file\0")
        equal(error, 0)
        equal(struct.unpack("<Q", body[48:56])[0], 100000)
        equal(served.stop(signal.SIGINT)[0], 0)
        one.close()
        two.close()


@test
def stdio_serves_until_the_peer_leaves():
    process = subprocess.Popen([LINTEL, "serve", "mem:", "--stdio"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
    peer = Peer(process.stdin.write, stream_receive(process.stdout.read))
    peer.greet()
    use(peer, b"file", b"text")
    process.stdin.close()
    equal(process.wait(PATIENCE), 0)
    equal(process.stderr.read(), b"")


@test
def an_image_has_what_a_peer_wrote():
    with tempfile.TemporaryDirectory() as top:
        image = os.path.join(top, "disk.img")
        succeeds(lintel("mkfs", image, "--size", "64m"))
        with Served(image) as served:
            _, peer = packet_peer(served.path)
            peer.greet()
            use(peer, b"kept", b"all of it")
            equal(served.stop(), (0, ""))
        equal(succeeds(lintel("cat", image + ":/kept")), "all of it")


@test
def what_a_peer_makes_up_gets_errors_and_hurts_nobody_else():
    with Served("mem:") as served:
        _, honest = packet_peer(served.path)
        honest.greet()
        sock, peer = packet_peer(served.path)
        peer.greet()
        equal(peer.call(GETATTR, 1 << 40, bytes(16))[0], ESTALE)
        equal(peer.call(LOOKUP, 1, b"no end")[0], EPROTO)
        for name in (b"a/b\0", b"..\0", b"\0", b"x" * 5000 + b"\0"):
            error, _ = peer.call(CREATE, 1, struct.pack("<IIII", os.O_RDWR, 0o100644, 0, 0) + name)
            assert error, f"there is a file {name!r} now"
        peer.post(FORGET, 1, struct.pack("<Q", 1 << 60))
        equal(peer.call(GETATTR, 1, bytes(16))[0], 0)
        sock.send(b"short")
        equal(sock.recv(1), b"")
        use(honest, b"file", b"text")
        contains(served.stop()[1], "turned away")


@test
def a_socket_left_behind_is_replaced_and_one_in_use_is_not():
    with Served("mem:") as served:
        fails(lintel("serve", "mem:", "--socket", served.path), 1, "in use")
        served.process.kill()
        served.process.wait()
        assert os.path.exists(served.path)
        again = subprocess.Popen([LINTEL, "serve", "mem:", "--socket", served.path, "--json"],
                                 stdout=subprocess.PIPE, text=True)
        json.loads(again.stdout.readline())
        packet_peer(served.path)[1].greet()
        again.terminate()
        again.communicate(timeout=PATIENCE)
        equal(again.returncode, 0)
        assert not os.path.exists(served.path)


@test
def mistakes_are_explained():
    fails(lintel("serve", "mem:"), 2, "--socket or --stdio")
    fails(lintel("serve", "mem:", "--stdio", "--stream"), 2, "--socket only")
    fails(lintel("serve", "nothing", "--stdio"), 2, "is no source")
    fails(lintel("serve", "mem:", "--socket", "/" + "x" * 200), 1, "at most 107 bytes")
    fails(lintel("serve", "mem:", "--socket", "/nowhere/at/all"), 1, "cannot listen")


main()
