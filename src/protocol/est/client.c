/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/est/client.h"

#include "base/base64.h"
#include "pki/cms.h"

enum berth_err
berth_est_enroll_body(struct berth_bytes request_der, struct berth_buf *body)
{
	return berth_base64_encode(request_der, BERTH_EST_LINE_LENGTH, body);
}

bool
berth_est_media_is(struct berth_bytes media_type, const char *wanted)
{
	size_t n = 0;
	while (n < media_type.n && media_type.p[n] != ';' && media_type.p[n] != ' ') {
		n++;
	}
	return berth_bytes_equal_nocase(berth_bytes_of(media_type.p, n), berth_text(wanted));
}

static enum berth_err
decode_body(struct berth_bytes media_type, const char *wanted, struct berth_bytes body,
	    struct berth_buf *der, struct berth_why *why)
{
	if (!berth_est_media_is(media_type, wanted)) {
		return berth_fail(why, BERTH_E_UNSUPPORTED, "rfc7030-4-media-type", "RFC 7030 4",
				  "the EST server's reply is not %s", wanted);
	}
	if (body.n > BERTH_EST_BODY_MAX_BYTES) {
		return berth_fail(why, BERTH_E_LIMIT, "rfc7030-4-body-size", "RFC 7030 4",
				  "the EST server's reply has %zu bytes, more than %zu", body.n,
				  BERTH_EST_BODY_MAX_BYTES);
	}
	return berth_base64_decode(body, true, der, why);
}

enum berth_err
berth_est_certs_parse(struct berth_pki *pki, struct berth_bytes media_type, struct berth_bytes body,
		      struct berth_cert_list *list, struct berth_why *why)
{
	BERTH_BUF der = {0};
	enum berth_err err = decode_body(media_type, BERTH_EST_MEDIA_CERTS, body, &der, why);
	if (err) {
		return err;
	}
	const size_t before = list->n;
	err = berth_cms_certs_parse(pki, berth_buf_view(&der), list, why);
	if (err) {
		return err;
	}
	if (list->n == before) {
		return berth_fail(why, BERTH_E_SYNTAX, "rfc7030-4.1.3-empty", "RFC 7030 4.1.3",
				  "the EST server's certs-only reply holds no certificate");
	}
	return BERTH_OK;
}

enum berth_err
berth_est_csrattrs_parse(struct berth_bytes media_type, struct berth_bytes body,
			 struct berth_arena *arena, struct berth_csrattrs *ret,
			 struct berth_why *why)
{
	if (body.n == 0) {
		*ret = (struct berth_csrattrs){0};
		return BERTH_OK;
	}
	BERTH_BUF der = {0};
	enum berth_err err = decode_body(media_type, BERTH_EST_MEDIA_CSRATTRS, body, &der, why);
	if (err) {
		return err;
	}
	const struct berth_bytes kept = berth_arena_copy(arena, berth_buf_view(&der));
	if (!kept.p) {
		return berth_fail(why, BERTH_E_LIMIT, "memory-exchange", NULL,
				  "the CSR attributes do not fit into this exchange's memory");
	}
	return berth_csrattrs_parse(kept, ret, why);
}

/* req: rfc7030-3.5-device-link */
enum berth_err
berth_est_link_text(const struct berth_tls_facts *tls, struct berth_buf *text)
{
	return berth_base64_encode(tls->tls_unique.n > 0 ? tls->tls_unique : tls->exporter, 0,
				   text);
}
