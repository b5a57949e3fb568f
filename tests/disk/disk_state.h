/* SPDX-License-Identifier: ISC */
/* disk_state - what the files of the disk share. Nobody else includes it. */
#ifndef TESTS_DISK_DISK_STATE_H
#define TESTS_DISK_DISK_STATE_H

#include "disk.h"

#define DISK_FIRST_DESCRIPTOR (1 << 20) /* none of the system's */

struct entry {
	char *name;
	struct inode *inode;
};

struct entries {
	struct entry *at;
	unsigned count, capacity;
};

enum write_kind { WRITE_OCTETS, WRITE_GROW, WRITE_CUT };

/* Not on the disk yet. */
struct write {
	struct write *next;
	enum write_kind kind;
	uint64_t offset;
	size_t octets;
	unsigned char at[];
};

struct content {
	unsigned char *at;
	size_t octets, capacity;
};

struct inode {
	struct inode *next, **back; /* of all */
	unsigned holds;		    /* entries, changes, descriptors */
	uint64_t number, changed_ns;
	uint64_t blocks; /* that it has taken */
	bool is_directory;
	/* of a directory */
	struct inode *parent;
	uint64_t disk_changed_ns;
	bool has_lost; /* a change, in this power cut */
	struct entries now_entries, disk_entries;
	/* of a file */
	struct content now, disk;
	struct write *writes, **last_write;
	int exported; /* of the system, or -1 */
};

/* Of entries, not on the disk yet: `from` loses one, `to` gets one, or both. */
struct change {
	struct change *next;
	struct inode *from, *to, *what;
	char *from_name, *to_name;
	uint64_t at_ns;
};

struct descriptor {
	struct inode *inode; /* NULL: free */
	struct disk_process *owner;
};

struct disk {
	struct disk_world world;
	struct inode *inodes, *root, *boot_id;
	struct change *changes, **last_change;
	struct descriptor *descriptors;
	unsigned descriptor_count;
	uint64_t next_inode;
	uint64_t free_blocks;
	unsigned boots;
};

void *disk_allocate(size_t octets);

/* ---- tree.c ---- */

struct inode *inode_new(struct disk *disk, bool is_directory);
void inode_hold(struct inode *inode);
void inode_drop(struct disk *disk, struct inode *inode);
void inode_touch(struct disk *disk, struct inode *inode);
struct inode *entries_find(const struct entries *entries, const char *name);
void entries_set(struct disk *disk, struct entries *entries, const char *name,
	struct inode *inode);
void entries_release(struct disk *disk, struct entries *entries);
/* In what is now, and in what is still to be written. */
void change_make(struct disk *disk, struct inode *from, const char *from_name,
	struct inode *to, const char *to_name, struct inode *what);
/* Everything about the directory is on the disk, with what came before in other
   directories that it shares a rename with. */
void changes_sync(struct disk *disk, const struct inode *directory);
/* The first one is on the disk, or lost. */
void changes_end_first(struct disk *disk, bool is_kept);

/* ---- paths.c ---- */

int disk_open_inode(struct disk_process *process, struct inode *inode);
/* Of an open file of this process; anything else is the end. */
struct descriptor *disk_descriptor(struct disk_process *process, int fd);
struct inode *disk_inode(struct disk_process *process, int fd);
/* One component on; NULL: there is none. */
struct inode *disk_step(struct inode *directory, const char *name);
/* The directory that the last component is in; a negative errno else. */
int disk_walk(struct disk_process *process, int fd, const char *path,
	struct inode **out, char out_name[256]);
struct inode *disk_find(
	struct disk_process *process, int fd, const char *path, int *out_error);

/* ---- content.c ---- */

/* Negative errno when there is no room. */
int content_write(struct disk *disk, struct inode *inode, const void *from,
	size_t octets, uint64_t offset);
int content_grow(struct disk *disk, struct inode *inode, uint64_t octets);
void content_cut(struct disk *disk, struct inode *inode, uint64_t octets);
void content_sync(struct inode *inode);
/* What was to be written never will be, and looks as if it had been. */
void content_give_up(struct inode *inode);
/* The first pending write reaches the disk, with the sectors that `keeps` says
   yes to; NULL: it is lost. */
void content_end_first(struct inode *inode,
	bool (*keeps)(struct disk *disk, bool is_last_sector),
	struct disk *disk);
void content_power_cut(struct inode *inode);
void content_release(struct inode *inode);
void content_export(struct inode *inode);

#endif
