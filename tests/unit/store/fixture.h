/* SPDX-License-Identifier: BSD-2-Clause */
/* A store in a folder of its own that disappears with the test. */
#ifndef BERTH_TESTS_STORE_FIXTURE_H
#define BERTH_TESTS_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "model/device.h"
#include "store/store.h"

struct fixture {
	char folder[64];
	char path[96];
	char witness[96];
	struct berth_store_conf conf;
	struct berth_store *store;
	struct berth_arena arena;
	struct berth_why why;
};

extern const struct berth_wall now;

/* Not SHA-256 (that lives above the store): any function that tells inputs apart serves the tests. */
struct berth_digest test_digest(void);
int masa_setup(void **state);
int registrar_setup(void **state);
int fixture_teardown(void **state);
/* Closes and opens again. */
void reopen(struct fixture *f);
void begin(struct fixture *f);
void commit(struct fixture *f);
/* Another connection to the same file changes it behind the store's back. */
void tamper(struct fixture *f, const char *sql);

struct berth_device_identity identity(const char *serial);
void digest_of(const char *text, uint8_t out[BERTH_DIGEST_BYTES]);

/* Expects BERTH_OK and says why not. */
#define ok(f, expression)                                                                          \
	do {                                                                                       \
		if ((expression) != BERTH_OK)                                                      \
			fail_msg("%s: %s", (f)->why.rule, (f)->why.sentence);                      \
	} while (0)
/* Expects this error by this rule. */
#define refused(f, error, id, expression)                                                          \
	do {                                                                                       \
		assert_int_equal(expression, error);                                               \
		assert_string_equal((f)->why.rule, id);                                            \
	} while (0)

#endif
