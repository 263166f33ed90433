#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A new key for the issuing CA, with curl and openssl as devices and judges: whoever was enrolled before renews with its
# old certificate and gets one of the new CA; either CA leads to the other's certificates by the cross-certificates alone;
# both CAs' revocation is published; a revoked certificate of the former CA opens nothing; a new device comes on.
# shellcheck source-path=SCRIPTDIR source=pledge_lib.sh
here=$(cd "$(dirname "$0")" && pwd)
registrar_options=()
. "$here/pledge_lib.sh"
# shellcheck source=revocation_lib.sh
. "$here/revocation_lib.sh"
publish_somewhere
masa_settings='revocation-sources = 127.0.0.0/8'
start_world "A-0001 A-0002 A-0003 A-0004"
revocation_ready
onboard A-0001
onboard A-0002
cp issuing-ca.pem old-ca.pem
cp cacerts.pem device-cacerts.pem # what a device that is switched off now knows

# ---- refused while it runs, and without the root's key ----

! berth registrar rollover --dir home 2> refused.err || fail 'a roll-over under a running daemon'
grep -q rollover-running refused.err || fail "$(cat refused.err)"
stop_registrar() {
	kill "$registrar_pid"
	wait "$registrar_pid" || true
	rm -f home/port
}
stop_registrar
mv home/keys/root.key root.key
! berth registrar rollover --dir home 2> refused.err || fail 'a roll-over without the root'
grep -q rollover-root-key refused.err || fail "$(cat refused.err)"
! berth registrar rollover --dir home --root-key "file:$work/home/keys/issuing.key" 2> refused.err ||
	fail "a roll-over with another key than the root's"
grep -q rollover-root-key refused.err || fail "$(cat refused.err)"
[ ! -e home/registrar.conf.d/zz-rollover.conf ] || fail 'a refused roll-over is in force'
said 'refused: while the daemon runs; without the root key; with another key'

# ---- killed in the middle: a key and files that nothing names; the next run takes the key up ----

berth registrar rollover --dir home --root-key "file:$work/root.key" > /dev/null
rm home/registrar.conf.d/zz-rollover.conf
berth-registrar --config home/registrar.conf --check-config > /dev/null || fail 'the former state does not stand'
key=$(sha256sum < home/keys/issuing-2.key)
berth registrar rollover --dir home --root-key "file:$work/root.key" --json > made.json
[ "$(sha256sum < home/keys/issuing-2.key)" = "$key" ] || fail 'the second run made another key'
grep -q '"number":2' made.json || fail "$(cat made.json)"
said 'interrupted before the configuration: the former state stands, the next run finishes'

start_registrar() {
	berth-registrar --config home/registrar.conf 2>> registrar.log &
	registrar_pid=$!
	pids+=("$registrar_pid")
	until_there home/port "$registrar_pid"
	base=https://localhost:$(cat home/port)/.well-known
	openssl s_client -connect "localhost:$(cat home/port)" -showcerts < /dev/null 2> /dev/null |
		sed -n '/BEGIN CERT/,/END CERT/p' > shown.pem
	openssl x509 -in shown.pem -outform DER -out registrar.der
}
start_registrar

# ---- what a device that was switched off meets ----

# req: rfc7030-4.1.3-rollover
openssl x509 -in home/issuing-2.pem -out new-ca.pem
! cmp -s new-ca.pem old-ca.pem || fail 'there is no new CA'
openssl verify -CAfile device-cacerts.pem -untrusted shown.pem -purpose sslserver -verify_hostname localhost shown.pem \
	> /dev/null || fail 'the former CA certificates no longer lead to the registrar'
curl -s --noproxy '*' --cacert device-cacerts.pem "$base/est/cacerts" -o body || fail 'curl does not trust the registrar'
base64 -d body | openssl pkcs7 -inform DER -print_certs -out cacerts.pem
[ "$(grep -c 'BEGIN CERT' cacerts.pem)" = 5 ] || fail "cacerts holds $(grep -c 'BEGIN CERT' cacerts.pem) certificates"
csplit -sz -f former. home/former/1.pem '/-----BEGIN/' '{*}'
cp former.01 old-with-new.pem
cp former.02 new-with-old.pem
cmp -s former.00 old-ca.pem || fail 'the former CA is not the first of its file'
# A set has no order (RFC 5652 10.2.3): each must be there.
csplit -sz -f told. cacerts.pem '/-----BEGIN/' '{*}'
for wanted in new-ca.pem home/domain-ca.pem old-ca.pem old-with-new.pem new-with-old.pem; do
	found=no
	for told in told.*; do
		[ "$(openssl x509 -in "$told" -noout -fingerprint 2> /dev/null)" != "$(openssl x509 -in "$wanted" -noout -fingerprint)" ] ||
			found=yes
	done
	[ "$found" = yes ] || fail "cacerts does not hold $wanted"
done
said 'a device that was off trusts the registrar and fetches the new CA and the cross-certificates'

renew() { # renew SERIAL: with a new key, by the LDevID it has; the old one is kept as old.pem
	local device=pledge/$1
	openssl ecparam -name prime256v1 -genkey -noout -out "$device/next.key"
	openssl req -new -key "$device/next.key" -subj "$(openssl x509 -in "$device/ldevid.pem" -noout -subject \
		-nameopt compat,sep_multiline,lname | sed -n 's/^  *\([A-Za-z]*=.*\)/\/\1/p' | tr -d '\n')" -outform DER |
		base64 -w0 > csr.b64
	code=$(curl -s --noproxy '*' --cacert device-cacerts.pem --cert "$device/ldevid.pem" --key "$device/ldevid.key" \
		-H 'Content-Type: application/pkcs10' -H 'Expect:' --data-binary @csr.b64 -o body -w '%{http_code}' \
		"$base/est/simplereenroll")
	[ "$code" = 200 ] || fail "simplereenroll of $1: $code: $(head -c 300 body)"
	cp "$device/ldevid.pem" "$device/old.pem"
	cp "$device/ldevid.key" "$device/old.key"
	base64 -d body | openssl pkcs7 -inform DER -print_certs -out "$device/ldevid.pem"
	mv "$device/next.key" "$device/ldevid.key"
}

# req: renewal-info-former-issuer
curl -s --noproxy '*' --cacert device-cacerts.pem --cert pledge/A-0001/ldevid.pem --key pledge/A-0001/ldevid.key \
	"$base/est/renewal-info" -o info
grep -q 'replaced by a new one' info || fail "no advice to renew early: $(cat info)"
renew A-0001
curl -s --noproxy '*' --cacert device-cacerts.pem --cert pledge/A-0001/ldevid.pem --key pledge/A-0001/ldevid.key \
	"$base/est/renewal-info" -o info
grep -q 'two thirds' info || fail "another advice than the usual: $(cat info)"
said 'A-0001 is told to renew early, renews with its old certificate, and then is told the usual'

leads() { # leads ANCHOR BETWEEN LEAF: by these alone
	openssl verify -partial_chain -trusted "$1" -untrusted "$2" -purpose sslclient "$3" > verify.out 2>&1
}
leads new-ca.pem new-ca.pem pledge/A-0001/ldevid.pem || fail "the new CA: $(cat verify.out)"
! leads old-ca.pem old-ca.pem pledge/A-0001/ldevid.pem || fail 'the certificate is still of the former CA'
leads old-ca.pem new-with-old.pem pledge/A-0001/ldevid.pem || fail "NewWithOld: $(cat verify.out)"
leads new-ca.pem old-with-new.pem pledge/A-0001/old.pem || fail "OldWithNew: $(cat verify.out)"
leads home/domain-ca.pem home/former/1.pem pledge/A-0001/old.pem || fail "the former, by the root: $(cat verify.out)"
leads home/domain-ca.pem cacerts.pem pledge/A-0001/ldevid.pem || fail "the new, by the root: $(cat verify.out)"
said 'openssl: from the former CA to the new certificate, and the other way, by one cross-certificate each'

# ---- revocation of both ----

# "openssl crl" looks for a list's issuer by name alone: it gets the one that is meant.
says() { # says CA CERTIFICATE good|revoked: OCSP and the list
	cp "$1" issuing-ca.pem
	cat "$1" home/domain-ca.pem > ca-chain.pem
	certificate_says "$2" "$3"
	fetch_crl "$2"
	if openssl verify -crl_check -partial_chain -trusted "$1" -CRLfile crl.pem "$2" > verify.out 2>&1; then
		[ "$3" = good ] || fail "openssl verify -crl_check accepts $2"
	else
		[ "$3" = revoked ] && grep -q 'certificate revoked' verify.out || fail "$2: $(cat verify.out)"
	fi
}
says old-ca.pem pledge/A-0002/ldevid.pem good
says new-ca.pem pledge/A-0001/ldevid.pem good
says old-ca.pem pledge/A-0001/old.pem good
with_ldevid A-0002 brski/enrollstatus application/json status.json
[ "$code" = 200 ] || fail "a certificate of the former CA: $code: $(head -c 300 body)"
berth device revoke A-0002 --reason 'stolen'
says old-ca.pem pledge/A-0002/ldevid.pem revoked
says new-ca.pem pledge/A-0001/ldevid.pem good
refused_everywhere A-0002
berth certificate revoke "$(openssl x509 -in pledge/A-0001/old.pem -noout -serial | sed 's/.*=//')" --reason 'renewed'
says old-ca.pem pledge/A-0001/old.pem revoked
says new-ca.pem pledge/A-0001/ldevid.pem good
said 'OCSP and the list of each CA; a revoked certificate of the former CA opens nothing'

# ---- a new device, and once more ----

onboard A-0003
leads new-ca.pem new-ca.pem pledge/A-0003/ldevid.pem || fail "a new device: $(cat verify.out)"
said 'a new device: the MASA gives its voucher to the same owner, the new CA its certificate'

stop_registrar
sed -i 's/^issuing-key = .*/&\ncertificate-lifetime = 40s/' home/registrar.conf # a window to renew in that a test can see
berth registrar rollover --dir home --root-key "file:$work/root.key" > /dev/null
start_registrar
openssl x509 -in home/issuing-3.pem -out third-ca.pem
cp pledge/A-0003/ldevid.pem second.pem
renew A-0003
leads third-ca.pem third-ca.pem pledge/A-0003/ldevid.pem || fail "the third CA: $(cat verify.out)"
says old-ca.pem pledge/A-0002/ldevid.pem revoked
says new-ca.pem second.pem good
says third-ca.pem pledge/A-0003/ldevid.pem good
curl -s --noproxy '*' --cacert device-cacerts.pem "$base/est/cacerts" -o body
[ "$(base64 -d body | openssl pkcs7 -inform DER -print_certs | grep -c 'BEGIN CERT')" = 8 ] || fail 'cacerts after two'
said 'a second roll-over: three CAs answer for their own certificates'

# A backup holds the former CAs and their keys too.
echo 'correct horse battery staple' > pass
chmod 600 pass
berth registrar backup --config home/registrar.conf --passphrase-file pass all.berth > /dev/null
berth registrar restore --to restored --passphrase-file pass all.berth > /dev/null
berth-registrar --config restored/registrar.conf --check-config > /dev/null || fail 'the restored configuration is not whole'
for file in former/1.pem former/2.pem keys/issuing.key keys/issuing-2.key keys/issuing-3.key; do
	cmp "home/$file" "restored/$file" || fail "the backup lacks $file"
done
said 'a backup has the former CAs and their keys'

# Berth's own device, which is told three CAs and four cross-certificates, keeps a chain that the root alone judges.
sed -E "s#= (file:)?(idevid|manufacturer-anchors)\.#= \1units/A-0004/\2.#" units/A-0004/device.conf > device.conf
(umask 077; openssl pkcs8 -topk8 -nocrypt -in pledge/A-0004/idevid.key -out agent.key)
sed -i "/^idevid-key/d; s|^\[device\]|&\nidevid-key = file:$work/agent.key|; s|^state-directory = .*|state-directory = $work/agent|" device.conf
printf '\n[discovery]\ndns-sd = no\nregistrar = 127.0.0.1:%s\n' "$(cat home/port)" >> device.conf
for round in 1 2 3; do
	berth-device --config device.conf run --once --timeout 60 2> device.log || fail "berth-device: $(tail -n 3 device.log)"
	openssl verify -CAfile home/domain-ca.pem -untrusted agent/ldevid.pem agent/ldevid.pem > verify.out 2>&1 ||
		fail "what berth-device shows does not lead to the root (round $round): $(cat verify.out)"
	leads third-ca.pem third-ca.pem agent/ldevid.pem || fail "berth-device: $(cat verify.out)"
	[ $round = 3 ] || berth-device --config device.conf reset 2>> device.log
done
said 'berth-device comes on, and keeps a chain that leads to the root'

# ---- the root is elsewhere: a request goes there, a certificate comes back; berth-device renews across it ----

agents_port=$(cat home/port)
before=$(cat home/registrar.conf.d/* | sha256sum)
berth registrar rollover --dir home --csr ca.csr > /dev/null # the registrar runs
key=$(sha256sum < home/keys/issuing-4.key)
berth registrar rollover --dir home --csr ca.csr --json | grep '"number":4' > /dev/null || fail 'another number the second time'
[ "$(sha256sum < home/keys/issuing-4.key)" = "$key" ] || fail 'the second request has another key'
[ "$(cat home/registrar.conf.d/* | sha256sum)" = "$before" ] || fail 'a request changes what is in force'
openssl req -in ca.csr -noout -verify 2> verify.out || fail "openssl: $(cat verify.out)"
as_a_ca='basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n'
certify() { # certify EXTENSIONS OUT OPENSSL-OPTIONS...: as the root's owner would, by openssl alone
	local out=$2
	# shellcheck disable=SC2059 # lines
	printf "$1" > ca.ext
	shift 2
	openssl x509 -req -extfile ca.ext -days 3000 -out "$out" "$@" 2> openssl.err || fail "$(cat openssl.err)"
}
by_root=(-CA home/domain-ca.pem -CAkey root.key)
certify "$as_a_ca" fourth.pem -in ca.csr "${by_root[@]}"
refuses() { # refuses RULE WORDS OPTION...
	local rule=$1 words=$2
	shift 2
	! berth registrar rollover --dir home "$@" 2> refused.err || fail "a roll-over with $*"
	grep "$rule" refused.err | grep "$words" > /dev/null || fail "$* says: $(cat refused.err)"
	[ "$(cat home/registrar.conf.d/* | sha256sum)" = "$before" ] || fail "refused, and in force: $*"
}
refuses rollover-running 'stop it' --certificate fourth.pem
stop_registrar
certify "$as_a_ca" made.pem -in ca.csr "${by_root[@]}"
openssl req -new -key pledge/A-0001/ldevid.key -subj "$(openssl req -in ca.csr -noout -subject -nameopt compat | sed 's/^subject=//')" -out other.csr
certify "$as_a_ca" other-key.pem -in other.csr "${by_root[@]}"
openssl req -new -key home/keys/issuing-4.key -subj '/O=Example Home/CN=Another' -out name.csr
certify "$as_a_ca" other-name.pem -in name.csr "${by_root[@]}"
certify 'basicConstraints=critical,CA:FALSE\n' leaf.pem -in ca.csr "${by_root[@]}"
certify "${as_a_ca/,cRLSign/}" no-lists.pem -in ca.csr "${by_root[@]}"
certify "$as_a_ca" self.pem -in ca.csr -signkey home/keys/issuing-4.key
certify "$as_a_ca" former.pem -in ca.csr -CA third-ca.pem -CAkey home/keys/issuing-3.key
refuses rollover-certificate 'another key' --certificate other-key.pem
refuses rollover-certificate 'another name' --certificate other-name.pem
refuses rollover-certificate 'keyCertSign and cRLSign' --certificate leaf.pem
refuses rollover-certificate 'keyCertSign and cRLSign' --certificate no-lists.pem
refuses rollover-certificate 'self.pem' --certificate self.pem
refuses rollover-certificate 'former.pem' --certificate former.pem
refuses rollover-which 'give one' --certificate fourth.pem --root-key "file:$work/root.key"
refuses registrar-certificates 'ca.csr' --certificate ca.csr
cp agent/ldevid.pem third-ldevid.pem
sed -i "s/^listen = .*/listen = 127.0.0.1:$agents_port/" home/registrar.conf # a device goes where it was
berth registrar rollover --dir home --certificate fourth.pem > /dev/null
start_registrar
openssl x509 -in home/issuing-4.pem -out fourth-ca.pem
[ "$(openssl x509 -in fourth-ca.pem -noout -fingerprint)" = "$(openssl x509 -in fourth.pem -noout -fingerprint)" ] ||
	fail "the CA in force is not the root's"
openssl verify -CAfile home/domain-ca.pem -untrusted shown.pem -purpose sslserver -verify_hostname localhost shown.pem \
	> /dev/null || fail 'the root does not lead to the registrar'
printf '\n[renewal]\ncheck-every = 1s\n' >> device.conf
berth registrar rekey start > /dev/null
berth-device --config device.conf run 2> device.log &
device_pid=$!
pids+=("$device_pid")
is_renewed() { ! cmp -s agent/ldevid.pem third-ldevid.pem && leads fourth-ca.pem fourth-ca.pem agent/ldevid.pem; }
for _ in $(seq 200); do
	! is_renewed || break
	read -r -t 0.1 <> <(:) || true
done
is_renewed || fail "berth-device does not renew across the roll-over: $(tail -n 5 device.log)"
openssl verify -CAfile home/domain-ca.pem -untrusted agent/ldevid.pem agent/ldevid.pem > verify.out 2>&1 ||
	fail "what berth-device shows does not lead to the root: $(cat verify.out)"
leads third-ca.pem third-ca.pem third-ldevid.pem || fail 'it had another certificate before'
says fourth-ca.pem agent/ldevid.pem good
said 'the root stays where it is: request, certificate by openssl, seven others refused; berth-device renews across it'
