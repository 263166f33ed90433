/* fuzz: berth_conf_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/conf.h"

#include "fuzz.h"

struct item {
	const char *name;
	const char *path;
};

struct settings {
	const char *text;
	int64_t number;
	int64_t time_s;
	bool is_yes;
	int choice;
	struct berth_conf_list list;
	struct berth_conf_items items;
};

static const char *const choices[] = {"one", "two", NULL};
static const struct berth_conf_key keys[] = {
	{.name = "text", .type = BERTH_CONF_TEXT, .offset = offsetof(struct settings, text)},
	{.name = "number",
	 .type = BERTH_CONF_INTEGER,
	 .min = INT64_MIN,
	 .max = INT64_MAX,
	 .offset = offsetof(struct settings, number)},
	{.name = "time",
	 .type = BERTH_CONF_DURATION_S,
	 .fallback = "1h",
	 .offset = offsetof(struct settings, time_s)},
	{.name = "yes", .type = BERTH_CONF_BOOL, .offset = offsetof(struct settings, is_yes)},
	{.name = "choice",
	 .type = BERTH_CONF_CHOICE,
	 .choices = choices,
	 .offset = offsetof(struct settings, choice)},
	{.name = "list", .type = BERTH_CONF_LIST, .offset = offsetof(struct settings, list)},
};
static const struct berth_conf_key item_keys[] = {
	{.name = "path",
	 .type = BERTH_CONF_PATH,
	 .is_required = true,
	 .offset = offsetof(struct item, path)},
};
static const struct berth_conf_section sections[] = {
	{.name = "main", .keys = keys, .key_count = sizeof(keys) / sizeof(keys[0])},
	{.name = "item",
	 .is_named = true,
	 .keys = item_keys,
	 .key_count = 1,
	 .offset = offsetof(struct settings, items),
	 .item_size = sizeof(struct item)},
};

/* The first half is the file, the second its drop-in. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct berth_conf_schema schema = {sections, 2};
	BERTH_CONF conf = {0};
	struct settings s = {0};
	struct berth_why why = {0};
	const uint8_t *split = size ? memchr(data, '\f', size) : NULL;
	size_t first = split ? (size_t)(split - data) : size;
	const struct berth_conf_text texts[] = {
		{"first", berth_bytes_of(data, first)},
		{"second", berth_bytes_of(data + first + 1, split ? size - first - 1 : 0)},
	};

	if (berth_conf_parse(&schema, texts, split ? 2 : 1, &conf, &s, &why)) {
		fuzz_assert(why.rule && why.sentence[0]);
		return 0;
	}
	fuzz_assert(!s.text || (s.text[0] && berth_bytes_is_utf8(berth_text(s.text))));
	fuzz_assert(s.choice == 0 || s.choice == 1);
	fuzz_assert(s.list.count <= BERTH_CONF_LIST_MAX && s.items.count <= BERTH_CONF_NAMED_MAX);
	const struct item *items = s.items.items;

	for (size_t i = 0; i < s.items.count; i++) {
		fuzz_assert(items[i].name[0] && items[i].path[0]);
	}
	return 0;
}
