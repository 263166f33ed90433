#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A registrar that answers every voucher-request with one and the same voucher.

    replay_registrar.py CERTIFICATE KEY VOUCHER ADDRESS PORT
"""
import http.server
import socket
import ssl
import sys


class Registrar(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    voucher = b""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        is_voucher = self.path.endswith("/requestvoucher")
        body = self.voucher if is_voucher else b""
        self.send_response(200)
        if is_voucher:
            self.send_header("Content-Type", "application/voucher-cms+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6


def main():
    certificate, key, voucher, address, port = sys.argv[1:]
    Registrar.voucher = open(voucher, "rb").read()
    server = Server((address, int(port)), Registrar)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
