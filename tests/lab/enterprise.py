#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A network by certificate: the device's request goes through the stock relay to our Controller, its certificate comes back the same
way, and FreeRADIUS lets it on by EAP-TLS. Runs in the guest (tests/lab/vm)."""
import sys
import time

from lib.device import Device
from lib.radius import NAME, SECRET, Radius, certify, foreign_ca
from lib.registrar import Registrar
from lib.stock import AccessPoint, Supplicant
from lib.world import World, expect, play


class Network(World):
    WITH_RADIO = ("ap", "dev", "own", "other")

    def setup(self):
        self.cable(self.host("ctl"), "10.0.0.1", self.hosts["ap"], "10.0.0.2")
        self.controller = Registrar(self, self.hosts["ctl"], "10.0.0.1")
        self.radius = Radius(self, self.hosts["ctl"], self.controller, "10.0.0.2")
        self.ap = AccessPoint(self, self.hosts["ap"], self.controller, (
            "wpa_key_mgmt=WPA-EAP-SHA256 WPA-EAP", "ieee8021x=1", "own_ip_addr=10.0.0.2", "nas_identifier=ap",
            "auth_server_addr=10.0.0.1", "auth_server_port=1812", "auth_server_shared_secret=" + SECRET))
        self.own = None


def case_1_a_stock_device_is_issued_a_certificate_through_the_relay(w):
    device = Supplicant(w, w.hosts["dev"], "dpp_name=thermostat-7")
    told = device.onboard(w.controller, w.ap, "dot1x", "WPA2-EAP-SHA256")
    expect(device.told(0)["DPP-SERVER-NAME"] == NAME, device.told(0))
    expect(device.field("STATUS", "EAP state") == "SUCCESS", device.ask("STATUS"))
    device.forget()
    device.stop()
    return told


def case_2_so_is_ours_which_checks_the_server(w):
    w.own = Device(w, w.hosts["own"], number=3, more="join-within = 10m\n")
    name = w.controller.admit(w.own.uri, "dot1x")
    begun = time.monotonic()
    w.own.start()
    w.own.wait("event=dpp.configured")
    configured = time.monotonic()
    w.own.wait("event=wi-fi.joined")
    w.ap.expect_on(w.own)
    w.controller.expect_state(name, "enrolled")
    with open(w.own.profile, encoding="ascii") as f:
        profile = f.read()
    expect("ca_cert=" in profile and "domain_match=" + NAME.encode().hex() in profile, profile)
    return "configured after %.1f s, connected after %.1f s" % (configured - begun, time.monotonic() - begun)


def case_3_a_certificate_of_somebody_else_does_not_open_the_network(w):
    device = Supplicant(w, w.hosts["other"], number=4)
    certify(w.folder, "intruder", "clientAuth", *foreign_ca(w.folder))
    start = device.mark()
    network = device.ask("ADD_NETWORK")
    for name, value in (("ssid", '"lab-dpp"'), ("key_mgmt", "WPA-EAP-SHA256"), ("ieee80211w", "1"), ("eap", "TLS"),
                        ("identity", '"anybody"'), ("client_cert", '"%s/intruder.pem"' % w.folder),
                        ("private_key", '"%s/intruder.key"' % w.folder)):
        device.ask("SET_NETWORK %s %s %s" % (network, name, value))
    device.ask("SELECT_NETWORK " + network)
    device.wait("CTRL-EVENT-EAP-FAILURE", start)
    expect(not w.ap.has(device), "it is on the network")
    expect("Login incorrect" in w.radius.log(), w.radius.log()[-500:])
    device.stop()


def case_4_a_server_of_somebody_else_is_refused_by_ours(w):
    w.radius.stop()
    by = foreign_ca(w.folder)
    foreign = Radius(w, w.hosts["ctl"], w.controller, "10.0.0.2", by)
    start = w.ap.mark()
    w.ap.ask("PMKSA_FLUSH")  # else it comes back by the key of before, and nobody shows a certificate
    w.ap.ask("DEAUTHENTICATE " + w.own.host.mac)
    w.ap.wait("CTRL-EVENT-EAP-FAILURE", start, 30)
    expect(not w.ap.has(w.own), "it is on the network")
    expect("unknown CA" in foreign.log() or "unknown ca" in foreign.log(), foreign.log()[-1500:])


if __name__ == "__main__":
    sys.exit(play(Network, globals()))
