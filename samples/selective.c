/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A receive says what it waits for; the rest stays in the mailbox, in order. So a nurse sees the
 * urgent first, finds the one answer to her own question among all mail, and gives up in time.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { int64_t urgency; cop_text who; } patient;
COP_MESSAGE(patient, urgency, who);

typedef struct { cop_ref question; cop_text text; } result;
COP_MESSAGE(result, question, text);

static bool is_at_least(const patient *p, const int64_t *urgency)
{
        return p->urgency >= *urgency;
}

/* Whoever fits is called in, in order of arrival, until nobody does. */
static void see_all(cop_pattern who)
{
        for (;;) {
                cop_auto message = cop_receive(0, who);
                if (message == NULL)
                        return;
                const patient *p = cop_read(patient, message);
                printf("  %s, urgency %d\n", p->who.data, (int)p->urgency);
        }
}

static void nurse(void)
{
        cop_ref blood = cop_ref_new(), scan = cop_ref_new(), sample = cop_ref_new();
        const int64_t urgent = 7;
        cop_send(cop_self(), patient, .urgency = 2, .who = COP_TEXT("Ada"));
        cop_send(cop_self(), result, .question = scan, .text = COP_TEXT("a broken toe"));
        cop_send(cop_self(), patient, .urgency = 9, .who = COP_TEXT("Ben"));
        cop_send(cop_self(), patient, .urgency = 5, .who = COP_TEXT("Cleo"));
        cop_send(cop_self(), patient, .urgency = 8, .who = COP_TEXT("Dan"));
        cop_send(cop_self(), result, .question = blood, .text = COP_TEXT("all is well"));

        puts("urgent ones:");
        see_all(COP_WHERE(patient, is_at_least, &urgent));
        puts("who has an urgency of 5:");
        see_all(COP_FIELD(patient, urgency, 5));
        puts("the others:");
        see_all(COP_KIND(patient));

        cop_auto answer = cop_receive(COP_FOREVER, COP_REF(result, blood));
        printf("the blood: %s\n", cop_read(result, answer)->text.data);
        cop_auto other = cop_receive(COP_FOREVER, COP_REF(result, scan));
        printf("the scan: %s\n", cop_read(result, other)->text.data);
        cop_auto none = cop_receive(10, COP_REF(result, sample));
        puts(none == NULL ? "the sample: no answer in time" : "the sample: an answer?");
}

int main(void)
{
        cop_node *node;
        cop_ref over;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        cop_monitor(cop_spawn(nurse), &over);
        cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, over)));
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
