#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What a MASA makes of a chain of custody through an owner of record: who signed a unit away is its owner no more, and the
# audit log says to whom; a chain that knows less takes nothing back; whom the manufacturer sold it to beside the chain
# keeps it; what was released returns by a new sale alone.
# shellcheck source-path=SCRIPTDIR source=pledge_lib.sh
. "$(dirname "$0")/pledge_lib.sh"
command -v sqlite3 > /dev/null || { echo "missing: sqlite3"; exit 77; }
start_manufacturer "A-0001 A-0002 A-0003"
export BERTH_MASA_SOCKET=$work/acme/masa/admin.sock
for owner in b c; do
	berth registrar init --dir $owner --name "Owner $owner" --host localhost --listen 127.0.0.1:0 > /dev/null
done
masa_db=$(find acme/masa/state -name masa.db)
owner_of() { # owner_of SERIAL: those of record, by sqlite3
	sqlite3 "$masa_db" "SELECT group_concat(o.name, '+') FROM owner o JOIN unit u ON u.row = o.unit
		WHERE o.until IS NULL AND u.serial_number = '$1'"
}
owned() { # owned SERIAL NAME
	[ "$(owner_of "$1")" = "$2" ] || fail "the owner of $1 is '$(owner_of "$1")', not '$2'"
}
told() { # told EVENT MEMBER: of the last such entry's detail
	sqlite3 "$masa_db" "SELECT json_extract(CAST(detail AS TEXT), '$.$2') FROM audit WHERE event = '$1' ORDER BY seq DESC LIMIT 1"
}
says() { # says WORDS COMMAND...: it is refused in these words
	local words=$1
	shift
	if "$@" 2> error > out; then fail "accepted: $*"; fi
	grep -q "$words" error || fail "$* says: $(cat error)"
	said "refused: $* ($words): $(cat error)"
}
# An owner hands on with a certificate of its domain CA's key that is good for signatures.
signs_for() { openssl req -x509 -new -key "$1/keys/root.key" -subj "/O=$1" -addext basicConstraints=critical,CA:FALSE -days 2 -out "$1.signer"; }
signs_for home
signs_for b
hand_on() { # hand_on WHO FROM TO SERIAL OUT
	berth manifest transfer --from "$2" --key "file:$1/keys/root.key" --certificate "$1.signer" --to "$3/domain-ca.pem" \
		--serial "$4" --out "$5" > /dev/null
}

# ---- the owner of record signs it away ----

owned A-0001 'Example Home'
hand_on home sale.manifest b A-0001 to-b
berth masa load sale.manifest to-b > /dev/null
owned A-0001 'Owner b'
owned A-0002 'Example Home'
domain() { openssl x509 -in "$1/domain-ca.pem" -noout -ext subjectKeyIdentifier | tail -n 1 | tr -d ' :' | xxd -r -p | base64; }
for event in owner.ended owner.set; do
	[ "$(told $event from)" = 'Example Home' ] && [ "$(told $event to)" = 'Owner b' ] || fail "$event is from $(told $event from) to $(told $event to)"
	[ "$(told $event from-domain-id)" = "$(domain home)" ] || fail "$event has not the domain that openssl finds"
	[ "$(told $event to-domain-id)" = "$(domain b)" ] || fail "$event has not the domain that openssl finds"
done
berth masa history A-0001 | grep 'Owner b' > /dev/null || fail 'the history has no new owner'
said 'the owner of record signed it away: the next one owns it, and the audit log names both'

# ---- a chain that knows less ----

berth masa load sale.manifest > /dev/null
berth masa load units/*.manifest > /dev/null
owned A-0001 'Owner b'
berth masa load to-b sale.manifest > /dev/null
owned A-0001 'Owner b'
[ "$(sqlite3 "$masa_db" "SELECT count(*) FROM audit WHERE event = 'owner.ended'")" = 1 ] || fail 'the same chain ends an owner twice'
said 'the sale alone, and the same chain again, change nothing'

# ---- the manufacturer gave it to another, beside the chain ----

berth masa transfer --serial A-0002 --owner c/domain-ca.pem --name 'Owner c' > /dev/null
[ "$(told owner.ended to)" = 'Owner c' ] && [ "$(told owner.set to)" = 'Owner c' ] || fail 'the audit log does not name the next owner'
hand_on home sale.manifest b A-0002 c-to-b
says 'chain of custody ended' berth masa load sale.manifest c-to-b
owned A-0002 'Owner c'
berth masa release A-0003 > /dev/null
berth masa sell --serial A-0003 --owner c/domain-ca.pem --name 'Owner c' > /dev/null
berth factory sell --again --dir acme --serial A-0003 --holder home.signer --out to-holder > /dev/null
hand_on home to-holder b A-0003 holder-to-b
says 'Owner c' berth masa load to-holder holder-to-b
owned A-0003 'Owner c'
said 'an owner who is no hand of the chain keeps the unit'

# ---- released ----

berth masa release A-0001 > /dev/null
[ "$(told owner.ended from)" = 'Owner b' ] && [ -z "$(told owner.ended to)" ] || fail 'the release names another'
says 'chain of custody ended' berth masa load sale.manifest to-b
owned A-0001 ''
says 'nobody owns the unit' berth masa release A-0001
berth factory sell --again --dir acme --serial A-0001 --owner c/domain-ca.pem --out anew > /dev/null
berth masa load anew > /dev/null
owned A-0001 'Owner c'
berth audit verify --socket acme/masa/admin.sock > /dev/null
said 'released, the former chain does not bring it back; a new sale does; the audit chain holds'
