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
tour > tour.txt || true
finish
