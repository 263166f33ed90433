#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A unit is sold to A, B wants it: a factory, its MASA, and two owners with registrars of their own. What B is refused
# before A lets go, what a claim code opens and what it does not, and what B's own policy says of a unit that A had.
# shellcheck source-path=SCRIPTDIR source=pledge_lib.sh
masa_settings='wrong-codes-per-unit = 4\nwrong-codes-per-source = 9\nallow-nonceless = yes'
registrar_settings='stored-vouchers = fallback'
factory_make_options=(--claim-codes)
. "$(dirname "$0")/pledge_lib.sh"
command -v python3 > /dev/null || { echo "missing: python3"; exit 77; }
start_manufacturer "A-0001 A-0002 A-0003"
start_owner
masa_socket=acme/masa/admin.sock
masa=https://localhost:$(cat masa.port)/.well-known/berth

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

berth device release A-0001 --next-code-file next.1 | grep -q 'released' || fail 'not released'
berth device release A-0001 --next-code-file next.1 | grep -q 'released' || fail 'the same again is refused'
says 'has this code' at_b berth device claim A-0001 --code-file code.1
at_b berth device claim A-0001 --code-file next.1 | grep -q 'owned' || fail 'not claimed'
at_b berth device claim A-0001 --code-file next.1 | grep -q 'owned' || fail 'the same again is refused'
said 'released by A with a new code, claimed by B with it; each repeated without harm'

# req: berth-claim-owned
printf '[rule "cameras"]\nmatch.manufacturer = Acme\nrequire.owned = yes\napprove = auto\n' > b/policy.conf
stop "$b_pid"
start_b
comes_to_b A-0002
[ "$code" = 403 ] || fail "B let on what it does not own: $code"
at_b berth device explain A-0002 | grep -q 'policy-not-owned' || fail 'B has another reason'
request A-0001 pvr.der
post A-0001 brski/requestvoucher $voucher_media pvr.der
[ "$code" = 403 ] || fail "A asks for a voucher for what it let go: $code"
berth device explain A-0001 | grep -q 'policy-not-owned' || fail 'A has another reason'
said 'what is claimed counts as owned, what was let go no more'

# ---- what B's own policy says of a unit that A had ----

explained() { # explained SERIAL RULE WHAT: B refused it for this
	comes_to_b "$1"
	[ "$code" = 403 ] || fail "$3: $code"
	at_b berth device explain "$1" | sed -n '/enrol: deny/,/^$/p' | grep -q "FAIL $2" ||
		fail "$3: $(at_b berth device explain "$1")"
	said "refused: $3 ($2)"
}
explained A-0001 audit-unknown-domain 'a unit that another domain had before'
