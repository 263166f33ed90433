#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A site without internet: the registrar's request for a voucher leaves on a file, curl takes it to the MASA from
# elsewhere, the voucher comes back on a file, the MASA goes away, and a pledge of curl and openssl comes on.
# shellcheck source-path=SCRIPTDIR source=pledge_lib.sh
masa_settings='allow-nonceless = yes\nrenewable-for = 30d'
registrar_settings='stored-vouchers = fallback'
. "$(dirname "$0")/pledge_lib.sh"
command -v python3 > /dev/null || { echo "missing: python3"; exit 77; }
start_manufacturer "A-0001 A-0002 A-0003 A-0004"
start_owner
# Without internet nobody sees the audit log; the policy must say so of these devices, by name.
cat > home/policy.conf <<-END
	[rule "strict"]
	match.serial = A-0003
	require.owned = yes
	approve = auto

	[rule "cameras"]
	match.manufacturer = Acme
	require.owned = yes
	require.assertion = verified, proximity
	require.audit = optional
	approve = auto
END
restart_registrar() {
	kill "$registrar_pid"
	wait "$registrar_pid" || true
	rm -f home/port
	berth-registrar --config home/registrar.conf 2>> registrar.log &
	registrar_pid=$!
	pids+=("$registrar_pid")
	until_there home/port "$registrar_pid"
	# shellcheck disable=SC2034 # post uses it
	base=https://localhost:$(cat home/port)/.well-known
}
restart_registrar
masa=https://localhost:$(cat masa.port)/.well-known/brski/requestvoucher
says() { # says WORDS COMMAND...: it is refused in these words
	local words=$1
	shift
	if "$@" 2> error > out; then fail "accepted: $*"; fi
	grep -q "$words" error || fail "$* says: $(cat error)"
	said "refused: $* ($words)"
}

# ---- out and back on files ----

# req: rfc8995-5.5.6-ahead rfc8995-9-one-touch
berth voucher request A-0001 --out a1.vcr
openssl cms -verify -inform DER -in a1.vcr -CAfile home/domain-ca.pem -purpose any -binary -out a1.json 2> /dev/null ||
	fail "openssl does not verify the registrar's request"
grep -q '"serial-number":"A-0001"' a1.json || fail 'another serial number'
! grep -q 'nonce\|prior-signed' a1.json || fail 'the request is not one made ahead'
fetch() { # fetch REQUEST VOUCHER
	code=$(curl -s --noproxy '*' --cacert acme/root-ca.pem -H "Content-Type: $voucher_media" -H 'Expect:' \
		--data-binary "@$1" -o "$2" -w '%{http_code}' "$masa")
}
fetch a1.vcr a1.vcj
[ "$code" = 200 ] || fail "the MASA: $code: $(head -c 300 a1.vcj)"
openssl cms -verify -inform DER -in a1.vcj -CAfile acme/root-ca.pem -purpose any -binary -out a1.voucher 2> /dev/null ||
	fail 'openssl does not verify the voucher'
grep -q '"expires-on"' a1.voucher || fail 'the voucher would hold for ever'
grep -q '"last-renewal-date"' a1.voucher || fail 'the MASA promises no renewal'
! grep -q '"nonce"' a1.voucher || fail 'a nonce came from nowhere'
berth voucher verify --anchor acme/root-ca.pem --serial A-0001 a1.vcj > /dev/null
said 'request and voucher travelled as files; openssl verifies both'

# ---- what is no voucher for this registrar stays out; each differs from the good one in one thing ----

# req: rfc8995-5.5.6-stored
python3 - <<-END
	der = bytearray(open("a1.vcj", "rb").read())
	der[-1] ^= 1
	open("bent.vcj", "wb").write(der)
END
says signature berth voucher add bent.vcj
berth registrar init --dir rival --name Rival --host localhost --listen 127.0.0.1:0 > /dev/null
onboard A-0002
says "answers one device's nonce" berth voucher add voucher.der
# Of the same device, by the same MASA, for another domain: it changed hands and is back.
berth masa release --socket acme/masa/admin.sock A-0001 > /dev/null
berth masa sell --socket acme/masa/admin.sock --serial A-0001 --owner rival/domain-ca.pem > /dev/null
fetch a1.vcr again.vcj
[ "$code" = 403 ] || fail "another owner's unit, the same request: $code"
said 'refused with 403: the same request once the unit belongs to another owner'
berth masa release --socket acme/masa/admin.sock A-0001 > /dev/null
berth masa sell --socket acme/masa/admin.sock --serial A-0001 --owner home/domain-ca.pem > /dev/null
berth voucher add a1.vcj > /dev/null
berth voucher list | grep '^A-0001 .*Acme' > /dev/null || fail "the list: $(berth voucher list)"
berth voucher fetch A-0003 | grep '^expires on' > /dev/null || fail 'the MASA gave the registrar none to keep'
says "no manifest and no device" berth voucher fetch X-9999
grep -q 'event=voucher.stored .*A-0001' registrar.log || fail 'no log line says that a voucher is kept'

# ---- the MASA is gone ----

kill "$masa_pid"
wait "$masa_pid" || true
# req: rfc8995-5.5.6-stored
comes_on() { # comes_on SERIAL
	request "$1" pvr.der
	post "$1" brski/requestvoucher $voucher_media pvr.der
	[ "$code" = 200 ] || fail "requestvoucher: $code: $(head -c 300 body)"
	echo '{"version":1,"status":true}' > status.json
	cp body "$1.got"
	post "$1" brski/voucher_status application/json status.json
	[ "$code" = 200 ] || fail "voucher_status: $code: $(head -c 300 body)"
	openssl ecparam -name prime256v1 -genkey -noout -out "pledge/$1/ldevid.key"
	openssl req -new -key "pledge/$1/ldevid.key" -subj "/serialNumber=$1" -outform DER | base64 -w0 > csr.b64
	post "$1" est/simpleenroll application/pkcs10 csr.b64
}
comes_on A-0001
cmp -s A-0001.got a1.vcj || fail 'another voucher than the one that was added'
[ "$code" = 200 ] || fail "simpleenroll: $code: $(head -c 300 body)"
berth device explain A-0001 | grep 'rfc8995-5.5.6-stored' > /dev/null || fail 'the trace does not tell of the stored voucher'
said 'A-0001 came on with its stored voucher; no MASA was there'
comes_on A-0003
[ "$code" = 403 ] || fail "enrolled without an audit log under a rule that wants one: $code"
berth device explain A-0003 | grep 'policy-audit' > /dev/null || fail "the trace: $(berth device explain A-0003)"
said 'refused with 403: a rule that wants the audit log'
request A-0004 pvr.der
post A-0004 brski/requestvoucher $voucher_media pvr.der
refused 502 rfc8995-5.4-masa-unreachable 'a device without a stored voucher'
berth voucher drop A-0001
request A-0001 pvr.der
post A-0001 brski/requestvoucher $voucher_media pvr.der
refused 502 rfc8995-5.4-masa-unreachable 'a device whose stored voucher was dropped'

# The configuration is what allows it.
berth voucher add a1.vcj > /dev/null
sed -i 's/^stored-vouchers.*/stored-vouchers = never/' home/registrar.conf
restart_registrar
request A-0001 pvr.der
post A-0001 brski/requestvoucher $voucher_media pvr.der
refused 502 rfc8995-5.4-masa-unreachable 'a stored voucher where the configuration says never'
says "stored-vouchers = never" berth voucher request A-0002 --out never.vcr
