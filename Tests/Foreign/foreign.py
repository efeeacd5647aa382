#!/usr/bin/env python3
"""A foreign client: tries to be accepted by a coordinator, or to disturb it.

usage: foreign.py ATTACK ENDPOINT [KEYS] [COUNT]

Prints `accepted N`: the connections that completed their handshake, or the messages with an answer other than a refusal.
Ends with status 1 if the coordinator accepts no data for SEND_TIMEOUT seconds: then it is dead.
"""
import random
import socket
import struct
import sys
import time

import zmq
from zmq.utils.monitor import recv_monitor_message

sys.dont_write_bytecode = True
from wire import (  # noqa: E402
    BLOCK_RESULT, GOODBYE, GRADIENT, HELLO, LOG_LINES, NODE_RESULT, READY, REFUSE, WELCOME, greeting, header, hello,
    host_and_port, key, seal, text)

SEND_TIMEOUT = 30


def handshakes(context, endpoint, configure, count):
    """Opens sockets that send a hello, and counts the accepted ones."""
    accepted = 0
    clients = []
    for _ in range(count):
        client = context.socket(zmq.DEALER)
        client.linger = 0
        configure(client)
        monitor = client.get_monitor_socket()
        client.connect(endpoint)
        try:
            client.send_multipart(hello(), zmq.DONTWAIT)
        except zmq.Again:
            # The connection has been refused already.
            pass
        clients.append((client, monitor))
    deadline = time.monotonic() + 10
    for client, monitor in clients:
        while monitor.poll(max(1, int(1000 * (deadline - time.monotonic())))):
            event = recv_monitor_message(monitor)["event"]
            if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                accepted += 1
            if event in (
                zmq.EVENT_HANDSHAKE_SUCCEEDED,
                zmq.EVENT_HANDSHAKE_FAILED_AUTH,
                zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL,
                zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL,
                zmq.EVENT_DISCONNECTED,
            ):
                break
        if client.poll(0):
            accepted += 1
    for client, monitor in clients:
        client.disable_monitor()
        monitor.close(0)
        client.close(0)
    return accepted


def curve(folder, server=None, client=None):
    def configure(socket):
        socket.curve_serverkey = server or key(folder, "coordinator.public")
        public, secret = client or (key(folder, "worker.public"), key(folder, "worker.secret"))
        socket.curve_publickey, socket.curve_secretkey = public, secret

    return configure


def raw(endpoint, first, count):
    """Many connections at once that send `first` and then noise; no connection may get a frame of a message back."""
    generator = random.Random(1)
    connections = []
    for _ in range(count):
        connection = socket.create_connection(host_and_port(endpoint), timeout=10)
        connections.append(connection)
    accepted = 0
    for connection in connections:
        try:
            connection.sendall(first + generator.randbytes(2000))
        except OSError:
            pass
    for connection in connections:
        connection.settimeout(0.01)
        try:
            if b"LS" in connection.recv(4096)[64:]:
                accepted += 1
        except OSError:
            pass
    for connection in connections:
        connection.close()
    return accepted


def messages(context, endpoint, count, read):
    """Malformed, oversized, foreign and replayed messages over accepted connections."""
    generator = random.Random(2)
    accepted = 0

    def connect():
        client = context.socket(zmq.DEALER)
        client.linger = 0
        client.sndhwm = 1000
        client.connect(endpoint)
        return client

    clients = [connect() for _ in range(8)]
    for number in range(count):
        client = clients[number % len(clients)]
        choice = number % 11
        if choice == 0:
            frames = [generator.randbytes(generator.randrange(0, 100))]
        elif choice == 1:
            frames = [header(GRADIENT, 7, 1, 1, 1), generator.randbytes(4 * generator.randrange(1, 400))]
        elif choice == 2:
            frames = [header(NODE_RESULT, generator.getrandbits(32), 1, 1, 1), bytes(16)]
        elif choice == 3:
            frames = [header(generator.randrange(0, 256), 0, 0, 0), bytes(generator.randrange(0, 64))]
        elif choice == 4:
            frames = [header(HELLO, version=6), b"later"]
        elif choice == 5:
            frames = [header(READY, 7, 2), generator.randbytes(300)]
        elif choice == 6:
            frames = [b""] * generator.randrange(1, 20)
        elif choice == 7:
            frames = [header(BLOCK_RESULT, 7, 1, 1 << 24, 1), struct.pack("<dQIII", 0.5, 9, 9, 10, 0xFFFFFFFF)]
        elif choice == 8:
            frames = [header(GOODBYE, 7, 1), struct.pack("<H", 1) + text("bye")]
        elif choice == 9:
            frames = [header(LOG_LINES, 7, 1), struct.pack("<H", 20) + text("x" * 1024) * 20]
        else:
            frames = hello()
        # One message in sixteen has a wrong checksum.
        client.send_multipart(frames if number % 16 == 5 else seal(frames))
        if number % 1000 == 999:
            # Larger than any allowed frame: the coordinator closes the connection, and it is made again.
            client.send_multipart([header(GRADIENT, 7, 1, 1, 1), bytes((1 << 20) + 100)])
        if read:
            while client.poll(0):
                frames = client.recv_multipart()
                if any(len(frame) == 32 and frame[3] != REFUSE for frame in frames):
                    accepted += 1
        elif number % 20000 == 19999:
            clients[number // 20000 % len(clients)].close(0)
            clients[number // 20000 % len(clients)] = connect()
    for client in clients:
        client.close(500)
    return accepted


def spoof(context, endpoint, count):
    """Messages that carry the right run and the numbers of other members, from peers that have said hello."""
    generator = random.Random(3)

    def join():
        client = context.socket(zmq.DEALER)
        client.linger = 0
        client.connect(endpoint)
        client.send_multipart(hello())
        run = 0
        if client.poll(1000):
            first = client.recv_multipart()[0]
            run = struct.unpack_from("<I", first, 4)[0] if len(first) == 32 else 0
        return client, run

    client, run = join()
    for number in range(count):
        if number % 500 == 499:
            client.close(500)
            client, run = join()
        member, step, unit = generator.randrange(0, 9), generator.randrange(0, 4000), generator.randrange(0, 5)
        choice = number % 8
        if choice == 0:
            frames = [header(READY, run, member, generator.randrange(2)), generator.randbytes(40)]
        elif choice == 1:
            frames = [header(GRADIENT, run, member, unit, step, generator.randrange(3)), generator.randbytes(160)]
        elif choice == 2:
            frames = [header(NODE_RESULT, run, member, unit, step), struct.pack("<dQ", float("nan"), 9)]
        elif choice == 3:
            frames = [header(BLOCK_RESULT, run, member, 1 << 24, step), struct.pack("<dQIII", 0.5, 9, 9, 10, 1)]
        elif choice == 4:
            frames = [header(GOODBYE, run, member), struct.pack("<H", 1 + number // 8 % 5) + text("bye")]
        elif choice == 5:
            frames = [header(LOG_LINES, run, member), struct.pack("<H", 1) + text("spoofed")]
        elif choice == 6:
            frames = [header(generator.randrange(0, 32), run, member, unit, step), generator.randbytes(generator.randrange(40))]
        else:
            frames = [header(NODE_RESULT, run, member, unit, step), struct.pack("<dQ", 0.25, 9)]
        client.send_multipart(seal(frames))
        while client.poll(0):
            client.recv_multipart()
    client.close(500)
    return 0


def crowd(context, endpoint, count):
    """Accepted connections that do nothing until this process is killed."""
    clients = []
    for _ in range(count):
        client = context.socket(zmq.DEALER)
        client.linger = 0
        client.connect(endpoint)
        clients.append(client)
    time.sleep(600)
    return len(clients)


def candidates(context, endpoint, version, count):
    """Peers that say a worker's hello, are welcomed, and prove nothing until this process is killed."""
    clients = []
    for number in range(count):
        client = context.socket(zmq.DEALER)
        client.linger = 0
        client.connect(endpoint)
        client.send_multipart(hello(version, number + 1))
        clients.append(client)
    welcomed = sum(client.recv_multipart()[0][3] == WELCOME for client in clients)
    print(f"accepted {welcomed}", flush=True)
    time.sleep(600)
    return welcomed


def proxy(context, endpoint, front_endpoint):
    """A proxy between a worker and the coordinator: sends every message except the hello twice, and once more much later.

    Ends when no message has come for SEND_TIMEOUT seconds.
    """
    front = context.socket(zmq.ROUTER)
    front.bind(front_endpoint)
    back = context.socket(zmq.DEALER)
    back.connect(endpoint)
    worker = None
    old = []
    poller = zmq.Poller()
    poller.register(front, zmq.POLLIN)
    poller.register(back, zmq.POLLIN)
    number = 0
    while True:
        ready = dict(poller.poll(1000 * SEND_TIMEOUT))
        if not ready:
            return 0
        if front in ready:
            worker, *frames = front.recv_multipart()
            back.send_multipart(frames)
            number += 1
            if frames[0][3] not in (HELLO, GOODBYE):
                back.send_multipart(frames)
                old.append(frames)
                if len(old) > 50:
                    back.send_multipart(old.pop(0))
        if back in ready:
            frames = back.recv_multipart()
            if worker is not None:
                front.send_multipart([worker] + frames)


def main():
    attack, endpoint, *rest = sys.argv[1:]
    keys = rest[0] if rest else ""
    count = int(rest[1]) if len(rest) > 1 else 1
    context = zmq.Context()
    context.max_sockets = 4000
    # The options of all sockets that are made later.
    context.sndtimeo = context.rcvtimeo = 1000 * SEND_TIMEOUT
    if attack == "good":
        accepted = handshakes(context, endpoint, curve(keys), count)
    elif attack == "none":
        accepted = handshakes(context, endpoint, lambda client: None, count)
    elif attack == "unknown":
        accepted = handshakes(context, endpoint, curve(keys, client=zmq.curve_keypair()), count)
    elif attack == "wrong-server":
        accepted = handshakes(context, endpoint, curve(keys, server=zmq.curve_keypair()[0]), count)
    elif attack == "plain":
        def configure(client):
            client.plain_username, client.plain_password = b"worker", b"secret"
        accepted = handshakes(context, endpoint, configure, count)
    elif attack == "raw":
        accepted = raw(endpoint, b"", count)
    elif attack == "zmtp":
        accepted = raw(endpoint, greeting(b"CURVE"), count // 2) + raw(endpoint, greeting(b"NULL"), count - count // 2)
    elif attack == "messages":
        accepted = messages(context, endpoint, count, read=True)
    elif attack == "deaf":
        accepted = messages(context, endpoint, count, read=False)
    elif attack == "spoof":
        accepted = spoof(context, endpoint, count)
    elif attack == "crowd":
        accepted = crowd(context, endpoint, count)
    elif attack == "candidates":
        accepted = candidates(context, endpoint, keys, count)
    elif attack == "proxy":
        accepted = proxy(context, endpoint, keys)
    else:
        sys.exit(f"no attack is called {attack}")
    print(f"accepted {accepted}", flush=True)


try:
    main()
except zmq.Again:
    sys.exit(f"the coordinator accepts no data for {SEND_TIMEOUT} s")
