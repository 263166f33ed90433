#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The lab itself, with nothing of ours in it: Debian's wpa_supplicant as Controller, hostapd as relay and as access point, and
wpa_supplicant as device. Runs in the guest (tests/lab/vm)."""
import sys

from lib.stock import AccessPoint, StockController, Supplicant
from lib.world import World, expect, play


class Network(World):
    WITH_RADIO = ("ap", "dev")

    def setup(self):
        self.cable(self.host("ctl"), "10.0.0.1", self.hosts["ap"], "10.0.0.2")
        self.controller = StockController(self, self.hosts["ctl"], "eth-ap", "10.0.0.1")
        self.ap = AccessPoint(self, self.hosts["ap"], self.controller)
        self.device = Supplicant(self, self.hosts["dev"])


def case_1_an_access_point_is_enrolled(w):
    w.controller.enrol_access_point(w.ap, "10.0.0.2")


def case_2_a_device_joins_by_its_connector(w):
    return w.device.onboard(w.controller, w.ap, "dpp", "DPP")


def case_3_it_is_reconfigured_to_a_password(w):
    w.controller.change("sae")
    return w.device.reconfigure(w.ap, "sae", "SAE")


def case_4_and_back_to_a_connector(w):
    w.controller.change("dpp")
    return w.device.reconfigure(w.ap, "dpp", "DPP")


def case_5_a_device_joins_by_sae(w):
    w.device.forget()
    return w.device.onboard(w.controller, w.ap, "sae", "SAE")


def case_6_a_device_joins_by_psk(w):
    w.device.forget()
    return w.device.onboard(w.controller, w.ap, "psk", "WPA2-PSK")


def case_7_a_device_whose_code_nobody_has_stays_outside(w):
    w.device.forget()
    w.device.new_code()
    heard, start = w.ap.mark(), w.device.chirp(rounds=1)
    w.device.is_refused(start)
    expect(any("type=13" in e for e in w.ap.events_so_far()[heard:]), "the access point did not hear it")
    expect(not w.ap.has(w.device), "it is on the network")


if __name__ == "__main__":
    sys.exit(play(Network, globals()))
