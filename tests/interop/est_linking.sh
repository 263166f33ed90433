#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Requests that are linked to their TLS connection, with the right, a wrong and no channel binding, at a label that requires
# it and at one that only checks what is there. (RFC 7030 3.5, RFC 5929, RFC 9266)
# req: rfc7030-3.5-link rfc9266-3-exporter rfc7030-3.5-required
# shellcheck source-path=SCRIPTDIR source=pledge_lib.sh
registrar_settings='est-users = users.conf\nest-clients = user'
before_registrar() {
	cat >> home/registrar.conf <<-END

		[est-label "linked"]
		clients = user
		proof-linking = required
	END
	printf '[rule "users"]\nmatch.client = user\napprove = auto\n' > home/policy.conf
	echo 'correct horse' | berth registrar est-user printer-7 --file home/users.conf
}
. "$(dirname "$0")/pledge_lib.sh"
command -v python3 > /dev/null || { echo 'missing: python3'; exit 77; }
here=$(cd "$OLDPWD" && cd "$(dirname "$0")" && pwd)
start_world 'A-0001'
openssl ecparam -name prime256v1 -genkey -noout -out printer.key
for label in '' linked/; do
	echo "at /.well-known/est/${label}simpleenroll"
	python3 "$here/est_linking.py" localhost "$(cat home/port)" "/.well-known/est/${label}simpleenroll" \
		'printer-7:correct horse' printer.key CN=printer-7 || fail 'linking is not judged as it must be'
done
# Who asks is told that a link is wanted.
get est/linked/csrattrs
base64 -d body | openssl asn1parse -inform DER | grep challengePassword > /dev/null || fail 'csrattrs asks for no challengePassword'
get est/csrattrs
! base64 -d body | openssl asn1parse -inform DER | grep challengePassword > /dev/null || fail 'csrattrs asks for a challengePassword'
said 'all'
