/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/manifest/custody.h"

#include <stdlib.h>

#include "pki/pki.h"
#include "protocol/manifest/manifest_internal.h"

#define SECTION BERTH_MANIFEST_SECTION
#define SHORT BERTH_MANIFEST_SHORT

static enum berth_err
no_memory(struct berth_why *why)
{
	return berth_fail(why, BERTH_E_LIMIT, "manifest-memory", NULL,
			  "the chain does not fit into the memory given");
}

/* ---- files ---- */

struct berth_bytes
berth_custody_next_file(struct berth_bytes *rest)
{
	static const char last[] = "{\"signature\"";
	size_t at = 0;
	bool is_last = false;
	while (at < rest->n && !is_last) {
		const uint8_t *line = rest->p + at;
		const uint8_t *end = memchr(line, '\n', rest->n - at);
		is_last = rest->n - at >= sizeof(last) - 1 &&
			  memcmp(line, last, sizeof(last) - 1) == 0;
		at = end ? (size_t)(end - rest->p) + 1 : rest->n;
	}
	struct berth_bytes file = berth_bytes_of(rest->p, at);
	*rest = berth_bytes_of(rest->p + at, rest->n - at);
	return file;
}

/* What reads one file: with signatures, or without. */
struct reader {
	enum berth_err (*read)(const struct reader *reader, struct berth_bytes file,
			       struct berth_custody_link *ret, struct berth_why *why);
	struct berth_pki *pki;
	const struct berth_manifest_trust *trust;
	const struct berth_digest *digest;
	struct berth_arena *arena;
};

static enum berth_err
refuse_twice(const struct berth_custody_link *links, size_t n, struct berth_why *why)
{
	for (size_t i = 0; i + 1 < n; i++) {
		if (memcmp(links[i].sha256, links[n - 1].sha256, BERTH_SHA256_BYTES) == 0)
			return berth_fail(why, BERTH_E_EXISTS, "custody-twice", SECTION,
					  "manifest %.*s is given twice",
					  SHORT(links[i].manifest.batch));
	}
	return BERTH_OK;
}

static enum berth_err
read_links(const struct reader *reader, struct berth_bytes files, struct berth_custody *ret,
	   struct berth_why *why)
{
	if (files.n > BERTH_MANIFEST_MAX_BYTES)
		return berth_fail(why, BERTH_E_LIMIT, "manifest-size", SECTION,
				  "%zu bytes, at most %zu are read", files.n,
				  BERTH_MANIFEST_MAX_BYTES);
	ret->links =
		berth_arena_alloc(reader->arena, BERTH_CUSTODY_LINKS_MAX * sizeof(*ret->links));
	if (!ret->links)
		return no_memory(why);
	struct berth_bytes rest = files;
	do {
		if (ret->link_count == BERTH_CUSTODY_LINKS_MAX)
			return berth_fail(why, BERTH_E_LIMIT, "custody-length", SECTION,
					  "more than %d manifests; a chain is not that long",
					  BERTH_CUSTODY_LINKS_MAX);
		struct berth_bytes file = berth_custody_next_file(&rest);
		enum berth_err err =
			reader->read(reader, file, &ret->links[ret->link_count++], why);
		if (!err)
			err = refuse_twice(ret->links, ret->link_count, why);
		if (err)
			return err;
	} while (rest.n > 0);
	return BERTH_OK;
}

/* ---- links ---- */

static bool
is_transfer(const struct berth_custody_link *link)
{
	return link->manifest.kind == BERTH_MANIFEST_TRANSFER;
}

/* req: custody-break */
static enum berth_err
find_before(struct berth_custody *custody, struct berth_custody_link *link, struct berth_why *why)
{
	for (size_t i = 0; i < custody->link_count && !link->before; i++) {
		if (memcmp(custody->links[i].sha256, link->manifest.previous_sha256,
			   BERTH_SHA256_BYTES) == 0)
			link->before = &custody->links[i];
	}
	if (!link->before)
		return berth_fail(why, BERTH_E_UNTRUSTED, "custody-break", SECTION,
				  "the manifest before transfer %.*s (by %.*s) is not here, or was "
				  "changed; get it from %.*s",
				  SHORT(link->manifest.batch), SHORT(link->manifest.from.name),
				  SHORT(link->manifest.from.name));
	return BERTH_OK;
}

/* A way back of more steps than there are links goes round. */
static enum berth_err
refuse_loop(const struct berth_custody *custody, const struct berth_custody_link *link,
	    struct berth_why *why)
{
	size_t steps = 0;
	for (const struct berth_custody_link *at = link; at; at = at->before) {
		if (steps++ == custody->link_count)
			return berth_fail(why, BERTH_E_UNTRUSTED, "custody-loop", SECTION,
					  "transfer %.*s comes from itself",
					  SHORT(link->manifest.batch));
	}
	return BERTH_OK;
}

/* req: custody-signer */
static enum berth_err
check_hand(const struct berth_custody_link *link, struct berth_why *why)
{
	const struct berth_manifest *before = &link->before->manifest;
	const struct berth_manifest *m = &link->manifest;
	struct berth_manifest_holder had = {0};
	if (!berth_manifest_hand(before, &had))
		return berth_fail(why, BERTH_E_UNTRUSTED, "custody-holder", SECTION,
				  "manifest %.*s names nobody who has the units, so %.*s cannot "
				  "hand them on; the manufacturer has to sell them first",
				  SHORT(before->batch), SHORT(m->from.name));
	if (memcmp(had.key_sha256, m->from.key_sha256, BERTH_SHA256_BYTES) != 0)
		return berth_fail(why, BERTH_E_UNTRUSTED, "custody-holder", SECTION,
				  "transfer %.*s is signed by %.*s, but %.*s has the units by "
				  "manifest %.*s, with another key",
				  SHORT(m->batch), SHORT(m->from.name), SHORT(had.name),
				  SHORT(before->batch));
	if (m->created.s < before->created.s)
		return berth_fail(why, BERTH_E_UNTRUSTED, "custody-time", SECTION,
				  "transfer %.*s is older than manifest %.*s, which it follows",
				  SHORT(m->batch), SHORT(before->batch));
	return BERTH_OK;
}

/* ---- units ---- */

/* One line of one file. */
struct mention {
	const struct berth_manifest_unit *unit;
	const struct berth_custody_link *link;
};

static int
compare_mentions(const void *a, const void *b)
{
	const struct mention *x = a;
	const struct mention *y = b;
	int order = berth_bytes_compare(x->unit->identity.serial_number,
					y->unit->identity.serial_number);
	if (order == 0)
		order = berth_bytes_compare(x->unit->identity.manufacturer_key,
					    y->unit->identity.manufacturer_key);
	return order != 0 ? order : (x->link > y->link) - (x->link < y->link);
}

static bool
has_hand(const struct berth_custody_link *link)
{
	return link->manifest.has_owner || link->manifest.has_holder;
}

/* req: custody-fork */
static enum berth_err
refuse_fork(const struct mention *a, const struct mention *b, struct berth_why *why)
{
	struct berth_manifest_holder to_a = {0};
	struct berth_manifest_holder to_b = {0};
	if (a->link->before != b->link->before || !berth_manifest_hand(&a->link->manifest, &to_a) ||
	    !berth_manifest_hand(&b->link->manifest, &to_b))
		return BERTH_OK;
	return berth_fail(why, BERTH_E_UNTRUSTED, "custody-fork", SECTION,
			  "unit %.*s went to %.*s by manifest %.*s and to %.*s by manifest %.*s: "
			  "one of them has no right to it",
			  SHORT(a->unit->identity.serial_number), SHORT(to_a.name),
			  SHORT(a->link->manifest.batch), SHORT(to_b.name),
			  SHORT(b->link->manifest.batch));
}

/* All lines about one unit: each follows another of them, and none two. */
static enum berth_err
check_mention(const struct mention *of_unit, size_t n, size_t i, struct berth_why *why)
{
	bool is_found = !of_unit[i].link->before;
	enum berth_err err = BERTH_OK;
	for (size_t k = 0; k < n && !err; k++) {
		is_found = is_found || of_unit[k].link == of_unit[i].link->before;
		if (k < i)
			err = refuse_fork(&of_unit[k], &of_unit[i], why);
	}
	if (!err && !is_found) /* req: custody-unit */
		return berth_fail(why, BERTH_E_UNTRUSTED, "custody-unit", SECTION,
				  "transfer %.*s hands on unit %.*s, which is not in manifest %.*s "
				  "before it",
				  SHORT(of_unit[i].link->manifest.batch),
				  SHORT(of_unit[i].unit->identity.serial_number),
				  SHORT(of_unit[i].link->before->manifest.batch));
	return err;
}

static size_t
depth_of(const struct berth_custody_link *link)
{
	size_t depth = 0;
	for (; link; link = link->before)
		depth++;
	return depth;
}

/* Without forks the deepest is the last. The manufacturer may list a unit twice: as made, and as sold. */
static struct berth_custody_unit
unit_of(const struct mention *of_unit, size_t n)
{
	struct berth_custody_unit unit = {0};
	for (size_t i = 0; i < n; i++) {
		const struct berth_custody_link *link = of_unit[i].link;
		if (!link->before && (!unit.made || has_hand(link)))
			unit.made = of_unit[i].unit;
		if (!unit.last || (has_hand(link) && !has_hand(unit.last)) ||
		    (has_hand(link) && depth_of(link) > depth_of(unit.last)))
			unit.last = link;
	}
	return unit;
}

static enum berth_err
follow_units(struct berth_custody *custody, struct berth_arena *arena, struct berth_why *why)
{
	size_t lines = 0;
	for (size_t i = 0; i < custody->link_count; i++)
		lines += custody->links[i].manifest.unit_count;
	struct mention *mentions = berth_arena_alloc(arena, (lines + 1) * sizeof(*mentions));
	custody->units = berth_arena_alloc(arena, (lines + 1) * sizeof(*custody->units));
	if (!mentions || !custody->units)
		return no_memory(why);
	size_t n = 0;
	for (size_t i = 0; i < custody->link_count; i++) {
		const struct berth_manifest *m = &custody->links[i].manifest;
		for (size_t k = 0; k < m->unit_count; k++)
			mentions[n++] = (struct mention){&m->units[k], &custody->links[i]};
	}
	qsort(mentions, n, sizeof(*mentions), compare_mentions);
	size_t from = 0;
	for (size_t i = 0; i < n; i++) {
		if (i + 1 < n && berth_device_identity_equal(&mentions[i].unit->identity,
							     &mentions[i + 1].unit->identity))
			continue;
		size_t count = i + 1 - from;
		for (size_t k = 0; k < count; k++) {
			enum berth_err err = check_mention(mentions + from, count, k, why);
			if (err)
				return err;
		}
		custody->units[custody->unit_count++] = unit_of(mentions + from, count);
		from = i + 1;
	}
	return BERTH_OK;
}

/* ---- all of it ---- */

/* Each behind the one before it; pointers move along. */
static enum berth_err
sort_links(struct berth_custody *custody, struct berth_arena *arena, struct berth_why *why)
{
	struct berth_custody_link *sorted =
		berth_arena_alloc(arena, (custody->link_count + 1) * sizeof(*sorted));
	size_t n = 0;
	if (!sorted)
		return no_memory(why);
	for (size_t depth = 1; n < custody->link_count; depth++) {
		for (size_t i = 0; i < custody->link_count; i++) {
			const struct berth_custody_link *link = &custody->links[i];
			if (depth_of(link) != depth)
				continue;
			sorted[n] = *link;
			for (size_t k = 0; link->before && k < n; k++) {
				if (memcmp(sorted[k].sha256, link->before->sha256,
					   BERTH_SHA256_BYTES) == 0)
					sorted[n].before = &sorted[k];
			}
			n++;
		}
	}
	custody->links = sorted;
	return BERTH_OK;
}

static enum berth_err
judge(const struct reader *reader, struct berth_bytes files, struct berth_custody *ret,
      struct berth_why *why)
{
	struct berth_custody custody = {0};
	enum berth_err err = read_links(reader, files, &custody, why);
	for (size_t i = 0; !err && i < custody.link_count; i++) {
		if (is_transfer(&custody.links[i]))
			err = find_before(&custody, &custody.links[i], why);
	}
	for (size_t i = 0; !err && i < custody.link_count; i++)
		err = refuse_loop(&custody, &custody.links[i], why);
	for (size_t i = 0; !err && i < custody.link_count; i++) {
		if (is_transfer(&custody.links[i]))
			err = check_hand(&custody.links[i], why);
	}
	if (!err)
		err = sort_links(&custody, reader->arena, why);
	if (!err)
		err = follow_units(&custody, reader->arena, why);
	if (!err)
		*ret = custody;
	return err;
}

static enum berth_err
read_signed(const struct reader *reader, struct berth_bytes file, struct berth_custody_link *ret,
	    struct berth_why *why)
{
	if (berth_sha256(reader->pki, file, ret->sha256))
		return berth_fail(why, BERTH_E_CRYPTO, "manifest-hash", NULL, "SHA-256 failed");
	return berth_manifest_open_link(reader->pki, file, reader->trust, reader->arena,
					&ret->manifest, why);
}

static enum berth_err
read_unsigned(const struct reader *reader, struct berth_bytes file, struct berth_custody_link *ret,
	      struct berth_why *why)
{
	if (berth_digest_sha256(reader->digest, file, ret->sha256))
		return berth_fail(why, BERTH_E_CRYPTO, "manifest-hash", NULL, "SHA-256 failed");
	return berth_manifest_parse(file, reader->arena, &ret->manifest, NULL, NULL, why);
}

enum berth_err
berth_custody_open(struct berth_pki *pki, struct berth_bytes files,
		   const struct berth_manifest_trust *trust, struct berth_arena *arena,
		   struct berth_custody *ret, struct berth_why *why)
{
	const struct reader reader = {
		.read = read_signed, .pki = pki, .trust = trust, .arena = arena};
	return judge(&reader, files, ret, why);
}

enum berth_err
berth_custody_parse(struct berth_bytes files, const struct berth_digest *digest,
		    struct berth_arena *arena, struct berth_custody *ret, struct berth_why *why)
{
	const struct reader reader = {.read = read_unsigned, .digest = digest, .arena = arena};
	return judge(&reader, files, ret, why);
}

size_t
berth_custody_chain(const struct berth_custody_unit *unit,
		    const struct berth_custody_link *ret[BERTH_CUSTODY_DEPTH_MAX])
{
	size_t n = has_hand(unit->last) ? depth_of(unit->last) : 0;
	const struct berth_custody_link *link = unit->last;
	for (size_t i = n; i > 0; i--, link = link->before)
		ret[i - 1] = link;
	return n;
}
