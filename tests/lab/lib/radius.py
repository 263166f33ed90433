# SPDX-License-Identifier: BSD-2-Clause
"""FreeRADIUS, which lets those on whose certificate leads to the registrar's root, by EAP-TLS."""
import os

from .world import run, until

SECRET = "between-access-point-and-server"
NAME = "radius.lab"
CONF = """prefix = /usr
libdir = /usr/lib/freeradius
raddbdir = {folder}
logdir = {folder}
run_dir = {folder}
pidfile = {folder}/pid
name = radiusd
max_request_time = 10
log {{
	destination = files
	file = {folder}.log
	auth = yes
}}
client ap {{
	ipaddr = {client}
	secret = {secret}
	require_message_authenticator = yes
}}
thread pool {{
	start_servers = 1
	max_servers = 2
	min_spare_servers = 1
	max_spare_servers = 1
}}
modules {{
	eap {{
		default_eap_type = tls
		tls-config common {{
			private_key_file = {folder}/server.key
			certificate_file = {folder}/server.pem
			ca_file = {folder}/ca.pem
			tls_min_version = "1.2"
			tls_max_version = "1.2"
			ecdh_curve = "prime256v1"
		}}
		tls {{
			tls = common
		}}
	}}
}}
server lab {{
	listen {{
		type = auth
		ipaddr = {address}
		port = 1812
	}}
	authorize {{
		eap
	}}
	authenticate {{
		eap
	}}
	post-auth {{
		Post-Auth-Type REJECT {{
			eap
		}}
	}}
}}
"""


def certify(folder, name, usage, ca, ca_key):
    """NAME.key and NAME.pem in folder, by this CA."""
    base = os.path.join(folder, name)
    run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", base + ".key", "-out",
        base + ".csr", "-subj", "/CN=" + NAME, "-addext", "subjectAltName=DNS:" + NAME, "-addext", "extendedKeyUsage=" + usage)
    run("openssl", "x509", "-req", "-in", base + ".csr", "-copy_extensions", "copy", "-CA", ca, "-CAkey", ca_key, "-CAcreateserial",
        "-days", "30", "-out", base + ".pem")


def foreign_ca(folder):
    """A CA that nobody here trusts: its certificate and its key."""
    ca, key = os.path.join(folder, "foreign.pem"), os.path.join(folder, "foreign.key")
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", ca,
        "-days", "30", "-subj", "/CN=Somebody else")
    return ca, key


class Radius:
    def __init__(self, world, host, registrar, client, by=None):
        """by: the CA of its own certificate and that CA's key, where it is not the registrar's."""
        self.world = world
        self.folder = os.path.join(world.folder, "radius" if by is None else "radius-foreign")
        os.mkdir(self.folder)
        home = registrar.home
        ca, key = by or (os.path.join(home, "domain-ca.pem"), os.path.join(home, "keys", "root.key"))
        certify(self.folder, "server", "serverAuth", ca, key)
        with open(os.path.join(self.folder, "ca.pem"), "w", encoding="ascii") as out:
            for name in ("domain-ca.pem", "issuing.pem"):
                with open(os.path.join(home, name), encoding="ascii") as f:
                    out.write(f.read())
        with open(os.path.join(self.folder, "radiusd.conf"), "w", encoding="ascii") as f:
            f.write(CONF.format(folder=self.folder, client=client, secret=SECRET, address=registrar.address))
        os.chmod(self.folder, 0o755)
        self.process, _ = world.start(host, "radius-output", "freeradius", "-f", "-xx", "-d", self.folder, "-n", "radiusd")
        until("FreeRADIUS is ready", 30, lambda: "Ready to process requests" in self.log())

    def log(self):
        try:
            with open(self.folder + ".log", encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def stop(self):
        self.world.stop(self.process)
