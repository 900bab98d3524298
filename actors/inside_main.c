/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* How the process of an actor begins. See inside.h. */
#define _GNU_SOURCE
#include "actors/inside_main.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/actor.h"
#include "mailbox/kind.h"

void cop__inside_forget(void)
{
        cop__thread_become(NULL);
        cop__fault_forget();
        cop__preempt_forget();
}

static COP__NORETURN void give_up(const char *why)
{
        fprintf(stderr, "coppice: the process of an actor cannot begin: %s\n", why);
        _exit(70); /* EX_SOFTWARE */
}

/* ---- The order -------------------------------------------------------------------------- */

static void read_all(int socket, void *to, size_t size)
{
        for (size_t got = 0; got < size;) {
                ssize_t more = recv(socket, (char *)to + got, size - got, MSG_WAITALL);
                if (more > 0)
                        got += (size_t)more;
                else if (more == 0 || errno != EINTR)
                        _exit(0); /* the outpost is gone already */
        }
}

/* No byte more than that: what comes behind it is the worker's. */
static const cop__order *read_order(const struct cop__inside *inside, struct cop__crossing_packet *packet)
{
        void *order;
        read_all(inside->socket, packet, sizeof(*packet));
        uint8_t *body = malloc((size_t)packet->size + 1);
        if (body == NULL || packet->type != COP__PACKET_BEGIN)
                give_up("its order is no packet");
        read_all(inside->socket, body, packet->size);
        if (cop__packet_value(packet, body, COP_KIND_OF(cop__order), &order) != COP_OK)
                give_up("its order cannot be read");
        free(body);
        return order;
}

/* Is there memory at this address? A library that was loaded after the zygote was forked is not here. */
static bool is_mapped(uint64_t address)
{
        uintptr_t page = (uintptr_t)address & ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1);
        return msync((void *)page, 1, MS_ASYNC) == 0;
}

static void check_code(const cop__order *order)
{
        const cop_behaviour *server = (const cop_behaviour *)(uintptr_t)order->server;
        uint64_t code = order->server | order->run | order->run_with;
        if (!is_mapped(code))
                give_up("its code was loaded after the zygote was forked (see processes of cop_node_options)");
        if (server != NULL && (!is_mapped((uintptr_t)server->name) ||
                               !cop_text_equal(order->server_name, server->name)))
                give_up("its behaviour is another one here");
}

/* ---- Memory ------------------------------------------------------------------------------- */

uint64_t cop__inside_memory(void)
{
        unsigned long long size, resident, shared, text, lib, data = 0;
        FILE *file = fopen("/proc/self/statm", "re");
        if (file == NULL)
                return 0;
        if (fscanf(file, "%llu %llu %llu %llu %llu %llu", &size, &resident, &shared, &text, &lib,
                   &data) != 6)
                data = 0;
        fclose(file);
        return data * (uint64_t)sysconf(_SC_PAGESIZE);
}

/*
 * So much more than it has now, for the actor's state, cop_alloc and malloc() together. With something on top for the allocator's
 * own books, so that who asks cop_alloc for too much meets the actor's limit first, and has that as its reason.
 */
static void limit_memory(struct cop__inside *inside, uint64_t most)
{
        struct rlimit limit;
        if (most == 0 || getrlimit(RLIMIT_DATA, &limit) != 0)
                return;
        most += most / 8 + COP__INSIDE_MEMORY_SPARE;
        inside->memory_base = cop__inside_memory();
        inside->memory_most = most;
        limit.rlim_cur = inside->memory_base + most;
        setrlimit(RLIMIT_DATA, &limit);
}

/* ---- Beginning ------------------------------------------------------------------------------ */

static void start_node(struct cop__inside *inside, struct cop_node *origin, uint64_t refs)
{
        cop_node_options options = {
                .name = origin->name,
                .workers = 1,
                .no_spare_workers = true, /* all of this is on one thread at a time, also while the actor blocks it */
                .max_actors = (uint32_t)cop__pid_slot(inside->pid),
                .stack_size = origin->stack_size,
                .secret_fields = cop__kinds_secrets(origin->kinds),
                .log = cop__inside_log,
                .log_context = inside,
                .dump = "", /* the file is the node's */
        };
        if (cop__node_start_inside(&options, inside, origin->kinds_first, origin->kinds_last,
                                   &inside->node) != COP_OK)
                give_up("its node does not start");
        inside->refs = refs;
        cop__store_relaxed(&inside->node->ref_blocks, refs);
        inside->actor = cop__slots_open_at(&inside->node->slots, inside->pid);
        inside->node->scheduler.poll.between_turns = true;
        if (cop__poll_add(&inside->node->scheduler.poll, inside->socket, EPOLLIN | EPOLLRDHUP, 1) != COP_OK)
                give_up("it cannot listen to its socket");
}

/* The argument as the actor's init wants it: flat, of its kind. */
static void *read_argument(const struct cop__inside *inside, const cop__order *order,
                           const cop_kind **kind)
{
        void *value = NULL;
        *kind = NULL;
        if (order->argument.size > 0 &&
            cop__kind_decode(inside->node->crossing_kinds, order->argument.data,
                             order->argument.size, kind, &value) != COP_OK)
                give_up("its argument cannot be read");
        return value;
}

static void begin(struct cop__inside *inside, const cop__order *order, cop_pid parent)
{
        cop_spawn_options options = {
                .server = (const cop_behaviour *)(uintptr_t)order->server,
                .run = (void (*)(void))(uintptr_t)order->run,
                .run_with = (void (*)(const void *))(uintptr_t)order->run_with,
                .init_ack = order->init_ack,
                .supervised = order->supervised,
                .no_preempt = order->no_preempt,
                .priority = order->priority,
                .promise = order->promise,
                .memory_limit = order->memory_limit,
                .memory_limit_soft = order->memory_limit_soft,
        };
        struct cop__thread *thread = cop__thread_here();
        void *argument = read_argument(inside, order, &options.kind);
        options.argument = argument;
        limit_memory(inside, order->memory_limit);
        if (cop__spawn_inside(thread, &options, parent, order->link, (cop_ref){ COP__START_REF },
                              inside->actor) != COP_OK)
                give_up("no memory");
        if (options.kind != NULL) {
                cop__flat_drop(options.kind, argument);
                free(argument);
        }
}

COP__NORETURN void cop__inside_main(struct cop_node *origin, int socket)
{
        struct cop__thread thread;
        struct cop__crossing_packet packet;
        struct cop__inside *inside = calloc(1, sizeof(*inside));
        if (inside == NULL)
                give_up("no memory");
        inside->socket = socket;
        pthread_mutex_init(&inside->write_lock, NULL);
        const cop__order *order = read_order(inside, &packet);
        inside->pid.bits = packet.pid;
        check_code(order);
        prctl(PR_SET_NAME, order->title.data);
        start_node(inside, origin, order->refs);
        if (cop__visitor_enter(&inside->node->scheduler, &thread) != COP_OK)
                give_up("no memory");
        begin(inside, order, (cop_pid){ packet.more });
        cop__store_release(&inside->begun, 1);
        cop__poll_change(&inside->node->scheduler.poll, inside->socket, EPOLLIN | EPOLLRDHUP, 1);
        cop__visitor_step_out(&thread);
        for (;;)
                pause();
}
