#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: dpp_vectors.py [--write]

The vectors of Wi-Fi Easy Connect on all six curves (tests/support/dpp_vectors.txt), computed again by the implementation in Python
(tests/support/dpp_model.py), which shares nothing with ours: every value that it finds must stand there, as unit test dpp/vectors demands
it of ours. Where values are published, the file has these, so that Python is judged by them too. --write makes the file anew: what
is published is kept, and its inputs are."""
import base64
import hashlib
import hmac
import json
import os
import sys

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(TESTS, "support"))
import dpp_model as dpp  # noqa: E402

PATH = os.path.join(TESTS, "support", "dpp_vectors.txt")
(TRANSACTION, CONN_STATUS, FLAGS, C_SIGN_HASH, A_NONCE, E_ID) = (0x1016, 0x101c, 0x101d, 0x101e, 0x1020, 0x1021)
CURVES = {}


def curve(name, group, oid, digest, p, a, b, q, x, y):
    g = (int(x, 16), int(y, 16))
    CURVES[name] = dpp.Curve(group, oid, digest, int(p, 16), int(a, 16), int(b, 16), int(q, 16), g, g, g)
    CURVES[name].name = name


CURVES["P-256"] = dpp.P256
dpp.P256.name = "P-256"
curve("P-384", 20, "06052b81040022", "sha384",
      "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
      "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000fffffffc",
      "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef",
      "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
      "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7",
      "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f")
curve("P-521", 21, "06052b81040023", "sha512",
      "1ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
      "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "1ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
      "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc",
      "51953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e"
      "156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00",
      "1ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
      "fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
      "c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3db"
      "aa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66",
      "11839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e66"
      "2c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650")
curve("BP-256", 28, "06092b2403030208010107", "sha256",
      "a9fb57dba1eea9bc3e660a909d838d726e3bf623d52620282013481d1f6e5377",
      "7d5a0975fc2c3057eef67530417affe7fb8055c126dc5c6ce94a4b44f330b5d9",
      "26dc5c6ce94a4b44f330b5d9bbd77cbf958416295cf7e1ce6bccdc18ff8c07b6",
      "a9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7",
      "8bd2aeb9cb7e57cb2c4b482ffc81b7afb9de27e1e3bd23c23a4453bd9ace3262",
      "547ef835c3dac4fd97f8461a14611dc9c27745132ded8e545c1d54c72f046997")
curve("BP-384", 29, "06092b240303020801010b", "sha384",
      "8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b412b1da197fb71123acd3a729901d1a71874700133107ec53",
      "7bc382c63d8c150c3c72080ace05afa0c2bea28e4fb22787139165efba91f90f8aa5814a503ad4eb04a8c7dd22ce2826",
      "4a8c7dd22ce28268b39b55416f0447c2fb77de107dcd2a62e880ea53eeb62d57cb4390295dbc9943ab78696fa504c11",
      "8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b31f166e6cac0425a7cf3ab6af6b7fc3103b883202e9046565",
      "1d1c64f068cf45ffa2a63a81b7c13f6b8847a3e77ef14fe3db7fcafe0cbd10e8e826e03436d646aaef87b2e247d4af1e",
      "8abe1d7520f9c2a45cb1eb8e95cfd55262b70b29feec5864e19c054ff99129280e4646217791811142820341263c5315")
curve("BP-512", 30, "06092b240303020801010d", "sha512",
      "aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330871"
      "7d4d9b009bc66842aecda12ae6a380e62881ff2f2d82c68528aa6056583a48f3",
      "7830a3318b603b89e2327145ac234cc594cbdd8d3df91610a83441caea9863bc"
      "2ded5d5aa8253aa10a2ef1c98b9ac8b57f1117a72bf2c7b9e7c1ac4d77fc94ca",
      "3df91610a83441caea9863bc2ded5d5aa8253aa10a2ef1c98b9ac8b57f1117a7"
      "2bf2c7b9e7c1ac4d77fc94cadc083e67984050b75ebae5dd2809bd638016f723",
      "aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330870"
      "553e5c414ca92619418661197fac10471db1d381085ddaddb58796829ca90069",
      "81aee4bdd82ed9645a21322e9c4c6a9385ed9f70b5d916c1b43b62eef4d0098e"
      "ff3b1f78e2d0d48d50d1687b93b97d5f7c6d5047406a5e688b352209bcb9f822",
      "7dde385d566332ecc0eabfa9cf7822fdf209f70024a57b1aa000c55b881f8111"
      "b2dcde494a5f485e5bca4bd88a2763aed1ca2b2fa8f0540678cd1e0f3ad80892")

JWS = {"P-256": ("ES256", "sha256"), "P-384": ("ES384", "sha384"), "P-521": ("ES512", "sha512"), "BP-256": ("BS256", "sha256"),
       "BP-384": ("BS384", "sha384"), "BP-512": ("BS512", "sha512")}


class Section:
    """A name, and lines "key value" in the order they were found."""

    def __init__(self, name):
        self.name, self.values = name, {}

    def scalar(self, key, c):
        """An input: what stands there, or one made of its name."""
        if key not in self.values:
            number = int.from_bytes(hashlib.shake_256(("%s %s" % (self.name, key)).encode()).digest(2 * c.n), "big") % (c.q - 1) + 1
            self.values[key] = number.to_bytes(c.n, "big").hex()
        return int(self.values[key], 16)

    def octets(self, key, n):
        if key not in self.values:
            self.values[key] = hashlib.shake_256(("%s %s" % (self.name, key)).encode()).digest(n).hex()
        return bytes.fromhex(self.values[key])

    def found(self, key, value):
        """What was computed; what stands there already must be the same."""
        text = value if isinstance(value, str) else value.hex()
        if self.values.setdefault(key, text) != text:
            raise SystemExit("%s: %s is %s here, and stands as %s" % (self.name, key, text, self.values[key]))


def read():
    sections = {}
    with open(PATH, encoding="ascii") as f:
        for line in f:
            if line.startswith("["):
                section = sections.setdefault(line.strip()[1:-1], Section(line.strip()[1:-1]))
            elif line.strip() and not line.startswith("#"):
                key, _, value = line.strip().partition(" ")
                section.values[key] = value
    return sections


def wrapped(kind, clear, key, plain):
    return dpp.frame(kind, clear + dpp.put((dpp.WRAPPED, dpp.seal(key, plain, (dpp.header(kind), clear)))))


def authentication(s, c, mutual, version=3):
    h = c.h // 2
    br, pr, bi, pi = (s.scalar(k, c) for k in ("bR", "pR", "bI", "pI"))
    r_nonce, i_nonce = s.octets("R-nonce", h), s.octets("I-nonce", h)
    big = {k: c.mul(v, c.g) for k, v in (("BR", br), ("PR", pr), ("BI", bi), ("PI", pi))}
    m, n = c.mul(pi, big["BR"]), c.mul(pi, big["PR"])
    elle = c.mul(bi, c.add(big["BR"], big["PR"])) if mutual else None
    if mutual and elle != c.mul((br + pr) % c.q, big["BI"]):
        raise SystemExit("L of both sides differs")
    k1, k2 = c.hkdf(c.x(m), b"first intermediate key"), c.hkdf(c.x(n), b"second intermediate key")
    bk = c.extract(i_nonce + r_nonce, c.x(m), c.x(n), c.x(elle) if mutual else b"")
    ke = c.expand(bk, b"DPP Key", c.h)
    xi, xr = (c.x(big["BI"]),) if mutual else (), c.x(big["BR"])
    r_auth = c.hash(i_nonce, r_nonce, c.x(big["PI"]), c.x(big["PR"]), *xi, xr, b"\0")
    i_auth = c.hash(r_nonce, i_nonce, c.x(big["PR"]), c.x(big["PI"]), xr, *xi, b"\1")
    r_hash, i_hash = c.key_hash(big["BR"]), c.key_hash(big["BI"])
    for name, value in (("spki-R", base64.b64encode(c.spki(big["BR"])).decode()), ("spki-I", base64.b64encode(c.spki(big["BI"])).decode()),
                        ("hash-R", r_hash), ("hash-I", i_hash),
                        ("chirp-R", hashlib.sha256(b"chirp" + c.spki(big["BR"])).digest()),
                        ("chirp-I", hashlib.sha256(b"chirp" + c.spki(big["BI"])).digest()),
                        ("M.x", c.x(m)), ("N.x", c.x(n)), *((("L.x", c.x(elle)),) if mutual else ()), ("k1", k1), ("k2", k2),
                        ("bk", bk), ("ke", ke), ("R-auth", r_auth), ("I-auth", i_auth)):
        s.found(name, value)
    clear = dpp.put((dpp.R_HASH, r_hash), (dpp.I_HASH, i_hash), (dpp.I_KEY, c.xy(big["PI"])), (dpp.VERSION, bytes([version])))
    s.found("request", wrapped(0, clear, k1, dpp.put((dpp.I_NONCE, i_nonce), (dpp.I_CAPS, b"\1"))))
    ours = ((dpp.I_HASH, i_hash),) if mutual else ()
    clear = dpp.put((dpp.STATUS, b"\0"), (dpp.R_HASH, r_hash), *ours, (dpp.R_KEY, c.xy(big["PR"])), (dpp.VERSION, bytes([version])))
    tag = dpp.seal(ke, dpp.put((dpp.R_AUTH, r_auth)), ())
    plain = dpp.put((dpp.R_NONCE, r_nonce), (dpp.I_NONCE, i_nonce), (dpp.R_CAPS, b"\2"), (dpp.WRAPPED, tag))
    s.found("response", wrapped(1, clear, k2, plain))
    clear = dpp.put((dpp.STATUS, b"\0"), (dpp.R_HASH, r_hash), *ours)
    s.found("confirm", wrapped(2, clear, ke, dpp.put((dpp.I_AUTH, i_auth))))
    configuration(s, c, bk, ke)


def configuration(s, c, bk, ke):
    """Over these keys: a request, its result, and what else is made of bk."""
    e_nonce = s.octets("E-nonce", c.h // 2)
    text = b'{"name":"pump-7","wi-fi_tech":"infra","netRole":"sta"}'
    sealed = dpp.put((dpp.WRAPPED, dpp.seal(ke, dpp.put((dpp.E_NONCE, e_nonce), (dpp.CONF_REQ, text)), ())))
    s.found("configuration-request", b"\x0a\0" + dpp.ADVERTISEMENT + len(sealed).to_bytes(2, "little") + sealed)
    sealed = dpp.seal(ke, dpp.put((dpp.STATUS, b"\0"), (dpp.E_NONCE, e_nonce)), (dpp.header(11), b""))
    s.found("configuration-result", dpp.frame(11, dpp.put((dpp.WRAPPED, sealed))))
    s.found("csr-password", base64.b64encode(c.expand(bk, b"CSR challengePassword", 64)).decode())
    # a key on another curve (6.4.6), for which the hash stays the first one's
    other = CURVES["P-384" if c.name != "P-384" else "P-256"]
    s.found("new-curve", other.name)
    pc, pe = s.scalar("pC", other), s.scalar("pE", other)
    shared = other.x(other.mul(pe, other.mul(pc, other.g)))
    key = c.expand(c.extract(bk, shared), b"New DPP Protocol Key", c.h)
    tag = hmac.new(key, e_nonce + other.x(other.mul(pc, other.g)) + other.x(other.mul(pe, other.g)), c.digest).digest()
    s.found("new-key-tag", tag)


def base64url(octets):
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def kid(c, point):
    return base64url(hashlib.sha256(b"\4" + c.xy(point)).digest())


def payload(c, role, group, point, more=""):
    x, y = (base64url(v.to_bytes(c.n, "big")) for v in point)
    return ('{"groups":[{"groupId":"%s","netRole":"%s"}],"netAccessKey":{"kty":"EC","crv":"%s","x":"%s","y":"%s"}%s}'
            % (group, role, c.name, x, y, more))


def connector(s, key, sign, c, text):
    """A Connector whose signature stands there, or is made now; verified in any case."""
    algorithm, digest = JWS[c.name]
    public = c.mul(sign, c.g)
    head = base64url(('{"typ":"dppCon","kid":"%s","alg":"%s"}' % (kid(c, public), algorithm)).encode()) + "." + base64url(text.encode())
    number = int.from_bytes(hashlib.new(digest, head.encode()).digest(), "big")
    number >>= max(0, hashlib.new(digest).digest_size * 8 - c.q.bit_length())
    if key not in s.values:
        k = Section(s.name).scalar("k of " + key, c)
        r = c.mul(k, c.g)[0] % c.q
        n = (c.q.bit_length() + 7) // 8
        rs = r.to_bytes(n, "big") + (pow(k, -1, c.q) * (number + r * sign) % c.q).to_bytes(n, "big")
        s.values[key] = head + "." + base64url(rs)
    verify(c, public, s.values[key], number)
    return s.values[key].encode()


def verify(c, public, jws, number):
    octets = base64.urlsafe_b64decode(jws.split(".")[2] + "==")
    r, v = int.from_bytes(octets[:len(octets) // 2], "big"), int.from_bytes(octets[len(octets) // 2:], "big")
    w = pow(v, -1, c.q)
    point = c.add(c.mul(number * w, c.g), c.mul(r * w, public))
    if point[0] % c.q != r:
        raise SystemExit("a signature does not hold")


def reconfiguration(s, c):
    """C-sign key and ppKey are on the curve too."""
    h = c.h // 2
    sign, pp, e_id, a = (s.scalar(k, c) for k in ("c-sign", "pp", "E-id", "a"))
    cr, pr, ci = (s.scalar(k, c) for k in ("cR", "pR", "cI"))
    transaction, c_nonce, e_nonce = s.octets("transaction", 1), s.octets("C-nonce", h), s.octets("E-nonce", h)
    public = c.mul(sign, c.g)
    a_nonce, masked = c.mul(a, c.g), c.add(c.mul(e_id, c.g), c.mul(a, c.mul(pp, c.g)))
    if c.sub(masked, c.mul(pp, a_nonce)) != c.mul(e_id, c.g):
        raise SystemExit("E-id is not found again")
    s.found("announcement", dpp.frame(14, dpp.put(
        (C_SIGN_HASH, hashlib.sha256(b"\4" + c.xy(public)).digest()), (dpp.GROUP, c.group.to_bytes(2, "little")),
        (A_NONCE, c.xy(a_nonce)), (E_ID, c.xy(masked)))))
    ours = connector(s, "C-Connector", sign, c, payload(c, "configurator", "*", c.mul(ci, c.g), ',"expiry":"2027-01-15T09:00:00Z"'))
    theirs = connector(s, "E-Connector", sign, c, payload(c, "sta", "lab", c.mul(cr, c.g)))
    s.found("request", dpp.frame(15, dpp.put((TRANSACTION, transaction), (dpp.VERSION, b"\3"), (dpp.CONNECTOR, ours), (dpp.C_NONCE, c_nonce))))
    m = c.mul((cr + pr) % c.q, c.mul(ci, c.g))
    if m != c.mul(ci, c.add(c.mul(cr, c.g), c.mul(pr, c.g))):
        raise SystemExit("M of both sides differs")
    prk = c.extract(c_nonce + e_nonce, c.x(m))
    ke = c.expand(prk, b"dpp reconfig key", c.h)
    s.found("M.x", c.x(m))
    s.found("prk", prk)
    s.found("ke", ke)
    clear = dpp.put((TRANSACTION, transaction), (dpp.VERSION, b"\2"), (dpp.CONNECTOR, theirs), (dpp.E_NONCE, e_nonce),
                    (dpp.R_KEY, c.xy(c.mul(pr, c.g))))
    s.found("response", wrapped(16, clear, ke, dpp.put((dpp.C_NONCE, c_nonce), (CONN_STATUS, b'{"result":10}'))))
    plain = dpp.put((TRANSACTION, transaction), (dpp.VERSION, b"\2"), (dpp.C_NONCE, c_nonce), (dpp.E_NONCE, e_nonce), (FLAGS, b"\1"))
    s.found("confirm", wrapped(17, dpp.put((dpp.STATUS, b"\0")), ke, plain))


def introduction(s, c):
    """Two Connectors: those that stand there, or our own."""
    sign = s.scalar("c-sign", c) if "c-sign-spki" not in s.values else None
    sta, ap = s.scalar("sta", c), s.scalar("ap", c)
    if sign is not None:
        connector(s, "sta-Connector", sign, c, payload(c, "sta", "lab", c.mul(sta, c.g)))
        connector(s, "ap-Connector", sign, c, payload(c, "ap", "lab", c.mul(ap, c.g)))
    else:
        public = c.point(bytes.fromhex(s.values["c-sign-spki"])[-2 * c.n:])
        for key, scalar in (("sta-Connector", sta), ("ap-Connector", ap)):
            head, body, _ = s.values[key].split(".")
            number = int.from_bytes(hashlib.new(JWS[c.name][1], (head + "." + body).encode()).digest(), "big")
            verify(c, public, s.values[key], number)
            said = json.loads(base64.urlsafe_b64decode(head + "=="))
            own = json.loads(base64.urlsafe_b64decode(body + "=="))["netAccessKey"]
            if said["kid"] != kid(c, public) or own["x"] != base64url(c.x(c.mul(scalar, c.g))):
                raise SystemExit("a published Connector is not what it says")
    n = c.x(c.mul(sta, c.mul(ap, c.g)))
    s.found("N.x", n)
    s.found("PMK", c.hkdf(n, b"DPP PMK"))
    both = sorted((c.x(c.mul(sta, c.g)), c.x(c.mul(ap, c.g))))
    s.found("PMKID", hashlib.sha256(b"".join(both)).digest()[:16])


def compute(sections):
    for name, c in CURVES.items():
        for kind in ("mutual", "responder alone"):
            s = sections.setdefault("%s, %s" % (name, kind), Section("%s, %s" % (name, kind)))
            s.found("curve", name)
            authentication(s, c, kind == "mutual")
        for kind, how in (("reconfiguration", reconfiguration), ("introduction", introduction)):
            s = sections.setdefault("%s, %s" % (name, kind), Section("%s, %s" % (name, kind)))
            s.found("curve", name)
            how(s, c)


def main():
    sections = read()
    before = sum(len(s.values) for s in sections.values())
    compute(sections)
    after = sum(len(s.values) for s in sections.values())
    if "--write" in sys.argv:
        with open(PATH, encoding="ascii") as f:
            head = [line for line in f if line.startswith("#")]
        with open(PATH, "w", encoding="ascii") as f:
            f.writelines(head)
            for s in sections.values():
                f.write("\n[%s]\n" % s.name + "".join("%s %s\n" % pair for pair in s.values.items()))
    elif after != before:
        raise SystemExit("%d values are not in the file" % (after - before))
    print("ok: %d values of %d exchanges" % (after, len(sections)))


if __name__ == "__main__":
    main()
