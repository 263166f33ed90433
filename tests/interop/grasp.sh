#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Discovery by GRASP alone (DNS-SD is off everywhere), each party in a network of its own:
#
#   device (dev0) ── to-dev  gateway  to-lan ── (lan0) registrar
#
# A second implementation (grasp_peer.py, on python3-cbor2) judges what ours announce, announces to ours, and lies.
here=$(cd "$(dirname "$0")" && pwd)

python=
for candidate in python3 /usr/bin/python3; do
	if "$candidate" -c 'import cbor2' 2>/dev/null; then python=$candidate; break; fi
done
[ -n "$python" ] || { echo "missing: python3-cbor2"; exit 77; }

# shellcheck source-path=SCRIPTDIR source=worlds_lib.sh
. "$(dirname "$0")/worlds_lib.sh"

world device
world lan
# shellcheck disable=SC2154 # world sets them
{
	ip link add to-dev type veth peer name dev0 netns "$device"
	ip link add to-lan type veth peer name lan0 netns "$lan"
}
for link in lo to-dev to-lan; do ip link set $link up; done
for link in lo dev0; do in_world "$device" ip link set $link up; done
for link in lo lan0; do in_world "$lan" ip link set $link up; done
await_link_local to-lan
await_link_local to-dev
await_link_local lan0 "$lan"
await_link_local dev0 "$device"
address_of() { ip -6 -o address show dev "$1" scope link | awk '{sub("/.*", "", $4); print $4; exit}'; }
export -f address_of
lan_address=$(in_world "$lan" bash -c 'address_of lan0')

peer() { in_world "$1" "$python" "$here/grasp_peer.py" "${@:2}"; }
listen() { # listen WORLD FILE INTERFACE OBJECTIVE
	peer "$1" listen "$3" "$4" >"$2" 2>&1 &
	until_true 20 grep -q '^listening' "$2" || failed "the peer does not listen"
}

# ---- the parties ----
berth factory init --dir acme --name Acme --masa-url masa.invalid --masa-host localhost >/dev/null
printf 'serial-number,model\nA-0001,cam-1\n' >units.csv
berth factory make --dir acme --units units.csv --out units >/dev/null
berth registrar init --dir home --name 'Example Home' --host registrar.home.example --listen '[::]:0' >/dev/null
berth factory sell --dir acme --serial A-0001 --owner home/domain-ca.pem --out sale.manifest >/dev/null
sed -i 's/^listen = .*/listen = 127.0.0.1:0/; /^port-file/d' acme/masa/masa.conf
sed -i "s#^\[daemon\]#&\nport-file = $run/masa.port#" acme/masa/masa.conf
in_world "$lan" berth-masa --config acme/masa/masa.conf 2>masa.log &
until_true 20 test -s masa.port || failed "the MASA does not serve"
for manifest in units/*.manifest sale.manifest; do
	berth masa load --socket acme/masa/admin.sock "$manifest" >/dev/null
done
sed -i 's/^listen.*/&\nnet-processes = 2/; s/^port-file.*//; s/^\[daemon\]/&\nport-file = port/
s/^\[registrar\]/&\nannounce = lan0\nannounce-dns-sd = no/' home/registrar.conf
cat >>home/registrar.conf <<-END
	[manufacturer "Acme"]
	anchors = $run/acme/root-ca.pem
	masa-url = localhost:$(cat masa.port)
END
cat >home/policy.conf <<-'END'
	[rule "cameras"]
	match.manufacturer = Acme
	require.owned = yes
	approve = auto
END
cat >gateway.conf <<-'END'
	[gateway]
	identity = none
	device-interfaces = to-dev
	registrar-interfaces = to-lan
	dns-sd = no
	grasp-period = 5s
	port-file = gateway.port
END

# 1. Without any way to be heard, each refuses to begin.
cp home/registrar.conf home/bad.conf
sed -i 's/^announce-dns-sd.*/&\nannounce-grasp = no/' home/bad.conf
if berth-registrar --config home/bad.conf --check-config >check.log 2>&1; then failed "announced by nothing"; fi
grep -q 'announce-dns-sd and announce-grasp are off' check.log || failed "not refused for that"
sed 's/^dns-sd = no/&\ngrasp = no/' gateway.conf >bad.conf
if berth-gateway --config bad.conf --check-config >check.log 2>&1; then failed "a gateway that finds nobody"; fi
grep -q 'gateway-no-discovery' check.log || failed "not refused for that"
echo "refused: an announcement and a search by nothing"

# req: rfc8995-4.3-registrar, rfc8995-4.3-period, rfc8995-4.1.1-proxy, rfc8995-4.3-periodic
# 2. The registrar announces AN_join_registrar, the gateway learns it and announces AN_Proxy; the peer judges both.
listen $$ registrar.heard to-lan AN_join_registrar
listen "$device" proxy.heard dev0 AN_Proxy
nsenter --net --target "$lan" tcpdump -U -i lan0 -w lan.pcap udp port 7017 2>/dev/null &
tcpdump_pid=$!
until_true 20 test -s lan.pcap || failed "no capture"
berth-gateway --config gateway.conf 2>gateway.log &
gateway_pid=$!
until_true 20 test -s gateway.port || failed "the gateway does not listen"
read -r _ proxy_port <gateway.port
in_world "$lan" berth-registrar --config home/registrar.conf 2>registrar.log &
until_true 20 test -s home/port || failed "the registrar does not serve"
port=$(cat home/port)
until_true 20 grep -qx "heard $lan_address $port EST-TLS 180000" registrar.heard || failed "the registrar is not heard"
until_true 20 grep -q "event=registrar.found .*address=$lan_address%to-lan port=$port " gateway.log ||
	failed "the gateway does not find it"
until_true 20 grep -qx "heard $(address_of to-dev) $proxy_port - 15000" proxy.heard || failed "the proxy is not heard"
until_true 20 bash -c '[ "$(grep -c ^heard proxy.heard)" -ge 2 ]' || failed "the proxy is heard once only"
! grep '^bad' ./*.heard || failed "a form that the peer refuses"
berth device import sale.manifest --manufacturer Acme --socket home/admin.sock >/dev/null
echo "a second implementation hears both, in the deterministic encoding, from their own link-local addresses"

# req: rfc8995-4.1-p6 rfc8995-4.1-p8
# 3. A device that knows nothing but its interface is onboarded over it.
sed -E "s#= (file:)?(idevid|manufacturer-anchors)\.#= \1$run/units/A-0001/\2.#; s#^state-directory = .*#state-directory = $run/state#" \
	units/A-0001/device.conf >device.conf
printf '\n[discovery]\ndns-sd = no\ninterfaces = dev0\n' >>device.conf
in_world "$device" berth-device --config device.conf run --once --timeout 60 2>device.log || failed "the device is not onboarded"
openssl verify -CAfile home/domain-ca.pem -untrusted state/ldevid.pem state/ldevid.pem >/dev/null
grep -q "peer=$(address_of to-dev)%dev0 port=$proxy_port" device.log || failed "by another way than the proxy"
echo "a device is onboarded over link-local IPv6, found by GRASP alone"

# 4. A foreign registrar's flood is learnt just so, and forgotten when its time is over.
peer "$lan" flood lan0 AN_join_registrar 4711 2000
until_true 10 grep -q "event=registrar.found .*address=$lan_address%to-lan port=4711 " gateway.log || failed "not learnt"
until_true 10 grep -q "event=registrar.lost .*port=4711 " gateway.log || failed "not forgotten"
echo "a foreign registrar is learnt, and forgotten after its two seconds"

# req: rfc8990-2.5.2-source, rfc8995-4.1.1-link-local
# 5. Lies: none is believed but those that nobody can tell from the truth, and of these a bounded number.
grown() { awk '/^VmRSS/ {print $2}' "/proc/$gateway_pid/status"; }
before=$(grown)
lines_before=$(grep -c . gateway.log)
peer "$lan" forge lan0 AN_join_registrar 5000 >forge.log 2>&1 || failed "the forger fails"
until_true 10 grep -q 'event=registrar.found .*address=fe80::66' gateway.log || failed "floods are not heard at all"
for rule in rfc8995-4.1.1-transport grasp-variation rfc8995-4.1.1-flags; do
	grep -q "event=grasp.refused.*rule=$rule" gateway.log || failed "nothing said of $rule"
done
! grep -E 'event=registrar.found .*port=1[01][0-9][0-9] ' gateway.log || failed "a forged flood is believed"
found=$(grep -c 'event=registrar.found .*address=fe80::66' gateway.log)
[ "$found" -le 16 ] || failed "$found invented registrars are kept"
[ $(($(grep -c . gateway.log) - lines_before)) -le 40 ] || failed "a flood of datagrams is a flood of lines"
[ $(($(grown) - before)) -le 1024 ] || failed "it grew by $(($(grown) - before)) KiB"
seen=$(in_world "$device" openssl s_client -connect "[$(address_of to-dev)%dev0]:$proxy_port" </dev/null 2>/dev/null |
	openssl x509 -noout -fingerprint -sha256) || failed "the real registrar cannot be reached any more"
[ "$seen" = "$(openssl x509 -in home/registrar.pem -noout -fingerprint -sha256)" ] || failed "another registrar is reached"
echo "5000 invented registrars: $found kept, the real one is still reached ($(tail -n 1 forge.log))"

# 6. The same against a device: attempts stay 3 s apart and within its limits, and once the liars are gone it gets on.
sed "s#^state-directory = .*#state-directory = $run/other-state#" device.conf >other.conf
peer "$device" forge dev0 AN_Proxy 2000 >forge-proxy.log 2>&1 &
forger=$!
until_true 20 grep -q '^forged' forge-proxy.log || failed "the forger of proxies does not begin"
rc=0
in_world "$device" berth-device --config other.conf run --once --timeout 7 2>flooded.log || rc=$?
[[ $rc =~ ^[035]$ ]] || failed "the flooded device ends with $rc"
wait $forger || failed "the forger of proxies fails"
attempts=$(grep -c 'event=pledge.attempt ' flooded.log) || true
[ "$attempts" -ge 1 ] && [ "$attempts" -le 3 ] || failed "$attempts attempts in 7 s"
[ "$(grep -c . flooded.log)" -le 60 ] || failed "the device says too much"
in_world "$device" berth-device --config other.conf run --once --timeout 60 2>after.log || failed "the device does not get on"
echo "2000 invented proxies: $attempts attempts in 7 s; afterwards the device is onboarded"

# 7. What tshark reads on the wire is whole CBOR.
kill -TERM $tcpdump_pid
wait $tcpdump_pid || true
echo 'DissectorTable.get("udp.port"):add(7017, Dissector.get("cbor"))' >grasp.lua # it has no dissector of GRASP itself
tshark -X lua_script:grasp.lua -r lan.pcap -Y "ipv6.src == $lan_address && udp.dstport == 7017" \
	-T fields -e cbor.type.textstring -e cbor.type.uint -e _ws.malformed 2>/dev/null >tshark.out || true
grep -Eq "^AN_join_registrar,EST-TLS[[:space:]]9,[0-9]+,180000,4,255,103,6,${port}[[:space:]]*$" tshark.out ||
	failed "tshark does not read it: $(head -c 300 tshark.out)"
echo "tshark reads the registrar's flood as CBOR"

kill -TERM $gateway_pid
wait $gateway_pid || failed "the gateway ended with $?"
until_true 10 grep -qx "heard $(address_of to-dev) $proxy_port - 1" proxy.heard || failed "the proxy is not taken back"
echo "taken back when the gateway stopped"
echo ok
