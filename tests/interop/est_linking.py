#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: est_linking.py HOST PORT PATH USER:PASSWORD KEY SUBJECT

Posts certificate requests that are linked to their TLS connection (RFC 7030 3.5): Python's ssl tells tls-unique of TLS
1.2, openssl s_client tls-exporter of TLS 1.3 (RFC 9266), openssl req makes the requests. Each binding right, wrong, of
another connection, and none. Prints what was answered; ends with 1 where it is not what RFC 7030 wants.
"""
import base64
import ssl
import socket
import subprocess
import sys
import tempfile

host, port, path, user, key, subject = sys.argv[1:]
failed = False


def make_csr(challenge):
    with tempfile.NamedTemporaryFile("w", suffix=".cnf") as conf:
        conf.write(f"[req]\ndistinguished_name=dn\nattributes=at\nprompt=no\n[dn]\n{subject}\n[at]\n")
        if challenge:
            conf.write(f"challengePassword={challenge}\n")
        conf.flush()
        der = subprocess.run(["openssl", "req", "-new", "-key", key, "-config", conf.name,
                              "-outform", "DER"], check=True, capture_output=True).stdout
    return base64.b64encode(der)


def make_request(body):
    token = base64.b64encode(user.encode()).decode()
    head = (f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/pkcs10\r\nConnection: close\r\n"
            f"Authorization: Basic {token}\r\nContent-Length: {len(body)}\r\n\r\n")
    return head.encode() + body


def status(reply):
    head, _, rest = reply.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), rest.decode(errors="replace")


def with_tls12(choose):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection((host, int(port))) as plain, context.wrap_socket(plain) as tls:
        binding = tls.get_channel_binding("tls-unique")
        tls.sendall(make_request(make_csr(choose(binding))))
        reply = b""
        while part := tls.recv(65536):
            reply += part
    return status(reply), binding


def with_tls13(choose):
    client = subprocess.Popen(["openssl", "s_client", "-connect", f"{host}:{port}", "-tls1_3", "-ign_eof", "-nocommands",
                               "-keymatexport", "EXPORTER-Channel-Binding", "-keymatexportlen", "32"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    binding = None
    while binding is None:
        line = client.stdout.readline()
        if not line:
            raise SystemExit("openssl s_client told no keying material")
        if b"Keying material:" in line:
            binding = bytes.fromhex(line.split(b":")[1].strip().decode())
    client.stdin.write(make_request(make_csr(choose(binding))))
    client.stdin.flush()
    reply = client.stdout.read()
    client.wait(30)
    return status(reply[reply.index(b"HTTP/1.1 "):]), binding


def expect(what, answer, wanted, rule=""):
    global failed
    (code, body), _ = answer
    right = code == wanted and rule in body
    failed = failed or not right
    print(f"{'ok' if right else 'FAILED'}: {what}: {code}{'' if right else ' ' + body[:200]}")


def text(binding):
    return base64.b64encode(binding).decode()


for name, connect in (("tls-unique, TLS 1.2", with_tls12), ("tls-exporter, TLS 1.3", with_tls13)):
    right = connect(text)
    expect(f"{name}, right", right, 200)
    expect(f"{name}, of another connection", connect(lambda binding, other=right[1]: text(other)), 403,
           "rfc7030-3.5-link-mismatch")
    expect(f"{name}, one bit wrong", connect(lambda binding: text(bytes([binding[0] ^ 1]) + binding[1:])), 403,
           "rfc7030-3.5-link-mismatch")
    expect(f"{name}, a part of it", connect(lambda binding: text(binding[:-3])), 403, "rfc7030-3.5-link-mismatch")
    if "/linked/" in path:
        expect(f"{name}, none where it is required", connect(lambda binding: ""), 403, "rfc7030-3.5-link-missing")
    else:
        expect(f"{name}, none where it is not required", connect(lambda binding: ""), 200)
sys.exit(1 if failed else 0)
