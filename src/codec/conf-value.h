/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What codec/conf is made of: the text of one value to what the table says it is, and the nearest
 * word for a slip of the pen. Not for others.
 */
#ifndef BERTH_CODEC_CONF_VALUE_H
#define BERTH_CODEC_CONF_VALUE_H

#include "codec/conf.h"

/* Without white space at both ends. */
struct berth_bytes berth_conf_trim(struct berth_bytes b);
/*
 * The folder that a path in the file called name begins at: all before the last slash, with it;
 * empty for the working directory.
 */
struct berth_bytes berth_conf_folder(const char *name);
/* Writes the value at its offset from base; a relative path is put below folder; else a sentence says what would have been right. */
enum berth_err berth_conf_set_value(const struct berth_conf_key *key, struct berth_bytes value,
				    struct berth_bytes folder, struct berth_arena *arena,
				    void *base, char *sentence, size_t cap) BERTH_MUST;
/* The one of both that is nearer to name; best may be NULL, and NULL is the answer when neither is
 * near. */
const char *berth_conf_nearer(struct berth_bytes name, const char *best, const char *candidate);
/* "fact", or "fact; did you mean nearest?". Returns sentence. */
const char *berth_conf_did_you_mean(const char *fact, const char *nearest, char *sentence,
				    size_t cap);

#endif
