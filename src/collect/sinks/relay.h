/* SPDX-License-Identifier: ISC */
#ifndef COLLECT_SINKS_RELAY_H
#define COLLECT_SINKS_RELAY_H

#include "collect/sink.h"

extern const struct sink_ops sink_lmtp, sink_smtp;

#endif
