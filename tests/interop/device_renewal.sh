#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Certificates of twelve seconds: berth-device renews its own twice by itself, each time with a new key that openssl verifies; it
# is told to renew by a re-key campaign; a device whose certificate ended while it was off comes back by itself; one that
# was revoked does not.
set -euo pipefail

programs=${BERTH_PROGRAMS:?the folder of the programs}
PATH=$programs:$PATH
for tool in openssl python3; do
	command -v "$tool" > /dev/null || { echo "missing: $tool"; exit 77; }
done

work=$(mktemp -d)
pids=()
ended() {
	status=$?
	[ "${#pids[@]}" -eq 0 ] || kill "${pids[@]}" 2> /dev/null || true
	wait || true
	[ "$status" -eq 0 ] || tail -n 30 "$work"/*.log 2> /dev/null || true
	rm -rf "$work"
}
trap ended EXIT
cd "$work"

said() { echo "ok: $*"; }
fail() { echo "FAILED: $*"; exit 1; }
until_true() { # until_true TENTHS WHAT COMMAND...
	local tenths=$1 what=$2
	shift 2
	for _ in $(seq "$tenths"); do
		! "$@" 2> /dev/null || return 0
		read -r -t 0.1 <> <(:) || true
	done
	fail "$what: not in time"
}

printf 'serial-number,model\nA-0001,cam-1\nE-0001,cam-1\nR-0001,cam-1\n' > units.csv
berth factory init --dir acme --name Acme --masa-url masa.invalid --masa-host localhost > /dev/null
berth factory make --dir acme --units units.csv --out units > /dev/null
berth registrar init --dir home --name 'Example Home' --host localhost --listen 127.0.0.1:0 > /dev/null
berth factory sell --dir acme --all --owner home/domain-ca.pem --out sale.manifest > /dev/null
sed -i 's/^listen = .*/listen = 127.0.0.1:0/; /^port-file/d' acme/masa/masa.conf
sed -i "s|^\[daemon\]|&\nport-file = $work/masa.port|" acme/masa/masa.conf
berth-masa --config acme/masa/masa.conf 2> masa.log &
pids+=($!)
until_true 200 'the MASA' test -s masa.port
for manifest in units/*.manifest sale.manifest; do
	berth masa load --socket acme/masa/admin.sock "$manifest" > /dev/null
done
sed -i 's/^issuing-key = .*/&\ncertificate-lifetime = 12s/' home/registrar.conf
sed -i 's/^\[registrar\]/&\nest-proof-linking = required/' home/registrar.conf
cat >> home/registrar.conf <<-END
	[manufacturer "Acme"]
	anchors = $work/acme/root-ca.pem
	masa-url = localhost:$(cat masa.port)
END
cat > home/policy.conf <<-END
	[rule "cameras"]
	match.manufacturer = Acme
	require.owned = yes
	approve = auto
END
berth-registrar --config home/registrar.conf 2> registrar.log &
pids+=($!)
until_true 200 'the registrar' test -s home/port
export BERTH_ADMIN_SOCKET=$work/home/admin.sock
berth device import sale.manifest --manufacturer Acme > /dev/null

conf() { # conf SERIAL
	sed -E "s#= (file:)?(idevid|manufacturer-anchors)\.#= \1units/$1/\2.#" "units/$1/device.conf" > "$1.conf"
	sed -i "s|^state-directory = .*|state-directory = $work/$1.state|" "$1.conf"
	printf '\n[discovery]\ndns-sd = no\nregistrar = 127.0.0.1:%s\n\n[renewal]\ncheck-every = 1s\n' "$(cat home/port)" >> "$1.conf"
}
start() { # start SERIAL: sets $pid
	berth-device --config "$1.conf" run 2>> "$1.log" &
	pid=$!
	pids+=("$pid")
}
serial_of() { openssl x509 -in "$1.state/ldevid.pem" -noout -serial; }
key_of() { openssl x509 -in "$1.state/ldevid.pem" -noout -pubkey; }
has_another() { # has_another SERIAL CERTIFICATE-SERIAL
	[ "$(serial_of "$1")" != "$2" ] && [ -n "$(serial_of "$1")" ]
}
is_whole() { # is_whole SERIAL: openssl verifies, one key on the disk, and it is the certificate's
	openssl verify -CAfile home/domain-ca.pem -untrusted "$1.state/ldevid.pem" "$1.state/ldevid.pem" > /dev/null
	until_true 30 "the old key of $1 goes" one_key "$1"
	[ "$(key_of "$1")" = "$(openssl pkey -in "$1".state/ldevid-*.key -pubout)" ]
	openssl x509 -in "$1.state/ldevid.pem" -noout -subject | grep "$1" > /dev/null
}
one_key() { [ "$(find "$1.state" -name 'ldevid-*.key' | wc -l)" -eq 1 ]; }
logged() { grep -q -- "$2" "$1.log"; }

for serial in A-0001 E-0001 R-0001; do conf "$serial"; done

# ---- ends while it is off: E-0001; it waits in the background of what follows ----
berth-device --config E-0001.conf run --once --timeout 30 2>> E-0001.log
berth-device --config R-0001.conf run --once --timeout 30 2>> R-0001.log
off_since=$(serial_of E-0001)
off_revoked=$(serial_of R-0001)
ends=$(date -d "$(openssl x509 -in R-0001.state/ldevid.pem -noout -enddate | cut -d= -f2)" +%s)
berth device revoke R-0001 > /dev/null

start A-0001
until_true 100 'A-0001 is onboarded' test -s A-0001.state/ldevid.pem
first=$(serial_of A-0001)
cp A-0001.state/ldevid.pem first.pem
first_key=$(key_of A-0001)
berth registrar rekey start --rate 600 > /dev/null
until_true 100 'A-0001 follows the re-key campaign' has_another A-0001 "$first"
is_whole A-0001
[ "$(key_of A-0001)" != "$first_key" ]
second=$(serial_of A-0001)
began() { date -d "$(openssl x509 -in "$1" -noout -startdate | cut -d= -f2)" +%s; }
[ $(($(began A-0001.state/ldevid.pem) - $(began first.pem))) -lt 8 ] || fail 'it renewed at two thirds, not when it was told'
berth registrar rekey status --json > rekey.json; grep -q '"done":1' rekey.json || fail "the campaign: $(cat rekey.json)"
said 'told by a re-key campaign, it renews at once, with a new key'
until_true 200 'A-0001 renews at two thirds' has_another A-0001 "$second"
is_whole A-0001
kill "$pid"
wait "$pid"
said 'at two thirds of its life it renews by itself, and ends with 0 when it is asked to'

until_past_end() { [ "$(date +%s)" -gt "$ends" ]; }
until_true 300 'the certificates end' until_past_end
start E-0001
start R-0001
until_true 150 'E-0001 comes back' has_another E-0001 "$off_since"
is_whole E-0001
logged E-0001 renewal.over
said 'a device whose certificate ended while it was off onboards again without anybody'
until_true 150 'R-0001 is refused' logged R-0001 'rfc8995-5\|pledge.failed'
! has_another R-0001 "$off_revoked" || fail 'a revoked device came back'
said 'a revoked device does not come back'
