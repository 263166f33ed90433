#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A device whose birth key was made in its TPM, and whose own key is made there too: from the factory through
# berth-registrar and berth-masa to its certificate, with tpm2-tools and openssl as judges. Then the TPM goes away in the
# middle and comes back, and a reset leaves no key of the owner's behind.
set -euo pipefail

programs=${BERTH_PROGRAMS:?the folder of the programs}
PATH=$programs:$PATH
for tool in openssl python3 swtpm tpm2_readpublic tpm2_getcap; do
	command -v "$tool" > /dev/null || { echo "missing: $tool"; exit 77; }
done

work=$(mktemp -d)
pids=()
tpm_pid=
ended() {
	status=$?
	[ -z "$tpm_pid" ] || stop_tpm
	[ "${#pids[@]}" -eq 0 ] || kill "${pids[@]}" 2> /dev/null || true
	wait || true
	[ "$status" -eq 0 ] || tail -n 30 "$work"/*.log 2> /dev/null || true
	rm -rf "$work"
}
trap ended EXIT
cd "$work"

said() { echo "ok: $*"; }
fail() { echo "FAILED: $*"; exit 1; }
pause() { read -r -t "$1" <> <(:) || true; }
until_true() { # until_true COMMAND...
	for _ in $(seq 200); do
		! "$@" > /dev/null 2>&1 || return 0
		pause 0.1
	done
	fail "gave up waiting for: $*"
}

# ---- the device's TPM: two neighbouring ports, as tss2 wants them ----
# below those that the kernel gives to connections, so that nobody takes them in between
read -r tpm_port <<< "$(python3 -c '
import random
import socket
while True:
    port = random.randrange(20000, 32000, 2)
    a = socket.socket()
    b = socket.socket()
    try:
        a.bind(("127.0.0.1", port))
        b.bind(("127.0.0.1", port + 1))
        print(port)
        break
    except OSError:
        pass')"
mkdir tpm
start_tpm() {
	swtpm socket --tpm2 --tpmstate "dir=$work/tpm" --server "type=tcp,port=$tpm_port,bindaddr=127.0.0.1" \
		--ctrl "type=tcp,port=$((tpm_port + 1)),bindaddr=127.0.0.1" --flags not-need-init,startup-clear 2>> tpm.log &
	tpm_pid=$!
	until_true tpm2_getcap properties-fixed
}
export TPM2TOOLS_TCTI=swtpm:host=127.0.0.1,port=$tpm_port
stop_tpm() {
	kill -KILL "$tpm_pid" || true
	wait "$tpm_pid" 2> /dev/null || true
	tpm_pid=
}
start_tpm
persistent() { tpm2_getcap handles-persistent | sed 's/^- //'; }
public_of() { tpm2_readpublic -Q -c "$1" -f pem -o public.pem && cat public.pem; }

# ---- the manufacturer: the birth key is made in the unit's TPM while the unit is on the line ----
birth=0x81800002
printf 'serial-number,model,key\nT-0001,cam-1,"%s"\n' \
	"tpm:handle=$birth;hierarchy=platform;tcti=$TPM2TOOLS_TCTI" > units.csv
berth factory init --dir acme --name Acme --masa-url masa.invalid --masa-host localhost > /dev/null
berth factory make --dir acme --units units.csv --out units > /dev/null
[ "$(persistent)" = "$birth" ] || fail "the TPM keeps: $(persistent)"
[ "$(public_of $birth)" = "$(openssl x509 -in units/T-0001/idevid.pem -noout -pubkey)" ] ||
	fail "the IDevID is not for the TPM's key"
tpm2_readpublic -c $birth > birth.txt
grep -q 'value: *fixedtpm.*sensitivedataorigin.*sign' birth.txt || fail 'the birth key could leave the TPM'
grep -q '"key-storage": *"tpm"\|"storage": *"tpm"' units/purchase.manifest || fail 'the manifest does not name the storage'
said 'tpm2_readpublic shows the key of the IDevID at its handle, fixed to the TPM; the manifest says so'

# The factory's own keys may be in a TPM too; units' keys are never in the factory's.
berth factory init --dir hard --name Hard --masa-url masa.invalid --keys "tpm:tcti=$TPM2TOOLS_TCTI" > /dev/null
[ -s hard/keys/root-ca.tpm ] && [ -z "$(find hard/keys -name '*.key')" ] || fail "the factory's keys: $(ls hard/keys)"
printf 'serial-number,model\nT-0002,cam-1\n' > more.csv
berth factory make --dir hard --units more.csv --out more > /dev/null
openssl verify -CAfile hard/root-ca.pem -untrusted more/T-0002/idevid.pem more/T-0002/idevid.pem > /dev/null
printf 'serial-number,model\nT-0003,cam-1\n' > none.csv
! berth factory make --dir hard --units none.csv --out none --keys tpm > /dev/null 2> none.txt || fail 'a unit got the key of its factory'
grep -q 'unit-key-tpm' none.txt
said "openssl verifies an IDevID whose CA's key the factory's TPM wraps; a unit's own key is refused there"

# The other way: the unit makes key and request itself, and only the request comes to the line.
berth factory request --key "tpm:handle=0x81020002;hierarchy=endorsement" --tpm "$TPM2TOOLS_TCTI" --serial T-0004 --out T-0004.csr
openssl req -in T-0004.csr -noout -verify 2> /dev/null || fail 'openssl does not verify the request'
[ "$(openssl req -in T-0004.csr -noout -pubkey)" = "$(public_of 0x81020002)" ] || fail 'the request is for another key'
printf 'serial-number,model,csr,key\nT-0004,cam-1,T-0004.csr,tpm:handle=0x81020002;hierarchy=endorsement\n' > csr.csv
berth factory make --dir acme --units csr.csv --out csr-units > /dev/null
[ "$(openssl x509 -in csr-units/T-0004/idevid.pem -noout -pubkey)" = "$(public_of 0x81020002)" ]
grep -q '^idevid-key = tpm:handle=0x81020002' csr-units/T-0004/device.conf
tpm2_clear -c p
berth factory request --key "tpm:handle=0x81020002;hierarchy=endorsement" --tpm "$TPM2TOOLS_TCTI" --serial T-0004 --out again.csr
[ "$(openssl req -in again.csr -noout -pubkey)" = "$(openssl req -in T-0004.csr -noout -pubkey)" ] || fail 'the birth key is another one now'
tpm2_evictcontrol -Q -C o -c 0x81020002
said "a unit's own request: openssl verifies it, the IDevID is for the key in its TPM, and tpm2_clear does not change that key"

# ---- the owner ----
berth registrar init --dir home --name 'Example Home' --host localhost --listen 127.0.0.1:0 > /dev/null
berth factory sell --dir acme --serial T-0001 --owner home/domain-ca.pem --out sale.manifest > /dev/null
sed -i 's/^listen = .*/listen = 127.0.0.1:0/; /^port-file/d' acme/masa/masa.conf
sed -i "s|^\[daemon\]|&\nport-file = $work/masa.port|" acme/masa/masa.conf
berth-masa --config acme/masa/masa.conf 2> masa.log &
pids+=($!)
until_true test -s masa.port
for manifest in units/*.manifest sale.manifest; do
	berth masa load --socket acme/masa/admin.sock "$manifest" > /dev/null
done
sed -i 's/^\[registrar\]/&\nretry-after = 1/' home/registrar.conf
cat >> home/registrar.conf <<-END
	[manufacturer "Acme"]
	anchors = $work/acme/root-ca.pem
	masa-url = localhost:$(cat masa.port)
END
cat > home/policy.conf <<-END
	[rule "cameras"]
	match.manufacturer = Acme
	require.owned = yes
	require.assertion = proximity, verified
	approve = operator
END
berth-registrar --config home/registrar.conf 2> registrar.log &
pids+=($!)
until_true test -s home/port
export BERTH_ADMIN_SOCKET=$work/home/admin.sock
berth device import sale.manifest --manufacturer Acme > /dev/null

# ---- the device ----
sed -E "s#= (idevid|manufacturer-anchors)\.#= units/T-0001/\1.#; s#^state-directory = .*#state-directory = $work/state#" \
	units/T-0001/device.conf > device.conf
sed -i "s|^\[device\]|&\nldevid-key = tpm:handle=0x8103{id}\ntpm = $TPM2TOOLS_TCTI|" device.conf
printf '\n[discovery]\ndns-sd = no\nregistrar = 127.0.0.1:%s\n' "$(cat home/port)" >> device.conf
device() { berth-device --config device.conf "$@" 2>> device.log; }
must_end_with() { # must_end_with STATUS COMMAND...
	local want=$1 got=0
	shift
	"$@" || got=$?
	[ "$got" -eq "$want" ] || fail "expected exit status $want, got $got from: $*"
}

stop_tpm
must_end_with 5 device run --once --timeout 5
grep -q 'does not answer' device.log || fail "the device does not say that its TPM is gone"
said "without its TPM the device says so and ends with 5: $(grep -o 'The TPM at.*' device.log | tail -n 1)"
start_tpm
: > device.log

berth-device --config device.conf run 2>> device.log &
running=$!
waiting_id() {
	id=$(berth device list --json | python3 -c 'import json,sys; print("".join(d["id"] for d in json.load(sys.stdin)["devices"] if d["state"] == "pending"))')
	[ -n "$id" ]
}
until_true waiting_id
waiting_id
# The device has shown its birth certificate and waits; now its TPM dies, and the operator says yes.
stop_tpm
berth device approve "$id" > /dev/null
until_true grep -q 'does not answer' device.log
kill -0 $running || fail 'the device gave up when its TPM went away'
said "the TPM gone in the middle: $(grep -o 'The TPM at[^"]*' device.log | tail -n 1)"
start_tpm
is_told() { device status --json > status.json && grep -q '"told": *true' status.json; }
until_true is_told
kill $running
wait $running || fail "the device ended with $?"
own=$(persistent | grep '^0x8103' || true)
[ "$(wc -l <<< "$own")" -eq 1 ] && [ -n "$own" ] || fail "the TPM keeps: $(persistent)"
[ "$(public_of "$own")" = "$(openssl x509 -in state/ldevid.pem -noout -pubkey)" ] || fail "the LDevID is not for $own"
openssl verify -CAfile home/domain-ca.pem -untrusted state/ldevid.pem state/ldevid.pem > /dev/null
python3 -c 'import json; s=json.load(open("status.json")); assert s["state"] == "enrolled" and s["told"] and s["key-storage"] == "tpm"'
[ -z "$(find state -name '*.key')" ] || fail 'a key is in a file'
said "back again, the device is onboarded: tpm2_readpublic shows the LDevID's key at $own, openssl verifies its certificate"
[ -z "$(tpm2_getcap handles-transient)$(tpm2_getcap handles-loaded-session)" ] || fail 'something stayed loaded in the TPM'
said 'nothing stayed loaded in the TPM'

device reset
! tpm2_readpublic -c "$own" > /dev/null 2>&1 || fail "$own is still there after the reset"
[ "$(persistent)" = "$birth" ] || fail "after the reset the TPM keeps: $(persistent)"
said "after a reset tpm2_readpublic finds nothing at $own; the birth key stays"

device run --once --timeout 60
again=$(persistent | grep '^0x8103')
[ "$(public_of "$again")" = "$(openssl x509 -in state/ldevid.pem -noout -pubkey)" ]
said "onboarded again with a new key at $again"
device reset

# ---- the same with the key wrapped in a file ----
sed -i "s|^ldevid-key = .*|ldevid-key = tpm:file=$work/state/ldevid-{id}.tpm|" device.conf
device run --once --timeout 60
[ "$(persistent)" = "$birth" ] || fail "the TPM keeps: $(persistent)"
[ "$(find state -name 'ldevid-*.tpm' -perm 0600 | wc -l)" -eq 1 ]
openssl asn1parse -in state/ldevid-*.tpm | grep 2.23.133.10.1.3 > /dev/null
device reset
[ -z "$(find state -name '*.tpm')" ] || fail 'the wrapped key is still there'
said 'the same with a key that the TPM wraps into a file'

must_end_with 2 berth-device --config <(sed 's|^ldevid-key = .*|ldevid-key = tpm:handle=0x810300{id}|' device.conf) check-config 2> few
grep -q 'fewer than' few
said 'a handle with no room for digits is refused'
