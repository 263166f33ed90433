#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: parent.py PROGRAM --config FILE

A daemon's parent, written a second time: starts its signer, TLS signer, judge and one net process, each under
BERTH_WRAPPER (valgrind cannot follow a program that starts itself by /proc/self/exe), plumbs them, writes the port file,
and ends them in order on SIGTERM. Ends with 1 when one of them did not end with 0.
"""
import os
import re
import signal
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from frames import *  # noqa: E402,F403


def setting(path, key, otherwise=None):
    found = re.findall(r"^%s\s*=\s*(.*)$" % re.escape(key), open(path).read(), re.M)
    return found[-1].strip() if found else otherwise


def plumb(a, a_edge, b, b_edge):
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    a.link(a_edge, one)
    b.link(b_edge, other)


def main():
    program, config = sys.argv[1], sys.argv[sys.argv.index("--config") + 1]
    host, port = setting(config, "listen", "127.0.0.1:0").rsplit(":", 1)
    listening = socket.create_server((host.strip("[]"), int(port)), backlog=128)
    number = listening.getsockname()[1]
    children = [Process(program, kind, config, is_plumbed_first=True, shows_log=True)
                for kind in ("net", "judge", "tls-signer", "signer")]
    net, judge, tls, signer = children
    plumb(judge, EDGE_SIGNER, signer, EDGE_FROM_JUDGE)
    plumb(net, EDGE_JUDGE, judge, EDGE_NET)
    plumb(net, EDGE_TLS_SIGNER, tls, EDGE_NET)
    net.link(EDGE_LISTEN, listening)
    for child in children:
        child.wait_ready()
    port_file = setting(config, "port-file")
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    if port_file:
        path = os.path.join(os.path.dirname(config), port_file)
        with open(path + ".new", "w") as out:
            out.write("%d\n" % number)
        os.rename(path + ".new", path)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    statuses = [child.stop() for child in children]  # those that take work in first
    return 0 if statuses == [0] * 4 else 1


if __name__ == "__main__":
    sys.exit(main())
