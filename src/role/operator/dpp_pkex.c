/* SPDX-License-Identifier: BSD-2-Clause */
/* `berth dpp pkex`: a device that has no label, but a code that a person tells both sides. */
#include "role/operator/dpp_verbs.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/time.h"
#include "protocol/dpp/pkex_schedule.h"
#include "role/verb.h"
#include "system/files.h"

#define PATH "/v1/dpp/pkex"
#define FOR_MAX_S 3600

static const struct berth_option options[] = {
	{.name = "code-file",
	 .argument = "FILE",
	 .help = "start: holds the code, as the device has it; - is standard input"},
	{.name = "identifier",
	 .argument = "TEXT",
	 .help = "start: which code it is, where devices say"},
	{.name = "serial-number",
	 .argument = "TEXT",
	 .help = "start: the device's name here; else the identifier"},
	{.name = "model",
	 .argument = "TEXT",
	 .help = "start: for rules of the policy (match.model)"},
	{.name = "for", .argument = "TIME", .help = "start: how long, 120s; at most 1h"},
	{.name = "no-wait", .help = "start: do not wait for the device"},
	BERTH_DPP_OPTION_SOCKET,
	BERTH_OPTION_JSON,
	{0},
};

static const struct berth_usage usage = {
	.operands = "start|show|stop",
	.operands_min = 1,
	.operands_max = 1,
	.about = "Waits for one device that knows a code (PKEX), and takes it in, approved in your "
		 "name; what\nthe policy denies stays denied. Ends with the device, with its time, "
		 "or "
		 "after five wrong codes.\nThe code is never given on the command line, where "
		 "others "
		 "can read it.",
	.options = options,
};

static int64_t
number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void
print_window(const json_t *reply)
{
	const char *state = berth_dpp_text(reply, "state");

	if (strcmp(state, "never") == 0)
		printf("No code was waited for since the registrar started.\n");
	else if (strcmp(state, "open") == 0)
		printf("Waits for the device that knows the code, %lld s more; %lld wrong codes "
		       "so far.\n",
		       (long long)number_of(reply, "seconds-left"),
		       (long long)number_of(reply, "guesses"));
	else if (strcmp(state, "used") == 0)
		printf("%s knew the code.\n", berth_dpp_text(reply, "device"));
	else if (strcmp(state, "spent") == 0)
		printf("Five wrong codes came: this one is spent. Was it mistyped, or does "
		       "somebody guess?\n");
	else
		printf(strcmp(state, "over") == 0 ? "Over: nobody knew the code in time.\n"
						  : "Closed before a device came.\n");
}

static enum berth_err
read_input(struct berth_buf *text, struct berth_why *why)
{
	uint8_t bytes[BERTH_DPP_PKEX_CODE_MAX + 2];
	ssize_t n = 1;
	enum berth_err err = BERTH_OK;

	while (!err && n > 0 && text->n < sizeof(bytes)) {
		n = read(STDIN_FILENO, bytes, sizeof(bytes) - text->n);
		if (n < 0)
			err = berth_fail(why, BERTH_E_IO, "dpp-pkex-code", NULL,
					 "standard input cannot be read");
		if (n > 0)
			err = berth_buf_append(text, bytes, (size_t)n);
	}
	berth_wipe(bytes, sizeof(bytes));
	return err;
}

static enum berth_err
put_options(const struct berth_arguments *arguments, json_t *root, struct berth_why *why)
{
	static const char *const names[] = {"identifier", "serial-number", "model"};
	enum berth_err err = BERTH_OK;

	for (size_t i = 0; !err && i < 3; i++) {
		const char *value = berth_arguments_value(arguments, names[i]);
		if (value != NULL)
			err = berth_json_set_text(root, names[i], berth_text(value));
	}
	return err ? berth_fail(why, BERTH_E_USAGE, "dpp-pkex-name", NULL,
				"an option is no proper text")
		   : BERTH_OK;
}

/* The line end is the editor's. */
static enum berth_err
put_code(const char *from, json_t *root, struct berth_why *why)
{
	BERTH_BUF text = {.limit = BERTH_DPP_PKEX_CODE_MAX + 2};
	enum berth_err err =
		strcmp(from, "-") == 0
			? read_input(&text, why)
			: berth_file_read_private(from, BERTH_DPP_PKEX_CODE_MAX + 2, &text, why);
	struct berth_bytes line = berth_buf_view(&text);

	while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
		line.n--;
	if (!err && berth_json_set_text(root, "code", line))
		err = berth_fail(why, BERTH_E_USAGE, "dpp-pkex-code", NULL,
				 "the code is no proper text");
	if (text.p != NULL)
		berth_wipe(text.p, text.n);
	return err;
}

static enum berth_err
start(const struct berth_arguments *arguments, const char *socket, json_t **ret,
      struct berth_why *why)
{
	const char *from = berth_arguments_value(arguments, "code-file");
	const char *length = berth_arguments_value_or(arguments, "for", "120s");
	BERTH_JSON json_t *root = json_object();
	BERTH_BUF body = {0};
	int64_t seconds = 0;

	if (from == NULL)
		return berth_fail(why, BERTH_E_USAGE, "dpp-pkex-code", NULL,
				  "start wants --code-file");
	enum berth_err err = berth_duration_parse_s(berth_text(length), &seconds, why);
	if (!err && (seconds < 1 || seconds > FOR_MAX_S))
		err = berth_fail(why, BERTH_E_USAGE, "dpp-pkex-time", NULL,
				 "--for is from 1 s to %d s", FOR_MAX_S);
	err = err ? err : put_options(arguments, root, why);
	err = err ? err : put_code(from, root, why);
	if (!err && (berth_json_set_i64(root, "seconds", seconds) ||
		     berth_json_encode(root, BERTH_JSON_AS_BUILT, &body)))
		err = berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	err = err ? err : berth_admin_ask(socket, "POST", PATH, berth_buf_view(&body), ret, why);
	if (body.p != NULL)
		berth_wipe(body.p, body.n);
	return err;
}

/* Until it is shut, whatever shuts it. The registrar does that: nothing here has to. */
static enum berth_err
wait_for_end(const char *socket, json_t **window, struct berth_why *why)
{
	const struct timespec pause = {.tv_nsec = 250 * 1000 * 1000};
	enum berth_err err = BERTH_OK;

	while (!err && strcmp(berth_dpp_text(*window, "state"), "open") == 0) {
		(void)nanosleep(&pause, NULL);
		json_decref(*window);
		*window = NULL;
		err = berth_admin_ask(socket, "GET", PATH, BERTH_BYTES_NONE, window, why);
	}
	return err;
}

static int
start_main(const char *command, const struct berth_arguments *arguments, const char *socket)
{
	const bool waits = !berth_arguments_has(arguments, "no-wait");
	BERTH_JSON json_t *window = NULL;
	struct berth_why why = {0};

	enum berth_err err = start(arguments, socket, &window, &why);
	if (!err && waits && !berth_arguments_has(arguments, "json")) {
		print_window(window);
		fflush(stdout);
	}
	if (!err && waits)
		err = wait_for_end(socket, &window, &why);
	const bool is_used = !err && strcmp(berth_dpp_text(window, "state"), "used") == 0;
	int status = berth_dpp_finish(command, arguments, err, &why, window, print_window);
	return status == BERTH_EXIT_DONE && waits && !is_used ? BERTH_EXIT_REFUSED : status;
}

int
berth_dpp_pkex_main(int argc, char **argv)
{
	struct berth_arguments arguments;
	BERTH_JSON json_t *reply = NULL;
	struct berth_why why = {0};
	int status = 0;

	if (!berth_arguments_parse(&usage, argc, argv, &arguments, &status))
		return status;
	const char *socket = berth_admin_socket(berth_arguments_value(&arguments, "socket"));
	const char *what = arguments.operand[0];
	const bool is_stop = strcmp(what, "stop") == 0;
	if (strcmp(what, "start") == 0)
		return start_main(argv[0], &arguments, socket);
	enum berth_err err =
		!is_stop && strcmp(what, "show") != 0
			? berth_fail(&why, BERTH_E_USAGE, "dpp-pkex", NULL,
				     "start, show or stop: there is no \"%.40s\"", what)
			: berth_admin_ask(socket, is_stop ? "POST" : "GET",
					  is_stop ? PATH "/close" : PATH, BERTH_BYTES_NONE, &reply,
					  &why);
	return berth_dpp_finish(argv[0], &arguments, err, &why, reply, print_window);
}
