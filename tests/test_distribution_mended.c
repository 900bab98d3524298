/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What once went wrong between nodes, and does no more. */
#define _GNU_SOURCE
#include <fcntl.h>

#include "tests/descriptors.h"
#include "tests/failing_malloc.h"
#include "tests/stranger.h"

#include <coppice/blocking.h>
#include <coppice/global.h>
#include <coppice/sys.h>

#include "distribution/names.h"
#include "distribution/peer.h"
#include "tests/keepers.h"

#define B "b@127.0.0.1"

typedef struct { int64_t unused; } echo;

static void echo_any(echo *self, const cop_any *any)
{
        (void)self;
        if (!cop_is_atom(any->term, "silent"))
                cop_reply(cop_any, .term = any->term);
}

COP_SERVER(echo, COP_ON(cop_any, echo_any));

static void grow_echo(struct pair *pair)
{
        visit(pair->b);
        cop_spawn_server(&echo_server, "echo");
        visit(pair->a);
}

static void echoes_at_b(void)
{
        ck_assert_int_eq(cop_call_term(NULL, cop_at("echo", B), PATIENCE_MS, cop_atom("who")), COP_OK);
}

/* ---- A stranger who is called --------------------------------------------------------------- */

static int stranger_listens(uint16_t *port)
{
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(at);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
        ck_assert_int_eq(listen(fd, 8), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &size), 0);
        *port = ntohs(at.sin_port);
        return fd;
}

/* Who has called is heard, up to its introduction. */
static int stranger_is_called(int listener)
{
        uint8_t packet[512];
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_gt(stranger_hears(fd, packet), 15);
        return fd;
}

/* The rest: `word`, the challenge, the digest. False: it hangs up. */
static bool stranger_lets_in(int fd, const char *name, const char *word)
{
        struct cop__tray tray = { 0 };
        struct cop__pen pen = { .tray = &tray };
        uint8_t packet[512], digest[16];
        char text[64];
        cop__pen_word(&pen, 2, 1 + strlen(word));
        cop__pen_byte(&pen, 's');
        cop__pen_bytes(&pen, word, strlen(word));
        cop__pen_word(&pen, 2, 19 + strlen(name));
        cop__pen_byte(&pen, 'N');
        cop__pen_word(&pen, 8, COP__CAN_ALL | COP__CAN_PUBLISHED);
        cop__pen_word(&pen, 4, 7);
        cop__pen_word(&pen, 4, 12345);
        cop__pen_word(&pen, 2, strlen(name));
        cop__pen_bytes(&pen, name, strlen(name));
        bool sent = send(fd, tray.data, tray.end, MSG_NOSIGNAL) == (ssize_t)tray.end;
        cop__tray_free(&tray);
        if (!sent || stranger_hears(fd, packet) != 21)
                return false;
        uint32_t challenge = (uint32_t)packet[1] << 24 | (uint32_t)packet[2] << 16 | (uint32_t)packet[3] << 8 | packet[4];
        snprintf(text, sizeof(text), "%s%u", COOKIE, challenge);
        cop__md5(text, strlen(text), digest);
        return send(fd, "\0\21a", 3, MSG_NOSIGNAL) == 3 && send(fd, digest, 16, MSG_NOSIGNAL) == 16;
}

static void stranger_is_told(int fd, const char *word)
{
        uint8_t packet[512] = { 0 };
        size_t size = stranger_hears(fd, packet);
        ck_assert_int_eq(size, strlen(word));
        ck_assert_int_eq(memcmp(packet, word, size), 0);
}

static bool is_connected(const char *node)
{
        cop_term nodes;
        ck_assert_int_eq(cop_nodes(&nodes), COP_OK);
        bool is = strstr(text_of(nodes), node) != NULL;
        cop_term_free(nodes);
        return is;
}

static bool is_down(const char *node)
{
        cop_pid owner;
        struct cop__peer *peer = cop__network_find(cop__network_here(), node, strlen(node));
        return cop__peer_look(peer, &owner) == COP__PEER_DOWN;
}

/* ---- Without the cookie ----------------------------------------------------------------------- */

PAIR(who_says_it_is_a_node_that_is_down_and_no_more_keeps_nothing_from_it)
{
        grow_echo(pair);
        int fd = stranger_socket(pair->port_a);
        stranger_introduces(fd, B, COP__CAN_ALL);
        stranger_is_told(fd, "sok");
        echoes_at_b();
        close(fd);
}

/* The greater name's attempt counts, if it is the greater name's. */
PAIR(a_call_of_ours_is_not_given_up_for_who_has_not_shown_the_cookie)
{
        uint16_t port;
        int listener = stranger_listens(&port);
        ck_assert_int_eq(cop_node_is_at(B, NULL, port), COP_OK);
        ck_assert_int_eq(cop_send(cop_at("echo", B), cop_any, .term = cop_atom("hello")), COP_OK);
        int good = stranger_is_called(listener), evil = stranger_socket(pair->port_a);
        stranger_introduces(evil, B, COP__CAN_ALL);
        stranger_is_told(evil, "sok_simultaneous");
        ck_assert_msg(stranger_lets_in(good, B, "ok"), "it was given up");
        await_true(is_connected(B));
        close(evil);
        close(good);
        close(listener);
}

/* ---- Frames ------------------------------------------------------------------------------------- */

#define EVIL "evil@127.0.0.1"

/* No news is heard of by the way, at a tick. */
#define visited_options ((cop_distribution){ .message_max = 1 << 20, .tick_ms = 10 * (int64_t)PATIENCE_MS })

/* A node that a stranger calls. */
#define VISITED_WITH(claim, ...)                                                     \
        static void visited_##claim(int fd, uint16_t port);                          \
        TEST(claim)                                                                  \
        {                                                                            \
                uint16_t port;                                                       \
                NEEDS_THREADS();                                                     \
                cop_node *node = node_begin((cop_node_options){ .name = "a", __VA_ARGS__ }); \
                ck_assert_int_eq(distribute_with("a@127.0.0.1", visited_options, &port), COP_OK); \
                cop_spawn_server(&echo_server, "echo");                              \
                ck_assert_int_eq(cop_register("witness", cop_self()), COP_OK);       \
                int fd = stranger_calls(port, EVIL);                                 \
                visited_##claim(fd, port);                                           \
                close(fd);                                                           \
                node_end(node);                                                      \
        }                                                                            \
        static void visited_##claim(__attribute__((unused)) int fd, __attribute__((unused)) uint16_t port)
#define VISITED(claim) VISITED_WITH(claim, .memory_limit = 0)

/* One that the stranger writes, and one that it reads. */
struct frame {
        struct cop__tray tray;
        struct cop__pen pen;
        uint8_t bytes[4096];
        size_t size;
};

static struct frame *begin(struct frame *frame, unsigned control, size_t count)
{
        memset(frame, 0, sizeof(*frame));
        frame->pen.tray = &frame->tray;
        cop__pen_byte(&frame->pen, COP__PASS_THROUGH);
        cop__pen_version(&frame->pen);
        cop__pen_tuple(&frame->pen, 1 + count);
        cop__pen_integer(&frame->pen, control);
        return frame;
}

static void put_atom(struct frame *frame, const char *name)
{
        cop__pen_atom(&frame->pen, name, strlen(name));
}

static void put_process_of(struct frame *frame, const char *node, uint32_t id)
{
        cop__pen_byte(&frame->pen, 88);
        put_atom(frame, node);
        cop__pen_word(&frame->pen, 4, id);
        cop__pen_word(&frame->pen, 4, 0);
        cop__pen_word(&frame->pen, 4, 12345);
}

/* The stranger's process of that number. */
static void put_process(struct frame *frame, uint32_t id)
{
        put_process_of(frame, EVIL, id);
}

static void put_raw(struct frame *frame, const uint8_t *bytes, size_t size)
{
        cop__pen_bytes(&frame->pen, bytes, size);
}

static void say(int fd, struct frame *frame)
{
        stranger_says(fd, frame->tray.data, frame->tray.end);
        cop__tray_free(&frame->tray);
}

/* The process 7 of that node sends to a name here. */
static void begin_from(struct frame *frame, const char *node, const char *name)
{
        begin(frame, COP__CONTROL_REG_SEND, 3);
        put_process_of(frame, node, 7);
        put_atom(frame, "");
        put_atom(frame, name);
        cop__pen_version(&frame->pen);
}

static void begin_to(struct frame *frame, const char *name)
{
        begin_from(frame, EVIL, name);
}

static void say_to_witness(int fd, const char *word)
{
        struct frame frame;
        begin_to(&frame, "witness");
        put_atom(&frame, word);
        say(fd, &frame);
}

/* The next frame whose control message is that. */
static void expect(int fd, struct frame *frame, unsigned control)
{
        uint8_t head[4];
        do {
                ck_assert_msg(stranger_reads(fd, head, 4), "it has hung up");
                frame->size = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
                ck_assert_int_le(frame->size, sizeof(frame->bytes));
                ck_assert(stranger_reads(fd, frame->bytes, frame->size));
        } while (frame->size == 0 || frame->bytes[5] != control);
        ck_assert_int_eq(frame->bytes[0], COP__PASS_THROUGH);
}

/* The first word that the stranger says, and who has said it. */
static cop_pid stranger_greets(int fd)
{
        say_to_witness(fd, "hello");
        cop_auto message = await(COP_KIND(cop_any));
        ck_assert(cop_is_atom(cop_read(cop_any, message)->term, "hello"));
        return cop_message_from(message);
}

static void hears_nothing_before(int fd, const char *word)
{
        say_to_witness(fd, word);
        cop_auto message = cop_receive(PATIENCE_MS, COP_KIND(cop_any), COP_KIND(cop_exited));
        ck_assert_msg(cop_read(cop_any, message) != NULL, "an exit signal has come");
}

/* ---- Links ------------------------------------------------------------------------------------------ */

#define PID_SIZE (3 + strlen(EVIL) + 12) /* theirs */

struct tie {
        uint8_t here[64];
        size_t here_size;
        uint8_t id[16];
        size_t id_size;
};

/* Of an UNLINK_ID: Id, From, To. */
static struct tie read_tie(const struct frame *frame)
{
        struct tie tie = { .id_size = frame->bytes[6] == 97 ? 2 : frame->bytes[6] == 98 ? 5 : 3 + frame->bytes[7] };
        const uint8_t *from = frame->bytes + 6 + tie.id_size;
        tie.here_size = frame->size - 6 - tie.id_size - PID_SIZE;
        ck_assert_int_le(tie.here_size, sizeof(tie.here));
        memcpy(tie.id, frame->bytes + 6, tie.id_size);
        memcpy(tie.here, from, tie.here_size);
        return tie;
}

static void say_link(int fd, const struct tie *tie)
{
        struct frame frame;
        begin(&frame, COP__CONTROL_LINK, 2);
        put_process(&frame, 7);
        put_raw(&frame, tie->here, tie->here_size);
        say(fd, &frame);
}

static void say_exit(int fd, const struct tie *tie)
{
        struct frame frame;
        begin(&frame, COP__CONTROL_EXIT, 3);
        put_process(&frame, 7);
        put_raw(&frame, tie->here, tie->here_size);
        put_atom(&frame, "boom");
        say(fd, &frame);
}

static void say_unlinked(int fd, const struct tie *tie)
{
        struct frame frame;
        begin(&frame, COP__CONTROL_UNLINK_ACK, 3);
        put_raw(&frame, tie->id, tie->id_size);
        put_process(&frame, 7);
        put_raw(&frame, tie->here, tie->here_size);
        say(fd, &frame);
}

static struct tie link_and_unlink(int fd, cop_pid pid)
{
        struct frame frame;
        ck_assert_int_eq(cop_link(pid), COP_OK);
        expect(fd, &frame, COP__CONTROL_LINK);
        cop_unlink(pid);
        expect(fd, &frame, COP__CONTROL_UNLINK_ID);
        return read_tie(&frame);
}

VISITED(a_link_that_was_asked_for_before_the_unlinking_was_known_there_is_none)
{
        cop_pid pid = stranger_greets(fd);
        cop_trap_exit(true);
        struct tie tie = link_and_unlink(fd, pid);
        say_link(fd, &tie);
        say_exit(fd, &tie);
        hears_nothing_before(fd, "after");
}

VISITED(a_link_that_is_asked_for_when_the_unlinking_is_known_is_one)
{
        cop_pid pid = stranger_greets(fd);
        cop_trap_exit(true);
        struct tie first = link_and_unlink(fd, pid), last = link_and_unlink(fd, pid);
        say_unlinked(fd, &first); /* of which the other one knows nothing */
        say_link(fd, &last);
        hears_nothing_before(fd, "between");
        say_unlinked(fd, &last);
        say_link(fd, &last);
        say_exit(fd, &last);
        cop_auto exited = await(COP_KIND(cop_exited));
        ck_assert(cop_is_atom(cop_read(cop_exited, exited)->reason, "boom"));
}

/* ---- How deep a message may be ---------------------------------------------------------------------- */

/* The call's reference, as it is in the MONITOR before its request: From, To, Ref. */
struct reference {
        uint8_t bytes[64];
        size_t size;
};

static struct reference read_call(int fd)
{
        struct frame frame;
        struct reference ref;
        expect(fd, &frame, COP__CONTROL_MONITOR);
        size_t before = 6 + 3 + strlen("a@127.0.0.1") + 12 + PID_SIZE;
        ref.size = frame.size - before;
        ck_assert_int_le(ref.size, sizeof(ref.bytes));
        memcpy(ref.bytes, frame.bytes + before, ref.size);
        expect(fd, &frame, COP__CONTROL_SEND_SENDER);
        return ref;
}

static void put_tuples(struct frame *frame, int deep)
{
        for (int i = 0; i < deep; i++)
                cop__pen_tuple(&frame->pen, 1);
        put_atom(frame, "core");
}

static void answer_deep(int fd, const struct reference *ref, int deep)
{
        struct frame frame;
        begin(&frame, COP__CONTROL_ALIAS_SEND, 2);
        put_process(&frame, 7);
        put_raw(&frame, ref->bytes, ref->size);
        cop__pen_version(&frame.pen);
        cop__pen_tuple(&frame.pen, 2);
        put_raw(&frame, (const uint8_t *)"l\0\0\0\1w\5alias", 12);
        put_raw(&frame, ref->bytes, ref->size);
        put_tuples(&frame, deep);
        say(fd, &frame);
}

static cop_status asked_and_answered(int fd, cop_pid pid, int deep)
{
        cop_request request;
        struct frame frame;
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_request_send(&request, pid, cop_any, .term = cop_atom("deep")), COP_OK);
        struct reference ref = read_call(fd);
        answer_deep(fd, &ref, deep);
        cop_status status = cop_request_await(request, PATIENCE_MS, &reply);
        expect(fd, &frame, COP__CONTROL_DEMONITOR);
        return status;
}

VISITED(a_call_whose_answer_is_too_deep_ends_at_once)
{
        cop_pid pid = stranger_greets(fd);
        ck_assert_int_eq(asked_and_answered(fd, pid, COP_TERM_DEPTH_MAX), COP_OK);
        ck_assert_int_eq(asked_and_answered(fd, pid, COP_TERM_DEPTH_MAX + 1), COP_E_ISOLATED);
}

/* The stranger's reference of that number. */
static void put_reference(struct frame *frame, uint32_t number)
{
        cop__pen_byte(&frame->pen, 90);
        cop__pen_word(&frame->pen, 2, 1);
        put_atom(frame, EVIL);
        cop__pen_word(&frame->pen, 4, 12345);
        cop__pen_word(&frame->pen, 4, number);
}

static void begin_monitor(struct frame *frame, const char *name, uint32_t number)
{
        begin(frame, COP__CONTROL_MONITOR, 3);
        put_process(frame, 7);
        put_atom(frame, name);
        put_reference(frame, number);
}

/* The monitor that a call is over there, and its request. */
static void ask_deep(int fd, uint32_t number, int deep)
{
        struct frame frame;
        begin_monitor(&frame, "echo", number);
        say(fd, &frame);
        begin_to(&frame, "echo");
        cop__pen_tuple(&frame.pen, 3);
        put_atom(&frame, "$gen_call");
        cop__pen_tuple(&frame.pen, 2);
        put_process(&frame, 7);
        put_reference(&frame, number);
        put_tuples(&frame, deep);
        say(fd, &frame);
}

VISITED(who_asks_too_deep_hears_that_at_once)
{
        struct frame frame;
        ask_deep(fd, 1, COP_TERM_DEPTH_MAX + 1);
        expect(fd, &frame, COP__CONTROL_DOWN);
        ck_assert_ptr_nonnull(memmem(frame.bytes, frame.size, "isolated", 8));
        ask_deep(fd, 2, COP_TERM_DEPTH_MAX);
        expect(fd, &frame, COP__CONTROL_SEND_SENDER);
}

PAIR(a_call_that_is_as_deep_as_any_within_a_node_is_answered)
{
        cop_term lists[COP_TERM_DEPTH_MAX], term = cop_nil();
        cop_auto reply = NULL;
        grow_echo(pair);
        for (size_t i = 0; i < COP__COUNT(lists); i++) {
                lists[i] = term;
                term = cop_list_of(&lists[i], 1);
        }
        ck_assert_int_eq(cop_call_term(&reply, cop_at("echo", B), PATIENCE_MS, term), COP_OK);
        ck_assert(cop_term_equal(cop_read(cop_any, reply)->term, term));
}

/* ---- Without memory ------------------------------------------------------------------------------------ */

#define LARGE 100000

/* Two messages in one piece, a large one before a small one. */
static struct cop__tray two_messages(void)
{
        static const uint8_t large[LARGE];
        struct cop__tray both = { 0 };
        struct cop__pen pen = { .tray = &both };
        for (int i = 0; i < 2; i++) {
                struct frame frame;
                begin_to(&frame, "witness");
                cop__pen_byte(&frame.pen, 109);
                cop__pen_word(&frame.pen, 4, i == 0 ? LARGE : 1);
                put_raw(&frame, large, i == 0 ? LARGE : 1);
                cop__pen_word(&pen, 4, frame.tray.end);
                cop__pen_bytes(&pen, frame.tray.data, frame.tray.end);
                cop__tray_free(&frame.tray);
        }
        return both;
}

static bool is_hung_up(int fd)
{
        uint8_t byte;
        ssize_t got = recv(fd, &byte, 1, MSG_DONTWAIT);
        return got == 0 || (got < 0 && errno != EAGAIN);
}

/* How large the next one is that has come; 0: the connection has ended instead. Nothing is asserted: memory may be refused. */
static size_t next_size(int fd)
{
        cop_message *message = NULL;
        bool open = true;
        for (int i = 0; i < PATIENCE_MS && message == NULL && open; i++) {
                open = !is_hung_up(fd); /* before the look at what has come before that */
                message = cop_receive(0, COP_KIND(cop_any));
                if (message == NULL && open)
                        poll(NULL, 0, 1);
        }
        size_t size = message != NULL ? cop_read(cop_any, message)->term.count : open ? SIZE_MAX : 0;
        cop_message_free(message);
        return size;
}

/* A connection that has ended says DOWN to whoever wants to know; a hole in it would be said to nobody. */
VISITED(what_finds_no_memory_when_it_comes_is_not_left_out)
{
        struct cop__tray both = two_messages();
        bool refused = failing_malloc_can();
        shutdown(fd, SHUT_RDWR);
        await_true(is_down(EVIL));
        for (int64_t n = 1; refused; n++) {
                ck_assert_int_lt(n, 1000);
                int evil = stranger_calls(port, EVIL);
                fail_malloc_for(n, 1);
                ssize_t sent = send(evil, both.data, both.end, MSG_NOSIGNAL);
                size_t first = next_size(evil);
                refused = stop_failing_malloc();
                ck_assert_int_eq(sent, (ssize_t)both.end);
                ck_assert_msg(first == 0 || first == LARGE, "at request %d the first message is missing", (int)n);
                if (!refused)
ck_assert_uint_eq(next_size(evil), 1);
                close(evil);
                await_true(is_down(EVIL));
                while (cop_receive(0, COP_KIND(cop_any)) != NULL)
                        ;
        }
        cop__tray_free(&both);
}

static void hoards(void)
{
        while (cop_alloc(16 << 10) != NULL)
                ;
        cop_sleep(COP_FOREVER);
}

static uint64_t dead_letters(void)
{
        struct cop__totals totals;
        cop__totals(cop_node_here(), &totals);
        return totals.dead_letters;
}

VISITED_WITH(what_the_node_takes_no_more_of_is_a_dead_letter, .memory_limit = 8 << 20)
{
        cop_pid pid = cop_spawn(hoards);
        cop_memory_use use;
        struct cop__tray both = two_messages();
        await_true((cop_memory(cop_node_here(), &use), use.over));
        uint64_t before = dead_letters();
        stranger_sends(fd, both.data, both.end);
        await_true(dead_letters() > before);
        put_down(pid);
        await_true((cop_memory(cop_node_here(), &use), !use.over));
        say_to_witness(fd, "after");
        for (bool is_over = false; !is_over;) {
                cop_auto message = await(COP_KIND(cop_any));
                ck_assert_int_ne(cop_read(cop_any, message)->term.count, LARGE);
                is_over = cop_is_atom(cop_read(cop_any, message)->term, "after");
        }
        cop__tray_free(&both);
}

/* ---- net_kernel is no more -------------------------------------------------------------------------------- */

static void kill_kernel(void)
{
        cop_pid kernel = cop_whereis("net_kernel");
        cop_ref ref = watch(kernel);
        ck_assert_int_eq(cop_send_exit(kernel, cop_atom("kill")), COP_OK);
        await_down(ref, "killed");
}

/* What it was told to do while it was held up is lost with it. */
PAIR(who_waits_for_a_call_that_net_kernel_was_to_make_hears_that_it_cannot)
{
        cop_ref first, second;
        ck_assert_int_eq(cop_sys_suspend("net_kernel", PATIENCE_MS), COP_OK);
        ck_assert_int_eq(cop_monitor(cop_at("echo", B), &first), COP_OK);
        kill_kernel();
        ck_assert_int_eq(cop_monitor(cop_at("echo", B), &second), COP_OK);
        await_down(first, "noconnection");
        await_down(second, "noconnection");
}

PAIR(a_new_net_kernel_begins_when_the_connections_of_the_old_one_are_over)
{
        cop_pid owner;
        grow_echo(pair);
        echoes_at_b();
        cop__peer_look(cop__network_find(cop__network_here(), B, strlen(B)), &owner);
        ck_assert_int_eq(cop_sys_suspend(owner, PATIENCE_MS), COP_OK); /* so that it hears of no end */
        kill_kernel();
        ck_assert_int_eq(distribute_with("a@127.0.0.1", (cop_distribution){ .port = 0 }, &pair->port_a), COP_OK);
        ck_assert(!cop_is_alive(owner));
        echoes_at_b();
}

/* ---- Nodes without number ---------------------------------------------------------------------------------- */

/* A process of a node that nobody has ever met. */
static void mention(int fd, int number)
{
        struct frame frame;
        char name[32];
        snprintf(name, sizeof(name), "n%d@127.0.0.1", number);
        begin_to(&frame, "witness");
        cop__pen_byte(&frame.pen, 88);
        put_atom(&frame, name);
        cop__pen_word(&frame.pen, 4, 7);
        cop__pen_word(&frame.pen, 4, 0);
        cop__pen_word(&frame.pen, 4, 1);
        say(fd, &frame);
}

VISITED(nodes_that_are_only_spoken_of_end_no_connection_and_leave_room_for_those_that_come)
{
        for (int i = 0; i < 300; i++) {
                mention(fd, i);
                cop_auto message = await(COP_KIND(cop_any));
                cop_term term = cop_read(cop_any, message)->term;
                ck_assert_msg(term.type == COP_TERM_PID || (i > 100 && cop_is_tuple(term, "$erlang", 2)), "%d: %s", i, text_of(term));
        }
        for (int i = 0; i < 20; i++) {
                char name[32];
                snprintf(name, sizeof(name), "guest%d@127.0.0.1", i);
                int guest = stranger_calls(port, name);
                await_true(is_connected(name));
                close(guest);
        }
        ck_assert(is_connected(EVIL));
}

/* ---- Terms --------------------------------------------------------------------------------------------------- */

VISITED(a_reason_with_an_atom_of_more_bytes_than_characters_is_said)
{
        struct frame frame;
        struct tie tie = { .id_size = 0 };
        cop_pid pid = stranger_greets(fd);
        cop_trap_exit(true);
        ck_assert_int_eq(cop_link(pid), COP_OK);
        expect(fd, &frame, COP__CONTROL_LINK);
        tie.here_size = frame.size - 6 - PID_SIZE;
        memcpy(tie.here, frame.bytes + 6, tie.here_size);
        begin(&frame, COP__CONTROL_EXIT, 3);
        put_process(&frame, 7);
        put_raw(&frame, tie.here, tie.here_size);
        cop__pen_byte(&frame.pen, 118);
        cop__pen_word(&frame.pen, 2, 510);
        for (int i = 0; i < 255; i++)
                put_raw(&frame, (const uint8_t *)"ä", 2);
        say(fd, &frame);
        cop_auto exited = await(COP_KIND(cop_exited));
        ck_assert(cop_is_tuple(cop_read(cop_exited, exited)->reason, "$erlang", 2));
}

/* ---- Who calls -------------------------------------------------------------------------------------------------- */

VISITED(who_calls_while_there_are_no_descriptors_is_let_in_when_there_are)
{
        allow(1);
        int guest = stranger_socket(port);
        for (int i = 0; i < 200; i++)
                settle_with(cop_whereis("net_kernel")); /* it has looked, most likely */
        allow_all();
        ck_assert(stranger_shakes_hands(guest, "guest@127.0.0.1", COOKIE));
        close(guest);
}

/* Each is answered by a DOWN; none is read. */
static bool says_many_monitors(int fd, uint32_t first)
{
        struct cop__tray tray = { 0 };
        struct cop__pen pen = { .tray = &tray };
        for (uint32_t i = 0; i < 1000; i++) {
                struct frame frame;
                begin_monitor(&frame, "nobody", first + i);
                cop__pen_word(&pen, 4, frame.tray.end);
                cop__pen_bytes(&pen, frame.tray.data, frame.tray.end);
                cop__tray_free(&frame.tray);
        }
        bool said = send(fd, tray.data, tray.end, MSG_NOSIGNAL) == (ssize_t)tray.end;
        cop__tray_free(&tray);
        return said;
}

VISITED(who_asks_and_does_not_read_the_answers_is_hung_up_on)
{
        uint32_t said = 0;
        ck_assert_int_eq(cop_nodes_subscribe(), COP_OK);
        while (said < 1000000 && says_many_monitors(fd, said))
                said += 1000;
        ck_assert_msg(said < 1000000, "it takes whatever is asked");
        cop_auto down = await(COP_KIND(cop_node_down));
        ck_assert(cop_is_atom(cop_read(cop_node_down, down)->reason, "too_slow"));
}

PAIR_WITH(what_is_larger_than_the_other_node_takes_is_refused_here_and_ends_no_connection, .message_max = 65536)
{
        static const char large[100000];
        grow_echo(pair);
        echoes_at_b();
        ck_assert_int_eq(cop_nodes_subscribe(), COP_OK);
        ck_assert_int_eq(cop_call_term(NULL, cop_at("echo", B), PATIENCE_MS, cop_binary(large, sizeof(large))), COP_E_ISOLATED);
        ck_assert_int_eq(cop_send(cop_at("echo", B), cop_any, .term = cop_binary(large, sizeof(large))), COP_OK);
        echoes_at_b();
        nothing_has_come();
}

static uint16_t epmd;

static void starts(void)
{
        uint16_t port;
        ck_assert_int_eq(distribute_with("a@127.0.0.1", (cop_distribution){ .epmd_port = epmd }, &port), COP_OK);
}

TEST(who_calls_while_epmd_is_asked_is_let_in)
{
        uint8_t alive[26];
        NEEDS_THREADS();
        cop_node *node = node_begin((cop_node_options){ .name = "a" });
        int listener = stranger_listens(&epmd);
        cop_ref ref = spawn_watched(.run = starts);
        int asked = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        ck_assert(stranger_reads(asked, alive, 16)); /* with a name of one byte */
        int guest = stranger_socket((uint16_t)(alive[3] << 8 | alive[4]));
        for (int i = 0; i < 200; i++)
                settle_with(cop_whereis("net_kernel")); /* it has looked, most likely */
        stranger_sends(asked, "\x76\0\0\0\0\1", 6);
        await_down(ref, "normal");
        ck_assert(stranger_shakes_hands(guest, EVIL, COOKIE));
        close(guest);
        close(asked);
        close(listener);
        node_end(node);
}

/* ---- Who has gone ------------------------------------------------------------------------------------------------ */

/* A stranger comes, says that to a scope here if it is to, and goes, while `name` does not hear of it. */
static void comes_and_goes(uint16_t port, const char *name, bool discovers)
{
        struct frame frame;
        ck_assert_int_eq(cop_sys_suspend(name, PATIENCE_MS), COP_OK);
        int fd = stranger_calls(port, EVIL);
        if (discovers) {
                begin_to(&frame, name);
                cop__pen_tuple(&frame.pen, 2);
                put_atom(&frame, "discover");
                put_process(&frame, 7);
                say(fd, &frame);
        }
        say_to_witness(fd, "here");
        await_and_drop(COP_KIND(cop_any));
        close(fd);
        await_true(is_down(EVIL));
        ck_assert_int_eq(cop_sys_resume(name, PATIENCE_MS), COP_OK);
        settle_with(cop_whereis(name));
}

VISITED(a_node_that_has_gone_is_not_called_for_its_names_or_its_groups)
{
        uint16_t at;
        int listener = stranger_listens(&at); /* who calls waits there */
        ck_assert_int_eq(cop_node_is_at(EVIL, NULL, at), COP_OK);
        start_scope("chat");
        shutdown(fd, SHUT_RDWR);
        await_true(is_down(EVIL));
        comes_and_goes(port, COP__NAMES_SERVER, false);
        ck_assert(is_down(EVIL));
        comes_and_goes(port, "chat", true);
        ck_assert(is_down(EVIL));
        close(listener);
}

/* ---- A call to many ------------------------------------------------------------------------------------------------ */

static void put_many_tag(struct frame *frame)
{
        put_raw(frame, (const uint8_t *)"l\0\0\0\1l\0\0\0\1w\5alias", 17);
        put_reference(frame, 2);
        put_reference(frame, 1);
}

/* As gen_server:multi_call asks: all answer through one alias, each by its own monitor. */
VISITED(a_call_to_many_is_answered_through_their_alias)
{
        struct frame frame, tag;
        begin_monitor(&frame, "echo", 1);
        say(fd, &frame);
        begin_to(&frame, "echo");
        cop__pen_tuple(&frame.pen, 3);
        put_atom(&frame, "$gen_call");
        cop__pen_tuple(&frame.pen, 2);
        put_process(&frame, 7);
        put_many_tag(&frame);
        put_atom(&frame, "hello");
        say(fd, &frame);
        expect(fd, &frame, COP__CONTROL_ALIAS_SEND);
        begin(&tag, COP__CONTROL_ALIAS_SEND, 2);
        tag.tray.end = tag.tray.start; /* only what follows */
        cop__pen_tuple(&tag.pen, 2);
        put_many_tag(&tag);
        put_atom(&tag, "hello");
        const size_t size = cop__tray_waiting(&tag.tray);
        ck_assert_uint_gt(frame.size, size);
        ck_assert_mem_eq(frame.bytes + frame.size - size, tag.tray.data + tag.tray.start, size);
        cop__tray_free(&tag.tray);
}

/* ---- Names at this node ------------------------------------------------------------------------------------------- */

PAIR(an_address_at_ones_own_node_follows_its_name)
{
        char name[] = "late", node[] = "a@127.0.0.1";
        cop_ref ref;
        cop_address to = cop_at(name, node);
        memset(name, 'x', sizeof(name) - 1); /* it is copied */
        memset(node, 'x', sizeof(node) - 1);
        ck_assert_int_eq(cop_send_term(to, cop_atom("lost")), COP_E_NO_NAME);
        ck_assert_int_eq(cop_call_term_to(NULL, to, PATIENCE_MS, cop_atom("lost")), COP_E_NO_NAME);
        cop_pid first = cop_spawn_server(&echo_server, "late");
        ck_assert_int_eq(cop_call_term_to(NULL, to, PATIENCE_MS, cop_atom("heard")), COP_OK);
        ck_assert_int_eq(cop_monitor_address(to, &ref), COP_OK);
        cop_send_exit(first, cop_atom("kill"));
        await_down(ref, "killed");
        await_true(cop_whereis("late").bits == 0);
        ck_assert_int_eq(cop_send_term(to, cop_atom("lost")), COP_E_NO_NAME);
        cop_spawn_server(&echo_server, "late");
        ck_assert_int_eq(cop_call_term_to(NULL, to, PATIENCE_MS, cop_atom("heard")), COP_OK);
}

/* ---- News of nodes -------------------------------------------------------------------------------------------------- */

static void subscribes(void)
{
        cop_send_term("witness", COP_TUPLE(cop_atom("subscribed"), cop_int(cop_nodes_subscribe())));
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(cop_node_up)));
        cop_send_term("witness", cop_atom("up"));
}

static void expect_any(const char *text)
{
        cop_auto message = await(COP_KIND(cop_any));
        ck_assert_str_eq(text_of(cop_read(cop_any, message)->term), text);
}

PAIR(as_many_actors_of_a_program_as_is_said_are_told_of_nodes_and_so_are_its_global_names)
{
        ck_assert_int_eq(cop_register("witness", cop_self()), COP_OK);
        for (unsigned i = 0; i < COP__AUDIENCE_MAX; i++) {
                cop_spawn(subscribes);
                expect_any("{subscribed, 0}");
        }
        ck_assert_int_eq(cop_nodes_subscribe(), COP_E_LIMIT);
        ck_assert_int_eq(cop_global_register("ledger", cop_spawn_server(&echo_server, "echo")), COP_OK);
        ck_assert_int_eq(cop_connect(B, PATIENCE_MS), COP_OK);
        for (unsigned i = 0; i < COP__AUDIENCE_MAX; i++)
                expect_any("up");
        cop_unregister("witness");
        visit(pair->b);
        await_true(cop_global_whereis("ledger").bits != 0);
}

/* ---- Global names -------------------------------------------------------------------------------------------------- */

static void say_holder(int fd, const char *name, uint32_t id)
{
        struct frame frame;
        begin_to(&frame, COP__NAMES_SERVER);
        cop__pen_tuple(&frame.pen, 2);
        put_atom(&frame, "all");
        put_raw(&frame, (const uint8_t *)"l\0\0\0\1", 5);
        cop__pen_tuple(&frame.pen, 2);
        put_atom(&frame, name);
        put_process(&frame, id);
        cop__pen_byte(&frame.pen, 106);
        say(fd, &frame);
        say_to_witness(fd, "said");
        await_and_drop(COP_KIND(cop_any));
}

VISITED(two_holders_of_a_name_on_one_node_become_one)
{
        say_holder(fd, "ledger", 7);
        ck_assert_uint_eq(cop__pid_slot(cop_global_whereis("ledger")), 7);
        say_holder(fd, "ledger", 5);
        ck_assert_uint_eq(cop__pid_slot(cop_global_whereis("ledger")), 5);
        say_holder(fd, "ledger", 7);
        ck_assert_uint_eq(cop__pid_slot(cop_global_whereis("ledger")), 5);
}

#define THIRD "third@127.0.0.1"

/* {Name, Pid}: a process of a node in that life. */
static void put_holder(struct frame *frame, const char *name, const char *node, uint32_t creation)
{
        cop__pen_tuple(&frame->pen, 2);
        put_atom(frame, name);
        cop__pen_byte(&frame->pen, 88);
        put_atom(frame, node);
        cop__pen_word(&frame->pen, 4, 7);
        cop__pen_word(&frame->pen, 4, 0);
        cop__pen_word(&frame->pen, 4, creation);
}

static void begin_holders(struct frame *frame, uint8_t count)
{
        begin_to(frame, COP__NAMES_SERVER);
        cop__pen_tuple(&frame->pen, 2);
        put_atom(frame, "all");
        put_raw(frame, (const uint8_t[]){ 108, 0, 0, 0, count }, 5);
}

static void say_holders(int fd, struct frame *frame)
{
        cop__pen_byte(&frame->pen, 106);
        say(fd, frame);
        say_to_witness(fd, "said");
        await_and_drop(COP_KIND(cop_any));
}

static cop_pid process_of(const char *node, uint32_t creation)
{
        struct cop__network *network = cop__network_here();
        return cop__pid_of(cop__network_life(network, cop__network_find(network, node, strlen(node)), creation), 7, 0);
}

static bool has_name(const char *name, const char *node, uint32_t creation)
{
        return cop_pid_equal(cop_global_whereis(name), process_of(node, creation));
}

/* Whoever says so has not heard yet that the node has begun anew. */
VISITED(a_holder_of_a_life_that_is_over_takes_no_name_from_one_that_lives)
{
        struct frame frame;
        for (uint32_t creation = 12344; creation <= 12346; creation++) {
                begin_holders(&frame, 1);
                put_holder(&frame, "ledger", EVIL, 12345);
                say_holders(fd, &frame);
                begin_holders(&frame, 1);
                put_holder(&frame, "ledger", EVIL, creation);
                say_holders(fd, &frame);
                ck_assert(has_name("ledger", EVIL, 12345));
        }
}

VISITED(who_lives_takes_the_name_of_one_whose_life_is_over)
{
        struct frame frame;
        uint16_t at;
        int listener = stranger_listens(&at);
        ck_assert_int_eq(cop_node_is_at(THIRD, NULL, at), COP_OK);
        begin_holders(&frame, 1);
        put_holder(&frame, "ledger", THIRD, 1); /* who is watched, for which its node is called */
        say_holders(fd, &frame);
        int third = stranger_is_called(listener);
        ck_assert_int_eq(cop_sys_suspend(COP__NAMES_SERVER, PATIENCE_MS), COP_OK);
        begin_holders(&frame, 1);
        put_holder(&frame, "ledger", THIRD, 12345);
        say_holders(fd, &frame); /* before it hears of the end of the other one */
        ck_assert(stranger_lets_in(third, THIRD, "ok"));
        await_true(is_connected(THIRD));
        ck_assert_int_eq(cop_sys_resume(COP__NAMES_SERVER, PATIENCE_MS), COP_OK);
        ck_assert(has_name("ledger", THIRD, 12345));
        close(third);
        close(listener);
}

/* Of both, until one of them is known to be over. */
VISITED(of_two_lives_of_a_node_that_is_down_the_lower_one_has_the_name)
{
        struct frame frame;
        uint16_t at;
        int listener = stranger_listens(&at);
        ck_assert_int_eq(cop_node_is_at(THIRD, NULL, at), COP_OK);
        begin_holders(&frame, 4);
        put_holder(&frame, "ledger", THIRD, 12346);
        put_holder(&frame, "ledger", THIRD, 12345);
        put_holder(&frame, "diary", THIRD, 12345);
        put_holder(&frame, "diary", THIRD, 12346);
        say_holders(fd, &frame);
        int third = stranger_is_called(listener);
        ck_assert(stranger_lets_in(third, THIRD, "ok"));
        await_true(is_connected(THIRD));
        ck_assert(has_name("ledger", THIRD, 12345));
        ck_assert(has_name("diary", THIRD, 12345));
        close(third);
        close(listener);
}

VISITED(a_name_whose_holder_has_gone_with_its_node_is_nobodys_before_that_is_known_to_all)
{
        cop_request request;
        cop_auto reply = NULL;
        say_holder(fd, "ledger", 7);
        ck_assert_uint_eq(cop__pid_slot(cop_global_whereis("ledger")), 7);
        ck_assert_int_eq(cop_sys_suspend(COP__NAMES_SERVER, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(cop_request_send(&request, COP__NAMES_SERVER, cop_any,
                                          .term = COP_TUPLE(cop_atom("whereis"), cop_atom("ledger"))), COP_OK);
        shutdown(fd, SHUT_RDWR);
        await_true(is_down(EVIL));
        ck_assert_int_eq(cop_sys_resume(COP__NAMES_SERVER, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(cop_request_await(request, PATIENCE_MS, &reply), COP_OK);
        ck_assert_uint_eq(cop_read(cop_any, reply)->term.as.pid.bits, 0);
}

/* ---- Members ------------------------------------------------------------------------------------------------------- */

/* Is the next word of a scope here to the stranger's that one? */
static bool scope_says(int fd, const char *word)
{
        struct frame frame;
        expect(fd, &frame, COP__CONTROL_SEND_SENDER);
        return memmem(frame.bytes, frame.size, word, strlen(word)) != NULL;
}

static size_t members_of(const char *group)
{
        cop_term list;
        ck_assert_int_eq(cop_group_members("chat", cop_atom(group), &list), COP_OK);
        size_t count = list.count;
        cop_term_free(list);
        return count;
}

static void waits(void)
{
        cop_sleep(COP_FOREVER);
}

VISITED_WITH(a_member_that_ends_while_its_node_has_no_room_is_none_on_the_other_one, .memory_limit = 8 << 20)
{
        struct frame frame;
        cop_memory_use use;
        cop_pid member = cop_spawn(waits);
        start_scope("chat");
        ck_assert_int_eq(cop_group_join("chat", cop_atom("tea"), member), COP_OK);
        begin_to(&frame, "chat");
        cop__pen_tuple(&frame.pen, 2);
        put_atom(&frame, "discover");
        put_process(&frame, 7);
        say(fd, &frame);
        while (!scope_says(fd, "tea"))
                ;
        /* Then it is told that one has left, or of all there are. */
        cop_pid hoarder = cop_spawn(hoards);
        await_true((cop_memory(cop_node_here(), &use), use.over));
        put_down(member);
        await_true(members_of("tea") == 0);
        for (int i = 0; i < 1000; i++) /* it has told, most likely */
                cop_yield();
        put_down(hoarder);
        while (scope_says(fd, "discover"))
                ;
}

/* The scope of that number at a node says that its process 9 is the only member of tea. */
static void say_scope_of(int fd, const char *node, uint32_t id)
{
        struct frame frame;
        begin_from(&frame, node, "chat");
        cop__pen_tuple(&frame.pen, 2);
        put_atom(&frame, "discover");
        put_process_of(&frame, node, id);
        say(fd, &frame);
        begin_from(&frame, node, "chat");
        cop__pen_tuple(&frame.pen, 3);
        put_atom(&frame, "sync");
        put_process_of(&frame, node, id);
        put_raw(&frame, (const uint8_t *)"l\0\0\0\1", 5);
        cop__pen_tuple(&frame.pen, 2);
        put_atom(&frame, "tea");
        put_raw(&frame, (const uint8_t *)"l\0\0\0\1", 5);
        put_process_of(&frame, node, 9);
        put_raw(&frame, (const uint8_t *)"jj", 2);
        say(fd, &frame);
}

static void say_scope(int fd, uint32_t id)
{
        say_scope_of(fd, EVIL, id);
}

VISITED(a_scope_that_follows_another_keeps_its_members_when_that_is_known_to_have_ended)
{
        struct frame monitor, frame;
        const size_t own_size = 3 + strlen("a@127.0.0.1") + 12, before = 6 + own_size + PID_SIZE;
        start_scope("chat");
        say_scope(fd, 7);
        expect(fd, &monitor, COP__CONTROL_MONITOR);
        say_scope(fd, 8);
        begin(&frame, COP__CONTROL_DOWN, 4);
        put_process(&frame, 7);
        put_raw(&frame, monitor.bytes + 6, own_size);
        put_raw(&frame, monitor.bytes + before, monitor.size - before);
        put_atom(&frame, "killed");
        say(fd, &frame);
        begin_to(&frame, "chat");
        cop__pen_tuple(&frame.pen, 4);
        put_atom(&frame, "join");
        put_process(&frame, 8);
        put_atom(&frame, "cake");
        put_process(&frame, 9);
        say(fd, &frame);
        await_true(members_of("cake") == 1); /* what was said before is known */
        ck_assert_uint_eq(members_of("tea"), 1);
}

/* The stranger's scope 7 says that two processes have joined: one of that node, and one of its own. */
static void say_joined(int fd, struct frame *frame, const char *group, const char *node)
{
        cop__pen_tuple(&frame->pen, 4);
        put_atom(frame, "join");
        put_process(frame, 7);
        put_atom(frame, group);
        put_raw(frame, (const uint8_t *)"l\0\0\0\2", 5);
        put_process_of(frame, node, 5);
        put_process(frame, 9);
        cop__pen_byte(&frame->pen, 106);
        say(fd, frame);
}

VISITED(a_scope_that_follows_another_takes_nothing_from_those_of_other_nodes)
{
        start_scope("chat");
        int third = stranger_calls(port, THIRD);
        say_scope_of(third, THIRD, 7);
        await_true(members_of("tea") == 1);
        say_scope(fd, 7);
        await_true(members_of("tea") == 2);
        say_scope(fd, 8);
        say_to_witness(fd, "said");
        await_and_drop(COP_KIND(cop_any));
        ck_assert_int_eq(cop_sys_resume("chat", PATIENCE_MS), COP_OK); /* it has heard all of it */
        ck_assert_uint_eq(members_of("tea"), 2);
        close(third);
}

VISITED(a_scope_speaks_for_members_of_its_own_node_alone)
{
        struct frame frame;
        start_scope("chat");
        say_scope(fd, 7);
        begin_to(&frame, "chat");
        say_joined(fd, &frame, "cake", THIRD);
        begin_to(&frame, "chat");
        say_joined(fd, &frame, "bread", EVIL);
        await_true(members_of("bread") == 2);
        ck_assert_uint_eq(members_of("cake"), 1);
        ck_assert_uint_eq(members_of("tea"), 1);
}

/* Which nobody finds until it begins anew. */
VISITED(a_scope_without_its_name_lets_nobody_in_and_goes_on)
{
        struct frame frame;
        cop_pid scope = start_scope("chat");
        say_scope(fd, 7);
        await_true(members_of("tea") == 1);
        ck_assert_int_eq(cop_unregister("chat"), COP_OK);
        begin(&frame, COP__CONTROL_SEND_SENDER, 2);
        frame.pen.network = cop__network_here();
        put_process(&frame, 7);
        cop__pen_pid(&frame.pen, scope);
        cop__pen_version(&frame.pen);
        say_joined(fd, &frame, "cake", EVIL);
        say_to_witness(fd, "said");
        await_and_drop(COP_KIND(cop_any));
        settle_with(scope);
        ck_assert_uint_eq(members_of("cake"), 0);
        ck_assert(cop_is_alive(scope));
}

/* ---- Who is busy --------------------------------------------------------------------------------------------------- */

static int gate[2];
static uint32_t inside;

static void reads_gate(int *unused)
{
        char byte;
        (void)unused;
        cop__store_release(&inside, 1u);
        while (read(gate[0], &byte, 1) < 0)
                ;
}

static void blocks(void)
{
        int unused = 0;
        cop_blocking(reads_gate, &unused);
}

/* Its address is no name: nobody need look that up. */
TEST(a_node_whose_address_is_a_number_is_called_while_no_thread_is_free)
{
        uint16_t port, at;
        NEEDS_THREADS();
        ck_assert_int_eq(pipe2(gate, O_CLOEXEC), 0);
        cop_node *node = node_begin((cop_node_options){ .name = "a", .blocking_threads = 1 });
        ck_assert_int_eq(distribute_with("a@127.0.0.1", visited_options, &port), COP_OK);
        int listener = stranger_listens(&at);
        cop_ref ref = spawn_watched(.run = blocks);
        await_true(cop__load_acquire(&inside) == 1);
        ck_assert_int_eq(cop_node_is_at(EVIL, NULL, at), COP_OK);
        ck_assert_int_eq(cop_send(cop_at("x", EVIL), cop_any, .term = cop_atom("x")), COP_OK);
        int fd = stranger_is_called(listener);
        close(gate[1]);
        await_down(ref, "normal");
        close(gate[0]);
        close(fd);
        close(listener);
        node_end(node);
}
