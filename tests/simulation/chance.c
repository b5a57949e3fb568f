/* SPDX-License-Identifier: ISC */
/* splitmix64: small, and good enough to decide what breaks next. */
#include "chance.h"

static uint64_t state;

void
chance_begin(uint64_t seed)
{
	state = seed;
}

uint64_t
chance_number(void)
{
	uint64_t z = (state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

uint64_t
chance_below(uint64_t n)
{
	return chance_number() % n;
}

bool
chance_one_in(uint64_t n)
{
	return chance_below(n) == 0;
}

uint64_t
chance_between(uint64_t least, uint64_t most)
{
	uint64_t range = most - least + 1;

	for (unsigned i = (unsigned)chance_below(4); i > 0 && range > 8; i--)
		range /= 8;
	return least + chance_below(range);
}
