/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/grasp/flood.h"

#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* fe80::1 */
#define LOCAL "50fe800000000000000000000000000001"
#define AN_PROXY "68414e5f50726f7879"
#define HEAD                                                                                       \
	"09"                                                                                       \
	"1abc4e4f00" LOCAL "1a0002bf20" /* session, initiator, 180000 ms */
#define LOCATOR                                                                                    \
	"84"                                                                                       \
	"1867" LOCAL "06"                                                                          \
	"19115b" /* port 4443 */

static enum berth_err
decode(const char *hex, struct berth_grasp_flood *flood, struct berth_why *why)
{
	BERTH_BUF in = {0};
	assert_int_equal(berth_hex_decode(berth_text(hex), &in, NULL), BERTH_OK);
	return berth_grasp_flood_decode(berth_buf_view(&in), flood, why);
}

/* RFC 8995 4.1.1, figure: [M_FLOOD, id, initiator, 180000, [["AN_Proxy", 4, 1, ""], [103, address, 6, 4443]]] */
/* req: rfc8990-2.8.11-flood, rfc8995-4.1.1-proxy */
static void
writes_the_flood_of_a_proxy_as_the_rfc_shows_it(void **state)
{
	(void)state;
	struct berth_grasp_flood flood = {
		.session = 0xbc4e4f00,
		.initiator = {0xfe, 0x80, [15] = 1},
		.ttl_ms = 180000,
		.n = 1,
		.at = {{.name = BERTH_GRASP_AN_PROXY,
			.loop_count = 1,
			.address = {0xfe, 0x80, [15] = 1},
			.port = 4443}},
	};
	BERTH_BUF out = {0};
	BERTH_BUF want = {0};
	assert_int_equal(berth_grasp_flood_encode(&flood, &out), BERTH_OK);
	assert_int_equal(berth_hex_decode(berth_text("85" HEAD "82"
						     "84" AN_PROXY "040160" LOCATOR),
					  &want, NULL),
			 BERTH_OK);
	assert_true(berth_bytes_equal(berth_buf_view(&out), berth_buf_view(&want)));
	struct berth_grasp_flood again;
	assert_int_equal(berth_grasp_flood_decode(berth_buf_view(&out), &again, NULL), BERTH_OK);
	assert_int_equal(again.n, 1);
	assert_int_equal(again.session, flood.session);
	assert_int_equal(again.ttl_ms, 180000);
	assert_int_equal(again.at[0].port, 4443);
	assert_string_equal(again.at[0].value, "");
	assert_memory_equal(again.at[0].address, flood.at[0].address, 16);
	assert_memory_equal(again.initiator, flood.initiator, 16);
}

/* req: rfc8995-4.3-registrar */
static void
reads_what_says_the_same_in_other_words(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"85" HEAD "82"
		"83" AN_PROXY "0401" LOCATOR, /* no value */
		"85" HEAD "82"
		"84" AN_PROXY "0401f6" LOCATOR, /* null */
		"85" HEAD "82"
		"84" AN_PROXY "0401"
		"674553542d544c53" LOCATOR, /* EST-TLS */
		"85" HEAD "82"
		"84" AN_PROXY "0501"
		"60" LOCATOR, /* and for discovery */
		"85" HEAD "82"
		"84"
		"71"
		"414e5f6a6f696e5f726567697374726172"
		"0418ff"
		"674553542d544c53" LOCATOR,
		/* numbers longer than they need to be: RFC 8990 does not ask for one form */
		"85" HEAD "82"
		"84" AN_PROXY "1804"
		"190001"
		"60" LOCATOR,
		/* an IPv4 initiator, and somebody else's objective before ours */
		"86"
		"09"
		"01"
		"44c0000201"
		"00"
		"82"
		"83"
		"624558"
		"0201"
		"80"
		"82"
		"84" AN_PROXY "040160" LOCATOR,
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct berth_grasp_flood flood;
		struct berth_why why = {0};
		print_message("%zu %s\n", i, why.sentence);
		assert_int_equal(decode(rows[i], &flood, &why), BERTH_OK);
		assert_int_equal(flood.n, 1);
		assert_int_equal(flood.at[0].port, 4443);
		assert_int_equal(flood.passed_over, i == 6);
	}
}

static void
passes_over_what_it_cannot_use_by_rule(void **state)
{
	(void)state;
	static const struct {
		const char *hex;
		const char *rule;
	} rows[] = {
		{"85" HEAD "82"
		 "84" AN_PROXY "030160" LOCATOR,
		 "rfc8995-4.1.1-flags"},
		{"85" HEAD "82"
		 "84" AN_PROXY "040060" LOCATOR,
		 "rfc8990-loop-count"},
		{"85" HEAD "82"
		 "84" AN_PROXY "0401"
		 "63636d70" LOCATOR,
		 "grasp-variation"},
		{"85" HEAD "82"
		 "84" AN_PROXY "0401"
		 "674553542d544c54" LOCATOR,
		 "grasp-variation"},
		{"85" HEAD "82"
		 "84" AN_PROXY "0401"
		 "01" LOCATOR,
		 "grasp-variation"},
		{"85" HEAD "82"
		 "84" AN_PROXY "040160"
		 "80",
		 "rfc8995-4.1.1-locator"},
		{"85" HEAD "82"
		 "84" AN_PROXY "040160"
		 "84186844c000020106"
		 "19115b",
		 "rfc8995-4.1.1-locator"}, /* IPv4 */
		{"85" HEAD "82"
		 "84" AN_PROXY "040160"
		 "84186961610619115b",
		 "rfc8995-4.1.1-locator"}, /* a name */
		{"85" HEAD "82"
		 "84" AN_PROXY "040160"
		 "84"
		 "1867" LOCAL "11"
		 "19115b",
		 "rfc8995-4.1.1-transport"},
		{"85" HEAD "82"
		 "84" AN_PROXY "040160"
		 "84"
		 "1867" LOCAL "06"
		 "00",
		 "rfc8995-4.1.1-transport"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct berth_grasp_flood flood;
		print_message("%s\n", rows[i].hex);
		assert_int_equal(decode(rows[i].hex, &flood, NULL), BERTH_OK);
		assert_int_equal(flood.n, 0);
		assert_int_equal(flood.passed_over, 1);
		assert_string_equal(flood.passed_over_why.rule, rows[i].rule);
	}
}

static void
refuses_what_is_no_flood_by_rule(void **state)
{
	(void)state;
	static const struct {
		const char *hex;
		const char *rule;
	} rows[] = {
		{"", "rfc8990-form"},
		{"01", "rfc8990-form"},
		{"85"
		 "02"
		 "01" LOCAL "00"
		 "80",
		 "rfc8990-message-type"},    /* M_RESPONSE */
		{"84" HEAD, "rfc8990-form"}, /* nothing announced */
		{"85"
		 "09"
		 "1b0000000100000000" LOCAL "00"
		 "82"
		 "84" AN_PROXY "040160" LOCATOR,
		 "rfc8990-form"}, /* a session of 33 bits */
		{"85"
		 "09"
		 "01"
		 "43000000"
		 "00"
		 "82"
		 "84" AN_PROXY "040160" LOCATOR,
		 "rfc8990-form"}, /* an initiator of three bytes */
		{"85"
		 "09"
		 "01" LOCAL "1b0000000100000000"
		 "82"
		 "84" AN_PROXY "040160" LOCATOR,
		 "rfc8990-form"},
		{"85" HEAD "81"
		 "84" AN_PROXY "040160",
		 "rfc8990-form"}, /* no locator */
		{"85" HEAD "82"
		 "82" AN_PROXY "04" LOCATOR,
		 "rfc8990-form"},
		{"85" HEAD "82"
		 "84" AN_PROXY "10"
		 "0160" LOCATOR,
		 "rfc8990-form"}, /* a fifth flag */
		{"85" HEAD "82"
		 "84" AN_PROXY "04"
		 "190100"
		 "60" LOCATOR,
		 "rfc8990-form"},
		{"85" HEAD "82"
		 "84" AN_PROXY "040160"
		 "84"
		 "1867"
		 "4f"
		 "fe8000000000000000000000000000"
		 "06"
		 "19115b",
		 "rfc8990-form"}, /* 15 bytes of address */
		{"85" HEAD "82"
		 "84" AN_PROXY "040160"
		 "84"
		 "1867" LOCAL "06"
		 "1a00010000",
		 "rfc8990-form"},
		{"85" HEAD "82"
		 "84" AN_PROXY "040160" LOCATOR "00",
		 "rfc8990-form"},				  /* more follows */
		{"8d" HEAD "808080808080808080", "rfc8990-form"}, /* nine objectives */
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct berth_grasp_flood flood;
		struct berth_why why = {0};
		print_message("%s\n", rows[i].hex);
		assert_int_not_equal(decode(rows[i].hex, &flood, &why), BERTH_OK);
		assert_string_equal(why.rule, rows[i].rule);
	}
	static uint8_t large[BERTH_GRASP_MESSAGE_MAX + 1];
	struct berth_grasp_flood flood;
	struct berth_why why = {0};
	assert_int_equal(
		berth_grasp_flood_decode(berth_bytes_of(large, sizeof(large)), &flood, &why),
		BERTH_E_LIMIT);
	assert_string_equal(why.rule, "rfc8990-size");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_the_flood_of_a_proxy_as_the_rfc_shows_it),
		cmocka_unit_test(reads_what_says_the_same_in_other_words),
		cmocka_unit_test(passes_over_what_it_cannot_use_by_rule),
		cmocka_unit_test(refuses_what_is_no_flood_by_rule),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
