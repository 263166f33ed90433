#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Debian's wpa_supplicant and hostapd judge our Wi-Fi Easy Connect over TCP, in every role they have there: our Configurator with
their enrollee and the reverse, each as initiator and responder, mutual, six curves, one and two objects, netRole ap.
Runs itself in a network namespace of its own."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from stock_dpp import Failed, access_point, free_port, supplicant  # noqa: E402

PEER = os.environ["BERTH_DPP_PEER"]
CURVES = {"P-256": "prime256v1", "P-384": "secp384r1", "P-521": "secp521r1",
          "BP-256": "brainpoolP256r1", "BP-384": "brainpoolP384r1", "BP-512": "brainpoolP512r1"}
SPKI_HEAD = {"P-384": "3046", "P-521": "3058"}  # SEQUENCE of 70 and 88 octets: compressed
RUN_S = 20
SSID = b"net-x".hex()
PASS = b"correct horse".hex()


class Ours:
    """dpp-peer with its lines."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([PEER, *arguments], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        self.lines = []

    def until(self, word):
        for line in self.lines:
            if line.startswith(word):
                return line[len(word):].strip()
        for line in self.process.stdout:
            self.lines.append(line.strip())
            if line.startswith(word):
                return line[len(word):].strip()
        self.process.wait(RUN_S)
        raise Failed("no \"%s\" of ours: %s" % (word, self.lines))

    def end(self, expected=0):
        self.lines += [line.strip() for line in self.process.stdout]  # it bounds its own time
        self.process.wait(RUN_S)
        if self.process.returncode != expected:
            raise Failed("status %d, not %d: %s" % (self.process.returncode, expected, self.lines))
        return self.lines


def expect(condition, what):
    if not condition:
        raise Failed(what)


def known(stock, uri):
    return stock.ask("DPP_QR_CODE " + uri)


def their_controller(stock, params="conf=sta-dpp ssid=%s configurator=1" % SSID, curve=None, role="configurator", extra=""):
    """(port, URI) of a Configurator of theirs that waits for TCP."""
    port = free_port()
    key = stock.ask("DPP_BOOTSTRAP_GEN type=qrcode" + ("" if curve is None else " curve=" + CURVES[curve]))
    if role == "configurator":
        stock.ask("SET dpp_configurator_params  " + params)
    stock.ask("DPP_CONTROLLER_START tcp_port=%d role=%s%s" % (port, role, extra))
    return port, stock.ask("DPP_BOOTSTRAP_GET_URI " + key)


def received(stock, start):
    """What an enrollee of theirs took: {event: value} of the last configuration."""
    stock.control.wait("DPP-CONF-RECEIVED", start=start)
    stock.control.wait("DPP-NET-ACCESS-KEY", start=start)
    return {e.split(" ")[0]: e.partition(" ")[2] for e in stock.control.seen[start:]}


def our_enrollee_of_their_controller(a, _, curve):
    port, uri = their_controller(a, curve=curve)
    try:
        ours = Ours("connect=127.0.0.1:%d" % port, "role=enrollee", "peer=" + uri)
        lines = ours.end()
        expect("enrolled" in lines and any("akm=dpp ssid=net-x" in x for x in lines), lines)
        a.control.wait("DPP-CONF-SENT")
    finally:
        a.ask("DPP_CONTROLLER_STOP")


def their_enrollee_of_our_controller(_, b, curve, arguments=(), their_arguments="", own_gen=None):
    start = len(b.control.seen)
    ours = Ours("listen=0", "role=configurator", "curve=" + curve, *arguments)
    peer = known(b, ours.until("uri "))
    b.ask("DPP_AUTH_INIT peer=%s role=enrollee tcp_addr=127.0.0.1 tcp_port=%s neg_freq=2412%s%s" %
          (peer, ours.until("port "), "" if own_gen is None else " own=" + own_gen, their_arguments))
    got = received(b, start)
    lines = ours.end()
    expect("configured" in lines and "result ok" in lines, lines)
    return got, lines


def case_curves(a, b):
    for curve in CURVES:
        our_enrollee_of_their_controller(a, b, curve)
        got, _ = their_enrollee_of_our_controller(a, b, curve)
        expect(got["DPP-CONFOBJ-AKM"] == "dpp" and got["DPP-CONFOBJ-SSID"] == "net-x", got)
        expect(got.get("DPP-CONNECTOR", "").count(".") == 2, got)


def case_c_sign_curves(a, b):
    for curve in ("P-384", "P-521"):
        got, _ = their_enrollee_of_our_controller(a, b, "P-256", ("csign=" + curve,))
        expect(got["DPP-C-SIGN-KEY"].startswith(SPKI_HEAD[curve]), got)


def case_akms(a, _):
    # one that only tells what it got: with dpp_config_processing it refuses sae, which no driver without a radio has
    for akm, key in (("sae", "DPP-CONFOBJ-PASS"), ("psk", "DPP-CONFOBJ-PASS"), ("dpp+sae", "DPP-CONFOBJ-PASS"),
                     ("dpp+psk+sae", "DPP-CONFOBJ-PASS")):
        got, _ = their_enrollee_of_our_controller(None, a, "P-256", ("akm=" + akm,))
        expect(got["DPP-CONFOBJ-AKM"] == akm, got)
        expect(bytes.fromhex(got[key]) == b"correct horse", got)


def case_two_objects(a, b):
    start = len(b.control.seen)
    their_enrollee_of_our_controller(a, b, "P-256", ("akm=dpp+sae", "second=psk"))
    b.control.wait("DPP-CONFOBJ-AKM psk", start=start)
    akms = [e.partition(" ")[2] for e in b.control.seen[start:] if e.startswith("DPP-CONFOBJ-AKM")]
    expect(akms == ["dpp+sae", "psk"], akms)


def case_their_objects(a, _):
    for params, wanted in (
            ("conf=sta-sae ssid=%s pass=%s configurator=1" % (SSID, PASS), ["akm=sae ssid=net-x pass=correct horse"]),
            ("conf=sta-psk ssid=%s pass=%s configurator=1" % (SSID, PASS), ["akm=psk ssid=net-x pass=correct horse"]),
            ("conf=sta-dpp+sae ssid=%s pass=%s configurator=1 group_id=lab" % (SSID, PASS), ["akm=dpp+sae", "group=lab"]),
            ("conf=sta-dpp ssid=%s configurator=1 @CONF-OBJ-SEP@ conf=sta-psk ssid=%s pass=%s" % (SSID, SSID, PASS),
             ["akm=dpp ssid=net-x", "akm=psk ssid=net-x"])):
        port, uri = their_controller(a, params)
        try:
            lines = Ours("connect=127.0.0.1:%d" % port, "role=enrollee", "peer=" + uri).end()
            for part in wanted:
                expect(any(part in x for x in lines if x.startswith("object ")), (part, lines))
        finally:
            a.ask("DPP_CONTROLLER_STOP")


def case_mutual(a, b):
    # their enrollee begins, and our Configurator knows its key
    own = b.ask("DPP_BOOTSTRAP_GEN type=qrcode")
    _, lines = their_enrollee_of_our_controller(
        a, b, "P-256", ("peer=" + b.ask("DPP_BOOTSTRAP_GET_URI " + own), "mutual=1"), own_gen=own)
    expect(any(x.startswith("authenticated mutually") for x in lines), lines)
    # our enrollee begins; their Configurator must have scanned it, and waits until it has
    port, uri = their_controller(a, extra=" qr=mutual")
    try:
        ours = Ours("connect=127.0.0.1:%d" % port, "role=enrollee", "peer=" + uri, "mutual=1")
        a.control.wait("DPP-SCAN-PEER-QR-CODE")
        known(a, ours.until("uri "))
        lines = ours.end()
        expect(any(x.startswith("authenticated mutually") for x in lines) and "pending" in lines, lines)
    finally:
        a.ask("DPP_CONTROLLER_STOP")


def case_configurator_begins(a, b):
    # ours begins, towards their enrollee that listens
    port, uri = their_controller(b, role="enrollee")
    try:
        start = len(b.control.seen)
        lines = Ours("connect=127.0.0.1:%d" % port, "role=configurator", "peer=" + uri).end()
        expect("configured" in lines, lines)
        expect(received(b, start)["DPP-CONFOBJ-AKM"] == "dpp", b.control.seen)
    finally:
        b.ask("DPP_CONTROLLER_STOP")
    # theirs begins, towards our enrollee that listens
    ours = Ours("listen=0", "role=enrollee")
    peer = known(a, ours.until("uri "))
    a.ask("DPP_AUTH_INIT peer=%s conf=sta-dpp ssid=%s configurator=1 neg_freq=-1 tcp_addr=127.0.0.1 tcp_port=%s" %
          (peer, SSID, ours.until("port ")))
    expect("enrolled" in ours.end(), ours.lines)


def case_announced(a, _):
    # our enrollee chirps over TCP to their Controller, which knows its key and begins
    port, _ = their_controller(a)
    try:
        ours = Ours("connect=127.0.0.1:%d" % port, "role=enrollee", "chirp=1")
        ours.until("uri ")
        lines = ours.lines + ours.end(1)  # an unknown chirp is not answered: it closes
        expect(any("closed by the other" in x for x in lines), lines)
    finally:
        a.ask("DPP_CONTROLLER_STOP")


def case_access_point(_, __, h):
    # hostapd is configured as an access point by ours, which begins
    port = free_port()
    key = h.ask("DPP_BOOTSTRAP_GEN type=qrcode")
    h.ask("DPP_CONTROLLER_START tcp_port=%d role=enrollee" % port)
    start = len(h.control.seen)
    lines = Ours("connect=127.0.0.1:%d" % port, "role=configurator",
                 "peer=" + h.ask("DPP_BOOTSTRAP_GET_URI " + key)).end()
    expect("request name=" in "".join(lines) and any("role=ap" in x for x in lines), lines)
    got = received(h, start)
    expect(got["DPP-CONFOBJ-AKM"] == "dpp" and got["DPP-CONNECTOR"].count(".") == 2, got)
    h.ask("DPP_CONTROLLER_STOP")
    # and hostapd is a Configurator of ours as well
    h.ask("DPP_CONFIGURATOR_ADD")
    port, uri = their_controller(h)
    try:
        lines = Ours("connect=127.0.0.1:%d" % port, "role=enrollee", "peer=" + uri).end()
        expect("enrolled" in lines, lines)
    finally:
        h.ask("DPP_CONTROLLER_STOP")


def scalar_of(stock, configurator):
    """The private part of a Configurator of theirs (ECPrivateKey: 30 LL 02 01 01 04 LL octets)."""
    der = bytes.fromhex(stock.ask("DPP_CONFIGURATOR_GET_KEY " + configurator))
    at = der.index(b"\x02\x01\x01\x04")
    return der[at + 5:at + 5 + der[at + 4]].hex()


def backup_of(lines):
    return next(x for x in lines if x.startswith("backup ")).split()[1:]


def case_a_configurator_gives_its_keys(a, _):
    """To ours. The other way theirs would take only what it asked for by air: over TCP it always asks to be a station."""
    for curve, name in (("prime256v1", "P-256"), ("secp384r1", "P-384"), ("secp521r1", "P-521"), ("brainpoolP384r1", "BP-384")):
        configurator = a.ask("DPP_CONFIGURATOR_ADD curve=" + curve)
        port, uri = their_controller(a, "conf=configurator configurator=" + configurator)
        try:
            lines = Ours("connect=127.0.0.1:%d" % port, "role=enrollee", "peer=" + uri, "net-role=configurator").end()
            expect(backup_of(lines) == [name, scalar_of(a, configurator)], lines)
            expect("enrolled" in lines, lines)
        finally:
            a.ask("DPP_CONTROLLER_STOP")
            a.ask("DPP_CONFIGURATOR_REMOVE " + configurator)


def case_refusals(a, b):
    # their enrollee has scanned another key than ours: it is never answered
    ours = Ours("listen=0", "role=configurator")
    other = Ours("listen=0", "role=configurator")
    peer = known(b, other.until("uri "))
    ours.until("uri ")
    b.ask("DPP_AUTH_INIT peer=%s role=enrollee tcp_addr=127.0.0.1 tcp_port=%s neg_freq=2412" % (peer, ours.until("port ")))
    lines = ours.end(1)
    expect(any("dpp-responder-hash" in x for x in lines), lines)
    other.process.kill()
    other.process.wait()
    # both want to be configured
    port, uri = their_controller(a, role="enrollee")
    try:
        lines = Ours("connect=127.0.0.1:%d" % port, "role=enrollee", "peer=" + uri).end(1)
        expect(any("not-compatible" in x for x in lines), lines)
    finally:
        a.ask("DPP_CONTROLLER_STOP")
    # theirs has no Configurator's key for it: it refuses, and ours hears why
    port, uri = their_controller(a, "conf=ap-dpp ssid=%s configurator=1" % SSID)
    try:
        lines = Ours("connect=127.0.0.1:%d" % port, "role=enrollee", "peer=" + uri).end(1)
        expect(any("configure-failure" in x for x in lines), lines)
    finally:
        a.ask("DPP_CONTROLLER_STOP")


def world(folder):
    for command in ("ip link set lo up", "ip link add vx0 type veth peer name vx1", "ip link set vx0 up",
                    "ip link set vx1 up", "ip link add vx2 type veth peer name vx3", "ip link set vx2 up",
                    "ip link set vx3 up"):
        subprocess.run(command.split(), check=True)
    peers = [supplicant(folder, "vx0"), supplicant(folder, "vx1", "dpp_config_processing=1", "dpp_name=stock"),
             access_point(folder, "vx2")]
    peers[0].ask("DPP_CONFIGURATOR_ADD")
    return peers


def main():
    for tool in ("wpa_supplicant", "hostapd", "unshare", "ip"):
        if shutil.which(tool) is None:
            print("missing: " + tool)
            sys.exit(77)
    if os.environ.get("BERTH_DPP_INSIDE") != "1":
        os.environ["BERTH_DPP_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "-rnm", sys.executable, os.path.abspath(__file__), *sys.argv[1:]])
    wanted = re.compile(sys.argv[1] if len(sys.argv) > 1 else "")
    failed = 0
    with tempfile.TemporaryDirectory(prefix="berth-dpp-") as folder:
        peers = world(folder)
        try:
            for name, case in sorted(globals().items()):
                if not name.startswith("case_") or not wanted.search(name):
                    continue
                try:
                    case(*peers[:case.__code__.co_argcount])
                    print("ok %s" % name[5:].replace("_", " "))
                except (Failed, subprocess.TimeoutExpired, KeyError) as error:
                    failed += 1
                    print("not ok %s: %s" % (name[5:].replace("_", " "), error))
        finally:
            for peer in peers:
                peer.stop()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
