/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two halves of PKEX share. */
#ifndef BERTH_PROTOCOL_DPP_PKEX_INTERNAL_H
#define BERTH_PROTOCOL_DPP_PKEX_INTERNAL_H

#include "protocol/dpp/pkex.h"
#include "protocol/dpp/wrap.h"

/* Named by what it waits for. */
enum berth_dpp_pkex_state {
	I_WAITS_FOR_RESPONSE,
	I_WAITS_FOR_J, /* our bootstrapping key times the responder's Y */
	I_WAITS_FOR_REVEAL,
	R_WAITS_FOR_REVEAL,
	R_WAITS_FOR_L, /* our bootstrapping key times the initiator's X */
	IS_DONE,
	IS_FAILED,
};

struct berth_dpp_pkex {
	struct berth_dpp_pkex_conf conf;
	enum berth_dpp_pkex_state state;
	struct berth_dpp_pkex_run run;
	struct berth_secret scalar; /* of our X or Y */
	struct berth_secret z;
	struct berth_dpp_bootstrapping peer;
	uint8_t answered[BERTH_SHA256_BYTES]; /* of the frame that output answers */
	struct berth_mono deadline;
	bool has_event;
	struct berth_dpp_pkex_event event;
	struct berth_buf output;
	bool has_output;
};

/* Of an exchange frame. */
struct berth_dpp_pkex_exchange {
	uint8_t version; /* 0: version 1's frame, which has none */
	struct berth_bytes key;
};

enum berth_err berth_dpp_pkex_cannot(struct berth_why *why, enum berth_err err) BERTH_MUST;
/* The run is over; why is copied. Always BERTH_OK: the verb itself did what it should. */
enum berth_err berth_dpp_pkex_give_up(struct berth_dpp_pkex *pkex, const struct berth_why *why);
void berth_dpp_pkex_ask(struct berth_dpp_pkex *pkex, enum berth_dpp_pkex_state state,
			const struct berth_ec_point *point);
enum berth_err berth_dpp_pkex_done(struct berth_dpp_pkex *pkex) BERTH_MUST;
struct berth_bytes berth_dpp_pkex_code_of(const struct berth_dpp_pkex *pkex);
struct berth_bytes berth_dpp_pkex_identifier_of(const struct berth_dpp_pkex_conf *conf);
enum berth_err berth_dpp_pkex_new_run(const struct berth_dpp_pkex_conf *conf, struct berth_mono now,
				      enum berth_dpp_pkex_state state, struct berth_dpp_pkex **ret,
				      struct berth_why *why) BERTH_MUST;
/* Into the output. */
enum berth_err berth_dpp_pkex_send_frame(struct berth_dpp_pkex *pkex,
					 enum berth_dpp_frame_type type,
					 const struct berth_buf *attributes,
					 struct berth_why *why) BERTH_MUST;
enum berth_err berth_dpp_pkex_remember(struct berth_dpp_pkex *pkex,
				       const struct berth_dpp_frame *frame,
				       struct berth_why *why) BERTH_MUST;
enum berth_err berth_dpp_pkex_put_exchange(const struct berth_dpp_pkex_conf *conf,
					   bool is_version_1, bool with_group,
					   const struct berth_ec_point *key,
					   struct berth_buf *attributes) BERTH_MUST;
enum berth_err berth_dpp_pkex_make_key(struct berth_dpp_pkex *pkex, enum berth_dpp_pkex_side side,
				       struct berth_ec_point *key, struct berth_ec_point *masked,
				       struct berth_why *why) BERTH_MUST;
enum berth_err berth_dpp_pkex_unmask(struct berth_dpp_pkex *pkex, enum berth_dpp_pkex_side side,
				     const struct berth_ec_point *masked,
				     struct berth_ec_point *key, struct berth_why *why) BERTH_MUST;
enum berth_err berth_dpp_pkex_derive(struct berth_dpp_pkex *pkex,
				     const struct berth_ec_point *other,
				     struct berth_why *why) BERTH_MUST;
struct berth_dpp_associated berth_dpp_pkex_associated_of(struct berth_bytes header,
							 enum berth_dpp_pkex_side side);
enum berth_err berth_dpp_pkex_send_reveal(struct berth_dpp_pkex *pkex,
					  enum berth_dpp_pkex_side side,
					  const uint8_t tag[BERTH_EC_HASH_MAX],
					  struct berth_why *why) BERTH_MUST;
enum berth_err berth_dpp_pkex_read_key(struct berth_dpp_pkex *pkex, struct berth_bytes plain,
				       struct berth_why *why) BERTH_MUST;
enum berth_err berth_dpp_pkex_judge_tag(const struct berth_dpp_pkex *pkex, struct berth_bytes plain,
					enum berth_dpp_attribute id,
					const uint8_t expected[BERTH_EC_HASH_MAX],
					struct berth_why *why) BERTH_MUST;
enum berth_err berth_dpp_pkex_read_version(const struct berth_dpp_frame *frame,
					   struct berth_dpp_pkex_exchange *ret,
					   struct berth_why *why) BERTH_MUST;
enum berth_err berth_dpp_pkex_check_identifier(const struct berth_dpp_pkex_conf *conf,
					       const struct berth_dpp_frame *frame,
					       struct berth_why *why) BERTH_MUST;
enum berth_err berth_dpp_pkex_read_masked(struct berth_dpp_pkex *pkex,
					  const struct berth_dpp_frame *frame,
					  struct berth_ec_point *ret,
					  struct berth_why *why) BERTH_MUST;
enum berth_err berth_dpp_pkex_take_response(struct berth_dpp_pkex *pkex, berth_dpp_address from,
					    const struct berth_dpp_frame *response,
					    struct berth_why *why) BERTH_MUST;
enum berth_err berth_dpp_pkex_answer_j(struct berth_dpp_pkex *pkex, const struct berth_ec_point *j,
				       struct berth_why *why) BERTH_MUST;
enum berth_err berth_dpp_pkex_take_reveal_response(struct berth_dpp_pkex *pkex,
						   const struct berth_dpp_frame *response,
						   struct berth_why *why) BERTH_MUST;
enum berth_err berth_dpp_pkex_take_reveal_request(struct berth_dpp_pkex *pkex,
						  const struct berth_dpp_frame *request,
						  struct berth_why *why) BERTH_MUST;
enum berth_err berth_dpp_pkex_answer_l(struct berth_dpp_pkex *pkex, const struct berth_ec_point *l,
				       struct berth_why *why) BERTH_MUST;

#endif
