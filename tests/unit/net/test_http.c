/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/http.h"
#include "net/listen.h"
#include "unit/pki/authority.h"

#define DEADLINE_MS 10000

static struct authority authority;

static int
setup(void **state)
{
	authority_start(&authority);
	*state = &authority;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	authority_end(&authority);
	return 0;
}

/* A server that answers each request with its path, and a client, in one loop. */
struct scene {
	struct berth_loop *loop;
	struct berth_timer *deadline;
	struct berth_key *key;
	struct berth_cert_list chain;
	struct berth_tls_server *tls;
	struct berth_http_server *server;
	char address[108];
	uint16_t port;
	size_t requests;
	bool close_after;
	struct berth_tls_client *client_tls;
	struct berth_http_client *client;
	/* what the client was told */
	bool told;
	struct berth_why why;
	int status;
	char body[64];
	size_t peers;
	struct berth_buf leaf;
};

static void
on_request(void *context, struct berth_http_exchange *exchange,
	   const struct berth_http_request *request, const struct berth_tls_facts *tls,
	   struct berth_bytes peer_address)
{
	struct scene *scene = context;

	(void)tls;
	assert_true(peer_address.n > 0 || scene->tls == NULL);
	scene->requests++;
	berth_http_reply(exchange, &(struct berth_http_response){
					   .status = 200,
					   .media_type = BERTH_LIT("text/plain"),
					   .retry_after_s = 7,
					   .close = scene->close_after,
					   .body = request->path,
				   });
}

static void
on_gone(void *context, struct berth_http_exchange *exchange)
{
	(void)context;
	(void)exchange;
}

static void
on_deadline(void *context)
{
	(void)context;
	fail_msg("nothing happened in time");
}

static void
open_tls(struct scene *scene)
{
	const struct berth_bytes name = BERTH_LIT("registrar.example");
	scene->key = authority_key(&authority, "P-256");
	struct berth_cert_template wanted =
		authority_template(&authority, BERTH_PROFILE_REGISTRAR, "registrar", scene->key);

	wanted.dns_names = &name;
	wanted.dns_name_count = 1;
	BERTH_CERT *leaf = authority_issue(&authority, &wanted);
	assert_int_equal(berth_cert_list_add(&scene->chain, leaf, NULL), BERTH_OK);
	assert_int_equal(berth_cert_list_add(&scene->chain, authority.ca, NULL), BERTH_OK);
	const struct berth_tls_server_conf conf = {
		.pki = authority.pki,
		.chain = &scene->chain,
		.key = scene->key,
		.ask_client_certificate = true,
	};
	assert_int_equal(berth_tls_server_open(&conf, &scene->tls, NULL), BERTH_OK);
}

static void
serve(struct scene *scene, int fd)
{
	const struct berth_http_server_conf conf = {
		.tls = scene->tls,
		.body_limit_bytes = 4096,
		.request_timeout_ms = DEADLINE_MS,
		.idle_timeout_ms = DEADLINE_MS,
		.pending_timeout_ms = DEADLINE_MS,
		.connections_max = 10,
		.on_request = on_request,
		.on_gone = on_gone,
		.context = scene,
	};
	assert_int_equal(berth_http_server_open(scene->loop, &conf, fd, &scene->server, NULL),
			 BERTH_OK);
}

static void
open_loop(struct scene *scene)
{
	assert_int_equal(berth_loop_open(&scene->loop, NULL), BERTH_OK);
	assert_int_equal(berth_timer_open(scene->loop, on_deadline, NULL, &scene->deadline),
			 BERTH_OK);
	berth_timer_start(scene->deadline, DEADLINE_MS);
}

static void
scene_start(struct scene *scene)
{
	int fd = -1;

	*scene = (struct scene){0};
	open_loop(scene);
	open_tls(scene);
	assert_int_equal(berth_listen("127.0.0.1:0", &fd, 1, &scene->port, NULL), BERTH_OK);
	strcpy(scene->address, "127.0.0.1");
	serve(scene, fd);
}

static void
scene_end(struct scene *scene)
{
	berth_http_client_close(scene->client);
	berth_tls_client_close(scene->client_tls);
	berth_http_server_close(scene->server);
	berth_tls_server_close(scene->tls);
	berth_cert_list_free(&scene->chain);
	berth_key_free(scene->key);
	berth_buf_free(&scene->leaf);
	berth_timer_close(scene->deadline);
	berth_loop_close(scene->loop);
}

#define SCENE __attribute__((cleanup(scene_end))) struct scene

static void
on_connected(void *context, const struct berth_tls_facts *tls, const struct berth_why *why)
{
	struct scene *scene = context;

	scene->told = true;
	scene->why = why ? *why : (struct berth_why){0};
	scene->peers = tls ? tls->peer_count : 0;
	berth_buf_clear(&scene->leaf);
	if (scene->peers > 0) {
		assert_int_equal(berth_buf_append_bytes(&scene->leaf, tls->peer_chain[0]),
				 BERTH_OK);
	}
	berth_loop_stop(scene->loop);
}

static void
on_done(void *context, const struct berth_http_response *response,
	const struct berth_tls_facts *tls, const struct berth_why *why)
{
	struct scene *scene = context;

	(void)tls;
	scene->told = true;
	scene->why = *why;
	scene->status = response->status;
	(void)snprintf(scene->body, sizeof(scene->body), "%.*s", (int)response->body.n,
		       (const char *)response->body.p);
	berth_loop_stop(scene->loop);
}

static void
run(struct scene *scene)
{
	scene->told = false;
	while (!scene->told) {
		berth_loop_run(scene->loop);
	}
}

static void
connect_among(struct scene *scene, const char *address, uint16_t port,
	      const struct berth_networks *public_and)
{
	const struct berth_http_client_conf conf = {
		.address = address,
		.port = port,
		.host = "registrar.example",
		.tls = scene->client_tls,
		.connect_timeout_ms = DEADLINE_MS,
		.request_timeout_ms = DEADLINE_MS,
		.body_limit_bytes = 4096,
		.public_and = public_and,
	};

	berth_http_client_close(scene->client);
	assert_int_equal(berth_http_client_open(scene->loop, &conf, &scene->client, NULL),
			 BERTH_OK);
	scene->told = false;
	berth_http_client_connect(scene->client, on_connected, scene);
	assert_false(scene->told); /* never from within */
	run(scene);
}

static void
connect_to(struct scene *scene, const char *address, uint16_t port)
{
	connect_among(scene, address, port, NULL);
}

static void
ask(struct scene *scene, const char *path)
{
	const struct berth_http_request request = {
		.method = BERTH_HTTP_POST,
		.path = berth_text(path),
		.media_type = BERTH_LIT("text/plain"),
		.body = BERTH_LIT("question"),
	};

	berth_http_client_send(scene->client, &request, on_done, scene);
	run(scene);
}

static void
use_tls(struct scene *scene, struct berth_tls_client_conf conf)
{
	conf.pki = authority.pki;
	berth_tls_client_close(scene->client_tls);
	assert_int_equal(berth_tls_client_open(&conf, &scene->client_tls, NULL), BERTH_OK);
}

static struct berth_wall
test_wall(void)
{
	return NOW;
}

static void
knows_the_peer_before_it_asks(void **state)
{
	(void)state;
	SCENE scene;
	scene_start(&scene);
	use_tls(&scene, (struct berth_tls_client_conf){.provisional = true});
	connect_to(&scene, "127.0.0.1", scene.port);
	assert_null(scene.why.rule);
	assert_int_equal(scene.requests, 0);
	assert_int_equal(scene.peers, 2);
	assert_true(
		berth_bytes_equal(berth_buf_view(&scene.leaf), berth_cert_der(scene.chain.at[0])));
	ask(&scene, "/one");
	assert_int_equal(scene.status, 200);
	assert_string_equal(scene.body, "/one");
	ask(&scene, "/two words");
	assert_string_equal(scene.body, "/two words");
	assert_true(berth_http_client_is_ready(scene.client));
}

/* RFC 8995 5.1: what was provisionally accepted is one peer on one connection. */
static void
refuses_to_reconnect_to_an_unchecked_peer(void **state)
{
	(void)state;
	SCENE scene;
	scene_start(&scene);
	struct scene other = {.loop = scene.loop};
	int fd = -1;
	open_tls(&other);
	assert_int_equal(berth_listen("127.0.0.1:0", &fd, 1, &other.port, NULL), BERTH_OK);
	serve(&other, fd);
	use_tls(&scene, (struct berth_tls_client_conf){.provisional = true});
	connect_to(&scene, "127.0.0.1", scene.port);
	assert_null(scene.why.rule);

	/* The same peer closes: the next request fails, and nothing is connected behind our back. */
	scene.close_after = true;
	ask(&scene, "/last");
	assert_int_equal(scene.status, 200);
	ask(&scene, "/more");
	assert_int_equal(scene.status, 0);
	assert_int_equal(scene.why.err, BERTH_E_UNREACHABLE);
	assert_int_equal(scene.requests, 1);

	/* A second connection with the same settings, to another peer and to the same. */
	const uint16_t ports[] = {other.port, scene.port};
	for (size_t i = 0; i < 2; i++) {
		connect_to(&scene, "127.0.0.1", ports[i]);
		assert_string_equal(scene.why.rule, "rfc8995-5.1-second-connection");
	}
	assert_int_equal(scene.requests, 1);
	assert_int_equal(other.requests, 0);

	/* The control: with settings of its own the other peer is accepted. */
	use_tls(&scene, (struct berth_tls_client_conf){.provisional = true});
	connect_to(&scene, "127.0.0.1", other.port);
	assert_null(scene.why.rule);

	berth_http_client_close(scene.client);
	scene.client = NULL;
	berth_http_server_close(other.server);
	berth_tls_server_close(other.tls);
	berth_cert_list_free(&other.chain);
	berth_key_free(other.key);
}

static void
pins_the_certificate_of_the_first_connection(void **state)
{
	(void)state;
	SCENE scene;
	scene_start(&scene);
	use_tls(&scene, (struct berth_tls_client_conf){.pinned = scene.chain.at[0]});
	connect_to(&scene, "127.0.0.1", scene.port);
	assert_null(scene.why.rule);
	connect_to(&scene, "127.0.0.1", scene.port);
	assert_null(scene.why.rule);

	/* The issuing CA would vouch for it, but it is another certificate. */
	use_tls(&scene, (struct berth_tls_client_conf){.pinned = authority.ca});
	connect_to(&scene, "127.0.0.1", scene.port);
	assert_string_equal(scene.why.rule, "rfc8995-5.6.2-other-certificate");
}

static void
checks_path_and_name(void **state)
{
	(void)state;
	SCENE scene;
	scene_start(&scene);
	BERTH_CERT_LIST anchors = {0};
	BERTH_CERT_LIST strangers = {0};
	BERTH_KEY *key = authority_key(&authority, "P-256");
	struct berth_cert_template wanted =
		authority_template(&authority, BERTH_PROFILE_ROOT_CA, "stranger", key);
	BERTH_CERT *stranger = authority_issue_by(&authority, &wanted, NULL, key);
	assert_int_equal(berth_cert_list_add(&anchors, authority.root, NULL), BERTH_OK);
	assert_int_equal(berth_cert_list_add(&strangers, stranger, NULL), BERTH_OK);
	struct berth_tls_client_conf conf = {
		.anchors = &anchors,
		.server_name = "registrar.example",
		.wall = test_wall,
	};
	use_tls(&scene, conf);
	connect_to(&scene, "127.0.0.1", scene.port);
	assert_null(scene.why.rule);

	conf.server_name = "registrar.example.org";
	use_tls(&scene, conf);
	connect_to(&scene, "127.0.0.1", scene.port);
	assert_string_equal(scene.why.rule, "rfc9525-6-name-mismatch");

	conf.server_name = "registrar.example";
	conf.anchors = &strangers;
	use_tls(&scene, conf);
	connect_to(&scene, "127.0.0.1", scene.port);
	assert_int_equal(scene.why.err, BERTH_E_UNTRUSTED);

	conf = (struct berth_tls_client_conf){0};
	use_tls(&scene, conf);
	connect_to(&scene, "127.0.0.1", scene.port);
	assert_string_equal(scene.why.rule, "tls-no-anchors");
}

static void
speaks_plain_http_over_a_unix_socket(void **state)
{
	(void)state;
	SCENE scene = {0};
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	open_loop(&scene);
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/socket", authority.folder);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 4), 0);
	serve(&scene, fd);
	connect_to(&scene, at.sun_path, 0);
	assert_null(scene.why.rule);
	ask(&scene, "/one");
	assert_int_equal(scene.status, 200);
	assert_string_equal(scene.body, "/one");
	assert_int_equal(unlink(at.sun_path), 0);
}

static void
says_that_nobody_is_there(void **state)
{
	(void)state;
	SCENE scene;
	uint16_t port = 0;
	int fd = -1;
	scene_start(&scene);
	assert_int_equal(berth_listen("127.0.0.1:0", &fd, 1, &port, NULL), BERTH_OK);
	(void)close(fd);
	connect_to(&scene, "127.0.0.1", port);
	assert_int_equal(scene.why.err, BERTH_E_UNREACHABLE);
	assert_string_equal(scene.why.rule, "http-connect");
}

/* Where a stranger chose the address. */
static void
connects_to_public_addresses_and_named_networks_alone(void **state)
{
	(void)state;
	SCENE scene;
	struct berth_networks none = {0}, other, loopback;
	static const char *const here[] = {"127.0.0.1", "localhost", "/tmp/socket"};
	scene_start(&scene);
	assert_int_equal(berth_networks_parse(BERTH_LIT("10.0.0.0/8"), &other, NULL), BERTH_OK);
	assert_int_equal(berth_networks_parse(BERTH_LIT("127.0.0.0/8"), &loopback, NULL), BERTH_OK);
	for (size_t i = 0; i < sizeof(here) / sizeof(here[0]); i++) {
		connect_among(&scene, here[i], scene.port, &none);
		assert_int_equal(scene.why.err, BERTH_E_DENIED);
		assert_string_equal(scene.why.rule, "http-not-public");
		connect_among(&scene, here[i], scene.port, &other);
		assert_string_equal(scene.why.rule, "http-not-public");
	}
	connect_among(&scene, "127.0.0.1", scene.port, &loopback);
	assert_int_equal(scene.why.err, BERTH_OK);
}

static void
refuses_header_values_that_would_be_two_lines(void **state)
{
	(void)state;
	SCENE scene;
	scene_start(&scene);
	use_tls(&scene, (struct berth_tls_client_conf){.provisional = true});
	connect_to(&scene, "127.0.0.1", scene.port);
	const struct berth_http_request request = {
		.method = BERTH_HTTP_GET,
		.path = BERTH_LIT("/"),
		.accept = BERTH_LIT("a\r\nX: y"),
	};
	berth_http_client_send(scene.client, &request, on_done, &scene);
	run(&scene);
	assert_int_equal(scene.status, 0);
	assert_string_equal(scene.why.rule, "http-request");
	assert_int_equal(scene.requests, 0);
}

static void
reads_listen_addresses(void **state)
{
	(void)state;
	char host[BERTH_LISTEN_ADDRESS_MAX];
	uint16_t port;
	assert_int_equal(berth_listen_parse("[::]:9443", host, &port, NULL), BERTH_OK);
	assert_string_equal(host, "::");
	assert_int_equal(port, 9443);
	static const char *const bad[] = {"",	      "9443",	       "[::]",	   "[]:1",
					  "::1]:1",   "1.2.3.4:65536", "1.2.3.4:", "1.2.3.4:1x",
					  "[::1]x:1", "1.2.3.4:-1",    ":9443"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct berth_why why;
		int fd = -1;
		if (berth_listen(bad[i], &fd, 1, &port, &why) == BERTH_OK) {
			fail_msg("accepted: %s", bad[i]);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_peer_before_it_asks),
		cmocka_unit_test(refuses_to_reconnect_to_an_unchecked_peer),
		cmocka_unit_test(pins_the_certificate_of_the_first_connection),
		cmocka_unit_test(checks_path_and_name),
		cmocka_unit_test(speaks_plain_http_over_a_unix_socket),
		cmocka_unit_test(says_that_nobody_is_there),
		cmocka_unit_test(connects_to_public_addresses_and_named_networks_alone),
		cmocka_unit_test(refuses_header_values_that_would_be_two_lines),
		cmocka_unit_test(reads_listen_addresses),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
