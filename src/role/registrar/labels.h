/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a label of EST's path means here, from [est-label "NAME"], and from [registrar] where there is none. Judge and
 * signer both ask: the one what it may give, the other what it may sign.
 */
#ifndef BERTH_ROLE_REGISTRAR_LABELS_H
#define BERTH_ROLE_REGISTRAR_LABELS_H

#include "policy/policy.h"
#include "role/registrar/settings.h"

struct berth_label {
	const char *name;   /* "": none */
	unsigned clients;   /* bits 1 << enum berth_client: who may use it */
	int64_t lifetime_s; /* at most certificate-lifetime */
	struct berth_csrattrs attrs;
	enum berth_csrattrs_style style;
	bool is_server;	 /* serverAuth beside clientAuth */
	bool needs_link; /* proof of possession is linked to the connection */
};

/* 0: without a label; false past the last. */
bool berth_label_at(const struct berth_registrar_settings *settings, size_t i,
		    struct berth_label *ret);
bool berth_label_find(const struct berth_registrar_settings *settings, struct berth_bytes name,
		      struct berth_label *ret);
/* Names and words that the table of keys cannot check. */
enum berth_err berth_labels_check(const struct berth_registrar_settings *settings,
				  struct berth_why *why) BERTH_MUST;

#endif
