#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""berth-registrar as Controller behind a stock hostapd that relays, with stock devices on the air: Connector, SAE, PSK,
reconfiguration, two devices at once, and who stays outside. The access point's own table says who is on the network.
Runs in the guest (tests/lab/vm)."""
import sys
import time

from lib.registrar import Registrar
from lib.stock import AccessPoint, Supplicant
from lib.world import World, expect, play


class Network(World):
    WITH_RADIO = ("ap", "dev", "dev2")

    def setup(self):
        self.cable(self.host("ctl"), "10.0.0.1", self.hosts["ap"], "10.0.0.2")
        self.controller = Registrar(self, self.hosts["ctl"], "10.0.0.1")
        self.ap = AccessPoint(self, self.hosts["ap"], self.controller)
        self.device = Supplicant(self, self.hosts["dev"])


def stays_outside(w):
    """A whole round of announcements, heard by the access point and answered by nobody."""
    heard, start = w.ap.mark(), w.device.chirp(rounds=1)
    w.device.is_refused(start)
    expect(any("type=13" in e for e in w.ap.events_so_far()[heard:]), "the access point did not hear it")
    expect(not w.ap.has(w.device), "it is on the network")


def case_1_an_access_point_is_enrolled(w):
    w.controller.enrol_access_point(w.ap)


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
    stays_outside(w)
    expect(len(w.controller.ask("dpp", "show")["unknown"]) == 1, "it is not listed")


def case_8_a_device_waits_for_an_operator(w):
    device = w.controller.admit(w.device.new_code(), "asked")
    stays_outside(w)
    w.controller.expect_state(device, "pending")
    w.controller.berth("device", "approve", device)
    begun = time.monotonic()
    return w.device.joins(begun, w.device.chirp(), w.ap, "dpp", "DPP")


def case_9_two_devices_at_once(w):
    w.device.forget()
    devices = (w.device, Supplicant(w, w.hosts["dev2"], number=3))
    for device in devices:
        w.controller.admit(device.new_code(), "dpp")
    begun = time.monotonic()
    starts = [device.chirp() for device in devices]
    return "; ".join(device.joins(begun, start, w.ap, "dpp", "DPP") for device, start in zip(devices, starts))


if __name__ == "__main__":
    sys.exit(play(Network, globals()))
