/* SPDX-License-Identifier: ISC */
#ifndef COLLECT_SINKS_IMAP_H
#define COLLECT_SINKS_IMAP_H

#include "collect/sink.h"

extern const struct sink_ops sink_imap;

#endif
