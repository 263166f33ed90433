/* SPDX-License-Identifier: BSD-2-Clause */
/* berth-gateway --config FILE [--check-config | status [--json]] */
#include <stdio.h>

#include <string.h>

#include "role/gateway/gateway.h"
#include "role/gateway/held.h"
#include "role/options.h"
#include "role/verb.h"

#define DEFAULT_CONFIG "/etc/berth/gateway.conf"

#ifndef BERTH_VERSION
#define BERTH_VERSION "0"
#endif

static const struct berth_option options[] = {
	{.name = "config", .argument = "FILE", .help = "configuration (" DEFAULT_CONFIG ")"},
	{.name = "check-config", .help = "read the configuration, say what is wrong, and end"},
	BERTH_OPTION_JSON,
	{.name = "version", .help = "print the version"},
	{0},
};

static const struct berth_usage usage = {
	.operands = "[status]",
	.operands_max = 1,
	.about =
		"The join proxy on a router, switch or access point: relays devices that have not\n"
		"joined yet to the registrar, and to nothing else. status says what its registrar\n"
		"told it last, and whether it relays.",
	.options = options,
};

static int
status(const struct berth_gateway_conf *settings, bool as_json)
{
	struct berth_why why = {0};

	if (settings->identity == BERTH_GATEWAY_IDENTITY_NONE)
		berth_ignore(
			berth_fail(&why, BERTH_E_NOT_FOUND, "gateway-identity", NULL,
				   "identity = none: no registrar tells this gateway anything"),
			"it is said below");
	else if (berth_gateway_held_print(settings->directory, as_json, &why) == BERTH_OK)
		return BERTH_EXIT_DONE;
	return berth_print_why("berth-gateway status", NULL, &why);
}

int
berth_gateway_main(int argc, char **argv)
{
	struct berth_arguments arguments;
	struct berth_gateway_conf settings = {0};
	struct berth_why why = {0};
	BERTH_CONF conf = {0};
	int exit_status = 0;

	if (!berth_arguments_parse(&usage, argc, argv, &arguments, &exit_status))
		return exit_status;
	if (berth_arguments_has(&arguments, "version")) {
		puts("berth-gateway " BERTH_VERSION);
		return BERTH_EXIT_DONE;
	}
	const char *path = berth_arguments_value_or(&arguments, "config", DEFAULT_CONFIG);
	enum berth_err err = berth_gateway_conf_load(path, &conf, &settings, &why);
	if (!err && berth_arguments_has(&arguments, "check-config"))
		return BERTH_EXIT_DONE;
	if (!err && arguments.operand_count) {
		if (strcmp(arguments.operand[0], "status") == 0)
			return status(&settings, berth_arguments_has(&arguments, "json"));
		fprintf(stderr, "berth-gateway: %.40s: say status, or nothing\n",
			arguments.operand[0]);
		return BERTH_EXIT_USAGE;
	}
	if (!err)
		err = berth_gateway_run(&settings, &why);
	return err ? berth_print_why("berth-gateway", NULL, &why) : BERTH_EXIT_DONE;
}
