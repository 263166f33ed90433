/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/grasp/flood.h"

#include "codec/cbor.h"

/* RFC 8990 2.9, figure and 6. */
#define M_FLOOD 9
#define O_IPV6_LOCATOR 103
#define FLAG_SYNCHRONIZATION 4 /* F_SYNCH is bit 2 */
#define IPV4_BYTES 4
#define TRANSPORT_TCP 6

#define ITEMS_MAX (4 + BERTH_GRASP_OFFERS_MAX)
#define NAME_MAX_BYTES 128 /* of anybody's objective */
#define FLAGS_MAX 15	   /* four bits have a meaning */

#define PROXY_SECTION "RFC 8995 4.1.1"

const char *
berth_grasp_name_text(enum berth_grasp_name name)
{
	static const char *const names[] = {
		[BERTH_GRASP_AN_PROXY] = "AN_Proxy",
		[BERTH_GRASP_AN_JOIN_REGISTRAR] = "AN_join_registrar",
	};
	return names[name];
}

uint8_t
berth_grasp_loop_count(enum berth_grasp_name name)
{
	return name == BERTH_GRASP_AN_PROXY ? 1 : 255;
}

/* ---- writing ---- */

static enum berth_err
put_offer(struct berth_buf *buf, const struct berth_grasp_offer *offer)
{
	enum berth_err err = berth_cbor_put_array(buf, 2);
	err = err ? err : berth_cbor_put_array(buf, 4);
	err = err ? err : berth_cbor_put_text(buf, berth_text(berth_grasp_name_text(offer->name)));
	err = err ? err : berth_cbor_put_uint(buf, FLAG_SYNCHRONIZATION);
	err = err ? err : berth_cbor_put_uint(buf, offer->loop_count);
	err = err ? err : berth_cbor_put_text(buf, berth_text(offer->value));
	err = err ? err : berth_cbor_put_array(buf, 4);
	err = err ? err : berth_cbor_put_uint(buf, O_IPV6_LOCATOR);
	err = err ? err
		  : berth_cbor_put_bytes(buf,
					 berth_bytes_of(offer->address, sizeof(offer->address)));
	err = err ? err : berth_cbor_put_uint(buf, TRANSPORT_TCP);
	return err ? err : berth_cbor_put_uint(buf, offer->port);
}

/* req: rfc8990-2.8.11-flood */
enum berth_err
berth_grasp_flood_encode(const struct berth_grasp_flood *flood, struct berth_buf *ret)
{
	enum berth_err err = berth_cbor_put_array(ret, 4 + flood->n);
	err = err ? err : berth_cbor_put_uint(ret, M_FLOOD);
	err = err ? err : berth_cbor_put_uint(ret, flood->session);
	err = err ? err
		  : berth_cbor_put_bytes(
			    ret, berth_bytes_of(flood->initiator, sizeof(flood->initiator)));
	err = err ? err : berth_cbor_put_uint(ret, flood->ttl_ms);
	for (size_t i = 0; !err && i < flood->n; i++) {
		err = put_offer(ret, &flood->at[i]);
	}
	return err;
}

/* ---- reading ---- */

static bool
read_name(struct berth_bytes text, enum berth_grasp_name *ret)
{
	for (int name = BERTH_GRASP_AN_PROXY; name <= BERTH_GRASP_AN_JOIN_REGISTRAR; name++) {
		if (berth_bytes_equal_text(text,
					   berth_grasp_name_text((enum berth_grasp_name)name))) {
			*ret = (enum berth_grasp_name)name;
			return true;
		}
	}
	return false;
}

/* What an offer says beyond what we keep of it. */
struct said {
	bool is_ours;
	uint64_t flags;
	bool has_value; /* one that is a text, or nothing */
	struct berth_bytes value;
	bool has_locator; /* an IPv6 one */
	uint64_t transport;
};

static void
read_value(struct berth_cbor *c, struct said *said)
{
	switch (berth_cbor_peek(c)) {
	case BERTH_CBOR_TEXT:
		said->value = berth_cbor_text(c, BERTH_GRASP_MESSAGE_MAX);
		said->has_value = true;
		return;
	case BERTH_CBOR_NULL:
		berth_cbor_null(c);
		said->has_value = true;
		return;
	case BERTH_CBOR_UINT:
	case BERTH_CBOR_NEGATIVE:
	case BERTH_CBOR_BYTES:
	case BERTH_CBOR_ARRAY:
	case BERTH_CBOR_MAP:
	case BERTH_CBOR_TAG:
	case BERTH_CBOR_BOOL:
	case BERTH_CBOR_SIMPLE:
	case BERTH_CBOR_FLOAT:
	case BERTH_CBOR_NONE:
		(void)berth_cbor_skip(c);
		return;
	}
}

static void
read_objective(struct berth_cbor *c, struct berth_grasp_offer *offer, struct said *said)
{
	const size_t n = berth_cbor_array(c, 4);
	if (!c->err && n < 3) {
		berth_cbor_refuse(c, BERTH_E_SYNTAX, "an objective of fewer than three items");
	}
	said->is_ours = read_name(berth_cbor_text(c, NAME_MAX_BYTES), &offer->name);
	said->flags = berth_cbor_uint(c, FLAGS_MAX);
	offer->loop_count = (uint8_t)berth_cbor_uint(c, UINT8_MAX);
	said->has_value = n == 3;
	if (n == 4) {
		read_value(c, said);
	}
}

static void
read_locator(struct berth_cbor *c, struct berth_grasp_offer *offer, struct said *said)
{
	const size_t n = berth_cbor_array(c, 4);
	if (n == 0) {
		return; /* RFC 8990: [] stands for none */
	}
	if (berth_cbor_uint(c, UINT16_MAX) != O_IPV6_LOCATOR || n != 4) {
		for (size_t i = 1; i < n; i++) {
			(void)berth_cbor_skip(c);
		}
		return;
	}
	const struct berth_bytes address = berth_cbor_bytes(c, sizeof(offer->address));
	said->transport = berth_cbor_uint(c, UINT8_MAX);
	offer->port = (uint16_t)berth_cbor_uint(c, UINT16_MAX);
	if (!c->err && address.n != sizeof(offer->address)) {
		berth_cbor_refuse(c, BERTH_E_SYNTAX, "an IPv6 address that is not 16 bytes long");
	}
	if (c->err) {
		return;
	}
	memcpy(offer->address, address.p, sizeof(offer->address));
	said->has_locator = true;
}

/* brski-discovery: the variation that RFC 8995 describes has two names, and one is empty. */
static bool
is_our_variation(struct berth_bytes value)
{
	return value.n == 0 || berth_bytes_equal_text(value, "EST-TLS");
}

/* req: rfc8995-4.1.1-proxy, rfc8995-4.3-registrar */
static enum berth_err
judge_offer(struct berth_grasp_offer *offer, const struct said *said, struct berth_why *why)
{
	if (!(said->flags & FLAG_SYNCHRONIZATION)) {
		return berth_fail(why, BERTH_E_MISMATCH, "rfc8995-4.1.1-flags", PROXY_SECTION,
				  "%s is not flagged for synchronization",
				  berth_grasp_name_text(offer->name));
	}
	if (offer->loop_count == 0) {
		return berth_fail(why, BERTH_E_MISMATCH, "rfc8990-loop-count", "RFC 8990 2.10.4",
				  "%s has used up its loop count",
				  berth_grasp_name_text(offer->name));
	}
	if (!said->has_value || !is_our_variation(said->value)) {
		return berth_fail(why, BERTH_E_UNSUPPORTED, "grasp-variation", "RFC 8995 4.3",
				  "%s speaks something else than BRSKI with EST over TLS",
				  berth_grasp_name_text(offer->name));
	}
	if (!said->has_locator) {
		return berth_fail(why, BERTH_E_UNSUPPORTED, "rfc8995-4.1.1-locator", PROXY_SECTION,
				  "%s has no O_IPv6_LOCATOR", berth_grasp_name_text(offer->name));
	}
	if (said->transport != TRANSPORT_TCP || offer->port == 0) {
		return berth_fail(why, BERTH_E_UNSUPPORTED, "rfc8995-4.1.1-transport",
				  PROXY_SECTION, "%s has no TCP port",
				  berth_grasp_name_text(offer->name));
	}
	memcpy(offer->value, said->value.p ? said->value.p : (const uint8_t *)"", said->value.n);
	return BERTH_OK;
}

static void
read_offer(struct berth_cbor *c, struct berth_grasp_flood *flood)
{
	struct berth_grasp_offer offer = {0};
	struct said said = {0};
	if (berth_cbor_array(c, 2) != 2) {
		berth_cbor_refuse(c, BERTH_E_SYNTAX, "an objective without its locator");
	}
	read_objective(c, &offer, &said);
	read_locator(c, &offer, &said);
	if (c->err) {
		return;
	}
	if (!said.is_ours || judge_offer(&offer, &said, &flood->passed_over_why)) {
		flood->passed_over++;
		return;
	}
	flood->at[flood->n++] = offer;
}

static void
read_initiator(struct berth_cbor *c, struct berth_grasp_flood *flood)
{
	const struct berth_bytes initiator = berth_cbor_bytes(c, sizeof(flood->initiator));
	if (c->err) {
		return;
	}
	if (initiator.n == sizeof(flood->initiator)) {
		memcpy(flood->initiator, initiator.p, initiator.n);
	} else if (initiator.n == IPV4_BYTES) {
		flood->initiator[10] = flood->initiator[11] = 0xff;
		memcpy(flood->initiator + 12, initiator.p, initiator.n);
	} else {
		berth_cbor_refuse(c, BERTH_E_SYNTAX, "an initiator that is no address");
	}
}

enum berth_err
berth_grasp_flood_decode(struct berth_bytes message, struct berth_grasp_flood *ret,
			 struct berth_why *why)
{
	if (message.n > BERTH_GRASP_MESSAGE_MAX) {
		return berth_fail(why, BERTH_E_LIMIT, "rfc8990-size", "RFC 8990 2.6",
				  "the message has more than %d bytes", BERTH_GRASP_MESSAGE_MAX);
	}
	struct berth_grasp_flood flood = {0};
	struct berth_cbor c = berth_cbor(message);
	const size_t n = berth_cbor_array(&c, ITEMS_MAX);
	const uint64_t type = berth_cbor_uint(&c, UINT8_MAX);
	if (!c.err && type != M_FLOOD) {
		return berth_fail(why, BERTH_E_UNSUPPORTED, "rfc8990-message-type", "RFC 8990 2.8",
				  "a GRASP message of type %u, not M_FLOOD", (unsigned)type);
	}
	flood.session = (uint32_t)berth_cbor_uint(&c, UINT32_MAX);
	read_initiator(&c, &flood);
	flood.ttl_ms = (uint32_t)berth_cbor_uint(&c, UINT32_MAX);
	if (!c.err && n < 5) {
		berth_cbor_refuse(&c, BERTH_E_SYNTAX, "a flood without an objective");
	}
	for (size_t i = 4; !c.err && i < n; i++) {
		read_offer(&c, &flood);
	}
	const enum berth_err err = berth_cbor_end(&c, "rfc8990-form", why);
	if (!err) {
		*ret = flood;
	}
	return err;
}
