#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""One whole onboarding over Wi-Fi with our Controller and our device, and nothing but a stock access point between them; and a device
that is not known. Runs in the guest (tests/lab/vm)."""
import sys
import time

from lib.device import Device
from lib.registrar import Registrar
from lib.stock import AccessPoint
from lib.world import World, expect, play, until


class Network(World):
    WITH_RADIO = ("ap", "dev", "other")

    def setup(self):
        self.cable(self.host("ctl"), "10.0.0.1", self.hosts["ap"], "10.0.0.2")
        self.controller = Registrar(self, self.hosts["ctl"], "10.0.0.1")
        self.ap = AccessPoint(self, self.hosts["ap"], self.controller)
        self.controller.enrol_access_point(self.ap)


def case_1_from_the_code_on_the_label_to_the_network(w):
    device = Device(w, w.hosts["dev"])
    name = w.controller.admit(device.uri, "dpp")
    begun = time.monotonic()
    device.start()
    device.wait("event=dpp.configured")
    configured = time.monotonic()
    device.wait("event=wi-fi.joined")
    w.ap.expect_on(device)
    w.controller.expect_state(name, "enrolled")
    return "configured after %.1f s, connected after %.1f s" % (configured - begun, time.monotonic() - begun)


def case_2_a_device_that_is_not_known_stays_outside(w):
    device = Device(w, w.hosts["other"], number=3)
    heard, said = w.ap.mark(), len(w.ap.log_since(0))
    device.start()
    w.ap.wait("src=%s freq=2437 type=13" % device.host.mac, heard)
    until("the Controller cut the relay off", 10, lambda: "Close Controller socket" in w.ap.log_since(said))
    expect("DPP-TX" not in w.ap.log_since(said), w.ap.log_since(said))
    expect(not w.ap.has(device), "it is on the network")
    expect("dpp.configured" not in device.log(), device.log())
    expect(len(w.controller.ask("dpp", "show")["unknown"]) == 1, "it is not listed")


if __name__ == "__main__":
    sys.exit(play(Network, globals()))
