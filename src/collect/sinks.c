/* SPDX-License-Identifier: ISC */
/* The sinks there are: one row each. */
#include "collect/sinks/maildir.h"

#include <string.h>

static const struct sink_ops *const sinks[] = {
	&sink_maildir,
};

const struct sink_ops *
sink_find(const char *name)
{
	for (size_t i = 0; i < sizeof(sinks) / sizeof(sinks[0]); i++)
		if (strcmp(sinks[i]->name, name) == 0)
			return sinks[i];
	return NULL;
}
