/* fuzz: berth_dpp_backup_open berth_dpp_backup_read_key */
/* SPDX-License-Identifier: BSD-2-Clause */
/* A Configurator's keys in an envelope whose password is known, and a key alone: what is read is written as the same key. */
#include "protocol/dpp/backup.h"

#include "fuzz.h"

static struct berth_pki *pki;

static void
try_key(struct berth_bytes in)
{
	enum berth_ec_curve curve, again;
	struct berth_why why = {0};
	BERTH_SECRET scalar = {0};
	BERTH_SECRET same = {0};
	BERTH_BUF der = {0};

	if (berth_dpp_backup_read_key(pki, in, &curve, &scalar, &why)) {
		fuzz_assert(why.rule != NULL && why.sentence[0] != '\0' && scalar.p == NULL);
		return;
	}
	fuzz_assert(berth_dpp_backup_write_key(pki, curve, &scalar, &der, NULL) == BERTH_OK);
	fuzz_assert(berth_dpp_backup_read_key(pki, berth_buf_view(&der), &again, &same, NULL) ==
		    BERTH_OK);
	fuzz_assert(curve == again &&
		    berth_secret_equal(&same, berth_bytes_of(scalar.p, scalar.n)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bk[32]; /* of zero, as the corpus was made with */
	const struct berth_dpp_secrets secrets = {.curve = BERTH_EC_P256, .bk = {bk, sizeof(bk)}};
	struct berth_dpp_backup backup = {0};
	struct berth_why why = {0};

	fuzz_assert(pki != NULL || berth_pki_open(&pki, NULL) == BERTH_OK);
	try_key(berth_bytes_of(data, size));
	if (berth_dpp_backup_open(pki, &secrets, berth_bytes_of(data, size), &backup, &why)) {
		fuzz_assert(why.rule != NULL && why.sentence[0] != '\0' && backup.c_sign.p == NULL);
		return 0;
	}
	fuzz_assert(backup.c_sign.n == berth_ec_facts(backup.curve)->coordinate_bytes);
	fuzz_assert(backup.pp.n == backup.c_sign.n);
	berth_dpp_backup_free(&backup);
	return 0;
}
