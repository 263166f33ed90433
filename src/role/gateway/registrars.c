/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/gateway/registrars.h"

#include <stdio.h>
#include <string.h>

static bool
is_same(const struct berth_service *a, const struct berth_service *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->interface, b->interface) == 0 &&
	       strcmp(a->address, b->address) == 0;
}

static size_t
find(const struct berth_gateway_registrars *registrars, const struct berth_service *service)
{
	size_t i = 0;

	while (i < registrars->n && !is_same(&registrars->at[i], service))
		i++;
	return i;
}

enum berth_err
berth_gateway_registrar_add(struct berth_gateway_registrars *registrars,
			    const struct berth_service *service, struct berth_why *why)
{
	size_t i = find(registrars, service);

	if (i == BERTH_GATEWAY_REGISTRARS_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "gateway-registrars", NULL,
				  "%d registrar addresses are known already",
				  BERTH_GATEWAY_REGISTRARS_MAX);
	registrars->at[i] = *service;
	if (i == registrars->n)
		registrars->n++;
	return BERTH_OK;
}

void
berth_gateway_registrar_remove(struct berth_gateway_registrars *registrars,
			       const struct berth_service *service)
{
	size_t i = find(registrars, service);

	if (i == registrars->n)
		return;
	registrars->n--;
	memmove(&registrars->at[i], &registrars->at[i + 1],
		(registrars->n - i) * sizeof *registrars->at);
}

/* The order of the strings says nothing (RFC 6763 6.4). */
static bool
speak_the_same(const struct berth_service *a, const struct berth_service *b)
{
	if (a->text_count != b->text_count)
		return false;
	for (size_t i = 0; i < a->text_count; i++) {
		bool found = false;

		for (size_t k = 0; k < b->text_count; k++)
			found = found || strcmp(a->text[i], b->text[k]) == 0;
		if (!found)
			return false;
	}
	return true;
}

/* DNS-SD and GRASP, or two names, may tell of one place. */
static bool
is_listed(const struct berth_relay_target *targets, size_t n, const struct berth_service *service)
{
	for (size_t i = 0; i < n; i++)
		if (targets[i].port == service->port &&
		    strcmp(targets[i].address, service->address) == 0)
			return true;
	return false;
}

size_t
berth_gateway_registrar_targets(const struct berth_gateway_registrars *registrars,
				struct berth_relay_target targets[BERTH_RELAY_TARGETS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < registrars->n && n < BERTH_RELAY_TARGETS_MAX; i++) {
		const struct berth_service *service = &registrars->at[i];

		if (!speak_the_same(&registrars->at[0], service) || is_listed(targets, n, service))
			continue;
		snprintf(targets[n].address, sizeof targets[n].address, "%s", service->address);
		targets[n++].port = service->port;
	}
	return n;
}

size_t
berth_gateway_registrar_methods(const struct berth_gateway_registrars *registrars,
				const char *methods[BERTH_SERVICE_TEXT_MAX])
{
	size_t n = registrars->n ? registrars->at[0].text_count : 0;

	for (size_t i = 0; i < n; i++)
		methods[i] = registrars->at[0].text[i];
	return n;
}
