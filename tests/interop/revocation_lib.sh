# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# Steps about revocation, for scripts that have sourced pledge_lib.sh: openssl and curl are the judges. A row of the
# playbook may use them too: they need $registrar_pid, home/, pledge/SERIAL/ldevid.{pem,key} and $base, no more.
#
#	publish_somewhere		before start_world: registrar_options with a free port of the loopback
#	revocation_ready		after it: $plain, issuing-ca.pem, ca-chain.pem
#	ocsp_says SERIAL good|revoked	openssl ocsp, with a nonce, checks the response and its signer
#	crl_says SERIAL good|revoked	openssl verify -crl_check on the list that the certificate names
#	refused_everywhere SERIAL	enrollstatus, simpleenroll and simplereenroll with its LDevID; voucher with its IDevID

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

publish_somewhere() {
	plain_port=$(free_port)
	plain=http://127.0.0.1:$plain_port
	registrar_options+=(--publish-url "$plain" --plain-listen "127.0.0.1:$plain_port")
}

revocation_ready() {
	[ "$(cat home/plain-port)" = "$plain_port" ] || fail 'the registrar publishes on another port'
	openssl x509 -in home/issuing.pem -out issuing-ca.pem
	cat home/issuing.pem > ca-chain.pem
}

ocsp_ask() { # ocsp_ask CERTIFICATE [OPTION...]: what openssl says, in ocsp.out
	local certificate=$1
	shift
	openssl ocsp -issuer issuing-ca.pem -cert "$certificate" -url "$plain/ocsp" -CAfile ca-chain.pem \
		-no-CApath -timeout 10 "$@" > ocsp.out 2>&1 || fail "openssl ocsp: $(cat ocsp.out)"
}

certificate_says() { # certificate_says CERTIFICATE good|revoked|unknown: by OCSP
	ocsp_ask "$1"
	grep -q 'Response verify OK' ocsp.out || fail "openssl does not accept the response: $(cat ocsp.out)"
	! grep -q 'WARNING: no nonce' ocsp.out || fail 'the response has no nonce'
	grep -q "^$1: $2" ocsp.out || fail "OCSP does not say $2: $(cat ocsp.out)"
}

ocsp_says() { # ocsp_says SERIAL good|revoked|unknown
	certificate_says "pledge/$1/ldevid.pem" "$2"
}

fetch_crl() { # fetch_crl CERTIFICATE: the list that it names, as crl.pem
	crl_url=$(openssl x509 -in "$1" -noout -ext crlDistributionPoints | sed -n 's/^ *URI://p')
	[ -n "$crl_url" ] || fail "$1 names no revocation list"
	code=$(curl -s --noproxy '*' -o crl.der -D crl.headers -w '%{http_code}' "$crl_url")
	[ "$code" = 200 ] || fail "$crl_url: $code: $(cat crl.der)"
	grep -qi '^content-type: application/pkix-crl' crl.headers || fail 'the list has another media type'
	openssl crl -inform DER -in crl.der -CAfile ca-chain.pem -out crl.pem 2> crl.out || fail "openssl crl: $(cat crl.out)"
	grep -q 'verify OK' crl.out || fail "openssl crl does not verify the list: $(cat crl.out)"
}

crl_number() {
	printf '%d\n' "$(openssl crl -in crl.pem -noout -crlnumber | sed 's/.*=//')"
}

crl_says() { # crl_says SERIAL good|revoked
	fetch_crl "pledge/$1/ldevid.pem"
	if openssl verify -crl_check -CAfile ca-chain.pem -CRLfile crl.pem "pledge/$1/ldevid.pem" > verify.out 2>&1; then
		[ "$2" = good ] || fail "openssl verify -crl_check accepts $1"
	else
		[ "$2" = revoked ] || fail "openssl verify -crl_check: $(cat verify.out)"
		grep -q 'certificate revoked' verify.out || fail "openssl verify -crl_check: $(cat verify.out)"
	fi
}

with_ldevid() { # with_ldevid SERIAL PATH MEDIA-TYPE FILE: sets $code
	code=$(curl -sk --noproxy '*' --cert "pledge/$1/ldevid.pem" --key "pledge/$1/ldevid.key" \
		-H "Content-Type: $3" -H 'Expect:' --data-binary "@$4" -D headers -o body -w '%{http_code}' "$base/$2")
}

refused_everywhere() { # refused_everywhere SERIAL
	echo '{"version":1,"status":true}' > status.json
	with_ldevid "$1" brski/enrollstatus application/json status.json
	refused 403 credential-revoked "enrollstatus with a revoked LDevID"
	openssl req -new -key "pledge/$1/ldevid.key" -subj "/serialNumber=$1" -outform DER | base64 -w0 > csr.b64
	with_ldevid "$1" est/simpleenroll application/pkcs10 csr.b64
	refused 403 credential-revoked "simpleenroll with a revoked LDevID"
	with_ldevid "$1" est/simplereenroll application/pkcs10 csr.b64
	refused 403 credential-revoked "simplereenroll with a revoked LDevID"
	request "$1" pvr.der
	post "$1" brski/requestvoucher "$voucher_media" pvr.der
	[ "$code" = 403 ] || fail "a voucher for a revoked device: $code: $(head -c 300 body)"
	said 'refused with 403: a voucher for a revoked device'
}
