/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/conf.h"

static const char *
type_name(enum berth_conf_type type)
{
	switch (type) {
	case BERTH_CONF_TEXT:
		return "text";
	case BERTH_CONF_PATH:
		return "path";
	case BERTH_CONF_KEY_URI:
		return "key URI";
	case BERTH_CONF_INTEGER:
		return "number";
	case BERTH_CONF_BOOL:
		return "yes or no";
	case BERTH_CONF_DURATION_S:
		return "duration";
	case BERTH_CONF_LIST:
		return "list";
	case BERTH_CONF_CHOICE:
		return "one of";
	}
	return "";
}

/* "number from 1 to 9", "one of a, b" */
static enum berth_err
describe_type(const struct berth_conf_key *key, struct berth_buf *out)
{
	enum berth_err err = berth_buf_append_text(out, type_name(key->type));

	if (key->type == BERTH_CONF_CHOICE) {
		for (size_t i = 0; key->choices[i] && !err; i++) {
			err = berth_buf_printf(out, "%s %s", i ? "," : "", key->choices[i]);
		}
	}
	if (key->type == BERTH_CONF_INTEGER || (key->type == BERTH_CONF_DURATION_S && key->max)) {
		const char *unit = key->type == BERTH_CONF_INTEGER ? "" : "s";

		err = err ? err
			  : berth_buf_printf(out, " from %lld%s to %lld%s", (long long)key->min,
					     unit, (long long)key->max, unit);
	}
	return err;
}

static enum berth_err
describe_key(const struct berth_conf_key *key, struct berth_buf *out)
{
	enum berth_err err = berth_buf_printf(out, "\n# %s (", key->help ? key->help : key->name);

	err = err ? err : describe_type(key, out);
	err = err ? err : berth_buf_append_text(out, key->is_required ? ", required)\n" : ")\n");
	return err ? err
		   : berth_buf_printf(out, "%s%s =%s%s\n", key->is_required ? "" : "#", key->name,
				      key->fallback ? " " : "", key->fallback ? key->fallback : "");
}

enum berth_err
berth_conf_describe(const struct berth_conf_schema *schema, struct berth_buf *out)
{
	enum berth_err err = BERTH_OK;

	for (size_t i = 0; i < schema->section_count && !err; i++) {
		const struct berth_conf_section *s = &schema->sections[i];

		err = s->help ? berth_buf_printf(out, "%s# %s\n", i ? "\n" : "", s->help) : err;
		err = err ? err
			  : berth_buf_printf(out, "%s[%s%s]\n", s->is_named ? "#" : "", s->name,
					     s->is_named ? " \"name\"" : "");
		for (size_t k = 0; k < s->key_count && !err; k++) {
			err = describe_key(&s->keys[k], out);
		}
	}
	return err;
}

static enum berth_err
describe_key_mdoc(const struct berth_conf_key *key, struct berth_buf *out)
{
	enum berth_err err = berth_buf_printf(out, ".It Cm %s No = Ar ", key->name);

	err = err ? err : describe_type(key, out);
	err = err ? err : berth_buf_printf(out, "\n%s.\n", key->help ? key->help : key->name);
	if (!err && key->is_required) {
		err = berth_buf_append_text(out, "Required.\n");
	}
	if (!err && key->fallback) {
		err = berth_buf_printf(out, "The default is\n.Ql %s .\n", key->fallback);
	}
	return err;
}

enum berth_err
berth_conf_describe_mdoc(const struct berth_conf_schema *schema, struct berth_buf *out)
{
	enum berth_err err = BERTH_OK;

	for (size_t i = 0; i < schema->section_count && !err; i++) {
		const struct berth_conf_section *s = &schema->sections[i];

		err = berth_buf_printf(out, ".Ss [%s%s]\n", s->name,
				       s->is_named ? " \\(dqname\\(dq" : "");
		err = !err && s->help ? berth_buf_printf(out, "%s.\n", s->help) : err;
		err = err ? err : berth_buf_append_text(out, ".Bl -tag -width Ds\n");
		for (size_t k = 0; k < s->key_count && !err; k++) {
			err = describe_key_mdoc(&s->keys[k], out);
		}
		err = err ? err : berth_buf_append_text(out, ".El\n");
	}
	return err;
}
