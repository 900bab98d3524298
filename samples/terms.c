/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Terms are Erlang's data, for what no message kind declares: built, read from text, matched, printed, and sent. A term that
 * looks like a declared kind arrives as that kind.
 */
#include <stdio.h>
#include <string.h>

#include <coppice.h>

typedef struct { int64_t pence, people; } bill;
COP_MESSAGE(bill, pence, people);

static void print(const char *what, cop_term term, const cop_kinds *kinds)
{
        char text[128];
        cop_term_print(term, kinds, text, sizeof(text));
        printf("%s: %s\n", what, text);
}

static void build_and_match(void)
{
        cop_term bound[10];
        cop_term fruit = COP_TUPLE(cop_atom("apple"), cop_int(3),
                                   COP_LIST(cop_string("red"), cop_float(1.5)));
        print("built", fruit, NULL);
        if (cop_term_match(COP_TUPLE(cop_atom("apple"), cop_atom("$1"), cop_atom("_")), fruit, bound))
                print("how many", bound[1], NULL);
}

static void read_from_text(const cop_kinds *kinds)
{
        static const char text[] = "#{name => <<\"Ada\">>, owes => #bill{pence = 900, people = 3}}";
        static const char wrong[] = "#bill{penc = 900}";
        cop_term term;
        cop_parse_error error;
        if (cop_term_parse(text, strlen(text), kinds, &term, &error) == COP_OK) {
                print("read", *cop_map_get(term, cop_atom("owes")), kinds);
                print("as a tuple", *cop_map_get(term, cop_atom("owes")), NULL);
                cop_term_free(term);
        }
        if (cop_term_parse(wrong, strlen(wrong), kinds, &term, &error) != COP_OK)
                printf("at %d: %s\n", (int)error.offset, error.text);
}

static void send_to_oneself(void)
{
        cop_send_term(cop_self(), COP_TUPLE(cop_atom("bill"), cop_int(700), cop_int(2)));
        cop_send_term(cop_self(), COP_TUPLE(cop_atom("anything"), cop_bool(true)));
        for (int i = 0; i < 2; i++) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(bill), COP_KIND(cop_any));
                if (cop_read(bill, message) != NULL)
                        printf("came as a bill of %d pence\n", (int)cop_read(bill, message)->pence);
                else
                        print("came as a term", cop_read(cop_any, message)->term, NULL);
        }
}

int main(void)
{
        cop_node *node;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        build_and_match();
        read_from_text(cop_node_kinds(node));
        send_to_oneself();
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
