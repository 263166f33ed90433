/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A signed voucher artefact (application/voucher-cms+json): CMS around voucher.h's JSON. Opening checks the signature with
 * the signer's certificate inside; trust in that signer is the caller's question (berth_path_verify).
 */
#ifndef BERTH_PROTOCOL_VOUCHER_CMS_H
#define BERTH_PROTOCOL_VOUCHER_CMS_H

#include "pki/cms.h"
#include "protocol/voucher/voucher.h"

#define BERTH_MEDIA_VOUCHER_CMS "application/voucher-cms+json"

struct berth_signed_voucher {
	struct berth_cms cms;	      /* owned */
	struct berth_voucher voucher; /* views into the arena given to open */
};
void berth_signed_voucher_free(struct berth_signed_voucher *signed_voucher);
#define BERTH_SIGNED_VOUCHER BERTH_CLEANUP(berth_signed_voucher_free) struct berth_signed_voucher

/* der: raw DER; a base64 body is refused by name (RFC 8995 6), rule rfc8995-5.11-not-der. extra as in berth_cms_open. */
enum berth_err berth_voucher_open(struct berth_pki *pki, struct berth_bytes der,
				  enum berth_voucher_kind kind, const struct berth_cert_list *extra,
				  struct berth_arena *arena, struct berth_signed_voucher *ret,
				  struct berth_why *why) BERTH_MUST;

/* As berth_voucher_open, without the signature: berth_cms_reopen says when. */
enum berth_err berth_voucher_reopen(struct berth_pki *pki, struct berth_bytes der,
				    enum berth_voucher_kind kind,
				    const struct berth_cert_list *extra, struct berth_arena *arena,
				    struct berth_signed_voucher *ret,
				    struct berth_why *why) BERTH_MUST;

/* For people's tools: as berth_voucher_open, the kind is what the content says (berth_voucher_kind_of). */
enum berth_err berth_voucher_open_any(struct berth_pki *pki, struct berth_bytes der,
				      const struct berth_cert_list *extra,
				      struct berth_arena *arena, struct berth_signed_voucher *ret,
				      struct berth_why *why) BERTH_MUST;

/* Signs and opens again what it signed (lint) before it releases it. */
enum berth_err berth_voucher_sign(struct berth_pki *pki, const struct berth_voucher *voucher,
				  const struct berth_cms_fields *how /* content ignored */,
				  struct berth_buf *der, struct berth_why *why) BERTH_MUST;

/* What a pledge expects of a voucher (checklist 15). Also "berth voucher verify". */
struct berth_voucher_expectation {
	const struct berth_cert_list *anchors; /* the manufacturer's */
	struct berth_bytes serial_number;      /* empty: not checked (people's tool) */
	struct berth_bytes nonce;	       /* what was sent; empty with check_nonce false */
	bool check_nonce;		       /* a nonce in the voucher must be the one sent */
	bool allow_nonceless;
	struct berth_bytes aki_value; /* own, for idevid-issuer; empty: not checked */
	struct berth_now now;
};
/* Opens and judges. Rules: rfc8995-5.6-... ; EXPIRED, UNTRUSTED, SIGNATURE, MISMATCH. */
enum berth_err berth_voucher_verify(struct berth_pki *pki, struct berth_bytes der,
				    const struct berth_voucher_expectation *want,
				    struct berth_arena *arena, struct berth_signed_voucher *ret,
				    struct berth_why *why) BERTH_MUST;

#endif
