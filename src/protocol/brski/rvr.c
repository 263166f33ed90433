/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/brski/rvr.h"

#define SECTION "RFC 8995 5.5"

/* SEQUENCE { [0] keyIdentifier } around 20 octets: AuthorityKeyIdentifier, RFC 5280 4.2.1.1. */
static const uint8_t aki_head[] = {0x30, 2 + BERTH_KEY_ID_BYTES, 0x80, BERTH_KEY_ID_BYTES};

enum berth_err
berth_rvr_idevid_issuer(const struct berth_cert *idevid, struct berth_arena *arena,
			struct berth_bytes *ret, struct berth_why *why)
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

/* req: rfc8995-5.5-fields */
enum berth_err
berth_rvr_fields(const struct berth_rvr_source *source, struct berth_arena *arena,
		 struct berth_voucher *ret, struct berth_why *why)
{
	struct berth_bytes issuer;
	enum berth_err err = berth_rvr_idevid_issuer(source->idevid, arena, &issuer, why);
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

static enum berth_err
check_prior(struct berth_pki *pki, const struct berth_voucher *rvr, struct berth_arena *arena,
	    struct berth_why *why)
{
	if (rvr->prior_signed_voucher_request.n == 0)
		return berth_fail(why, BERTH_E_MISMATCH, "rfc8995-5.5-no-prior-request", SECTION,
				  "the request to be signed holds no pledge's request");
	BERTH_SIGNED_VOUCHER pvr = {0};
	enum berth_err err =
		berth_voucher_open(pki, rvr->prior_signed_voucher_request,
				   BERTH_VOUCHER_REQUEST_PLEDGE, NULL, arena, &pvr, why);
	if (err)
		return err;
	if (!berth_bytes_equal(pvr.voucher.serial_number, rvr->serial_number))
		return berth_fail(why, BERTH_E_MISMATCH, "rfc8995-5.5-prior-serial", SECTION,
				  "the pledge's request inside is for another serial number");
	if (!berth_bytes_equal(pvr.voucher.nonce, rvr->nonce))
		return berth_fail(why, BERTH_E_MISMATCH, "rfc8995-5.5-prior-nonce", SECTION,
				  "the pledge's request inside has another nonce");
	if (pvr.voucher.assertion != rvr->assertion)
		return berth_fail(why, BERTH_E_MISMATCH, "rfc8995-5.5-prior-assertion", SECTION,
				  "the pledge's request inside has another assertion");
	return BERTH_OK;
}

enum berth_err
berth_rvr_check(struct berth_pki *pki, struct berth_bytes json, struct berth_wall now,
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
	err = check_prior(pki, &rvr, arena, why);
	if (!err)
		*ret = rvr;
	return err;
}
