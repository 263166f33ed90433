#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Two makers are configured, and the second lies: its CA bears the first one's key identifier, and its birth certificates
# the first one's serial numbers. It gets nothing that is the other's, and takes nothing from it.
# shellcheck source-path=SCRIPTDIR source=pledge_lib.sh
. "$(dirname "$0")/pledge_lib.sh"
before_registrar() {
	local key_id
	key_id=$(openssl x509 -in pledge/A-0001/idevid.pem -noout -ext authorityKeyIdentifier | sed -n '2s/[^0-9A-F:]//gp')
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout liar.key -out liar.pem \
		-subj '/CN=Liar' -days 3650 2> /dev/null
	lie L-1 A-0001 "$key_id"
	lie L-2 printer "$(printf berth:est-user | od -An -tx1 | tr -d ' \n')"
	cat >> home/registrar.conf <<-END

		[manufacturer "Liar"]
		anchors = $work/liar.pem
		masa-anchors = $work/acme/root-ca.pem
		masa-url = localhost:$(cat masa.port)
	END
}
lie() { # lie NAME SERIAL KEY-ID
	mkdir -p "pledge/$1"
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout line.key -out line.csr -subj "/CN=Line $1" \
		2> /dev/null
	printf 'basicConstraints=critical,CA:true\nsubjectKeyIdentifier=%s\n' "$3" > line.ext
	openssl x509 -req -in line.csr -CA liar.pem -CAkey liar.key -days 3000 -extfile line.ext -out line.pem 2> /dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "pledge/$1/idevid.key" -out lie.csr \
		-subj "/serialNumber=$2" 2> /dev/null
	echo 'authorityKeyIdentifier=keyid' > lie.ext
	openssl x509 -req -in lie.csr -CA line.pem -CAkey line.key -days 3000 -extfile lie.ext -out "pledge/$1/idevid.pem" \
		2> /dev/null
	cat line.pem >> "pledge/$1/idevid.pem"
}
csr() { # csr SERIAL
	openssl ecparam -name prime256v1 -genkey -noout -out new.key
	openssl req -new -key new.key -subj "/serialNumber=$1" -outform DER | base64 -w0 > csr.b64
}
start_world A-0001
request A-0001 pvr.der
post A-0001 brski/requestvoucher $voucher_media pvr.der
[ "$code" = 200 ] || fail "requestvoucher: $code: $(cat body)"
echo '{"version":1,"status":true}' > status.json
post A-0001 brski/voucher_status application/json status.json
[ "$code" = 200 ] || fail "voucher_status: $code: $(cat body)"

# req: rfc8995-5-same-certificates
csr A-0001
post L-1 est/simpleenroll application/pkcs10 csr.b64
refused 403 device-birth-key-changed "another maker's device uses a device's permission"
echo '{"version":1,"status":false,"reason":"a lie"}' > no.json
post L-1 brski/voucher_status application/json no.json
[ "$code" = 404 ] || fail "another maker's device speaks for a device: $code: $(cat body)"
post A-0001 est/simpleenroll application/pkcs10 csr.b64
[ "$code" = 200 ] || fail "the device itself: $code: $(cat body)"
said 'the device itself comes on'

# The users of EST are kept as the devices of a maker that there is not.
request L-2 pvr.der printer
post L-2 brski/requestvoucher $voucher_media pvr.der
refused 403 device-identity-reserved 'a device that is called as a user of EST'
! berth device list | grep printer > /dev/null || fail 'it has a record'
