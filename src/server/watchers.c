/* SPDX-License-Identifier: ISC */
#include "server/watchers.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define WATCHERS_FIRST 64

static bool
make_room(struct watchers *watchers, size_t number)
{
	size_t count = watchers->count ? watchers->count : WATCHERS_FIRST;
	uv_poll_t **handles;

	if (number < watchers->count)
		return true;
	while (count <= number)
		count *= 2;
	handles = realloc(watchers->handles, count * sizeof(uv_poll_t *));
	if (!handles)
		return false;
	memset(handles + watchers->count, 0,
		(count - watchers->count) * sizeof(uv_poll_t *));
	watchers->handles = handles;
	watchers->count = count;
	return true;
}

uv_poll_t *
watchers_get(struct watchers *watchers, uv_loop_t *loop, int fd)
{
	uv_poll_t *handle;

	if (!make_room(watchers, (size_t)fd))
		return NULL;
	if (watchers->handles[fd])
		return watchers->handles[fd];
	handle = malloc(sizeof(*handle));
	if (!handle || uv_poll_init(loop, handle, fd) != 0) {
		free(handle);
		return NULL;
	}
	watchers->handles[fd] = handle;
	return handle;
}
