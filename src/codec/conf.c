/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/conf.h"

#include <assert.h>

#include "codec/conf-value.h"

#include <ini.h>

/* One section as it stands in the files: the only one of its kind, or one with a name. */
struct instance {
	struct instance *next;
	const struct berth_conf_section *section;
	const char *name; /* NULL unless named */
	void *base;	  /* where its keys' offsets begin */
	const struct berth_conf_text *last_text;
	uint64_t seen;	    /* one bit for each key, in all texts */
	uint64_t seen_here; /* in last_text alone */
};

struct reader {
	const struct berth_conf_schema *schema;
	struct berth_arena *arena;
	struct berth_bytes folder; /* where relative paths begin */
	void *settings;
	struct berth_why *why;
	struct instance *first, *last;
	const struct berth_conf_text *text;
	size_t at;   /* in text */
	size_t line; /* that libinih is given now, from 1 */
	struct instance *current;
	enum berth_err err; /* the first; nothing is read after it */
};

/* Refusals name file and line, then what is wrong with what. */
static enum berth_err
fail(struct reader *r, enum berth_err err, const char *rule, struct berth_bytes what,
     const char *sentence)
{
	r->err = berth_fail_at(r->why, err, rule, NULL, r->at, "%s:%zu: %.*s%s%s", r->text->name,
			       r->line, (int)(what.n > 60 ? 60 : what.n),
			       what.n ? (const char *)what.p : "", what.n ? ": " : "", sentence);
	return r->err;
}

static const struct berth_conf_section *
find_section(const struct berth_conf_schema *schema, struct berth_bytes name)
{
	for (size_t i = 0; i < schema->section_count; i++) {
		if (berth_bytes_equal_text(name, schema->sections[i].name)) {
			return &schema->sections[i];
		}
	}
	return NULL;
}

static enum berth_err
fail_unknown_section(struct reader *r, struct berth_bytes name)
{
	const char *nearest = NULL;

	for (size_t i = 0; i < r->schema->section_count; i++) {
		nearest = berth_conf_nearer(name, nearest, r->schema->sections[i].name);
	}
	char sentence[120];

	return fail(
		r, BERTH_E_USAGE, "conf-unknown-section", name,
		berth_conf_did_you_mean("no such section", nearest, sentence, sizeof(sentence)));
}

static struct instance *
find_instance(const struct reader *r, const struct berth_conf_section *section,
	      struct berth_bytes name)
{
	for (struct instance *i = r->first; i; i = i->next) {
		if (i->section == section && berth_bytes_equal(name, berth_text(i->name))) {
			return i;
		}
	}
	return NULL;
}

static size_t
count_instances(const struct reader *r, const struct berth_conf_section *section)
{
	size_t count = 0;

	for (const struct instance *i = r->first; i; i = i->next) {
		count += i->section == section;
	}
	return count;
}

/* name is empty for a section without one. NULL: no memory within the cap. */
static struct instance *
add_instance(struct reader *r, const struct berth_conf_section *section, struct berth_bytes name)
{
	struct instance *i = berth_arena_alloc(r->arena, sizeof(*i));

	if (!i) {
		return NULL;
	}
	i->section = section;
	i->base = r->settings;
	if (section->is_named) {
		i->name = berth_arena_text(r->arena, name);
		i->base = berth_arena_alloc(r->arena, section->item_size);
		if (!i->name || !i->base) {
			return NULL;
		}
		memcpy(i->base, &i->name, sizeof(i->name));
	}
	*(r->last ? &r->last->next : &r->first) = i;
	r->last = i;
	return i;
}

static enum berth_err
enter_section(struct reader *r, struct berth_bytes name, struct berth_bytes argument)
{
	const struct berth_conf_section *section = find_section(r->schema, name);

	if (!section) {
		return fail_unknown_section(r, name);
	}
	if (section->is_named != (argument.n > 0)) {
		return fail(r, BERTH_E_USAGE, "conf-section-name", name,
			    section->is_named ? "this section needs a name: [section \"name\"]"
					      : "this section has no name");
	}
	struct instance *i = find_instance(r, section, argument);

	if (i && i->last_text == r->text) {
		return fail(r, BERTH_E_USAGE, "conf-doubled-section", name,
			    "the section stands twice in this file");
	}
	if (!i && count_instances(r, section) >= BERTH_CONF_NAMED_MAX) {
		return fail(r, BERTH_E_LIMIT, "conf-size", name, "too many sections of this kind");
	}
	i = i ? i : add_instance(r, section, argument);
	if (!i) {
		return fail(r, BERTH_E_LIMIT, "conf-size", name, "the configuration is too large");
	}
	i->last_text = r->text;
	i->seen_here = 0;
	r->current = i;
	return BERTH_OK;
}

/* [name] or [name "argument"], then nothing but a comment. libinih would take more than this. */
static enum berth_err
read_header(struct reader *r, struct berth_bytes line)
{
	const uint8_t *end = memchr(line.p, ']', line.n);

	if (!end) {
		return fail(r, BERTH_E_SYNTAX, "conf-syntax", line, "a section lacks its ]");
	}
	struct berth_bytes inside = berth_bytes_of(line.p + 1, (size_t)(end - line.p) - 1);
	struct berth_bytes rest = berth_bytes_of(end + 1, line.n - inside.n - 2);
	struct berth_bytes comment = berth_conf_trim(rest);

	if (comment.n > 0 && !(comment.p[0] == ';' && comment.p > rest.p)) {
		return fail(r, BERTH_E_SYNTAX, "conf-syntax", rest, "nothing may follow a section");
	}
	const uint8_t *quote = memchr(inside.p, '"', inside.n);

	if (!quote) {
		return enter_section(r, berth_conf_trim(inside), BERTH_BYTES_NONE);
	}
	struct berth_bytes name = berth_bytes_of(inside.p, (size_t)(quote - inside.p));
	struct berth_bytes argument =
		berth_conf_trim(berth_bytes_of(quote + 1, inside.n - name.n - 1));

	if (argument.n < 2 || memchr(argument.p, '"', argument.n) != argument.p + argument.n - 1) {
		return fail(r, BERTH_E_SYNTAX, "conf-section-name", inside,
			    "a section's name stands between two quotes and is not empty");
	}
	argument.n--;
	return enter_section(r, berth_conf_trim(name), argument);
}

/* What libinih would misread without a word. */
static enum berth_err
check_line(struct reader *r, struct berth_bytes line)
{
	struct berth_bytes trimmed = berth_conf_trim(line);

	if (line.n > BERTH_CONF_LINE_MAX) {
		return fail(r, BERTH_E_LIMIT, "conf-line-length", berth_bytes_of(line.p, 30),
			    "a line has at most 198 bytes");
	}
	if (!berth_bytes_is_utf8(line)) {
		return fail(r, BERTH_E_SYNTAX, "conf-utf8", BERTH_BYTES_NONE,
			    "a line is not UTF-8");
	}
	for (size_t i = 0; i < trimmed.n; i++) {
		if ((trimmed.p[i] < 0x20 && trimmed.p[i] != '\t') || trimmed.p[i] == 0x7f) {
			return fail(r, BERTH_E_SYNTAX, "conf-control-character", BERTH_BYTES_NONE,
				    "a line holds a control character");
		}
	}
	if (trimmed.n == 0 || trimmed.p[0] == '#' || trimmed.p[0] == ';') {
		return BERTH_OK;
	}
	if (trimmed.p != line.p) {
		return fail(r, BERTH_E_SYNTAX, "conf-indented", trimmed,
			    "a line begins with white space; lines are not continued");
	}
	return trimmed.p[0] == '[' ? read_header(r, trimmed) : BERTH_OK;
}

/* libinih's view of a file: one line into str, as fgets does it. NULL ends the reading. */
static char *
give_line(char *str, int size, void *context)
{
	struct reader *r = context;
	struct berth_bytes left = berth_bytes_of(r->text->text.p + r->at, r->text->text.n - r->at);

	if (r->err || left.n == 0) {
		return NULL;
	}
	const uint8_t *newline = memchr(left.p, '\n', left.n);
	struct berth_bytes line =
		berth_bytes_of(left.p, newline ? (size_t)(newline - left.p) : left.n);

	r->line++;
	if (check_line(r, line)) {
		return NULL;
	}
	r->at += line.n + (newline ? 1 : 0);
	assert(size > 0 && line.n + 2 <= (size_t)size);
	memcpy(str, line.p, line.n);
	memcpy(str + line.n, "\n", 2);
	return str;
}

static enum berth_err
fail_unknown_key(struct reader *r, struct berth_bytes name)
{
	const struct berth_conf_section *section = r->current->section;
	const char *nearest = NULL;

	for (size_t i = 0; i < section->key_count; i++) {
		nearest = berth_conf_nearer(name, nearest, section->keys[i].name);
	}
	char sentence[120];

	return fail(r, BERTH_E_USAGE, "conf-unknown-key", name,
		    berth_conf_did_you_mean("no such key", nearest, sentence, sizeof(sentence)));
}

static enum berth_err
set_key(struct reader *r, size_t index, const char *value)
{
	struct instance *i = r->current;
	const struct berth_conf_key *key = &i->section->keys[index];
	uint64_t bit = (uint64_t)1 << index;
	char sentence[120];

	if (i->seen_here & bit) {
		return fail(r, BERTH_E_USAGE, "conf-doubled-key", berth_text(key->name),
			    "the key stands twice in this section");
	}
	i->seen_here |= bit;
	i->seen |= bit;
	enum berth_err err = berth_conf_set_value(key, berth_text(value), r->folder, r->arena,
						  i->base, sentence, sizeof(sentence));

	return err ? fail(r, err, "conf-value", berth_text(key->name), sentence) : BERTH_OK;
}

/* libinih calls it for every key; its own idea of the section is not used. 1: go on. */
static int
take_key(void *context, const char *ini_section, const char *name, const char *value)
{
	struct reader *r = context;

	(void)ini_section;
	if (r->err) {
		return 0;
	}
	if (!r->current) {
		return !fail(r, BERTH_E_SYNTAX, "conf-syntax", berth_text(name),
			     "a key stands before the first section");
	}
	for (size_t i = 0; i < r->current->section->key_count; i++) {
		if (strcmp(name, r->current->section->keys[i].name) == 0) {
			return !set_key(r, i, value);
		}
	}
	return !fail_unknown_key(r, berth_text(name));
}

static enum berth_err
read_text(struct reader *r, const struct berth_conf_text *text)
{
	r->text = text;
	r->line = 0;
	r->current = NULL;
	/* a byte order mark is what some editors leave behind */
	r->at = berth_bytes_starts_with(text->text, "\xef\xbb\xbf") ? 3 : 0;
	if (text->text.n > BERTH_CONF_MEMORY_MAX) {
		return fail(r, BERTH_E_LIMIT, "conf-size", BERTH_BYTES_NONE,
			    "the file is too large");
	}
	int line = ini_parse_stream(give_line, r, take_key, r);

	if (line != 0 && !r->err) {
		r->line = line > 0 ? (size_t)line : r->line;
		return fail(r, BERTH_E_SYNTAX, "conf-syntax", BERTH_BYTES_NONE,
			    "neither a [section] nor key = value");
	}
	return r->err;
}

static enum berth_err
fail_missing(struct reader *r, const struct instance *i, const char *key)
{
	r->err = berth_fail(r->why, BERTH_E_USAGE, "conf-missing-key", NULL,
			    "%s: section [%s%s%s%s] needs the key %s",
			    r->text ? r->text->name : "configuration", i->section->name,
			    i->name ? " \"" : "", i->name ? i->name : "", i->name ? "\"" : "", key);
	return r->err;
}

static enum berth_err
fill_in_defaults(struct reader *r, struct instance *i)
{
	for (size_t k = 0; k < i->section->key_count; k++) {
		const struct berth_conf_key *key = &i->section->keys[k];
		char sentence[120];

		if (i->seen & ((uint64_t)1 << k)) {
			continue;
		}
		if (key->is_required) {
			return fail_missing(r, i, key->name);
		}
		if (!key->fallback) {
			continue;
		}
		enum berth_err err =
			berth_conf_set_value(key, berth_text(key->fallback), r->folder, r->arena,
					     i->base, sentence, sizeof(sentence));

		if (err) {
			return berth_fail(r->why, BERTH_E_INTERNAL, "conf-default", NULL,
					  "the default of %s is refused: %s", key->name, sentence);
		}
	}
	return BERTH_OK;
}

/* The items of a named section, one after the other, as the program sees them. */
static enum berth_err
lay_out(struct reader *r, const struct berth_conf_section *section)
{
	struct berth_conf_items items = {.count = count_instances(r, section)};

	if (items.count == 0) {
		return BERTH_OK;
	}
	items.items = berth_arena_alloc(r->arena, items.count * section->item_size);
	if (!items.items) {
		return berth_fail(r->why, BERTH_E_LIMIT, "conf-size", NULL,
				  "the configuration is too large");
	}
	uint8_t *to = items.items;

	for (const struct instance *i = r->first; i; i = i->next) {
		if (i->section == section) {
			memcpy(to, i->base, section->item_size);
			to += section->item_size;
		}
	}
	memcpy((uint8_t *)r->settings + section->offset, &items, sizeof(items));
	return BERTH_OK;
}

static enum berth_err
finish_section(struct reader *r, const struct berth_conf_section *section)
{
	if (section->is_required && count_instances(r, section) == 0) {
		return berth_fail(r->why, BERTH_E_USAGE, "conf-missing-section", NULL,
				  "%s: the section [%s%s] is missing",
				  r->text ? r->text->name : "configuration", section->name,
				  section->is_named ? " \"...\"" : "");
	}
	if (!section->is_named && count_instances(r, section) == 0 &&
	    !add_instance(r, section, BERTH_BYTES_NONE)) {
		return BERTH_E_MEMORY;
	}
	enum berth_err err = BERTH_OK;

	for (struct instance *i = r->first; i && !err; i = i->next) {
		err = i->section == section ? fill_in_defaults(r, i) : BERTH_OK;
	}
	return err || !section->is_named ? err : lay_out(r, section);
}

enum berth_err
berth_conf_parse(const struct berth_conf_schema *schema, const struct berth_conf_text *texts,
		 size_t count, struct berth_conf *conf, void *settings, struct berth_why *why)
{
	struct reader r = {
		.schema = schema, .arena = &conf->arena, .settings = settings, .why = why};

	berth_arena_start(&conf->arena, BERTH_CONF_MEMORY_MAX);
	r.folder = count > 0 ? berth_conf_folder(texts[0].name) : BERTH_BYTES_NONE;
	for (size_t i = 0; i < count; i++) {
		enum berth_err err = read_text(&r, &texts[i]);

		if (err) {
			return err;
		}
	}
	for (size_t i = 0; i < schema->section_count; i++) {
		assert(schema->sections[i].key_count <= BERTH_CONF_KEYS_MAX);
		enum berth_err err = finish_section(&r, &schema->sections[i]);

		if (err) {
			return err;
		}
	}
	return BERTH_OK;
}

void
berth_conf_free(struct berth_conf *conf)
{
	if (conf) {
		berth_arena_end(&conf->arena);
	}
}
