#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The admin API answers as docs/openapi/registrar.yaml says: every path and method of it exists, and every member of
every reply stands in it. Usage: admin_api.py OPENAPI SOCKET DEVICE MANUFACTURER MANIFEST"""
import http.client
import json
import re
import socket
import sys

openapi, path, device, manufacturer, manifest = sys.argv[1:]


class Admin(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(20)
        self.sock.connect(path)


def ask(method, target, body=b""):
    admin = Admin("localhost")
    admin.request(method, target, body, {"Connection": "close"})
    reply = admin.getresponse()
    return reply.status, reply.getheader("Content-Type", ""), reply.read()


def members(value):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name, inner
            yield from members(inner)
    if isinstance(value, list):
        for inner in value:
            yield from members(inner)


serial = json.loads(ask("GET", f"/v1/devices/{device}", b"")[2])["certificates"][0]["serial"]
calls, documented, words, target, name = [], set(), {}, None, None
for line in open(openapi, encoding="utf-8"):
    if match := re.match(r"  (/\S*):$", line):
        target = match[1]
    elif match := re.match(r"    (get|post):$", line):
        calls.append((match[1].upper(), target))
    elif match := re.match(r" {6,}([a-z0-9-]+):", line):
        name = match[1] if match[1] not in ("type", "format", "enum", "description") else name
        documented.add(match[1])
    if match := re.match(r" {6,}enum: \[(.*)\]", line):
        words.setdefault(name, set()).update(match[1].split(", "))
assert words["kind"] and len(calls) > 10, "the OpenAPI file was not read"

# Calls that this script has no good body for are refused for their empty one.
# Nobody is left whom a campaign could reach: the device was revoked by then, so it is done at once.
refused = {("POST", "/v1/devices/{device}/claim"): 400, ("POST", "/v1/devices/{device}/transfer"): 400,
           ("POST", "/v1/vouchers"): 400, ("POST", "/v1/rekey/pause"): 409, ("POST", "/v1/rekey/resume"): 409,
           ("POST", "/v1/rekey/cancel"): 409,
           # this registrar has no [dpp]
           ("GET", "/v1/dpp"): 400, ("GET", "/v1/dpp/devices"): 400, ("POST", "/v1/dpp/devices"): 400,
           ("GET", "/v1/dpp/permit-join"): 400, ("POST", "/v1/dpp/permit-join"): 400,
           ("GET", "/v1/dpp/pkex"): 400, ("POST", "/v1/dpp/pkex"): 400, ("POST", "/v1/dpp/pkex/close"): 400,
           ("POST", "/v1/dpp/permit-join/close"): 400, ("POST", "/v1/dpp/passwords"): 400,
           ("POST", "/v1/devices/{device}/renew"): 400}

# Once it is released the MASA gives this registrar nothing more.
calls.sort(key=lambda call: call[1].endswith("/release"))

faults = []
for method, target in calls:
    body = open(manifest, "rb").read() if "manifests" in target else b""
    if (method, target) == ("POST", "/v1/rekey"):
        body = b'{"rate-per-minute":600}'
    target = target.replace("{serial}", serial)
    filled = target.replace("{device}", device).replace("{manufacturer}", manufacturer)
    status, media_type, reply = ask(method, filled, body)
    if status != refused.get((method, target), 200):
        faults.append(f"{method} {filled}: {status}: {reply[:200]!r}")
    elif media_type.startswith("application/json"):
        for name, inner in members(json.loads(reply)):
            if name not in documented:
                faults.append(f"{method} {target}: member {name} is not documented")
            if isinstance(inner, str) and name in words and inner not in words[name]:
                faults.append(f"{method} {target}: {name} is {inner}, which is not documented")

for method, target, body, wanted in [
    ("GET", "/v1/devices/no-such-device", b"", 404),
    ("GET", "/v1/nothing", b"", 404),
    ("DELETE", "/v1/devices", b"", 404),
    ("POST", f"/v1/devices/{device}/deny", b'{"reason":1}', 400),
    ("POST", f"/v1/devices/{device}/deny", b'{"reasons":"x"}', 400),
    ("POST", "/v1/manifests", b"not a manifest", 400),
    ("POST", "/v1/manifests/Nobody", open(manifest, "rb").read(), 404),
]:
    status, _, reply = ask(method, target, body)
    if status != wanted:
        faults.append(f"{method} {target}: {status} instead of {wanted}: {reply[:200]!r}")
    elif set(json.loads(reply)) != {"error", "rule", "sentence"}:
        faults.append(f"{method} {target}: a refusal without error, rule and sentence")

print("\n".join(faults) or f"ok: {len(calls)} calls are as documented")
sys.exit(bool(faults))
