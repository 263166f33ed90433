/* fuzz: berth_claim_code_parse berth_ownership_request_parse berth_ownership_reply_parse berth_ownership_act_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The first byte chooses what the rest is. What is read is written, and reads the same again. */
#include "protocol/ownership/request.h"

#include "fuzz.h"

#define ARENA_BYTES ((size_t)64 << 10)

static void
fuzz_code(struct berth_bytes text)
{
	struct berth_claim_code code, again;
	char printed[BERTH_CLAIM_CODE_TEXT_MAX];
	struct berth_why why = {0};

	if (berth_claim_code_parse(text, &code, &why)) {
		fuzz_assert(why.rule && why.sentence[0]);
		return;
	}
	fuzz_assert(!berth_claim_code_parse(berth_text(berth_claim_code_text(&code, printed)),
					    &again, &why));
	fuzz_assert(memcmp(&code, &again, sizeof(code)) == 0);
}

static void
fuzz_reply(struct berth_bytes json, struct berth_arena *arena)
{
	struct berth_ownership_reply reply, again;
	struct berth_why why = {0};
	BERTH_BUF out = {0};

	if (berth_ownership_reply_parse(json, arena, &reply, &why)) {
		fuzz_assert(why.rule && why.sentence[0]);
		return;
	}
	fuzz_assert(!berth_ownership_reply_build(&reply, &out, &why));
	fuzz_assert(!berth_ownership_reply_parse(berth_buf_view(&out), arena, &again, &why));
	fuzz_assert(reply.state == again.state &&
		    berth_device_identity_equal(&reply.identity, &again.identity) &&
		    berth_bytes_equal(reply.model, again.model));
}

static void
fuzz_request(struct berth_bytes json, enum berth_ownership_act act, struct berth_arena *arena)
{
	struct berth_ownership_request request, again;
	enum berth_ownership_act named;
	struct berth_why why = {0};
	BERTH_BUF first = {0};
	BERTH_BUF second = {0};

	fuzz_assert(!berth_ownership_act_parse(berth_text(berth_ownership_act_name(act)), &named,
					       &why));
	fuzz_assert(named == act);
	if (berth_ownership_request_parse(json, act, arena, &request, &why)) {
		fuzz_assert(why.rule && why.sentence[0]);
		return;
	}
	fuzz_assert(!berth_ownership_request_build(&request, &first, &why));
	fuzz_assert(
		!berth_ownership_request_parse(berth_buf_view(&first), act, arena, &again, &why));
	fuzz_assert(!berth_ownership_request_build(&again, &second, &why));
	fuzz_assert(berth_bytes_equal(berth_buf_view(&first), berth_buf_view(&second)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BERTH_ARENA arena = {0};

	if (size == 0)
		return 0;
	struct berth_bytes rest = berth_bytes_of(data + 1, size - 1);
	berth_arena_start(&arena, ARENA_BYTES);
	if (data[0] == 'k')
		fuzz_code(rest);
	else if (data[0] == 'a')
		fuzz_reply(rest, &arena);
	else
		fuzz_request(rest, (enum berth_ownership_act)(data[0] % BERTH_OWNERSHIP_ACT_COUNT),
			     &arena);
	return 0;
}
