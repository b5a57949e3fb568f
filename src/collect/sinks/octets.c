/* SPDX-License-Identifier: ISC */
#include "collect/sinks/octets.h"

#include <stdlib.h>
#include <string.h>

#define COMPARED_OCTETS 65536

static enum outcome
write_all(struct octets *to, struct bytes octets)
{
	int error = files_write_all(to->files, to->fd, octets, to->written);

	if (error != 0)
		return outcome_of_errno(-error);
	to->written += octets.octets;
	return OK;
}

static enum outcome
write_lf(struct octets *to, struct bytes in)
{
	unsigned char out[16384];
	enum outcome outcome = OK;

	while (in.octets > 0 && outcome == OK) {
		size_t held = 0, taken = 0;

		for (; taken < in.octets && held + 2 <= sizeof(out); taken++) {
			unsigned char octet = in.at[taken];

			if (to->is_after_cr && octet != '\n')
				out[held++] = '\r';
			to->is_after_cr = octet == '\r';
			if (!to->is_after_cr)
				out[held++] = octet;
		}
		outcome = write_all(to, bytes_of(out, held));
		in = bytes_after(in, taken);
	}
	return outcome;
}

enum outcome
octets_write(struct octets *to, struct bytes octets)
{
	return to->makes_lf ? write_lf(to, octets) : write_all(to, octets);
}

enum outcome
octets_end(struct octets *to)
{
	enum outcome outcome = OK;

	if (to->is_after_cr)
		outcome = write_all(to, bytes_of("\r", 1));
	to->files->close(to->files, &to->fd);
	return outcome;
}

bool
octets_are_equal(struct files *files, int a, int b)
{
	unsigned char *one = malloc(2 * COMPARED_OCTETS);
	ssize_t got = 1;
	bool is_same = one != NULL;

	for (uint64_t at = 0; is_same && got > 0; at += (uint64_t)got) {
		unsigned char *two = one + COMPARED_OCTETS;

		got = files_read_all(files, a, one, COMPARED_OCTETS, at);
		is_same = got >= 0 &&
			  files_read_all(files, b, two, COMPARED_OCTETS, at) ==
				  got &&
			  memcmp(one, two, (size_t)got) == 0;
	}
	free(one);
	return is_same;
}
