/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct berth_wall now = {1795467600};

static enum berth_err
mix(void *context, struct berth_bytes in, uint8_t out[BERTH_DIGEST_BYTES])
{
	uint64_t h = 14695981039346656037u;

	(void)context;
	for (size_t i = 0; i < in.n; i++)
		h = (h ^ in.p[i]) * 1099511628211u;
	for (size_t i = 0; i < BERTH_DIGEST_BYTES; i++) {
		h = (h ^ (h >> 29)) * 0xbf58476d1ce4e5b9u + i;
		out[i] = (uint8_t)(h >> 56);
	}
	return BERTH_OK;
}

struct berth_digest
test_digest(void)
{
	return (struct berth_digest){.sha256 = mix};
}

static int
setup(void **state, enum berth_store_schema schema)
{
	struct fixture *f = calloc(1, sizeof *f);

	snprintf(f->folder, sizeof f->folder, "/tmp/berth-store-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof f->path, "%s/store.db", f->folder);
	snprintf(f->witness, sizeof f->witness, "%s/witness", f->folder);
	f->conf = (struct berth_store_conf){
		.path = f->path,
		.schema = schema,
		.digest = test_digest(),
		.witness_path = f->witness,
	};
	berth_arena_start(&f->arena, 4 << 20);
	ok(f, berth_store_open(&f->conf, &f->store, &f->why));
	*state = f;
	return 0;
}

int
masa_setup(void **state)
{
	return setup(state, BERTH_STORE_MASA);
}

int
registrar_setup(void **state)
{
	return setup(state, BERTH_STORE_REGISTRAR);
}

int
fixture_teardown(void **state)
{
	static const char *const endings[] = {"store.db", "store.db-wal", "store.db-shm",
					      "witness"};
	struct fixture *f = *state;
	char path[128];

	berth_store_close(f->store);
	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
		snprintf(path, sizeof path, "%s/%s", f->folder, endings[i]);
		unlink(path);
	}
	rmdir(f->folder);
	berth_arena_end(&f->arena);
	free(f);
	return 0;
}

void
reopen(struct fixture *f)
{
	berth_store_closep(&f->store);
	ok(f, berth_store_open(&f->conf, &f->store, &f->why));
}

void
begin(struct fixture *f)
{
	ok(f, berth_store_begin(f->store, &f->why));
}

void
commit(struct fixture *f)
{
	ok(f, berth_store_commit(f->store, &f->why));
}

void
tamper(struct fixture *f, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

struct berth_device_identity
identity(const char *serial)
{
	return (struct berth_device_identity){
		.manufacturer_key = BERTH_LIT("\x01\x02\x03\x04"),
		.serial_number = berth_text(serial),
	};
}

void
digest_of(const char *text, uint8_t out[BERTH_DIGEST_BYTES])
{
	assert_int_equal(mix(NULL, berth_text(text), out), BERTH_OK);
}
