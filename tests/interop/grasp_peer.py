#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A second implementation of GRASP's floods (python3-cbor2), to judge ours and to annoy it.

grasp_peer.py listen INTERFACE OBJECTIVE [OPTIONS]   prints "heard ADDRESS PORT VALUE TTL PERIODIC" for each good flood and
                                                     "bad REASON" for each that breaks the form
grasp_peer.py flood INTERFACE OBJECTIVE PORT [TTL]   one honest flood from our link-local address
grasp_peer.py forge INTERFACE OBJECTIVE COUNT        lies of many kinds, COUNT invented ports and hosts
"""
import random
import socket
import struct
import subprocess
import sys
import time

import cbor2

GROUP, PORT = "ff02::13", 7017
M_FLOOD, O_IPV6 = 9, 103


def link_local(interface):
    said = subprocess.run(["ip", "-6", "-o", "addr", "show", "dev", interface, "scope", "link"], check=True,
                          capture_output=True, text=True).stdout
    return said.split()[3].split("/")[0]


def packed(address):
    return socket.inet_pton(socket.AF_INET6, address)


def flood(objective, address, port, ttl=180000, value="", initiator=None, loop=None, flags=4, locator=None):
    loop = loop if loop is not None else 1 if objective == "AN_Proxy" else 255
    return cbor2.dumps([M_FLOOD, random.getrandbits(32), packed(initiator or address), ttl,
                        [[objective, flags, loop, value],
                         locator if locator is not None else [O_IPV6, packed(address), 6, port]]])


def sender(interface, source=None):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    index = socket.if_nametoindex(interface)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
    if source:
        s.bind((source, 0, 0, index if source.startswith("fe80") else 0))
    return lambda message: s.sendto(message, (GROUP, PORT, 0, index))


def judge(message, source, objective):
    """None: for others. Raises on a broken form; else what it says."""
    item = cbor2.loads(message)
    if cbor2.dumps(item, canonical=True) != message:
        raise ValueError("not in the deterministic encoding")
    kind, session, initiator, ttl, *pairs = item
    if kind != M_FLOOD:
        raise ValueError("not M_FLOOD")
    if not 0 <= session < 2**32 or len(initiator) != 16 or not pairs:
        raise ValueError("head")
    for (name, flags, loop, *value), locator in pairs:
        if name != objective:
            continue
        if flags != 4 or loop != (1 if name == "AN_Proxy" else 255):
            raise ValueError("flags or loop count")
        option, address, transport, port = locator
        if option != O_IPV6 or transport != socket.IPPROTO_TCP or not 0 < port < 65536:
            raise ValueError("locator")
        if address != initiator or socket.inet_ntop(socket.AF_INET6, address) != source:
            raise ValueError("not its own address")
        if address[0] != 0xfe or address[1] & 0xc0 != 0x80:
            raise ValueError("not link-local")
        return "%s %d %s %d" % (source, port, value[0] or "-", ttl)
    return None


def listen(interface, objective):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("::", PORT))
    index = socket.if_nametoindex(interface)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, packed(GROUP) + struct.pack("@I", index))
    print("listening", flush=True)
    while True:
        message, (source, *_, scope) = s.recvfrom(4096)
        if scope != index:
            continue
        try:
            said = judge(message, source.partition("%")[0], objective)
            if said:
                print("heard", said, flush=True)
        except Exception as fault:  # whatever the forger sent
            print("bad %s %s" % (fault, message.hex()), flush=True)


def forge(interface, objective, count):
    own = link_local(interface)
    send = sender(interface)
    forged = [
        flood(objective, own, 0),
        flood(objective, own, 1001, value="prm-jose"),
        flood(objective, own, 1002, flags=3),
        flood(objective, "2001:db8::1", 1003),
        flood(objective, "fe80::dead", 1004),
        flood(objective, own, 1005)[:-1],
        flood(objective, "fd00::1", 1006),
        flood(objective, own, 1007, locator=[O_IPV6, packed(own), 17, 1007]),
        flood(objective, own, 1008, locator=[104, bytes([192, 0, 2, 1]), 6, 1008]),
        flood(objective, own, 1009, loop=0),
        flood(objective, own, 1010, locator=[105, "registrar.example", 6, 1010]),
        flood(objective, own, 1011, locator=[]),
        flood(objective, own, 1012) + b"\0",
        cbor2.dumps([1, 1, packed(own), [objective, 1, 6]]),
        bytes([0x81]) * 2000,
        bytes([0x9b]) + bytes([0xff]) * 8,
        b"", b"\xff" * 2048,
    ]
    for message in forged:
        send(message)
        time.sleep(0.02)  # those beyond the rate of one source are not even looked at: the worst come first
    print("forged", flush=True)
    # From addresses that are not of the link.
    subprocess.run(["ip", "addr", "add", "2001:db8:66::66/64", "dev", interface, "nodad"], check=True)
    away = sender(interface, "2001:db8:66::66")
    for port in range(1100, 1104):
        away(flood(objective, own, port))
    # Many hosts on the link, each honest in form: every one would be a neighbour.
    began = time.monotonic()
    for i in range(count):
        address = "fe80::66:%x:%x" % (i >> 8, i & 0xff)
        if i < 200:
            subprocess.run(["ip", "addr", "add", address + "/64", "dev", interface, "nodad"], check=True)
        if i < 200:
            many = sender(interface, address)
        many(flood(objective, address if i < 200 else own, 2000 + i % 60000, ttl=2**32 - 1))
    print("flooded %d in %.1f s" % (count, time.monotonic() - began), flush=True)


def main(argv):
    if argv[1] == "listen":
        listen(argv[2], argv[3])
    elif argv[1] == "flood":
        own = link_local(argv[2])
        ttl = int(argv[5]) if len(argv) > 5 else 180000
        value = argv[6] if len(argv) > 6 else ""
        sender(argv[2], own)(flood(argv[3], own, int(argv[4]), ttl, value))
    elif argv[1] == "forge":
        forge(argv[2], argv[3], int(argv[4]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv)
