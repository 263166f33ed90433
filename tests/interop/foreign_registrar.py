#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: foreign_registrar.py DIR NAME [MODE]

A registrar with its MASA and CA, of Python and openssl alone, sharing no code with Berth; for
device_foreign_registrar.sh, which makes the keys in DIR. Listens on a free port of the loopback, which it writes to
DIR/NAME.port; every request is a line of DIR/NAME.log: method, path, the TLS client's serialNumber and issuer.

MODE: honest, other-nonce, other-serial, other-pin, other-maker, forbid, wait (three times 202 first), and
hangup (closes the connection after every reply).
"""
import base64
import json
import os
import socket
import ssl
import subprocess
import sys
import threading

DIR, NAME = sys.argv[1], sys.argv[2]
MODE = sys.argv[3] if len(sys.argv) > 3 else "honest"
LOCK = threading.Lock()
WAITS = {}


def path(name):
    return os.path.join(DIR, name)


def openssl(*words, data=b""):
    return subprocess.run(["openssl", *words], input=data, capture_output=True, check=True, cwd=DIR).stdout


def one_line(pem_path):
    return base64.b64encode(openssl("x509", "-in", pem_path, "-outform", "DER")).decode()


def voucher(request):
    """RFC 8366 5.3: what the manufacturer says of this device and this registrar."""
    body = openssl("cms", "-verify", "-inform", "DER", "-binary", "-purpose", "any", "-CAfile", "maker.pem", data=request)
    asked = json.loads(body)["ietf-voucher-request:voucher"]
    if asked["assertion"] != "proximity" or asked["proximity-registrar-cert"] != one_line(NAME + ".pem"):
        return None
    said = {
        "created-on": asked["created-on"],
        "assertion": "proximity",
        "serial-number": "X-1" if MODE == "other-serial" else asked["serial-number"],
        "nonce": base64.b64encode(bytes(16)).decode() if MODE == "other-nonce" else asked["nonce"],
        "pinned-domain-cert": one_line("other.pem" if MODE == "other-pin" else NAME + ".pem"),
        "domain-cert-revocation-checks": False,
    }
    signer = "rogue-masa" if MODE == "other-maker" else "masa"
    return openssl("cms", "-sign", "-binary", "-nodetach", "-nosmimecap", "-md", "sha256", "-outform", "DER",
                   "-signer", signer + ".pem", "-inkey", signer + ".key",
                   data=json.dumps({"ietf-voucher:voucher": said}).encode())


def certs_only(pem):
    name = f"certs-{threading.get_ident()}.pem"
    with open(path(name), "wb") as file:
        file.write(pem)
    der = openssl("crl2pkcs7", "-nocrl", "-certfile", name, "-outform", "DER")
    return base64.encodebytes(der)


def enroll(body):
    with LOCK:
        request = openssl("req", "-inform", "DER", data=base64.b64decode(body))
        return certs_only(openssl("x509", "-req", "-CA", "owner.pem", "-CAkey", "owner.key", "-CAcreateserial",
                                  "-days", "30", "-extfile", "ldevid.ext", data=request))


def answer(method, where, body):
    """Status, media type, body."""
    if where == "/.well-known/brski/requestvoucher":
        if MODE == "forbid":
            return 403, "text/plain", b"not here"
        if MODE == "wait" and WAITS.setdefault(body, 0) < 3:
            WAITS[body] += 1
            return 202, "text/plain", b""
        said = voucher(body)
        return (200, "application/voucher-cms+json", said) if said else (401, "text/plain", b"")
    if where.startswith("/.well-known/brski/"):
        json.loads(body)
        return 200, "text/plain", b""
    if where == "/.well-known/est/cacerts":
        with open(path("owner.pem"), "rb") as file:
            return 200, "application/pkcs7-mime", certs_only(file.read())
    if where == "/.well-known/est/csrattrs":  # SEQUENCE { X520 serialNumber, ecPublicKey-with-SHA256 }
        der = bytes.fromhex("300f" + "0603550405" + "06082a8648ce3d040302")
        return 200, "application/csrattrs", base64.b64encode(der)
    if where == "/.well-known/est/simpleenroll" and method == "POST":
        return 200, "application/pkcs7-mime; smime-type=certs-only", enroll(body)
    return 404, "text/plain", b""


def read_request(stream):
    line = stream.readline().decode().split()
    if len(line) != 3:
        return None
    length = 0
    while (header := stream.readline().decode().strip()):
        key, _, value = header.partition(":")
        if key.lower() == "content-length":
            length = int(value)
    return line[0], line[1], stream.read(length)


def log(connection, method, where, body):
    peer = connection.getpeercert()
    names = {k: v for rdn in peer["subject"] for k, v in rdn}
    issuer = {k: v for rdn in peer["issuer"] for k, v in rdn}
    status = json.loads(body).get("status", "") if where.endswith("status") else ""
    with LOCK, open(path(NAME + ".log"), "a", encoding="utf-8") as file:
        print(method, where, names.get("serialNumber"), issuer.get("commonName"), status, sep="\t", file=file)


def serve(raw):
    try:
        connection = context.wrap_socket(raw, server_side=True)
        stream = connection.makefile("rb")
        while (request := read_request(stream)):
            log(connection, *request)
            status, media, body = answer(*request)
            reply = f"HTTP/1.1 {status} -\r\nContent-Type: {media}\r\nContent-Length: {len(body)}\r\n"
            reply += "Retry-After: 1\r\n" if status == 202 else ""
            reply += "Connection: close\r\n" if MODE == "hangup" else ""
            connection.sendall(reply.encode() + b"\r\n" + body)
            if MODE == "hangup":
                break
        connection.unwrap()
    except (OSError, ssl.SSLError):
        pass
    finally:
        raw.close()


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(path(NAME + ".pem"), path(NAME + ".key"))
context.verify_mode = ssl.CERT_REQUIRED
context.load_verify_locations(path("maker.pem"))
context.load_verify_locations(path("owner.pem"))
listener = socket.create_server(("127.0.0.1", 0))
with open(path(NAME + ".port.new"), "w", encoding="utf-8") as out:
    print(listener.getsockname()[1], file=out)
os.rename(path(NAME + ".port.new"), path(NAME + ".port"))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
