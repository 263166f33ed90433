#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# berth-mean fails, delays, redirects and writes oddly as the specifications allow; every device comes on all the same.
# BERTH_DEVICES devices (default 60), so many at a time; each run of the agent is a process of its own, as on devices.
set -euo pipefail
programs=${BERTH_PROGRAMS:?the folder of the programs}
PATH=$programs:$PATH
devices=${BERTH_DEVICES:-60}
at_once=${BERTH_AT_ONCE:-12}
seed=${BERTH_SEED:-8995}
command -v openssl > /dev/null || { echo "missing: openssl"; exit 77; }
work=$(mktemp -d)
mean_pid=
ended() {
	status=$?
	[ -z "$mean_pid" ] || kill "$mean_pid" 2> /dev/null || true
	wait || true
	[ "$status" = 0 ] || { grep -v "level=info" "$work/mean.log"; tail -n 5 "$work"/failed/*.log; } 2> /dev/null || true
	rm -rf "$work"
}
trap ended EXIT
cd "$work"
said() { echo "ok: $*"; }
fail() { echo "FAILED: $*"; exit 1; }

echo 'serial-number,model' > units.csv
for i in $(seq "$devices"); do printf 'M-%04d,mean-1\n' "$i"; done >> units.csv
berth factory init --dir acme --name 'Acme TEST' --masa-url masa.invalid --masa-host localhost > /dev/null
berth factory make --dir acme --units units.csv --out units > /dev/null
berth registrar init --dir home --name 'Home TEST' --host localhost --listen 127.0.0.1:0 > /dev/null

conf() { # conf FILE SIGNER-FOLDER
	cat > "$1" <<-END
		[mean]
		listen = 127.0.0.1:0
		listen-second = 127.0.0.1:0
		listen-masa = 127.0.0.1:0
		host = 127.0.0.1
		port-file = ports
		seed = $seed
		[owner]
		tls-certificates = home/registrar.pem
		tls-key = file:home/keys/registrar.key
		issuing-certificates = home/issuing.pem
		issuing-key = file:home/keys/issuing.key
		[maker]
		anchors = $2/root-ca.pem
		signer-certificates = $2/masa/voucher.pem
		signer-key = file:$2/masa/voucher.key
	END
}
# Keys that are not for tests are refused by name, whichever they are.
berth factory init --dir real --name 'Acme' --masa-url masa.invalid --masa-host localhost > /dev/null
berth factory init --dir nearly --name 'Acme TESTING' --masa-url masa.invalid --masa-host localhost > /dev/null
for maker in real nearly; do
	conf "$maker.conf" "$maker"
	status=0
	berth-mean --config "$maker.conf" --check-config 2> error || status=$?
	[ "$status" = 3 ] && grep -q mean-not-a-test error || fail "keys of $maker: $status: $(cat error)"
done
said 'keys that are not for tests are refused'
conf mean.conf acme
berth-mean --config mean.conf --check-config
${BERTH_WRAP:-} berth-mean --config mean.conf > counts 2> mean.log &
mean_pid=$!
for _ in $(seq 200); do
	[ -s ports ] && break
	kill -0 "$mean_pid" || fail 'berth-mean has ended'
	read -r -t 0.1 <> <(:) || true
done
[ -s ports ] || fail 'berth-mean does not serve'
port=$(head -n 1 ports)
mkdir failed

device() { # device SERIAL: the agent, as long as it takes
	mkdir -p "device/$1"
	cat > "device/$1.conf" <<-END
		[device]
		idevid-certificates = ../units/$1/idevid.pem
		idevid-key = file:../units/$1/idevid.key
		manufacturer-anchors = ../units/$1/manufacturer-anchors.pem
		state-directory = $1
		[discovery]
		dns-sd = no
		registrar = 127.0.0.1:$port
	END
	berth-device --config "device/$1.conf" run --once --timeout "${BERTH_WAIT_S:-120}" 2> "device/$1.log" ||
		mv "device/$1.log" "failed/$1.log"
}
export -f device
export port
begin=$EPOCHREALTIME
tail -n +2 units.csv | cut -d, -f1 | xargs -P "$at_once" -I{} bash -c 'device "$1"' _ {}
took=$(((${EPOCHREALTIME/./} - ${begin/./}) / 1000))
missing=$(find failed -name '*.log' | wc -l)
came=0
for serial in $(tail -n +2 units.csv | cut -d, -f1); do
	openssl verify -CAfile home/domain-ca.pem -untrusted home/issuing.pem "device/$serial/ldevid.pem" > /dev/null 2>&1 &&
		came=$((came + 1))
done
kill "$mean_pid"
wait "$mean_pid" || fail 'berth-mean ended with an error'
mean_pid=
cat counts
[ "$missing" = 0 ] && [ "$came" = "$devices" ] || fail "$came of $devices devices came on"
# It was mean: each kind happened (with so many devices each is certain but for the seed's sake).
for kind in failed 'connection ended' 'told to wait' 'sent elsewhere' 'written oddly'; do
	grep -q "$kind [1-9]" counts || fail "nothing was $kind"
done
said "$came of $devices devices came on, in $took ms, $at_once at a time (seed $seed); openssl verifies their certificates"
