/* SPDX-License-Identifier: BSD-2-Clause */
/* berth factory make */
#include "role/factory/factory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "codec/json.h"
#include "role/factory/batch.h"
#include "role/factory/claim_list.h"
#include "role/factory/papers.h"
#include "role/factory/worker.h"
#include "role/options.h"
#include "system/clock.h"
#include "system/files.h"
#include "system/process.h"

#define PROGRESS_MS 200		/* a terminal is not painted more often */
#define FAILURES_PRINTED_MAX 20 /* a screen full */
#define REPORT_FILE "report.json"
#define MANIFEST_FILE "purchase.manifest"

static const struct berth_option options[] = {
	{.name = "dir", .argument = "DIR", .help = "the factory's folder", .required = true},
	{.name = "units", .argument = "FILE", .help = "units.csv: what to make", .required = true},
	{.name = "out",
	 .argument = "OUT",
	 .help = "folder of this batch: a folder per unit, purchase.manifest, report.json",
	 .required = true},
	{.name = "jobs", .argument = "N", .help = "processes (default: one per core)"},
	{.name = "keys",
	 .argument = "WHERE",
	 .help = "of the units: file (default), or a pkcs11: URI without object"},
	{.name = "owner",
	 .argument = "FILE",
	 .help = "domain CA certificate of who has bought the batch"},
	{.name = "owner-name",
	 .argument = "NAME",
	 .help = "the buyer, if not as the certificate says"},
	{.name = "claim-codes",
	 .help = "a one-time claim code for each unit, in OUT/" BERTH_CLAIM_LIST_FILE},
	{.name = "progress", .help = "show progress also when standard error is no terminal"},
	BERTH_OPTION_JSON,
	{0},
};
static const struct berth_usage usage = {
	.about =
		"Gives every unit of the list its birth credential and writes the signed "
		"manifest.\n"
		"Run it again after an interruption: it makes exactly what is missing. Units that\n"
		"cannot be made are reported one by one; the exit status is then 6.",
	.options = options,
};

/* What one call holds. */
struct making {
	const char *command;
	struct berth_arguments arguments;
	struct berth_factory factory;
	struct berth_units units;
	struct berth_journal *journal;
	struct berth_papers_owner owner;
	char out[BERTH_FACTORY_PATH_MAX];
	struct berth_batch_tally tally;
	const struct berth_journal_batch *batch;
	struct berth_wall now;
};

static void
making_end(struct making *making)
{
	berth_journal_close(making->journal);
	berth_units_free(&making->units);
	berth_papers_owner_free(&making->owner);
	berth_factory_close(&making->factory);
}

struct progress {
	const char *command;
	bool is_terminal;
	struct berth_mono shown;
};

static void
show_progress(void *context, const struct berth_batch_tally *tally, size_t count)
{
	struct progress *progress = context;
	struct berth_mono now = berth_clock_mono();
	size_t done = tally->made + tally->made_before + tally->failed;
	if (done < count && now.ms - progress->shown.ms < PROGRESS_MS)
		return;
	progress->shown = now;
	fprintf(stderr, "%s%s: %zu of %zu units, %zu made before, %zu failed%s",
		progress->is_terminal ? "\r" : "", progress->command, done, count,
		tally->made_before, tally->failed,
		progress->is_terminal && done < count ? "" : "\n");
}

static enum berth_err
prepare_out(struct making *making, struct berth_why *why)
{
	const char *out = berth_arguments_value(&making->arguments, "out");
	enum berth_err err = berth_folder_make(out, 0700, why);
	if (err)
		return err;
	char *absolute = realpath(out, NULL);
	int n = absolute ? snprintf(making->out, sizeof(making->out), "%s", absolute) : -1;
	free(absolute);
	if (n < 0 || n >= BERTH_FACTORY_PATH_MAX)
		return berth_fail(why, BERTH_E_IO, "factory-out", NULL, "%s: %s", out,
				  n < 0 ? strerror(errno) : "the path is too long");
	return BERTH_OK;
}

static enum berth_err
read_owner(struct making *making, struct berth_why *why)
{
	const char *path = berth_arguments_value(&making->arguments, "owner");
	if (!path)
		return BERTH_OK;
	/* Closed again before the workers are forked. */
	struct berth_pki *pki __attribute__((cleanup(berth_pki_closep))) = NULL;
	enum berth_err err = berth_pki_open(&pki, why);
	if (!err)
		err = berth_papers_owner_read(
			pki, BERTH_PAPERS_OWNER_DOMAIN, path,
			berth_arguments_value(&making->arguments, "owner-name"), &making->owner,
			why);
	return err;
}

static enum berth_err
prepare(struct making *making, struct berth_why *why)
{
	making->now = berth_clock_wall();
	enum berth_err err = berth_factory_open(berth_arguments_value(&making->arguments, "dir"),
						&making->factory, why);
	if (!err)
		err = berth_units_read(berth_arguments_value(&making->arguments, "units"),
				       &making->units, why);
	if (!err)
		err = read_owner(making, why);
	if (!err)
		err = prepare_out(making, why);
	return err ? err : berth_journal_open(making->factory.directory, &making->journal, why);
}

static enum berth_err
run(struct making *making, size_t jobs, struct berth_why *why)
{
	struct progress progress = {making->command, isatty(STDERR_FILENO) == 1, {0}};
	bool shows = progress.is_terminal || berth_arguments_has(&making->arguments, "progress");
	const struct berth_batch_plan plan = {
		.factory = &making->factory,
		.units = &making->units,
		.journal = making->journal,
		.out = making->out,
		.keys = berth_arguments_value_or(&making->arguments, "keys", "file"),
		.owner = making->owner.owner,
		.jobs = jobs,
		.now = making->now,
		.progress = shows ? show_progress : NULL,
		.progress_context = &progress,
	};
	return berth_batch_run(&plan, &making->batch, &making->tally, why);
}

static enum berth_err
give_codes(const struct making *making, struct berth_why *why)
{
	struct berth_pki *pki __attribute__((cleanup(berth_pki_closep))) = NULL;
	enum berth_err err = berth_pki_open(&pki, why);
	return err ? err
		   : berth_claim_list_write(pki, making->journal, making->batch, making->out, why);
}

/* All units ever made in this batch: a manifest that a crash cut short is written again whole. */
static enum berth_err
write_manifest(const struct making *making, struct berth_why *why)
{
	char path[BERTH_FACTORY_PATH_MAX];
	size_t count = 0;
	size_t all = 0;
	while (berth_journal_at(making->journal, all))
		all++;
	const struct berth_journal_unit **made = calloc(all + 1, sizeof(*made));
	if (!made)
		return berth_fail(why, BERTH_E_MEMORY, "papers-memory", NULL, "out of memory");
	for (size_t i = 0; i < all; i++) {
		const struct berth_journal_unit *unit = berth_journal_at(making->journal, i);
		if (unit->is_made && unit->batch == making->batch)
			made[count++] = unit;
	}
	const struct berth_papers_manifest manifest = {
		.kind = BERTH_MANIFEST_PURCHASE,
		.batch = making->batch->id,
		.owner = making->batch->owner.domain_id.n > 0 ? &making->batch->owner : NULL,
		.units = made,
		.unit_count = count,
		.now = making->now,
	};
	struct berth_pki *pki __attribute__((cleanup(berth_pki_closep))) = NULL;
	enum berth_err err = berth_factory_path(making->out, MANIFEST_FILE, path, why);
	if (!err && count > 0)
		err = berth_pki_open(&pki, why);
	if (!err && count > 0)
		err = berth_papers_write(pki, &making->factory, &manifest, path, why);
	free(made);
	return err;
}

static enum berth_err
append_failure(json_t *failures, const struct berth_unit *unit)
{
	json_t *entry = json_object();
	enum berth_err err =
		json_array_append_new(failures, entry) == 0 ? BERTH_OK : BERTH_E_MEMORY;
	if (!err)
		err = berth_json_set_i64(entry, "line", (int64_t)unit->line);
	if (!err)
		err = berth_json_set_text(entry, "serial-number", unit->serial);
	if (!err)
		err = berth_json_set_text(entry, "rule", berth_text(unit->why->rule));
	if (!err)
		err = berth_json_set_text(entry, "reason", berth_text(unit->why->sentence));
	return err;
}

static enum berth_err
build_report(const struct making *making, struct berth_buf *out, struct berth_why *why)
{
	BERTH_JSON json_t *root = json_object();
	json_t *failures = json_array();
	enum berth_err err = root ? berth_json_set(root, "failures", failures) : BERTH_E_MEMORY;
	if (!err)
		err = berth_json_set_text(root, "batch", making->batch->id);
	if (!err)
		err = berth_json_set_text(root, "out", berth_text(making->out));
	if (!err)
		err = berth_json_set_i64(root, "units", (int64_t)making->units.count);
	if (!err)
		err = berth_json_set_i64(root, "made", (int64_t)making->tally.made);
	if (!err)
		err = berth_json_set_i64(root, "made-before", (int64_t)making->tally.made_before);
	if (!err)
		err = berth_json_set_i64(root, "failed", (int64_t)making->tally.failed);
	for (size_t i = 0; i < making->units.count && !err; i++) {
		if (making->units.units[i].outcome == BERTH_UNIT_FAILED)
			err = append_failure(failures, &making->units.units[i]);
	}
	if (!err)
		err = berth_json_encode(root, BERTH_JSON_AS_BUILT, out);
	if (!err)
		err = berth_buf_append_text(out, "\n");
	return err ? berth_fail(why, err, "factory-report", NULL, "the report cannot be built")
		   : BERTH_OK;
}

/* The first ones one by one; the report has them all. */
static void
print_failures(const struct making *making, const char *report)
{
	size_t printed = 0;
	for (size_t i = 0; i < making->units.count && printed < FAILURES_PRINTED_MAX; i++) {
		const struct berth_unit *unit = &making->units.units[i];
		char what[96];
		if (unit->outcome != BERTH_UNIT_FAILED)
			continue;
		snprintf(what, sizeof(what), "line %zu, unit %.*s", unit->line,
			 (int)(unit->serial.n < 64 ? unit->serial.n : 64),
			 (const char *)unit->serial.p);
		berth_ignore(berth_print_why(making->command, what, unit->why),
			     "the batch has a status of its own");
		printed++;
	}
	if (making->tally.failed > printed)
		fprintf(stderr, "%s: %zu more units failed; %s lists them\n", making->command,
			making->tally.failed - printed, report);
}

static enum berth_err
report(const struct making *making, struct berth_why *why)
{
	char path[BERTH_FACTORY_PATH_MAX];
	BERTH_BUF text = {.limit = BERTH_UNITS_LIST_MAX_BYTES};
	enum berth_err err = build_report(making, &text, why);
	if (!err)
		err = berth_factory_path(making->out, REPORT_FILE, path, why);
	if (!err)
		err = berth_file_write(path, berth_buf_view(&text), 0644, why);
	if (err)
		return err;
	if (berth_arguments_has(&making->arguments, "json"))
		fwrite(text.p, 1, text.n, stdout);
	print_failures(making, path);
	return BERTH_OK;
}

static enum berth_err
make(struct making *making, size_t jobs, struct berth_why *why)
{
	enum berth_err err = prepare(making, why);
	if (!err)
		err = run(making, jobs, why);
	if (!err && berth_arguments_has(&making->arguments, "claim-codes"))
		err = give_codes(making, why);
	if (!err)
		err = write_manifest(making, why);
	return err ? err : report(making, why);
}

int
berth_factory_make_main(int argc, char **argv)
{
	BERTH_CLEANUP(making_end) struct making making = {.command = argv[0]};
	struct berth_why why = {0};
	int status = 0;
	int64_t jobs = 0;
	if (!berth_arguments_parse(&usage, argc, argv, &making.arguments, &status))
		return status;
	if (!berth_arguments_number(&making.arguments, argv[0], "jobs", 1, BERTH_WORKERS_MAX,
				    (int64_t)berth_process_cores(), &jobs))
		return BERTH_EXIT_USAGE;
	if (jobs > BERTH_WORKERS_MAX)
		jobs = BERTH_WORKERS_MAX;
	if (make(&making, (size_t)jobs, &why))
		return berth_print_why(argv[0], berth_arguments_value(&making.arguments, "units"),
				       &why);
	return making.tally.failed > 0 ? BERTH_EXIT_PARTLY : BERTH_EXIT_DONE;
}
