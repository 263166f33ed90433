# SPDX-License-Identifier: BSD-2-Clause
# Scenario 1, network-layer onboarding: devices made in scenario 0 meet two networks on one link, their owner's
# (home) and somebody else's (rogue), and get onto the right one.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/onboarding.sh"
cd "$BERTH_RUN"

capture() { # capture NAMESPACE INTERFACE NAME: what passes there, into NAME.pcap
	spawn "$1" "capture-$3" dumpcap -q -P -i "$2" -w "$BERTH_RUN/$3.pcap"
	until_true 10 test -s "$BERTH_RUN/$3.pcap"
}

owner_network() {
	cat >> home/registrar.conf <<-EOF

		[manufacturer "Acme"]
		anchors = $BERTH_RUN/acme/root-ca.pem

		[manufacturer "Globex"]
		anchors = $BERTH_RUN/globex/root-ca.pem
	EOF
	sed -i 's/^retry-after.*//; s/^\[registrar\]/&\nretry-after = 1s\nannounce = lan\nest-users = users.conf\nest-clients = device, user/' home/registrar.conf
	echo 'correct horse' | berth registrar est-user printer-7 --file home/users.conf --names printer-7
	cat > home/policy.conf <<-EOF
		[rule "stolen"]
		match.serial = A-00003
		deny = yes

		[rule "cameras"]
		match.manufacturer = Acme
		require.owned = yes
		require.assertion = proximity
		approve = auto
		segment = cameras

		[rule "printers"]
		match.client = user
		match.serial = printer-*
		approve = auto
		segment = offices

		[rule "sensors"]
		match.manufacturer = Globex
		require.owned = yes
		approve = operator
		segment = sensors
	EOF
	start_registrar home owner
	home device import "$BERTH_RUN/sale.manifest" --manufacturer Acme
	home device import "$BERTH_RUN/globex-sale.manifest" --manufacturer Globex
	capture gw dev dev
	start_gateway gw lan
}

# Somebody else's network on the same link: the same programs, the same manufacturers known, another domain.
rogue_network() {
	berth registrar init --dir rogue --name Rogue --host registrar.rogue.example --listen '[::]:8443'
	sed -n '/^\[manufacturer/,$p' home/registrar.conf |
		sed 's/^\[manufacturer "Acme"\]/&\nmasa-url = masa.acme.example:9443/' >> rogue/registrar.conf
	printf '[rule "all"]\napprove = auto\n' > rogue/policy.conf
	start_registrar rogue rogue
	start_gateway rogue up 192.0.2.40:8443
}

tls13_sessions() { # counts them; fails when there is none
	tshark -r dev.pcap -d tcp.port==1-65535,tls -Y 'tls.handshake.extensions.supported_version == 0x0304 and tls.handshake.type == 2' \
		2> /dev/null | wc -l | grep -v '^0$'
}
proxies_heard() { # counts the addresses that announce a proxy; fails when they are not two
	tshark -r dev.pcap -Y 'mdns and dns.flags.response == 1 and dns.srv.port and dns.resp.name contains "_brski-proxy"' \
		-T fields -e ipv6.src 2> /dev/null | sort -u | grep -c fe80 | grep -v '^[01]$'
}

device_authentication() {
	device d1 acme-units/A-00001
	onboard d1
	is_enrolled d1
	logged gateway-gw 'event=registrar.found .*port=8443'
	evidence "the gateway was told of no registrar and found the owner's by DNS-SD: $said"
	# Observer: the voucher-request that the registrar keeps, judged by openssl.
	sqlite3 home/state/registrar.db "select hex(rvr) from step where length(rvr) > 0 limit 1" | xxd -r -p > rvr.der
	openssl cms -verify -inform DER -in rvr.der -CAfile home/domain-ca.pem -purpose any -binary > rvr.json 2> /dev/null
	jq -r '.["ietf-voucher-request:voucher"]["prior-signed-voucher-request"]' rvr.json | base64 -d > pvr.der
	openssl cms -verify -inform DER -in pvr.der -CAfile acme/root-ca.pem -purpose any -binary > pvr.json 2> /dev/null
	[ "$(jq -r '.["ietf-voucher-request:voucher"]["serial-number"]' pvr.json)" = A-00001 ]
	evidence "the device found the network through the join proxy; openssl cms verifies its voucher-request to Acme's root and the registrar's around it to the owner's CA"
	local hello
	# The capture is written a little later than what it shows.
	until_true 30 tls13_sessions
	hello=$(tls13_sessions)
	[ "$(grep -ac A-00001 dev.pcap)" = 0 ]
	evidence "tshark sees $hello TLS 1.3 sessions on the device's link; its serial number and certificate are not in the capture"

	# Unknown manufacturer: the same serial number, made by a factory that nobody told the registrar of.
	berth factory init --dir initech --name Initech --masa-url masa.acme.example:9443 --masa-host masa.initech.example
	printf 'serial-number,model\nA-00001,cam-1\n' > initech.csv
	berth factory make --dir initech --units initech.csv --out initech-units
	device d2 initech-units/A-00001
	must_not_onboard d2 7
	logged registrar-home 'rule="?rfc8995-5.1-unknown-manufacturer'
	refusal "unknown manufacturer, same serial number: $said"

	# A foreign pledge of curl and openssl takes A-00002's place.
	device d3 acme-units/A-00002
	registrar_seen d3 gw
	# The right name and the right issuer's name under the wrong keys.
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout false-ca.key -out false-ca.pem -days 2 \
		-subj "$(openssl x509 -in acme-units/A-00002/idevid.pem -noout -issuer -nameopt compat | sed 's/^issuer=//')" 2> /dev/null
	mkdir -p false-unit
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout false-unit/idevid.key -out false.csr \
		-subj /O=Acme/serialNumber=A-00002 2> /dev/null
	openssl x509 -req -extfile <(echo basicConstraints=CA:FALSE) -in false.csr -CA false-ca.pem -CAkey false-ca.key -days 2 -out false-unit/idevid.pem 2> /dev/null
	cat false-ca.pem >> false-unit/idevid.pem
	foreign_request false-unit false.pvr A-00002
	foreign_post d3 gw false-unit/idevid.pem false-unit/idevid.key brski/requestvoucher $voucher_media false.pvr
	[ "$code" -ge 400 ]
	refusal "A-00002's and its issuer's names under other keys: $code $body"
	foreign_request acme-units/A-00002 forged.pvr A-00002
	flip_last_bit forged.pvr
	foreign_post d3 gw acme-units/A-00002/idevid.pem acme-units/A-00002/idevid.key brski/requestvoucher $voucher_media forged.pvr
	[ "$code" -ge 400 ]
	refusal "one bit of the request's signature changed: $code $body"
	foreign_post d3 gw acme-units/A-00002/idevid.pem acme-units/A-00002/idevid.key brski/requestvoucher $voucher_media pvr.der
	[ "$code" -ge 400 ]
	refusal "A-00001's request replayed by A-00002: $code $body"
	foreign_request acme-units/A-00002 own.pvr A-00002
	foreign_post d3 gw acme-units/A-00002/idevid.pem acme-units/A-00002/idevid.key brski/requestvoucher $voucher_media own.pvr
	[ "$code" = 200 ]
	refusal "control: A-00002's own request, signed with its own key: $code"
	cp body own.voucher
}

device_authorization() {
	device d4 acme-units/A-00005
	must_not_onboard d4 7
	explained A-00005 'FAIL.*policy-not-owned'
	refusal "a device that the owner did not buy: $said"
	device d5 acme-units/A-00003
	must_not_onboard d5 7
	explained A-00003 'FAIL.*polic'
	refusal "a device that a rule denies: $said"

	local sensor='globex-units/G-00001'
	device d6 "$sensor"
	start_agent d6
	until_true 30 waits G-00001
	! is_enrolled d6
	home device approve "$(id_of G-00001)" --reason 'seen on the porch'
	until_true 60 is_enrolled d6
	openssl verify -CAfile home/domain-ca.pem -untrusted $sensor/state/ldevid.pem $sensor/state/ldevid.pem > verified
	explained "$(id_of G-00001)" 'approved'
	evidence "a Globex device waits; after 'berth device approve' openssl verifies the certificate that it then gets ($said)"
	evidence "an Acme device that the purchase manifest names is let in by rule \"cameras\" without a person"

	device d7 globex-units/G-00002
	start_agent d7
	until_true 30 waits G-00002
	home device deny "$(id_of G-00002)" --reason 'not in the order'
	until_true 60 logged registrar-home 'status=403 .*G-00002'
	! is_enrolled d7
	stop agent-d7
	explained "$(id_of G-00002)" 'FAIL.*polic'
	refusal "a device that the operator denies while it waits: $said"
}

network_authentication() {
	# The voucher that A-00002 got, judged by openssl: it pins the owner's registrar or what is above it.
	openssl cms -verify -inform DER -in own.voucher -CAfile acme/root-ca.pem -purpose any -binary > voucher.json 2> /dev/null
	jq -r '.["ietf-voucher:voucher"]["pinned-domain-cert"]' voucher.json | base64 -d | openssl x509 -inform DER -out pinned.pem
	openssl verify -partial_chain -trusted pinned.pem -untrusted seen.pem -purpose any seen.pem > /dev/null
	[ "$(jq -r '.["ietf-voucher:voucher"].nonce' voucher.json)" = "$(jq -r '.["ietf-voucher-request:voucher"].nonce' own.pvr.json)" ]
	evidence "openssl verifies the voucher to Acme's root; with the certificate that it pins ($(openssl x509 -in pinned.pem -noout -subject)) as only anchor it verifies what the registrar shows in TLS"

	stop gateway-gw
	device d8 acme-units/A-00006
	must_not_onboard d8 7
	logged registrar-rogue 'rule='
	refusal "only the rogue's network is there: $said"
	foreign_registrar_refused
	start_gateway gw lan
	device d9 acme-units/A-00002
	onboard d9
	is_enrolled d9
	refusal "control: with the owner's network back, the same unit as in the refusal is enrolled by it"
}

# A registrar of Python and openssl that replays a voucher: its signature holds, its pinned certificate does not.
foreign_registrar_refused() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout mitm.key -out mitm.pem -subj '/CN=mitm' \
		-days 2 -addext 'extendedKeyUsage=serverAuth,1.3.6.1.5.5.7.3.28' 2> /dev/null
	spawn rogue replay python3 "$here/replay_registrar.py" mitm.pem mitm.key own.voucher '::' 9999
	until_true 10 in_ns rogue ss -Hltn 'sport = :9999'
	device d10 acme-units/A-00002
	printf '\n[discovery]\ndns-sd = no\nregistrar = [%s%%eth0]:9999\n' "$(proxy_address rogue)" > d10.discovery
	cat acme-units/A-00002/device.conf d10.discovery > acme-units/A-00002/d10.conf
	local rc=0
	in_ns d10 berth-device --config "$BERTH_RUN/acme-units/A-00002/d10.conf" run --once --timeout 10 2>> "$logs/d10.log" || rc=$?
	[ $rc -ne 0 ]
	[ ! -e acme-units/A-00002/state/ldevid.pem ]
	logged d10 'rule='
	refusal "a registrar that replays A-00002's valid voucher of the owner's network: $said"
	stop replay
	ip netns del d10
}

network_authorization() {
	local log
	log=$(sqlite3 -separator ' ' acme/masa/state/masa.db "select count(*), count(distinct domain_id) from log")
	evidence "the MASA issued to the recorded owner only: its store holds $log (log entries, distinct owners), and 'berth audit verify' finds the chain whole: $(berth audit verify --store acme/masa/state/masa.db | head -n 1)"
	logged masa-acme 'rule="?[a-z0-9.-]*own'
	refusal "the rogue's registrar asked for units that are the owner's: $said"
	must_fail 3 'was sold' berth factory sell --dir acme --serial A-00001 --owner rogue/domain-ca.pem --out second.manifest
	refusal "a second sale of a sold unit: $said"
	# A-00007 is the owner's; the other network wants it before it was released, then after.
	berth factory sell --dir acme --serial A-00007 --owner home/domain-ca.pem --out resold.manifest
	berth masa load --socket acme/masa/admin.sock resold.manifest
	home device import resold.manifest --manufacturer Acme
	device d11 acme-units/A-00007
	stop gateway-gw
	must_not_onboard d11 7
	logged masa-acme 'event=voucher.denied .*A-00007.*rule="?rfc8995-5.5-owner'
	refusal "a second owner before release: $said"
	must_fail 3 'is owned by this domain' berth device release A-00007 --socket rogue/admin.sock
	refusal "that other domain releases what it does not own: $said"
	evidence "the MASA's audit log holds both, under its hash chain: $(sqlite3 -separator ' by ' acme/masa/state/masa.db "select event, actor from audit where subject like '%-A-00007' and event in ('voucher.denied', 'ownership.refused') group by event" | tr '\n' ',')"
	[ "$(sqlite3 acme/masa/state/masa.db "select count(distinct event) from audit where subject like '%-A-00007' and event in ('voucher.denied', 'ownership.refused')")" -eq 2 ]
	home device release A-00007 --next-code-file resold.code
	berth device claim A-00007 --socket rogue/admin.sock --code-file resold.code
	evidence "released by its owner's registrar and claimed by the other's with a one-time code: $(berth masa history A-00007 --socket acme/masa/admin.sock --json | jq -r '[.owners[].owner] | join(", then ")')"
	onboard d11
	start_gateway gw lan
	openssl verify -CAfile rogue/domain-ca.pem -untrusted acme-units/A-00007/state/ldevid.pem acme-units/A-00007/state/ldevid.pem > /dev/null
	refusal "control: the unit that the other domain claimed is vouched for, and joins there"
}

local_credentialing() {
	local a=acme-units/A-00001/state/ldevid.pem b=acme-units/A-00002/state/ldevid.pem
	for c in $a $b; do openssl verify -CAfile home/domain-ca.pem -untrusted $c $c > /dev/null; done
	[ "$(openssl x509 -in $a -noout -pubkey)" != "$(openssl x509 -in $b -noout -pubkey)" ]
	[ "$(openssl x509 -in $a -noout -serial)" != "$(openssl x509 -in $b -noout -serial)" ]
	[ "$(openssl x509 -in $a -noout -pubkey)" != "$(openssl x509 -in acme-units/A-00001/idevid.pem -noout -pubkey)" ]
	evidence "openssl verifies both devices' certificates to the owner's CA: different keys and serial numbers, none the birth key"
	# Canaries: the private keys of the devices and of both domains, as bytes and as base64.
	local planted=0
	for key in acme-units/A-0000[12]/state/*.key acme-units/A-0000[12]/idevid.key home/keys/*.key; do
		openssl pkey -in "$key" -noout -text 2> /dev/null | sed -n '/priv:/,/pub:/p' | grep -v : -- - 2> /dev/null || true
		openssl pkey -in "$key" -outform DER | xxd -p -c 9999 | grep -oE '0420[0-9a-f]{64}' | head -n 1 | cut -c5- > canary
		[ "$(wc -c < canary)" -eq 65 ]
		planted=$((planted + 1))
		python3 "$here/canary.py" "$(cat canary)" "$logs" home/state acme/masa/state dev.pcap
	done
	evidence "$planted private keys as canaries: their bytes are in no log, no store and no capture, in binary, hexadecimal or base64"

	# Another device's credential is of no use to A-00001: neither asked for in its name, nor for its key.
	openssl req -new -key "$(ls acme-units/A-00002/state/*.key | head -n 1)" -subj /serialNumber=A-00002 -outform DER | base64 -w0 > other.csr
	foreign_post d1 gw acme-units/A-00001/idevid.pem acme-units/A-00001/idevid.key est/simpleenroll application/pkcs10 other.csr
	[ "$code" -ge 400 ]
	refusal "A-00002's request for a certificate sent by A-00001: $code $body"
	openssl ecparam -name prime256v1 -genkey -noout -out second.key
	openssl req -new -key second.key -subj /serialNumber=A-00001 -outform DER | base64 -w0 > second.csr
	foreign_post d1 gw acme-units/A-00001/idevid.pem acme-units/A-00001/idevid.key est/simpleenroll application/pkcs10 second.csr
	[ "$code" -ge 400 ]
	refusal "a second certificate under A-00001's used permission, for another key: $code $body"
}

network_selection() {
	# Both networks are announced on the device's link: a capture says so, before the device chooses.
	device d12 acme-units/A-00008
	berth factory sell --dir acme --serial A-00008 --owner home/domain-ca.pem --out late-sale.manifest
	berth masa load --socket acme/masa/admin.sock late-sale.manifest
	home device import late-sale.manifest --manufacturer Acme
	onboard d12
	openssl verify -CAfile home/domain-ca.pem -untrusted acme-units/A-00008/state/ldevid.pem acme-units/A-00008/state/ldevid.pem > /dev/null
	local heard
	until_true 30 proxies_heard
	heard=$(proxies_heard)
	evidence "tshark hears _brski-proxy._tcp from $heard addresses on the device's link; the certificate that the device got chains to its owner's CA (openssl)"
	stop gateway-gw
	device d13 acme-units/A-00009
	berth factory sell --dir acme --serial A-00009 --owner home/domain-ca.pem --out later-sale.manifest
	berth masa load --socket acme/masa/admin.sock later-sale.manifest
	home device import later-sale.manifest --manufacturer Acme
	must_not_onboard d13 7
	logged registrar-rogue 'A-00009|rule='
	refusal "only the unowned network is audible, the device stays off it: $said"
	start_gateway gw lan
	onboard d13
	refusal "control: the owner's network is audible again, and the device is on it"
}

interoperability() {
	openssl verify -CAfile globex/root-ca.pem -untrusted globex-units/G-00001/idevid.pem globex-units/G-00001/idevid.pem > /dev/null
	evidence "two manufacturers with a MASA each: Acme ($(openssl x509 -in acme-units/A-00001/idevid.pem -noout -subject), MASA as an authority) and Globex ($(openssl x509 -in globex-units/G-00001/idevid.pem -noout -subject), MASA as a whole URI); a device of each was enrolled by one registrar"
	device d14 acme-units/A-00010
	berth factory sell --dir acme --serial A-00010 --owner home/domain-ca.pem --out foreign-sale.manifest
	berth masa load --socket acme/masa/admin.sock foreign-sale.manifest
	home device import foreign-sale.manifest --manufacturer Acme
	registrar_seen d14 gw
	foreign_onboard d14 gw acme-units/A-00010
	openssl verify -CAfile home/domain-ca.pem -untrusted foreign.chain foreign.pem > /dev/null
	evidence "a pledge of curl and openssl alone, which shares no code with us, got a voucher and $(openssl x509 -in foreign.pem -noout -subject)"
	# strongSwan's own TLS and EST, for a machine that has a password instead of a birth certificate.
	local server=https://registrar.home.example:8443
	strongswan --gen --type ecdsa --size 256 --outform pem > swan.key
	strongswan --req --type ecdsa --in swan.key --dn 'CN=printer-7' --outform der > swan.csr
	strongswan --est --url $server --cacert home/domain-ca.pem --in swan.csr --userpass 'printer-7:correct horse' \
		--outform pem > swan.pem
	openssl verify -CAfile home/domain-ca.pem -untrusted home/issuing.pem swan.pem > /dev/null
	strongswan --gen --type ecdsa --size 256 --outform pem > swan2.key
	strongswan --req --type ecdsa --in swan2.key --dn 'O=Example Home, CN=printer-7' --outform der > swan2.csr
	strongswan --est --url $server --cacert home/domain-ca.pem --in swan2.csr --cert swan.pem --key swan.key \
		--outform pem > swan2.pem
	[ "$(openssl x509 -in swan2.pem -noout -pubkey)" = "$(openssl pkey -in swan2.key -pubout)" ]
	evidence "strongSwan enrols by EST and renews with a new key: $(openssl x509 -in swan2.pem -noout -subject) (openssl)"
	if strongswan --est --url $server --cacert home/domain-ca.pem --in swan.csr --userpass 'printer-7:wrong horse' \
		--outform pem > swan3.pem; then return 1; fi
	logged registrar-home 'request=simpleenroll status=401'
	refusal "strongSwan with another password: $said"
}
strongswan() { in_ns owner pki "$@" 2> swan.log; }

owner_network
rogue_network
run_row S1.C1 device_authentication
run_row S1.C2 device_authorization
run_row S1.C3 network_authentication
run_row S1.C4 network_authorization
run_row S1.C5 local_credentialing
run_row S1.C7 network_selection
run_row S1.C8 interoperability
finish
