/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Three cooks take orders from one rail that holds two at most. Who hangs up orders faster than the cooks can follow waits,
 * an order goes to one cook alone, and when the rail is closed the cooks go home.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { int64_t table; } order;
COP_MESSAGE(order, table);
COP_CHANNEL(order);

typedef struct { int64_t dishes, table_sum; } evening;
COP_MESSAGE(evening, dishes, table_sum);
COP_CHANNEL(evening);

typedef struct { order_channel rail; evening_channel counted; } shift;
COP_MESSAGE(shift, COP_NESTED(order_channel, rail), COP_NESTED(evening_channel, counted));

static void cook(const shift *s)
{
        evening mine = { 0, 0 };
        for (;;) {
                cop_auto message = NULL;
                if (cop_take(&message, s->rail, COP_FOREVER, order) != COP_OK)
                        break; /* closed, and nothing is left on it */
                mine.dishes++;
                mine.table_sum += cop_read(order, message)->table;
        }
        cop_put(s->counted, COP_FOREVER, evening, .dishes = mine.dishes, .table_sum = mine.table_sum);
}

static void serve(void)
{
        order_channel rail;
        evening_channel counted;
        evening all = { 0, 0 };
        if (cop_channel_open(&rail, order, 2) != COP_OK ||
            cop_channel_open(&counted, evening, 0) != COP_OK)
                return;
        for (int i = 0; i < 3; i++)
                cop_spawn_with(cook, shift, .rail = rail, .counted = counted);
        for (int64_t table = 1; table <= 100; table++)
                cop_put(rail, COP_FOREVER, order, .table = table);
        cop_channel_close(rail);
        printf("an order after closing time: %s\n",
               cop_status_text(cop_put(rail, COP_FOREVER, order, .table = 101)));
        for (int i = 0; i < 3; i++) {
                cop_auto message = NULL;
                cop_take(&message, counted, COP_FOREVER, evening);
                all.dishes += cop_read(evening, message)->dishes;
                all.table_sum += cop_read(evening, message)->table_sum;
        }
        printf("%d dishes, and the tables add up to %d\n", (int)all.dishes, (int)all.table_sum);
}

int main(void)
{
        cop_node *node;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        serve();
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
