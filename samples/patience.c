/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * An order goes from the waiter to the cook, and from the cook to the butcher, who is in no hurry. The waiter's patience is
 * everybody's: when it is over, the cook stops waiting, too, and an order that still lies on the spike by then is never cooked.
 *
 * In the second half the cook and the waiter each wait for the other to say what is for dinner. Threads would do so for ever; here
 * the one who closes the ring is told who is in it.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct {
        cop_text dish;
} order;
COP_MESSAGE(order, dish);

typedef struct {
        cop_text text;
} word;
COP_MESSAGE(word, text);

typedef struct {
        int64_t after_ms;
} hurry;
COP_MESSAGE(hurry, after_ms);

typedef struct {
        bool please;
} what_is_for_dinner;
COP_MESSAGE(what_is_for_dinner, please);

typedef struct {
        int64_t served;
} butcher;

/* Answers nobody before somebody says that it matters. */
static void butcher_on_order(butcher *self, const order *o)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(hurry)));
        printf("butcher: %s, with %s\n", o->dish.data,
               cop_time_left() == 0 ? "nobody waiting any more" : "somebody waiting");
        cop_reply(word, .text = cop_text_of("here it is"));
        self->served++;
}

COP_SERVER(butcher, COP_ON(order, butcher_on_order));

typedef struct {
        int64_t cooked;
} cook;

/* The cook would wait for ever, but not on behalf of one who does not. */
static void cook_on_order(cook *self, const order *o)
{
        cop_status status = cop_call(NULL, "butcher", COP_FOREVER, order, .dish = o->dish);
        cop_send("waiter", word, .text = cop_text_of(cop_status_text(status)));
        self->cooked += status == COP_OK;
}

static void cook_on_dinner(cook *self, const what_is_for_dinner *w)
{
        (void)self;
        cop_status status =
                cop_call(NULL, "waiter", COP_FOREVER, what_is_for_dinner, .please = w->please);
        printf("cook: I cannot ask the waiter: %s\n", cop_status_text(status));
        if (status == COP_E_CYCLE && cop_is_tuple(cop_failure(), "calling_cycle", 2))
                printf("cook: %d of us wait for each other\n",
                       (int)cop_failure().as.items[1].count);
        cop_reply(word, .text = cop_text_of("soup, then"));
}

COP_SERVER(cook, COP_ON(order, cook_on_order), COP_ON(what_is_for_dinner, cook_on_dinner));

static void waiter(void)
{
        cop_status status = cop_call(NULL, "cook", 50, order, .dish = cop_text_of("roast"));
        printf("waiter: the roast: %s\n", status == COP_E_TIMEOUT || status == COP_E_NO_REPLY
                                                  ? "too late"
                                                  : cop_status_text(status));
        cop_auto excuse = cop_receive(COP_FOREVER, COP_KIND(word));
        printf("cook: the butcher: %s\n", cop_read(word, excuse)->text.data);

        /* The butcher is still at the roast. This one waits on the spike, and is dropped when its turn comes. */
        cop_dead_letters_subscribe();
        cop_call(NULL, "butcher", 1, order, .dish = cop_text_of("sausages"));
        cop_send("butcher", hurry);
        cop_auto letter = cop_receive(COP_FOREVER, COP_KIND(cop_dead_letter));
        printf("waiter: an order went %s\n", cop_read(cop_dead_letter, letter)->reason.text);
        cop_dead_letters_unsubscribe();

        cop_auto reply = NULL;
        if (cop_call(&reply, "cook", COP_FOREVER, what_is_for_dinner, .please = true) == COP_OK)
                printf("waiter: %s\n", cop_read(word, reply)->text.data);
}

static void say_nothing(void *context, cop_log_level level, const char *text)
{
        (void)context;
        (void)level;
        (void)text; /* the log tells of the ring as well; the cook has told it */
}

int main(void)
{
        cop_node *node;
        const cop_node_options options = { .log = say_nothing };
        if (cop_node_start(&options, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        cop_spawn_server(&butcher_server, "butcher");
        cop_spawn_server(&cook_server, "cook");
        cop_ref closed;
        cop_pid pid;
        cop_spawn_opt(
                &(cop_spawn_options){
                        .run = waiter, .name = "waiter", .monitor = true, .monitor_ref = &closed },
                &pid);
        cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, closed)));
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
