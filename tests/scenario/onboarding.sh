# SPDX-License-Identifier: BSD-2-Clause
# Shared by the scenarios with networks and devices in them; lib.sh comes first.

voucher_media=application/voucher-cms+json

start_registrar() { # start_registrar DIR NAMESPACE
	spawn "$2" "registrar-$1" berth-registrar --config "$BERTH_RUN/$1/registrar.conf"
	until_true 20 test -s "$BERTH_RUN/$1/port"
}
home() { # home NOUN VERB ...: the operator of the owner's network
	local noun=$1 verb=$2
	shift 2
	berth "$noun" "$verb" --socket "$BERTH_RUN/home/admin.sock" "$@"
}
start_gateway() { # start_gateway NAMESPACE REGISTRAR-INTERFACE [REGISTRAR]: without one, it finds it by DNS-SD
	cat > "$BERTH_RUN/gateway-$1.conf" <<-EOF
		[gateway]
		identity = none
		device-interfaces = dev
		registrar-interfaces = $2
		${3:+registrars = $3}
	EOF
	local log="$logs/gateway-$1.log" before
	before=$(grep -c 'event=proxy.announced' "$log" 2> /dev/null) || true
	spawn "$1" "gateway-$1" berth-gateway --config "$BERTH_RUN/gateway-$1.conf"
	until_true 20 proxy_port "$1"
	# it announces itself once it knows a registrar
	until_true 20 sh -c "[ \$(grep -c event=proxy.announced '$log') -gt ${before:-0} ]"
}
# Where a proxy listens, asked of the kernel.
proxy_port() {
	local pid
	pid=$(cat "$logs/gateway-$1.pid")
	in_ns "$1" ss -Hltnp | awk -v pid="pid=$pid," 'index($0, pid) {n = split($4, at, ":"); print at[n]; found = 1; exit} END {exit !found}'
}
proxy_address() { ip -n "$1" -6 addr show dev dev scope link | awk '/inet6/{sub("/.*", "", $2); print $2; exit}'; }

device() { # device NAME UNIT-FOLDER: plugs the unit in
	device_host "$1"
	printf '%s\n' "$BERTH_RUN/$2" > "$BERTH_RUN/$1.unit"
}
unit_of() { cat "$BERTH_RUN/$1.unit"; }
agent() { # agent NAME ARGUMENTS...
	local name=$1
	shift
	in_ns "$name" berth-device --config "$(unit_of "$name")/device.conf" "$@" 2>> "$logs/$name.log" 3>&-
}
onboard() { agent "$1" run --once --timeout 60; }
# The device gives up; what it said last is in $said.
must_not_onboard() { # must_not_onboard NAME [SECONDS]
	local rc=0
	agent "$1" run --once --timeout "${2:-15}" || rc=$?
	if [ $rc -ne 3 ] && [ $rc -ne 5 ]; then echo "$1: exit status $rc"; return 1; fi
	[ ! -e "$(unit_of "$1")/state/ldevid.pem" ]
	said=$(grep -E 'rule=' "$logs/$1.log" | tail -n 1) || said="it heard nobody who could vouch for it"
}
start_agent() { # start_agent NAME: in the background
	spawn "$1" "agent-$1" berth-device --config "$(unit_of "$1")/device.conf" run
}
ldevid() { agent "$1" status --json | jq -r .certificate > "$BERTH_RUN/$1.ldevid.pem"; echo "$BERTH_RUN/$1.ldevid.pem"; }
is_enrolled() { agent "$1" status --json | jq -e '.state == "enrolled"' > /dev/null; }

# What the registrar's list says of a unit; the serial number may stand inside a longer one.
field_of() {
	home device list --json | jq -r --arg s "$1" --arg f "$2" \
		'.. | objects | select((."serial-number"? // "") | endswith($s)) | .[$f]'
}
id_of() { field_of "$1" id; }
state_of() { field_of "$1" state; }
waits() { [ "$(state_of "$1")" = pending ]; }

# logged PROGRAM PATTERN: the program's line is put into $said
logged() {
	said=$(grep -E -- "$2" "$logs/$1.log" | tail -n 1)
	[ -n "$said" ] || { echo "$1.log has no line with: $2"; return 1; }
}
# explained SERIAL PATTERN: what the operator is told, into $said
explained() {
	home device explain "$1" > "$BERTH_RUN/explained"
	said=$(grep -E -m1 -- "$2" "$BERTH_RUN/explained" | sed 's/^ *//') ||
		{ echo "explain $1 does not say: $2"; cat "$BERTH_RUN/explained"; return 1; }
}

# ---- a pledge of curl and openssl, in the place of a device ----
# What a client sees of the registrar through the proxy.
registrar_seen() { # registrar_seen NAMESPACE GATEWAY
	local at
	at="[$(proxy_address "$2")%eth0]:$(proxy_port "$2")"
	in_ns "$1" openssl s_client -connect "$at" -showcerts < /dev/null 2> /dev/null |
		sed -n '/BEGIN CERT/,/END CERT/p' > "$BERTH_RUN/seen.pem"
	openssl x509 -in "$BERTH_RUN/seen.pem" -outform DER -out "$BERTH_RUN/seen.der"
}
foreign_request() { # foreign_request UNIT OUT SERIAL: signed by the unit's key
	local unit=$BERTH_RUN/$1
	printf '{"ietf-voucher-request:voucher":{"assertion":"proximity","created-on":"%s","serial-number":"%s","nonce":"%s","proximity-registrar-cert":"%s"}}' \
		"$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$3" "$(openssl rand -base64 16)" "$(base64 -w0 "$BERTH_RUN/seen.der")" > "$2.json"
	foreign_sign "$unit" "$2.json" "$2"
}
foreign_sign() { # foreign_sign UNIT-FOLDER JSON OUT
	openssl x509 -in "$1/idevid.pem" -out "$3.signer"
	sed '1,/END CERT/d' "$1/idevid.pem" > "$3.above"
	openssl cms -sign -binary -nodetach -nosmimecap -in "$2" -signer "$3.signer" -certfile "$3.above" -inkey "$1/idevid.key" \
		-econtent_type 1.2.840.113549.1.9.16.1.40 -outform DER -out "$3"
}
foreign_post() { # foreign_post NAMESPACE GATEWAY CERTIFICATES KEY PATH MEDIA-TYPE FILE: sets $code; body in $BERTH_RUN/body
	code=$(in_ns "$1" curl -sk --noproxy '*' --cert "$3" --key "$4" -H "Content-Type: $6" -H 'Expect:' --data-binary "@$7" \
		-o "$BERTH_RUN/body" -w '%{http_code}' "https://[$(proxy_address "$2")%25eth0]:$(proxy_port "$2")/.well-known/$5")
	body=$(head -c 300 "$BERTH_RUN/body" | tr -d '\0')
}
# A whole onboarding by curl and openssl: the certificate is in foreign.pem, what is above it in foreign.chain.
foreign_onboard() { # foreign_onboard NAMESPACE GATEWAY UNIT
	local unit=$BERTH_RUN/$3 serial
	serial=$(basename "$3")
	foreign_request "$3" foreign.pvr "$serial"
	foreign_post "$1" "$2" "$unit/idevid.pem" "$unit/idevid.key" brski/requestvoucher $voucher_media foreign.pvr
	[ "$code" = 200 ]
	openssl cms -verify -inform DER -in "$BERTH_RUN/body" -CAfile "$unit/manufacturer-anchors.pem" -partial_chain -purpose any -binary > foreign.voucher 2> /dev/null
	echo '{"version":1,"status":true}' > foreign.status
	foreign_post "$1" "$2" "$unit/idevid.pem" "$unit/idevid.key" brski/voucher_status application/json foreign.status
	[ "$code" = 200 ]
	in_ns "$1" curl -sk --noproxy '*' "https://[$(proxy_address "$2")%25eth0]:$(proxy_port "$2")/.well-known/est/cacerts" |
		base64 -d | openssl pkcs7 -inform DER -print_certs -out foreign.chain
	openssl ecparam -name prime256v1 -genkey -noout -out foreign.key
	openssl req -new -key foreign.key -subj "/serialNumber=$serial" -outform DER | base64 -w0 > foreign.csr
	foreign_post "$1" "$2" "$unit/idevid.pem" "$unit/idevid.key" est/simpleenroll application/pkcs10 foreign.csr
	[ "$code" = 200 ]
	base64 -d "$BERTH_RUN/body" | openssl pkcs7 -inform DER -print_certs -out foreign.pem
	foreign_post "$1" "$2" foreign.pem foreign.key brski/enrollstatus application/json foreign.status
	[ "$code" = 200 ]
}
