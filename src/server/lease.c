/* SPDX-License-Identifier: ISC */
#include "server/lease.h"
#include "base/clock.h"
#include "base/log.h"

/* How often in the time a lease lasts. */
#define RENEWALS 3

static struct {
	uv_timer_t timer;
	struct lease *first;
	uint32_t shortest_ms;
} leases;

static struct store_holder *
holder_of(struct lease *lease)
{
	return table_object(lease, struct store_holder, lease);
}

static void
tell_lost(struct lease *lease)
{
	struct store_holder *holder = holder_of(lease);
	char id[SESSION_ID_SIZE];
	struct message message;

	lease->is_lost = true;
	log_event(LOG_LEVEL_WARNING, "lease-lost", "id=%s",
		session_id_text(
			holder->client->instance, holder->entry.id, id));
	message_init(&message, MESSAGE_LEASE_LOST, holder->entry.id);
	store_client_send(holder->client, &message);
	message_release(&message);
}

static bool
is_over(const struct lease *lease)
{
	return clock_monotonic_ms() - lease->renewed_ms >= lease->lease_ms;
}

static void
renewed(struct store_call *call)
{
	struct store_renew_call *renew = (struct store_renew_call *)call;
	struct lease *lease = table_object(renew, struct lease, call);
	struct store_holder *holder = holder_of(lease);

	lease->is_renewing = false;
	if (call->outcome == OK)
		lease->renewed_ms = clock_monotonic_ms();
	else if (lease->back && (call->outcome == ERR_GONE || is_over(lease)))
		tell_lost(lease);
	store_holder_call_ended(holder);
}

static void
renew(struct lease *lease)
{
	struct store_holder *holder = holder_of(lease);

	if (lease->is_renewing || lease->is_lost || holder->is_committing ||
		!holder->session)
		return;
	lease->is_renewing = true;
	holder->calls++;
	lease->call = (struct store_renew_call){
		.call.done = renewed,
		.session = holder->session,
	};
	store_role_store->ops->renew(store_role_store, &lease->call);
}

/* Calls may end at once and holders with them, but only their own. */
static void
renew_all(uv_timer_t *timer)
{
	struct lease *next;

	for (struct lease *lease = leases.first; lease; lease = next) {
		next = lease->next;
		renew(lease);
	}
	if (!leases.first)
		uv_timer_stop(timer);
}

void
lease_init(uv_loop_t *loop)
{
	uv_timer_init(loop, &leases.timer);
}

void
lease_begin(struct store_holder *holder, uint32_t lease_ms)
{
	struct lease *lease = &holder->lease;
	uint64_t step_ms = lease_ms / RENEWALS;

	*lease = (struct lease){.lease_ms = lease_ms};
	if (lease_ms == 0)
		return;
	lease->renewed_ms = clock_monotonic_ms();
	lease->next = leases.first;
	lease->back = &leases.first;
	if (lease->next)
		lease->next->back = &lease->next;
	leases.first = lease;
	if (uv_is_active((uv_handle_t *)&leases.timer) &&
		leases.shortest_ms <= lease_ms)
		return;
	leases.shortest_ms = lease_ms;
	uv_timer_start(&leases.timer, renew_all, step_ms, step_ms);
}

void
lease_end(struct store_holder *holder)
{
	struct lease *lease = &holder->lease;

	if (!lease->back)
		return;
	*lease->back = lease->next;
	if (lease->next)
		lease->next->back = lease->back;
	lease->next = NULL;
	lease->back = NULL;
}
