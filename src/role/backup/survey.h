/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What belongs to a daemon on this machine: all files of its configuration's folder, of its state directory, and those
 * elsewhere that its configuration names; not what only lives while it runs (sockets, locks, the port file), and the
 * store and its witness neither: a snapshot stands for the one, the other stays where it is.
 */
#ifndef BERTH_ROLE_BACKUP_SURVEY_H
#define BERTH_ROLE_BACKUP_SURVEY_H

#include "role/backup/record.h"
#include "role/backup/subject.h"

#define BERTH_SURVEY_FILES_MAX 4096
#define BERTH_SURVEY_DEPTH_MAX 8

struct berth_survey_file {
	char *from; /* absolute */
	char *to;   /* in the backup */
};

struct berth_survey {
	struct berth_survey_file files[BERTH_SURVEY_FILES_MAX];
	size_t count;
	char *folder;	     /* of the configuration, absolute */
	char *configuration; /* its name */
	char *state;	     /* absolute */
	char *state_to;	     /* in the backup */
	struct berth_backup_about about;
	char *texts[4 * BERTH_BACKUP_NAMES_MAX]; /* what about points to */
	size_t text_count;
};

enum berth_err berth_survey_make(const struct berth_backup_subject *subject, const char *config,
				 const struct berth_daemon_loaded *loaded,
				 struct berth_survey *survey, struct berth_why *why) BERTH_MUST;
void berth_survey_free(struct berth_survey *survey);

/* Each key of the configuration that names a file or a key, those of named sections too; err stops. */
typedef enum berth_err berth_survey_visit(void *context, const struct berth_conf_section *section,
					  const struct berth_conf_key *key, const void *base,
					  const char *value, struct berth_why *why);
enum berth_err berth_survey_each(const struct berth_conf_schema *schema, const void *settings,
				 berth_survey_visit *visit, void *context,
				 struct berth_why *why) BERTH_MUST;

#endif
