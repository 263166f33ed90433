#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A unit is sold to A, B wants it: a factory, its MASA, and two owners with registrars of their own. What B is refused
# before A lets go, what a claim code opens and what it does not, and what B's own policy says of a unit that A had.
# shellcheck source-path=SCRIPTDIR source=pledge_lib.sh
masa_settings='wrong-codes-per-unit = 4\nwrong-codes-per-source = 9\nallow-nonceless = yes'
registrar_settings='stored-vouchers = fallback'
factory_make_options=(--claim-codes)
. "$(dirname "$0")/pledge_lib.sh"
for tool in sqlite3 xxd; do
	command -v "$tool" > /dev/null || { echo "missing: $tool"; exit 77; }
done
# One unit that either owner's own rules let on: what refuses it is the MASA alone.
before_registrar() {
	printf '[rule "given"]\nmatch.serial = A-0004\napprove = auto\n\n' | cat - home/policy.conf > policy.new
	mv policy.new home/policy.conf
}
start_manufacturer "A-0001 A-0002 A-0003 A-0004"
start_owner
masa_port=$(cat masa.port)
masa=https://localhost:$masa_port/.well-known/berth

# ---- owner B ----

berth registrar init --dir b --name 'Second Hand' --host localhost --listen 127.0.0.1:0 > /dev/null
cat >> b/registrar.conf <<-END
	[manufacturer "Acme"]
	anchors = $work/acme/root-ca.pem
	masa-url = localhost:$(cat masa.port)
END
printf '[rule "cameras"]\nmatch.manufacturer = Acme\napprove = auto\n' > b/policy.conf
start_b() {
	rm -f b/port
	berth-registrar --config b/registrar.conf 2>> b.log &
	b_pid=$!
	pids+=("$b_pid")
	until_there b/port "$b_pid"
	base_b=https://localhost:$(cat b/port)/.well-known
	openssl s_client -connect "localhost:$(cat b/port)" < /dev/null 2> /dev/null | openssl x509 -outform DER -out b.der
}
stop() { # stop PID
	kill "$1"
	wait "$1" || true
}
restart_masa() { # restart_masa [SQL]: on the port that the registrars know
	stop "$masa_pid"
	[ -z "${1-}" ] || sqlite3 "$(find acme/masa/state -name masa.db)" "$1"
	sed -i "s/^listen = .*/listen = 127.0.0.1:$masa_port/" acme/masa/masa.conf
	rm -f masa.port
	berth-masa --config acme/masa/masa.conf 2>> masa.log &
	masa_pid=$!
	pids+=("$masa_pid")
	until_there masa.port "$masa_pid"
}
start_b
at_b() { BERTH_ADMIN_SOCKET=$work/b/admin.sock "$@"; }
says() { # says WORDS COMMAND...: it is refused in these words
	local words=$1
	shift
	if "$@" 2> error > out; then fail "accepted: $*"; fi
	grep -q "$words" error || fail "$* says: $(cat error)"
	said "refused: $* ($words)"
}
code_of() { # code_of SERIAL FILE
	(umask 077 && sed -n "s/^\"$1\",//p" units/claim-codes.csv > "$2")
	[ -s "$2" ] || fail "no claim code for $1"
}
code_of A-0001 code.1
code_of A-0002 code.2
code_of A-0003 code.3
comes_to_b() { # comes_to_b SERIAL: as far as B lets it; sets $code
	local base=$base_b
	request "$1" pvr.der "$1" b.der
	post "$1" brski/requestvoucher $voucher_media pvr.der
	[ "$code" = 200 ] || return 0
	echo '{"version":1,"status":true}' > status.json
	post "$1" brski/voucher_status application/json status.json
	openssl ecparam -name prime256v1 -genkey -noout -out "pledge/$1/ldevid.key"
	openssl req -new -key "pledge/$1/ldevid.key" -subj "/serialNumber=$1" -outform DER | base64 -w0 > csr.b64
	post "$1" est/simpleenroll application/pkcs10 csr.b64
}
onboard A-0001
berth voucher fetch A-0003 > /dev/null

# ---- the second owner before release ----

# req: rfc8995-5.5-owner
comes_to_b A-0001
[ "$code" = 403 ] || fail "B got a voucher for A's unit: $code"
grep -q 'event=voucher.denied .*rfc8995-5.5-owner' masa.log || fail 'the MASA does not log why'
says 'belongs to another owner' at_b berth device claim A-0001 --code-file code.1
grep -q 'event=ownership.refused .*rfc8995-5.5-owner' masa.log || fail 'the MASA does not log why'
says 'is owned by this domain' at_b berth device release A-0001

# ---- A lets go, B claims ----

berth device release A-0001 --next-code-file next.1 | grep 'released' > /dev/null || fail 'not released'
berth device release A-0001 --next-code-file next.1 | grep 'released' > /dev/null || fail 'the same again is refused'
says 'has this code' at_b berth device claim A-0001 --code-file code.1
at_b berth device claim A-0001 --code-file next.1 | grep 'owned' > /dev/null || fail 'not claimed'
at_b berth device claim A-0001 --code-file next.1 | grep 'owned' > /dev/null || fail 'the same again is refused'
name=$(sqlite3 "$(find acme/masa/state -name masa.db)" "SELECT o.name FROM owner o JOIN unit u ON u.row = o.unit
	WHERE u.serial_number = 'A-0001' AND o.until IS NULL")
[ "$name" = 'Second Hand' ] || fail "the MASA calls who claimed it $name"
said 'released by A with a new code, claimed by B with it; each repeated without harm'

# req: berth-claim-owned
printf '[rule "cameras"]\nmatch.manufacturer = Acme\nrequire.owned = yes\napprove = auto\n' > b/policy.conf
stop "$b_pid"
start_b
comes_to_b A-0002
[ "$code" = 403 ] || fail "B let on what it does not own: $code"
at_b berth device explain A-0002 | grep 'policy-not-owned' > /dev/null || fail 'B has another reason'
request A-0001 pvr.der
post A-0001 brski/requestvoucher $voucher_media pvr.der
[ "$code" = 403 ] || fail "A asks for a voucher for what it let go: $code"
berth device explain A-0001 | grep 'policy-not-owned' > /dev/null || fail 'A has another reason'
said 'what is claimed counts as owned, what was let go no more'

# ---- codes ----

ask() { # ask ACT BODY CURL-OPTION...: sets $code, writes body
	local act=$1 body=$2
	shift 2
	code=$(curl -s --noproxy '*' --cacert acme/root-ca.pem -H 'Content-Type: application/json' "$@" \
		--data-binary "$body" -D headers -o body -w '%{http_code}' "$masa/$act")
}
answered() { # answered STATUS WORDS WHAT
	[ "$code" = "$1" ] || fail "$3: $code: $(cat body)"
	cat headers body | grep -i "$2" > /dev/null || fail "$3: $(cat body)"
}
cat b/registrar.pem b/issuing.pem > b.chain
as_b=(--cert b.chain --key b/keys/registrar.key)
claim() { printf '{"serial-number":"%s","code":"%s"}' "$1" "$(cat "$2")"; }

# req: berth-claim-once
berth device release A-0002 > /dev/null
at_b berth device claim A-0002 --code-file code.2 > /dev/null
at_b berth device release A-0002 > /dev/null
says 'the code was used before' at_b berth device claim A-0002 --code-file code.2
# req: berth-ownership-own
ask release '{"serial-number":"A-0001"}' --cert home/registrar.pem --key home/keys/registrar.key
answered 403 berth-ownership-own "A releases what is B's by now"
ask release '{"serial-number":"A-0001"}'
answered 403 ownership-peer "released by nobody"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout own.key -out own.pem -subj '/CN=B' \
	-days 2 2> /dev/null
ask release '{"serial-number":"A-0001"}' --cert own.pem --key own.key
answered 403 ownership-peer "released by a CA's certificate"
said 'refused with 403: a release by the former owner, without a certificate, with one made at home'
# An owner's CA makes more than registrars: a print server's certificate, which names no purpose at all.
issued() { # issued NAME CA KEY EXTENSION...: NAME.pem of it, NAME.chain, NAME.key
	local name=$1 ca=$2 ca_key=$3
	shift 3
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$name.key" -subj "/CN=$name" 2> /dev/null |
		openssl x509 -req -CA "$ca" -CAkey "$ca_key" -days 2 -out "$name.pem" 2> /dev/null -extfile <(
			printf 'keyUsage=digitalSignature\nauthorityKeyIdentifier=keyid\n'
			[ $# = 0 ] || printf '%s\n' "$@"
		)
	cat "$name.pem" "$ca" > "$name.chain"
}
issued printer b/issuing.pem b/keys/issuing.key
ask release '{"serial-number":"A-0001"}' --cert printer.chain --key printer.key
answered 403 ownership-peer "released by a server of its owner's that is no registrar"
said 'refused with 403: a certificate of the owner for no purpose, which is no registrar'
berth registrar init --dir c --name 'Example Home' --host localhost --listen 127.0.0.1:0 > /dev/null
cat c/registrar.pem c/issuing.pem > c.chain
ask release '{"serial-number":"A-0001"}' --cert c.chain --key c/keys/registrar.key
answered 403 berth-ownership-own "released by a namesake of its owner"
said 'refused with 403: a domain of the same name as its owner'

# A stranger learns nothing of what there is.
ask claim "$(claim A-0002 code.3)" "${as_b[@]}"
[ "$code" = 403 ] || fail "a wrong code: $code: $(cat body)"
mv body wrong
grep -vi '^date:' headers > wrong.headers
ask claim "$(claim X-9999 code.3)" "${as_b[@]}"
cmp body wrong || fail "an unknown unit answers otherwise: $(cat body)"
grep -vi '^date:' headers | cmp - wrong.headers || fail 'an unknown unit has other headers'
said 'a wrong code and an unknown unit get the same answer'

# req: berth-claim-rate
ask claim "$(claim A-0002 code.3)" "${as_b[@]}"
restart_masa
for _ in 1 2; do
	ask claim "$(claim A-0002 code.3)" "${as_b[@]}"
	[ "$code" = 403 ] || fail "a wrong code: $code: $(cat body)"
done
ask claim "$(claim A-0002 code.2)" "${as_b[@]}"
answered 429 '^retry-after: [1-9]' 'after four wrong codes'
said 'after four wrong codes, the MASA restarted in between, none is looked at'

# ---- what B's own policy says of a unit that A had ----

explained() { # explained SERIAL RULE WHAT: B refused it for this
	comes_to_b "$1"
	[ "$code" = 403 ] || fail "$3: $code"
	at_b berth device explain "$1" | sed -n '/enrol: deny/,/^$/p' | grep "FAIL $2" > /dev/null ||
		fail "$3: $(at_b berth device explain "$1")"
	said "refused: $3 ($2)"
}
explained A-0001 audit-unknown-domain 'a unit that another domain had before'
berth device release A-0003 > /dev/null
at_b berth device claim A-0003 --code-file code.3 > /dev/null
comes_to_b A-0003
[ "$code" = 403 ] || fail "a second owner while the first has a voucher without nonce: $code"
at_b berth device explain A-0003 | grep 'FAIL.*rfc8995-5.6-outstanding' > /dev/null || fail 'the MASA has another reason'
said 'refused by the MASA: a voucher without nonce of the former owner still holds (rfc8995-5.6-outstanding)'
restart_masa "UPDATE voucher SET outstanding_until = issued_at - 1 WHERE nonce = x''" # it expired
explained A-0003 audit-nonceless 'a unit for which A holds a voucher without nonce'

domain_of() { # domain_of CERT.pem: the domainID as logs write it
	openssl x509 -in "$1" -noout -ext subjectKeyIdentifier | tail -n 1 | tr -d ' :' | xxd -r -p | base64
}
allow() { # allow LINE: in the policy of B
	echo "$1" >> b/policy.conf
	stop "$b_pid"
	start_b
}
at_b berth device explain A-0001 | grep "was given to unknown domain $(domain_of home/issuing.pem)" > /dev/null ||
	fail "the trace does not say which domain: $(at_b berth device explain A-0001)"
allow "$(printf '\n[domain "Example Home"]\nid = %s' "$(domain_of home/issuing.pem)")"
comes_to_b A-0001
[ "$code" = 200 ] || fail "refused although its former domain is named: $code: $(head -c 300 body)"
base64 -d body | openssl pkcs7 -inform DER -print_certs -out a1.pem
openssl verify -CAfile b/domain-ca.pem -untrusted b/issuing.pem a1.pem > /dev/null || fail "openssl does not verify it to B"
said 'with its former domain named it enrols at B; openssl verifies its certificate to the CA of B'
# A voucher without a nonce pins what outlives a registrar's issuing CA: its root.
allow "$(printf '\n[domain "Example Home, root"]\nid = %s' "$(domain_of home/domain-ca.pem)")"
# req: berth-policy-nonceless
explained A-0003 audit-nonceless 'the voucher without nonce, of a domain that is named'
at_b berth device explain A-0003 | grep "on .* listed domain \"Example Home, root\" ($(domain_of home/domain-ca.pem)) got" > /dev/null ||
	fail "the trace does not name the domain: $(at_b berth device explain A-0003)"
allow 'nonceless = yes'
comes_to_b A-0003
[ "$code" = 200 ] || fail "refused although its nonceless entries are allowed by name: $code: $(head -c 300 body)"
said 'with its nonceless entries allowed by name it enrols too'

# ---- a CA that calls itself as A's does ----

# req: rfc8995-5.8.1-2
ski=$(openssl x509 -in home/issuing.pem -noout -ext subjectKeyIdentifier | tail -n 1 | tr -d ' ')
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout forged.key -out forged.pem -subj '/CN=A' \
	-days 2 -addext "subjectKeyIdentifier=$ski" -addext keyUsage=keyCertSign 2> /dev/null
[ "$(domain_of forged.pem)" = "$(domain_of home/issuing.pem)" ] || fail 'the forged CA has another domainID'
issued stranger forged.pem forged.key extendedKeyUsage=clientAuth,1.3.6.1.5.5.7.3.28
log_of() { # log_of CERTIFICATE KEY CA: the audit log of A-0004; sets $code
	printf '{"ietf-voucher-request:voucher":{"created-on":"%s","serial-number":"A-0004","nonce":"%s"}}' \
		"$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$(openssl rand -base64 16)" > log.json
	openssl cms -sign -binary -nodetach -nosmimecap -in log.json -signer "$1" -inkey "$2" -certfile "$3" \
		-econtent_type 1.2.840.113549.1.9.16.1.40 -outform DER -out log.der
	code=$(curl -s --noproxy '*' --cacert acme/root-ca.pem -H "Content-Type: $voucher_media" --data-binary @log.der \
		-D headers -o body -w '%{http_code}' "https://localhost:$masa_port/.well-known/brski/requestauditlog")
}
onboard A-0004
log_of home/registrar.pem home/keys/registrar.key home/issuing.pem
[ "$code" = 200 ] || fail "A cannot read the log of what it owns: $code: $(cat body)"
log_of stranger.pem stranger.key forged.pem
answered 404 rfc8995-5.8.1-owner "the log for a CA with the key identifier of A's"
said 'refused with 404: the audit log, for a stranger whose CA has the key identifier of the owner'

# Its own vouchers would stand in the log as A's, and A would take them for its own once it has the unit.
# req: berth-domain-id
berth masa sell --serial A-0002 --owner forged.pem --socket acme/masa/admin.sock > /dev/null
printf '{"ietf-voucher-request:voucher":{"created-on":"%s","serial-number":"A-0002"}}' \
	"$(date -u +%Y-%m-%dT%H:%M:%SZ)" > ahead.json
openssl cms -sign -binary -nodetach -nosmimecap -in ahead.json -signer stranger.pem -inkey stranger.key -certfile forged.pem \
	-econtent_type 1.2.840.113549.1.9.16.1.40 -outform DER -out ahead.der
code=$(curl -s --noproxy '*' --cacert acme/root-ca.pem -H "Content-Type: $voucher_media" --data-binary @ahead.der \
	-D headers -o body -w '%{http_code}' "https://localhost:$masa_port/.well-known/brski/requestvoucher")
answered 403 berth-domain-id 'a voucher for the owner of a unit that calls itself by the key identifier of A'
said 'refused with 403: a voucher for an owner that calls itself by the key identifier of another'

# ---- A hands a unit to B in one step ----

printf '[rule "given"]\nmatch.serial = A-0004\napprove = auto\n\n' | cat - b/policy.conf > policy.new
mv policy.new b/policy.conf
stop "$b_pid"
start_b
comes_to_b A-0004
[ "$code" = 403 ] || fail "B got a voucher for A's unit: $code"
transfer() { printf '{"serial-number":"A-0004","owner-certificate":"%s"}' "$(openssl x509 -in "$1" -outform DER | base64 -w0)"; }
# req: berth-ownership-own
ask transfer "$(transfer b/domain-ca.pem)" "${as_b[@]}"
answered 403 berth-ownership-own "B takes A's unit by a transfer of its own"
says 'no manifest and no device' at_b berth device transfer A-0009 --owner b/domain-ca.pem
says "is no CA's; give its domain CA (ownership-next-owner)" berth device transfer A-0004 --owner b/registrar.pem
says 'x509-' berth device transfer A-0004 --owner b/registrar.conf
ask transfer '{"serial-number":"A-0004","owner-certificate":"MAA="}' --cert home/registrar.pem --key home/keys/registrar.key
answered 400 ownership-next-owner 'A names what is no certificate'
berth device transfer A-0004 --owner b/domain-ca.pem | grep 'Second Hand' > /dev/null || fail 'not transferred'
says 'berth-ownership-own' berth device transfer A-0004 --owner c/domain-ca.pem
comes_to_b A-0004
[ "$code" = 200 ] || fail "what A handed over does not come on at B: $code: $(head -c 300 body)"
base64 -d body | openssl pkcs7 -inform DER -print_certs -out a4.pem
openssl verify -CAfile b/domain-ca.pem -untrusted b/issuing.pem a4.pem > /dev/null || fail "openssl does not verify it to B"
request A-0004 pvr.der
post A-0004 brski/requestvoucher $voucher_media pvr.der
[ "$code" = 403 ] || fail "A gets a voucher for what it handed over: $code"
berth device explain A-0004 | grep 'rfc8995-5.5-owner' > /dev/null || fail "A has another reason: $(berth device explain A-0004)"
said 'handed to B in one step: it comes on at B, and the MASA refuses A (rfc8995-5.5-owner)'

# ---- the manufacturer's side ----

at_masa() { BERTH_MASA_SOCKET=$work/acme/masa/admin.sock "$@"; }
at_masa berth masa transfer --serial A-0003 --owner c/domain-ca.pem --name 'Third Hand' > /dev/null
ask release '{"serial-number":"A-0003"}' "${as_b[@]}"
answered 403 berth-ownership-own 'B releases what the manufacturer gave to another'
ask release '{"serial-number":"A-0003"}' --cert c.chain --key c/keys/registrar.key
answered 200 '"released"' 'its new owner releases it'
says 'nobody owns the unit' at_masa berth masa transfer --serial A-0003 --owner b/domain-ca.pem
at_masa berth masa release A-0001 > /dev/null
says 'is owned by this domain' at_b berth device release A-0001 --next-code-file taken
said 'from whom the manufacturer took a unit leaves no code to claim it again'
at_masa berth masa history A-0003 --json > history.json
sqlite3 :memory: "select count(*), sum(json_extract(value, '$.until') is not null) from json_each(readfile('history.json'), '$.owners')" |
	grep -x '3|3' > /dev/null || fail "the owners of A-0003: $(cat history.json)"
for event in owner.set owner.ended voucher.requested voucher.denied ownership.refused; do
	grep -q "\"event\":\"$event\"" history.json || fail "the history has no $event: $(cat history.json)"
done
at_masa berth masa history A-0003 | grep 'Third Hand' > /dev/null || fail 'the history for people names no owner'
berth audit verify --socket acme/masa/admin.sock > /dev/null
said 'three owners of A-0003 in its history, each come and gone; the chain of the audit log holds'

# req: berth-masa-refusals
refusals() { sqlite3 "file:acme/masa/state/masa.db?mode=ro" "SELECT count(*) FROM audit WHERE event = 'ownership.refused'"; }
before=$(refusals)
curl -s --noproxy '*' --cacert acme/root-ca.pem -H 'Content-Type: application/json' "${as_b[@]}" \
	--data-binary '{"serial-number":"A-0003"}' "$masa/release?[1-100]" > many
[ "$(grep -c berth-ownership-own many)" = 100 ] || fail "not all of 100 were refused: $(tail -n 1 many)"
more=$(($(refusals) - before))
[ "$more" -ge 20 ] && [ "$more" -le 32 ] || fail "100 refusals are $more entries of the audit log"
said "a stranger who is refused 100 times makes $more entries in the audit log, and no more for a minute"

# ---- a unit whose MASA its birth certificate or its manifest names, and no configuration ----

sed -i "s/^masa-url = .*/masa-url = localhost:$masa_port/" acme/factory.conf
for serial in A-0011 A-0012; do pledge_key "$serial"; done
{ echo 'serial-number,model,csr'; grep '^A-001' units.csv; } > more.csv
berth factory make --dir acme --units more.csv --out more --claim-codes > /dev/null
cp more/A-0011/idevid.pem pledge/A-0011/
at_masa berth masa load more/*.manifest > /dev/null
for serial in A-0011 A-0012; do
	(umask 077 && sed -n "s/^\"$serial\",//p" more/claim-codes.csv > "code.$serial")
done
sed -i '/^masa-url/d' b/registrar.conf
printf '[rule "cameras"]\nmatch.manufacturer = Acme\nrequire.owned = yes\napprove = auto\n' > b/policy.conf
stop "$b_pid"
start_b
says 'no MASA is known for this device; .*masa-url' at_b berth device claim A-0011 --code-file code.A-0011
comes_to_b A-0011
[ "$code" = 403 ] || fail "B let on what it does not own: $code"
says 'has this code' at_b berth device claim A-0011 --code-file code.A-0012
at_b berth device claim A-0011 --code-file code.A-0011 | grep 'owned' > /dev/null || fail 'not claimed'
comes_to_b A-0011
[ "$code" = 200 ] || fail "what B claimed does not come on: $code: $(head -c 300 body)"
said 'a unit that waits at B is claimed from the MASA that its birth certificate names, and comes on'
at_b berth device import more/*.manifest --manufacturer Acme > /dev/null
at_b berth device claim A-0012 --code-file code.A-0012 | grep 'owned' > /dev/null || fail 'not claimed'
name=$(sqlite3 "$(find acme/masa/state -name masa.db)" "SELECT o.name FROM owner o JOIN unit u ON u.row = o.unit
	WHERE u.serial_number = 'A-0012' AND o.until IS NULL")
[ "$name" = 'Second Hand' ] || fail "the MASA's owner of A-0012 is '$name'"
said 'a unit that nobody saw yet is claimed from the MASA that its manifest names'
