/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * idevid-issuer in the three forms that peers send (checklist 25): the whole OCTET STRING of the AKI extension's
 * extnValue, the SEQUENCE in it (rfc8366bis), the bare keyIdentifier.
 */
#include "protocol/voucher/voucher.h"

#define TAG_OCTET_STRING 0x04
#define TAG_SEQUENCE 0x30
#define TAG_KEY_IDENTIFIER 0x80 /* [0] IMPLICIT OCTET STRING, RFC 5280 4.2.1.1 */

/* One DER element off the front of *rest; false when it is not there whole. Long lengths up to two bytes. */
static bool
take_element(struct berth_bytes *rest, uint8_t *ret_tag, struct berth_bytes *ret_value)
{
	size_t header = 2;

	if (rest->n < header)
		return false;
	size_t n = rest->p[1];
	if (n == 0x81 && rest->n >= 3 && rest->p[2] >= 0x80) {
		header = 3;
		n = rest->p[2];
	} else if (n == 0x82 && rest->n >= 4 && rest->p[2] > 0) {
		header = 4;
		n = (size_t)rest->p[2] << 8 | rest->p[3];
	} else if (n >= 0x80) {
		return false;
	}
	if (rest->n - header < n)
		return false;
	*ret_tag = rest->p[0];
	*ret_value = berth_bytes_of(rest->p + header, n);
	*rest = berth_bytes_of(rest->p + header + n, rest->n - header - n);
	return true;
}

/* The value when b is exactly one element of this tag. */
static bool
is_element(struct berth_bytes b, uint8_t tag, struct berth_bytes *ret_value)
{
	uint8_t found;
	struct berth_bytes value;

	if (!take_element(&b, &found, &value) || found != tag || b.n != 0)
		return false;
	*ret_value = value;
	return true;
}

struct berth_bytes
berth_voucher_issuer_key_id(struct berth_bytes idevid_issuer)
{
	struct berth_bytes value = idevid_issuer;
	uint8_t tag;

	if (is_element(idevid_issuer, TAG_OCTET_STRING, &value) &&
	    !is_element(value, TAG_SEQUENCE, &value))
		return value; /* an OCTET STRING around the bare identifier */
	if (value.p == idevid_issuer.p && !is_element(idevid_issuer, TAG_SEQUENCE, &value))
		return idevid_issuer;
	while (value.n) {
		struct berth_bytes member;

		if (!take_element(&value, &tag, &member))
			break;
		if (tag == TAG_KEY_IDENTIFIER)
			return member;
	}
	return BERTH_BYTES_NONE;
}

bool
berth_voucher_issuer_matches(struct berth_bytes idevid_issuer, struct berth_bytes aki_value)
{
	struct berth_bytes key_id = berth_voucher_issuer_key_id(aki_value);
	struct berth_bytes inner;

	if (idevid_issuer.n == 0 || aki_value.n == 0)
		return false;
	if (berth_bytes_equal(idevid_issuer, aki_value))
		return true;
	if (is_element(idevid_issuer, TAG_OCTET_STRING, &inner) &&
	    berth_bytes_equal(inner, aki_value))
		return true;
	if (key_id.n == 0)
		return false;
	/* A bare identifier may by chance look like DER, so it is compared as it is, too. */
	return berth_bytes_equal(idevid_issuer, key_id) ||
	       berth_bytes_equal(berth_voucher_issuer_key_id(idevid_issuer), key_id);
}
