/* SPDX-License-Identifier: BSD-2-Clause */
/* The journal's records as lines; journal.c reads them back. */
#include "role/factory/journal_internal.h"

#include "base/hex.h"

static enum berth_err
no_memory(struct berth_why *why)
{
	return berth_fail(why, BERTH_E_MEMORY, "journal-memory", NULL,
			  "the journal does not fit into memory");
}

static enum berth_err
put_text(struct berth_buf *line, struct berth_bytes text)
{
	enum berth_err err = berth_buf_append_text(line, "\t");
	return err ? err : berth_buf_append_bytes(line, text);
}

static enum berth_err
put_hex(struct berth_buf *line, const uint8_t *p, size_t n)
{
	enum berth_err err = berth_buf_append_text(line, "\t");
	return err ? err : berth_hex_encode(berth_bytes_of(p, n), line);
}

static enum berth_err
put_owner(struct berth_buf *line, const struct berth_journal_owner *owner)
{
	enum berth_err err = put_hex(line, owner->domain_id.p, owner->domain_id.n);
	if (!err)
		err = put_hex(line, owner->key_sha256, BERTH_SHA256_BYTES);
	return err ? err : put_text(line, owner->name);
}

static enum berth_err
put_time(struct berth_buf *line, struct berth_wall at)
{
	char text[BERTH_TIME_TEXT_MAX];
	return put_text(line, berth_text(berth_wall_format(at, text)));
}

/* Tabs and line ends would shift the fields. */
static enum berth_err
check_field(struct berth_bytes text, const char *what, struct berth_why *why)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < 0x20 || text.p[i] == 0x7f)
			return berth_fail(why, BERTH_E_USAGE, "journal-field", NULL,
					  "%s holds a control character", what);
	}
	return BERTH_OK;
}

enum berth_err
berth_journal_begin(struct berth_journal *journal, const struct berth_journal_batch *batch,
		    const struct berth_journal_batch **ret, struct berth_why *why)
{
	BERTH_BUF line = {0};
	enum berth_err err = check_field(batch->out, "the path of the output folder", why);
	if (!err)
		err = check_field(batch->owner.name, "the owner's name", why);
	if (err)
		return err;
	err = berth_buf_append_text(&line, "B");
	if (!err)
		err = put_text(&line, batch->id);
	if (!err)
		err = put_time(&line, batch->created);
	if (!err)
		err = put_text(&line, batch->out);
	if (!err && batch->owner.domain_id.n > 0)
		err = put_owner(&line, &batch->owner);
	if (err)
		return no_memory(why);
	err = berth_journal_append(journal, berth_buf_view(&line), why);
	if (!err)
		*ret = berth_journal_newest_batch(journal);
	return err;
}

enum berth_err
berth_journal_intend(struct berth_journal *journal, const struct berth_journal_batch *batch,
		     struct berth_bytes serial,
		     const uint8_t certificate_serial[BERTH_CERT_SERIAL_BYTES],
		     struct berth_why *why)
{
	BERTH_BUF line = {0};
	enum berth_err err = berth_buf_append_text(&line, "I");
	if (!err)
		err = put_text(&line, batch->id);
	if (!err)
		err = put_text(&line, serial);
	if (!err)
		err = put_hex(&line, certificate_serial, BERTH_CERT_SERIAL_BYTES);
	return err ? no_memory(why) : berth_journal_append(journal, berth_buf_view(&line), why);
}

enum berth_err
berth_journal_abandon(struct berth_journal *journal, struct berth_bytes serial,
		      struct berth_why *why)
{
	BERTH_BUF line = {0};
	enum berth_err err = berth_buf_append_text(&line, "F");
	if (!err)
		err = put_text(&line, serial);
	return err ? no_memory(why) : berth_journal_append(journal, berth_buf_view(&line), why);
}

enum berth_err
berth_journal_made(struct berth_journal *journal, const struct berth_journal_unit *unit,
		   struct berth_why *why)
{
	BERTH_BUF line = {0};
	enum berth_err err = berth_buf_append_text(&line, "D");
	if (!err)
		err = put_text(&line, unit->batch->id);
	if (!err)
		err = put_text(&line, unit->serial);
	if (!err)
		err = put_hex(&line, unit->certificate_serial, BERTH_CERT_SERIAL_BYTES);
	if (!err)
		err = put_text(&line, unit->subject_serial);
	if (!err)
		err = put_text(&line, unit->model);
	if (!err)
		err = put_hex(&line, unit->key_sha256, BERTH_SHA256_BYTES);
	if (!err)
		err = put_hex(&line, unit->issuer_key_id.p, unit->issuer_key_id.n);
	if (!err)
		err = put_text(&line, unit->storage);
	if (!err)
		err = put_text(&line, unit->masa_url);
	if (!err)
		err = put_text(&line, unit->mud_url);
	return err ? no_memory(why) : berth_journal_append(journal, berth_buf_view(&line), why);
}

enum berth_err
berth_journal_sold(struct berth_journal *journal, struct berth_bytes serial,
		   const struct berth_journal_owner *owner, struct berth_wall at,
		   struct berth_bytes reference, struct berth_why *why)
{
	BERTH_BUF line = {0};
	enum berth_err err = check_field(owner->name, "the owner's name", why);
	if (!err)
		err = check_field(reference, "the reference", why);
	if (err)
		return err;
	err = berth_buf_append_text(&line, "S");
	if (!err)
		err = put_text(&line, serial);
	if (!err)
		err = put_owner(&line, owner);
	if (!err)
		err = put_time(&line, at);
	if (!err)
		err = put_text(&line, reference);
	return err ? no_memory(why) : berth_journal_append(journal, berth_buf_view(&line), why);
}

enum berth_err
berth_journal_claim(struct berth_journal *journal, struct berth_bytes serial,
		    const struct berth_claim_digest *claim, struct berth_why *why)
{
	BERTH_BUF line = {0};
	enum berth_err err = berth_buf_append_text(&line, "C");
	if (!err)
		err = put_text(&line, serial);
	if (!err)
		err = put_hex(&line, claim->salt, sizeof(claim->salt));
	if (!err)
		err = put_hex(&line, claim->sha256, sizeof(claim->sha256));
	return err ? no_memory(why) : berth_journal_append(journal, berth_buf_view(&line), why);
}
