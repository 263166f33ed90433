/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/users.h"

#include <stddef.h>
#include <stdio.h>

#include "net/http_sources.h"
#include "protocol/est/basic.h"
#include "system/files.h"

#define ADDRESS_BYTES 64
#define USER(member) .offset = offsetof(struct berth_user, member)

static const struct berth_conf_key user_keys[] = {
	{.name = "password",
	 .type = BERTH_CONF_TEXT,
	 .is_required = true,
	 USER(password),
	 .help = "Salted and hashed, as berth registrar est-user writes it."},
	{.name = "names",
	 .type = BERTH_CONF_LIST,
	 USER(names),
	 .help = "What a certificate may say: commonName and dNSNames; without it, the user's "
		 "name."},
};
static const struct berth_conf_section sections[] = {
	{.name = "user",
	 .is_named = true,
	 .keys = user_keys,
	 .key_count = sizeof(user_keys) / sizeof(user_keys[0]),
	 .offset = offsetof(struct berth_users, items),
	 .item_size = sizeof(struct berth_user),
	 .help = "A client of EST without a certificate."},
};
static const struct berth_conf_schema schema = {.sections = sections, .section_count = 1};

static enum berth_err
check_user(const struct berth_user *user, struct berth_why *why)
{
	struct berth_password password;
	struct berth_bytes name = berth_text(user->name);
	if (name.n == 0 || name.n > BERTH_EST_USER_MAX || !berth_bytes_is_printable(name) ||
	    memchr(name.p, ':', name.n) != NULL)
		return berth_fail(
			why, BERTH_E_USAGE, "est-user-name", "RFC 7617 2",
			"the user \"%.40s\" has a name that is too long, not ASCII or has "
			"a colon",
			user->name);
	if (user->names.count > BERTH_EST_NAMES_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "est-user-names", NULL,
				  "the user \"%.40s\" has more than %d names", user->name,
				  BERTH_EST_NAMES_MAX);
	return berth_password_parse(berth_text(user->password), &password, why);
}

enum berth_err
berth_users_load(struct berth_pki *pki, const char *path, struct berth_users *ret,
		 struct berth_why *why)
{
	BERTH_BUF text = {0};
	*ret = (struct berth_users){.nobody = {.cost = BERTH_PASSWORD_COST}};
	struct berth_random random = berth_pki_random(pki);
	berth_random_fill(&random, ret->nobody.hash, sizeof(ret->nobody.hash));
	if (path == NULL)
		return BERTH_OK;
	enum berth_err err = berth_file_read_private(path, BERTH_USERS_FILE_MAX_BYTES, &text, why);
	return err ? err : berth_users_parse(berth_buf_view(&text), path, ret, why);
}

enum berth_err
berth_users_parse(struct berth_bytes text, const char *path, struct berth_users *ret,
		  struct berth_why *why)
{
	const struct berth_conf_text file = {.name = path, .text = text};
	enum berth_err err = berth_conf_parse(&schema, &file, 1, &ret->conf, ret, why);
	const struct berth_user *users = ret->items.items;
	for (size_t i = 0; !err && i < ret->items.count; i++)
		err = check_user(&users[i], why);
	if (err)
		berth_users_free(ret);
	return err;
}

void
berth_users_free(struct berth_users *users)
{
	berth_conf_free(&users->conf);
	users->items = (struct berth_conf_items){0};
}

const struct berth_user *
berth_users_find(const struct berth_users *users, struct berth_bytes name)
{
	const struct berth_user *items = users->items.items;
	for (size_t i = 0; i < users->items.count; i++)
		if (berth_bytes_equal_text(name, items[i].name))
			return &items[i];
	return NULL;
}

void
berth_user_names(const struct berth_user *user, struct berth_bytes organization,
		 struct berth_est_names *ret)
{
	*ret = (struct berth_est_names){.organization = organization};
	for (size_t i = 0; i < user->names.count && i < BERTH_EST_NAMES_MAX; i++)
		ret->dns_names[ret->dns_name_count++] = berth_text(user->names.items[i]);
	if (ret->dns_name_count == 0)
		ret->dns_names[ret->dns_name_count++] = berth_text(user->name);
	if (ret->dns_name_count == 1)
		ret->common_name = ret->dns_names[0];
}

/* Gives back what came in meanwhile. */
static void
refill(struct berth_bucket *bucket, int64_t interval_ms, struct berth_mono now)
{
	int64_t back = (now.ms - bucket->since.ms) / interval_ms;
	if (back <= 0)
		return;
	bucket->used = back < bucket->used ? bucket->used - back : 0;
	bucket->since.ms += back * interval_ms;
}

static struct berth_bucket *
bucket_of(struct berth_users *users, struct berth_bytes address)
{
	char text[ADDRESS_BYTES];
	uint32_t h = 2166136261U;
	(void)snprintf(text, sizeof(text), "%.*s", (int)address.n, (const char *)address.p);
	const struct berth_http_source source = berth_http_source_of(text);
	for (size_t i = 0; i < sizeof(source.key); i++)
		h = (h ^ source.key[i]) * 16777619U;
	return &users->failures[h % BERTH_USERS_SOURCES];
}

static enum berth_err
fail_limit(struct berth_why *why)
{
	return berth_fail(why, BERTH_E_LIMIT, "rfc7030-3.2.3-too-many-failures", "RFC 7030 3.2.3",
			  "too many wrong passwords: wait, then try again");
}

/* req: rfc7030-3.2.3-basic */
enum berth_err
berth_users_check(struct berth_users *users, struct berth_pki *pki, struct berth_bytes header,
		  struct berth_bytes address, struct berth_mono now, const struct berth_user **ret,
		  struct berth_why *why)
{
	struct berth_bucket *failures = bucket_of(users, address);
	struct berth_password known = users->nobody;
	BERTH_EST_BASIC basic = {0};
	struct berth_why ignored;
	refill(failures, BERTH_USERS_FAILURE_MS, now);
	refill(&users->hashes, BERTH_USERS_HASH_MS, now);
	if (failures->used >= BERTH_USERS_FAILURES || users->hashes.used >= BERTH_USERS_HASHES)
		return fail_limit(why);
	enum berth_err err = berth_est_basic_parse(header, &basic, why);
	const struct berth_user *user = err ? NULL : berth_users_find(users, basic.user);
	if (err) {
		failures->used++;
		return err == BERTH_E_MEMORY ? err : BERTH_E_UNTRUSTED;
	}
	if (user != NULL && berth_password_parse(berth_text(user->password), &known, &ignored))
		user = NULL; /* it was checked when it was loaded */
	users->hashes.used++;
	err = berth_password_check(pki, &known, basic.password, &ignored);
	if (!err && user != NULL) {
		*ret = user;
		return BERTH_OK;
	}
	failures->used++;
	return berth_fail(why, BERTH_E_UNTRUSTED, "rfc7030-3.2.3-password", "RFC 7030 3.2.3",
			  "the user's name or password is wrong");
}
