/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A postman waits for several things at once: a letter to carry, room in a box, an answer that somebody works on, a message, or
 * that nothing of it happens for a while. Exactly one of them comes true.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { cop_text to; } letter;
COP_MESSAGE(letter, to);
COP_CHANNEL(letter);

typedef struct { bool open; } road;
COP_MESSAGE(road, open);
COP_FUTURE(road);

typedef struct { cop_text why; } come_home;
COP_MESSAGE(come_home, why);

static void wait_once(letter_channel in, letter_channel box, road_future news)
{
        cop_case cases[] = {
                COP_CASE_TAKE(in, letter),
                COP_CASE_PUT(box, letter, .to = COP_TEXT("the sorting office")),
                COP_CASE_AWAIT(news, road),
                COP_CASE_RECEIVE(COP_KIND(come_home)),
        };
        int which = cop_select(10, cases);
        cop_auto message = which >= 0 ? cases[which].message : NULL;
        switch (which) {
        case 0:
                printf("carries a letter to %s\n", cop_read(letter, message)->to.data);
                break;
        case 1:
                puts("drops one in the box");
                break;
        case 2:
                printf("hears that the road is %s\n", cop_read(road, message)->open ? "open" : "shut");
                break;
        case 3:
                printf("goes home: %s\n", cop_read(come_home, message)->why.data);
                break;
        default:
                puts("has nothing to do");
        }
}

static void work(void)
{
        const letter_channel no_box = { { 0 } }; /* nobody: this case never comes true */
        const road_future no_news = { { 0 } };
        letter_channel in, box;
        if (cop_channel_open(&in, letter, 1) != COP_OK || cop_channel_open(&box, letter, 1) != COP_OK)
                return;
        road_future news = cop_promise(road);
        wait_once(in, no_box, news);
        cop_put(in, 0, letter, .to = COP_TEXT("Ada"));
        wait_once(in, no_box, news);
        wait_once(in, box, news);
        wait_once(in, box, news); /* the box is full */
        cop_complete(news, road, .open = true);
        wait_once(in, box, news);
        cop_send(cop_self(), come_home, .why = COP_TEXT("it is late"));
        wait_once(in, box, no_news);
}

int main(void)
{
        cop_node *node;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        work();
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
