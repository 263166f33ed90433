/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/masa/masa_fetch.h"

#include "net/networks.h"

#define EVERYWHERE "::/0" /* for a host that the configuration names */

static bool
is_network(const char *item)
{
	struct berth_networks one;

	return berth_networks_parse(berth_text(item), &one, NULL) == BERTH_OK && one.n == 1;
}

static bool
is_host(const char *item)
{
	size_t n = strspn(item, "abcdefghijklmnopqrstuvwxyz0123456789.-");

	return n > 0 && item[n] == '\0';
}

enum berth_err
berth_masa_sources_check(const struct berth_conf_list *sources, struct berth_why *why)
{
	if (sources->count > BERTH_NETWORKS_MAX)
		return berth_fail(why, BERTH_E_USAGE, "masa-revocation-sources", NULL,
				  "revocation-sources: at most %d", BERTH_NETWORKS_MAX);
	for (size_t i = 0; i < sources->count; i++)
		if (!is_network(sources->items[i]) && !is_host(sources->items[i]))
			return berth_fail(why, BERTH_E_USAGE, "masa-revocation-sources", NULL,
					  "revocation-sources: %.80s is neither a network "
					  "(10.0.0.0/8) nor a host name in lower case",
					  sources->items[i]);
	return BERTH_OK;
}

enum berth_err
berth_masa_fetcher_open(struct berth_masa_fetcher *fetcher, struct berth_pki *pki,
			const struct berth_masa_settings *settings, struct berth_why *why)
{
	const struct berth_conf_list *sources = &settings->revocation_sources;
	enum berth_err err = BERTH_OK;

	fetcher->pki = pki;
	fetcher->settings = settings;
	for (size_t i = 0; !err && i < sources->count; i++)
		if (is_network(sources->items[i]))
			err = berth_buf_printf(&fetcher->networks, "%s%s",
					       fetcher->networks.n > 0 ? "," : "",
					       sources->items[i]);
	return err ? berth_fail(why, err, "berth-memory", NULL, "out of memory") : BERTH_OK;
}

void
berth_masa_fetcher_close(struct berth_masa_fetcher *fetcher)
{
	berth_buf_free(&fetcher->networks);
	for (size_t i = 0; i < BERTH_MASA_KEPT_MAX; i++)
		berth_buf_free(&fetcher->kept[i].answer);
}

enum berth_err
berth_masa_question(const struct berth_masa_fetcher *fetcher,
		    const struct berth_revocation *revocation, uint8_t question[BERTH_SHA256_BYTES])
{
	const struct berth_revocation_url *url = &revocation->fetch.url;
	BERTH_BUF text = {0};
	enum berth_err err = berth_buf_printf(&text, "%d %s %u %s?%s\n", revocation->fetch.is_ocsp,
					      url->host, url->port, url->path, url->query);

	err = err ? err : berth_buf_append_bytes(&text, revocation->fetch.request.body);
	/* An answer is of one issuer: another with the same address must be asked anew. */
	err = err ? err
		  : berth_buf_append_bytes(&text,
					   berth_key_spki(berth_cert_key(revocation->issuer)));
	return err ? err : berth_sha256(fetcher->pki, berth_buf_view(&text), question);
}

static size_t
place(const uint8_t question[BERTH_SHA256_BYTES])
{
	return question[0] % BERTH_MASA_KEPT_MAX;
}

struct berth_bytes
berth_masa_kept_find(const struct berth_masa_fetcher *fetcher,
		     const uint8_t question[BERTH_SHA256_BYTES], struct berth_wall now)
{
	const struct berth_masa_kept *kept = &fetcher->kept[place(question)];

	if (memcmp(kept->question, question, BERTH_SHA256_BYTES) != 0 || kept->until.s <= now.s)
		return BERTH_BYTES_NONE;
	return berth_buf_view(&kept->answer);
}

void
berth_masa_keep(struct berth_masa_fetcher *fetcher, const uint8_t question[BERTH_SHA256_BYTES],
		struct berth_bytes answer, struct berth_wall now, struct berth_wall until)
{
	struct berth_masa_kept *kept = &fetcher->kept[place(question)];

	if (until.s <= now.s)
		return;
	berth_buf_clear(&kept->answer);
	kept->until = (struct berth_wall){0};
	if (berth_buf_append_bytes(&kept->answer, answer))
		return;
	memcpy(kept->question, question, BERTH_SHA256_BYTES);
	kept->until.s = until.s < now.s + BERTH_MASA_KEPT_S ? until.s : now.s + BERTH_MASA_KEPT_S;
}

static bool
is_named(const struct berth_masa_fetcher *fetcher, const char *host)
{
	const struct berth_conf_list *sources = &fetcher->settings->revocation_sources;

	for (size_t i = 0; i < sources->count; i++)
		if (strcmp(sources->items[i], host) == 0)
			return true;
	return false;
}

void
berth_masa_dial(const struct berth_masa_fetcher *fetcher, struct berth_judge *judge,
		const struct berth_revocation *revocation, uint64_t cookie)
{
	const struct berth_revocation_url *url = &revocation->fetch.url;
	const struct berth_dial dial = {
		.host = berth_text(url->host),
		.port = url->port,
		.request = revocation->fetch.request,
		.is_plain = true,
		.networks = is_named(fetcher, url->host) ? BERTH_LIT(EVERYWHERE)
							 : berth_buf_view(&fetcher->networks),
		.timeout_ms = BERTH_MASA_FETCH_MS,
		.body_limit_bytes = BERTH_REVOCATION_BODY_MAX,
	};
	berth_judge_dial(judge, &dial, cookie);
}
