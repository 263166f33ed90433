/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS settings. Servers ask for a client certificate and accept any (RFC 8995 5.1: the registrar's machine judges
 * it); tickets and session cache are off. Clients are either checked (anchors and name) or provisional.
 * TLS 1.2 with ECDHE and AEAD only, and 1.3; nothing older.
 */
#ifndef BERTH_NET_TLS_H
#define BERTH_NET_TLS_H

#include "pki/certificate.h"

struct berth_tls_server;
struct berth_tls_client;

struct berth_tls_server_conf {
	struct berth_pki *pki;
	const struct berth_cert_list *chain; /* end entity first */
	struct berth_key *key;		     /* may live in a keystore or another process */
	bool ask_client_certificate;
	bool only_tls_1_2; /* for a server that tests its clients */
};
enum berth_err berth_tls_server_open(const struct berth_tls_server_conf *conf,
				     struct berth_tls_server **ret,
				     struct berth_why *why) BERTH_MUST;
void berth_tls_server_close(struct berth_tls_server *server);

struct berth_tls_client_conf {
	struct berth_pki *pki;
	const struct berth_cert_list *chain; /* own; NULL: no client certificate */
	struct berth_key *key;
	/*
	 * provisional: any server certificate is accepted once, its proof of possession is not waived, the full chain is
	 * kept in the facts; the object is for ONE connection: a second handshake with it is refused (RFC 8995 5.1, design.md 8a).
	 */
	bool provisional;
	/* The end entity that every connection must present, byte for byte (checklist 31); NULL: no such pin. */
	const struct berth_cert *pinned;
	const struct berth_cert_list *anchors; /* checked: path to one of these */
	const char *
		server_name; /* checked: RFC 9525 name, sent as SNI; NULL: no name check and no SNI */
	struct berth_wall (*wall)(
		void); /* the clock for the path check; NULL: time is not checked */
};
enum berth_err berth_tls_client_open(const struct berth_tls_client_conf *conf,
				     struct berth_tls_client **ret,
				     struct berth_why *why) BERTH_MUST;
void berth_tls_client_close(struct berth_tls_client *client);

#endif
