/* SPDX-License-Identifier: ISC */
#ifndef COLLECT_SINKS_MBOX_H
#define COLLECT_SINKS_MBOX_H

#include "collect/sink.h"

extern const struct sink_ops sink_mbox;

#endif
