#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Gateways with an identity of their own, behind a router that translates addresses (nftables, masquerade):
#
#   devices (dev0) ── to-dev  gateways  to-nat ── (in0) router (out0) ── (lan0) registrar, MASA
#
# Two gateways have the same address as their registrar sees them, and it tells them apart all the same.

for tool in curl openssl python3 nft; do
	command -v "$tool" >/dev/null || { echo "missing: $tool"; exit 77; }
done
# shellcheck source-path=SCRIPTDIR source=worlds_lib.sh
. "$(dirname "$0")/worlds_lib.sh"

world devices
world router
world lan
# shellcheck disable=SC2154 # world sets them
{
	ip link add to-dev type veth peer name dev0 netns "$devices"
	ip link add to-nat type veth peer name in0 netns "$router"
	in_world "$router" ip link add out0 type veth peer name lan0 netns "$lan"
}
for link in lo to-dev to-nat; do ip link set $link up; done
for link in lo dev0; do in_world "$devices" ip link set $link up; done
for link in lo in0 out0; do in_world "$router" ip link set $link up; done
for link in lo lan0; do in_world "$lan" ip link set $link up; done
ip address add 203.0.113.1/24 dev to-dev
in_world "$devices" ip address add 203.0.113.2/24 dev dev0
ip address add 192.0.2.2/24 dev to-nat
in_world "$router" ip address add 192.0.2.1/24 dev in0
in_world "$router" ip address add 198.51.100.2/24 dev out0
in_world "$lan" ip address add 198.51.100.1/24 dev lan0
ip route add default via 192.0.2.1
in_world "$router" sysctl -qw net.ipv4.ip_forward=1
in_world "$router" nft -f - <<'END' || { echo "no address translation by nftables on this machine"; exit 77; }
table ip nat {
	chain out {
		type nat hook postrouting priority srcnat;
		oifname "out0" masquerade
	}
}
END

# ---- the manufacturer and the owner ----
until_file() { until_true 20 test -s "$1" || failed "$2"; }
printf 'serial-number,model\nG-0001,gw-1\nG-0002,gw-1\nA-0001,cam-1\nA-0002,cam-1\n' >units.csv
berth factory init --dir acme --name Acme --masa-url masa.invalid --masa-host localhost >init.log
berth factory make --dir acme --units units.csv --out units >make.log
berth registrar init --dir home --name 'Example Home' --host localhost --listen '[::]:0' >init.log
berth factory sell --dir acme --all --owner home/domain-ca.pem --out sale.manifest >sell.log
sed -i 's/^listen = .*/listen = 127.0.0.1:0/; /^port-file/d' acme/masa/masa.conf
sed -i "s|^\[daemon\]|&\nport-file = $run/masa.port|" acme/masa/masa.conf
in_world "$lan" berth-masa --config acme/masa/masa.conf 2>masa.log &
until_file masa.port "the MASA does not serve"
for manifest in units/*.manifest sale.manifest; do
	berth masa load --socket acme/masa/admin.sock "$manifest" >load.log
done
sed -i '/^port-file/d; s/^\[daemon\]/&\nport-file = port\nnet-processes = 2/; s/^\[registrar\]/&\nretry-after = 1s\ngateway-lease = 3s/' home/registrar.conf
cat >>home/registrar.conf <<-END
	[manufacturer "Acme"]
	anchors = $run/acme/root-ca.pem
	masa-url = localhost:$(cat masa.port)
END
cat >home/policy.conf <<-'END'
	[rule "gateways"]
	match.serial = G-*
	require.owned = yes
	role = gateway
	segment = core

	[rule "cameras"]
	match.manufacturer = Acme
	require.owned = yes
	approve = auto
	segment = cameras
END
start_registrar() {
	rm -f home/port
	nsenter --net --target "$lan" berth-registrar --config home/registrar.conf 2>>registrar.log &
	registrar_pid=$!
	until_file home/port "the registrar does not serve"
}
stop_registrar() {
	kill -TERM "$registrar_pid"
	wait "$registrar_pid" || failed "the registrar ended with $?"
}
start_registrar
port=$(cat home/port)
sed -i "s/^listen.*/listen = [::]:$port/" home/registrar.conf
export BERTH_ADMIN_SOCKET=$run/home/admin.sock
berth device import sale.manifest --manufacturer Acme >import.log

conf() { # conf SERIAL REGISTRAR
	sed -E "s#= (file:)?(idevid|manufacturer-anchors)\.#= \1units/$1/\2.#" "units/$1/device.conf" >"$1.conf"
	sed -i "s|^state-directory = .*|state-directory = $run/$1.state|" "$1.conf"
	printf '\n[discovery]\ndns-sd = no\ngrasp = no\nregistrar = %s\n' "$2" >>"$1.conf"
}
for n in 1 2; do
	cat >gateway$n.conf <<-END
		[gateway]
		device-interfaces = to-dev
		registrars = 198.51.100.1:$port
		dns-sd = no
		grasp = no
		port-file = $run/gateway$n.port

		[identity]
		state-directory = $run/G-000$n.state
		directory = $run/held$n
		when-registrar-away = $([ $n = 1 ] && echo keep || echo close)
	END
	conf G-000$n "198.51.100.1:$port"
done
gateway1='' proxy1='' proxy2=''
start_gateway() { # start_gateway N [CONF]: sets $gatewayN and $proxyN
	rm -f "gateway$1.port"
	berth-gateway --config "${2:-gateway$1.conf}" 2>>"gateway$1.log" &
	eval "gateway$1=$!"
	until_file "gateway$1.port" "gateway $1 does not start"
	read -r _ port_of <"gateway$1.port"
	eval "proxy$1=$port_of"
}
status() { # status N EXPRESSION: over s, the status
	berth-gateway --config "gateway$1.conf" status --json |
		python3 -c 'import json, sys; s = json.load(sys.stdin); sys.exit(0 if eval(sys.argv[1]) else 1)' "$2"
}
generation() { berth-gateway --config "gateway$1.conf" status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["generation"])'; }
is_open() { in_world "$devices" bash -c ": </dev/tcp/203.0.113.1/$1"; }

# req: gateway-own-identity
# 1. No gateway before it is onboarded and approved.
start_gateway 1
until_true 10 status 1 's["stream"] == "onboarding" and not s["proxying"] and s["generation"] == 0' || failed "no status before onboarding"
! is_open "$proxy1" || failed "it listens before it is onboarded"
for n in 1 2; do berth-device --config G-000$n.conf run 2>>G-000$n.log & done
for n in 1 2; do
	until_true 15 bash -c "berth device list | grep G-000$n | grep pending > /dev/null" || failed "G-000$n does not wait for an operator"
	berth device approve G-000$n >approve.log
done
until_true 30 status 1 's["stream"] == "up" and s["proxying"] and s["generation"] >= 1 and s["devices"] == []' || failed "no stream"
until_true 10 is_open "$proxy1" || failed "it does not listen once it may"
until_true 20 test -s G-0002.state/ldevid.pem || failed "the second gateway is not onboarded"
start_gateway 2
until_true 20 status 2 's["stream"] == "up" and s["proxying"]' || failed "no second stream"
openssl x509 -in G-0001.state/ldevid.pem -noout -subject | grep 'OU = gateway' > /dev/null || failed "no role in the certificate"
# req: gateway-no-cmc-ra
[ "$(openssl x509 -in G-0001.state/ldevid.pem -noout -ext extendedKeyUsage | sed -n '2s/^ *//p')" = 'TLS Web Client Authentication' ] ||
	failed "the certificate of a gateway is for more than clients of TLS"
berth device list --json | python3 -c 'import json, sys
d = {x["serial-number"]: x for x in json.load(sys.stdin)["devices"]}
assert d["G-0001"]["role"] == "gateway" and d["G-0001"]["state"] == "enrolled", d' || failed "the list does not say who is a gateway"
said "onboarded with the role, approved by an operator; the stream is up through address translation"

# req: gateway-binding
# 2. A device comes through the first: it, and nobody else, is told so.
conf A-0001 "203.0.113.1:$proxy1"
in_world "$devices" berth-device --config A-0001.conf run --once --timeout 30 2>>A-0001.log || failed "A-0001 is not onboarded"
serial=$(openssl x509 -in A-0001.state/ldevid.pem -noout -serial | sed 's/.*=//' | tr A-F a-f)
until_true 10 status 1 "len(s['devices']) == 1 and s['devices'][0]['id'].endswith('A-0001') and s['devices'][0]['state'] == 'enrolled' and s['devices'][0]['segment'] == 'cameras' and s['devices'][0]['serial'] == '$serial'" ||
	failed "the first gateway is not told of its device: $(cat held1/desired-state.json)"
status 2 's["devices"] == []' || failed "the second gateway is told of another's device"
conf A-0002 "203.0.113.1:$proxy2"
in_world "$devices" berth-device --config A-0002.conf run --once --timeout 30 2>>A-0002.log || failed "A-0002 is not onboarded"
until_true 10 status 2 "[d['id'].split('-', 1)[1] for d in s['devices']] == ['A-0002']" || failed "the second gateway is not told of its device"
status 1 'len(s["devices"]) == 1' || failed "the first gateway is told of another's device"
said "two gateways behind one address: each is told of its own device and of no other"

# req: gateway-certificate
# 3. Who is no gateway.
base=https://198.51.100.1:$port/.well-known/berth/gateway
ask() { # ask STATUS RULE CURL-ARGUMENTS...: judged by curl
	local want=$1 rule=$2 code
	shift 2
	code=$(in_world "$lan" curl -sk --noproxy '*' -m 15 -o body -w '%{http_code}' "$@")
	[ "$code" = "$want" ] || failed "$code instead of $want: $* $(cat body)"
	[ -z "$rule" ] || grep -q "$rule" body || failed "$rule is not named: $(cat body)"
}
as() { echo "--cert $1.state/ldevid.pem --key $(echo "$1".state/ldevid-*.key)"; }
# shellcheck disable=SC2046 # words
{
	ask 403 peer-not-gateway $(as A-0001) "$base/desired-state?after=0"
	ask 403 peer-not-gateway --cert units/A-0001/idevid.pem --key units/A-0001/idevid.key "$base/desired-state"
	ask 403 peer-not-gateway "$base/desired-state"
	ask 403 peer-not-gateway $(as A-0001) -H 'Content-Type: application/json' -d '{"relayed":[]}' "$base/report"
	ask 400 gateway-after $(as G-0001) "$base/desired-state?after=-1"
	ask 405 gateway-method $(as G-0001) -X POST -d '' "$base/desired-state"
	ask 400 json-unknown-member $(as G-0001) -d '{"relayed":[],"x":1}' "$base/report"
	ask 400 gateway-report-random $(as G-0001) -d '{"relayed":["00"]}' "$base/report"
	ask 204 '' $(as G-0001) -d "{\"relayed\":[\"$(printf '00%.0s' {1..32})\"]}" "$base/report"
}
status 1 'len(s["devices"]) == 1' || failed "an invented connection brought a device"
said "a device's certificate, a birth certificate and none are refused by name"

# req: gateway-restored
# 4. A generation from the future, of a store that is lost: answered above it.
# shellcheck disable=SC2046
ask 200 '' $(as G-0001) "$base/desired-state?after=1000"
python3 -c 'import json; assert json.load(open("body"))["generation"] == 1001' || failed "not above: $(cat body)"
until_true 10 status 1 's["generation"] == 1001' || failed "the gateway is not told the new generation"
said "a gateway that knows more than the registrar is answered above it"

# req: gateway-lease
# 5. The registrar restarts: the stream resumes, and goes on where it was. With close the other one stops meanwhile.
before=$(generation 1)
stop_registrar
until_true 10 status 1 's["stream"] == "away" and s["proxying"]' || failed "keep does not keep"
until_true 10 bash -c "! nsenter --net --target $devices bash -c ': </dev/tcp/203.0.113.1/$proxy2' 2>/dev/null" || failed "close does not close"
until_true 5 status 2 's["stream"] == "away" and not s["proxying"] and s["lease-left-s"] == 0' || failed "close is not what the status says"
is_open "$proxy1" || failed "keep closed"
start_registrar
until_true 30 status 1 's["stream"] == "up"' || failed "the stream does not come back"
until_true 30 status 2 's["stream"] == "up" and s["proxying"]' || failed "the second stream does not come back"
until_true 5 is_open "$proxy2" || failed "not open again, where it was"
[ "$(generation 1)" -ge "$before" ] || failed "the generation went down"
said "restarted registrar: resumed, generation $before and then $(generation 1); keep kept, close closed and came back"

# req: gateway-older-generation
# 6. A registrar from the past, with the right certificate and key.
kill -TERM "$gateway1"
wait "$gateway1" || failed "gateway 1 ended with $?"
status 1 's["stream"] == "stopped" and s["generation"] >= 1001' || failed "what it was told is not kept"
registrar_key=$(sed -n 's/^tls-key = file://p' home/registrar.conf)
cat >fake.py <<'END'
import http.server, ssl, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{"generation":7,"lease-s":60,"from":0,"total":0,"devices":[]}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
server = http.server.HTTPServer(("198.51.100.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
server.socket = context.wrap_socket(server.socket, server_side=True)
open(sys.argv[3], "w").write(str(server.server_port))
server.serve_forever()
END
(cd home && in_world "$lan" python3 ../fake.py registrar.pem "$registrar_key" ../fake.port) 2>fake.log &
until_file fake.port "no fake registrar"
sed "s|^\[identity\]|&\nregistrar = 198.51.100.1:$(cat fake.port)|" gateway1.conf >past.conf
start_gateway 1 past.conf
until_true 15 grep -q 'rule=gateway-older-generation' gateway1.log || failed "an older generation is not refused"
[ "$(generation 1)" -ge 1001 ] || failed "an older generation was taken"
kill -TERM "$gateway1"
wait "$gateway1" || failed "gateway 1 ended with $?"
# and one of our owner's that is no registrar
in_world "$lan" python3 fake.py A-0001.state/ldevid.pem "$(echo A-0001.state/ldevid-*.key)" other.port 2>fake.log &
until_file other.port "no fake registrar"
sed "s|^\[identity\]|&\nregistrar = 198.51.100.1:$(cat other.port)|" gateway1.conf >other.conf
lines=$(grep -c 'event=stream.ended' gateway1.log)
start_gateway 1 other.conf
until_true 15 bash -c "[ \$(grep -c 'event=stream.ended .*rule=x509-eku' gateway1.log) -gt 0 ] && [ \$(grep -c 'event=stream.ended' gateway1.log) -gt $lines ]" ||
	failed "a device is taken for a registrar"
kill -TERM "$gateway1"
wait "$gateway1" || failed "gateway 1 ended with $?"
start_gateway 1
until_true 20 status 1 's["stream"] == "up"' || failed "the stream does not come back"
said "an older generation is refused by name, and so is a device in the registrar's place"

# req: gateway-revoked
# 7. Revoked: the question that waits is ended, and the proxy with it, also after a restart.
began=$(date +%s%N)
berth device revoke G-0001 --reason stolen >revoke.log
until_true 10 status 1 's["stream"] == "refused" and not s["proxying"]' || failed "the stream goes on"
took=$((($(date +%s%N) - began) / 1000000))
[ $took -lt 4000 ] || failed "it took $took ms"
grep -q 'event=stream.ended .*credential-revoked' gateway1.log || failed "the revocation is not named"
! is_open "$proxy1" || failed "it still listens"
kill -TERM "$gateway1"
wait "$gateway1" || failed "gateway 1 ended with $?"
stop_registrar
start_gateway 1
until_true 10 grep -q 'event=gateway.started' gateway1.log
until_true 10 bash -c "tail -n 1 gateway1.log | grep 'event=stream.ended' > /dev/null" || failed "it does not try"
! is_open "$proxy1" || failed "a restart makes a gateway of it again"
status 2 'True' || failed "no status of the other"
said "revoked: the stream ended after $took ms, and it stays closed, whatever is restarted"
echo ok
