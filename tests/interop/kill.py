#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""SIGKILL under load: devices come on again and again while the MASA and the registrar as a whole, single processes of
the registrar, and the devices themselves are killed at random moments. Afterwards every device gets on, and what anybody was told is there
once: vouchers, certificates and the audit log, read from the stores and the signers' own logs by this program alone.

BERTH_KILLS (10) how many, BERTH_UNITS (24) devices, BERTH_AT_ONCE (12) of them at a time, BERTH_SEED."""
import base64
import collections
import glob
import hashlib
import json
import os
import queue
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

PROGRAMS = os.environ["BERTH_PROGRAMS"]
KILLS = int(os.environ.get("BERTH_KILLS", "10"))
UNITS = int(os.environ.get("BERTH_UNITS", "24"))
SEED = int(os.environ.get("BERTH_SEED", "8366"))
WAIT_S = int(os.environ.get("BERTH_WAIT_S", "120"))
AT_ONCE = int(os.environ.get("BERTH_AT_ONCE", "12"))
# A device that met a killed process waits 5 s, 10 s ... before it tries again (RFC 8995 4.1). Every second one loses its
# power before that, and comes again at once.
TIMEOUTS_S = ("30", "3")
PAUSE_S = (0.05, 0.6)

chance = random.Random(SEED)
work = tempfile.mkdtemp(prefix="berth-kill-")
running, faults = [], []


def program(name):
    return os.path.join(PROGRAMS, name)


def berth(*words, ok=True):
    done = subprocess.run([program("berth"), *words], cwd=work, capture_output=True, text=True, timeout=WAIT_S)
    assert done.returncode == 0 or not ok, " ".join(words) + ": " + done.stderr
    return done.stdout


def path(*parts):
    return os.path.join(work, *parts)


def read(*parts):
    with open(path(*parts), encoding="ascii", errors="replace") as file:
        return file.read()


def write(text, *parts):
    with open(path(*parts), "w", encoding="ascii") as file:
        file.write(text)


def until(what, probe):
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        got = probe()
        if got:
            return got
        time.sleep(0.005)
    raise AssertionError("not in time: " + what)


class Daemon:
    def __init__(self, name, config, port_file):
        self.name, self.config, self.port_file, self.process = name, config, port_file, None
        self.log = open(path(name + ".log"), "ab")

    def start(self):
        if os.path.exists(self.port_file):
            os.remove(self.port_file)
        self.process = subprocess.Popen([program(self.name), "--config", self.config], cwd=work, stderr=self.log)
        running.append(self)

        def is_there():
            assert self.process.poll() is None, self.name + " does not start: " + read(self.name + ".log")[-600:]
            return os.path.exists(self.port_file) and open(self.port_file).read().strip()
        return int(until(self.name + " to serve", is_there))

    def children(self):
        """{pid: what}"""
        found = {}
        for stat in glob.glob("/proc/[0-9]*/stat"):
            try:
                fields = open(stat).read().rsplit(")", 1)[1].split()
                words = open(os.path.dirname(stat) + "/cmdline").read().split("\0")
            except OSError:
                continue
            if int(fields[1]) == self.process.pid and fields[0] != "Z" and "--child" in words:
                found[int(stat.split("/")[2])] = words[words.index("--child") + 1]
        return found

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(WAIT_S)
        running.remove(self)
        return status

    def kill(self):
        """All of it, as when the power goes; the children have no time to notice that their parent has gone."""
        children = list(self.children())
        os.kill(self.process.pid, signal.SIGKILL)
        for pid in children:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(WAIT_S)
        running.remove(self)
        # Nobody of it may hold a socket or the store when the next one starts.
        until("the killed processes to go", lambda: not any(os.path.exists("/proc/%d" % pid) for pid in children))


def make_world():
    serials = ["K-%04d" % i for i in range(UNITS)]
    write("serial-number,model\n" + "".join(s + ",cam-1\n" for s in serials), "units.csv")
    berth("factory", "init", "--dir", "acme", "--name", "Acme", "--masa-url", "masa.invalid", "--masa-host", "localhost")
    berth("factory", "make", "--dir", "acme", "--units", "units.csv", "--out", "units")
    berth("registrar", "init", "--dir", "home", "--name", "Home", "--host", "localhost", "--listen", "127.0.0.1:0")
    berth("factory", "sell", "--dir", "acme", "--all", "--owner", "home/domain-ca.pem", "--out", "sale.manifest")
    conf = re.sub(r"(?m)^listen = .*", "listen = 127.0.0.1:0", read("acme/masa/masa.conf"))
    write(conf, "acme/masa/masa.conf")
    masa = Daemon("berth-masa", "acme/masa/masa.conf", path("acme/masa/port"))
    port = masa.start()
    # From here on always this one: the registrar is told it.
    write(conf.replace("127.0.0.1:0", "127.0.0.1:%d" % port), "acme/masa/masa.conf")
    for manifest in sorted(glob.glob(path("units/*.manifest"))) + [path("sale.manifest")]:
        berth("masa", "load", "--socket", "acme/masa/admin.sock", manifest)
    with open(path("home/registrar.conf"), "a", encoding="ascii") as file:
        file.write('\n[manufacturer "Acme"]\nanchors = %s\nmasa-url = localhost:%d\n' % (path("acme/root-ca.pem"), port))
    write('[rule "cameras"]\nmatch.manufacturer = Acme\nrequire.owned = yes\napprove = auto\n', "home/policy.conf")
    registrar = Daemon("berth-registrar", "home/registrar.conf", path("home/port"))
    port = registrar.start()
    write(read("home/registrar.conf").replace("127.0.0.1:0", "127.0.0.1:%d" % port), "home/registrar.conf")
    berth("device", "import", "--socket", "home/admin.sock", "sale.manifest", "--manufacturer", "Acme")
    for serial in serials:
        conf = read("units", serial, "device.conf")
        conf = re.sub(r"= (file:)?(idevid|manufacturer-anchors)\.", r"= \1units/%s/\2." % serial, conf)
        conf = re.sub(r"(?m)^state-directory = .*", "state-directory = " + path("state", serial), conf)
        write(conf + "\n[discovery]\ndns-sd = no\nregistrar = 127.0.0.1:%d\n" % port, serial + ".conf")
    os.mkdir(path("state"))
    return serials, masa, registrar


# ---- the load ----

class Load:
    """AT_ONCE devices at a time. A device that came on is reset and takes its turn again until the load is over."""

    def __init__(self, serials):
        self.waiting, self.held = queue.Queue(), collections.defaultdict(set)
        self.agents, self.lock, self.is_over = {}, threading.Lock(), False
        self.onboarded = 0
        for serial in serials:
            self.waiting.put(serial)
        self.threads = [threading.Thread(target=self.work) for _ in range(AT_ONCE)]
        for thread in self.threads:
            thread.start()

    def agent(self, serial, *words):
        with open(path(serial + ".log"), "ab") as log:
            agent = subprocess.Popen([program("berth-device"), "--config", serial + ".conf", *words], cwd=work, stderr=log)
            with self.lock:
                self.agents[serial] = agent
            status = agent.wait()
            with self.lock:
                del self.agents[serial]
            return status

    def work(self):
        try:
            while True:
                try:
                    serial = self.waiting.get_nowait()
                except queue.Empty:
                    return
                end = time.monotonic() + WAIT_S
                # Killed, or refused while something was down: it tries again, as a device that has power does.
                patience = TIMEOUTS_S[int(serial[-1]) % 2]
                while self.agent(serial, "run", "--once", "--timeout", patience) != 0:
                    assert time.monotonic() < end, serial + " does not get on"
                    time.sleep(0.02)
                self.held[serial].add(certificate(serial))
                with self.lock:
                    self.onboarded += 1
                if not self.is_over:
                    while self.agent(serial, "reset") != 0:
                        pass
                    self.waiting.put(serial)
        except AssertionError as fault:
            faults.append(str(fault))

    def kill_one(self):
        with self.lock:
            if not self.agents:
                return False
            serial = chance.choice(sorted(self.agents))
            self.agents[serial].kill()
        return True

    def finish(self):
        self.is_over = True
        for thread in self.threads:
            thread.join()


def certificate(serial):
    """DER of what the device shows to others."""
    pem = read("state", serial, "ldevid.pem")
    return base64.b64decode(re.search("-----BEGIN CERTIFICATE-----(.*?)-----END", pem, re.S).group(1))


def kill_at_random(load, masa, registrar):
    counts = collections.Counter()
    # The registrar as a whole as well: its parent waits longer and longer with a process that ends all the time.
    kinds = ["masa", "net", "judge", "device", "signer", "tls-signer", "registrar"]
    daemons = {"masa": masa, "registrar": registrar}
    for number in range(KILLS):
        time.sleep(chance.uniform(*PAUSE_S))
        # Each kind in turn, so that a short run has them all; the moment is what chance decides.
        kind = kinds[number % len(kinds)]
        if kind in daemons:
            daemons[kind].kill()
            daemons[kind].start()
        elif kind == "device":
            until("a device to kill", load.kill_one)
        else:
            def victim():
                return [pid for pid, what in sorted(registrar.children().items()) if what == kind]
            os.kill(chance.choice(until("a process to kill: " + kind, victim)), signal.SIGKILL)
        counts[kind] += 1
    return counts


# ---- what must be there ----

def rows(store, sql):
    with sqlite3.connect("file:%s?mode=ro" % path(store), uri=True) as database:
        return database.execute(sql).fetchall()


def expect(what, holds):
    if not holds:
        faults.append(what)


def issued_by_signer(folder, what):
    """Digests of what the signer released, by its own log."""
    return [match[1] for match in re.finditer(r"(?m)^\S+ %s .*?sha256=([0-9a-f]{64})" % what,
                                              read(folder, "issuance.log"))]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def check_certificates(held):
    stored = rows("home/state/registrar.db", "SELECT device, permission, state, der FROM certificate WHERE state IN (1, 3)")
    ders = collections.Counter(sha256(bytes(der)) for _, _, _, der in stored)
    expect("a certificate stands twice in the store", all(n == 1 for n in ders.values()))
    expect("two certificates of one permission",
           all(n == 1 for n in collections.Counter(permission for _, permission, _, _ in stored).values()))
    released = collections.Counter(issued_by_signer("home/state", "ldevid"))
    for serial, certificates in held.items():
        for der in certificates:
            expect("%s holds a certificate that the registrar does not know" % serial, ders[sha256(der)] == 1)
            expect("%s holds a certificate that the signer did not write down" % serial, released[sha256(der)] == 1)
    expect("the store holds a certificate that the signer did not write down", not set(ders) - set(released))
    audit = rows("home/state/registrar.db", "SELECT event, count(*) FROM audit GROUP BY event")
    expect("audit entries of certificates: %s for %d" % (dict(audit).get("certificate.issued"), len(stored)),
           dict(audit).get("certificate.issued") == len(stored))
    return len(stored)


def check_vouchers():
    of_masa = rows("acme/masa/state/masa.db", "SELECT u.serial_number, v.nonce, v.voucher FROM voucher v JOIN unit u"
                                              " ON u.row = v.unit WHERE v.state = 1")
    known = collections.Counter(sha256(bytes(voucher)) for _, _, voucher in of_masa)
    nonces = collections.Counter((serial, bytes(nonce)) for serial, nonce, _ in of_masa)
    for (voucher,) in rows("home/state/registrar.db", "SELECT voucher FROM step WHERE length(voucher) > 0"):
        expect("the registrar passed on a voucher that the MASA does not know", known[sha256(bytes(voucher))] == 1)
    released = collections.Counter(issued_by_signer("acme/masa/state", "voucher"))
    expect("the MASA's store holds a voucher that its signer did not write down", not set(known) - set(released))
    logged = collections.Counter()
    for serial, nonce, truncated in rows("acme/masa/state/masa.db", "SELECT u.serial_number, l.nonce, l.truncated FROM log l"
                                         " JOIN unit u ON u.row = l.unit"):
        logged[(serial, bytes(nonce))] += 1
        expect("the audit log of RFC 8995 lost an entry", truncated == 0)
    # A registrar that was killed signs a device's request anew: another request and another voucher with the same nonce,
    # and an entry for each.
    for what, found in (("a voucher has no entry in the audit log of RFC 8995", nonces - logged),
                        ("the audit log of RFC 8995 has an entry without a voucher", logged - nonces)):
        expect("%s: %d of %d, as for %s" % (what, found.total(), logged.total(), sorted(serial for serial, _ in found)[:5]),
               not found)
    audit = dict(rows("acme/masa/state/masa.db", "SELECT event, count(*) FROM audit GROUP BY event"))
    expect("audit entries of vouchers: %s for %d" % (audit.get("voucher.issued"), len(of_masa)),
           audit.get("voucher.issued") == len(of_masa))
    return len(of_masa)


def check_chain(store):
    report = json.loads(berth("audit", "verify", "--json", "--store", store, ok=False) or "{}")
    expect("the audit log of %s does not hold: %s" % (store, report), report.get("holds") and report.get("witness"))
    return report.get("entries")


def main():
    serials, masa, registrar = make_world()
    begin = time.monotonic()
    load = Load(serials)
    until("the first device", lambda: load.onboarded)
    try:
        counts = kill_at_random(load, masa, registrar)
    finally:
        load.finish()
    expect("a device did not come back: %d of %d hold a certificate" % (len(load.held), UNITS), len(load.held) == UNITS)
    took = time.monotonic() - begin
    expect("berth-registrar did not end well", registrar.stop() == 0)
    expect("berth-masa did not end well", masa.stop() == 0)
    certificates, vouchers = check_certificates(load.held), check_vouchers()
    entries = [check_chain(path("home/state/registrar.db")), check_chain(path("acme/masa/state/masa.db"))]
    for serial in serials:
        expect("%s has more than one key" % serial, len(glob.glob(path("state", serial, "ldevid-*.key"))) == 1)
    print("killed %d (%s) in %.0f s: %d onboardings of %d devices, %d certificates, %d vouchers, audit logs of %s entries, seed %d"
          % (KILLS, ", ".join("%s %d" % item for item in sorted(counts.items())), took, load.onboarded, UNITS,
             certificates, vouchers, " and ".join(map(str, entries)), SEED))


try:
    main()
finally:
    for daemon in list(running):
        daemon.kill()
    if faults:
        for name in ("berth-registrar.log", "berth-masa.log"):
            sys.stdout.write("--- %s\n%s\n" % (name, read(name)[-3000:]))
    if not os.environ.get("BERTH_KEEP"):
        shutil.rmtree(work)
print("\n".join("FAILED: " + fault for fault in faults) or "ok: nothing that was told was lost or doubled")
sys.exit(bool(faults))
