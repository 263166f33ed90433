/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration files: libinih reads the lines, one table per program says what they mean. The
 *table drives the parser, --check-config and the printed documentation, so that these cannot
 *disagree.
 *
 *	struct settings { const char *listen; int64_t idle_s; struct berth_conf_items makers; };
 *	struct maker { const char *name; const char *anchor; };   // name comes first in a named
 *section
 *
 *	static const struct berth_conf_key server_keys[] = {
 *		{.name = "listen", .type = BERTH_CONF_TEXT, .fallback = "[::]:8443",
 *		 .offset = offsetof(struct settings, listen), .help = "address and port"},
 *	};
 *	static const struct berth_conf_key maker_keys[] = { ... offsetof(struct maker, anchor) ...
 *}; static const struct berth_conf_section sections[] = {
 *		{.name = "server", .keys = server_keys, .key_count = 1},
 *		{.name = "manufacturer", .is_named = true, .keys = maker_keys, .key_count = 1,
 *		 .offset = offsetof(struct settings, makers), .item_size = sizeof(struct maker)},
 *	};
 *
 * Values land in the caller's structs; whatever they point to lives as long as the struct
 *berth_conf. Refused with file and line: unknown sections and keys (the nearest known one is
 *named), a key given twice in one file, values that do not fit their type, lines longer than
 *libinih keeps, missing required keys. A later text (a drop-in) replaces what an earlier one said,
 *key by key.
 *
 * A relative path, also that of a "file:" key URI, begins at the folder of the first text (drop-ins
 * as well), so that a folder with its configuration can be moved. What is found is relative to the
 * working directory if the text's name is.
 *
 * A line is "key = value"; comments begin a line with # or ;, or follow " ;". No continuation
 *lines. Named sections are written [manufacturer "Acme"].
 */
#ifndef BERTH_CODEC_CONF_H
#define BERTH_CODEC_CONF_H

#include "base/arena.h"

#define BERTH_CONF_MEMORY_MAX ((size_t)1 << 20) /* a configuration is written by hand */
#define BERTH_CONF_LINE_MAX 198	  /* what libinih as packaged keeps whole, with its line end */
#define BERTH_CONF_NAMED_MAX 1024 /* named sections of one kind */
#define BERTH_CONF_KEYS_MAX 64	  /* keys of one section: a table, so a bound of ours */
#define BERTH_CONF_LIST_MAX 64

/* What stands at the offset. */
enum berth_conf_type {
	BERTH_CONF_TEXT,       /* const char *, UTF-8, not empty */
	BERTH_CONF_PATH,       /* const char *; a relative one is made relative to the file */
	BERTH_CONF_KEY_URI,    /* const char *, keystore URI; the path of file: is as PATH */
	BERTH_CONF_INTEGER,    /* int64_t from min to max */
	BERTH_CONF_BOOL,       /* bool: yes, no, true, false */
	BERTH_CONF_DURATION_S, /* int64_t: 90s, 15m, 2h, 4d; from min to max if max > 0 */
	BERTH_CONF_LIST,       /* struct berth_conf_list: a, b, c */
	BERTH_CONF_CHOICE      /* int, the index of the word among choices */
};

struct berth_conf_list {
	const char *const *items;
	size_t count;
};

/* All sections of one named kind, in the order of their first line. */
struct berth_conf_items {
	void *items; /* array of the section's struct, whose first member is const char *name */
	size_t count;
};

struct berth_conf_key {
	const char *name;
	enum berth_conf_type type;
	bool is_required;
	const char
		*fallback; /* text of the value when the key is not there; NULL: stays as it was */
	int64_t min, max;
	const char *const *choices; /* ends with NULL */
	size_t offset;		    /* in the program's struct, or in the item of a named section */
	const char *help;	    /* one sentence */
};

struct berth_conf_section {
	const char *name;
	bool is_named;
	bool is_required; /* named: at least one; else: must be written even if all keys have
			     defaults */
	const struct berth_conf_key *keys;
	size_t key_count;
	size_t offset;	  /* is_named: of a struct berth_conf_items in the program's struct */
	size_t item_size; /* is_named */
	const char *help;
};

struct berth_conf_schema {
	const struct berth_conf_section *sections;
	size_t section_count;
};

/* A configuration file that somebody else has read; later ones are drop-ins. */
struct berth_conf_text {
	const char *name; /* for messages: the path */
	struct berth_bytes text;
};

struct berth_conf {
	struct berth_arena arena;
};

/*
 * Fills *settings (which the caller has zeroed or set to defaults of its own). On failure *settings
 * may be half filled and must not be used. berth_conf_free afterwards in both cases.
 */
enum berth_err berth_conf_parse(const struct berth_conf_schema *schema,
				const struct berth_conf_text *texts, size_t count,
				struct berth_conf *conf, void *settings,
				struct berth_why *why) BERTH_MUST;
void berth_conf_free(struct berth_conf *conf);

/* An example file with every section and key, its help, type and default, as comments. */
enum berth_err berth_conf_describe(const struct berth_conf_schema *schema,
				   struct berth_buf *out) BERTH_MUST;
/* The same as mdoc(7) list items, for man pages. */
enum berth_err berth_conf_describe_mdoc(const struct berth_conf_schema *schema,
					struct berth_buf *out) BERTH_MUST;

#define BERTH_CONF BERTH_CLEANUP(berth_conf_free) struct berth_conf

#endif
