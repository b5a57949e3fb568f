/* SPDX-License-Identifier: ISC */
/*
 * disk - a file system in memory that knows what would be left of it after a
 * power cut: what was written since the last sync of a file, and what entries
 * were made, removed or renamed since the last sync of a directory, may be lost
 * or not. Everything else is as on a disk: unsynced octets outlive a process.
 *
 * A process is a table of file operations of its own above the disk: it can be
 * made to fail a call, or to die at one; then every later call fails.
 *
 * A rename is one change: it is lost or kept in both directories. Changes of a
 * directory reach the disk in their order, with the directory's time; those of
 * different ones in any. Sectors of 512 octets are whole or lost. Inode numbers
 * never come again.
 *
 * With is_forgetful a sync that fails is the last that is heard of what it was
 * to write: as with many kernels, the octets can be read and will not be on the
 * disk. What is a file's length and a directory's entry is kept.
 *
 * Nothing here depends on time, addresses or chance but through disk_world.
 */
#ifndef TESTS_DISK_DISK_H
#define TESTS_DISK_DISK_H

#include "store/files.h"

#define DISK_SECTOR_OCTETS 512
#define DISK_BLOCK_OCTETS  4096

struct disk;

/* What is not of the disk. */
struct disk_world {
	uint64_t (*now_ns)(void);
	uint64_t (*random)(void);
	uint64_t stamp_ns; /* times of files are multiples of it; 0: of 1 */
};

enum disk_loss {
	DISK_LOSES_ALL,	    /* nothing is kept but what was synced */
	DISK_LOSES_OCTETS,  /* entries are kept, octets are not: torsos */
	DISK_LOSES_ENTRIES, /* octets are kept, entries are not */
	DISK_LOSES_NOTHING, /* all had been written in time */
	DISK_LOSES_LAST,    /* all but the end of the last write */
	DISK_LOSES_SOME,    /* chance, for each change and sector */
	DISK_LOSSES,
};

struct disk *disk_new(const struct disk_world *world);
void disk_free(struct disk **disk);
/* No process has a descriptor open. A disk that is read again is of another
   start of the system: /proc/sys/kernel/random/boot_id says so. */
void disk_power_cut(struct disk *disk, enum disk_loss loss);
/* What can still be written; UINT64_MAX: any. */
void disk_set_room(struct disk *disk, uint64_t octets);
unsigned disk_boots(const struct disk *disk);

struct disk_process {
	struct files files; /* first */
	struct disk *disk;
	/* The n-th call from now on fails with `error`; the n-th that changes
	   something is the end of the process. 0: none. */
	unsigned fails_at, dies_at;
	int error;
	bool is_dead, is_forgetful;
	unsigned calls, changes; /* so far */
	unsigned failed;	 /* of them, as was wished */
	unsigned open;		 /* descriptors */
};

/* Calls of the process are counted and failed; embedded. */
void disk_process_init(struct disk_process *process, struct disk *disk);
/* A descriptor of the system for a file, read-only, which shows what is
   written to it later as well; a negative errno. */
int disk_export(struct disk_process *process, int fd);
/* Passes a descriptor on to another process; sets -1. */
int disk_hand_over(struct disk_process *from, int *fd, struct disk_process *to);

#endif
