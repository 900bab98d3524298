/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Work that runs elsewhere while this goes on: four parts of a sum, a result that two await, one that fails, one that nobody
 * needs any more. What fails is told to who awaits it, and nothing of it stays behind.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { int64_t from, to; } range;
COP_MESSAGE(range, from, to);

typedef struct { int64_t value; } total;
COP_MESSAGE(total, value);
COP_FUTURE(total);

static void add_up(const range *r)
{
        int64_t sum = 0;
        for (int64_t i = r->from; i <= r->to; i++)
                sum += i;
        cop_resolve(total, .value = sum);
}

static void give_up(void)
{
        cop_exit(cop_atom("too_difficult"));
}

static void think_for_ever(void)
{
        cop_sleep(COP_FOREVER);
}

static void sum_in_parts(void)
{
        total_future parts[4];
        cop_message *results[4];
        int64_t sum = 0;
        for (int64_t i = 0; i < 4; i++)
                parts[i] = cop_async_with(total, add_up, range, .from = 250 * i + 1, .to = 250 * (i + 1));
        if (cop_await_all(results, parts, 4, 5000, total) != COP_OK)
                return;
        for (int i = 0; i < 4; i++) {
                sum += cop_read(total, results[i])->value;
                cop_message_free(results[i]);
                cop_future_drop(parts[i]);
        }
        printf("1 to 1000 add up to %d\n", (int)sum);
}

static void await_others(void)
{
        cop_auto message = NULL;
        total_future failing = cop_async(total, give_up), thinking = cop_async(total, think_for_ever);
        if (cop_join(&message, failing, 5000, total) == COP_E_DIED) {
                char why[32];
                cop_term_print(cop_failure(), NULL, why, sizeof(why));
                printf("one has failed: %s\n", why);
        }
        cop_status status = cop_await(&message, thinking, 1, total);
        printf("another is not finished: %s\n", cop_status_text(status));
        cop_future_cancel(thinking);
        status = cop_join(&message, thinking, COP_FOREVER, total);
        printf("it is cancelled: %s\n", cop_status_text(status));
}

static void say_nothing(void *context, cop_log_level level, const char *text)
{
        (void)context, (void)level, (void)text; /* the failure is reported here, too */
}

int main(void)
{
        cop_node *node;
        if (cop_node_start(&(cop_node_options){ .log = say_nothing }, &node) != COP_OK ||
            cop_node_enter(node) != COP_OK)
                return 1;
        sum_in_parts();
        await_others();
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
