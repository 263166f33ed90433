/* SPDX-License-Identifier: BSD-2-Clause */
/* `berth registrar rekey`: re-keying the fleet of a running registrar. */
#include "role/operator/operator.h"

#include "role/operator/admin_client.h"
#include "role/operator/print.h"
#include "role/options.h"

#include <stdio.h>
#include <string.h>

#define RATE_DEFAULT 600
#define RATE_MAX 1000000

static const struct berth_option options[] = {
	{.name = "rate", .argument = "N", .help = "start: devices told a minute; 600"},
	{.name = "match",
	 .argument = "GLOB",
	 .help = "start: only devices whose serial number fits"},
	{.name = "socket",
	 .argument = "PATH",
	 .help = "the registrar's admin socket; else $BERTH_ADMIN_SOCKET, "
		 "else " BERTH_ADMIN_SOCKET_DEFAULT},
	BERTH_OPTION_JSON,
	{0},
};

static const struct berth_usage usage = {
	.operands = "start|status|pause|resume|cancel|report",
	.operands_min = 1,
	.operands_max = 1,
	.about =
		"Has every device that holds a certificate renew it with a new key, so many a "
		"minute. Devices learn of it\nwhen they ask for advice (check-every of "
		"berth-device). It goes on after a restart where it was; report names\nthe devices "
		"that have not come.",
	.options = options,
};

static const struct {
	const char *word;
	const char *method;
	const char *path;
} acts[] = {
	{"start", "POST", "/v1/rekey"},		{"status", "GET", "/v1/rekey"},
	{"pause", "POST", "/v1/rekey/pause"},	{"resume", "POST", "/v1/rekey/resume"},
	{"cancel", "POST", "/v1/rekey/cancel"}, {"report", "GET", "/v1/rekey/report"},
};

static enum berth_err
start_body(const struct berth_arguments *arguments, int64_t rate, struct berth_buf *body,
	   struct berth_why *why)
{
	const char *match = berth_arguments_value_or(arguments, "match", "*");
	BERTH_JSON json_t *root = json_object();
	enum berth_err err = berth_json_set_i64(root, "rate-per-minute", rate);
	err = err ? err : berth_json_set_text(root, "match", berth_text(match));
	err = err ? err : berth_json_encode(root, BERTH_JSON_AS_BUILT, body);
	return err ? berth_fail(why, BERTH_E_USAGE, "operator-match", NULL,
				"--match is no proper text")
		   : BERTH_OK;
}

static int
rekey_main(int argc, char **argv)
{
	struct berth_arguments arguments;
	struct berth_why why = {0};
	BERTH_JSON json_t *reply = NULL;
	BERTH_BUF body = {0};
	BERTH_BUF text = {0};
	int64_t rate;
	int status = 0;
	size_t i = 0;
	if (!berth_arguments_parse(&usage, argc, argv, &arguments, &status))
		return status;
	if (!berth_arguments_number(&arguments, argv[0], "rate", 1, RATE_MAX, RATE_DEFAULT, &rate))
		return BERTH_EXIT_USAGE;
	while (i < sizeof(acts) / sizeof(acts[0]) &&
	       strcmp(arguments.operand[0], acts[i].word) != 0)
		i++;
	if (i == sizeof(acts) / sizeof(acts[0])) {
		(void)fprintf(stderr, "%s: %s: one of %s\n", argv[0], arguments.operand[0],
			      usage.operands);
		return BERTH_EXIT_USAGE;
	}
	enum berth_err err = strcmp(acts[i].word, "start") == 0
				     ? start_body(&arguments, rate, &body, &why)
				     : BERTH_OK;
	if (!err)
		err = berth_admin_ask(
			berth_admin_socket(berth_arguments_value(&arguments, "socket")),
			acts[i].method, acts[i].path, berth_buf_view(&body), &reply, &why);
	if (err)
		return berth_print_why(argv[0], arguments.operand[0], &why);
	if (!berth_arguments_has(&arguments, "json")) {
		berth_print_rekey(reply);
		return BERTH_EXIT_DONE;
	}
	if (berth_json_encode(reply, BERTH_JSON_AS_BUILT, &text))
		return BERTH_EXIT_FAILED;
	printf("%.*s\n", (int)text.n, (const char *)text.p);
	return BERTH_EXIT_DONE;
}

const struct berth_verb berth_operator_rekey_verbs[] = {
	{"registrar", "rekey", "have the fleet renew with new keys, so many a minute", rekey_main},
	{0},
};
