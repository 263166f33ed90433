# SPDX-License-Identifier: BSD-2-Clause
# Scenario 0, the factory: two manufacturers, Acme (plain serial numbers) and Globex (product and serial number
# in one attribute, MASA given as a whole URI). What they make here, the later scenarios onboard.
. "$(dirname "$0")/lib.sh"
cd "$BERTH_RUN"

units_csv() { # units_csv PREFIX MODEL FROM TO
	echo 'serial-number,model,mud-url'
	for i in $(seq -f %05g "$3" "$4"); do echo "$1$i,$2,https://mud.example/$2.json"; done
}
x509() { openssl x509 -noout -in "$@"; }
# The value of an extension as openssl prints it; an OID that openssl has no name for is printed by its numbers.
extension() { openssl x509 -noout -text -in "$1" | grep -A1 -E "$2" | tail -n 1 | sed 's/^ *//'; }

birth_credential() {
	berth factory init --dir acme --name Acme --masa-url masa.acme.example:9443 \
		--masa-host masa.acme.example --subject-form serial
	berth factory init --dir globex --name Globex --subject-form product-serial \
		--masa-url https://masa.globex.example:9443/.well-known/brski --masa-host masa.globex.example
	units_csv A- cam-1 1 2000 > acme.csv
	# The batch is killed in the middle, twice, and run again until it ends by itself.
	for after in 300 900; do
		berth factory make --dir acme --units acme.csv --out acme-units --jobs 2 &
		local pid=$!
		until [ "$(find acme-units -name idevid.pem 2>/dev/null | wc -l)" -ge $after ]; do
			kill -0 $pid || return 1
		done
		kill -9 $pid
		wait $pid || true
	done
	berth factory make --dir acme --units acme.csv --out acme-units --jobs 2
	local made serials
	made=$(find acme-units -name idevid.pem | wc -l)
	find acme-units -name idevid.pem -exec awk 'FNR == 1 {own = 1} own; /END CERT/ {own = 0}' {} + > all.pem
	# The Serial Number of every certificate, as openssl reads it, on the line after or beside its title.
	openssl crl2pkcs7 -nocrl -certfile all.pem | openssl pkcs7 -print_certs -text -noout |
		grep -A1 'Serial Number:' | grep -oE '[0-9a-f]{2}(:[0-9a-f]{2})+' > serials
	[ "$(wc -l < serials)" = 2000 ]
	serials=$(sort -u serials | wc -l)
	[ "$made" = 2000 ] && [ "$serials" = 2000 ]
	evidence "2,000 units in a batch killed with SIGKILL twice and restarted; openssl reads $made IDevIDs with $serials different serial numbers"
	local unit=acme-units/A-00001
	[ "$(stat -c %a $unit/idevid.key)" = 600 ]
	openssl pkey -in $unit/idevid.key -noout -check 2>&1 | grep 'Key is valid' > /dev/null
	[ "$(openssl pkey -in $unit/idevid.key -pubout)" = "$(x509 $unit/idevid.pem -pubkey)" ]
	grep -q 'A-00001.*"storage":"file"' acme-units/purchase.manifest
	evidence "file backend: openssl finds the key valid, mode 600, and its public half in the IDevID; storage class 'file' is in the manifest"

	units_csv G- sensor-9 1 3 > globex.csv
	berth factory make --dir globex --units globex.csv --out globex-units
	export SOFTHSM2_CONF=$BERTH_RUN/softhsm2.conf
	mkdir -p tokens
	echo "directories.tokendir = $BERTH_RUN/tokens" > "$SOFTHSM2_CONF"
	softhsm2-util --init-token --free --label line1 --pin 1234 --so-pin 5678 > /dev/null
	echo 1234 > pin
	chmod 600 pin
	local module=/usr/lib/softhsm/libsofthsm2.so
	printf 'serial-number,model,key\nA-90001,cam-1,%s\n' \
		"pkcs11:token=line1;object=A-90001?module-path=$module&pin-source=file:$BERTH_RUN/pin" > hsm.csv
	berth factory make --dir acme --units hsm.csv --out acme-hsm
	local listed
	listed=$(pkcs11-tool --module $module --token-label line1 --login --pin 1234 --list-objects --type privkey)
	grep -q 'never extractable' <<<"$listed" && grep -q 'always sensitive' <<<"$listed"
	evidence "PKCS#11: pkcs11-tool lists the key as $(grep -m1 Access <<<"$listed" | sed 's/ *Access: *//')"

	ip link set lo up
	mkdir -p tpm
	swtpm socket --tpm2 --tpmstate "dir=$BERTH_RUN/tpm" --server type=tcp,port=2321,bindaddr=127.0.0.1 \
		--ctrl type=tcp,port=2322,bindaddr=127.0.0.1 --flags not-need-init,startup-clear > "$logs/tpm.log" 2>&1 3>&- &
	export TPM2TOOLS_TCTI=swtpm:host=127.0.0.1,port=2321
	until_true 10 tpm2_getcap properties-fixed
	local birth=0x81800002
	printf 'serial-number,model,key\nA-90003,cam-1,"%s"\n' \
		"tpm:handle=$birth;hierarchy=platform;tcti=$TPM2TOOLS_TCTI" > tpm.csv
	berth factory make --dir acme --units tpm.csv --out acme-tpm
	tpm2_readpublic -c $birth -f pem -o tpm.pem > tpm.txt
	[ "$(cat tpm.pem)" = "$(x509 acme-tpm/A-90003/idevid.pem -pubkey)" ]
	grep -q 'A-90003.*"storage":"tpm"' acme-tpm/purchase.manifest
	local attributes
	attributes=$(grep -m1 'value: *fixedtpm' tpm.txt | sed 's/ *value: *//')
	grep -q sensitivedataorigin <<< "$attributes"
	evidence "TPM: tpm2_readpublic finds the IDevID's key at $birth ($attributes); storage class 'tpm' is in the manifest"
	tpm2_clear -c p
	tpm2_readpublic -c $birth -f pem -o after.pem > /dev/null
	cmp -s tpm.pem after.pem
	evidence "TPM: after tpm2_clear the birth key is still there, and the same"
	said=$(tpm2_evictcontrol -C o -c $birth 2>&1 || true)
	tpm2_readpublic -c $birth > /dev/null
	refusal "TPM: the owner cannot remove the birth key: $(grep -m1 -o 'tpm:.*' <<< "$said")"

	must_fail 6 'A-00001' berth factory make --dir acme --units <(units_csv A- cam-1 1 1) --out again
	refusal "a serial number made before: $said"
	berth factory make --dir acme --units <(units_csv A- cam-1 2001 2001) --out again
	refusal "control: the next serial number in the same call passes"
	said=$(python3 "$(dirname "$0")/token_export.py" $module line1 1234 A-90001)
	refusal "exporting the private key, with the PIN: $said"
}

birth_credential_signed() {
	local unit=acme-units/A-00001
	openssl verify -CAfile acme/root-ca.pem -untrusted $unit/idevid.pem $unit/idevid.pem | grep OK > /dev/null
	x509 $unit/idevid.pem -subject | grep 'serialNumber *= *A-00001' > /dev/null
	x509 $unit/idevid.pem -enddate | grep 'Dec 31 23:59:59 9999' > /dev/null
	openssl x509 -in $unit/idevid.pem -outform DER | openssl asn1parse -inform DER > asn1
	grep -A1 '1.3.6.1.5.5.7.1.32' asn1 | grep -i "$(printf 'masa.acme.example:9443' | xxd -p -c 99)" > /dev/null
	grep -q '1.3.6.1.5.5.7.1.25' asn1
	openssl x509 -noout -text -in $unit/idevid.pem | grep 'othername' > /dev/null
	evidence "openssl verifies the IDevID to Acme's root: $(x509 $unit/idevid.pem -subject), notAfter 9999, hardwareModuleName, MASA URL and MUD URL extensions"
	openssl ecparam -name prime256v1 -genkey -noout -out own.key
	openssl req -new -key own.key -subj /serialNumber=A-90002 -outform DER -out good.csr
	# The smallest change: one bit of the signature, which ends the request.
	cp good.csr bad.csr
	local last
	last=$(($(stat -c %s bad.csr) - 1))
	printf "\\x$(printf %02x $((0x$(tail -c 1 good.csr | xxd -p) ^ 1)))" | dd of=bad.csr bs=1 seek=$last conv=notrunc status=none
	printf 'serial-number,model,csr\nA-90002,cam-1,%s\n' "$BERTH_RUN/bad.csr" > csr.csv
	must_fail 6 'possession' berth factory make --dir acme --units csr.csv --out csr-units
	refusal "one bit of the request's signature changed: $said"
	printf 'serial-number,model,csr\nA-90002,cam-1,%s\n' "$BERTH_RUN/good.csr" > csr.csv
	berth factory make --dir acme --units csr.csv --out csr-units
	openssl verify -CAfile acme/root-ca.pem -untrusted csr-units/A-90002/idevid.pem csr-units/A-90002/idevid.pem | grep OK > /dev/null
	refusal "control: the request as it was gets an IDevID that openssl verifies"
}

start_masa() { # start_masa NAME
	# The owner's lists are at an address of no public network here.
	grep -q '^revocation-sources' "$BERTH_RUN/$1/masa/masa.conf" ||
		sed -i 's|^\[masa\]|&\nrevocation-sources = 192.0.2.0/24|' "$BERTH_RUN/$1/masa/masa.conf"
	spawn "$1" "masa-$1" berth-masa --config "$BERTH_RUN/$1/masa/masa.conf"
	until_true 20 in_ns "$1" ss -Hltn 'sport = :9443'
	until_true 10 test -s "$BERTH_RUN/$1/masa/port"
}

bootstrapping_information() {
	network_up
	start_masa acme
	start_masa globex
	# The owner, whose domain CA the sale names.
	berth registrar init --dir home --name 'Example Home' --host registrar.home.example --listen '[::]:8443' \
		--publish-url http://crl.home.example:8080
	local manifest
	manifest=$(ls acme-units/purchase.manifest | tail -n 1)
	tail -n 1 "$manifest" | jq -r .signature | base64 -d > manifest.der
	openssl cms -verify -inform DER -in manifest.der -CAfile acme/root-ca.pem -purpose any -binary > signed.json 2> /dev/null
	local bytes
	bytes=$(jq .bytes signed.json)
	[ "$(head -c "$bytes" "$manifest" | sha256sum | cut -d' ' -f1)" = "$(jq -r .sha256 signed.json)" ]
	evidence "openssl cms verifies the purchase manifest to Acme's root and sha256sum its $(($(wc -l < "$manifest") - 2)) units"
	for m in acme globex; do
		for manifest in $m-units/purchase.manifest; do
			berth masa load --socket "$BERTH_RUN/$m/masa/admin.sock" "$manifest"
		done
	done
	berth factory sell --dir acme --serial A-00001 --serial A-00002 --serial A-00003 --owner home/domain-ca.pem --out sale.manifest
	berth masa load --socket acme/masa/admin.sock sale.manifest
	berth factory sell --dir globex --all --owner home/domain-ca.pem --out globex-sale.manifest
	berth masa load --socket globex/masa/admin.sock globex-sale.manifest
	evidence "units and buyer are registered with the MASA: $(sqlite3 acme/masa/state/masa.db 'select count(*) from unit') units, $(sqlite3 acme/masa/state/masa.db 'select count(*) from owner') of them sold, counted by sqlite3"

	sed 's/A-00002/A-00004/' sale.manifest > altered.manifest
	must_fail 1 'manifest' berth masa load --socket acme/masa/admin.sock altered.manifest
	refusal "one serial number of the signed sale changed: $said"
	berth masa load --socket acme/masa/admin.sock sale.manifest
	refusal "control: the sale as signed loads, and again without harm"
}

custody_and_claim() {
	local who
	for who in integrator reseller stranger; do
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $who.key -out $who.pem -days 30 \
			-subj "/O=$who" -addext basicConstraints=critical,CA:FALSE 2> /dev/null
		chmod 600 $who.key
	done
	# An owner of its own, so that the devices of the next scenarios stay as they are.
	berth registrar init --dir second --name 'Second Home' --host registrar.home.example --listen '[::]:8443'
	printf '\n[manufacturer "Acme"]\nanchors = %s/acme/root-ca.pem\nmasa-url = masa.acme.example:9443\n' "$BERTH_RUN" >> second/registrar.conf
	spawn owner registrar-second berth-registrar --config "$BERTH_RUN/second/registrar.conf"
	until_true 20 test -s second/port
	berth factory sell --dir acme --serial A-01901 --serial A-01902 --holder integrator.pem --out link1
	hand_on integrator link1 link2 --to reseller.pem --all
	hand_on reseller link2 link3 --to second/domain-ca.pem --serial A-01901
	tail -n 1 link3 | jq -r .signature | base64 -d > link.der
	openssl cms -verify -inform DER -in link.der -CAfile reseller.pem -purpose any -binary > signed.json 2> /dev/null
	[ "$(head -c "$(jq .bytes signed.json)" link3 | sha256sum | cut -d' ' -f1)" = "$(jq -r .sha256 signed.json)" ]
	[ "$(sha256sum < link1 | cut -d' ' -f1)" = "$(head -n 1 link2 | jq -r .previous)" ]
	[ "$(sha256sum < link2 | cut -d' ' -f1)" = "$(head -n 1 link3 | jq -r .previous)" ]
	openssl x509 -in reseller.pem -noout -pubkey | openssl pkey -pubin -outform DER > reseller.spki
	[ "$(sha256sum < reseller.spki | cut -d' ' -f1)" = "$(head -n 1 link2 | jq -r '.holder."key-sha256"')" ]
	evidence "custody: openssl cms verifies the reseller's transfer by the key that the integrator's names, and sha256sum of each link is what the next one names"
	berth masa load --socket acme/masa/admin.sock link3 link1 link2
	berth device import --socket second/admin.sock link2 link3 link1
	evidence "custody: Acme, integrator, reseller, owner; sqlite3 finds the MASA's owner of A-01901: $(owner_of A-01901), and the registrar's: $(sqlite3 "$(find second -name registrar.db)" "select group_concat(serial_number) from owned")"
	[ "$(owner_of A-01901)" = 'Second Home' ] && [ -z "$(owner_of A-01902)" ]

	sed 's/A-01901/A-01902/' link3 > broken
	must_fail 1 'manifest-altered' berth manifest verify link1 link2 broken --anchor acme/root-ca.pem
	refusal "one serial number of a transfer changed: $said"
	must_fail 1 'custody-break' berth manifest verify link1 link3 --anchor acme/root-ca.pem
	refusal "a link missing: $said"
	hand_on reseller link2 fork --to stranger.pem --serial A-01901
	must_fail 1 'custody-fork' berth manifest verify link1 link2 link3 fork --anchor acme/root-ca.pem
	refusal "one unit handed on twice: $said"
	must_fail 1 'forks:.*Second Home.*stranger' berth masa load --socket acme/masa/admin.sock link1 link2 fork
	refusal "the other chain given to the MASA later: $said"
	berth manifest verify link1 link2 link3 --anchor acme/root-ca.pem > /dev/null
	berth masa load --socket acme/masa/admin.sock link1 link2 link3
	refusal "control: the chain as it was verifies, and loads again without harm"

	berth factory make --dir acme --units <(units_csv A- cam-1 95001 95002) --out boxed --claim-codes
	berth masa load --socket acme/masa/admin.sock boxed/purchase.manifest
	(umask 077 && sed -n 's/^"A-95001",//p' boxed/claim-codes.csv > code && sed -n 's/^"A-95002",//p' boxed/claim-codes.csv > wrong)
	[ -s code ] && [ -s wrong ]
	[ "$(stat -c %a boxed/claim-codes.csv)" = 600 ] && ! grep -qf code boxed/purchase.manifest
	must_fail 3 'has this code' berth device claim A-95001 --code-file wrong --socket second/admin.sock
	refusal "a home buyer with the code of another box: $said"
	berth device claim A-95001 --code-file code --socket second/admin.sock
	local ski claimed
	ski=$(openssl x509 -in second/domain-ca.pem -noout -ext subjectKeyIdentifier | tail -n 1 | tr -d ' :')
	claimed=$(sqlite3 acme/masa/state/masa.db "select hex(o.domain_id) from owner o join unit u on u.row = o.unit where u.serial_number = 'A-95001'")
	[ -n "$claimed" ] && [ "$claimed" = "$ski" ]
	evidence "a home buyer without a sales record claims A-95001 by the code in its box; the domain of the MASA's owner, by sqlite3, is the key identifier of its CA, by openssl: $ski"
	stop registrar-second
}
hand_on() { # hand_on WHO FILE NEXT OPTIONS...
	local who=$1 from=$2 out=$3
	shift 3
	berth manifest transfer --from "$from" --key "file:$who.key" --certificate "$who.pem" --out "$out" "$@"
}
owner_of() { # owner_of SERIAL: in the MASA's own store
	sqlite3 acme/masa/state/masa.db "select o.name from owner o join unit u on u.row = o.unit where o.until is null and u.serial_number = '$1'"
}
bootstrapping() {
	bootstrapping_information
	custody_and_claim
}

run_row S0.C1 birth_credential
run_row S0.C2 birth_credential_signed
run_row S0.C3 bootstrapping
finish
