#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""berth-device dpp over TCP: Debian's wpa_supplicant as Controller configures it, and Debian's wpa_supplicant reads the profile that
it wrote; each with its refusal. Runs itself in a network namespace of its own."""
import base64
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from stock_dpp import Failed, free_port, supplicant  # noqa: E402

PROGRAM = os.path.join(os.environ["BERTH_PROGRAMS"], "berth-device")
SSID = 'net "x"\\'
PASS = 'correct "horse" \\n'
CURVES = {"P-256": "prime256v1", "P-384": "secp384r1", "P-521": "secp521r1"}


def expect(condition, what):
    if not condition:
        raise Failed(what)


def openssl(*arguments, **more):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True, **more).stdout


class Device:
    def __init__(self, folder, name, port, curve="P-256", more=""):
        self.folder = os.path.join(folder, name)
        os.mkdir(self.folder, 0o700)
        key = os.path.join(self.folder, "boot.key")
        with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as f:
            f.write(openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:" + CURVES[curve]))
        spki = openssl("ec", "-in", key, "-pubout", "-conv_form", "compressed", "-outform", "DER")
        self.uri = "DPP:V:2;K:%s;;" % base64.b64encode(spki).decode()
        self.profile = os.path.join(self.folder, "profile", "wpa_supplicant.conf")
        self.conf = os.path.join(self.folder, "device.conf")
        with open(self.conf, "w", encoding="ascii") as f:
            f.write("[device]\nstate-directory = state\n\n[dpp]\nbootstrapping-key = file:boot.key\n"
                    "profile = profile/wpa_supplicant.conf\n"
                    "controller = 127.0.0.1:%d\nname = pump-7\n%s" % (port, more))

    def run(self, *arguments, expected=0):
        done = subprocess.run([PROGRAM, "--config", self.conf, *arguments], capture_output=True, text=True, timeout=60,
                              check=False)
        expect(done.returncode == expected, "%s: status %d, not %d: %s" %
               (arguments, done.returncode, expected, done.stderr))
        return done.stderr

    def join(self, seconds=15, expected=0):
        return self.run("dpp", "--once", "--timeout", str(seconds), expected=expected)


def controller(stock, params="conf=sta-dpp ssid=%s configurator=1" % SSID.encode().hex()):
    port = free_port()
    key = stock.ask("DPP_BOOTSTRAP_GEN type=qrcode")
    stock.ask("SET dpp_configurator_params  " + params)
    stock.ask("DPP_CONTROLLER_START tcp_port=%d role=configurator" % port)
    return port, stock.ask("DPP_BOOTSTRAP_GET_URI " + key)


def allow(stock, device, params):
    peer = stock.ask("DPP_QR_CODE " + device.uri)
    stock.ask("DPP_BOOTSTRAP_SET %s  %s configurator=1" % (peer, params))


def judge(folder, device, wanted):
    """Debian's wpa_supplicant takes the profile and says what it reads there."""
    expect(os.stat(device.profile).st_mode & 0o777 == 0o600, "the profile can be read by others")
    control = os.path.join(folder, "ctrl-judge")
    with open(device.profile, encoding="ascii") as f:
        text = f.read()
    copy = os.path.join(device.folder, "judged.conf")
    with open(copy, "w", encoding="ascii") as f:
        f.write(text.replace("/run/wpa_supplicant", control))
    stock = supplicant(folder, "veth1")
    try:
        stock.stop()
        process = subprocess.Popen(["wpa_supplicant", "-Dwired", "-iveth1", "-c" + copy], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        from stock_dpp import Control
        ask = Control(folder, os.path.join(control, "veth1"))
        networks = ask.ask("LIST_NETWORKS").splitlines()[1:]
        expect(len(networks) == len(wanted), networks)
        for i, fields in enumerate(wanted):
            for name, value in fields.items():
                got = ask.ask("GET_NETWORK %d %s" % (i, name))
                expect(re.fullmatch(value, got), "%s is %s, not %s" % (name, got, value))
        ask.close()
    finally:
        process.terminate()
        process.wait(10)


NAME = '(?:"%s"|%s)' % (re.escape(SSID), SSID.encode().hex())


def case_dpp(folder, stock):
    port, _ = controller(stock)
    for curve in CURVES:
        device = Device(folder, "dpp-" + curve, port, curve)
        allow(stock, device, "conf=sta-dpp ssid=%s" % SSID.encode().hex())
        log = device.join()
        expect("event=dpp.configured" in log, log)
        judge(folder, device, [{"ssid": NAME, "key_mgmt": "DPP", "ieee80211w": "2", "dpp_connector": '"[\\w-]+[.][\\w-]+[.][\\w-]+"',
                                "dpp_csign": "\\*|[0-9a-f]+"}])
        with open(device.profile, encoding="ascii") as f:
            text = f.read()
        key = bytes.fromhex(re.search("dpp_netaccesskey=([0-9a-f]+)", text)[1])
        sign = bytes.fromhex(re.search("dpp_csign=([0-9a-f]+)", text)[1])
        openssl("ec", "-inform", "DER", "-check", "-noout", input=key)
        openssl("pkey", "-pubin", "-inform", "DER", "-noout", input=sign)
    stock.ask("DPP_CONTROLLER_STOP")


def case_passwords(folder, stock):
    port, _ = controller(stock)
    ssid, word = SSID.encode().hex(), PASS.encode().hex()
    sae = Device(folder, "sae", port)
    allow(stock, sae, "conf=sta-sae ssid=%s pass=%s" % (ssid, word))
    sae.join()
    judge(folder, sae, [{"ssid": NAME, "key_mgmt": "SAE", "ieee80211w": "2"}])
    psk = Device(folder, "psk", port)
    allow(stock, psk, "conf=sta-psk ssid=%s pass=%s" % (ssid, word))
    psk.join()
    judge(folder, psk, [{"ssid": NAME, "key_mgmt": "WPA-PSK WPA-PSK-SHA256", "ieee80211w": "1"}])
    with open(psk.profile, encoding="ascii") as f:
        text = f.read()
    expect('\tpsk="%s"\n' % PASS in text, text)
    with open(sae.profile, encoding="ascii") as f:
        text = f.read()
    expect("\tsae_password=%s\n" % word in text, text)
    stock.ask("DPP_CONTROLLER_STOP")


def case_refusals(folder, stock):
    port, uri = controller(stock)
    # nobody knows its code
    device = Device(folder, "unknown", port)
    expect("dpp-nobody" in device.join(3, expected=5), "an unknown device is told so")
    expect(not os.path.exists(device.profile), "nothing is written for a device that nobody knows")
    # a Configurator that is not the one it knows, and proves no key
    other = Device(folder, "other", port)
    bound = Device(folder, "bound", port, more="configurator = %s\n" % other.uri)
    allow(stock, bound, "conf=sta-dpp ssid=%s" % SSID.encode().hex())
    log = bound.join(3, expected=3)
    expect("dpp-configurator" in log and not os.path.exists(bound.profile), log)
    # the same device without that line is configured
    free = Device(folder, "free", port)
    allow(stock, free, "conf=sta-dpp ssid=%s" % SSID.encode().hex())
    free.join()
    stock.ask("DPP_CONTROLLER_STOP")


def read(path):
    with open(path, "rb") as f:
        return f.read()


def case_what_is_kept(folder, stock):
    port, _ = controller(stock)
    word = PASS.encode().hex()
    device = Device(folder, "kept", port)
    allow(stock, device, "conf=sta-sae ssid=%s pass=%s" % (SSID.encode().hex(), word))
    device.join()
    stock.ask("DPP_CONTROLLER_STOP")
    sealed = os.path.join(device.folder, "state", "dpp.sealed")
    profile, kept = read(device.profile), read(sealed)
    key = bytes.fromhex(re.search(b"dpp_netaccesskey=([0-9a-f]+)", profile)[1].decode())[7:39]
    for secret in (PASS.encode(), word.encode(), key, key.hex().encode(), b"dpp_connector"):
        expect(secret not in kept, "a secret stands in dpp.sealed")
    # the profile is made again of what is kept, with nobody there; as after a start, when what is in memory is gone
    shutil.rmtree(os.path.dirname(device.profile))
    expect("dpp.already-configured" in device.join(2), "it is configured")
    expect(read(device.profile) == profile, "another profile")
    # said where it is on a disk, and not where it is in memory
    kind = subprocess.run(["stat", "-f", "-c", "%T", device.folder], capture_output=True, text=True, check=True).stdout.strip()
    expect(("dpp.profile-on-disk" in device.join(2)) == (kind != "tmpfs"), kind)
    subprocess.run(["mount", "-t", "tmpfs", "none", os.path.dirname(device.profile)], check=True)
    try:
        expect("dpp.profile-on-disk" not in device.join(2), "it is in memory")
        expect(read(device.profile) == profile, "another profile")
    finally:
        subprocess.run(["umount", os.path.dirname(device.profile)], check=True)
    # altered, or another device's
    with open(sealed, "wb") as f:
        f.write(kept[:-1] + bytes([kept[-1] ^ 1]))
    expect("[siv" in device.join(2, expected=1), "an altered file is refused")
    with open(sealed, "wb") as f:
        f.write(kept)
    device.join(2)
    other = Device(folder, "thief", port)
    os.mkdir(os.path.join(other.folder, "state"), 0o700)
    shutil.copy(sealed, os.path.join(other.folder, "state"))
    expect("[siv" in other.join(2, expected=1), "another key opens it")
    device.run("reset")
    expect(not os.path.exists(sealed) and not os.path.exists(device.profile), "reset leaves files")
    expect("dpp-nobody" in device.join(2, expected=5), "it begins anew")


def case_reconfiguration(folder, stock):
    port, _ = controller(stock)
    device = Device(folder, "again", port)
    allow(stock, device, "conf=sta-dpp ssid=%s" % SSID.encode().hex())
    device.join()
    before = read(device.profile)
    stock.ask("DPP_CONTROLLER_STOP")
    # the same Configurator gives something else now
    stock.ask("SET dpp_configurator_params  conf=sta-sae ssid=%s pass=%s configurator=1" %
              (SSID.encode().hex(), PASS.encode().hex()))
    stock.ask("DPP_CONTROLLER_START tcp_port=%d role=configurator" % port)
    log = device.run("dpp", "--reconfigure", "--once", "--timeout", "15")
    expect("dpp.reconfigures" in log and "dpp.configured" in log, log)
    after = read(device.profile)
    expect(b"key_mgmt= SAE\n" in after and b"key_mgmt= DPP\n" in before, after)
    stock.ask("DPP_CONTROLLER_STOP")
    # a Configurator with another C-sign key, although it knows the device's code
    stranger = supplicant(folder, "veth1")
    try:
        stranger.ask("DPP_CONFIGURATOR_ADD")
        port, _ = controller(stranger)
        allow(stranger, device, "conf=sta-dpp ssid=%s" % SSID.encode().hex())
        with open(device.conf, encoding="ascii") as f:
            text = f.read()
        with open(device.conf, "w", encoding="ascii") as f:
            f.write(re.sub("127.0.0.1:[0-9]+", "127.0.0.1:%d" % port, text))
        device.run("dpp", "--reconfigure", "--once", "--timeout", "4", expected=5)
        expect(read(device.profile) == after, "the stranger's configuration was taken")
    finally:
        stranger.stop()


def case_configuration(folder, _):
    device = Device(folder, "conf", 8908)
    device.run("check-config")
    with open(device.conf, encoding="ascii") as f:
        good = f.read()
    for line, rule in (("interface = wlan0\n", "device-dpp"), ("channels = 81/\n", "dpp-channels"),
                       ("configurator = DPP:V:2;;\n", "dpp-uri-end"), ("channel = 81/6\n", "channel")):
        with open(device.conf, "w", encoding="ascii") as f:
            f.write(good + line)
        expect(rule in device.run("check-config", expected=2), rule)
    with open(device.conf, "w", encoding="ascii") as f:
        f.write("[device]\nstate-directory = state\n")
    expect("device-birth" in device.run("check-config", expected=2), "neither birth certificate nor [dpp]")
    with open(device.conf, "w", encoding="ascii") as f:
        f.write(good)
    expect("device-birth" in device.run("run", expected=2), "run without a birth certificate")
    expect("device-dpp" in device.run("wi-fi", expected=2), "wi-fi without an interface")


def main():
    if os.environ.get("BERTH_IN_NAMESPACE") != "yes":
        os.execvpe("unshare", ["unshare", "-rnm", sys.executable, os.path.abspath(__file__)],
                   dict(os.environ, BERTH_IN_NAMESPACE="yes"))
    for command in ("link set lo up", "link add veth0 type veth peer name veth1", "link set veth0 up", "link set veth1 up"):
        subprocess.run(["ip", *command.split(" ")], check=True)
    folder = tempfile.mkdtemp()
    stock = supplicant(folder, "veth0")
    try:
        stock.ask("DPP_CONFIGURATOR_ADD")
        for case in (case_dpp, case_passwords, case_refusals, case_what_is_kept, case_reconfiguration,
                     case_configuration):
            case(folder, stock)
            print("ok", case.__name__[5:], flush=True)
    except (Failed, subprocess.SubprocessError) as e:
        print("failed:", e)
        with open(stock.log, encoding="utf-8", errors="replace") as f:
            print("".join([x for x in f if "DPP-" in x][-20:]))
        return 1
    finally:
        stock.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
