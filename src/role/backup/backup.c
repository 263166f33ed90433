/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * berth registrar backup, berth masa backup: beside the running daemon. The store is copied first and the signer's log
 * after it, so that the log knows at least what the store knows.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pki/seal.h"
#include "role/backup/passphrase.h"
#include "role/backup/survey.h"
#include "role/options.h"
#include "role/verb.h"
#include "store/snapshot.h"
#include "system/clock.h"
#include "system/files.h"
#include "system/random.h"

#define SNAPSHOT "backup.db.part" /* in the state directory: as private as the store itself */
#define LOCK "backup.lock"

static const struct berth_option options[] = {
	{.name = "config",
	 .argument = "FILE",
	 .help = "the daemon's configuration",
	 .required = true},
	{.name = "passphrase-file",
	 .argument = "FILE",
	 .help = "its first line seals the backup; - is standard input",
	 .required = true},
	{0},
};

static const struct berth_usage usage = {
	.operands = "FILE",
	.operands_min = 1,
	.operands_max = 1,
	.about = "Writes configuration, certificates, key files, store and the signer's log into "
		 "one sealed file,\n"
		 "while the daemon runs. Keys in hardware are named, not copied.",
	.options = options,
};

/* All that one backup holds open. */
struct making {
	const struct berth_backup_subject *subject;
	struct berth_pki *pki;
	struct berth_daemon_loaded loaded;
	struct berth_survey *survey;
	struct berth_secret passphrase;
	struct berth_seal *seal;
	char snapshot[PATH_MAX];
	int lock;
	int out;
	char part[PATH_MAX];
};

static void
making_end(struct making *making)
{
	if (making->snapshot[0] && making->lock >= 0)
		(void)unlink(making->snapshot);
	if (making->part[0])
		(void)unlink(making->part);
	berth_fd_close(&making->out);
	berth_fd_close(&making->lock);
	berth_seal_free(making->seal);
	berth_secret_free(&making->passphrase);
	if (making->survey)
		berth_survey_free(making->survey);
	free(making->survey);
	berth_daemon_loaded_free(&making->loaded);
	berth_pki_close(making->pki);
}

static enum berth_err
sha256(void *context, struct berth_bytes in, uint8_t out[BERTH_DIGEST_BYTES])
{
	return berth_sha256(context, in, out);
}

static enum berth_err
fail_errno(struct berth_why *why, const char *path, const char *what)
{
	return berth_fail(why, BERTH_E_IO, "backup-io", NULL, "%.150s cannot be %s: %s", path, what,
			  strerror(errno));
}

static enum berth_err
sink(void *context, struct berth_bytes bytes, struct berth_why *why)
{
	const int *fd = context;
	size_t at = 0;

	while (at < bytes.n) {
		ssize_t n = write(*fd, bytes.p + at, bytes.n - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail_errno(why, "the backup", "written");
		at += (size_t)n;
	}
	return BERTH_OK;
}

/* Of what root leaves in the state directory, the daemon's user must be able to open. (SQLite sees to its own files.) */
static void
give_to_owner(int fd, const char *folder)
{
	struct stat st;

	if (geteuid() == 0 && stat(folder, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) != 0)
		errno = 0; /* a file system without owners */
}

static enum berth_err
open_output(struct making *making, const char *path, struct berth_why *why)
{
	int n = snprintf(making->part, sizeof(making->part), "%s.part", path);

	if (n < 0 || (size_t)n >= sizeof(making->part))
		return berth_fail(why, BERTH_E_USAGE, "backup-path", NULL, "the path is too long");
	if (access(path, F_OK) == 0) {
		making->part[0] = '\0';
		return berth_fail(why, BERTH_E_EXISTS, "backup-exists", NULL,
				  "it is there already: give each backup a name of its own");
	}
	making->out =
		open(making->part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	return making->out < 0 ? fail_errno(why, making->part, "made") : BERTH_OK;
}

static enum berth_err
take_snapshot(struct making *making, struct berth_why *why)
{
	struct berth_store *store BERTH_CLEANUP(berth_store_closep) = NULL;
	struct berth_backup_about *about = &making->survey->about;
	struct berth_audit_report report;
	char path[PATH_MAX];
	struct berth_store_conf conf = {
		.path = path,
		.schema = making->subject->schema,
		.digest = {sha256, making->pki},
		.read_only = true,
	};

	(void)snprintf(path, sizeof(path), "%.2000s/" LOCK, making->survey->state);
	enum berth_err err = berth_file_lock(path, &making->lock, why);
	if (err)
		return err;
	give_to_owner(making->lock, making->survey->state);
	(void)snprintf(path, sizeof(path), "%.2000s/%.100s", making->survey->state,
		       making->subject->store);
	(void)snprintf(making->snapshot, sizeof(making->snapshot), "%.2000s/" SNAPSHOT,
		       making->survey->state);
	(void)unlink(making->snapshot); /* of one that was killed */
	err = berth_store_open(&conf, &store, why);
	err = err ? err : berth_store_snapshot(store, making->snapshot, why);
	if (err)
		return err;
	berth_store_close(store);
	store = NULL;
	conf.path = making->snapshot;
	err = berth_store_open(&conf, &store, why);
	err = err ? err : berth_store_check(store, &report, why);
	if (err)
		return err;
	about->audit_entries = report.entries;
	memcpy(about->audit_head, report.head, sizeof(report.head));
	return BERTH_OK;
}

static enum berth_err
put_framed(struct making *making, const struct berth_buf *bytes, struct berth_why *why)
{
	const uint8_t n[] = {(uint8_t)(bytes->n >> 24), (uint8_t)(bytes->n >> 16),
			     (uint8_t)(bytes->n >> 8), (uint8_t)bytes->n};
	enum berth_err err = berth_seal_write(making->seal, berth_bytes_of(n, sizeof(n)), why);

	return err ? err : berth_seal_write(making->seal, berth_buf_view(bytes), why);
}

static enum berth_err
put_about(struct making *making, struct berth_why *why)
{
	BERTH_BUF bytes = {.limit = BERTH_BACKUP_ABOUT_MAX};
	struct berth_backup_about *about = &making->survey->about;
	char host[HOST_NAME_MAX + 1] = "";

	(void)gethostname(host, sizeof(host) - 1);
	about->host = berth_text(host);
	about->made_at = berth_clock_wall();
	enum berth_err err = berth_backup_about_encode(about, &bytes);
	return err ? berth_fail(why, err, "backup-memory", NULL, "out of memory")
		   : put_framed(making, &bytes, why);
}

/* A file that grows meanwhile (the signer's log) is taken as long as it was at first; it never shrinks. */
static enum berth_err
put_content(struct making *making, int fd, const char *path, uint64_t size, struct berth_why *why)
{
	uint8_t block[16384];
	enum berth_err err = BERTH_OK;

	while (size > 0 && !err) {
		ssize_t n = read(fd, block, size < sizeof(block) ? (size_t)size : sizeof(block));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			err = n < 0 ? fail_errno(why, path, "read")
				    : berth_fail(why, BERTH_E_STATE, "backup-changed", NULL,
						 "%.150s became shorter meanwhile: try again",
						 path);
			break;
		}
		err = berth_seal_write(making->seal, berth_bytes_of(block, (size_t)n), why);
		size -= (uint64_t)n;
	}
	berth_wipe(block, sizeof(block));
	return err;
}

static enum berth_err
put_file(struct making *making, enum berth_backup_kind kind, const char *from, const char *to,
	 struct berth_why *why)
{
	BERTH_FD fd = open(from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	BERTH_BUF bytes = {0};
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return fail_errno(why, from, "read");
	const struct passwd *owner = getpwuid(st.st_uid);
	const struct berth_backup_entry entry = {
		.kind = kind,
		.path = berth_text(to),
		.owner = berth_text(owner ? owner->pw_name : NULL),
		.mode = st.st_mode & 0777,
		.size = (uint64_t)st.st_size,
	};
	enum berth_err err = berth_backup_entry_encode(&entry, &bytes);
	if (err)
		return berth_fail(why, err, "backup-memory", NULL, "out of memory");
	err = put_framed(making, &bytes, why);
	return err ? err : put_content(making, fd, from, entry.size, why);
}

static enum berth_err
write_all(struct making *making, struct berth_why *why)
{
	const struct berth_survey *survey = making->survey;
	const struct berth_random random = berth_system_random();
	const struct berth_buf end = {0};
	char to[PATH_MAX];

	enum berth_err err = berth_seal_start(
		making->pki, berth_bytes_of(making->passphrase.p, making->passphrase.n), &random,
		sink, &making->out, &making->seal, why);
	err = err ? err : put_about(making, why);
	(void)snprintf(to, sizeof(to), "%.500s/%.100s", survey->state_to, making->subject->store);
	err = err ? err : put_file(making, BERTH_BACKUP_STORE, making->snapshot, to, why);
	for (size_t i = 0; i < survey->count && !err; i++)
		err = put_file(making, BERTH_BACKUP_FILE, survey->files[i].from,
			       survey->files[i].to, why);
	err = err ? err : put_framed(making, &end, why);
	err = err ? err : berth_seal_finish(making->seal, why);
	if (!err && fsync(making->out) != 0)
		err = fail_errno(why, "the backup", "made durable");
	return err;
}

static enum berth_err
make(struct making *making, const struct berth_arguments *arguments, struct berth_why *why)
{
	const char *config = berth_arguments_value(arguments, "config");
	const char *file = arguments->operand[0];

	enum berth_err err = berth_passphrase_read(
		berth_arguments_value(arguments, "passphrase-file"), &making->passphrase, why);
	err = err ? err : berth_daemon_load(&making->subject->daemon, config, &making->loaded, why);
	err = err ? err : open_output(making, file, why);
	if (err)
		return err;
	making->survey = calloc(1, sizeof(*making->survey));
	if (!making->survey)
		return berth_fail(why, BERTH_E_MEMORY, "backup-memory", NULL, "out of memory");
	err = berth_pki_open(&making->pki, why);
	err = err ? err
		  : berth_survey_make(making->subject, config, &making->loaded, making->survey,
				      why);
	err = err ? err : take_snapshot(making, why);
	err = err ? err : write_all(making, why);
	if (!err && link(making->part, file) != 0)
		err = fail_errno(why, file, "made");
	return err;
}

static void
report(const struct making *making, const char *file)
{
	const struct berth_survey *survey = making->survey;

	printf("%s: the store with %lld audit entries, and %zu files\n", file,
	       (long long)survey->about.audit_entries, survey->count);
	for (size_t i = 0; i < survey->about.hardware_count; i++)
		printf("  not in it: %.*s = %.*s (its hardware keeps it)\n",
		       (int)survey->about.hardware[i].name.n,
		       (const char *)survey->about.hardware[i].name.p,
		       (int)survey->about.hardware[i].value.n,
		       (const char *)survey->about.hardware[i].value.p);
}

int
berth_backup_main(const struct berth_backup_subject *subject, int argc, char **argv)
{
	struct berth_arguments arguments;
	int status = 0;
	struct berth_why why = {0};

	if (!berth_arguments_parse(&usage, argc, argv, &arguments, &status))
		return status;
	BERTH_CLEANUP(making_end)
	struct making making = {.subject = subject, .lock = -1, .out = -1};
	if (make(&making, &arguments, &why))
		return berth_print_why(argv[0], arguments.operand[0], &why);
	report(&making, arguments.operand[0]);
	return BERTH_EXIT_DONE;
}
