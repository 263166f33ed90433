/* SPDX-License-Identifier: BSD-2-Clause */
/* In place of tpm.c where Berth is built without tss2: a tpm: URI is understood, and refused. */
#include "pki/keystore/private.h"

static enum berth_err
refuse(struct berth_why *why)
{
	return berth_fail(why, BERTH_E_UNSUPPORTED, "keystore-tpm-absent", NULL,
			  "This Berth was built without TPM support (meson -Dtpm=enabled).");
}

static enum berth_err
no_generate(struct berth_pki *pki, const char *rest, const struct berth_key_kind *kind,
	    enum berth_key_use use, struct berth_why *why)
{
	(void)pki;
	(void)rest;
	(void)kind;
	(void)use;
	return refuse(why);
}

static enum berth_err
no_load(struct berth_pki *pki, const char *rest, struct berth_key **ret, struct berth_why *why)
{
	(void)pki;
	(void)rest;
	(void)ret;
	return refuse(why);
}

static enum berth_err
no_remove(struct berth_pki *pki, const char *rest, struct berth_why *why)
{
	(void)pki;
	(void)rest;
	return refuse(why);
}

const struct berth_keystore_backend berth_keystore_tpm = {
	"tpm", BERTH_STORAGE_TPM, no_generate, no_load, no_remove,
};
