/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/playbook/playbook.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "role/options.h"
#include "role/playbook/report.h"
#include "system/clock.h"
#include "system/files.h"
#include "system/namespace.h"

#define SCENARIO_SECONDS_MAX 600 /* a scenario takes some ten seconds; a hung one ends here */
#define RESULT_FD 3

struct playbook {
	const char *scripts;  /* folder of S0.sh ..., absolute: scenarios run elsewhere */
	const char *programs; /* folder of berth, berth-masa ... */
	const char *only;     /* "S1", NULL: all */
	const char *html;     /* file, NULL: none */
	bool is_json;
	bool is_verbose;
	char run[PATH_MAX]; /* temporary folder of this run */
	struct berth_playbook_results results;
};

/* In the order in which they build on each other: S0's devices are S1's, S1's are S3's. */
static const char *const scenarios[] = {"S0", "S1", "S3", "S5"};

static void
take_lines(struct playbook *playbook, struct berth_buf *pending)
{
	size_t from = 0;
	for (size_t i = 0; i < pending->n; i++) {
		if (pending->p[i] != '\n') {
			continue;
		}
		struct berth_why why = {0};
		struct berth_bytes line = berth_bytes_of(pending->p + from, i - from);
		if (berth_playbook_result_parse(&playbook->results, line, &why) != BERTH_OK) {
			fprintf(stderr, "berth: a scenario said what is not a result (%s): %.*s\n",
				why.sentence, (int)line.n, (const char *)line.p);
		}
		from = i + 1;
	}
	memmove(pending->p, pending->p + from, pending->n - from);
	pending->n -= from;
}

/* Reads results until the scenario closes its end or its time is over. */
static bool
read_results(struct playbook *playbook, int fd)
{
	BERTH_BUF pending = {.limit = (size_t)1 << 20};
	struct berth_mono end =
		berth_mono_after_ms(berth_clock_mono(), SCENARIO_SECONDS_MAX * 1000);
	for (;;) {
		char chunk[4096];
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		int64_t left_ms = end.ms - berth_clock_mono().ms;
		if (left_ms <= 0 || poll(&ready, 1, (int)left_ms) < 0) {
			return false;
		}
		ssize_t n = ready.revents != 0 ? read(fd, chunk, sizeof(chunk)) : 0;
		if (n <= 0) {
			return ready.revents != 0;
		}
		if (berth_buf_append(&pending, chunk, (size_t)n) != BERTH_OK) {
			return false;
		}
		take_lines(playbook, &pending);
	}
}

/* The child's side: the script with its results on descriptor 3, its chatter in a log file. */
static void
become_scenario(const struct playbook *playbook, const char *name, int results)
{
	char script[PATH_MAX + 16];
	char log[PATH_MAX + 16];
	snprintf(script, sizeof(script), "%s/%s.sh", playbook->scripts, name);
	snprintf(log, sizeof(log), "%s/%s.log", playbook->run, name);
	int out = playbook->is_verbose ? dup(STDERR_FILENO)
				       : open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	int in = open("/dev/null", O_RDONLY);
	if (out < 0 || in < 0 || dup2(results, RESULT_FD) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(out, STDERR_FILENO) < 0 || dup2(in, STDIN_FILENO) < 0 || setpgid(0, 0) != 0 ||
	    setenv("BERTH_PROGRAMS", playbook->programs, 1) != 0 ||
	    setenv("BERTH_RUN", playbook->run, 1) != 0) {
		_exit(126);
	}
	execlp("bash", "bash", script, (char *)NULL);
	_exit(127);
}

static bool
run_scenario(struct playbook *playbook, const char *name)
{
	int pipe_fd[2];
	if (pipe2(pipe_fd, O_CLOEXEC) != 0) {
		return false;
	}
	pid_t pid = fork();
	if (pid == 0) {
		become_scenario(playbook, name, pipe_fd[1]);
	}
	close(pipe_fd[1]);
	bool is_ended = pid > 0 && read_results(playbook, pipe_fd[0]);
	close(pipe_fd[0]);
	if (pid < 0) {
		return false;
	}
	if (!is_ended) {
		kill(-pid, SIGKILL);
	}
	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	return is_ended && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool
is_scenario_wanted(const struct playbook *playbook, const char *name)
{
	return playbook->only == NULL || strcmp(playbook->only, name) == 0;
}

/* A run of one scenario judges its own rows only. */
static bool
is_any_built_row_failed(const struct playbook *playbook)
{
	for (size_t i = 0; i < BERTH_CAPABILITY_COUNT; i++) {
		bool is_ours = berth_playbook_row_is_reported(&playbook->results, i);
		for (int d = 0; d < 2 && is_ours; d++) {
			if (berth_playbook_row_status(&playbook->results, i, d == 1) ==
			    BERTH_ROW_FAILED) {
				return true;
			}
		}
	}
	return false;
}

static bool
write_reports(const struct playbook *playbook)
{
	BERTH_BUF out = {0};
	enum berth_err err = playbook->is_json
				     ? berth_playbook_report_json(&playbook->results, &out)
				     : berth_playbook_report_text(&playbook->results, &out);
	if (err != BERTH_OK || fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout) != 0) {
		fprintf(stderr, "berth: the report could not be written\n");
		return false;
	}
	if (playbook->html == NULL) {
		return true;
	}
	BERTH_BUF page = {0};
	struct berth_why why = {0};
	if (berth_playbook_report_html(&playbook->results, &page) != BERTH_OK ||
	    berth_file_write(playbook->html, berth_buf_view(&page), 0644, &why) != BERTH_OK) {
		fprintf(stderr, "berth: %s could not be written: %s\n", playbook->html,
			why.sentence);
		return false;
	}
	return true;
}

/* Inside the new world. */
static int
play(void *context)
{
	struct playbook *playbook = context;
	bool is_whole = true;
	berth_playbook_results_start(&playbook->results);
	playbook->results.only = playbook->only;
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		/* Later scenarios need what earlier ones made; with --only the earlier ones run for that alone. */
		fprintf(stderr, "scenario %s ...\n", scenarios[i]);
		bool is_good = run_scenario(playbook, scenarios[i]);
		if (!is_good) {
			fprintf(stderr, "scenario %s did not end well; its log: %s/%s.log\n",
				scenarios[i], playbook->run, scenarios[i]);
		}
		is_whole = is_whole && (is_good || !is_scenario_wanted(playbook, scenarios[i]));
		if (playbook->only != NULL && is_scenario_wanted(playbook, scenarios[i])) {
			break;
		}
	}
	bool is_reported = write_reports(playbook);
	bool is_failed = is_any_built_row_failed(playbook);
	berth_playbook_results_end(&playbook->results);
	return is_whole && is_reported && !is_failed ? 0 : 1;
}

static int
remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

/* Where this very program stands: the others stand beside it. */
static bool
programs_folder(char *folder)
{
	ssize_t n = readlink("/proc/self/exe", folder, PATH_MAX - 1);
	if (n <= 0) {
		return false;
	}
	folder[n] = '\0';
	char *slash = strrchr(folder, '/');
	if (slash == NULL) {
		return false;
	}
	*slash = '\0';
	return true;
}

static const struct berth_option options[] = {
	BERTH_OPTION_JSON,
	{.name = "html",
	 .argument = "FILE",
	 .help = "write the table as one self-contained page too"},
	{.name = "only",
	 .argument = "SCENARIO",
	 .help = "judge S0, S1, S3 or S5 alone (what it builds on still runs)"},
	{.name = "scripts", .argument = "DIR", .help = "the folder of the scenario scripts"},
	{.name = "run",
	 .argument = "DIR",
	 .help = "work in this empty folder and leave logs and credentials there"},
	{.name = "verbose", .help = "show what the scenarios print"},
	{0},
};

static const struct berth_usage usage = {
	.about = "Runs the scenarios of NIST SP 1800-36 on this machine, in network namespaces of "
		 "its own, and\n"
		 "prints which of the 32 capabilities are shown. Needs root or unprivileged user "
		 "namespaces.",
	.options = options,
};

static bool
is_scenario(const char *name)
{
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (strcmp(scenarios[i], name) == 0) {
			return true;
		}
	}
	return false;
}

/* The folder of the run: the caller's, which stays, or a temporary one. */
static enum berth_err
choose_folder(struct playbook *playbook, const char *wanted, struct berth_why *why)
{
	if (wanted == NULL) {
		snprintf(playbook->run, sizeof(playbook->run), "/tmp/berth-playbook.XXXXXX");
		return mkdtemp(playbook->run) != NULL
			       ? BERTH_OK
			       : berth_fail(why, BERTH_E_IO, "playbook-folder", NULL,
					    "no temporary folder could be made: %s",
					    strerror(errno));
	}
	if (realpath(wanted, playbook->run) == NULL || rmdir(playbook->run) != 0 ||
	    mkdir(playbook->run, 0700) != 0) {
		return berth_fail(why, BERTH_E_USAGE, "playbook-folder", NULL,
				  "the folder must be there and empty: %s", strerror(errno));
	}
	return BERTH_OK;
}

static int
run_in_world(struct playbook *playbook, const char *command, const char *folder)
{
	struct berth_why why = {0};
	int status = 1;
	enum berth_err err = choose_folder(playbook, folder, &why);
	if (err != BERTH_OK) {
		return berth_print_why(command, folder, &why);
	}
	err = berth_namespace_run(play, playbook, &status, &why);
	if (folder != NULL || (err == BERTH_OK && status != 0)) {
		fprintf(stderr, "the run's folder: %s\n", playbook->run);
	} else {
		berth_ignore(nftw(playbook->run, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0,
			     "a left-over temporary folder does not change the result");
	}
	return err == BERTH_OK ? status : berth_print_why(command, NULL, &why);
}

static int
playbook_main(int argc, char **argv)
{
	struct berth_arguments arguments;
	int status = 0;
	if (!berth_arguments_parse(&usage, argc, argv, &arguments, &status)) {
		return status;
	}
	char programs[PATH_MAX];
	char built[PATH_MAX + 32];
	char scripts[PATH_MAX];
	struct playbook playbook = {
		.only = berth_arguments_value(&arguments, "only"),
		.html = berth_arguments_value(&arguments, "html"),
		.is_json = berth_arguments_has(&arguments, "json"),
		.is_verbose = berth_arguments_has(&arguments, "verbose"),
	};
	if (playbook.only != NULL && !is_scenario(playbook.only)) {
		fprintf(stderr, "%s: --only %s: there are the scenarios S0, S1, S3 and S5\n",
			argv[0], playbook.only);
		return BERTH_EXIT_USAGE;
	}
	if (!programs_folder(programs)) {
		fprintf(stderr, "%s: this program's own folder could not be read from /proc\n",
			argv[0]);
		return BERTH_EXIT_FAILED;
	}
	playbook.programs = programs;
	snprintf(built, sizeof(built), "%s/../tests/scenario", programs);
	const char *wanted = berth_arguments_value_or(
		&arguments, "scripts",
		access(built, X_OK) == 0 ? built : BERTH_DATA_FOLDER "/playbook");
	if (realpath(wanted, scripts) == NULL) {
		fprintf(stderr, "%s: the scenarios are not in %s: %s (--scripts)\n", argv[0],
			wanted, strerror(errno));
		return BERTH_EXIT_NOT_FOUND;
	}
	playbook.scripts = scripts;
	return run_in_world(&playbook, argv[0], berth_arguments_value(&arguments, "run"));
}

const struct berth_verb berth_playbook_verbs[] = {
	{"playbook", NULL, "run the scenarios of NIST SP 1800-36 and show the 32 capabilities",
	 playbook_main},
	{0},
};
