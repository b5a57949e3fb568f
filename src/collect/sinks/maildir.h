/* SPDX-License-Identifier: ISC */
#ifndef COLLECT_SINKS_MAILDIR_H
#define COLLECT_SINKS_MAILDIR_H

#include "collect/sink.h"

extern const struct sink_ops sink_maildir;

#endif
