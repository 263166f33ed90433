/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/fixture.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/registrar_custody.h"
#include "store/registrar_store.h"

static struct berth_registrar_device
camera(const char *serial)
{
	return (struct berth_registrar_device){
		.identity = identity(serial),
		.manufacturer = BERTH_LIT("Acme"),
		.model = BERTH_LIT("cam-4"),
		.birth_key_sha256 = BERTH_LIT("0123456789abcdef0123456789abcdef"),
		.masa_url = BERTH_LIT("masa.example"),
	};
}

static struct berth_registrar_device
see(struct fixture *f, const char *serial)
{
	struct berth_registrar_device seen = camera(serial);
	struct berth_registrar_device ret;
	bool is_new = false;

	ok(f, berth_registrar_device_seen(f->store, &seen, now, &f->arena, &ret, &is_new, &f->why));
	return ret;
}

static struct berth_registrar_step
step_of(int64_t device, const char *pvr)
{
	struct berth_registrar_step step = {
		.device = device,
		.nonce = BERTH_LIT("12345678"),
		.pvr = berth_text(pvr),
		.connection = BERTH_LIT("{\"tls\":\"1.3\"}"),
		.masa = BERTH_LIT("masa.example:9443"),
		.asked_at = now,
	};

	digest_of(pvr, step.pvr_sha256);
	digest_of("own certificate", step.registrar_cert_sha256);
	return step;
}

static struct berth_registrar_step
ask(struct fixture *f, int64_t device, const char *pvr, bool expect_new)
{
	struct berth_registrar_step step = step_of(device, pvr);
	struct berth_registrar_step ret;
	bool is_new = false;

	ok(f, berth_registrar_step_begin(f->store, &step, &f->arena, &ret, &is_new, &f->why));
	assert_int_equal(is_new, expect_new);
	return ret;
}

static void
a_device_seen_again_is_the_same_record(void **state)
{
	struct fixture *f = *state;
	struct berth_registrar_device seen = camera("CAM-1");
	struct berth_registrar_device first;
	struct berth_registrar_device again;
	bool is_new = false;

	begin(f);
	ok(f,
	   berth_registrar_device_seen(f->store, &seen, now, &f->arena, &first, &is_new, &f->why));
	assert_true(is_new);
	assert_int_equal(first.state, BERTH_DEVICE_KNOWN);
	assert_non_null(strstr(first.id, "-CAM-1"));
	seen.model = seen.masa_url = BERTH_BYTES_NONE;
	ok(f, berth_registrar_device_seen(f->store, &seen, (struct berth_wall){now.s + 9},
					  &f->arena, &again, &is_new, &f->why));
	assert_false(is_new);
	assert_int_equal(again.row, first.row);
	assert_int_equal(again.last_seen.s, now.s + 9);
	assert_int_equal(again.first_seen.s, now.s);
	assert_true(berth_bytes_equal_text(again.model, "cam-4"));
	assert_true(berth_bytes_equal_text(again.masa_url, "masa.example"));
	seen.identity.manufacturer_key = BERTH_LIT("other");
	ok(f,
	   berth_registrar_device_seen(f->store, &seen, now, &f->arena, &again, &is_new, &f->why));
	assert_true(is_new);
	assert_string_not_equal(again.id, first.id);
	commit(f);
}

/* req: rfc8995-5-same-certificates */
static void
refuses_a_device_that_comes_with_another_birth_key(void **state)
{
	struct fixture *f = *state;
	struct berth_registrar_device seen = camera("CAM-1");
	struct berth_registrar_device ret;
	bool is_new = false;

	begin(f);
	see(f, "CAM-1");
	seen.birth_key_sha256 = BERTH_LIT("fedcba9876543210fedcba9876543210");
	refused(f, BERTH_E_MISMATCH, "device-birth-key-changed",
		berth_registrar_device_seen(f->store, &seen, now, &f->arena, &ret, &is_new,
					    &f->why));
	commit(f);
}

static void
finds_a_device_by_any_of_its_names(void **state)
{
	struct fixture *f = *state;
	struct berth_registrar_device device;
	struct berth_registrar_device ret;
	char start[7] = {0};

	begin(f);
	device = see(f, "CAM-1");
	see(f, "CAM-2");
	commit(f);
	memcpy(start, device.id, 6);
	const char *const names[] = {device.id, "CAM-1", start};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		ok(f, berth_registrar_device_find_by_name(f->store, names[i], &f->arena, &ret,
							  &f->why));
		assert_int_equal(ret.row, device.row);
	}
	start[3] = '\0';
	refused(f, BERTH_E_NOT_FOUND, "device-unknown",
		berth_registrar_device_find_by_name(f->store, start, &f->arena, &ret, &f->why));
	struct berth_registrar_device twin = camera("CAM-1");
	bool is_new = false;
	twin.identity.manufacturer_key = BERTH_LIT("other");
	begin(f);
	ok(f, berth_registrar_device_seen(f->store, &twin, now, &f->arena, &ret, &is_new, &f->why));
	commit(f);
	refused(f, BERTH_E_EXISTS, "device-ambiguous",
		berth_registrar_device_find_by_name(f->store, "CAM-1", &f->arena, &ret, &f->why));
}

/* Who may choose its serial number chooses another's id, and that one could not be named, nor revoked, any more. */
static void
a_device_is_found_by_its_id_whatever_serial_number_another_has(void **state)
{
	struct fixture *f = *state;
	struct berth_registrar_device device;
	struct berth_registrar_device ret;

	begin(f);
	device = see(f, "CAM-1");
	see(f, device.id);
	commit(f);
	ok(f, berth_registrar_device_find_by_name(f->store, device.id, &f->arena, &ret, &f->why));
	assert_int_equal(ret.row, device.row);
}

static void
a_device_that_cannot_advance_stays(void **state)
{
	struct fixture *f = *state;
	struct berth_registrar_device ret;

	begin(f);
	int64_t device = see(f, "CAM-1").row;
	ok(f, berth_registrar_device_advance(f->store, device, BERTH_DEVICE_ENROLLED, &f->why));
	ok(f, berth_registrar_device_get(f->store, device, &f->arena, &ret, &f->why));
	assert_int_equal(ret.state, BERTH_DEVICE_KNOWN);
	ok(f, berth_registrar_device_advance(f->store, device, BERTH_DEVICE_ADMITTED, &f->why));
	ok(f, berth_registrar_device_advance(f->store, device, BERTH_DEVICE_ADMITTED, &f->why));
	ok(f, berth_registrar_device_get(f->store, device, &f->arena, &ret, &f->why));
	assert_int_equal(ret.state, BERTH_DEVICE_ADMITTED);
	refused(f, BERTH_E_NOT_FOUND, "device-unknown",
		berth_registrar_device_advance(f->store, device + 1, BERTH_DEVICE_ADMITTED,
					       &f->why));
	commit(f);
}

static void
a_device_moves_by_the_table_only(void **state)
{
	struct fixture *f = *state;

	begin(f);
	int64_t device = see(f, "CAM-1").row;
	refused(f, BERTH_E_STATE, "device-state-move",
		berth_registrar_device_move(f->store, device, BERTH_DEVICE_ENROLLED, &f->why));
	ok(f, berth_registrar_device_move(f->store, device, BERTH_DEVICE_ADMITTED, &f->why));
	ok(f, berth_registrar_device_move(f->store, device, BERTH_DEVICE_ENROLLED, &f->why));
	ok(f, berth_registrar_device_move(f->store, device, BERTH_DEVICE_REVOKED, &f->why));
	refused(f, BERTH_E_STATE, "device-state-move",
		berth_registrar_device_move(f->store, device, BERTH_DEVICE_ADMITTED, &f->why));
	ok(f, berth_registrar_device_set_segment(f->store, device, BERTH_LIT("cameras"), &f->why));
	commit(f);
	struct berth_registrar_device ret;
	ok(f, berth_registrar_device_get(f->store, device, &f->arena, &ret, &f->why));
	assert_true(berth_bytes_equal_text(ret.segment, "cameras"));
	assert_int_equal(ret.state, BERTH_DEVICE_REVOKED);
}

static void
a_manifest_line_again_is_harmless_and_a_contradiction_refused(void **state)
{
	struct fixture *f = *state;
	struct berth_registrar_owned owned = {
		.identity = identity("CAM-1"),
		.model = BERTH_LIT("cam-4"),
		.manifest = BERTH_LIT("order-7"),
	};
	struct berth_registrar_owned ret;
	bool is_new = false;

	begin(f);
	refused(f, BERTH_E_NOT_FOUND, "device-not-owned",
		berth_registrar_owned_find(f->store, &owned.identity, &f->arena, &ret, &f->why));
	ok(f, berth_registrar_owned_load(f->store, &owned, now, &is_new, &f->why));
	assert_true(is_new);
	ok(f, berth_registrar_owned_load(f->store, &owned, now, &is_new, &f->why));
	assert_false(is_new);
	ok(f, berth_registrar_owned_find(f->store, &owned.identity, &f->arena, &ret, &f->why));
	assert_true(berth_bytes_equal_text(ret.manifest, "order-7"));
	/* Who tells it last is who told: a maker that was first keeps no other from being heard. */
	owned.manufacturer = BERTH_LIT("Acme");
	owned.manifest = BERTH_LIT("order-8");
	ok(f, berth_registrar_owned_load(f->store, &owned, now, &is_new, &f->why));
	assert_false(is_new);
	ok(f, berth_registrar_owned_find(f->store, &owned.identity, &f->arena, &ret, &f->why));
	assert_true(berth_bytes_equal_text(ret.manufacturer, "Acme"));
	assert_true(berth_bytes_equal_text(ret.manifest, "order-8"));
	owned.model = BERTH_LIT("cam-5");
	refused(f, BERTH_E_EXISTS, "owned-conflict",
		berth_registrar_owned_load(f->store, &owned, now, &is_new, &f->why));
	commit(f);
}

static bool
see_decision(void *context, const struct berth_registrar_decision *stored)
{
	struct berth_decision *decision = context;

	assert_true(berth_bytes_equal_text(stored->about, "voucher"));
	assert_int_equal(berth_decision_parse(stored->json, decision, NULL), BERTH_OK);
	return false;
}

static void
keeps_a_decision_with_its_trace(void **state)
{
	struct fixture *f = *state;
	struct berth_decision decision;
	struct berth_decision read;

	begin(f);
	int64_t device = see(f, "CAM-1").row;
	berth_decision_start(&decision);
	berth_decision_pass(&decision, "rfc8995-5.4-serial", "RFC 8995 5.4",
			    "serial CAM-1 in both");
	berth_decision_set(&decision, BERTH_OUTCOME_ALLOW);
	ok(f,
	   berth_registrar_decision_put(f->store, device, 0, "voucher", &decision, now, &f->why));
	commit(f);
	ok(f, berth_registrar_decision_each(f->store, device, see_decision, &read, &f->why));
	assert_int_equal(read.outcome, BERTH_OUTCOME_ALLOW);
	assert_int_equal(read.n, 1);
	assert_string_equal(read.checks[0].evidence, "serial CAM-1 in both");
}

static bool
count_waiting(void *context, const struct berth_registrar_approval *approval)
{
	assert_int_equal(approval->state, BERTH_REGISTRAR_APPROVAL_WAITING);
	++*(int *)context;
	return true;
}

static struct berth_registrar_approval
approval(struct fixture *f, int64_t device)
{
	struct berth_registrar_approval ret;

	ok(f, berth_registrar_approval_get(f->store, device, &f->arena, &ret, &f->why));
	return ret;
}

static void
an_approval_survives_restart_and_further_requests(void **state)
{
	struct fixture *f = *state;
	struct berth_wall later = {now.s + 60};
	int waiting = 0;

	begin(f);
	int64_t device = see(f, "CAM-1").row;
	assert_int_equal(approval(f, device).state, BERTH_REGISTRAR_APPROVAL_NONE);
	ok(f, berth_registrar_pending_touch(f->store, device, "a camera", now, &f->why));
	ok(f, berth_registrar_pending_touch(f->store, device, "a camera", later, &f->why));
	commit(f);
	reopen(f);
	struct berth_registrar_approval ret = approval(f, device);
	assert_int_equal(ret.state, BERTH_REGISTRAR_APPROVAL_WAITING);
	assert_int_equal(ret.times_asked, 2);
	assert_int_equal(ret.first_asked.s, now.s);
	assert_int_equal(ret.last_asked.s, later.s);
	ok(f, berth_registrar_pending_each(f->store, count_waiting, &waiting, &f->why));
	assert_int_equal(waiting, 1);
	begin(f);
	refused(f, BERTH_E_USAGE, "approval-nameless",
		berth_registrar_approval_set(f->store, device, true, "", "", later, &f->why));
	ok(f,
	   berth_registrar_approval_set(f->store, device, true, "anna", "ordered", later, &f->why));
	ok(f, berth_registrar_pending_touch(f->store, device, "a camera", later, &f->why));
	commit(f);
	reopen(f);
	ret = approval(f, device);
	assert_int_equal(ret.state, BERTH_REGISTRAR_APPROVAL_APPROVED);
	assert_true(berth_bytes_equal_text(ret.decided_by, "anna"));
	begin(f);
	ok(f,
	   berth_registrar_approval_set(f->store, device, false, "bert", "stolen", later, &f->why));
	commit(f);
	assert_int_equal(approval(f, device).state, BERTH_REGISTRAR_APPROVAL_DENIED);
	begin(f);
	ok(f, berth_registrar_approval_clear(f->store, device, &f->why));
	commit(f);
	assert_int_equal(approval(f, device).state, BERTH_REGISTRAR_APPROVAL_NONE);
}

static void
the_same_request_bytes_are_the_same_step(void **state)
{
	struct fixture *f = *state;
	struct berth_registrar_step latest;

	begin(f);
	int64_t device = see(f, "CAM-1").row;
	int64_t other = see(f, "CAM-2").row;
	refused(f, BERTH_E_NOT_FOUND, "voucher-step-unknown",
		berth_registrar_step_latest(f->store, device, &f->arena, &latest, &f->why));
	struct berth_registrar_step first = ask(f, device, "pvr", true);
	assert_int_equal(ask(f, device, "pvr", false).row, first.row);
	struct berth_registrar_step second = ask(f, device, "pvr2", true);
	assert_int_not_equal(ask(f, other, "pvr", true).row, first.row);
	ok(f, berth_registrar_step_latest(f->store, device, &f->arena, &latest, &f->why));
	assert_int_equal(latest.row, second.row);
	assert_true(berth_bytes_equal_text(latest.pvr, "pvr2"));
	commit(f);
}

static void
what_began_a_step_is_what_stands_in_it(void **state)
{
	struct fixture *f = *state;
	struct berth_registrar_step found;

	begin(f);
	int64_t device = see(f, "CAM-1").row;
	struct berth_registrar_step made = ask(f, device, "pvr", true);
	ok(f, berth_registrar_step_get(f->store, made.row, &f->arena, &found, &f->why));
	commit(f);
	assert_int_equal(made.state, found.state);
	assert_int_equal(made.device, found.device);
	assert_int_equal(made.asked_at.s, found.asked_at.s);
	assert_int_equal(made.changed_at.s, found.changed_at.s);
	assert_true(berth_bytes_equal(made.nonce, found.nonce));
	assert_true(berth_bytes_equal(made.pvr, found.pvr));
	assert_true(berth_bytes_equal(made.connection, found.connection));
	assert_true(berth_bytes_equal(made.masa, found.masa));
	assert_memory_equal(made.pvr_sha256, found.pvr_sha256, sizeof(made.pvr_sha256));
	assert_memory_equal(made.registrar_cert_sha256, found.registrar_cert_sha256,
			    sizeof(made.registrar_cert_sha256));
}

static void
a_peek_at_a_step_shows_all_but_its_objects(void **state)
{
	struct fixture *f = *state;
	struct berth_registrar_step seen;

	begin(f);
	int64_t device = see(f, "CAM-1").row;
	refused(f, BERTH_E_NOT_FOUND, "voucher-step-unknown",
		berth_registrar_step_peek_latest(f->store, device, &f->arena, &seen, &f->why));
	int64_t row = ask(f, device, "pvr", true).row;
	refused(f, BERTH_E_NOT_FOUND, "voucher-step-unknown",
		berth_registrar_step_peek(f->store, row + 1, &f->arena, &seen, &f->why));
	ok(f,
	   berth_registrar_step_set_audit(f->store, row, "clean", BERTH_LIT("{}"), now, &f->why));
	ok(f, berth_registrar_step_peek(f->store, row, &f->arena, &seen, &f->why));
	assert_true(berth_bytes_equal_text(seen.audit_finding, "clean"));
	assert_int_equal(seen.pvr.n + seen.audit_json.n, 0);
	int64_t second = ask(f, device, "pvr2", true).row;
	ok(f, berth_registrar_step_peek_latest(f->store, device, &f->arena, &seen, &f->why));
	assert_int_equal(seen.row, second);
	assert_int_equal(seen.audit_finding.n, 0);
	commit(f);
}

static bool
count_step(void *context, const struct berth_registrar_step *step)
{
	assert_true(berth_bytes_equal_text(step->rvr, "rvr2"));
	++*(int *)context;
	return true;
}

static void
a_step_goes_forward_only(void **state)
{
	struct fixture *f = *state;
	struct berth_registrar_step step;
	struct berth_bytes rvr = BERTH_LIT("none yet");
	int open_steps = 0;

	begin(f);
	int64_t device = see(f, "CAM-1").row;
	int64_t row = ask(f, device, "pvr", true).row;
	struct berth_bytes voucher = BERTH_LIT("voucher");
	ok(f, berth_registrar_step_rvr(f->store, row, &f->arena, &rvr, &f->why));
	assert_int_equal(rvr.n, 0);
	refused(f, BERTH_E_STATE, "voucher-step-state",
		berth_registrar_step_set_voucher(f->store, row, voucher, now, &f->why));
	ok(f, berth_registrar_step_set_rvr(f->store, row, BERTH_LIT("rvr"), now, &f->why));
	ok(f, berth_registrar_step_set_rvr(f->store, row, BERTH_LIT("rvr2"), now, &f->why));
	commit(f);
	reopen(f);
	ok(f, berth_registrar_step_each_open(f->store, count_step, &open_steps, &f->why));
	assert_int_equal(open_steps, 1);
	ok(f, berth_registrar_step_rvr(f->store, row, &f->arena, &rvr, &f->why));
	assert_true(berth_bytes_equal_text(rvr, "rvr2"));
	begin(f);
	ok(f, berth_registrar_step_set_voucher(f->store, row, voucher, now, &f->why));
	refused(f, BERTH_E_STATE, "voucher-step-state",
		berth_registrar_step_set_rvr(f->store, row, BERTH_LIT("rvr3"), now, &f->why));
	refused(f, BERTH_E_STATE, "voucher-step-state",
		berth_registrar_step_refuse(f->store, row, 403, "late", now, &f->why));
	ok(f, berth_registrar_step_set_status(f->store, row, true, "", now, &f->why));
	ok(f, berth_registrar_step_set_status(f->store, row, true, "", now, &f->why));
	refused(f, BERTH_E_STATE, "voucher-step-state",
		berth_registrar_step_set_status(f->store, row, false, "", now, &f->why));
	ok(f,
	   berth_registrar_step_set_audit(f->store, row, "clean", BERTH_LIT("{}"), now, &f->why));
	ok(f, berth_registrar_step_get(f->store, row, &f->arena, &step, &f->why));
	assert_int_equal(step.state, BERTH_STEP_ACCEPTED);
	assert_true(berth_bytes_equal_text(step.rvr, "rvr2"));
	assert_true(berth_bytes_equal_text(step.audit_finding, "clean"));
	int64_t refused_row = ask(f, device, "pvr2", true).row;
	ok(f, berth_registrar_step_refuse(f->store, refused_row, 404, "unknown", now, &f->why));
	ok(f, berth_registrar_step_get(f->store, refused_row, &f->arena, &step, &f->why));
	assert_int_equal(step.status, 404);
	commit(f);
}

/* A device with a permission to enrol. */
static int64_t
permitted(struct fixture *f, const char *serial, int64_t *ret_step)
{
	int64_t device = see(f, serial).row;
	int64_t step = ask(f, device, "pvr", true).row;

	ok(f, berth_registrar_permission_grant(f->store, device, step,
					       (struct berth_wall){now.s + 3600}, &f->why));
	if (ret_step)
		*ret_step = step;
	return device;
}

static enum berth_err
use(struct fixture *f, int64_t device, const char *key, struct berth_wall at,
    struct berth_registrar_permission *ret)
{
	uint8_t key_sha256[BERTH_DIGEST_BYTES];
	uint8_t csr_sha256[BERTH_DIGEST_BYTES];

	digest_of(key, key_sha256);
	digest_of("csr", csr_sha256);
	return berth_registrar_permission_use(f->store, device, key_sha256, csr_sha256, at, ret,
					      &f->why);
}

static void
a_permission_is_fixed_to_the_first_key(void **state)
{
	struct fixture *f = *state;
	struct berth_registrar_permission permission;
	int64_t step = 0;

	begin(f);
	int64_t device = permitted(f, "CAM-1", &step);
	int64_t other = see(f, "CAM-2").row;
	refused(f, BERTH_E_NOT_FOUND, "enrol-no-permission",
		use(f, other, "key", now, &permission));
	refused(f, BERTH_E_EXPIRED, "enrol-permission-expired",
		use(f, device, "key", (struct berth_wall){now.s + 3601}, &permission));
	ok(f, use(f, device, "key", (struct berth_wall){now.s + 3600}, &permission));
	assert_true(permission.is_used);
	ok(f, use(f, device, "key", now, &permission));
	refused(f, BERTH_E_MISMATCH, "enrol-other-key", use(f, device, "key2", now, &permission));
	/* Granting the same step again frees nothing. */
	ok(f, berth_registrar_permission_grant(f->store, device, step,
					       (struct berth_wall){now.s + 9999}, &f->why));
	refused(f, BERTH_E_MISMATCH, "enrol-other-key", use(f, device, "key2", now, &permission));
	int64_t later = ask(f, device, "pvr2", true).row;
	ok(f, berth_registrar_permission_grant(f->store, device, later,
					       (struct berth_wall){now.s + 3600}, &f->why));
	ok(f, use(f, device, "key2", now, &permission));
	refused(f, BERTH_E_STATE, "enrol-old-step",
		berth_registrar_permission_grant(f->store, device, step, now, &f->why));
	ok(f, berth_registrar_permission_drop(f->store, device, &f->why));
	refused(f, BERTH_E_NOT_FOUND, "enrol-no-permission",
		use(f, device, "key2", now, &permission));
	commit(f);
}

static struct berth_registrar_certificate
certificate_for(const struct berth_registrar_permission *permission, struct berth_bytes serial)
{
	struct berth_registrar_certificate certificate = {
		.device = permission->device,
		.permission = permission->row,
		.credential =
			{
				.issuer_key_id = BERTH_LIT("ca"),
				.serial = serial,
				.subject = BERTH_LIT("CN=CAM-1"),
				.not_after = {now.s + 86400},
			},
		.made_at = now,
	};

	memcpy(certificate.key_sha256, permission->key_sha256, BERTH_DIGEST_BYTES);
	return certificate;
}

static void
the_serial_is_taken_before_the_signature_and_once(void **state)
{
	struct fixture *f = *state;
	struct berth_registrar_permission permission;
	struct berth_registrar_permission second;
	struct berth_registrar_certificate found;
	int64_t row = 0;
	int64_t other = 0;

	begin(f);
	int64_t device = permitted(f, "CAM-1", NULL);
	int64_t device2 = permitted(f, "CAM-2", NULL);
	ok(f, use(f, device, "key", now, &permission));
	ok(f, use(f, device2, "key2", now, &second));
	struct berth_registrar_certificate wanted = certificate_for(&permission, BERTH_LIT("\x01"));
	ok(f, berth_registrar_certificate_intent(f->store, &wanted, &row, &f->why));
	refused(f, BERTH_E_STATE, "enrol-permission-taken",
		berth_registrar_certificate_intent(f->store, &wanted, &other, &f->why));
	struct berth_registrar_certificate twin = certificate_for(&second, BERTH_LIT("\x01"));
	refused(f, BERTH_E_EXISTS, "certificate-serial-taken",
		berth_registrar_certificate_intent(f->store, &twin, &other, &f->why));
	twin.credential.serial = BERTH_LIT("\x02");
	ok(f, berth_registrar_certificate_intent(f->store, &twin, &other, &f->why));
	twin.key_sha256[0] ^= 1;
	refused(f, BERTH_E_STATE, "enrol-permission-taken",
		berth_registrar_certificate_intent(f->store, &twin, &other, &f->why));
	commit(f);
	begin(f);
	ok(f, berth_registrar_certificate_issued(f->store, row, BERTH_LIT("der"), &f->why));
	ok(f, berth_registrar_certificate_issued(f->store, row, BERTH_LIT("der"), &f->why));
	refused(f, BERTH_E_STATE, "certificate-not-intent",
		berth_registrar_certificate_issued(f->store, row, BERTH_LIT("der2"), &f->why));
	ok(f, use(f, device, "key", now, &permission));
	assert_int_equal(permission.certificate, row);
	commit(f);
	ok(f, berth_registrar_certificate_find(f->store, BERTH_LIT("ca"), BERTH_LIT("\x01"),
					       &f->arena, &found, &f->why));
	assert_true(berth_bytes_equal_text(found.der, "der"));
	assert_int_equal(found.credential.state, BERTH_CREDENTIAL_ISSUED);
}

static bool
count_certificate(void *context, const struct berth_registrar_certificate *certificate)
{
	(void)certificate;
	++*(int *)context;
	return true;
}

static void
a_failed_signature_frees_the_permission_but_not_the_serial(void **state)
{
	struct fixture *f = *state;
	struct berth_registrar_permission permission;
	int64_t row = 0;
	int intents = 0;

	begin(f);
	int64_t device = permitted(f, "CAM-1", NULL);
	ok(f, use(f, device, "key", now, &permission));
	struct berth_registrar_certificate wanted = certificate_for(&permission, BERTH_LIT("\x01"));
	ok(f, berth_registrar_certificate_intent(f->store, &wanted, &row, &f->why));
	ok(f,
	   berth_registrar_certificate_each_intent(f->store, count_certificate, &intents, &f->why));
	assert_int_equal(intents, 1);
	ok(f, berth_registrar_certificate_failed(f->store, row, &f->why));
	refused(f, BERTH_E_EXISTS, "certificate-serial-taken",
		berth_registrar_certificate_intent(f->store, &wanted, &row, &f->why));
	wanted.credential.serial = BERTH_LIT("\x02");
	ok(f, berth_registrar_certificate_intent(f->store, &wanted, &row, &f->why));
	commit(f);
}

static void
a_revocation_keeps_its_first_date(void **state)
{
	struct fixture *f = *state;
	struct berth_registrar_permission permission;
	struct berth_registrar_certificate found;
	int64_t row = 0;
	int revoked = 0;

	begin(f);
	int64_t device = permitted(f, "CAM-1", NULL);
	ok(f, use(f, device, "key", now, &permission));
	struct berth_registrar_certificate wanted = certificate_for(&permission, BERTH_LIT("\x01"));
	ok(f, berth_registrar_certificate_intent(f->store, &wanted, &row, &f->why));
	ok(f, berth_registrar_certificate_issued(f->store, row, BERTH_LIT("der"), &f->why));
	ok(f, berth_registrar_certificate_revoke(f->store, row, BERTH_REVOKED_KEY_COMPROMISE, now,
						 &f->why));
	ok(f, berth_registrar_certificate_revoke(f->store, row, BERTH_REVOKED_UNSPECIFIED,
						 (struct berth_wall){now.s + 5}, &f->why));
	refused(f, BERTH_E_NOT_FOUND, "certificate-unknown",
		berth_registrar_certificate_revoke(f->store, row + 1, BERTH_REVOKED_UNSPECIFIED,
						   now, &f->why));
	commit(f);
	ok(f, berth_registrar_certificate_get(f->store, row, &f->arena, &found, &f->why));
	assert_int_equal(found.credential.state, BERTH_CREDENTIAL_REVOKED);
	assert_int_equal(found.revoked_at.s, now.s);
	assert_int_equal(found.revocation_reason, BERTH_REVOKED_KEY_COMPROMISE);
	ok(f, berth_registrar_certificate_each_revoked(f->store, count_certificate, &revoked,
						       &f->why));
	assert_int_equal(revoked, 1);
	ok(f, berth_registrar_certificate_each(f->store, device, count_certificate, &revoked,
					       &f->why));
	assert_int_equal(revoked, 2);
}

static bool
see_telemetry(void *context, const struct berth_registrar_telemetry *telemetry)
{
	assert_int_equal(telemetry->kind, BERTH_TELEMETRY_ENROL_STATUS);
	assert_true(telemetry->session_used_new_certificate);
	++*(int *)context;
	return true;
}

static void
keeps_telemetry(void **state)
{
	struct fixture *f = *state;
	struct berth_registrar_telemetry telemetry = {
		.kind = BERTH_TELEMETRY_ENROL_STATUS,
		.ok = true,
		.session_used_new_certificate = true,
		.at = now,
	};
	int seen = 0;

	begin(f);
	telemetry.device = see(f, "CAM-1").row;
	ok(f, berth_registrar_telemetry_put(f->store, &telemetry, &f->why));
	commit(f);
	ok(f, berth_registrar_telemetry_each(f->store, telemetry.device, see_telemetry, &seen,
					     &f->why));
	assert_int_equal(seen, 1);
}

/* kill -9 after the intent: the serial stays taken, the same key finds the same intent. */
static void
killed_while_the_signer_works_the_intent_is_found_again(void **state)
{
	struct fixture *f = *state;
	struct berth_registrar_permission permission;
	struct berth_registrar_certificate found;
	int intents = 0;
	int status = 0;

	berth_store_closep(&f->store);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		int64_t row = 0;
		ok(f, berth_store_open(&f->conf, &f->store, &f->why));
		begin(f);
		int64_t device = permitted(f, "CAM-1", NULL);
		ok(f, use(f, device, "key", now, &permission));
		struct berth_registrar_certificate wanted =
			certificate_for(&permission, BERTH_LIT("\x01"));
		ok(f, berth_registrar_certificate_intent(f->store, &wanted, &row, &f->why));
		commit(f);
		begin(f);
		ok(f, berth_registrar_certificate_issued(f->store, row, BERTH_LIT("der"), &f->why));
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ok(f, berth_store_open(&f->conf, &f->store, &f->why));
	ok(f,
	   berth_registrar_certificate_each_intent(f->store, count_certificate, &intents, &f->why));
	assert_int_equal(intents, 1);
	begin(f);
	refused(f, BERTH_E_MISMATCH, "enrol-other-key", use(f, 1, "key2", now, &permission));
	ok(f, use(f, 1, "key", now, &permission));
	ok(f, berth_registrar_certificate_get(f->store, permission.certificate, &f->arena, &found,
					      &f->why));
	assert_int_equal(found.credential.state, BERTH_CREDENTIAL_INTENT);
	ok(f, berth_registrar_certificate_issued(f->store, found.row, BERTH_LIT("der"), &f->why));
	commit(f);
}

/* ---- custody ---- */

static void
a_unit_came_through_other_hands_only_once_let_go(void **state)
{
	struct fixture *f = *state;
	uint8_t one[BERTH_DIGEST_BYTES];
	uint8_t two[BERTH_DIGEST_BYTES];
	const struct berth_device_identity unit = identity("CAM-1");

	digest_of("reseller", one);
	digest_of("stranger", two);
	struct berth_registrar_custody link = {
		.holder_key_sha256 = berth_bytes_of(one, sizeof(one)),
		.name = BERTH_LIT("reseller"),
		.manifest_sha256 = berth_bytes_of(one, sizeof(one)),
	};
	begin(f);
	ok(f, berth_registrar_custody_add(f->store, &unit, &link, now, &f->why));
	ok(f, berth_registrar_custody_add(f->store, &unit, &link, now, &f->why));
	link.holder_key_sha256 = berth_bytes_of(two, sizeof(two));
	link.name = BERTH_LIT("stranger");
	refused(f, BERTH_E_EXISTS, "custody-fork",
		berth_registrar_custody_add(f->store, &unit, &link, now, &f->why));
	assert_non_null(strstr(f->why.sentence, "reseller"));
	assert_non_null(strstr(f->why.sentence, "stranger"));
	ok(f, berth_registrar_owned_drop(f->store, &unit, &f->why));
	ok(f, berth_registrar_custody_add(f->store, &unit, &link, now, &f->why));
	commit(f);
}

#define REGISTRAR_TEST(name)                                                                       \
	cmocka_unit_test_setup_teardown(name, registrar_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		REGISTRAR_TEST(a_device_seen_again_is_the_same_record),
		REGISTRAR_TEST(refuses_a_device_that_comes_with_another_birth_key),
		REGISTRAR_TEST(finds_a_device_by_any_of_its_names),
		REGISTRAR_TEST(a_device_is_found_by_its_id_whatever_serial_number_another_has),
		REGISTRAR_TEST(a_device_moves_by_the_table_only),
		REGISTRAR_TEST(a_device_that_cannot_advance_stays),
		REGISTRAR_TEST(a_manifest_line_again_is_harmless_and_a_contradiction_refused),
		REGISTRAR_TEST(keeps_a_decision_with_its_trace),
		REGISTRAR_TEST(an_approval_survives_restart_and_further_requests),
		REGISTRAR_TEST(the_same_request_bytes_are_the_same_step),
		REGISTRAR_TEST(what_began_a_step_is_what_stands_in_it),
		REGISTRAR_TEST(a_peek_at_a_step_shows_all_but_its_objects),
		REGISTRAR_TEST(a_step_goes_forward_only),
		REGISTRAR_TEST(a_permission_is_fixed_to_the_first_key),
		REGISTRAR_TEST(the_serial_is_taken_before_the_signature_and_once),
		REGISTRAR_TEST(a_failed_signature_frees_the_permission_but_not_the_serial),
		REGISTRAR_TEST(a_revocation_keeps_its_first_date),
		REGISTRAR_TEST(keeps_telemetry),
		REGISTRAR_TEST(a_unit_came_through_other_hands_only_once_let_go),
		REGISTRAR_TEST(killed_while_the_signer_works_the_intent_is_found_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
