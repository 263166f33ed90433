/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the few places where gcc -fanalyzer is wrong and the code is best as it is. Each use says why in a comment.
 * What lies between is compiled as ever; only that one warning of the analyzer is silent. Other compilers see nothing.
 *
 *	BERTH_ANALYZER_TRUST_LEAK
 *	names[n] = strdup(name);
 *	BERTH_ANALYZER_END
 */
#ifndef BERTH_BASE_ANALYZER_H
#define BERTH_BASE_ANALYZER_H

#if defined(__GNUC__) && !defined(__clang__)
#define BERTH_ANALYZER__PRAGMA(words) _Pragma(#words)
#define BERTH_ANALYZER_TRUST_LEAK                                                                  \
	BERTH_ANALYZER__PRAGMA(GCC diagnostic push)                                                \
	BERTH_ANALYZER__PRAGMA(GCC diagnostic ignored "-Wanalyzer-malloc-leak")
#define BERTH_ANALYZER_TRUST_POINTER                                                               \
	BERTH_ANALYZER__PRAGMA(GCC diagnostic push)                                                \
	BERTH_ANALYZER__PRAGMA(GCC diagnostic ignored "-Wanalyzer-null-dereference")
#define BERTH_ANALYZER_END BERTH_ANALYZER__PRAGMA(GCC diagnostic pop)
#else
#define BERTH_ANALYZER_TRUST_LEAK
#define BERTH_ANALYZER_TRUST_POINTER
#define BERTH_ANALYZER_END
#endif

#endif
