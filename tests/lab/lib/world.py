# SPDX-License-Identifier: BSD-2-Clause
"""Hosts of the lab: network namespaces with radios, cables and programs, made by one process, because each further one costs up
to half a second where the processor is emulated. All of it ends with the guest."""
import contextlib
import ctypes
import os
import select
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
from stock_dpp import Control, Failed  # noqa: E402

CLONE_NEWNET = 0x40000000
MS_BIND = 0x1000
LIBC = ctypes.CDLL(None, use_errno=True)
TELLING = ("DPP", "EVENT", "AP-", "event=", "rror", "Login")  # lines of logs that are shown after a failure
BEGUN = time.monotonic()


def libc(name, *arguments):
    if getattr(LIBC, name)(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, "%s: %s" % (name, os.strerror(error)))


def expect(condition, what):
    if not condition:
        raise Failed(str(what))


def say(text):
    print("%6.1f s  %s" % (time.monotonic() - BEGUN, text), flush=True)


def until(what, seconds, question):
    """The first true answer; Failed after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Failed("not within %d s: %s" % (seconds, what))
        time.sleep(0.05)


def run(*words, text=None):
    done = subprocess.run(words, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise Failed("%s: %d %s" % (" ".join(words), done.returncode, done.stdout))
    return done.stdout


class Host:
    def __init__(self, name):
        self.name, self.interface, self.mac = name, None, None
        path = "/run/netns/" + name
        with open(path, "wb"):
            pass
        with open("/proc/self/ns/net", "rb") as before:
            libc("unshare", CLONE_NEWNET)
            libc("mount", b"/proc/self/ns/net", path.encode(), b"none", MS_BIND, None)
            libc("setns", before.fileno(), CLONE_NEWNET)
        self.file = open(path, "rb")  # pylint: disable=consider-using-with
        self.ip("link set lo up")

    def enter(self):
        libc("setns", self.file.fileno(), CLONE_NEWNET)

    @contextlib.contextmanager
    def inside(self):
        """Sockets that are made here belong to this host."""
        with open("/proc/self/ns/net", "rb") as before:
            self.enter()
            try:
                yield
            finally:
                libc("setns", before.fileno(), CLONE_NEWNET)

    def ip(self, *lines):
        with self.inside():
            run("ip", "-batch", "-", text="".join(line + "\n" for line in lines))


class World:
    """One scenario's hosts; each named one with a radio hears each other one."""

    WITH_RADIO = ()

    def __init__(self):
        with_radio = self.WITH_RADIO
        self.folder = tempfile.mkdtemp(prefix="lab-")
        self.processes = []
        self.hosts = {}
        run("modprobe", "mac80211_hwsim", "radios=%d" % len(with_radio))
        run("iw", "reg", "set", "US")
        for i, name in enumerate(with_radio):
            host = self.host(name)
            host.interface, host.mac = "wlan%d" % i, "02:00:00:00:%02x:00" % i
            run("iw", "phy", "phy%d" % i, "set", "netns", "name", name)

    def host(self, name):
        self.hosts[name] = Host(name)
        return self.hosts[name]

    def cable(self, one, address, other, other_address):
        """A wire from one host to another; it is called eth-OTHER at each end."""
        run("ip", "link", "add", "eth-" + other.name, "netns", one.name, "type", "veth", "peer", "name", "eth-" + one.name, "netns",
            other.name)
        for host, peer, at in ((one, other, address), (other, one, other_address)):
            host.ip("address add %s/24 dev eth-%s" % (at, peer.name), "link set eth-%s up" % peer.name)

    def start(self, host, name, *command, env=None):
        """A program on a host, its output in a file."""
        path = os.path.join(self.folder, name + ".log")
        with open(path, "ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env,  # pylint: disable=all
                                       preexec_fn=host.enter)
        self.processes.append(process)
        return process, path

    def stop(self, process):
        self.processes.remove(process)
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def close(self):
        for process in list(self.processes):
            self.stop(process)

    def tell(self):
        for name in sorted(n for n in os.listdir(self.folder) if n.endswith(".log")):
            with open(os.path.join(self.folder, name), encoding="utf-8", errors="replace") as f:
                lines = [x for x in f if any(w in x for w in TELLING) and "hexdump" not in x]
            print("--- %s\n%s" % (name, "".join(lines[-60:])))

    def file(self, name, text, mode=0o600):
        path = os.path.join(self.folder, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="ascii") as f:
            f.write(text)
        return path


def passes(here, there, address, seconds=5):
    """Whether a datagram comes from one host to the address of another; sent again until it does, or so many seconds passed."""
    with there.inside():
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with here.inside():
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with receiver, sender:
        receiver.bind((address, 0))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(OSError):  # no way there yet
                sender.sendto(b"lab", receiver.getsockname())
            if select.select([receiver], [], [], 0.2)[0]:
                return receiver.recv(16) == b"lab"
    return False


def outcome_of(case, world):
    begun = time.monotonic()
    name = case.__name__.removeprefix("case_").lstrip("0123456789_").replace("_", " ")
    try:
        figures = case(world)
        say("ok %s (%.1f s%s)" % (name, time.monotonic() - begun, ": " + figures if figures else ""))
        return True
    except (Failed, subprocess.TimeoutExpired, KeyError, OSError) as error:
        say("not ok %s: %s: %s" % (name, type(error).__name__, error))
        return False


def play(network, names):
    """Sets up the network and runs the cases among names; the exit status. Where one fails, what the programs said is shown."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    world = network()
    held = outcome_of(network.setup, world)
    for name, case in sorted(names.items()):
        if held and name.startswith("case_") and wanted in name:
            held = outcome_of(case, world)
    if not held:
        world.tell()
    world.close()
    return 0 if held else 1


__all__ = ["Control", "Failed", "Host", "World", "expect", "passes", "play", "run", "say", "until"]
