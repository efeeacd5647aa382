"""What the hostile clients share: messages of Lockstep's protocol, and ZMTP 3.0 over raw sockets (rfc.zeromq.org/spec/23).

A raw socket sends what libzmq would not send.
"""
import socket
import struct

HELLO, WELCOME, READY, REFUSE, DATA_REQUEST, GRADIENT, NODE_RESULT = 1, 2, 3, 4, 5, 9, 10
BLOCK_RESULT, GOODBYE, PING, STATUS_REQUEST, TIMELINE, LOG_LINES, DATA_INTACT = 12, 13, 14, 16, 19, 20, 22
# Flags of a ZMTP frame.
MORE, LARGE, COMMAND = 1, 2, 4
# The first number of the C library's rand() without a seed: the id of the first peer. The next ids count up from it.
FIRST_ROUTING_ID = 0x6B8B4567
HEADER_SIZE = 32

CRC_TABLE = []
for number in range(256):
    for _ in range(8):
        number = number >> 1 ^ (0x82F63B78 if number & 1 else 0)
    CRC_TABLE.append(number)


def crc32c(data, crc=0):
    """The checksum of a message: RFC 3720, appendix B.4."""
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def header(kind, run=0, member=0, unit=0, step=0, segment=0, offset=0, magic=0x534C, version=6):
    """A header with the checksum of a message without payload; see seal()."""
    fields = struct.pack(
        "<HBBIIIIHHI", magic, version, kind, run, member, unit, step & 0xFFFFFFFF, step >> 32, segment, offset)
    return fields + struct.pack("<I", crc32c(fields))


def seal(frames):
    """The frames with the checksum of the payload in the header, so that the message is read, and not only dropped."""
    if len(frames) < 2 or len(frames[0]) != HEADER_SIZE:
        return frames
    fields = frames[0][:28]
    return [fields + struct.pack("<I", crc32c(frames[1], crc32c(fields)))] + frames[1:]


def text(words):
    encoded = words if isinstance(words, bytes) else words.encode()
    return struct.pack("<H", len(encoded)) + encoded


def hello(version="1.0.0", process=1, host="foreign", processes=1):
    return seal([header(HELLO), text(version) + text(host) + struct.pack("<IH", process, processes)])


def key(folder, name):
    """A key of a folder that `lockstep keygen` has made."""
    for line in open(f"{folder}/{name}", encoding="utf-8"):
        if line.strip() and not line.startswith("# "):
            return line.split()[0].encode()
    raise SystemExit(f"no key in {name}")


def host_and_port(endpoint):
    host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
    return host.replace("0.0.0.0", "127.0.0.1"), int(port)


# MARK: ZMTP

def frame(body, flags=0):
    if len(body) > 255:
        return struct.pack(">BQ", flags | LARGE, len(body)) + body
    return struct.pack(">BB", flags, len(body)) + body


def message(frames):
    """The frames of a message as bytes on the wire."""
    return b"".join(frame(body, MORE) for body in frames[:-1]) + frame(frames[-1])


def greeting(mechanism, padding=bytes(31)):
    return b"\xff" + bytes(8) + b"\x7f\x03\x00" + mechanism.ljust(20, b"\0") + b"\0" + padding


def ready(properties):
    body = b"\x05READY"
    for name, value in properties:
        body += struct.pack(">B", len(name)) + name + struct.pack(">I", len(value)) + value
    return frame(body, COMMAND)


def heartbeat(context=b""):
    return frame(b"\4PING\0\0" + context, COMMAND)


def connect(endpoint, timeout=10):
    """A connected socket, before any byte is sent."""
    if endpoint.startswith("ipc://"):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout)
        connection.connect(endpoint.removeprefix("ipc://"))
    else:
        connection = socket.create_connection(host_and_port(endpoint), timeout=timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def reset_connection(connection):
    """Closes a socket so that the other end is sent a reset instead of an end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Peer:
    """A connection that has finished its handshake as a DEALER without keys."""

    def __init__(self, endpoint, identity=b""):
        self.socket = connect(endpoint)
        self.send(greeting(b"NULL"))
        self.receive(64)
        self.send(ready(((b"Socket-Type", b"DEALER"), (b"Identity", identity))))
        self.receive(self.receive(2)[1])

    def receive(self, count):
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise ConnectionError("the coordinator has hung up")
            data += piece
        return data

    def send(self, data):
        self.socket.sendall(data)

    def receive_frame(self):
        """The next frame's flags and body. A heartbeat has been answered when it is returned."""
        flags = self.receive(1)[0]
        size = struct.unpack(">Q", self.receive(8))[0] if flags & LARGE else self.receive(1)[0]
        body = self.receive(size)
        if flags & COMMAND and body.startswith(b"\4PING"):
            self.send(frame(b"\4PONG" + body[7:], COMMAND))
        return flags, body

    def close(self, reset=False):
        if reset:
            reset_connection(self.socket)
        else:
            self.socket.close()


def quietly(action, *arguments):
    """Sends until the coordinator cuts the connection."""
    try:
        return action(*arguments)
    except OSError:
        return None
