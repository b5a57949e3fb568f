/* SPDX-License-Identifier: ISC */
/*
 * Runs a target, in a build without libFuzzer, on the files and on all files of
 * the folders that it is given. A folder that is not there holds none: not every
 * target has had a finding. The last line counts them.
 */
#include "fuzz.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define FILE_MAXIMUM_OCTETS (1u << 20)

/* What asks for more has believed its input. Sanitizers need more. */
#define MEMORY_MAXIMUM_OCTETS (512u << 20)
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

static unsigned replayed;

static int
replay(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
	FILE *file = kind == FTW_F ? fopen(path, "rbe") : NULL;
	unsigned char *octets = malloc(FILE_MAXIMUM_OCTETS);
	size_t count;

	if (file && octets) {
		count = fread(octets, 1, FILE_MAXIMUM_OCTETS, file);
		/* Said before, since a failure ends the program. */
		printf("%s\n", path);
		fflush(stdout);
		(void)LLVMFuzzerTestOneInput(octets, count);
		replayed++;
	}
	if (file)
		(void)fclose(file);
	free(octets);
	return 0;
}

static int
limit_memory(void)
{
#ifdef __SANITIZE_ADDRESS__
	return 0;
#else
	struct rlimit limit = {MEMORY_MAXIMUM_OCTETS, MEMORY_MAXIMUM_OCTETS};

	return setrlimit(RLIMIT_DATA, &limit);
#endif
}

int
main(int argc, char **argv)
{
	if (LLVMFuzzerInitialize(&argc, &argv) != 0 || limit_memory() != 0)
		return 1;
	for (int i = 1; i < argc; i++)
		(void)nftw(argv[i], replay, 16, FTW_PHYS);
	(void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	printf("%u passed, 0 failed\n", replayed + 1);
	return 0;
}
