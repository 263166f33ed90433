/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PKEX (DPP 5.6), both sides, as a pure machine: two who know the same code tell each other their bootstrapping keys, in four
 * frames, and who does not know it learns from one run whether one guess was right. What follows is an authentication with
 * these keys, mutual, which the initiator of this begins.
 *
 *	initiator: berth_dpp_pkex_initiate -> output Exchange Request
 *		   berth_dpp_pkex_input(Exchange Response) -> MULTIPLY
 *		   berth_dpp_pkex_answer -> output Commit-Reveal Request
 *		   berth_dpp_pkex_input(Commit-Reveal Response) -> DONE
 *	responder: berth_dpp_pkex_respond(Exchange Request) -> output Exchange Response
 *		   berth_dpp_pkex_input(Commit-Reveal Request) -> MULTIPLY
 *		   berth_dpp_pkex_answer -> output Commit-Reveal Response, DONE
 *
 * Verbs, events and outputs are as in protocol/dpp/authentication.h. Version 1 is of the air alone, where both have addresses,
 * which are in its keys; version 2 and later need none.
 */
#ifndef BERTH_PROTOCOL_DPP_PKEX_H
#define BERTH_PROTOCOL_DPP_PKEX_H

#include "base/random.h"
#include "base/time.h"
#include "codec/dpp_frame.h"
#include "protocol/dpp/bootstrapping.h"
#include "protocol/dpp/pkex_schedule.h"

#define BERTH_DPP_PKEX_TIMEOUT_MS 10000
#define BERTH_DPP_PKEX_GUESSES_MAX 5 /* DPP 5.6.4: then the code is spent */
#define BERTH_DPP_PKEX_CODE_MIN 8    /* of one that a person chooses: five guesses of 10^8 */
#define BERTH_DPP_PKEX_CODE_DIFFERENT_MIN 4

/*
 * A code and what became of it; lives longer than any run with it. A guess is a run after which the other side may know whether
 * it had guessed right: of a responder one whose proof was wrong, of an initiator every one in which it sent its own.
 */
struct berth_dpp_pkex_code {
	struct berth_secret code;
	char identifier[BERTH_DPP_PKEX_IDENTIFIER_MAX + 1]; /* empty: none */
	unsigned guesses;
	bool is_used; /* it led to a key: it does so once */
};
/* USAGE dpp-pkex-code, dpp-pkex-identifier: empty or too long. *ret is empty or was freed. */
enum berth_err berth_dpp_pkex_code_set(struct berth_dpp_pkex_code *ret, struct berth_bytes code,
				       struct berth_bytes identifier,
				       struct berth_why *why) BERTH_MUST;
void berth_dpp_pkex_code_free(struct berth_dpp_pkex_code *code); /* wipes */
/* USAGE dpp-pkex-code-weak: of a code that is chosen, not drawn. */
enum berth_err berth_dpp_pkex_code_judge(struct berth_bytes code, struct berth_why *why) BERTH_MUST;
/* LIMIT dpp-pkex-spent: it was used, or guessed at too often. */
enum berth_err berth_dpp_pkex_code_check(const struct berth_dpp_pkex_code *code,
					 struct berth_why *why) BERTH_MUST;

struct berth_dpp_pkex;

struct berth_dpp_pkex_conf {
	struct berth_pki *pki;
	struct berth_random random;
	struct berth_dpp_bootstrapping own; /* its curve is the run's */
	struct berth_dpp_pkex_code *code;
	/* initiator: 1, or what we say of ourselves; responder: the latter, whichever it is asked with */
	uint8_t version;
	bool has_address; /* else version 1 is refused */
	uint8_t address[BERTH_DPP_ADDRESS_BYTES];
	int64_t timeout_ms; /* 0: BERTH_DPP_PKEX_TIMEOUT_MS */
};

/* NULL where frames have no addresses: then version 1 is refused. */
typedef const uint8_t *berth_dpp_address;

enum berth_err berth_dpp_pkex_initiate(const struct berth_dpp_pkex_conf *conf,
				       struct berth_mono now, struct berth_dpp_pkex **ret,
				       struct berth_why *why) BERTH_MUST;
/*
 * UNSUPPORTED dpp-pkex-group: asked with another curve's group; berth_dpp_pkex_refuse_group answers that. What is refused costs
 * nothing but the reading.
 */
enum berth_err berth_dpp_pkex_respond(const struct berth_dpp_pkex_conf *conf, struct berth_mono now,
				      berth_dpp_address from, const struct berth_dpp_frame *request,
				      struct berth_dpp_pkex **ret,
				      struct berth_why *why) BERTH_MUST;
/* Appends an Exchange Response that names our group; there is no state behind it. */
enum berth_err berth_dpp_pkex_refuse_group(const struct berth_dpp_pkex_conf *conf,
					   const struct berth_dpp_frame *request,
					   struct berth_buf *body) BERTH_MUST;
void berth_dpp_pkex_end(struct berth_dpp_pkex *pkex); /* NULL is fine; wipes */

enum berth_err berth_dpp_pkex_input(struct berth_dpp_pkex *pkex, struct berth_mono now,
				    berth_dpp_address from, const struct berth_dpp_frame *frame,
				    struct berth_why *why) BERTH_MUST;
void berth_dpp_pkex_tick(struct berth_dpp_pkex *pkex, struct berth_mono now);
struct berth_mono berth_dpp_pkex_deadline(const struct berth_dpp_pkex *pkex);

enum berth_dpp_pkex_event_kind {
	BERTH_DPP_PKEX_MULTIPLY, /* point, with our bootstrapping key; berth_dpp_pkex_answer */
	BERTH_DPP_PKEX_DONE,	 /* berth_dpp_pkex_peer */
	BERTH_DPP_PKEX_FAILED,	 /* why */
};
struct berth_dpp_pkex_event {
	enum berth_dpp_pkex_event_kind kind;
	struct berth_ec_point point;
	struct berth_why why;
};
bool berth_dpp_pkex_event(struct berth_dpp_pkex *pkex, struct berth_dpp_pkex_event *ret);
/* err: the key could not be used; ends it. */
enum berth_err berth_dpp_pkex_answer(struct berth_dpp_pkex *pkex, enum berth_err err,
				     const struct berth_ec_point *product,
				     struct berth_why *why) BERTH_MUST;
/* The next body to send, borrowed until the next verb. */
bool berth_dpp_pkex_output(struct berth_dpp_pkex *pkex, struct berth_bytes *body);
/* After DONE: the other's bootstrapping key. */
const struct berth_dpp_bootstrapping *berth_dpp_pkex_peer(const struct berth_dpp_pkex *pkex);

#endif
