#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A net process that has been taken over (docs/threat-model.md): here it is this script. Judge and signer are the real
ones of berth-registrar and berth-masa; what a net process would say to them, we say, and we lie. Nothing may come of
it: no voucher request leaves, nothing is signed or issued, and both go on serving.

Keys are made by openssl in a folder that goes away.
"""
import base64
import datetime
import json
import os
import random
import resource
import select
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from frames import *  # noqa: E402,F403

PROGRAMS = os.environ["BERTH_PROGRAMS"]
VOUCHER_MEDIA = b"application/voucher-cms+json"
REQUEST_VOUCHER = b"/.well-known/brski/requestvoucher"
FEW = 60 if WRAPPER else 0
SEED = int(os.environ.get("BERTH_SEED", "8995"))


def run(*words, data=None):
    done = subprocess.run(words, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 0, "%s: %s" % (" ".join(words), done.stderr.decode(errors="replace"))
    return done.stdout


def berth(*words):
    return run(os.path.join(PROGRAMS, "berth"), *words)


class World:
    """A manufacturer with its MASA, an owner with its registrar, three devices; and who stands between them."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="berth-taken-over-")
        os.chdir(self.folder)
        self.serials = ["A-0001", "A-0002", "A-0003"]
        with open("units.csv", "w") as units:
            units.write("serial-number,model,csr\n")
            for serial in self.serials:
                self.make_key(serial)
                run("openssl", "req", "-new", "-key", serial + ".key", "-subj", "/serialNumber=" + serial, "-out",
                    serial + ".csr")
                units.write("%s,cam-1,%s/%s.csr\n" % (serial, self.folder, serial))
        berth("factory", "init", "--dir", "acme", "--name", "Acme", "--masa-url", "masa.invalid", "--masa-host",
              "localhost")
        berth("factory", "make", "--dir", "acme", "--units", "units.csv", "--out", "units")
        berth("registrar", "init", "--dir", "home", "--name", "Home", "--host", "localhost", "--listen",
              "127.0.0.1:0")
        berth("factory", "sell", "--dir", "acme", "--all", "--owner", "home/domain-ca.pem", "--out", "sale.manifest")
        self.configure()
        self.chains = {serial: self.pem_chain("units/%s/idevid.pem" % serial) for serial in self.serials}
        with open("units/A-0001/idevid.pem") as chain, open("above.pem", "w") as above:
            above.write(chain.read().split("-----END CERTIFICATE-----\n", 1)[1])
        self.registrar_chain = self.pem_chain(self.setting("home/registrar.conf", "tls-certificates"))
        self.start()

    def configure(self):
        with open("home/registrar.conf", "a") as conf:
            conf.write("[manufacturer \"Acme\"]\nanchors = %s/acme/root-ca.pem\nmasa-url = localhost:1\n" % self.folder)
        with open("home/policy.conf", "w") as policy:
            policy.write("[rule \"cameras\"]\nmatch.manufacturer = Acme\nrequire.owned = yes\n"
                         "require.assertion = proximity, verified\napprove = auto\nsegment = cameras\n")

    def setting(self, path, key):
        for line in open(path):
            if line.split("=")[0].strip() == key:
                value = line.split("=", 1)[1].strip()
                return os.path.join(os.path.dirname(path), value)

    def start(self):
        self.registrar = Side("berth-registrar", os.path.join(self.folder, "home/registrar.conf"))
        self.masa = Side("berth-masa", os.path.join(self.folder, "acme/masa/masa.conf"))
        manifests = ["units/" + name for name in sorted(os.listdir("units")) if name.endswith(".manifest")]
        for manifest in manifests + ["sale.manifest"]:
            berth("masa", "load", "--socket", self.setting("acme/masa/masa.conf", "admin-socket"), manifest)
        os.environ["BERTH_ADMIN_SOCKET"] = self.setting("home/registrar.conf", "admin-socket")
        berth("device", "import", "sale.manifest", "--manufacturer", "Acme")

    def make_key(self, name):
        run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", name + ".key")

    def pem_chain(self, path):
        text = open(path).read().split("-----BEGIN CERTIFICATE-----")[1:]
        return [base64.b64decode(part.split("-----END")[0]) for part in text]

    def pvr(self, serial, signer=None, certificate=None, proximity=None):
        """A voucher-request for serial, signed with the key of signer."""
        signer = signer or serial
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        content = json.dumps({"ietf-voucher-request:voucher": {
            "assertion": "proximity", "created-on": now, "serial-number": serial,
            "nonce": base64.b64encode(os.urandom(16)).decode(),
            "proximity-registrar-cert": base64.b64encode(proximity or self.registrar_chain[0]).decode()}})
        above = [] if certificate else ["-certfile", "above.pem"]
        return run("openssl", "cms", "-sign", "-binary", "-nodetach", "-nosmimecap", "-signer",
                   certificate or "units/%s/idevid.pem" % signer, *above, "-inkey", signer + ".key", "-econtent_type",
                   "1.2.840.113549.1.9.16.1.40", "-outform", "DER", data=content.encode())

    def csr(self, key, serial):
        der = run("openssl", "req", "-new", "-key", key + ".key", "-subj", "/serialNumber=" + serial, "-outform", "DER")
        return base64.b64encode(der)

    def end(self):
        statuses = [self.registrar.stop(), self.masa.stop()]
        logs = self.registrar.log() + self.masa.log()
        os.chdir("/")
        shutil.rmtree(self.folder)
        assert statuses == [[0, 0], [0, 0]], "%s\n%s" % (statuses, logs)
        assert "Sanitizer" not in logs and "runtime error" not in logs, logs


class Side:
    """Judge and signer of one daemon. We are two of its net processes, and the wire between judge and signer."""

    def __init__(self, program, config):
        self.program, self.config = os.path.join(PROGRAMS, program), config
        self.signer = Process(self.program, "signer", config)
        self.start_judge()
        self.next_id = 1000

    def start_judge(self):
        self.judge = Process(self.program, "judge", self.config)
        self.nets = []
        for index in range(2):
            ours, its = pair()
            self.judge.link(EDGE_NET, its, index)
            self.nets.append(ours)
        self.from_judge, its = pair()
        self.judge.link(EDGE_SIGNER, its)
        self.to_signer, its = pair()
        self.signer.link(EDGE_FROM_JUDGE, its)

    def stop(self):
        return [self.judge.stop(), self.signer.stop()]

    def log(self):
        return self.judge.log() + self.signer.log()

    def say(self, kind, fields=(), net=0, number=None, reply=False):
        if number is None:
            self.next_id += 1
            number = self.next_id
        self.nets[net].send(frame(kind, number, fields, reply))
        return number

    def request(self, path, body, chain, net=0, number=None, method=POST, media=VOUCHER_MEDIA, own=b"",
                address=b"192.0.2.1"):
        fields = [(METHOD, method), (PATH, path), (MEDIA_TYPE, media), (BODY, body)]
        fields += [(PEER_CERTIFICATE, der) for der in chain]
        fields += [(OWN_CERTIFICATE, own)] if own else []
        fields += [(VERSION, 0x0304), (CONNECTION, 7), (PEER_ADDRESS, address)]
        return self.say(REQUEST, fields, net, number)

    def asks_first(self, net=0):
        """Whom the judge speaks to next: "signer" or "net"; the signer where it speaks to both."""
        ready, _, _ = select.select([self.nets[net], self.from_judge], [], [], WAIT_S)
        assert ready, "the judge is silent\n" + self.log()
        return "signer" if self.from_judge in ready else "net"

    def hear(self, net=0):
        """What the judge says next, and to whom."""
        where = self.asks_first(net)
        return where, receive(self.from_judge if where == "signer" else self.nets[net])

    def sign(self, ask):
        """Carries what the judge asks to the real signer; the answer comes back unsent."""
        self.to_signer.send(ask.packet)
        return receive(self.to_signer)

    def serve(self, net=0, masa=None, asked=None):
        """Until the judge replies. What it asks meanwhile is noted in asked, and served where a masa is given."""
        asked = asked if asked is not None else []
        while True:
            where, got = self.hear(net)
            assert got, "the judge has ended\n" + self.log()
            if where == "signer":
                asked.append("sign")
                self.from_judge.send(self.sign(got).packet)
            elif got.kind == DIAL:
                asked.append("dial")
                assert masa, "a voucher request leaves\n" + self.log()
                masa.request(got.get(PATH), got.body, [], media=got.get(MEDIA_TYPE))
                answer = masa.serve()
                self.say(DIAL, [(STATUS, answer.status), (MEDIA_TYPE, answer.get(MEDIA_TYPE)), (RETRY_AFTER, -1),
                                (CLOSE, 0), (BODY, answer.body), (VERSION, 0x0304), (CONNECTION, 1), (ERR, 0)],
                         net, got.id, reply=True)
            else:
                return got


class TakenOver(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()

    @classmethod
    def tearDownClass(cls):
        cls.world.end()

    def setUp(self):
        self.registrar, self.masa = self.world.registrar, self.world.masa
        self.judge_pid = self.registrar.judge.process.pid

    def tearDown(self):
        self.assertEqual(self.registrar.judge.process.pid, self.judge_pid)
        self.assertTrue(self.registrar.judge.is_alive(), self.registrar.log())
        self.assertTrue(self.registrar.signer.is_alive(), self.registrar.log())
        self.serves()

    def serves(self, net=1):
        """The control after each lie: an honest net process is answered."""
        self.registrar.request(b"/.well-known/est/cacerts", b"", [], net, method=GET, media=b"")
        self.assertEqual(self.registrar.serve(net).status, 200)

    def issued(self):
        path = os.path.join(self.world.folder, "home")
        return sum(len(open(os.path.join(at, name)).readlines()) for at, _, names in os.walk(path)
                   for name in names if name.startswith("issu") and name.endswith(".log"))

    def refused(self, status, rule, reply, asked):
        self.assertEqual(reply.status, status, reply.body)
        self.assertIn(rule.encode(), reply.body)
        self.assertEqual(asked, [], "somebody was asked")

    def onboard(self, serial):
        chain = self.world.chains[serial]
        self.registrar.request(REQUEST_VOUCHER, self.world.pvr(serial), chain)
        reply = self.registrar.serve(masa=self.masa)
        self.assertEqual(reply.status, 200, reply.body)
        self.registrar.request(b"/.well-known/brski/voucher_status", b'{"version":1,"status":true}', chain,
                               media=b"application/json")
        self.assertEqual(self.registrar.serve(masa=self.masa).status, 200)

    def enrol(self, serial, key, asked):
        self.registrar.request(b"/.well-known/est/simpleenroll", self.world.csr(key, serial),
                               self.world.chains[serial], media=b"application/pkcs10")
        return self.registrar.serve(asked=asked)

    # ---- the control: an honest net process ----

    def test_an_honest_net_process_onboards_a_device(self):
        before = self.issued()
        self.onboard("A-0001")
        asked = []
        self.world.make_key("ldevid")
        self.assertEqual(self.enrol("A-0001", "ldevid", asked).status, 200)
        self.assertEqual(asked, ["sign"])
        self.assertEqual(self.issued(), before + 1)
        # The permission is for the first key: what this net process makes up later gets nothing.
        self.world.make_key("thief")
        asked = []
        self.refused(403, "enrol-other-key", self.enrol("A-0001", "thief", asked), asked)
        self.assertEqual(self.issued(), before + 1)

    # ---- lies about the TLS peer ----

    def test_another_devices_chain_does_not_fit_a_request_it_did_not_sign(self):
        asked = []
        self.registrar.request(REQUEST_VOUCHER, self.world.pvr("A-0003"), self.world.chains["A-0002"])
        self.refused(404, "rfc8995-5.3-signer-mismatch", self.registrar.serve(asked=asked), asked)

    def test_a_request_signed_by_the_net_process_itself_is_nobodys(self):
        self.world.make_key("thief")
        run("openssl", "req", "-x509", "-key", "thief.key", "-subj", "/serialNumber=A-0002", "-days", "2", "-out",
            "thief.pem")
        forged = self.world.pvr("A-0002", "thief", "thief.pem")
        for chain in (self.world.chains["A-0002"], self.world.pem_chain("thief.pem")):
            asked = []
            self.registrar.request(REQUEST_VOUCHER, forged, chain)
            reply = self.registrar.serve(asked=asked)
            self.assertEqual((reply.status, asked), (404, []), reply.body)

    def test_our_own_certificate_is_no_devices(self):
        for body in (self.world.pvr("A-0002"), b"", b"\x30\x80"):
            asked = []
            self.registrar.request(REQUEST_VOUCHER, body, self.world.registrar_chain)
            reply = self.registrar.serve(asked=asked)
            self.assertIn(reply.status, (400, 401, 403, 404), reply.body)
            self.assertEqual(asked, [])

    def test_which_certificate_we_showed_is_not_the_net_processes_to_say(self):
        self.world.make_key("thief")
        run("openssl", "req", "-x509", "-key", "thief.key", "-subj", "/CN=localhost", "-days", "2", "-out", "other.pem")
        other = self.world.pem_chain("other.pem")[0]
        asked = []
        self.registrar.request(REQUEST_VOUCHER, self.world.pvr("A-0002", proximity=other),
                               self.world.chains["A-0002"], own=other)
        self.refused(401, "rfc8995-5.3-proximity-mismatch", self.registrar.serve(asked=asked), asked)

    def test_a_chain_alone_enrols_nobody(self):
        before = self.issued()
        self.world.make_key("thief")
        asked = []
        reply = self.enrol("A-0002", "thief", asked)
        self.assertEqual((reply.status, asked), (403, []), reply.body)
        self.assertEqual(self.issued(), before)

    # ---- lies about the MASA ----

    def ask_masa(self):
        """A-0003's honest request up to the dial; its number, the judge's number for the dial."""
        number = self.registrar.request(REQUEST_VOUCHER, self.world.pvr("A-0003"), self.world.chains["A-0003"])
        where, ask = self.registrar.hear()
        self.assertEqual((where, ask.kind), ("signer", SIGN))
        self.registrar.from_judge.send(self.registrar.sign(ask).packet)
        where, ask = self.registrar.hear()
        self.assertEqual((where, ask.kind), ("net", DIAL))
        return number, ask

    def dialled(self, number, body, net=0, media=VOUCHER_MEDIA):
        self.registrar.say(DIAL, [(STATUS, 200), (MEDIA_TYPE, media), (RETRY_AFTER, -1), (CLOSE, 0), (BODY, body),
                                  (VERSION, 0x0304), (CONNECTION, 1), (ERR, 0)], net, number, reply=True)

    def said(self, ask):
        rvr = run("openssl", "cms", "-verify", "-noverify", "-inform", "DER", "-binary", data=ask.body)
        return json.loads(rvr)["ietf-voucher-request:voucher"]

    def forged_voucher(self, ask):
        """Right in every member, signed by nobody the manufacturer knows."""
        said = self.said(ask)
        self.world.make_key("thief")
        run("openssl", "req", "-x509", "-key", "thief.key", "-subj", "/CN=Acme MASA", "-days", "2", "-out", "thief.pem")
        content = {"ietf-voucher:voucher": {
            "created-on": said["created-on"], "assertion": "verified", "serial-number": said["serial-number"],
            "nonce": said["nonce"],
            "pinned-domain-cert": base64.b64encode(self.world.registrar_chain[0]).decode()}}
        return run("openssl", "cms", "-sign", "-binary", "-nodetach", "-nosmimecap", "-signer", "thief.pem", "-inkey",
                   "thief.key", "-econtent_type", "1.2.840.113549.1.9.16.1.40", "-outform", "DER",
                   data=json.dumps(content).encode())

    def forged_log(self, ask):
        """What a clean audit log would say after that voucher."""
        said = self.said(ask)
        ski = run("openssl", "x509", "-inform", "DER", "-noout", "-ext", "subjectKeyIdentifier",
                  data=self.world.registrar_chain[0]).decode().split("\n")[1]
        domain = base64.b64encode(bytes.fromhex(ski.strip().replace(":", ""))).decode()
        return json.dumps({"version": 1, "truncation": {}, "events": [
            {"date": said["created-on"], "domainID": domain, "nonce": said["nonce"],
             "assertion": "verified"}]}).encode()

    def test_a_voucher_that_the_manufacturer_did_not_sign_permits_no_enrolment(self):
        before = self.issued()
        _, ask = self.ask_masa()
        log = self.forged_log(ask)
        self.dialled(ask.id, self.forged_voucher(ask))
        reply = self.registrar.serve()
        # A registrar may pass on what it cannot verify: the device will refuse it. It must not count on it.
        self.assertIn(reply.status, (200, 502))
        self.registrar.request(b"/.well-known/brski/voucher_status", b'{"version":1,"status":true}',
                               self.world.chains["A-0003"], media=b"application/json")
        where, ask = self.registrar.hear()
        while ask.kind == DIAL:
            self.dialled(ask.id, log, media=b"application/json")
            where, ask = self.registrar.hear()
        self.assertEqual(where, "net")
        asked = []
        reply = self.enrol("A-0003", "thief", asked)
        self.assertEqual((reply.status, asked), (403, []), reply.body)
        self.assertEqual(self.issued(), before)

    def test_replies_to_dials_never_asked_change_nothing(self):
        number, ask = self.ask_masa()
        forged = self.forged_voucher(ask)
        for other in (0, 1, ask.id + 1, ask.id - 1, 2**63 - 1):
            self.dialled(other, forged)
            self.dialled(other, forged, net=1)
        # The right number, from a net process that was not asked.
        self.dialled(ask.id, forged, net=1)
        self.serves()
        self.dialled(ask.id, b"refused", media=b"text/plain")
        reply = self.registrar.serve()
        self.assertEqual((reply.id, reply.status), (number, 502), reply.body)

    # ---- what is no frame ----

    def test_garbage_is_dropped_with_a_line_and_a_limit(self):
        chance = random.Random(SEED)
        good = frame(REQUEST, 5, [(METHOD, POST), (PATH, REQUEST_VOUCHER), (MEDIA_TYPE, VOUCHER_MEDIA), (BODY, b"x"),
                                  (VERSION, 0x0304), (CONNECTION, 7)])
        packets = [good[:n] for n in range(1, len(good))]
        packets += [bytes(chance.randrange(256) for _ in range(chance.randrange(1, 400))) for _ in range(FEW or 400)]
        for _ in range(FEW or 400):
            spoilt = bytearray(good)
            spoilt[chance.randrange(len(spoilt))] ^= 1 << chance.randrange(8)
            packets.append(bytes(spoilt))
        packets += [frame(kind, 5, [], reply) for kind in range(0, 9) for reply in (False, True)]
        packets += [frame(SIGN, 5, [(OP, 1), (PAYLOAD, b"x")]), frame(LINK, 5, [(EDGE, 4), (INDEX, 0)]),
                    good + good, good + b"\0", good[:4] + b"\xff" * 8 + good[12:]]
        before = len(self.registrar.judge.lines)
        cpu = self.registrar.judge.cpu_s()
        for packet in packets:
            self.registrar.nets[0].send(packet)
            self.drain_replies()
        self.serves()
        self.settle()
        lines = self.registrar.judge.lines[before:]
        self.assertTrue(any("event=ipc.bad" in line for line in lines), "seed %d" % SEED)
        self.assertLess(len(lines), 200, "seed %d: the log is not limited" % SEED)
        if not WRAPPER:
            self.assertLess(self.registrar.judge.cpu_s() - cpu, 5.0)

    def drain_replies(self):
        """Whatever is a request by chance is answered, and never asks anybody for anything."""
        self.registrar.nets[0].setblocking(False)
        try:
            while True:
                got = receive(self.registrar.nets[0])
                self.assertTrue(got is not None and got.kind == REQUEST and got.is_reply)
                self.assertGreaterEqual(got.status, 400)
        except BlockingIOError:
            pass
        finally:
            self.registrar.nets[0].settimeout(WAIT_S)

    def settle(self):
        """A slow judge still has replies under way: what is asked last is answered last."""
        last = (1 << 40) + self.registrar.next_id
        self.registrar.request(b"/.well-known/est/cacerts", b"", [], method=GET, media=b"", number=last)
        while receive(self.registrar.nets[0]).id != last:
            pass

    def test_oversize_packets_are_dropped(self):
        for size in (FRAME_MAX + 1, FRAME_MAX + 4096):
            try:
                self.registrar.nets[0].send(b"\x01\x00\x00\x01" + b"\0" * size)
            except OSError:
                pass  # the kernel refused it
        self.serves(0)

    def test_lies_about_numbers_and_names_stay_lies(self):
        for fields in ([(METHOD, 99), (PATH, b"/x"), (VERSION, 1), (CONNECTION, 1)],
                       [(METHOD, POST), (PATH, b"x"), (VERSION, 1), (CONNECTION, 1)],
                       [(METHOD, POST), (PATH, b"/x"), (VERSION, 70000), (CONNECTION, 1)],
                       [(METHOD, POST), (PATH, b"/x"), (EXPORTER, b"x" * 31), (VERSION, 1), (CONNECTION, 1)],
                       [(METHOD, POST), (PATH, b"/x")] + [(PEER_CERTIFICATE, b"x")] * 50 +
                       [(VERSION, 1), (CONNECTION, 1)]):
            self.registrar.say(REQUEST, fields)
        self.registrar.request(REQUEST_VOUCHER, self.world.pvr("A-0002"), [b"\x30\x03\x02\x01\x01"] * 3)
        self.assertGreaterEqual(self.registrar.serve().status, 400)
        # An address that would close a string in the log or the store.
        for address in (b'","x":"', b"\n event=x", b"\xff\xfe\0", b"%s%n"):
            number = self.registrar.request(REQUEST_VOUCHER, self.world.pvr("A-0002"), self.world.chains["A-0003"],
                                            address=address)
            self.assertEqual(self.registrar.serve().id, number)
        self.assertNotIn("\n event=x", self.registrar.log())
        berth("audit", "verify")

    def test_a_flood_of_numbers_holds_nobody_up(self):
        memory = self.registrar.judge.memory_kib()
        fields = [(METHOD, POST), (PATH, REQUEST_VOUCHER), (MEDIA_TYPE, VOUCHER_MEDIA), (BODY, b"\x30\x00" * 500),
                  (VERSION, 0x0304), (CONNECTION, 7)]
        fields += [(PEER_CERTIFICATE, der) for der in self.world.chains["A-0002"]]
        for i in range(FEW or 3000):
            self.registrar.nets[0].send(frame(REQUEST, i % 7, fields))
            self.registrar.nets[0].send(frame(GONE, i))
            self.drain_replies()
        self.serves()
        self.settle()
        self.assertLess(self.registrar.judge.memory_kib() - memory, 64 << 10)
        berth("device", "list")

    def test_a_net_process_that_reads_nothing_fills_no_memory(self):
        memory = self.registrar.judge.memory_kib()
        big = [(METHOD, GET), (PATH, b"/.well-known/est/cacerts"), (VERSION, 0x0304), (CONNECTION, 7)]
        self.registrar.nets[0].setblocking(False)
        sent = 0
        for _ in range(FEW or 30000):
            try:
                self.registrar.nets[0].send(frame(REQUEST, 1, big))
                sent += 1
            except BlockingIOError:
                self.serves()
        self.registrar.nets[0].settimeout(WAIT_S)
        self.serves()
        grown = self.registrar.judge.memory_kib() - memory
        self.drain_replies_of_any_status()
        self.settle()
        self.assertLess(grown, 64 << 10, "after %d requests" % sent)

    def drain_replies_of_any_status(self):
        self.registrar.nets[0].settimeout(0.3)
        try:
            while receive(self.registrar.nets[0]):
                pass
        except TimeoutError:
            pass
        self.registrar.nets[0].settimeout(WAIT_S)


class AuditFirst(unittest.TestCase):
    """What cannot be recorded does not happen: the judge's files are closed to it at the very step."""

    def setUp(self):
        self.world = World()

    def tearDown(self):
        self.world.end()

    def close_files(self, judge):
        """From now on no byte of a file can be written, so the next commit cannot succeed."""
        resource.prlimit(judge.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    def open_files(self, judge):
        resource.prlimit(judge.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)

    def signed_request(self):
        """The RVR of the real registrar for A-0001: what a MASA is asked."""
        side = self.world.registrar
        side.request(REQUEST_VOUCHER, self.world.pvr("A-0001"), self.world.chains["A-0001"])
        _, ask = side.hear()
        side.from_judge.send(side.sign(ask).packet)
        _, ask = side.hear()
        assert ask.kind == DIAL, side.log()
        return ask

    def batch_ends(self, side):
        """What a judge asks leaves at the end of a batch: what it answers after that, it answers in a later one."""
        number = side.request(b"/nowhere", b"", [], net=1, method=GET, media=b"")
        got = receive(side.nets[1])
        self.assertEqual((got.id, got.status), (number, 404), side.log())

    def nothing_left(self, side):
        """What comes out is that the service cannot keep its records."""
        got = receive(side.nets[0])
        self.assertIsNotNone(got, "the judge has ended\n" + side.log())
        self.assertEqual(got.status, 503, "it left before its record was written")

    def test_audit_record_precedes_the_voucher(self):
        masa = self.world.masa
        dial = self.signed_request()
        masa.request(dial.get(PATH), dial.body, [])
        where, ask = masa.hear()
        self.assertEqual((where, ask.kind), ("signer", SIGN))
        signed = masa.sign(ask)
        self.assertTrue(signed.get(OBJECT))
        # The intent is on the disk, so what cannot be written from now on is the voucher's record and nothing before it.
        self.batch_ends(masa)
        self.close_files(masa.judge)
        masa.from_judge.send(signed.packet)
        self.nothing_left(masa)
        self.open_files(masa.judge)
        # The control: the same bytes again, now that it can be recorded.
        masa.request(dial.get(PATH), dial.body, [])
        reply = masa.serve()
        self.assertEqual(reply.status, 200, reply.body)

    def test_intent_precedes_the_signature(self):
        masa = self.world.masa
        dial = self.signed_request()
        self.close_files(masa.judge)
        masa.request(dial.get(PATH), dial.body, [])
        self.assertEqual(masa.asks_first(), "net", "the signer was asked before the intent was written")
        self.nothing_left(masa)
        self.open_files(masa.judge)
        masa.request(dial.get(PATH), dial.body, [])
        self.assertEqual(masa.serve().status, 200)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
