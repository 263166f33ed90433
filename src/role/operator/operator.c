/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/operator/operator.h"

#include "protocol/manifest/custody.h"
#include "role/custody/custody.h"
#include "role/operator/admin_client.h"
#include "role/operator/audit_file.h"
#include "role/operator/print.h"
#include "role/options.h"

#include <stdio.h>

#define OPTION_SOCKET                                                                              \
	{                                                                                          \
		.name = "socket", .argument = "PATH",                                              \
		.help = "the registrar's admin socket; else $BERTH_ADMIN_SOCKET, "                 \
			"else " BERTH_ADMIN_SOCKET_DEFAULT                                         \
	}

static const struct berth_option plain_options[] = {OPTION_SOCKET, BERTH_OPTION_JSON, {0}};
static const struct berth_option act_options[] = {
	{.name = "reason", .argument = "TEXT", .help = "why; kept with the act"},
	OPTION_SOCKET,
	BERTH_OPTION_JSON,
	{0},
};

static const struct berth_option import_options[] = {
	{.name = "manufacturer", .argument = "NAME", .help = "of this [manufacturer] and no other"},
	OPTION_SOCKET,
	BERTH_OPTION_JSON,
	{0},
};

#define ABOUT_DEVICE                                                                               \
	"DEVICE is an id, the start of one (four characters or more), or a serial number that "    \
	"only one device has."

static const struct berth_usage list_usage = {.about = "Lists the devices this registrar knows.",
					      .options = plain_options};
static const struct berth_usage show_usage = {.operands = "DEVICE",
					      .operands_min = 1,
					      .operands_max = 1,
					      .about = "Shows one device. " ABOUT_DEVICE,
					      .options = plain_options};
static const struct berth_usage explain_usage = {
	.operands = "DEVICE",
	.operands_min = 1,
	.operands_max = 1,
	.about = "Prints every check behind what was decided about a device, newest "
		 "first. " ABOUT_DEVICE,
	.options = plain_options};
static const struct berth_usage act_usage = {.operands = "DEVICE",
					     .operands_min = 1,
					     .operands_max = 1,
					     .about = ABOUT_DEVICE,
					     .options = act_options};
static const struct berth_usage certificate_usage = {
	.operands = "SERIAL",
	.operands_min = 1,
	.operands_max = 1,
	.about = "Revokes one certificate of the issuing CA: the registrar's own, or one of a "
		 "device's. SERIAL is its\nserial number in hexadecimal, as \"openssl x509 "
		 "-serial\" "
		 "prints it.",
	.options = act_options};
static const struct berth_usage import_usage = {
	.operands = "FILE...",
	.operands_min = 1,
	.operands_max = BERTH_CUSTODY_LINKS_MAX,
	.about =
		"Imports a signed purchase manifest: its devices count as owned (require.owned in "
		"the policy).\n"
		"Several files are the manufacturer's manifest and the transfers through which the "
		"devices came.",
	.options = import_options};
static const struct berth_option audit_options[] = {
	{.name = "store", .argument = "FILE", .help = "this store at rest, instead of a daemon's"},
	OPTION_SOCKET,
	BERTH_OPTION_JSON,
	{0},
};

static const struct berth_usage audit_usage = {
	.about = "Verifies the hash chain of a registrar's or MASA's audit log and its witness.",
	.options = audit_options};

static int
finish(const char *command, const struct berth_arguments *arguments, enum berth_err err,
       const struct berth_why *why, const json_t *reply, void (*print)(const json_t *reply))
{
	if (err)
		return berth_print_why(
			command, arguments->operand_count > 0 ? arguments->operand[0] : NULL, why);
	if (!berth_arguments_has(arguments, "json")) {
		print(reply);
		return BERTH_EXIT_DONE;
	}
	BERTH_BUF text = {0};
	if (berth_json_encode(reply, BERTH_JSON_AS_BUILT, &text))
		return BERTH_EXIT_FAILED;
	printf("%.*s\n", (int)text.n, (const char *)text.p);
	return BERTH_EXIT_DONE;
}

static enum berth_err
ask(const struct berth_arguments *arguments, const char *method, const char *path,
    struct berth_bytes body, json_t **reply, struct berth_why *why)
{
	return berth_admin_ask(berth_admin_socket(berth_arguments_value(arguments, "socket")),
			       method, path, body, reply, why);
}

/* GET of a fixed path. */
static int
get_main(const struct berth_usage *usage, const char *path, void (*print)(const json_t *), int argc,
	 char **argv)
{
	struct berth_arguments arguments;
	int status = 0;
	if (!berth_arguments_parse(usage, argc, argv, &arguments, &status))
		return status;
	BERTH_JSON json_t *reply = NULL;
	struct berth_why why = {0};
	enum berth_err err = ask(&arguments, "GET", path, BERTH_BYTES_NONE, &reply, &why);
	return finish(argv[0], &arguments, err, &why, reply, print);
}

static enum berth_err
named_path(const char *collection, const char *name, const char *act, struct berth_buf *path,
	   struct berth_why *why)
{
	enum berth_err err = berth_buf_append_text(path, collection);
	err = err ? err : berth_admin_append_segment(path, name);
	if (*act != '\0')
		err = err ? err : berth_buf_printf(path, "/%s", act);
	err = err ? err : berth_buf_append_u8(path, 0);
	return err ? berth_fail(why, err, "memory", NULL, "out of memory") : BERTH_OK;
}

static enum berth_err
reason_body(const struct berth_arguments *arguments, struct berth_buf *body, struct berth_why *why)
{
	const char *reason = berth_arguments_value(arguments, "reason");
	if (reason == NULL)
		return BERTH_OK;
	BERTH_JSON json_t *root = json_object();
	enum berth_err err = berth_json_set_text(root, "reason", berth_text(reason));
	err = err ? err : berth_json_encode(root, BERTH_JSON_AS_BUILT, body);
	return err ? berth_fail(why, BERTH_E_USAGE, "operator-reason", NULL,
				"--reason is no proper text")
		   : BERTH_OK;
}

static int
named_main(const struct berth_usage *usage, const char *collection, const char *act, bool is_act,
	   void (*print)(const json_t *), int argc, char **argv)
{
	struct berth_arguments arguments;
	int status = 0;
	if (!berth_arguments_parse(usage, argc, argv, &arguments, &status))
		return status;
	BERTH_JSON json_t *reply = NULL;
	BERTH_BUF path = {0};
	BERTH_BUF body = {0};
	struct berth_why why = {0};
	enum berth_err err = named_path(collection, arguments.operand[0], act, &path, &why);
	if (!err && is_act)
		err = reason_body(&arguments, &body, &why);
	if (!err)
		err = ask(&arguments, is_act ? "POST" : "GET", (const char *)path.p,
			  berth_buf_view(&body), &reply, &why);
	return finish(argv[0], &arguments, err, &why, reply, print);
}

static int
device_main(const struct berth_usage *usage, const char *act, bool is_act,
	    void (*print)(const json_t *), int argc, char **argv)
{
	return named_main(usage, "/v1/devices/", act, is_act, print, argc, argv);
}

static int
certificate_revoke_main(int argc, char **argv)
{
	return named_main(&certificate_usage, "/v1/certificates/", "revoke", true, berth_print_act,
			  argc, argv);
}

static int
list_main(int argc, char **argv)
{
	return get_main(&list_usage, "/v1/devices", berth_print_devices, argc, argv);
}

static int
show_main(int argc, char **argv)
{
	return device_main(&show_usage, "", false, berth_print_device, argc, argv);
}

static int
explain_main(int argc, char **argv)
{
	return device_main(&explain_usage, "explain", false, berth_print_decisions, argc, argv);
}

static int
approve_main(int argc, char **argv)
{
	return device_main(&act_usage, "approve", true, berth_print_act, argc, argv);
}

static int
deny_main(int argc, char **argv)
{
	return device_main(&act_usage, "deny", true, berth_print_act, argc, argv);
}

static int
revoke_main(int argc, char **argv)
{
	return device_main(&act_usage, "revoke", true, berth_print_act, argc, argv);
}

static enum berth_err
manifest_path(const char *manufacturer, struct berth_buf *path, struct berth_why *why)
{
	enum berth_err err = berth_buf_append_text(path, "/v1/manifests");
	if (manufacturer != NULL) {
		err = err ? err : berth_buf_append_u8(path, '/');
		err = err ? err : berth_admin_append_segment(path, manufacturer);
	}
	err = err ? err : berth_buf_append_u8(path, 0);
	return err ? berth_fail(why, err, "memory", NULL, "out of memory") : BERTH_OK;
}

static int
import_main(int argc, char **argv)
{
	struct berth_arguments arguments;
	int status = 0;
	if (!berth_arguments_parse(&import_usage, argc, argv, &arguments, &status))
		return status;
	BERTH_JSON json_t *reply = NULL;
	BERTH_BUF path = {0};
	BERTH_BUF file = {.limit = BERTH_MANIFEST_MAX_BYTES + 1};
	struct berth_why why = {0};
	enum berth_err err =
		berth_custody_files(arguments.operand, arguments.operand_count, &file, &why);
	if (!err)
		err = manifest_path(berth_arguments_value(&arguments, "manufacturer"), &path, &why);
	if (!err)
		err = ask(&arguments, "POST", (const char *)path.p, berth_buf_view(&file), &reply,
			  &why);
	return finish(argv[0], &arguments, err, &why, reply, berth_print_import);
}

static int
audit_main(int argc, char **argv)
{
	struct berth_arguments arguments;
	int status = 0;
	if (!berth_arguments_parse(&audit_usage, argc, argv, &arguments, &status))
		return status;
	BERTH_JSON json_t *reply = NULL;
	struct berth_why why = {0};
	const char *store = berth_arguments_value(&arguments, "store");
	enum berth_err err = store != NULL ? berth_audit_verify_file(store, &reply, &why)
					   : ask(&arguments, "GET", "/v1/audit/verify",
						 BERTH_BYTES_NONE, &reply, &why);
	status = finish(argv[0], &arguments, err, &why, reply, berth_print_audit);
	bool holds = false;
	if (status == BERTH_EXIT_DONE &&
	    (berth_json_get_bool(reply, "holds", BERTH_JSON_REQUIRED, &holds, &why) || !holds))
		return BERTH_EXIT_FAILED;
	return status;
}

const struct berth_verb berth_operator_verbs[] = {
	{"device", "list", "list the devices a registrar knows", list_main},
	{"device", "show", "show one device", show_main},
	{"device", "approve", "let a device on (also one that was revoked)", approve_main},
	{"device", "deny", "keep a device off", deny_main},
	{"device", "explain", "print every check behind a decision", explain_main},
	{"device", "revoke", "withdraw a device's certificates and refuse it from now on",
	 revoke_main},
	{"certificate", "revoke", "revoke one certificate by its serial number",
	 certificate_revoke_main},
	{"device", "import", "import a signed purchase manifest", import_main},
	{"audit", "verify", "verify the hash chain of a daemon's audit log", audit_main},
	{0},
};
