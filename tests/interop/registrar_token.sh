#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A registrar whose issuing CA's key is in a PKCS#11 token and never leaves it: the signer process alone opens the
# token, a device is onboarded, and pkcs11-tool says that the key is not extractable.
for tool in softhsm2-util pkcs11-tool; do
	command -v "$tool" > /dev/null || { echo "missing: $tool"; exit 77; }
done
module=$(ls /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so 2> /dev/null | head -n 1)
[ -n "$module" ] || { echo "missing: the SoftHSM2 module"; exit 77; }
# shellcheck source-path=SCRIPTDIR source=pledge_lib.sh
. "$(dirname "$0")/pledge_lib.sh"
# shellcheck disable=SC2154 # pledge_lib.sh makes it
export SOFTHSM2_CONF=$work/softhsm2.conf
mkdir tokens
echo "directories.tokendir = $work/tokens" > "$SOFTHSM2_CONF"
softhsm2-util --init-token --free --label owner --pin 1234 --so-pin 5678 > /dev/null
echo 1234 > pin
chmod 600 pin
registrar_options=(--issuing-key "pkcs11:token=owner;object=issuing?module-path=$module&pin-source=file:$work/pin")
daemon_settings="token-directory = $work/tokens"
start_world "A-0001 A-0002"
[ ! -e home/keys/issuing.key ] || fail 'the issuing key is in a file'
onboard A-0001
pkcs11-tool --module "$module" --token-label owner --login --pin 1234 --list-objects --type privkey 2> /dev/null > objects
{ grep -q 'label: *issuing' objects && grep -q 'never extractable' objects; } || fail "the token says: $(cat objects)"
said 'the device holds a certificate issued by a key that never left its token'
