/* SPDX-License-Identifier: BSD-2-Clause */
/* Bootstrapping keys, Connectors, times in which known devices may join, and the wish that one is configured again. */
#include "store/fixture.h"

#include "store/registrar_dpp.h"

static const struct berth_wall later = {1800000000};

static int64_t
a_device(struct fixture *f, const char *serial)
{
	const struct berth_registrar_device seen = {.identity = identity(serial),
						    .manufacturer = BERTH_LIT("dpp")};
	struct berth_registrar_device device;
	bool is_new = false;

	ok(f,
	   berth_registrar_device_seen(f->store, &seen, now, &f->arena, &device, &is_new, &f->why));
	return device.row;
}

static struct berth_registrar_dpp_key
key_of(int64_t device, const char *name)
{
	struct berth_registrar_dpp_key key = {
		.device = device,
		.spki = berth_text(name),
		.uri = BERTH_LIT("DPP:K:;;"),
		.added_by = BERTH_LIT("ada"),
		.added_at = now,
	};

	digest_of(name, key.key_hash);
	memcpy(key.chirp_hash, key.key_hash, sizeof(key.chirp_hash));
	key.chirp_hash[0] ^= 1;
	return key;
}

static void
add(struct fixture *f, int64_t device, const char *name)
{
	const struct berth_registrar_dpp_key key = key_of(device, name);

	ok(f, berth_registrar_dpp_key_add(f->store, &key, &f->why));
}

static void
finds_a_device_by_either_hash_of_its_key(void **state)
{
	struct fixture *f = *state;
	struct berth_registrar_dpp_key wanted, found;

	begin(f);
	int64_t device = a_device(f, "P1");
	add(f, device, "one");
	commit(f);
	reopen(f);
	wanted = key_of(device, "one");
	ok(f, berth_registrar_dpp_key_find(f->store, BERTH_DPP_BY_KEY_HASH, wanted.key_hash,
					   &f->arena, &found, &f->why));
	assert_int_equal(found.device, device);
	ok(f, berth_registrar_dpp_key_find(f->store, BERTH_DPP_BY_CHIRP_HASH, wanted.chirp_hash,
					   &f->arena, &found, &f->why));
	assert_int_equal(found.device, device);
	assert_true(berth_bytes_equal_text(found.added_by, "ada"));
	refused(f, BERTH_E_NOT_FOUND, "dpp-key-unknown",
		berth_registrar_dpp_key_find(f->store, BERTH_DPP_BY_KEY_HASH, wanted.chirp_hash,
					     &f->arena, &found, &f->why));
}

static void
takes_a_key_once_and_one_for_each_device(void **state)
{
	struct fixture *f = *state;

	begin(f);
	int64_t first = a_device(f, "P1");
	int64_t second = a_device(f, "P2");
	add(f, first, "one");
	struct berth_registrar_dpp_key key = key_of(second, "one");
	refused(f, BERTH_E_EXISTS, "dpp-key-known",
		berth_registrar_dpp_key_add(f->store, &key, &f->why));
	key = key_of(first, "two");
	refused(f, BERTH_E_EXISTS, "dpp-key-known",
		berth_registrar_dpp_key_add(f->store, &key, &f->why));
	add(f, second, "two");
	commit(f);
}

static void
remembers_what_it_gave_by_the_key_that_it_gave_it_to(void **state)
{
	struct fixture *f = *state;
	struct berth_registrar_connector wanted = {
		.ssid = BERTH_LIT("net-x"), .akm = 1, .expires = later, .made_at = now};
	struct berth_registrar_connector found;
	int64_t first = 0;
	int64_t second = 0;

	begin(f);
	wanted.device = a_device(f, "P1");
	digest_of("net access key", wanted.net_access_sha256);
	ok(f, berth_registrar_connector_intent(f->store, &wanted, &first, &f->why));
	ok(f, berth_registrar_connector_intent(f->store, &wanted, &second, &f->why));
	commit(f);
	reopen(f); /* the intent stands before anything is signed */
	ok(f, berth_registrar_connector_find(f->store, wanted.net_access_sha256, &f->arena, &found,
					     &f->why));
	assert_int_equal(found.row, second); /* the newest */
	assert_int_equal(found.state, BERTH_DPP_CONNECTOR_INTENT);
	begin(f);
	ok(f, berth_registrar_connector_set(f->store, second, BERTH_DPP_CONNECTOR_ACCEPTED, now,
					    &f->why));
	commit(f);
	ok(f, berth_registrar_connector_of(f->store, wanted.device, &f->arena, &found, &f->why));
	assert_int_equal(found.state, BERTH_DPP_CONNECTOR_ACCEPTED);
	assert_int_equal(found.expires.s, later.s);
	assert_true(berth_bytes_equal_text(found.ssid, "net-x"));
	wanted.net_access_sha256[0] ^= 1;
	refused(f, BERTH_E_NOT_FOUND, "dpp-connector-unknown",
		berth_registrar_connector_find(f->store, wanted.net_access_sha256, &f->arena,
					       &found, &f->why));
}

static enum berth_err
window_at(struct fixture *f, int64_t s, struct berth_registrar_window *ret)
{
	return berth_registrar_window_now(f->store, (struct berth_wall){s}, &f->arena, ret,
					  &f->why);
}

/* req: dpp-controller-window */
static void
a_window_shuts_by_itself(void **state)
{
	struct fixture *f = *state;
	struct berth_registrar_window window;

	begin(f);
	ok(f, berth_registrar_window_open(f->store, "ada", (struct berth_wall){1000},
					  (struct berth_wall){1120}, &f->why));
	ok(f, window_at(f, 1000, &window));
	ok(f, berth_registrar_window_admitted(f->store, window.row, &f->why));
	commit(f);
	reopen(f);
	ok(f, window_at(f, 1119, &window));
	assert_int_equal(window.admitted, 1);
	assert_true(berth_bytes_equal_text(window.opened_by, "ada"));
	refused(f, BERTH_E_NOT_FOUND, "dpp-window", window_at(f, 1120, &window));
	/* nor before it was opened, by a clock that was set back */
	refused(f, BERTH_E_NOT_FOUND, "dpp-window", window_at(f, 999, &window));
}

static void
a_window_that_is_shut_or_replaced_lets_nobody_on(void **state)
{
	struct fixture *f = *state;
	struct berth_registrar_window window;

	begin(f);
	ok(f, berth_registrar_window_open(f->store, "ada", (struct berth_wall){1000},
					  (struct berth_wall){9000}, &f->why));
	ok(f, berth_registrar_window_open(f->store, "bob", (struct berth_wall){1010},
					  (struct berth_wall){1020}, &f->why));
	ok(f, window_at(f, 1015, &window));
	assert_true(berth_bytes_equal_text(window.opened_by, "bob"));
	refused(f, BERTH_E_NOT_FOUND, "dpp-window", window_at(f, 1030, &window));
	ok(f, window_at(f, 1015, &window));
	ok(f, berth_registrar_window_close(f->store, (struct berth_wall){1016}, &f->why));
	refused(f, BERTH_E_NOT_FOUND, "dpp-window", window_at(f, 1016, &window));
	ok(f, berth_registrar_window_close(f->store, (struct berth_wall){1017}, &f->why));
	commit(f);
}

struct seen {
	size_t count;
	int64_t wanted;
};

static bool
visit(void *context, const struct berth_registrar_dpp_key *key)
{
	struct seen *seen = context;

	seen->count++;
	if (key->renew_wanted_at.s != 0)
		seen->wanted = key->device;
	return true;
}

static void
a_device_is_to_be_configured_again_until_it_was(void **state)
{
	struct fixture *f = *state;
	struct seen seen = {0};

	begin(f);
	int64_t first = a_device(f, "P1");
	int64_t second = a_device(f, "P2");
	int64_t other = a_device(f, "no code");
	add(f, first, "one");
	add(f, second, "two");
	ok(f, berth_registrar_dpp_renew_set(f->store, second, "ada", now, &f->why));
	refused(f, BERTH_E_NOT_FOUND, "dpp-key-unknown",
		berth_registrar_dpp_renew_set(f->store, other, "ada", now, &f->why));
	ok(f, berth_registrar_dpp_key_each(f->store, visit, &seen, &f->why));
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.wanted, second);
	ok(f, berth_registrar_dpp_renew_clear(f->store, second, &f->why));
	seen = (struct seen){0};
	ok(f, berth_registrar_dpp_key_each(f->store, visit, &seen, &f->why));
	assert_int_equal(seen.wanted, 0);
	commit(f);
}

static bool
count(void *context, const struct berth_registrar_decision *decision)
{
	(void)decision;
	++*(size_t *)context;
	return true;
}

static size_t
decisions_after(struct fixture *f, int64_t device, const char *rule, int64_t at)
{
	struct berth_decision decision;
	struct berth_why why = {0};
	size_t n = 0;

	berth_decision_start(&decision);
	berth_why_fill(&why, BERTH_E_DENIED, rule, NULL, 0, "no");
	berth_decision_fail(&decision, &why);
	ok(f, berth_registrar_decision_put_changed(f->store, device, "dpp", &decision,
						   (struct berth_wall){at}, 60, &f->why));
	ok(f, berth_registrar_decision_each(f->store, device, count, &n, &f->why));
	return n;
}

static void
writes_down_once_what_is_said_again_and_again(void **state)
{
	struct fixture *f = *state;

	begin(f);
	int64_t device = a_device(f, "P1");
	int64_t other = a_device(f, "P2");
	assert_int_equal(decisions_after(f, device, "one", 1000), 1);
	assert_int_equal(decisions_after(f, device, "one", 1059), 1);
	assert_int_equal(decisions_after(f, other, "one", 1059), 1);
	assert_int_equal(decisions_after(f, device, "one", 1060), 2); /* it is old */
	assert_int_equal(decisions_after(f, device, "two", 1061), 3); /* it is another */
	assert_int_equal(decisions_after(f, device, "one", 1062), 4);
	commit(f);
}

/* req: dpp-controller-mud-url */
static void
the_first_mud_url_counts(void **state)
{
	struct fixture *f = *state;
	struct berth_registrar_device read;
	struct berth_registrar_dpp_key key;
	bool is_other = true;

	begin(f);
	int64_t device = a_device(f, "P1");
	add(f, device, "one");
	ok(f, berth_registrar_dpp_said(f->store, device, BERTH_LIT("pump"), BERTH_BYTES_NONE,
				       &is_other, &f->why));
	assert_false(is_other);
	ok(f, berth_registrar_dpp_said(f->store, device, BERTH_LIT("pump"),
				       BERTH_LIT("https://a.example/1"), &is_other, &f->why));
	assert_false(is_other);
	ok(f, berth_registrar_dpp_said(f->store, device, BERTH_LIT("pump 2"),
				       BERTH_LIT("https://a.example/2"), &is_other, &f->why));
	assert_true(is_other);
	ok(f, berth_registrar_device_get(f->store, device, &f->arena, &read, &f->why));
	assert_true(berth_bytes_equal(read.mud_url, BERTH_LIT("https://a.example/1")));
	ok(f, berth_registrar_dpp_key_of(f->store, device, &f->arena, &key, &f->why));
	assert_true(berth_bytes_equal(key.said_mud_url, BERTH_LIT("https://a.example/2")));
	assert_true(berth_bytes_equal(key.said_name, BERTH_LIT("pump 2")));
	ok(f, berth_registrar_dpp_said(f->store, device, BERTH_LIT("pump"),
				       BERTH_LIT("https://a.example/1"), &is_other, &f->why));
	assert_false(is_other);
	commit(f);
}

int
main(void)
{
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, registrar_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		STORE_TEST(finds_a_device_by_either_hash_of_its_key),
		STORE_TEST(takes_a_key_once_and_one_for_each_device),
		STORE_TEST(remembers_what_it_gave_by_the_key_that_it_gave_it_to),
		STORE_TEST(a_window_shuts_by_itself),
		STORE_TEST(a_window_that_is_shut_or_replaced_lets_nobody_on),
		STORE_TEST(writes_down_once_what_is_said_again_and_again),
		STORE_TEST(the_first_mud_url_counts),
		STORE_TEST(a_device_is_to_be_configured_again_until_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
