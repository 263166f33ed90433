#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: test_daemon.py ECHO-DAEMON

Meets a small daemon on role/daemon from outside: TLS, HTTP, the processes behind them. Keys are made here, in a
folder that goes away. Waits are for an event with a deadline, never for a time.
"""
import base64
import glob
import http.client
import os
import re
import resource
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

DAEMON = None
WAIT_S = 15
DIAL_CONNECTIONS_MAX = 32  # role/daemon/dial.h


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def until(what, probe):
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        got = probe()
        if got:
            return got
        time.sleep(0.01)
    raise AssertionError("not in time: " + what)


def make_keys(folder):
    path = lambda name: os.path.join(folder, name)
    ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for ca in ("ca", "other"):
        openssl("req", "-x509", *ec, "-keyout", path(ca + ".key"), "-out", path(ca + ".pem"), "-days", "2",
                "-subj", "/CN=" + ca)
    with open(path("ext"), "w") as f:
        f.write("subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n")
    for name in ("server", "client"):
        openssl("req", *ec, "-keyout", path(name + ".key"), "-out", path(name + ".csr"), "-subj", "/CN=" + name)
        openssl("x509", "-req", "-in", path(name + ".csr"), "-CA", path("ca.pem"), "-CAkey", path("ca.key"),
                "-set_serial", "7", "-days", "1", "-extfile", path("ext"), "-out", path(name + ".crt"))
        os.chmod(path(name + ".key"), 0o600)
    with open(path("chain.pem"), "w") as out:
        for name in ("server.crt", "ca.pem"):
            out.write(open(path(name)).read())


class Daemon:
    def __init__(self, folder, descriptors=None, **settings):
        self.folder = folder
        self.path = lambda name: os.path.join(folder, name)
        os.makedirs(self.path("state"), exist_ok=True)
        values = {
            "listen": "127.0.0.1:0", "port-file": self.path("port"), "tls-certificates": self.path("chain.pem"),
            "tls-key": "file:" + self.path("server.key"), "state-directory": self.path("state"),
            "admin-socket": self.path("admin"), "net-processes": "1", "header-timeout": "1s",
            "body-limit": "4096", "connections-per-source-max": "64",
            "plain-listen": "127.0.0.1:0", "plain-port-file": self.path("plain-port"),
        }
        values.update({key.replace("_", "-"): value for key, value in settings.items()})
        with open(self.path("daemon.conf"), "w") as f:
            f.write("[daemon]\n" + "".join("%s = %s\n" % item for item in values.items()))
            f.write("[echo]\nanchors = %s\n" % self.path("ca.pem"))
        self.log_file = open(self.path("log"), "w")
        limit = descriptors and (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, descriptors))
        self.process = subprocess.Popen([DAEMON, "--config", self.path("daemon.conf")], stderr=self.log_file,
                                        preexec_fn=limit)
        until("port file", lambda: os.path.exists(self.path("port")) or self.process.poll() is not None)
        self.port = int(open(self.path("port")).read())
        self.plain_port = int(open(self.path("plain-port")).read())
        self.context = ssl.create_default_context(cafile=self.path("ca.pem"))

    def log(self):
        return open(self.path("log")).read()

    def logged(self, rule):
        return until("log line " + rule, lambda: rule in self.log())

    def stop(self, ask=True):
        if ask and self.process.poll() is None:
            self.process.terminate()
        status = self.process.wait(WAIT_S)
        self.log_file.close()
        return status

    def children(self, role):
        found = []
        for path in glob.glob("/proc/[0-9]*/stat"):
            try:
                fields = open(path).read().rsplit(")", 1)[1].split()
                words = open(os.path.join(os.path.dirname(path), "cmdline")).read().split("\0")
            except OSError:
                continue
            if int(fields[1]) == self.process.pid and fields[0] != "Z" and words[1:3] == ["--child", role]:
                found.append(int(path.split("/")[2]))
        return found

    def connect(self, context=None):
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=WAIT_S)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return (context or self.context).wrap_socket(raw, server_hostname="localhost")

    def request(self, method, path, body=None, headers={}, context=None):
        client = http.client.HTTPSConnection("localhost", self.port, context=context or self.context, timeout=WAIT_S)
        try:
            client.request(method, path, body, headers)
            response = client.getresponse()
            return response.status, response.read(), response
        finally:
            client.close()

    def raw(self, data):
        """What comes back until the daemon closes."""
        with self.connect() as s:
            try:
                s.sendall(data)
            except OSError:
                pass
            got = b""
            try:
                while True:
                    piece = s.recv(65536)
                    if not piece:
                        break
                    got += piece
            except (ssl.SSLError, ConnectionError):
                pass
            return got

    def admin(self, path):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(WAIT_S)
        s.connect(self.path("admin"))
        s.sendall(b"GET %s HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n" % path.encode())
        got = b""
        while True:
            piece = s.recv(65536)
            if not piece:
                break
            got += piece
        s.close()
        return got.decode()

    def waiting(self):
        return int(re.search(r'"waiting":(\d+)', self.admin("/x")).group(1))


class Base(unittest.TestCase):
    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        make_keys(cls.temporary.name)
        cls.daemon = Daemon(cls.temporary.name, **cls.settings)

    @classmethod
    def tearDownClass(cls):
        status = cls.daemon.stop()
        log = cls.daemon.log()
        cls.temporary.cleanup()
        assert status == 0, "the daemon ended with %d\n%s" % (status, log)
        assert "Sanitizer" not in log, log


class Serving(Base):
    def test_answers_over_tls_13_with_exporter(self):
        status, body, _ = self.daemon.request("POST", "/echo", b"hello", {"Content-Type": "Text/Plain; x=y"})
        self.assertEqual(status, 200)
        self.assertIn(b"version=0304", body)
        self.assertIn(b"exporter=32", body)
        self.assertIn(b"type=text/plain\nhello", body)

    def test_answers_over_tls_12_without_exporter(self):
        context = ssl.create_default_context(cafile=self.daemon.path("ca.pem"))
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        status, body, _ = self.daemon.request("POST", "/echo", b"hello", context=context)
        self.assertEqual(status, 200)
        self.assertIn(b"version=0303", body)
        self.assertIn(b"exporter=0", body)

    def test_accepts_any_client_certificate_and_passes_it_on(self):
        context = ssl.create_default_context(cafile=self.daemon.path("ca.pem"))
        context.load_cert_chain(self.daemon.path("other.pem"), self.daemon.path("other.key"))
        _, body, _ = self.daemon.request("POST", "/echo", b"", context=context)
        self.assertIn(b"peers=1", body)

    # req: rfc8995-5.1-tls-version, rfc8995-5.4-tls-version, rfc7030-3.3-tls-version
    def test_refuses_tls_11(self):
        context = ssl.create_default_context(cafile=self.daemon.path("ca.pem"))
        context.minimum_version = ssl.TLSVersion.TLSv1_1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.daemon.request("GET", "/echo", context=context)
        self.daemon.logged("rule=tls-version")

    def test_refuses_plain_http(self):
        with socket.create_connection(("127.0.0.1", self.daemon.port), timeout=WAIT_S) as s:
            s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertNotIn(b"200", s.recv(100))
        self.daemon.logged("rule=tls-plain-http")

    def plain(self, method, path, body=None):
        client = http.client.HTTPConnection("127.0.0.1", self.daemon.plain_port, timeout=WAIT_S)
        try:
            client.request(method, path, body)
            response = client.getresponse()
            return response.status, response.read()
        finally:
            client.close()

    def test_without_tls_only_what_is_published_is_answered(self):
        self.assertEqual(self.plain("POST", "/x", b"ask"), (200, b"published:ask"))
        # the same path over TLS is another resource: this one answers with the peer's facts
        self.assertEqual(self.plain("POST", "/echo", b"ask"), (200, b"published:ask"))
        self.assertEqual(self.plain("POST", "/crash"), (200, b"published:"))

    def test_without_tls_a_body_is_small(self):
        self.assertEqual(self.plain("POST", "/x", b"x" * 4096)[0], 200)
        self.assertEqual(self.plain("POST", "/x", b"x" * 4097)[0], 413)

    def test_cuts_a_slow_sender_at_the_total_deadline(self):
        begin = time.monotonic()
        with self.daemon.connect() as s:
            data = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n" + b"x" * 4000
            s.settimeout(0.02)
            cut = False
            for i in range(len(data)):
                try:
                    s.sendall(data[i:i + 1])
                    if not s.recv(1):
                        cut = True
                        break
                except TimeoutError:
                    continue
                except (ssl.SSLError, OSError):
                    cut = True
                    break
                if time.monotonic() - begin > WAIT_S:
                    break
        self.assertTrue(cut)
        self.assertLess(time.monotonic() - begin, 4)
        self.daemon.logged("rule=http-slow-sender")

    def test_cuts_a_handshake_that_never_comes(self):
        with socket.create_connection(("127.0.0.1", self.daemon.port), timeout=WAIT_S) as s:
            self.assertEqual(s.recv(1), b"")
        self.daemon.logged("rule=tls-slow-handshake")

    def test_answers_oversize_with_413_in_plain_text(self):
        got = self.daemon.raw(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000)
        self.assertTrue(got.startswith(b"HTTP/1.1 413 "), got)
        self.assertIn(b"text/plain", got)
        self.assertNotIn(b"<", got)
        self.daemon.logged("rule=http-body-too-large")

    def test_answers_oversize_chunks_with_413(self):
        chunk = b"400\r\n" + b"x" * 1024 + b"\r\n"
        got = self.daemon.raw(b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 5)
        self.assertTrue(got.startswith(b"HTTP/1.1 413 "), got)

    def test_takes_chunks(self):
        with self.daemon.connect() as s:
            s.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
                      b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
            got = b""
            while b"abcde" not in got:
                piece = s.recv(4096)
                self.assertTrue(piece, got)
                got += piece

    def refused(self, data, status, rule=None):
        got = self.daemon.raw(data)
        self.assertTrue(got.startswith(b"HTTP/1.1 %d " % status), got)
        self.assertIn(b"Content-Type: text/plain; charset=utf-8", got)
        self.assertNotIn(b"<", got)
        self.assertEqual(got.count(b"HTTP/1.1"), 1, got[:1000])  # nothing after it was taken for a request
        if rule:
            self.daemon.logged("rule=" + rule)

    def test_refuses_differing_content_lengths(self):
        self.refused(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"
                     b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", 400, "http-content-length-differs")

    def test_refuses_signed_content_length(self):
        self.refused(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nhello", 400)

    def test_refuses_length_beside_chunks(self):
        self.refused(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
                     b"0\r\n\r\nGET /echo HTTP/1.1\r\nHost: x\r\n\r\n", 400)

    def test_refuses_unknown_transfer_encoding(self):
        self.refused(b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501,
                     "http-transfer-encoding")

    def test_refuses_missing_host(self):
        self.refused(b"GET /echo HTTP/1.1\r\n\r\n", 400, "http-host")

    def test_refuses_two_hosts(self):
        self.refused(b"GET /echo HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400)

    def test_refuses_a_body_on_get(self):
        self.refused(b"GET /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 400)

    def test_refuses_garbage(self):
        self.refused(b"\x00\x01\x02 garbage\r\n\r\n", 400)

    def test_refuses_endless_headers(self):
        self.refused(b"GET /echo HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 40000 + b"\r\n\r\n", 400)

    def test_refuses_nul_in_path(self):
        self.refused(b"GET /a%00b HTTP/1.1\r\nHost: x\r\n\r\n", 400, "http-path")

    def test_answers_expect_continue(self):
        with self.daemon.connect() as s:
            s.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
            self.assertTrue(s.recv(4096).startswith(b"HTTP/1.1 100 "))
            s.sendall(b"hello")
            got = b""
            while b"hello" not in got:
                got += s.recv(4096)

    def test_keeps_a_connection_for_many_requests(self):
        client = http.client.HTTPSConnection("localhost", self.daemon.port, context=self.daemon.context)
        numbers = set()
        for i in range(50):
            client.request("POST", "/echo", b"%d" % i)
            body = client.getresponse().read()
            self.assertTrue(body.endswith(b"\n%d" % i))
            numbers.add(re.search(rb"connection=(\d+)", body).group(1))
        client.close()
        self.assertEqual(len(numbers), 1)

    def test_sends_header_and_body_in_one_record(self):
        with self.daemon.connect() as s:
            s.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
            self.assertTrue(s.recv(16384).endswith(b"hello"))  # one SSL_read is one record

    def test_limits_what_one_source_may_open(self):
        sockets = []
        try:
            for _ in range(80):
                sockets.append(socket.create_connection(("127.0.0.1", self.daemon.port), timeout=WAIT_S))
            self.daemon.logged("rule=http-connections-per-source-max")
        finally:
            for s in sockets:
                s.close()
        until("service", lambda: self.answers())

    def answers(self):
        try:
            return self.daemon.request("GET", "/echo")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def test_asks_the_signer(self):
        self.assertEqual(self.daemon.request("POST", "/sign", b"this")[1], b"signed:this")

    def test_says_why_the_signer_refuses(self):
        status, body, _ = self.daemon.request("POST", "/sign", b"refuse this")
        self.assertEqual((status, body), (403, b"not this one\n"))

    def test_releases_no_signature_that_the_signer_could_not_write_down(self):
        status, body, _ = self.daemon.request("POST", "/sign", b"unsettled")
        self.assertEqual((status, body), (403, b"not on the disk\n"))
        self.assertEqual(self.daemon.request("POST", "/sign", b"this")[1], b"signed:this")

    def test_commits_before_it_answers(self):
        status, body, response = self.daemon.request("POST", "/fail", b"")
        self.assertEqual(status, 503)
        self.assertNotIn(b"never", body)
        self.assertEqual(response.getheader("Retry-After"), "1")
        self.assertEqual(self.daemon.request("GET", "/echo")[0], 200)

    def test_hears_of_what_it_asked_in_a_batch_that_failed(self):
        for path in ("/sign-fail", "/dial-fail?%d" % self.daemon.port):
            self.assertEqual(self.daemon.request("POST", path, b"x")[0], 503)
            self.assertIn('"unanswered":0', self.daemon.admin("/x"), path)

    def test_waits_for_a_store_that_cannot_begin(self):
        self.assertEqual(self.daemon.request("POST", "/stall", b"")[0], 200)
        self.assertEqual(self.daemon.request("GET", "/echo")[0], 200)  # late, but answered
        self.assertIn("rule=echo-begin", self.daemon.log())

    def test_answers_later(self):
        got = []
        thread = threading.Thread(target=lambda: got.append(self.daemon.request("GET", "/wait")))
        thread.start()
        until("waiter", lambda: self.daemon.waiting() > 0)
        self.daemon.request("POST", "/release", b"")
        thread.join(WAIT_S)
        self.assertEqual(got[0][:2], (200, b"released\n"))

    def test_notices_a_client_that_left(self):
        before = int(re.search(r'"gone":(\d+)', self.daemon.admin("/x")).group(1))
        s = self.daemon.connect()
        s.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        until("waiter", lambda: self.daemon.waiting() > 0)
        s.close()
        until("gone", lambda: int(re.search(r'"gone":(\d+)', self.daemon.admin("/x")).group(1)) == before + 1)
        self.assertEqual(self.daemon.waiting(), 0)

    def test_dials_out_and_keeps_the_connection(self):
        numbers = set()
        for _ in range(5):
            status, body, _ = self.daemon.request("POST", "/dial?%d" % self.daemon.port, b"round")
            self.assertEqual(status, 200, body)
            self.assertTrue(body.endswith(b"round"))
            numbers.add(re.search(rb"connection=(\d+)", body).group(1))
        self.assertEqual(len(numbers), 1)

    def test_dials_with_its_certificate_through_the_tls_signer(self):
        status, body, _ = self.daemon.request("POST", "/dial-certificate?%d" % self.daemon.port, b"round")
        self.assertEqual(status, 200, body)
        self.assertIn(b"peers=2", body)

    def test_refuses_to_dial_a_server_of_other_anchors(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.daemon.path("other.pem"), self.daemon.path("other.key"))
        with socket.create_server(("127.0.0.1", 0)) as server:
            def serve():
                peer, _ = server.accept()
                try:
                    context.wrap_socket(peer, server_side=True).close()
                except OSError:
                    peer.close()
            thread = threading.Thread(target=serve)
            thread.start()
            status, body, _ = self.daemon.request("POST", "/dial?%d" % server.getsockname()[1], b"")
            thread.join(WAIT_S)
        self.assertEqual(status, 502)
        self.assertNotIn(b"http-", body)

    def test_tells_that_nobody_can_be_dialled(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        status, body, _ = self.daemon.request("POST", "/dial?%d" % port, b"")
        self.assertEqual(status, 502)
        self.assertIn(b"http-connect", body)

    def test_dials_again_when_a_kept_connection_has_died(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.daemon.path("chain.pem"), self.daemon.path("server.key"))
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        counts = []

        def serve(server):
            for requests_before_death in (2, 1):
                peer, _ = server.accept()
                with context.wrap_socket(peer, server_side=True) as s:
                    seen = 0
                    while seen < requests_before_death and s.recv(65536):
                        seen += 1
                        if requests_before_death == 2 and seen == 2:
                            break  # dies with the request in hand
                        s.sendall(answer)
                    counts.append(seen)
        with socket.create_server(("127.0.0.1", 0)) as server:
            thread = threading.Thread(target=serve, args=(server,))
            thread.start()
            port = server.getsockname()[1]
            for _ in range(2):
                status, body, _ = self.daemon.request("POST", "/dial?%d" % port, b"")
                self.assertEqual((status, body), (200, b"ok"))
            thread.join(WAIT_S)
        self.assertEqual(counts, [2, 1])

    def dial_many(self, count, meanwhile, crowds=1):
        """What count requests at one time, crowds times one after the other, get from a server that answers nobody of a
        crowd before meanwhile(port) returns, and over how many connections."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.daemon.path("chain.pem"), self.daemon.path("server.key"))
        accepted, asked, got, may_answer = [], [], [], threading.Event()

        def serve_one(peer):
            try:
                with context.wrap_socket(peer, server_side=True) as s:
                    while s.recv(65536):
                        asked.append(1)
                        may_answer.wait(WAIT_S)
                        s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            except OSError:
                pass

        def serve(server):
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                accepted.append(peer)
                threading.Thread(target=serve_one, args=(peer,), daemon=True).start()
        with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
            threading.Thread(target=serve, args=(server,), daemon=True).start()
            port = server.getsockname()[1]
            for _ in range(crowds):
                asked.clear()
                may_answer.clear()
                clients = [threading.Thread(target=lambda: got.append(
                    self.daemon.request("POST", "/dial?%d" % port, b"")[:2])) for _ in range(count)]
                for client in clients:
                    client.start()
                until("as many to ask as may", lambda: len(asked) >= DIAL_CONNECTIONS_MAX)
                meanwhile(port)
                may_answer.set()
                for client in clients:
                    client.join(WAIT_S)
            server.shutdown(socket.SHUT_RDWR)
        return got, len(accepted)

    def test_dials_one_place_over_so_many_connections_and_the_rest_waits_for_one(self):
        got, accepted = self.dial_many(56, lambda port: None)
        self.assertEqual(got, [(200, b"ok")] * 56)
        self.assertEqual(accepted, DIAL_CONNECTIONS_MAX)

    def test_keeps_all_that_were_in_use_for_the_next_crowd(self):
        got, accepted = self.dial_many(DIAL_CONNECTIONS_MAX, lambda port: None, crowds=2)
        self.assertEqual(got, [(200, b"ok")] * DIAL_CONNECTIONS_MAX * 2)
        self.assertEqual(accepted, DIAL_CONNECTIONS_MAX)

    def test_says_so_when_no_connection_became_free_in_time(self):
        hasty = []
        got, accepted = self.dial_many(DIAL_CONNECTIONS_MAX, lambda port: hasty.append(
            self.daemon.request("POST", "/dial-hasty?%d" % port, b"")[:2]))
        self.assertEqual(got, [(200, b"ok")] * DIAL_CONNECTIONS_MAX)
        self.assertEqual(accepted, DIAL_CONNECTIONS_MAX)
        self.assertEqual(hasty[0][0], 502)
        self.assertIn(b"dial-connections-max", hasty[0][1])

    def test_tells_its_health_on_the_admin_socket(self):
        self.assertIn("\r\n\r\nok\n", self.daemon.admin("/healthz"))
        self.assertIn("\r\n\r\nready\n", self.daemon.admin("/readyz"))
        self.assertRegex(self.daemon.admin("/metrics"), r"\nberth_requests_total \d+\n")
        self.assertIn('"user":"', self.daemon.admin("/x"))

    def test_admin_socket_is_for_its_owner(self):
        self.assertEqual(os.stat(self.daemon.path("admin")).st_mode & 0o777, 0o600)


class KeysAndPrivilege(Base):
    settings = {"net_processes": "2"}

    def memory(self, pid):
        pieces = []
        with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb", 0) as mem:
            for line in maps:
                span, mode = line.split()[:2]
                if "r" not in mode or line.rstrip().endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                    continue
                start, end = (int(x, 16) for x in span.split("-"))
                if end - start > 1 << 30:
                    continue  # a sanitizer's shadow, mostly not there
                try:
                    mem.seek(start)
                    pieces.append(mem.read(end - start))
                except (OSError, ValueError):
                    continue
        return b"\0".join(pieces)

    def secrets(self):
        pem = open(self.daemon.path("server.key")).read()
        lines = [line for line in pem.splitlines() if not line.startswith("-")]
        der = base64.b64decode("".join(lines))
        at = der.index(b"\x02\x01\x01\x04\x20") + 5  # ECPrivateKey: version 1, OCTET STRING of 32
        scalar = der[at:at + 32]
        # big endian, as in files; little endian, as OpenSSL computes with it; and the text of the file
        return [scalar, scalar[::-1], lines[0].encode()]

    @unittest.skipUnless(os.geteuid() == 0, "needs root: the signer's memory is closed even to its own user")
    def test_net_processes_hold_no_private_key(self):
        secrets = self.secrets()
        client = self.daemon.connect()  # it serves while we look
        client.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        until("waiter", lambda: self.daemon.waiting() > 0)
        nets = self.daemon.children("net")
        self.assertEqual(len(nets), 2)
        for pid in nets + self.daemon.children("judge"):
            memory = self.memory(pid)
            self.assertGreater(len(memory), 1 << 20)
            self.assertIn(b"localhost", memory)  # the certificate is there: we do read its memory
            for secret in secrets:
                self.assertNotIn(secret, memory)
        (signer,) = self.daemon.children("tls-signer")
        memory = self.memory(signer)
        self.assertTrue(any(secret in memory for secret in secrets), "the control finds no key in the signer")
        client.close()

    def test_no_process_keeps_a_key_file_open(self):
        for role in ("net", "judge", "signer", "tls-signer"):
            for pid in self.daemon.children(role):
                for fd in os.listdir("/proc/%d/fd" % pid):
                    self.assertNotIn("server.key", os.readlink("/proc/%d/fd/%s" % (pid, fd)))

    def test_children_can_gain_no_privilege(self):
        for role in ("net", "judge", "signer", "tls-signer"):
            for pid in self.daemon.children(role):
                status = open("/proc/%d/status" % pid).read()
                self.assertIn("NoNewPrivs:\t1", status)
                self.assertIn("Seccomp:\t2", status)


class Restarting(Base):
    settings = {"net_processes": "1", "pending_timeout": "5s"}

    def kill(self, role):
        (pid,) = self.daemon.children(role)
        os.kill(pid, signal.SIGKILL)
        until(role + " again", lambda: [p for p in self.daemon.children(role) if p != pid])

    def answers(self, path="/echo", body=b""):
        try:
            return self.daemon.request("POST", path, body)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def test_serves_again_after_the_judge_was_killed(self):
        got = []
        thread = threading.Thread(target=lambda: got.append(self.daemon.request("GET", "/wait")[0]))
        thread.start()
        until("waiter", lambda: self.daemon.waiting() > 0)
        (net,) = self.daemon.children("net")
        self.kill("judge")
        thread.join(WAIT_S)
        self.assertEqual(got, [503])  # told at once, on its connection
        until("service", self.answers)
        self.assertEqual(self.daemon.children("net"), [net])
        until("signer", lambda: self.answers("/sign", b"x"))

    def test_serves_again_after_a_judge_that_dies_in_a_batch(self):
        status, body, _ = self.daemon.request("POST", "/crash", b"")
        self.assertEqual(status, 503)
        self.assertNotIn(b"never", body)
        until("service", self.answers)

    def test_serves_again_after_the_signer_was_killed(self):
        self.kill("signer")
        until("signer", lambda: self.answers("/sign", b"x"))

    def test_serves_again_after_the_tls_signer_was_killed(self):
        self.kill("tls-signer")
        until("service", self.answers)

    def test_serves_again_after_the_net_process_was_killed(self):
        waiter = self.daemon.connect()
        waiter.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        until("waiter", lambda: self.daemon.waiting() > 0)
        self.kill("net")
        until("service", self.answers)
        until("gone", lambda: self.daemon.waiting() == 0)
        waiter.close()

    def test_nothing_is_left_when_the_parent_is_killed(self):
        with tempfile.TemporaryDirectory() as folder:
            make_keys(folder)
            daemon = Daemon(folder)
            pids = [p for role in ("net", "judge", "signer", "tls-signer") for p in daemon.children(role)]
            self.assertEqual(len(pids), 4)
            daemon.process.kill()
            daemon.process.wait(WAIT_S)
            daemon.log_file.close()
            until("children end", lambda: not any(self.runs(p) for p in pids))

    def runs(self, pid):
        try:
            return open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()[0] != "Z"
        except OSError:
            return False


class Ending(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        make_keys(self.temporary.name)

    def tearDown(self):
        self.temporary.cleanup()

    def test_answers_what_waits_before_it_ends(self):
        daemon = Daemon(self.temporary.name, pending_timeout="1s")
        s = daemon.connect()
        s.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        until("waiter", lambda: daemon.waiting() > 0)
        daemon.process.terminate()
        self.assertTrue(s.recv(4096).startswith(b"HTTP/1.1 503 "))
        s.close()
        self.assertEqual(daemon.stop(ask=False), 0)
        self.assertFalse(os.path.exists(daemon.path("port")))
        self.assertFalse(os.path.exists(daemon.path("admin")))

    def test_one_state_has_one_daemon(self):
        daemon = Daemon(self.temporary.name)
        second = subprocess.run([DAEMON, "--config", daemon.path("daemon.conf")], stderr=subprocess.PIPE, timeout=WAIT_S)
        self.assertEqual(second.returncode, 1)
        self.assertIn(b"rule=file-lock", second.stderr)
        self.assertEqual(daemon.stop(), 0)

    def second(self, **settings):
        """Starts another daemon, which must not come up; what it says."""
        os.makedirs(os.path.join(self.temporary.name, "second"), exist_ok=True)
        path = os.path.join(self.temporary.name, "second.conf")
        with open(os.path.join(self.temporary.name, "daemon.conf")) as first, open(path, "w") as f:
            values = dict(line.rstrip("\n").split(" = ") for line in first if line.count(" = ") == 1)
            anchors = values.pop("anchors")
            values["state-directory"] = os.path.join(self.temporary.name, "second")
            values["port-file"] = os.path.join(self.temporary.name, "second.port")
            values["admin-socket"] = os.path.join(self.temporary.name, "second.admin")
            values.update({key.replace("_", "-"): value for key, value in settings.items()})
            f.write("[daemon]\n" + "".join("%s = %s\n" % item for item in values.items()))
            f.write("[echo]\nanchors = %s\n" % anchors)
        done = subprocess.run([DAEMON, "--config", path], stderr=subprocess.PIPE, timeout=WAIT_S)
        self.assertEqual(done.returncode, 1)
        return done.stderr.decode()

    def test_refuses_a_port_that_another_daemon_serves(self):
        daemon = Daemon(self.temporary.name)
        said = self.second(listen="127.0.0.1:%d" % daemon.port)
        self.assertIn("rule=listen", said)
        self.assertIn("Address already in use", said)
        self.assertEqual(daemon.stop(), 0)

    def test_leaves_the_admin_socket_of_another_daemon_alone(self):
        daemon = Daemon(self.temporary.name)
        said = self.second(admin_socket=daemon.path("admin"))
        self.assertIn("rule=admin-socket", said)
        self.assertTrue(daemon.admin("/healthz").startswith("HTTP/1.1 200 "))
        self.assertEqual(daemon.stop(), 0)

    def test_deletes_no_file_that_is_no_socket(self):
        Daemon(self.temporary.name).stop()
        path = os.path.join(self.temporary.name, "server.crt")
        self.assertIn("rule=admin-socket", self.second(admin_socket=path))
        self.assertTrue(os.path.exists(path))

    def test_says_that_the_state_directory_is_missing(self):
        Daemon(self.temporary.name).stop()
        path = os.path.join(self.temporary.name, "gone")
        said = self.second(state_directory=path)
        self.assertIn("state-directory %s: No such file or directory" % path, said)

    def test_ends_when_the_key_cannot_be_read(self):
        path = os.path.join(self.temporary.name, "server.key")
        os.chmod(path, 0o644)
        with self.assertRaises(OSError):
            Daemon(self.temporary.name)
        with open(os.path.join(self.temporary.name, "log")) as log:
            self.assertIn("event=process.cannot-start process=tls-signer", log.read())

    def test_names_an_unknown_key_of_the_configuration(self):
        path = os.path.join(self.temporary.name, "bad.conf")
        with open(path, "w") as f:
            f.write("[daemon]\nlisten = 127.0.0.1:0\nlissten = 1\n")
        done = subprocess.run([DAEMON, "--config", path, "--check-config"], stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"bad.conf:3", done.stderr)

    def test_tells_a_missing_configuration_from_a_bad_one(self):
        path = os.path.join(self.temporary.name, "bad.conf")
        for option in ["--check-config", "--log=text"]:
            done = subprocess.run([DAEMON, "--config", path, option], stderr=subprocess.PIPE)
            self.assertEqual(done.returncode, 4)
            self.assertIn(b"bad.conf", done.stderr)
        with open(path, "w") as f:
            f.write("[daemon\n")
        done = subprocess.run([DAEMON, "--config", path], stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"bad.conf:1", done.stderr)

    def test_check_config_names_a_key_file_that_is_missing(self):
        Daemon(self.temporary.name).stop()
        check = [DAEMON, "--config", os.path.join(self.temporary.name, "daemon.conf"), "--check-config"]
        done = subprocess.run(check, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        os.unlink(os.path.join(self.temporary.name, "server.key"))
        done = subprocess.run(check, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual((done.returncode, done.stdout), (2, b""))
        self.assertIn(b"tls-key = file:", done.stderr)

    def test_drop_ins_are_read(self):
        os.makedirs(os.path.join(self.temporary.name, "daemon.conf.d"))
        with open(os.path.join(self.temporary.name, "daemon.conf.d", "10.conf"), "w") as f:
            f.write("[daemon]\nlog = json\n")
        daemon = Daemon(self.temporary.name)
        self.assertEqual(daemon.stop(), 0)
        self.assertIn('"event":"daemon.ready"', daemon.log())

    def connections(self, daemon, count):
        """Opens so many that are served at one time; the caller closes them."""
        opened = []
        for _ in range(count):
            opened.append(daemon.connect())
            opened[-1].sendall(b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertTrue(opened[-1].recv(100).startswith(b"HTTP/1.1 200"))
        return opened

    def test_has_more_connections_than_the_shell_that_started_it_could(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        daemon = Daemon(self.temporary.name, descriptors=(64, hard), connections_per_source_max="200")
        for s in self.connections(daemon, 100):
            s.close()
        self.assertNotIn("connections.fewer", daemon.log() if hard >= 16384 else "")
        self.assertEqual(daemon.stop(), 0)

    def test_allows_no_more_connections_than_it_has_descriptors_for_and_says_so(self):
        daemon = Daemon(self.temporary.name, descriptors=(64, 64), connections_per_source_max="200")
        daemon.logged("rule=descriptors")
        opened = self.connections(daemon, 24)
        with self.assertRaises((OSError, AssertionError)):
            opened += self.connections(daemon, 1)
        daemon.logged("http-connections-max")
        opened.pop().close()

        def is_served():
            try:
                return daemon.request("POST", "/echo", b"x")[0] == 200
            except OSError:
                return False
        until("room again", is_served)
        for s in opened:
            s.close()
        self.assertEqual(daemon.stop(), 0)

    def test_tells_systemd_when_it_is_ready(self):
        path = os.path.join(self.temporary.name, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(path)
            s.settimeout(WAIT_S)
            os.environ["NOTIFY_SOCKET"] = path
            try:
                daemon = Daemon(self.temporary.name)
            finally:
                del os.environ["NOTIFY_SOCKET"]
            self.assertEqual(s.recv(100), b"READY=1")
            self.assertEqual(daemon.stop(), 0)
            self.assertEqual(s.recv(100), b"STOPPING=1")


if __name__ == "__main__":
    DAEMON = os.path.abspath(sys.argv.pop(1))
    unittest.main(warnings="ignore")
