# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# For scripts of this folder: a manufacturer with its MASA, an owner with its registrar, both running on the
# loopback, and a pledge made of curl and openssl alone. Sourced; works in a temporary folder, which it removes.
#
#	. "$(dirname "$0")/pledge_lib.sh"
#	start_world "A-0001 A-0002"		starts the daemons; $masa_pid, $registrar_pid, masa.log, registrar.log
#	onboard A-0001				the whole path of one device
#
# daemon_settings, when set, is added to section [daemon] of both; masa_settings to [masa], registrar_settings to
# [registrar]; registrar_options to "berth registrar init", factory_make_options to "berth factory make".
# A function before_registrar, where there is one, runs when the owner's files are written and the registrar is not started.
set -euo pipefail

programs=${BERTH_PROGRAMS:?the folder of the programs}
PATH=$programs:$PATH
daemon_settings=${daemon_settings:-}
masa_settings=${masa_settings:-}
registrar_settings=${registrar_settings:-}
[ -n "${registrar_options+set}" ] || registrar_options=()
[ -n "${factory_make_options+set}" ] || factory_make_options=()
for tool in curl openssl base64; do
	command -v "$tool" > /dev/null || { echo "missing: $tool"; exit 77; }
done

work=$(mktemp -d)
pids=()
ended() {
	status=$?
	[ "${#pids[@]}" -eq 0 ] || kill "${pids[@]}" 2> /dev/null || true
	wait || true
	if [ "$status" -ne 0 ] && [ "$status" -ne 77 ]; then
		echo "--- registrar.log"; tail -n 40 "$work/registrar.log" 2> /dev/null || true
		echo "--- masa.log"; tail -n 20 "$work/masa.log" 2> /dev/null || true
	fi
	rm -rf "$work"
}
trap ended EXIT
cd "$work"

said() { echo "ok: $*"; }
fail() { echo "FAILED: $*"; exit 1; }

until_there() { # until_there FILE PID
	for _ in $(seq "${BERTH_TENTHS:-200}"); do
		[ -s "$1" ] && return 0
		kill -0 "$2" 2> /dev/null || fail "the program that should write $1 has ended"
		read -r -t 0.1 <> <(:) || true
	done
	fail "$1 was not written in time"
}

# ---- the manufacturer: the devices' keys are made by openssl, the factory sees only requests ----

pledge_key() { # pledge_key SERIAL
	mkdir -p "pledge/$1"
	openssl ecparam -name prime256v1 -genkey -noout -out "pledge/$1/idevid.key"
	openssl req -new -key "pledge/$1/idevid.key" -subj "/serialNumber=$1" -out "pledge/$1/idevid.csr"
	echo "$1,cam-1,$work/pledge/$1/idevid.csr" >> units.csv
}

start_manufacturer() { # start_manufacturer SERIALS
	local serial manifest masa_socket
	echo 'serial-number,model,csr' > units.csv
	for serial in $1; do pledge_key "$serial"; done

	berth factory init --dir acme --name Acme --masa-url masa.invalid --masa-host localhost > /dev/null
	berth factory make --dir acme --units units.csv --out units "${factory_make_options[@]}" > /dev/null
	for serial in $1; do
		cp "units/$serial/idevid.pem" "pledge/$serial/idevid.pem"
	done
	berth registrar init --dir home --name 'Example Home' --host localhost --listen 127.0.0.1:0 \
		"${registrar_options[@]}" > /dev/null
	berth factory sell --dir acme --all --owner home/domain-ca.pem --out sale.manifest > /dev/null
	sed -i 's/^listen = .*/listen = 127.0.0.1:0/; /^port-file/d' acme/masa/masa.conf
	sed -i "s|^\[daemon\]|&\nport-file = $work/masa.port\n$daemon_settings|" acme/masa/masa.conf
	sed -i "s|^\[masa\]|&\n$masa_settings|" acme/masa/masa.conf
	berth-masa --config acme/masa/masa.conf 2> masa.log &
	masa_pid=$!
	pids+=("$masa_pid")
	until_there masa.port "$masa_pid"
	masa_socket=acme/masa/admin.sock
	for manifest in units/*.manifest sale.manifest; do
		berth masa load --socket "$masa_socket" "$manifest" > /dev/null
	done
}

# A second maker, by openssl alone. Its MASA is asked by another name than its certificate has.
make_old_maker() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout oldroot.key -out oldroot.pem \
		-subj '/CN=Old Root' -days 3650 2> /dev/null
	mkdir -p old
	cat > old.conf <<-END
		[ca]
		default_ca = c
		[c]
		database = old/index
		rand_serial = yes
		new_certs_dir = old
		default_md = sha256
		policy = p
		x509_extensions = v3
		[v3]
		basicConstraints = CA:false
		[p]
		serialNumber = supplied
	END
	make_old O-0001 20210101000000Z
	make_old N-0001 20991231235959Z
}
make_old() { # make_old SERIAL END
	mkdir -p "pledge/$1"
	openssl ecparam -name prime256v1 -genkey -noout -out "pledge/$1/idevid.key"
	openssl req -new -key "pledge/$1/idevid.key" -subj "/serialNumber=$1" -out old.csr
	: > old/index
	openssl ca -batch -config old.conf -cert oldroot.pem -keyfile oldroot.key -in old.csr -notext \
		-startdate 20200101000000Z -enddate "$2" -out "pledge/$1/idevid.pem" 2> /dev/null
}

start_owner() {
	make_old_maker
	sed -i "s|^\[daemon\]|&\n$daemon_settings|; s|^\[registrar\]|&\n$registrar_settings|" home/registrar.conf
	cat >> home/registrar.conf <<-END
		[manufacturer "Acme"]
		anchors = $work/acme/root-ca.pem
		masa-url = localhost:$(cat masa.port)

		[manufacturer "Old"]
		anchors = $work/oldroot.pem
		masa-anchors = $work/acme/root-ca.pem
		masa-url = 127.0.0.1:$(cat masa.port)
	END
	cat > home/policy.conf <<-END
		[rule "waiting"]
		match.serial = W-*
		approve = operator

		[rule "stolen"]
		match.serial = D-*
		deny = yes

		[rule "old"]
		match.manufacturer = Old
		approve = auto

		[rule "cameras"]
		match.manufacturer = Acme
		require.owned = yes
		require.assertion = proximity, verified
		approve = auto
		segment = cameras
	END
	! declare -F before_registrar > /dev/null || before_registrar
	berth-registrar --config home/registrar.conf 2> registrar.log &
	registrar_pid=$!
	pids+=("$registrar_pid")
	until_there home/port "$registrar_pid"
	export BERTH_ADMIN_SOCKET=$work/home/admin.sock
	base=https://localhost:$(cat home/port)/.well-known
	berth device import sale.manifest --manufacturer Acme
	# What TLS shows before anything is trusted.
	openssl s_client -connect "localhost:$(cat home/port)" -showcerts < /dev/null 2> /dev/null |
		sed -n '/BEGIN CERT/,/END CERT/p' > shown.pem
	openssl x509 -in shown.pem -outform DER -out registrar.der
}

start_world() { # start_world SERIALS
	start_manufacturer "$1"
	start_owner
}

# ---- the pledge ----

request() { # request SERIAL OUT [SERIAL IN IT] [PROXIMITY CERT] [NONCE]
	printf '{"ietf-voucher-request:voucher":{"assertion":"proximity","created-on":"%s","serial-number":"%s","nonce":"%s","proximity-registrar-cert":"%s"}}' \
		"$(date -u +%Y-%m-%dT%H:%M:%SZ)" "${3:-$1}" "${5:-$(openssl rand -base64 16)}" \
		"$(base64 -w0 "${4:-registrar.der}")" > request.json
	# What follows the device's own certificate; openssl refuses an empty -certfile and one certificate twice.
	sed '1,/END CERT/d' "pledge/$1/idevid.pem" > above.pem
	local above=()
	[ ! -s above.pem ] || above=(-certfile above.pem)
	openssl cms -sign -binary -nodetach -nosmimecap -in request.json -signer "pledge/$1/idevid.pem" \
		"${above[@]}" -inkey "pledge/$1/idevid.key" \
		-econtent_type 1.2.840.113549.1.9.16.1.40 -outform DER -out "$2"
}

post() { # post SERIAL PATH MEDIA-TYPE FILE: sets $code, writes body and headers
	code=$(curl -sk --noproxy '*' --cert "pledge/$1/idevid.pem" --key "pledge/$1/idevid.key" \
		-H "Content-Type: $3" -H 'Expect:' --data-binary "@$4" -D headers -o body \
		-w '%{http_code}' "$base/$2")
}

voucher_media=application/voucher-cms+json
get() { # get PATH
	code=$(curl -sk --noproxy '*' -D headers -o body -w '%{http_code}' "$base/$1")
}

refused() { # refused STATUS RULE WHAT
	[ "$code" = "$1" ] || fail "$3: $code instead of $1: $(head -c 300 body)"
	grep -q "$2" body || fail "$3: the reply does not name $2: $(head -c 300 body)"
	grep -q "rule=\"\?$2" registrar.log || fail "$3: no log line names $2"
	said "refused with $1: $3 ($2)"
}

onboard() { # onboard SERIAL
	request "$1" pvr.der
	post "$1" brski/requestvoucher $voucher_media pvr.der
	[ "$code" = 200 ] || fail "requestvoucher: $code: $(head -c 300 body)"
	grep -qi "^content-type: $voucher_media" headers || fail 'the voucher has another media type'
	cp body voucher.der
	openssl cms -verify -inform DER -in voucher.der -CAfile acme/root-ca.pem -purpose any -binary \
		-out voucher.json 2> /dev/null || fail 'openssl does not verify the voucher'
	grep -q "\"serial-number\":\"$1\"" voucher.json
	nonce=$(sed 's/.*"nonce":"\([^"]*\)".*/\1/' request.json)
	grep -qF "\"nonce\":\"$nonce\"" voucher.json || fail 'the voucher has another nonce'
	sed 's/.*"pinned-domain-cert":"\([^"]*\)".*/\1/' voucher.json | base64 -d > pinned.der
	openssl x509 -inform DER -in pinned.der -out pinned.pem
	openssl verify -partial_chain -trusted pinned.pem -untrusted shown.pem -purpose any shown.pem > /dev/null ||
		fail 'the pinned certificate does not lead to the registrar'
	said "openssl verifies the voucher for $1, and with what it pins the registrar"

	echo '{"version":1,"status":true}' > status.json
	post "$1" brski/voucher_status application/json status.json
	[ "$code" = 200 ] || fail "voucher_status: $code: $(head -c 300 body)"

	get est/cacerts
	[ "$code" = 200 ] || fail "cacerts: $code"
	base64 -d body | openssl pkcs7 -inform DER -print_certs -out cacerts.pem
	get est/csrattrs
	[ "$code" = 200 ] || fail "csrattrs: $code"
	base64 -d body | openssl asn1parse -inform DER | grep 'serialNumber' > /dev/null || fail 'csrattrs asks for no serialNumber'

	openssl ecparam -name prime256v1 -genkey -noout -out "pledge/$1/ldevid.key"
	openssl req -new -key "pledge/$1/ldevid.key" -subj "/serialNumber=$1" -outform DER |
		base64 -w0 > csr.b64
	post "$1" est/simpleenroll application/pkcs10 csr.b64
	[ "$code" = 200 ] || fail "simpleenroll: $code: $(head -c 300 body)"
	cp body first
	base64 -d body | openssl pkcs7 -inform DER -print_certs -out "pledge/$1/ldevid.pem"
	openssl verify -CAfile home/domain-ca.pem -untrusted cacerts.pem "pledge/$1/ldevid.pem" > /dev/null ||
		fail 'openssl does not verify the LDevID'
	openssl x509 -in "pledge/$1/ldevid.pem" -noout -subject | grep "$1" > /dev/null
	said "openssl verifies the LDevID of $1"
	post "$1" est/simpleenroll application/pkcs10 csr.b64
	[ "$code" = 200 ] && cmp -s first body || fail "the same request again: $code, or another certificate"

	code=$(curl -sk --noproxy '*' --cert "pledge/$1/ldevid.pem" --key "pledge/$1/ldevid.key" \
		-H 'Content-Type: application/json' --data-binary @status.json -o body -w '%{http_code}' \
		"$base/brski/enrollstatus")
	[ "$code" = 200 ] || fail "enrollstatus: $code: $(head -c 300 body)"
	berth device show "$1" | grep 'on its new certificate' > /dev/null || fail 'enrollstatus did not count as on the new certificate'
	said "$1 told its success on a session with its new certificate"
}
