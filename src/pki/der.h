/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two small services that OpenSSL does not give: a check that bytes are DER and not merely BER
 * (OpenSSL reads both, and what two parsers read differently two parties may judge differently),
 * and views into the input, where OpenSSL would copy. Structures are decoded by OpenSSL.
 */
#ifndef BERTH_PKI_DER_H
#define BERTH_PKI_DER_H

#include "base/bytes.h"
#include "base/time.h"

#define BERTH_DER_DEPTH_MAX 24	    /* a registrar's request with its certificates reaches 14 */
#define BERTH_DER_ELEMENTS_MAX 8192 /* 32 certificates of 200 elements each */

#define BERTH_DER_BOOLEAN 0x01
#define BERTH_DER_INTEGER 0x02
#define BERTH_DER_BIT_STRING 0x03
#define BERTH_DER_OCTET_STRING 0x04
#define BERTH_DER_OID 0x06
#define BERTH_DER_IA5_STRING 0x16
#define BERTH_DER_SEQUENCE 0x30
#define BERTH_DER_SET 0x31

/*
 * One element, all of the input: lengths definite and as short as can be, low tag numbers, strings
 * primitive, booleans 00 or FF, nesting closed exactly. rule goes into why.
 */
enum berth_err berth_der_check(struct berth_bytes der, const char *rule,
			       struct berth_why *why) BERTH_MUST;
/* The same with another limit on the number of elements: a revocation list has eight for each entry. */
enum berth_err berth_der_check_up_to(struct berth_bytes der, size_t elements_max, const char *rule,
				     struct berth_why *why) BERTH_MUST;

struct berth_der {
	uint8_t tag; /* the identifier octet: class, constructed bit and number */
	struct berth_bytes value;
	struct berth_bytes whole; /* with tag and length */
};
/* Takes the next element from the front of *rest; false at the end or when it is malformed. */
bool berth_der_next(struct berth_bytes *rest, struct berth_der *ret);
/* As berth_der_next, and it must have this tag. */
bool berth_der_take(struct berth_bytes *rest, uint8_t tag, struct berth_bytes *ret_value);
/* The same, and its value must be this one. */
bool berth_der_take_equal(struct berth_bytes *rest, uint8_t tag, struct berth_bytes want);
/* All of value is one element of that tag. */
bool berth_der_take_only(struct berth_bytes value, uint8_t tag, struct berth_bytes *ret_value);
/* Takes this time, as RFC 5280 4.1.2.5 and RFC 5652 11.3 want it written: UTCTime up to 2049. */
bool berth_der_take_time(struct berth_bytes *rest, struct berth_wall want);

/* Appends one element, for structures that OpenSSL has no type for. */
enum berth_err berth_der_put(struct berth_buf *out, uint8_t tag,
			     struct berth_bytes value) BERTH_MUST;

#endif
