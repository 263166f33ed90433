# SPDX-License-Identifier: BSD-2-Clause
"""Debian's hostapd and wpa_supplicant on hosts of the lab: access points that relay, devices, and a Controller to compare with."""
import os
import select
import time

from .world import Control, Failed, expect, passes, until

SSID = "lab-dpp"
PASSWORD = "correct horse battery"
CHANNELS = "freq_list=2412 2437 2462"  # a scan of all costs 10 s
JOIN_S = 60
NETWORK = "10.1.0.%d"


class Program:
    def __init__(self, world, host, program, interface, lines, *arguments):
        self.world, self.host = world, host
        name = "%s-%s" % (program, host.name)
        control = os.path.join(world.folder, "control-" + host.name)
        conf = world.file(name + ".conf", "".join(line + "\n" for line in ("ctrl_interface=" + control,) + lines))
        self.process, self.log = world.start(host, name, program, "-ddKt", *arguments,
                                             *(["-c" + conf] if program == "wpa_supplicant" else [conf]))
        self.control = Control(world.folder, os.path.join(control, interface))

    def ask(self, text):
        return self.control.ask(text)

    def field(self, command, name):
        for line in self.ask(command).splitlines():
            if line.startswith(name + "="):
                return line.partition("=")[2]
        return None

    def mark(self):
        """Where the events of what comes now begin."""
        self.events_so_far()
        return len(self.control.seen)

    def events_so_far(self):
        while select.select([self.control.events], [], [], 0)[0]:
            self.control.read_event()
        return self.control.seen

    def log_since(self, start):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()[start:]

    def wait(self, word, start, seconds=JOIN_S):
        return self.control.wait(word, seconds, start)

    def told(self, start):
        """Events by their first word, the last of each."""
        return {e.split(" ")[0]: e.partition(" ")[2] for e in self.events_so_far()[start:]}

    def code(self):
        """A new bootstrapping key: its number and URI."""
        key = self.ask("DPP_BOOTSTRAP_GEN type=qrcode")
        return key, self.ask("DPP_BOOTSTRAP_GET_URI " + key)

    def stop(self):
        self.control.close()
        self.world.stop(self.process)


class AccessPoint(Program):
    """One network by Connector, SAE and PSK at once, which relays to a Controller; others say otherwise by their lines."""
    ANY = ("wpa_key_mgmt=DPP SAE WPA-PSK", "sae_password=" + PASSWORD, "wpa_passphrase=" + PASSWORD, "sae_require_mfp=1")

    def __init__(self, world, host, controller=None, lines=ANY, ssid=SSID, channel=6):
        relay = () if controller is None else ("dpp_configurator_connectivity=1",
                                               "dpp_controller=ipaddr=%s pkhash=%s" % (controller.address, controller.key_hash))
        super().__init__(world, host, "hostapd", host.interface,
                         ("interface=" + host.interface, "driver=nl80211", "hw_mode=g", "channel=%d" % channel, "country_code=US",
                          "ssid=" + ssid, "wpa=2", "rsn_pairwise=CCMP", "ieee80211w=1") + relay + lines)
        self.address = NETWORK % 1
        self.up()

    def up(self):
        until("%s is on the air" % self.host.name, 30, lambda: self.field("STATUS", "state") == "ENABLED")
        self.host.ip("address replace %s/24 dev %s" % (self.address, self.host.interface))

    def has(self, device):
        """What its own table says: whether the device is on the network."""
        try:
            return "AUTHORIZED" in (self.field("STA " + device.host.mac, "flags") or "")
        except Failed:
            return False  # no such station

    def expect_on(self, device):
        until("%s has %s in its table" % (self.host.name, device.host.name), 10, lambda: self.has(device))
        expect(passes(device.host, self.host, self.address), "nothing passes from %s to %s" % (device.host.name, self.host.name))

    def take_connector(self, start):
        """hostapd tells what it received, and uses none of it: that is for an agent."""
        self.wait("DPP-NET-ACCESS-KEY", start)
        told = self.told(start)
        for name, event in (("dpp_connector", "DPP-CONNECTOR"), ("dpp_csign", "DPP-C-SIGN-KEY"),
                            ("dpp_netaccesskey", "DPP-NET-ACCESS-KEY")):
            self.ask("SET %s %s" % (name, told[event].split(" ")[0]))
        self.ask("DISABLE")
        self.ask("ENABLE")
        self.up()


class Supplicant(Program):
    def __init__(self, world, host, *lines, number=2):
        super().__init__(world, host, "wpa_supplicant", host.interface,
                         ("update_config=1", "dpp_config_processing=2", "pmf=1", "sae_pwe=2", CHANNELS) + lines,
                         "-Dnl80211", "-i" + host.interface)
        host.ip("address add %s/24 dev %s" % (NETWORK % number, host.interface))
        self.key = None

    def new_code(self):
        self.key, uri = self.code()
        return uri

    def chirp(self, rounds=5):
        start = self.mark()
        self.ask("DPP_CHIRP own=%s iter=%d" % (self.key, rounds))
        return start

    def configured(self, start):
        """What it was told, and the number of the network that it made of it."""
        self.wait("DPP-CONF-RECEIVED", start)
        self.wait("DPP-NETWORK-ID", start)
        return self.told(start)

    def joins(self, begun, start, access_point, akm, key_mgmt):
        """From the announcement on: configured, connected, and on the network; as a sentence with times."""
        told = self.configured(start)
        configured = time.monotonic()
        expect(told["DPP-CONFOBJ-AKM"] == akm, told["DPP-CONFOBJ-AKM"])
        self.wait("CTRL-EVENT-CONNECTED", start)
        connected = time.monotonic()
        expect(self.field("STATUS", "key_mgmt") == key_mgmt, self.ask("STATUS"))
        access_point.expect_on(self)
        return "configured after %.1f s, connected after %.1f s" % (configured - begun, connected - begun)

    def onboard(self, controller, access_point, akm, key_mgmt):
        controller.admit(self.new_code(), akm)
        begun = time.monotonic()
        return self.joins(begun, self.chirp(), access_point, akm, key_mgmt)

    def reconfigure(self, access_point, akm, key_mgmt):
        network = self.told(0)["DPP-NETWORK-ID"]
        self.ask("DISCONNECT")
        start, begun = self.mark(), time.monotonic()
        self.ask("DPP_RECONFIG %s iter=5" % network)
        return self.joins(begun, start, access_point, akm, key_mgmt)

    def is_refused(self, start):
        """It announced itself in each round, and nobody authenticated to it."""
        self.wait("DPP-CHIRP-STOPPED", start)
        told = self.told(start)
        expect("DPP-AUTH-SUCCESS" not in told and "DPP-CONF-RECEIVED" not in told, told)

    def forget(self):
        start = self.mark()
        if self.field("STATUS", "wpa_state") == "COMPLETED":
            self.ask("DISCONNECT")
            self.wait("CTRL-EVENT-DISCONNECTED", start)
        self.ask("REMOVE_NETWORK all")


class StockController:
    """wpa_supplicant on a cable: what ours is compared with, and what shows that the lab is right."""
    PARAMETERS = {"dpp": "conf=sta-dpp", "sae": "conf=sta-sae pass=" + PASSWORD.encode().hex(),
                  "psk": "conf=sta-psk pass=" + PASSWORD.encode().hex(), "ap": "conf=ap-dpp"}

    def __init__(self, world, host, interface, address):
        self.address = address
        self.program = Program(world, host, "wpa_supplicant", interface, ("ap_scan=0",), "-Dwired", "-i" + interface)
        self.configurator = self.program.ask("DPP_CONFIGURATOR_ADD")
        self.key_hash = self.program.field("DPP_BOOTSTRAP_INFO " + self.program.code()[0], "pkhash")
        self.begin("dpp")

    def parameters(self, akm):
        return "%s ssid=%s configurator=%s" % (self.PARAMETERS[akm], SSID.encode().hex(), self.configurator)

    def begin(self, akm):
        self.program.ask("SET dpp_configurator_params  " + self.parameters(akm))
        self.program.ask("DPP_CONTROLLER_START")

    def admit(self, uri, akm):
        peer = self.program.ask("DPP_QR_CODE " + uri)
        self.program.ask("DPP_BOOTSTRAP_SET %s %s" % (peer, self.parameters(akm)))

    def change(self, akm):
        """What devices are given that come again; read when it starts."""
        self.program.ask("DPP_CONTROLLER_STOP")
        self.begin(akm)

    def enrol_access_point(self, access_point, address):
        """As an access point of the network, over TCP: it listens, and the Controller begins."""
        start = access_point.mark()
        peer = self.program.ask("DPP_QR_CODE " + access_point.code()[1])
        access_point.ask("DPP_CONTROLLER_START role=enrollee")
        self.program.ask("DPP_AUTH_INIT peer=%s %s neg_freq=-1 tcp_addr=%s" % (peer, self.parameters("ap"), address))
        access_point.take_connector(start)
