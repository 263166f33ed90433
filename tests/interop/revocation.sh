#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Revocation as others see it: openssl ocsp, openssl crl and openssl verify -crl_check agree with the registrar before and
# after "berth device revoke", which takes effect at the registrar, EST, OCSP and the list within seconds; what is
# published without TLS is that and no more.
# shellcheck source-path=SCRIPTDIR source=pledge_lib.sh
here=$(cd "$(dirname "$0")" && pwd)
registrar_options=()
. "$here/pledge_lib.sh"
# shellcheck source=revocation_lib.sh
. "$here/revocation_lib.sh"
publish_somewhere
masa_settings='revocation-sources = 127.0.0.0/8'
start_world "A-0001 A-0002 A-0003"
revocation_ready
onboard A-0001
onboard A-0002

# ---- before ----

openssl x509 -in pledge/A-0001/ldevid.pem -noout -ext authorityInfoAccess > aia
grep -qF "OCSP - URI:$plain/ocsp" aia || fail "the LDevID names no responder: $(cat aia)"
curl -s --noproxy '*' "$(sed -n 's/.*CA Issuers - URI://p' aia)" -o fetched-ca.der
openssl x509 -inform DER -in fetched-ca.der -out fetched-ca.pem
cmp -s fetched-ca.pem issuing-ca.pem || fail 'caIssuers leads to another certificate'
ocsp_says A-0001 good
crl_says A-0001 good
before=$(crl_number)
openssl crl -in crl.pem -noout -text | grep -A1 'Issuing Distribution Point: critical' > /dev/null ||
	fail 'the part of the list does not say that it is one'
openssl crl -in crl.pem -noout -text | grep 'Authority Key Identifier' > /dev/null || fail 'the list names no issuer key'
said 'openssl ocsp, openssl crl and openssl verify -crl_check: good'

# ---- who answers ----

ocsp_ask pledge/A-0001/ldevid.pem -respout response.der
openssl ocsp -respin response.der -noverify -resp_text > response.text 2> /dev/null
grep -q 'OCSP Signing' response.text || fail 'the responder is not a delegate'
grep -q 'OCSP No Check' response.text || fail 'the delegate would have to be asked about in turn'
openssl ocsp -issuer issuing-ca.pem -sha256 -cert pledge/A-0001/ldevid.pem -no_nonce -reqout plain.der > /dev/null 2>&1
get_ocsp() { # a GET as RFC 6960 A.1 has it
	python3 -c 'import base64, sys, urllib.parse; print(urllib.parse.quote(base64.b64encode(open(sys.argv[1], "rb").read()).decode(), safe=""))' "$1"
}
curl -s --noproxy '*' "$plain/ocsp/$(get_ocsp plain.der)" -o get.der
openssl ocsp -issuer issuing-ca.pem -sha256 -cert pledge/A-0001/ldevid.pem -no_nonce -respin get.der -CAfile ca-chain.pem \
	> get.out 2>&1 || fail "GET: $(cat get.out)"
grep -q ': good' get.out || fail "GET: $(cat get.out)"
curl -s --noproxy '*' "$plain/ocsp/$(get_ocsp plain.der)" -o again.der
cmp -s get.der again.der || fail 'the same question was signed twice'
said 'OCSP by GET, with SHA-256; the answer is kept'

openssl ocsp -issuer issuing-ca.pem -serial 0x1234567890 -url "$plain/ocsp" -CAfile ca-chain.pem > unknown.out 2>&1
grep -q '0x1234567890: unknown' unknown.out || fail "a number that never was: $(cat unknown.out)"
openssl ocsp -issuer acme/root-ca.pem -serial 1 -url "$plain/ocsp" > foreign.out 2>&1 || true
grep -qi 'unauthorized' foreign.out || fail "another issuer: $(cat foreign.out)"
printf 'no request' > junk
curl -s --noproxy '*' -H 'Content-Type: application/ocsp-request' --data-binary @junk "$plain/ocsp" -o junk.der
openssl ocsp -respin junk.der -noverify > junk.out 2>&1 || true
grep -qi malformed junk.out || fail "junk is not called malformed: $(cat junk.out)"
said 'unknown, unauthorized, malformed'

# ---- nothing else without TLS ----

for path in / /.well-known/est/cacerts /.well-known/brski/requestvoucher /v1/devices /ocsp /crl/00.crl /ca/00.cer \
	"${crl_url#"$plain"}/../99.crl" "$(dirname "${crl_url#"$plain"}")/99.crl"; do
	code=$(curl -s --path-as-is --noproxy '*' -o body -w '%{http_code}' "$plain$path")
	[ "$code" = 404 ] || fail "$path without TLS: $code"
done
code=$(curl -s --noproxy '*' -X POST -H 'Content-Type: application/ocsp-request' --data-binary @home/issuing.pem \
	-o body -w '%{http_code}' "$crl_url")
[ "$code" = 404 ] || fail "POST to a list: $code"
head -c 5000 /dev/zero > large
code=$(curl -s --noproxy '*' -H 'Content-Type: application/ocsp-request' -H 'Expect:' --data-binary @large \
	-o body -w '%{http_code}' "$plain/ocsp")
[ "$code" = 413 ] || fail "a body of 5000 bytes: $code"
said 'without TLS: 404 for all but lists, OCSP and the CA, 413 for a large body'

# ---- revoked ----

began=$(date +%s%N)
berth device revoke A-0001 --reason 'stolen'
ocsp_says A-0001 revoked
after_ocsp=$(($(date +%s%N) - began))
crl_says A-0001 revoked
after_crl=$(($(date +%s%N) - began))
refused_everywhere A-0001
after_all=$(($(date +%s%N) - began))
said "revoked: OCSP after $((after_ocsp / 1000000)) ms, list after $((after_crl / 1000000)) ms, all after $((after_all / 1000000)) ms"
[ "$after_all" -lt 5000000000 ] || fail 'revocation took more than five seconds'
[ "$(crl_number)" -gt "$before" ] || fail "the list's number did not go up"
openssl crl -in crl.pem -noout -text | grep -A3 'Revoked Certificates' > /dev/null || fail 'the list has no entry'
curl -s --noproxy '*' "$plain/ocsp/$(get_ocsp plain.der)" -o get.der
openssl ocsp -issuer issuing-ca.pem -sha256 -cert pledge/A-0001/ldevid.pem -no_nonce -respin get.der -CAfile ca-chain.pem 2>&1 |
	grep -q ': revoked' || fail 'the kept answer still says good'
berth device explain A-0001 > explained
grep -q credential-revoked explained || fail 'explain does not name the revocation'

# ---- the other device is as it was ----

ocsp_says A-0002 good
crl_says A-0002 good
with_ldevid A-0002 brski/enrollstatus application/json status.json
[ "$code" = 200 ] || fail "the other device: $code: $(head -c 300 body)"
said 'the other device is untouched'

# ---- the registrar's own certificate ----

cat > device.conf <<-END
	[device]
	idevid-certificates = $work/pledge/A-0003/idevid.pem
	idevid-key = file:$work/device.key
	manufacturer-anchors = $work/acme/root-ca.pem
	state-directory = $work/device
	[discovery]
	dns-sd = no
	registrar = 127.0.0.1:$(cat home/port)
	[renewal]
	check-every = 1s
	registrar-revocation = required
END
mkdir device
(umask 077 && openssl pkcs8 -topk8 -nocrypt -in pledge/A-0003/idevid.key -out device.key)
berth-device --config device.conf run 2> device.log &
device_pid=$!
pids+=("$device_pid")
until_true() { # until_true COMMAND...: within 20 s
	local _
	for _ in $(seq 200); do
		! "$@" || return 0
		read -r -t 0.1 <> <(:) || true
	done
	fail "not in time: $*: $(tail -n 5 device.log)"
}
talked() { grep 'renewal.advised' device.log > /dev/null; }
turned_away() { grep 'renewal.failed.*was revoked' device.log > /dev/null; }
until_there device/ldevid.pem "$device_pid"
until_true talked
said 'an enrolled device that must know asks OCSP about its registrar, and takes its advice'
certificate_says shown.pem good
serial=$(openssl x509 -in shown.pem -noout -serial | sed 's/.*=//')
fetch_crl shown.pem
berth certificate revoke "$serial" --reason 'key lost'
certificate_says shown.pem revoked
fetch_crl shown.pem
openssl crl -in crl.pem -noout -text | grep -i "Serial Number: $serial" > /dev/null || fail "the list has not the registrar's own"
said "the registrar's own certificate can be revoked"
# req: rfc7030-3.6.1-device-revocation
until_true turned_away
grep 'renewal.failed' device.log | head -n 1 | grep 'est-renewal-registrar-revoked' > /dev/null ||
	fail "the device had trouble with its registrar before: $(grep renewal device.log | head -n 3)"
kill "$device_pid"
wait "$device_pid" || true
said 'refused: the same device turns away from a registrar that was revoked'

# ---- the MASA asks, and only where it may ----

# req: rfc8995-5.5.4-2
restart_masa() { # restart_masa SOURCES
	kill "$masa_pid"
	wait "$masa_pid" || true
	rm -f masa.port
	sed -i "s|^revocation-sources = .*|revocation-sources = $1|; s|^listen = .*|listen = 127.0.0.1:$masa_port|" acme/masa/masa.conf
	berth-masa --config acme/masa/masa.conf 2>> masa.log &
	masa_pid=$!
	pids+=("$masa_pid")
	until_there masa.port "$masa_pid"
}
masa_port=$(cat masa.port)
ask_voucher() {
	request A-0002 pvr.der
	post A-0002 brski/requestvoucher "$voucher_media" pvr.der
}
ask_voucher
[ "$code" = 200 ] || fail "the MASA kept the good answer, yet: $code: $(head -c 300 body)"
restart_masa '127.0.0.0/8'
ask_voucher
[ "$code" = 403 ] && grep -q 'was revoked' body || fail "a registrar that was revoked: $code: $(head -c 300 body)"
grep -q 'rule="\?rfc8995-5.5.4-revocation' masa.log || fail 'the MASA does not name the rule'
said 'the MASA asks OCSP: refused with 403, the registrar was revoked'
# req: berth-ownership-revocation
if berth device release A-0002 2> error; then fail 'a revoked registrar released a unit'; fi
grep -q 'was revoked.*ownership-revocation' error || fail "a revoked registrar releases: $(cat error)"
said "refused: a release by a registrar that was revoked"
restart_masa '10.0.0.0/8'
ask_voucher
[ "$code" = 403 ] && grep -q 'not a public one' body || fail "a source on the loopback: $code: $(head -c 300 body)"
said 'the MASA does not go where a stranger sends it: refused with 403, not a public address'
if berth device release A-0002 2> error; then fail 'released, though nobody can say that it was not revoked'; fi
grep -q 'not a public one.*ownership-revocation' error || fail "a source on the loopback: $(cat error)"
restart_masa localhost
ask_voucher
[ "$code" = 403 ] && grep -q 'not a public one' body || fail "another host is named: $code: $(head -c 300 body)"

# ---- numbers over a restart, and over a lost file ----

number=$(crl_number)
kill "$registrar_pid"
wait "$registrar_pid" || true
rm -f home/port
echo 9999999999999 > home/state/crl.number
berth-registrar --config home/registrar.conf 2>> registrar.log &
registrar_pid=$!
pids+=("$registrar_pid")
until_there home/port "$registrar_pid"
fetch_crl shown.pem
[ "$(crl_number)" = 10000000000000 ] || fail "the number after a restart with a later one in its file: $(crl_number)"
[ "$number" -lt 10000000000000 ] || fail 'the numbers are not milliseconds'
ocsp_says A-0001 revoked
said 'numbers go on upwards over a restart'
grep -c ' crl sha256=' home/state/issuance.log > /dev/null || fail 'the issuance log has no list'
grep -q ' ocsp-responder sha256=' home/state/issuance.log || fail 'the issuance log has no responder'
berth audit verify > /dev/null
said 'all'
