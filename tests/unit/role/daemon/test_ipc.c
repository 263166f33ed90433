/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "role/daemon/ipc.h"

static const struct berth_http_request http_request = {
	.method = BERTH_HTTP_POST,
	.path = {(const uint8_t *)"/a", 2},
	.media_type = {(const uint8_t *)"text/plain", 10},
	.body = {(const uint8_t *)"body\0with nul", 13},
};

static const struct berth_tls_facts facts = {
	.peer_chain = {{(const uint8_t *)"leaf", 4}, {(const uint8_t *)"ca", 2}},
	.peer_count = 2,
	.own_certificate = {(const uint8_t *)"own", 3},
	.exporter = {(const uint8_t *)"0123456789abcdef0123456789abcdef", 32},
	.tls_unique = {(const uint8_t *)"twelve-bytes", 12},
	.version = 0x0304,
	.connection = 77,
};

static void
assert_facts(const struct berth_tls_facts *got)
{
	assert_int_equal(got->peer_count, 2);
	assert_true(berth_bytes_equal_text(got->peer_chain[0], "leaf"));
	assert_true(berth_bytes_equal_text(got->peer_chain[1], "ca"));
	assert_true(berth_bytes_equal_text(got->own_certificate, "own"));
	assert_int_equal(got->exporter.n, 32);
	assert_true(berth_bytes_equal_text(got->tls_unique, "twelve-bytes"));
	assert_int_equal(got->version, 0x0304);
	assert_int_equal(got->connection, 77);
}

static void
carries_a_request_to_the_judge(void **state)
{
	(void)state;
	BERTH_BUF packet = {0};
	struct berth_ipc ipc;
	const struct berth_ipc_request ask = {http_request, facts, BERTH_LIT("192.0.2.1")};
	assert_int_equal(berth_ipc_put_request(&packet, 9, &ask), BERTH_OK);
	assert_int_equal(berth_ipc_decode_for_judge(berth_buf_view(&packet), &ipc, NULL), BERTH_OK);
	assert_int_equal(ipc.kind, BERTH_IPC_REQUEST);
	assert_int_equal(ipc.id, 9);
	assert_int_equal(ipc.request.http.method, BERTH_HTTP_POST);
	assert_true(berth_bytes_equal(ipc.request.http.body, http_request.body));
	assert_true(berth_bytes_equal_text(ipc.request.http.media_type, "text/plain"));
	assert_true(berth_bytes_equal_text(ipc.request.peer_address, "192.0.2.1"));
	assert_facts(&ipc.request.tls);
}

static void
carries_a_reply_to_net(void **state)
{
	(void)state;
	BERTH_BUF packet = {0};
	struct berth_ipc ipc;
	const struct berth_http_response reply = {
		.status = 202,
		.media_type = BERTH_LIT("a/b"),
		.location = BERTH_LIT("/x"),
		.www_authenticate = BERTH_LIT("Basic realm=\"est\""),
		.retry_after_s = 30,
		.close = true,
		.body = BERTH_LIT("later"),
	};
	assert_int_equal(berth_ipc_put_reply(&packet, 1, &reply), BERTH_OK);
	assert_int_equal(berth_ipc_decode_for_net(berth_buf_view(&packet), &ipc, NULL), BERTH_OK);
	assert_true(ipc.is_reply);
	assert_int_equal(ipc.reply.status, 202);
	assert_int_equal(ipc.reply.retry_after_s, 30);
	assert_true(ipc.reply.close);
	assert_true(berth_bytes_equal_text(ipc.reply.location, "/x"));
	assert_true(berth_bytes_equal_text(ipc.reply.www_authenticate, "Basic realm=\"est\""));
	assert_true(berth_bytes_equal_text(ipc.reply.body, "later"));
}

static void
carries_a_dial_and_its_answer(void **state)
{
	(void)state;
	BERTH_BUF packet = {0};
	struct berth_ipc ipc;
	struct berth_dial dial = {
		.host = BERTH_LIT("masa.example"),
		.port = 443,
		.anchors_pem = BERTH_LIT("pem"),
		.request = http_request,
		.with_client_certificate = true,
		.timeout_ms = 1000,
		.body_limit_bytes = 100,
	};
	assert_int_equal(berth_ipc_put_dial(&packet, 5, &dial), BERTH_OK);
	assert_int_equal(berth_ipc_decode_for_net(berth_buf_view(&packet), &ipc, NULL), BERTH_OK);
	assert_int_equal(ipc.kind, BERTH_IPC_DIAL);
	assert_int_equal(ipc.dial.port, 443);
	assert_true(ipc.dial.with_client_certificate);
	assert_true(berth_bytes_equal_text(ipc.dial.host, "masa.example"));
	assert_true(berth_bytes_equal(ipc.dial.request.body, http_request.body));

	struct berth_why why;
	assert_int_equal(berth_fail(&why, BERTH_E_UNTRUSTED, "some-rule", NULL, "because"),
			 BERTH_E_UNTRUSTED);
	const struct berth_http_response none = {.retry_after_s = -1};
	assert_int_equal(berth_ipc_put_dialled(&packet, 5, &none, &facts, &why), BERTH_OK);
	assert_int_equal(berth_ipc_decode_for_judge(berth_buf_view(&packet), &ipc, NULL), BERTH_OK);
	assert_int_equal(ipc.dialled.http.status, 0);
	assert_int_equal(ipc.dialled.fault.err, BERTH_E_UNTRUSTED);
	assert_true(berth_bytes_equal_text(ipc.dialled.fault.rule, "some-rule"));
	assert_true(berth_bytes_equal_text(ipc.dialled.fault.sentence, "because"));
	assert_facts(&ipc.dialled.tls);

	dial.port = 0;
	assert_int_equal(berth_ipc_put_dial(&packet, 5, &dial), BERTH_OK);
	assert_int_equal(berth_ipc_decode_for_net(berth_buf_view(&packet), &ipc, NULL),
			 BERTH_E_SYNTAX);
}

static void
carries_a_question_to_the_signer_and_back(void **state)
{
	(void)state;
	BERTH_BUF packet = {0};
	struct berth_ipc ipc;
	assert_int_equal(berth_ipc_put_sign(&packet, 3, 12, BERTH_LIT("payload")), BERTH_OK);
	assert_int_equal(berth_ipc_decode_for_signer(berth_buf_view(&packet), &ipc, NULL),
			 BERTH_OK);
	assert_int_equal(ipc.sign.op, 12);
	assert_true(berth_bytes_equal_text(ipc.sign.payload, "payload"));
	assert_int_equal(berth_ipc_put_signature(&packet, 3, BERTH_LIT("object"), NULL), BERTH_OK);
	assert_int_equal(berth_ipc_decode_signature(berth_buf_view(&packet), &ipc, NULL), BERTH_OK);
	assert_int_equal(ipc.signature.fault.err, BERTH_OK);
	assert_true(berth_bytes_equal_text(ipc.signature.object, "object"));
}

static void
carries_dpp_both_ways(void **state)
{
	(void)state;
	BERTH_BUF packet = {0};
	struct berth_ipc ipc;
	assert_int_equal(
		berth_ipc_put_dpp_message(&packet, 4, BERTH_LIT("body"), BERTH_LIT("192.0.2.1")),
		BERTH_OK);
	assert_int_equal(berth_ipc_decode_for_judge(berth_buf_view(&packet), &ipc, NULL), BERTH_OK);
	assert_int_equal(ipc.kind, BERTH_IPC_DPP);
	assert_int_equal(ipc.id, 4);
	assert_true(berth_bytes_equal_text(ipc.dpp.body, "body"));
	assert_true(berth_bytes_equal_text(ipc.dpp.address, "192.0.2.1"));
	assert_int_equal(berth_ipc_put_dpp_gone(&packet, 4), BERTH_OK);
	assert_int_equal(berth_ipc_decode_for_judge(berth_buf_view(&packet), &ipc, NULL), BERTH_OK);
	assert_int_equal(ipc.kind, BERTH_IPC_DPP_GONE);
	assert_int_equal(ipc.id, 4);
	assert_int_equal(berth_ipc_put_dpp_send(&packet, 4, BERTH_LIT("answer"), true), BERTH_OK);
	assert_int_equal(berth_ipc_decode_for_net(berth_buf_view(&packet), &ipc, NULL), BERTH_OK);
	assert_true(berth_bytes_equal_text(ipc.dpp.body, "answer"));
	assert_true(ipc.dpp.close);
	assert_int_equal(berth_ipc_put_dpp_dial(&packet, 6, BERTH_LIT("ap.example"), 8908),
			 BERTH_OK);
	assert_int_equal(berth_ipc_decode_for_net(berth_buf_view(&packet), &ipc, NULL), BERTH_OK);
	assert_true(berth_bytes_equal_text(ipc.dpp.host, "ap.example"));
	assert_int_equal(ipc.dpp.port, 8908);
	assert_int_equal(berth_ipc_put_dpp_dialled(&packet, 6, 17, NULL), BERTH_OK);
	assert_int_equal(berth_ipc_decode_for_judge(berth_buf_view(&packet), &ipc, NULL), BERTH_OK);
	assert_true(ipc.is_reply);
	assert_int_equal(ipc.dpp.connection, 17);
	assert_int_equal(ipc.dpp.fault.err, BERTH_OK);
}

static void
refuses_dpp_that_says_nothing_or_two_things(void **state)
{
	(void)state;
	BERTH_BUF packet = {0};
	struct berth_ipc ipc;
	struct berth_why why;
	assert_int_equal(
		berth_ipc_put_dpp_message(&packet, 4, BERTH_BYTES_NONE, BERTH_LIT("192.0.2.1")),
		BERTH_OK);
	assert_int_equal(berth_ipc_decode_for_judge(berth_buf_view(&packet), &ipc, &why),
			 BERTH_E_SYNTAX);
	assert_int_equal(berth_ipc_put_dpp_dial(&packet, 6, BERTH_LIT("ap.example"), 0), BERTH_OK);
	assert_int_equal(berth_ipc_decode_for_net(berth_buf_view(&packet), &ipc, &why),
			 BERTH_E_SYNTAX);
	/* connected, and not; neither */
	struct berth_why fault;
	berth_why_fill(&fault, BERTH_E_UNREACHABLE, "dpp-dial", NULL, 0, "because");
	assert_int_equal(berth_ipc_put_dpp_dialled(&packet, 6, 0, &fault), BERTH_OK);
	assert_int_equal(berth_ipc_decode_for_judge(berth_buf_view(&packet), &ipc, &why), BERTH_OK);
	assert_int_equal(ipc.dpp.fault.err, BERTH_E_UNREACHABLE);
	assert_int_equal(berth_ipc_put_dpp_dialled(&packet, 6, 17, &fault), BERTH_OK);
	assert_int_equal(berth_ipc_decode_for_judge(berth_buf_view(&packet), &ipc, &why),
			 BERTH_E_SYNTAX);
	assert_int_equal(berth_ipc_put_dpp_dialled(&packet, 6, 0, NULL), BERTH_OK);
	assert_int_equal(berth_ipc_decode_for_judge(berth_buf_view(&packet), &ipc, &why),
			 BERTH_E_SYNTAX);
}

/* What is right on one edge is refused on every other: a net process cannot play a signer. */
static void
refuses_what_belongs_on_another_edge(void **state)
{
	(void)state;
	const struct berth_ipc_request ask = {http_request, facts, BERTH_BYTES_NONE};
	const struct berth_http_response reply = {.status = 200, .retry_after_s = -1};
	BERTH_BUF request = {0};
	BERTH_BUF answer = {0};
	BERTH_BUF sign = {0};
	BERTH_BUF signature = {0};
	BERTH_BUF link = {0};
	BERTH_BUF message = {0};
	BERTH_BUF send = {0};
	assert_int_equal(berth_ipc_put_request(&request, 1, &ask), BERTH_OK);
	assert_int_equal(berth_ipc_put_reply(&answer, 1, &reply), BERTH_OK);
	assert_int_equal(berth_ipc_put_sign(&sign, 1, 0, BERTH_LIT("x")), BERTH_OK);
	assert_int_equal(berth_ipc_put_signature(&signature, 1, BERTH_LIT("x"), NULL), BERTH_OK);
	assert_int_equal(berth_ipc_put_link(&link, BERTH_EDGE_NET, 1), BERTH_OK);
	assert_int_equal(berth_ipc_put_dpp_message(&message, 1, BERTH_LIT("x"), BERTH_BYTES_NONE),
			 BERTH_OK);
	assert_int_equal(berth_ipc_put_dpp_send(&send, 1, BERTH_LIT("x"), false), BERTH_OK);
	typedef enum berth_err decode(struct berth_bytes, struct berth_ipc *, struct berth_why *);
	static decode *const decoders[] = {berth_ipc_decode_for_judge, berth_ipc_decode_for_net,
					   berth_ipc_decode_for_signer, berth_ipc_decode_signature,
					   berth_ipc_decode_control};
	/* at d, at d + 5: for the decoder d */
	const struct berth_buf *const packets[] = {&request, &answer,  &sign, &signature,
						   &link,    &message, &send};
	for (size_t d = 0; d < 5; d++) {
		for (size_t p = 0; p < 7; p++) {
			struct berth_ipc ipc;
			struct berth_why why;
			enum berth_err err = decoders[d](berth_buf_view(packets[p]), &ipc, &why);
			if ((err == BERTH_OK) != (d == p % 5)) {
				fail_msg("decoder %zu, packet %zu: %s", d, p, berth_err_name(err));
			}
		}
	}
}

static void
refuses_values_outside_their_range(void **state)
{
	(void)state;
	BERTH_BUF packet = {0};
	struct berth_ipc ipc;
	struct berth_why why;
	struct berth_http_response reply = {.status = 99, .retry_after_s = -1};
	assert_int_equal(berth_ipc_put_reply(&packet, 1, &reply), BERTH_OK);
	assert_int_equal(berth_ipc_decode_for_net(berth_buf_view(&packet), &ipc, &why),
			 BERTH_E_SYNTAX);
	reply.status = 600;
	assert_int_equal(berth_ipc_put_reply(&packet, 1, &reply), BERTH_OK);
	assert_int_equal(berth_ipc_decode_for_net(berth_buf_view(&packet), &ipc, &why),
			 BERTH_E_SYNTAX);
	struct berth_ipc_request ask = {http_request, facts, BERTH_BYTES_NONE};
	ask.http.path = BERTH_LIT("relative");
	assert_int_equal(berth_ipc_put_request(&packet, 1, &ask), BERTH_OK);
	assert_int_equal(berth_ipc_decode_for_judge(berth_buf_view(&packet), &ipc, &why),
			 BERTH_E_SYNTAX);
	ask.http.path = BERTH_LIT("/");
	ask.tls.exporter.n = 31;
	assert_int_equal(berth_ipc_put_request(&packet, 1, &ask), BERTH_OK);
	assert_int_equal(berth_ipc_decode_for_judge(berth_buf_view(&packet), &ipc, &why),
			 BERTH_E_SYNTAX);
	assert_int_equal(berth_ipc_put_link(&packet, (enum berth_ipc_edge)99, 0), BERTH_OK);
	assert_int_equal(berth_ipc_decode_control(berth_buf_view(&packet), &ipc, &why),
			 BERTH_E_SYNTAX);
}

static void
the_largest_request_fits_a_frame(void **state)
{
	(void)state;
	static uint8_t body[BERTH_DAEMON_BODY_MAX];
	static uint8_t certificate[4096];
	struct berth_ipc_request ask = {http_request, facts, BERTH_LIT("fe80::1%interface0")};
	static uint8_t header[BERTH_IPC_HEADER_MAX];
	memset(header, 'a', sizeof(header));
	ask.http.body = berth_bytes_of(body, sizeof(body));
	ask.http.accept = ask.http.user_agent = ask.http.authorization =
		berth_bytes_of(header, sizeof(header));
	ask.tls.peer_count = BERTH_CHAIN_MAX; /* 32 KiB, what net/tls takes from a peer */
	for (size_t i = 0; i < BERTH_CHAIN_MAX; i++) {
		ask.tls.peer_chain[i] = berth_bytes_of(certificate, sizeof(certificate));
	}
	BERTH_BUF packet = {0};
	struct berth_ipc ipc;
	assert_int_equal(berth_ipc_put_request(&packet, 1, &ask), BERTH_OK);
	assert_int_equal(berth_ipc_decode_for_judge(berth_buf_view(&packet), &ipc, NULL), BERTH_OK);
	assert_int_equal(ipc.request.http.body.n, sizeof(body));

	ask.http.accept.n = BERTH_IPC_HEADER_MAX + 1;
	assert_int_equal(berth_ipc_put_request(&packet, 1, &ask), BERTH_E_LIMIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(carries_a_request_to_the_judge),
		cmocka_unit_test(carries_a_reply_to_net),
		cmocka_unit_test(carries_a_dial_and_its_answer),
		cmocka_unit_test(carries_a_question_to_the_signer_and_back),
		cmocka_unit_test(carries_dpp_both_ways),
		cmocka_unit_test(refuses_dpp_that_says_nothing_or_two_things),
		cmocka_unit_test(refuses_what_belongs_on_another_edge),
		cmocka_unit_test(refuses_values_outside_their_range),
		cmocka_unit_test(the_largest_request_fits_a_frame),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
