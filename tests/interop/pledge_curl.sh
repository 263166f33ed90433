#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A pledge made of curl and openssl alone, sharing no code with us, onboards through berth-registrar and berth-masa:
# requestvoucher, voucher_status, cacerts, csrattrs, simpleenroll, and enrollstatus on a new session with the new
# certificate. Then the refusals, each by the smallest change. (RFC 8995 5, RFC 7030 4; checklist 9 to 46)
# shellcheck source-path=SCRIPTDIR source=pledge_lib.sh
. "$(dirname "$0")/pledge_lib.sh"
start_world "A-0001 A-0002 W-0001 D-0001"

onboard A-0001
berth device list
berth device explain A-0001 > explained
grep -q rfc8995-5.3-proximity explained || fail 'explain does not show the proximity check'

# ---- refusals ----

request A-0002 pvr.der
base64 -w0 pvr.der > pvr.b64
post A-0002 brski/requestvoucher $voucher_media pvr.b64
refused 400 rfc8995-5.11-not-der 'base64 around the voucher-request'

post A-0002 brski/requestvoucher application/json pvr.der
refused 415 rfc8995-5.2-media-type 'another media type'

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout other.key -out other.pem \
	-subj '/CN=localhost' -days 2 2> /dev/null
openssl x509 -in other.pem -outform DER -out other.der
request A-0002 bad.der A-0002 other.der
post A-0002 brski/requestvoucher $voucher_media bad.der
refused 401 rfc8995-5.3-proximity-mismatch "another registrar's certificate as proximity-registrar-cert"
grep -qi '^connection: close' headers || fail 'the connection stays open after 401'

request A-0002 bad.der A-0001
post A-0002 brski/requestvoucher $voucher_media bad.der
refused 404 rfc8995-5.3-serial-mismatch "another device's serial number"

request A-0001 bad.der
post A-0002 brski/requestvoucher $voucher_media bad.der
refused 404 rfc8995-5.3-signer-mismatch "another device's request"

request A-0002 bad.der A-0002 registrar.der AAAA
post A-0002 brski/requestvoucher $voucher_media bad.der
[ "$code" = 400 ] || fail "a short nonce: $code"
said 'refused with 400: a nonce of three bytes'

request O-0001 bad.der
post O-0001 brski/requestvoucher $voucher_media bad.der
[ "$code" = 404 ] && grep -qi expired body || fail "expired IDevID: $code: $(cat body)"
said "refused with 404: an IDevID that has expired"

mkdir -p pledge/X-0001
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout pledge/X-0001/idevid.key \
	-out pledge/X-0001/idevid.pem -subj '/serialNumber=X-0001' -days 2 2> /dev/null
request X-0001 bad.der
post X-0001 brski/requestvoucher $voucher_media bad.der
refused 404 rfc8995-5.1-unknown-manufacturer 'a manufacturer that nobody configured'

request D-0001 pvr.der
post D-0001 brski/requestvoucher $voucher_media pvr.der
[ "$code" = 403 ] || fail "denied by policy: $code: $(cat body)"
said 'refused with 403: a device that a rule denies'

# No voucher step, no certificate.
openssl req -new -key pledge/A-0002/idevid.key -subj /serialNumber=A-0002 -outform DER | base64 -w0 > csr.b64
post A-0002 est/simpleenroll application/pkcs10 csr.b64
[ "$code" = 403 ] || fail "simpleenroll before the voucher: $code: $(cat body)"
said 'refused with 403: enrolment before the voucher step'

# A name that is not the device's.
openssl req -new -key pledge/A-0001/ldevid.key -subj /serialNumber=A-0002 -outform DER | base64 -w0 > csr.b64
post A-0001 est/simpleenroll application/pkcs10 csr.b64
refused 400 rfc8995-5.9.3-csr-serial-mismatch "a request for another device's name"

# ---- the operator ----

request W-0001 waiting.der
post W-0001 brski/requestvoucher $voucher_media waiting.der
[ "$code" = 202 ] || fail "waiting for the operator: $code: $(cat body)"
grep -qi '^retry-after: ' headers || fail '202 without Retry-After'
post W-0001 brski/requestvoucher $voucher_media waiting.der
[ "$code" = 202 ] || fail "waiting, the same bytes again: $code"
berth device approve W-0001 --reason 'seen on the porch'
post W-0001 brski/requestvoucher $voucher_media waiting.der
[ "$code" = 200 ] || fail "approved, the same bytes: $code: $(cat body)"
cp body first
post W-0001 brski/requestvoucher $voucher_media waiting.der
[ "$code" = 200 ] && cmp -s first body || fail 'the same bytes again got another voucher'
said '202 until the operator approves, then 200 for the same bytes'
berth device deny W-0001
request W-0001 pvr.der
post W-0001 brski/requestvoucher $voucher_media pvr.der
[ "$code" = 403 ] || fail "denied by the operator: $code: $(cat body)"
said 'refused with 403: denied by the operator'

berth device revoke A-0001 --reason 'returned'
request A-0001 pvr.der
post A-0001 brski/requestvoucher $voucher_media pvr.der
[ "$code" = 403 ] || fail "revoked: $code: $(cat body)"
said 'refused with 403: a revoked device'
berth audit verify
said 'all'
