/* SPDX-License-Identifier: BSD-2-Clause */
/* `berth voucher add` and its neighbours: vouchers that a registrar keeps for devices to come. */
#include "role/operator/operator.h"

#include "base/base64.h"
#include "pki/cms.h"
#include "role/operator/admin_client.h"
#include "role/operator/print.h"
#include "role/options.h"
#include "system/files.h"

#include <stdio.h>
#include <string.h>

#define VOUCHERS_PATH "/v1/vouchers"
#define REQUEST_MODE 0644 /* it is for the MASA's eyes and holds no secret */

#define OPTION_SOCKET                                                                              \
	{                                                                                          \
		.name = "socket", .argument = "PATH",                                              \
		.help = "the registrar's admin socket; else $BERTH_ADMIN_SOCKET, "                 \
			"else " BERTH_ADMIN_SOCKET_DEFAULT                                         \
	}

static const struct berth_option plain_options[] = {OPTION_SOCKET, BERTH_OPTION_JSON, {0}};
static const struct berth_option request_options[] = {
	{.name = "out", .argument = "FILE", .help = "where the request goes", .required = true},
	OPTION_SOCKET,
	{0},
};

#define ABOUT_DEVICE                                                                               \
	"DEVICE is a serial number of an imported manifest, or a device's id. The configuration "  \
	"must say stored-vouchers = fallback or first."

static const struct berth_usage list_usage = {
	.about = "Lists the vouchers that the registrar keeps for devices to come, the first to "
		 "expire first.",
	.options = plain_options};
static const struct berth_usage add_usage = {
	.operands = "FILE...",
	.operands_min = 1,
	.operands_max = BERTH_ARGUMENTS_MAX,
	.about =
		"Gives the registrar vouchers without a nonce, as DER, that their MASA made ahead.",
	.options = plain_options};
static const struct berth_usage fetch_usage = {
	.operands = "DEVICE",
	.operands_min = 1,
	.operands_max = 1,
	.about = "Has the registrar ask the MASA now for a voucher to keep. " ABOUT_DEVICE,
	.options = plain_options};
static const struct berth_usage request_usage = {
	.operands = "DEVICE",
	.operands_min = 1,
	.operands_max = 1,
	.about =
		"Writes the registrar's signed request for a voucher to keep, for a registrar that "
		"reaches no MASA: POST the file to the MASA's requestvoucher from elsewhere as "
		"application/voucher-cms+json, and give the answer to \"berth voucher "
		"add\". " ABOUT_DEVICE,
	.options = request_options};
static const struct berth_usage drop_usage = {
	.operands = "DEVICE",
	.operands_min = 1,
	.operands_max = 1,
	.about = "Has the registrar forget the voucher that it keeps for a device.",
	.options = plain_options};

static enum berth_err
ask(const struct berth_arguments *arguments, const char *method, const char *path,
    struct berth_bytes body, json_t **reply, struct berth_why *why)
{
	return berth_admin_ask(berth_admin_socket(berth_arguments_value(arguments, "socket")),
			       method, path, body, reply, why);
}

static int
print_json(const json_t *reply)
{
	BERTH_BUF text = {0};
	if (berth_json_encode(reply, BERTH_JSON_AS_BUILT, &text))
		return BERTH_EXIT_FAILED;
	printf("%.*s\n", (int)text.n, (const char *)text.p);
	return BERTH_EXIT_DONE;
}

static int
list_main(int argc, char **argv)
{
	struct berth_arguments arguments;
	struct berth_why why = {0};
	BERTH_JSON json_t *reply = NULL;
	int status = 0;
	if (!berth_arguments_parse(&list_usage, argc, argv, &arguments, &status))
		return status;
	if (ask(&arguments, "GET", VOUCHERS_PATH, BERTH_BYTES_NONE, &reply, &why))
		return berth_print_why(argv[0], NULL, &why);
	if (berth_arguments_has(&arguments, "json"))
		return print_json(reply);
	berth_print_vouchers(reply);
	return BERTH_EXIT_DONE;
}

static enum berth_err
add_one(const struct berth_arguments *arguments, const char *path, json_t **reply,
	struct berth_why *why)
{
	BERTH_BUF file = {0};
	enum berth_err err = berth_file_read(path, BERTH_CMS_MAX_BYTES, &file, why);
	return err ? err : ask(arguments, "POST", VOUCHERS_PATH, berth_buf_view(&file), reply, why);
}

/* Each file by itself: one that is refused does not keep the others out. */
static int
add_main(int argc, char **argv)
{
	struct berth_arguments arguments;
	int status = 0;
	size_t failed = 0;
	int last = BERTH_EXIT_DONE;
	if (!berth_arguments_parse(&add_usage, argc, argv, &arguments, &status))
		return status;
	for (size_t i = 0; i < arguments.operand_count; i++) {
		struct berth_why why = {0};
		BERTH_JSON json_t *reply = NULL;
		if (add_one(&arguments, arguments.operand[i], &reply, &why)) {
			last = berth_print_why(argv[0], arguments.operand[i], &why);
			failed++;
			continue;
		}
		if (berth_arguments_has(&arguments, "json"))
			berth_ignore(print_json(reply), "the file is added");
		else
			berth_print_voucher(reply);
	}
	if (failed == 0)
		return BERTH_EXIT_DONE;
	return failed == arguments.operand_count ? last : BERTH_EXIT_PARTLY;
}

/* POST VOUCHERS_PATH/DEVICE/act */
static enum berth_err
act_on(const struct berth_arguments *arguments, const char *act, json_t **reply,
       struct berth_why *why)
{
	BERTH_BUF path = {0};
	enum berth_err err = berth_buf_append_text(&path, VOUCHERS_PATH "/");
	err = err ? err : berth_admin_append_segment(&path, arguments->operand[0]);
	err = err ? err : berth_buf_printf(&path, "/%s", act);
	err = err ? err : berth_buf_append_u8(&path, 0);
	if (err)
		return berth_fail(why, err, "memory", NULL, "out of memory");
	return ask(arguments, "POST", (const char *)path.p, BERTH_BYTES_NONE, reply, why);
}

static int
fetch_main(int argc, char **argv)
{
	struct berth_arguments arguments;
	struct berth_why why = {0};
	BERTH_JSON json_t *reply = NULL;
	int status = 0;
	if (!berth_arguments_parse(&fetch_usage, argc, argv, &arguments, &status))
		return status;
	if (act_on(&arguments, "fetch", &reply, &why))
		return berth_print_why(argv[0], arguments.operand[0], &why);
	if (berth_arguments_has(&arguments, "json"))
		return print_json(reply);
	berth_print_voucher(reply);
	return BERTH_EXIT_DONE;
}

static enum berth_err
write_request(const json_t *reply, const char *path, struct berth_why *why)
{
	BERTH_BUF der = {0};
	struct berth_bytes text = BERTH_BYTES_NONE;
	enum berth_err err = berth_json_get_text(reply, "request", BERTH_JSON_REQUIRED, &text, why);
	err = err ? err : berth_base64_decode(text, false, &der, why);
	return err ? err : berth_file_write(path, berth_buf_view(&der), REQUEST_MODE, why);
}

static int
request_main(int argc, char **argv)
{
	struct berth_arguments arguments;
	struct berth_why why = {0};
	BERTH_JSON json_t *reply = NULL;
	int status = 0;
	if (!berth_arguments_parse(&request_usage, argc, argv, &arguments, &status))
		return status;
	enum berth_err err = act_on(&arguments, "request", &reply, &why);
	if (!err)
		err = write_request(reply, berth_arguments_value(&arguments, "out"), &why);
	return err ? berth_print_why(argv[0], arguments.operand[0], &why) : BERTH_EXIT_DONE;
}

static int
drop_main(int argc, char **argv)
{
	struct berth_arguments arguments;
	struct berth_why why = {0};
	BERTH_JSON json_t *reply = NULL;
	int status = 0;
	if (!berth_arguments_parse(&drop_usage, argc, argv, &arguments, &status))
		return status;
	if (act_on(&arguments, "drop", &reply, &why))
		return berth_print_why(argv[0], arguments.operand[0], &why);
	return berth_arguments_has(&arguments, "json") ? print_json(reply) : BERTH_EXIT_DONE;
}

const struct berth_verb berth_operator_voucher_verbs[] = {
	{"voucher", "list", "list the vouchers a registrar keeps for devices to come", list_main},
	{"voucher", "add", "give a registrar vouchers that were made ahead", add_main},
	{"voucher", "fetch", "have a registrar fetch a voucher to keep", fetch_main},
	{"voucher", "request", "write the request for a voucher to keep", request_main},
	{"voucher", "drop", "have a registrar forget a voucher it keeps", drop_main},
	{0},
};
