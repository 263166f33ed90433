/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/conf-value.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/time.h"

#define WORD_MAX 40 /* longer words are not compared */
#define FILE_URI "file:"
#define DISTANCE_NEAR 3 /* edits; more is another word, not a slip */

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

struct berth_bytes
berth_conf_trim(struct berth_bytes b)
{
	while (b.n > 0 && is_blank(b.p[0])) {
		b.p++;
		b.n--;
	}
	while (b.n > 0 && is_blank(b.p[b.n - 1])) {
		b.n--;
	}
	return b;
}

static void say(char *sentence, size_t cap, const char *format, ...) BERTH_PRINTF(3, 4);

static void
say(char *sentence, size_t cap, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(sentence, cap, format, ap);
	va_end(ap);
}

/* The value and where it goes. */
struct place {
	const struct berth_conf_key *key;
	struct berth_bytes value;
	struct berth_bytes folder;
	struct berth_arena *arena;
	uint8_t *to;
	char *sentence;
	size_t cap;
};

static enum berth_err
set_text(const struct place *p)
{
	const char *text = p->value.n > 0 ? berth_arena_text(p->arena, p->value) : NULL;

	if (!text) {
		say(p->sentence, p->cap,
		    p->value.n ? "the configuration is too large" : "the value is empty");
		return p->value.n ? BERTH_E_LIMIT : BERTH_E_USAGE;
	}
	memcpy(p->to, &text, sizeof(text));
	return BERTH_OK;
}

struct berth_bytes
berth_conf_folder(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? berth_bytes_of(name, (size_t)(slash - name) + 1) : BERTH_BYTES_NONE;
}

/* What stands before the path stays: "file:tls.key" -> "file:FOLDER/tls.key". */
static enum berth_err
set_path(const struct place *p, size_t before)
{
	size_t n = p->value.n + p->folder.n;

	if (p->folder.n == 0 || p->value.n <= before || p->value.p[before] == '/') {
		return set_text(p);
	}
	char *text = berth_arena_alloc(p->arena, n + 1);

	if (!text) {
		say(p->sentence, p->cap, "the configuration is too large");
		return BERTH_E_LIMIT;
	}
	memcpy(text, p->value.p, before);
	memcpy(text + before, p->folder.p, p->folder.n);
	memcpy(text + before + p->folder.n, p->value.p + before, p->value.n - before);
	text[n] = '\0';
	memcpy(p->to, &text, sizeof(text));
	return BERTH_OK;
}

static enum berth_err
set_key_uri(const struct place *p)
{
	return berth_bytes_starts_with(p->value, FILE_URI) ? set_path(p, sizeof(FILE_URI) - 1)
							   : set_text(p);
}

static bool
read_integer(struct berth_bytes text, int64_t *ret)
{
	bool is_negative = text.n > 0 && text.p[0] == '-';
	int64_t v = 0;

	for (size_t i = is_negative ? 1 : 0; i < text.n; i++) {
		int digit = text.p[i] - '0';

		if (digit < 0 || digit > 9 || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_sub_overflow(v, digit, &v)) {
			return false;
		}
	}
	if (text.n == (is_negative ? 1 : 0) || (!is_negative && v == INT64_MIN)) {
		return false;
	}
	*ret = is_negative ? v : -v;
	return true;
}

static enum berth_err
set_integer(const struct place *p)
{
	int64_t v = 0;

	if (!read_integer(p->value, &v) || v < p->key->min || v > p->key->max) {
		say(p->sentence, p->cap, "must be a number from %lld to %lld",
		    (long long)p->key->min, (long long)p->key->max);
		return BERTH_E_USAGE;
	}
	memcpy(p->to, &v, sizeof(v));
	return BERTH_OK;
}

static enum berth_err
set_bool(const struct place *p)
{
	bool is_yes =
		berth_bytes_equal_text(p->value, "yes") || berth_bytes_equal_text(p->value, "true");
	bool is_no =
		berth_bytes_equal_text(p->value, "no") || berth_bytes_equal_text(p->value, "false");

	if (!is_yes && !is_no) {
		say(p->sentence, p->cap, "must be yes or no");
		return BERTH_E_USAGE;
	}
	memcpy(p->to, &is_yes, sizeof(is_yes));
	return BERTH_OK;
}

static enum berth_err
set_duration(const struct place *p)
{
	int64_t s = 0;

	if (berth_duration_parse_s(p->value, &s, NULL)) {
		say(p->sentence, p->cap, "must be a duration like 90s, 15m, 2h or 4d");
		return BERTH_E_USAGE;
	}
	if (p->key->max > 0 && (s < p->key->min || s > p->key->max)) {
		say(p->sentence, p->cap, "must be from %llds to %llds", (long long)p->key->min,
		    (long long)p->key->max);
		return BERTH_E_USAGE;
	}
	memcpy(p->to, &s, sizeof(s));
	return BERTH_OK;
}

static enum berth_err
set_choice(const struct place *p)
{
	for (int i = 0; p->key->choices[i]; i++) {
		if (berth_bytes_equal_text(p->value, p->key->choices[i])) {
			memcpy(p->to, &i, sizeof(i));
			return BERTH_OK;
		}
	}
	size_t n = 0;

	say(p->sentence, p->cap, "must be one of");
	for (int i = 0; p->key->choices[i]; i++) {
		n = strlen(p->sentence);
		say(p->sentence + n, p->cap - n, "%s %s", i ? "," : "", p->key->choices[i]);
	}
	return BERTH_E_USAGE;
}

static enum berth_err
set_list(const struct place *p)
{
	const char **items = berth_arena_alloc(p->arena, BERTH_CONF_LIST_MAX * sizeof(*items));
	struct berth_conf_list list = {.items = items};
	struct berth_bytes left = p->value;

	while (items && left.n > 0) {
		const uint8_t *comma = memchr(left.p, ',', left.n);
		size_t n = comma ? (size_t)(comma - left.p) : left.n;
		struct berth_bytes item = berth_conf_trim(berth_bytes_of(left.p, n));

		if (item.n == 0 || list.count == BERTH_CONF_LIST_MAX ||
		    (comma && n + 1 == left.n)) {
			say(p->sentence, p->cap, "must be a list like a, b, c of at most %d",
			    BERTH_CONF_LIST_MAX);
			return BERTH_E_USAGE;
		}
		items[list.count] = berth_arena_text(p->arena, item);
		if (!items[list.count++]) {
			items = NULL;
		}
		left = berth_bytes_of(left.p + n + (comma ? 1 : 0), left.n - n - (comma ? 1 : 0));
	}
	if (!items) {
		say(p->sentence, p->cap, "the configuration is too large");
		return BERTH_E_LIMIT;
	}
	memcpy(p->to, &list, sizeof(list));
	return BERTH_OK;
}

enum berth_err
berth_conf_set_value(const struct berth_conf_key *key, struct berth_bytes value,
		     struct berth_bytes folder, struct berth_arena *arena, void *base,
		     char *sentence, size_t cap)
{
	const struct place p = {key,	  value, folder, arena, (uint8_t *)base + key->offset,
				sentence, cap};

	switch (key->type) {
	case BERTH_CONF_TEXT:
		return set_text(&p);
	case BERTH_CONF_PATH:
		return set_path(&p, 0);
	case BERTH_CONF_KEY_URI:
		return set_key_uri(&p);
	case BERTH_CONF_INTEGER:
		return set_integer(&p);
	case BERTH_CONF_BOOL:
		return set_bool(&p);
	case BERTH_CONF_DURATION_S:
		return set_duration(&p);
	case BERTH_CONF_LIST:
		return set_list(&p);
	case BERTH_CONF_CHOICE:
		return set_choice(&p);
	}
	return BERTH_E_INTERNAL;
}

static size_t
least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* How many letters must be added, dropped or changed to make one of the other. */
static size_t
distance(struct berth_bytes a, struct berth_bytes b)
{
	size_t row[WORD_MAX + 1];

	if (a.n > WORD_MAX || b.n > WORD_MAX) {
		return SIZE_MAX;
	}
	for (size_t k = 0; k <= b.n; k++) {
		row[k] = k;
	}
	for (size_t i = 0; i < a.n; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t k = 0; k < b.n; k++) {
			size_t changed = diagonal + (a.p[i] == b.p[k] ? 0 : 1);

			diagonal = row[k + 1];
			row[k + 1] = least(row[k] + 1, row[k + 1] + 1, changed);
		}
	}
	return row[b.n];
}

const char *
berth_conf_nearer(struct berth_bytes name, const char *best, const char *candidate)
{
	size_t d = distance(name, berth_text(candidate));

	if (d > DISTANCE_NEAR || d >= strlen(candidate)) {
		return best;
	}
	return best && distance(name, berth_text(best)) <= d ? best : candidate;
}

const char *
berth_conf_did_you_mean(const char *fact, const char *nearest, char *sentence, size_t cap)
{
	if (nearest) {
		say(sentence, cap, "%s; did you mean %s?", fact, nearest);
	} else {
		say(sentence, cap, "%s", fact);
	}
	return sentence;
}
