# SPDX-License-Identifier: BSD-2-Clause
"""berth-device on the air: it announces itself through nl80211, is configured, and starts wpa_supplicant with its profile."""
import base64
import os
import re
import subprocess

from .registrar import PROGRAMS
from .stock import JOIN_S, NETWORK
from .world import Failed, run, until


class Device:
    def __init__(self, world, host, number=2, more=""):
        self.world, self.host = world, host
        key = world.file(host.name + ".key", run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"))
        self.spki = subprocess.run(["openssl", "ec", "-in", key, "-pubout", "-conv_form", "compressed", "-outform", "DER"],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
        self.uri = "DPP:V:2;K:%s;;" % base64.b64encode(self.spki).decode()
        self.profile = os.path.join(world.folder, host.name + ".profile")
        self.conf = world.file(host.name + ".conf", "[device]\nstate-directory = state-%s\n\n[dpp]\nbootstrapping-key = file:%s\n"
                               "interface = %s\nchannels = 81/6\nprofile = %s\n%s" % (host.name, key, host.interface,
                                                                                   self.profile, more))
        host.ip("address add %s/24 dev %s" % (NETWORK % number, host.interface))
        self.process = self.path = None

    def start(self):
        self.process, self.path = self.world.start(self.host, "berth-device-" + self.host.name,
                                                   os.path.join(PROGRAMS, "berth-device"), "--config", self.conf, "wi-fi")

    def log(self):
        with open(self.path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def mark(self):
        return len(self.log())

    def wait(self, event, start=0, seconds=JOIN_S):
        """The first line since start that tells of this."""
        def found():
            return re.search(r"^.*%s.*$" % event, self.log()[start:], re.MULTILINE)
        try:
            return until("%s tells %s" % (self.host.name, event), seconds, found).group(0)
        except Failed as error:
            raise Failed("%s: %s" % (error, self.log()[start:][-2000:])) from error

    def stop(self):
        self.world.stop(self.process)
