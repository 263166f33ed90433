# SPDX-License-Identifier: BSD-2-Clause
"""Debian's wpa_supplicant and hostapd without a radio, in the network namespace of the caller, driven over their control sockets."""
import os
import select
import socket
import subprocess
import time

START_S = 10


class Failed(Exception):
    pass


class Control:
    """One control socket with its events. Bounded waits, no sleeps but between looks at a file."""

    def __init__(self, folder, path):
        self.path = path
        self.own = os.path.join(folder, "ctl-%d-%d" % (os.getpid(), id(self)))
        end = time.monotonic() + START_S
        while not os.path.exists(path):
            if time.monotonic() > end:
                raise Failed("%s does not appear" % path)
            time.sleep(0.02)
        self.commands = self.connect(".c")
        self.events = self.connect(".e")
        self.seen = []
        if self.exchange(self.events, "ATTACH").strip() != "OK":
            raise Failed("%s gives no events" % path)

    def connect(self, suffix):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.bind(self.own + suffix)
        s.settimeout(START_S)
        s.connect(self.path)
        return s

    @staticmethod
    def exchange(s, text):
        s.send(text.encode())
        while True:
            answer = s.recv(65536).decode(errors="replace")
            if not answer.startswith("<"):
                return answer

    def ask(self, text):
        answer = self.exchange(self.commands, text).strip()
        if answer in ("FAIL", "UNKNOWN COMMAND"):
            raise Failed("%s: %s" % (text, answer))
        return answer

    def wait(self, word, seconds=10, start=0):
        """The first event since number start that holds word, without its priority."""
        end = time.monotonic() + seconds
        at = start
        while True:
            for event in self.seen[at:]:
                if word in event:
                    return event
            at = len(self.seen)
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.events], [], [], left)[0]:
                raise Failed("no event %s within %d s; seen: %s" % (word, seconds, self.seen[start:]))
            self.read_event()

    def read_event(self):
        text = self.events.recv(65536).decode(errors="replace")
        self.seen.append(text.partition(">")[2] if text.startswith("<") else text)

    def close(self):
        for s, suffix in ((self.commands, ".c"), (self.events, ".e")):
            s.close()
            os.unlink(self.own + suffix)


class Stock:
    """program: wpa_supplicant or hostapd, on an interface of this namespace."""

    def __init__(self, folder, program, interface, lines=(), quiet=False):
        self.folder, self.interface = folder, interface
        self.log = os.path.join(folder, "%s-%s.log" % (program, interface))
        control = os.path.join(folder, "ctrl-" + interface)
        conf = os.path.join(folder, interface + ".conf")
        with open(conf, "w", encoding="ascii") as f:
            f.write("ctrl_interface=%s\n" % control + "".join(line + "\n" for line in lines))
        if program == "hostapd":
            command = [program, "-ddKt", conf]
        else:
            command = [program, "-Dwired", "-i" + interface, "-c" + conf, "-ddKt"]
        if quiet:
            command.remove("-ddKt")
        with open(self.log, "w", encoding="ascii") as f:
            self.process = subprocess.Popen(command, stdout=f, stderr=f, stdin=subprocess.DEVNULL)
        self.control = Control(folder, os.path.join(control, interface))

    def ask(self, text):
        return self.control.ask(text)

    def stop(self):
        self.control.close()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def supplicant(folder, interface, *lines):
    return Stock(folder, "wpa_supplicant", interface, ("ap_scan=0",) + lines)


def access_point(folder, interface, *lines):
    return Stock(folder, "hostapd", interface,
                 ("interface=" + interface, "driver=none", "ssid=net-x", "hw_mode=g", "channel=6", "wpa=2",
                  "wpa_key_mgmt=DPP", "rsn_pairwise=CCMP", "ieee80211w=2") + lines)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
