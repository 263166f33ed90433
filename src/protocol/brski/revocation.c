/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/brski/revocation.h"

#include <stdio.h>

#include "pki/crl.h"
#include "pki/ocsp.h"

#define SECTION "RFC 8995 5.5.4"
#define SUBJECT_SHOWN 80

/* ---- addresses ---- */

static enum berth_err
bad_url(struct berth_why *why)
{
	return berth_fail(why, BERTH_E_SYNTAX, "revocation-url", "RFC 5280 4.2.1.13",
			  "the address of revocation data is not http://host[:port]/path");
}

static bool
is_host(struct berth_bytes host)
{
	for (size_t i = 0; i < host.n; i++) {
		uint8_t c = host.p[i];
		bool is_fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			       (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':';
		if (!is_fine)
			return false;
	}
	return host.n > 0 && host.n < BERTH_REVOCATION_HOST_MAX;
}

static bool
read_port(struct berth_bytes digits, uint16_t *ret)
{
	uint32_t port = 0;

	for (size_t i = 0; i < digits.n; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9' || i == 5)
			return false;
		port = port * 10 + (uint32_t)(digits.p[i] - '0');
	}
	*ret = (uint16_t)port;
	return port > 0 && port <= UINT16_MAX;
}

/* host, host:port, [address], [address]:port */
static bool
read_authority(struct berth_bytes text, struct berth_revocation_url *ret)
{
	struct berth_bytes host = text, rest = BERTH_BYTES_NONE;
	bool has_brackets = text.n > 0 && text.p[0] == '[';
	const uint8_t *end = memchr(text.p, has_brackets ? ']' : ':', text.n);

	if (has_brackets && end == NULL)
		return false;
	if (has_brackets)
		host = berth_bytes_of(text.p + 1, (size_t)(end - text.p) - 1);
	else if (end != NULL)
		host = berth_bytes_of(text.p, (size_t)(end - text.p));
	if (end != NULL) {
		const uint8_t *next = end + (has_brackets ? 1 : 0);
		rest = berth_bytes_of(next, text.n - (size_t)(next - text.p));
	}
	ret->port = 80;
	if (rest.n > 0 &&
	    (rest.p[0] != ':' || !read_port(berth_bytes_of(rest.p + 1, rest.n - 1), &ret->port)))
		return false;
	if (!is_host(host) || (memchr(host.p, ':', host.n) != NULL) != has_brackets)
		return false;
	for (size_t i = 0; i < host.n; i++)
		ret->host[i] =
			(char)(host.p[i] >= 'A' && host.p[i] <= 'Z' ? host.p[i] + 32 : host.p[i]);
	return true;
}

enum berth_err
berth_revocation_url_parse(struct berth_bytes text, struct berth_revocation_url *ret,
			   struct berth_why *why)
{
	struct berth_revocation_url url = {0};
	size_t scheme = sizeof("http://") - 1;

	if (!berth_bytes_starts_with(text, "http://") || !berth_bytes_is_printable(text) ||
	    memchr(text.p, ' ', text.n) != NULL || memchr(text.p, '#', text.n) != NULL)
		return bad_url(why);
	struct berth_bytes rest = berth_bytes_of(text.p + scheme, text.n - scheme);
	size_t n = 0;
	while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
		n++;
	if (!read_authority(berth_bytes_of(rest.p, n), &url))
		return bad_url(why);
	struct berth_bytes path = berth_bytes_of(rest.p + n, rest.n - n);
	const uint8_t *mark = path.n == 0 ? NULL : memchr(path.p, '?', path.n);
	struct berth_bytes query = BERTH_BYTES_NONE;
	if (mark != NULL) {
		query = berth_bytes_of(mark + 1, path.n - (size_t)(mark + 1 - path.p));
		path.n = (size_t)(mark - path.p);
	}
	if (path.n >= sizeof(url.path) || query.n >= sizeof(url.query))
		return bad_url(why);
	url.path[0] = '/';
	if (path.n > 0)
		memcpy(url.path, path.p, path.n);
	if (query.n > 0)
		memcpy(url.query, query.p, query.n);
	*ret = url;
	return BERTH_OK;
}

/* ---- the machine ---- */

static enum berth_revocation_step
fetch(struct berth_revocation *r, struct berth_bytes url, bool is_ocsp)
{
	r->fetch.is_ocsp = is_ocsp;
	r->fetch.request = (struct berth_http_request){
		.method = is_ocsp ? BERTH_HTTP_POST : BERTH_HTTP_GET,
		.media_type = is_ocsp ? BERTH_LIT("application/ocsp-request") : BERTH_BYTES_NONE,
		.accept = is_ocsp ? BERTH_LIT("application/ocsp-response")
				  : BERTH_LIT("application/pkix-crl"),
		.body = is_ocsp ? berth_buf_view(&r->ask) : BERTH_BYTES_NONE,
	};
	if (berth_revocation_url_parse(url, &r->fetch.url, &r->why))
		return BERTH_REVOCATION_REFUSED;
	r->fetch.request.path = berth_text(r->fetch.url.path);
	r->fetch.request.query = berth_text(r->fetch.url.query);
	return BERTH_REVOCATION_FETCH;
}

/* The next source that was not asked; r->why says what came of the last. */
static enum berth_revocation_step
ask_next(struct berth_revocation *r)
{
	struct berth_bytes ocsp = berth_cert_ocsp_url(r->cert);
	struct berth_bytes crl = berth_cert_crl_url(r->cert);

	if (!r->has_asked_ocsp && ocsp.n > 0) {
		r->has_asked_ocsp = true;
		if (berth_ocsp_ask(r->pki, r->cert, r->issuer, BERTH_BYTES_NONE, &r->ask, &r->why))
			return BERTH_REVOCATION_REFUSED;
		enum berth_revocation_step step = fetch(r, ocsp, true);
		if (step != BERTH_REVOCATION_REFUSED || crl.n == 0)
			return step;
	}
	if (crl.n > 0)
		return fetch(r, crl, false);
	if (r->why.err == BERTH_OK)
		berth_ignore(berth_fail(&r->why, BERTH_E_UNREACHABLE, "revocation-no-source",
					SECTION,
					"the certificate %.*s names a revocation source, and none "
					"that begins with http://",
					SUBJECT_SHOWN, berth_cert_subject_text(r->cert)),
			     "the refusal is the outcome");
	return BERTH_REVOCATION_REFUSED;
}

enum berth_revocation_step
berth_revocation_start(struct berth_revocation *r, struct berth_pki *pki,
		       const struct berth_cert *cert, const struct berth_cert *issuer,
		       struct berth_wall now)
{
	*r = (struct berth_revocation){
		.pki = pki,
		.cert = cert,
		.issuer = issuer,
		.now = now,
		.has_source = berth_cert_has_revocation_source(cert),
	};
	return r->has_source ? ask_next(r) : BERTH_REVOCATION_GOOD;
}

static enum berth_err
judge_ocsp(struct berth_revocation *r, struct berth_bytes body)
{
	BERTH_OCSP_RESPONSE *response = NULL;
	struct berth_ocsp_answer answer = {0};
	enum berth_err err = berth_ocsp_response_parse(r->pki, body, &response, &r->why);

	if (!err)
		err = berth_ocsp_check(r->pki, response, r->cert, r->issuer, BERTH_BYTES_NONE,
				       r->now, &answer, &r->why);
	if (!err)
		r->good_until = answer.next_update;
	return err;
}

static enum berth_err
judge_crl(struct berth_revocation *r, struct berth_bytes body)
{
	BERTH_CRL *crl = NULL;
	enum berth_err err = berth_crl_parse(r->pki, body, &crl, &r->why);

	if (!err)
		err = berth_crl_verify(r->pki, crl, r->issuer, r->now, &r->why);
	if (!err)
		err = berth_crl_check(crl, r->cert, &r->why);
	if (!err)
		r->good_until = berth_crl_next_update(crl);
	return err;
}

enum berth_revocation_step
berth_revocation_answer(struct berth_revocation *r, struct berth_bytes body,
			const struct berth_why *why)
{
	enum berth_err err;

	r->good_until = (struct berth_wall){0};
	if (body.n == 0 && (why == NULL || why->err == BERTH_OK))
		err = berth_fail(&r->why, BERTH_E_UNREACHABLE, "revocation-unreachable", SECTION,
				 "%.100s gave no answer", r->fetch.url.host);
	else if (body.n == 0)
		err = berth_fail(&r->why, BERTH_E_UNREACHABLE, "revocation-unreachable", SECTION,
				 "%.60s cannot be asked: %.140s", r->fetch.url.host, why->sentence);
	else
		err = r->fetch.is_ocsp ? judge_ocsp(r, body) : judge_crl(r, body);
	if (!err)
		return BERTH_REVOCATION_GOOD;
	if (err == BERTH_E_DENIED || !r->fetch.is_ocsp)
		return BERTH_REVOCATION_REFUSED;
	return ask_next(r);
}

void
berth_revocation_end(struct berth_revocation *r)
{
	berth_buf_free(&r->ask);
}
