/* SPDX-License-Identifier: BSD-2-Clause */
/* The two shapes about revocation. Their rows are packed: a frame counts its fields, and a list may have many rows. */
#include "role/registrar/signing.h"

#include "base/cursor.h"
#include "codec/frame.h"

enum { CRL_ISSUER = 1, CRL_PARTITION, CRL_ENTRIES };
enum { OCSP_ISSUER = 1, OCSP_NONCE, OCSP_SINGLES };

static const struct berth_frame_field crl_fields[] = {
	{.tag = CRL_ISSUER,
	 .name = "issuer",
	 .type = BERTH_FRAME_BYTES,
	 .max = BERTH_SIGN_ISSUER_MAX},
	{.tag = CRL_PARTITION, .name = "partition", .type = BERTH_FRAME_I64},
	{.tag = CRL_ENTRIES,
	 .name = "entries",
	 .type = BERTH_FRAME_BYTES,
	 .use = BERTH_FRAME_OPTIONAL},
};
static const struct berth_frame_field ocsp_fields[] = {
	{.tag = OCSP_ISSUER,
	 .name = "issuer",
	 .type = BERTH_FRAME_BYTES,
	 .max = BERTH_SIGN_ISSUER_MAX},
	{.tag = OCSP_NONCE,
	 .name = "nonce",
	 .type = BERTH_FRAME_BYTES,
	 .use = BERTH_FRAME_OPTIONAL,
	 .max = BERTH_OCSP_NONCE_MAX},
	{.tag = OCSP_SINGLES, .name = "singles", .type = BERTH_FRAME_BYTES, .max = 1024},
};
static const struct berth_frame_shape crl_shape = {.kind = BERTH_REGISTRAR_SIGN_CRL,
						   .name = "sign-crl",
						   .fields = crl_fields,
						   .field_count = 3};
static const struct berth_frame_shape ocsp_shape = {.kind = BERTH_REGISTRAR_SIGN_OCSP,
						    .name = "sign-ocsp",
						    .fields = ocsp_fields,
						    .field_count = 3};

static enum berth_err
put_row(struct berth_buf *out, struct berth_wall at, unsigned reason, struct berth_bytes serial)
{
	if (serial.n == 0 || serial.n > BERTH_OCSP_SERIAL_MAX)
		return BERTH_E_LIMIT;
	enum berth_err err = berth_buf_append_u64(out, (uint64_t)at.s);
	err = err ? err : berth_buf_append_u8(out, (uint8_t)reason);
	err = err ? err : berth_buf_append_u8(out, (uint8_t)serial.n);
	return err ? err : berth_buf_append_bytes(out, serial);
}

static void
take_row(struct berth_cursor *c, struct berth_wall *at, unsigned *reason,
	 struct berth_bytes *serial)
{
	at->s = (int64_t)berth_cursor_u64(c);
	*reason = berth_cursor_u8(c);
	*serial = berth_cursor_take(c, berth_cursor_u8(c));
}

static enum berth_err
bad_rows(struct berth_why *why)
{
	return berth_fail(why, BERTH_E_SYNTAX, "signer-rows", NULL,
			  "what is to be said of the certificates cannot be read");
}

enum berth_err
berth_sign_crl_encode(const struct berth_sign_crl *ask, struct berth_buf *payload)
{
	BERTH_BUF rows = {0};
	enum berth_err err = BERTH_OK;
	for (size_t i = 0; !err && i < ask->entry_count; i++)
		err = put_row(&rows, ask->entries[i].revoked_at, ask->entries[i].reason,
			      ask->entries[i].serial);
	err = err ? err : berth_frame_start(payload, BERTH_REGISTRAR_SIGN_CRL, 0);
	err = err ? err : berth_frame_put_bytes(payload, CRL_ISSUER, ask->issuer);
	err = err ? err : berth_frame_put_i64(payload, CRL_PARTITION, ask->partition);
	if (rows.n > 0)
		err = err ? err
			  : berth_frame_put_bytes(payload, CRL_ENTRIES, berth_buf_view(&rows));
	return err ? err : berth_frame_finish(payload);
}

enum berth_err
berth_sign_crl_decode(struct berth_bytes payload, struct berth_sign_crl *ret, struct berth_why *why)
{
	struct berth_frame frame;
	enum berth_err err = berth_frame_parse(payload, &crl_shape, 1, &frame, why);
	if (err)
		return err;
	ret->issuer = berth_frame_get(&frame, CRL_ISSUER);
	ret->partition = berth_frame_get_i64(&frame, CRL_PARTITION, 0);
	ret->entry_count = 0;
	struct berth_cursor c = berth_cursor(berth_frame_get(&frame, CRL_ENTRIES));
	while (!c.err && berth_cursor_left(&c) > 0) {
		if (ret->entry_count == BERTH_SIGN_CRL_ENTRIES)
			return berth_fail(why, BERTH_E_LIMIT, "signer-rows", NULL,
					  "more than %d entries for one revocation list",
					  BERTH_SIGN_CRL_ENTRIES);
		struct berth_crl_entry *entry = &ret->entries[ret->entry_count++];
		take_row(&c, &entry->revoked_at, &entry->reason, &entry->serial);
		if (entry->serial.n == 0 || entry->serial.n > BERTH_OCSP_SERIAL_MAX)
			return bad_rows(why);
	}
	return c.err || ret->issuer.n == 0 ? bad_rows(why) : BERTH_OK;
}

enum berth_err
berth_sign_ocsp_encode(const struct berth_sign_ocsp *ask, struct berth_buf *payload)
{
	BERTH_BUF rows = {0};
	enum berth_err err = BERTH_OK;
	for (size_t i = 0; !err && i < ask->single_count; i++) {
		const struct berth_ocsp_single *single = &ask->singles[i];
		err = berth_buf_append_u8(&rows, (uint8_t)single->hash);
		err = err ? err : berth_buf_append_u8(&rows, (uint8_t)single->status);
		err = err ? err
			  : put_row(&rows, single->revoked_at, single->reason, single->serial);
	}
	err = err ? err : berth_frame_start(payload, BERTH_REGISTRAR_SIGN_OCSP, 0);
	err = err ? err : berth_frame_put_bytes(payload, OCSP_ISSUER, ask->issuer);
	if (ask->nonce.n > 0)
		err = err ? err : berth_frame_put_bytes(payload, OCSP_NONCE, ask->nonce);
	err = err ? err : berth_frame_put_bytes(payload, OCSP_SINGLES, berth_buf_view(&rows));
	return err ? err : berth_frame_finish(payload);
}

enum berth_err
berth_sign_ocsp_decode(struct berth_bytes payload, struct berth_sign_ocsp *ret,
		       struct berth_why *why)
{
	struct berth_frame frame;
	enum berth_err err = berth_frame_parse(payload, &ocsp_shape, 1, &frame, why);
	if (err)
		return err;
	*ret = (struct berth_sign_ocsp){
		.issuer = berth_frame_get(&frame, OCSP_ISSUER),
		.nonce = berth_frame_get(&frame, OCSP_NONCE),
	};
	struct berth_cursor c = berth_cursor(berth_frame_get(&frame, OCSP_SINGLES));
	while (!c.err && berth_cursor_left(&c) > 0 && ret->single_count < BERTH_OCSP_IDS_MAX) {
		struct berth_ocsp_single *single = &ret->singles[ret->single_count++];
		uint8_t hash = berth_cursor_u8(&c);
		uint8_t status = berth_cursor_u8(&c);
		take_row(&c, &single->revoked_at, &single->reason, &single->serial);
		if (hash > BERTH_OCSP_SHA256 || status > BERTH_OCSP_UNKNOWN ||
		    single->serial.n == 0 || single->serial.n > BERTH_OCSP_SERIAL_MAX)
			return bad_rows(why);
		single->hash = (enum berth_ocsp_hash)hash;
		single->status = (enum berth_ocsp_status)status;
	}
	return c.err || berth_cursor_left(&c) > 0 || ret->single_count == 0 || ret->issuer.n == 0
		       ? bad_rows(why)
		       : BERTH_OK;
}
