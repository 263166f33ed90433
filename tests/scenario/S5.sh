# SPDX-License-Identifier: BSD-2-Clause
# Scenario 5, what onboarding itself brings of it: the certificate that the owner's CA signs on the device's request.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/onboarding.sh"
cd "$BERTH_RUN"

certificate_provisioning() {
	local unit=acme-units/A-00012
	device p1 $unit
	berth factory sell --dir acme --serial A-00012 --owner home/domain-ca.pem --out csr-sale.manifest
	berth masa load --socket acme/masa/admin.sock csr-sale.manifest
	home device import csr-sale.manifest --manufacturer Acme
	registrar_seen p1 gw
	foreign_request $unit p1.pvr A-00012
	foreign_post p1 gw $unit/idevid.pem $unit/idevid.key brski/requestvoucher $voucher_media p1.pvr
	[ "$code" = 200 ]
	echo '{"version":1,"status":true}' > p1.status
	foreign_post p1 gw $unit/idevid.pem $unit/idevid.key brski/voucher_status application/json p1.status
	openssl ecparam -name prime256v1 -genkey -noout -out p1.key
	openssl req -new -key p1.key -subj /serialNumber=A-00013 -outform DER | base64 -w0 > foreign-name.csr
	foreign_post p1 gw $unit/idevid.pem $unit/idevid.key est/simpleenroll application/pkcs10 foreign-name.csr
	[ "$code" -ge 400 ]
	refusal "a request for a name that is not the device's: $code $body"
	openssl req -new -key p1.key -subj /serialNumber=A-00012 -outform DER | base64 -w0 > own-name.csr
	foreign_post p1 gw $unit/idevid.pem $unit/idevid.key est/simpleenroll application/pkcs10 own-name.csr
	[ "$code" = 200 ]
	refusal "control: the same request with the device's own name: $code"
	base64 -d body | openssl pkcs7 -inform DER -print_certs -out p1.pem
	in_ns p1 curl -sk --noproxy '*' "https://[$(proxy_address gw)%25eth0]:$(proxy_port gw)/.well-known/est/cacerts" |
		base64 -d | openssl pkcs7 -inform DER -print_certs -out p1.chain
	openssl verify -CAfile home/domain-ca.pem -untrusted p1.chain p1.pem > /dev/null
	[ "$(openssl x509 -in p1.pem -noout -pubkey)" = "$(openssl pkey -in p1.key -pubout)" ]
	evidence "EST answers a PKCS#10 request of openssl's; openssl verifies the certificate to the owner's CA and finds the request's key in it: $(openssl x509 -in p1.pem -noout -subject)"
}

restart_registrar() { # restart_registrar: with what its file says now
	stop registrar-home
	rm -f home/port
	start_registrar home owner
}
serial_of() { openssl x509 -in "acme-units/$1/state/ldevid.pem" -noout -serial | cut -d= -f2; }
key_of() { openssl x509 -in "acme-units/$1/state/ldevid.pem" -noout -pubkey; }
has_another() { # has_another UNIT CERTIFICATE-SERIAL
	[ -s "acme-units/$1/state/ldevid.pem" ] && [ "$(serial_of "$1")" != "$2" ]
}
issued() { # issued UNIT: how many certificates the registrar's record has of it, read by sqlite3
	sqlite3 home/state/registrar.db "select count(*) from certificate c join device d on d.row = c.device where d.serial_number = '$1' and c.state in (1, 3)"
}
vouchers_of() {
	sqlite3 home/state/registrar.db "select count(*) from step s join device d on d.row = s.device where d.serial_number = '$1' and length(s.voucher) > 0"
}
has_ended() { [ "$(date +%s)" -gt "$1" ]; }

# Certificates of twenty seconds, so that a life of a year passes while one looks.
credential_update() {
	local before_key before off_since ends came refused
	sed -i 's/^\[registrar\]/&\ncertificate-lifetime = 20s/' home/registrar.conf
	restart_registrar
	device u1 acme-units/A-00020
	device u2 acme-units/A-00021
	berth factory sell --dir acme --serial A-00020 --serial A-00021 --owner home/domain-ca.pem --out renewal-sale.manifest
	berth masa load --socket acme/masa/admin.sock renewal-sale.manifest
	home device import renewal-sale.manifest --manufacturer Acme
	for unit in A-00020 A-00021; do printf '\n[renewal]\ncheck-every = 1s\n' >> acme-units/$unit/device.conf; done
	# This one goes without power until its certificate is over.
	onboard u2
	off_since=$(serial_of A-00021)
	ends=$(date -d "$(openssl x509 -in acme-units/A-00021/state/ldevid.pem -noout -enddate | cut -d= -f2)" +%s)
	start_agent u1
	until_true 30 test -s acme-units/A-00020/state/ldevid.pem
	before=$(serial_of A-00020)
	before_key=$(key_of A-00020)
	until_true 30 has_another A-00020 "$before"
	openssl verify -CAfile home/domain-ca.pem -untrusted acme-units/A-00020/state/ldevid.pem acme-units/A-00020/state/ldevid.pem > /dev/null
	[ "$(key_of A-00020)" != "$before_key" ]
	[ "$(vouchers_of A-00020)" = 1 ]
	evidence "before it ends, the device renews by simplereenroll with a new key: $before, then $(serial_of A-00020) (openssl); the registrar's record has $(issued A-00020) certificates and one voucher of it (sqlite3); nobody was asked"
	until_true 40 has_ended "$ends"
	start_agent u2
	until_true 40 has_another A-00021 "$off_since"
	[ "$(vouchers_of A-00021)" = 2 ]
	evidence "off until its certificate was over ($(date -u -d "@$ends" +%H:%M:%S)), it comes back by itself: $(serial_of A-00021), and a second voucher (sqlite3)"
	home device revoke A-00020 --reason stolen
	came=$(issued A-00020)
	before=$(serial_of A-00021)
	ends=$(date -d "$(openssl x509 -in acme-units/A-00020/state/ldevid.pem -noout -enddate | cut -d= -f2)" +%s)
	until_true 40 has_ended "$ends"
	until_true 40 has_another A-00021 "$before"
	[ "$(issued A-00020)" = "$came" ]
	refused=$(grep -c 'status=403 .*A-00020.*revoked' "$logs/registrar-home.log")
	[ "$refused" -gt 0 ]
	logged registrar-home 'status=403 .*A-00020.*revoked'
	refusal "revoked, it asked $refused times until and after its certificate's end and got none: $said"
	refusal "control: the other device, not revoked, renewed meanwhile: $(serial_of A-00021)"
	stop agent-u1
	stop agent-u2
	sed -i '/^certificate-lifetime = 20s/d' home/registrar.conf
	restart_registrar
}

# What a visitor sees at the end (make demo).
tour() {
	echo "The owner's devices (berth device list):"
	echo
	home device list
	echo
	echo "Why A-00001 was let in (berth device explain A-00001):"
	echo
	home device explain A-00001
	echo
	echo "The owner's record (berth audit verify): $(home audit verify | head -n 1)"
}

[ -e "$logs/gateway-gw.pid" ] || start_gateway gw lan
run_row S5.C2 certificate_provisioning
run_row S5.C3 credential_update
tour > tour.txt || true
finish
