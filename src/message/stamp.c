/* SPDX-License-Identifier: ISC */
#include "message/stamp.h"

#include <string.h>
#include <time.h>

static bool
is_clean(struct bytes text)
{
	for (size_t i = 0; i < text.octets; i++)
		if (text.at[i] < ' ' || text.at[i] == 0x7f)
			return false;
	return true;
}

/* What stands in an RFC 5321 "from" clause must be one word. */
static bool
put_word(struct buffer *out, struct bytes word)
{
	for (size_t i = 0; i < word.octets; i++) {
		unsigned char octet = word.at[i];

		if (octet == ' ' || octet == '(' || octet == ')')
			octet = '?';
		if (!buffer_append(out, &octet, 1))
			return false;
	}
	return true;
}

/* The names of days and months are the RFC's, whatever the locale. */
static bool
put_date(struct buffer *out, uint64_t now_seconds)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t now = (time_t)now_seconds;
	struct tm utc;

	if (!gmtime_r(&now, &utc))
		return false;
	return buffer_printf(out, "%.3s, %d %.3s %d %02d:%02d:%02d +0000",
		days + 3 * utc.tm_wday, utc.tm_mday, months + 3 * utc.tm_mon,
		utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

static bool
put_field(struct buffer *out, const char *name, struct bytes value)
{
	return buffer_append_string(out, name) &&
	       buffer_append_bytes(out, value);
}

static bool
put_received(const struct stamp *stamp, struct buffer *out)
{
	return buffer_append_string(out, "Received: from ") &&
	       put_word(out, stamp->helo) &&
	       put_field(out, " (", stamp->peer) &&
	       put_field(out, ")\r\n\tby ", stamp->hostname) &&
	       put_field(out, " with ", bytes_of_string(stamp->protocol)) &&
	       put_field(out, " id ", stamp->id) &&
	       put_field(out, "\r\n\tfor <", stamp->recipient) &&
	       buffer_append_string(out, ">; ") &&
	       put_date(out, stamp->now_seconds) &&
	       buffer_append_string(out, "\r\n");
}

bool
stamp_write(const struct stamp *stamp, struct buffer *out)
{
	size_t before = out->octets;

	if (is_clean(stamp->reverse_path) && is_clean(stamp->recipient) &&
		is_clean(stamp->helo) && is_clean(stamp->peer) &&
		is_clean(stamp->hostname) && is_clean(stamp->id) &&
		put_field(out, "Return-Path: <", stamp->reverse_path) &&
		put_field(out, ">\r\nDelivered-To: ", stamp->recipient) &&
		buffer_append_string(out, "\r\n") && put_received(stamp, out))
		return true;
	out->octets = before;
	return false;
}
