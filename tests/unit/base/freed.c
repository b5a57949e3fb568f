/* SPDX-License-Identifier: ISC */
#include "freed.h"

#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const char *watched;
static unsigned count;

void __real_free(void *memory);
void *__real_realloc(void *memory, size_t octets);
void __wrap_free(void *memory);
void *__wrap_realloc(void *memory, size_t octets);

void
freed_watch(const char *word)
{
	watched = word;
	count = 0;
}

unsigned
freed_count(void)
{
	return count;
}

static void
look(const void *memory)
{
	if (memory && watched &&
		memmem(memory, malloc_usable_size((void *)(size_t)memory),
			watched, strlen(watched)))
		count++;
}

void
__wrap_free(void *memory)
{
	look(memory);
	__real_free(memory);
}

/* Where it moves to is its own business: what it held may stay behind. */
void *
__wrap_realloc(void *memory, size_t octets)
{
	look(memory);
	return __real_realloc(memory, octets);
}
