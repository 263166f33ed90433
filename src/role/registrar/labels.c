/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/labels.h"

#include <stdio.h>

#include "protocol/est/path.h"

static const char *const keys[] = {"P-256", "P-384"};

static unsigned
mask_of(const struct berth_conf_list *words)
{
	unsigned mask = 0;
	enum berth_client client;
	for (size_t i = 0; i < words->count; i++)
		if (!berth_client_parse(berth_text(words->items[i]), &client, NULL))
			mask |= 1U << client;
	return mask;
}

static struct berth_label
without_label(const struct berth_registrar_settings *settings)
{
	return (struct berth_label){
		.name = "",
		.clients = settings->est_clients.count == 0 ? 1U << BERTH_CLIENT_DEVICE
							    : mask_of(&settings->est_clients),
		.lifetime_s = settings->certificate_lifetime_s,
		.attrs = {.key = keys[0], .want_sha256 = true},
		.style = (enum berth_csrattrs_style)settings->est_csrattrs,
		.needs_link = settings->est_proof_linking == BERTH_PROOF_LINKING_REQUIRED,
	};
}

static struct berth_label
label_of(const struct berth_registrar_settings *settings,
	 const struct berth_registrar_label *section)
{
	int64_t most = settings->certificate_lifetime_s;
	return (struct berth_label){
		.name = section->name,
		.clients = mask_of(&section->clients),
		.lifetime_s = section->lifetime_s == 0 || section->lifetime_s > most
				      ? most
				      : section->lifetime_s,
		.attrs = {.key = keys[section->key], .want_sha256 = section->key == 0},
		.style = (enum berth_csrattrs_style)section->csrattrs,
		.is_server = section->is_server,
		.needs_link = section->proof_linking == BERTH_PROOF_LINKING_REQUIRED,
	};
}

bool
berth_label_at(const struct berth_registrar_settings *settings, size_t i, struct berth_label *ret)
{
	const struct berth_registrar_label *sections = settings->labels.items;
	if (i > settings->labels.count)
		return false;
	*ret = i == 0 ? without_label(settings) : label_of(settings, &sections[i - 1]);
	/* Users have no serial number; who names a server knows its names. */
	bool is_for_users = (ret->clients & 1U << BERTH_CLIENT_USER) != 0;
	ret->attrs.want_serial_number = (ret->clients & ~(1U << BERTH_CLIENT_USER)) != 0;
	ret->attrs.want_common_name = !ret->attrs.want_serial_number;
	ret->attrs.want_dns_names = ret->is_server && is_for_users;
	ret->attrs.want_challenge_password = ret->needs_link; /* req: rfc7030-3.5-required */
	/* A template has no place for it, and who knows templates reads nothing else (RFC 9908 4). */
	if (ret->needs_link)
		ret->style = BERTH_CSRATTRS_PLAIN;
	return true;
}

bool
berth_label_find(const struct berth_registrar_settings *settings, struct berth_bytes name,
		 struct berth_label *ret)
{
	for (size_t i = 0; berth_label_at(settings, i, ret); i++)
		if (berth_bytes_equal_text(name, ret->name))
			return true;
	return false;
}

static enum berth_err
check_clients(const char *where, const struct berth_conf_list *words, struct berth_why *why)
{
	enum berth_client client;
	enum berth_err err = BERTH_OK;
	for (size_t i = 0; !err && i < words->count; i++)
		err = berth_client_parse(berth_text(words->items[i]), &client, why);
	(void)where;
	return err;
}

/* req: rfc7030-3.2.2-label */
enum berth_err
berth_labels_check(const struct berth_registrar_settings *settings, struct berth_why *why)
{
	const struct berth_registrar_label *sections = settings->labels.items;
	enum berth_err err = check_clients("est-clients", &settings->est_clients, why);
	for (size_t i = 0; !err && i < settings->labels.count; i++) {
		if (!berth_est_label_is_valid(berth_text(sections[i].name)))
			return berth_fail(why, BERTH_E_USAGE, "est-label", "RFC 7030 3.2.2",
					  "[est-label \"%.40s\"]: a label is at most %d characters "
					  "of ASCII without a slash, and no operation's name",
					  sections[i].name, BERTH_EST_LABEL_MAX);
		err = check_clients("clients", &sections[i].clients, why);
	}
	return err;
}
