#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""berth-device over the air: Debian's hostapd relays it to our Controller, and Debian's wpa_supplicant joins with the profile that
it left; a Configurator with a radio of its own answers in fragments; each with its refusal. Runs in the guest (tests/lab/vm)."""
import base64
import json
import os
import re
import subprocess
import sys
import time

from lib.stock import PASSWORD, SSID, AccessPoint, Program
from lib.world import World, expect, passes, play, run, until

PROGRAMS = os.environ["BERTH_PROGRAMS"]
CONTROLLER = "10.0.0.1"
STATION = "10.1.0.2"
NOBODY = "65534" # a user who may nothing
POLICY = """[rule "sensors"]
match.client = dpp
match.model = sensor
approve = auto
segment = sensors
dpp.ssid = %s
%s

[rule "access-points"]
match.client = dpp
match.model = ap
approve = auto
dpp.ssid = %s
dpp.net-role = ap
"""


class Registrar:
    def __init__(self, world, host):
        self.world, self.host, self.process = world, host, None
        self.home = os.path.join(world.folder, "home")
        self.env = dict(os.environ, BERTH_ADMIN_SOCKET=os.path.join(self.home, "admin.sock"))
        self.berth("registrar", "init", "--dir", self.home, "--name", "Example Home", "--host", "localhost",
                   "--listen", CONTROLLER + ":0")
        self.berth("dpp", "init", "--dir", self.home)
        self.start(SSID)

    def start(self, ssid, more=""):
        if self.process is not None:
            self.world.stop(self.process)
        with open(os.path.join(self.home, "policy.conf"), "w", encoding="ascii") as f:
            f.write(POLICY % (ssid, more, ssid))
        self.process, _ = self.world.start(self.host, "registrar", os.path.join(PROGRAMS, "berth-registrar"), "--config",
                                           os.path.join(self.home, "registrar.conf"))
        until("the Controller has its keys", 40, lambda: self.berth("dpp", "show", check=False).returncode == 0)
        shown = json.loads(self.berth("dpp", "show", "--json").stdout)
        self.address, self.key_hash, self.uri = CONTROLLER, shown["key-hash"], shown["uri"]

    def berth(self, *words, check=True, text=None):
        done = subprocess.run([os.path.join(PROGRAMS, "berth"), *words], env=self.env, input=text, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        expect(not check or done.returncode == 0, done.stderr)
        return done

    def admit(self, uri, model="sensor"):
        self.berth("device", "add", "-", "--model", model, text=uri + "\n")

    def enrol_access_point(self, ap):
        start = ap.mark()
        key, uri = ap.code()
        self.admit(uri, "ap")
        ap.ask("DPP_AUTH_INIT peer=%s own=%s role=enrollee tcp_addr=%s neg_freq=2437" %
               (ap.ask("DPP_QR_CODE " + self.uri), key, CONTROLLER))
        ap.take_connector(start)


class Device:
    def __init__(self, world, host, name, more="", curve="P-256"):
        self.world, self.host, self.name = world, host, name
        self.folder = os.path.join(world.folder, name)
        os.mkdir(self.folder, 0o700)
        key = os.path.join(self.folder, "boot.key")
        os.umask(0o077)
        run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:" + curve, "-out", key)
        spki = subprocess.run(["openssl", "ec", "-in", key, "-pubout", "-conv_form", "compressed", "-outform", "DER"], check=True,
                              capture_output=True).stdout
        self.uri = "DPP:V:2;K:%s;;" % base64.b64encode(spki).decode()
        self.profile = os.path.join("/run", name, "wpa_supplicant.conf")
        self.conf = world.file(name + ".conf", "[device]\nstate-directory = %s/state\n\n[dpp]\nbootstrapping-key = file:%s\n"
                               "interface = %s\nchannels = 81/6\nprofile = %s\n%s" % (self.folder, key, host.interface, self.profile, more))

    def run(self, *words, expected=0, before=()):
        done = subprocess.run([*before, os.path.join(PROGRAMS, "berth-device"), "--config", self.conf, *words], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, preexec_fn=self.host.enter)
        expect(done.returncode == expected, "status %d, not %d: %s" % (done.returncode, expected, done.stdout))
        return done.stdout

    def configured(self, seconds=40, expected=0):
        begun = time.monotonic()
        said = self.run("dpp", "--once", "--timeout", str(seconds), expected=expected)
        return time.monotonic() - begun, said

    def networks(self):
        with open(self.profile, encoding="ascii") as f:
            return [x.strip() for x in re.findall("key_mgmt=(.*)", f.read())]


class Joiner:
    """Debian's wpa_supplicant with our profile, and nothing else."""

    def __init__(self, world, device):
        self.world, self.host = world, device.host
        self.process, self.log = world.start(device.host, "join-" + device.name, "wpa_supplicant", "-Dnl80211",
                                             "-t", "-i" + device.host.interface, "-c" + device.profile)
        device.host.ip("address replace %s/24 dev %s" % (STATION, device.host.interface))

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def stop(self):
        self.world.stop(self.process)


class Network(World):
    WITH_RADIO = ("ap", "dev", "other")

    def setup(self):
        self.cable(self.host("ctl"), CONTROLLER, self.hosts["ap"], "10.0.0.2")
        self.registrar = Registrar(self, self.hosts["ctl"])
        self.ap = AccessPoint(self, self.hosts["ap"], self.registrar)
        self.registrar.enrol_access_point(self.ap)


def case_1_a_device_that_nobody_knows_is_not_answered_and_writes_nothing(w):
    device = Device(w, w.hosts["dev"], "unknown")
    _, said = device.configured(6, expected=5)
    expect("dpp-nobody" in said and not os.path.exists(device.profile), said)


def case_2_a_device_is_configured_through_the_relay_and_joins(w):
    device = w.device = Device(w, w.hosts["dev"], "sensor")
    w.registrar.admit(device.uri)
    took, said = device.configured()
    expect(device.networks() == ["DPP"], said)
    begun = time.monotonic()
    w.joiner = Joiner(w, device)
    w.ap.expect_on(w.joiner)
    return "configured after %.1f s, on the network %.1f s later" % (took, time.monotonic() - begun)


def case_3_an_interface_that_is_in_use_is_left_alone(w):
    said = w.device.run("dpp", "--reconfigure", "--once", "--timeout", "5", expected=1)
    expect("nl80211-in-use" in said, said)
    expect(w.ap.has(w.joiner), "it was put off the network")
    w.joiner.stop()


def case_4_without_the_capability_it_says_so(w):
    said = w.device.run("dpp", "--reconfigure", "--once", "--timeout", "5", expected=3,
                        before=("setpriv", "--bounding-set=-net_admin"))
    expect("nl80211-permission" in said and "CAP_NET_ADMIN" in said, said)


def case_5_a_configurator_that_it_does_not_know_is_refused(w):
    stranger = Device(w, w.hosts["dev"], "stranger")
    device = Device(w, w.hosts["dev"], "bound", "configurator = %s\n" % stranger.uri)
    w.registrar.admit(device.uri)
    _, said = device.configured(5, expected=3)
    expect("dpp-configurator" in said and not os.path.exists(device.profile), said)
    # with the Controller's code it is configured, mutually
    known = Device(w, w.hosts["dev"], "mutual", "configurator = %s\n" % w.registrar.uri)
    w.registrar.admit(known.uri)
    took, _ = known.configured()
    return "configured after %.1f s" % took


def case_6_two_devices_at_once(w):
    begun = time.monotonic()
    devices = [Device(w, w.hosts[host], "twin-" + host) for host in ("dev", "other")]
    for device in devices:
        w.registrar.admit(device.uri)
    begun = time.monotonic()
    running = [w.start(d.host, "dpp-" + d.name, os.path.join(PROGRAMS, "berth-device"), "--config", d.conf, "dpp", "--once")
               for d in devices]
    for process, _ in running:
        expect(process.wait(60) == 0, "a device was not configured")
    expect(all(d.networks() == ["DPP"] for d in devices), "profiles")
    return "both after %.1f s" % (time.monotonic() - begun)


def case_7_a_configurator_with_a_radio_answers_in_fragments(w):
    own = Program(w, w.hosts["other"], "wpa_supplicant", w.hosts["other"].interface, (), "-Dnl80211",
                  "-i" + w.hosts["other"].interface)
    try:
        key = own.ask("DPP_CONFIGURATOR_ADD")
        ssid = SSID.encode().hex()
        two = "conf=sta-dpp ssid=%s configurator=%s @CONF-OBJ-SEP@ conf=sta-sae ssid=%s pass=%s configurator=%s" % (
            ssid, key, ssid, PASSWORD.encode().hex(), key)
        own.ask("SET dpp_configurator_params  " + two)
        for curve in ("P-256", "P-521"):
            device = Device(w, w.hosts["dev"], "fragments-" + curve, curve=curve)
            own.ask("DPP_QR_CODE " + device.uri)
            own.ask("DPP_LISTEN 2437 role=configurator")
            device.configured()
            expect(device.networks() == ["DPP", "SAE"], device.networks())
            own.ask("DPP_STOP_LISTEN")
        with open(own.log, encoding="utf-8", errors="replace") as f:
            expect(re.search(r"GAS: Sending out [0-9]+/[0-9]+ remaining", f.read()), "it was not in fragments")
    finally:
        own.stop()


def as_its_user(w, device):
    """As the unit berth-device-wi-fi.service has it: nobody's user, with the two capabilities that the air takes."""
    for path in (w.folder, device.folder):
        os.chmod(path, 0o711)
    run("chown", "-R", NOBODY, device.folder, device.conf)
    for path in (os.path.dirname(device.profile), "/run/wpa_supplicant"):
        os.makedirs(path, exist_ok=True)
        run("chown", NOBODY, path)
    two = "+net_admin,+net_raw"
    return ("setpriv", "--reuid", NOBODY, "--clear-groups", "--no-new-privs", "--bounding-set", "-all," + two, "--inh-caps", two,
            "--ambient-caps", two)


def case_8_the_network_moves_and_the_device_follows(w):
    device = Device(w, w.hosts["dev"], "keeper", "join-within = 15s\n")
    w.registrar.admit(device.uri)
    process, log = w.start(device.host, "keeper", *as_its_user(w, device), os.path.join(PROGRAMS, "berth-device"), "--config",
                           device.conf, "wi-fi")

    def told(word, times):
        with open(log, encoding="utf-8", errors="replace") as f:
            return f.read().count("event=" + word) >= times
    until("it joins", 60, lambda: told("wi-fi.joined", 1))
    w.registrar.start("lab-moved")
    w.ap.ask("SET ssid lab-moved")
    w.ap.ask("DISABLE")
    w.ap.ask("ENABLE")
    w.ap.up()
    begun = time.monotonic()
    until("it is on the network again", 90, lambda: told("wi-fi.joined", 2))
    with open(log, encoding="utf-8", errors="replace") as f:
        expect("event=wi-fi.lost" in f.read(), "it did not notice")
    device.host.ip("address replace %s/24 dev %s" % (STATION, device.host.interface))
    expect(passes(device.host, w.ap.host, w.ap.address), "nothing passes")
    w.stop(process)
    expect(not os.path.exists(device.profile), "the profile stays where nobody needs it")
    return "back after %.1f s" % (time.monotonic() - begun)


def case_9_an_enterprise_network_by_a_certificate_that_comes_on_the_way(w):
    """Its access point judges the device's certificate itself, and shows one of its own."""
    def server(name):
        key, request, cert = (os.path.join(w.folder, name + end) for end in (".key", ".csr", ".pem"))
        run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request,
            "-subj", "/CN=" + name)
        extensions = w.file(name + ".ext", "subjectAltName=DNS:%s\nextendedKeyUsage=serverAuth\n" % name)
        run("openssl", "x509", "-req", "-in", request, "-CA", os.path.join(w.registrar.home, "domain-ca.pem"), "-CAkey",
            os.path.join(w.registrar.home, "keys", "root.key"), "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", cert)
        return "server_cert=" + cert, "private_key=" + key

    def access_point(name):
        users = w.file("eap-users", "* TLS\n")
        return AccessPoint(w, w.hosts["ap"], w.registrar,
                           ("wpa_key_mgmt=WPA-EAP", "ieee8021x=1", "eap_server=1", "eap_user_file=" + users,
                            "ca_cert=" + anchors) + server(name))
    w.ap.stop()
    anchors = os.path.join(w.folder, "anchors.pem")
    with open(anchors, "w", encoding="ascii") as f:
        for name in ("domain-ca.pem", "issuing.pem"):
            with open(os.path.join(w.registrar.home, name), encoding="ascii") as part:
                f.write(part.read())
    w.registrar.start(SSID, "dpp.akm = dot1x\ndpp.eap-server = radius.example")
    w.ap = access_point("radius.example")
    device = Device(w, w.hosts["dev"], "enterprise")
    w.registrar.admit(device.uri)
    took, _ = device.configured()
    expect(device.networks() == ["WPA-EAP WPA-EAP-SHA256"], device.networks())
    begun = time.monotonic()
    joiner = Joiner(w, device)
    w.ap.expect_on(joiner)
    figures = "configured after %.1f s, on the network %.1f s later" % (took, time.monotonic() - begun)
    joiner.stop()
    # the same network behind a server of another name: the device does not show itself
    w.ap.stop()
    w.ap = access_point("rogue.example")
    joiner = Joiner(w, device)
    until("the device refuses the server", 30, lambda: "CTRL-EVENT-EAP-TLS-CERT-ERROR" in joiner.said() or
          "CTRL-EVENT-EAP-FAILURE" in joiner.said())
    expect(not w.ap.has(joiner), "it is on a network behind another server")
    joiner.stop()
    return figures


if __name__ == "__main__":
    sys.exit(play(Network, globals()))
