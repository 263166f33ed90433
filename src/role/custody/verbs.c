/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/custody/custody.h"

const struct berth_verb berth_custody_verbs[] = {
	{"manifest", "show", "print one manifest", berth_custody_show_main},
	{"manifest", "transfer", "hand units on to the next holder or owner, signed",
	 berth_custody_transfer_main},
	{"manifest", "verify", "verify manifests and the chain of custody that they make",
	 berth_custody_verify_main},
	{0},
};
