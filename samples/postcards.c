/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Terms outside of messages: built on the stack, compared, kept, written as bytes and as text, and read back. A term made of parts of the
 * caller's lives as long as these; who keeps one copies it whole.
 */
#include <stdio.h>
#include <stdlib.h>

#include <coppice.h>

static void show(const char *what, cop_term term)
{
        char text[256];
        cop_term_print(term, NULL, text, sizeof(text));
        printf("%-10s %s\n", what, text);
}

/* The caller owns it and ends it with cop_term_free. */
static cop_term a_postcard(void)
{
        static const uint8_t stamp[] = { 0, 7, 255 };
        cop_term copy = cop_nil();
        cop_term greeting = cop_cons_of((const cop_term[]){ cop_atom("dear"), cop_string("Ada"), cop_atom("yours") }, 3);
        cop_term card = COP_MAP(cop_atom("to"), cop_string("Ada"), cop_atom("pence"), cop_natural(UINT64_MAX),
                                cop_atom("stamp"), cop_binary(stamp, sizeof(stamp)),
                                cop_atom("greeting"), greeting);
        if (cop_term_copy(card, &copy) != COP_OK)
                exit(1);
        return copy; /* `card` ends here, with the arrays that it points at */
}

static void send_as_bytes(cop_term card)
{
        uint8_t *bytes;
        size_t size;
        cop_term read;
        if (cop_term_encode(card, &bytes, &size) != COP_OK)
                return;
        printf("%zu bytes of MessagePack\n", size);
        if (cop_term_decode(bytes, size, &read) == COP_OK) {
                printf("the same: %s\n", cop_term_equal(card, read) ? "yes" : "no");
                cop_term_free(read);
        }
        bytes[0] = 0xc1; /* what no term begins with */
        printf("damaged: %s\n", cop_status_text(cop_term_decode(bytes, size, &read)));
        free(bytes);
}

static void compare(void)
{
        cop_term one = cop_int(1), same = cop_float(1);
        printf("1 and 1.0 are %s in the order, and %s as keys\n", cop_term_compare(one, same) == 0 ? "equal" : "different",
               cop_term_equal(one, same) ? "equal" : "different");
        printf("an atom comes %s a tuple\n", cop_term_compare(cop_atom("zebra"), COP_TUPLE(one)) < 0 ? "before" : "after");
        cop_term pairs[] = { cop_atom("b"), one, cop_atom("a"), one, cop_atom("b"), cop_int(2) };
        show("a map", cop_map_of(pairs, 3)); /* in order; of equal keys the last stays */
}

/* Pids and references print, and are read back. */
static void identify(void)
{
        char text[COP_ID_TEXT_MAX];
        cop_pid pid;
        cop_ref ref = cop_ref_new(), other;
        cop_pid_print(cop_self(), text);
        printf("myself, read back: %s\n",
               cop_pid_parse(text, strlen(text), &pid) == COP_OK && cop_pid_equal(pid, cop_self()) ? "yes" : "no");
        cop_ref_print(ref, text);
        printf("a reference too: %s\n",
               cop_ref_parse(text, strlen(text), &other) == COP_OK && cop_ref_equal(ref, other) ? "yes" : "no");
        printf("but no other spelling: %s\n", cop_status_text(cop_pid_parse("<0.07.1>", 8, &pid)));
        printf("in a term they are themselves: %s\n",
               cop_pid_term(cop_self()).as.pid.bits == cop_self().bits && cop_ref_equal(cop_ref_term(ref).as.ref, ref)
                       ? "yes" : "no");
}

int main(void)
{
        cop_node *node;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        cop_term card = a_postcard();
        show("a card", card);
        send_as_bytes(card);
        cop_term_free(card);
        compare();
        identify();
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
