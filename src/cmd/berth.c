/* SPDX-License-Identifier: BSD-2-Clause */
/* The one command line. Verbs live with their roles (role/verb.h); here they are only listed. */
#include "role/custody/custody.h"
#include "role/factory/factory.h"
#include "role/masa/masa_verbs.h"
#include "role/operator/operator.h"
#include "role/playbook/playbook.h"
#include "role/registrar/verbs.h"
#include "role/verb.h"
#include "role/voucher/voucher_verbs.h"

static const struct berth_verb *const tables[] = {
	berth_factory_verbs,
	berth_masa_verbs,
	berth_registrar_verbs,
	berth_operator_verbs,
	berth_playbook_verbs,
	berth_voucher_verbs,
	berth_operator_voucher_verbs,
	berth_operator_rekey_verbs,
	berth_operator_ownership_verbs,
	berth_custody_verbs,
	berth_dpp_verbs,
};

int
main(int argc, char **argv)
{
	return berth_dispatch(tables, sizeof(tables) / sizeof(tables[0]), argc, argv);
}
