/* SPDX-License-Identifier: ISC */
#include "store/mbox/from_line.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char days[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* Three letters of a table of names of three; -1: none of them. */
static int
name_in(const char *table, const unsigned char *at)
{
	for (int i = 0; table[i * 3]; i++)
		if (memcmp(table + (size_t)i * 3, at, 3) == 0)
			return i;
	return -1;
}

static bool
is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

/* Up to `most` digits, taken off the front; -1: none. */
static int
take_number(struct bytes *rest, int most)
{
	int value = 0, count = 0;

	while (count < most && rest->octets > 0 && is_digit(rest->at[0])) {
		value = value * 10 + (rest->at[0] - '0');
		*rest = bytes_after(*rest, 1);
		count++;
	}
	return count > 0 ? value : -1;
}

static bool
take(struct bytes *rest, char c)
{
	if (rest->octets == 0 || rest->at[0] != (unsigned char)c)
		return false;
	*rest = bytes_after(*rest, 1);
	return true;
}

static void
take_spaces(struct bytes *rest)
{
	while (take(rest, ' '))
		continue;
}

/* "08:30", and ":00" if it is there. */
static bool
take_time(struct bytes *rest, struct tm *out)
{
	out->tm_hour = take_number(rest, 2);
	if (out->tm_hour < 0 || out->tm_hour > 23 || !take(rest, ':'))
		return false;
	out->tm_min = take_number(rest, 2);
	if (out->tm_min < 0 || out->tm_min > 59)
		return false;
	out->tm_sec = take(rest, ':') ? take_number(rest, 2) : 0;
	return out->tm_sec >= 0 && out->tm_sec <= 60;
}

/* The year stands behind, perhaps with a zone in front of it. */
static void
find_year(struct bytes rest, struct tm *out)
{
	while (rest.octets > 0) {
		struct bytes word;

		take_spaces(&rest);
		word = bytes_cut(&rest, ' ');
		if (word.octets == 4 && is_digit(word.at[0]) &&
			is_digit(word.at[1]) && is_digit(word.at[2]) &&
			is_digit(word.at[3]))
			out->tm_year = take_number(&word, 4) - 1900;
	}
}

/* "Thu Nov 19 08:30" at the front. */
static bool
take_date(struct bytes rest, struct tm *out)
{
	*out = (struct tm){0};
	if (rest.octets < sizeof("Sun Jan 1 0:00") - 1 ||
		name_in(days, rest.at) < 0 || rest.at[3] != ' ')
		return false;
	out->tm_mon = name_in(months, rest.at + 4);
	if (out->tm_mon < 0 || rest.at[7] != ' ')
		return false;
	rest = bytes_after(rest, 8);
	take_spaces(&rest);
	out->tm_mday = take_number(&rest, 2);
	if (out->tm_mday < 1 || out->tm_mday > 31 || !take(&rest, ' '))
		return false;
	if (!take_time(&rest, out))
		return false;
	find_year(rest, out);
	return true;
}

static bool
find_date(struct bytes line, struct tm *out)
{
	if (line.octets > FROM_LINE_OCTETS - 1 || line.octets < 5 ||
		memcmp(line.at, "From ", 5) != 0)
		return false;
	for (size_t i = 4; i + 1 < line.octets; i++)
		if (line.at[i] == ' ' &&
			take_date(bytes_after(line, i + 1), out))
			return true;
	return false;
}

bool
from_line_is(struct bytes line)
{
	struct tm date;

	return find_date(line, &date);
}

uint64_t
from_line_seconds(struct bytes line)
{
	struct tm date;
	time_t seconds;

	if (!find_date(line, &date) || date.tm_year == 0)
		return 0;
	seconds = timegm(&date);
	return seconds > 0 ? (uint64_t)seconds : 0;
}

static bool
is_usable(struct bytes sender)
{
	if (sender.octets == 0 || sender.octets > FROM_LINE_SENDER_OCTETS)
		return false;
	for (size_t i = 0; i < sender.octets; i++)
		if (sender.at[i] <= ' ' || sender.at[i] >= 0x7F)
			return false;
	return true;
}

size_t
from_line_write(
	char out[FROM_LINE_OCTETS], struct bytes sender, uint64_t seconds)
{
	time_t time = (time_t)seconds;
	struct tm date;

	if (!is_usable(sender))
		sender = bytes_of_string("MAILER-DAEMON");
	if (!gmtime_r(&time, &date))
		date = (struct tm){.tm_mday = 1, .tm_year = 70};
	return (size_t)snprintf(out, FROM_LINE_OCTETS,
		"From %.*s %.3s %.3s %2d %02d:%02d:%02d %d\n",
		(int)sender.octets, (const char *)sender.at,
		days + (size_t)date.tm_wday * 3,
		months + (size_t)date.tm_mon * 3, date.tm_mday, date.tm_hour,
		date.tm_min, date.tm_sec, date.tm_year + 1900);
}
