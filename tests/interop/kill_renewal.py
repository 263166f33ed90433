#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""SIGKILL of berth-device while it renews, ten times, each at a random moment after it has begun. A re-key campaign has
told it to; it comes again, renews at once, and is killed again. Then it is left alone, and must hold one working
certificate, the newest that was made for it, by openssl's judgement and the registrar's, and the registrar no second
certificate for any key.

BERTH_KILLS (10) how many, BERTH_SEED."""
import base64
import collections
import glob
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

PROGRAMS = os.environ["BERTH_PROGRAMS"]
KILLS = int(os.environ.get("BERTH_KILLS", "10"))
SEED = int(os.environ.get("BERTH_SEED", "7030"))
WAIT_S = 60
UNIT = "K-0001"
chance = random.Random(SEED)
work = tempfile.mkdtemp(prefix="berth-kill-renewal-")
running = []


def path(*parts):
    return os.path.join(work, *parts)


def read(*parts):
    with open(path(*parts), encoding="ascii", errors="replace") as file:
        return file.read()


def write(text, *parts):
    with open(path(*parts), "w", encoding="ascii") as file:
        file.write(text)


def call(*words):
    done = subprocess.run(words, cwd=work, capture_output=True, text=True, timeout=WAIT_S)
    assert done.returncode == 0, " ".join(words) + ": " + done.stderr
    return done.stdout


def berth(*words):
    return call(os.path.join(PROGRAMS, "berth"), *words)


def start(name, config, *words):
    with open(path(name + ".log"), "ab") as log:
        process = subprocess.Popen([os.path.join(PROGRAMS, name), "--config", config, *words], cwd=work, stderr=log)
    running.append(process)
    return process


def until(what, probe):
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        got = probe()
        if got:
            return got
        time.sleep(0.001)
    raise AssertionError("not in time: " + what)


def port_of(*parts):
    return int(until("a port", lambda: os.path.exists(path(*parts)) and read(*parts).strip()))


def make_world():
    write("serial-number,model\n%s,cam-1\n" % UNIT, "units.csv")
    berth("factory", "init", "--dir", "acme", "--name", "Acme", "--masa-url", "masa.invalid", "--masa-host", "localhost")
    berth("factory", "make", "--dir", "acme", "--units", "units.csv", "--out", "units")
    berth("registrar", "init", "--dir", "home", "--name", "Home", "--host", "localhost", "--listen", "127.0.0.1:0")
    berth("factory", "sell", "--dir", "acme", "--all", "--owner", "home/domain-ca.pem", "--out", "sale.manifest")
    write(re.sub(r"(?m)^listen = .*", "listen = 127.0.0.1:0", read("acme/masa/masa.conf")), "acme/masa/masa.conf")
    start("berth-masa", "acme/masa/masa.conf")
    masa = port_of("acme/masa/port")
    for manifest in [*glob.glob(path("units/*.manifest")), path("sale.manifest")]:
        berth("masa", "load", "--socket", "acme/masa/admin.sock", manifest)
    # Whom a campaign tells renews within a twelfth of this.
    conf = re.sub(r"(?m)^issuing-key = .*", r"\g<0>\ncertificate-lifetime = 24s", read("home/registrar.conf"))
    write(conf + '\n[manufacturer "Acme"]\nanchors = %s\nmasa-url = localhost:%d\n' % (path("acme/root-ca.pem"), masa),
          "home/registrar.conf")
    write('[rule "cameras"]\nmatch.manufacturer = Acme\nrequire.owned = yes\napprove = auto\n', "home/policy.conf")
    start("berth-registrar", "home/registrar.conf")
    registrar = port_of("home/port")
    os.environ["BERTH_ADMIN_SOCKET"] = path("home/admin.sock")
    berth("device", "import", "sale.manifest", "--manufacturer", "Acme")
    conf = re.sub(r"= (file:)?(idevid|manufacturer-anchors)\.", r"= \1units/%s/\2." % UNIT, read("units", UNIT, "device.conf"))
    conf = re.sub(r"(?m)^state-directory = .*", "state-directory = " + path("state"), conf)
    write(conf + "\n[discovery]\ndns-sd = no\nregistrar = 127.0.0.1:%d\n\n[renewal]\ncheck-every = 1s\n" % registrar,
          "device.conf")
    return registrar


class Run:
    """berth-device from its start to its end, and what it logs meanwhile."""

    def __init__(self):
        self.skip = len(read("berth-device.log")) if os.path.exists(path("berth-device.log")) else 0
        self.process = start("berth-device", "device.conf", "run")

    def logged(self, event):
        assert self.process.poll() is None or self.process.returncode == -signal.SIGKILL, "berth-device ended by itself"
        return "event=renewal." + event in read("berth-device.log")[self.skip:]

    def until(self, event):
        began = time.monotonic()
        until("renewal." + event, lambda: self.logged(event))
        return time.monotonic() - began

    def kill(self):
        self.process.kill()
        self.process.wait()
        running.remove(self.process)


def campaign_is_over():
    done = subprocess.run([os.path.join(PROGRAMS, "berth"), "registrar", "rekey", "status", "--json"], cwd=work,
                          capture_output=True, text=True, timeout=WAIT_S)
    return done.returncode == 4 or '"campaign":"done"' in done.stdout.replace(" ", "")


def call_up():
    # Over only when the certificate was made: who did not receive it is told again all the same.
    if campaign_is_over():
        berth("registrar", "rekey", "start")


def kill_at_random():
    """How many were killed before they had renewed, and how many after that."""
    call_up()
    run = Run()
    run.until("begins")
    took = run.until("renewed")
    run.kill()
    counts = collections.Counter()
    for _ in range(KILLS):
        call_up()
        run = Run()
        run.until("begins")
        time.sleep(chance.uniform(0, 2 * took))
        run.kill()
        counts["after" if run.logged("renewed") else "before"] += 1
    return counts, took


def newest():
    with sqlite3.connect("file:%s?mode=ro" % path("home/state/registrar.db"), uri=True) as store:
        return store.execute("SELECT der FROM certificate ORDER BY row DESC LIMIT 1").fetchone()[0]


def held():
    pem = re.search("-----BEGIN CERTIFICATE-----(.*?)-----END", read("state/ldevid.pem"), re.S)
    return base64.b64decode(pem.group(1))


def keys():
    return glob.glob(path("state", "ldevid-*.key"))


def check_device(registrar):
    # Nobody begins another campaign: who never received what was made for it is told by the last one.
    run = Run()
    until("the newest certificate to be the device's", lambda: newest() == held())
    until("the campaign's end", campaign_is_over)
    until("the former keys to go", lambda: len(keys()) == 1)
    call("openssl", "verify", "-CAfile", "home/domain-ca.pem", "-untrusted", "state/ldevid.pem", "state/ldevid.pem")
    public = call("openssl", "x509", "-in", "state/ldevid.pem", "-noout", "-pubkey")
    assert public == call("openssl", "pkey", "-in", keys()[0], "-pubout"), "the key is not the certificate's"
    # The registrar takes it: a campaign may end only with a certificate that can ask.
    seen = call("curl", "--silent", "--show-error", "--output", "/dev/null", "--write-out", "%{http_code}", "--insecure",
                "--cert", "state/ldevid.pem", "--key", keys()[0], "https://127.0.0.1:%d/.well-known/est/csrattrs" % registrar)
    assert seen in ("200", "204"), "the registrar answers " + seen
    run.process.terminate()
    assert run.process.wait(WAIT_S) == 0, "berth-device did not end well"
    running.remove(run.process)


def check_registrar():
    with sqlite3.connect("file:%s?mode=ro" % path("home/state/registrar.db"), uri=True) as store:
        stored = store.execute("SELECT state, key_sha256, der FROM certificate ORDER BY row").fetchall()
        said = dict(store.execute("SELECT event, count(*) FROM audit GROUP BY event"))
        devices = store.execute("SELECT count(*) FROM device").fetchone()[0]
    assert devices == 1, "the registrar holds %d devices" % devices
    assert all(state == 1 for state, _, _ in stored), "a certificate was begun and not made: %s" % [s for s, _, _ in stored]
    doubled = [key.hex() for key, n in collections.Counter(key for _, key, _ in stored).items() if n > 1]
    assert not doubled, "two certificates for one key: %s" % doubled
    assert stored[-1][2] == held(), "the newest certificate of the registrar is not the one that the device holds"
    assert said.get("certificate.issued") == len(stored), "%s entries of the audit log for %d certificates" % (
        said.get("certificate.issued"), len(stored))
    berth("audit", "verify", "--store", "home/state/registrar.db")
    return len(stored)


def main():
    for tool in ("openssl", "curl"):
        if not shutil.which(tool):
            print("missing: " + tool)
            return 77
    registrar = make_world()
    call(os.path.join(PROGRAMS, "berth-device"), "--config", "device.conf", "run", "--once", "--timeout", "30")
    begin = time.monotonic()
    counts, took = kill_at_random()
    assert counts["before"] > 0, "nobody was killed while it renewed"
    check_device(registrar)
    certificates = check_registrar()
    print("killed %d times in %.0f s, %d before it had renewed; a renewal takes %.0f ms; %d certificates, seed %d"
          % (KILLS, time.monotonic() - begin, counts["before"], took * 1000, certificates, SEED))
    print("ok: killed while it renews, a device holds one working certificate, and the registrar none that is doubled")
    return 0


status = 1
try:
    status = main()
except AssertionError as fault:
    for name in ("berth-registrar.log", "berth-device.log"):
        print("--- %s\n%s" % (name, read(name)[-3000:] if os.path.exists(path(name)) else ""))
    print("FAILED: %s" % fault)
finally:
    for process in reversed(running):
        process.terminate()
    for process in running:
        process.wait()
    shutil.rmtree(work)
sys.exit(status)
