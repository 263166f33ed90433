/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/grasp/neighbours.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct berth_now
at_ms(int64_t ms)
{
	return (struct berth_now){.mono = {ms}};
}

/* A flood of one offer. host is the last two bytes of fe80::, of the locator and of the source alike. */
struct speech {
	enum berth_grasp_name name;
	uint16_t host;
	uint16_t port;
	uint32_t session;
	uint32_t ttl_ms;
	unsigned interface;
	uint8_t locator_prefix[2]; /* {0}: fe80 */
	uint8_t source_prefix[2];  /* {0}: fe80 */
	uint16_t source_host;	   /* 0: host */
	const char *value;
};

static void
write_address(uint8_t address[16], const uint8_t prefix[2], uint16_t host)
{
	memset(address, 0, 16);
	address[0] = prefix[0] ? prefix[0] : 0xfe;
	address[1] = prefix[0] ? prefix[1] : 0x80;
	address[14] = (uint8_t)(host >> 8);
	address[15] = (uint8_t)host;
}

static enum berth_err
hear(struct berth_grasp_neighbours *n, int64_t ms, const struct speech *speech,
     struct berth_why *why)
{
	struct berth_grasp_flood flood = {
		.session = speech->session,
		.ttl_ms = speech->ttl_ms,
		.n = 1,
		.at = {{.name = speech->name, .loop_count = 1, .port = speech->port}},
	};
	uint8_t source[16];
	BERTH_BUF bytes = {0};
	if (speech->value) {
		strcpy(flood.at[0].value, speech->value);
	}
	write_address(flood.at[0].address, speech->locator_prefix, speech->host);
	write_address(source, speech->source_prefix,
		      speech->source_host ? speech->source_host : speech->host);
	assert_int_equal(berth_grasp_flood_encode(&flood, &bytes), BERTH_OK);
	const struct berth_grasp_datagram datagram = {.interface = speech->interface,
						      .source = source,
						      .message = berth_buf_view(&bytes)};
	return berth_grasp_neighbours_input(n, at_ms(ms), &datagram, why);
}

/* "+4443" for each that appeared, "-4443" for each that vanished. */
static size_t
told(struct berth_grasp_neighbours *n, int *ret_last_port)
{
	struct berth_grasp_event event;
	size_t count = 0;
	while (berth_grasp_neighbours_event(n, &event)) {
		*ret_last_port = event.is_there ? event.neighbour.offer.port
						: -(int)event.neighbour.offer.port;
		count++;
	}
	return count;
}

static void
tells_once_of_who_appears_and_once_of_who_vanishes(void **state)
{
	(void)state;
	struct berth_grasp_neighbours n;
	int port = 0;
	berth_grasp_neighbours_start(&n, BERTH_GRASP_AN_PROXY, false);
	assert_true(berth_grasp_neighbours_deadline(&n).ms == BERTH_MONO_NEVER.ms);
	const struct speech first = {.host = 1, .port = 4443, .session = 1, .ttl_ms = 180000};
	assert_int_equal(hear(&n, 0, &first, NULL), BERTH_OK);
	assert_int_equal(told(&n, &port), 1);
	assert_int_equal(port, 4443);
	const struct speech second = {.host = 1, .port = 4443, .session = 2, .ttl_ms = 180000};
	assert_int_equal(hear(&n, 60000, &second, NULL), BERTH_OK);
	assert_int_equal(told(&n, &port), 0);
	assert_true(berth_grasp_neighbours_deadline(&n).ms == 240000);
	berth_grasp_neighbours_tick(&n, at_ms(239999));
	assert_int_equal(told(&n, &port), 0);
	berth_grasp_neighbours_tick(&n, at_ms(240000));
	assert_int_equal(told(&n, &port), 1);
	assert_int_equal(port, -4443);
	assert_int_equal(told(&n, &port), 0);
	/* and again, with the first session: what vanished is not remembered */
	assert_int_equal(hear(&n, 250000, &first, NULL), BERTH_OK);
	assert_int_equal(told(&n, &port), 1);
}

/* req: rfc8990-2.5.2-source, rfc8995-4.1.1-link-local, rfc8990-2.8.11-session */
static void
refuses_forged_floods_by_rule(void **state)
{
	(void)state;
	static const struct {
		struct speech speech;
		const char *rule;
	} rows[] = {
		{{.host = 7, .port = 1, .session = 9, .source_prefix = {0x20, 0x01}},
		 "rfc8990-2.5.2-source"},
		{{.host = 7, .port = 1, .session = 9, .source_prefix = {0xfe, 0xc0}},
		 "rfc8990-2.5.2-source"},
		{{.host = 7, .port = 1, .session = 9, .locator_prefix = {0x20, 0x01}},
		 "rfc8995-4.1.1-link-local"},
		{{.host = 7, .port = 1, .session = 9, .locator_prefix = {0xfd, 0x00}},
		 "rfc8995-4.1.1-link-local"},
		{{.host = 7, .port = 1, .session = 9, .source_host = 8},
		 "rfc8995-4.1.1-other-address"},
		{{.host = 7, .port = 1, .session = 9, .name = BERTH_GRASP_AN_JOIN_REGISTRAR},
		 "grasp-not-wanted"},
		{{.host = 1, .port = 4443, .session = 1, .ttl_ms = UINT32_MAX},
		 "rfc8990-2.8.11-session"},
		{{.host = 7, .port = 1, .session = 9, .value = "prm-jose"}, "grasp-variation"},
	};
	struct berth_grasp_neighbours n;
	int port = 0;
	berth_grasp_neighbours_start(&n, BERTH_GRASP_AN_PROXY, false);
	const struct speech honest = {.host = 1, .port = 4443, .session = 1, .ttl_ms = 180000};
	assert_int_equal(hear(&n, 0, &honest, NULL), BERTH_OK);
	assert_int_equal(told(&n, &port), 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct berth_why why = {0};
		print_message("%s\n", rows[i].rule);
		assert_int_not_equal(hear(&n, 1000, &rows[i].speech, &why), BERTH_OK);
		assert_string_equal(why.rule, rows[i].rule);
		assert_int_equal(told(&n, &port), 0);
		assert_true(berth_grasp_neighbours_deadline(&n).ms == 180000);
	}
	/* The same that was refused, where the operator believes it. */
	berth_grasp_neighbours_start(&n, BERTH_GRASP_AN_JOIN_REGISTRAR, true);
	const struct speech routed = {.name = BERTH_GRASP_AN_JOIN_REGISTRAR,
				      .host = 7,
				      .port = 8443,
				      .session = 9,
				      .ttl_ms = 1,
				      .source_host = 8,
				      .locator_prefix = {0xfd, 0xa3},
				      .value = "EST-TLS"};
	assert_int_equal(hear(&n, 0, &routed, NULL), BERTH_OK);
	assert_int_equal(told(&n, &port), 1);
	assert_int_equal(port, 8443);
}

static void
believes_nobody_for_longer_than_ten_minutes(void **state)
{
	(void)state;
	static const uint32_t ttls[] = {0, BERTH_GRASP_TTL_MAX_MS + 1, UINT32_MAX};
	for (size_t i = 0; i < sizeof(ttls) / sizeof(ttls[0]); i++) {
		struct berth_grasp_neighbours n;
		berth_grasp_neighbours_start(&n, BERTH_GRASP_AN_PROXY, false);
		const struct speech speech = {.host = 1, .port = 1, .ttl_ms = ttls[i]};
		assert_int_equal(hear(&n, 5, &speech, NULL), BERTH_OK);
		assert_true(berth_grasp_neighbours_deadline(&n).ms == 5 + BERTH_GRASP_TTL_MAX_MS);
	}
}

static void
keeps_a_bounded_number_for_each_source_and_link(void **state)
{
	(void)state;
	struct berth_grasp_neighbours n;
	struct berth_why why = {0};
	int port = 0;
	size_t kept = 0;
	berth_grasp_neighbours_start(&n, BERTH_GRASP_AN_PROXY, false);
	for (uint16_t i = 1; i <= 100; i++) {
		const struct speech one = {.host = 1, .port = i, .session = i, .ttl_ms = 60000};
		kept += hear(&n, 0, &one, &why) == BERTH_OK;
	}
	assert_int_equal(kept, BERTH_GRASP_NEIGHBOURS_SOURCE_MAX);
	assert_string_equal(why.rule, "grasp-neighbours");
	for (uint16_t i = 2; i <= 5000; i++) {
		const struct speech other = {.host = i, .port = 1, .session = i, .ttl_ms = 60000};
		kept += hear(&n, 0, &other, &why) == BERTH_OK;
	}
	assert_int_equal(kept, BERTH_GRASP_NEIGHBOURS_INTERFACE_MAX);
	assert_int_equal(told(&n, &port), BERTH_GRASP_NEIGHBOURS_INTERFACE_MAX);
	/* The flooded link leaves the others alone, up to the bound of all. */
	for (uint16_t i = 1; i <= 5000; i++) {
		const struct speech other = {.host = i,
					     .port = 1,
					     .session = i,
					     .ttl_ms = 60000,
					     .interface = 1 + i % 5};
		kept += hear(&n, 0, &other, &why) == BERTH_OK;
	}
	assert_int_equal(kept, BERTH_GRASP_NEIGHBOURS_MAX);
	/* And there is room again when they are over. */
	berth_grasp_neighbours_tick(&n, at_ms(60000));
	while (told(&n, &port)) {
	}
	const struct speech honest = {.host = 1, .port = 4443, .session = 1, .ttl_ms = 60000};
	assert_int_equal(hear(&n, 60000, &honest, NULL), BERTH_OK);
	assert_int_equal(told(&n, &port), 1);
	assert_int_equal(port, 4443);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_once_of_who_appears_and_once_of_who_vanishes),
		cmocka_unit_test(refuses_forged_floods_by_rule),
		cmocka_unit_test(believes_nobody_for_longer_than_ten_minutes),
		cmocka_unit_test(keeps_a_bounded_number_for_each_source_and_link),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
