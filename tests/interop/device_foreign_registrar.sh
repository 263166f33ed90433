#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# berth-device against registrars, MASAs and CAs made of Python and openssl alone, sharing no code with us: it onboards,
# survives kill -9 at any moment, onboards again after a reset with a new key, and refuses every mistake.
set -euo pipefail

programs=${BERTH_PROGRAMS:?the folder of the programs}
here=$(cd "$(dirname "$0")" && pwd)
PATH=$programs:$PATH
for tool in python3 openssl; do
	command -v "$tool" > /dev/null || { echo "missing: $tool"; exit 77; }
done

work=$(mktemp -d)
pids=()
ended() {
	status=$?
	[ "${#pids[@]}" -eq 0 ] || kill "${pids[@]}" 2> /dev/null || true
	wait || true
	[ "$status" -eq 0 ] || tail -n 30 "$work"/*.err 2> /dev/null || true
	rm -rf "$work"
}
trap ended EXIT
cd "$work"

said() { echo "ok: $*"; }
fail() { echo "FAILED: $*"; exit 1; }

key() { openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt > "$1.key" && chmod 600 "$1.key"; }
root() { # root NAME COMMON-NAME
	key "$1"
	openssl req -x509 -key "$1.key" -out "$1.pem" -days 30 -subj "/CN=$2" \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
}
issue() { # issue NAME SUBJECT ISSUER EXTENSIONS
	key "$1"
	printf '%b' "$4" > "$1.ext"
	openssl req -new -key "$1.key" -subj "$2" | openssl x509 -req -CA "$3.pem" -CAkey "$3.key" -CAcreateserial \
		-days 30 -extfile "$1.ext" -out "$1.pem" 2> /dev/null
}
ra='extendedKeyUsage=serverAuth,1.3.6.1.5.5.7.3.28\nsubjectAltName=DNS:registrar.example\n'
root maker 'Maker Root'
root rogue-maker 'Rogue Maker'
root owner 'Owner CA'
issue masa /CN=MASA maker 'keyUsage=digitalSignature\n'
issue rogue-masa /CN=MASA rogue-maker 'keyUsage=digitalSignature\n'
issue idevid /CN=Lamp/serialNumber=L-0001 maker '1.3.6.1.5.5.7.1.32=ASN1:IA5STRING:masa.example\n'
printf 'extendedKeyUsage=clientAuth\n' > ldevid.ext
issue other /CN=Other owner "$ra"

start_registrar() { # start_registrar NAME [MODE [EXTENSIONS]]
	issue "$1" "/CN=$1" owner "${3:-$ra}"
	python3 "$here/foreign_registrar.py" "$work" "$1" "${2:-honest}" 2> "$1.err" &
	pids+=($!)
	for _ in $(seq 100); do
		[ ! -s "$1.port" ] || return 0
		read -r -t 0.1 <> <(:) || true
	done
	fail "the registrar $1 does not start"
}

conf() { # conf NAME [REGISTRAR...]
	local name=$1 list=
	shift
	for registrar in "$@"; do list+=${list:+, }127.0.0.1:$(cat "$registrar.port"); done
	cat > "$name.conf" <<-END
		[device]
		idevid-certificates = $work/idevid.pem
		idevid-key = file:$work/idevid.key
		manufacturer-anchors = $work/maker.pem
		state-directory = $work/$name

		[discovery]
		dns-sd = no
		registrar = $list
	END
}
device() { # device NAME VERB...
	local name=$1
	shift
	berth-device --config "$name.conf" "$@" 2>> "$name.err"
}
must_end_with() { # must_end_with STATUS COMMAND...
	local want=$1 got=0
	shift
	"$@" || got=$?
	[ "$got" -eq "$want" ] || fail "expected exit status $want, got $got from: $*"
}
keys_of() { find "$1" -name 'ldevid-*.key' | wc -l; }

# ---- it onboards ----
start_registrar honest
conf d1 honest
device d1 run --once --timeout 30
openssl verify -CAfile owner.pem d1/ldevid.pem > /dev/null
[ "$(openssl x509 -in d1/ldevid.pem -noout -pubkey)" = "$(openssl pkey -in d1/ldevid-*.key -pubout)" ]
[ "$(cut -f2 honest.log | sed 's,.*/,,' | tr '\n' ' ')" = 'requestvoucher voucher_status cacerts csrattrs simpleenroll enrollstatus ' ]
[ "$(tail -n 1 honest.log | cut -f4,5)" = $'Owner CA\tTrue' ]
[ "$(head -n 1 honest.log | cut -f3,4)" = $'L-0001\tMaker Root' ]
device d1 status --json | python3 -c 'import json,sys; s=json.load(sys.stdin); assert s["state"]=="enrolled" and s["told"] and s["serial-number"]=="L-0001"'
said "it onboards with a registrar of Python and openssl, and says so with its new certificate"

device d1 run --once --timeout 30
[ "$(wc -l < honest.log)" -eq 6 ]
said "it does nothing when it is onboarded"

# ---- reset ----
cp d1/ldevid.pem first.pem
device d1 reset
[ ! -e d1/ldevid.pem ] && [ "$(keys_of d1)" -eq 0 ]
device d1 status --json | grep '"unconfigured"' > /dev/null
began=$(date +%s%N)
device d1 run --once --timeout 30
took_ms=$((($(date +%s%N) - began) / 1000000))
[ "$(openssl x509 -in d1/ldevid.pem -noout -pubkey)" != "$(openssl x509 -in first.pem -noout -pubkey)" ]
said "after a reset it onboards again, with a new key"

# ---- a key that is made in a token and never leaves it ----
module=$(ls /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so 2> /dev/null | head -n 1 || true)
if [ -n "$module" ] && command -v softhsm2-util > /dev/null; then
	mkdir tokens
	printf 'directories.tokendir = %s\n' "$work/tokens" > softhsm2.conf
	export SOFTHSM2_CONF=$work/softhsm2.conf
	softhsm2-util --init-token --free --label device --pin 8642 --so-pin 9753 > /dev/null
	printf 8642 > pin
	chmod 600 pin
	conf d7 honest
	sed -i "s|^\[device\]|&\nldevid-key = pkcs11:token=device;object=ldevid-{id}?module-path=$module\&pin-source=file:$work/pin|" d7.conf
	device d7 run --once --timeout 30
	openssl verify -CAfile owner.pem d7/ldevid.pem > /dev/null
	device d7 status --json | grep '"key-storage":"token"' > /dev/null
	[ "$(keys_of d7)" -eq 0 ]
	objects() { find tokens -name '*.object' | wc -l; }
	[ "$(objects)" -gt 0 ]
	! grep -rq 8642 d7 d7.err
	device d7 reset
	[ "$(objects)" -eq "$(find tokens -name token.object | wc -l)" ]
	said "it makes its key in a PKCS#11 token, tells and resets with it"
else
	echo "SKIPPED: no SoftHSM here, so no key in a token"
fi

# ---- waiting, and connections that do not last ----
start_registrar waits wait
conf d2 waits
device d2 run --once --timeout 60
[ "$(grep -c requestvoucher waits.log)" -eq 4 ]
said "it waits while the registrar says 202, and sends the same bytes"
start_registrar hangs hangup
conf d3 hangs
device d3 run --once --timeout 60
said "it gets through when the registrar closes the connection after every reply"

# ---- kill -9 ----
kill_at() { # kill_at MILLISECONDS
	berth-device --config d4.conf run --once --timeout 60 2>> d4.err &
	local pid=$!
	read -r -t "$(printf '0.%03d' "$1")" <> <(:) || true
	kill -KILL "$pid" 2> /dev/null || true
	wait "$pid" 2> /dev/null || true
}
conf d4 honest
cut=0
for round in $(seq 10); do
	kill_at $((RANDOM % (took_ms * 3 / 2 + 1) % 1000))
	[ "$(keys_of d4 2> /dev/null || echo 0)" -le 1 ] || fail "keys pile up in round $round"
	if device d4 status --json | grep '"enrolled"' > /dev/null; then
		[ "$(openssl x509 -in d4/ldevid.pem -noout -pubkey)" = "$(openssl pkey -in d4/ldevid-*.key -pubout)" ] ||
			[ ! -e d4/ldevid.pem ] # the state is written first
		device d4 reset
	else
		cut=$((cut + 1))
	fi
done
device d4 run --once --timeout 60
[ "$(keys_of d4)" -eq 1 ]
openssl verify -CAfile owner.pem d4/ldevid.pem > /dev/null
[ "$(openssl x509 -in d4/ldevid.pem -noout -pubkey)" = "$(openssl pkey -in d4/ldevid-*.key -pubout)" ]
device d4 status --json | grep '"told":true' > /dev/null
said "killed ten times at random moments ($cut before it was enrolled), it gets on, with one key"

# ---- refusals ----
for mode in other-nonce other-serial other-pin other-maker forbid; do
	start_registrar "$mode" "$mode"
	conf "r-$mode" "$mode"
	must_end_with 3 device "r-$mode" run --once --timeout 30
	! grep -q /est/ "$mode.log"
	[ "$mode" = forbid ] || [ "$(grep voucher_status "$mode.log" | cut -f5)" = False ]
	[ "$(keys_of "r-$mode")" -eq 0 ]
	said "it refuses: $mode: $(grep -o 'rule=[^ ]*' "r-$mode.err" | head -n 1)"
done
start_registrar no-ra honest 'extendedKeyUsage=serverAuth\n'
conf r-no-ra no-ra
must_end_with 3 device r-no-ra run --once --timeout 30
grep -q no-cmc-ra r-no-ra.err
said "it refuses a registrar without id-kp-cmcRA"

# ---- the right one among rogues ----
conf d5 other-nonce other-pin honest
device d5 run --once --timeout 60
openssl verify -CAfile owner.pem d5/ldevid.pem > /dev/null
said "it finds its owner's registrar behind two others"

# ---- nobody ----
printf '1\n' > nobody.port
conf d6 nobody
must_end_with 5 device d6 run --once --timeout 2
said "it says so when nobody answers"
