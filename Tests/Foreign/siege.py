#!/usr/bin/env python3
"""Sends hostile messages and opens hostile connections of many kinds to a coordinator, in an order that a seed determines.

usage: siege.py ENDPOINT MESSAGES CONNECTIONS SEED [KEYS]

ENDPOINT is tcp://HOST:PORT. With KEYS, a folder that a worker of the run has too, the messages come from a member of the
allow-list, through pyzmq; the connections never have keys. Without KEYS all are raw sockets.

Prints `ready` once it is connected, and begins when it reads a line. At the end it prints one line of JSON: how many messages
and connections there were of each kind, how often the coordinator cut the connection of a sender, and the processor time in
seconds. Ends with status 1 if the coordinator accepts no connection for SEND_TIMEOUT seconds: then it is dead.
"""
import json
import random
import struct
import sys
import time

sys.dont_write_bytecode = True
from wire import (  # noqa: E402
    BLOCK_RESULT, COMMAND, DATA_INTACT, DATA_REQUEST, FIRST_ROUTING_ID, GOODBYE, GRADIENT, HEADER_SIZE, HELLO, LARGE,
    LOG_LINES, MORE, NODE_RESULT, PING, READY, STATUS_REQUEST, TIMELINE, WELCOME, Peer, connect, frame, greeting, header,
    heartbeat, hello, key, message, quietly, ready, reset_connection, seal, text)

SEND_TIMEOUT = 30
# Peers that send messages at the same time; the coordinator cuts a peer that sends too many.
SENDERS = 8
# Connections that stay open and do nothing.
IDLE = 200
# One message in so many is larger than any that the protocol knows.
OVERSIZED_EVERY = 1000
OVERSIZED = [header(GRADIENT, 7, 1, 1, 1), bytes((1 << 20) + 100)]
# Messages of each kind that are made; they are sent again and again.
VARIANTS = 16


# MARK: Messages: functions of a random generator and the run's number that return frames

def noise(random, run):
    return [random.randbytes(random.randrange(100))]


def noisy_frames(random, run):
    return [random.randbytes(random.randrange(40)) for _ in range(random.randrange(2, 8))]


def empty_frames(random, run):
    return [b""] * random.randrange(1, 20)


def short_header(random, run):
    return [header(NODE_RESULT, run, 1, 1, 1)[:random.randrange(1, HEADER_SIZE)]]


def long_header(random, run):
    return [header(STATUS_REQUEST) + random.randbytes(random.randrange(1, 40))]


def other_magic(random, run):
    return [header(HELLO, magic=random.getrandbits(16)), random.randbytes(20)]


def other_version(random, run):
    return [header(HELLO, version=random.choice((0, 1, 2, 3, 255))), b"later"]


def unknown_kind(random, run):
    return [header(random.choice((0, *range(24, 256))), run, 1, 1, 1), random.randbytes(random.randrange(64))]


def coordinators_kind(random, run):
    return [header(random.choice((2, 4, 6, 7, 8, 11, 15, 17, 18, 21)), run, random.randrange(4)), random.randbytes(8)]


def wrong_checksum(random, run):
    frames = seal([header(NODE_RESULT, run, 1, 1, 1), bytes(16)])
    return [frames[0][:28] + random.randbytes(4), frames[1]]


def gradient_of_other_run(random, run):
    return [header(GRADIENT, random.getrandbits(32), 1, 1, 1), random.randbytes(4 * random.randrange(1, 400))]


def spoofed_gradient(random, run):
    return [
        header(GRADIENT, run, random.randrange(9), random.randrange(5), random.randrange(4000), random.randrange(3),
               random.choice((0, 1, 262_144, 0xFFFFFFFF))),
        random.randbytes(4 * random.randrange(1, 100))]


def spoofed_result(random, run):
    loss = random.choice((0.25, float("nan"), float("inf")))
    return [header(NODE_RESULT, run, random.randrange(9), random.randrange(5), random.randrange(4000)),
            struct.pack("<dQ", loss, 9)]


def spoofed_score(random, run):
    return [header(BLOCK_RESULT, run, random.randrange(9), 1 << 24, random.randrange(4000)),
            struct.pack("<dQIII", 0.5, 9, 9, 10, random.choice((1, 0xFFFFFFFF)))]


def spoofed_goodbye(random, run):
    return [header(GOODBYE, run, random.randrange(9)), struct.pack("<H", random.randrange(6)) + text("bye")]


def spoofed_log(random, run):
    lines = random.randrange(21)
    return [header(LOG_LINES, run, random.randrange(9)), struct.pack("<H", lines) + text("\x1b[2Jx" * 200) * lines]


def spoofed_proof(random, run):
    return [header(READY, run, random.randrange(9), random.randrange(2)), random.randbytes(random.randrange(1, 300))]


def spoofed_timeline(random, run):
    return [header(TIMELINE, run, random.randrange(9)), random.randbytes(random.randrange(8, 200))]


def spoofed_data_check(random, run):
    return [header(DATA_INTACT, run, random.randrange(9), step=random.choice((0, 1, 2, (1 << 48) - 1)))]


def data_request(random, run):
    return [header(DATA_REQUEST, run, random.randrange(9), step=random.choice((0, 1 << 20, (1 << 48) - 1)),
                   offset=random.choice((0, 1, 1 << 20, 0xFFFFFFFF)))]


def a_hello(random, run):
    return hello(process=random.randrange(1, 1 << 20))


def odd_hello(random, run):
    return [header(HELLO), text(random.randbytes(20)) + text(b"\x1b]0;" + random.randbytes(40)) + random.randbytes(4)]


def cut_hello(random, run):
    frames = hello()
    return [frames[0], frames[1][:random.randrange(1, len(frames[1]))]]


def ping(random, run):
    return [header(PING, offset=random.choice((0, 1, 0xFFFFFFFF))), bytes(random.randrange(1, 200))]


def status_request(random, run):
    return [header(STATUS_REQUEST, step=random.getrandbits(40))]


def many_parts(random, run):
    return [header(STATUS_REQUEST)] * random.choice((2, 5, 20, 300))


MESSAGES = [
    noise, noisy_frames, empty_frames, short_header, long_header, other_magic, other_version, unknown_kind,
    coordinators_kind, wrong_checksum, gradient_of_other_run, spoofed_gradient, spoofed_result, spoofed_score,
    spoofed_goodbye, spoofed_log, spoofed_proof, spoofed_timeline, spoofed_data_check, data_request, a_hello, odd_hello,
    cut_hello, ping, status_request, many_parts,
]


# MARK: Connections: functions of an endpoint and a random generator; a returned connection stays open for a while

def raw(endpoint, *parts, reset=False):
    """Opens a connection and sends these parts, each in a segment of its own."""
    connection = connect(endpoint)
    for part in parts:
        quietly(connection.sendall, part)
    if reset:
        reset_connection(connection)
        return None
    return connection


def dealer(endpoint, random, data, identity=b"", reset=False):
    """Finishes a handshake without keys and sends data; where keys are required, the coordinator ends the handshake."""
    try:
        peer = Peer(endpoint, identity)
        quietly(peer.send, data)
    except OSError:
        return None
    if reset:
        reset_connection(peer.socket)
        return None
    return peer.socket


def says_nothing(endpoint, random):
    return raw(endpoint)


def hangs_up(endpoint, random):
    raw(endpoint).close()


def resets(endpoint, random):
    raw(endpoint, reset=True)


def sends_noise(endpoint, random):
    return raw(endpoint, random.randbytes(2000))


def half_greeting(endpoint, random):
    return raw(endpoint, greeting(b"NULL")[:random.randrange(1, 64)])


def greeting_by_bytes(endpoint, random):
    return raw(endpoint, *(bytes([byte]) for byte in greeting(random.choice((b"NULL", b"CURVE")))))


def noise_after_null(endpoint, random):
    return raw(endpoint, greeting(b"NULL") + random.randbytes(2000))


def noise_after_curve(endpoint, random):
    return raw(endpoint, greeting(b"CURVE") + random.randbytes(2000))


def plain_mechanism(endpoint, random):
    return raw(endpoint, greeting(b"PLAIN"), frame(b"\x05HELLO\x05admin\x06secret", COMMAND))


def unknown_mechanism(endpoint, random):
    return raw(endpoint, greeting(random.randbytes(20)))


def curve_hello(endpoint, random):
    body = b"\x05HELLO\x01\x00" + bytes(72) + random.randbytes(32) + bytes(8) + random.randbytes(80)
    return raw(endpoint, greeting(b"CURVE"), frame(body, COMMAND))


def old_version(endpoint, random):
    return raw(endpoint, random.choice((b"\x01\x00", b"\xff" + bytes(8) + b"\x7f\x01\x05\x00\x00")))


def newer_version(endpoint, random):
    return raw(endpoint, b"\xff" + bytes(8) + b"\x7f\x7f" + random.randbytes(53))


def http(endpoint, random):
    return raw(endpoint, b"GET / HTTP/1.1\r\nHost: lockstep\r\nUser-Agent: curl/8\r\n\r\n")


def tls(endpoint, random):
    return raw(endpoint, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + random.randbytes(507))


def other_socket_type(endpoint, random):
    kind = random.choice((b"PUB", b"REP", b"REQ", b"PAIR", b"ROUTER", b"?", b""))
    return raw(endpoint, greeting(b"NULL") + ready(((b"Socket-Type", kind),)))


def large_metadata(endpoint, random):
    return raw(endpoint, greeting(b"NULL") + ready(((b"Socket-Type", b"DEALER"), (b"X-Noise", bytes(100_000)))))


def broken_metadata(endpoint, random):
    return raw(endpoint, greeting(b"NULL") + frame(b"\x05READY\xff" + random.randbytes(40), COMMAND))


def command_too_early(endpoint, random):
    return raw(endpoint, greeting(b"NULL") + heartbeat() + frame(b"\x05ERROR\xff", COMMAND))


def long_name(endpoint, random):
    return dealer(endpoint, random, message(hello()), identity=random.randbytes(255))


def guessed_name(endpoint, random):
    name = b"\0" + struct.pack(">I", (FIRST_ROUTING_ID + random.randrange(20_000)) & 0xFFFFFFFF)
    return dealer(endpoint, random, message(hello()), identity=name)


def endless_frame(endpoint, random):
    size = random.choice(((1 << 63) - 1, 1 << 40, (1 << 20) + 1))
    return dealer(endpoint, random, struct.pack(">BQ", LARGE, size) + random.randbytes(500))


def reserved_flags(endpoint, random):
    return dealer(endpoint, random, struct.pack(">BB", random.randrange(8, 256), 4) + b"what")


def unknown_command(endpoint, random):
    return dealer(endpoint, random, frame(b"\x09SUBSCRIBEall", COMMAND) + frame(b"\xffX", COMMAND) + frame(b"", COMMAND))


def flood_of_heartbeats(endpoint, random):
    return dealer(endpoint, random, heartbeat(b"0123456789abcdef") * 500)


def unfinished_message(endpoint, random):
    return dealer(endpoint, random, frame(header(GRADIENT, 7, 1), MORE) + frame(bytes(300), MORE) * 20)


def half_frame(endpoint, random):
    return dealer(endpoint, random, message(hello())[:random.randrange(1, 50)])


def hello_and_reset(endpoint, random):
    return dealer(endpoint, random, message(hello(process=random.randrange(1, 1 << 20))), reset=True)


CONNECTIONS = [
    says_nothing, hangs_up, resets, sends_noise, half_greeting, greeting_by_bytes, noise_after_null, noise_after_curve,
    plain_mechanism, unknown_mechanism, curve_hello, old_version, newer_version, http, tls, other_socket_type,
    large_metadata, broken_metadata, command_too_early, long_name, guessed_name, endless_frame, reserved_flags,
    unknown_command, flood_of_heartbeats, unfinished_message, half_frame, hello_and_reset,
]


# MARK: Senders

class RawSender:
    """Sends messages over raw sockets, and connects again when the coordinator has cut its connection."""

    def __init__(self, endpoint, _keys):
        self.endpoint = endpoint
        self.peer = None
        self.cuts = 0

    def open(self):
        """Returns the run's number, from the coordinator's answer to a hello; 0 if the answer is no welcome."""
        self.peer = Peer(self.endpoint)
        self.peer.send(message(hello()))
        flags = COMMAND
        while flags & COMMAND:
            flags, body = self.peer.receive_frame()
        return struct.unpack_from("<I", body, 4)[0] if len(body) == HEADER_SIZE and body[3] == WELCOME else 0

    def send(self, batch):
        # libzmq ends a connection at the beginning of an oversized message, so the rest of it may never leave.
        is_oversized = OVERSIZED in batch
        last = None
        for _ in range(3 if is_oversized else 100):
            try:
                self.peer = self.peer or Peer(self.endpoint)
                self.peer.send(b"".join(message(frames) for frames in batch))
                return
            except OSError as error:
                last = error
                self.close()
                self.cuts += 1
        if not is_oversized:
            raise SystemExit(f"the coordinator cuts every connection before a message: {last}")

    def close(self):
        if self.peer:
            self.peer.close()
        self.peer = None


class EncryptedSender:
    """Sends messages through pyzmq with the keys of a worker."""

    context = None

    def __init__(self, endpoint, keys):
        import zmq

        self.zmq, self.endpoint, self.keys = zmq, endpoint, keys
        if not EncryptedSender.context:
            EncryptedSender.context = zmq.Context()
        self.client = None
        self.cuts = 0

    def connect(self):
        self.client = self.context.socket(self.zmq.DEALER)
        self.client.linger = 0
        self.client.sndhwm = 2000
        self.client.curve_serverkey = key(self.keys, "coordinator.public")
        self.client.curve_publickey = key(self.keys, "worker.public")
        self.client.curve_secretkey = key(self.keys, "worker.secret")
        self.client.connect(self.endpoint)

    def open(self):
        self.connect()
        self.client.send_multipart(hello())
        if not self.client.poll(1000 * SEND_TIMEOUT):
            raise SystemExit(f"no answer to a hello for {SEND_TIMEOUT} s")
        frames = self.client.recv_multipart()
        return struct.unpack_from("<I", frames[0], 4)[0] if frames[0][3] == WELCOME else 0

    def send(self, batch):
        for frames in batch:
            deadline = time.monotonic() + SEND_TIMEOUT
            while True:
                try:
                    self.client.send_multipart(frames, self.zmq.DONTWAIT)
                    break
                except self.zmq.Again:
                    # The coordinator cut the connection, and libzmq does not make it again after a protocol error.
                    if time.monotonic() > deadline:
                        raise SystemExit(f"the coordinator accepts no data for {SEND_TIMEOUT} s") from None
                    self.client.close(0)
                    self.cuts += 1
                    self.connect()
        while self.client.poll(0):
            self.client.recv_multipart()

    def close(self):
        if self.client:
            self.client.close(500)


def main():
    endpoint, messages, connections, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    keys = sys.argv[5] if len(sys.argv) > 5 else None
    generator = random.Random(seed)
    senders = [(EncryptedSender if keys else RawSender)(endpoint, keys) for _ in range(SENDERS)]
    run = [sender.open() for sender in senders][0]
    pool = {}
    for make in MESSAGES:
        pool[make] = []
        for _ in range(VARIANTS):
            frames = make(generator, run)
            pool[make].append(frames if make is wrong_checksum else seal(frames))
    counts = {make.__name__: 0 for make in MESSAGES + CONNECTIONS}
    idle = []
    sent = opened = 0
    print("ready", flush=True)
    sys.stdin.readline()
    begin = time.process_time()
    while sent < messages or opened < connections:
        # Messages and connections progress alike.
        if opened < connections and opened * messages <= sent * connections:
            make = CONNECTIONS[opened % len(CONNECTIONS)]
            counts[make.__name__] += 1
            opened += 1
            connection = make(endpoint, generator)
            if connection:
                idle.append(connection)
            if len(idle) > IDLE:
                quietly(idle.pop(generator.randrange(len(idle))).close)
            continue
        batch = []
        for _ in range(min(20, messages - sent)):
            make = MESSAGES[sent % len(MESSAGES)]
            counts[make.__name__] += 1
            batch.append(OVERSIZED if sent % OVERSIZED_EVERY == OVERSIZED_EVERY - 1 else generator.choice(pool[make]))
            sent += 1
        senders[generator.randrange(SENDERS)].send(batch)
    processor_seconds = time.process_time() - begin
    for connection in idle:
        connection.close()
    for sender in senders:
        sender.close()
    cuts = sum(sender.cuts for sender in senders)
    print(
        json.dumps({"messages": sent, "connections": opened, "cuts": cuts, "run": run, "counts": counts,
                    "processor_seconds": processor_seconds}), flush=True)


try:
    main()
except TimeoutError:
    sys.exit(f"the coordinator accepts no connection for {SEND_TIMEOUT} s")
