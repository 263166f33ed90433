/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BERTH_ROLE_MEAN_SETTINGS_H
#define BERTH_ROLE_MEAN_SETTINGS_H

#include "codec/conf.h"

struct berth_mean_settings {
	/* [mean] */
	const char *listen;
	const char *listen_second;
	const char *listen_masa;
	const char *port_file;
	const char *host;
	int64_t seed;
	int64_t failures_percent;
	int64_t waits_percent;
	int64_t redirects_percent;
	int64_t odd_percent;
	int64_t delay_max_ms;
	int log; /* 0 text, 1 json */
	/* [owner] */
	const char *tls_certificates;
	const char *tls_key;
	const char *issuing_certificates;
	const char *issuing_key;
	/* [maker] */
	const char *anchors;
	const char *signer_certificates;
	const char *signer_key;
};

extern const struct berth_conf_schema berth_mean_schema;

#endif
