/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/backup/issued.h"

#include "base/hex.h"

#define LINE_MAX_BYTES 32768 /* a certificate of 4 KiB in base64, with room */

static enum berth_err
refuse(struct berth_why *why, const char *what)
{
	return berth_fail(why, BERTH_E_SYNTAX, "issuance-form", NULL,
			  "a line of the signer's log has no %s", what);
}

enum berth_err
berth_issued_next(struct berth_bytes *rest, struct berth_bytes *ret_line)
{
	const uint8_t *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;

	if (!end)
		return BERTH_E_NOT_FOUND;
	*ret_line = berth_bytes_of(rest->p, (size_t)(end - rest->p));
	*rest = berth_bytes_of(end + 1, rest->n - ret_line->n - 1);
	return BERTH_OK;
}

/* The next word; empty at the end. */
static struct berth_bytes
take_word(struct berth_bytes *line)
{
	const uint8_t *end = line->n ? memchr(line->p, ' ', line->n) : NULL;
	size_t n = end ? (size_t)(end - line->p) : line->n;
	struct berth_bytes word = berth_bytes_of(line->p, n);

	*line = berth_bytes_of(line->p + n + (end != NULL), line->n - n - (end != NULL));
	return word;
}

/* "name=value" */
static bool
has_name(struct berth_bytes word, const char *name, struct berth_bytes *value)
{
	size_t n = strlen(name);

	if (!berth_bytes_starts_with(word, name))
		return false;
	*value = berth_bytes_of(word.p + n, word.n - n);
	return true;
}

enum berth_err
berth_issued_parse(struct berth_bytes line, struct berth_issued *ret, struct berth_why *why)
{
	struct berth_issued issued = {0};
	struct berth_bytes hash = BERTH_BYTES_NONE;
	BERTH_BUF digest = {0};

	if (line.n > LINE_MAX_BYTES || !berth_bytes_is_printable(line))
		return refuse(why, "text of the usual length");
	enum berth_err err = berth_wall_parse(take_word(&line), &issued.at, why);
	if (err)
		return refuse(why, "time");
	issued.what = take_word(&line);
	if (issued.what.n == 0)
		return refuse(why, "name");
	if (!has_name(take_word(&line), "sha256=", &hash) || hash.n != 2 * BERTH_DIGEST_BYTES ||
	    berth_hex_decode(hash, &digest, NULL))
		return refuse(why, "hash");
	memcpy(issued.sha256, digest.p, BERTH_DIGEST_BYTES);
	if (!has_name(take_word(&line), "subject-hex=", &issued.subject_hex))
		return refuse(why, "subject");
	while (line.n > 0) {
		struct berth_bytes word = take_word(&line);
		(void)has_name(word, "certificate=", &issued.certificate);
	}
	*ret = issued;
	return BERTH_OK;
}
