/* SPDX-License-Identifier: BSD-2-Clause */
/* berth factory sell */
#include "role/factory/factory.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "role/factory/papers.h"
#include "role/options.h"
#include "system/clock.h"

static const struct berth_option options[] = {
	{.name = "dir", .argument = "DIR", .help = "the factory's folder", .required = true},
	{.name = "owner", .argument = "FILE", .help = "the buyer's domain CA certificate"},
	{.name = "holder",
	 .argument = "FILE",
	 .help = "instead: a certificate of who hands the units on"},
	{.name = "out", .argument = "FILE", .help = "the sale manifest to write", .required = true},
	{.name = "serial", .argument = "SERIAL", .help = "a unit to sell", .many = true},
	{.name = "all", .help = "sell every unit that is made and not sold"},
	{.name = "owner-name",
	 .argument = "NAME",
	 .help = "the buyer, if not as the certificate says"},
	{.name = "reference", .argument = "TEXT", .help = "order number, kept in the manifest"},
	{.name = "again", .help = "also units that were sold to somebody else (taken back)"},
	BERTH_OPTION_JSON,
	{0},
};
static const struct berth_usage usage = {
	.about = "Writes a signed manifest that says who owns these units from now on; the MASA "
		 "loads\n"
		 "it, and the owner imports it. With --holder it says who has them, to hand them "
		 "on (berth\n"
		 "manifest transfer).",
	.options = options,
};

/* What one call holds. */
struct selling {
	struct berth_arguments arguments;
	struct berth_factory factory;
	struct berth_journal *journal;
	struct berth_papers_owner owner;
	enum berth_papers_buyer buyer;
	struct berth_pki *pki;
	const struct berth_journal_unit **units;
	size_t count;
	struct berth_wall now;
};

static void
selling_end(struct selling *selling)
{
	berth_journal_close(selling->journal);
	berth_papers_owner_free(&selling->owner);
	berth_factory_close(&selling->factory);
	berth_pki_close(selling->pki);
	free(selling->units);
}

static bool
is_of_another(const struct selling *selling, const struct berth_journal_unit *unit)
{
	return unit->is_sold &&
	       !berth_bytes_equal(unit->sold_to.domain_id, selling->owner.owner.domain_id);
}

static enum berth_err
add_serial(struct selling *selling, const char *serial, struct berth_why *why)
{
	const struct berth_journal_unit *unit =
		berth_journal_find(selling->journal, berth_text(serial));
	if (!unit || !unit->is_made)
		return berth_fail(why, BERTH_E_NOT_FOUND, "sale-unit-unknown", NULL,
				  "no unit %.64s was made here", serial);
	if (is_of_another(selling, unit) && !berth_arguments_has(&selling->arguments, "again"))
		return berth_fail(why, BERTH_E_DENIED, "sale-unit-sold", NULL,
				  "unit %.64s was sold to %.*s; if it came back, add --again",
				  serial,
				  (int)(unit->sold_to.name.n < 64 ? unit->sold_to.name.n : 64),
				  (const char *)unit->sold_to.name.p);
	for (size_t i = 0; i < selling->count; i++) {
		if (selling->units[i] == unit)
			return berth_fail(why, BERTH_E_USAGE, "sale-unit-twice", NULL,
					  "unit %.64s is given twice", serial);
	}
	selling->units[selling->count++] = unit;
	return BERTH_OK;
}

static void
add_all(struct selling *selling)
{
	bool again = berth_arguments_has(&selling->arguments, "again");
	const struct berth_journal_unit *unit = NULL;
	for (size_t i = 0; (unit = berth_journal_at(selling->journal, i)) != NULL; i++) {
		if (unit->is_made && (again || !is_of_another(selling, unit)))
			selling->units[selling->count++] = unit;
	}
}

static enum berth_err
choose(struct selling *selling, struct berth_why *why)
{
	bool all = berth_arguments_has(&selling->arguments, "all");
	if (all == berth_arguments_has(&selling->arguments, "serial"))
		return berth_fail(why, BERTH_E_USAGE, "sale-units", NULL,
				  "say which units: --serial (as often as needed) or --all");
	size_t room = BERTH_ARGUMENTS_MAX;
	while (berth_journal_at(selling->journal, room))
		room *= 2;
	selling->units = calloc(room, sizeof(const struct berth_journal_unit *));
	if (!selling->units)
		return berth_fail(why, BERTH_E_MEMORY, "papers-memory", NULL, "out of memory");
	enum berth_err err = BERTH_OK;
	const char *serial = NULL;
	for (size_t i = 0; !err && !all; i++) {
		serial = berth_arguments_value_at(&selling->arguments, "serial", i);
		if (!serial)
			break;
		err = add_serial(selling, serial, why);
	}
	if (all)
		add_all(selling);
	if (!err && selling->count == 0)
		return berth_fail(why, BERTH_E_NOT_FOUND, "sale-units", NULL,
				  "there is no unit left to sell");
	return err;
}

/* The record goes in before the paper leaves. */
static enum berth_err
record(const struct selling *selling, struct berth_why *why)
{
	struct berth_bytes reference =
		berth_text(berth_arguments_value(&selling->arguments, "reference"));
	enum berth_err err = BERTH_OK;
	for (size_t i = 0; i < selling->count && !err; i++)
		err = berth_journal_sold(selling->journal, selling->units[i]->serial,
					 &selling->owner.owner, selling->now, reference, why);
	return err ? err : berth_journal_commit(selling->journal, why);
}

static enum berth_err
write_sale(const struct selling *selling, struct berth_why *why)
{
	uint8_t id[BERTH_JOURNAL_BATCH_ID_BYTES];
	char text[2 * BERTH_JOURNAL_BATCH_ID_BYTES + 1];
	const struct berth_random random = berth_pki_random(selling->pki);
	berth_random_fill(&random, id, sizeof(id));
	const struct berth_papers_manifest manifest = {
		.kind = BERTH_MANIFEST_SALE,
		.batch = berth_text(
			berth_hex_text(berth_bytes_of(id, sizeof(id)), text, sizeof(text))),
		.owner = &selling->owner.owner,
		.buyer = selling->buyer,
		.reference = berth_text(berth_arguments_value(&selling->arguments, "reference")),
		.units = selling->units,
		.unit_count = selling->count,
		.now = selling->now,
	};
	return berth_papers_write(selling->pki, &selling->factory, &manifest,
				  berth_arguments_value(&selling->arguments, "out"), why);
}

static enum berth_err
sell(struct selling *selling, struct berth_why *why)
{
	const struct berth_arguments *arguments = &selling->arguments;
	const char *holder = berth_arguments_value(arguments, "holder");
	const char *owner = berth_arguments_value(arguments, "owner");
	if (!holder == !owner)
		return berth_fail(why, BERTH_E_USAGE, "sale-buyer", NULL,
				  "say who bought: --owner or --holder");
	selling->now = berth_clock_wall();
	selling->buyer = holder ? BERTH_PAPERS_HOLDER : BERTH_PAPERS_OWNER_DOMAIN;
	enum berth_err err =
		berth_factory_open(berth_arguments_value(arguments, "dir"), &selling->factory, why);
	if (!err)
		err = berth_pki_open(&selling->pki, why);
	if (!err)
		err = berth_papers_owner_read(selling->pki, selling->buyer, holder ? holder : owner,
					      berth_arguments_value(arguments, "owner-name"),
					      &selling->owner, why);
	if (!err)
		err = berth_journal_open(selling->factory.directory, &selling->journal, why);
	if (!err)
		err = choose(selling, why);
	if (!err)
		err = record(selling, why);
	return err ? err : write_sale(selling, why);
}

int
berth_factory_sell_main(int argc, char **argv)
{
	BERTH_CLEANUP(selling_end) struct selling selling = {0};
	struct berth_why why = {0};
	int status = 0;
	if (!berth_arguments_parse(&usage, argc, argv, &selling.arguments, &status))
		return status;
	if (sell(&selling, &why))
		return berth_print_why(argv[0], NULL, &why);
	if (berth_arguments_has(&selling.arguments, "json"))
		printf("{\"units\":%zu}\n", selling.count);
	return BERTH_EXIT_DONE;
}
