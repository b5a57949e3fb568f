/* SPDX-License-Identifier: ISC */
/* The sinks there are: one row each. */
#include "collect/sinks/imap.h"
#include "collect/sinks/maildir.h"
#include "collect/sinks/mbox.h"
#include "collect/sinks/pipe.h"
#include "collect/sinks/relay.h"

#include <string.h>

static const struct sink_ops *const sinks[] = {
	&sink_maildir,
	&sink_mbox,
	&sink_lmtp,
	&sink_smtp,
	&sink_pipe,
	&sink_imap,
};

const struct sink_ops *
sink_find(const char *name)
{
	for (size_t i = 0; i < sizeof(sinks) / sizeof(sinks[0]); i++)
		if (strcmp(sinks[i]->name, name) == 0)
			return sinks[i];
	return NULL;
}
