#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# EST as foreign clients speak it: strongSwan's pki fetches the CA certificates, enrols with a password, renews with its
# certificate, and polls while an operator thinks; curl and openssl do every operation and each refusal by the smallest
# change: labels, passwords, renewals. Linking to the connection is in est_linking.sh. (RFC 7030, 8951, 9908)
# shellcheck source-path=SCRIPTDIR source=pledge_lib.sh
registrar_settings='est-users = users.conf\nest-clients = device, user\nretry-after = 1s'
before_registrar() {
	make_tools
	cat >> home/registrar.conf <<-END

		[est-label "servers"]
		clients = user
		lifetime = 1h
		key = P-384
		server = yes

		[est-label "birth"]
		clients = certificate
		csrattrs = template

		[est-label "plain"]
		clients = device
		csrattrs = plain

		[manufacturer "Tools"]
		anchors = $work/toolroot.pem
		identity = common-name
		est = yes
	END
	cat - home/policy.conf > policy.new <<-END
		[rule "slow users"]
		match.client = user
		match.serial = slow-*
		approve = operator

		[rule "users"]
		match.client = user
		approve = auto
		segment = offices

		[rule "tools"]
		match.client = certificate
		match.manufacturer = Tools
		require.label = birth
		approve = auto

	END
	mv policy.new home/policy.conf
	echo 'correct horse' | berth registrar est-user printer-7 --file home/users.conf \
		--names printer-7,printer-7.home.example
	echo 'battery staple' | berth registrar est-user slow-1 --file home/users.conf
	echo 'battery staple' | berth registrar est-user gone-1 --file home/users.conf
	berth registrar est-user gone-1 --file home/users.conf --remove
	status=0
	echo short | berth registrar est-user short-1 --file home/users.conf 2> said || status=$?
	[ "$status" = 2 ] && grep -q password-length said || fail "a short password: $status"
	status=0
	berth registrar est-user nobody --file home/users.conf --remove 2> said || status=$?
	[ "$status" = 4 ] || fail "taking out nobody: $status"
	sed 's/est-label "plain"/est-label "cacerts"/' home/registrar.conf > home/bad.conf
	status=0
	berth-registrar --config home/bad.conf --check-config > said 2>&1 || status=$?
	[ "$status" = 2 ] && grep -q 'est-label' said || fail "a label with an operation's name: $status: $(cat said)"
	! grep -q 'horse\|staple\|gone-1' home/users.conf || fail 'the users'\'' file holds what it must not'
	[ "$(stat -c %a home/users.conf)" = 600 ] || fail "others may read the users' file"
}

# A maker whose devices need no voucher, by openssl alone.
make_tools() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout toolroot.key -out toolroot.pem \
		-subj '/CN=Tool Root' -days 3650 2> /dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout tool.key -subj '/CN=drill-1' 2> /dev/null |
		openssl x509 -req -CA toolroot.pem -CAkey toolroot.key -days 3650 -extfile <(echo keyUsage=digitalSignature) -out tool.pem 2> /dev/null
}

. "$(dirname "$0")/pledge_lib.sh"
command -v pki > /dev/null || { echo 'missing: strongSwan pki (strongswan-pki)'; exit 77; }
start_world 'A-0001'
server=https://localhost:$(cat home/port)

# ---- strongSwan ----

strongswan() { # strongswan VERB ARGUMENT...: its words about plugins are no news
	pki "$@" 2> pki.log || { cat pki.log >&2; return 1; }
}
key() { pki --gen --type ecdsa --size 256 --outform pem > "$1" 2> /dev/null; }

# req: rfc7030-4.1.1-anybody rfc8951-3.1-layout
strongswan --estca --url "$server" --cacert home/domain-ca.pem --caout swan-ca.pem --outform pem --force > /dev/null ||
	fail "strongSwan cannot fetch the CA certificates"
openssl x509 -in swan-ca.pem -noout -subject | grep 'Example Home' > /dev/null || fail 'strongSwan got other CA certificates'
said 'strongSwan fetched the CA certificates'

key swan.key
pki --req --type ecdsa --in swan.key --dn 'CN=printer-7' --outform der > swan.csr 2> /dev/null
strongswan --est --url "$server" --cacert home/domain-ca.pem --in swan.csr --userpass 'printer-7:correct horse' \
	--outform pem > swan.pem || fail 'strongSwan cannot enrol with a password'
openssl verify -CAfile home/domain-ca.pem -untrusted home/issuing.pem swan.pem > /dev/null || fail 'openssl does not verify it'
openssl x509 -in swan.pem -noout -subject -nameopt RFC2253 | grep -x 'subject=CN=printer-7,O=Example Home' > /dev/null ||
	fail "the certificate is for another name: $(openssl x509 -in swan.pem -noout -subject)"
said 'strongSwan enrols with a password'

# req: rfc7030-4.2.2-client rfc7030-4.2.2-key rfc7030-4.2.2-subject
key swan2.key
pki --req --type ecdsa --in swan2.key --dn 'O=Example Home, CN=printer-7' --outform der > swan2.csr 2> /dev/null
strongswan --est --url "$server" --cacert home/domain-ca.pem --in swan2.csr --cert swan.pem --key swan.key \
	--outform pem > swan2.pem || fail 'strongSwan cannot renew'
openssl x509 -in swan2.pem -noout -pubkey > renewed.pub
openssl pkey -in swan2.key -pubout | cmp -s - renewed.pub || fail 'the renewed certificate is for another key'
! cmp -s swan.pem swan2.pem || fail 'the renewed certificate is the old one'
said 'strongSwan renews with its certificate, for a new key'

# req: rfc7030-4.2.3-retry-after
key slow.key
pki --req --type ecdsa --in slow.key --dn 'CN=slow-1' --outform der > slow.csr 2> /dev/null
strongswan --est --url "$server" --cacert home/domain-ca.pem --in slow.csr --userpass 'slow-1:battery staple' \
	--interval 1 --maxpolltime 60 --outform pem > slow.pem &
polling=$!
for _ in $(seq 100); do
	berth device list > listed
	! grep -q 'slow-1.*pending' listed || break
	read -r -t 0.1 <> <(:) || true
done
grep -q 'slow-1.*pending' listed || fail "no device slow-1 waits: $(cat listed)"
kill -0 "$polling" || fail 'strongSwan gave up while it was told to wait'
berth device approve slow-1 > /dev/null
wait "$polling" || fail 'strongSwan polled and got no certificate'
openssl x509 -in slow.pem -noout -subject | grep 'slow-1' > /dev/null || fail 'strongSwan polled and got another certificate'
said 'strongSwan polls while it is told 202, and gets its certificate once an operator approves'

# ---- what TLS and cacerts are ----

# req: rfc7030-3.3-tls-version rfc7030-3.3.1-server
address=localhost:$(cat home/port)
for old in "-tls1_1 -cipher DEFAULT@SECLEVEL=0" "-tls1_2 -cipher aNULL@SECLEVEL=0"; do
	# shellcheck disable=SC2086
	! openssl s_client -connect "$address" $old < /dev/null > s_client.log 2>&1 || fail "TLS with $old is taken"
done
openssl verify -CAfile home/domain-ca.pem -untrusted shown.pem -verify_hostname localhost shown.pem > /dev/null ||
	fail 'openssl does not verify the server'
# req: rfc7030-4.1-cacerts rfc7030-4.1.3-certs-only
get est/cacerts
grep -qi '^content-type: application/pkcs7-mime' headers || fail 'cacerts has another media type'
base64 -d body | openssl pkcs7 -inform DER -print_certs -out all.pem
[ "$(grep -c 'BEGIN CERT' all.pem)" = 2 ] || fail 'cacerts lacks a certificate'
openssl verify -CAfile home/domain-ca.pem all.pem > /dev/null || fail 'openssl does not verify cacerts'
said 'TLS 1.2 and newer with a proved server; cacerts leads to the root'

# strongSwan reads one line, libest lines of 64 alone.
# req: rfc8951-3.1-layout
[ "$(wc -l < body)" = 0 ] || fail 'cacerts is not on one line'
curl -sk --noproxy '*' -A 'libest 3.2.0' -o body "$server/.well-known/est/cacerts"
[ "$(head -n1 body | wc -c)" = 65 ] && [ "$(wc -L < body)" = 64 ] || fail 'cacerts for libest is not in lines of 64'
base64 -d body | openssl pkcs7 -inform DER -print_certs | grep 'BEGIN CERT' > /dev/null || fail 'cacerts for libest cannot be read'

# ---- curl: passwords ----

csr() { # csr KEY SUBJECT [OPENSSL ARGUMENT...]: csr.b64, in lines
	local key=$1 subject=$2
	shift 2
	openssl req -new -key "$key" -subj "$subject" "$@" -outform DER | base64 -w64 > csr.b64
}
call() { # call PATH CURL-ARGUMENT...: sets $code, writes body and headers
	local path=$1
	shift
	code=$(curl -sk --noproxy '*' -H "Content-Type: ${media:-application/pkcs10}" -H 'Expect:' --data-binary @csr.b64 \
		-D headers -o body -w '%{http_code}' "$@" "$server/.well-known/est/$path")
}
as_printer=(-u 'printer-7:correct horse')
got() { # got FILE: the certificate of the reply
	[ "$code" = 200 ] || fail "$1: $code: $(head -c 300 body)"
	base64 -d body | openssl pkcs7 -inform DER -print_certs -out "$1"
	openssl verify -CAfile home/domain-ca.pem -untrusted home/issuing.pem "$1" > /dev/null || fail "openssl does not verify $1"
}

csr swan.key /CN=printer-7
# req: rfc7030-3.2.3-challenge rfc7030-3.2.3-basic rfc7030-4.2.3-error
call simpleenroll
refused 401 rfc8995-5.1-no-client-certificate 'a client without certificate and password'
grep -qi '^www-authenticate: basic realm=' headers || fail '401 without WWW-Authenticate'
grep -qi '^content-type: text/plain' headers || fail 'a refusal is no text for people'
# req: rfc7030-3.3.2-client
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout stranger.key -out stranger.pem \
	-subj /CN=printer-7 -days 2 2> /dev/null
call simpleenroll --cert stranger.pem --key stranger.key
refused 401 rfc8995-5.1-unknown-manufacturer 'a certificate of a stranger'
call simpleenroll -u 'printer-7:correct house'
refused 401 rfc7030-3.2.3-password 'another password'
call simpleenroll -u 'printer-8:correct horse'
refused 401 rfc7030-3.2.3-password 'another user'
call simpleenroll -u 'gone-1:battery staple'
refused 401 rfc7030-3.2.3-password 'a user that was taken out'
call simpleenroll "${as_printer[@]}"
got printer.pem
grep -q $'^.\\{64\\}$' body || fail 'a request in lines got a reply on one line'
cp body first
call simpleenroll "${as_printer[@]}"
[ "$code" = 200 ] && cmp -s first body || fail 'the same request again got another certificate'
berth device show printer-7 > shown
grep -q 'est-user' shown && grep -q offices shown || fail "the user has no record as a device: $(cat shown)"

# req: rfc7030-3.7-subject
csr swan.key /CN=admin
call simpleenroll "${as_printer[@]}"
refused 403 rfc8995-5.9.3-csr-foreign-name 'a name that is not the user'\''s'
csr swan.key /CN=printer-7 -addext 'subjectAltName=DNS:www.home.example'
call simpleenroll "${as_printer[@]}"
refused 403 rfc8995-5.9.3-csr-foreign-name 'an alternative name that is not the user'\''s'
csr swan.key /CN=printer-7 -addext 'subjectAltName=DNS:printer-7.home.example'
call simpleenroll "${as_printer[@]}"
got named.pem
openssl x509 -in named.pem -noout -ext subjectAltName | grep 'DNS:printer-7.home.example$' > /dev/null || fail 'the name was left out'

# ---- curl: labels ----

# req: rfc7030-3.2.2-label rfc7030-3.2.2-paths rfc8995-1.5-operations
call nowhere/simpleenroll "${as_printer[@]}"
[ "$code" = 404 ] || fail "a label that nobody configured: $code: $(cat body)"
get est/nowhere/cacerts
[ "$code" = 404 ] || fail "cacerts of an unknown label: $code"
get est/servers/cacerts
[ "$code" = 200 ] || fail "cacerts of a label: $code"
call servers/simpleenroll "${as_printer[@]}"
refused 400 rfc8995-5.9.3-csr-key 'a P-256 key where the label has P-384'
openssl ecparam -name secp384r1 -genkey -noout -out server.key
csr server.key /CN=printer-7.home.example -sha384 -addext 'subjectAltName=DNS:printer-7.home.example'
call servers/simpleenroll "${as_printer[@]}"
got server.pem
openssl x509 -in server.pem -noout -ext extendedKeyUsage | grep 'TLS Web Server Authentication' > /dev/null ||
	fail 'the label gave no server certificate'
! openssl x509 -in server.pem -noout -checkend 3700 > /dev/null || fail "the label's lifetime does not count"
openssl x509 -in server.pem -noout -checkend 3000 > /dev/null || fail "the label's lifetime is too short"
csr swan.key /CN=printer-7
call plain/simpleenroll "${as_printer[@]}"
[ "$code" = 403 ] || fail "a user at a label for devices: $code: $(cat body)"
said 'a label changes key, usage, lifetime and who may come'

# ---- curl: a birth certificate without a voucher ----

as_tool=(--cert tool.pem --key tool.key)
openssl ecparam -name prime256v1 -genkey -noout -out drill.key
csr drill.key /serialNumber=drill-1
call simpleenroll "${as_tool[@]}"
refused 403 rfc7030-3.2.2-label-clients 'a birth certificate without voucher at a path that does not take it'
call birth/simpleenroll "${as_tool[@]}"
got drill.pem
csr drill.key /serialNumber=drill-2
call birth/simpleenroll "${as_tool[@]}"
refused 400 rfc8995-5.9.3-csr-serial-mismatch 'another device'\''s serial number'
said 'a manufacturer whose devices enrol with their birth certificate alone'

# ---- curl: renewal of a BRSKI device ----

onboard A-0001
as_device=(--cert pledge/A-0001/ldevid.pem --key pledge/A-0001/ldevid.key)
id=$(openssl x509 -in pledge/A-0001/ldevid.pem -noout -subject -nameopt multiline | sed -n 's/ *commonName *= //p')
berth device list | grep "$id" > /dev/null || fail "the certificate's commonName $id is no device's id"
subject="/O=Example Home/CN=$id/serialNumber=A-0001"

# What csrattrs tells this device; openssl reads both styles.
# req: rfc9908-3.4-template rfc9908-3.4-subject
code=$(curl -sk --noproxy '*' "${as_device[@]}" -o body -w '%{http_code}' "$base/est/csrattrs")
base64 -d body | openssl asn1parse -inform DER > attributes
grep -q ':1.2.840.113549.1.9.16.2.61' attributes && grep -q ":$id" attributes ||
	fail "csrattrs has no template with the device's own name: $(cat attributes)"
code=$(curl -sk --noproxy '*' "${as_device[@]}" -o body -w '%{http_code}' "$base/est/plain/csrattrs")
! base64 -d body | openssl asn1parse -inform DER | grep '1.9.16.2.61' > /dev/null || fail 'a label with plain attributes gives a template'
get est/birth/csrattrs
base64 -d body | openssl asn1parse -inform DER > attributes
[ "$(grep -c 'd=1 ' attributes)" = 1 ] || fail 'a label with the template alone gives more'
# Users have no serial number; the names of a server are theirs to fill in.
# req: rfc9908-3.4-extensions
get est/servers/csrattrs
base64 -d body | openssl asn1parse -inform DER > attributes
! grep -q ':serialNumber' attributes || fail 'users are asked for a serial number'
grep -q ':1.2.840.113549.1.9.16.2.62' attributes && grep -q ':secp384r1' attributes ||
	fail "csrattrs of the servers' label: $(cat attributes)"

csr pledge/A-0001/ldevid.key "$subject"
call simplereenroll "${as_device[@]}"
got renewed.pem
cp body first
openssl x509 -in renewed.pem -noout -subject | cmp -s - <(openssl x509 -in pledge/A-0001/ldevid.pem -noout -subject) ||
	fail 'the renewed certificate has another subject'
call simplereenroll "${as_device[@]}"
[ "$code" = 200 ] && cmp -s first body || fail 'the same renewal again got another certificate'
call simplereenroll
refused 403 rfc8995-5.1-no-client-certificate 'a renewal without a certificate'
call simplereenroll "${as_printer[@]}"
[ "$code" = 403 ] || fail "a renewal by password: $code"
call simplereenroll --cert pledge/A-0001/idevid.pem --key pledge/A-0001/idevid.key
refused 403 rfc7030-4.2.2-client 'a renewal by the birth certificate'
call simpleenroll "${as_device[@]}"
refused 403 rfc8995-5.9-not-an-idevid 'a first certificate with an LDevID'
csr pledge/A-0001/ldevid.key '/CN=A-0001/serialNumber=A-0001'
call simplereenroll "${as_device[@]}"
refused 400 rfc7030-4.2.2-subject 'another subject'
csr pledge/A-0001/ldevid.key "$subject" -addext 'subjectAltName=DNS:a.example'
call simplereenroll "${as_device[@]}"
refused 400 rfc7030-4.2.2-alternative-names 'another alternative name'

# Generous on white space, strict on all else.
# req: rfc8951-3.1-white-space rfc8951-3.1-base64 rfc8951-3.1-transfer-encoding
openssl req -new -key pledge/A-0001/ldevid.key -subj "$subject" -outform DER > csr.der
base64 -w7 csr.der | sed 's/$/ \t\r/' > csr.b64
call simplereenroll "${as_device[@]}"
got spaced.pem
call simplereenroll "${as_device[@]}" -H 'Content-Transfer-Encoding: binary'
[ "$code" = 200 ] || fail "Content-Transfer-Encoding changes something: $code"
! grep -qi '^content-transfer-encoding' headers || fail 'Content-Transfer-Encoding is sent'
cp csr.der csr.b64
call simplereenroll "${as_device[@]}"
refused 400 rfc8951-3.1-not-base64 'DER that is not in base64'
base64 -w0 csr.der | sed 's/=*$/!/' > csr.b64
call simplereenroll "${as_device[@]}"
[ "$code" = 400 ] || fail "bad base64: $code"
base64 -w64 csr.der > csr.b64
media=application/pkcs7-mime call simplereenroll "${as_device[@]}"
[ "$code" = 415 ] || fail "another media type: $code"

# req: rfc7030-4.3-fullcmc rfc7030-4.4-serverkeygen
for operation in serverkeygen fullcmc; do
	call $operation "${as_device[@]}"
	[ "$code" = 501 ] || fail "$operation: $code"
done
get est/nothing
[ "$code" = 404 ] || fail "an unknown operation: $code"

berth device revoke A-0001 --reason 'returned' > /dev/null
call simplereenroll "${as_device[@]}"
[ "$code" = 403 ] || fail "a renewal with a revoked certificate: $code: $(cat body)"
said 'a revoked device does not renew'
berth device revoke printer-7 --reason 'sold' > /dev/null
csr swan.key /CN=printer-7
call simpleenroll "${as_printer[@]}"
[ "$code" = 403 ] || fail "a revoked user: $code: $(cat body)"
said 'a revoked user gets nothing'

# req: rfc7030-3.2.3-basic
for _ in 1 2 3 4 5 6; do call simpleenroll -u 'printer-7:guess'; done
[ "$code" = 429 ] && grep -qi '^retry-after:' headers || fail "guessing is not slowed: $code"
said 'who guesses passwords is told to wait'
berth audit verify > /dev/null
said 'all'
