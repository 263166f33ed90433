#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""PKEX of version 2 over TCP, where no stock program speaks it: berth-registrar and berth-device against an implementation of its
own in Python (support/dpp_model.py, which first shows the specification's own values), each with its refusal.
Runs itself in a network namespace of its own."""
import os
import re
import secrets
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]
try:
    import dpp_model as dpp
except ImportError:
    print("missing: python3-cryptography")
    sys.exit(77)
from dpp_controller import PROGRAMS, RUN_S, Registrar, expect, tcp  # noqa: E402
from stock_dpp import Failed  # noqa: E402

CODE = "tulip-4821-canary"
MACS = bytes.fromhex("ac6491f45207"), bytes.fromhex("6e5ece6ef3dd")


def take(s, n):
    octets = b""
    while len(octets) < n:
        part = s.recv(n - len(octets))
        if not part:
            return None
        octets += part
    return octets


def receive(s):
    """One body of perhaps several; None when the other closes."""
    head = take(s, 4)
    return head and take(s, int.from_bytes(head, "big"))


class Connection:
    def __init__(self):
        self.socket = tcp()

    def ask(self, body):
        self.send(body)
        return receive(self.socket)

    def send(self, body):
        self.socket.sendall(len(body).to_bytes(4, "big") + body)

    def is_cut(self):
        try:
            return receive(self.socket) is None
        except ConnectionError:
            return True


def refused(call, what=""):
    try:
        call()
    except dpp.Refused as error:
        expect(what in str(error), "%s: %s" % (what, error))
        return
    raise Failed("it was not refused")


def start(w, *words, code=CODE):
    return w["registrar"].ask("dpp", "pkex", "start", "--code-file", "-", "--no-wait", *words, text=code + "\n")


def window(w):
    return w["registrar"].ask("dpp", "pkex", "show")


def exchange(connection, run):
    run.finish(connection.ask(run.reveal(connection.ask(run.request()))))


def configure(connection, run):
    """What a device that began gets after PKEX: its Connector."""
    authentication = dpp.Authentication(dpp.P256, run.key, run.peer)
    connection.send(authentication.confirm(connection.ask(authentication.request(1))))
    nonce = secrets.token_bytes(16)
    request = {"name": "lamp", "wi-fi_tech": "infra", "netRole": "sta"}
    found = dpp.configuration_of(authentication.ke,
                                 connection.ask(dpp.configuration_request(authentication.ke, request, nonce)), nonce)
    connection.send(dpp.configuration_result(authentication.ke, nonce))
    return found


def audit(w):
    """All that the audit log says."""
    path = os.path.join(w["registrar"].home, "state", "registrar.db")
    with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as database:
        return "\n".join(" ".join(str(cell) for cell in row) for row in database.execute("SELECT * FROM audit"))


def stored(w):
    """Every octet of the store's files."""
    folder = os.path.join(w["registrar"].home, "state")
    octets = b""
    for name in os.listdir(folder):
        if os.path.isfile(os.path.join(folder, name)):
            with open(os.path.join(folder, name), "rb") as f:
                octets += f.read()
    return octets


# req: dpp-pkex-vectors
def case_01_the_model_finds_the_published_values(w):
    def scalar(text):
        return int(text, 16)
    initiator = dpp.Pkex(b"thisisreallysecret", b"joes_key", macs=MACS,
                         key=scalar("5941b51acfc702cdc1c347264beb2920db88eb1a0bf03a211868b1632233c269"),
                         ephemeral=scalar("8365c5ed93d751bef2d92b410dc6adfd95670889183fac1bd66759ad85c3187a"))
    responder = dpp.Pkex(b"thisisreallysecret", b"joes_key", macs=MACS,
                         key=scalar("2ae8956293f49986b6d0b8169a86805d9232babb5f6813fdfe96f19d59536c60"),
                         ephemeral=scalar("d98faa24d7dd3f592665d71a95c862bfd02c4c48acb0c515a41cbc6e929675ea"))
    reveal = initiator.reveal(responder.respond(initiator.request()))
    initiator.finish(responder.reveal_back(reveal))
    expect(initiator.z.hex() == "5271dee915cf7b1908747d8edb8394442411c5183ee38b79ebef399c08738e0b", initiator.z.hex())
    expect(initiator.peer == responder.public and responder.peer == initiator.public, "keys")


# req: dpp-controller-pkex-window
def case_02_without_a_window_nobody_is_answered(w):
    connection = Connection()
    connection.send(dpp.Pkex(CODE.encode()).request())
    expect(connection.is_cut(), "an answer")
    expect(window(w) == {"state": "never"}, window(w))


# req: dpp-controller-pkex-once
def case_03_who_knows_the_code_is_taken_in_and_configured(w):
    registrar = w["registrar"]
    start(w, "--model", "sensor", "--serial-number", "lamp-7", "--identifier", "kitchen")
    connection = Connection()
    run = dpp.Pkex(CODE.encode(), b"kitchen")
    exchange(connection, run)
    found = configure(connection, run)
    expect(found["cred"]["akm"] == "dpp" and found["discovery"]["ssid"] == "net-x", found)
    shown = window(w)
    expect(shown["state"] == "used" and shown["device"].endswith("lamp-7"), shown)
    registrar.wait_state(shown["device"], "enrolled")
    device = registrar.device(shown["device"])
    expect(device["dpp"]["known-by"] == "pkex", device)
    expect(device["dpp"]["key-hash"] == dpp.P256.key_hash(run.public).hex(), device)
    expect(device["approval"]["reason"] == "pkex" and device["approval"]["by"] == shown["by"], device)
    expect(shown["device"] in registrar.berth("device", "list").stdout, "the list")
    # the code is for one device
    other = Connection()
    other.send(dpp.Pkex(CODE.encode(), b"kitchen").request())
    expect(other.is_cut(), "a second device")
    # who comes again with its key needs no code
    again = Connection()
    expect(configure(again, run)["cred"]["akm"] == "dpp", "again")


# req: dpp-pkex-one-guess, dpp-pkex-guesses
def case_04_five_wrong_codes_and_the_right_one_is_refused_too(w):
    start(w, "--model", "sensor")
    for guess in range(5):
        expect(window(w)["guesses"] == guess, window(w))
        connection = Connection()
        run = dpp.Pkex(b"tulip-4821-canarY")
        connection.send(run.reveal(connection.ask(run.request())))
        expect(connection.is_cut(), "an answer to a wrong code")
    expect(window(w)["state"] == "spent", window(w))
    connection = Connection()
    connection.send(dpp.Pkex(CODE.encode()).request())
    expect(connection.is_cut(), "an answer after five guesses")
    expect("try 5 of 5" in audit(w), "the audit log")


def case_05_runs_that_say_nothing_cost_no_guess(w):
    start(w, "--model", "sensor")
    silent = [Connection() for _ in range(4)]
    for connection in silent:
        dpp.opened(connection.ask(dpp.Pkex(b"anything").request()), 8)
    fifth = Connection()
    fifth.send(dpp.Pkex(CODE.encode()).request())
    expect(fifth.is_cut(), "more runs at a time than four")
    # who has the code gets a place as soon as they have had their time
    end = time.monotonic() + RUN_S
    while True:
        connection = Connection()
        run = dpp.Pkex(CODE.encode())
        connection.send(run.request())
        answer = receive(connection.socket)
        if answer is not None:
            break
        expect(time.monotonic() < end, "no place")
        time.sleep(0.1)
    run.finish(connection.ask(run.reveal(answer)))
    expect(window(w)["state"] == "used" and window(w)["guesses"] == 0, window(w))
    expect(silent[0].is_cut() and silent[3].is_cut(), "the others")


# req: dpp-pkex-version-1, dpp-pkex-identifier, dpp-pkex-points
def case_06_the_smallest_change_is_refused(w):
    start(w, "--model", "sensor", "--identifier", "kitchen")
    good = dpp.Pkex(CODE.encode(), b"kitchen").request()
    for bad in (dpp.Pkex(CODE.encode(), b"kitcheN").request(), dpp.Pkex(CODE.encode()).request(),
                dpp.Pkex(CODE.encode(), b"kitchen", macs=MACS).request(), good[:-1] + bytes([good[-1] ^ 1]),
                dpp.Pkex(CODE.encode(), b"kitchen", version=1).request()):
        connection = Connection()
        connection.send(bad)
        expect(connection.is_cut(), bad.hex())
    # another group is told ours
    connection = Connection()
    run = dpp.Pkex(CODE.encode(), b"kitchen")
    answer = connection.ask(run.request(group=20))
    refused(lambda: run.reveal(answer), "status 4, group 1300")
    expect(connection.is_cut(), "it goes on")
    expect(window(w) == dict(window(w), state="open", guesses=0), window(w))
    # and nothing of it is in the way
    exchange(Connection(), dpp.Pkex(CODE.encode(), b"kitchen", version=2))


def case_07_a_relay_may_bring_what_follows_on_another_connection(w):
    """As a stock access point does: one for each exchange that it relays, and again when the device repeats a frame."""
    start(w, "--model", "sensor")
    run = dpp.Pkex(CODE.encode())
    first = Connection()
    exchange_request = run.request()
    answer = first.ask(exchange_request)
    expect(first.ask(exchange_request) == answer, "a repeated request")
    reveal = run.reveal(answer)
    revealed = first.ask(reveal)
    expect(first.ask(reveal) == revealed, "a repeated proof")
    run.finish(revealed)
    expect(configure(Connection(), run)["cred"]["akm"] == "dpp", "on another connection")


def case_08_a_window_shuts_itself_and_can_be_shut(w):
    expect(w["registrar"].berth("dpp", "pkex", "start", "--code-file", "-", "--for", "1s", text=CODE,
                                check=False).returncode == 3, "nobody came")
    expect(window(w)["state"] == "over", window(w))
    start(w)
    connection = Connection()
    run = dpp.Pkex(CODE.encode())
    answer = connection.ask(run.request())
    expect(w["registrar"].ask("dpp", "pkex", "stop")["state"] == "closed", window(w))
    # a run with the code of a window that was shut ends nowhere, the same code in the next window or not
    start(w)
    expect(connection.is_cut(), "an old run")
    fresh = Connection()
    fresh.send(run.reveal(answer))
    expect(fresh.is_cut(), "its proof on another connection")


def case_09_the_policy_has_the_last_word(w):
    registrar = w["registrar"]
    start(w, "--model", "toy")
    connection = Connection()
    run = dpp.Pkex(CODE.encode())
    exchange(connection, run)
    authentication = dpp.Authentication(dpp.P256, run.key, run.peer)
    connection.send(authentication.request(1))
    expect(connection.is_cut(), "a device that the policy denies")
    # an operator's word against a device is not taken back by a code either
    start(w, "--model", "sensor")
    device = dpp.Pkex(CODE.encode())
    exchange(Connection(), device)
    registrar.berth("device", "deny", window(w)["device"])
    start(w, "--model", "sensor")
    connection = Connection()
    run = dpp.Pkex(CODE.encode(), key=device.key)
    exchange(connection, run)
    connection.send(dpp.Authentication(dpp.P256, run.key, run.peer).request(1))
    expect(connection.is_cut(), "a device that was denied")


def case_10_who_shows_a_key_that_is_not_his_is_no_device(w):
    start(w, "--model", "sensor")
    run = dpp.Pkex(CODE.encode())
    connection = Connection()
    answer = connection.ask(run.request())
    run.public = dpp.P256.mul(run.key + 1, dpp.P256.g)
    connection.send(run.reveal(answer))
    expect(connection.is_cut(), "a key that is not his")
    expect(window(w)["guesses"] == 1 and window(w)["state"] == "open", window(w))


def case_11_a_weak_code_is_refused_and_no_code_is_told(w):
    registrar = w["registrar"]
    for code in ("1234567", "11112222", ""):
        done = registrar.berth("dpp", "pkex", "start", "--code-file", "-", "--no-wait", text=code + "\n", check=False)
        expect(done.returncode == 2 and "code" in done.stderr, done)
    expect(registrar.berth("dpp", "pkex", "start", "--code-file", "-", "--for", "2h", text=CODE, check=False).returncode == 2,
           "two hours")
    expect(CODE.encode() not in stored(w) and CODE not in registrar.log(), "the code in the store or the log")


class Device:
    """berth-device with a wire, and a code in a file."""

    def __init__(self, w, name, port=8908, code=CODE, identifier="kitchen"):
        folder = os.path.join(w["folder"], name)
        os.mkdir(folder, 0o700)
        self.conf = os.path.join(folder, "device.conf")
        self.profile = os.path.join(folder, "profile")
        self.write(folder, "code", code + "\n")
        subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
                        os.path.join(folder, "boot.key")], check=True, umask=0o077)
        self.write(folder, "device.conf", "[device]\nstate-directory = state\n\n[dpp]\nbootstrapping-key = file:boot.key\n"
                   "profile = profile\ncontroller = 127.0.0.1:%d\npkex-code-file = code\npkex-identifier = %s\n" %
                   (port, identifier))

    @staticmethod
    def write(folder, name, text):
        with open(os.path.join(folder, name), "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(text)

    def start(self, seconds):
        return subprocess.Popen([os.path.join(PROGRAMS, "berth-device"), "--config", self.conf, "dpp", "--once", "--timeout",
                                 str(seconds)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def join(self, seconds=15, expected=0):
        process = self.start(seconds)
        said = process.communicate(timeout=60)[1]
        expect(process.returncode == expected, "status %d, not %d: %s" % (process.returncode, expected, said))
        return said


def case_12_our_device_knows_the_code_and_is_configured(w):
    start(w, "--model", "sensor", "--identifier", "kitchen")
    device = Device(w, "lamp")
    device.join()
    with open(device.profile, encoding="ascii") as f:
        text = f.read()
    expect("key_mgmt= DPP" in text, text)
    expect(window(w)["state"] == "used" and w["registrar"].device(window(w)["device"])["dpp"]["known-by"] == "pkex", window(w))
    # another code, or one of another name, and everything else the same
    for name, wrong in (("code", {"code": CODE + "x"}), ("identifier", {"identifier": "cellar"})):
        start(w, "--model", "sensor", "--identifier", "kitchen")
        device = Device(w, "wrong-" + name, **wrong)
        device.join(2, expected=3 if name == "code" else 5)
        expect(not os.path.exists(device.profile), "a profile")
        expect(window(w)["guesses"] == (1 if name == "code" else 0), window(w))


def listener():
    s = socket.create_server(("127.0.0.1", 0))
    s.settimeout(RUN_S)
    return s, s.getsockname()[1]


class Accepted(Connection):
    def __init__(self, s):
        self.socket = s.accept()[0]
        self.socket.settimeout(RUN_S)


def case_13_our_device_judges_a_controller(w):
    """The model as Controller; and one that does not know the code learns nothing that it could use."""
    s, port = listener()
    process = Device(w, "judge", port).start(15)
    connection = Accepted(s)
    run = dpp.Pkex(CODE.encode(), b"kitchen")
    request = connection.ask(run.respond(receive(connection.socket)))
    authentication_request = connection.ask(run.reveal_back(request))
    authentication = dpp.Authentication(dpp.P256, run.key, run.peer)
    confirm = connection.ask(authentication.respond(authentication_request, 2))
    authentication.check_confirm(confirm)
    expect(authentication.i_caps == 1, "it is an enrollee")
    sealed = dpp.parse(receive(connection.socket)[14:])[dpp.WRAPPED]
    expect(b"wi-fi_tech" in dpp.unseal(authentication.ke, sealed, ()), "its request")
    process.kill()
    process.wait()
    process = Device(w, "fooled", port).start(15)
    connection = Accepted(s)
    run = dpp.Pkex(b"tulip-4821-canarY", b"kitchen")
    request = connection.ask(run.respond(receive(connection.socket)))
    refused(lambda: run.reveal_back(request), "another key")
    process.kill()
    said = process.communicate()[1]
    expect(CODE not in said, said)
    s.close()


def title(name):
    return name.partition("_")[2].partition("_")[2].replace("_", " ")


def main():
    for tool in ("unshare", "ip", "openssl"):
        if shutil.which(tool) is None:
            print("missing: " + tool)
            sys.exit(77)
    if os.environ.get("BERTH_DPP_INSIDE") != "1":
        os.environ["BERTH_DPP_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "-rnm", sys.executable, os.path.abspath(__file__), *sys.argv[1:]])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    wanted = re.compile(sys.argv[1] if len(sys.argv) > 1 else "")
    failed = 0
    with tempfile.TemporaryDirectory(prefix="berth-pkex-") as folder:
        w = {"folder": folder, "registrar": Registrar(folder)}
        try:
            for name, case in sorted(globals().items()):
                if not name.startswith("case_") or not wanted.search(name):
                    continue
                try:
                    case(w)
                    print("ok " + title(name))
                except (Failed, dpp.Refused, subprocess.TimeoutExpired, KeyError, OSError) as error:
                    failed += 1
                    print("not ok %s: %r" % (title(name), error))
            if failed:
                print(w["registrar"].log()[-4000:])
        finally:
            w["registrar"].stop()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
