#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A registrar made of curl and openssl alone, sharing no code with us, asks berth-masa for vouchers and audit logs.
# openssl judges the vouchers; then the refusals, each by the smallest change. (RFC 8995 5.5 to 5.8; checklist 32 to 41)
set -euo pipefail

programs=${BERTH_PROGRAMS:?the folder of the programs}
PATH=$programs:$PATH
for tool in curl openssl base64 xxd; do
	command -v "$tool" > /dev/null || { echo "missing: $tool"; exit 77; }
done

work=$(mktemp -d)
pid=
ended() {
	status=$?
	[ -z "$pid" ] || kill "$pid" 2> /dev/null || true
	wait || true
	if [ "$status" -ne 0 ] && [ "$status" -ne 77 ]; then
		echo "--- masa.log"; tail -n 30 "$work/masa.log" 2> /dev/null || true
	fi
	rm -rf "$work"
}
trap ended EXIT
cd "$work"

said() { echo "ok: $*"; }
fail() { echo "FAILED: $*"; exit 1; }

# ---- keys and certificates, all by openssl ----

cat > extensions <<'END'
[ca]
basicConstraints = critical, CA:TRUE
subjectKeyIdentifier = hash
keyUsage = critical, keyCertSign, cRLSign, digitalSignature
[registrar_ca]
basicConstraints = critical, CA:TRUE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
keyUsage = critical, keyCertSign, cRLSign, digitalSignature
extendedKeyUsage = 1.3.6.1.5.5.7.3.28
[idevid]
authorityKeyIdentifier = keyid
[signer]
authorityKeyIdentifier = keyid
keyUsage = critical, digitalSignature
[manifest]
authorityKeyIdentifier = keyid
subjectKeyIdentifier = hash
keyUsage = critical, digitalSignature
[tls]
subjectAltName = DNS:localhost
extendedKeyUsage = serverAuth
[registrar]
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth, 1.3.6.1.5.5.7.3.28
[no_ra]
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
[with_crl]
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth, 1.3.6.1.5.5.7.3.28
crlDistributionPoints = URI:http://crl.invalid/ca.crl
END

root() { # root NAME SUBJECT
	openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
	openssl req -x509 -new -key "$1.key" -subj "$2" -days 3650 -config /dev/null \
		-extensions ca -out "$1.pem" -config <(printf '[req]\ndistinguished_name=d\n[d]\n'; cat extensions)
}
issue() { # issue NAME SUBJECT ISSUER SECTION
	openssl ecparam -name prime256v1 -genkey -noout -out "$1.key.sec1"
	openssl pkcs8 -topk8 -nocrypt -in "$1.key.sec1" -out "$1.key"
	openssl req -new -key "$1.key" -subj "$2" -out "$1.csr"
	openssl x509 -req -in "$1.csr" -CA "$3.pem" -CAkey "$3.key" -days 3650 -extfile extensions \
		-extensions "$4" -set_serial "0x01$(openssl rand -hex 8)" -out "$1.pem" 2> /dev/null
	chmod 600 "$1.key"
}
root maker '/CN=Acme Root'
issue masa '/CN=Acme MASA' maker signer
issue manifest '/OU=manifest/CN=Acme Manifests' maker manifest
issue tls '/CN=localhost' maker tls
for serial in A-0001 A-0002 A-0003; do
	issue "$serial" "/CN=Camera/serialNumber=$serial" maker idevid
done
root domain '/CN=Home CA'
issue registrar '/CN=Home Registrar' domain registrar
issue printer '/CN=Printer' domain no_ra
issue crl '/CN=Registrar with CRL' domain with_crl
issue subca '/CN=Home Sub CA' domain registrar_ca
root rogue '/CN=Rogue CA'
issue rogue_registrar '/CN=Rogue Registrar' rogue registrar
root other_maker '/CN=Other Maker'
issue fake '/CN=Camera/serialNumber=A-0001' other_maker idevid

# ---- the manifest of the units made, by printf and openssl cms ----

spki_sha256() { openssl x509 -in "$1" -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -r | cut -d' ' -f1; }
maker_ski=$(openssl x509 -in maker.pem -noout -ext subjectKeyIdentifier | tail -1 | tr -d ' :' | tr 'A-F' 'a-f')
cp maker.pem anchors.pem

manifest() { # manifest FILE KIND UNIT-LINES-FILE COUNT [OWNER MEMBER]
	printf '{"berth-manifest":1,"kind":"%s","manufacturer":"Acme","batch":"%s","created":"%s"%s,"units":%d}\n' \
		"$2" "$(openssl rand -hex 8)" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "${5:-}" "$4" > "$1"
	cat "$3" >> "$1"
	printf '{"berth-manifest":1,"bytes":%d,"sha256":"%s"}' "$(stat -c %s "$1")" \
		"$(openssl dgst -sha256 -r "$1" | cut -d' ' -f1)" > statement
	openssl cms -sign -binary -nodetach -nosmimecap -in statement -signer manifest.pem -inkey manifest.key \
		-outform DER -out statement.cms
	printf '{"signature":"%s"}\n' "$(base64 -w0 statement.cms)" >> "$1"
}
for serial in A-0001 A-0002 A-0003; do
	printf '{"serial-number":"%s","model":"cam","key-sha256":"%s","issuer-key-id":"%s","storage":"file","masa-url":"localhost"}\n' \
		"$serial" "$(spki_sha256 "$serial.pem")" "$maker_ski"
done > lines
manifest units.manifest purchase lines 3

# ---- the MASA ----

mkdir -m 700 state
cat > masa.conf <<END
[daemon]
listen = 127.0.0.1:0
port-file = $work/port
tls-certificates = $work/tls.pem
tls-key = file:$work/tls.key
state-directory = $work/state
admin-socket = $work/admin.sock
net-processes = 1
[masa]
manufacturer-anchors = $work/anchors.pem
signer-certificates = $work/masa.pem
signer-key = file:$work/masa.key
END
berth-masa --config masa.conf --check-config
unsound() { # unsound FILE KEY: without FILE, then with rubbish in it where that can be told, the check names KEY
	local rc=0
	mv "$1" kept
	berth-masa --config masa.conf --check-config > err 2>&1 || rc=$?
	[ $rc = 2 ] || fail "$1 is missing and --check-config ends with $rc"
	grep -q "$2 = .*$1" err || fail "--check-config does not say what is missing: $(cat err)"
	case $1 in
	*.pem)
		rc=0
		echo rubbish > "$1"
		berth-masa --config masa.conf --check-config > err 2>&1 || rc=$?
		[ $rc = 2 ] || fail "$1 is rubbish and --check-config ends with $rc"
		grep -q "$2 = .*$1" err || fail "--check-config does not say what is rubbish: $(cat err)"
		;;
	esac
	mv kept "$1"
}
unsound anchors.pem manufacturer-anchors
unsound masa.pem signer-certificates
unsound tls.pem tls-certificates
unsound tls.key tls-key
unsound masa.key signer-key
[ -z "$(ls state)" ] || fail '--check-config wrote into the state folder'
said 'the check of the configuration names each file that is missing or rubbish, and writes nothing'
berth-masa --config masa.conf 2> masa.log &
pid=$!
for _ in $(seq 200); do
	[ -s port ] && break
	kill -0 "$pid" 2> /dev/null || fail 'berth-masa has ended'
	read -r -t 0.1 <> <(:) || true
done
base=https://localhost:$(cat port)/.well-known/brski
export BERTH_MASA_SOCKET=$work/admin.sock

berth masa load units.manifest
berth masa load units.manifest | grep ' 0 new' > /dev/null || fail 'loading the same manifest again added units'
sed 's/"model":"cam"/"model":"car"/' units.manifest > altered.manifest
if berth masa load altered.manifest 2> err; then fail 'an altered manifest was loaded'; fi
berth masa units | grep A-0002 > /dev/null || fail 'the units are not listed'
berth masa sell --serial A-0001 --owner domain.pem --name 'Home' --reference 4711
berth masa sell --serial A-0003 --owner domain.pem --name 'Home'
if berth masa sell --serial A-0001 --owner rogue.pem 2> err; then fail 'a sold unit was sold again'; fi
said 'units loaded, sold, and not sold twice'

# ---- the registrar ----

media=application/voucher-cms+json
now() { date -u +%Y-%m-%dT%H:%M:%SZ; }
der() { openssl x509 -in "$1" -outform DER; }
sign() { # sign JSON SIGNER OUT [CERTFILE]
	openssl cms -sign -binary -nodetach -nosmimecap -in "$1" -signer "$2.pem" -inkey "$2.key" \
		${4:+-certfile "$4"} -econtent_type 1.2.840.113549.1.9.16.1.40 -outform DER -out "$3"
}
pvr() { # pvr SERIAL NONCE [MET] [SIGNER]: writes pvr.der
	printf '{"ietf-voucher-request:voucher":{"assertion":"proximity","serial-number":"%s","nonce":"%s","proximity-registrar-cert":"%s"}}' \
		"$1" "$2" "$(der "${3:-registrar}.pem" | base64 -w0)" > pvr.json
	sign pvr.json "${4:-$1}" pvr.der
}
rvr() { # rvr SERIAL NONCE [SIGNER] [CHAIN] [CREATED-ON]: writes rvr.der around pvr.der
	printf '{"ietf-voucher-request:voucher":{"assertion":"proximity","created-on":"%s","serial-number":"%s","nonce":"%s","prior-signed-voucher-request":"%s"}}' \
		"${5:-$(now)}" "$1" "$2" "$(base64 -w0 pvr.der)" > rvr.json
	sign rvr.json "${3:-registrar}" rvr.der "${4:-domain.pem}"
}
post() { # post RESOURCE FILE [CURL OPTIONS]: sets $code, writes body and headers
	resource=$1 file=$2
	shift 2
	code=$(curl -s --noproxy '*' --cacert maker.pem -H "Content-Type: $media" -H 'Expect:' "$@" \
		--data-binary "@$file" -D headers -o body -w '%{http_code}' "$base/$resource")
}
refused() { # refused STATUS RULE WHAT
	[ "$code" = "$1" ] || fail "$3: $code instead of $1: $(head -c 300 body)"
	grep -q "($2)" body || fail "$3: the reply does not name $2: $(head -c 300 body)"
	grep -qi '^content-type: text/plain' headers || fail "$3: the reason is no plain text"
	grep -q "rule=\"\?$2" masa.log || fail "$3: no log line names $2"
	said "refused with $1: $3 ($2)"
}

nonce=$(openssl rand -base64 16)
pvr A-0001 "$nonce"
rvr A-0001 "$nonce"

# req: rfc8995-5.5-path
post requestvoucher rvr.der -H "Accept: $media"
[ "$code" = 200 ] || fail "requestvoucher: $code: $(head -c 300 body)"
grep -qi "^content-type: $media" headers || fail 'the voucher has another media type'
cp body voucher.der
openssl cms -verify -inform DER -in voucher.der -CAfile maker.pem -purpose any -binary -out voucher.json 2> /dev/null ||
	fail 'openssl does not verify the voucher'
for member in '"assertion":"proximity"' '"serial-number":"A-0001"' "\"nonce\":\"$nonce\"" \
	'"domain-cert-revocation-checks":false' '"created-on":"'; do
	grep -qF "$member" voucher.json || fail "the voucher lacks $member: $(cat voucher.json)"
done
if grep -qE 'prior-signed|expires-on|idevid-issuer' voucher.json; then fail 'the voucher says too much'; fi
sed 's/.*"pinned-domain-cert":"\([^"]*\)".*/\1/' voucher.json | base64 -d > pinned.der
cmp -s pinned.der <(der domain.pem) || fail 'the voucher does not pin the domain CA'
said 'openssl verifies the voucher; it pins the domain CA'

post requestvoucher rvr.der
cmp -s body voucher.der || fail 'the identical request got another voucher'
[ "$(berth masa log A-0001 --json | grep -o '"date"' | wc -l)" = 1 ] || fail 'the identical request was logged twice'
said 'the identical request gets the same voucher, and one log entry'

# ---- the audit log ----

post requestauditlog rvr.der -H 'Accept: application/json'
[ "$code" = 200 ] || fail "requestauditlog: $code: $(head -c 300 body)"
ski=$(openssl x509 -in domain.pem -noout -ext subjectKeyIdentifier | tail -1 | tr -d ' :' | xxd -r -p | base64)
grep -qF "\"domainID\":\"$ski\"" body || fail "the log does not name the domain $ski: $(cat body)"
grep -q '"version":1' body && grep -q '"arbitrary":0' body || fail "the log has another form: $(cat body)"
said 'the audit log names the domain by its key identifier'
pvr A-0002 "$nonce"
rvr A-0002 "$nonce"
post requestauditlog rvr.der
refused 404 rfc8995-5.8.1-owner 'the log of a unit that this domain never owned'

# ---- refusals ----

fresh() { # fresh SERIAL
	nonce=$(openssl rand -base64 16)
	pvr "$1" "$nonce"
	rvr "$1" "$nonce"
}
fresh A-0001
code=$(curl -s --noproxy '*' --cacert maker.pem -H 'Content-Type: application/json' \
	--data-binary @rvr.der -D headers -o body -w '%{http_code}' "$base/requestvoucher")
refused 415 rfc8995-5.6-media-type 'another media type'
post requestvoucher rvr.der -H 'Accept: application/voucher+cose'
refused 406 rfc8995-5.6-accept 'a type that is not made here'
base64 -w0 rvr.der > rvr.b64
post requestvoucher rvr.b64
refused 400 rfc8995-5.11-not-der 'base64 around the request'
head -c 400 rvr.der > cut.der
post requestvoucher cut.der
[ "$code" = 400 ] || fail "a request cut short: $code: $(cat body)"
said 'refused with 400: a request cut short'
code=$(curl -s --noproxy '*' --cacert maker.pem -o body -D headers -w '%{http_code}' "$base/requestvoucher")
refused 405 rfc8995-5.5-method 'GET'
code=$(curl -s --noproxy '*' --cacert maker.pem -o body -w '%{http_code}' "$base/nothing")
[ "$code" = 404 ] || fail "another path: $code"

issue X-0001 '/CN=Camera/serialNumber=X-0001' maker idevid
fresh X-0001
post requestvoucher rvr.der
refused 404 rfc8995-5.6-known 'a serial number that was never made'
fresh A-0002
post requestvoucher rvr.der
refused 403 rfc8995-5.5-owner 'a unit without an owner of record'

nonce=$(openssl rand -base64 16)
pvr A-0001 "$nonce" printer
rvr A-0001 "$nonce" printer
post requestvoucher rvr.der
refused 403 rfc8995-5.5.4-cmc-ra 'a signer that is no registrar'
# req: rfc8995-5.5.4-2
pvr A-0001 "$nonce" crl
rvr A-0001 "$nonce" crl
post requestvoucher rvr.der
refused 403 rfc8995-5.5.4-revocation 'a registrar whose CRL cannot be asked'
pvr A-0001 "$nonce" subca
rvr A-0001 "$nonce" subca
post requestvoucher rvr.der
refused 403 berth-masa-signer-not-ca 'a CA as signer'
pvr A-0001 "$nonce"
rvr A-0001 "$(openssl rand -base64 16)"
post requestvoucher rvr.der
refused 403 rfc8995-5.5.6-nonce 'another nonce than the device signed'
rvr A-0002 "$nonce"
post requestvoucher rvr.der
refused 403 rfc8995-5.5.5-serial "another device's request inside"
rvr A-0001 "$nonce" registrar domain.pem 2020-01-01T00:00:00Z
post requestvoucher rvr.der
refused 403 rfc8995-5.6-created-on 'a stale request'
pvr A-0001 "$nonce" rogue_registrar
rvr A-0001 "$nonce"
post requestvoucher rvr.der
refused 403 rfc8995-5.5.5-proximity 'a device that met another registrar'
pvr A-0001 "$nonce"
cat rogue.pem registrar.pem domain.pem > borrowed.pem
rvr A-0001 "$nonce" rogue_registrar borrowed.pem
post requestvoucher rvr.der
refused 403 rfc8995-5.5.5-proximity "a rogue that adds the owner's registrar to its certificates"
pvr A-0001 "$nonce" rogue_registrar
rvr A-0001 "$nonce" rogue_registrar rogue.pem
post requestvoucher rvr.der
refused 403 rfc8995-5.5-owner 'a rogue that the device met, for a unit sold to another'
pvr A-0001 "$nonce" registrar fake
rvr A-0001 "$nonce"
post requestvoucher rvr.der
refused 403 rfc8995-5.5.5-manufacturer 'a device of another manufacturer'
issue A-0001b '/CN=Camera/serialNumber=A-0001' maker idevid
pvr A-0001 "$nonce" registrar A-0001b
rvr A-0001 "$nonce"
post requestvoucher rvr.der
refused 403 berth-masa-unit-key 'a device whose key the factory never registered'

berth masa block A-0003 > /dev/null
fresh A-0003
post requestvoucher rvr.der
refused 403 berth-masa-unit-withdrawn 'a blocked unit'
berth masa unblock A-0003 > /dev/null
post requestvoucher rvr.der
[ "$code" = 200 ] || fail "unblocked: $code: $(cat body)"

# The same request from eight connections at once: one voucher, one entry.
fresh A-0003
askers=()
for i in 1 2 3 4 5 6 7 8; do
	curl -s --noproxy '*' --cacert maker.pem -H "Content-Type: $media" -H 'Expect:' --data-binary @rvr.der \
		-o "same.$i" "$base/requestvoucher" &
	askers+=($!)
done
for asker in "${askers[@]}"; do wait "$asker" || fail 'one of eight askers failed'; done
openssl cms -verify -inform DER -in same.1 -CAfile maker.pem -purpose any -binary -out /dev/null 2> /dev/null ||
	fail "one of eight: $(head -c 300 same.1)"
for i in 2 3 4 5 6 7 8; do
	cmp -s same.1 "same.$i" || fail "asker $i got something else: $(head -c 300 "same.$i")"
done
[ "$(berth masa log A-0003 --json | grep -o '"date"' | wc -l)" = 2 ] || fail 'eight askers made more than one entry'
said 'eight askers at once get one voucher, and one entry'

# The control run: what the rogue was refused above is given once the owner has let go and sold.
berth masa release A-0001 > /dev/null
berth masa sell --serial A-0001 --owner rogue.pem --name Buyer > /dev/null
nonce=$(openssl rand -base64 16)
pvr A-0001 "$nonce" rogue_registrar
rvr A-0001 "$nonce" rogue_registrar rogue.pem
post requestvoucher rvr.der
[ "$code" = 200 ] || fail "the next owner: $code: $(cat body)"
fresh A-0001
post requestvoucher rvr.der
refused 403 rfc8995-5.5-owner 'the former owner, after the sale'
post requestauditlog rvr.der
[ "$code" = 200 ] || fail "the former owner's audit log: $code: $(cat body)"
[ "$(grep -o '"date"' body | wc -l)" = 2 ] || fail "the log does not tell of both domains: $(cat body)"
said 'the log tells the former owner of the next'

[ "$(grep -c 'voucher sha256=' state/issuance.log)" -ge 4 ] || fail 'the signer did not write down what it released'
berth audit verify --socket "$BERTH_MASA_SOCKET"
kill "$pid"
wait "$pid" || true
pid=
berth audit verify --store state/masa.db
said 'the hash chain holds, with the daemon and without'
