/* SPDX-License-Identifier: ISC */
#include "collect/sinks/octets.h"

#include <errno.h>
#include <unistd.h>

enum outcome
octets_write(int fd, struct bytes octets)
{
	while (octets.octets > 0) {
		ssize_t done = write(fd, octets.at, octets.octets);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return outcome_of_errno(errno);
		octets = bytes_after(octets, (size_t)done);
	}
	return OK;
}

enum outcome
octets_write_lf(int fd, bool *is_after_cr, struct bytes in)
{
	unsigned char out[16384];
	enum outcome outcome = OK;

	while (in.octets > 0 && outcome == OK) {
		size_t held = 0, taken = 0;

		for (; taken < in.octets && held + 2 <= sizeof(out); taken++) {
			unsigned char octet = in.at[taken];

			if (*is_after_cr && octet != '\n')
				out[held++] = '\r';
			*is_after_cr = octet == '\r';
			if (!*is_after_cr)
				out[held++] = octet;
		}
		outcome = octets_write(fd, bytes_of(out, held));
		in = bytes_after(in, taken);
	}
	return outcome;
}
