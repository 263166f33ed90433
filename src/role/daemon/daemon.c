/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/daemon/daemon.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/listen.h"
#include "role/daemon/announce.h"
#include "role/daemon/child.h"
#include "role/daemon/parent.h"
#include "role/verb.h"
#include "system/files.h"
#include "system/process.h"

#define CONFIG_BYTES_MAX 262144
#define DROP_INS_MAX 320 /* a file for each of 256 manufacturers, and others */

const char *const berth_daemon_log_choices[] = {"text", "json", NULL};

struct arguments {
	const char *config;
	const char *log; /* NULL: what the configuration says */
	const char *child;
	uint32_t index;
	bool check, help, version;
};

static bool
take_log(struct arguments *arguments, const char *value)
{
	arguments->log = value;
	return strcmp(value, "text") == 0 || strcmp(value, "json") == 0;
}

/* Returns how many words it took, 0 when it does not know this one. */
static int
take_argument(struct arguments *a, int left, char **words)
{
	if (strcmp(words[0], "--check-config") == 0) {
		a->check = true;
		return 1;
	}
	if (strcmp(words[0], "--help") == 0) {
		a->help = true;
		return 1;
	}
	if (strcmp(words[0], "--version") == 0) {
		a->version = true;
		return 1;
	}
	if (strncmp(words[0], "--log=", 6) == 0) {
		return take_log(a, words[0] + 6) ? 1 : 0;
	}
	if (strncmp(words[0], "--config=", 9) == 0) {
		a->config = words[0] + 9;
		return 1;
	}
	if (left >= 2 && strcmp(words[0], "--config") == 0) {
		a->config = words[1];
		return 2;
	}
	if (left >= 3 && strcmp(words[0], "--child") == 0) {
		a->child = words[1];
		a->index = (uint32_t)strtoul(words[2], NULL, 10);
		return 3;
	}
	return 0;
}

static void
print_help(const struct berth_daemon *daemon)
{
	printf("usage: %s --config FILE [--check-config] [--log=text|json]\n"
	       "       %s --help | --version\n\n"
	       "%s\n\n"
	       "  --config FILE    its configuration; FILE.d/*.conf are read after it\n"
	       "  --check-config   read it and the files it names, say what is wrong, and end\n"
	       "  --log=FORM       text (default) or json, on standard error\n\n"
	       "The configuration, with its defaults:\n\n",
	       daemon->name, daemon->name, daemon->summary ? daemon->summary : "");
	BERTH_BUF text = {0};
	if (berth_conf_describe(daemon->schema, &text) == BERTH_OK) {
		(void)fwrite(text.p, 1, text.n, stdout);
	}
}

static enum berth_err
read_drop_in(const char *folder, const char *name, struct berth_buf *text, char path[PATH_MAX],
	     struct berth_why *why)
{
	int n = snprintf(path, PATH_MAX, "%s/%s", folder, name);
	if (n < 0 || n >= PATH_MAX) {
		return berth_fail(why, BERTH_E_USAGE, "config-path", NULL, "path too long");
	}
	return berth_file_read(path, CONFIG_BYTES_MAX, text, why);
}

/* The file and its drop-ins, in order. bufs and paths are the caller's, for DROP_INS_MAX + 1. */
struct sources {
	struct berth_buf bufs[DROP_INS_MAX + 1];
	char paths[DROP_INS_MAX + 1][PATH_MAX];
	struct berth_conf_text texts[DROP_INS_MAX + 1];
	size_t n;
};

static enum berth_err
read_sources(const char *config, struct sources *s, struct berth_why *why)
{
	char folder[PATH_MAX];
	int n = snprintf(s->paths[0], PATH_MAX, "%s", config);
	int m = snprintf(folder, sizeof(folder), "%s.d", config);
	if (n < 0 || n >= PATH_MAX || m < 0 || m >= PATH_MAX) {
		return berth_fail(why, BERTH_E_USAGE, "config-path", NULL, "path too long");
	}
	char **names = NULL;
	size_t count = 0;
	enum berth_err err = berth_file_read(config, CONFIG_BYTES_MAX, &s->bufs[0], why);
	err = err ? err : berth_folder_names(folder, ".conf", DROP_INS_MAX, &names, &count, why);
	s->n = 1;
	for (size_t i = 0; i < count && !err; i++) {
		err = read_drop_in(folder, names[i], &s->bufs[s->n], s->paths[s->n], why);
		s->n++;
	}
	berth_folder_names_free(names, count);
	for (size_t i = 0; i < s->n; i++) {
		s->texts[i] = (struct berth_conf_text){s->paths[i], berth_buf_view(&s->bufs[i])};
	}
	return err;
}

static void
sources_free(struct sources **s)
{
	for (size_t i = 0; *s && i <= DROP_INS_MAX; i++) {
		berth_buf_free(&(*s)->bufs[i]);
	}
	free(*s);
}

enum berth_err
berth_daemon_load(const struct berth_daemon *daemon, const char *config,
		  struct berth_daemon_loaded *ret, struct berth_why *why)
{
	BERTH_CLEANUP(sources_free) struct sources *s = calloc(1, sizeof(*s));
	ret->settings = calloc(1, daemon->settings_size);
	if (!s || !ret->settings) {
		return berth_fail(why, BERTH_E_MEMORY, "config", NULL, "out of memory");
	}
	ret->common =
		(struct berth_daemon_conf *)(void *)((char *)ret->settings + daemon->common_offset);
	enum berth_err err = read_sources(config, s, why);
	err = err ? err
		  : berth_conf_parse(daemon->schema, s->texts, s->n, &ret->conf, ret->settings,
				     why);
	err = err ? err : berth_listen_parse(ret->common->listen, NULL, NULL, why);
	if (!err && ret->common->plain_listen) {
		err = berth_listen_parse(ret->common->plain_listen, NULL, NULL, why);
	}
	if (!err && ret->common->dpp_listen) {
		err = berth_listen_parse(ret->common->dpp_listen, NULL, NULL, why);
	}
	err = err ? err : berth_daemon_announce_check(daemon, ret->settings, why);
	return err || !daemon->check ? err : daemon->check(ret->settings, why);
}

void
berth_daemon_loaded_free(struct berth_daemon_loaded *loaded)
{
	berth_conf_free(&loaded->conf);
	free(loaded->settings);
}

static bool
find_kind(const char *name, enum berth_child_kind *ret)
{
	for (int kind = BERTH_CHILD_SIGNER; kind <= BERTH_CHILD_NET; kind++) {
		if (strcmp(name, berth_child_name((enum berth_child_kind)kind)) == 0) {
			*ret = (enum berth_child_kind)kind;
			return true;
		}
	}
	return false;
}

static int
run_child(const struct berth_daemon *daemon, const struct berth_daemon_loaded *loaded,
	  const struct arguments *arguments, const struct berth_log *log)
{
	struct berth_child child = {
		.daemon = daemon,
		.settings = loaded->settings,
		.conf = loaded->common,
		.log = *log,
		.index = arguments->index,
	};
	struct berth_why why = {0};
	if (!find_kind(arguments->child, &child.kind)) {
		return BERTH_EXIT_USAGE;
	}
	if ((loaded->common->user && berth_process_become(loaded->common->user, &why)) ||
	    berth_child_open(&child, &why)) {
		return berth_child_fail(&child, &why);
	}
	int status = 0;
	switch (child.kind) {
	case BERTH_CHILD_SIGNER:
	case BERTH_CHILD_TLS_SIGNER:
		status = berth_signer_child_run(&child);
		break;
	case BERTH_CHILD_JUDGE:
		status = berth_judge_run(&child);
		break;
	case BERTH_CHILD_NET:
		status = berth_net_child_run(&child);
		break;
	}
	berth_child_close(&child);
	return status;
}

static enum berth_err
check_files(const struct berth_daemon *daemon, const struct berth_daemon_loaded *loaded,
	    struct berth_why *why)
{
	BERTH_CLEANUP(berth_pki_closep) struct berth_pki *pki = NULL;
	/* As the children will: root can read what they cannot. */
	enum berth_err err = loaded->common->user && geteuid() == 0
				     ? berth_process_become(loaded->common->user, why)
				     : BERTH_OK;
	err = err ? err : berth_daemon_check_key("tls-key", loaded->common->tls_key, why);
	err = err ? err : berth_pki_open(&pki, why);
	return err || !daemon->check_files ? err : daemon->check_files(pki, loaded->settings, why);
}

static int
run_check(const struct berth_daemon *daemon, const struct berth_daemon_loaded *loaded,
	  const char *config)
{
	struct berth_why why = {0};
	if (check_files(daemon, loaded, &why)) {
		berth_print_why(daemon->name, NULL, &why);
		return BERTH_EXIT_USAGE;
	}
	printf("%s: the configuration is good\n", config);
	return BERTH_EXIT_DONE;
}

static int
run_loaded(const struct berth_daemon *daemon, const struct berth_daemon_loaded *loaded,
	   const struct arguments *arguments)
{
	bool is_json =
		arguments->log ? strcmp(arguments->log, "json") == 0 : loaded->common->log == 1;
	struct berth_log log = berth_log_open(daemon->name, is_json);
	if (arguments->child) {
		return run_child(daemon, loaded, arguments, &log);
	}
	if (arguments->check) {
		return run_check(daemon, loaded, arguments->config);
	}
	const struct berth_parent_conf conf = {
		.daemon = daemon,
		.conf = loaded->common,
		.config_path = arguments->config,
		.is_json = is_json,
		.log = log,
	};
	return berth_parent_run(&conf);
}

static int
exit_of_load(enum berth_err err)
{
	/* Syntax and limits are those of a file that the operator wrote. */
	return err == BERTH_E_SYNTAX || err == BERTH_E_LIMIT ? BERTH_EXIT_USAGE
							     : (int)berth_exit_of(err);
}

int
berth_daemon_main(const struct berth_daemon *daemon, int argc, char **argv)
{
	struct arguments arguments = {0};
	for (int i = 1; i < argc;) {
		int took = take_argument(&arguments, argc - i, argv + i);
		if (took == 0) {
			fprintf(stderr, "%s: %s: no such option (see --help)\n", daemon->name,
				argv[i]);
			return BERTH_EXIT_USAGE;
		}
		i += took;
	}
	if (arguments.help) {
		print_help(daemon);
		return 0;
	}
	if (arguments.version) {
		printf("%s %s\n", daemon->name, BERTH_VERSION);
		return 0;
	}
	if (!arguments.config) {
		fprintf(stderr, "%s: --config FILE is missing (see --help)\n", daemon->name);
		return BERTH_EXIT_USAGE;
	}
	struct berth_daemon_loaded loaded = {0};
	struct berth_why why = {0};
	enum berth_err err = berth_daemon_load(daemon, arguments.config, &loaded, &why);
	int status = exit_of_load(err);
	if (err) {
		fprintf(stderr, "%s: %s\n", daemon->name, why.sentence);
	} else {
		status = run_loaded(daemon, &loaded, &arguments);
	}
	berth_daemon_loaded_free(&loaded);
	return status;
}
