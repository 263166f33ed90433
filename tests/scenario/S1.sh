# SPDX-License-Identifier: BSD-2-Clause
# Scenario 1, network-layer onboarding: devices made in scenario 0 meet two networks on one link, their owner's
# (home) and somebody else's (rogue), and get onto the right one.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/onboarding.sh"
cd "$BERTH_RUN"

owner_network() {
	cat >> home/registrar.conf <<-EOF

		[manufacturer "Acme"]
		anchors = $BERTH_RUN/acme/root-ca.pem

		[manufacturer "Globex"]
		anchors = $BERTH_RUN/globex/root-ca.pem
	EOF
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

		[rule "sensors"]
		match.manufacturer = Globex
		require.owned = yes
		approve = operator
		segment = sensors
	EOF
	start_registrar home owner
	start_gateway gw home '198.51.100.1:8443'
	home device import "$BERTH_RUN/sale.manifest" --manufacturer Acme
	home device import "$BERTH_RUN/globex-sale.manifest" --manufacturer Globex
	# Somebody else's network: the same programs, another domain, the same manufacturers known.
	berth registrar init --dir rogue --name Rogue --host registrar.rogue.example --listen '[::]:8443'
	sed -n '/^\[manufacturer/,$p' home/registrar.conf >> rogue/registrar.conf
	printf '[rule "all"]\napprove = auto\n' > rogue/policy.conf
	start_registrar rogue rogue
	spawn owner capture-lan tcpdump -U -i lan -w "$BERTH_RUN/lan.pcap" tcp port 8443
	tcpdump -U -i br-dev -w "$BERTH_RUN/dev.pcap" > "$logs/capture-dev.log" 2>&1 3>&- < /dev/null &
	echo $! > "$logs/capture-dev.pid"
	until_true 10 test -s "$BERTH_RUN/dev.pcap"
	until_true 10 test -s "$BERTH_RUN/lan.pcap"
}

device_authentication() {
	device d1 acme-units/A-00001
	onboard d1
	evidence "d1 found the network by itself through the join proxy and was enrolled"
	# Observer: the voucher-request that the registrar keeps, judged by openssl.
	stored_request home A-00001 > rvr.der
	openssl cms -verify -inform DER -in rvr.der -CAfile home/domain-ca.pem -purpose any -binary > rvr.json 2> /dev/null
	jq -r '.["ietf-voucher-request:voucher"]["prior-signed-voucher-request"]' rvr.json | base64 -d > pvr.der
	openssl cms -verify -inform DER -in pvr.der -CAfile acme/root-ca.pem -purpose any -binary > pvr.json 2> /dev/null
	[ "$(jq -r '.["ietf-voucher-request:voucher"]["serial-number"]' pvr.json)" = A-00001 ]
	evidence "openssl cms verifies d1's voucher-request to Acme's root and, around it, the registrar's to the owner's CA"

	# Unknown manufacturer: the same device, made by a factory that nobody told the registrar about.
	berth factory init --dir initech --name Initech --masa-url masa.acme.example:9443 --masa-host masa.initech.example
	printf 'serial-number,model\nA-00001,cam-1\n' > initech.csv
	berth factory make --dir initech --units initech.csv --out initech-units
	device d2 initech-units/A-00001
	in_ns d2 true
	must_not_onboard d2
	explained home "unknown manufacturer" "$logs/registrar-home.log"
	refusal "unknown manufacturer, same serial number: $said"

	# Wrong key: A-00002's certificate with another key cannot finish TLS.
	openssl ecparam -name prime256v1 -genkey -noout -out wrong.key 2> /dev/null
	must_fail 35\|56\|58 'key values mismatch|unable to set private key|does not match|alert' pledge_curl d2 acme-units/A-00002/idevid.pem wrong.key requestvoucher pvr.der

	# Replay: A-00001's request, sent on a connection that A-00002 authenticated.
	pledge_post d2 acme-units/A-00002 requestvoucher pvr.der
	[ "$status" != 200 ]
	refusal "A-00001's request replayed on A-00002's connection: $status $body"
	foreign_pvr d2 acme-units/A-00002 own.pvr
	pledge_post d2 acme-units/A-00002 requestvoucher own.pvr
	[ "$status" = 200 ]
	refusal "control: A-00002's own request on the same connection settings: $status"
}

device_authorization() {
	device d3 acme-units/A-00005
	must_not_onboard d3
	home_explains A-00005 'require.owned|owned'
	refusal "a device of a known maker that the owner did not buy: $said"
	device d4 acme-units/A-00003
	must_not_onboard d4
	home_explains A-00003 'stolen'
	refusal "a device that a rule denies: $said"

	device d5 "globex-units/G-00001"
	spawn d5 d5 berth-device --config "$BERTH_RUN/d5/device.conf" run
	until_true 30 sh -c "berth device list --json --socket $BERTH_RUN/home/admin.sock | grep -q pending"
	local waiting
	waiting=$(home device list --json | jq -r '.devices[] | select(.state == "pending") | .id')
	[ ! -e d5/state/state.json ] || ! grep -q enrolled d5/state/state.json
	home device approve "$waiting"
	until_true 60 berth_is_enrolled d5
	openssl verify -CAfile home/domain-ca.pem -untrusted d5/state/ldevid.pem d5/state/ldevid.pem | grep -q OK
	evidence "the Globex device waited; after 'berth device approve' openssl verifies the certificate that it got"
	device d6 globex-units/G-00002
	spawn d6 d6 berth-device --config "$BERTH_RUN/d6/device.conf" run
	until_true 30 sh -c "berth device list --json --socket $BERTH_RUN/home/admin.sock | grep -q pending"
	waiting=$(home device list --json | jq -r '.devices[] | select(.state == "pending") | .id')
	home device deny "$waiting" --reason 'not in the order'
	until_true 60 grep -q 'status=403' "$logs/d6.log"
	stop d6
	home_explains G-00002 'deni|refused'
	refusal "a device that the operator denies while it waits: $said"
}
