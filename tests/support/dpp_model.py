# SPDX-License-Identifier: BSD-2-Clause
"""A second implementation of PKEX (versions 1 and 2), and of as much of DPP as a device needs to be configured afterwards, or a
Configurator to authenticate one: from the specification's tables alone, with Python's numbers and python3-cryptography's AES-SIV. It
is slow, keeps no secret, and shares nothing with the programs that it judges."""
import hashlib
import hmac
import json
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

OUI = bytes.fromhex("506f9a1a01")
ADVERTISEMENT = bytes.fromhex("6c087fdd05506f9a1a01")
(STATUS, I_HASH, R_HASH, I_KEY, WRAPPED, I_NONCE, I_CAPS, R_NONCE, R_CAPS, R_KEY, I_AUTH, R_AUTH, CONF_OBJ, CONNECTOR, CONF_REQ,
 BOOT_KEY) = range(0x1000, 0x1010)
GROUP, ENCRYPTED_KEY, E_NONCE, IDENTIFIER, VERSION, C_NONCE = 0x1012, 0x1013, 0x1014, 0x1015, 0x1019, 0x1022


class Refused(Exception):
    pass


class Curve:
    def __init__(self, group, oid, digest, p, a, b, q, g, pi, pr):
        self.group, self.oid, self.digest, self.p, self.a, self.b, self.q = group, bytes.fromhex(oid), digest, p, a, b, q
        self.n = (p.bit_length() + 7) // 8
        self.h = hashlib.new(digest).digest_size
        self.g, self.pi, self.pr = g, pi, pr
        for point in (g, pi, pr):
            assert self.has(point)

    def has(self, point):
        x, y = point
        return x < self.p and y < self.p and (y * y - x * x * x - self.a * x - self.b) % self.p == 0

    def add(self, s, t):
        if s is None or t is None:
            return s or t
        if s[0] == t[0]:
            if (s[1] + t[1]) % self.p == 0:
                return None
            m = (3 * s[0] * s[0] + self.a) * pow(2 * s[1], -1, self.p)
        else:
            m = (t[1] - s[1]) * pow(t[0] - s[0], -1, self.p)
        x = (m * m - s[0] - t[0]) % self.p
        return x, (m * (s[0] - x) - s[1]) % self.p

    def sub(self, s, t):
        return self.add(s, (t[0], -t[1] % self.p))

    def mul(self, k, point):
        total, k = None, k % self.q
        while k:
            if k & 1:
                total = self.add(total, point)
            point = self.add(point, point)
            k >>= 1
        return total

    def random(self):
        return secrets.randbelow(self.q - 1) + 1

    def x(self, point):
        return point[0].to_bytes(self.n, "big")

    def xy(self, point):
        return self.x(point) + point[1].to_bytes(self.n, "big")

    def point(self, octets):
        point = int.from_bytes(octets[:self.n], "big"), int.from_bytes(octets[self.n:], "big")
        if len(octets) != 2 * self.n or not self.has(point):
            raise Refused("no point of the curve")
        return point

    def hash(self, *parts):
        return hashlib.new(self.digest, b"".join(parts)).digest()

    def hmac(self, key, *parts):
        return hmac.new(key, b"".join(parts), self.digest).digest()

    def extract(self, salt, *parts):
        return self.hmac(salt or bytes(self.h), *parts)

    def expand(self, key, info, n):
        out, block = b"", b""
        while len(out) < n:
            block = self.hmac(key, block, info, bytes([len(out) // self.h + 1]))
            out += block
        return out[:n]

    def hkdf(self, secret, info, salt=b""):
        return self.expand(self.extract(salt, secret), info, self.h)

    def spki(self, point):
        bits = b"\0" + bytes([2 + (point[1] & 1)]) + self.x(point)
        algorithm = bytes.fromhex("06072a8648ce3d0201") + self.oid
        body = b"\x30" + bytes([len(algorithm)]) + algorithm + b"\x03" + bytes([len(bits)]) + bits
        return b"\x30" + bytes([len(body)]) + body

    def key_hash(self, point):
        return hashlib.sha256(self.spki(point)).digest()


def numbers(text):
    x, y = text.split()
    return int(x, 16), int(y, 16)


P256 = Curve(
    19, "06082a8648ce3d030107", "sha256", 2**256 - 2**224 + 2**192 + 2**96 - 1, -3,
    0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b,
    0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551,
    numbers("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296 "
            "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"),
    numbers("562612cf3648fe0b0704bb122250b254b194647e54ce08072eecca745b612d25 "
            "3e44c7c98c1ca10b200993b2fde569dc75bcad33c1e7c6454d101e6a3d843ca4"),
    numbers("1ea48ab1a4e84239ad7307f234df574fc09d54be361b310f59915233ac199d76 "
            "d9fbf6b9f5fadf1958d83ec9897a35c1bde90b777acb912ae8213f4752024d67"))


def put(*pairs):
    return b"".join(i.to_bytes(2, "little") + len(v).to_bytes(2, "little") + v for i, v in pairs)


def parse(octets):
    found = {}
    while octets:
        i, n = int.from_bytes(octets[:2], "little"), int.from_bytes(octets[2:4], "little")
        if len(octets) < 4 + n:
            raise Refused("attributes")
        found.setdefault(i, octets[4:4 + n])
        octets = octets[4 + n:]
    return found


def header(kind):
    return OUI + bytes([kind])


def frame(kind, attributes):
    return b"\x09" + header(kind) + attributes


def opened(body, *kinds):
    """Type and attributes of an action frame."""
    if body is None or body[:6] != b"\x09" + OUI or body[6] not in kinds:
        raise Refused("not one of %s: %s" % (kinds, None if body is None else body[:8].hex()))
    return body[6], body[7:]


def seal(key, plain, ad):
    return AESSIV(key).encrypt(plain, list(ad) if ad else None)


def unseal(key, sealed, ad):
    try:
        return AESSIV(key).decrypt(sealed, list(ad) if ad else None)
    except InvalidTag as error:
        raise Refused("sealed with another key") from error


class Pkex:
    """One side of one run. macs: of initiator and responder, for version 1."""

    def __init__(self, code, identifier=b"", curve=P256, key=None, version=3, macs=None, ephemeral=None):
        self.code, self.identifier, self.curve, self.version, self.macs = code, identifier, curve, version, macs
        self.key = key or curve.random()
        self.public = curve.mul(self.key, curve.g)
        self.own = ephemeral or curve.random()

    def mac(self, side):
        return self.macs[side] if self.macs else b""

    def mask(self, side):
        c = self.curve
        number = int.from_bytes(c.hash(self.mac(side), self.identifier, self.code), "big")
        return c.mul(number, c.pr if side else c.pi)

    def derive(self, k, versions):
        ties = self.mac(0) + self.mac(1) if self.macs else bytes(versions)
        self.z = self.curve.hkdf(self.curve.x(k), ties + self.curve.x(self.m) + self.curve.x(self.n) + self.code)

    def tag(self, side, point, shown, first, second):
        c = self.curve
        return c.hmac(c.x(point), self.mac(side), c.x(shown), c.x(first), c.x(second))

    # the initiator

    def request(self, group=None):
        c = self.curve
        self.x = c.mul(self.own, c.g)
        self.m = c.add(self.x, self.mask(0))
        version = () if self.macs else ((VERSION, bytes([self.version])),)
        name = ((IDENTIFIER, self.identifier),) if self.identifier else ()
        return frame(7 if self.macs else 18,
                     put(*version, (GROUP, (group or c.group).to_bytes(2, "little")), *name, (ENCRYPTED_KEY, c.xy(self.m))))

    def reveal(self, response):
        c = self.curve
        found = parse(opened(response, 8)[1])
        if found[STATUS] != b"\0":
            raise Refused("status %d, group %s" % (found[STATUS][0], found.get(GROUP, b"").hex()))
        if found.get(IDENTIFIER, b"") != self.identifier:
            raise Refused("identifier")
        self.n = c.point(found[ENCRYPTED_KEY])
        self.y = c.sub(self.n, self.mask(1))
        self.derive(c.mul(self.own, self.y), (self.version, found.get(VERSION, b"\0")[0]))
        u = self.tag(0, c.mul(self.key, self.y), self.public, self.y, self.x)
        plain = put((BOOT_KEY, c.xy(self.public)), (I_AUTH, u))
        return frame(9, put((WRAPPED, seal(self.z, plain, (header(9), b"\0")))))

    def finish(self, response):
        c = self.curve
        sealed = parse(opened(response, 10)[1])[WRAPPED]
        found = parse(unseal(self.z, sealed, (header(10), b"\1")))
        self.peer = c.point(found[BOOT_KEY])
        v = self.tag(1, c.mul(self.own, self.peer), self.peer, self.x, self.y)
        if found[R_AUTH] != v:
            raise Refused("v")

    # the responder

    def respond(self, request):
        c = self.curve
        kind, attributes = opened(request, 7, 18)
        found = parse(attributes)
        if (kind == 7) != (self.macs is not None) or found.get(IDENTIFIER, b"") != self.identifier:
            raise Refused("version or identifier")
        if int.from_bytes(found[GROUP], "little") != c.group:
            raise Refused("group")
        self.m = c.point(found[ENCRYPTED_KEY])
        self.x = c.sub(self.m, self.mask(0))
        self.y = c.mul(self.own, c.g)
        self.n = c.add(self.y, self.mask(1))
        self.derive(c.mul(self.own, self.x), (found.get(VERSION, b"\0")[0], self.version))
        version = () if self.macs else ((VERSION, bytes([self.version])),)
        name = ((IDENTIFIER, self.identifier),) if self.identifier else ()
        return frame(8, put((STATUS, b"\0"), *version, *name, (ENCRYPTED_KEY, c.xy(self.n))))

    def reveal_back(self, request):
        c = self.curve
        found = parse(unseal(self.z, parse(opened(request, 9)[1])[WRAPPED], (header(9), b"\0")))
        self.peer = c.point(found[BOOT_KEY])
        if found[I_AUTH] != self.tag(0, c.mul(self.own, self.peer), self.peer, self.y, self.x):
            raise Refused("u")
        v = self.tag(1, c.mul(self.key, self.x), self.public, self.x, self.y)
        plain = put((BOOT_KEY, c.xy(self.public)), (R_AUTH, v))
        return frame(10, put((WRAPPED, seal(self.z, plain, (header(10), b"\1")))))


class Authentication:
    """Mutual, with the keys of a run; the initiator's role by its capability."""

    def __init__(self, curve, key, peer, version=3):
        self.curve, self.key, self.peer, self.version = curve, key, peer, version
        self.public = curve.mul(key, curve.g)
        self.own = curve.random()
        self.nonce = secrets.token_bytes(curve.h // 2)

    def wrap(self, kind, clear, key, plain):
        return frame(kind, clear + put((WRAPPED, seal(key, plain, (header(kind), clear)))))

    def unwrap(self, kind, attributes, key):
        sealed = parse(attributes)[WRAPPED]
        return parse(unseal(key, sealed, (header(kind), attributes[:-len(sealed) - 4])))

    def request(self, capability):
        c = self.curve
        self.pi = c.mul(self.own, c.g)
        self.mx = c.x(c.mul(self.own, self.peer))
        clear = put((R_HASH, c.key_hash(self.peer)), (I_HASH, c.key_hash(self.public)), (I_KEY, c.xy(self.pi)),
                    (VERSION, bytes([self.version])))
        k1 = c.hkdf(self.mx, b"first intermediate key")
        return self.wrap(0, clear, k1, put((I_NONCE, self.nonce), (I_CAPS, bytes([capability]))))

    def secrets_of(self, nonces, nx, lx):
        c = self.curve
        self.bk = c.extract(nonces, self.mx, nx, lx)
        self.ke = c.expand(self.bk, b"DPP Key", c.h)

    def confirm(self, response):
        c = self.curve
        attributes = opened(response, 1)[1]
        found = parse(attributes)
        if found[STATUS] != b"\0" or found.get(I_HASH) != c.key_hash(self.public):
            raise Refused("not mutual, or status %d" % found[STATUS][0])
        pr = c.point(found[R_KEY])
        nx = c.x(c.mul(self.own, pr))
        inner = self.unwrap(1, attributes, c.hkdf(nx, b"second intermediate key"))
        if inner[I_NONCE] != self.nonce:
            raise Refused("nonce")
        r_nonce = inner[R_NONCE]
        self.secrets_of(self.nonce + r_nonce, nx, c.x(c.mul(self.key, c.add(self.peer, pr))))
        tag = parse(unseal(self.ke, inner[WRAPPED], ()))[R_AUTH]
        bi, br, pi = c.x(self.public), c.x(self.peer), c.x(self.pi)
        if tag != c.hash(self.nonce, r_nonce, pi, c.x(pr), bi, br, b"\0"):
            raise Refused("R-auth")
        clear = put((STATUS, b"\0"), (R_HASH, c.key_hash(self.peer)), (I_HASH, c.key_hash(self.public)))
        i_auth = c.hash(r_nonce, self.nonce, c.x(pr), pi, br, bi, b"\1")
        return self.wrap(2, clear, self.ke, put((I_AUTH, i_auth)))

    def respond(self, request, capability):
        c = self.curve
        attributes = opened(request, 0)[1]
        found = parse(attributes)
        if found[R_HASH] != c.key_hash(self.public) or found[I_HASH] != c.key_hash(self.peer):
            raise Refused("other keys than PKEX's")
        pi = c.point(found[I_KEY])
        self.mx = c.x(c.mul(self.key, pi))
        inner = self.unwrap(0, attributes, c.hkdf(self.mx, b"first intermediate key"))
        i_nonce, self.i_caps = inner[I_NONCE], inner[I_CAPS][0]
        pr = c.mul(self.own, c.g)
        nx = c.x(c.mul(self.own, pi))
        self.secrets_of(i_nonce + self.nonce, nx, c.x(c.mul(self.key + self.own, self.peer)))
        bi, br = c.x(self.peer), c.x(self.public)
        self.i_auth = c.hash(self.nonce, i_nonce, c.x(pr), c.x(pi), br, bi, b"\1")
        r_auth = c.hash(i_nonce, self.nonce, c.x(pi), c.x(pr), bi, br, b"\0")
        clear = put((STATUS, b"\0"), (R_HASH, c.key_hash(self.public)), (I_HASH, c.key_hash(self.peer)), (R_KEY, c.xy(pr)),
                    (VERSION, bytes([self.version])))
        inner = put((R_NONCE, self.nonce), (I_NONCE, i_nonce), (R_CAPS, bytes([capability])),
                    (WRAPPED, seal(self.ke, put((R_AUTH, r_auth)), ())))
        return self.wrap(1, clear, c.hkdf(nx, b"second intermediate key"), inner)

    def check_confirm(self, confirm):
        attributes = opened(confirm, 2)[1]
        if parse(attributes)[STATUS] != b"\0" or self.unwrap(2, attributes, self.ke)[I_AUTH] != self.i_auth:
            raise Refused("I-auth")


def configuration_request(ke, request, nonce):
    sealed = put((WRAPPED, seal(ke, put((E_NONCE, nonce), (CONF_REQ, json.dumps(request).encode())), ())))
    return b"\x0a\0" + ADVERTISEMENT + len(sealed).to_bytes(2, "little") + sealed


def configuration_of(ke, response, nonce):
    """The Configuration Objects of a response, or None: ask again later."""
    if response is None or response[:1] != b"\x0b" or response[6:16] != ADVERTISEMENT:
        raise Refused("no configuration response: %r" % response)
    attributes = response[18:]
    if not attributes:
        return None
    found = parse(attributes)
    sealed = found[WRAPPED]
    inner = unseal(ke, sealed, (attributes[:-len(sealed) - 4],))
    if found[STATUS] != b"\0" or parse(inner)[E_NONCE] != nonce:
        raise Refused("configuration status %d" % found[STATUS][0])
    return json.loads(parse(inner)[CONF_OBJ])


def configuration_result(ke, nonce):
    return frame(11, put((WRAPPED, seal(ke, put((STATUS, b"\0"), (E_NONCE, nonce)), (header(11), b"")))))
