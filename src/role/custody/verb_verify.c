/* SPDX-License-Identifier: BSD-2-Clause */
/* berth manifest verify */
#include "role/custody/custody.h"

#include <stdio.h>

#include "base/hex.h"
#include "codec/json.h"
#include "protocol/manifest/custody.h"
#include "role/options.h"
#include "system/clock.h"

static const struct berth_option options[] = {
	{.name = "anchor",
	 .argument = "FILE",
	 .help = "the manufacturer's root certificate",
	 .required = true},
	{.name = "time",
	 .argument = "TIME",
	 .help = "judge at this moment (RFC 3339; default: now)"},
	BERTH_OPTION_JSON,
	{0},
};
static const struct berth_usage usage = {
	.operands = "FILE...",
	.operands_min = 1,
	.operands_max = BERTH_CUSTODY_LINKS_MAX,
	.about = "Verifies manifests: the manufacturer's, and the transfers that follow it, in any "
		 "order. Prints\n"
		 "through whose hands each unit went.",
	.options = options,
};

struct verifying {
	struct berth_arguments arguments;
	struct berth_pki *pki;
	struct berth_buf files;
	struct berth_cert_list anchors;
	struct berth_arena arena;
	struct berth_custody custody;
};

static void
verifying_end(struct verifying *v)
{
	berth_arena_end(&v->arena);
	berth_cert_list_free(&v->anchors);
	berth_buf_free(&v->files);
	berth_pki_close(v->pki);
}

static enum berth_err
verify(struct verifying *v, struct berth_why *why)
{
	const char *time = berth_arguments_value(&v->arguments, "time");
	struct berth_manifest_trust trust = {.anchors = &v->anchors, .at = berth_clock_wall()};
	enum berth_err err = time ? berth_wall_parse(berth_text(time), &trust.at, why) : BERTH_OK;
	if (!err)
		err = berth_pki_open(&v->pki, why);
	if (!err)
		err = berth_custody_certificates(
			v->pki, berth_arguments_value(&v->arguments, "anchor"), &v->anchors, why);
	if (!err)
		err = berth_custody_files(v->arguments.operand, v->arguments.operand_count,
					  &v->files, why);
	if (!err)
		err = berth_custody_open(v->pki, berth_buf_view(&v->files), &trust, &v->arena,
					 &v->custody, why);
	return err;
}

static void
print_link(const struct berth_custody_link *link)
{
	const struct berth_manifest *m = &link->manifest;
	struct berth_bytes from = link->before ? m->from.name : m->manufacturer;
	struct berth_manifest_holder to = {.name = BERTH_LIT("nobody yet")};
	char created[BERTH_TIME_TEXT_MAX];
	char sha256[2 * BERTH_SHA256_BYTES + 1];
	(void)berth_manifest_hand(m, &to);
	printf("%-9s %s  %.*s -> %.*s%s  %zu units  %s\n", berth_manifest_kind_name(m->kind),
	       berth_wall_format(m->created, created), (int)from.n, (const char *)from.p,
	       (int)to.name.n, (const char *)to.name.p, m->has_owner ? " (owner)" : "",
	       m->unit_count,
	       berth_hex_text(berth_bytes_of(link->sha256, BERTH_SHA256_BYTES), sha256,
			      sizeof(sha256)));
}

static void
print_text(const struct verifying *v)
{
	const struct berth_custody_link *chain[BERTH_CUSTODY_DEPTH_MAX];
	puts("signature     verified");
	for (size_t i = 0; i < v->custody.link_count; i++)
		print_link(&v->custody.links[i]);
	putchar('\n');
	for (size_t i = 0; i < v->custody.unit_count; i++) {
		struct berth_bytes serial = v->custody.units[i].made->identity.serial_number;
		size_t n = berth_custody_chain(&v->custody.units[i], chain);
		printf("%-24.*s", (int)serial.n, (const char *)serial.p);
		for (size_t k = 0; k < n; k++) {
			struct berth_manifest_holder to = {0};
			(void)berth_manifest_hand(&chain[k]->manifest, &to);
			printf(" -> %.*s", (int)to.name.n, (const char *)to.name.p);
		}
		putchar('\n');
	}
}

static enum berth_err
put_link(json_t *links, const struct berth_custody_link *link)
{
	const struct berth_manifest *m = &link->manifest;
	char sha256[2 * BERTH_SHA256_BYTES + 1];
	char created[BERTH_TIME_TEXT_MAX];
	struct berth_manifest_holder to = {0};
	json_t *object = json_object();
	if (!object || json_array_append_new(links, object))
		return BERTH_E_MEMORY;
	enum berth_err err =
		berth_json_set_text(object, "kind", berth_text(berth_manifest_kind_name(m->kind)));
	err = err ? err : berth_json_set_text(object, "batch", m->batch);
	err = err ? err
		  : berth_json_set_text(object, "created",
					berth_text(berth_wall_format(m->created, created)));
	err = err ? err
		  : berth_json_set_text(object, "from",
					link->before ? m->from.name : m->manufacturer);
	if (!err && berth_manifest_hand(m, &to))
		err = berth_json_set_text(object, m->has_owner ? "owner" : "holder", to.name);
	err = err ? err : berth_json_set_i64(object, "units", (int64_t)m->unit_count);
	return err ? err
		   : berth_json_set_text(object, "sha256",
					 berth_text(berth_hex_text(
						 berth_bytes_of(link->sha256, BERTH_SHA256_BYTES),
						 sha256, sizeof(sha256))));
}

static enum berth_err
put_unit(json_t *units, const struct berth_custody_unit *unit)
{
	struct berth_manifest_holder to = {0};
	json_t *object = json_object();
	if (!object || json_array_append_new(units, object))
		return BERTH_E_MEMORY;
	enum berth_err err =
		berth_json_set_text(object, "serial-number", unit->made->identity.serial_number);
	if (err || !berth_manifest_hand(&unit->last->manifest, &to))
		return err;
	return berth_json_set_text(object, unit->last->manifest.has_owner ? "owner" : "holder",
				   to.name);
}

static enum berth_err
print_json(const struct verifying *v)
{
	BERTH_JSON json_t *root = json_object();
	BERTH_BUF text = {0};
	json_t *links = json_array();
	json_t *units = json_array();
	enum berth_err err = berth_json_set(root, "links", links);
	enum berth_err also = berth_json_set(root, "units", units);
	err = err ? err : also;
	err = err ? err : berth_json_set_bool(root, "verified", true);
	for (size_t i = 0; !err && i < v->custody.link_count; i++)
		err = put_link(links, &v->custody.links[i]);
	for (size_t i = 0; !err && i < v->custody.unit_count; i++)
		err = put_unit(units, &v->custody.units[i]);
	err = err ? err : berth_json_encode(root, BERTH_JSON_AS_BUILT, &text);
	if (!err)
		printf("%.*s\n", (int)text.n, (const char *)text.p);
	return err;
}

int
berth_custody_verify_main(int argc, char **argv)
{
	BERTH_CLEANUP(verifying_end) struct verifying v = {0};
	struct berth_why why = {0};
	int status = 0;
	if (!berth_arguments_parse(&usage, argc, argv, &v.arguments, &status))
		return status;
	v.files.limit = BERTH_MANIFEST_MAX_BYTES;
	berth_arena_start(&v.arena, BERTH_MANIFEST_ARENA_BYTES);
	if (verify(&v, &why))
		return berth_print_why(argv[0], NULL, &why);
	if (!berth_arguments_has(&v.arguments, "json"))
		print_text(&v);
	else if (print_json(&v))
		return BERTH_EXIT_FAILED;
	return BERTH_EXIT_DONE;
}
