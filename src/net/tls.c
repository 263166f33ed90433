/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/tls.h"

#include <arpa/inet.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/tls_event.h"
#include "pki/ossl.h"

/* OpenSSL's macros for lists cast const away on the way to a function that only reads; gcc overlooks system headers. */
#ifdef __clang__
#pragma clang diagnostic ignored "-Wcast-qual"
#endif

/* RFC 9325 4.2: forward secrecy and AEAD only. */
#define CIPHERS_TLS12 "ECDHE+AESGCM:ECDHE+CHACHA20"
#define GROUPS "X25519:P-256:P-384"
#define SIGALGS_ANY                                                                                \
	"ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:RSA-PSS+SHA256:RSA-PSS+SHA384:"                    \
	"RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512"
/* RFC 9266 4.2 */
#define EXPORTER_LABEL "EXPORTER-Channel-Binding"

struct berth_tls_server {
	SSL_CTX *ctx;
};

struct berth_tls_client {
	SSL_CTX *ctx;
	struct berth_pki *pki;
	bool provisional;
	bool has_peer;
	struct berth_cert *pinned;
	struct berth_cert_list anchors;
	bool has_anchors;
	char *server_name;
	bool name_is_address;
	struct berth_wall (*wall)(void);
	struct berth_why refused; /* what our check found last */
};

static void
ctx_freep(SSL_CTX **ctx)
{
	SSL_CTX_free(*ctx);
}

/*
 * The keystore signs with the digest of the curve alone (the message goes to a signer that hashes it itself), so
 * TLS 1.2 must not be offered another pair, e.g. P-256 with SHA-384.
 */
static const char *
sigalgs_of(const struct berth_key *key)
{
	const char *kind = berth_key_kind(key);
	if (strcmp(kind, "P-256") == 0) {
		return "ECDSA+SHA256";
	}
	if (strcmp(kind, "P-384") == 0) {
		return "ECDSA+SHA384";
	}
	return strcmp(kind, "P-521") == 0 ? "ECDSA+SHA512" : SIGALGS_ANY;
}

static bool
set_common(SSL_CTX *ctx)
{
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN |
				      SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(ctx, BERTH_TLS_CHAIN_BYTES_MAX);
	/* req: rfc7030-3.3-tls-version, rfc7030-3.3.1-server */
	/* req: rfc8995-5.1-tls-version, rfc8995-5.4-tls-version */
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_cipher_list(ctx, CIPHERS_TLS12) == 1 &&
	       SSL_CTX_set1_groups_list(ctx, GROUPS) == 1;
}

static bool
set_own(SSL_CTX *ctx, const struct berth_cert_list *chain, struct berth_key *key)
{
	if (SSL_CTX_use_certificate(ctx, berth_cert_x509(chain->at[0])) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, berth_key_pkey(key)) != 1) {
		return false;
	}
	for (size_t i = 1; i < chain->n; i++) {
		if (SSL_CTX_add1_chain_cert(ctx, berth_cert_x509(chain->at[i])) != 1) {
			return false;
		}
	}
	return true;
}

static const struct berth_tls_hooks *
hooks_of(const SSL *ssl)
{
	return SSL_get_app_data(ssl);
}

static void
on_info(const SSL *ssl, int where, int ret)
{
	(void)ret;
	const struct berth_tls_hooks *hooks = hooks_of(ssl);
	if ((where & SSL_CB_HANDSHAKE_DONE) != 0 && hooks && hooks->done) {
		hooks->done(hooks->context);
	}
}

static int
accept_any(X509_STORE_CTX *store, void *arg)
{
	(void)arg;
	STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(store);
	if (sk_X509_num(sent) > BERTH_CHAIN_MAX) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_CHAIN_TOO_LONG);
		return 0;
	}
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

enum berth_err
berth_tls_server_open(const struct berth_tls_server_conf *conf, struct berth_tls_server **ret,
		      struct berth_why *why)
{
	if (!conf->chain || conf->chain->n == 0) {
		return berth_fail(why, BERTH_E_USAGE, "tls-server", NULL,
				  "a TLS server needs a certificate");
	}
	BERTH_CLEANUP(ctx_freep)
	SSL_CTX *ctx = SSL_CTX_new_ex(berth_pki_libctx(conf->pki), NULL, TLS_server_method());
	if (!ctx || !set_common(ctx) || !set_own(ctx, conf->chain, conf->key) ||
	    SSL_CTX_set_num_tickets(ctx, 0) != 1 ||
	    (conf->only_tls_1_2 && SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION) != 1) ||
	    SSL_CTX_set1_sigalgs_list(ctx, sigalgs_of(conf->key)) != 1 ||
	    SSL_CTX_set1_client_sigalgs_list(ctx, SIGALGS_ANY) != 1) {
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "tls-server", NULL,
				       "cannot set up the TLS server");
	}
	if (conf->ask_client_certificate) {
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
		SSL_CTX_set_cert_verify_callback(ctx, accept_any, NULL);
	}
	SSL_CTX_set_info_callback(ctx, on_info);
	struct berth_tls_server *server = calloc(1, sizeof(*server));
	if (!server) {
		return berth_fail(why, BERTH_E_MEMORY, "tls-server", NULL, "out of memory");
	}
	server->ctx = ctx;
	ctx = NULL;
	*ret = server;
	return BERTH_OK;
}

void
berth_tls_server_close(struct berth_tls_server *server)
{
	if (server) {
		SSL_CTX_free(server->ctx);
		free(server);
	}
}

static bool
name_matches(const struct berth_tls_client *client, const struct berth_cert *leaf)
{
	if (client->name_is_address) {
		return X509_check_ip_asc(berth_cert_x509_keyless(leaf), client->server_name, 0) ==
		       1;
	}
	return berth_cert_has_dns_name(leaf, client->server_name);
}

/* req: rfc8995-5.4-name */
static enum berth_err
check_anchored(struct berth_tls_client *client, const struct berth_cert_list *chain,
	       struct berth_why *why)
{
	const struct berth_path_check check = {
		.leaf = chain->at[0],
		.untrusted = chain,
		.anchors = &client->anchors,
		.at = client->wall ? client->wall() : (struct berth_wall){0},
		.ignore_time = client->wall == NULL,
		.require_eku = BERTH_EKU_SERVER_AUTH,
	};
	enum berth_err err = berth_path_verify(client->pki, &check, NULL, why);
	if (err) {
		return err;
	}
	if (client->server_name && !name_matches(client, chain->at[0])) {
		return berth_fail(why, BERTH_E_MISMATCH, "rfc9525-6-name-mismatch", "RFC 9525 6",
				  "the server's certificate does not name %s", client->server_name);
	}
	return BERTH_OK;
}

static enum berth_err
check_server(struct berth_tls_client *client, const struct berth_cert_list *chain,
	     struct berth_why *why)
{
	if (client->provisional && client->has_peer) {
		return berth_fail(why, BERTH_E_UNTRUSTED, "rfc8995-5.1-second-connection",
				  "RFC 8995 5.1",
				  "a provisional connection is for one peer once; this is a second "
				  "handshake");
	}
	if (client->pinned &&
	    !berth_bytes_equal(berth_cert_der(client->pinned), berth_cert_der(chain->at[0]))) {
		return berth_fail(why, BERTH_E_MISMATCH, "rfc8995-5.6.2-other-certificate",
				  "RFC 8995 5.6.2",
				  "the server shows another certificate than on the first "
				  "connection");
	}
	if (!client->provisional && client->has_anchors) {
		enum berth_err err = check_anchored(client, chain, why);
		if (err) {
			return err;
		}
	}
	if (!client->provisional && !client->has_anchors && !client->pinned) {
		return berth_fail(why, BERTH_E_UNTRUSTED, "tls-no-anchors", NULL,
				  "there is nothing to check the server's certificate against");
	}
	client->has_peer = true;
	return BERTH_OK;
}

static enum berth_err
list_of_stack(struct berth_pki *pki, STACK_OF(X509) * sent, struct berth_cert_list *list,
	      struct berth_why *why)
{
	int n = sk_X509_num(sent);
	if (n < 1 || n > BERTH_CHAIN_MAX) {
		return berth_fail(why, BERTH_E_LIMIT, "tls-chain-length", NULL,
				  "the peer sent %d certificates, 1 to %d are taken", n,
				  BERTH_CHAIN_MAX);
	}
	for (int i = 0; i < n; i++) {
		unsigned char *der = NULL;
		int size = i2d_X509(sk_X509_value(sent, i), &der);
		if (size < 0) {
			return berth_ossl_fail(why, BERTH_E_CRYPTO, "tls-chain", NULL,
					       "cannot read the peer's certificate");
		}
		BERTH_CERT *cert = NULL;
		enum berth_err err =
			berth_cert_parse(pki, berth_bytes_of(der, (size_t)size), &cert, why);
		OPENSSL_free(der);
		err = err ? err : berth_cert_list_add(list, cert, why);
		if (err) {
			return err;
		}
	}
	return BERTH_OK;
}

static int
verify_server(X509_STORE_CTX *store, void *arg)
{
	struct berth_tls_client *client = arg;
	BERTH_CERT_LIST chain = {0};
	client->refused = (struct berth_why){0};
	enum berth_err err = list_of_stack(client->pki, X509_STORE_CTX_get0_untrusted(store),
					   &chain, &client->refused);
	err = err ? err : check_server(client, &chain, &client->refused);
	if (err) {
		X509_STORE_CTX_set_error(store, err == BERTH_E_EXPIRED ? X509_V_ERR_CERT_HAS_EXPIRED
								       : X509_V_ERR_CERT_UNTRUSTED);
		return 0;
	}
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

static bool
is_address(const char *name)
{
	uint8_t room[16];
	return inet_pton(AF_INET, name, room) == 1 || inet_pton(AF_INET6, name, room) == 1;
}

static enum berth_err
client_take(struct berth_tls_client *client, const struct berth_tls_client_conf *conf,
	    struct berth_why *why)
{
	client->pki = conf->pki;
	client->provisional = conf->provisional;
	client->wall = conf->wall;
	client->has_anchors = conf->anchors != NULL;
	if (conf->pinned) {
		client->pinned = berth_cert_ref((struct berth_cert *)(uintptr_t)conf->pinned);
	}
	for (size_t i = 0; conf->anchors && i < conf->anchors->n; i++) {
		enum berth_err err =
			berth_cert_list_add(&client->anchors, conf->anchors->at[i], why);
		if (err) {
			return err;
		}
	}
	if (conf->server_name) {
		client->server_name = strdup(conf->server_name);
		if (!client->server_name) {
			return berth_fail(why, BERTH_E_MEMORY, "tls-client", NULL, "out of memory");
		}
		client->name_is_address = is_address(conf->server_name);
	}
	return BERTH_OK;
}

static void
client_freep(struct berth_tls_client **client)
{
	berth_tls_client_close(*client);
}

enum berth_err
berth_tls_client_open(const struct berth_tls_client_conf *conf, struct berth_tls_client **ret,
		      struct berth_why *why)
{
	BERTH_CLEANUP(client_freep) struct berth_tls_client *client = calloc(1, sizeof(*client));
	if (!client) {
		return berth_fail(why, BERTH_E_MEMORY, "tls-client", NULL, "out of memory");
	}
	enum berth_err err = client_take(client, conf, why);
	if (err) {
		return err;
	}
	client->ctx = SSL_CTX_new_ex(berth_pki_libctx(conf->pki), NULL, TLS_client_method());
	bool has_own = conf->chain && conf->chain->n > 0;
	if (!client->ctx || !set_common(client->ctx) ||
	    (has_own && !set_own(client->ctx, conf->chain, conf->key)) ||
	    SSL_CTX_set1_sigalgs_list(client->ctx, SIGALGS_ANY) != 1) {
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "tls-client", NULL,
				       "cannot set up the TLS client");
	}
	SSL_CTX_set_verify(client->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(client->ctx, verify_server, client);
	*ret = client;
	client = NULL;
	return BERTH_OK;
}

void
berth_tls_client_close(struct berth_tls_client *client)
{
	if (!client) {
		return;
	}
	SSL_CTX_free(client->ctx);
	berth_cert_free(client->pinned);
	berth_cert_list_free(&client->anchors);
	free(client->server_name);
	free(client);
}

enum berth_err
berth_tls_accept(struct berth_tls_server *server, struct event_base *base,
		 const struct berth_tls_hooks *hooks, struct bufferevent **ret)
{
	SSL *ssl = SSL_new(server->ctx);
	if (!ssl) {
		return BERTH_E_MEMORY;
	}
	SSL_set_app_data(ssl, (void *)(uintptr_t)hooks);
	/* Frees ssl on failure too. */
	struct bufferevent *bev = bufferevent_openssl_socket_new(
		base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (!bev) {
		return BERTH_E_MEMORY;
	}
	*ret = bev;
	return BERTH_OK;
}

enum berth_err
berth_tls_connect(struct berth_tls_client *client, struct event_base *base, int fd,
		  struct bufferevent **ret)
{
	SSL *ssl = SSL_new(client->ctx);
	if (ssl && client->server_name && !client->name_is_address &&
	    SSL_set_tlsext_host_name(ssl, client->server_name) != 1) {
		SSL_free(ssl);
		ssl = NULL;
	}
	if (!ssl) {
		(void)close(fd);
		return BERTH_E_MEMORY;
	}
	struct bufferevent *bev = bufferevent_openssl_socket_new(
		base, fd, ssl, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
	if (!bev) {
		(void)close(fd);
		return BERTH_E_MEMORY;
	}
	*ret = bev;
	return BERTH_OK;
}

/* Lengths first, so that one allocation holds all of a connection's certificates. */
static enum berth_err
copy_certificates(X509 *const *certs, size_t n, struct berth_bytes *views, uint8_t **ret_memory)
{
	size_t total = 1;
	for (size_t i = 0; i < n; i++) {
		int size = i2d_X509(certs[i], NULL);
		if (size < 0) {
			return BERTH_E_CRYPTO;
		}
		total += (size_t)size;
	}
	uint8_t *memory = malloc(total);
	if (!memory) {
		return BERTH_E_MEMORY;
	}
	unsigned char *at = memory;
	for (size_t i = 0; i < n; i++) {
		unsigned char *start = at;
		int size = i2d_X509(certs[i], &at);
		views[i] = berth_bytes_of(start, size < 0 ? 0 : (size_t)size);
	}
	*ret_memory = memory;
	return BERTH_OK;
}

/*
 * RFC 5929 3.1: the first Finished of the newest handshake. There is no resumption and no renegotiation here, so
 * that is always the client's of the only one.
 */
static void
see_unique(SSL *ssl, struct berth_tls_seen *ret)
{
	if (SSL_version(ssl) != TLS1_2_VERSION)
		return;
	size_t n = SSL_is_server(ssl)
			   ? SSL_get_peer_finished(ssl, ret->tls_unique, sizeof(ret->tls_unique))
			   : SSL_get_finished(ssl, ret->tls_unique, sizeof(ret->tls_unique));
	if (n == sizeof(ret->tls_unique))
		ret->facts.tls_unique = berth_bytes_of(ret->tls_unique, n);
}

enum berth_err
berth_tls_see(struct bufferevent *bev, uint64_t connection, struct berth_tls_seen *ret)
{
	SSL *ssl = bufferevent_openssl_get_ssl(bev);
	X509 *certs[BERTH_CHAIN_MAX + 1];
	size_t n = 0;
	X509 *leaf = SSL_get0_peer_certificate(ssl);
	if (leaf) {
		certs[n++] = leaf;
	}
	/* OpenSSL gives a client the whole chain, a server all but the first. */
	STACK_OF(X509) *sent = SSL_get_peer_cert_chain(ssl);
	for (int i = SSL_is_server(ssl) ? 0 : 1; i < sk_X509_num(sent) && n < BERTH_CHAIN_MAX;
	     i++) {
		certs[n++] = sk_X509_value(sent, i);
	}
	size_t peers = n;
	X509 *own = SSL_get_certificate(ssl);
	if (own) {
		certs[n++] = own;
	}
	struct berth_bytes views[BERTH_CHAIN_MAX + 1];
	*ret = (struct berth_tls_seen){0};
	enum berth_err err = copy_certificates(certs, n, views, &ret->memory);
	if (err) {
		return err;
	}
	struct berth_tls_facts *facts = &ret->facts;
	facts->peer_count = peers;
	memcpy(facts->peer_chain, views, peers * sizeof(views[0]));
	facts->own_certificate = own ? views[peers] : BERTH_BYTES_NONE;
	facts->version = (uint16_t)SSL_version(ssl);
	facts->connection = connection;
	if (SSL_version(ssl) == TLS1_3_VERSION &&
	    SSL_export_keying_material(ssl, ret->exporter, sizeof(ret->exporter), EXPORTER_LABEL,
				       sizeof(EXPORTER_LABEL) - 1, NULL, 0, 0) == 1) {
		facts->exporter = berth_bytes_of(ret->exporter, sizeof(ret->exporter));
	}
	see_unique(ssl, ret);
	if (SSL_is_server(ssl) &&
	    SSL_get_client_random(ssl, ret->client_random, sizeof(ret->client_random)) ==
		    sizeof(ret->client_random))
		facts->client_random =
			berth_bytes_of(ret->client_random, sizeof(ret->client_random));
	return BERTH_OK;
}

void
berth_tls_seen_free(struct berth_tls_seen *seen)
{
	free(seen->memory);
	*seen = (struct berth_tls_seen){0};
}

bool
berth_tls_is_established(struct bufferevent *bev)
{
	SSL *ssl = bufferevent_openssl_get_ssl(bev);
	return ssl && SSL_is_init_finished(ssl);
}

enum berth_err
berth_tls_failure(struct bufferevent *bev, struct berth_why *why)
{
	unsigned long code = bufferevent_get_openssl_error(bev);
	int reason = ERR_GET_REASON(code);
	if (code == 0 || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
		return berth_fail(why, BERTH_E_UNREACHABLE, "tls-closed", NULL,
				  "the peer closed the connection");
	}
	if (reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_WRONG_VERSION_NUMBER ||
	    reason == SSL_R_VERSION_TOO_LOW) {
		return berth_fail(why, BERTH_E_UNSUPPORTED, "tls-version", "RFC 8995 5.1",
				  "the peer does not speak TLS 1.2 or newer");
	}
	if (reason == SSL_R_HTTP_REQUEST || reason == SSL_R_HTTPS_PROXY_REQUEST) {
		return berth_fail(why, BERTH_E_UNSUPPORTED, "tls-plain-http", NULL,
				  "the peer speaks HTTP without TLS");
	}
	const char *text = ERR_reason_error_string(code);
	return berth_fail(why, BERTH_E_UNTRUSTED, "tls-handshake", NULL, "TLS failed: %s",
			  text ? text : "unknown reason");
}

enum berth_err
berth_tls_client_failure(const struct berth_tls_client *client, struct bufferevent *bev,
			 struct berth_why *why)
{
	if (client->refused.rule) {
		if (why) {
			*why = client->refused;
		}
		return client->refused.err;
	}
	return berth_tls_failure(bev, why);
}

void
berth_tls_say_end(struct bufferevent *bev)
{
	SSL *ssl = bufferevent_openssl_get_ssl(bev);
	if (ssl && SSL_is_init_finished(ssl)) {
		ERR_clear_error();
		(void)SSL_shutdown(ssl);
		ERR_clear_error();
	}
}
