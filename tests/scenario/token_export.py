#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Asks a PKCS#11 token for the value of a private key, as a thief with the PIN would.

    token_export.py MODULE LABEL-OF-TOKEN PIN LABEL-OF-KEY

Prints what the token says. Exit 0: refused as sensitive (and the label, the control, could be read); 1: the value came
out, or the question could not be asked. Straight through the C interface, by no code of the project.
"""
import ctypes
import sys

ULONG = ctypes.c_ulong
CKF_SERIAL, CKU_USER, CKR_SENSITIVE = 4, 1, 0x11
CKA_CLASS, CKA_LABEL, CKA_VALUE, CKO_PRIVATE_KEY = 0, 3, 0x11, 3


class Attribute(ctypes.Structure):
    _fields_ = [("type", ULONG), ("value", ctypes.c_void_p), ("length", ULONG)]


def ask(function, *arguments):
    result = function(*arguments)
    if result != 0:
        sys.exit(f"{function.__name__}: {result:#x}")


def slot_of(module, label):
    count = ULONG(64)
    slots = (ULONG * 64)()
    ask(module.C_GetSlotList, ctypes.c_ubyte(1), slots, ctypes.byref(count))
    for slot in slots[: count.value]:
        info = ctypes.create_string_buffer(512)  # CK_TOKEN_INFO begins with the label, 32 bytes
        ask(module.C_GetTokenInfo, ULONG(slot), info)
        if info.raw[:32].decode().strip() == label:
            return slot
    sys.exit("no such token")


def find_key(module, session, label):
    kind, text = ULONG(CKO_PRIVATE_KEY), ctypes.create_string_buffer(label.encode())
    template = (Attribute * 2)(
        Attribute(CKA_CLASS, ctypes.cast(ctypes.byref(kind), ctypes.c_void_p), ctypes.sizeof(kind)),
        Attribute(CKA_LABEL, ctypes.cast(text, ctypes.c_void_p), len(label)))
    ask(module.C_FindObjectsInit, session, template, ULONG(2))
    key, count = ULONG(), ULONG()
    ask(module.C_FindObjects, session, ctypes.byref(key), ULONG(1), ctypes.byref(count))
    ask(module.C_FindObjectsFinal, session)
    return key if count.value == 1 else sys.exit("no such key")


def read(module, session, key, kind):
    room = ctypes.create_string_buffer(512)
    attribute = Attribute(kind, ctypes.cast(room, ctypes.c_void_p), 512)
    result = module.C_GetAttributeValue(session, key, ctypes.byref(attribute), ULONG(1))
    return result, room.raw[: attribute.length] if result == 0 else b""


def main():
    path, token, pin, label = sys.argv[1:]
    module = ctypes.CDLL(path)
    ask(module.C_Initialize, None)
    session = ULONG()
    ask(module.C_OpenSession, ULONG(slot_of(module, token)), ULONG(CKF_SERIAL), None, None, ctypes.byref(session))
    ask(module.C_Login, session, ULONG(CKU_USER), pin.encode(), ULONG(len(pin)))
    key = find_key(module, session, label)
    told, value = read(module, session, key, CKA_LABEL)
    refused, secret = read(module, session, key, CKA_VALUE)
    print(f"C_GetAttributeValue: label {value.decode()!r} is told, the value is answered with {refused:#x}"
          + (" (CKR_ATTRIBUTE_SENSITIVE)" if refused == CKR_SENSITIVE else ""))
    sys.exit(0 if told == 0 and refused == CKR_SENSITIVE and not secret else 1)


if __name__ == "__main__":
    main()
