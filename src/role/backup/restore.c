/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * berth registrar restore, berth masa restore. All is unpacked beside the place and judged there: the seal, the
 * configuration and the files it names, each key with its certificate, the store's pages and its audit chain. Only then is
 * it compared with what is in the place now, and only then put there; what was there is kept under another name.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "codec/json.h"
#include "pki/certificate.h"
#include "role/backup/passphrase.h"
#include "role/backup/placing.h"
#include "role/backup/survey.h"
#include "role/backup/unpack.h"
#include "role/daemon/issuance.h"
#include "role/options.h"
#include "role/verb.h"
#include "store/snapshot.h"
#include "system/clock.h"
#include "system/files.h"

#define NUMBER_MAX_BYTES 64
#define LOG_MAX_BYTES ((size_t)1 << 30) /* a million certificates */

static const struct berth_option options[] = {
	{.name = "to",
	 .argument = "DIR",
	 .help = "folder of the configuration; what is there is kept beside it",
	 .required = true},
	{.name = "passphrase-file",
	 .argument = "FILE",
	 .help = "its first line opens the backup; - is standard input",
	 .required = true},
	{.name = "replace", .help = "DIR is there already: put the backup in its place"},
	{.name = "witness",
	 .argument = "FILE",
	 .help = "a witness kept elsewhere: the backup must not be older than it"},
	{.name = "accept-older-audit",
	 .help = "restore although the audit log of the place has gone further; written into it"},
	{0},
};

static const struct berth_usage usage = {
	.operands = "FILE",
	.operands_min = 1,
	.operands_max = 1,
	.about = "Judges a whole backup and puts it into DIR: seal, configuration, keys with their "
		 "certificates, store and\n"
		 "audit log. A backup older than the place's witness is refused unless you accept "
		 "it by name.",
	.options = options,
};

struct restoring {
	const struct berth_backup_subject *subject;
	const struct berth_arguments *arguments;
	struct berth_pki *pki;
	struct berth_secret passphrase;
	struct berth_unpacked unpacked;
	struct berth_daemon_loaded loaded;
	struct berth_placing placing;
	struct berth_buf log; /* the signer's: the longest there is */
	size_t log_of_backup; /* how much of it the backup has */
	int64_t witness_seq;  /* the furthest that is known of; 0: none */
	bool is_older;
	struct berth_backup_forgotten forgotten;
};

static void
restoring_end(struct restoring *r)
{
	berth_secret_free(&r->passphrase);
	berth_unpacked_free(&r->unpacked);
	berth_daemon_loaded_free(&r->loaded);
	berth_buf_free(&r->log);
	berth_placing_end(&r->placing);
	berth_pki_close(r->pki);
}

static enum berth_err
sha256(void *context, struct berth_bytes in, uint8_t out[BERTH_DIGEST_BYTES])
{
	return berth_sha256(context, in, out);
}

static enum berth_err
join(char path[PATH_MAX], const char *folder, const char *name, struct berth_why *why)
{
	int n = snprintf(path, PATH_MAX, "%s/%s", folder, name);

	return n > 0 && n < PATH_MAX
		       ? BERTH_OK
		       : berth_fail(why, BERTH_E_LIMIT, "backup-path", NULL, "a path is too long");
}

static const char *
text_of(struct berth_bytes bytes, char text[PATH_MAX])
{
	(void)snprintf(text, PATH_MAX, "%.*s", (int)bytes.n, (const char *)bytes.p);
	return text;
}

/* ---- the configuration ---- */

/* "key = value" names what was moved: by its absolute path, or by a path relative to the old folder. */
static bool
names_moved(struct berth_bytes value, const struct berth_backup_about *about, size_t i)
{
	char joined[PATH_MAX];
	char real[PATH_MAX];
	struct berth_bytes was = about->moved[i].name;

	if (value.n > 5 && berth_bytes_starts_with(value, "file:"))
		value = berth_bytes_of(value.p + 5, value.n - 5);
	if (berth_bytes_equal(value, was))
		return true;
	(void)snprintf(joined, sizeof(joined), "%.*s/%.*s", (int)about->folder.n,
		       (const char *)about->folder.p, (int)value.n, (const char *)value.p);
	return realpath(joined, real) && berth_bytes_equal_text(was, real);
}

static enum berth_err
put_line(const struct berth_backup_about *about, struct berth_bytes line, struct berth_buf *out)
{
	const uint8_t *equals = line.n ? memchr(line.p, '=', line.n) : NULL;
	size_t head = equals ? (size_t)(equals - line.p) + 1 : line.n;

	while (equals && head < line.n && line.p[head] == ' ')
		head++;
	struct berth_bytes value = berth_bytes_of(line.p + head, line.n - head);
	for (size_t i = 0; equals && line.p[0] != '#' && i < about->moved_count; i++) {
		if (!names_moved(value, about, i))
			continue;
		enum berth_err err = berth_buf_append(out, line.p, head);
		if (!err && berth_bytes_starts_with(value, "file:"))
			err = berth_buf_append_text(out, "file:");
		return err ? err : berth_buf_append_bytes(out, about->moved[i].value);
	}
	return berth_buf_append_bytes(out, line);
}

/* What was elsewhere is in the folder now, and the configuration says so. */
static enum berth_err
rewrite(struct restoring *r, const char *path, struct berth_why *why)
{
	BERTH_BUF old = {0};
	BERTH_BUF now = {0};

	if (r->unpacked.about.moved_count == 0)
		return BERTH_OK;
	enum berth_err err = berth_file_read(path, BERTH_CONF_MEMORY_MAX, &old, why);
	for (size_t at = 0; at < old.n && !err;) {
		const uint8_t *end = memchr(old.p + at, '\n', old.n - at);
		size_t n = end ? (size_t)(end - old.p) - at : old.n - at;
		err = put_line(&r->unpacked.about, berth_bytes_of(old.p + at, n), &now);
		err = err ? err : berth_buf_append_u8(&now, '\n');
		at += n + 1;
	}
	return err ? err : berth_file_write(path, berth_buf_view(&now), 0644, why);
}

/* X-key and X-certificates of one section belong together, "key" and "certificates" too; *ret_n: how long X- is. */
static bool
is_key_name(const char *name, size_t *ret_n)
{
	size_t n = strlen(name);

	if (n < 3 || strcmp(name + n - 3, "key") != 0 || (n > 3 && name[n - 4] != '-'))
		return false;
	*ret_n = n - 3;
	return true;
}

static enum berth_err
check_pair(void *context, const struct berth_conf_section *section,
	   const struct berth_conf_key *key, const void *base, const char *value,
	   struct berth_why *why)
{
	struct restoring *r = context;
	size_t stem = 0;
	BERTH_BUF pem = {0};
	BERTH_CERT_LIST list = {0};
	BERTH_KEY *private = NULL;

	if (!is_key_name(key->name, &stem) || key->type != BERTH_CONF_KEY_URI ||
	    strncmp(value, "file:", 5) != 0)
		return BERTH_OK;
	for (size_t i = 0; i < section->key_count; i++) {
		const struct berth_conf_key *other = &section->keys[i];
		if (strncmp(other->name, key->name, stem) != 0 ||
		    strcmp(other->name + stem, "certificates") != 0)
			continue;
		const char *path =
			*(const char *const *)(const void *)((const char *)base + other->offset);
		enum berth_err err =
			path ? berth_file_read(path, LOG_MAX_BYTES, &pem, why) : BERTH_OK;
		if (!err && path)
			err = berth_cert_list_parse(r->pki, berth_buf_view(&pem), &list, why);
		if (!err && path)
			err = berth_keystore_load(r->pki, value, &private, why);
		if (err || !path)
			return err;
		if (list.n == 0 || !berth_key_equal(berth_cert_key(list.at[0]), private))
			return berth_fail(why, BERTH_E_MISMATCH, "restore-key", NULL,
					  "%s is not the key of %s in the backup", key->name,
					  other->name);
		return BERTH_OK;
	}
	return BERTH_OK;
}

static enum berth_err
check_configuration(struct restoring *r, struct berth_why *why)
{
	const struct berth_daemon *daemon = &r->subject->daemon;
	char name[PATH_MAX];
	char path[PATH_MAX];

	enum berth_err err =
		join(path, r->placing.stage, text_of(r->unpacked.about.configuration, name), why);
	err = err ? err : rewrite(r, path, why);
	err = err ? err : berth_daemon_load(daemon, path, &r->loaded, why);
	if (!err && daemon->check_files)
		err = daemon->check_files(r->pki, r->loaded.settings, why);
	return err ? err
		   : berth_survey_each(daemon->schema, r->loaded.settings, check_pair, r, why);
}

/* ---- the store ---- */

static enum berth_err
open_store(struct restoring *r, bool read_only, const char *witness, struct berth_store **ret,
	   struct berth_why *why)
{
	char path[PATH_MAX];
	const struct berth_store_conf conf = {
		.path = path,
		.schema = r->subject->schema,
		.digest = {sha256, r->pki},
		.read_only = read_only,
		.witness_path = witness,
	};
	enum berth_err err = join(path, r->placing.stage, r->unpacked.store, why);

	return err ? err : berth_store_open(&conf, ret, why);
}

/* One witness; keeps the furthest. */
static enum berth_err
ask_witness(struct restoring *r, struct berth_store *store, const char *path, struct berth_why *why)
{
	uint8_t hash[BERTH_DIGEST_BYTES];
	int64_t seq = 0;

	enum berth_err err = berth_audit_witness_peek(path, &seq, hash, why);
	if (err || seq == 0)
		return err;
	if (seq > r->witness_seq)
		r->witness_seq = seq;
	err = berth_audit_has(store, seq, hash, why);
	if (err != BERTH_E_SIGNATURE)
		return err;
	r->is_older = true;
	return BERTH_OK;
}

static enum berth_err
refuse_older(const struct restoring *r, struct berth_why *why)
{
	char made[BERTH_TIME_TEXT_MAX];

	if (berth_arguments_has(r->arguments, "accept-older-audit"))
		return BERTH_OK;
	return berth_fail(
		why, BERTH_E_DENIED, "restore-older", NULL,
		"the backup of %s ends at audit entry %lld, the log here has reached %lld: what "
		"lies between would be forgotten. --accept-older-audit restores it all the same",
		berth_wall_format(r->unpacked.about.made_at, made),
		(long long)r->unpacked.about.audit_entries, (long long)r->witness_seq);
}

static enum berth_err
check_store(struct restoring *r, struct berth_why *why)
{
	struct berth_store *store BERTH_CLEANUP(berth_store_closep) = NULL;
	struct berth_audit_report report;
	const char *given = berth_arguments_value(r->arguments, "witness");

	if (r->unpacked.store[0] == '\0')
		return berth_fail(why, BERTH_E_SYNTAX, "backup-form", NULL,
				  "the backup holds no store");
	enum berth_err err = open_store(r, true, NULL, &store, why);
	err = err ? err : berth_store_check(store, &report, why);
	if (!err && memcmp(report.head, r->unpacked.about.audit_head, sizeof(report.head)) != 0)
		err = berth_fail(why, BERTH_E_MISMATCH, "restore-audit", NULL,
				 "the store's audit log is not the one that the backup names");
	for (size_t i = 0; i < r->placing.state_count && !err; i++) {
		char path[PATH_MAX];
		err = join(path, r->placing.states[i], r->subject->witness, why);
		err = err ? err : ask_witness(r, store, path, why);
	}
	if (!err && given && access(given, R_OK) != 0)
		err = berth_fail(why, BERTH_E_NOT_FOUND, "restore-witness", NULL,
				 "%.150s cannot be read", given);
	err = err || !given ? err : ask_witness(r, store, given, why);
	return err || !r->is_older ? err : refuse_older(r, why);
}

/* ---- the signer's log ---- */

static enum berth_err
read_log(const char *folder, struct berth_buf *log, struct berth_why *why)
{
	char path[PATH_MAX];

	log->limit = LOG_MAX_BYTES;
	enum berth_err err = join(path, folder, BERTH_ISSUANCE_LOG, why);
	if (err || access(path, F_OK) != 0)
		return err;
	return berth_file_read(path, LOG_MAX_BYTES, log, why);
}

/* The place's log goes on where the backup's ends: what was released in between is in it alone. */
static enum berth_err
take_log(struct restoring *r, struct berth_why *why)
{
	enum berth_err err = read_log(r->loaded.common->state_directory, &r->log, why);

	r->log_of_backup = r->log.n;
	for (size_t i = 0; i < r->placing.state_count && !err; i++) {
		BERTH_BUF here = {0};
		char path[PATH_MAX];
		err = read_log(r->placing.states[i], &here, why);
		if (err)
			break;
		size_t both = here.n < r->log.n ? here.n : r->log.n;
		if (both > 0 && memcmp(here.p, r->log.p, both) != 0)
			return berth_fail(why, BERTH_E_MISMATCH, "restore-issuance", NULL,
					  "the signer's log in %.100s does not go on where the "
					  "backup's ends: it is another's, or was changed; look at "
					  "it, and move it away if it is to be given up",
					  r->placing.states[i]);
		if (here.n <= r->log.n)
			continue;
		berth_buf_free(&r->log);
		r->log = here;
		here = (struct berth_buf){0};
		err = join(path, r->loaded.common->state_directory, BERTH_ISSUANCE_LOG, why);
		err = err ? err : berth_file_write(path, berth_buf_view(&r->log), 0600, why);
	}
	return err;
}

/* The text of a whole number; 0 when it is none or not there. */
static uint64_t
number_in(const char *folder, const char *name, struct berth_buf *text)
{
	char path[PATH_MAX];

	if (join(path, folder, name, NULL) || berth_file_read(path, NUMBER_MAX_BYTES, text, NULL) ||
	    berth_buf_append_u8(text, 0))
		return 0;
	text->n--;
	return strtoull((const char *)text->p, NULL, 10);
}

/* RFC 5280 5.2.3: the number of a revocation list never goes back, also not with the store. */
static enum berth_err
take_number(struct restoring *r, struct berth_why *why)
{
	const char *name = r->subject->rising;
	const char *folder = r->loaded.common->state_directory;
	char path[PATH_MAX];
	BERTH_BUF ours = {0};
	uint64_t highest = name ? number_in(folder, name, &ours) : 0;

	for (size_t i = 0; name && i < r->placing.state_count; i++) {
		BERTH_BUF here = {0};
		uint64_t number = number_in(r->placing.states[i], name, &here);
		if (number <= highest)
			continue;
		highest = number;
		enum berth_err err = join(path, folder, name, why);
		err = err ? err : berth_file_write(path, berth_buf_view(&here), 0600, why);
		if (err)
			return err;
	}
	return BERTH_OK;
}

static enum berth_err
describe(const struct restoring *r, struct berth_buf *json)
{
	char made[BERTH_TIME_TEXT_MAX];
	BERTH_JSON json_t *root = json_object();
	enum berth_err err = berth_json_set_text(
		root, "backup-of", berth_text(berth_wall_format(r->unpacked.about.made_at, made)));

	err = err ? err : berth_json_set_text(root, "from-host", r->unpacked.about.host);
	err = err ? err
		  : berth_json_set_i64(root, "audit-entries", r->unpacked.about.audit_entries);
	err = err ? err : berth_json_set_i64(root, "witness", r->witness_seq);
	err = err ? err : berth_json_set_bool(root, "accepted-older", r->is_older);
	return err ? err : berth_json_encode(root, BERTH_JSON_AS_BUILT, json);
}

static enum berth_err
write_down(struct restoring *r, struct berth_store *store, struct berth_why *why)
{
	const struct passwd *user = getpwuid(getuid());
	const struct berth_wall now = berth_clock_wall();
	char actor[100];
	BERTH_BUF detail = {0};

	(void)snprintf(actor, sizeof(actor), "operator:%.80s", user ? user->pw_name : "?");
	enum berth_err err = describe(r, &detail);
	if (err)
		return berth_fail(why, err, "backup-memory", NULL, "out of memory");
	err = berth_audit_append(store, now, actor, BERTH_EVENT_STORE_RESTORED,
				 r->subject->daemon.name, berth_buf_view(&detail), why);
	if (err || !r->subject->reconcile)
		return err;
	return r->subject->reconcile(store, r->pki, r->loaded.settings, berth_buf_view(&r->log),
				     r->log_of_backup, now, actor, &r->forgotten, why);
}

/* The audit entry is durable, and the witness is its, before the backup takes the place. */
static enum berth_err
write_store(struct restoring *r, struct berth_why *why)
{
	struct berth_store *store BERTH_CLEANUP(berth_store_closep) = NULL;
	char witness[PATH_MAX];

	enum berth_err err =
		join(witness, r->loaded.common->state_directory, r->subject->witness, why);
	err = err ? err : open_store(r, false, witness, &store, why);
	err = err ? err : berth_store_begin(store, why);
	err = err ? err : write_down(r, store, why);
	return err ? err : berth_store_commit(store, why);
}

static enum berth_err
restore(struct restoring *r, struct berth_why *why)
{
	const struct berth_arguments *a = r->arguments;
	char was[PATH_MAX];

	enum berth_err err = berth_passphrase_read(berth_arguments_value(a, "passphrase-file"),
						   &r->passphrase, why);
	err = err ? err : berth_pki_open(&r->pki, why);
	err = err ? err
		  : berth_placing_start(&r->placing, berth_arguments_value(a, "to"),
					berth_arguments_has(a, "replace"), why);
	err = err ? err
		  : berth_backup_unpack(r->pki, a->operand[0], &r->passphrase,
					r->subject->daemon.name, r->placing.stage, &r->unpacked,
					why);
	err = err ? err : check_configuration(r, why);
	/* A rehearsal elsewhere does not touch what runs here. */
	bool is_same_place = berth_bytes_equal_text(r->unpacked.about.folder, r->placing.to);
	(void)text_of(r->unpacked.about.state_was, was);
	if (!err)
		err = berth_placing_lock(&r->placing, r->subject->daemon.name,
					 r->loaded.common->state_directory,
					 is_same_place ? was : NULL, why);
	err = err ? err : check_store(r, why);
	err = err ? err : take_log(r, why);
	err = err ? err : take_number(r, why);
	err = err ? err : write_store(r, why);
	return err ? err : berth_placing_finish(&r->placing, why);
}

static void
report(const struct restoring *r)
{
	const struct berth_backup_about *about = &r->unpacked.about;
	char made[BERTH_TIME_TEXT_MAX];

	printf("%s: restored, the backup of %s with %lld audit entries\n", r->placing.to,
	       berth_wall_format(about->made_at, made), (long long)about->audit_entries);
	if (r->placing.kept[0])
		printf("  what was there is kept in %s\n", r->placing.kept);
	for (size_t i = 0; i < about->moved_count; i++)
		printf("  %.*s is now %s/%.*s, and the configuration says so\n",
		       (int)about->moved[i].name.n, (const char *)about->moved[i].name.p,
		       r->placing.to, (int)about->moved[i].value.n,
		       (const char *)about->moved[i].value.p);
	for (size_t i = 0; i < about->hardware_count; i++)
		printf("  not in the backup: %.*s = %.*s must be in its hardware\n",
		       (int)about->hardware[i].name.n, (const char *)about->hardware[i].name.p,
		       (int)about->hardware[i].value.n, (const char *)about->hardware[i].value.p);
	if (r->is_older)
		printf("  OLDER than what ran here: the log had reached entry %lld; operators' "
		       "acts, approvals and\n  refusals since then are forgotten, and the new "
		       "log says that you accepted that\n",
		       (long long)r->witness_seq);
	if (r->forgotten.found + r->forgotten.unknown > 0)
		printf("  the signer had released what this store did not know: %zu of devices "
		       "that "
		       "it knows, %zu of others;\n  the audit log names them "
		       "(issuance.forgotten)\n",
		       r->forgotten.found, r->forgotten.unknown);
}

int
berth_restore_main(const struct berth_backup_subject *subject, int argc, char **argv)
{
	struct berth_arguments arguments;
	int status = 0;
	struct berth_why why = {0};

	if (!berth_arguments_parse(&usage, argc, argv, &arguments, &status))
		return status;
	BERTH_CLEANUP(restoring_end)
	struct restoring restoring = {.subject = subject, .arguments = &arguments};
	if (restore(&restoring, &why))
		return berth_print_why(argv[0], arguments.operand[0], &why);
	report(&restoring);
	return BERTH_EXIT_DONE;
}
