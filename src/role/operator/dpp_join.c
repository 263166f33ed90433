/* SPDX-License-Identifier: BSD-2-Clause */
/* `berth dpp permit-join`: a time in which known devices may join, counted down before whoever opened it. */
#include "role/operator/dpp_verbs.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/time.h"
#include "role/verb.h"

#define PATH "/v1/dpp/permit-join"
#define FOR_MAX_S 3600

static const struct berth_option options[] = {
	{.name = "for", .argument = "TIME", .help = "how long: 120s, 5m; at most 1h"},
	{.name = "no-wait", .help = "do not count down; it ends by itself"},
	BERTH_DPP_OPTION_SOCKET,
	BERTH_OPTION_JSON,
	{0},
};

static const struct berth_usage usage = {
	.about = "For this long, devices whose code was added and that would wait for an operator "
		 "are approved\nin your name when they announce themselves; what the policy denies "
		 "stays denied. Counts down,\nand ends at once when it is interrupted.",
	.options = options,
};

static int64_t
number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static enum berth_err
open_window(const char *socket, int64_t seconds, json_t **ret, struct berth_why *why)
{
	BERTH_BUF body = {0};

	if (berth_buf_printf(&body, "{\"seconds\":%lld}", (long long)seconds))
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	return berth_admin_ask(socket, "POST", PATH, berth_buf_view(&body), ret, why);
}

/* A second, or less where somebody wants it to end. */
static bool
is_interrupted(const sigset_t *signals)
{
	const struct timespec second = {.tv_sec = 1};

	return sigtimedwait(signals, NULL, &second) > 0;
}

static void
tell(int64_t left, int64_t admitted, int64_t before)
{
	if (isatty(STDOUT_FILENO))
		printf("\r%4lld s left, %lld joined ", (long long)left, (long long)admitted);
	else if (admitted != before)
		printf("%lld joined, %lld s left\n", (long long)admitted, (long long)left);
	fflush(stdout);
}

/* Until it ends, by its time or by a signal. *ret: devices that joined. */
static enum berth_err
count_down(const char *socket, json_t **window, bool is_silent, const sigset_t *signals,
	   int64_t *admitted, struct berth_why *why)
{
	enum berth_err err = BERTH_OK;
	int64_t told = -1;

	while (!err && json_is_true(json_object_get(*window, "open"))) {
		*admitted = number_of(*window, "admitted");
		if (!is_silent)
			tell(number_of(*window, "seconds-left"), *admitted, told);
		told = *admitted;
		bool is_over = is_interrupted(signals);
		json_decref(*window);
		*window = NULL;
		err = berth_admin_ask(socket, is_over ? "POST" : "GET",
				      is_over ? PATH "/close" : PATH, BERTH_BYTES_NONE, window,
				      why);
	}
	return err;
}

static void
print_opened(const json_t *reply)
{
	printf("Known devices may join for %lld s.\n", (long long)number_of(reply, "seconds-left"));
}

static int
wait_for_end(const struct berth_arguments *arguments, const char *command, const char *socket,
	     json_t **window, const sigset_t *signals)
{
	struct berth_why why = {0};
	int64_t admitted = 0;
	bool is_json = berth_arguments_has(arguments, "json");

	if (!is_json) {
		printf("Known devices may join without an approval of their own for %lld s; Ctrl-C "
		       "ends it.\n",
		       (long long)number_of(*window, "seconds-left"));
		fflush(stdout);
	}
	enum berth_err err = count_down(socket, window, is_json, signals, &admitted, &why);
	if (!is_json && isatty(STDOUT_FILENO))
		printf("\n");
	if (err)
		return berth_print_why(command, NULL, &why);
	printf(is_json ? "{\"admitted\":%lld}\n" : "Over: %lld joined.\n", (long long)admitted);
	return BERTH_EXIT_DONE;
}

int
berth_dpp_permit_join_main(int argc, char **argv)
{
	struct berth_arguments arguments;
	struct berth_why why = {0};
	BERTH_JSON json_t *window = NULL;
	sigset_t signals;
	int64_t seconds = 0;
	int status = 0;

	if (!berth_arguments_parse(&usage, argc, argv, &arguments, &status))
		return status;
	const char *length = berth_arguments_value_or(&arguments, "for", "120s");
	const char *socket = berth_admin_socket(berth_arguments_value(&arguments, "socket"));
	enum berth_err err = berth_duration_parse_s(berth_text(length), &seconds, &why);
	if (!err && (seconds < 1 || seconds > FOR_MAX_S))
		err = berth_fail(&why, BERTH_E_USAGE, "dpp-permit-join", NULL,
				 "--for is from 1 s to %d s", FOR_MAX_S);
	/* before it is open, so that an interruption is never lost */
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	if (!err && !berth_arguments_has(&arguments, "no-wait") &&
	    sigprocmask(SIG_BLOCK, &signals, NULL) != 0)
		err = berth_fail(&why, BERTH_E_IO, "dpp-permit-join", NULL,
				 "signals cannot be waited for: error %d", errno);
	err = err ? err : open_window(socket, seconds, &window, &why);
	if (err || berth_arguments_has(&arguments, "no-wait"))
		return berth_dpp_finish(argv[0], &arguments, err, &why, window, print_opened);
	return wait_for_end(&arguments, argv[0], socket, &window, &signals);
}
