/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/signer_revocation.h"

#include "pki/keystore/keystore.h"
#include "role/registrar/addresses.h"
#include "role/registrar/signing.h"
#include "store/registrar_revocation.h"
#include "system/files.h"

#include <stdio.h>
#include <stdlib.h>

#define PATH_BYTES 4096
#define NUMBER_FILE_MAX 64
#define BACKDATE_S 300				  /* clocks are a little slow */
#define RESPONDER_LIFETIME_S ((int64_t)7 * 86400) /* it cannot be revoked */

/* ---- the number ---- */

static enum berth_err
number_path(const struct berth_revocation_signer *signer, char path[PATH_BYTES],
	    struct berth_why *why)
{
	int n = snprintf(path, PATH_BYTES, "%s/" BERTH_CRL_NUMBER_FILE,
			 signer->settings->daemon.state_directory);
	return n < 0 || n >= PATH_BYTES ? berth_fail(why, BERTH_E_USAGE, "crl-number", NULL,
						     "state-directory is too long")
					: BERTH_OK;
}

static enum berth_err
read_number(struct berth_revocation_signer *signer, struct berth_why *why)
{
	char path[PATH_BYTES];
	BERTH_BUF text = {0};
	enum berth_err err = number_path(signer, path, why);
	err = err ? err : berth_file_read(path, NUMBER_FILE_MAX, &text, why);
	if (err == BERTH_E_NOT_FOUND)
		return BERTH_OK;
	if (err)
		return err;
	uint64_t number = 0;
	size_t i = 0;
	for (; i < text.n && i < 19 && text.p[i] >= '0' && text.p[i] <= '9'; i++)
		number = number * 10 + (uint64_t)(text.p[i] - '0');
	if (i == 0 || i + 1 != text.n || text.p[i] != '\n')
		return berth_fail(why, BERTH_E_SYNTAX, "crl-number", "RFC 5280 5.2.3",
				  "%.120s does not hold the number of the last revocation list; "
				  "write a number into it that is not below that",
				  path);
	signer->number = number;
	return BERTH_OK;
}

/*
 * Milliseconds since 1970, or one more than the last: so that the numbers go on upwards also when the file was lost, and
 * also when the clock was set back. Durable before the list is signed.
 */
/* req: rfc5280-5.2.3-monotonic */
static enum berth_err
take_number(struct berth_revocation_signer *signer, struct berth_wall now, uint64_t *ret,
	    struct berth_why *why)
{
	char path[PATH_BYTES];
	char text[NUMBER_FILE_MAX];
	uint64_t number = (uint64_t)now.s * 1000;
	if (number <= signer->number)
		number = signer->number + 1;
	int n = snprintf(text, sizeof(text), "%llu\n", (unsigned long long)number);
	enum berth_err err = number_path(signer, path, why);
	err = err ? err : berth_file_write(path, berth_bytes_of(text, (size_t)n), 0600, why);
	if (err)
		return err;
	signer->number = *ret = number;
	return BERTH_OK;
}

/* ---- start and end ---- */

enum berth_err
berth_revocation_signer_open(struct berth_revocation_signer *signer, struct berth_why *why)
{
	berth_rate_start(&signer->ocsp_rate, signer->settings->ocsp_per_minute);
	return read_number(signer, why);
}

static void
dismiss(struct berth_revocation_issuer *issuer)
{
	berth_cert_free(issuer->responder);
	berth_key_free(issuer->responder_key);
	issuer->responder = NULL;
	issuer->responder_key = NULL;
}

void
berth_revocation_signer_close(struct berth_revocation_signer *signer)
{
	for (size_t i = 0; i < signer->issuer_count; i++)
		dismiss(&signer->issuers[i]);
}

static enum berth_err
find_issuer(struct berth_revocation_signer *signer, struct berth_bytes key_id,
	    struct berth_revocation_issuer **ret, struct berth_why *why)
{
	for (size_t i = 0; i < signer->issuer_count; i++) {
		*ret = &signer->issuers[i];
		if (berth_bytes_equal(key_id, berth_cert_ski((*ret)->cert)))
			return BERTH_OK;
	}
	return berth_fail(why, BERTH_E_DENIED, "signer-issuer", "RFC 5280 5",
			  "what is asked for is another issuer's to say");
}

/* ---- lists ---- */

static struct berth_wall
ends_at(const struct berth_revocation_issuer *issuer, struct berth_wall now, int64_t lifetime_s)
{
	struct berth_wall ca = berth_cert_not_after(issuer->cert);
	return now.s + lifetime_s < ca.s ? (struct berth_wall){now.s + lifetime_s} : ca;
}

static enum berth_err
log_crl(struct berth_revocation_signer *signer, const struct berth_revocation_issuer *issuer,
	const struct berth_crl_fields *fields, struct berth_wall now, struct berth_bytes der,
	struct berth_why *why)
{
	char details[64];
	(void)snprintf(details, sizeof(details), " number=%llu entries=%zu",
		       (unsigned long long)fields->number, fields->entry_count);
	const struct berth_issuance_line line = {
		.what = "crl",
		.subject = berth_text(berth_cert_subject_text(issuer->cert)),
		.object = der,
		.details = details,
	};
	return berth_issuance_write(signer->issuance, signer->pki, now, &line, why);
}

static enum berth_err
sign_list(struct berth_revocation_signer *signer, const struct berth_revocation_issuer *issuer,
	  const struct berth_sign_crl *ask, struct berth_wall now, struct berth_buf *object,
	  struct berth_why *why)
{
	char address[BERTH_ADDRESS_MAX];
	struct berth_crl_fields fields = {
		.this_update = {now.s - BACKDATE_S},
		.next_update = ends_at(issuer, now, signer->settings->crl_lifetime_s),
		.entries = ask->entries,
		.entry_count = ask->entry_count,
	};
	if (ask->partition != BERTH_PARTITION_ALL) {
		if (signer->settings->publish_url == NULL || ask->partition < 0)
			return berth_fail(why, BERTH_E_DENIED, "signer-partition", NULL,
					  "there are no partitions without publish-url");
		fields.distribution_point = berth_crl_address(signer->settings->publish_url,
							      ask->issuer, ask->partition, address);
	}
	enum berth_err err = take_number(signer, now, &fields.number, why);
	if (!err)
		err = berth_crl_issue(signer->pki, &fields, issuer->cert, issuer->key, object, why);
	return err ? err : log_crl(signer, issuer, &fields, now, berth_buf_view(object), why);
}

enum berth_err
berth_revocation_sign_crl(struct berth_revocation_signer *signer, struct berth_bytes payload,
			  struct berth_now now, struct berth_buf *object, struct berth_why *why)
{
	struct berth_sign_crl *ask = calloc(1, sizeof(*ask));
	if (ask == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	struct berth_revocation_issuer *issuer = NULL;
	enum berth_err err = berth_sign_crl_decode(payload, ask, why);
	if (!err)
		err = find_issuer(signer, ask->issuer, &issuer, why);
	if (!err)
		err = sign_list(signer, issuer, ask, now.wall, object, why);
	free(ask);
	return err;
}

/* ---- OCSP ---- */

static enum berth_err
log_responder(struct berth_revocation_signer *signer, struct berth_wall now, struct berth_bytes der,
	      struct berth_why *why)
{
	const struct berth_issuance_line line = {
		.what = "ocsp-responder",
		.subject = berth_text(signer->settings->domain),
		.object = der,
		.details = "",
	};
	return berth_issuance_write(signer->issuance, signer->pki, now, &line, why);
}

static enum berth_err
appoint(struct berth_revocation_signer *signer, struct berth_revocation_issuer *issuer,
	struct berth_wall now, struct berth_why *why)
{
	char name[64];
	BERTH_KEY *key = NULL;
	BERTH_CERT *cert = NULL;
	BERTH_BUF der = {0};
	struct berth_random random = berth_pki_random(signer->pki);
	enum berth_err err = berth_keystore_ephemeral(signer->pki, "P-256", &key, why);
	if (err)
		return err;
	(void)snprintf(name, sizeof(name), "%.46s OCSP responder", signer->settings->domain);
	struct berth_cert_template what = {
		.profile = BERTH_PROFILE_OCSP_SIGNER,
		.not_before = {now.s - BACKDATE_S},
		.not_after = ends_at(issuer, now, RESPONDER_LIFETIME_S),
		.common_name = berth_text(name),
		.organization = berth_text(signer->settings->domain),
		.key = key,
	};
	berth_random_fill(&random, what.serial, sizeof(what.serial));
	what.serial[0] = (uint8_t)((what.serial[0] & 0x7f) | 0x40);
	err = berth_issue(signer->pki, &what, issuer->cert, issuer->key, &der, why);
	if (!err)
		err = berth_cert_parse(signer->pki, berth_buf_view(&der), &cert, why);
	if (!err)
		err = log_responder(signer, now, berth_buf_view(&der), why);
	if (err)
		return err;
	dismiss(issuer);
	issuer->responder = berth_cert_ref(cert);
	issuer->responder_key = berth_key_ref(key);
	return BERTH_OK;
}

/* A new delegate when the last has half of its time behind it, so that no response outlives its signer's. */
static enum berth_err
have_responder(struct berth_revocation_signer *signer, struct berth_revocation_issuer *issuer,
	       struct berth_wall now, struct berth_why *why)
{
	int64_t left =
		issuer->responder == NULL ? 0 : berth_cert_not_after(issuer->responder).s - now.s;
	bool is_early =
		issuer->responder != NULL && berth_cert_not_before(issuer->responder).s > now.s;
	return left > RESPONDER_LIFETIME_S / 2 && !is_early ? BERTH_OK
							    : appoint(signer, issuer, now, why);
}

enum berth_err
berth_revocation_sign_ocsp(struct berth_revocation_signer *signer, struct berth_bytes payload,
			   struct berth_now now, struct berth_buf *object, struct berth_why *why)
{
	struct berth_sign_ocsp ask;
	struct berth_revocation_issuer *issuer = NULL;
	enum berth_err err = berth_sign_ocsp_decode(payload, &ask, why);
	if (!err)
		err = find_issuer(signer, ask.issuer, &issuer, why);
	if (!err)
		err = berth_rate_take(&signer->ocsp_rate, now.mono, "ocsp-per-minute", why);
	if (!err)
		err = have_responder(signer, issuer, now.wall, why);
	if (err)
		return err;
	struct berth_wall end = ends_at(issuer, now.wall, signer->settings->ocsp_lifetime_s);
	struct berth_wall delegate = berth_cert_not_after(issuer->responder);
	const struct berth_ocsp_fields fields = {
		.singles = ask.singles,
		.single_count = ask.single_count,
		.this_update = now.wall,
		.next_update = end.s < delegate.s ? end : delegate,
		.produced_at = now.wall,
		.nonce = ask.nonce,
	};
	return berth_ocsp_respond(signer->pki, &fields, issuer->cert, issuer->responder,
				  issuer->responder_key, object, why);
}
