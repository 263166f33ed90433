#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Looks for a secret where none may be.

    canary.py HEX PATH...

Reads every file at and under the paths for the secret's bytes, its hexadecimal text and its base64 at any of
the three alignments. Exit 1 names the file that holds it. A control plants the secret and must be found.
"""
import base64
import os
import sys
import tempfile


def forms(secret):
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + secret)
        yield text[4 if shift else 0 : -4]  # without what the neighbours decide


def holds(path, secret):
    with open(path, "rb") as file:
        content = file.read()
    return any(form in content for form in forms(secret))


def files(paths):
    for path in paths:
        if os.path.isdir(path):
            for folder, _, names in os.walk(path):
                yield from (os.path.join(folder, name) for name in names)
        else:
            yield path


def main():
    secret = bytes.fromhex(sys.argv[1])
    with tempfile.NamedTemporaryFile() as control:
        control.write(b"x" + base64.b64encode(b"PKCS" + secret + b"tail"))
        control.flush()
        if not holds(control.name, secret):
            sys.exit("the search does not find what was planted")
    found = [path for path in files(sys.argv[2:]) if os.path.isfile(path) and holds(path, secret)]
    if found:
        sys.exit("the secret is in " + ", ".join(found))


if __name__ == "__main__":
    main()
