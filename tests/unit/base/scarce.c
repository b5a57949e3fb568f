/* SPDX-License-Identifier: ISC */
#include "scarce.h"

#include <stddef.h>

static unsigned calls_left;
static bool has_failed;

void *__real_malloc(size_t octets);
void *__real_calloc(size_t count, size_t octets);
void *__wrap_malloc(size_t octets);
void *__wrap_calloc(size_t count, size_t octets);

void
scarce_from(unsigned number)
{
	calls_left = number;
	has_failed = false;
}

bool
scarce_has_failed(void)
{
	calls_left = 0;
	return has_failed;
}

bool
scarce_fails(void)
{
	if (calls_left == 0 || --calls_left > 0)
		return false;
	has_failed = true;
	return true;
}

void *
__wrap_malloc(size_t octets)
{
	return scarce_fails() ? NULL : __real_malloc(octets);
}

void *
__wrap_calloc(size_t count, size_t octets)
{
	return scarce_fails() ? NULL : __real_calloc(count, octets);
}
