/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/backup/survey.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static enum berth_err
no_memory(struct berth_why *why)
{
	return berth_fail(why, BERTH_E_MEMORY, "backup-memory", NULL, "out of memory");
}

static enum berth_err
each_key(const struct berth_conf_section *section, const void *base, berth_survey_visit *visit,
	 void *context, struct berth_why *why)
{
	for (size_t i = 0; i < section->key_count; i++) {
		const struct berth_conf_key *key = &section->keys[i];
		if (key->type != BERTH_CONF_PATH && key->type != BERTH_CONF_KEY_URI)
			continue;
		const char *value =
			*(const char *const *)(const void *)((const char *)base + key->offset);
		enum berth_err err =
			value ? visit(context, section, key, base, value, why) : BERTH_OK;
		if (err)
			return err;
	}
	return BERTH_OK;
}

enum berth_err
berth_survey_each(const struct berth_conf_schema *schema, const void *settings,
		  berth_survey_visit *visit, void *context, struct berth_why *why)
{
	enum berth_err err = BERTH_OK;

	for (size_t i = 0; i < schema->section_count && !err; i++) {
		const struct berth_conf_section *section = &schema->sections[i];
		if (!section->is_named) {
			err = each_key(section, settings, visit, context, why);
			continue;
		}
		const struct berth_conf_items *items =
			(const void *)((const char *)settings + section->offset);
		for (size_t j = 0; j < items->count && !err; j++)
			err = each_key(section, (const char *)items->items + j * section->item_size,
				       visit, context, why);
	}
	return err;
}

static enum berth_err
add_file(struct berth_survey *survey, const char *from, const char *to, struct berth_why *why)
{
	if (strlen(to) > BERTH_BACKUP_PATH_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "backup-path", NULL,
				  "%.100s...: the path is too long for a backup", to);
	if (survey->count == BERTH_SURVEY_FILES_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "backup-files", NULL,
				  "more than %d files are in %.150s and the state directory: keep "
				  "the configuration in a folder of its own",
				  BERTH_SURVEY_FILES_MAX, survey->folder);
	struct berth_survey_file *file = &survey->files[survey->count];
	file->from = strdup(from);
	file->to = strdup(to);
	survey->count++;
	return file->from && file->to ? BERTH_OK : no_memory(why);
}

static bool
ends_with(const char *name, const char *end)
{
	size_t n = strlen(name);
	size_t m = strlen(end);
	return n >= m && strcmp(name + n - m, end) == 0;
}

struct walk {
	struct berth_survey *survey;
	const struct berth_backup_subject *subject;
	const struct berth_daemon_conf *common;
	bool is_state;
};

/* Of the state directory: what a snapshot stands for, and what must not be put back. */
static bool
is_left_out(const struct walk *walk, const char *path, const char *name)
{
	const char *const outputs[] = {walk->common->port_file, walk->common->plain_port_file};

	if (ends_with(name, ".lock") || ends_with(name, ".part"))
		return true;
	for (size_t i = 0; i < sizeof(outputs) / sizeof(outputs[0]); i++) {
		char real[PATH_MAX];
		if (outputs[i] && realpath(outputs[i], real) && strcmp(real, path) == 0)
			return true;
	}
	if (!walk->is_state)
		return false;
	size_t n = strlen(walk->subject->store);
	return strcmp(name, walk->subject->witness) == 0 ||
	       (strncmp(name, walk->subject->store, n) == 0 && (name[n] == '\0' || name[n] == '-'));
}

static enum berth_err visit_name(const struct walk *walk, const char *folder, const char *prefix,
				 const char *name, int depth, struct berth_why *why);

static enum berth_err
walk_folder(const struct walk *walk, const char *folder, const char *prefix, int depth,
	    struct berth_why *why)
{
	struct dirent **entries = NULL;
	enum berth_err err = BERTH_OK;

	if (depth > BERTH_SURVEY_DEPTH_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "backup-depth", NULL,
				  "%.150s: folders are nested too deeply", folder);
	int n = scandir(folder, &entries, NULL, alphasort);
	if (n < 0)
		return berth_fail(why, BERTH_E_IO, "backup-read", NULL, "%.150s: %s", folder,
				  strerror(errno));
	for (int i = 0; i < n; i++) {
		if (!err)
			err = visit_name(walk, folder, prefix, entries[i]->d_name, depth, why);
		free(entries[i]);
	}
	free(entries);
	return err;
}

/* Bounded by BERTH_SURVEY_DEPTH_MAX. */
static enum berth_err
visit_name(const struct walk *walk, const char *folder, const char *prefix, const char *name,
	   int depth, struct berth_why *why)
{
	char path[PATH_MAX];
	char to[PATH_MAX];
	struct stat st;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return BERTH_OK;
	int n = snprintf(path, sizeof(path), "%s/%s", folder, name);
	int m = snprintf(to, sizeof(to), "%s%s%s", prefix, prefix[0] ? "/" : "", name);
	if (n < 0 || (size_t)n >= sizeof(path) || m < 0 || (size_t)m >= sizeof(to))
		return berth_fail(why, BERTH_E_LIMIT, "backup-path", NULL, "a path is too long");
	if (lstat(path, &st) != 0)
		return errno == ENOENT ? BERTH_OK
				       : berth_fail(why, BERTH_E_IO, "backup-read", NULL,
						    "%.150s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode)) {
		/* the state directory has its own walk */
		if (!walk->is_state && strcmp(path, walk->survey->state) == 0)
			return BERTH_OK;
		return walk_folder(walk, path, to, depth + 1, why);
	}
	if (S_ISLNK(st.st_mode))
		return berth_fail(why, BERTH_E_UNSUPPORTED, "backup-link", NULL,
				  "%.150s is a symbolic link: name its target in the configuration",
				  path);
	if (!S_ISREG(st.st_mode) || is_left_out(walk, path, name))
		return BERTH_OK;
	return add_file(walk->survey, path, to, why);
}

static struct berth_bytes
keep(struct berth_survey *survey, const char *text)
{
	if (survey->text_count == sizeof(survey->texts) / sizeof(survey->texts[0]))
		return BERTH_BYTES_NONE;
	char *copy = strdup(text);
	survey->texts[survey->text_count] = copy;
	survey->text_count += copy != NULL;
	return berth_text(copy);
}

static enum berth_err
note(struct berth_survey *survey, struct berth_backup_pair *pairs, size_t *count, const char *name,
     const char *value, struct berth_why *why)
{
	if (*count == BERTH_BACKUP_NAMES_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "backup-names", NULL,
				  "the configuration names more than %d keys in hardware or files "
				  "outside of its folder",
				  BERTH_BACKUP_NAMES_MAX);
	pairs[*count].name = keep(survey, name);
	pairs[*count].value = keep(survey, value);
	if (pairs[*count].name.p == NULL || pairs[*count].value.p == NULL)
		return no_memory(why);
	(*count)++;
	return BERTH_OK;
}

/* "/a/b" is below "/a". */
static const char *
below(const char *path, const char *folder)
{
	size_t n = strlen(folder);
	return strncmp(path, folder, n) == 0 && path[n] == '/' ? path + n + 1 : NULL;
}

static enum berth_err
visit_value(void *context, const struct berth_conf_section *section,
	    const struct berth_conf_key *key, const void *base, const char *value,
	    struct berth_why *why)
{
	struct walk *walk = context;
	struct berth_survey *survey = walk->survey;
	struct berth_backup_about *about = &survey->about;
	char real[PATH_MAX];
	char to[PATH_MAX];
	struct stat st;

	(void)section;
	(void)base;
	if (key->type == BERTH_CONF_KEY_URI && strncmp(value, "file:", 5) != 0)
		return note(survey, about->hardware, &about->hardware_count, key->name, value, why);
	const char *path = key->type == BERTH_CONF_KEY_URI ? value + 5 : value;
	if (!realpath(path, real) || stat(real, &st) != 0 || !S_ISREG(st.st_mode) ||
	    below(real, survey->folder) || below(real, survey->state))
		return BERTH_OK;
	if (is_left_out(walk, real, strrchr(real, '/') + 1))
		return BERTH_OK;
	for (size_t i = 0; i < about->moved_count; i++) {
		if (berth_bytes_equal_text(about->moved[i].name, real))
			return BERTH_OK;
	}
	(void)snprintf(to, sizeof(to), "outside/%zu-%s", about->moved_count,
		       strrchr(real, '/') + 1);
	enum berth_err err = note(survey, about->moved, &about->moved_count, real, to, why);
	return err ? err : add_file(survey, real, to, why);
}

static enum berth_err
find_folders(const char *config, const struct berth_daemon_conf *common,
	     struct berth_survey *survey, struct berth_why *why)
{
	char real[PATH_MAX];
	char state[PATH_MAX];

	if (!realpath(config, real) || !realpath(common->state_directory, state))
		return berth_fail(why, BERTH_E_NOT_FOUND, "backup-read", NULL,
				  "%.100s or its state-directory %.100s: %s", config,
				  common->state_directory, strerror(errno));
	char *slash = strrchr(real, '/');
	survey->configuration = strdup(slash + 1);
	*slash = '\0';
	survey->folder = strdup(real);
	survey->state = strdup(state);
	const char *inside = survey->folder ? below(state, survey->folder) : NULL;
	survey->state_to = strdup(inside ? inside : "state");
	if (!survey->folder || !survey->configuration || !survey->state || !survey->state_to)
		return no_memory(why);
	return inside ? BERTH_OK
		      : note(survey, survey->about.moved, &survey->about.moved_count, state,
			     "state", why);
}

enum berth_err
berth_survey_make(const struct berth_backup_subject *subject, const char *config,
		  const struct berth_daemon_loaded *loaded, struct berth_survey *survey,
		  struct berth_why *why)
{
	struct walk walk = {survey, subject, loaded->common, false};
	enum berth_err err = find_folders(config, loaded->common, survey, why);

	if (!err)
		err = walk_folder(&walk, survey->folder, "", 0, why);
	if (!err)
		err = berth_survey_each(subject->daemon.schema, loaded->settings, visit_value,
					&walk, why);
	walk.is_state = true;
	if (!err)
		err = walk_folder(&walk, survey->state, survey->state_to, 0, why);
	if (err)
		return err;
	survey->about.daemon = berth_text(subject->daemon.name);
	survey->about.folder = berth_text(survey->folder);
	survey->about.configuration = berth_text(survey->configuration);
	survey->about.state = berth_text(survey->state_to);
	survey->about.state_was = berth_text(survey->state);
	return BERTH_OK;
}

void
berth_survey_free(struct berth_survey *survey)
{
	for (size_t i = 0; i < survey->count; i++) {
		free(survey->files[i].from);
		free(survey->files[i].to);
	}
	for (size_t i = 0; i < survey->text_count; i++)
		free(survey->texts[i]);
	free(survey->folder);
	free(survey->configuration);
	free(survey->state);
	free(survey->state_to);
}
