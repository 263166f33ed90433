#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Who is not the owner, on the air: Configurators without the device's key, with it but without the one that the device demands, and
with another C-sign key; and an access point of the same name. Each meets our device, and what it gets is looked at from its own side;
the owner's come after it and succeed. Runs in the guest (tests/lab/vm)."""
import base64
import hashlib
import json
import os
import select
import socket
import subprocess
import sys

from lib.device import Device
from lib.registrar import Registrar
from lib.stock import AccessPoint
from lib.world import Failed, World, expect, play, run

HEAD = bytes.fromhex("09506f9a1a01")
AUTH_REQUEST, AUTH_RESPONSE, PRESENCE, RECONFIG, RECONFIG_REQUEST = 0, 1, 13, 14, 15
LISTEN_S = 8  # much longer than a device takes to answer


def attribute(number, value):
    return number.to_bytes(2, "little") + len(value).to_bytes(2, "little") + value


def base64url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


class Rogue:
    """A Controller that says what it likes, behind an access point of its own."""
    address, key_hash = "10.9.0.1", "00" * 32

    def __init__(self, world, host):
        self.key = world.file("rogue.key", run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"))
        spki = subprocess.run(["openssl", "ec", "-in", self.key, "-pubout", "-outform", "DER"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=True).stdout
        self.point = spki[-64:]
        self.jwk = {"kty": "EC", "crv": "P-256", "x": base64url(self.point[:32]), "y": base64url(self.point[32:])}
        compressed = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200") + bytes([2 + self.point[63] % 2])
        self.kid = base64url(hashlib.sha256(compressed + self.point[:32]).digest())
        with host.inside():
            self.listener = socket.create_server((self.address, 8908))

    @staticmethod
    def frame(s, seconds):
        if not select.select([s], [], [], seconds)[0]:
            return None
        size = s.recv(4, socket.MSG_WAITALL)
        return s.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL) if len(size) == 4 else None

    def meets(self, kind, seconds=90):
        """The connection by which the relay brings this announcement."""
        while select.select([self.listener], [], [], seconds)[0]:
            s, _ = self.listener.accept()
            if (self.frame(s, 10) or b"")[:7] == HEAD + bytes([kind]):
                return s
            s.close()
        raise Failed("no frame of kind %d came" % kind)

    def gets_nothing(self, s, kind, *attributes):
        body = HEAD + bytes([kind]) + b"".join(attribute(n, v) for n, v in attributes)
        s.sendall(len(body).to_bytes(4, "big") + body)
        got = self.frame(s, LISTEN_S)
        s.close()
        expect(not got, "it was answered: %s" % (got or b"").hex())

    def connector(self):
        """One of a Configurator, signed with the rogue's own key."""
        head = base64url(json.dumps({"typ": "dppCon", "kid": self.kid, "alg": "ES256"}).encode())
        payload = base64url(json.dumps({"groups": [{"groupId": "*", "netRole": "configurator"}], "netAccessKey": self.jwk}).encode())
        der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=(head + "." + payload).encode(), check=True,
                             stdout=subprocess.PIPE).stdout
        r_end = 4 + der[3]
        r, s = der[4:r_end], der[r_end + 2:]
        raw = b"".join(int.from_bytes(x, "big").to_bytes(32, "big") for x in (r, s))
        return (head + "." + payload + "." + base64url(raw)).encode()


class Network(World):
    WITH_RADIO = ("ap", "rogue", "dev")

    def setup(self):
        self.cable(self.host("ctl"), "10.0.0.1", self.hosts["ap"], "10.0.0.2")
        self.cable(self.host("evil"), Rogue.address, self.hosts["rogue"], "10.9.0.2")
        self.controller = Registrar(self, self.hosts["ctl"], "10.0.0.1")
        self.ap = AccessPoint(self, self.hosts["ap"], self.controller)
        self.controller.enrol_access_point(self.ap)
        self.rogue = Rogue(self, self.hosts["evil"])
        self.rogue_ap = AccessPoint(self, self.hosts["rogue"], self.rogue, ssid="elsewhere")
        self.device = Device(self, self.hosts["dev"], more="join-within = 15s\n")


def case_1_a_configurator_without_the_key_is_not_answered(w):
    """It knows more than it could hear: the hash of the key, and not the key."""
    w.ap.ask("DISABLE")
    w.device.start()
    w.rogue.gets_nothing(w.rogue.meets(PRESENCE), AUTH_REQUEST, (0x1002, hashlib.sha256(w.device.spki).digest()),
                         (0x1001, hashlib.sha256(b"rogue").digest()), (0x1003, w.rogue.point), (0x1019, b"\2"),
                         (0x1004, os.urandom(60)))
    expect("dpp.configured" not in w.device.log(), w.device.log())


def case_2_the_owners_configurator_is(w):
    name = w.controller.admit(w.device.uri, "dpp")
    w.ap.ask("ENABLE")
    w.ap.up()
    w.device.wait("event=wi-fi.joined", seconds=100)
    w.ap.expect_on(w.device)
    w.controller.expect_state(name, "enrolled")


def case_3_nor_does_another_c_sign_key_reconfigure_it(w):
    """The owner's access point is away, and the rogue's relays."""
    w.ap.ask("DISABLE")
    with open(w.device.profile, encoding="ascii") as f:
        before = f.read()
    w.rogue.gets_nothing(w.rogue.meets(RECONFIG), RECONFIG_REQUEST, (0x1016, b"\7"), (0x1019, b"\2"), (0x100D, w.rogue.connector()),
                         (0x1022, os.urandom(16)))
    with open(w.device.profile, encoding="ascii") as f:
        expect(f.read() == before, "its profile is another")


def case_4_an_access_point_of_the_same_name_has_nobody_on_it(w):
    """It has a Connector, of another Configurator."""
    w.rogue.listener.close()
    other = Registrar(w, w.hosts["evil"], Rogue.address, "stranger")
    other.enrol_access_point(w.rogue_ap)
    w.rogue_ap.ask("SET ssid lab-dpp")
    w.rogue_ap.ask("DISABLE")
    w.rogue_ap.ask("ENABLE")
    w.rogue_ap.up()
    start = w.rogue_ap.mark()
    w.rogue_ap.wait("src=%s freq=2437 type=5" % w.device.host.mac, start, 100)  # it tried: network introduction
    again = w.rogue_ap.mark()
    w.rogue_ap.wait("src=%s freq=2437 type=5" % w.device.host.mac, again, 100)  # in vain, and tries again
    expect(not w.rogue_ap.has(w.device), "it is on the rogue's network")
    w.rogue_ap.ask("DISABLE")
    start = w.device.mark()
    w.ap.ask("ENABLE")
    w.ap.up()
    w.device.wait("event=wi-fi.joined", start, 100)
    w.ap.expect_on(w.device)


if __name__ == "__main__":
    sys.exit(play(Network, globals()))
