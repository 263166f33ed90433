/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/brski/rvr.h"

#define SECTION "RFC 8995 5.5"

/* SEQUENCE { [0] keyIdentifier } around 20 octets: AuthorityKeyIdentifier, RFC 5280 4.2.1.1. */
static const uint8_t aki_head[] = {0x30, 2 + BERTH_KEY_ID_BYTES, 0x80, BERTH_KEY_ID_BYTES};

static enum berth_err
aki_of(const struct berth_cert *idevid, struct berth_arena *arena, struct berth_bytes *ret,
       struct berth_why *why)
{
	struct berth_bytes aki = berth_cert_aki_value(idevid);
	if (aki.n > 0) {
		*ret = aki;
		return BERTH_OK;
	}
	uint8_t *made = berth_arena_alloc(arena, sizeof(aki_head) + BERTH_KEY_ID_BYTES);
	if (made == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "exchange-memory", NULL,
				  "the exchange's memory is used up");
	memcpy(made, aki_head, sizeof(aki_head));
	berth_key_id(berth_cert_key(idevid), made + sizeof(aki_head));
	*ret = berth_bytes_of(made, sizeof(aki_head) + BERTH_KEY_ID_BYTES);
	return BERTH_OK;
}

#define DER_OCTET_STRING 0x04
#define DER_LENGTH_BYTES 4 /* tag and the longest length of BERTH_VOUCHER_ISSUER_MAX */

/* DER: a tag, then a length in as few octets as it takes (X.690 10.1). */
static enum berth_err
wrap(struct berth_arena *arena, struct berth_bytes *value, struct berth_why *why)
{
	uint8_t head[DER_LENGTH_BYTES] = {DER_OCTET_STRING};
	size_t n = 1;
	if (value->n > BERTH_VOUCHER_ISSUER_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "rfc8366-5.3-idevid-issuer", "RFC 8366 5.3",
				  "the IDevID's AuthorityKeyIdentifier is too long");
	if (value->n > 0xff)
		head[n++] = 0x82;
	else if (value->n > 0x7f)
		head[n++] = 0x81;
	if (value->n > 0xff)
		head[n++] = (uint8_t)(value->n >> 8);
	head[n++] = (uint8_t)value->n;
	uint8_t *made = berth_arena_alloc(arena, n + value->n);
	if (made == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "exchange-memory", NULL,
				  "the exchange's memory is used up");
	memcpy(made, head, n);
	memcpy(made + n, value->p, value->n);
	*value = berth_bytes_of(made, n + value->n);
	return BERTH_OK;
}

enum berth_err
berth_rvr_idevid_issuer(const struct berth_cert *idevid, enum berth_issuer_form form,
			struct berth_arena *arena, struct berth_bytes *ret, struct berth_why *why)
{
	struct berth_bytes aki = BERTH_BYTES_NONE;
	enum berth_err err = BERTH_OK;
	if (form != BERTH_ISSUER_NONE)
		err = aki_of(idevid, arena, &aki, why);
	if (err)
		return err;
	switch (form) {
	case BERTH_ISSUER_NONE:
	case BERTH_ISSUER_AKI:
		break;
	case BERTH_ISSUER_OCTET_STRING:
		err = wrap(arena, &aki, why);
		break;
	case BERTH_ISSUER_KEY_ID:
		aki = berth_voucher_issuer_key_id(aki);
		break;
	}
	*ret = aki;
	return err;
}

/* req: rfc8995-5.5-fields, rfc8995-5.5-serial */
enum berth_err
berth_rvr_fields(const struct berth_rvr_source *source, struct berth_arena *arena,
		 struct berth_voucher *ret, struct berth_why *why)
{
	struct berth_bytes issuer;
	enum berth_err err =
		berth_rvr_idevid_issuer(source->idevid, source->issuer_form, arena, &issuer, why);
	if (err)
		return err;
	*ret = (struct berth_voucher){
		.kind = BERTH_VOUCHER_REQUEST_REGISTRAR,
		.has_created_on = true,
		.created_on = source->now,
		.assertion = source->pvr->assertion,
		.serial_number = source->serial_number,
		.idevid_issuer = issuer,
		.nonce = source->pvr->nonce,
		.prior_signed_voucher_request = source->pvr_der,
	};
	return BERTH_OK;
}

/*
 * What it says, not who says it: whoever knows no anchors learns nothing from the certificates and the signature around it. The
 * judge has verified it, the MASA will (RFC 8995 5.5.5).
 */
static enum berth_err
check_prior(const struct berth_voucher *rvr, struct berth_arena *arena, struct berth_why *why)
{
	if (rvr->prior_signed_voucher_request.n == 0)
		return berth_fail(why, BERTH_E_MISMATCH, "rfc8995-5.5-no-prior-request", SECTION,
				  "the request to be signed holds no pledge's request");
	struct berth_voucher pvr;
	struct berth_bytes json;
	enum berth_err err = berth_cms_content(rvr->prior_signed_voucher_request, &json, why);
	if (!err)
		err = berth_voucher_parse(json, BERTH_VOUCHER_REQUEST_PLEDGE, arena, &pvr, why);
	if (err)
		return err;
	if (!berth_bytes_equal(pvr.serial_number, rvr->serial_number))
		return berth_fail(why, BERTH_E_MISMATCH, "rfc8995-5.5-prior-serial", SECTION,
				  "the pledge's request inside is for another serial number");
	if (!berth_bytes_equal(pvr.nonce, rvr->nonce))
		return berth_fail(why, BERTH_E_MISMATCH, "rfc8995-5.5-prior-nonce", SECTION,
				  "the pledge's request inside has another nonce");
	if (pvr.assertion != rvr->assertion)
		return berth_fail(why, BERTH_E_MISMATCH, "rfc8995-5.5-prior-assertion", SECTION,
				  "the pledge's request inside has another assertion");
	return BERTH_OK;
}

/* SEQUENCE { [0] keyIdentifier } of any length that a manufacturer's key identifier has. */
static enum berth_err
aki_from_key_id(struct berth_bytes key_id, struct berth_arena *arena, struct berth_bytes *ret,
		struct berth_why *why)
{
	if (key_id.n == 0 || key_id.n > BERTH_DEVICE_MANUFACTURER_MAX)
		return berth_fail(why, BERTH_E_SYNTAX, "rfc8366-5.3-idevid-issuer", "RFC 8366 5.3",
				  "the manufacturer's key identifier is empty or too long");
	uint8_t *made = berth_arena_alloc(arena, 4 + key_id.n);
	if (made == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "exchange-memory", NULL,
				  "the exchange's memory is used up");
	made[0] = 0x30;
	made[1] = (uint8_t)(key_id.n + 2);
	made[2] = 0x80;
	made[3] = (uint8_t)key_id.n;
	memcpy(made + 4, key_id.p, key_id.n);
	*ret = berth_bytes_of(made, 4 + key_id.n);
	return BERTH_OK;
}

/* req: rfc8995-5.5.6-ahead */
enum berth_err
berth_rvr_ahead(const struct berth_device_identity *identity, struct berth_wall now,
		struct berth_arena *arena, struct berth_voucher *ret, struct berth_why *why)
{
	struct berth_bytes issuer;
	enum berth_err err = aki_from_key_id(identity->manufacturer_key, arena, &issuer, why);
	if (err)
		return err;
	*ret = (struct berth_voucher){
		.kind = BERTH_VOUCHER_REQUEST_REGISTRAR,
		.has_created_on = true,
		.created_on = now,
		.serial_number = identity->serial_number,
		.idevid_issuer = issuer,
	};
	return BERTH_OK;
}

static enum berth_err
check_ahead(const struct berth_voucher *rvr, struct berth_why *why)
{
	if (rvr->idevid_issuer.n > 0 && rvr->assertion == BERTH_ASSERTION_NONE)
		return BERTH_OK;
	return berth_fail(why, BERTH_E_MISMATCH, "rfc8995-5.5.6-ahead", "RFC 8995 5.5.6",
			  "a request made ahead names the device by idevid-issuer and asserts "
			  "nothing");
}

enum berth_err
berth_rvr_check(struct berth_bytes json, bool allow_nonceless, struct berth_wall now,
		struct berth_arena *arena, struct berth_voucher *ret, struct berth_why *why)
{
	struct berth_voucher rvr;
	enum berth_err err =
		berth_voucher_parse(json, BERTH_VOUCHER_REQUEST_REGISTRAR, arena, &rvr, why);
	if (!err)
		err = berth_voucher_check_kind(&rvr, why);
	if (err)
		return err;
	if (rvr.created_on.s > now.s + BERTH_RVR_CLOCK_SKEW_S ||
	    rvr.created_on.s < now.s - BERTH_RVR_CLOCK_SKEW_S)
		return berth_fail(why, BERTH_E_EXPIRED, "rfc8995-5.5-created-on", SECTION,
				  "the request to be signed was not made now");
	bool is_ahead =
		allow_nonceless && rvr.nonce.n == 0 && rvr.prior_signed_voucher_request.n == 0;
	err = is_ahead ? check_ahead(&rvr, why) : check_prior(&rvr, arena, why);
	if (!err)
		*ret = rvr;
	return err;
}
