/* SPDX-License-Identifier: ISC */
#include "box.h"
#include "wire/dot_encoder.h"

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define TEXT_MAXIMUM_OCTETS    (256u << 20)
#define MESSAGE_MAXIMUM_OCTETS (64u << 20)
#define PATH_SIZE	       4096

static struct box *boxes_known;

static int
by_path(const void *a, const void *b)
{
	return strcmp(((const struct box_message *)a)->path,
		((const struct box_message *)b)->path);
}

static void
add_message(struct box *box, const char *folder, const char *name)
{
	struct box_message *m = &box->messages[box->count];
	char path[PATH_SIZE];
	struct stat stat_of;

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= PATH_SIZE)
		errx(EX_DATAERR, "%s: too long", path);
	m->path = strdup(path);
	if (!m->path || stat(path, &stat_of) < 0)
		err(EX_OSERR, "%s", path);
	m->octets = (uint64_t)stat_of.st_size;
	box->octets += m->octets;
	box->count++;
}

static void
read_folder(struct box *box, const char *folder)
{
	DIR *directory = opendir(folder);
	struct dirent *entry;
	size_t room = 0;

	if (!directory)
		return;
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		if (box->count == room) {
			room = room ? 2 * room : 2;
			box->messages = reallocarray(
				box->messages, room, sizeof(*box->messages));
		}
		if (!box->messages)
			err(EX_OSERR, "%s", folder);
		add_message(box, folder, entry->d_name);
	}
	closedir(directory);
	if (box->count > 1)
		qsort(box->messages, box->count, sizeof(*box->messages),
			by_path);
}

/* Both end as they go out. UIDLs as long as ours. */
static void
write_texts(struct box *box)
{
	bool fits = buffer_append_string(&box->list, "+OK\r\n") &&
		    buffer_append_string(&box->uidl, "+OK\r\n");

	for (size_t i = 0; i < box->count; i++)
		fits = fits &&
		       buffer_printf(&box->list, "%zu %" PRIu64 "\r\n", i + 1,
			       box->messages[i].octets) &&
		       buffer_printf(&box->uidl, "%zu %026zu\r\n", i + 1, i);
	if (!fits || !buffer_append_string(&box->list, ".\r\n") ||
		!buffer_append_string(&box->uidl, ".\r\n"))
		errx(EX_OSERR, "a box of %zu messages is too large",
			box->count);
}

static struct box *
make(const char *boxes, const char *name)
{
	struct box *box = calloc(1, sizeof(*box));
	char folder[PATH_SIZE];

	snprintf(folder, sizeof(folder), "%s/%s/cur", boxes, name);
	if (!box || !(box->name = strdup(name)))
		err(EX_OSERR, "%s", name);
	box->fd = -1;
	buffer_init(&box->list, TEXT_MAXIMUM_OCTETS);
	buffer_init(&box->uidl, TEXT_MAXIMUM_OCTETS);
	read_folder(box, folder);
	write_texts(box);
	box->next = boxes_known;
	boxes_known = box;
	return box;
}

struct box *
box_find(const char *boxes, const char *name)
{
	for (struct box *box = boxes_known; box; box = box->next)
		if (strcmp(box->name, name) == 0)
			return box;
	return make(boxes, name);
}

/* ---- messages ---- */

static struct bytes
read_file(const char *path)
{
	static unsigned char memory[MESSAGE_MAXIMUM_OCTETS];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t octets = fd < 0 ? -1 : read(fd, memory, sizeof(memory));

	if (octets < 0)
		err(EX_OSERR, "%s", path);
	close(fd);
	return bytes_of(memory, (size_t)octets);
}

static void
append_message(struct box *box, struct box_message *m, uint64_t at)
{
	static unsigned char out[2 * MESSAGE_MAXIMUM_OCTETS];
	struct bytes in = read_file(m->path);
	struct dot_encoder encoder;
	size_t octets;

	dot_encoder_init(&encoder);
	octets = dot_encoder_put(&encoder, &in, out, sizeof(out) - 8);
	octets += dot_encoder_end(&encoder, out + octets);
	if (pwrite(box->fd, out, octets, (off_t)at) != (ssize_t)octets)
		err(EX_OSERR, "memory for messages");
	m->at = at;
	m->sent_octets = octets;
}

void
box_load(struct box *box)
{
	uint64_t at = 0;

	if (box->fd >= 0)
		return;
	box->fd = memfd_create(box->name, MFD_CLOEXEC);
	if (box->fd < 0)
		err(EX_OSERR, "memfd_create");
	for (size_t i = 0; i < box->count; i++) {
		append_message(box, &box->messages[i], at);
		at += box->messages[i].sent_octets;
	}
	if (at == 0)
		return;
	box->memory = mmap(NULL, at, PROT_READ, MAP_SHARED, box->fd, 0);
	if (box->memory == MAP_FAILED)
		err(EX_OSERR, "mmap");
}
