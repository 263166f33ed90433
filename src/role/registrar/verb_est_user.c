/* SPDX-License-Identifier: BSD-2-Clause */
/* `berth registrar est-user`: one user in the users' file, its password from standard input. */
#include <stdio.h>
#include <unistd.h>

#include "base/secret.h"
#include "role/options.h"
#include "role/registrar/users.h"
#include "role/registrar/verbs.h"
#include "system/files.h"

static const struct berth_option options[] = {
	{.name = "file",
	 .argument = "FILE",
	 .help = "the users' file, est-users of the configuration",
	 .required = true},
	{.name = "names",
	 .argument = "NAME,...",
	 .help = "what its certificates may say; the user's own name"},
	{.name = "remove", .help = "take the user out instead"},
	{0},
};

static const struct berth_usage usage = {
	.operands = "USER",
	.operands_min = 1,
	.operands_max = 1,
	.about = "Writes a user of EST into FILE, with the password that stands on the first line "
		 "of "
		 "standard input, salted and\n"
		 "hashed. A user that is there gets the new password. The registrar reads the file "
		 "when it starts.",
	.options = options,
};

/* Up to the first line end. */
static enum berth_err
read_password(struct berth_secret *ret, struct berth_why *why)
{
	char line[BERTH_PASSWORD_MAX_BYTES + 2];
	if (isatty(STDIN_FILENO))
		(void)fprintf(stderr, "password: ");
	ssize_t n = 0;
	size_t have = 0;
	while (have < sizeof(line) && memchr(line, '\n', have) == NULL &&
	       (n = read(STDIN_FILENO, line + have, sizeof(line) - have)) > 0)
		have += (size_t)n;
	const char *end = have == 0 ? NULL : memchr(line, '\n', have);
	size_t length = end == NULL ? have : (size_t)(end - line);
	enum berth_err err = n < 0 ? berth_fail(why, BERTH_E_IO, "est-user-password", NULL,
						"standard input cannot be read")
				   : berth_secret_copy(ret, berth_bytes_of(line, length));
	berth_wipe(line, sizeof(line));
	return err;
}

/* The line begins a section: *is_ours when it is this user's. */
static bool
begins_section(struct berth_bytes line, const char *user, bool *is_ours)
{
	if (line.n == 0 || line.p[0] != '[')
		return false;
	size_t n = strlen(user);
	static const char start[] = "[user \"";
	*is_ours = berth_bytes_starts_with(line, start) && line.n > sizeof(start) - 1 + n &&
		   memcmp(line.p + sizeof(start) - 1, user, n) == 0 &&
		   line.p[sizeof(start) - 1 + n] == '"';
	return true;
}

/* All of the old file but this user's section. */
static enum berth_err
keep_others(struct berth_bytes old, const char *user, struct berth_buf *text, bool *found)
{
	bool is_ours = false;
	enum berth_err err = BERTH_OK;
	while (!err && old.n > 0) {
		const uint8_t *end = memchr(old.p, '\n', old.n);
		size_t n = end == NULL ? old.n : (size_t)(end - old.p) + 1;
		struct berth_bytes line = berth_bytes_of(old.p, n);
		if (begins_section(line, user, &is_ours))
			*found |= is_ours;
		if (!is_ours)
			err = berth_buf_append_bytes(text, line);
		old = berth_bytes_of(old.p + n, old.n - n);
	}
	return err;
}

static enum berth_err
add(struct berth_pki *pki, const char *user, const char *names, struct berth_buf *text,
    struct berth_why *why)
{
	BERTH_SECRET password = {0};
	BERTH_BUF hashed = {0};
	enum berth_err err = read_password(&password, why);
	if (!err)
		err = berth_password_make(pki, berth_bytes_of(password.p, password.n), &hashed,
					  why);
	if (err)
		return err;
	bool ends = text->n == 0 || text->p[text->n - 1] == '\n';
	err = berth_buf_printf(text, "%s[user \"%s\"]\npassword = %.*s\n", ends ? "" : "\n", user,
			       (int)hashed.n, (const char *)hashed.p);
	if (!err && names != NULL)
		err = berth_buf_printf(text, "names = %s\n", names);
	return err ? berth_fail(why, err, "memory", NULL, "out of memory") : BERTH_OK;
}

static enum berth_err
check_words(const char *user, const char *names, struct berth_why *why)
{
	if (strpbrk(user, "\"\n]:") != NULL || (names != NULL && strpbrk(names, "\n;") != NULL))
		return berth_fail(why, BERTH_E_USAGE, "est-user-name", NULL,
				  "a user's name has no quotation mark, bracket, colon or line "
				  "end, and the names are a list with commas");
	return BERTH_OK;
}

static enum berth_err
change(struct berth_pki *pki, const struct berth_arguments *arguments, struct berth_why *why)
{
	const char *path = berth_arguments_value(arguments, "file");
	const char *user = arguments->operand[0];
	const char *names = berth_arguments_value(arguments, "names");
	bool is_removal = berth_arguments_has(arguments, "remove");
	bool found = false;
	BERTH_BUF old = {0};
	BERTH_BUF text = {0};
	struct berth_users users = {0};
	enum berth_err err = check_words(user, names, why);
	if (!err)
		err = berth_file_read_private(path, BERTH_USERS_FILE_MAX_BYTES, &old, why);
	if (err == BERTH_E_NOT_FOUND && !is_removal)
		err = BERTH_OK;
	if (!err && keep_others(berth_buf_view(&old), user, &text, &found))
		err = berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	if (!err && is_removal && !found)
		err = berth_fail(why, BERTH_E_NOT_FOUND, "est-user-unknown", NULL,
				 "there is no user \"%.40s\" in %.80s", user, path);
	if (!err && !is_removal)
		err = add(pki, user, names, &text, why);
	if (!err)
		err = berth_users_parse(berth_buf_view(&text), path, &users, why);
	berth_users_free(&users);
	return err ? err : berth_file_write(path, berth_buf_view(&text), 0600, why);
}

int
berth_registrar_est_user_main(int argc, char **argv)
{
	struct berth_arguments arguments;
	struct berth_pki *pki = NULL;
	struct berth_why why = {0};
	int status = 0;
	if (!berth_arguments_parse(&usage, argc, argv, &arguments, &status))
		return status;
	enum berth_err err = berth_pki_open(&pki, &why);
	if (!err)
		err = change(pki, &arguments, &why);
	berth_pki_close(pki);
	return err ? berth_print_why(argv[0], arguments.operand[0], &why) : BERTH_EXIT_DONE;
}
