#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The peer of bad_input.sh, which starts the daemons and runs it in their folder. Each case says what it sends, which
status comes back and which rule the one log line names."""
import base64
import datetime
import glob
import json
import os
import random
import re
import socket
import ssl
import subprocess
import time
import unittest

WAIT_S = int(os.environ.get("BERTH_WAIT_S", "30"))
SEED = int(os.environ.get("BERTH_SEED", "7030"))
MEDIA = b"application/voucher-cms+json"
VOUCHER = b"/.well-known/brski/requestvoucher"
BODY_LIMIT = 65536
TICKS = os.sysconf("SC_CLK_TCK")


def until(what, probe):
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        got = probe()
        if got:
            return got
        time.sleep(0.005)
    raise AssertionError("not in time: " + what)


def openssl(*words, data=None):
    done = subprocess.run(("openssl",) + words, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


class Daemon:
    def __init__(self, name, pid, port):
        self.name, self.pid, self.port, self.log_path = name, int(pid), int(port), name + ".log"

    def children(self):
        """{pid: role} of its processes."""
        found = {}
        for path in glob.glob("/proc/[0-9]*/stat"):
            try:
                fields = open(path).read().rsplit(")", 1)[1].split()
                words = open(os.path.dirname(path) + "/cmdline").read().split("\0")
            except OSError:
                continue
            if int(fields[1]) == self.pid and fields[0] != "Z":
                found[int(path.split("/")[2])] = words[2]
        return found

    def work(self):
        """Seconds of CPU that its processes have used, KiB that they hold."""
        cpu = memory = 0
        for pid in self.children():
            fields = open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()
            cpu += (int(fields[11]) + int(fields[12])) / TICKS
            memory += int(re.search(r"VmRSS:\s*(\d+)", open("/proc/%d/status" % pid).read()).group(1))
        return cpu, memory

    def complaints(self):
        lines = open(self.log_path, errors="replace").read().splitlines()
        return [line for line in lines if re.search(r"level=(warning|error)", line)]

    def raw(self, source="127.0.0.1"):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=WAIT_S, source_address=(source, 0))
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def connect(self, pledge="A-0002", source="127.0.0.1"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if pledge == "stranger":
            context.load_cert_chain("stranger.pem", "stranger.key")
        elif pledge:
            context.load_cert_chain("pledge/%s/idevid.pem" % pledge, "pledge/%s/idevid.key" % pledge)
        return context.wrap_socket(self.raw(source))

    def say(self, data, pledge="A-0002", source="127.0.0.1"):
        """All that comes back until the daemon closes or falls silent after an answer."""
        with self.connect(pledge, source) as s:
            try:
                s.sendall(data)
            except OSError:
                pass  # it may close before it has read all
            return read_replies(s)

    def say_once(self, body):
        """On a connection that is kept, as long as the daemon keeps it."""
        for _ in range(2):
            if not getattr(self, "kept", None):
                self.kept = self.connect()
            try:
                self.kept.sendall(post(body))
                got = b""
                while not is_whole(got):
                    piece = self.kept.recv(65536)
                    if not piece:
                        raise ConnectionError
                    got += piece
                return got
            except (ConnectionError, ssl.SSLError):
                self.kept.close()
                self.kept = None
        raise AssertionError("no answer")


def read_replies(s):
    got = b""
    try:
        while True:
            s.settimeout(0.3 if is_whole(got) else WAIT_S)
            piece = s.recv(65536)
            if not piece:
                break
            got += piece
    except (ssl.SSLError, ConnectionError, TimeoutError):
        pass
    return got


def is_whole(got):
    head, sep, body = got.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.I)
    return bool(sep) and (not length or len(body) >= int(length.group(1)))


def post(body, path=VOUCHER, media=MEDIA, method=b"POST", more=b"", length=None):
    head = b"%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n%s" % (method, path, media, more)
    return head + b"Content-Length: %d\r\n\r\n" % (len(body) if length is None else length) + body


def sign(content, certificate, key, above=None, more=()):
    words = ["cms", "-sign", "-binary", "-nodetach", "-nosmimecap", "-signer", certificate, "-inkey", key,
             "-econtent_type", "1.2.840.113549.1.9.16.1.40", "-outform", "DER"]
    words += more
    if above:
        words += ["-certfile", above]
    return openssl(*words, data=content)


def above_of(path):
    """The chain of a PEM file without its first certificate, in a file of its own."""
    rest = open(path).read().split("-----END CERTIFICATE-----\n", 1)[1]
    with open("above-input.pem", "w") as out:
        out.write(rest)
    return "above-input.pem" if rest.strip() else None


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def pvr(serial="A-0002", change=lambda text: text, more=()):
    content = json.dumps({"ietf-voucher-request:voucher": {
        "assertion": "proximity", "created-on": now(), "serial-number": serial,
        "nonce": base64.b64encode(os.urandom(16)).decode(),
        "proximity-registrar-cert": base64.b64encode(open("registrar.der", "rb").read()).decode()}})
    path = "pledge/%s/idevid.pem" % serial
    return sign(change(content).encode(), path, "pledge/%s/idevid.key" % serial, None if more else above_of(path), more)


def setting(path, key):
    value = re.search(r"^%s\s*=\s*(.*)$" % key, open(path).read(), re.M).group(1).strip()
    return os.path.join(os.path.dirname(path), value.removeprefix("file:"))


def rvr(change=lambda text: text, inner=None):
    content = json.dumps({"ietf-voucher-request:voucher": {
        "assertion": "proximity", "created-on": now(), "serial-number": "A-0002",
        "prior-signed-voucher-request": base64.b64encode(inner or pvr()).decode()}})
    chain = setting("home/registrar.conf", "tls-certificates")
    return sign(change(content).encode(), chain, setting("home/registrar.conf", "tls-key"), above_of(chain))


def twice(text):
    return text.replace('"serial-number"', '"serial-number": "A-0001", "serial-number"', 1)


class Bounded:
    """The processes that were there are there, and have done and hold no more than what these cases are worth."""

    @classmethod
    def setUpClass(cls):
        cls.pids = cls.daemon.children()
        cls.cpu, cls.memory = cls.daemon.work()

    @classmethod
    def tearDownClass(cls):
        assert cls.daemon.children() == cls.pids, "a process of %s was replaced" % cls.daemon.name
        cpu, memory = cls.daemon.work()
        print("%s: %.2f s of CPU, %d KiB more than before" % (cls.daemon.name, cpu - cls.cpu, memory - cls.memory))
        assert cpu - cls.cpu < 20, "unbounded work"
        assert memory - cls.memory < 96 << 10, "unbounded memory"


class Both(Bounded):
    """What any HTTPS server of ours must bear."""

    def refused(self, data, status, rule, pledge="A-0002", source="127.0.0.1"):
        """One reply with that status in plain text, and one line that says why."""
        before = len(self.daemon.complaints())
        got = self.daemon.say(data, pledge, source)
        self.assertTrue(got.startswith(b"HTTP/1.1 %d " % status), got[:300])
        self.assertEqual(got.count(b"HTTP/1.1 "), 1, got[:1000])
        self.assertIn(b"content-type: text/plain", got.lower())
        self.assertNotIn(b"<html", got.lower())
        self.one_line(before, rule)
        return got

    def one_line(self, before, rule):
        until("a log line with " + rule, lambda: len(self.daemon.complaints()) > before)
        lines = self.daemon.complaints()[before:]
        self.assertEqual(len(lines), 1, lines)
        self.assertRegex(lines[0], r"event=\S+ ")
        self.assertRegex(lines[0], r'rule="?' + re.escape(rule))
        self.assertRegex(lines[0], r'reason="?\S')

    # ---- HTTP ----

    def test_oversize_body(self):
        self.refused(post(b"x" * (BODY_LIMIT + 1)), 413, "http-body-too-large")

    def test_oversize_body_that_is_only_announced(self):
        before, begin = len(self.daemon.complaints()), time.monotonic()
        got = self.daemon.say(post(b"x", length=1 << 40))
        self.assertNotIn(b"HTTP/1.1 200", got)
        self.assertLess(time.monotonic() - begin, 5)
        self.one_line(before, "http-slow-sender")

    def test_oversize_chunks(self):
        data = post(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        self.refused(data + (b"4000\r\n" + b"x" * 0x4000 + b"\r\n") * 5, 413, "http-body-too-large")

    def test_chunk_sizes_that_are_none(self):
        head = post(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        for size in (b"-1", b"zz", b"", b"ffffffffffffffffff"):
            with self.subTest(size=size):  # libevent does not tell them from chunks that are too large
                self.refused(head + size + b"\r\nhello\r\n0\r\n\r\n", 413, "http-body-too-large")

    def test_garbage(self):
        for data in (b"\x00\x01\x02\x03\r\n\r\n", b"GET\r\n\r\n", b"\r\n\r\n\r\n \r\n\r\n", b"POST / SIP/2.0\r\n\r\n",
                     b"GET / HTTP/9.9\r\nHost: x\r\n\r\n"):
            with self.subTest(data=data):
                before = len(self.daemon.complaints())
                got = self.daemon.say(data)
                self.assertRegex(got[:13], rb"HTTP/1.1 (400|505|501) ")
                self.one_line(before, "http-")

    def test_http_10(self):
        """Served, and closed; it has no chunks."""
        with self.daemon.connect() as s:
            s.sendall(b"POST %s HTTP/1.0\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n" % VOUCHER)
            s.settimeout(WAIT_S)
            got = b""
            for piece in iter(lambda: s.recv(65536), b""):
                got += piece
        self.assertRegex(got, rb"^HTTP/1.[01] 415 ")
        before = len(self.daemon.complaints())
        got = self.daemon.say(b"POST %s HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % VOUCHER)
        self.assertRegex(got, rb"^HTTP/1.[01] 400 ")
        self.one_line(before, "http-transfer-encoding")

    def test_no_host(self):
        self.refused(b"POST %s HTTP/1.1\r\nContent-Length: 0\r\n\r\n" % VOUCHER, 400, "http-host")

    def test_two_lengths(self):
        self.refused(post(b"hello!", more=b"Content-Length: 5\r\n"), 400, "http-content-length-differs")

    def test_huge_headers(self):
        self.refused(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100000 + b"\r\n\r\n", 400, "http-bad-request")

    def test_very_many_headers(self):
        self.refused(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 20000 + b"\r\n", 400, "http-bad-request")

    def test_endless_path(self):
        self.refused(b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 400, "http-bad-request")

    def test_unknown_path(self):
        for path in (b"/", b"/.well-known/brski/", b"/.well-known/brski/requestvoucher/x", b"/admin/v1/devices",
                     b"/.well-known/brski/../brski/requestvoucher"):
            with self.subTest(path=path):
                self.refused(b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n" % path, 404, "")

    def test_wrong_method(self):
        for method in (b"GET", b"DELETE", b"PUT"):
            with self.subTest(method=method):
                before = len(self.daemon.complaints())
                got = self.daemon.say(b"%s %s HTTP/1.1\r\nHost: x\r\n\r\n" % (method, VOUCHER))
                self.assertRegex(got[:13], rb"HTTP/1.1 (405|501) ")
                self.one_line(before, "")

    def test_pipelined_requests_are_answered_in_order(self):
        """RFC 9112 9.3.2: allowed, so each gets its answer."""
        with self.daemon.connect() as s:
            s.sendall(post(b"", media=b"text/plain") + post(b"\x30\x80"))
            got = b""
            while got.count(b"HTTP/1.1 ") < 2:
                piece = s.recv(65536)
                if not piece:
                    break
                got += piece
        self.assertEqual(re.findall(rb"HTTP/1.1 (\d+)", got)[0], b"415")
        self.assertLessEqual(got.count(b"HTTP/1.1 "), 2)

    # ---- TLS and time ----

    def test_old_tls(self):
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            with self.subTest(version=version.name):
                before = len(self.daemon.complaints())
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                context.set_ciphers("ALL:@SECLEVEL=0")
                context.minimum_version = context.maximum_version = version
                with self.assertRaises((ssl.SSLError, ConnectionError)):
                    context.wrap_socket(self.daemon.raw())
                self.one_line(before, "tls-version")

    def test_plain_http(self):
        before = len(self.daemon.complaints())
        with self.daemon.raw() as s:
            s.sendall(post(b"x"))
            self.assertNotIn(b"HTTP/1.1", s.recv(100))
        self.one_line(before, "tls-plain-http")

    def test_slow_senders(self):
        for part in (b"POST /x HTTP/1.1\r\nHost: x\r\n", post(b"", length=4000)):
            with self.subTest(part=part[:10]):
                before, begin = len(self.daemon.complaints()), time.monotonic()
                with self.daemon.connect() as s:
                    s.settimeout(0.05)
                    data, cut = part + b"x" * 4000, False
                    for i in range(len(data)):
                        try:
                            s.sendall(data[i:i + 1])
                            cut = not s.recv(1)
                        except TimeoutError:
                            continue
                        except OSError:
                            cut = True
                        if cut or time.monotonic() - begin > WAIT_S:
                            break
                self.assertTrue(cut)
                self.assertLess(time.monotonic() - begin, 5)
                self.one_line(before, "http-slow-sender")

    def test_slow_handshake(self):
        before = len(self.daemon.complaints())
        with self.daemon.raw() as s:
            s.sendall(b"\x16\x03\x01\x02\x00\x01")
            self.assertEqual(s.recv(100)[:0], b"")
            self.one_line(before, "tls-slow-handshake")

    def test_thousands_of_connections_from_one_source(self):
        cpu, memory = self.daemon.work()
        sockets = []
        try:
            for _ in range(3000):
                s = socket.socket()
                s.settimeout(WAIT_S)
                try:
                    s.connect(("127.0.0.1", self.daemon.port))
                    sockets.append(s)
                except OSError:
                    s.close()
                if len(sockets) > 500:
                    sockets.pop(0).close()
                if _ == 1500:  # in the middle of it, another source is served
                    got = self.daemon.say(post(b"", media=b"text/plain"), source="127.0.0.2")
                    self.assertTrue(got.startswith(b"HTTP/1.1 415 "), got[:100])
            until("a line that says so", lambda: any("http-connections-per-source-max" in line
                                                     for line in self.daemon.complaints()))
        finally:
            for s in sockets:
                s.close()
        lines = [line for line in self.daemon.complaints() if "http-connections-per-source-max" in line]
        self.assertLess(len(lines), 200, "the log is not limited")
        after, held = self.daemon.work()
        self.assertLess(after - cpu, 10)
        self.assertLess(held - memory, 64 << 10)
        until("service", self.answers)

    def answers(self):
        try:
            return self.daemon.say(post(b"", media=b"text/plain")).startswith(b"HTTP/1.1 415 ")
        except OSError:
            return False

    # ---- the body ----

    def test_wrong_media_type(self):
        self.refused(post(self.good(), media=b"application/json"), 415, "rfc8995-5")

    def test_wrong_accept(self):
        self.refused(post(self.good(), more=b"Accept: application/voucher+cose\r\n"), 406, "rfc8995-5")

    def test_empty_and_base64(self):
        self.refused(post(b""), 400, "rfc8995-5.11-empty")
        self.refused(post(base64.b64encode(self.good())), 400, "rfc8995-5.11-not-der")

    def test_duplicate_keys_inside_a_valid_signature(self):
        got = self.refused(post(self.good(twice)), 400, "json-duplicate-key")
        self.assertIn(b"json-duplicate-key", got)

    def test_deep_and_wide_json(self):
        for name, change in (("deep", lambda text: "[" * 20000 + "]" * 20000),
                             ("wide", lambda text: "[" + "1," * 20000 + "1]"),
                             ("no object", lambda text: "7"),
                             ("NUL", lambda text: text.replace("A-0002", "A-0002\\u0000")),
                             ("trailing", lambda text: text + "{}")):
            with self.subTest(name=name):
                self.refused(post(self.good(change)), 400, "")


class Many(Bounded):
    """Many of a kind: more than the log's limit lets each write a line for."""

    def test_a_thousand_pipelined_requests_cost_what_they_are(self):
        cpu, memory = self.daemon.work()
        with self.daemon.connect() as s:
            s.settimeout(WAIT_S)
            try:
                s.sendall(post(b"", media=b"text/plain") * 1000)
            except OSError:
                pass
            read_replies(s)
        after, held = self.daemon.work()
        self.assertLess(after - cpu, 5)
        self.assertLess(held - memory, 32 << 10)

    def test_truncated_at_any_length(self):
        whole = self.good()
        chance = random.Random(SEED)
        lengths = sorted(set(range(1, 40)) | {chance.randrange(40, len(whole)) for _ in range(60)} | {len(whole) - 1})
        before = len(self.daemon.complaints())
        with self.daemon.connect() as s:
            for length in lengths:
                s.sendall(post(whole[:length]))
                got = b""
                while not is_whole(got):
                    piece = s.recv(65536)
                    self.assertTrue(piece, "closed at %d, seed %d" % (length, SEED))
                    got += piece
                self.assertTrue(got.startswith(b"HTTP/1.1 400 "), (length, SEED, got[:300]))
        self.assertLessEqual(len(self.daemon.complaints()) - before, len(lengths))
        # What came before may have used up what the log lets strangers write; it earns a line each second again.
        until("a line of a truncated request", lambda: self.daemon.say_once(whole[:40]) and
              len(self.daemon.complaints()) > before)

    def test_spoilt_in_any_byte(self):
        whole = self.good()
        chance = random.Random(SEED)
        for _ in range(int(os.environ.get("BERTH_ROUNDS", "150"))):
            spoilt = bytearray(whole)
            spoilt[chance.randrange(len(spoilt))] ^= 1 << chance.randrange(8)
            got = self.daemon.say_once(bytes(spoilt))
            self.assertRegex(got[:13], rb"HTTP/1.1 [24]\d\d ", "seed %d: %s" % (SEED, got[-400:]))


class OfRegistrar:
    daemon = Daemon("registrar", os.environ["REGISTRAR_PID"], open("home/port").read())

    def good(self, change=lambda text: text):
        return pvr(change=change)


class OfMasa:
    daemon = Daemon("masa", os.environ["MASA_PID"], open("masa.port").read())

    def good(self, change=lambda text: text):
        return rvr(change)


class Registrar(OfRegistrar, Both, unittest.TestCase):

    def test_no_client_certificate(self):
        self.refused(post(self.good()), 403, "rfc8995-5.1-no-client-certificate", pledge=None)

    def test_unknown_manufacturer(self):
        self.refused(post(self.good()), 404, "rfc8995-5.1-unknown-manufacturer", pledge="stranger")

    def test_request_without_the_signers_certificate(self):
        """TLS shows it, but MASA and signer see only the request (RFC 8995 5.2)."""
        self.refused(post(pvr(more=("-nocerts",))), 404, "cms-signer-unknown")

    def test_expired_idevid(self):
        got = self.refused(post(self.good()), 404, "", pledge="O-0001")
        self.assertIn(b"expired", got)

    def test_est_bodies(self):
        for body in (b"", b"AAAA", b"=" * 1000, b"\x30\x03\x02\x01\x01", b"MII" + b"A" * 30000):
            with self.subTest(body=body[:8]):
                before = len(self.daemon.complaints())
                got = self.daemon.say(post(body, path=b"/.well-known/est/simpleenroll", media=b"application/pkcs10"))
                self.assertTrue(got.startswith(b"HTTP/1.1 400 "), got[:300])
                self.one_line(before, "")

    def test_telemetry_that_is_none(self):
        for body in (b"", b"{", b"[]", b'{"version":1,"version":1,"status":true}', b'{"version":1,"status":"yes"}',
                     b'{"version":1,"status":true}x'):
            with self.subTest(body=body):
                before = len(self.daemon.complaints())
                got = self.daemon.say(post(body, path=b"/.well-known/brski/voucher_status",
                                           media=b"application/json"))
                self.assertRegex(got[:13], rb"HTTP/1.1 40[04] ")
                self.one_line(before, "")


class Masa(OfMasa, Both, unittest.TestCase):
    def test_a_request_of_the_device_inside_with_duplicate_keys(self):
        self.refused(post(rvr(inner=pvr(change=twice))), 403, "rfc8995-5.5.5-prior-signed")

    def test_a_device_of_nobody_we_know(self):
        self.refused(post(rvr(inner=sign(b"{}", "stranger.pem", "stranger.key"))), 403, "rfc8995-5.5.5-prior-signed")


# after the others (unittest goes by name)
class ZManyOfMasa(OfMasa, Many, unittest.TestCase):
    pass


class ZManyOfRegistrar(OfRegistrar, Many, unittest.TestCase):
    pass


if __name__ == "__main__":
    unittest.main(warnings="ignore")
