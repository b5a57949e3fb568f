/* SPDX-License-Identifier: ISC */
#ifndef COLLECT_SINKS_PIPE_H
#define COLLECT_SINKS_PIPE_H

#include "collect/sink.h"

extern const struct sink_ops sink_pipe;

#endif
