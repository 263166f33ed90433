/* SPDX-License-Identifier: BSD-2-Clause */
/* berth factory manifest show|verify */
#include "role/factory/factory.h"

#include <stdio.h>

#include "base/hex.h"
#include "codec/json.h"
#include "protocol/manifest/manifest.h"
#include "role/options.h"
#include "system/clock.h"
#include "system/files.h"

#define ANCHORS_MAX ((size_t)1 << 20)
#define ID_TEXT_MAX (2 * BERTH_DEVICE_MANUFACTURER_MAX + 1)

static const struct berth_option options[] = {
	{.name = "anchor",
	 .argument = "FILE",
	 .help = "the manufacturer's root certificate; verify needs it"},
	{.name = "time",
	 .argument = "TIME",
	 .help = "judge at this moment (RFC 3339; default: now)"},
	BERTH_OPTION_JSON,
	{0},
};
static const struct berth_usage usage = {
	.operands = "show|verify FILE",
	.operands_min = 2,
	.operands_max = 2,
	.about = "verify checks the signature of a manifest and every line of it; show prints it, "
		 "and\n"
		 "without --anchor says that nothing was verified.",
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
	BERTH_BUF pem = {0};
	BERTH_CERT_LIST anchors = {0};
	struct berth_manifest_trust trust = {.anchors = &anchors, .at = berth_clock_wall()};
	const char *time = berth_arguments_value(&reading->arguments, "time");
	enum berth_err err = time ? berth_wall_parse(berth_text(time), &trust.at, why) : BERTH_OK;
	if (!err)
		err = berth_pki_open(&reading->pki, why);
	if (!err)
		err = berth_file_read(anchor, ANCHORS_MAX, &pem, why);
	if (!err)
		err = berth_cert_list_parse(reading->pki, berth_buf_view(&pem), &anchors, why);
	if (!err)
		err = berth_manifest_open(reading->pki, berth_buf_view(&reading->file), &trust,
					  &reading->arena, &reading->manifest, why);
	reading->is_verified = !err;
	return err;
}

static enum berth_err
read_manifest(struct reading *reading, struct berth_why *why)
{
	const char *action = reading->arguments.operand[0];
	const char *anchor = berth_arguments_value(&reading->arguments, "anchor");
	if (strcmp(action, "show") != 0 && strcmp(action, "verify") != 0)
		return berth_fail(why, BERTH_E_USAGE, "manifest-action", NULL,
				  "say show or verify, not %.40s", action);
	if (strcmp(action, "verify") == 0 && !anchor)
		return berth_fail(why, BERTH_E_USAGE, "manifest-anchor", NULL,
				  "verify needs the manufacturer's root: --anchor FILE");
	enum berth_err err = berth_file_read(reading->arguments.operand[1],
					     BERTH_MANIFEST_MAX_BYTES, &reading->file, why);
	if (err)
		return err;
	if (anchor)
		return verify(reading, anchor, why);
	return berth_manifest_parse(berth_buf_view(&reading->file), &reading->arena,
				    &reading->manifest, NULL, NULL, why);
}

static void
print_text(const struct reading *reading)
{
	const struct berth_manifest *m = &reading->manifest;
	char created[BERTH_TIME_TEXT_MAX];
	char id[ID_TEXT_MAX];
	printf("manufacturer  %.*s\nkind          %s\nbatch         %.*s\ncreated       %s\n",
	       (int)m->manufacturer.n, (const char *)m->manufacturer.p,
	       berth_manifest_kind_name(m->kind), (int)m->batch.n, (const char *)m->batch.p,
	       berth_wall_format(m->created, created));
	if (m->has_owner)
		printf("owner         %.*s, domain %s\n", (int)m->owner.name.n,
		       (const char *)m->owner.name.p,
		       berth_hex_text(m->owner.domain_id, id, sizeof(id)));
	printf("units         %zu\nsignature     %s\n", m->unit_count,
	       reading->is_verified ? "verified" : "NOT VERIFIED (give --anchor)");
	if (strcmp(reading->arguments.operand[0], "show") != 0)
		return;
	printf("\n%-24s %-20s %-8s %s\n", "serial-number", "model", "storage", "key-sha256");
	for (size_t i = 0; i < m->unit_count; i++) {
		const struct berth_manifest_unit *unit = &m->units[i];
		char key[2 * BERTH_SHA256_BYTES + 1];
		printf("%-24.*s %-20.*s %-8.*s %s\n", (int)unit->identity.serial_number.n,
		       (const char *)unit->identity.serial_number.p, (int)unit->model.n,
		       (const char *)unit->model.p, (int)unit->storage.n,
		       (const char *)unit->storage.p,
		       berth_hex_text(berth_bytes_of(unit->key_sha256, BERTH_SHA256_BYTES), key,
				      sizeof(key)));
	}
}

/* The lines are JSON already: header and units as they stand, in one object. */
static void
print_json(const struct reading *reading)
{
	const uint8_t *p = reading->file.p;
	size_t left = reading->file.n;
	size_t lines = reading->manifest.unit_count + 1;
	bool shows = strcmp(reading->arguments.operand[0], "show") == 0;
	printf("{\"verified\":%s,\"header\":", reading->is_verified ? "true" : "false");
	for (size_t i = 0; i < lines; i++) {
		const uint8_t *end = memchr(p, '\n', left);
		if (i == 1)
			fputs(",\"units\":[", stdout);
		fwrite(p, 1, (size_t)(end - p), stdout);
		if (!shows)
			break;
		if (i > 0 && i + 1 < lines)
			putchar(',');
		left -= (size_t)(end - p) + 1;
		p = end + 1;
	}
	puts(!shows ? "}" : lines > 1 ? "]}" : ",\"units\":[]}");
}

int
berth_factory_manifest_main(int argc, char **argv)
{
	BERTH_CLEANUP(reading_end) struct reading reading = {0};
	struct berth_why why = {0};
	int status = 0;
	if (!berth_arguments_parse(&usage, argc, argv, &reading.arguments, &status))
		return status;
	reading.file.limit = BERTH_MANIFEST_MAX_BYTES;
	berth_arena_start(&reading.arena, BERTH_MANIFEST_ARENA_BYTES);
	if (read_manifest(&reading, &why))
		return berth_print_why(argv[0], reading.arguments.operand[1], &why);
	if (berth_arguments_has(&reading.arguments, "json"))
		print_json(&reading);
	else
		print_text(&reading);
	return BERTH_EXIT_DONE;
}
