/* SPDX-License-Identifier: BSD-2-Clause */
/* berth-gateway's configuration. */
#ifndef BERTH_ROLE_GATEWAY_CONF_H
#define BERTH_ROLE_GATEWAY_CONF_H

#include "codec/conf.h"
#include "net/relay.h"

/* Once the lease of what the registrar said last has ended. */
enum berth_gateway_when_away { BERTH_GATEWAY_KEEP, BERTH_GATEWAY_CLOSE };

enum berth_gateway_identity_kind {
	BERTH_GATEWAY_IDENTITY_DEVICE,
	BERTH_GATEWAY_IDENTITY_NONE, /* a lab: relays as it stands */
};

struct berth_gateway_conf {
	int identity;		  /* enum berth_gateway_identity_kind */
	const char *device_state; /* of berth-device on this host */
	const char *directory;	  /* our own */
	const char *registrar;	  /* NULL: the one that berth-device met */
	int when_away;		  /* enum berth_gateway_when_away */
	struct berth_conf_list device_interfaces;
	struct berth_conf_list registrar_interfaces;
	struct berth_conf_list registrars; /* ADDRESS:PORT; none: discovered */
	struct berth_conf_list methods;	   /* what fixed registrars speak; announced as they are */
	bool is_announced;
	bool dns_sd;
	bool grasp;
	int64_t grasp_period_s;
	int grasp_locators; /* 0 link-local, 1 unique-local too */
	const char *name;
	int64_t listen_port;
	const char *port_file;
	const char *user;
	int log; /* 0 text, 1 json */
	int64_t connections_max;
	int64_t connections_per_source_max;
	int64_t connect_timeout_s;
	int64_t idle_timeout_s;
	int64_t total_timeout_s;
	int64_t progress_window_s;
	int64_t progress_min_bytes;
};

extern const struct berth_conf_schema berth_gateway_schema;

/* Reads and checks; conf keeps what settings points into. */
enum berth_err berth_gateway_conf_load(const char *path, struct berth_conf *conf,
				       struct berth_gateway_conf *ret,
				       struct berth_why *why) BERTH_MUST;
/* "192.0.2.1:8443", "[fe80::1%eth0]:8443": numeric, since what is asked for a name could send devices anywhere. */
enum berth_err berth_gateway_target_parse(const char *text, struct berth_relay_target *ret,
					  struct berth_why *why) BERTH_MUST;

#endif
