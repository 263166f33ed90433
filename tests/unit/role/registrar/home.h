/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The judge and the signer of a registrar, with the daemon's frame around them played here: replies, signatures and
 * dials are noted as they are asked for, so that a test can ask what was already written down at that moment.
 */
#ifndef BERTH_TESTS_REGISTRAR_HOME_H
#define BERTH_TESTS_REGISTRAR_HOME_H

#include "role/registrar/judge.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "support/registrar_fixture.h"

#define POLICY_AUTO "[rule \"all\"]\napprove = auto\nsegment = cameras\n"
#define POLICY_ASK "[rule \"all\"]\napprove = operator\n"

struct berth_ticket {
	void *session;
	bool is_replied;
	int status;
	int32_t retry_after_s;
	struct berth_buf body;
	/* What the audit log held when the reply was given away. */
	bool forwarding_was_recorded;
	bool issue_was_recorded;
};

struct berth_judge {
	struct fixture *f;
	struct berth_cert_list chain;
	struct berth_registrar_settings settings;
	struct berth_registrar_maker maker;
	void *role;
	void *signer;
	/* The one question that waits. */
	uint16_t op;
	struct berth_buf payload;
	uint64_t cookie;
	bool intent_was_recorded;
	char dialled[128];
	struct berth_buf dial_body;
	char home[128];
	char paths[4][192];
};

size_t home_recorded(const struct berth_judge *judge, enum berth_event_kind kind);
struct berth_judge *home_open(const char *policy);
/* adjust changes judge->settings before they are used. */
struct berth_judge *home_open_with(const char *policy, void (*adjust)(struct berth_judge *judge));
void home_close(struct berth_judge *judge);
void home_begin(struct berth_judge *judge);
void home_commit(struct berth_judge *judge);
void home_request(struct berth_judge *judge, struct berth_ticket *ticket, const struct person *who,
		  const char *path, const char *media_type, struct berth_bytes body);
void home_sign(struct berth_judge *judge);
void home_masa_answers(struct berth_judge *judge, int status, const char *media_type,
		       struct berth_bytes body);
void home_make_pvr(struct berth_judge *judge, struct berth_buf *der);
void home_ask_for_voucher(struct berth_judge *judge, struct berth_ticket *ticket,
			  struct berth_bytes pvr);
void home_give_voucher(struct berth_judge *judge);
void home_reach_voucher(struct berth_judge *judge);
void home_give_audit_log(struct berth_judge *judge, struct berth_cert *const *domains, size_t n);
void home_accept_voucher(struct berth_judge *judge, struct berth_cert *domain);
void home_accept_voucher_after(struct berth_judge *judge, struct berth_cert *const *domains,
			       size_t n);
void home_ask_for_certificate(struct berth_judge *judge, struct berth_ticket *ticket,
			      struct berth_bytes csr);
void home_make_csr(struct berth_judge *judge, struct berth_buf *csr);
void home_ask_operator(struct berth_judge *judge, struct berth_ticket *ticket, const char *act);

#endif
