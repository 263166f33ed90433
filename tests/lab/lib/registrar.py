# SPDX-License-Identifier: BSD-2-Clause
"""berth-registrar as Controller on a host of the lab."""
import json
import os

from .stock import PASSWORD, SSID
from .world import Failed, expect, run, until

PROGRAMS = os.environ["BERTH_PROGRAMS"]
RULE = """[rule "%(model)s"]
match.client = dpp
match.model = %(model)s
approve = %(approve)s
dpp.ssid = %(ssid)s
%(more)s
"""
BY_AKM = {
    "dpp": "",
    "sae": "dpp.akm = sae\ndpp.password-file = %s\n",
    "psk": "dpp.akm = psk\ndpp.password-file = %s\n",
    "dot1x": "dpp.akm = dot1x\ndpp.eap-server = radius.lab\n",
}


class Registrar:
    """A device's model is the way it joins: dpp, sae, psk, dot1x; "asked" waits for an operator; "ap" is an access point."""

    def __init__(self, world, host, address, name="registrar", ssid=SSID):
        self.world, self.host, self.address, self.name, self.ssid = world, host, address, name, ssid
        self.home = os.path.join(world.folder, name)
        self.env = dict(os.environ, BERTH_ADMIN_SOCKET=os.path.join(self.home, "admin.sock"))
        self.berth("registrar", "init", "--dir", self.home, "--name", name, "--host", "localhost", "--listen", "127.0.0.1:0")
        self.berth("dpp", "init", "--dir", self.home)
        self.password = world.file(name + "/network.pass", PASSWORD + "\n")
        self.process = None
        self.begin()

    def begin(self, changed=None):
        """changed: how devices of model dpp are to join now."""
        rules = []
        for model in ("dpp", "sae", "psk", "dot1x", "asked", "ap"):
            akm = changed if model == "dpp" and changed is not None else model
            more = "dpp.net-role = ap\n" if akm == "ap" else BY_AKM.get(akm, "")
            rules.append(RULE % {"model": model, "approve": "operator" if model == "asked" else "auto", "ssid": self.ssid,
                                 "more": more % self.password if "%s" in more else more})
        self.world.file(self.name + "/policy.conf", "".join(rules))
        self.process, self.log = self.world.start(self.host, self.name, os.path.join(PROGRAMS, "berth-registrar"), "--config",
                                                  os.path.join(self.home, "registrar.conf"))
        until("the Controller has its keys", 40, self.is_ready)
        shown = self.ask("dpp", "show")
        self.key_hash, self.uri = shown["key-hash"], shown["uri"]

    def is_ready(self):
        if self.process.poll() is not None:
            raise Failed("the registrar ended with %d" % self.process.returncode)
        try:
            return os.path.exists(self.env["BERTH_ADMIN_SOCKET"]) and self.ask("dpp", "show")
        except Failed:
            return False

    def change(self, akm):
        self.world.stop(self.process)
        self.begin(akm)

    def berth(self, *words, text=None):
        before = os.environ.get("BERTH_ADMIN_SOCKET")
        os.environ["BERTH_ADMIN_SOCKET"] = self.env["BERTH_ADMIN_SOCKET"]
        try:
            return run(os.path.join(PROGRAMS, "berth"), *words, text=text)
        finally:
            os.environ.pop("BERTH_ADMIN_SOCKET")
            if before is not None:
                os.environ["BERTH_ADMIN_SOCKET"] = before

    def ask(self, *words, text=None):
        return json.loads(self.berth(*words, "--json", text=text))

    def admit(self, uri, model):
        """The device's id."""
        return self.ask("device", "add", uri, "--model", model)["id"]

    def expect_state(self, device, state):
        until("%s is %s" % (device, state), 10, lambda: self.ask("device", "show", device)["state"] == state)

    def enrol_access_point(self, access_point):
        """As an access point of the network, over TCP; it begins."""
        key, uri = access_point.code()
        device = self.admit(uri, "ap")
        start = access_point.mark()
        peer = access_point.ask("DPP_QR_CODE " + self.uri)
        access_point.ask("DPP_AUTH_INIT peer=%s own=%s role=enrollee tcp_addr=%s" % (peer, key, self.address))
        access_point.take_connector(start)
        self.expect_state(device, "enrolled")
        expect("DPP-AUTH-SUCCESS" in access_point.told(start), "who configured it")
