/* SPDX-License-Identifier: ISC */
/* Which sink a message goes to: the account's, that of a rule, or quarantine.
 * Those of rules are opened when something goes there. */
#include "collect/collection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_SIZE 4096

struct route {
	struct sink *sink;
	char target[PATH_SIZE], spool[PATH_SIZE];
};

/* ---- the account's ---- */

/* What people call the place. */
static bool
set_paths(struct collection *c)
{
	const struct collect_account *account = c->account;
	const char *name = account_sink_name(account);
	bool is_file =
		strcmp(name, "maildir") == 0 || strcmp(name, "mbox") == 0;

	if (strcmp(name, "mbox") == 0 && !account->mbox[0]) {
		collection_fail(
			c, ERR_PEER, "deliver = mbox needs mbox = PATH");
		return false;
	}
	if (snprintf(c->spool_path, sizeof(c->spool_path), "%s/spool/%s",
		    c->options->state,
		    account->name) >= (int)sizeof(c->spool_path))
		return false;
	if (is_file)
		return account_maildir(
			account, c->sink_path, sizeof(c->sink_path));
	snprintf(c->sink_path, sizeof(c->sink_path), "%s",
		account->deliver_server[0] ? account->deliver_server
					   : account->deliver_command);
	return true;
}

static struct sink_options
options_of(struct collection *c)
{
	const struct collect_account *account = c->account;

	return (struct sink_options){
		.files = c->options->files,
		.account = account->name,
		.target = c->sink_path,
		.spool = c->spool_path,
		.command = account->deliver_command,
		.server = account->deliver_server,
		.user = account->deliver_user,
		.sender = account->deliver_sender,
		.recipient = account->deliver_recipient,
		.folder = account->deliver_folder,
		.password = secret_bytes(c->deliver_password),
		.tls = account->deliver_tls == ACCOUNT_TLS_NONE
			       ? NULL
			       : c->deliver_tls,
		.is_tls_first = account->deliver_tls == ACCOUNT_TLS_IMPLICIT,
		.timeout_seconds = account->deliver_timeout_seconds,
		.makes_lf = account->line_ends == LINE_ENDS_LF,
		.was_interrupted = c->is_behind,
	};
}

static bool
open_sink(struct collection *c, const char *name,
	const struct sink_options *options, struct sink **out)
{
	char error[SINK_ERROR_SIZE] = "no memory";
	enum outcome outcome = sink_find(name)->open(options, out, error);

	if (outcome != OK)
		collection_fail(c, outcome, "%s", error);
	return outcome == OK;
}

bool
routing_open(struct collection *c)
{
	struct sink_options options = options_of(c);
	size_t count = c->options->rules ? c->options->rules->count : 0;

	c->routes = calloc(count + 1, sizeof(struct route *));
	if (!c->routes || !set_paths(c)) {
		collection_fail(c, ERR_PEER, "the path is too long");
		return false;
	}
	c->route_count = count;
	return open_sink(c, account_sink_name(c->account), &options, &c->sink);
}

/* ---- those of rules ---- */

static bool
has_place(const struct rule *rule)
{
	return rule &&
	       (rule->maildir[0] || rule->mbox[0] || rule->action == RULE_PIPE);
}

static bool
set_route_paths(const struct collection *c, const struct rule *rule,
	struct route *route)
{
	const char *path = rule->maildir[0] ? rule->maildir : rule->mbox;
	bool is_good = true;

	if (rule->action == RULE_PIPE)
		snprintf(route->target, PATH_SIZE, "%s", rule->command);
	else
		is_good = account_expand(path, route->target, PATH_SIZE);
	/* No account's name has a "=". */
	return snprintf(route->spool, PATH_SIZE, "%s/spool/%s=%s",
		       c->options->state, c->account->name,
		       rule->name) < PATH_SIZE &&
	       is_good;
}

static bool
open_route(struct collection *c, const struct rule *rule, struct route *route)
{
	struct sink_options options = options_of(c);
	const char *name = rule->maildir[0] ? "maildir"
			   : rule->mbox[0]  ? "mbox"
					    : "pipe";

	if (!set_route_paths(c, rule, route)) {
		collection_fail(c, ERR_PEER, "rule %s: the path is too long",
			rule->name);
		return false;
	}
	options.target = route->target;
	options.spool = route->spool;
	options.command = rule->command;
	return open_sink(c, name, &options, &route->sink);
}

struct sink *
routing_sink(struct collection *c, const struct rule *rule)
{
	struct route **route;

	if (!has_place(rule))
		return c->sink;
	route = &c->routes[rule - c->options->rules->rules];
	if (!*route)
		*route = calloc(1, sizeof(**route));
	if (!*route)
		collection_fail(c, ERR_TRY_LATER, "no memory for a rule");
	else if ((*route)->sink || open_route(c, rule, *route))
		return (*route)->sink;
	return NULL;
}

/* ---- quarantine ---- */

struct sink *
routing_quarantine(struct collection *c)
{
	struct sink_options options = {
		.files = c->options->files,
		.account = c->account->name,
		.target = c->quarantine_path,
		.was_interrupted = c->is_behind,
	};

	if (c->quarantine)
		return c->quarantine;
	if (!engine_quarantine_path(c->options->state, c->account->name,
		    c->quarantine_path, sizeof(c->quarantine_path)))
		collection_fail(c, ERR_PEER, "the path is too long");
	else
		open_sink(c, "maildir", &options, &c->quarantine);
	return c->quarantine;
}

/* ---- all of them ---- */

const char *
routing_place(const struct collection *c, const struct sink *sink)
{
	for (size_t i = 0; sink && i < c->route_count; i++)
		if (c->routes[i] && c->routes[i]->sink == sink)
			return c->routes[i]->target;
	return sink && sink == c->quarantine ? c->quarantine_path
					     : c->sink_path;
}

void
routing_close(struct collection *c)
{
	for (size_t i = 0; i < c->route_count; i++) {
		if (c->routes[i] && c->routes[i]->sink)
			c->routes[i]->sink->ops->close(&c->routes[i]->sink);
		free(c->routes[i]);
	}
	free(c->routes);
	c->routes = NULL;
	c->route_count = 0;
	if (c->quarantine)
		c->quarantine->ops->close(&c->quarantine);
	if (c->sink)
		c->sink->ops->close(&c->sink);
}
