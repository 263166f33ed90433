/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors with reasons.
 *
 * A function that can fail returns enum berth_err: a small set of kinds that a caller may act on.
 * The exact cause is written once, where it was found, into the caller's struct berth_why: a rule
 * id ("rfc8995-5.5-serial-mismatch"), the section it comes from, the offset in the input where that
 * means something, and one sentence for a person: what failed and what to do.
 *
 * Libraries never log; whoever owns the exchange logs the why. Outputs are written on success only.
 */
#ifndef BERTH_BASE_ERR_H
#define BERTH_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BERTH_MUST __attribute__((warn_unused_result))
#define BERTH_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define BERTH_CLEANUP(fn) __attribute__((cleanup(fn)))

enum berth_err {
	BERTH_OK = 0,
	BERTH_E_SYNTAX,	     /* the bytes do not have the form they must have */
	BERTH_E_LIMIT,	     /* larger, deeper or more than a named limit allows */
	BERTH_E_UNSUPPORTED, /* well formed, but a kind, type or version that we do not speak */
	BERTH_E_SIGNATURE,   /* a signature or proof of possession does not hold */
	BERTH_E_UNTRUSTED,   /* no path to a trust anchor, or the wrong purpose */
	BERTH_E_EXPIRED,     /* outside its time */
	BERTH_E_MISMATCH,    /* two facts that must agree do not */
	BERTH_E_DENIED,	     /* policy says no */
	BERTH_E_PENDING,     /* not yet: somebody else must act first */
	BERTH_E_NOT_FOUND,
	BERTH_E_EXISTS,
	BERTH_E_STATE,	     /* not a message for this state */
	BERTH_E_UNREACHABLE, /* a peer does not answer or cannot be connected to */
	BERTH_E_TIMEOUT,
	BERTH_E_IO,
	BERTH_E_MEMORY,
	BERTH_E_USAGE,	/* the caller's arguments or configuration are wrong */
	BERTH_E_CRYPTO, /* the cryptographic library failed where it must not */
	BERTH_E_INTERNAL,
	BERTH_E__COUNT
};

#define BERTH_WHY_SENTENCE_MAX 240

struct berth_why {
	enum berth_err err;
	const char *rule;    /* static storage; the broken rule: "rfc8995-5.5-serial-mismatch" */
	const char *section; /* static storage; "RFC 8995 5.5"; NULL where no document says it */
	size_t offset;	     /* into the input, or 0 */
	char sentence[BERTH_WHY_SENTENCE_MAX];
};

/*
 * berth_fail(why, err, rule, section, format, ...) fills *why (which may be NULL) and gives err, so
 * that "return berth_fail(...)" is one line; the result must be used. berth_fail_at takes the offset
 * in the input where the fault stands before the format. err is evaluated twice. They are macros so
 * that a static analyser sees which error comes back, and does not go on as if all were well.
 */
#define berth_fail(why, err, rule, section, ...)                                                   \
	berth_fail_at((why), (err), (rule), (section), 0, __VA_ARGS__)
#define berth_fail_at(why, err, rule, section, offset, ...)                                        \
	(berth_why_fill((why), (err), (rule), (section), (offset), __VA_ARGS__), berth_failed(err))

void berth_why_fill(struct berth_why *why, enum berth_err err, const char *rule,
		    const char *section, size_t offset, const char *format, ...) BERTH_PRINTF(6, 7);

BERTH_MUST static inline enum berth_err
berth_failed(enum berth_err err)
{
	return err;
}

/* "mismatch", "expired" ...: stable words for logs and JSON; never NULL. */
const char *berth_err_name(enum berth_err err);

/* Discards a result on purpose; the reason is for the reader. */
#define berth_ignore(expression, reason)                                                           \
	do {                                                                                       \
		if (expression) {                                                                  \
			(void)(reason);                                                            \
		}                                                                                  \
	} while (0)

#endif
