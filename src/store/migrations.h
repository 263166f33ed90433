/* SPDX-License-Identifier: BSD-2-Clause */
/* The files of migrations/, embedded at build, sorted by name and version. For database.c only. */
#ifndef BERTH_STORE_MIGRATIONS_H
#define BERTH_STORE_MIGRATIONS_H

#include <stddef.h>

struct berth_migration {
	const char *name; /* "common", "masa", "registrar" */
	int version;	  /* ascending from 1 */
	const char *sql;
};

extern const struct berth_migration berth_migrations[];
extern const size_t berth_migration_count;

#endif
