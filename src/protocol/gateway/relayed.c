/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/gateway/relayed.h"

#include "base/hex.h"
#include "codec/json.h"
#include "codec/json_write.h"

#define RECORD_HANDSHAKE 22
#define CLIENT_HELLO 1
#define HELLO_TYPE_AT 5
#define HELLO_RANDOM_AT 11

bool
berth_relayed_hello(struct berth_bytes head, uint8_t random[BERTH_TLS_RANDOM_BYTES])
{
	if (head.n < BERTH_GATEWAY_HELLO_BYTES || head.p[0] != RECORD_HANDSHAKE || head.p[1] != 3 ||
	    head.p[HELLO_TYPE_AT] != CLIENT_HELLO)
		return false;
	memcpy(random, head.p + HELLO_RANDOM_AT, BERTH_TLS_RANDOM_BYTES);
	return true;
}

enum berth_err
berth_relayed_build(const struct berth_relayed *relayed, struct berth_buf *json,
		    struct berth_why *why)
{
	char text[2 * BERTH_TLS_RANDOM_BYTES + 1];
	enum berth_err err = berth_json_start(json, '{');
	err = err ? err : berth_json_open(json, "relayed", '[');
	for (size_t i = 0; i < relayed->count && !err; i++)
		err = berth_json_put_text(
			json, NULL,
			berth_text(berth_hex_text(
				berth_bytes_of(relayed->random[i], BERTH_TLS_RANDOM_BYTES), text,
				sizeof(text))));
	err = err ? err : berth_json_shut(json, ']');
	err = err ? err : berth_json_shut(json, '}');
	return err ? berth_fail(why, err, "gateway-report-build", NULL,
				"the report could not be written down")
		   : BERTH_OK;
}

static enum berth_err
take_random(const json_t *array, size_t index, struct berth_relayed *relayed, struct berth_why *why)
{
	BERTH_BUF random = {0};
	struct berth_bytes text = BERTH_BYTES_NONE;
	enum berth_err err = berth_json_element_text(array, index, &text, why);
	err = err ? err : berth_hex_decode(text, &random, why);
	if (err)
		return err;
	if (random.n != BERTH_TLS_RANDOM_BYTES)
		return berth_fail(why, BERTH_E_SYNTAX, "gateway-report-random", NULL,
				  "a relayed connection is named by %d hexadecimal digits",
				  2 * BERTH_TLS_RANDOM_BYTES);
	memcpy(relayed->random[relayed->count++], random.p, random.n);
	return BERTH_OK;
}

enum berth_err
berth_relayed_parse(struct berth_bytes json, struct berth_relayed *ret, struct berth_why *why)
{
	const struct berth_json_limits limits = {.max_bytes = BERTH_GATEWAY_REPORT_MAX_BYTES,
						 .max_depth = 2};
	static const char *const keys[] = {"relayed"};
	BERTH_JSON json_t *root = NULL;
	json_t *array = NULL;
	struct berth_relayed relayed = {0};
	enum berth_err err = berth_json_parse(json, &limits, &root, why);
	err = err ? err : berth_json_only_keys(root, keys, 1, why);
	err = err ? err : berth_json_get_array(root, "relayed", BERTH_JSON_REQUIRED, &array, why);
	if (err)
		return err;
	if (json_array_size(array) > BERTH_GATEWAY_REPORT_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "gateway-report", NULL,
				  "more than %d connections in one report",
				  BERTH_GATEWAY_REPORT_MAX);
	for (size_t i = 0; i < json_array_size(array) && !err; i++)
		err = take_random(array, i, &relayed, why);
	if (!err)
		*ret = relayed;
	return err;
}
