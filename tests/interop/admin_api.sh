#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The registrar's admin API is what its OpenAPI file says, with a device that was onboarded.
openapi=$(realpath "$(dirname "$0")/../../docs/openapi/registrar.yaml")
client=$(realpath "$(dirname "$0")/admin_api.py")
masa_settings='allow-nonceless = yes'
registrar_settings='stored-vouchers = fallback'
# shellcheck source-path=SCRIPTDIR source=pledge_lib.sh
. "$(dirname "$0")/pledge_lib.sh"
command -v python3 > /dev/null || { echo "missing: python3"; exit 77; }
start_world "A-0001 A-0002"
onboard A-0001
python3 "$client" "$openapi" "$work/home/admin.sock" A-0001 Acme sale.manifest
berth device show A-0001 > shown
grep -q revoked shown || fail 'the calls left no trace'
berth audit verify
