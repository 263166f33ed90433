/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/device.h"

#include "base/cursor.h"
#include "base/hex.h"

static bool
has_control_characters(struct berth_bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < 0x20 || text.p[i] == 0x7f)
			return true;
	}
	return false;
}

enum berth_err
berth_device_identity_check(const struct berth_device_identity *identity, struct berth_why *why)
{
	struct berth_bytes serial = identity->serial_number;
	struct berth_bytes key = identity->manufacturer_key;

	if (!key.n || key.n > BERTH_DEVICE_MANUFACTURER_MAX)
		return berth_fail(why, BERTH_E_SYNTAX, "device-manufacturer-key", NULL,
				  "the manufacturer's key id has %zu bytes, not 1 to %d", key.n,
				  BERTH_DEVICE_MANUFACTURER_MAX);
	if (!serial.n || serial.n > BERTH_DEVICE_SERIAL_MAX)
		return berth_fail(why, BERTH_E_SYNTAX, "device-serial-number", "RFC 8995 2.3.1",
				  "the serial number has %zu bytes, not 1 to %d", serial.n,
				  BERTH_DEVICE_SERIAL_MAX);
	if (!berth_bytes_is_utf8(serial) || has_control_characters(serial))
		return berth_fail(why, BERTH_E_SYNTAX, "device-serial-number", "RFC 8995 2.3.1",
				  "the serial number is not printable text");
	return BERTH_OK;
}

bool
berth_device_identity_equal(const struct berth_device_identity *a,
			    const struct berth_device_identity *b)
{
	return berth_bytes_equal(a->manufacturer_key, b->manufacturer_key) &&
	       berth_bytes_equal(a->serial_number, b->serial_number);
}

static enum berth_err
hash_identity(const struct berth_device_identity *identity, const struct berth_digest *digest,
	      uint8_t hash[BERTH_DIGEST_BYTES])
{
	BERTH_BUF bytes = {0};
	enum berth_err err = berth_buf_append_vector16(&bytes, identity->manufacturer_key);

	if (!err)
		err = berth_buf_append_vector16(&bytes, identity->serial_number);
	return err ? err : berth_digest_sha256(digest, berth_buf_view(&bytes), hash);
}

static char
name_character(uint8_t c)
{
	bool fits = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		    c == '.' || c == '-';

	return fits ? (char)c : '_';
}

enum berth_err
berth_device_id(const struct berth_device_identity *identity, const struct berth_digest *digest,
		char id[BERTH_DEVICE_ID_MAX], struct berth_why *why)
{
	uint8_t hash[BERTH_DIGEST_BYTES];
	enum berth_err err = berth_device_identity_check(identity, why);

	if (err)
		return err;
	err = hash_identity(identity, digest, hash);
	if (err)
		return berth_fail(why, err, "device-id", NULL,
				  "the device's id cannot be computed");
	berth_hex_text(berth_bytes_of(hash, BERTH_DEVICE_ID_HASH_BYTES), id, BERTH_DEVICE_ID_MAX);
	size_t at = 2 * (size_t)BERTH_DEVICE_ID_HASH_BYTES;
	id[at++] = '-';
	for (size_t i = 0; i < identity->serial_number.n && at < BERTH_DEVICE_ID_MAX - 1; i++)
		id[at++] = name_character(identity->serial_number.p[i]);
	id[at] = '\0';
	return BERTH_OK;
}

static const char *const state_names[BERTH_DEVICE_STATE_COUNT] = {
	[BERTH_DEVICE_KNOWN] = "known",
	[BERTH_DEVICE_PENDING] = "pending",
	[BERTH_DEVICE_ADMITTED] = "admitted",
	[BERTH_DEVICE_ENROLLED] = "enrolled",
	[BERTH_DEVICE_CONNECTED] = "connected",
	[BERTH_DEVICE_IN_SERVICE] = "in service",
	[BERTH_DEVICE_QUARANTINED] = "quarantined",
	[BERTH_DEVICE_REVOKED] = "revoked",
	[BERTH_DEVICE_LEFT] = "left",
};

const char *
berth_device_state_name(enum berth_device_standing state)
{
	return state_names[state];
}

enum berth_err
berth_device_state_parse(struct berth_bytes name, enum berth_device_standing *ret,
			 struct berth_why *why)
{
	for (unsigned i = 0; i < BERTH_DEVICE_STATE_COUNT; i++) {
		if (berth_bytes_equal_text(name, state_names[i])) {
			*ret = (enum berth_device_standing)i;
			return BERTH_OK;
		}
	}
	return berth_fail(why, BERTH_E_UNSUPPORTED, "device-state", NULL,
			  "there is no such state of a device: known, pending, admitted, enrolled, "
			  "connected, in service, quarantined, revoked or left");
}

#define TO(state) (1u << BERTH_DEVICE_##state)

/* A step back to admitted or known is a device that was reset and onboards again. */
static const unsigned moves[BERTH_DEVICE_STATE_COUNT] = {
	[BERTH_DEVICE_KNOWN] =
		TO(PENDING) | TO(ADMITTED) | TO(QUARANTINED) | TO(REVOKED) | TO(LEFT),
	[BERTH_DEVICE_PENDING] =
		TO(KNOWN) | TO(ADMITTED) | TO(QUARANTINED) | TO(REVOKED) | TO(LEFT),
	[BERTH_DEVICE_ADMITTED] =
		TO(KNOWN) | TO(PENDING) | TO(ENROLLED) | TO(QUARANTINED) | TO(REVOKED) | TO(LEFT),
	[BERTH_DEVICE_ENROLLED] = TO(KNOWN) | TO(PENDING) | TO(ADMITTED) | TO(CONNECTED) |
				  TO(IN_SERVICE) | TO(QUARANTINED) | TO(REVOKED) | TO(LEFT),
	[BERTH_DEVICE_CONNECTED] = TO(KNOWN) | TO(PENDING) | TO(ADMITTED) | TO(ENROLLED) |
				   TO(IN_SERVICE) | TO(QUARANTINED) | TO(REVOKED) | TO(LEFT),
	[BERTH_DEVICE_IN_SERVICE] = TO(KNOWN) | TO(PENDING) | TO(ADMITTED) | TO(ENROLLED) |
				    TO(CONNECTED) | TO(QUARANTINED) | TO(REVOKED) | TO(LEFT),
	[BERTH_DEVICE_QUARANTINED] = TO(KNOWN) | TO(PENDING) | TO(ADMITTED) | TO(ENROLLED) |
				     TO(CONNECTED) | TO(IN_SERVICE) | TO(REVOKED) | TO(LEFT),
	[BERTH_DEVICE_REVOKED] = TO(KNOWN) | TO(LEFT),
	[BERTH_DEVICE_LEFT] = TO(KNOWN),
};

bool
berth_device_may_move(enum berth_device_standing from, enum berth_device_standing to)
{
	return from == to || (moves[from] & (1u << to)) != 0;
}

enum berth_err
berth_device_check_move(enum berth_device_standing from, enum berth_device_standing to,
			struct berth_why *why)
{
	if (berth_device_may_move(from, to))
		return BERTH_OK;
	return berth_fail(why, BERTH_E_STATE, "device-state-move", NULL,
			  "a device that is %s cannot become %s", state_names[from],
			  state_names[to]);
}
