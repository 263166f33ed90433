# SPDX-License-Identifier: BSD-2-Clause
"""The frames that a daemon's processes speak to each other (codec/frame.h, role/daemon/ipc.h), written a second time
from those comments, and a parent that starts single processes of a real daemon and plumbs them to whoever it likes. So
a test can be the net process, the signer, or what stands between them.
"""
import os
import socket
import struct
import subprocess
import sys
import threading
import time

REQUEST, GONE, DIAL, SIGN, LINK, DRAIN, READY = range(1, 8)
EDGE_LISTEN, EDGE_JUDGE, EDGE_TLS_SIGNER, EDGE_NET, EDGE_SIGNER, EDGE_FROM_JUDGE = range(1, 7)
GET, POST = 0, 1
FRAME_MAX = 192 << 10
WRAPPER = os.environ.get("BERTH_WRAPPER", "").split()  # valgrind and its options: then all is slow
WAIT_S = 300 if WRAPPER else 30

(METHOD, PATH, QUERY, MEDIA_TYPE, ACCEPT, USER_AGENT, AUTHORIZATION, BODY, PEER_CERTIFICATE, OWN_CERTIFICATE,
 EXPORTER, VERSION, CONNECTION, PEER_ADDRESS, STATUS, LOCATION, RETRY_AFTER, CLOSE, HOST, PORT, ANCHORS,
 WITH_CERTIFICATE, TIMEOUT, BODY_LIMIT, OP, PAYLOAD, OBJECT, ERR, RULE, SENTENCE, EDGE, INDEX) = range(1, 33)
U32 = {METHOD, VERSION, STATUS, CLOSE, PORT, WITH_CERTIFICATE, OP, ERR, EDGE, INDEX}
U64 = {CONNECTION, RETRY_AFTER, TIMEOUT, BODY_LIMIT}


def frame(kind, number, fields=(), reply=False):
    out = struct.pack(">BBHQ", 1, 1 if reply else 0, kind, number)
    for tag, value in fields:
        if tag in U32:
            value = struct.pack(">I", value)
        elif tag in U64:
            value = struct.pack(">q", value)
        out += struct.pack(">HI", tag, len(value)) + value
    return out


class Frame:
    def __init__(self, packet):
        version, flags, self.kind, self.id = struct.unpack(">BBHQ", packet[:12])
        assert version == 1 and flags in (0, 1)
        self.packet, self.is_reply, self.fields, at = packet, flags == 1, {}, 12
        while at < len(packet):
            tag, length = struct.unpack(">HI", packet[at:at + 6])
            value = packet[at + 6:at + 6 + length]
            assert len(value) == length
            at += 6 + length
            if tag in U32:
                value = struct.unpack(">I", value)[0]
            elif tag in U64:
                value = struct.unpack(">q", value)[0]
            self.fields.setdefault(tag, value)

    def get(self, tag, otherwise=b""):
        return self.fields.get(tag, otherwise)

    @property
    def status(self):
        return self.get(STATUS, 0)

    @property
    def body(self):
        return self.get(BODY)


def pair():
    """Our end, its end."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(WAIT_S)
    return ours, its


def receive(sock):
    """The next frame; None when the other end has gone."""
    try:
        packet = sock.recv(FRAME_MAX + 1)
    except ConnectionError:
        return None
    return Frame(packet) if packet else None


class Process:
    """One process of a daemon, with us for its parent."""

    def __init__(self, program, kind, config, is_plumbed_first=False, shows_log=False):
        self.control, its = pair()
        # a child finds the channel to its parent at descriptor 3
        self.process = subprocess.Popen(
            ["bash", "-c", 'exec 3<&%d %d<&-; exec "$@"' % (its.fileno(), its.fileno()), "child", *WRAPPER, program,
             "--child", kind, "0", "--config", config, "--log=text"],
            pass_fds=[its.fileno()], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        its.close()
        self.lines, self.shows_log = [], shows_log
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.kind = kind
        if not is_plumbed_first:
            self.wait_ready()

    def wait_ready(self):
        ready = receive(self.control)
        assert ready and ready.kind == READY, "%s does not start: %s" % (self.kind, self.log())

    # A pipe, not a file: so that what limits its files does not silence it.
    def read(self):
        for line in self.process.stderr:
            self.lines.append(line.decode(errors="replace"))
            if self.shows_log:
                sys.stderr.write(self.lines[-1])
                sys.stderr.flush()

    def log(self):
        return "".join(self.lines)

    def link(self, edge, sock, index=0):
        socket.send_fds(self.control, [frame(LINK, 0, [(EDGE, edge), (INDEX, index)])], [sock.fileno()])
        sock.close()

    def memory_kib(self):
        with open("/proc/%d/status" % self.process.pid) as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))

    def cpu_s(self):
        with open("/proc/%d/stat" % self.process.pid) as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def is_alive(self):
        return self.process.poll() is None

    def stop(self):
        """Its exit status."""
        if self.is_alive():
            try:
                self.control.send(frame(DRAIN, 0))
            except OSError:
                pass
        try:
            status = self.process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait(WAIT_S)
        self.control.close()
        self.reader.join(WAIT_S)
        self.process.stderr.close()
        return status


def until(what, probe):
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        got = probe()
        if got:
            return got
        time.sleep(0.01)
    raise AssertionError("not in time: " + what)
