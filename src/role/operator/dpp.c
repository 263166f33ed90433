/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices by their code, and what the Controller hears. */
#include "role/operator/operator.h"

#include "codec/dpp_uri.h"
#include "role/operator/dpp_verbs.h"
#include "system/files.h"

#include <stdio.h>

static const struct berth_option show_options[] = {BERTH_DPP_OPTION_SOCKET, BERTH_OPTION_JSON, {0}};
static const struct berth_option add_options[] = {
	{.name = "serial-number", .argument = "TEXT", .help = "else SN= of the code's information"},
	{.name = "model", .argument = "TEXT", .help = "for rules of the policy (match.model)"},
	BERTH_DPP_OPTION_SOCKET,
	BERTH_OPTION_JSON,
	{0},
};

static const struct berth_usage add_usage = {
	.operands = "URI|FILE|-",
	.operands_min = 1,
	.operands_max = 1,
	.about = "Adds a device by the DPP URI of its label, or each of a file's lines; \"-\" "
		 "reads them "
		 "from standard\ninput, as a scanner types them.\nWho has the code may configure "
		 "the device: it is allowed on "
		 "as the "
		 "policy says (match.client = dpp).",
	.options = add_options,
};
static const struct berth_usage show_usage = {
	.about = "Shows the Controller's own code and its hash (for hostapd's dpp_controller), and "
		 "which "
		 "unknown devices\nannounced themselves.",
	.options = show_options,
};

int
berth_dpp_finish(const char *command, const struct berth_arguments *arguments, enum berth_err err,
		 const struct berth_why *why, const json_t *reply,
		 void (*print)(const json_t *reply))
{
	BERTH_BUF text = {0};

	if (err)
		return berth_print_why(command, NULL, why);
	if (!berth_arguments_has(arguments, "json")) {
		print(reply);
		return BERTH_EXIT_DONE;
	}
	if (berth_json_encode(reply, BERTH_JSON_AS_BUILT, &text))
		return BERTH_EXIT_FAILED;
	printf("%.*s\n", (int)text.n, (const char *)text.p);
	return BERTH_EXIT_DONE;
}

const char *
berth_dpp_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "" : text;
}

static void
print_added(const json_t *reply)
{
	printf("%s is added; its key's hash is %s\n", berth_dpp_text(reply, "id"),
	       berth_dpp_text(reply, "key-hash"));
}

static void
print_dpp(const json_t *reply)
{
	const json_t *chirps = json_object_get(reply, "unknown");

	printf("Controller   %s\nkey hash     %s\n", berth_dpp_text(reply, "uri"),
	       berth_dpp_text(reply, "key-hash"));
	if (json_array_size(chirps) == 0)
		return;
	printf("\nUnknown devices that announced themselves:\n");
	for (size_t i = 0; i < json_array_size(chirps); i++) {
		const json_t *chirp = json_array_get(chirps, i);
		printf("%.16s…  %5lld times, last %s, from %s\n", berth_dpp_text(chirp, "hash"),
		       (long long)json_integer_value(json_object_get(chirp, "count")),
		       berth_dpp_text(chirp, "last-seen"), berth_dpp_text(chirp, "from"));
	}
}

/* White space around a scanned line is the scanner's. */
static struct berth_bytes
trim(struct berth_bytes text)
{
	while (text.n > 0 && text.p[text.n - 1] <= ' ')
		text.n--;
	while (text.n > 0 && text.p[0] <= ' ')
		text = berth_bytes_of(text.p + 1, text.n - 1);
	return text;
}

/* What other readers would refuse is told, and no reason not to add it. */
static void
warn(struct berth_bytes uri)
{
	struct berth_why why = {0};

	for (size_t i = 0; berth_dpp_uri_lint(uri, i, &why) == BERTH_E_MISMATCH; i++)
		fprintf(stderr, "berth device add: note: %s (%s)\n", why.sentence, why.rule);
}

static enum berth_err
build_body(const struct berth_arguments *arguments, struct berth_bytes uri, struct berth_buf *body,
	   struct berth_why *why)
{
	const char *serial = berth_arguments_value(arguments, "serial-number");
	const char *model = berth_arguments_value(arguments, "model");
	BERTH_JSON json_t *root = json_object();
	enum berth_err err = berth_json_set_text(root, "uri", uri);

	if (!err && serial != NULL)
		err = berth_json_set_text(root, "serial-number", berth_text(serial));
	if (!err && model != NULL)
		err = berth_json_set_text(root, "model", berth_text(model));
	err = err ? err : berth_json_encode(root, BERTH_JSON_AS_BUILT, body);
	return err ? berth_fail(why, BERTH_E_USAGE, "dpp-uri-input", NULL, "that is no proper text")
		   : BERTH_OK;
}

/* One code: added and told, or why not. */
static int
add_one(const char *command, const struct berth_arguments *arguments, const char *text)
{
	struct berth_dpp_uri parsed;
	struct berth_why why = {0};
	BERTH_BUF body = {0};
	BERTH_JSON json_t *reply = NULL;
	struct berth_bytes uri = trim(berth_text(text));

	enum berth_err err = berth_dpp_uri_parse(uri, &parsed, &why);
	if (!err)
		warn(uri);
	err = err ? err : build_body(arguments, uri, &body, &why);
	err = err ? err
		  : berth_admin_ask(berth_admin_socket(berth_arguments_value(arguments, "socket")),
				    "POST", "/v1/dpp/devices", berth_buf_view(&body), &reply, &why);
	int status = berth_dpp_finish(command, arguments, err, &why, reply, print_added);
	fflush(stdout); /* who scans one after the other wants to see it */
	return status;
}

/* Each line a code, as a scanner types them. */
static int
add_lines(const char *command, const struct berth_arguments *arguments, FILE *from)
{
	char line[BERTH_DPP_URI_MAX_BYTES + 2];
	size_t added = 0;
	size_t failed = 0;
	int status = BERTH_EXIT_DONE;

	while (fgets(line, sizeof(line), from) != NULL) {
		if (trim(berth_text(line)).n == 0)
			continue;
		int one = add_one(command, arguments, line);
		added += one == BERTH_EXIT_DONE;
		failed += one != BERTH_EXIT_DONE;
		status = one == BERTH_EXIT_DONE ? status : one;
	}
	if (added + failed == 0) {
		fprintf(stderr, "%s: there is no code to add [dpp-uri-input]\n", command);
		return BERTH_EXIT_USAGE;
	}
	return added > 0 && failed > 0 ? BERTH_EXIT_PARTLY : status;
}

static int
add_main(int argc, char **argv)
{
	struct berth_arguments arguments;
	int status = 0;

	if (!berth_arguments_parse(&add_usage, argc, argv, &arguments, &status))
		return status;
	const char *operand = arguments.operand[0];
	if (strcmp(operand, "-") == 0)
		return add_lines(argv[0], &arguments, stdin);
	FILE *file = strncmp(operand, "DPP:", 4) == 0 ? NULL : fopen(operand, "re");
	if (file == NULL)
		return add_one(argv[0], &arguments, operand);
	status = add_lines(argv[0], &arguments, file);
	(void)fclose(file);
	return status;
}

static int
show_main(int argc, char **argv)
{
	struct berth_arguments arguments;
	struct berth_why why = {0};
	BERTH_JSON json_t *reply = NULL;
	int status = 0;

	if (!berth_arguments_parse(&show_usage, argc, argv, &arguments, &status))
		return status;
	enum berth_err err =
		berth_admin_ask(berth_admin_socket(berth_arguments_value(&arguments, "socket")),
				"GET", "/v1/dpp", BERTH_BYTES_NONE, &reply, &why);
	return berth_dpp_finish(argv[0], &arguments, err, &why, reply, print_dpp);
}

const struct berth_verb berth_dpp_verbs[] = {
	{"device", "add", "add a device by its DPP code", add_main},
	{"dpp", "show", "show the DPP Controller and who announced itself", show_main},
	{"dpp", "uri", "the Controller's own code", berth_dpp_uri_main},
	{"dpp", "chirps", "who announced itself and is not known", berth_dpp_chirps_main},
	{"dpp", "devices", "devices known by a DPP code, and what they have",
	 berth_dpp_devices_main},
	{"dpp", "permit-join", "for a time, known devices need no approval of their own",
	 berth_dpp_permit_join_main},
	{"dpp", "pkex", "take in one device that knows a code", berth_dpp_pkex_main},
	{"dpp", "renew", "a device is to be configured again", berth_dpp_renew_main},
	{"dpp", "passwords", "of devices that have one of their own, for access points",
	 berth_dpp_passwords_main},
	{0},
};
