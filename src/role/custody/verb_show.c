/* SPDX-License-Identifier: BSD-2-Clause */
/* berth manifest show */
#include "role/custody/custody.h"

#include <stdio.h>

#include "base/hex.h"
#include "codec/json.h"
#include "protocol/manifest/manifest.h"
#include "role/options.h"
#include "system/clock.h"
#include "system/files.h"

#define ID_TEXT_MAX (2 * BERTH_DEVICE_MANUFACTURER_MAX + 1)

static const struct berth_option options[] = {
	{.name = "anchor",
	 .argument = "FILE",
	 .help = "the manufacturer's root certificate, to verify a purchase or sale"},
	{.name = "time",
	 .argument = "TIME",
	 .help = "judge at this moment (RFC 3339; default: now)"},
	BERTH_OPTION_JSON,
	{0},
};
static const struct berth_usage usage = {
	.operands = "FILE",
	.operands_min = 1,
	.operands_max = 1,
	.about = "Prints one manifest with its units, and without --anchor says that nothing was "
		 "verified.",
	.options = options,
};

struct reading {
	struct berth_arguments arguments;
	struct berth_pki *pki;
	struct berth_buf file;
	struct berth_arena arena;
	struct berth_manifest manifest;
	bool is_verified;
};

static void
reading_end(struct reading *reading)
{
	berth_arena_end(&reading->arena);
	berth_buf_free(&reading->file);
	berth_pki_close(reading->pki);
}

static enum berth_err
verify(struct reading *reading, const char *anchor, struct berth_why *why)
{
	BERTH_CERT_LIST anchors = {0};
	struct berth_manifest_trust trust = {.anchors = &anchors, .at = berth_clock_wall()};
	const char *time = berth_arguments_value(&reading->arguments, "time");
	enum berth_err err = time ? berth_wall_parse(berth_text(time), &trust.at, why) : BERTH_OK;
	if (!err)
		err = berth_pki_open(&reading->pki, why);
	if (!err)
		err = berth_custody_certificates(reading->pki, anchor, &anchors, why);
	if (!err)
		err = berth_manifest_open(reading->pki, berth_buf_view(&reading->file), &trust,
					  &reading->arena, &reading->manifest, why);
	reading->is_verified = !err;
	return err;
}

static enum berth_err
read_manifest(struct reading *reading, struct berth_why *why)
{
	const char *anchor = berth_arguments_value(&reading->arguments, "anchor");
	enum berth_err err = berth_file_read(reading->arguments.operand[0],
					     BERTH_MANIFEST_MAX_BYTES, &reading->file, why);
	if (err)
		return err;
	if (anchor)
		return verify(reading, anchor, why);
	return berth_manifest_parse(berth_buf_view(&reading->file), &reading->arena,
				    &reading->manifest, NULL, NULL, why);
}

static void
print_units(const struct berth_manifest *m)
{
	bool is_transfer = m->kind == BERTH_MANIFEST_TRANSFER;
	if (!is_transfer)
		printf("\n%-24s %-20s %-8s %s\n", "serial-number", "model", "storage",
		       "key-sha256");
	else
		puts("\nserial-number");
	for (size_t i = 0; i < m->unit_count; i++) {
		const struct berth_manifest_unit *unit = &m->units[i];
		char key[2 * BERTH_SHA256_BYTES + 1];
		printf("%-24.*s", (int)unit->identity.serial_number.n,
		       (const char *)unit->identity.serial_number.p);
		if (!is_transfer)
			printf(" %-20.*s %-8.*s %s", (int)unit->model.n,
			       (const char *)unit->model.p, (int)unit->storage.n,
			       (const char *)unit->storage.p,
			       berth_hex_text(berth_bytes_of(unit->key_sha256, BERTH_SHA256_BYTES),
					      key, sizeof(key)));
		putchar('\n');
	}
}

static void
print_text(const struct reading *reading)
{
	const struct berth_manifest *m = &reading->manifest;
	char created[BERTH_TIME_TEXT_MAX];
	char id[ID_TEXT_MAX];
	char hash[2 * BERTH_SHA256_BYTES + 1];
	bool is_transfer = m->kind == BERTH_MANIFEST_TRANSFER;
	struct berth_bytes by = is_transfer ? m->from.name : m->manufacturer;
	printf("%-13s %.*s\nkind          %s\nbatch         %.*s\ncreated       %s\n",
	       is_transfer ? "from" : "manufacturer", (int)by.n, (const char *)by.p,
	       berth_manifest_kind_name(m->kind), (int)m->batch.n, (const char *)m->batch.p,
	       berth_wall_format(m->created, created));
	if (is_transfer)
		printf("previous      %s\n",
		       berth_hex_text(berth_bytes_of(m->previous_sha256, BERTH_SHA256_BYTES), hash,
				      sizeof(hash)));
	if (m->has_holder)
		printf("holder        %.*s, key %s\n", (int)m->holder.name.n,
		       (const char *)m->holder.name.p,
		       berth_hex_text(berth_bytes_of(m->holder.key_sha256, BERTH_SHA256_BYTES),
				      hash, sizeof(hash)));
	if (m->has_owner)
		printf("owner         %.*s, domain %s\n", (int)m->owner.name.n,
		       (const char *)m->owner.name.p,
		       berth_hex_text(m->owner.domain_id, id, sizeof(id)));
	printf("units         %zu\nsignature     %s\n", m->unit_count,
	       reading->is_verified ? "verified"
	       : is_transfer	    ? "NOT VERIFIED (berth manifest verify takes the whole chain)"
				    : "NOT VERIFIED (give --anchor)");
	print_units(m);
}

/* The lines are JSON already: header and units as they stand, in one object. */
static void
print_json(const struct reading *reading)
{
	const uint8_t *p = reading->file.p;
	size_t left = reading->file.n;
	size_t lines = reading->manifest.unit_count + 1;
	printf("{\"verified\":%s,\"header\":", reading->is_verified ? "true" : "false");
	for (size_t i = 0; i < lines; i++) {
		const uint8_t *end = memchr(p, '\n', left);
		if (i == 1)
			fputs(",\"units\":[", stdout);
		fwrite(p, 1, (size_t)(end - p), stdout);
		if (i > 0 && i + 1 < lines)
			putchar(',');
		left -= (size_t)(end - p) + 1;
		p = end + 1;
	}
	puts(lines > 1 ? "]}" : ",\"units\":[]}");
}

int
berth_custody_show_main(int argc, char **argv)
{
	BERTH_CLEANUP(reading_end) struct reading reading = {0};
	struct berth_why why = {0};
	int status = 0;
	if (!berth_arguments_parse(&usage, argc, argv, &reading.arguments, &status))
		return status;
	reading.file.limit = BERTH_MANIFEST_MAX_BYTES;
	berth_arena_start(&reading.arena, BERTH_MANIFEST_ARENA_BYTES);
	if (read_manifest(&reading, &why))
		return berth_print_why(argv[0], reading.arguments.operand[0], &why);
	if (berth_arguments_has(&reading.arguments, "json"))
		print_json(&reading);
	else
		print_text(&reading);
	return BERTH_EXIT_DONE;
}
