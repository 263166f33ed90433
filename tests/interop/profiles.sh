#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A file for each manufacturer: devices whose birth certificates write the serial number elsewhere come on when the
# profile says where, and are refused by name when it does not. The pledges are curl and openssl.
# shellcheck source-path=SCRIPTDIR source=pledge_lib.sh
. "$(dirname "$0")/pledge_lib.sh"
serials="FCW2117A56M CAM-77 H-9 U-1"
start_manufacturer "$serials"
start_owner
mkdir home/registrar.conf.d

# Product lines of one maker: authorities of their own names, with the key of the CA that the manifest speaks of.
line() { # line NAME SERIAL EXTENSIONS [openssl -subj ...]: the pledge's birth certificate is made again under line NAME
	local name=$1 serial=$2 extensions=$3 subject=$4
	openssl req -x509 -key acme/keys/device-ca.key -subj "/O=Acme/CN=$name" -days 3650 \
		-addext basicConstraints=critical,CA:true -out "$name.pem" 2> /dev/null
	openssl req -new -key "pledge/$serial/idevid.key" -subj "$subject" -out odd.csr
	printf 'authorityKeyIdentifier=keyid\n%b' "$extensions" > odd.ext
	openssl x509 -req -in odd.csr -CA "$name.pem" -CAkey acme/keys/device-ca.key -days 3650 -extfile odd.ext \
		-out "pledge/$serial/idevid.pem" 2> /dev/null
}
line ProductInside FCW2117A56M '' '/serialNumber=PID:C9500-16X SN:FCW2117A56M'
line NameOnly CAM-77 '' '/CN=CAM-77'
line Hardware H-9 'subjectAltName=otherName:1.3.6.1.5.5.7.8.4;SEQUENCE:module\n[module]\ntype=OID:1.3.6.1.4.1.32473.1\nserial=FORMAT:ASCII,OCT:H-9\n' '/O=Acme'
line Nameless U-1 '' '/O=Acme/OU=no name at all'

profile() { # profile NAME IDENTITY [LINE...]: the manufacturer's file; its manifests are signed under the maker's root
	cat "$1.pem" acme/root-ca.pem > "$1.anchors"
	cat > "home/registrar.conf.d/$1.conf" <<-END
		[manufacturer "$1"]
		anchors = $work/$1.anchors
		masa-anchors = $work/acme/root-ca.pem
		masa-url = localhost:$(cat masa.port)
		identity = $2
		$(shift 2; printf '%s\n' "$@")
	END
}
cat > home/policy.conf <<-END
	[rule "all"]
	require.owned = yes
	require.assertion = proximity
	approve = auto
END
again() { # again IDENTITY: both daemons with what their files say now; the MASA takes serial numbers by IDENTITY
	kill "$masa_pid" "$registrar_pid"
	wait "$masa_pid" "$registrar_pid" || true
	rm -f home/port masa.port
	cat acme/root-ca.pem ./*.pem > acme/masa/manufacturer.pem
	sed -i "/^identity/d; s|^\[masa\]|&\nidentity = $1|" acme/masa/masa.conf
	berth-masa --config acme/masa/masa.conf 2>> masa.log &
	masa_pid=$!
	pids+=("$masa_pid")
	until_there masa.port "$masa_pid"
	sed -i "s|^masa-url.*|masa-url = localhost:$(cat masa.port)|" home/registrar.conf.d/*.conf home/registrar.conf
	berth-registrar --config home/registrar.conf 2>> registrar.log &
	registrar_pid=$!
	pids+=("$registrar_pid")
	until_there home/port "$registrar_pid"
	# shellcheck disable=SC2034 # post uses it
	base=https://localhost:$(cat home/port)/.well-known
}
voucher_of() { # voucher_of SERIAL
	request "$1" pvr.der
	post "$1" brski/requestvoucher $voucher_media pvr.der
}
# req: rfc8995-2.3.1-serial-number
good() { # good SERIAL PROFILE WHAT: after the order was imported as of this profile; before, nobody ordered it
	voucher_of "$1"
	refused 403 policy-not-owned "$1, ordered of another make"
	berth device import sale.manifest --manufacturer "$2" > /dev/null
	set -- "$1" "$3"
	voucher_of "$1"
	[ "$code" = 200 ] || fail "$2: $code: $(head -c 300 body)"
	openssl cms -verify -inform DER -in body -CAfile acme/root-ca.pem -purpose any -binary -out voucher.json \
		2> /dev/null || fail "openssl does not verify the voucher: $2"
	grep -q "\"serial-number\":\"$1\"" voucher.json || fail "$2: $(cat voucher.json)"
	said "a voucher for $1: $2"
}

# Without the right profile: the same devices, the rule that every maker has by default.
profile ProductInside serial-number
profile NameOnly serial-number
profile Hardware serial-number
profile Nameless serial-number
again serial-number
voucher_of FCW2117A56M
refused 404 rfc8995-5.3-serial-mismatch 'a product id inside serialNumber, read as all of it'
for serial in CAM-77 H-9 U-1; do
	voucher_of "$serial"
	refused 404 rfc8995-2.3.1-no-serial-number "$serial, whose certificate has no serialNumber"
done

profile ProductInside serial-number-sn 'idevid-issuer = octet-string'
again serial-number-sn
good FCW2117A56M ProductInside 'product id inside serialNumber, idevid-issuer inside its OCTET STRING'
profile NameOnly common-name 'idevid-issuer = key-id' 'econtent-type = data'
again common-name
good CAM-77 NameOnly 'common name only, idevid-issuer as the bare key identifier, eContentType id-data'
profile Hardware hardware-serial 'idevid-issuer = none'
again hardware-serial
good H-9 Hardware 'hardwareModuleName only, no idevid-issuer'
# No rule names a device that has no name.
for rule in serial-number-sn common-name hardware-serial; do
	profile Nameless "$rule"
	again "$rule"
	voucher_of U-1
	refused 404 rfc8995-2.3.1-no-serial-number "a certificate without any name, by $rule"
done

# A profile is one file; a mistake in it is told with its name and line.
echo 'identty = common-name' >> home/registrar.conf.d/Nameless.conf
if berth-registrar --config home/registrar.conf --check-config 2> error; then fail 'an unknown key is taken'; fi
grep -q 'Nameless.conf:[0-9]*.*identity' error || fail "the mistake is told so: $(cat error)"
said 'a mistake in a profile is told with file, line and the nearest key'
