/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is a gateway, what came through it, and the generation that rises with whatever changes. */
#include "store/fixture.h"

#include <stdio.h>

#include "store/registrar_gateway.h"

static int64_t
generation_after(struct fixture *f, int64_t gateway, int64_t after)
{
	int64_t generation = 0;

	ok(f, berth_registrar_gateway_generation(f->store, gateway, after, &generation, &f->why));
	return generation;
}

static int64_t
generation(struct fixture *f, int64_t gateway)
{
	return generation_after(f, gateway, 0);
}

static void
bind(struct fixture *f, int64_t gateway, int64_t device, int64_t since)
{
	ok(f, berth_registrar_gateway_bind(f->store, gateway, device, (struct berth_wall){since},
					   &f->why));
}

/* Devices 1 and 2 are gateways, 3 and 4 are not. */
static void
begin_with_two(struct fixture *f)
{
	static const char *const serials[] = {"G1", "G2", "A1", "A2"};

	begin(f);
	for (size_t i = 0; i < 4; i++) {
		const struct berth_registrar_device seen = {.identity = identity(serials[i]),
							    .manufacturer = BERTH_LIT("Acme")};
		struct berth_registrar_device device;
		bool is_new = false;

		ok(f, berth_registrar_device_seen(f->store, &seen, now, &f->arena, &device, &is_new,
						  &f->why));
		assert_int_equal(device.row, i + 1);
	}
	ok(f, berth_registrar_gateway_set(f->store, 1, true, &f->why));
	ok(f, berth_registrar_gateway_set(f->store, 2, true, &f->why));
}

static bool
is_gateway(struct fixture *f, int64_t device)
{
	bool is = false;

	ok(f, berth_registrar_gateway_is(f->store, device, &is, &f->why));
	return is;
}

static void
knows_who_is_a_gateway_and_no_more_when_its_role_is_taken(void **state)
{
	struct fixture *f = *state;
	int64_t ret = 0;

	begin_with_two(f);
	assert_true(is_gateway(f, 1));
	assert_false(is_gateway(f, 3));
	ok(f, berth_registrar_gateway_set(f->store, 1, false, &f->why));
	assert_false(is_gateway(f, 1));
	ok(f, berth_registrar_gateway_set(f->store, 1, true, &f->why));
	assert_true(is_gateway(f, 1));
	refused(f, BERTH_E_NOT_FOUND, "gateway-none",
		berth_registrar_gateway_generation(f->store, 3, 0, &ret, &f->why));
	commit(f);
}

static void
the_generation_rises_with_what_a_gateway_is_told_and_with_nothing_else(void **state)
{
	struct fixture *f = *state;

	begin_with_two(f);
	assert_int_equal(generation(f, 1), 1);
	bind(f, 1, 3, 10);
	assert_int_equal(generation(f, 1), 2);
	assert_int_equal(generation(f, 2), 1);
	bind(f, 1, 3, 11); /* the same again */
	assert_int_equal(generation(f, 1), 2);
	commit(f);
	tamper(f, "UPDATE device SET state = 3 WHERE row = 3");
	tamper(f, "UPDATE device SET state = 3, last_seen = 99 WHERE row = 3"); /* no change */
	tamper(f, "UPDATE device SET state = 3 WHERE row = 4");			/* not its device */
	assert_int_equal(generation(f, 1), 3);
	tamper(f, "UPDATE device SET segment = 'cameras' WHERE row = 3");
	assert_int_equal(generation(f, 1), 4);
	tamper(f, "INSERT INTO certificate (row, device, permission, issuer_key_id, serial,"
		  " subject, not_after, state, key_sha256, made_at, revoked_at,"
		  " revocation_reason) VALUES (1, 3, 1, x'6361', x'07', 's', 100, 0,"
		  " zeroblob(32), 1, 0, 0)");
	assert_int_equal(generation(f, 1), 4); /* intended, and nothing that it is told */
	tamper(f, "UPDATE certificate SET state = 1");
	assert_int_equal(generation(f, 1), 5);
	assert_int_equal(generation(f, 2), 1);
}

static void
a_device_is_of_the_gateway_it_came_through_last(void **state)
{
	struct fixture *f = *state;
	size_t n = 0;

	begin_with_two(f);
	bind(f, 1, 3, 10);
	bind(f, 2, 3, 11);
	assert_int_equal(generation(f, 1), 3); /* it lost one */
	assert_int_equal(generation(f, 2), 2);
	ok(f, berth_registrar_gateway_count(f->store, 1, &n, &f->why));
	assert_int_equal(n, 0);
	ok(f, berth_registrar_gateway_count(f->store, 2, &n, &f->why));
	assert_int_equal(n, 1);
	/* and of nobody who is no gateway */
	assert_int_not_equal(berth_registrar_gateway_bind(f->store, 4, 3, now, &f->why), BERTH_OK);
	ok(f, berth_registrar_gateway_count(f->store, 2, &n, &f->why));
	assert_int_equal(n, 1);
	commit(f);
}

/* req: gateway-restored */
static void
goes_on_above_what_a_gateway_was_told_by_a_store_that_is_lost(void **state)
{
	struct fixture *f = *state;

	begin_with_two(f);
	assert_int_equal(generation_after(f, 1, 1), 1); /* the same: nothing is lost */
	assert_int_equal(generation_after(f, 1, 2), 3);
	assert_int_equal(generation_after(f, 1, 2), 3);
	assert_int_equal(generation_after(f, 1, 3), 3);
	assert_int_equal(generation(f, 2), 1);
	commit(f);
	reopen(f);
	assert_int_equal(generation(f, 1), 3);
}

static bool
collect(void *context, const struct berth_registrar_gateway_device *device)
{
	struct berth_buf *ids = context;

	assert_int_equal(berth_buf_append_bytes(ids, device->id), BERTH_OK);
	return true;
}

static void
lists(struct fixture *f, size_t from, size_t max, const char *expected)
{
	BERTH_BUF ids = {0};

	ok(f, berth_registrar_gateway_each(f->store, 1, from, max, collect, &ids, &f->why));
	assert_true(berth_bytes_equal_text(berth_buf_view(&ids), expected));
}

/* req: gateway-pages */
static void
lists_its_own_devices_in_pages_the_longest_bound_first(void **state)
{
	struct fixture *f = *state;
	char sql[320];

	begin_with_two(f);
	commit(f);
	for (int i = 0; i < 5; i++) {
		snprintf(sql, sizeof sql,
			 "INSERT INTO device (row, id, manufacturer_key, serial_number,"
			 " manufacturer, model, birth_key_sha256, mud_url, state, first_seen,"
			 " last_seen) VALUES (%d, 'd%d', x'01', 'S%d', 'Acme', 'm', x'', '', 2, 5,"
			 " 6)",
			 10 + i, i, i);
		tamper(f, sql);
		snprintf(sql, sizeof sql, "INSERT INTO gateway_device VALUES (%d, %d, %d)", 10 + i,
			 i == 3 ? 2 : 1, 100 - i);
		tamper(f, sql);
	}
	lists(f, 0, 9, "d4d2d1d0");
	lists(f, 0, 3, "d4d2d1");
	lists(f, 3, 3, "d0");
	lists(f, 4, 3, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, registrar_setup, fixture_teardown)
		TEST(knows_who_is_a_gateway_and_no_more_when_its_role_is_taken),
		TEST(the_generation_rises_with_what_a_gateway_is_told_and_with_nothing_else),
		TEST(a_device_is_of_the_gateway_it_came_through_last),
		TEST(goes_on_above_what_a_gateway_was_told_by_a_store_that_is_lost),
		TEST(lists_its_own_devices_in_pages_the_longest_bound_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
