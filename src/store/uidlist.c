/* SPDX-License-Identifier: ISC */
#include "store/uidlist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/index_format.h"

#define WIDTH_MAXIMUM 20

struct reading {
	struct uidlist *list;
	const char *format;
	uint64_t validity; /* Dovecot's, of the whole file */
	const char *wrong; /* about the line in hand */
};

static struct uidlist_entry *
add(struct reading *reading)
{
	struct uidlist *list = reading->list;

	if (list->count == list->capacity) {
		uint32_t capacity = list->capacity * 2 + 64;
		struct uidlist_entry *more =
			list->count >= UIDLIST_MAXIMUM_ENTRIES
				? NULL
				: realloc(list->entries,
					  capacity * sizeof(*more));

		if (!more)
			return NULL;
		list->entries = more;
		list->capacity = capacity;
	}
	memset(&list->entries[list->count], 0, sizeof(*list->entries));
	return &list->entries[list->count++];
}

static enum outcome
refuse(struct reading *reading, const char *wrong)
{
	reading->wrong = wrong;
	return ERR_PEER;
}

static bool
take_number(struct bytes *rest, unsigned char end, uint64_t *out)
{
	return bytes_to_number(bytes_cut(rest, end), UINT32_MAX, out);
}

/* ---- what Dovecot makes of its format ---- */

struct variables {
	uint64_t uid, validity;
	struct bytes name; /* without its flags */
};

struct field {
	bool is_hexadecimal, is_filled;
	unsigned width;
	char letter;
};

/* Behind the "%"; the rest of the format, or NULL. */
static const char *
read_field(const char *at, struct field *out)
{
	*out = (struct field){0};
	if (*at == '0') {
		out->is_filled = true;
		at++;
	}
	while (*at >= '0' && *at <= '9' && out->width <= WIDTH_MAXIMUM)
		out->width = out->width * 10 + (unsigned)(*at++ - '0');
	if (*at == 'X') {
		out->is_hexadecimal = true;
		at++;
	}
	out->letter = *at;
	return out->width <= WIDTH_MAXIMUM && *at && strchr("uvf%", *at)
		       ? at + 1
		       : NULL;
}

static int
print_field(const struct field *field, const struct variables *variables,
	char *to, size_t room)
{
	unsigned long long number =
		field->letter == 'u' ? variables->uid : variables->validity;
	int width = (int)field->width;

	if (field->letter == '%')
		return snprintf(to, room, "%%");
	if (field->letter == 'f')
		return snprintf(to, room, "%.*s", (int)variables->name.octets,
			(const char *)variables->name.at);
	if (field->is_hexadecimal)
		return snprintf(to, room, field->is_filled ? "%0*llx" : "%*llx",
			width, number);
	return snprintf(
		to, room, field->is_filled ? "%0*llu" : "%*llu", width, number);
}

static bool
print_format(const char *format, const struct variables *variables,
	char out[UIDL_MAXIMUM_OCTETS + 1])
{
	size_t octets = 0;

	while (*format) {
		struct field field;
		int n = 1;

		if (*format != '%') {
			out[octets] = *format++;
		} else {
			format = read_field(format + 1, &field);
			n = format ? print_field(&field, variables,
					     out + octets,
					     UIDL_MAXIMUM_OCTETS + 1 - octets)
				   : -1;
		}
		if (n < 0 || octets + (size_t)n > UIDL_MAXIMUM_OCTETS)
			return false;
		octets += (size_t)n;
	}
	out[octets] = '\0';
	return true;
}

/* ---- lines ---- */

/* "25006 PUIDL W1394 :1276528487.M364837P9451.host,S=1355:2,": a UIDL of its
   own was given to the message earlier, by another server mostly. */
static enum outcome
read_dovecot_line(struct reading *reading, struct bytes line)
{
	struct variables variables = {.validity = reading->validity};
	struct uidlist_entry *entry = add(reading);
	struct bytes own = {0};

	if (!entry)
		return ERR_TRY_LATER;
	if (!take_number(&line, ' ', &variables.uid))
		return refuse(reading, "no UID stands at its front");
	while (line.octets > 0 && line.at[0] != ':') {
		struct bytes field = bytes_cut(&line, ' ');

		if (field.octets > 1 && field.at[0] == 'P')
			own = bytes_after(field, 1);
	}
	if (line.octets < 2)
		return refuse(reading, "it names no file");
	entry->name = bytes_after(line, 1);
	line = entry->name;
	variables.name = bytes_cut(&line, ':');
	if (own.octets > 0 ? !bytes_to_string(
				     own, entry->uidl, sizeof(entry->uidl))
			   : !print_format(
				     reading->format, &variables, entry->uidl))
		return refuse(reading, "its UIDL is too long, or the format is "
				       "none of %u, %v and %f");
	return OK;
}

/* "25006 1276528487.M364837P9451.host:2,S" */
static enum outcome
read_dovecot_1_line(struct reading *reading, struct bytes line)
{
	struct variables variables = {.validity = reading->validity};
	struct uidlist_entry *entry = add(reading);

	if (!entry)
		return ERR_TRY_LATER;
	if (!take_number(&line, ' ', &variables.uid) || line.octets == 0)
		return refuse(reading, "it is no UID and a file");
	entry->name = line;
	variables.name = bytes_cut(&line, ':');
	return print_format(reading->format, &variables, entry->uidl)
		       ? OK
		       : refuse(reading, "its UIDL is too long, or the format "
					 "is none of %u, %v and %f");
}

/* "1276528487.M364837P9451.host:2,S 1355 17:1276528400:0": no validity in what
   Courier took over from its first version. */
static enum outcome
read_courier_line(struct reading *reading, struct bytes line)
{
	struct uidlist_entry *entry = add(reading);
	unsigned long long uid;
	uint64_t octets, number, validity;

	if (!entry)
		return ERR_TRY_LATER;
	entry->name = bytes_cut(&line, ' ');
	if (entry->name.octets == 0 || !take_number(&line, ' ', &octets) ||
		!take_number(&line, ':', &number) ||
		!take_number(&line, ':', &validity))
		return refuse(reading, "it is no file, size and UID");
	uid = number;
	if (validity == 0)
		snprintf(entry->uidl, sizeof(entry->uidl), "UID%llu", uid);
	else
		snprintf(entry->uidl, sizeof(entry->uidl), "UID%llu-%llu", uid,
			(unsigned long long)validity);
	return OK;
}

typedef enum outcome (*read_line)(struct reading *reading, struct bytes line);

/* Of the first line: "3 V1275660208 N25022 G...", "1 1275660208 25022" or
   "/3 6 1276528487". NULL: neither. */
static read_line
read_head(struct reading *reading, struct bytes line)
{
	struct bytes version = bytes_cut(&line, ' ');

	if (bytes_equal(version, bytes_of_string("/2")) ||
		bytes_equal(version, bytes_of_string("/3")))
		return read_courier_line;
	if (bytes_equal(version, bytes_of_string("1")))
		return take_number(&line, ' ', &reading->validity)
			       ? read_dovecot_1_line
			       : NULL;
	if (!bytes_equal(version, bytes_of_string("3")))
		return NULL;
	while (line.octets > 0) {
		struct bytes field = bytes_cut(&line, ' ');

		if (field.octets > 1 && field.at[0] == 'V' &&
			bytes_to_number(bytes_after(field, 1), UINT32_MAX,
				&reading->validity))
			return read_dovecot_line;
	}
	return NULL;
}

/* ---- all of it ---- */

static int
compare(const void *a, const void *b)
{
	const struct uidlist_entry *left = a, *right = b;

	return strcmp(left->uidl, right->uidl);
}

static enum outcome
put_in_order(struct uidlist *list, char error[UIDLIST_ERROR_SIZE])
{
	uint32_t kept = 0;

	if (list->count > 1)
		qsort(list->entries, list->count, sizeof(*list->entries),
			compare);
	for (uint32_t i = 0; i < list->count; i++) {
		const struct uidlist_entry *entry = &list->entries[i];

		if (kept > 0 && !compare(&list->entries[kept - 1], entry)) {
			/* One that was renamed stands there again. */
			if (bytes_equal(
				    list->entries[kept - 1].name, entry->name))
				continue;
			snprintf(error, UIDLIST_ERROR_SIZE,
				"two messages have the UIDL %s", entry->uidl);
			return ERR_PEER;
		}
		list->entries[kept++] = *entry;
	}
	list->count = kept;
	return OK;
}

static enum outcome
read_lines(struct reading *reading, struct bytes text, unsigned *number)
{
	read_line read = read_head(reading, bytes_cut(&text, '\n'));
	enum outcome outcome = OK;

	*number = 1;
	if (!read)
		return refuse(reading, "it begins neither as a dovecot-uidlist "
				       "nor as a courierpop3dsizelist");
	while (text.octets > 0 && outcome == OK) {
		const struct uidlist *list = reading->list;

		++*number;
		outcome = read(reading, bytes_cut(&text, '\n'));
		if (outcome == OK &&
			!uidl_is_valid(bytes_of_string(
				list->entries[list->count - 1].uidl)))
			outcome = refuse(reading, "that cannot be a UIDL");
	}
	return outcome;
}

enum outcome
uidlist_read(struct bytes text, const char *format, struct uidlist *out,
	char error[UIDLIST_ERROR_SIZE])
{
	struct reading reading = {
		.list = out, .format = format, .wrong = "memory is short"};
	unsigned number;
	enum outcome outcome = read_lines(&reading, text, &number);

	if (outcome != OK)
		snprintf(error, UIDLIST_ERROR_SIZE, "line %u: %s", number,
			reading.wrong);
	if (outcome == OK)
		outcome = put_in_order(out, error);
	if (outcome != OK)
		uidlist_release(out);
	return outcome;
}

void
uidlist_release(struct uidlist *list)
{
	free(list->entries);
	*list = UIDLIST_EMPTY;
}

const struct uidlist_entry *
uidlist_find(const struct uidlist *list, struct bytes uidl)
{
	struct uidlist_entry wanted = {.uidl = ""};

	if (list->count == 0 ||
		!bytes_to_string(uidl, wanted.uidl, sizeof(wanted.uidl)))
		return NULL;
	return bsearch(&wanted, list->entries, list->count,
		sizeof(*list->entries), compare);
}
