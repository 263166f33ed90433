/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test-sim [--seeds A-B] [--devices N] [--calm] [--verbose] [--stores FOLDER]: runs each seed, prints a line of it and what
 * was injected. --stores leaves the stores as they are at the end, for sqlite3 to look at.
 */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct options {
	unsigned long first, last, devices;
	bool is_calm, verbose;
	const char *stores;
};

struct total {
	uint64_t faults[SIM_FAULT__COUNT];
	uint64_t onboarded, renewed, over, rolled_over, lists, requests, restarts, checks, steps;
};

static bool
read_options(int argc, char **argv, struct options *options)
{
	*options = (struct options){.first = 1, .last = 1, .devices = 50};
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--calm") == 0)
			options->is_calm = true;
		else if (strcmp(argv[i], "--verbose") == 0)
			options->verbose = true;
		else if (i + 1 < argc && strcmp(argv[i], "--stores") == 0)
			options->stores = argv[++i];
		else if (i + 1 < argc && strcmp(argv[i], "--devices") == 0)
			options->devices = strtoul(argv[++i], NULL, 10);
		else if (i + 1 < argc && strcmp(argv[i], "--seeds") == 0) {
			char *rest = NULL;
			options->first = options->last = strtoul(argv[++i], &rest, 10);
			if (*rest == '-')
				options->last = strtoul(rest + 1, NULL, 10);
		} else
			return false;
	}
	return options->devices > 0 && options->devices <= SIM_DEVICES_MAX;
}

static void
keep_store(void *context, const char *path, struct berth_bytes content)
{
	const char *folder = context;
	const char *name = strrchr(path, '/');
	const char *node = name - strlen("registrar1/state");
	char file[512];
	(void)snprintf(file, sizeof(file), "%s/%.10s-%s", folder, node, name + 1);
	for (char *c = file + strlen(folder) + 1; *c != '\0'; c++)
		if (*c == '/')
			*c = '_';
	FILE *out = fopen(file, "w");
	if (out == NULL || fwrite(content.p, 1, content.n, out) != content.n)
		(void)printf("%s cannot be written\n", file);
	if (out != NULL)
		(void)fclose(out);
}

static bool
run(const struct options *options, unsigned long seed, struct total *total)
{
	const struct sim_conf conf = {.seed = seed,
				      .devices = options->devices,
				      .has_rogues = !options->is_calm,
				      .has_faults = !options->is_calm,
				      .verbose = options->verbose};
	struct sim *sim = sim_open(&conf);
	uint64_t injected = 0;
	sim_run(sim);
	for (size_t i = 0; i < SIM_FAULT__COUNT; i++) {
		total->faults[i] += sim->faults[i];
		injected += sim->faults[i];
	}
	total->onboarded += sim->onboarded;
	total->renewed += sim->renewed;
	total->over += sim->over;
	total->rolled_over += sim->rolled_over;
	total->lists += sim->lists_checked;
	total->requests += sim->requests;
	total->restarts += sim->restarts;
	total->checks += sim->checks;
	total->steps += sim->steps;
	(void)printf("seed %lu: %llu onboarded of %zu, %llu requests, %llu faults, %llu restarts, "
		     "%lld s, trace %016llx%s%s\n",
		     seed, (unsigned long long)sim->onboarded, sim->device_count,
		     (unsigned long long)sim->requests, (unsigned long long)injected,
		     (unsigned long long)sim->restarts, (long long)(sim->now_ms / 1000),
		     (unsigned long long)sim->trace, sim->fault[0] == '\0' ? "" : "\n  BROKEN ",
		     sim->fault);
	for (size_t i = 0; options->stores != NULL && i < sim->node_count; i++)
		disk_each(sim->nodes[i]->disk, keep_store, (void *)(uintptr_t)options->stores);
	bool holds = sim->fault[0] == '\0';
	sim_close(sim);
	return holds;
}

static void
print_faults(const struct total *total)
{
	uint64_t sum = 0;
	for (int i = 0; i < SIM_FAULT__COUNT; i++) {
		(void)printf("%s%s %llu", i == 0 ? "faults: " : ", ",
			     sim_fault_name((enum sim_fault)i),
			     (unsigned long long)total->faults[i]);
		sum += total->faults[i];
	}
	(void)printf("; %llu in all\n", (unsigned long long)sum);
}

static bool
misses_a_fault(const struct total *total)
{
	bool misses = false;
	for (int i = 0; i < SIM_FAULT__COUNT; i++) {
		if (total->faults[i] > 0)
			continue;
		misses = true;
		(void)printf("BROKEN: no %s was ever injected\n",
			     sim_fault_name((enum sim_fault)i));
	}
	return misses;
}

int
main(int argc, char **argv)
{
	struct options options;
	struct total total = {0};
	if (!read_options(argc, argv, &options)) {
		(void)fprintf(stderr, "test-sim [--seeds A-B] [--devices N] [--calm] [--verbose] "
				      "[--stores FOLDER]\n");
		return 2;
	}
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	disk_register();
	size_t broken = 0;
	for (unsigned long seed = options.first; seed <= options.last; seed++)
		broken += !run(&options, seed, &total);
	(void)printf("%lu seeds, %llu onboardings, %llu renewals, %llu ended certificates, "
		     "%llu roll-overs, %llu list entries, %llu requests, %llu restarts, "
		     "%llu checks\n",
		     options.last - options.first + 1, (unsigned long long)total.onboarded,
		     (unsigned long long)total.renewed, (unsigned long long)total.over,
		     (unsigned long long)total.rolled_over, (unsigned long long)total.lists,
		     (unsigned long long)total.requests, (unsigned long long)total.restarts,
		     (unsigned long long)total.checks);
	print_faults(&total);
	return broken > 0 ||
	       (!options.is_calm && options.last - options.first > 4 && misses_a_fault(&total));
}
