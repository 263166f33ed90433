/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a fuzz target over every file of a folder, each also cut off at every length (short files)
 * so that the corpus keeps on testing truncation without a fuzzer.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "fuzz.h"

#define INPUT_MAX (1 << 20)
#define TRUNCATED_MAX 2048 /* longer files are replayed whole only */

/* In memory of exactly its size, so that a sanitizer sees the first byte beyond. */
static void
give(const uint8_t *input, size_t n)
{
	uint8_t *exact = malloc(n ? n : 1);

	if (!exact) {
		abort();
	}
	memcpy(exact, input, n);
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
}

static int
replay(const char *folder, const char *name)
{
	static uint8_t input[INPUT_MAX];
	char path[4096];

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path)) {
		return 1;
	}
	FILE *file = fopen(path, "rb");

	if (!file) {
		perror(path);
		return 1;
	}
	size_t n = fread(input, 1, sizeof(input), file);

	fclose(file);
	printf("%s: %zu bytes\n", name, n);
	fflush(stdout);
	for (size_t k = 0; k < n && n <= TRUNCATED_MAX; k++) {
		give(input, k);
	}
	give(input, n);
	return 0;
}

int
main(int argc, char **argv)
{
	DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
	int failed = 0;
	int count = 0;

	if (!folder) {
		fprintf(stderr, "usage: replay FOLDER\n");
		return 2;
	}
	for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
		if (entry->d_name[0] != '.') {
			failed |= replay(argv[1], entry->d_name);
			count++;
		}
	}
	closedir(folder);
	return failed || count == 0;
}
