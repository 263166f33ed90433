/* SPDX-License-Identifier: BSD-2-Clause */
/* berth-device's configuration: device.conf (berth-device(8), data/device.conf). */
#ifndef BERTH_ROLE_DEVICE_CONF_H
#define BERTH_ROLE_DEVICE_CONF_H

#include "codec/conf.h"
#include "protocol/brski/pledge.h"
#include "protocol/est/renewal.h"

#define BERTH_DEVICE_KEY_MARK "{id}" /* no character of it means anything in a key URI */

enum berth_device_clock {
	BERTH_DEVICE_CLOCK_TRUSTED,
	BERTH_DEVICE_CLOCK_UNTRUSTED, /* times in vouchers and certificates are not judged */
};

/* In memory on a Linux system as they are; it holds what the network is joined with. */
#define BERTH_WIFI_PROFILE "/run/berth-device/wpa_supplicant.conf"

enum berth_device_pkex_role {
	BERTH_DEVICE_PKEX_INITIATOR,
	BERTH_DEVICE_PKEX_RESPONDER,
};

struct berth_device_conf {
	const char *idevid_certificates;  /* PEM, end entity first */
	const char *idevid_key;		  /* keystore URI */
	const char *manufacturer_anchors; /* PEM */
	const char *state_directory;
	const char *
		ldevid_key; /* keystore URI with one {id}, replaced by random digits; NULL: in state_directory */
	const char *key_kind;
	const char *tpm;  /* TCTI of the TPM that key URIs mean when they name none */
	const char *user; /* NULL: stay who we are */
	int clock;	  /* enum berth_device_clock */
	bool accept_nonceless;
	int log; /* 0 text, 1 json */

	bool dns_sd;
	bool grasp; /* on the interfaces that are named */
	struct berth_conf_list interfaces;
	int64_t check_every_s;	  /* [renewal] */
	int registrar_revocation; /* enum berth_renewal_revocation */

	struct berth_conf_list registrars; /* "ADDRESS:PORT", "[ADDRESS]:PORT" */

	/* [dpp]; all NULL without it */
	const char *dpp_key;	    /* keystore URI of the bootstrapping key */
	const char *dpp_controller; /* either this, "ADDRESS:PORT" */
	const char *dpp_interface;  /* or this */
	const char *dpp_channels;
	const char *dpp_configurator; /* DPP URI; NULL: anybody who knows our code */
	const char *pkex_code_file;   /* NULL: no PKEX */
	const char *pkex_identifier;
	int pkex_role; /* enum berth_device_pkex_role */
	const char *dpp_name;
	const char *dpp_mud_url;
	const char *dpp_profile;
	const char *wpa_supplicant; /* program */
	int64_t join_within_s;
};

extern const struct berth_conf_schema berth_device_schema;

static inline bool
berth_device_conf_uses_grasp(const struct berth_device_conf *conf)
{
	return conf->grasp && conf->interfaces.count > 0;
}

/* A birth certificate, its key and anchors: what onboarding by BRSKI needs, and DPP does not. */
static inline bool
berth_device_conf_has_birth(const struct berth_device_conf *conf)
{
	return conf->idevid_certificates && conf->idevid_key && conf->manufacturer_anchors;
}

/* Reads and checks the file. Everything in *ret lives as long as *conf. */
enum berth_err berth_device_conf_load(const char *path, struct berth_conf *conf,
				      struct berth_device_conf *ret,
				      struct berth_why *why) BERTH_MUST;
/* "192.0.2.1:8443", "[fe80::1%eth0]:8443", "name:8443"; the whole text. */
enum berth_err berth_device_candidate_parse(const char *text, struct berth_pledge_candidate *ret,
					    struct berth_why *why) BERTH_MUST;

#endif
