#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What a registrar owes besides the path that pledge_curl.sh walks: its certificate, its own signed request, telemetry
# from the future, a MASA of another name, and no certificate without an audit log. Judged by openssl and curl.
# shellcheck source-path=SCRIPTDIR source=pledge_lib.sh
. "$(dirname "$0")/pledge_lib.sh"
command -v python3 > /dev/null || { echo "missing: python3"; exit 77; }
start_world "A-0001 A-0002"
status() { # status JSON: what post sends as telemetry
	echo "$1" > status.json
}
csr() { # csr SERIAL
	openssl req -new -key "pledge/$1/idevid.key" -subj "/serialNumber=$1" -outform DER | base64 -w0 > csr.b64
}

# req: rfc8995-5.5.4-purpose
openssl x509 -in shown.pem -noout -ext extendedKeyUsage > purposes
grep -q 'CMC Registration Authority' purposes && grep -q 'TLS Web Server' purposes ||
	fail "the registrar's certificate lacks a purpose: $(cat purposes)"
# req: rfc8995-5.1-sni
openssl s_client -connect "localhost:$(cat home/port)" -servername elsewhere.example < /dev/null 2> /dev/null |
	openssl x509 -outform DER | cmp - registrar.der || fail 'a server name changes what the registrar shows'
said 'the registrar shows a certificate for CMC and TLS, whatever server name is asked for'

onboard A-0001

# The registrar's own request, as its store keeps it.
# req: rfc8995-5.5-chain rfc8995-5.5-fields
python3 - > rvr.der <<-END
	import sqlite3, sys
	store = sqlite3.connect("file:home/state/registrar.db?mode=ro", uri=True)
	sys.stdout.buffer.write(store.execute("select rvr from step where length(rvr) > 0 limit 1").fetchone()[0])
END
openssl cms -verify -inform DER -in rvr.der -CAfile home/domain-ca.pem -purpose any -binary -certsout rvr.pem \
	-signer signer.pem -out rvr.json 2> /dev/null || fail "openssl does not verify the registrar's request"
openssl x509 -in signer.pem -outform DER | cmp - registrar.der || fail 'another certificate signs than the one in TLS'
openssl crl2pkcs7 -nocrl -certfile rvr.pem | openssl pkcs7 -print_certs -noout | grep '^subject' > subjects
! grep -v 'Example Home' subjects || fail "the request holds certificates that are not the domain's"
grep -q '"serial-number":"A-0001"' rvr.json || fail 'another serial number'
grep -q '"prior-signed-voucher-request":"MI' rvr.json || fail "the device's request is not inside"
! grep proximity-registrar-cert rvr.json || fail "the registrar's request names a proximity certificate"
said "openssl verifies the registrar's request; it holds the domain's chain and no other certificate"

# req: rfc8995-5.7-version
status '{"version":2,"status":true,"mood":"good"}'
post A-0001 brski/voucher_status application/json status.json
[ "$code" = 200 ] || fail "telemetry of version 2: $code: $(head -c 300 body)"
grep -q 'event=telemetry.version .*version=2 .*alert=yes' registrar.log || fail 'no alert on version 2'
grep -q 'event=telemetry.unknown' registrar.log || fail 'no word on unknown members'
said 'telemetry of version 2 is heard, and raises an alert'

# req: rfc8995-5.4-name rfc8995-5.4-anchors
request N-0001 pvr.der
post N-0001 brski/requestvoucher $voucher_media pvr.der
[ "$code" = 502 ] || fail "a MASA of another name: $code: $(cat body)"
grep -q 'certificate does not name 127.0.0.1' registrar.log || fail 'no log line says why the MASA is not believed'
said 'refused with 502: the MASA has another name than the one that was asked for'

# req: rfc8995-5.9-permission
csr A-0002
post A-0002 est/simpleenroll application/pkcs10 csr.b64
[ "$code" = 403 ] || fail "simpleenroll before the voucher: $code: $(cat body)"
said 'refused with 403: enrolment before the voucher step'

# req: rfc8995-5.8.3-refuse
request A-0002 pvr.der
post A-0002 brski/requestvoucher $voucher_media pvr.der
[ "$code" = 200 ] || fail "requestvoucher: $code: $(head -c 300 body)"
kill "$masa_pid"
wait "$masa_pid" || true
status '{"version":1,"status":true}'
post A-0002 brski/voucher_status application/json status.json
[ "$code" = 200 ] || fail "voucher_status without a MASA: $code: $(head -c 300 body)"
grep -q 'event=enrol.refused .*rule=policy-audit-unknown .*alert=yes' registrar.log || fail 'nobody is told'
post A-0002 est/simpleenroll application/pkcs10 csr.b64
[ "$code" = 403 ] || fail "simpleenroll without an audit log: $code: $(cat body)"
said 'refused with 403: enrolment of a device whose audit log cannot be had'
