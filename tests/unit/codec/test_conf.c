/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/conf.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct maker {
	const char *name;
	const char *anchor;
	int64_t days;
};

struct settings {
	const char *listen;
	int64_t workers;
	int64_t idle_s;
	bool is_open;
	int mode;
	struct berth_conf_list peers;
	const char *key;
	struct berth_conf_items makers;
};

static const char *const modes[] = {"deny", "ask", "allow", NULL};

static const struct berth_conf_key server_keys[] = {
	{.name = "listen",
	 .type = BERTH_CONF_TEXT,
	 .is_required = true,
	 .offset = offsetof(struct settings, listen),
	 .help = "address and port"},
	{.name = "workers",
	 .type = BERTH_CONF_INTEGER,
	 .min = -1,
	 .max = 64,
	 .fallback = "2",
	 .offset = offsetof(struct settings, workers),
	 .help = "processes"},
	{.name = "idle-time",
	 .type = BERTH_CONF_DURATION_S,
	 .min = 1,
	 .max = 3600,
	 .fallback = "15m",
	 .offset = offsetof(struct settings, idle_s)},
	{.name = "open", .type = BERTH_CONF_BOOL, .offset = offsetof(struct settings, is_open)},
	{.name = "mode",
	 .type = BERTH_CONF_CHOICE,
	 .choices = modes,
	 .fallback = "deny",
	 .offset = offsetof(struct settings, mode)},
	{.name = "peers", .type = BERTH_CONF_LIST, .offset = offsetof(struct settings, peers)},
	{.name = "key", .type = BERTH_CONF_KEY_URI, .offset = offsetof(struct settings, key)},
};
static const struct berth_conf_key maker_keys[] = {
	{.name = "anchor",
	 .type = BERTH_CONF_PATH,
	 .is_required = true,
	 .offset = offsetof(struct maker, anchor),
	 .help = "certificate"},
	{.name = "days",
	 .type = BERTH_CONF_INTEGER,
	 .min = 0,
	 .max = 9,
	 .fallback = "7",
	 .offset = offsetof(struct maker, days)},
};
static const struct berth_conf_section sections[] = {
	{.name = "server", .keys = server_keys, .key_count = 7, .help = "Where to listen"},
	{.name = "manufacturer",
	 .is_named = true,
	 .keys = maker_keys,
	 .key_count = 2,
	 .offset = offsetof(struct settings, makers),
	 .item_size = sizeof(struct maker)},
};
static const struct berth_conf_schema schema = {sections, 2};

static enum berth_err
parse(const char *text, struct berth_conf *conf, struct settings *settings, struct berth_why *why)
{
	const struct berth_conf_text one = {"a.conf", berth_text(text)};

	return berth_conf_parse(&schema, &one, 1, conf, settings, why);
}

static void
relative_paths_begin_at_the_files_folder(void **state)
{
	(void)state;
	static const struct {
		const char *file, *anchor, *want_anchor, *key, *want_key;
	} rows[] = {
		{"/etc/b/a.conf", "a.pem", "/etc/b/a.pem", "file:k", "file:/etc/b/k"},
		{"home/a.conf", "in/a.pem", "home/in/a.pem", "file:in/k", "file:home/in/k"},
		{"../a.conf", "../a.pem", "../../a.pem", "file:../k", "file:../../k"},
		{"/a.conf", "a.pem", "/a.pem", "file:k", "file:/k"},
		{"a.conf", "a.pem", "a.pem", "file:k", "file:k"},
		{"home/a.conf", "/a.pem", "/a.pem", "file:/k", "file:/k"},
		{"home/a.conf", "file:a", "home/file:a", "pkcs11:object=k", "pkcs11:object=k"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_CONF conf = {0};
		BERTH_BUF text = {0};
		struct settings s = {0};
		assert_int_equal(berth_buf_printf(&text,
						  "[server]\nlisten = x\nkey = %s\n[manufacturer "
						  "\"A\"]\nanchor = %s\n",
						  rows[i].key, rows[i].anchor),
				 BERTH_OK);
		/* A drop-in's paths begin where the main file's do. */
		const struct berth_conf_text texts[] = {
			{rows[i].file, BERTH_LIT("[server]\nlisten = y\n")},
			{"elsewhere/drop-in.conf", berth_buf_view(&text)},
		};
		assert_int_equal(berth_conf_parse(&schema, texts, 2, &conf, &s, NULL), BERTH_OK);
		assert_string_equal(((const struct maker *)s.makers.items)->anchor,
				    rows[i].want_anchor);
		assert_string_equal(s.key, rows[i].want_key);
	}
}

static void
fills_the_callers_struct(void **state)
{
	(void)state;
	BERTH_CONF conf = {0};
	struct settings s = {0};
	struct berth_why why = {0};

	assert_int_equal(parse("# a comment\n"
			       "[server] ; another\n"
			       "listen = [::]:8443 ; and another\n"
			       "workers=-1\r\n"
			       "idle-time = 90s\n"
			       "open = yes\n"
			       "mode = ask\n"
			       "peers = a , b,c\n"
			       "\n"
			       "[manufacturer \"Acme [x] & Söhne\"]\n"
			       "anchor = /a.pem\n"
			       "[manufacturer \"Other\"]\n"
			       "anchor = /b.pem\n"
			       "days = 9",
			       &conf, &s, &why),
			 BERTH_E_SYNTAX); /* a ] inside a name is not for libinih */
	assert_string_equal(why.rule, "conf-syntax");
	berth_conf_free(&conf);
	s = (struct settings){0};
	assert_int_equal(parse("# a comment\n"
			       "[server] ; another\n"
			       "listen = [::]:8443 ; and another\n"
			       "workers=-1\r\n"
			       "idle-time = 90s\n"
			       "open = yes\n"
			       "mode = ask\n"
			       "peers = a , b,c\n"
			       "\n"
			       "[manufacturer \"Acme & Söhne\"]\n"
			       "anchor = /a.pem\n"
			       "[manufacturer \"Other\"]\n"
			       "anchor = /b.pem\n"
			       "days = 9",
			       &conf, &s, &why),
			 BERTH_OK);
	const struct maker *makers = s.makers.items;

	assert_string_equal(s.listen, "[::]:8443");
	assert_int_equal(s.workers, -1);
	assert_int_equal(s.idle_s, 90);
	assert_true(s.is_open);
	assert_int_equal(s.mode, 1);
	assert_int_equal(s.peers.count, 3);
	assert_string_equal(s.peers.items[1], "b");
	assert_int_equal(s.makers.count, 2);
	assert_string_equal(makers[0].name, "Acme & Söhne");
	assert_string_equal(makers[0].anchor, "/a.pem");
	assert_int_equal(makers[0].days, 7);
	assert_string_equal(makers[1].name, "Other");
	assert_int_equal(makers[1].days, 9);
}

static void
a_drop_in_replaces_key_by_key(void **state)
{
	(void)state;
	static const struct berth_conf_text texts[] = {
		{"a.conf", BERTH_LIT_INIT("[server]\nlisten = a\nworkers = 3\n"
					  "[manufacturer \"Acme\"]\nanchor = x\ndays = 1\n")},
		{"a.conf.d/1.conf", BERTH_LIT_INIT("[manufacturer \"Acme\"]\nanchor = y\n"
						   "[server]\nworkers = 4\n")},
	};
	BERTH_CONF conf = {0};
	struct settings s = {0};

	assert_int_equal(berth_conf_parse(&schema, texts, 2, &conf, &s, NULL), BERTH_OK);
	const struct maker *makers = s.makers.items;

	assert_string_equal(s.listen, "a");
	assert_int_equal(s.workers, 4);
	assert_int_equal(s.makers.count, 1);
	assert_string_equal(makers[0].anchor, "y");
	assert_int_equal(makers[0].days, 1);
}

static void
refuses_with_file_line_and_advice(void **state)
{
	(void)state;
	static const struct {
		const char *in, *rule, *part;
	} rows[] = {
		{"[server]\nlisten = a\n[servr]\n", "conf-unknown-section", "did you mean server?"},
		{"[server]\nlisten = a\nworker = 1\n", "conf-unknown-key", "did you mean workers?"},
		{"[server]\nlisten = a\ncolour-of-the-box = 1\n", "conf-unknown-key", "a.conf:3: "},
		{"[server]\nlisten = a\nlisten = b\n", "conf-doubled-key", "a.conf:3: listen"},
		{"[server]\nlisten = a\n[server]\n", "conf-doubled-section", "a.conf:3: server"},
		{"[server]\nlisten = a\nworkers = 65\n", "conf-value",
		 "a.conf:3: workers: must be"},
		{"[server]\nlisten = a\nworkers = 3x\n", "conf-value", "from -1 to 64"},
		{"[server]\nlisten = a\nworkers = \n", "conf-value", "from -1 to 64"},
		{"[server]\nlisten = a\nidle-time = 2h\n", "conf-value", "1s to 3600s"},
		{"[server]\nlisten = a\nopen = maybe\n", "conf-value", "yes or no"},
		{"[server]\nlisten = a\nmode = maybe\n", "conf-value", "deny, ask, allow"},
		{"[server]\nlisten = a\npeers = a,,b\n", "conf-value", "must be a list"},
		{"[server]\nlisten = a\npeers = a,\n", "conf-value", "must be a list"},
		{"[server]\nlisten =\n", "conf-value", "the value is empty"},
		{"[server]\nlisten = a\nno line\n", "conf-syntax", "a.conf:3: "},
		{"[server]\nlisten = a\n  b\n", "conf-indented", "a.conf:3: "},
		{"[server]\nlisten = a\n[server\n", "conf-syntax", "lacks its ]"},
		{"[server]\nlisten = a\n[manufacturer \"x\"] y\n", "conf-syntax",
		 "nothing may follow"},
		{"[server]\nlisten = a\n[manufacturer]\n", "conf-section-name", "needs a name"},
		{"[server]\nlisten = a\n[manufacturer \"\"]\n", "conf-section-name", "not empty"},
		{"[server]\nlisten = a\n[manufacturer \"a\"b\"]\n", "conf-section-name",
		 "two quotes"},
		{"[server \"x\"]\nlisten = a\n", "conf-section-name", "has no name"},
		{"listen = a\n", "conf-syntax", "before the first section"},
		{"[server]\nworkers = 1\n", "conf-missing-key", "[server] needs the key listen"},
		{"", "conf-missing-key", "[server] needs the key listen"},
		{"[server]\nlisten = a\n[manufacturer \"x\"]\n", "conf-missing-key",
		 "[manufacturer \"x\"] needs the key anchor"},
		{"[server]\nlisten = \xff\n", "conf-utf8", "a.conf:2: "},
		{"[server]\nlisten = a\x1b[m\n", "conf-control-character", "a.conf:2: "},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_CONF conf = {0};
		struct settings s = {0};
		struct berth_why why = {0};

		print_message("%s\n", rows[i].in);
		assert_int_not_equal(parse(rows[i].in, &conf, &s, &why), BERTH_OK);
		print_message("  %s %s\n", why.rule, why.sentence);
		assert_string_equal(why.rule, rows[i].rule);
		assert_non_null(strstr(why.sentence, rows[i].part));
	}
}

/* libinih as packaged cuts longer lines in two and says nothing. */
static void
refuses_a_line_that_libinih_would_cut(void **state)
{
	(void)state;
	char text[300] = "[server]\nlisten = ";
	size_t start = strlen(text);
	size_t line_start = strlen("[server]\n");

	for (size_t n = BERTH_CONF_LINE_MAX; n <= BERTH_CONF_LINE_MAX + 1; n++) {
		BERTH_CONF conf = {0};
		struct settings s = {0};
		struct berth_why why = {0};

		memset(text + start, 'x', sizeof(text) - start);
		text[line_start + n] = '\0';
		enum berth_err err = parse(text, &conf, &s, &why);

		assert_int_equal(err, n > BERTH_CONF_LINE_MAX ? BERTH_E_LIMIT : BERTH_OK);
		if (!err) {
			assert_int_equal(strlen(s.listen), line_start + n - start);
		}
	}
}

static void
what_it_describes_it_reads(void **state)
{
	(void)state;
	BERTH_BUF text = {0};
	BERTH_BUF mdoc = {0};
	BERTH_CONF conf = {0};
	struct settings s = {0};
	struct berth_why why = {0};

	assert_int_equal(berth_conf_describe(&schema, &text), BERTH_OK);
	assert_int_equal(berth_buf_append_u8(&text, '\0'), BERTH_OK);
	assert_non_null(strstr((char *)text.p, "\n#workers = 2\n"));
	assert_non_null(strstr((char *)text.p, "one of deny, ask, allow"));
	assert_non_null(strstr((char *)text.p, "number from -1 to 64"));
	assert_int_equal(parse((char *)text.p, &conf, &s, &why), BERTH_E_USAGE);
	assert_string_equal(why.rule, "conf-value"); /* listen has no default: it is for people */
	assert_int_equal(berth_conf_describe_mdoc(&schema, &mdoc), BERTH_OK);
	assert_int_equal(berth_buf_append_u8(&mdoc, '\0'), BERTH_OK);
	assert_non_null(
		strstr((char *)mdoc.p, ".It Cm idle-time No = Ar duration from 1s to 3600s"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills_the_callers_struct),
		cmocka_unit_test(a_drop_in_replaces_key_by_key),
		cmocka_unit_test(relative_paths_begin_at_the_files_folder),
		cmocka_unit_test(refuses_with_file_line_and_advice),
		cmocka_unit_test(refuses_a_line_that_libinih_would_cut),
		cmocka_unit_test(what_it_describes_it_reads),
	};

	return cmocka_run_group_tests_name("codec/conf", tests, NULL, NULL);
}
