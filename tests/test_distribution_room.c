/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A node over its memory mark: what it is told by others, and tells, that is no new work. What is large is never had at hand. */
#include "tests/visited.h"

#include <coppice/global.h>

#include "distribution/names.h"
#include "tests/hoard.h"
#include "tests/keepers.h"

#define LIMIT (8 << 20)
#define LARGE 20000

static void waits(void)
{
        cop_sleep(COP_FOREVER);
}

/* Until that one is put down. */
static cop_pid fill(void)
{
        cop_pid pid = cop_spawn(hoards);
        await_true(is_over());
        return pid;
}

static void make_room(cop_pid hoarder)
{
        put_down(hoarder);
        await_true(!is_over());
}

static cop_term large_text(void)
{
        static char text[LARGE + 1];
        memset(text, 'x', LARGE);
        return cop_string(text);
}

/* ---- Groups ---------------------------------------------------------------------------------- */

static cop_term process(uint32_t id)
{
        return cop_pid_term(theirs(id));
}

static size_t members_of(cop_term group)
{
        cop_term list;
        ck_assert_int_eq(cop_group_members("chat", group, &list), COP_OK);
        size_t count = list.count;
        cop_term_free(list);
        return count;
}

VISITED_WITHIN(a_member_that_leaves_while_another_node_has_no_room_is_none_there, LIMIT)
{
        const cop_term here = large_text(), later = cop_atom("later");
        start_scope("chat");
        says_term(fd, "chat", COP_TUPLE(cop_atom("discover"), process(7)));
        says_term(fd, "chat", COP_TUPLE(cop_atom("join"), process(7), here, process(9)));
        await_true(members_of(here) == 1);
        cop_pid hoarder = fill();
        says_term(fd, "chat", COP_TUPLE(cop_atom("leave"), process(7), process(9), COP_LIST(here)));
        says_term(fd, "chat", COP_TUPLE(cop_atom("join"), process(7), later, COP_LIST(process(9), process(9))));
        await_true(members_of(later) == 2); /* in the order in which it was said */
        ck_assert_uint_eq(members_of(here), 0);
        make_room(hoarder);
}

/* ---- Nodes that go ----------------------------------------------------------------------------- */

static cop_pid connection_here(void)
{
        cop_pid owner;
        ck_assert_int_eq(cop__peer_look(cop__network_here()->peers[0], &owner), COP__PEER_UP);
        return owner;
}

VISITED_WITHIN(that_a_node_is_down_is_told_also_while_this_one_has_no_room, LIMIT)
{
        cop_pid hoarder = fill();
        ck_assert_int_eq(cop_send_exit(connection_here(), large_text()), COP_OK);
        cop_auto down = await(COP_KIND(cop_node_down));
        ck_assert_str_eq(cop_read(cop_node_down, down)->node.text, THEM);
        ck_assert(is_over());
        make_room(hoarder);
}

/* What this thread has at hand, of whatever size. */
static void use_up(void)
{
        for (size_t size = 0; size <= 512; size += 16) {
                static char text[512];
                while (cop_send(cop_self(), cop_any, .term = cop_binary(text, size)) == COP_OK)
                        ;
        }
}

VISITED_WITHIN(who_connects_while_the_node_has_no_room_hears_of_that, LIMIT)
{
        cop_pid hoarder = fill();
        use_up();
        ck_assert_int_eq(cop_connect("other@127.0.0.1", PATIENCE_MS), COP_E_OVERLOAD);
        make_room(hoarder);
}

VISITED_WITHIN(a_node_is_disconnected_also_while_this_one_has_no_room, LIMIT)
{
        cop_pid hoarder = fill();
        use_up();
        ck_assert_int_eq(cop_disconnect(THEM), COP_OK);
        await_and_drop(COP_KIND(cop_node_down));
        make_room(hoarder);
}

/* ---- Names --------------------------------------------------------------------------------------- */

#define NAMES 1000 /* no small message */

static cop_term many_names(cop_term items[NAMES], char texts[NAMES][16], cop_term pairs[NAMES][2], cop_term pid)
{
        for (int i = 0; i < NAMES; i++) {
                snprintf(texts[i], 16, "n%d", i);
                pairs[i][0] = cop_atom(texts[i]);
                pairs[i][1] = pid;
                items[i] = cop_tuple_of(pairs[i], 2);
        }
        return cop_list_of(items, NAMES);
}

static cop_pid holder_of(const char *name)
{
        return cop_global_whereis(name);
}

static cop_term names_of(cop_term pid)
{
        static char texts[NAMES][16];
        static cop_term items[NAMES], pairs[NAMES][2];
        return many_names(items, texts, pairs, pid);
}

static void says_names(int fd)
{
        says_term(fd, COP__NAMES_SERVER, COP_TUPLE(cop_atom("all"), names_of(process(9))));
}

VISITED_WITHIN(the_names_of_a_node_that_is_met_while_this_one_has_no_room_are_known_afterwards, LIMIT)
{
        cop_pid hoarder = fill();
        says_names(fd);
        says_term(fd, COP__NAMES_SERVER, COP_TUPLE(cop_atom("all"), COP_LIST(COP_TUPLE(cop_atom("last"), process(9)))));
        make_room(hoarder);
        await_true(holder_of("last").bits != 0);
        ck_assert(cop_pid_equal(holder_of("n999"), theirs(9)));
}

/* The rest of a handshake whose first half was heard before; the connection begins with it. */
static void ends_handshake(int fd)
{
        uint8_t packet[512], answer[23] = { 0, 21, 'r', 0, 0, 0, 7 };
        ck_assert_int_ge(stranger_hears(fd, packet), 19);
        ck_assert_int_eq(packet[0], 'N');
        stranger_digest(COOKIE, stranger_word(packet + 9), answer + 7);
        stranger_sends(fd, answer, sizeof(answer));
        ck_assert_uint_eq(stranger_hears(fd, packet), 17);
}

/* The first message for its server of names says all that there are here. */
static size_t names_heard(int fd)
{
        cop_term heard, message;
        size_t count = 0;
        do {
                stranger_hears_control(fd, COP__CONTROL_REG_SEND, &heard, &message);
                if (cop_is_tuple(message, "all", 2))
                        count = message.as.items[1].count;
                cop_term_free(heard);
                cop_term_free(message);
        } while (count == 0);
        return count;
}

#define GUEST "guest@127.0.0.1"

VISITED_WITHIN(a_node_that_is_met_while_this_one_has_no_room_is_told_its_names, LIMIT)
{
        uint8_t packet[512];
        says_term(fd, COP__NAMES_SERVER, COP_TUPLE(cop_atom("all"), names_of(cop_pid_term(cop_spawn(waits)))));
        await_true(holder_of("n999").bits != 0);
        int guest = stranger_socket(port);
        stranger_introduces(guest, GUEST, OF_OURS | COP__CAN_PUBLISHED);
        ck_assert_uint_eq(stranger_hears(guest, packet), 3);
        ck_assert_int_eq(memcmp(packet, "sok", 3), 0);
        cop_pid hoarder = fill();
        ends_handshake(guest);
        ck_assert_uint_eq(names_heard(guest), NAMES);
        ck_assert(is_over());
        make_room(hoarder);
        close(guest);
}
