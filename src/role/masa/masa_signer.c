/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/masa/masa_signer.h"

#include <stdio.h>
#include <stdlib.h>

#include "pki/keystore/keystore.h"
#include "role/daemon/issuance.h"
#include "role/daemon/rate.h"

#define ARENA_BYTES ((size_t)256 << 10) /* one voucher and what it pins */
#define SKEW_S 300 /* judge and signer share a machine; a request may wait a little */

struct signer {
	struct berth_pki *pki;
	const struct berth_masa_settings *settings;
	struct berth_cert_list certificates; /* the signing one first */
	struct berth_cert_list above;	     /* the same without the first */
	struct berth_key *key;
	struct berth_rate rate;
	struct berth_issuance issuance;
};

static void
signer_end(void *context)
{
	struct signer *signer = context;

	if (!signer)
		return;
	berth_key_free(signer->key);
	berth_cert_list_free(&signer->certificates);
	berth_cert_list_free(&signer->above);
	berth_issuance_close(&signer->issuance);
	free(signer);
}

static enum berth_err
load(struct signer *signer, struct berth_why *why)
{
	const struct berth_masa_settings *s = signer->settings;
	enum berth_err err =
		berth_masa_load_certificates(signer->pki, "signer-certificates",
					     s->signer_certificates, &signer->certificates, why);

	err = err ? err : berth_keystore_load(signer->pki, s->signer_key, &signer->key, why);
	for (size_t i = 1; !err && i < signer->certificates.n; i++)
		err = berth_cert_list_add(&signer->above, signer->certificates.at[i], why);
	if (err)
		return err;
	if (!berth_key_equal(berth_cert_key(signer->certificates.at[0]), signer->key))
		return berth_fail(why, BERTH_E_USAGE, "masa-signer-key", NULL,
				  "signer-key is not the key of the first of signer-certificates");
	return berth_issuance_open(s->daemon.state_directory, &signer->issuance, why);
}

static enum berth_err
signer_start(struct berth_pki *pki, const void *configuration, void **ret_context,
	     struct berth_why *why)
{
	struct signer *signer = calloc(1, sizeof(*signer));

	if (!signer)
		return berth_fail(why, BERTH_E_MEMORY, "berth-memory", NULL, "out of memory");
	signer->pki = pki;
	signer->settings = configuration;
	signer->issuance.fd = -1;
	berth_rate_start(&signer->rate, signer->settings->vouchers_per_minute);
	enum berth_err err = load(signer, why);
	if (err) {
		signer_end(signer);
		return err;
	}
	*ret_context = signer;
	return BERTH_OK;
}

static bool
is_near(struct berth_wall a, struct berth_wall b)
{
	return a.s - b.s <= SKEW_S && b.s - a.s <= SKEW_S;
}

enum berth_err
berth_masa_signer_check(struct berth_pki *pki, const struct berth_voucher *voucher,
			struct berth_wall signing_time, struct berth_wall now, int64_t lifetime_s,
			struct berth_why *why)
{
	BERTH_CERT *pinned = NULL;
	enum berth_err err = berth_voucher_check_kind(voucher, why);

	if (err)
		return err;
	if (!is_near(signing_time, now) || !is_near(voucher->created_on, now))
		return berth_fail(why, BERTH_E_DENIED, "masa-signer-time", NULL,
				  "signing time or created-on is not now");
	if (voucher->has_expires_on &&
	    (voucher->expires_on.s <= now.s || voucher->expires_on.s > now.s + lifetime_s + SKEW_S))
		return berth_fail(why, BERTH_E_DENIED, "masa-signer-lifetime", NULL,
				  "expires-on is past, or beyond voucher-lifetime");
	if (!berth_bytes_is_utf8(voucher->serial_number))
		return berth_fail(why, BERTH_E_SYNTAX, "masa-signer-serial", NULL,
				  "the serial number is no text");
	return berth_cert_parse(pki, voucher->pinned_domain_cert, &pinned, why);
}

static enum berth_err
log_voucher(struct signer *signer, const struct berth_voucher *voucher, struct berth_now now,
	    struct berth_bytes der, struct berth_why *why)
{
	char details[64];
	(void)snprintf(details, sizeof(details), " assertion=%s",
		       berth_assertion_name(voucher->assertion));
	const struct berth_issuance_line line = {
		.what = "voucher",
		.subject = voucher->serial_number,
		.object = der,
		.details = details,
	};
	return berth_issuance_write(&signer->issuance, signer->pki, now.wall, &line, why);
}

static enum berth_err
sign_voucher(struct signer *signer, struct berth_bytes payload, struct berth_now now,
	     struct berth_buf *object, struct berth_why *why)
{
	struct berth_sign_voucher ask;
	struct berth_voucher voucher;
	BERTH_ARENA arena = {0};
	BERTH_BUF der = {.limit = BERTH_CMS_MAX_BYTES};
	enum berth_err err = berth_sign_voucher_decode(payload, &ask, why);

	berth_arena_start(&arena, ARENA_BYTES);
	err = err ? err : berth_voucher_parse(ask.json, BERTH_VOUCHER, &arena, &voucher, why);
	err = err ? err
		  : berth_masa_signer_check(signer->pki, &voucher, ask.signing_time, now.wall,
					    signer->settings->voucher_lifetime_s, why);
	err = err ? err : berth_rate_take(&signer->rate, now.mono, "vouchers-per-minute", why);
	if (err)
		return err;
	const struct berth_cms_fields how = {
		.content_type =
			signer->settings->content_type ? BERTH_CMS_DATA : BERTH_CMS_ANIMA_VOUCHER,
		.key = signer->key,
		.signer = signer->certificates.at[0],
		.others = &signer->above,
		.signing_time = ask.signing_time,
	};
	err = berth_voucher_sign(signer->pki, &voucher, &how, &der, why);
	err = err ? err : log_voucher(signer, &voucher, now, berth_buf_view(&der), why);
	if (err)
		return err;
	if (berth_buf_append_bytes(object, berth_buf_view(&der)))
		return berth_fail(why, BERTH_E_MEMORY, "berth-memory", NULL, "out of memory");
	return BERTH_OK;
}

static enum berth_err
signer_sign(void *context, uint16_t op, struct berth_bytes payload, struct berth_now now,
	    struct berth_buf *object, struct berth_why *why)
{
	if (op == BERTH_MASA_SIGN_VOUCHER)
		return sign_voucher(context, payload, now, object, why);
	return berth_fail(why, BERTH_E_UNSUPPORTED, "masa-signer-operation", NULL,
			  "the signer knows no operation %u", (unsigned)op);
}

static enum berth_err
signer_settle(void *context, struct berth_why *why)
{
	struct signer *signer = context;

	return berth_issuance_sync(&signer->issuance, why);
}

const struct berth_signer_role berth_masa_signer_role = {
	.start = signer_start,
	.end = signer_end,
	.sign = signer_sign,
	.settle = signer_settle,
};
