/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/manifest/manifest_internal.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/hex.h"
#include "codec/json.h"

#define SECTION BERTH_MANIFEST_SECTION
#define VALUES_MAX 24 /* of one line: the header with an owner has 14 */

const char *
berth_manifest_kind_name(enum berth_manifest_kind kind)
{
	switch (kind) {
	case BERTH_MANIFEST_PURCHASE:
		return "purchase";
	case BERTH_MANIFEST_SALE:
		return "sale";
	case BERTH_MANIFEST_TRANSFER:
		return "transfer";
	}
	return "";
}

bool
berth_manifest_hand(const struct berth_manifest *m, struct berth_manifest_holder *ret)
{
	if (m->has_owner) {
		ret->name = m->owner.name;
		memcpy(ret->key_sha256, m->owner.key_sha256, BERTH_SHA256_BYTES);
	}
	if (m->has_holder)
		*ret = m->holder;
	return m->has_owner || m->has_holder;
}

/* ---- what a value may be, the same for reading and writing ---- */

static enum berth_err
check_text(struct berth_bytes text, size_t max, bool may_be_empty, const char *name,
	   struct berth_why *why)
{
	if (text.n > max)
		return berth_fail(why, BERTH_E_LIMIT, "manifest-text-length", SECTION,
				  "%s has %zu bytes, at most %zu are allowed", name, text.n, max);
	if (text.n == 0 && !may_be_empty)
		return berth_fail(why, BERTH_E_SYNTAX, "manifest-text-empty", SECTION,
				  "%s is empty", name);
	bool is_plain = berth_bytes_is_utf8(text);
	for (size_t i = 0; i < text.n; i++)
		is_plain = is_plain && text.p[i] >= 0x20 && text.p[i] != 0x7f;
	if (!is_plain)
		return berth_fail(why, BERTH_E_SYNTAX, "manifest-text", SECTION,
				  "%s holds characters that are not for print", name);
	return BERTH_OK;
}

static enum berth_err
check_unit(enum berth_manifest_kind kind, const struct berth_manifest_unit *unit,
	   struct berth_why *why)
{
	enum berth_err err = berth_device_identity_check(&unit->identity, why);
	if (err || kind == BERTH_MANIFEST_TRANSFER)
		return err;
	if (!err)
		err = check_text(unit->model, BERTH_MANIFEST_TEXT_MAX, true, "model", why);
	if (!err)
		err = check_text(unit->storage, BERTH_MANIFEST_TEXT_MAX, false, "storage", why);
	if (!err)
		err = check_text(unit->masa_url, BERTH_MANIFEST_URL_MAX, false, "masa-url", why);
	if (!err)
		err = check_text(unit->mud_url, BERTH_MANIFEST_URL_MAX, true, "mud-url", why);
	return err;
}

static enum berth_err
check_owner(const struct berth_manifest_owner *owner, struct berth_why *why)
{
	enum berth_err err =
		check_text(owner->name, BERTH_MANIFEST_TEXT_MAX, false, "owner's name", why);
	if (!err)
		err = check_text(owner->reference, BERTH_MANIFEST_TEXT_MAX, true,
				 "owner's reference", why);
	if (!err && (owner->domain_id.n == 0 || owner->domain_id.n > BERTH_DEVICE_MANUFACTURER_MAX))
		err = berth_fail(why, BERTH_E_SYNTAX, "manifest-domain-id", SECTION,
				 "the owner's domain-id has %zu bytes, 1 to %d are allowed",
				 owner->domain_id.n, BERTH_DEVICE_MANUFACTURER_MAX);
	return err;
}

/* Who has the units, and of a transfer who had them. */
static enum berth_err
check_hands(const struct berth_manifest *m, struct berth_why *why)
{
	enum berth_err err = BERTH_OK;
	if (m->has_owner && m->has_holder)
		return berth_fail(why, BERTH_E_SYNTAX, "manifest-two-hands", SECTION,
				  "both owner and holder are named; the units go to one");
	if (m->kind != BERTH_MANIFEST_PURCHASE && !m->has_owner && !m->has_holder)
		return berth_fail(why, BERTH_E_SYNTAX, "manifest-sale-without-owner", SECTION,
				  "a %s says who has the units; there is no owner and no holder",
				  berth_manifest_kind_name(m->kind));
	if (m->has_owner)
		err = check_owner(&m->owner, why);
	if (!err && m->has_holder)
		err = check_text(m->holder.name, BERTH_MANIFEST_TEXT_MAX, false, "holder's name",
				 why);
	if (!err && m->kind == BERTH_MANIFEST_TRANSFER)
		err = check_text(m->from.name, BERTH_MANIFEST_TEXT_MAX, false,
				 "name of whom it comes from", why);
	return err;
}

static enum berth_err
check_header(const struct berth_manifest *m, struct berth_why *why)
{
	enum berth_err err = BERTH_OK;
	if (m->kind != BERTH_MANIFEST_TRANSFER)
		err = check_text(m->manufacturer, BERTH_MANIFEST_TEXT_MAX, false, "manufacturer",
				 why);
	if (!err)
		err = check_text(m->batch, BERTH_MANIFEST_TEXT_MAX, false, "batch", why);
	if (!err)
		err = check_hands(m, why);
	if (!err && m->unit_count > BERTH_MANIFEST_UNITS_MAX)
		err = berth_fail(why, BERTH_E_LIMIT, "manifest-units", SECTION,
				 "%zu units, at most %d go into one manifest; split the batch",
				 m->unit_count, BERTH_MANIFEST_UNITS_MAX);
	return err;
}

static int
compare_identities(const void *a, const void *b)
{
	const struct berth_manifest_unit *x = *(const struct berth_manifest_unit *const *)a;
	const struct berth_manifest_unit *y = *(const struct berth_manifest_unit *const *)b;
	int order = berth_bytes_compare(x->identity.serial_number, y->identity.serial_number);
	if (order != 0)
		return order;
	return berth_bytes_compare(x->identity.manufacturer_key, y->identity.manufacturer_key);
}

/* Sorted, two of the same stand side by side. */
static enum berth_err
refuse_duplicates(const struct berth_manifest *m, struct berth_arena *arena, struct berth_why *why)
{
	if (m->unit_count < 2)
		return BERTH_OK;
	const struct berth_manifest_unit **sorted =
		(const struct berth_manifest_unit **)berth_arena_alloc(
			arena, m->unit_count * sizeof(*sorted));
	if (!sorted)
		return berth_fail(why, BERTH_E_LIMIT, "manifest-memory", NULL,
				  "%zu units do not fit into the memory given", m->unit_count);
	for (size_t i = 0; i < m->unit_count; i++)
		sorted[i] = &m->units[i];
	qsort(sorted, m->unit_count, sizeof(*sorted), compare_identities);
	for (size_t i = 1; i < m->unit_count; i++) {
		struct berth_bytes serial = sorted[i]->identity.serial_number;
		if (compare_identities(&sorted[i - 1], &sorted[i]) == 0)
			return berth_fail(why, BERTH_E_EXISTS, "manifest-duplicate-serial", SECTION,
					  "serial number %.*s is listed twice", (int)serial.n,
					  (const char *)serial.p);
	}
	return BERTH_OK;
}

/* ---- reading ---- */

enum berth_err
berth_manifest_split(struct berth_bytes file, struct berth_manifest_parts *ret,
		     struct berth_why *why)
{
	if (file.n > BERTH_MANIFEST_MAX_BYTES)
		return berth_fail(why, BERTH_E_LIMIT, "manifest-size", SECTION,
				  "%zu bytes, at most %zu are read", file.n,
				  BERTH_MANIFEST_MAX_BYTES);
	if (file.n == 0 || file.p[file.n - 1] != '\n')
		return berth_fail_at(why, BERTH_E_SYNTAX, "manifest-cut", SECTION, file.n,
				     "the file does not end with a whole line; it may be cut off");
	size_t at = file.n - 1;
	while (at > 0 && file.p[at - 1] != '\n')
		at--;
	if (at == 0)
		return berth_fail(why, BERTH_E_SYNTAX, "manifest-unsigned", SECTION,
				  "there is one line only, a header and a signature are needed");
	ret->lines = berth_bytes_of(file.p, at);
	ret->signature_line = berth_bytes_of(file.p + at, file.n - 1 - at);
	return BERTH_OK;
}

static enum berth_err
parse_line(struct berth_bytes line, size_t max_bytes, json_t **ret, struct berth_why *why)
{
	const struct berth_json_limits limits = {
		.max_bytes = max_bytes, .max_depth = 2, .max_values = VALUES_MAX};
	enum berth_err err = berth_json_parse(line, &limits, ret, why);
	if (err)
		return err;
	if (!json_is_object(*ret))
		return berth_fail(why, BERTH_E_SYNTAX, "manifest-line", SECTION,
				  "a line is a JSON object; this is another value");
	return BERTH_OK;
}

enum berth_err
berth_manifest_parse_signature(struct berth_bytes line, struct berth_buf *der,
			       struct berth_why *why)
{
	static const char *const keys[] = {"signature"};
	BERTH_JSON json_t *root = NULL;
	enum berth_err err = parse_line(line, BERTH_MANIFEST_SIGNATURE_LINE_MAX, &root, why);
	if (!err)
		err = berth_json_only_keys(root, keys, 1, why);
	if (!err)
		err = berth_json_get_base64(root, "signature", BERTH_JSON_REQUIRED, der, why);
	return err;
}

/* Text of one member into the arena. */
static enum berth_err
take_text(const json_t *object, const char *key, enum berth_json_need need,
	  struct berth_arena *arena, struct berth_bytes *ret, struct berth_why *why)
{
	struct berth_bytes text = BERTH_BYTES_NONE;
	enum berth_err err = berth_json_get_text(object, key, need, &text, why);
	if (err)
		return err;
	*ret = berth_arena_copy(arena, text);
	if (!ret->p)
		return berth_fail(why, BERTH_E_LIMIT, "manifest-memory", NULL,
				  "the manifest does not fit into the memory given");
	return BERTH_OK;
}

static enum berth_err
take_hex(const json_t *object, const char *key, struct berth_buf *ret, struct berth_why *why)
{
	struct berth_bytes text = BERTH_BYTES_NONE;
	enum berth_err err = berth_json_get_text(object, key, BERTH_JSON_REQUIRED, &text, why);
	if (err)
		return err;
	return berth_hex_decode(text, ret, why);
}

/* n bytes exactly. */
static enum berth_err
take_octets(const json_t *object, const char *key, uint8_t *ret, size_t n, struct berth_why *why)
{
	BERTH_BUF octets = {0};
	enum berth_err err = take_hex(object, key, &octets, why);
	if (err)
		return err;
	if (octets.n != n)
		return berth_fail(why, BERTH_E_SYNTAX, "manifest-hash-length", SECTION,
				  "%s has %zu bytes, not %zu", key, octets.n, n);
	memcpy(ret, octets.p, n);
	return BERTH_OK;
}

static enum berth_err
take_hash(const json_t *object, const char *key, uint8_t ret[BERTH_SHA256_BYTES],
	  struct berth_why *why)
{
	return take_octets(object, key, ret, BERTH_SHA256_BYTES, why);
}

/* Both members, or neither. */
static enum berth_err
take_claim(const json_t *object, struct berth_manifest_unit *ret, struct berth_why *why)
{
	if (!json_object_get(object, "claim-salt") && !json_object_get(object, "claim-sha256"))
		return BERTH_OK;
	enum berth_err err =
		take_octets(object, "claim-salt", ret->claim.salt, BERTH_CLAIM_SALT_BYTES, why);
	if (!err)
		err = take_hash(object, "claim-sha256", ret->claim.sha256, why);
	ret->has_claim = !err;
	return err;
}

static enum berth_err
take_id(const json_t *object, const char *key, struct berth_arena *arena, struct berth_bytes *ret,
	struct berth_why *why)
{
	BERTH_BUF id = {0};
	enum berth_err err = take_hex(object, key, &id, why);
	if (err)
		return err;
	*ret = berth_arena_copy(arena, berth_buf_view(&id));
	if (!ret->p)
		return berth_fail(why, BERTH_E_LIMIT, "manifest-memory", NULL,
				  "the manifest does not fit into the memory given");
	return BERTH_OK;
}

static enum berth_err
parse_owner(const json_t *owner, struct berth_arena *arena, struct berth_manifest_owner *ret,
	    struct berth_why *why)
{
	static const char *const keys[] = {"name", "domain-id", "key-sha256", "reference"};
	enum berth_err err = berth_json_only_keys(owner, keys, 4, why);
	if (!err)
		err = take_text(owner, "name", BERTH_JSON_REQUIRED, arena, &ret->name, why);
	if (!err)
		err = take_id(owner, "domain-id", arena, &ret->domain_id, why);
	if (!err)
		err = take_hash(owner, "key-sha256", ret->key_sha256, why);
	if (!err)
		err = take_text(owner, "reference", BERTH_JSON_OPTIONAL, arena, &ret->reference,
				why);
	return err;
}

static enum berth_err
parse_holder(const json_t *holder, struct berth_arena *arena, struct berth_manifest_holder *ret,
	     struct berth_why *why)
{
	static const char *const keys[] = {"name", "key-sha256"};
	enum berth_err err = berth_json_only_keys(holder, keys, 2, why);
	if (!err)
		err = take_text(holder, "name", BERTH_JSON_REQUIRED, arena, &ret->name, why);
	if (!err)
		err = take_hash(holder, "key-sha256", ret->key_sha256, why);
	return err;
}

/* Who had the units, who has them, and what comes before. */
static enum berth_err
parse_hands(const json_t *root, struct berth_arena *arena, struct berth_manifest *ret,
	    struct berth_why *why)
{
	json_t *owner = NULL;
	json_t *holder = NULL;
	json_t *from = NULL;
	enum berth_err err = berth_json_get_object(root, "owner", BERTH_JSON_OPTIONAL, &owner, why);
	if (!err)
		err = berth_json_get_object(root, "holder", BERTH_JSON_OPTIONAL, &holder, why);
	if (!err && owner)
		err = parse_owner(owner, arena, &ret->owner, why);
	if (!err && holder)
		err = parse_holder(holder, arena, &ret->holder, why);
	ret->has_owner = owner != NULL;
	ret->has_holder = holder != NULL;
	if (err || ret->kind != BERTH_MANIFEST_TRANSFER)
		return err;
	err = berth_json_get_object(root, "from", BERTH_JSON_REQUIRED, &from, why);
	if (!err)
		err = parse_holder(from, arena, &ret->from, why);
	if (!err)
		err = take_hash(root, "previous", ret->previous_sha256, why);
	return err;
}

static enum berth_err
parse_kind(const json_t *root, struct berth_manifest *ret, struct berth_why *why)
{
	int64_t version = 0;
	struct berth_bytes kind = BERTH_BYTES_NONE;
	enum berth_err err = berth_json_get_i64(root, "berth-manifest", BERTH_JSON_REQUIRED, 1,
						INT32_MAX, &version, why);
	if (!err)
		err = berth_json_get_text(root, "kind", BERTH_JSON_REQUIRED, &kind, why);
	if (err)
		return err;
	if (version != BERTH_MANIFEST_VERSION)
		return berth_fail(why, BERTH_E_UNSUPPORTED, "manifest-version", SECTION,
				  "version %" PRId64 " is not known here; this program reads 1",
				  version);
	ret->kind = berth_bytes_equal_text(kind, "sale")       ? BERTH_MANIFEST_SALE
		    : berth_bytes_equal_text(kind, "transfer") ? BERTH_MANIFEST_TRANSFER
							       : BERTH_MANIFEST_PURCHASE;
	if (!berth_bytes_equal_text(kind, berth_manifest_kind_name(ret->kind)))
		return berth_fail(why, BERTH_E_UNSUPPORTED, "manifest-kind", SECTION,
				  "the kind is neither purchase, sale nor transfer");
	return BERTH_OK;
}

/* The members that the kind has, and no others. */
static enum berth_err
check_members(const json_t *root, enum berth_manifest_kind kind, struct berth_why *why)
{
	static const char *const makers[] = {"berth-manifest", "kind",	"manufacturer", "batch",
					     "created",	       "owner", "holder",	"units"};
	static const char *const transfers[] = {"berth-manifest", "kind",   "batch",
						"created",	  "from",   "previous",
						"owner",	  "holder", "units"};
	bool is_transfer = kind == BERTH_MANIFEST_TRANSFER;
	return berth_json_only_keys(root, is_transfer ? transfers : makers,
				    is_transfer ? sizeof(transfers) / sizeof(transfers[0])
						: sizeof(makers) / sizeof(makers[0]),
				    why);
}

static enum berth_err
parse_header(struct berth_bytes line, struct berth_arena *arena, struct berth_manifest *ret,
	     struct berth_why *why)
{
	BERTH_JSON json_t *root = NULL;
	struct berth_bytes created = BERTH_BYTES_NONE;
	int64_t units = 0;
	enum berth_err err = parse_line(line, BERTH_MANIFEST_LINE_MAX, &root, why);
	if (!err)
		err = parse_kind(root, ret, why);
	if (!err)
		err = check_members(root, ret->kind, why);
	if (!err && ret->kind != BERTH_MANIFEST_TRANSFER)
		err = take_text(root, "manufacturer", BERTH_JSON_REQUIRED, arena,
				&ret->manufacturer, why);
	if (!err)
		err = take_text(root, "batch", BERTH_JSON_REQUIRED, arena, &ret->batch, why);
	if (!err)
		err = berth_json_get_text(root, "created", BERTH_JSON_REQUIRED, &created, why);
	if (!err)
		err = berth_wall_parse(created, &ret->created, why);
	if (!err)
		err = berth_json_get_i64(root, "units", BERTH_JSON_REQUIRED, 0,
					 BERTH_MANIFEST_UNITS_MAX, &units, why);
	if (!err)
		err = parse_hands(root, arena, ret, why);
	if (err)
		return err;
	ret->unit_count = (size_t)units;
	return check_header(ret, why);
}

/* What a manufacturer says of a unit. */
static enum berth_err
parse_made(const json_t *root, struct berth_arena *arena, struct berth_manifest_unit *ret,
	   struct berth_why *why)
{
	enum berth_err err = take_hash(root, "key-sha256", ret->key_sha256, why);
	if (!err)
		err = take_text(root, "model", BERTH_JSON_OPTIONAL, arena, &ret->model, why);
	if (!err)
		err = take_text(root, "storage", BERTH_JSON_REQUIRED, arena, &ret->storage, why);
	if (!err)
		err = take_text(root, "masa-url", BERTH_JSON_REQUIRED, arena, &ret->masa_url, why);
	if (!err)
		err = take_text(root, "mud-url", BERTH_JSON_OPTIONAL, arena, &ret->mud_url, why);
	return err ? err : take_claim(root, ret, why);
}

static enum berth_err
parse_unit(struct berth_bytes line, enum berth_manifest_kind kind, struct berth_arena *arena,
	   struct berth_manifest_unit *ret, struct berth_why *why)
{
	static const char *const keys[] = {"serial-number", "issuer-key-id", "model",
					   "key-sha256",    "storage",	     "masa-url",
					   "mud-url",	    "claim-salt",    "claim-sha256"};
	bool is_transfer = kind == BERTH_MANIFEST_TRANSFER;
	BERTH_JSON json_t *root = NULL;
	enum berth_err err = parse_line(line, BERTH_MANIFEST_LINE_MAX, &root, why);
	if (!err) /* who hands a unit on says which, and nothing of it */
		err = berth_json_only_keys(root, keys,
					   is_transfer ? 2 : sizeof(keys) / sizeof(keys[0]), why);
	if (!err)
		err = take_text(root, "serial-number", BERTH_JSON_REQUIRED, arena,
				&ret->identity.serial_number, why);
	if (!err)
		err = take_id(root, "issuer-key-id", arena, &ret->identity.manufacturer_key, why);
	if (!err && !is_transfer)
		err = parse_made(root, arena, ret, why);
	return err ? err : check_unit(kind, ret, why);
}

/* The next line without its end; the caller knows that there is one. */
static struct berth_bytes
next_line(struct berth_bytes *rest)
{
	const uint8_t *end = memchr(rest->p, '\n', rest->n);
	size_t n = end ? (size_t)(end - rest->p) : rest->n;
	struct berth_bytes line = berth_bytes_of(rest->p, n);
	size_t used = end ? n + 1 : n;
	*rest = berth_bytes_of(rest->p + used, rest->n - used);
	return line;
}

static enum berth_err
refuse_count(size_t said, size_t found, struct berth_why *why)
{
	return berth_fail(why, BERTH_E_MISMATCH, "manifest-unit-count", SECTION,
			  "the header says %zu units, the file has %s", said,
			  found < said ? "fewer lines" : "more lines");
}

enum berth_err
berth_manifest_parse_lines(struct berth_bytes lines, struct berth_arena *arena,
			   struct berth_manifest *ret, struct berth_why *why)
{
	struct berth_bytes rest = lines;
	struct berth_manifest m = {0};
	enum berth_err err = parse_header(next_line(&rest), arena, &m, why);
	if (err)
		return err;
	/* a line has two bytes at least: a count that the file cannot hold asks for no memory */
	if (m.unit_count > rest.n)
		return refuse_count(m.unit_count, 0, why);
	struct berth_manifest_unit *units =
		berth_arena_alloc(arena, (m.unit_count + 1) * sizeof(*units));
	if (!units)
		return berth_fail(why, BERTH_E_LIMIT, "manifest-memory", NULL,
				  "%zu units do not fit into the memory given", m.unit_count);
	m.units = units;
	for (size_t i = 0; i < m.unit_count; i++) {
		if (rest.n == 0)
			return refuse_count(m.unit_count, i, why);
		size_t at = lines.n - rest.n;
		err = parse_unit(next_line(&rest), m.kind, arena, &units[i], why);
		if (err) {
			if (why)
				why->offset += at;
			return err;
		}
	}
	if (rest.n > 0)
		return refuse_count(m.unit_count, m.unit_count + 1, why);
	err = refuse_duplicates(&m, arena, why);
	if (!err)
		*ret = m;
	return err;
}

enum berth_err
berth_manifest_parse(struct berth_bytes file, struct berth_arena *arena, struct berth_manifest *ret,
		     struct berth_bytes *signature, size_t *signed_bytes, struct berth_why *why)
{
	struct berth_manifest_parts parts;
	BERTH_BUF der = {0};
	enum berth_err err = berth_manifest_split(file, &parts, why);
	if (!err)
		err = berth_manifest_parse_signature(parts.signature_line, &der, why);
	if (!err)
		err = berth_manifest_parse_lines(parts.lines, arena, ret, why);
	if (err)
		return err;
	if (signature) {
		*signature = berth_arena_copy(arena, berth_buf_view(&der));
		if (!signature->p)
			return berth_fail(why, BERTH_E_LIMIT, "manifest-memory", NULL,
					  "the signature does not fit into the memory given");
	}
	if (signed_bytes)
		*signed_bytes = parts.lines.n;
	return BERTH_OK;
}

/* ---- writing ---- */

static enum berth_err
set_hex(json_t *object, const char *key, struct berth_bytes b)
{
	BERTH_BUF hex = {0};
	enum berth_err err = berth_hex_encode(b, &hex);
	return err ? err : berth_json_set_text(object, key, berth_buf_view(&hex));
}

static enum berth_err
set_text_if_any(json_t *object, const char *key, struct berth_bytes text)
{
	return text.n > 0 ? berth_json_set_text(object, key, text) : BERTH_OK;
}

static enum berth_err
append_line(const json_t *line, struct berth_buf *out)
{
	enum berth_err err = berth_json_encode(line, BERTH_JSON_AS_BUILT, out);
	return err ? err : berth_buf_append_text(out, "\n");
}

static enum berth_err
set_owner(json_t *header, const struct berth_manifest_owner *owner)
{
	json_t *object = json_object();
	enum berth_err err = berth_json_set(header, "owner", object);
	if (!err)
		err = berth_json_set_text(object, "name", owner->name);
	if (!err)
		err = set_hex(object, "domain-id", owner->domain_id);
	if (!err)
		err = set_hex(object, "key-sha256",
			      berth_bytes_of(owner->key_sha256, BERTH_SHA256_BYTES));
	if (!err)
		err = set_text_if_any(object, "reference", owner->reference);
	return err;
}

static enum berth_err
set_holder(json_t *header, const char *key, const struct berth_manifest_holder *holder)
{
	json_t *object = json_object();
	enum berth_err err = berth_json_set(header, key, object);
	if (!err)
		err = berth_json_set_text(object, "name", holder->name);
	if (!err)
		err = set_hex(object, "key-sha256",
			      berth_bytes_of(holder->key_sha256, BERTH_SHA256_BYTES));
	return err;
}

static enum berth_err
append_header(const struct berth_manifest *m, struct berth_buf *out)
{
	char created[BERTH_TIME_TEXT_MAX];
	BERTH_JSON json_t *line = json_object();
	if (!line)
		return BERTH_E_MEMORY;
	enum berth_err err = berth_json_set_i64(line, "berth-manifest", BERTH_MANIFEST_VERSION);
	if (!err)
		err = berth_json_set_text(line, "kind",
					  berth_text(berth_manifest_kind_name(m->kind)));
	if (!err && m->kind != BERTH_MANIFEST_TRANSFER)
		err = berth_json_set_text(line, "manufacturer", m->manufacturer);
	if (!err)
		err = berth_json_set_text(line, "batch", m->batch);
	if (!err)
		err = berth_json_set_text(line, "created",
					  berth_text(berth_wall_format(m->created, created)));
	if (!err && m->kind == BERTH_MANIFEST_TRANSFER)
		err = set_holder(line, "from", &m->from);
	if (!err && m->kind == BERTH_MANIFEST_TRANSFER)
		err = set_hex(line, "previous",
			      berth_bytes_of(m->previous_sha256, BERTH_SHA256_BYTES));
	if (!err && m->has_owner)
		err = set_owner(line, &m->owner);
	if (!err && m->has_holder)
		err = set_holder(line, "holder", &m->holder);
	if (!err)
		err = berth_json_set_i64(line, "units", (int64_t)m->unit_count);
	return err ? err : append_line(line, out);
}

static enum berth_err
set_made(json_t *line, const struct berth_manifest_unit *unit)
{
	enum berth_err err = berth_json_set_text(line, "storage", unit->storage);
	if (!err)
		err = berth_json_set_text(line, "masa-url", unit->masa_url);
	if (!err)
		err = set_text_if_any(line, "mud-url", unit->mud_url);
	if (!err && unit->has_claim)
		err = set_hex(line, "claim-salt",
			      berth_bytes_of(unit->claim.salt, BERTH_CLAIM_SALT_BYTES));
	if (!err && unit->has_claim)
		err = set_hex(line, "claim-sha256",
			      berth_bytes_of(unit->claim.sha256, BERTH_SHA256_BYTES));
	return err;
}

static enum berth_err
append_unit(enum berth_manifest_kind kind, const struct berth_manifest_unit *unit,
	    struct berth_buf *out)
{
	bool is_transfer = kind == BERTH_MANIFEST_TRANSFER;
	BERTH_JSON json_t *line = json_object();
	if (!line)
		return BERTH_E_MEMORY;
	enum berth_err err =
		berth_json_set_text(line, "serial-number", unit->identity.serial_number);
	if (!err && !is_transfer)
		err = set_text_if_any(line, "model", unit->model);
	if (!err && !is_transfer)
		err = set_hex(line, "key-sha256",
			      berth_bytes_of(unit->key_sha256, BERTH_SHA256_BYTES));
	if (!err)
		err = set_hex(line, "issuer-key-id", unit->identity.manufacturer_key);
	if (!err && !is_transfer)
		err = set_made(line, unit);
	return err ? err : append_line(line, out);
}

enum berth_err
berth_manifest_encode(const struct berth_manifest *manifest, struct berth_buf *out,
		      struct berth_why *why)
{
	BERTH_ARENA arena;
	berth_arena_start(&arena, BERTH_MANIFEST_ARENA_BYTES);
	enum berth_err err = check_header(manifest, why);
	if (!err)
		err = refuse_duplicates(manifest, &arena, why);
	for (size_t i = 0; !err && i < manifest->unit_count; i++)
		err = check_unit(manifest->kind, &manifest->units[i], why);
	if (err)
		return err;
	err = append_header(manifest, out);
	for (size_t i = 0; !err && i < manifest->unit_count; i++)
		err = append_unit(manifest->kind, &manifest->units[i], out);
	if (err)
		return berth_fail(why, err, "manifest-size", SECTION,
				  "the manifest grows beyond its limit; split the batch");
	return BERTH_OK;
}
