#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Registrar and MASA are backed up while they serve, and restored: what is damaged or sealed with another passphrase is
# refused before anything is touched; an older audit log is recognised by its witness, refused, and accepted by name; what
# the signer issued and the old store forgot comes back, so that it can be revoked. Judged by sqlite3 and openssl.
command -v sqlite3 > /dev/null || { echo "missing: sqlite3"; exit 77; }
# shellcheck source-path=SCRIPTDIR source=pledge_lib.sh
. "$(dirname "$0")/pledge_lib.sh"
# shellcheck disable=SC2154 # pledge_lib.sh makes $work
refused_with() { # refused_with STATUS PATTERN COMMAND...
	local want=$1 pattern=$2 got=0
	shift 2
	"$@" > refusal 2>&1 || got=$?
	[ "$got" -eq "$want" ] || fail "exit status $got instead of $want from: $* ($(cat refusal))"
	grep -q -- "$pattern" refusal || fail "no '$pattern' from: $* ($(cat refusal))"
	said "refused with $want: $(tail -n 1 refusal | cut -c1-200)"
}
stop_registrar() {
	kill "$registrar_pid"
	wait "$registrar_pid" 2> /dev/null || true
}
start_registrar() {
	rm -f home/port
	berth-registrar --config home/registrar.conf 2>> registrar.log &
	registrar_pid=$!
	pids+=("$registrar_pid")
	until_there home/port "$registrar_pid"
	base=https://localhost:$(cat home/port)/.well-known
}
sql() { sqlite3 "file:$1?mode=ro" "$2"; }

echo 'correct horse battery staple' > pass
echo 'correct horse battery stable' > wrong
chmod 600 pass wrong
backup() { berth registrar backup --config home/registrar.conf --passphrase-file pass "$@"; }
restore() { berth registrar restore --passphrase-file pass "$@"; }

start_world "A-0001 A-0002 A-0003"
onboard A-0001 > /dev/null

# ---- under load: one more device comes on while backups are made ----
onboard A-0002 > load.log 2>&1 &
load=$!
made=0
while kill -0 $load 2> /dev/null || [ $made -eq 0 ]; do
	made=$((made + 1))
	backup "during-$made.berth" > /dev/null
done
wait $load || fail "the load failed: $(tail -n 3 load.log)"
for i in $(seq $made); do
	restore --to "rehearsal-$i" "during-$i.berth" > /dev/null
	[ "$(sql "rehearsal-$i/state/registrar.db" 'PRAGMA integrity_check')" = ok ] || fail "backup $i is damaged"
done
said "$made backups beside a registrar that onboards a device, each restored elsewhere; sqlite3 finds them whole"

backup monday.berth > told
grep -q 'audit entries' told
[ "$(stat -c %a monday.berth)" = 600 ] || fail 'others may read the backup'
! grep -aq 'A-0001\|PRIVATE KEY\|BEGIN CERT' monday.berth || fail 'something stands in clear in the backup'
refused_with 1 'give each backup a name' backup monday.berth
refused_with 2 'fewer than 12' berth registrar backup --config home/registrar.conf --passphrase-file <(echo short) short.berth
[ ! -e short.berth ] && [ ! -e short.berth.part ] || fail 'a refused backup left a file'

# ---- killed in the middle: no harm, and the next one works ----
for delay in 0.01 0.05 0.15; do
	berth registrar backup --config home/registrar.conf --passphrase-file pass killed.berth > /dev/null 2>&1 &
	victim=$!
	read -r -t "$delay" <> <(:) || true
	kill -KILL "$victim" 2> /dev/null || true
	wait "$victim" 2> /dev/null || true
	rm -f killed.berth
done
backup killed.berth > /dev/null
[ -z "$(find home -name '*.part')" ] || fail 'a killed backup left its copy of the store'
said 'backups killed in the middle do no harm'

# ---- a key that is not that of its certificate ----
cp -r home exchanged
cp home/keys/registrar.key exchanged/keys/issuing.key
rm -rf exchanged/admin.sock exchanged/state
cp -r rehearsal-1/state exchanged/state
berth registrar backup --config exchanged/registrar.conf --passphrase-file pass exchanged.berth > /dev/null
refused_with 1 'issuing-key is not the key of issuing-certificates' restore --to elsewhere exchanged.berth
[ ! -e elsewhere ]

# ---- a state directory elsewhere comes into the folder, and the configuration says so ----
cp -r rehearsal-1 split
mv split/state split-state
sed -i "s|^state-directory = .*|state-directory = $work/split-state|" split/registrar.conf
# and as if it had been made while the signer was asked for the first certificate
sqlite3 split-state/registrar.db "UPDATE certificate SET state = 0, der = x'' WHERE row = (SELECT min(row) FROM certificate)"
berth registrar backup --config split/registrar.conf --passphrase-file pass split.berth > /dev/null
restore --to joined split.berth > told
grep -q "$work/split-state is now $work/joined/state" told || fail "$(cat told)"
grep -q '^state-directory = state$' joined/registrar.conf || fail "$(grep state-directory joined/registrar.conf)"
[ "$(sql joined/state/registrar.db 'PRAGMA integrity_check')" = ok ]
openssl x509 -in pledge/A-0001/ldevid.pem -outform DER -out first.der
sql joined/state/registrar.db 'SELECT hex(der) FROM certificate WHERE state = 1 AND row = (SELECT min(row) FROM certificate)' |
	xxd -r -p | cmp - first.der || fail 'a certificate that was just being issued is forgotten'
berth-registrar --config joined/registrar.conf --check-config > told 2>&1 || fail "$(cat told)"
said 'what was outside of the folder comes into it; berth-registrar finds nothing to complain of'

# ---- what is not whole is refused before anything is touched ----
stop_registrar
(cd home && find . -type f -exec sha256sum {} + | sort) > before
refused_with 3 'not the passphrase' berth registrar restore --passphrase-file wrong --to home --replace monday.berth
size=$(stat -c %s monday.berth)
for at in 20 5000 $((size / 2)) $((size - 1)); do
	cp monday.berth flipped.berth
	printf "\\x$(printf %02x $((0x$(xxd -s "$at" -l 1 -p monday.berth) ^ 1)))" |
		dd of=flipped.berth bs=1 seek="$at" conv=notrunc status=none
	got=0
	restore --to home --replace flipped.berth > refusal 2>&1 || got=$?
	[ "$got" -ne 0 ] || fail "a byte flipped at $at passes"
done
said "a byte flipped anywhere is refused: $(cut -c1-150 refusal)"
head -c $((size - 1000)) monday.berth > cut.berth
refused_with 1 'ends too early' restore --to home --replace cut.berth
refused_with 1 'backup of berth-registrar' berth masa restore --passphrase-file pass --to home --replace monday.berth
refused_with 1 'there already' restore --to home monday.berth
(cd home && find . -type f -exec sha256sum {} + | sort) > after
cmp before after || fail 'a refused restore changed something'
[ -z "$(find . -maxdepth 1 -name '*.restoring')" ] || fail 'a refused restore left its folder'
said 'nothing was touched by any of them'

# ---- later: another device, and one is revoked ----
start_registrar
refused_with 1 'stop it first' restore --to home --replace monday.berth
onboard A-0003 > /dev/null
late=$(openssl x509 -in pledge/A-0003/ldevid.pem -noout -serial | cut -d= -f2)
stop_registrar
reached=$(sql home/state/registrar.db 'SELECT max(seq) FROM audit')

# ---- the old store put back by hand: the daemon notices ----
cp -r home home.aside
cp rehearsal-1/state/registrar.db home/state/registrar.db
rm -f home/state/registrar.db-*
got=0
timeout 20 berth-registrar --config home/registrar.conf 2> by-hand.log || got=$?
[ "$got" -ne 0 ] && [ "$got" -ne 124 ] || fail "the daemon goes on with an older store ($got)"
grep -q 'audit-older-than-witness' by-hand.log || fail "$(cat by-hand.log)"
said "an older store put back by hand is noticed: $(grep -o 'reason=.*' by-hand.log | head -n 1 | cut -c1-150)"
rm -rf home
mv home.aside home

# ---- on a new machine there is no witness but the copy that was kept elsewhere ----
cp home/state/registrar.witness witness.copy
refused_with 3 'accept-older-audit' restore --to fresh --witness witness.copy monday.berth
refused_with 4 'cannot be read' restore --to fresh --witness nowhere monday.berth
restore --to fresh monday.berth > /dev/null

# ---- restored: recognised as older, then accepted by name ----
refused_with 3 'accept-older-audit' restore --to home --replace monday.berth
[ "$(sql home/state/registrar.db 'SELECT max(seq) FROM audit')" = "$reached" ] || fail 'the refused restore changed the store'
restore --to home --replace --accept-older-audit monday.berth > told
grep -q "had reached entry $reached" told || fail "$(cat told)"
grep -q '0 of devices that it knows, 1 of others' told || fail "the forgotten certificate is not told: $(cat told)"
said "accepted by name: $(grep -o 'OLDER.*' told)"
sql home/state/registrar.db "SELECT detail FROM audit WHERE event = 'store.restored'" | grep '"accepted-older":true' > /dev/null || fail 'the audit log does not say so'
sql home/state/registrar.db "SELECT detail FROM audit WHERE event = 'issuance.forgotten'" | grep -i "\"serial\":\"0*$late\"" > /dev/null ||
	fail "the audit log does not name certificate $late"
said "the audit log says who accepted it, and names the certificate $late that the store forgot"
[ -n "$(find . -maxdepth 1 -type d -name 'home.before-*')" ] || fail 'what was there is gone'
berth audit verify --store home/state/registrar.db > told || fail "$(cat told)"
grep -q 'witness agrees' told || fail "$(cat told)"
start_registrar
berth device list > told
grep -q 'A-0002' told && ! grep -q 'A-0003' told || fail "$(cat told)"
onboard A-0003 > /dev/null
[ "$(openssl x509 -in pledge/A-0003/ldevid.pem -noout -serial | cut -d= -f2)" != "$late" ] || fail 'a serial number came twice'
berth audit verify > told || fail "$(cat told)"
said 'the restored registrar serves; the forgotten device comes on again, under another serial number'

# ---- a certificate of a known device comes back into the store, and can be revoked ----
berth certificate revoke "$late" > /dev/null
[ "$(sql home/state/registrar.db "SELECT count(*) FROM own_certificate WHERE hex(serial) = ltrim('$late', '0') AND revoked_at > 0")" = 1 ] ||
	fail 'the forgotten certificate is not revoked'
said 'the forgotten certificate of a device that was forgotten too is revoked by its serial number'
backup tuesday.berth > /dev/null
stop_registrar
# what the signer issued to A-0001 after Tuesday: its own line, of another certificate of the same CA
openssl ecparam -name prime256v1 -genkey -noout -out new.key
openssl req -new -key new.key -subj /serialNumber=A-0001 -out new.csr
openssl x509 -req -in new.csr -CA home/issuing.pem -CAkey home/keys/issuing.key -set_serial 0x4242424242424242 -days 30 \
	-extfile <(
		printf 'subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\ncrlDistributionPoints=URI:http://home.example/crl/%s/7.crl\n' \
			"$(openssl x509 -in home/issuing.pem -noout -ext subjectKeyIdentifier | tail -n 1 | tr -d ' :')"
	) -outform DER -out new.der 2> /dev/null
printf '%s ldevid sha256=%s subject-hex=%s serial=4242424242424242 certificate=%s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
	"$(sha256sum < new.der | cut -d' ' -f1)" "$(printf A-0001 | xxd -p)" "$(base64 -w0 new.der)" >> home/state/issuance.log
echo 9999999999999 > home/state/crl.number
restore --to home --replace --accept-older-audit tuesday.berth > told
[ "$(cat home/state/crl.number)" = 9999999999999 ] || fail "the number of revocation lists goes back to $(cat home/state/crl.number)"
grep -q '1 of devices that it knows, 0 of others' told || fail "$(cat told)"
[ "$(sql home/state/registrar.db "SELECT state FROM certificate WHERE hex(serial) = '4242424242424242'")" = 1 ] || fail 'it is not in the store'
# its place in the store says which list it is in, and it names its list already (store/registrar_revocation.h)
[ "$(sql home/state/registrar.db "SELECT 1 + row / 1000 FROM certificate WHERE hex(serial) = '4242424242424242'")" = 7 ] ||
	fail 'its revocation would stand in another list than the one that it names'
sql home/state/registrar.db "SELECT hex(der) FROM certificate WHERE hex(serial) = '4242424242424242'" | xxd -r -p | cmp - new.der || fail 'another certificate came back'
start_registrar
berth device revoke A-0001 > /dev/null
[ "$(sql home/state/registrar.db "SELECT state FROM certificate WHERE hex(serial) = '4242424242424242'")" = 3 ] || fail 'it was not revoked'
said 'a forgotten certificate of a known device comes back with its bytes, and is revoked with the device'
stop_registrar
cp home/state/issuance.log log
sed '1s/sha256=./sha256=x/' log > home/state/issuance.log
refused_with 1 'another' restore --to home --replace --accept-older-audit tuesday.berth
sed '$s/sha256=..../sha256=0000/' log > home/state/issuance.log
refused_with 1 'the log was changed' restore --to home --replace --accept-older-audit tuesday.berth
cp log home/state/issuance.log

# ---- the MASA ----
masa_backup() { berth masa backup --config acme/masa/masa.conf --passphrase-file - "$@" < pass; }
masa_backup masa.berth > /dev/null
start_registrar
onboard A-0002 > /dev/null
kill "$masa_pid"
wait "$masa_pid" 2> /dev/null || true
before=$(sql acme/masa/state/masa.db 'SELECT count(*) FROM voucher')
refused_with 3 'accept-older-audit' berth masa restore --passphrase-file pass --to acme/masa --replace masa.berth
berth masa restore --passphrase-file pass --to acme/masa --replace --accept-older-audit masa.berth > told
after=$(sql acme/masa/state/masa.db 'SELECT count(*) FROM voucher')
forgotten=$(sql acme/masa/state/masa.db "SELECT count(*) FROM audit WHERE event = 'issuance.forgotten'")
[ "$after" -lt "$before" ] && [ "$forgotten" -eq $((before - after)) ] || fail "vouchers: $before, $after, forgotten $forgotten"
openssl x509 -in acme/masa/voucher.pem -noout -pubkey > a
openssl pkey -in acme/masa/voucher.key -pubout > b
cmp a b
said "the MASA too: its audit log names the $forgotten vouchers that were released after the backup"
