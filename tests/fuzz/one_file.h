/* SPDX-License-Identifier: ISC */
/*
 * one_file - system calls of a store whose every path is the same file, in
 * memory: what a parser of files is given without a disk. A descriptor is
 * always ONE_FILE_DESCRIPTOR. What was never written reads as zeros.
 */
#ifndef TESTS_FUZZ_ONE_FILE_H
#define TESTS_FUZZ_ONE_FILE_H

#include "store/files.h"

#define ONE_FILE_DESCRIPTOR	1000
#define ONE_FILE_MAXIMUM_OCTETS (1u << 20)

extern struct files one_file;

/* The file is `content`, made `octets` long by zeros when it is shorter. */
void one_file_set(struct bytes content, uint64_t octets);
struct bytes one_file_content(void);
/* Changes one octet, if there is such a one. */
void one_file_flip(uint64_t offset, uint8_t with);

#endif
