/* SPDX-License-Identifier: ISC */
/*
 * The delivery journal: groups of records, some void, then octets changed
 * anywhere. Unchanged, what is read is what was written and is not void, in its
 * order; changed, it is a part of that and never anything else.
 */
#include "fuzz.h"
#include "one_file.h"

#include <fcntl.h>

#include "store/maildir/delivery_log.h"

#define RECORDS_MAXIMUM 20
#define MESSAGE_OCTETS	600
#define GROUP_OCTETS	65536
#define HEADER_OCTETS	64
#define STATE_OFFSET	12
#define STATE_LAST	15
#define FLIPS_MAXIMUM	8

struct written {
	struct delivery_record record;
	char mailbox[8], name[16];
	unsigned char message[MESSAGE_OCTETS];
	uint64_t offset;
	bool is_void;
};

struct log_test {
	struct delivery_log log;
	struct written written[RECORDS_MAXIMUM];
	unsigned count, next;
	bool is_changed;
};

static void
make_record(struct written *w, unsigned number, struct bytes *in)
{
	size_t octets = fuzz_take_octet(in) * 2u;

	snprintf(w->mailbox, sizeof(w->mailbox), "m%u", number % 3);
	snprintf(w->name, sizeof(w->name), "name%u", number);
	memset(w->message, fuzz_take_octet(in), sizeof(w->message));
	w->record = (struct delivery_record){bytes_of_string(w->mailbox),
		bytes_of_string(w->name), bytes_of(w->message, octets)};
}

/* Some records in one write; where the next group may begin. */
static uint64_t
write_group(struct log_test *t, uint64_t offset, struct bytes *in)
{
	static unsigned char group[GROUP_OCTETS];
	unsigned count = fuzz_take_octet(in) % 5u + 1;
	size_t used = 0;

	while (count-- > 0 && t->count < RECORDS_MAXIMUM) {
		struct written *w = &t->written[t->count];

		make_record(w, t->count++, in);
		w->offset = offset + used;
		w->is_void = fuzz_take_octet(in) % 4u == 0;
		delivery_record_encode(
			&t->log, w->offset, &w->record, group + used);
		used += delivery_record_octets(&w->record);
	}
	assert_int_equal(
		delivery_log_write(&t->log, offset, bytes_of(group, used)), OK);
	offset += used + DELIVERY_GROUP_ALIGNED - 1;
	return offset - offset % DELIVERY_GROUP_ALIGNED;
}

static void
make_voids(struct log_test *t)
{
	for (unsigned i = 0; i < t->count; i++)
		if (t->written[i].is_void)
			assert_int_equal(delivery_log_void(
						 &t->log, t->written[i].offset),
				OK);
}

/* The state alone is outside of the checksum: a void record may come back. */
static bool
is_state(const struct log_test *t, uint64_t offset)
{
	for (unsigned i = 0; i < t->count; i++)
		if (offset >= t->written[i].offset + STATE_OFFSET &&
			offset <= t->written[i].offset + STATE_LAST)
			return true;
	return false;
}

static void
change(struct log_test *t, struct bytes *in)
{
	unsigned flips = fuzz_take_octet(in) % FLIPS_MAXIMUM;

	while (flips-- > 0) {
		uint64_t offset = DELIVERY_LOG_START +
				  fuzz_take_octet(in) * 256u +
				  fuzz_take_octet(in);
		uint8_t with = fuzz_take_octet(in);

		if (is_state(t, offset) || with == 0)
			continue;
		one_file_flip(offset, with);
		t->is_changed = true;
	}
}

static bool
is_same(const struct written *w, const struct delivery_record *record)
{
	return bytes_equal(w->record.mailbox, record->mailbox) &&
	       bytes_equal(w->record.name, record->name) &&
	       bytes_equal(w->record.message, record->message);
}

static enum outcome
on_record(void *context, const struct delivery_record *record)
{
	struct log_test *t = context;

	while (t->next < t->count &&
		(t->written[t->next].is_void ||
			(t->is_changed &&
				!is_same(&t->written[t->next], record))))
		t->next++;
	assert_true(t->next < t->count);
	assert_true(is_same(&t->written[t->next], record));
	t->next++;
	return OK;
}

/* The file as a new journal is. */
static void
begin(struct log_test *t, uint64_t generation)
{
	*t = (struct log_test){.log = {.files = &one_file,
				       .octets = DELIVERY_LOG_MINIMUM,
				       .descriptor = ONE_FILE_DESCRIPTOR,
				       .generation = generation}};
	one_file_set(BYTES_NONE, DELIVERY_LOG_MINIMUM);
	assert_int_equal(delivery_log_renew(&t->log, 7), OK);
}

static void
check_header(struct log_test *t, unsigned flags, uint64_t pace)
{
	struct delivery_log log = {
		.files = &one_file, .octets = DELIVERY_LOG_MINIMUM};
	bool is_wrong = flags & 1;

	if (is_wrong)
		one_file_flip(pace % 40u, 1);
	assert_int_equal(
		delivery_log_open(&log, false, 7), is_wrong ? ERR_BROKEN : OK);
	if (!is_wrong)
		assert_int_equal(log.generation, t->log.generation);
	delivery_log_close(&log);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
	static struct log_test t;
	struct bytes in = bytes_of(data, octets);
	struct fuzz_head head = fuzz_take_head(&in);
	uint64_t offset = DELIVERY_LOG_START;

	begin(&t, head.pace);
	while (in.octets > 30 && t.count < RECORDS_MAXIMUM)
		offset = write_group(&t, offset, &in);
	make_voids(&t);
	change(&t, &in);
	assert_int_equal(delivery_log_read(&t.log, on_record, &t), OK);
	while (t.next < t.count && (t.is_changed || t.written[t.next].is_void))
		t.next++;
	assert_int_equal(t.next, t.count);
	check_header(&t, head.flags, head.pace);
	return 0;
}
