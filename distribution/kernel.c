/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* net_kernel. See kernel.h. */
#define _GNU_SOURCE
#include "distribution/kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "actors/outpost.h"
#include "distribution/connection.h"
#include "distribution/epmd.h"
#include "distribution/names.h"
#include "distribution/news.h"

#define EPMD_PORT 4369u
#define TICK_MS 60000
#define TICK_MS_LEAST 100
#define MESSAGE_MAX (UINT64_C(64) << 20)
#define SET_UP_MS 7000

/* How often a port that is still in use is waited for, and for how long. */
#define TRIES 200
#define PAUSE_MS 10

COP_MESSAGE_DEFINE(cop_distribution, name, cookie, address, port, no_epmd, epmd_port, hidden, no_auto_connect, tick_ms,
                   message_max);
COP__KIND_DEFINE(cop__whose, peer);
COP__KIND_DEFINE(cop__connection_of, pid);
COP__KIND_DEFINE(cop__admitted, pid);

/* So many who have called and not shown the cookie are heard at a time, each for SET_UP_MS; who is one too many is hung up on. */
#define STRANGERS_MAX 64

/* When somebody who called is looked for again, for whom there was no descriptor. */
#define LATER_MS 100

/* A peer is to be called. */
typedef struct cop__dial {
        uint32_t peer;
} cop__dial;
COP__KIND_DECLARE(cop__dial);
COP__KIND_DEFINE(cop__dial, peer);

/* The connection with one, and the number of his socket, if that is not taken yet. */
struct stranger {
        cop_pid pid;
        uint64_t caller;
};

typedef struct net_kernel {
        struct cop__line *ear, *epmd; /* what listens; what says where */
        struct stranger strangers[STRANGERS_MAX];
        uint32_t stranger_count;
        cop_ref later; /* the timer by which it looks again */
} net_kernel;

/* ---- Asked from outside --------------------------------------------------------------------- */

bool cop__kernel_call(struct cop__network *network, struct cop__thread *thread, struct cop__peer *peer)
{
        cop_pid kernel = { cop__load_acquire(&network->kernel) };
        const cop__dial dial = { peer->index };
        struct cop__signal *signal;
        if (!cop_is_alive(kernel) || cop__signal_message(&thread->pool, COP_KIND_OF(cop__dial), &dial, &signal) != COP_OK)
                return false;
        cop__send_signal(thread, kernel, signal);
        return true;
}

/* ---- Connections ------------------------------------------------------------------------------- */

static bool spawn_connection(const cop__attempt *attempt, cop_pid *pid)
{
        cop_ref ref;
        cop_spawn_options options = { .run_with = COP_RUN_WITH(cop__connection_run, cop__attempt),
                                      .kind = COP_KIND_OF(cop__attempt), .argument = attempt,
                                      .monitor = true, .monitor_ref = &ref, .label = "connection" };
        return cop_spawn_opt(&options, pid) == COP_OK;
}

/* The connection with him is one, or has ended, perhaps before it took the socket. */
static void is_no_stranger(net_kernel *self, cop_pid pid)
{
        for (uint32_t i = 0; i < self->stranger_count; i++)
                if (cop_pid_equal(self->strangers[i].pid, pid)) {
                        cop__caller_drop(cop__network_here(), self->strangers[i].caller);
                        self->strangers[i--] = self->strangers[--self->stranger_count];
                }
}

static void let_talk(net_kernel *self, int called)
{
        struct cop__network *network = cop__network_here();
        struct stranger stranger = { .caller = cop__caller_add(network, called) };
        bool has_room = stranger.caller != 0 && self->stranger_count < STRANGERS_MAX;
        if (has_room && spawn_connection(&(cop__attempt){ .caller = stranger.caller }, &stranger.pid))
                self->strangers[self->stranger_count++] = stranger;
        else
                cop__caller_drop(network, stranger.caller);
}

static void net_kernel_on_ready(net_kernel *self, const cop__ready *ready)
{
        struct cop__network *network = cop__network_here();
        int called;
        (void)ready;
        while ((called = network->transport->accept(network, self->ear->socket)) >= 0)
                let_talk(self, called);
        cop_cancel(self->later);
        if (called == -2)
                cop_send_after(&self->later, LATER_MS, cop_self(), cop__ready, .unused = 0);
}

static void net_kernel_on_admitted(net_kernel *self, const cop__admitted *admitted)
{
        is_no_stranger(self, admitted->pid);
}

/* Nobody's yet, or nobody's any more. */
static void dial(struct cop__network *network, struct cop__peer *peer)
{
        cop_pid pid;
        if (!spawn_connection(&(cop__attempt){ .peer = peer->index }, &pid))
                cop__peer_down(network, peer, cop_no_pid(), cop_atom("system_limit"));
}

static void net_kernel_on_dial(net_kernel *self, const cop__dial *asked)
{
        struct cop__network *network = cop__network_here();
        (void)self;
        dial(network, network->peers[asked->peer]);
}

/* One that a sender has asked for is nobody's until its dial is heard: it begins here, and that comes too late. */
static void net_kernel_on_whose(net_kernel *self, const cop__whose *asked)
{
        struct cop__network *network = cop__network_here();
        cop_pid owner;
        (void)self;
        enum cop__peer_state state = cop__peer_look(network->peers[asked->peer], &owner);
        bool is_free = state == COP__PEER_DOWN || owner.bits == 0;
        if (is_free && !spawn_connection(&(cop__attempt){ .peer = asked->peer }, &owner))
                owner = cop_no_pid();
        cop_reply(cop__connection_of, .pid = owner);
}

static void net_kernel_on_down(net_kernel *self, const cop_down *down)
{
        struct cop__network *network = cop__network_here();
        if (cop_is_alive(down->pid)) /* somebody else's word */
                return;
        is_no_stranger(self, down->pid);
        for (uint32_t i = 0; i < cop__load_acquire(&network->peer_count); i++)
                cop__peer_down(network, network->peers[i], down->pid, down->reason);
}

/* What a process prints that was spawned from here, at a node of Erlang's: that waits until somebody says that it is done. */
static void answer_printing(const cop_term *request)
{
        const bool prints = cop_is_tuple(request[3], "put_chars", request[3].count);
        const cop_any answer = { COP_TUPLE(cop_atom("io_reply"), request[2],
                                           prints ? cop_atom("ok") : COP_TUPLE(cop_atom("error"), cop_atom("request"))) };
        if (request[1].type == COP_TERM_PID)
                cop__tell(cop_self(), request[1].as.pid, COP_KIND_OF(cop_any), &answer);
}

/* Erlang's ping, and the prints of its processes. */
static void net_kernel_on_any(net_kernel *self, const cop_any *any)
{
        (void)self;
        if (cop_is_tuple(any->term, "is_auth", 2))
                cop_reply(cop_any, .term = cop_atom("yes"));
        else if (cop_is_tuple(any->term, "io_request", 4))
                answer_printing(any->term.as.items);
}

/* ---- Beginning and end ----------------------------------------------------------------------------- */

static COP__NORETURN void refuse(cop_status status)
{
        cop_exit(COP_TUPLE(cop_atom("distribution"), cop_int(status), cop_string(cop_status_text(status))));
}

static bool copy(char *to, size_t room, cop_text text)
{
        if (text.size == 0 || text.size >= room || memchr(text.data, '\0', text.size) != NULL)
                return false;
        memset(to, 0, room);
        memcpy(to, text.data, text.size);
        return true;
}

static uint16_t epmd_port_of(const cop_distribution *options)
{
        const char *said = getenv("ERL_EPMD_PORT");
        if (options->no_epmd)
                return 0;
        if (options->epmd_port != 0)
                return options->epmd_port;
        long port = said != NULL ? strtol(said, NULL, 10) : 0;
        return port > 0 && port <= UINT16_MAX ? (uint16_t)port : EPMD_PORT;
}

static cop_status take_options(struct cop__settings *settings, const cop_distribution *options)
{
        if (!cop__node_name_is_good(options->name.data, options->name.size) ||
            !copy(settings->name, sizeof(settings->name), options->name) ||
            !copy(settings->cookie, sizeof(settings->cookie), options->cookie) ||
            (options->tick_ms != 0 && options->tick_ms < TICK_MS_LEAST) || options->message_max > COP_MESSAGE_SIZE_MAX)
                return COP_E_BAD_ARGUMENT;
        settings->epmd_port = epmd_port_of(options);
        settings->hidden = options->hidden;
        settings->no_auto_connect = options->no_auto_connect;
        settings->tick_ms = options->tick_ms != 0 ? options->tick_ms : TICK_MS;
        settings->message_max = options->message_max != 0 ? options->message_max : MESSAGE_MAX;
        return COP_OK;
}

/* One that no earlier life had, but for one chance in four thousand million. Small ones were Erlang's before it had 32 bits. */
static cop_status new_creation(struct cop__network *network, struct cop__settings *settings)
{
        cop_status status = COP_OK;
        while (status == COP_OK && settings->creation < 16)
                status = network->transport->chance(network, &settings->creation, sizeof(settings->creation));
        return status;
}

static bool was_port(struct cop__network *network, uint16_t port)
{
        cop__lock_lock(&network->lock);
        bool was = port != 0 && port == network->port;
        cop__lock_unlock(&network->lock);
        return was;
}

/* Who begins when the name of one that was killed is free, and waits for nothing else, may be there before its socket is closed. */
static cop_status listen_at(net_kernel *self, struct cop__network *network, const cop_distribution *options,
                            struct cop__settings *settings)
{
        char address[64] = "127.0.0.1";
        if (options->address.size > 0 && !copy(address, sizeof(address), options->address))
                return COP_E_BAD_ARGUMENT;
        bool is_known = was_port(network, options->port);
        int ear = network->transport->listen(network, address, options->port, &settings->port);
        for (int tries = 0; tries < TRIES && ear < 0 && errno == EADDRINUSE && is_known; tries++) {
                cop_sleep(PAUSE_MS);
                ear = network->transport->listen(network, address, options->port, &settings->port);
        }
        if (ear < 0)
                return COP_E_SYSTEM;
        self->ear = cop__line_new(network, ear, false);
        return self->ear != NULL ? COP_OK : COP_E_NO_MEMORY;
}

/* Of several that have got so far one begins. */
static bool claim(struct cop__network *network)
{
        uint64_t claimed = cop__load_acquire(&network->claim);
        return !cop_is_alive((cop_pid){ claimed }) && cop__cas_release(&network->claim, &claimed, cop_self().bits);
}

/* The network goes by them from here on. */
static void adopt(struct cop__network *network, const struct cop__settings *settings)
{
        cop__lock_lock(&network->lock);
        memcpy(network->name, settings->name, sizeof(network->name));
        memcpy(network->cookie, settings->cookie, sizeof(network->cookie));
        cop__store_relaxed(&network->creation, settings->creation);
        network->port = settings->port;
        network->epmd_port = settings->epmd_port;
        network->hidden = settings->hidden;
        network->no_auto_connect = settings->no_auto_connect;
        network->tick_ms = settings->tick_ms;
        network->message_max = settings->message_max;
        cop__lock_unlock(&network->lock);
}

/* It says who the node was, and watches a net_kernel that is no more. */
static cop_status end_connection(cop_pid pid)
{
        cop_ref ref;
        cop_status status = cop_monitor(pid, &ref);
        if (status != COP_OK)
                return status;
        status = cop_send_exit(pid, cop_atom("kill"));
        if (status == COP_OK)
                cop_message_free(cop_receive(SET_UP_MS, COP_REF(cop_down, ref)));
        cop_demonitor_flush(ref);
        return status;
}

/* Who has called and not shaken hands goes by the name and the cookie that there were. */
static cop_status end_strangers(struct cop__network *network)
{
        cop_status status = COP_OK;
        cop_pid pid = cop__lines_called(network);
        for (; status == COP_OK && pid.bits != 0; pid = cop__lines_called(network))
                status = end_connection(pid);
        return status;
}

/* What a net_kernel that has ended has left. */
static cop_status take_over(struct cop__network *network)
{
        for (uint32_t i = 0; i < cop__load_acquire(&network->peer_count); i++) {
                cop_pid owner;
                cop__peer_look(network->peers[i], &owner);
                cop_status status = cop_is_alive(owner) ? end_connection(owner) : COP_OK;
                if (status != COP_OK)
                        return status;
                cop__peer_look(network->peers[i], &owner);
                if (!cop_is_alive(owner))
                        cop__peer_down(network, network->peers[i], owner, cop_atom("net_kernel_terminated"));
        }
        return end_strangers(network);
}

static cop_status prepare(net_kernel *self, struct cop__network *network, const cop_distribution *options,
                          struct cop__settings *settings)
{
        cop_status status = take_over(network);
        if (status == COP_OK)
                status = take_options(settings, options);
        if (status == COP_OK)
                status = new_creation(network, settings);
        if (status == COP_OK)
                status = listen_at(self, network, options, settings);
        if (status == COP_OK && settings->epmd_port != 0)
                status = cop__epmd_register(network, settings, cop__deadline_ns(SET_UP_MS), &self->epmd);
        return status;
}

static void net_kernel_init(net_kernel *self, const cop_distribution *options)
{
        cop_node *node = cop_node_here();
        struct cop__settings settings = { .creation = 0 };
        if (cop__node_of(cop__thread_here())->inside != NULL)
                refuse(COP_E_NO_DISTRIBUTION);
        struct cop__network *network = cop__network_make(node);
        if (network == NULL)
                refuse(COP_E_NO_MEMORY);
        if (cop_is_alive((cop_pid){ cop__load_acquire(&network->kernel) }))
                refuse(COP_E_ALREADY_STARTED);
        cop_status status = prepare(self, network, options, &settings);
        if (status != COP_OK)
                refuse(status);
        if (!claim(network)) /* another has begun while epmd was waited for */
                refuse(COP_E_ALREADY_STARTED);
        adopt(network, &settings);
        cop__store_release(&network->kernel, cop_self().bits);
        status = cop__names_begin();
        if (status != COP_OK)
                refuse(status);
        cop__outpost_rouse(cop__thread_here(), cop_self()); /* who called meanwhile: the news was taken for epmd's */
}

/* First what it has open: who begins once there is no kernel may want to listen there, and the end takes its time. */
static void net_kernel_terminate(net_kernel *self, cop_term reason)
{
        struct cop__network *network = cop__network_here();
        (void)reason;
        cop__line_close(self->ear);
        if (self->epmd != NULL)
                cop__line_close(self->epmd);
        cop__store_release(&network->kernel, (uint64_t)0);
        cop__store_release(&network->claim, (uint64_t)0);
        for (uint32_t i = 0; i < cop__load_acquire(&network->peer_count); i++)
                cop__peer_down(network, network->peers[i], cop_no_pid(), cop_atom("net_kernel_terminated"));
        cop__names_end(); /* last: it waits */
}

COP_SERVER(net_kernel, COP_INIT_WITH(cop_distribution, net_kernel_init), COP_ON(cop__ready, net_kernel_on_ready),
           COP_ON(cop__dial, net_kernel_on_dial), COP_ON(cop__whose, net_kernel_on_whose), COP_ON(cop_down, net_kernel_on_down),
           COP_ON(cop__admitted, net_kernel_on_admitted),
           COP_ON(cop_any, net_kernel_on_any), COP_TERMINATE(net_kernel_terminate));

const cop_behaviour cop_distribution_server = {
        .name = "net_kernel",
        .state_size = sizeof(net_kernel),
        .handlers = cop__net_kernel_handlers,
        .handler_count = COP__COUNT(cop__net_kernel_handlers),
};
