/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/factory/batch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hex.h"
#include "role/factory/worker.h"
#include "system/files.h"
#include "system/random.h"

struct run {
	const struct berth_batch_plan *plan;
	const struct berth_journal_batch *batch;
	struct berth_worker workers[BERTH_WORKERS_MAX];
	size_t worker_count;
	size_t next; /* unit to give out */
	struct berth_batch_tally tally;
};

/* The last first: a later worker was forked with the earlier ones' channels open. */
static void
run_end(struct run *run)
{
	while (run->worker_count > 0)
		berth_worker_end(&run->workers[--run->worker_count]);
}

/* ---- which units wait ---- */

static int
compare_serials(const void *a, const void *b)
{
	const struct berth_unit *x = *(struct berth_unit *const *)a;
	const struct berth_unit *y = *(struct berth_unit *const *)b;
	int order = berth_bytes_compare(x->serial, y->serial);
	if (order != 0)
		return order;
	return x->line < y->line ? -1 : x->line > y->line;
}

/* Of rows with the same serial number the first stands. */
static enum berth_err
refuse_repeated(struct berth_units *units, struct berth_why *why)
{
	struct berth_unit **sorted = malloc((units->count + 1) * sizeof(*sorted));
	if (!sorted)
		return berth_fail(why, BERTH_E_MEMORY, "units-memory", NULL, "out of memory");
	for (size_t i = 0; i < units->count; i++)
		sorted[i] = &units->units[i];
	qsort(sorted, units->count, sizeof(struct berth_unit *), compare_serials);
	for (size_t i = 1, first = 0; i < units->count; i++) {
		if (!berth_bytes_equal(sorted[i]->serial, sorted[first]->serial)) {
			first = i;
			continue;
		}
		struct berth_why cause = {0};
		berth_ignore(berth_fail(&cause, BERTH_E_EXISTS, "unit-serial-repeated", NULL,
					"the serial number stands in line %zu already",
					sorted[first]->line),
			     "kept in the unit");
		berth_unit_fail(units, sorted[i], &cause);
	}
	free(sorted);
	return BERTH_OK;
}

static enum berth_err
judge_made(const struct run *run, const struct berth_unit *unit,
	   const struct berth_journal_unit *known, struct berth_why *why)
{
	if (known->batch != run->batch)
		return berth_fail(why, BERTH_E_EXISTS, "unit-made-before", NULL,
				  "a unit with this serial number was made before, into %.*s",
				  (int)(known->batch->out.n < 120 ? known->batch->out.n : 120),
				  (const char *)known->batch->out.p);
	if (!berth_bytes_equal(known->model, unit->model))
		return berth_fail(why, BERTH_E_EXISTS, "unit-made-before", NULL,
				  "a unit with this serial number was made before, as model %.*s",
				  (int)(known->model.n < 64 ? known->model.n : 64),
				  (const char *)known->model.p);
	return BERTH_OK;
}

static enum berth_err
judge(const struct run *run, struct berth_unit *unit, struct berth_why *why)
{
	char path[BERTH_FACTORY_PATH_MAX];
	struct stat st;
	enum berth_err err = berth_unit_check(run->plan->factory, unit, why);
	if (err)
		return err;
	const struct berth_journal_unit *known =
		berth_journal_find(run->plan->journal, unit->serial);
	if (known && known->is_made) {
		err = judge_made(run, unit, known, why);
		if (!err)
			unit->outcome = BERTH_UNIT_MADE_BEFORE;
		return err;
	}
	if (known && known->is_begun && known->batch != run->batch)
		return berth_fail(why, BERTH_E_EXISTS, "unit-begun-elsewhere", NULL,
				  "begun in an unfinished batch; finish that one first: --out %.*s",
				  (int)(known->batch->out.n < 120 ? known->batch->out.n : 120),
				  (const char *)known->batch->out.p);
	err = berth_unit_final_path(run->plan->out, unit->serial, path, why);
	if (!err && lstat(path, &st) == 0)
		return berth_fail(why, BERTH_E_EXISTS, "unit-folder-occupied", NULL,
				  "the folder %.100s is there, but no record of its making", path);
	return err;
}

static enum berth_err
judge_all(struct run *run, struct berth_why *why)
{
	struct berth_units *units = run->plan->units;
	enum berth_err err = refuse_repeated(units, why);
	for (size_t i = 0; i < units->count && !err; i++) {
		struct berth_unit *unit = &units->units[i];
		struct berth_why cause = {0};
		if (unit->outcome == BERTH_UNIT_WAITS && judge(run, unit, &cause))
			berth_unit_fail(units, unit, &cause);
		run->tally.failed += unit->outcome == BERTH_UNIT_FAILED;
		run->tally.made_before += unit->outcome == BERTH_UNIT_MADE_BEFORE;
	}
	return err;
}

/* ---- made units move into place ---- */

static enum berth_err
place(const struct run *run, struct berth_bytes serial, struct berth_why *why)
{
	char part[BERTH_FACTORY_PATH_MAX];
	char final[BERTH_FACTORY_PATH_MAX];
	enum berth_err err = berth_unit_part_path(run->plan->out, serial, part, why);
	if (!err)
		err = berth_unit_final_path(run->plan->out, serial, final, why);
	if (!err && rename(part, final) != 0 && errno != ENOENT)
		return berth_fail(why, BERTH_E_IO, "unit-place", NULL, "%s: cannot move to %s: %s",
				  part, final, strerror(errno));
	return err;
}

/* What an earlier run had recorded as made but not yet moved. */
static enum berth_err
place_earlier(const struct run *run, struct berth_why *why)
{
	enum berth_err err = BERTH_OK;
	const struct berth_journal_unit *unit = NULL;
	for (size_t i = 0; !err && (unit = berth_journal_at(run->plan->journal, i)) != NULL; i++) {
		if (unit->is_made && unit->batch == run->batch)
			err = place(run, unit->serial, why);
	}
	return err;
}

/* ---- the rounds ---- */

static enum berth_err
record_made(struct run *run, const struct berth_task *task, const struct berth_task_result *result,
	    const struct berth_cert *issuing, struct berth_why *why)
{
	const struct berth_batch_plan *plan = run->plan;
	const struct berth_unit *unit = &plan->units->units[result->unit];
	BERTH_BUF subject = {0};
	enum berth_err err =
		berth_unit_subject_serial((enum berth_subject_form)plan->factory->conf.subject_form,
					  unit->model, unit->serial, &subject, why);
	if (err)
		return err;
	struct berth_journal_unit made = {
		.serial = unit->serial,
		.batch = run->batch,
		.subject_serial = berth_buf_view(&subject),
		.model = unit->model,
		.issuer_key_id = berth_cert_ski(issuing),
		.storage = result->storage,
		.masa_url = berth_text(plan->factory->conf.masa_url),
		.mud_url = unit->mud_url,
	};
	memcpy(made.certificate_serial, task->certificate_serial, BERTH_CERT_SERIAL_BYTES);
	memcpy(made.key_sha256, result->key_sha256, BERTH_SHA256_BYTES);
	return berth_journal_made(plan->journal, &made, why);
}

static void
fail_unit(struct run *run, uint32_t index, const struct berth_why *why)
{
	struct berth_unit *unit = &run->plan->units->units[index];
	char part[BERTH_FACTORY_PATH_MAX];
	if (!berth_unit_part_path(run->plan->out, unit->serial, part, NULL))
		berth_ignore(berth_unit_discard(part, NULL), "the next attempt discards it too");
	berth_unit_fail(run->plan->units, unit, why);
	run->tally.failed++;
}

/* Results into the journal (not yet committed) and into the outcomes. */
static void
record_results(struct run *run, const struct berth_task *tasks,
	       const struct berth_task_result *results, size_t count,
	       const struct berth_cert *issuing)
{
	for (size_t i = 0; i < count; i++) {
		struct berth_unit *unit = &run->plan->units->units[results[i].unit];
		struct berth_why why = results[i].why;
		if (results[i].err || record_made(run, &tasks[i], &results[i], issuing, &why)) {
			fail_unit(run, results[i].unit, &why);
			berth_ignore(berth_journal_abandon(run->plan->journal, unit->serial, NULL),
				     "without it the unit stays with this batch");
			continue;
		}
		unit->outcome = BERTH_UNIT_MADE;
		run->tally.made++;
	}
}

/* Fills the worker's tasks with the next units that wait, an intent for each. */
static enum berth_err
fill_tasks(struct run *run, struct berth_worker *worker, struct berth_why *why)
{
	const struct berth_batch_plan *plan = run->plan;
	const struct berth_random random = berth_system_random();
	worker->task_count = 0;
	enum berth_err err = BERTH_OK;
	while (!err && run->next < plan->units->count && worker->task_count < BERTH_WORKER_CHUNK) {
		const struct berth_unit *unit = &plan->units->units[run->next++];
		if (unit->outcome != BERTH_UNIT_WAITS)
			continue;
		struct berth_task *task = &worker->tasks[worker->task_count++];
		task->unit = (uint32_t)(unit - plan->units->units);
		task->is_retry = berth_journal_find(plan->journal, unit->serial) != NULL;
		berth_random_fill(&random, task->certificate_serial, BERTH_CERT_SERIAL_BYTES);
		/* never zero, never negative, always as long as it is (RFC 5280 4.1.2.2) */
		task->certificate_serial[0] =
			(uint8_t)((task->certificate_serial[0] & 0x7f) | 0x40);
		err = berth_journal_intend(plan->journal, run->batch, unit->serial,
					   task->certificate_serial, why);
	}
	return err;
}

static void
lose_worker(struct run *run, struct berth_worker *worker, const struct berth_why *why)
{
	for (size_t i = 0; i < worker->task_count; i++)
		fail_unit(run, worker->tasks[i].unit, why);
	worker->task_count = 0;
	berth_worker_end(worker);
}

/* A worker has answered: record, give it the next chunk, commit both at once, then act on both. */
static enum berth_err
turn(struct run *run, struct berth_worker *worker, const struct berth_cert *issuing,
     struct berth_why *why)
{
	struct berth_task tasks[BERTH_WORKER_CHUNK];
	struct berth_task_result results[BERTH_WORKER_CHUNK];
	size_t count = 0;
	struct berth_why cause = {0};
	enum berth_err err = BERTH_OK;
	memcpy(tasks, worker->tasks, sizeof(tasks));
	if (worker->task_count > 0) {
		err = berth_worker_take(worker, &run->plan->units->arena, results, &count, &cause);
		if (err == BERTH_E_UNREACHABLE) {
			lose_worker(run, worker, &cause);
			return BERTH_OK;
		}
		if (err) {
			*why = cause;
			return err;
		}
	}
	record_results(run, tasks, results, count, issuing);
	err = fill_tasks(run, worker, why);
	if (!err)
		err = berth_journal_commit(run->plan->journal, why);
	if (!err && worker->task_count > 0 && berth_worker_give(worker, &cause))
		lose_worker(run, worker, &cause);
	for (size_t i = 0; i < count && !err; i++) {
		const struct berth_unit *unit = &run->plan->units->units[results[i].unit];
		if (unit->outcome == BERTH_UNIT_MADE)
			err = place(run, unit->serial, why);
	}
	return err;
}

static void
tell_progress(const struct run *run)
{
	if (run->plan->progress)
		run->plan->progress(run->plan->progress_context, &run->tally,
				    run->plan->units->count);
}

static enum berth_err
wait_for_answers(struct run *run, struct pollfd *fds, size_t *ret_busy, struct berth_why *why)
{
	*ret_busy = 0;
	for (size_t i = 0; i < run->worker_count; i++) {
		bool is_busy = run->workers[i].fd >= 0 && run->workers[i].task_count > 0;
		fds[i] = (struct pollfd){.fd = is_busy ? run->workers[i].fd : -1, .events = POLLIN};
		*ret_busy += is_busy;
	}
	if (*ret_busy > 0 && poll(fds, run->worker_count, -1) < 0 && errno != EINTR)
		return berth_fail(why, BERTH_E_IO, "batch-poll", NULL, "poll: %s", strerror(errno));
	return BERTH_OK;
}

static enum berth_err
work(struct run *run, const struct berth_cert *issuing, struct berth_why *why)
{
	struct pollfd fds[BERTH_WORKERS_MAX];
	size_t busy = 0;
	enum berth_err err = BERTH_OK;
	for (size_t i = 0; i < run->worker_count && !err; i++)
		err = turn(run, &run->workers[i], issuing, why);
	if (!err)
		err = wait_for_answers(run, fds, &busy, why);
	while (!err && busy > 0) {
		for (size_t i = 0; i < run->worker_count && !err; i++) {
			if (fds[i].fd >= 0 && fds[i].revents)
				err = turn(run, &run->workers[i], issuing, why);
		}
		tell_progress(run);
		if (!err)
			err = wait_for_answers(run, fds, &busy, why);
	}
	return err;
}

/* All workers ended before all units were given out. */
static void
fail_rest(struct run *run)
{
	struct berth_why why = {0};
	berth_ignore(berth_fail(&why, BERTH_E_UNREACHABLE, "worker-ended", NULL,
				"no worker process is left; run again"),
		     "kept in the units");
	for (size_t i = 0; i < run->plan->units->count; i++) {
		if (run->plan->units->units[i].outcome == BERTH_UNIT_WAITS)
			fail_unit(run, (uint32_t)i, &why);
	}
}

/* ---- the batch ---- */

static enum berth_err
check_same_owner(const struct berth_batch_plan *plan, const struct berth_journal_batch *batch,
		 struct berth_why *why)
{
	if (plan->owner.domain_id.n == 0 ||
	    (berth_bytes_equal(plan->owner.domain_id, batch->owner.domain_id) &&
	     memcmp(plan->owner.key_sha256, batch->owner.key_sha256, BERTH_SHA256_BYTES) == 0))
		return BERTH_OK;
	return berth_fail(why, BERTH_E_EXISTS, "batch-owner", NULL,
			  "the batch in %.100s was begun for %s; make it without --owner and use "
			  "`berth factory sell`",
			  plan->out, batch->owner.domain_id.n ? "another owner" : "nobody");
}

static enum berth_err
begin(struct run *run, struct berth_why *why)
{
	const struct berth_batch_plan *plan = run->plan;
	run->batch = berth_journal_batch_for(plan->journal, plan->out);
	if (run->batch)
		return check_same_owner(plan, run->batch, why);
	uint8_t id[BERTH_JOURNAL_BATCH_ID_BYTES];
	char text[2 * BERTH_JOURNAL_BATCH_ID_BYTES + 1];
	const struct berth_random random = berth_system_random();
	berth_random_fill(&random, id, sizeof(id));
	berth_hex_text(berth_bytes_of(id, sizeof(id)), text, sizeof(text));
	const struct berth_journal_batch batch = {
		.id = berth_text(text),
		.created = plan->now,
		.out = berth_text(plan->out),
		.owner = plan->owner,
	};
	enum berth_err err = berth_journal_begin(plan->journal, &batch, &run->batch, why);
	return err ? err : berth_journal_commit(plan->journal, why);
}

static enum berth_err
start_workers(struct run *run, size_t waiting, struct berth_why *why)
{
	const struct berth_batch_plan *plan = run->plan;
	const struct berth_worker_setup setup = {plan->factory, plan->units, plan->out, plan->keys,
						 plan->now};
	size_t useful = (waiting + BERTH_WORKER_CHUNK - 1) / BERTH_WORKER_CHUNK;
	size_t count = plan->jobs < useful ? plan->jobs : useful;
	enum berth_err err = BERTH_OK;
	while (run->worker_count < count && !err) {
		err = berth_worker_start(&setup, &run->workers[run->worker_count], why);
		run->worker_count += err == BERTH_OK;
	}
	return err;
}

static enum berth_err
make_waiting(struct run *run, struct berth_why *why)
{
	const struct berth_batch_tally *tally = &run->tally;
	size_t waiting = run->plan->units->count - tally->failed - tally->made_before;
	enum berth_err err = start_workers(run, waiting, why);
	if (err || waiting == 0)
		return err;
	/* Only now, after the forks: a child must not inherit an open token. */
	struct berth_pki *pki __attribute__((cleanup(berth_pki_closep))) = NULL;
	BERTH_CERT *issuing = NULL;
	err = berth_pki_open(&pki, why);
	if (!err)
		err = berth_factory_certificate(pki, run->plan->factory, "device-ca", &issuing,
						why);
	if (!err)
		err = work(run, issuing, why);
	if (!err)
		fail_rest(run);
	return err;
}

enum berth_err
berth_batch_run(const struct berth_batch_plan *plan, const struct berth_journal_batch **ret,
		struct berth_batch_tally *ret_tally, struct berth_why *why)
{
	BERTH_CLEANUP(run_end) struct run run = {.plan = plan};
	enum berth_err err = begin(&run, why);
	if (!err)
		err = place_earlier(&run, why);
	if (!err)
		err = judge_all(&run, why);
	if (!err)
		err = make_waiting(&run, why);
	if (err)
		return err;
	tell_progress(&run);
	*ret = run.batch;
	*ret_tally = run.tally;
	return BERTH_OK;
}
