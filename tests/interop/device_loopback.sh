#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# All of Berth's own programs on the loopback: units leave the factory, berth-device brings one onto its owner's network
# through berth-registrar and berth-masa, and openssl judges what it got. Then kill -9 of the device at random moments,
# a reset, and devices that the owner's policy keeps out.
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
until_there() { # until_there FILE PID
	for _ in $(seq 200); do
		[ ! -s "$1" ] || return 0
		kill -0 "$2" 2> /dev/null || fail "the program that should write $1 has ended"
		read -r -t 0.1 <> <(:) || true
	done
	fail "$1 was not written in time"
}

# ---- the manufacturer ----
printf 'serial-number,model\nA-0001,cam-1\nA-0002,cam-1\nA-0003,cam-1\nD-0001,cam-1\nU-0001,cam-1\n' > units.csv
berth factory init --dir acme --name Acme --masa-url masa.invalid --masa-host localhost > /dev/null
berth factory make --dir acme --units units.csv --out units > /dev/null

# ---- the owner ----
berth registrar init --dir home --name 'Example Home' --host localhost --listen 127.0.0.1:0 > /dev/null
berth factory sell --dir acme --serial A-0001 --serial A-0002 --serial A-0003 --serial D-0001 \
	--owner home/domain-ca.pem --out sale.manifest > /dev/null

sed -i 's/^listen = .*/listen = 127.0.0.1:0/; /^port-file/d' acme/masa/masa.conf
sed -i "s|^\[daemon\]|&\nport-file = $work/masa.port|" acme/masa/masa.conf
berth-masa --config acme/masa/masa.conf 2> masa.log &
pids+=($!)
until_there masa.port "${pids[0]}"
masa_socket=acme/masa/admin.sock
for manifest in units/*.manifest sale.manifest; do
	berth masa load --socket "$masa_socket" "$manifest" > /dev/null
done

cat >> home/registrar.conf <<-END
	[manufacturer "Acme"]
	anchors = $work/acme/root-ca.pem
	masa-url = localhost:$(cat masa.port)
END
cat > home/policy.conf <<-END
	[rule "stolen"]
	match.serial = D-*
	deny = yes

	[rule "asked"]
	match.serial = A-0003
	approve = operator

	[rule "cameras"]
	match.manufacturer = Acme
	require.owned = yes
	require.assertion = proximity, verified
	approve = auto
	segment = cameras
END
berth-registrar --config home/registrar.conf 2> registrar.log &
pids+=($!)
until_there home/port "${pids[1]}"
export BERTH_ADMIN_SOCKET=$work/home/admin.sock
berth device import sale.manifest --manufacturer Acme > /dev/null

# ---- the devices ----
conf() { # conf SERIAL: the factory's own device.conf, and where to look
	sed -E "s#= (file:)?(idevid|manufacturer-anchors)\.#= \1units/$1/\2.#" "units/$1/device.conf" > "$1.conf"
	sed -i "s|^state-directory = .*|state-directory = $work/$1.state|" "$1.conf"
	printf '\n[discovery]\ndns-sd = no\nregistrar = 127.0.0.1:%s\n' "$(cat home/port)" >> "$1.conf"
}
device() { # device SERIAL VERB...
	local serial=$1
	shift
	berth-device --config "$serial.conf" "$@" 2>> "$serial.log"
}
must_end_with() { # must_end_with STATUS COMMAND...
	local want=$1 got=0
	shift
	"$@" || got=$?
	[ "$got" -eq "$want" ] || fail "expected exit status $want, got $got from: $*"
}
keys_of() { find "$1.state" -name 'ldevid-*.key' 2> /dev/null | wc -l; }
key_fits() { [ "$(openssl x509 -in "$1.state/ldevid.pem" -noout -pubkey)" = "$(openssl pkey -in "$1".state/ldevid-*.key -pubout)" ]; }
is_whole() { # is_whole SERIAL: enrolled, by its owner, with its own key, and the registrar knows
	openssl verify -CAfile home/domain-ca.pem -untrusted "$1.state/ldevid.pem" "$1.state/ldevid.pem" > /dev/null
	[ "$(keys_of "$1")" -eq 1 ]
	key_fits "$1"
	openssl x509 -in "$1.state/ldevid.pem" -noout -subject | grep "$1" > /dev/null
	device "$1" status --json | python3 -c 'import json,sys; s=json.load(sys.stdin); assert s["state"] == "enrolled" and s["told"]'
}

conf A-0001
device A-0001 run --once --timeout 60
is_whole A-0001
said "A-0001 is onboarded, and openssl verifies its certificate to the owner's CA"

cp A-0001.state/ldevid.pem first.pem
device A-0001 reset
[ "$(keys_of A-0001)" -eq 0 ] && [ ! -e A-0001.state/ldevid.pem ]
began=$(date +%s%N)
device A-0001 run --once --timeout 60
took_ms=$((($(date +%s%N) - began) / 1000000))
is_whole A-0001
[ "$(openssl x509 -in A-0001.state/ldevid.pem -noout -pubkey)" != "$(openssl x509 -in first.pem -noout -pubkey)" ]
[ "$(openssl x509 -in A-0001.state/ldevid.pem -noout -serial)" != "$(openssl x509 -in first.pem -noout -serial)" ]
said "after a reset it is onboarded again, with a new key and certificate"

conf A-0002
cut=0
for round in $(seq 10); do
	berth-device --config A-0002.conf run --once --timeout 60 2>> A-0002.log &
	pid=$!
	read -r -t "$(printf '0.%03d' $((RANDOM % (took_ms * 3 / 2 + 1) % 1000)))" <> <(:) || true
	kill -KILL "$pid" 2> /dev/null || true
	wait "$pid" 2> /dev/null || true
	[ "$(keys_of A-0002)" -le 1 ] || fail "keys pile up in round $round"
	if device A-0002 status --json | grep '"enrolled"' > /dev/null; then
		device A-0002 reset
	else
		cut=$((cut + 1))
	fi
done
device A-0002 run --once --timeout 60
is_whole A-0002
said "killed ten times at random moments ($cut before it was enrolled), A-0002 gets on"

conf A-0003
berth-device --config A-0003.conf run --once --timeout 90 2>> A-0003.log &
waiting=$!
for _ in $(seq 100); do
	id=$(berth device list --json | python3 -c 'import json,sys; print("".join(d["id"] for d in json.load(sys.stdin)["devices"] if d["state"] == "pending"))')
	[ -z "$id" ] || break
	read -r -t 0.1 <> <(:) || true
done
[ -n "$id" ] || fail "A-0003 does not wait for the operator"
[ ! -e A-0003.state/ldevid.pem ]
berth device approve "$id" > /dev/null
wait "$waiting"
is_whole A-0003
said "A-0003 waits until the operator approves"

for serial in D-0001 U-0001; do
	conf "$serial"
	must_end_with 3 device "$serial" run --once --timeout 30
	[ "$(keys_of "$serial")" -eq 0 ]
	said "$serial is kept out and ends with 3: $(grep -o 'status=[0-9]*' "$serial.log" | tail -n 1)"
done
berth device deny D-0001 > /dev/null
berth device list > list.txt
grep -Eq 'D-0001 +denied +Acme' list.txt || fail "the list does not show the operator's no"
said "the list shows the operator's no"
