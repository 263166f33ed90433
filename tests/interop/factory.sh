#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The factory, judged by openssl, pkcs11-tool and coreutils.
set -euo pipefail
for tool in openssl jq softhsm2-util pkcs11-tool xxd; do
	command -v $tool > /dev/null || { echo "$tool is missing"; exit 77; }
done
module=$(ls /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so 2> /dev/null | head -n 1)
[ -n "$module" ] || { echo "the SoftHSM2 module is missing"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export PATH="$BERTH_PROGRAMS:$PATH"
seed=${SEED:-$RANDOM}
RANDOM=$seed
echo "seed $seed"

fail() { echo "FAILED: $*"; exit 1; }
# refused STATUS PATTERN COMMAND...
refused() {
	local want=$1 pattern=$2 rc=0
	shift 2
	"$@" > said 2>&1 || rc=$?
	[ $rc -eq "$want" ] || { cat said; fail "status $rc, not $want: $*"; }
	grep -Eq -- "$pattern" said || { cat said; fail "does not say '$pattern': $*"; }
	echo "refused: $(grep -Em1 -- "$pattern" said)"
}
units() { # units PREFIX FROM TO
	echo 'serial-number,model,mud-url'
	for i in $(seq -f %05g "$2" "$3"); do echo "$1$i,cam-1,https://mud.example/cam-1.json"; done
}
# der_hex FILE OID: the content of an extension
der_hex() {
	openssl x509 -in "$1" -outform DER | openssl asn1parse -inform DER |
		grep -A1 ":$2" | sed -n 's/.*\[HEX DUMP\]://p' | tr 'A-F' 'a-f'
}

# ---- a manufacturer ----
berth factory init --dir acme --name Acme --masa-url masa.acme.example:9443
refused 1 'already|there already' berth factory init --dir acme --name Acme --masa-url masa.acme.example:9443
mkdir occupied && touch occupied/file
refused 1 'other files' berth factory init --dir occupied --name Acme --masa-url masa.acme.example
refused 2 'DNS name' berth factory init --dir none --name Acme --masa-url 192.0.2.1:9443
[ ! -e none ] || fail "a refused init left a folder"
for key in acme/keys/*.key acme/masa/*.key; do
	[ "$(stat -c %a "$key")" = 600 ] || fail "mode of $key"
done
openssl verify -CAfile acme/root-ca.pem acme/device-ca.pem acme/voucher-ca.pem acme/manifest.pem > /dev/null
openssl verify -CAfile acme/root-ca.pem -untrusted acme/voucher-ca.pem acme/masa/voucher.pem > /dev/null
openssl verify -CAfile acme/root-ca.pem -purpose sslserver -verify_hostname masa.acme.example acme/masa/tls.pem > /dev/null
# A crash in the middle of init leaves no factory.conf and the marker; init then finishes.
rm acme/factory.conf
printf 0123456789abcdef > acme/.init-unfinished
rm acme/manifest.pem
berth factory init --dir acme --name Acme --masa-url masa.acme.example:9443
openssl verify -CAfile acme/root-ca.pem acme/manifest.pem > /dev/null

# ---- units ----
units A- 1 200 > units.csv
berth factory make --dir acme --units units.csv --out out --jobs 2
[ "$(find out -name idevid.pem | wc -l)" = 200 ] || fail "200 units"
# req: rfc8995-2.3.1-idevid rfc8995-9.1.3-device
for unit in A-00001 A-00137 A-00200; do
	pem=out/$unit/idevid.pem
	openssl verify -CAfile acme/root-ca.pem -untrusted $pem $pem > /dev/null || fail "chain of $unit"
	text=$(openssl x509 -in $pem -noout -text)
	grep -q "Subject: O = Acme, serialNumber = $unit" <<< "$text" || fail "subject of $unit"
	grep -q 'Not After : Dec 31 23:59:59 9999 GMT' <<< "$text" || fail "notAfter of $unit"
	grep -q 'CA:FALSE' <<< "$text" || fail "basic constraints of $unit"
	# IA5String "masa.acme.example:9443" (RFC 8995 2.3.2)
	[ "$(der_hex $pem 1.3.6.1.5.5.7.1.32)" = "1616$(printf masa.acme.example:9443 | xxd -p -c 99)" ] || fail "MASA URL of $unit"
	[ "$(der_hex $pem 1.3.6.1.5.5.7.1.25)" = "1e1e$(printf https://mud.example/cam-1.json | xxd -p -c 99)" ] ||
		[ "$(der_hex $pem 1.3.6.1.5.5.7.1.25)" = "161e$(printf https://mud.example/cam-1.json | xxd -p -c 99)" ] || fail "MUD URL of $unit"
	# hardwareModuleName (RFC 4108): its OID and the serial number as an OCTET STRING
	der_hex $pem 'X509v3 Subject Alternative Name' | grep "06082b06010505070804.*04$(printf %02x ${#unit})$(printf %s "$unit" | xxd -p -c 99)" > /dev/null || fail "hardwareModuleName of $unit"
	[ "$(openssl pkey -in out/$unit/idevid.key -pubout)" = "$(openssl x509 -in $pem -noout -pubkey)" ] || fail "key of $unit"
	[ "$(stat -c %a out/$unit/idevid.key)" = 600 ] || fail "mode of the key of $unit"
	# No device may vouch: its certificate has no path to what devices trust for vouchers.
	if openssl verify -partial_chain -CAfile out/$unit/manufacturer-anchors.pem -untrusted $pem $pem > /dev/null 2>&1; then
		fail "the IDevID of $unit has a path to the voucher anchor"
	fi
done
openssl verify -partial_chain -CAfile out/A-00001/manufacturer-anchors.pem acme/masa/voucher.pem > /dev/null || fail "the MASA's path to the voucher anchor"

# ---- the manifest, by hand ----
tail -n 1 out/purchase.manifest | jq -r .signature | base64 -d > manifest.der
openssl cms -verify -inform DER -in manifest.der -CAfile acme/root-ca.pem -purpose any -binary > statement 2> /dev/null || fail "openssl does not verify the manifest"
[ "$(head -c "$(jq .bytes statement)" out/purchase.manifest | sha256sum | cut -d' ' -f1)" = "$(jq -r .sha256 statement)" ] || fail "hash of the manifest"
spki=$(openssl x509 -in out/A-00042/idevid.pem -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1)
[ "$(grep A-00042 out/purchase.manifest | jq -r '."key-sha256"')" = "$spki" ] || fail "key hash in the manifest"
berth manifest verify out/purchase.manifest --anchor acme/root-ca.pem --json | jq -e '.verified and .links[0].units == 200' > /dev/null || fail "manifest verify"
sed 's/A-00042/A-90042/' out/purchase.manifest > altered
refused 1 'changed after' berth manifest verify altered --anchor acme/root-ca.pem

# ---- refusals, unit by unit ----
refused 6 'A-00007.*made before' berth factory make --dir acme --units <(units A- 7 7) --out again
berth factory make --dir acme --units <(units A- 201 201) --out again
(units A- 301 302; echo 'A-00301,cam-1,') > twice.csv
refused 6 'line 4, unit A-00301.*line 2' berth factory make --dir acme --units twice.csv --out twice
[ "$(find twice -maxdepth 1 -name 'A-*' | wc -l)" = 2 ] || fail "the other rows of the list"
jq -e '.made == 2 and .failed == 1 and .failures[0].rule == "unit-serial-repeated"' twice/report.json > /dev/null || fail "report"
printf 'serial-number,model\n../../evil,cam\n.hidden,cam\n"a/b",cam\n"x\xc3\xa9",cam\n%s,cam\n' "$(printf 'x%.0s' $(seq 65))" > hostile.csv
refused 6 'may hold letters' berth factory make --dir acme --units hostile.csv --out hostile
[ "$(ls -A hostile | LC_ALL=C sort | tr '\n' ' ')" = '%2E.%2F..%2Fevil %2Ehidden a%2Fb purchase.manifest report.json ' ] || { ls -A hostile; fail "folders of hostile names"; }
[ "$(find . -path ./hostile -prune -o -name '*evil*' -print)" = '' ] || fail "a serial number left its folder"
refused 1 'no column is called' berth factory make --dir acme --units <(printf 'serial-number,model,cvs\nA-1,c,d\n') --out column
refused 1 '' berth factory make --dir acme --units <(printf 'serial-number,model\n"A-1,c\n') --out quote
refused 4 'no factory' berth factory make --dir . --units units.csv --out none
refused 2 'unknown option --job' berth factory make --dir acme --units units.csv --out out --job 2

# ---- requests ----
openssl ecparam -name prime256v1 -genkey -noout -out unit.key
openssl req -new -key unit.key -subj /serialNumber=R-1 -out good.csr
openssl req -in good.csr -outform DER -out bad.csr
last=$(($(stat -c %s bad.csr) - 1))
printf "\\x$(printf %02x $((0x$(tail -c 1 bad.csr | xxd -p) ^ 1)))" | dd of=bad.csr bs=1 seek=$last conv=notrunc status=none
printf 'serial-number,model,csr\nR-1,cam,bad.csr\nR-2,cam,good.csr\nR-3,cam,missing.csr\n' > csr.csv
refused 6 'R-1.*possession' berth factory make --dir acme --units csr.csv --out requests
grep -q 'R-2.*names serial number R-1' said || fail "a request of another unit"
grep -q 'R-3.*missing.csr' said || fail "a request that is not there"
[ "$(ls -A requests)" = report.json ] || fail "refused requests left something: $(ls -A requests)"
printf 'serial-number,model,csr\nR-1,cam,good.csr\nR-4,cam,good4.csr\n' > csr.csv
openssl req -new -key unit.key -subj /serialNumber=R-4 -outform DER -out good4.csr
# The first request passes, also into another folder; the second has the same key.
refused 6 'R-4.*same key' berth factory make --dir acme --units csr.csv --out requests2
openssl verify -CAfile acme/root-ca.pem -untrusted requests2/R-1/idevid.pem requests2/R-1/idevid.pem > /dev/null
[ "$(openssl pkey -in unit.key -pubout)" = "$(openssl x509 -in requests2/R-1/idevid.pem -noout -pubkey)" ] || fail "key of the request"
[ ! -e requests2/R-1/idevid.key ] || fail "a key that nobody made"

# ---- killed at random moments ----
units K- 1 1000 > batch.csv
kills=0
for _ in 1 2 3 4 5; do
	wanted=$((RANDOM % 150 + 10))
	at=$(grep -c ' D' acme/journal)
	setsid berth factory make --dir acme --units batch.csv --out batch --jobs 2 &
	pid=$!
	while [ $(($(grep -c ' D' acme/journal) - at)) -lt $wanted ] && kill -0 $pid 2> /dev/null; do read -rt 0.01 <> <(:) || true; done
	# now the parent alone, now workers and all
	if [ $((RANDOM % 2)) = 0 ]; then target=$pid; else target=-$pid; fi
	kill -9 -- $target 2> /dev/null && kills=$((kills + 1))
	wait $pid 2> /dev/null || true
done
[ $kills -ge 4 ] || fail "only $kills kills hit"
berth factory make --dir acme --units batch.csv --out batch --jobs 2 --json > last.json
jq -e '.units == 1000 and .failed == 0 and .made > 0 and ."made-before" > 0' last.json > /dev/null || { cat last.json; fail "the last run"; }
[ "$(find batch -maxdepth 1 -name 'K-*' | wc -l)" = 1000 ] || fail "folders of the batch"
[ -z "$(find batch -name '.*.part')" ] || fail "unfinished folders are left"
[ "$(find batch -name idevid.key | wc -l)" = 1000 ] || fail "keys of the batch"
for pem in batch/*/idevid.pem; do openssl x509 -in "$pem" -noout -serial -subject; done | paste - - > seen
[ "$(cut -f1 seen | sort -u | wc -l)" = 1000 ] || fail "certificate serial numbers are not unique"
[ "$(cut -f2 seen | sort -u | wc -l)" = 1000 ] || fail "subjects are not unique"
# The journal has every unit once, with the certificate that is there, and an intent for it.
awk -F'\t' '$1 ~ / D$/ && $3 ~ /^K-/ {print "serial=" toupper($4) "\tsubject=O = Acme, serialNumber = " $3}' acme/journal | sort > recorded
sort seen | diff - recorded > /dev/null || fail "journal and certificates differ"
[ "$(awk -F'\t' '$1 ~ / I$/ {print $4}' acme/journal | sort | uniq -d | wc -l)" = 0 ] || fail "an intent's certificate serial number twice"
[ -z "$(comm -13 <(awk -F'\t' '$1 ~ / I$/ {print $4}' acme/journal | sort) <(awk -F'\t' '$1 ~ / D$/ {print $4}' acme/journal | sort))" ] || fail "a unit without intent"
berth manifest verify batch/purchase.manifest --anchor acme/root-ca.pem --json | jq -e '.links[0].units == 1000' > /dev/null || fail "manifest of the batch"
berth factory make --dir acme --units batch.csv --out batch --json | jq -e '.made == 0 and ."made-before" == 1000' > /dev/null || fail "a run with nothing to do"
echo "killed $kills times: every unit once"

# ---- a damaged journal ----
cp -r acme damaged
printf '1234' >> damaged/journal
berth factory sell --dir damaged --serial K-00001 --owner acme/root-ca.pem --out torn.manifest || fail "a torn end is no damage"
sed -i '10s/A-0/B-0/' damaged/journal
refused 1 'journal-damaged' berth factory sell --dir damaged --serial K-00001 --owner acme/root-ca.pem --out damaged.manifest

# ---- sold ----
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout owner.key -out owner.pem -subj '/O=Example Home' 2> /dev/null
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key -out other.pem -subj '/O=Other' 2> /dev/null
berth factory sell --dir acme --serial K-00001 --serial K-00002 --owner owner.pem --reference 'order 7' --out sale.manifest
ski=$(openssl x509 -in owner.pem -noout -ext subjectKeyIdentifier | tail -n 1 | tr -d ' :' | tr A-F a-f)
berth manifest show sale.manifest --anchor acme/root-ca.pem --json |
	jq -e ".header.owner.\"domain-id\" == \"$ski\" and .header.owner.name == \"Example Home\" and (.units | length) == 2" > /dev/null || fail "sale"
berth factory sell --dir acme --serial K-00001 --owner owner.pem --out sale2.manifest
refused 3 'sold to Example Home' berth factory sell --dir acme --serial K-00001 --owner other.pem --out sale3.manifest
refused 4 'no unit' berth factory sell --dir acme --serial K-99999 --owner owner.pem --out sale3.manifest
refused 2 'no CA' berth factory sell --dir acme --serial K-00003 --owner acme/masa/tls.pem --out sale3.manifest
[ ! -e sale3.manifest ] || fail "a refused sale left a paper"

# ---- keys in a token ----
export SOFTHSM2_CONF=$work/softhsm2.conf
mkdir tokens
echo "directories.tokendir = $work/tokens" > "$SOFTHSM2_CONF"
softhsm2-util --init-token --free --label line --pin 1234 --so-pin 5678 > /dev/null
echo 1234 > pin
chmod 600 pin
token="pkcs11:token=line?module-path=$module&pin-source=file:$work/pin"
units H- 1 4 > hsm.csv
berth factory make --dir acme --units hsm.csv --out hsm --keys "$token" --jobs 2
grep -c '"storage":"token"' hsm/purchase.manifest | grep -x 4 > /dev/null || { cat hsm/purchase.manifest; fail "storage class"; }
pkcs11() { pkcs11-tool --module "$module" --token-label line --login --pin 1234 "$@"; }
[ "$(pkcs11 --list-objects --type privkey 2> /dev/null | grep -c 'never extractable')" = 4 ] || fail "pkcs11-tool does not list 4 keys that were never extractable"
id=$(pkcs11 --list-objects --type privkey 2> /dev/null | awk '/ID:/{print $2; exit}')
# pkcs11-tool says what it cannot do and ends with 0 all the same: the file decides.
pkcs11 --read-object --type privkey --id "$id" --output-file leaked > /dev/null 2>&1 || true
[ ! -s leaked ] || fail "the private key left the token"
# The token's public key is the certificate's.
pkcs11 --read-object --type pubkey --label H-00003 --output-file public.der > /dev/null 2>&1
[ "$(openssl pkey -pubin -inform DER -in public.der)" = "$(openssl x509 -in hsm/H-00003/idevid.pem -noout -pubkey)" ] || fail "key of H-00003"
# A whole manufacturer in a token.
berth factory init --dir vault --name Vault --masa-url masa.vault.example --keys "$token"
[ -z "$(ls -A vault/keys)" ] || fail "keys outside the token"
units V- 1 2 > vault.csv
berth factory make --dir vault --units vault.csv --out vaulted
openssl verify -CAfile vault/root-ca.pem -untrusted vaulted/V-00001/idevid.pem vaulted/V-00001/idevid.pem > /dev/null
# Two manufacturers may share a token, but no key.
berth factory init --dir vault2 --name Vault --masa-url masa.vault.example --keys "$token"
[ "$(openssl x509 -in vault/root-ca.pem -noout -pubkey)" != "$(openssl x509 -in vault2/root-ca.pem -noout -pubkey)" ] || fail "two manufacturers with one key"
# A unit's key that is there already is somebody's: it is not taken.
refused 6 'H-00001' berth factory make --dir vault --units <(units H- 1 1) --out foreign --keys "$token"
echo "all holds"
