/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/keystore/tpm_link.h"

#include <stdlib.h>

#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#define ATTEMPTS                                                                                   \
	2 /* a TPM that was restarted answers the second one; a dead one does not get better */

/* The TPM's own words come from it directly or through a resource manager (layers 0, 11 and 12). */
static bool
is_from_tpm(TSS2_RC rc)
{
	TSS2_RC layer = rc & TSS2_RC_LAYER_MASK;
	return layer == TSS2_TPM_RC_LAYER || layer == TSS2_RESMGR_TPM_RC_LAYER;
}

static bool
is_lost(TSS2_RC rc)
{
	return (rc & TSS2_RC_LAYER_MASK) == TSS2_TCTI_RC_LAYER;
}

/* Part 2, 6.6.2: without the number of the parameter, handle or session that it is about. */
static TSS2_RC
kind_of(TSS2_RC rc)
{
	TSS2_RC code = rc & ~TSS2_RC_LAYER_MASK;
	return (code & TPM2_RC_FMT1) != 0 ? code & (TPM2_RC_FMT1 | 0x3f) : code;
}

struct meaning {
	TSS2_RC rc;
	enum berth_err err;
	const char *rule;
	const char *text;
};

static const struct meaning meanings[] = {
	{TPM2_RC_OBJECT_MEMORY, BERTH_E_LIMIT, "keystore-tpm-full",
	 "its slots for loaded keys are taken by other programs; use /dev/tpmrm0 or a resource "
	 "manager, or flush them (tpm2_flushcontext -t)"},
	{TPM2_RC_SESSION_MEMORY, BERTH_E_LIMIT, "keystore-tpm-full",
	 "its slots for sessions are taken by other programs; use /dev/tpmrm0, or flush them "
	 "(tpm2_flushcontext -l)"},
	{TPM2_RC_NV_SPACE, BERTH_E_LIMIT, "keystore-tpm-full",
	 "it has no room for another persistent key; remove one (tpm2_evictcontrol) or use file="},
	{TPM2_RC_LOCKOUT, BERTH_E_DENIED, "keystore-tpm-lockout",
	 "it is locked after wrong passwords; wait, or tpm2_dictionarylockout --clear-lockout"},
	{TPM2_RC_AUTH_FAIL, BERTH_E_DENIED, "keystore-tpm-password",
	 "a password is set for the key or its hierarchy; Berth's keys have none"},
	{TPM2_RC_BAD_AUTH, BERTH_E_DENIED, "keystore-tpm-password",
	 "a password is set for the key or its hierarchy; Berth's keys have none"},
	{TPM2_RC_HIERARCHY, BERTH_E_DENIED, "keystore-tpm-hierarchy",
	 "the hierarchy is switched off, or only the firmware may use it"},
	{TPM2_RC_INITIALIZE, BERTH_E_UNREACHABLE, "keystore-tpm-gone",
	 "it was not started (tpm2_startup --clear)"},
	{TPM2_RC_FAILURE, BERTH_E_CRYPTO, "keystore-tpm-failed",
	 "it is in failure mode; only a reset of the device helps"},
	{TPM2_RC_HANDLE, BERTH_E_NOT_FOUND, "keystore-not-found", "there is no key at that handle"},
	{TPM2_RC_NV_DEFINED, BERTH_E_EXISTS, "keystore-exists",
	 "there is a key at that handle already"},
	{TPM2_RC_INTEGRITY, BERTH_E_MISMATCH, "keystore-tpm-other",
	 "the key file was made by another TPM, or this one was cleared since"},
	{TPM2_RC_CURVE, BERTH_E_UNSUPPORTED, "keystore-kind", "it does not know the curve"},
};

static enum berth_err
refuse(const struct berth_tpm_visit *visit, TSS2_RC rc, struct berth_why *why)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (!is_from_tpm(rc) || kind_of(rc) != meanings[i].rc)
			continue;
		return berth_fail(why, meanings[i].err, meanings[i].rule, "TPM 2.0 part 2, 6.6",
				  "The TPM cannot %s (0x%x): %s.", visit->purpose, (unsigned)rc,
				  meanings[i].text);
	}
	if (rc == BERTH_TPM_RC_EXCHANGED)
		return berth_fail(why, BERTH_E_MISMATCH, "keystore-tpm-exchanged", NULL,
				  "The TPM cannot %s: another key is at that handle now; restart "
				  "the program if that is meant.",
				  visit->purpose);
	if (is_lost(rc))
		return berth_fail(why, BERTH_E_UNREACHABLE, "keystore-tpm-gone", NULL,
				  "The TPM at %.80s cannot %s: it does not answer (0x%x); is it "
				  "there, and may this user open it?",
				  visit->tcti, visit->purpose, (unsigned)rc);
	return berth_fail(why, BERTH_E_CRYPTO, "keystore-tpm", "TPM 2.0 part 2, 6.6",
			  "The TPM cannot %s: %.120s (0x%x).", visit->purpose, Tss2_RC_Decode(rc),
			  (unsigned)rc);
}

void
berth_tpm_note_loaded(struct berth_tpm *tpm, ESYS_TR object)
{
	if (tpm->loaded_n < BERTH_TPM_LOADED_MAX)
		tpm->loaded[tpm->loaded_n++] = object;
}

static TSS2_RC
attempt(const struct berth_tpm_visit *visit)
{
	struct berth_tpm tpm = {0};
	TSS2_TCTI_CONTEXT *tcti = NULL;

	TSS2_RC rc = Tss2_TctiLdr_Initialize(visit->tcti, &tcti);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	rc = Esys_Initialize(&tpm.esys, tcti, NULL);
	if (rc == TSS2_RC_SUCCESS)
		rc = visit->run(&tpm, visit->context);
	while (tpm.loaded_n > 0)
		(void)Esys_FlushContext(tpm.esys, tpm.loaded[--tpm.loaded_n]);
	Esys_Finalize(&tpm.esys);
	Tss2_TctiLdr_Finalize(&tcti);
	return rc;
}

enum berth_err
berth_tpm_visit(const struct berth_tpm_visit *visit, struct berth_why *why)
{
	TSS2_RC rc = TSS2_RC_SUCCESS;

	/* The stack writes its own lines to standard error; ours says the same once, in a sentence. */
	(void)setenv("TSS2_LOG", "all+NONE", 0);
	for (int i = 0; i < ATTEMPTS; i++) {
		rc = attempt(visit);
		if (rc == TSS2_RC_SUCCESS)
			return BERTH_OK;
		if (!is_lost(rc))
			break;
	}
	return refuse(visit, rc, why);
}
