# SPDX-License-Identifier: BSD-2-Clause
# Scenario 3, the onboarding part: a device's credential is deleted on the device and at the network, and it onboards again.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/onboarding.sh"
cd "$BERTH_RUN"

unit=acme-units/A-00011

sell() { # sell SERIAL: to the owner, who imports the sale
	berth factory sell --dir acme --serial "$1" --owner home/domain-ca.pem --out "sale-$1.manifest"
	berth masa load --socket acme/masa/admin.sock "sale-$1.manifest"
	home device import "sale-$1.manifest" --manufacturer Acme
}

# The same with a key that a TPM keeps (swtpm, with tpm2-tools as judge): a reset takes it out of there.
deleted_from_tpm() {
	local tcti=swtpm:host=127.0.0.1,port=2321 handle
	tpm() { TPM2TOOLS_TCTI=$tcti in_ns r1 "$@"; }
	mkdir "$BERTH_RUN/r1.tpm"
	spawn r1 swtpm swtpm socket --tpm2 --tpmstate "dir=$BERTH_RUN/r1.tpm" --server type=tcp,port=2321 \
		--ctrl type=tcp,port=2322 --flags not-need-init,startup-clear
	until_true 10 tpm tpm2_getcap properties-fixed
	cp $unit/device.conf plain.conf
	sed -i "s|^\[device\]|&\nldevid-key = tpm:handle=0x8103{id}\ntpm = $tcti|" $unit/device.conf
	onboard r1
	handle=$(tpm tpm2_getcap handles-persistent | sed -n 's/^- \(0x8103.*\)/\1/p')
	tpm tpm2_readpublic -Q -c "$handle" -f pem -o tpm-public.pem
	[ "$(openssl x509 -in $unit/state/ldevid.pem -noout -pubkey)" = "$(cat tpm-public.pem)" ]
	evidence "a device whose key is in its TPM: tpm2_readpublic shows the key of its certificate at $handle"
	agent r1 reset
	must_fail 1 'handle|0x18B' tpm tpm2_readpublic -c "$handle"
	[ -z "$(tpm tpm2_getcap handles-persistent)$(tpm tpm2_getcap handles-transient)" ]
	refusal "the key recovered from the TPM: after the reset it keeps no key, at $handle neither ($said)"
	stop swtpm
	mv plain.conf $unit/device.conf
}

credential_deletion() {
	device r1 $unit
	sell A-00011
	deleted_from_tpm
	onboard r1
	cp $unit/state/ldevid.pem old.pem
	local key
	key=$(ls $unit/state/ldevid-*.key)
	openssl pkey -in "$key" -outform DER | xxd -p -c 9999 | grep -oE '0420[0-9a-f]{64}' | head -n 1 | cut -c5- > old.canary
	# What a thief could have copied before: only to show that it is of no use afterwards.
	cp "$key" stolen.key
	(umask 077 && echo 'a pass phrase for one day' > pass)
	berth registrar backup --config home/registrar.conf --passphrase-file pass home.backup > /dev/null
	# On the device, by the device: the key leaves the keystore, the certificate and the state go with it.
	agent r1 reset
	[ ! -e "$key" ] && [ ! -e $unit/state/ldevid.pem ]
	agent r1 status --json | jq -e '.state == "unconfigured"' > /dev/null
	evidence "the device resets itself: ls finds neither key nor certificate"
	# At the network, by an operator.
	home device revoke A-00011 --reason 'returned'
	[ "$(state_of A-00011)" = revoked ]
	evidence "the operator revokes it: $(sqlite3 home/state/registrar.db "select event || ' by ' || actor from audit where event like '%revoke%' order by seq desc limit 1") in the hash-chained log, read by sqlite3"
	python3 "$here/canary.py" "$(cat old.canary)" $unit home/state "$logs"
	refusal "the key recovered from disk: a search of all files of the device, the registrar's store and the logs does not find its bytes"
	openssl pkey -in stolen.key -outform DER > stolen.der
	mkdir unsealed
	berth registrar restore --passphrase-file pass --to unsealed/home home.backup > /dev/null
	python3 "$here/canary.py" "$(cat old.canary)" home.backup unsealed
	refusal "the key recovered from a backup: the registrar's, made while the device had it, holds it neither sealed nor restored"
	must_fail 1 'the secret is in stolen.der' python3 "$here/canary.py" "$(cat old.canary)" stolen.der
	refusal "control: in a copy taken before the deletion the same search finds it ($said)"
	rm -r unsealed
}

# What the network says of a certificate to whoever asks: by openssl, from where the MASA stands.
status_of() { # status_of CERTIFICATE: "good" or "revoked", by OCSP
	in_ns acme openssl ocsp -issuer home/issuing.pem -cert "$1" -url http://crl.home.example:8080/ocsp \
		-CAfile home/issuing.pem > ocsp.out 2>&1
	grep -q 'Response verify OK' ocsp.out
	sed -n "s|^$1: ||p" ocsp.out
}
listed() { # listed CERTIFICATE: its revocation list, verified by openssl, holds it
	local url
	url=$(openssl x509 -in "$1" -noout -ext crlDistributionPoints | sed -n 's/^ *URI://p')
	in_ns acme curl -s --noproxy '*' -o list.crl "$url"
	openssl crl -inform DER -in list.crl -CAfile home/issuing.pem -noout 2> crl.out
	grep -q 'verify OK' crl.out
	openssl crl -inform DER -in list.crl -noout -text | grep "Serial Number: $(openssl x509 -in "$1" -noout -serial | cut -d= -f2)" > /dev/null
}

reonboarding() {
	must_not_onboard r1 7
	explained A-00011 'revoked'
	refusal "revoked, it cannot onboard again: $said"
	# The old credential in a thief's hands.
	echo '{"version":1,"status":true}' > thief.status
	foreign_post r1 gw old.pem stolen.key brski/enrollstatus application/json thief.status
	[ "$code" -ge 400 ]
	refusal "the old credential replayed: $code $body"
	openssl ecparam -name prime256v1 -genkey -noout -out thief.key
	openssl req -new -key thief.key -subj "$(openssl x509 -in old.pem -noout -subject -nameopt compat | cut -d= -f2-)" -outform DER |
		base64 -w0 > thief.csr
	foreign_post r1 gw old.pem stolen.key est/simplereenroll application/pkcs10 thief.csr
	[ "$code" = 403 ]
	refusal "renewed by EST: $code $body"
	[ "$(status_of old.pem)" = revoked ]
	listed old.pem
	refusal "OCSP says revoked and the revocation list holds it (openssl ocsp, openssl crl)"
	home device approve A-00011 --reason 'repaired and taken back'
	onboard r1
	local chain
	chain=$(openssl verify -CAfile home/domain-ca.pem -untrusted $unit/state/ldevid.pem $unit/state/ldevid.pem)
	[ "$(openssl x509 -in old.pem -noout -pubkey)" != "$(openssl x509 -in $unit/state/ldevid.pem -noout -pubkey)" ]
	[ "$(openssl x509 -in old.pem -noout -serial)" != "$(openssl x509 -in $unit/state/ldevid.pem -noout -serial)" ]
	evidence "taken back by the operator, it onboards again: ${chain##*: }, with another key and serial number than before (openssl)"
	foreign_post r1 gw old.pem stolen.key brski/enrollstatus application/json thief.status
	[ "$code" -ge 400 ]
	refusal "the old credential stays dead after that: $code $body"
	foreign_post r1 gw $unit/state/ldevid.pem "$(ls $unit/state/ldevid-*.key)" brski/enrollstatus application/json thief.status
	[ "$code" = 200 ]
	refusal "control: the new credential in the same request: $code"
	openssl x509 -in $unit/state/ldevid.pem -out new.pem
	[ "$(status_of new.pem)" = good ]
	! listed new.pem
	refusal "control: OCSP says good of the new credential, and no list holds it"
	# And in another network: the owner sells it on.
	agent r1 reset
	berth masa release --socket acme/masa/admin.sock A-00011
	berth factory sell --dir acme --again --serial A-00011 --owner rogue/domain-ca.pem --out resale.manifest
	berth masa load --socket acme/masa/admin.sock resale.manifest
	stop gateway-gw
	# Its registrar reads the manufacturer's log, and finds a former domain that nobody told it of.
	must_not_onboard r1 7
	logged registrar-rogue 'rule=audit-unknown-domain'
	refusal "the new owner's policy knows nothing of the former one: $said"
	local former
	former=$(openssl x509 -in home/issuing.pem -noout -ext subjectKeyIdentifier | tail -n 1 | tr -d ' :' | xxd -r -p | base64)
	printf '\n[domain "the former owner"]\nid = %s\n' "$former" >> rogue/policy.conf
	stop registrar-rogue
	rm -f rogue/port
	start_registrar rogue rogue
	onboard r1
	start_gateway gw lan
	openssl verify -CAfile rogue/domain-ca.pem -untrusted $unit/state/ldevid.pem $unit/state/ldevid.pem > /dev/null
	evidence "released, sold on and its former domain $former named in the new owner's policy, it onboards in the other network: openssl verifies its third certificate to that domain's CA"
}

run_row S3.C1 credential_deletion
run_row S3.C3 reonboarding
finish
