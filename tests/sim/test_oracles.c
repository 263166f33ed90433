/* SPDX-License-Identifier: BSD-2-Clause */
/* Each oracle is seen to speak when its rule is broken, and to be silent when none is. */
#include "sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define DEVICES 36 /* some of every sort */
#define SEEDS 5

static struct sim_conf
conf_of(enum sim_sabotage sabotage, uint64_t seed)
{
	return (struct sim_conf){.seed = seed,
				 .devices = DEVICES,
				 .has_rogues = true,
				 .has_faults = true,
				 .sabotage = sabotage};
}

/* In one of a few seeds: a broken rule shows only where something happens that needs it. */
static void
expect(enum sim_sabotage sabotage, const char *const *oracles)
{
	char said[sizeof(((struct sim *)NULL)->fault)] = "";
	for (uint64_t seed = 1; seed <= SEEDS && said[0] == '\0'; seed++) {
		const struct sim_conf conf = conf_of(sabotage, seed);
		struct sim *sim = sim_open(&conf);
		sim_run(sim);
		(void)snprintf(said, sizeof(said), "%s", sim->fault);
		sim_close(sim);
	}
	(void)printf("%s\n", said);
	for (; *oracles != NULL; oracles++)
		if (strncmp(said, *oracles, strlen(*oracles)) == 0 && said[strlen(*oracles)] == ':')
			return;
	fail_msg("the oracle said \"%s\"", said);
}

#define EXPECT(sabotage, ...) expect(sabotage, (const char *const[]){__VA_ARGS__, NULL})

static void
notices_what_leaves_before_its_record(void **state)
{
	(void)state;
	EXPECT(SIM_SENDS_BEFORE_COMMIT, "intent", "record");
}

static void
notices_a_disk_that_lies(void **state)
{
	(void)state;
	EXPECT(SIM_LYING_DISK, "promise", "audit", "restart");
}

static void
notices_a_changed_audit_record(void **state)
{
	(void)state;
	EXPECT(SIM_SPOILED_AUDIT, "audit");
}

static void
notices_a_daemon_that_does_not_start(void **state)
{
	(void)state;
	EXPECT(SIM_GARBLED_WITNESS, "restart");
}

static void
notices_a_voucher_for_a_denied_device(void **state)
{
	(void)state;
	EXPECT(SIM_POLICY_ALLOWS_ALL, "decision");
}

static void
notices_a_voucher_for_what_nobody_bought(void **state)
{
	(void)state;
	EXPECT(SIM_MASA_GIVES_TO_FIRST, "ownership");
}

static void
notices_work_for_strangers(void **state)
{
	(void)state;
	EXPECT(SIM_TRUSTS_ROGUE_MAKER, "work");
}

static void
notices_a_pledge_that_believes_a_rogue(void **state)
{
	(void)state;
	EXPECT(SIM_PLEDGE_TRUSTS_ROGUE, "pin");
}

static void
notices_a_key_in_the_log(void **state)
{
	(void)state;
	EXPECT(SIM_LEAKS_KEY, "secrets");
}

static void
notices_two_certificates_for_one_key(void **state)
{
	(void)state;
	EXPECT(SIM_DOUBLES_CERTIFICATE, "doubled");
}

static void
notices_a_device_that_is_never_on(void **state)
{
	(void)state;
	EXPECT(SIM_DEAF_DEVICE, "liveness");
}

static void
notices_a_list_without_a_revoked_certificate(void **state)
{
	(void)state;
	EXPECT(SIM_OLD_LIST, "revocation");
}

static void
notices_a_certificate_of_the_former_ca(void **state)
{
	(void)state;
	EXPECT(SIM_FORGETS_ROLLOVER, "rollover");
}

static void
notices_a_revoked_device_that_renews(void **state)
{
	(void)state;
	EXPECT(SIM_FORGETS_REVOCATION, "decision");
}

static void
notices_a_device_that_never_renews(void **state)
{
	(void)state;
	EXPECT(SIM_DEAF_RENEWAL, "liveness");
}

static void
notices_a_key_left_behind(void **state)
{
	(void)state;
	EXPECT(SIM_LEAVES_KEY, "keys");
}

static void
notices_a_rogue_ca_in_a_devices_set(void **state)
{
	(void)state;
	EXPECT(SIM_TRUSTS_ROGUE_CA, "ca-set");
}

/* And the same world, with nothing broken, is silent until a device is on that may not be. */
static void
notices_a_denied_device_that_is_on(void **state)
{
	(void)state;
	const struct sim_conf conf = conf_of(SIM_HONEST, 1);
	struct sim *sim = sim_open(&conf);
	sim_run(sim);
	assert_string_equal(sim->fault, "");
	for (size_t i = 0; i < sim->device_count; i++)
		if (sim->devices[i].sort == SIM_DENIED)
			sim->devices[i].own.state.is_enrolled = true;
	sim_oracle_end(sim);
	assert_int_equal(strncmp(sim->fault, "denied:", 7), 0);
	sim_close(sim);
}

static uint64_t
trace_of(uint64_t seed)
{
	const struct sim_conf conf = conf_of(SIM_HONEST, seed);
	struct sim *sim = sim_open(&conf);
	sim_run(sim);
	uint64_t trace = sim->trace;
	sim_close(sim);
	return trace;
}

static void
runs_the_same_from_the_same_seed(void **state)
{
	(void)state;
	uint64_t first = trace_of(7);
	assert_true(trace_of(8) != first);
	assert_true(trace_of(7) == first);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(notices_what_leaves_before_its_record),
		cmocka_unit_test(notices_a_disk_that_lies),
		cmocka_unit_test(notices_a_changed_audit_record),
		cmocka_unit_test(notices_a_daemon_that_does_not_start),
		cmocka_unit_test(notices_a_voucher_for_a_denied_device),
		cmocka_unit_test(notices_a_voucher_for_what_nobody_bought),
		cmocka_unit_test(notices_work_for_strangers),
		cmocka_unit_test(notices_a_pledge_that_believes_a_rogue),
		cmocka_unit_test(notices_a_key_in_the_log),
		cmocka_unit_test(notices_two_certificates_for_one_key),
		cmocka_unit_test(notices_a_device_that_is_never_on),
		cmocka_unit_test(notices_a_list_without_a_revoked_certificate),
		cmocka_unit_test(notices_a_certificate_of_the_former_ca),
		cmocka_unit_test(notices_a_revoked_device_that_renews),
		cmocka_unit_test(notices_a_device_that_never_renews),
		cmocka_unit_test(notices_a_key_left_behind),
		cmocka_unit_test(notices_a_rogue_ca_in_a_devices_set),
		cmocka_unit_test(notices_a_denied_device_that_is_on),
		cmocka_unit_test(runs_the_same_from_the_same_seed),
	};
	disk_register();
	return cmocka_run_group_tests_name("oracles", tests, NULL, NULL);
}
