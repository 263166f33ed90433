/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/voucher/voucher_verbs.h"

#include <stdio.h>

#include "role/options.h"
#include "role/voucher/voucher_describe.h"
#include "system/clock.h"
#include "system/files.h"

#define ARENA_BYTES ((size_t)512 << 10)
#define ANCHORS_MAX_BYTES ((size_t)1 << 20) /* a bundle of a manufacturer's roots */

static void
close_pki(struct berth_pki **pki)
{
	berth_pki_close(*pki);
}

/* What both verbs work on. */
struct work {
	struct berth_pki *pki;
	struct berth_buf file;
	struct berth_arena arena;
	struct berth_signed_voucher opened;
	struct berth_cert_list anchors;
};

static void
work_end(struct work *work)
{
	berth_signed_voucher_free(&work->opened);
	berth_cert_list_free(&work->anchors);
	berth_arena_end(&work->arena);
	berth_buf_free(&work->file);
	close_pki(&work->pki);
}

static enum berth_err
work_start(struct work *work, const char *path, struct berth_why *why)
{
	berth_arena_start(&work->arena, ARENA_BYTES);
	enum berth_err err = berth_pki_open(&work->pki, why);
	return err ? err : berth_file_read(path, BERTH_CMS_MAX_BYTES, &work->file, why);
}

static void
print_table(const json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		const char *text = json_is_string(value) ? json_string_value(value)
				   : json_is_true(value) ? "yes"
							 : "no";
		char shown[512];
		size_t n = 0;

		/* Foreign text must not play with the terminal. */
		for (; text[n] && n + 1 < sizeof(shown); n++)
			shown[n] = (unsigned char)text[n] < 0x20 || text[n] == 0x7f ? '?' : text[n];
		shown[n] = '\0';
		printf("%-38s %s\n", key, shown);
	}
}

static enum berth_err
print_object(const json_t *object, bool as_json, struct berth_why *why)
{
	BERTH_BUF text = {0};

	if (!as_json) {
		print_table(object);
		return BERTH_OK;
	}
	if (berth_json_encode(object, BERTH_JSON_AS_BUILT, &text))
		return berth_fail(why, BERTH_E_MEMORY, "berth-memory", NULL, "out of memory");
	printf("%.*s\n", (int)text.n, (const char *)text.p);
	return BERTH_OK;
}

static int
show_main(int argc, char **argv)
{
	static const struct berth_option options[] = {BERTH_OPTION_JSON, {0}};
	static const struct berth_usage usage = {
		.operands = "FILE",
		.operands_min = 1,
		.operands_max = 1,
		.about = "Prints a voucher or voucher-request (CMS, DER). The signature is checked "
			 "with the certificate inside; whether to trust that one, verify says.",
		.options = options,
	};
	struct berth_arguments arguments;
	struct work work BERTH_CLEANUP(work_end) = {0};
	struct berth_why why = {0};
	int status = 0;

	if (!berth_arguments_parse(&usage, argc, argv, &arguments, &status))
		return status;
	BERTH_JSON json_t *object = json_object();
	enum berth_err err = work_start(&work, arguments.operand[0], &why);
	err = err ? err
		  : berth_voucher_open_any(work.pki, berth_buf_view(&work.file), NULL, &work.arena,
					   &work.opened, &why);
	if (!err && berth_voucher_describe(work.pki, &work.opened, object))
		err = berth_fail(&why, BERTH_E_MEMORY, "berth-memory", NULL, "out of memory");
	err = err ? err : print_object(object, berth_arguments_has(&arguments, "json"), &why);
	return err ? berth_print_why(argv[0], arguments.operand[0], &why) : BERTH_EXIT_DONE;
}

/* Seconds since 1970, or RFC 3339. */
static enum berth_err
read_time(const char *text, struct berth_now *now, struct berth_why *why)
{
	struct berth_bytes b = berth_text(text);
	int64_t s = 0;

	if (!text)
		return BERTH_OK;
	if (berth_wall_parse(b, &now->wall, NULL) == BERTH_OK)
		return BERTH_OK;
	for (size_t i = 0; i < b.n && i < 12; i++) {
		if (b.p[i] < '0' || b.p[i] > '9')
			break;
		s = s * 10 + (b.p[i] - '0');
		if (i + 1 == b.n) {
			now->wall.s = s;
			return BERTH_OK;
		}
	}
	return berth_fail(why, BERTH_E_USAGE, "berth-time", NULL,
			  "--time takes RFC 3339 (2021-04-13T21:43:25Z) or seconds since 1970");
}

static enum berth_err
read_anchors(struct work *work, const struct berth_arguments *arguments, struct berth_why *why)
{
	const char *path = NULL;
	enum berth_err err = BERTH_OK;

	for (size_t i = 0; !err && (path = berth_arguments_value_at(arguments, "anchor", i)); i++) {
		BERTH_BUF pem = {0};

		err = berth_file_read(path, ANCHORS_MAX_BYTES, &pem, why);
		err = err ? err
			  : berth_cert_list_parse(work->pki, berth_buf_view(&pem), &work->anchors,
						  why);
	}
	return err;
}

/* A request has no nonce of ours to compare and no expiry: signature, path, members, serial number. */
static enum berth_err
verify_request(struct work *work, const struct berth_voucher_expectation *want,
	       struct berth_why *why)
{
	const struct berth_voucher *v = &work->opened.voucher;
	const struct berth_path_check check = {
		.leaf = work->opened.cms.signer,
		.untrusted = &work->opened.cms.certificates,
		.anchors = want->anchors,
		.at = want->now.wall,
		.ignore_time = !want->now.wall_is_trusted,
		.require_eku = v->kind == BERTH_VOUCHER_REQUEST_REGISTRAR ? BERTH_EKU_CMC_RA : 0,
		.require_eku_present = v->kind == BERTH_VOUCHER_REQUEST_REGISTRAR,
	};
	enum berth_err err = berth_path_verify(work->pki, &check, NULL, why);

	err = err ? err : berth_voucher_check_kind(v, why);
	if (err || want->serial_number.n == 0 ||
	    berth_bytes_equal(v->serial_number, want->serial_number))
		return err;
	return berth_fail(why, BERTH_E_MISMATCH, "rfc8995-5.5-serial-mismatch", "RFC 8995 5.5",
			  "the request is for '%.*s'", (int)v->serial_number.n,
			  (const char *)v->serial_number.p);
}

static enum berth_err
verify(struct work *work, const struct berth_arguments *arguments, struct berth_why *why)
{
	struct berth_voucher_expectation want = {
		.anchors = &work->anchors,
		.serial_number = berth_text(berth_arguments_value(arguments, "serial")),
		.allow_nonceless = true,
		.now = berth_clock_now(),
	};
	const struct berth_bytes file = berth_buf_view(&work->file);

	enum berth_err err = read_time(berth_arguments_value(arguments, "time"), &want.now, why);
	want.now.wall_is_trusted = !berth_arguments_has(arguments, "no-clock");
	err = err ? err : read_anchors(work, arguments, why);
	err = err ? err
		  : berth_voucher_open_any(work->pki, file, &work->anchors, &work->arena,
					   &work->opened, why);
	if (err)
		return err;
	if (work->opened.voucher.kind != BERTH_VOUCHER)
		return verify_request(work, &want, why);
	berth_signed_voucher_free(&work->opened);
	return berth_voucher_verify(work->pki, file, &want, &work->arena, &work->opened, why);
}

static enum berth_err
describe_verdict(struct work *work, enum berth_err err, const struct berth_why *why, json_t *object)
{
	enum berth_err built = berth_json_set_bool(object, "verified", err == BERTH_OK);

	if (!err)
		return built ? built : berth_voucher_describe(work->pki, &work->opened, object);
	built = built ? built
		      : berth_json_set_text(object, "error", berth_text(berth_err_name(err)));
	built = built ? built : berth_json_set_text(object, "rule", berth_text(why->rule));
	if (!built && why->section)
		built = berth_json_set_text(object, "section", berth_text(why->section));
	return built ? built : berth_json_set_text(object, "sentence", berth_text(why->sentence));
}

static int
verify_main(int argc, char **argv)
{
	static const struct berth_option options[] = {
		{.name = "anchor",
		 .argument = "CERT",
		 .help = "PEM or DER certificates to trust: the manufacturer's, or the domain's",
		 .required = true,
		 .many = true},
		{.name = "time", .argument = "TIME", .help = "verify as of then, not now"},
		{.name = "no-clock", .help = "as a device without a clock: dates are not checked"},
		{.name = "serial", .argument = "SERIAL", .help = "the device it must be for"},
		BERTH_OPTION_JSON,
		{0},
	};
	static const struct berth_usage usage = {
		.operands = "FILE",
		.operands_min = 1,
		.operands_max = 1,
		.about =
			"Verifies a voucher as a pledge does (a nonceless one is accepted, a nonce "
			"is not compared), or a voucher-request: signature, path, members, dates.",
		.options = options,
	};
	struct berth_arguments arguments;
	struct work work BERTH_CLEANUP(work_end) = {0};
	struct berth_why why = {0};
	int status = 0;

	if (!berth_arguments_parse(&usage, argc, argv, &arguments, &status))
		return status;
	bool as_json = berth_arguments_has(&arguments, "json");
	BERTH_JSON json_t *object = json_object();
	enum berth_err err = work_start(&work, arguments.operand[0], &why);
	err = err ? err : verify(&work, &arguments, &why);
	if (!err || as_json) {
		struct berth_why trouble = {0};

		if (describe_verdict(&work, err, &why, object) ||
		    print_object(object, as_json, &trouble))
			return BERTH_EXIT_FAILED;
	}
	return err ? berth_print_why(argv[0], arguments.operand[0], &why) : BERTH_EXIT_DONE;
}

const struct berth_verb berth_voucher_verbs[] = {
	{"voucher", "show", "print a voucher or voucher-request", show_main},
	{"voucher", "verify", "verify one against trust anchors", verify_main},
	{0},
};
