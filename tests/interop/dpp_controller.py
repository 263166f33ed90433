#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""berth-registrar as DPP Controller, judged by Debian's wpa_supplicant and hostapd: devices are added by their code, approved, and
configured over TCP, with and without a stock access point between; each with its refusal.
Runs itself in a network namespace of its own."""
import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from stock_dpp import Failed, access_point, free_port, supplicant  # noqa: E402

PROGRAMS = os.environ["BERTH_PROGRAMS"]
RUN_S = 20
POLICY = """[rule "sensors"]
match.client = dpp
match.model = sensor
approve = auto
segment = sensors
dpp.ssid = net-x
dpp.lifetime = 30d

[rule "cameras"]
match.client = dpp
match.model = cam
segment = cameras
dpp.ssid = net-x
dpp.groups = cameras, lobby

[rule "mutual"]
match.client = dpp
match.model = lock
approve = auto
dpp.ssid = net-x
require.mutual = yes

[rule "by password"]
match.client = dpp
match.model = bulb
approve = auto
dpp.ssid = net-x
dpp.akm = dpp+psk+sae
dpp.password-file = net-x.pass

[rule "by a password of its own"]
match.client = dpp
match.model = plug
approve = auto
dpp.ssid = net-x
dpp.akm = psk
dpp.password-file = net-x.seed
dpp.password = device
dpp.ap-tells-devices-apart = yes

[rule "by certificate"]
match.client = dpp
match.model = meter
approve = auto
dpp.ssid = net-x
dpp.akm = dot1x
dpp.eap-server = radius.example

[rule "never"]
match.client = dpp
match.model = toy
deny = yes
"""


PASSWORD = "correct horse battery"
SEED = "0123456789abcdef-canary"


def private(path, flags):
    return os.open(path, flags, 0o600)


def expect(condition, what):
    if not condition:
        raise Failed(what)


class Registrar:
    def __init__(self, folder):
        self.home = os.path.join(folder, "home")
        self.env = dict(os.environ, BERTH_ADMIN_SOCKET=os.path.join(self.home, "admin.sock"))
        self.berth("registrar", "init", "--dir", self.home, "--name", "Example Home", "--host", "localhost",
                   "--listen", "127.0.0.1:0")
        self.berth("dpp", "init", "--dir", self.home)
        conf = os.path.join(self.home, "registrar.conf")
        with open(conf, encoding="ascii") as f:
            text = f.read()
        with open(conf, "w", encoding="ascii") as f:
            f.write(text.replace("[registrar]\n", "[registrar]\nest-clients = device, dpp\n"))
        with open(os.path.join(self.home, "policy.conf"), "w", encoding="ascii") as f:
            f.write(POLICY)
        for name, text in (("net-x.pass", PASSWORD + "\n"), ("net-x.seed", SEED)):
            with open(os.path.join(self.home, name), "w", encoding="ascii", opener=private) as f:
                f.write(text)
        self.start()

    def start(self):
        with open(os.path.join(self.home, "log"), "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [os.path.join(PROGRAMS, "berth-registrar"), "--config", os.path.join(self.home, "registrar.conf")],
                stderr=log, stdin=subprocess.DEVNULL)
        port = os.path.join(self.home, "port")
        end = time.monotonic() + RUN_S
        while not (os.path.exists(port) and os.path.getsize(port)):
            if time.monotonic() > end or self.process.poll() is not None:
                raise Failed("the registrar does not start: " + self.log())
            time.sleep(0.02)
        while self.berth("dpp", "show", check=False).returncode != 0:
            if time.monotonic() > end:
                raise Failed("the Controller has no keys: " + self.log())
            time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def log(self):
        with open(os.path.join(self.home, "log"), encoding="utf-8") as f:
            return f.read()

    def berth(self, *words, check=True, text=None):
        done = subprocess.run([os.path.join(PROGRAMS, "berth"), *words], env=self.env, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=RUN_S, check=False, input=text)
        if check and done.returncode != 0:
            raise Failed("berth %s: %d %s" % (" ".join(words), done.returncode, done.stderr))
        return done

    def ask(self, *words, text=None):
        return json.loads(self.berth(*words, "--json", text=text).stdout)

    def add(self, uri, model):
        return self.ask("device", "add", "-", "--model", model, text=uri + "\n")["id"]

    def metric(self, name):
        text = subprocess.run(["curl", "-s", "--unix-socket", os.path.join(self.home, "admin.sock"), "http://localhost/metrics"],
                              stdout=subprocess.PIPE, text=True, timeout=RUN_S, check=True).stdout
        return int(re.search("^berth_registrar_dpp_%s ([0-9]+)$" % re.escape(name), text, re.M)[1])

    def device(self, name):
        return self.ask("device", "show", name)

    def wait_state(self, name, state):
        end = time.monotonic() + RUN_S
        while self.device(name)["state"] != state:
            if time.monotonic() > end:
                raise Failed("%s is %s, not %s: %s" % (name, self.device(name)["state"], state, self.log()[-1500:]))
            time.sleep(0.05)


class Relay:
    """A stock access point without a radio: what would come by air is put in over its control socket, what would leave by air is
    read from its log."""
    AIR = bytes.fromhex("04")

    def __init__(self, stock):
        self.stock = stock
        stock.ask("SET ext_mgmt_frame_handling 1")

    def inject(self, body, source):
        frame = bytes.fromhex("d0000000") + b"\xff" * 6 + source + b"\xff" * 6 + b"\0\0" + self.AIR + body
        self.stock.ask("MGMT_RX_PROCESS freq=2437 datarate=0 ssi_signal=-30 frame=" + frame.hex())


def chirp_of(device):
    return bytes.fromhex("09506f9a1a010d02102000" + device["chirp-hash"])


def tcp(body=None):
    s = socket.create_connection(("127.0.0.1", 8908), timeout=RUN_S)
    if body is not None:
        s.sendall(len(body).to_bytes(4, "big") + body)
    return s


def receive(s):
    """A body, or None when the other closes."""
    head = b""
    while len(head) < 4:
        part = s.recv(4 - len(head))
        if not part:
            return None
        head += part
    body = b""
    while len(body) < int.from_bytes(head, "big"):
        part = s.recv(65536)
        if not part:
            return None
        body += part
    return body


def new_code(stock, curve=None):
    key = stock.ask("DPP_BOOTSTRAP_GEN type=qrcode" + ("" if curve is None else " curve=" + curve))
    return key, stock.ask("DPP_BOOTSTRAP_GET_URI " + key)


def onboard(w, key):
    """Their enrollee begins, with its own key; what it received."""
    stock = w["sta"]
    start = len(stock.control.seen)
    peer = stock.ask("DPP_QR_CODE " + w["registrar"].ask("dpp", "show")["uri"])
    stock.ask("DPP_AUTH_INIT peer=%s own=%s role=enrollee tcp_addr=127.0.0.1 tcp_port=8908 neg_freq=2412" % (peer, key))
    return start


def received(stock, start):
    stock.control.wait("DPP-CONF-RECEIVED", start=start)
    stock.control.wait("DPP-NET-ACCESS-KEY", start=start)
    return {e.split(" ")[0]: e.partition(" ")[2] for e in stock.control.seen[start:]}


def payload_of(connector):
    part = connector.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def case_01_a_device_of_the_policy_is_configured(w):
    key, uri = new_code(w["sta"])
    name = w["registrar"].add(uri, "sensor")
    got = received(w["sta"], onboard(w, key))
    expect(got["DPP-CONFOBJ-AKM"] == "dpp" and got["DPP-CONFOBJ-SSID"] == "net-x", got)
    payload = payload_of(got["DPP-CONNECTOR"])
    expect(payload["groups"] == [{"groupId": "sensors", "netRole": "sta"}], payload)
    expect(payload["expiry"] > "2026", payload)
    expect("DPP-PP-KEY" in got, got)
    w["registrar"].wait_state(name, "enrolled")
    w["sensor"] = name


# req: dpp-controller-known
def case_02_an_unknown_device_is_not_answered(w):
    key, uri = new_code(w["sta"])
    start = onboard(w, key)
    expect_silence(w, start)
    unknown = w["registrar"].ask("dpp", "show")["unknown"]
    expect(len(unknown) == 1 and unknown[0]["from"].endswith("127.0.0.1"), unknown)
    expect(w["registrar"].metric('total{what="unknown"}') == 1 and w["registrar"].metric("sessions") == 0, "counted")
    # the same device, once it is added: nothing else has changed
    w["registrar"].add(uri, "sensor")
    received(w["sta"], onboard(w, key))


def expect_silence(w, start):
    try:
        w["sta"].control.wait("DPP-AUTH-SUCCESS", 1, start)
    except Failed:
        return
    raise Failed("it was authenticated")


# req: dpp-controller-approved
def case_03_an_operator_decides_before_anything_is_answered(w):
    key, uri = new_code(w["sta"])
    name = w["registrar"].add(uri, "cam")
    start = onboard(w, key)
    expect_silence(w, start)
    w["registrar"].wait_state(name, "pending")
    w["registrar"].berth("device", "approve", name)
    payload = payload_of(received(w["sta"], onboard(w, key))["DPP-CONNECTOR"])
    expect([g["groupId"] for g in payload["groups"]] == ["cameras", "lobby"], payload)
    expect("expiry" not in payload, payload)


def case_04_a_denied_kind_and_a_revoked_device_are_refused(w):
    key, uri = new_code(w["sta"])
    name = w["registrar"].add(uri, "toy")
    expect_silence(w, onboard(w, key))
    explained = json.dumps(w["registrar"].ask("device", "explain", name))
    expect("policy-denied" in explained, explained)
    key, uri = new_code(w["sta"])
    name = w["registrar"].add(uri, "sensor")
    received(w["sta"], onboard(w, key))
    w["registrar"].berth("device", "revoke", name)
    expect_silence(w, onboard(w, key))
    w["registrar"].berth("device", "approve", name)
    received(w["sta"], onboard(w, key))


def case_05_devices_on_other_curves(w):
    for curve in ("secp384r1", "secp521r1", "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1"):
        key, uri = new_code(w["sta"], curve)
        name = w["registrar"].add(uri, "sensor")
        start = len(w["sta"].control.seen)
        # ours begins, when it hears the device: theirs listens through the relay's part, here played by TCP
        s = tcp(chirp_of(w["registrar"].ask("device", "show", name) | {"chirp-hash": chirp_hash(uri)}))
        request = receive(s)
        s.close()
        expect(request is not None and request[6] == 0, request)
        expect(len(w["sta"].control.seen) >= start, "events")


def chirp_hash(uri):
    import hashlib
    spki = base64.b64decode(re.search("K:([^;]+)", uri).group(1))
    return hashlib.sha256(b"chirp" + spki).hexdigest()


# req: dpp-controller-identical
def case_06_a_second_connection_gets_the_identical_request(w):
    _, uri = new_code(w["sta"])
    w["registrar"].add(uri, "sensor")
    body = bytes.fromhex("09506f9a1a010d02102000" + chirp_hash(uri))
    first, second = tcp(body), tcp(body)
    one, two = receive(first), receive(second)
    expect(one is not None and one == two, (one, two))
    first.close()
    second.close()


def case_07_through_a_stock_relay(w):
    """hostapd relays what is put in as if it came by air; the Controller answers, and hostapd would send it."""
    _, uri = new_code(w["sta"])
    w["registrar"].add(uri, "sensor")
    source = bytes.fromhex("020000000100")
    w["relay"].inject(bytes.fromhex("09506f9a1a010d02102000" + chirp_hash(uri)), source)
    end = time.monotonic() + RUN_S
    pattern = re.compile(r"Send action frame dst=02:00:00:00:01:00")
    while True:
        with open(w["relay"].stock.log, encoding="utf-8", errors="replace") as f:
            if pattern.search(f.read()):
                return
        if time.monotonic() > end:
            raise Failed("the relay was not given an answer")
        time.sleep(0.05)


def case_08_what_is_not_dpp_or_of_no_session_is_cut(w):
    for body in (b"\x0e\0", bytes.fromhex("09506f9a1a020d"), bytes.fromhex("09506f9a1a0101"),
                 bytes.fromhex("09506f9a1a010b"), bytes.fromhex("0a006c087fdd05506f9a1a010000"),
                 bytes.fromhex("09506f9a1a010d02102000") + b"\0" * 31, b"GET / HTTP/1.1\r\n\r\n"):
        s = tcp(body)
        expect(receive(s) is None, body.hex())
        s.close()


def case_09_mutual_is_required_and_given(w):
    stock = w["sta"]
    key, uri = new_code(stock)
    name = w["registrar"].add(uri, "lock")
    got = received(stock, onboard(w, key))
    expect(got["DPP-AUTH-DIRECTION"] == "mutual=1", got)
    w["registrar"].wait_state(name, "enrolled")
    # as responder, knowing nothing of the Controller, it may not come on: nobody proved the network to it
    _, uri = new_code(stock)
    w["registrar"].add(uri, "lock")
    s = tcp(bytes.fromhex("09506f9a1a010d02102000" + chirp_hash(uri)))
    expect(receive(s)[6] == 0, "a request")
    s.close()


def case_10_it_remembers_over_a_restart(w):
    key, uri = new_code(w["sta"])
    w["registrar"].add(uri, "sensor")
    before = w["registrar"].ask("dpp", "show")["key-hash"]
    w["registrar"].stop()
    w["registrar"].start()
    expect(w["registrar"].ask("dpp", "show")["key-hash"] == before, "another key")
    received(w["sta"], onboard(w, key))


def case_11_a_code_is_added_once_and_a_bad_one_not_at_all(w):
    _, uri = new_code(w["sta"])
    w["registrar"].add(uri, "sensor")
    again = w["registrar"].berth("device", "add", uri, check=False)
    expect(again.returncode == 1 and "is here already" in again.stderr, again.stderr)
    bad = w["registrar"].berth("device", "add", uri.replace("DPP:", "DPQ:"), check=False)
    expect(bad.returncode != 0 and "dpp-uri-scheme" in bad.stderr, bad.stderr)
    noted = w["registrar"].berth("device", "add", new_code(w["sta"])[1][:-1])
    expect("dpp-uri-lint-end" in noted.stderr, noted.stderr)


def case_12_nothing_secret_is_told(w):
    with open(w["sta"].log, encoding="utf-8", errors="replace") as f:
        keys = re.findall(r"DPP: ke - hexdump\(len=32\): ([0-9a-f ]+)", f.read())
    audit = w["registrar"].berth("audit", "verify")
    expect("holds" in audit.stdout or audit.returncode == 0, audit.stdout)
    for k in keys:
        expect(k.replace(" ", "") not in w["registrar"].log(), "ke in the log")


def case_13_by_the_networks_password(w):
    key, uri = new_code(w["sta"])
    w["registrar"].add(uri, "bulb")
    got = received(w["sta"], onboard(w, key))
    expect(got["DPP-CONFOBJ-AKM"] == "dpp+psk+sae", got)
    expect(bytes.fromhex(got["DPP-CONFOBJ-PASS"]).decode() == PASSWORD, got)
    expect(payload_of(got["DPP-CONNECTOR"])["groups"][0]["groupId"] == "*", got)


def case_14_by_a_password_of_its_own(w):
    given = []
    for _ in range(2):
        key, uri = new_code(w["sta"])
        w["registrar"].add(uri, "plug")
        for _ in range(2):  # the same again, whenever it comes
            got = received(w["sta"], onboard(w, key))
            expect(got["DPP-CONFOBJ-AKM"] == "psk", got)
            given.append(bytes.fromhex(got["DPP-CONFOBJ-PASS"]).decode())
    expect(given[0] == given[1] and given[2] == given[3] and given[0] != given[2] and len(given[0]) == 20, given)
    for name in os.listdir(w["registrar"].home):
        path = os.path.join(w["registrar"].home, name)
        if os.path.isfile(path) and name not in ("net-x.pass", "net-x.seed"):
            with open(path, "rb") as f:
                text = f.read()
            for secret in given + [SEED, PASSWORD]:
                expect(secret.encode() not in text, "a password stands in " + name)


def case_15_by_a_certificate_issued_on_the_way(w):
    stock = w["sta"]
    key, uri = new_code(stock)
    name = w["registrar"].add(uri, "meter")
    start = onboard(w, key)
    begun = time.monotonic()
    got = received(stock, start)
    took = time.monotonic() - begun
    stock.control.wait("DPP-CERTBAG", start=start)
    stock.control.wait("DPP-SERVER-NAME", start=start)
    got = {e.split(" ")[0]: e.partition(" ")[2] for e in stock.control.seen[start:]}
    expect(got["DPP-CONFOBJ-AKM"] == "dot1x" and got["DPP-SERVER-NAME"] == "radius.example", got)
    expect(took < 2, "it took %.1f s" % took)
    # openssl judges: the certificate is this device's, and chains to the CA that it was told
    folder = w["registrar"].home
    for event, file in (("DPP-CERTBAG", "bag.b64"), ("DPP-CACERT", "ca.b64")):
        with open(os.path.join(folder, file), "w", encoding="ascii") as f:
            f.write(got[event])
    openssl(folder, "base64 -d -A -in bag.b64 -out bag.der")
    openssl(folder, "base64 -d -A -in ca.b64 -out ca.der")
    openssl(folder, "pkcs7 -inform DER -in bag.der -print_certs -out bag.pem")
    openssl(folder, "x509 -inform DER -in ca.der -out ca.pem")
    with open(os.path.join(folder, "bag.pem"), encoding="ascii") as f:
        bag = ["-----BEGIN" + x for x in f.read().split("-----BEGIN")[1:]]  # a SET: in any order
    for i, text in enumerate(bag):
        with open(os.path.join(folder, "bag-%d.pem" % i), "w", encoding="ascii") as f:
            f.write(text)
    own = [i for i in range(len(bag)) if name in openssl(folder, "x509 -in bag-%d.pem -noout -subject" % i)]
    expect(len(bag) == 2 and len(own) == 1, (name, bag))
    done = openssl(folder, "verify -purpose sslclient -CAfile ca.pem -untrusted bag.pem bag-%d.pem" % own[0])
    expect(": OK" in done, done)
    shown = w["registrar"].ask("device", "show", name)
    expect(shown["state"] == "enrolled" and len(shown["certificates"]) == 1, shown)
    # and it is renewed by EST with itself, as any other; a device that is revoked is not
    with open(os.path.join(folder, "own.der"), "wb") as f:
        f.write(bytes.fromhex(got["DPP-NET-ACCESS-KEY"].split(" ")[0]))
    openssl(folder, "ec -inform DER -in own.der -out own.key")
    openssl(folder, "x509 -x509toreq -in bag-%d.pem -signkey own.key -out own.csr" % own[0])
    openssl(folder, "req -in own.csr -outform DER -out own.csr.der")
    openssl(folder, "base64 -in own.csr.der -out own.csr.b64")
    expect(renewal(folder, own[0]) == "200", w["registrar"].log()[-2000:])
    expect(len(w["registrar"].device(name)["certificates"]) == 2, name)
    w["registrar"].berth("device", "revoke", name)
    expect(renewal(folder, own[0]) == "403", "a revoked device is renewed")


def renewal(folder, number):
    """The status of simplereenroll with that certificate."""
    with open(os.path.join(folder, "port"), encoding="ascii") as f:
        port = f.read().strip()
    return subprocess.run(
        ["curl", "-s", "-o", "renewed", "-w", "%{http_code}", "--cacert", "domain-ca.pem", "--cert", "bag-%d.pem" % number, "--key",
         "own.key", "-H", "Content-Type: application/pkcs10", "--data-binary", "@own.csr.b64",
         "https://localhost:%s/.well-known/est/simplereenroll" % port],
        cwd=folder, stdout=subprocess.PIPE, text=True, timeout=RUN_S, check=False).stdout


def case_16_for_a_time_known_devices_need_no_approval(w):
    registrar = w["registrar"]
    key, uri = new_code(w["sta"])
    name = registrar.add(uri, "cam")
    toy, toy_uri = new_code(w["sta"])
    registrar.add(toy_uri, "toy")
    command = subprocess.Popen([os.path.join(PROGRAMS, "berth"), "dpp", "permit-join", "--for", "60s"], env=registrar.env,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        expect("for 60 s" in command.stdout.readline(), "the window")
        expect("0 joined" in command.stdout.readline(), "nobody yet")
        received(w["sta"], onboard(w, key))
        expect("1 joined" in command.stdout.readline(), "who joined")
        expect_silence(w, onboard(w, toy))  # what is denied stays denied
        command.send_signal(signal.SIGINT)
        expect("Over: 1 joined" in command.communicate(timeout=RUN_S)[0], "the end")
        expect(command.returncode == 0, command.returncode)
    finally:
        command.kill()
        command.wait()
    shown = registrar.device(name)
    expect(shown["approval"]["reason"] == "permit-join" and shown["dpp"]["connector"] == "accepted", shown)
    # it is shut: the next one waits
    key, uri = new_code(w["sta"])
    name = registrar.add(uri, "cam")
    expect_silence(w, onboard(w, key))
    registrar.wait_state(name, "pending")
    long = registrar.berth("dpp", "permit-join", "--for", "2h", check=False)
    expect(long.returncode == 2, long)
    # it shuts itself, too
    done = registrar.berth("dpp", "permit-join", "--for", "1s")
    expect(done.stdout.endswith("Over: 0 joined.\n"), done.stdout)
    expect_silence(w, onboard(w, key))
    expect(registrar.ask("dpp", "permit-join", "--for", "60s", "--no-wait")["seconds-left"] > 50, "open")
    received(w["sta"], onboard(w, key))  # nobody waits for it, and it is open all the same


def case_17_a_device_is_to_be_configured_again(w):
    registrar = w["registrar"]
    key, uri = new_code(w["sta"])
    name = registrar.add(uri, "sensor")
    received(w["sta"], onboard(w, key))
    registrar.wait_state(name, "enrolled")
    registrar.berth("dpp", "renew", name, "--reason", "another network")
    listed = [d for d in registrar.ask("dpp", "devices")["devices"] if d["id"] == name]
    expect("renewal-wanted-at" in listed[0]["dpp"], listed)
    expect("renewal wanted" in registrar.berth("dpp", "devices").stdout, "the table")
    received(w["sta"], onboard(w, key))
    end = time.monotonic() + RUN_S
    while "renewal-wanted-at" in registrar.device(name)["dpp"]:
        expect(time.monotonic() < end, "the mark stays")
        time.sleep(0.05)
    nobody = registrar.berth("dpp", "renew", "nobody", check=False)
    expect(nobody.returncode == 4, nobody)


def case_18_access_points_are_told_the_passwords(w):
    registrar = w["registrar"]
    key, uri = new_code(w["sta"])
    name = registrar.add(uri, "plug")
    got = received(w["sta"], onboard(w, key))
    own = bytes.fromhex(got["DPP-CONFOBJ-PASS"]).decode()
    lines = registrar.berth("dpp", "passwords", "--format", "wpa_psk_file").stdout.splitlines()
    expect("keyid=%s 00:00:00:00:00:00 %s" % (name, own) in lines, lines)
    expect(PASSWORD not in "".join(lines), "a shared one is no device's")
    registrar.berth("device", "revoke", name)  # it is no longer let on
    expect(name not in registrar.berth("dpp", "passwords").stdout, "a revoked device")
    wrong = registrar.berth("dpp", "passwords", "--format", "csv", check=False)
    expect(wrong.returncode == 2, wrong)


def our_enrollee(w, model, *arguments):
    """dpp-peer as a device of that model; its lines."""
    own = w["registrar"].ask("dpp", "show")["uri"]
    peer = subprocess.Popen([os.environ["BERTH_DPP_PEER"], "connect=127.0.0.1:8908", "role=enrollee", "peer=" + own, "wait=1",
                             *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    name = w["registrar"].add(peer.stdout.readline().split(" ", 1)[1].strip(), model)
    return name, peer.communicate("go\n", timeout=RUN_S)[0]


# req: dpp-controller-csr-password
def case_19_a_request_of_another_session_gets_no_certificate(w):
    for csr, rule in (("other", "dpp-csr-password"), ("none", "dpp-csr-password")):
        name, lines = our_enrollee(w, "meter", "csr=" + csr)
        expect("csr" in lines and "object" not in lines and "failed" in lines, lines)
        shown = w["registrar"].device(name)
        expect(shown["certificates"] == [], shown)
        expect(rule in json.dumps(w["registrar"].ask("device", "explain", name)), name)
    # with the session's own password: nothing else has changed
    name, lines = our_enrollee(w, "meter", "csr=own")
    expect("object akm=dot1x" in lines and "enrolled" in lines, lines)
    expect(len(w["registrar"].device(name)["certificates"]) == 1, name)


# req: dpp-controller-one-curve
def case_21_keys_of_one_network_are_on_one_curve(w):
    # an enrollee on P-384, to which the Controller begins with a key made for it
    for version, digits in (("3", 128), ("2", 192)):
        peer = subprocess.Popen([os.environ["BERTH_DPP_PEER"], "connect=127.0.0.1:8908", "role=enrollee", "curve=P-384", "chirp=1",
                                 "wait=1", "version=" + version], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        w["registrar"].add(peer.stdout.readline().split(" ", 1)[1].strip(), "sensor")
        lines = peer.communicate("go\n", timeout=RUN_S)[0]
        key = re.search("^net-access-key ([0-9a-f]+)$", lines, re.M)
        expect(key is not None and len(key[1]) == digits, lines)


# req: dpp-controller-revoked
def case_20_a_device_is_reconfigured_and_a_revoked_one_is_not(w):
    registrar = w["registrar"]
    folder = os.path.join(registrar.home, "device")
    os.mkdir(folder, 0o700)
    openssl(folder, "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out boot.key")
    os.chmod(os.path.join(folder, "boot.key"), 0o600)
    openssl(folder, "ec -in boot.key -pubout -conv_form compressed -outform DER -out spki.der")
    with open(os.path.join(folder, "spki.der"), "rb") as f:
        uri = "DPP:V:2;K:%s;;" % base64.b64encode(f.read()).decode()
    conf = os.path.join(folder, "device.conf")
    with open(conf, "w", encoding="ascii") as f:
        f.write("[device]\nstate-directory = state\n\n[dpp]\nbootstrapping-key = file:boot.key\n"
                "mud-url = https://maker.example/pump\nprofile = profile/wpa_supplicant.conf\ncontroller = 127.0.0.1:8908\nname = pump-7\n")
    name = registrar.add(uri, "sensor")

    def run(*arguments):
        return subprocess.run([os.path.join(PROGRAMS, "berth-device"), "--config", conf, "dpp", "--once", "--timeout", "10",
                               *arguments], capture_output=True, text=True, timeout=RUN_S, check=False)
    done = run()
    expect(done.returncode == 0, done.stderr)
    registrar.wait_state(name, "enrolled")
    first = registrar.device(name)["dpp"]
    expect(first["said-name"] == "pump-7" and registrar.device(name)["mud-url"] == "https://maker.example/pump", first)
    with open(conf, encoding="ascii") as f:
        text = f.read()
    with open(conf, "w", encoding="ascii") as f: # req: dpp-controller-mud-url
        f.write(text.replace("maker.example/pump", "maker.example/more"))
    registrar.berth("dpp", "renew", name)
    done = run("--reconfigure")
    expect(done.returncode == 0 and "dpp.reconfigures" in done.stderr, done.stderr)
    shown = registrar.device(name)
    expect(shown["mud-url"] == "https://maker.example/pump" and shown["dpp"]["said-mud-url"] == "https://maker.example/more", shown)
    expect("event=device.other-mud-url" in registrar.log(), "nobody was told")
    end = time.monotonic() + RUN_S
    while "renewal-wanted-at" in registrar.device(name)["dpp"]:
        expect(time.monotonic() < end, "the mark stays")
        time.sleep(0.05)
    expect(registrar.device(name)["dpp"]["made-at"] >= first["made-at"], first)
    registrar.berth("device", "revoke", name)
    done = subprocess.run([os.path.join(PROGRAMS, "berth-device"), "--config", conf, "dpp", "--once", "--timeout", "3",
                           "--reconfigure"], capture_output=True, text=True, timeout=RUN_S, check=False)
    expect(done.returncode != 0, done.stderr)


def case_22_a_network_is_taken_over_from_a_stock_configurator(w):
    stock = w["sta"]
    folder = os.path.join(w["registrar"].home, "taken-over")
    w["registrar"].berth("registrar", "init", "--dir", folder, "--name", "Example Home", "--host", "localhost")
    configurator = stock.ask("DPP_CONFIGURATOR_ADD")
    key = stock.ask("DPP_BOOTSTRAP_GEN type=qrcode")
    code = stock.ask("DPP_BOOTSTRAP_GET_URI " + key)
    port = free_port()
    address = "127.0.0.1:%d" % port
    for params, status in (("conf=sta-dpp ssid=6e65742d78 configurator=" + configurator, 3),
                           ("conf=configurator configurator=" + configurator, 0)):
        stock.ask("SET dpp_configurator_params  " + params)
        stock.ask("DPP_CONTROLLER_START tcp_port=%d role=configurator" % port)
        done = w["registrar"].berth("dpp", "init", "--dir", folder, "--from", address, "--code", code, check=False)
        stock.ask("DPP_CONTROLLER_STOP")
        expect(done.returncode == status, done)
        expect(os.path.exists(os.path.join(folder, "keys", "dpp-c-sign.key")) == (status == 0), done)
    # the same key, openssl says
    der = bytes.fromhex(stock.ask("DPP_CONFIGURATOR_GET_KEY " + configurator))
    with open(os.path.join(folder, "theirs.der"), "wb") as f:
        f.write(der)
    theirs = openssl(folder, "ec -inform DER -in theirs.der -pubout")
    ours = openssl(folder, "ec -in keys/dpp-c-sign.key -pubout")
    expect("PUBLIC KEY" in ours and ours.split("-----")[2] == theirs.split("-----")[2], (ours, theirs))
    expect(os.stat(os.path.join(folder, "keys", "dpp-c-sign.key")).st_mode & 0o777 == 0o600, "mode")
    stock.ask("DPP_CONFIGURATOR_REMOVE " + configurator)


def case_24_codes_are_scanned_one_after_the_other(w):
    registrar = w["registrar"]
    codes = [new_code(w["sta"])[1] for _ in range(3)]
    before = len(registrar.ask("dpp", "devices")["devices"])
    done = registrar.berth("device", "add", "-", "--model", "sensor", text="\n".join([codes[0], "", "DPQ:x", codes[1], ""]), check=False)
    expect(done.returncode == 6 and done.stdout.count("is added") == 2 and "dpp-uri-scheme" in done.stderr, done)
    path = os.path.join(registrar.home, "codes")
    with open(path, "w", encoding="ascii") as f:
        f.write(codes[2] + "\n")
    registrar.berth("device", "add", path)
    expect(len(registrar.ask("dpp", "devices")["devices"]) == before + 3, "three more")
    expect(registrar.berth("device", "add", "-", text="\n", check=False).returncode == 2, "nothing to add")


def hand_over(w, giver, taker, code=None):
    """(status of who gives, of who takes, what was said). code: given in place of the taker's."""
    program = os.path.join(PROGRAMS, "berth")
    giving = subprocess.Popen([program, "dpp", "hand-over", "--dir", giver, "--listen", "127.0.0.1:0"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    taking = None
    try:
        uri = re.search("--code '([^']+)'", giving.stdout.readline())[1]
        giving.stdout.readline()
        port = re.search("port ([0-9]+)", giving.stdout.readline())[1]
        taking = subprocess.Popen([program, "dpp", "init", "--dir", taker, "--from", "127.0.0.1:" + port, "--code", uri],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        own = re.search("DPP:.*", taking.stderr.readline())[0]
        said = giving.communicate((code or own) + "\n", timeout=RUN_S)[0] + "".join(taking.communicate(timeout=RUN_S))
        return giving.returncode, taking.returncode, said
    finally:
        for process in (giving, taking):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()


def case_23_a_network_is_handed_over_to_who_was_named(w):
    taker = os.path.join(w["registrar"].home, "taker")
    w["registrar"].berth("registrar", "init", "--dir", taker, "--name", "Example Home", "--host", "localhost")
    stranger = new_code(w["sta"])[1]
    given, taken, said = hand_over(w, w["registrar"].home, taker, stranger)
    expect(given != 0 and taken != 0 and "dpp-peer-hash" in said, (given, taken, said))
    expect(not os.path.exists(os.path.join(taker, "keys", "dpp-c-sign.key")), "keys went to a stranger")
    given, taken, said = hand_over(w, w["registrar"].home, taker)
    expect(given == 0 and taken == 0, (given, taken, said))
    for key in ("dpp-c-sign.key", "dpp-pp.key"):
        points = [openssl(folder, "ec -in keys/%s -pubout" % key).split("-----")[2] for folder in (w["registrar"].home, taker)]
        expect(points[0] == points[1], key)


def peer_process(w, port, *arguments):
    own = w["registrar"].ask("dpp", "show")["uri"]
    return subprocess.Popen([os.environ["BERTH_DPP_PEER"], "connect=127.0.0.1:%d" % port, "role=enrollee", "peer=" + own,
                             *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def request_in_its_name(w, own):
    """A request as the device's, with another protocol key: its hash and the Controller's code are no secrets."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(RUN_S)
        peer = peer_process(w, listener.getsockname()[1], own)
        s, _ = listener.accept()
        with s:
            body = receive(s)
    peer.communicate(timeout=RUN_S)
    return body


def begin_in_its_name(w, own, held):
    s = tcp(request_in_its_name(w, own))
    held.append(s)
    answer = receive(s)
    expect(answer is not None and answer[6] == 1, "the Controller cannot know better yet: %s" % answer)


# req: dpp-controller-proved
def case_25_who_asks_in_a_devices_name_ends_nothing_of_the_devices(w):
    own = "own=" + os.urandom(31).hex().rjust(64, "0")
    held = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(RUN_S)
        peer = peer_process(w, listener.getsockname()[1], own, "wait=1")
        name = w["registrar"].add(peer.stdout.readline().split(" ", 1)[1].strip(), "sensor")
        peer.stdin.write("go\n")
        peer.stdin.flush()
        device, _ = listener.accept()
    up = tcp()
    held += [device, up]
    try:
        for answered, strangers in ((True, 0), (False, 2), (True, 2), (False, 0)):
            body = receive(device)
            expect(body is not None, "the device gave up")
            for _ in range(strangers):
                begin_in_its_name(w, own, held)
            up.sendall(len(body).to_bytes(4, "big") + body)
            if answered:
                answer = receive(up)
                expect(answer is not None, w["registrar"].log()[-1500:])
                device.sendall(len(answer).to_bytes(4, "big") + answer)
        lines = peer.communicate(timeout=RUN_S)[0]
    finally:
        for s in held:
            s.close()
    expect("enrolled" in lines, lines)
    w["registrar"].wait_state(name, "enrolled")


# req: dpp-controller-proved
def case_27_nor_does_it_keep_a_device_from_being_answered_that_announces_itself(w):
    own = "own=" + os.urandom(31).hex().rjust(64, "0")
    held = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(RUN_S)
        peer = peer_process(w, listener.getsockname()[1], own, "chirp=1", "wait=1")
        name = w["registrar"].add(peer.stdout.readline().split(" ", 1)[1].strip(), "sensor")
        for _ in range(2):
            begin_in_its_name(w, own, held)
        peer.stdin.write("go\n")
        peer.stdin.flush()
        device, _ = listener.accept()
    up = tcp()
    held += [device, up]
    try:
        # announcement, response, request, result: strangers ask in its name after each
        for answered in (True, True, True, False):
            body = receive(device)
            expect(body is not None, "the device gave up")
            up.sendall(len(body).to_bytes(4, "big") + body)
            if answered:
                answer = receive(up)
                expect(answer is not None, w["registrar"].log()[-1500:])
                for _ in range(5):
                    begin_in_its_name(w, own, held)
                device.sendall(len(answer).to_bytes(4, "big") + answer)
        lines = peer.communicate(timeout=RUN_S)[0]
    finally:
        for s in held:
            s.close()
    expect("enrolled" in lines, lines)
    w["registrar"].wait_state(name, "enrolled")


P = 2**256 - 2**224 + 2**192 + 2**96 - 1
G = (0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296,
     0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5)


def double_or_add(a, b):
    if a == b:
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P) % P
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P) % P
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def octets(point):
    return b"".join(n.to_bytes(32, "big") for n in point)


def attribute(number, value):
    return number.to_bytes(2, "little") + len(value).to_bytes(2, "little") + value


def announcement(key_id, point):
    """What anybody says who heard a device of this network once."""
    return bytes.fromhex("09506f9a1a010e") + attribute(0x101e, key_id) + attribute(0x1012, (19).to_bytes(2, "little")) + \
        attribute(0x1020, octets(point)) + attribute(0x1021, octets(G))


# req: dpp-controller-announced
def case_26_strangers_announcements_do_not_use_up_what_devices_need(w):
    registrar = w["registrar"]
    conf = os.path.join(registrar.home, "registrar.conf")
    with open(conf, encoding="ascii") as f:
        text = f.read()
    registrar.stop()
    with open(conf, "w", encoding="ascii") as f:
        f.write(text.replace("\n[dpp]\n", "\n[dpp]\nconnectors-per-minute = 8\n"))
    registrar.start()
    key, uri = new_code(w["sta"])
    registrar.add(uri, "sensor")
    stock, start = w["sta"], onboard(w, key)
    connector = received(stock, start)["DPP-CONNECTOR"]
    header = connector.split(".", maxsplit=1)[0]
    key_id = base64.urlsafe_b64decode(json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"] + "=")
    point, answers, held = double_or_add(G, G), [], []
    for _ in range(12):
        point = double_or_add(point, G)
        held.append(tcp(announcement(key_id, point)))
        answers.append(receive(held[-1]))
    again = tcp(announcement(key_id, double_or_add(double_or_add(G, G), G)))
    held.append(again)
    repeated = receive(again)
    for s in held:
        s.close()
    given = [a for a in answers if a is not None]
    expect(len(given) == 4 and all(a[6] == 0x0f for a in given), "half of eight: %d" % len(given))
    expect(repeated == given[0], "the same announcement gets the same request")
    # three Connectors are left for devices, and one that was there before
    key, uri = new_code(w["sta"])
    registrar.add(uri, "sensor")
    received(stock, onboard(w, key))
    registrar.stop()
    with open(conf, "w", encoding="ascii") as f:
        f.write(text)
    registrar.start()


def openssl(folder, words):
    return subprocess.run(["openssl", *words.split()], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=RUN_S, check=True).stdout


def world(folder):
    for command in ("ip link set lo up", "ip link add vx0 type veth peer name vx1", "ip link set vx0 up",
                    "ip link set vx1 up"):
        subprocess.run(command.split(), check=True)
    registrar = Registrar(folder)
    own = registrar.ask("dpp", "show")["key-hash"]
    return {"registrar": registrar,
            "sta": supplicant(folder, "vx0", "dpp_name=stock"),
            "relay": Relay(access_point(folder, "vx1", "dpp_controller=ipaddr=127.0.0.1 pkhash=" + own))}


def title(name):
    _, number, words = name.split("_", 2)
    return "%s - %s" % (number, words.replace("_", " "))


def main():
    for tool in ("wpa_supplicant", "hostapd", "unshare", "ip", "curl", "openssl"):
        if shutil.which(tool) is None:
            print("missing: " + tool)
            sys.exit(77)
    if os.environ.get("BERTH_DPP_INSIDE") != "1":
        os.environ["BERTH_DPP_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "-rnm", sys.executable, os.path.abspath(__file__), *sys.argv[1:]])
    wanted = re.compile(sys.argv[1] if len(sys.argv) > 1 else "")
    failed = 0
    with tempfile.TemporaryDirectory(prefix="berth-dpp-") as folder:
        w = world(folder)
        try:
            for name, case in sorted(globals().items()):
                if not name.startswith("case_") or not wanted.search(name):
                    continue
                try:
                    case(w)
                    print("ok " + title(name))
                except (Failed, subprocess.TimeoutExpired, KeyError, OSError) as error:
                    failed += 1
                    print("not ok %s: %s" % (title(name), error))
            if failed:
                print(w["registrar"].log()[-4000:])
        finally:
            w["sta"].stop()
            w["relay"].stock.stop()
            w["registrar"].stop()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
