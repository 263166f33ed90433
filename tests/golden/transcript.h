/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One whole exchange, byte for byte, against tests/golden/NAME.txt. "build/tests/golden/test-golden-NAME --bless"
 * writes that file anew; review the difference. Keys and signatures come from a seeded generator that stands
 * in for OpenSSL's, so they are those of one OpenSSL series only.
 */
#ifndef BERTH_TESTS_GOLDEN_TRANSCRIPT_H
#define BERTH_TESTS_GOLDEN_TRANSCRIPT_H

#include "base/time.h"
#include "pki/library.h"

struct transcript {
	const char *name;
	struct berth_pki *pki; /* to open CMS with */
	struct berth_buf text;
};

/* Before anything random; skips the test where OpenSSL is of another series. */
void transcript_seed(void);
void transcript_add(struct transcript *transcript, const char *text);
/* What happens at a moment, then the body: text, or hex after the content of its CMS. */
void transcript_listen(void *transcript, struct berth_mono at, uint32_t attempt, const char *what,
		       struct berth_bytes body);
void transcript_end(struct transcript *transcript, bool blesses);

#endif
