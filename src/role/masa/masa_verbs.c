/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/masa/masa_verbs.h"

#include <stdio.h>
#include <stdlib.h>

#include "protocol/manifest/custody.h"
#include "role/custody/custody.h"
#include "role/masa/masa_reconcile.h"
#include "role/operator/admin_client.h"
#include "role/options.h"
#include "system/files.h"

#define SOCKET_DEFAULT "/run/berth-masa/admin.sock"
#define CERTIFICATE_MAX_BYTES 65536

#define OPTION_SOCKET                                                                              \
	{                                                                                          \
		.name = "socket", .argument = "PATH",                                              \
		.help = "the MASA's admin socket; else $BERTH_MASA_SOCKET, else " SOCKET_DEFAULT   \
	}

static const struct berth_option plain_options[] = {OPTION_SOCKET, BERTH_OPTION_JSON, {0}};

/* One question, from the command line to what is printed. */
struct question {
	struct berth_arguments arguments;
	struct berth_buf path;
	struct berth_buf body;
	struct berth_why why;
	json_t *reply;
};

static void
question_end(struct question *q)
{
	berth_buf_free(&q->path);
	berth_buf_free(&q->body);
	json_decref(q->reply);
}

static const char *
socket_of(const struct question *q)
{
	const char *given = berth_arguments_value(&q->arguments, "socket");
	const char *environment = getenv("BERTH_MASA_SOCKET");

	return given ? given : environment ? environment : SOCKET_DEFAULT;
}

static enum berth_err
ask(struct question *q, const char *method)
{
	if (berth_buf_append_u8(&q->path, 0))
		return berth_fail(&q->why, BERTH_E_MEMORY, "berth-memory", NULL, "out of memory");
	return berth_admin_ask(socket_of(q), method, (const char *)q->path.p,
			       berth_buf_view(&q->body), &q->reply, &q->why);
}

/* /v1/units/SERIAL/act */
static enum berth_err
unit_path(struct question *q, const char *serial, const char *act)
{
	enum berth_err err = berth_buf_append_text(&q->path, "/v1/units/");

	err = err ? err : berth_admin_append_segment(&q->path, serial);
	if (!err && act)
		err = berth_buf_printf(&q->path, "/%s", act);
	if (err)
		return berth_fail(&q->why, err, "masa-path", NULL, "the serial number is too long");
	return BERTH_OK;
}

/* ---- for people ---- */

static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text && text[0] ? text : "-";
}

/* At least width characters; control characters of foreign texts come out as '?'. */
static void
put(const char *text, int width)
{
	int n = 0;

	for (; *text; text++, n++)
		putchar((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
	for (; n < width; n++)
		putchar(' ');
}

static void
print_units(const json_t *reply)
{
	size_t i;
	json_t *unit;

	printf("%-24s %-16s %-8s %-24s %s\n", "SERIAL", "MODEL", "STATUS", "OWNER", "SINCE");
	json_array_foreach(json_object_get(reply, "units"), i, unit)
	{
		put(text_of(unit, "serial-number"), 25);
		put(text_of(unit, "model"), 17);
		put(text_of(unit, "status"), 9);
		put(text_of(unit, "owner"), 25);
		put(text_of(unit, "owner-since"), 0);
		putchar('\n');
	}
	printf("%lld units\n", (long long)json_integer_value(json_object_get(reply, "count")));
}

static void
print_unit(const json_t *reply)
{
	static const char *const keys[] = {
		"device", "serial-number",   "issuer-key-id", "model",		 "status",
		"owner",  "owner-domain-id", "owner-since",   "owner-reference",
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!json_object_get(reply, keys[i]))
			continue;
		printf("%-18s", keys[i]);
		put(text_of(reply, keys[i]), 0);
		putchar('\n');
	}
}

static void
print_log(const json_t *reply)
{
	const json_t *log = json_object_get(reply, "log");
	size_t i;
	json_t *event;

	print_unit(reply);
	printf("%-22s %-12s %-46s %s\n", "DATE", "ASSERTION", "DOMAIN", "NONCE");
	json_array_foreach(json_object_get(log, "events"), i, event)
	{
		put(text_of(event, "date"), 23);
		put(text_of(event, "assertion"), 13);
		put(text_of(event, "domainID"), 47);
		put(text_of(event, "nonce"), 0);
		putchar('\n');
	}
}

static void
print_history(const json_t *reply)
{
	size_t i;
	json_t *line;

	print_unit(reply);
	printf("%-22s %-22s %s\n", "SINCE", "UNTIL", "OWNER");
	json_array_foreach(json_object_get(reply, "owners"), i, line)
	{
		put(text_of(line, "since"), 23);
		put(text_of(line, "until"), 23);
		put(text_of(line, "owner"), 0);
		putchar('\n');
	}
	printf("%-22s %-24s %s\n", "AT", "EVENT", "ACTOR");
	json_array_foreach(json_object_get(reply, "audit"), i, line)
	{
		put(text_of(line, "at"), 23);
		put(text_of(line, "event"), 25);
		put(text_of(line, "actor"), 0);
		putchar('\n');
	}
}

static void
print_load(const json_t *reply)
{
	printf("batch ");
	put(text_of(reply, "batch"), 0);
	printf(": %lld units, %lld new\n",
	       (long long)json_integer_value(json_object_get(reply, "units")),
	       (long long)json_integer_value(json_object_get(reply, "added")));
}

static int
finish(struct question *q, const char *command, const char *what, enum berth_err err,
       void (*print)(const json_t *reply))
{
	BERTH_BUF text = {.limit = BERTH_ADMIN_REPLY_MAX_BYTES};

	if (err)
		return berth_print_why(command, what, &q->why);
	if (!berth_arguments_has(&q->arguments, "json")) {
		print(q->reply);
		return BERTH_EXIT_DONE;
	}
	if (berth_json_encode(q->reply, BERTH_JSON_AS_BUILT, &text))
		return BERTH_EXIT_FAILED;
	printf("%.*s\n", (int)text.n, (const char *)text.p);
	return BERTH_EXIT_DONE;
}

/* ---- the verbs ---- */

static int
load_main(int argc, char **argv)
{
	static const struct berth_usage usage = {
		.operands = "FILE...",
		.operands_min = 1,
		.operands_max = BERTH_CUSTODY_LINKS_MAX,
		.about = "Loads a signed manifest of units made, or of a sale, or such a manifest "
			 "with the transfers\n"
			 "that follow it, in any order: the last owner that they name becomes the "
			 "owner. All of it, or nothing.",
		.options = plain_options,
	};
	struct question q BERTH_CLEANUP(question_end) = {
		.body = {.limit = BERTH_MANIFEST_MAX_BYTES + 1}};
	int status = 0;

	if (!berth_arguments_parse(&usage, argc, argv, &q.arguments, &status))
		return status;
	const char *file = q.arguments.operand_count == 1 ? q.arguments.operand[0] : NULL;
	enum berth_err err = berth_custody_files(q.arguments.operand, q.arguments.operand_count,
						 &q.body, &q.why);
	if (!err && berth_buf_append_text(&q.path, "/v1/manifests"))
		err = berth_fail(&q.why, BERTH_E_MEMORY, "berth-memory", NULL, "out of memory");
	err = err ? err : ask(&q, "POST");
	return finish(&q, argv[0], file, err, print_load);
}

static int
units_main(int argc, char **argv)
{
	static const struct berth_usage usage = {
		.about = "Lists the units that this MASA knows, and who owns them.",
		.options = plain_options,
	};
	struct question q BERTH_CLEANUP(question_end) = {0};
	int status = 0;

	if (!berth_arguments_parse(&usage, argc, argv, &q.arguments, &status))
		return status;
	enum berth_err err = berth_buf_append_text(&q.path, "/v1/units");
	return finish(&q, argv[0], NULL, err ? err : ask(&q, "GET"), print_units);
}

static int
unit_main(const char *about, const char *method, const char *act,
	  void (*print)(const json_t *reply), int argc, char **argv)
{
	const struct berth_usage usage = {
		.operands = "SERIAL",
		.operands_min = 1,
		.operands_max = 1,
		.about = about,
		.options = plain_options,
	};
	struct question q BERTH_CLEANUP(question_end) = {0};
	int status = 0;

	if (!berth_arguments_parse(&usage, argc, argv, &q.arguments, &status))
		return status;
	enum berth_err err = unit_path(&q, q.arguments.operand[0], act);
	return finish(&q, argv[0], q.arguments.operand[0], err ? err : ask(&q, method), print);
}

static int
log_main(int argc, char **argv)
{
	return unit_main("Prints a unit, its owner, and the domains that were given vouchers for "
			 "it.",
			 "GET", NULL, print_log, argc, argv);
}

static int
release_main(int argc, char **argv)
{
	return unit_main("The unit's owner lets go: the next sale, or the first who asks where "
			 "policy says so, may have it.",
			 "POST", "release", print_unit, argc, argv);
}

static int
block_main(int argc, char **argv)
{
	return unit_main("No more vouchers for this unit: stolen, scrapped, compromised.", "POST",
			 "block", print_unit, argc, argv);
}

static int
unblock_main(int argc, char **argv)
{
	return unit_main("The unit may have vouchers again.", "POST", "unblock", print_unit, argc,
			 argv);
}

static enum berth_err
sale_body(struct question *q)
{
	BERTH_BUF pem = {0};
	BERTH_JSON json_t *root = json_object();
	const char *name = berth_arguments_value(&q->arguments, "name");
	const char *reference = berth_arguments_value(&q->arguments, "reference");
	enum berth_err err = berth_file_read(berth_arguments_value(&q->arguments, "owner"),
					     CERTIFICATE_MAX_BYTES, &pem, &q->why);

	if (err)
		return err;
	err = berth_json_set_text(root, "certificate", berth_buf_view(&pem));
	if (!err && name)
		err = berth_json_set_text(root, "name", berth_text(name));
	if (!err && reference)
		err = berth_json_set_text(root, "reference", berth_text(reference));
	err = err ? err : berth_json_encode(root, BERTH_JSON_AS_BUILT, &q->body);
	if (err)
		return berth_fail(&q->why, BERTH_E_USAGE, "masa-sale", NULL,
				  "--owner must be a PEM certificate, --name and --reference text");
	return BERTH_OK;
}

static const struct berth_option owner_options[] = {
	{.name = "serial",
	 .argument = "SERIAL",
	 .help = "the unit's serial number",
	 .required = true},
	{.name = "owner",
	 .argument = "CERT.pem",
	 .help = "the buyer's domain CA, or its registrar's certificate",
	 .required = true},
	{.name = "name", .argument = "TEXT", .help = "the buyer; else the certificate's"},
	{.name = "reference", .argument = "TEXT", .help = "order number"},
	OPTION_SOCKET,
	BERTH_OPTION_JSON,
	{0},
};

static int
owner_main(const char *about, const char *act, int argc, char **argv)
{
	const struct berth_usage usage = {.about = about, .options = owner_options};
	struct question q BERTH_CLEANUP(question_end) = {0};
	int status = 0;

	if (!berth_arguments_parse(&usage, argc, argv, &q.arguments, &status))
		return status;
	const char *serial = berth_arguments_value(&q.arguments, "serial");
	enum berth_err err = sale_body(&q);
	err = err ? err : unit_path(&q, serial, act);
	err = err ? err : ask(&q, "POST");
	return finish(&q, argv[0], serial, err, print_unit);
}

static int
sell_main(int argc, char **argv)
{
	return owner_main("Records who owns a unit. Refused while another one owns it.", "owner",
			  argc, argv);
}

static int
transfer_main(int argc, char **argv)
{
	return owner_main("Records that a unit went from its owner to another.", "transfer", argc,
			  argv);
}

static int
history_main(int argc, char **argv)
{
	return unit_main("Prints who owned a unit, and every entry that the audit log has of it.",
			 "GET", "history", print_history, argc, argv);
}

static int
backup_main(int argc, char **argv)
{
	return berth_backup_main(&berth_masa_backup, argc, argv);
}

static int
restore_main(int argc, char **argv)
{
	return berth_restore_main(&berth_masa_backup, argc, argv);
}

const struct berth_verb berth_masa_verbs[] = {
	{"masa", "load", "load a signed manifest of units or of a sale into the MASA", load_main},
	{"masa", "units", "list the MASA's units and their owners", units_main},
	{"masa", "log", "print a unit and its voucher log", log_main},
	{"masa", "sell", "record who owns a unit", sell_main},
	{"masa", "transfer", "record that a unit went from its owner to another", transfer_main},
	{"masa", "history", "print who owned a unit, and what was done about it", history_main},
	{"masa", "release", "end a unit's ownership", release_main},
	{"masa", "block", "issue no more vouchers for a unit", block_main},
	{"masa", "unblock", "issue vouchers for a unit again", unblock_main},
	{"masa", "backup", "seal all that the MASA is into one file, while it runs", backup_main},
	{"masa", "restore", "judge a backup and put it in its place", restore_main},
	{0},
};
