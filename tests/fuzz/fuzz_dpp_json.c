/* fuzz: berth_dpp_request_read berth_dpp_object_read berth_dpp_connector_read berth_dpp_akm_read */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What DPP carries as JSON: what is read is written, and reads the same again. */
#include "protocol/dpp/configuration_object.h"
#include "protocol/dpp/configuration_request.h"

#include "fuzz.h"

static struct berth_pki *pki;

static void
try_request(struct berth_bytes in)
{
	struct berth_dpp_request request, again;
	struct berth_why why = {0};
	BERTH_ARENA arena;
	BERTH_BUF json = {0};

	berth_arena_start(&arena, 65536);
	if (berth_dpp_request_read(in, &arena, &request, &why)) {
		fuzz_assert(why.rule != NULL && why.sentence[0] != '\0');
		return;
	}
	fuzz_assert(berth_dpp_request_write(&request, &json, NULL) == BERTH_OK);
	fuzz_assert(berth_dpp_request_read(berth_buf_view(&json), &arena, &again, NULL) ==
		    BERTH_OK);
	fuzz_assert(berth_bytes_equal(request.name, again.name));
	fuzz_assert(berth_bytes_equal(request.csr, again.csr));
	fuzz_assert(berth_bytes_equal(request.mud_url, again.mud_url));
	fuzz_assert(request.net_role == again.net_role);
}

static void
try_object(struct berth_bytes in)
{
	struct berth_dpp_object object, again;
	struct berth_dpp_connector connector;
	struct berth_why why = {0};
	BERTH_ARENA arena;
	BERTH_BUF json = {0};

	berth_arena_start(&arena, 131072);
	if (berth_dpp_object_read(pki, in, "x", &arena, &object, &why)) {
		fuzz_assert(why.rule != NULL && why.sentence[0] != '\0');
		return;
	}
	struct berth_ec_point key = {.curve = BERTH_EC_P256};
	fuzz_assert(berth_dpp_object_check(pki, &object, &key, NULL, &connector, &why) ||
		    object.connector.n == 0);
	if (object.extra.n == 0)
		object.extra_name = NULL;
	if (berth_dpp_object_write(pki, &object, &json, &why))
		return; /* incomplete, or a text with NUL is none */
	fuzz_assert(berth_dpp_object_read(pki, berth_buf_view(&json), "x", &arena, &again, NULL) ==
		    BERTH_OK);
	fuzz_assert(object.akm == again.akm && berth_bytes_equal(object.ssid, again.ssid));
	fuzz_assert(berth_bytes_equal(object.extra, again.extra));
}

static void
try_connector(struct berth_bytes in)
{
	struct berth_dpp_connector connector, again;
	struct berth_why why = {0};
	BERTH_BUF json = {0};

	if (berth_dpp_connector_read(pki, in, &connector, &why)) {
		fuzz_assert(why.rule != NULL && why.sentence[0] != '\0');
		return;
	}
	fuzz_assert(connector.group_count > 0);
	fuzz_assert(berth_dpp_connector_write(&connector, &json, NULL) == BERTH_OK);
	fuzz_assert(berth_dpp_connector_read(pki, berth_buf_view(&json), &again, NULL) == BERTH_OK);
	fuzz_assert(berth_ec_equal(&connector.key, &again.key));
	fuzz_assert(connector.expiry.s == again.expiry.s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct berth_bytes in = berth_bytes_of(data, size);
	unsigned akm = 0;
	BERTH_BUF text = {0};

	fuzz_assert(pki != NULL || berth_pki_open(&pki, NULL) == BERTH_OK);
	try_request(in);
	try_object(in);
	try_connector(in);
	if (berth_dpp_akm_read(in, &akm, NULL) == BERTH_OK)
		fuzz_assert(berth_dpp_akm_write(akm, size & 1, &text, NULL) == BERTH_OK);
	return 0;
}
