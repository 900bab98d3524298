/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A sorting office has room for three letters. What comes on top of that is lost, but not unseen: whoever asks is told of
 * each dead letter. And when all is done, the office is quiet, and the day can be closed.
 *
 * A board shows prices. Of those that it has no time for only the newest of each share counts, and that is the one it gets.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { cop_text to; } letter;
COP_MESSAGE(letter, to);

typedef struct { bool loud; } bell;
COP_MESSAGE(bell, loud);

typedef struct { cop_text share; int64_t pence; } price;
COP_MESSAGE(price, share, pence);

/* Has a long lunch. Then it sorts what there is. */
static void sorter(void)
{
        cop_auto rung = cop_receive(COP_FOREVER, COP_KIND(bell));
        puts("the bell: to work");
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(letter));
                printf("  for %s\n", cop_read(letter, message)->to.data);
        }
}

static void show_dead_letters(void)
{
        for (;;) {
                cop_auto message = cop_receive(0, COP_KIND(cop_dead_letter));
                if (message == NULL)
                        return;
                const cop_dead_letter *dead = cop_read(cop_dead_letter, message);
                printf("dead letter %d, %s: %s\n", (int)dead->number, dead->reason.text,
                       dead->text.data);
        }
}

static void board(void)
{
        cop_auto rung = cop_receive(COP_FOREVER, COP_KIND(bell));
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(price));
                printf("  %s %d\n", cop_read(price, message)->share.data, (int)cop_read(price, message)->pence);
        }
}

static void run_board(cop_node *node)
{
        static const char *const shares[] = { "oak", "elm", "ash" };
        cop_pid screen;
        if (cop_spawn_opt(&(cop_spawn_options){ .run = board, .mailbox_limit = 3,
                                                .mailbox_policy = COP_MAILBOX_COALESCE,
                                                .mailbox_key = COP_KEY(price, share) },
                          &screen) != COP_OK)
                return;
        for (int i = 0; i < 9; i++)
                cop_send(screen, price, .share = cop_text_of(shares[i % 3]), .pence = 100 + i);
        cop_send_after(NULL, 1, screen, bell, .loud = true);
        puts("nine prices, and the board has room for three:");
        cop_node_await_quiet(node, COP_FOREVER);
        show_dead_letters();
}

static void run_office(cop_node *node)
{
        static const char *const people[] = { "Ada", "Ben", "Cleo", "Dan", "Eve" };
        cop_pid office;
        if (cop_spawn_opt(&(cop_spawn_options){ .run = sorter, .mailbox_limit = 3,
                                                .mailbox_policy = COP_MAILBOX_DROP_NEW },
                          &office) != COP_OK)
                return;
        cop_dead_letters_subscribe();
        for (size_t i = 0; i < 5; i++)
                cop_send(office, letter, .to = cop_text_of(people[i]));
        show_dead_letters();
        /* Another letter would be one too many, but what a timer sends is let in. */
        cop_send_after(NULL, 1, office, bell, .loud = true);
        cop_node_await_quiet(node, COP_FOREVER);
        printf("quiet; %d letters were lost today\n", (int)cop_dead_letter_count(node));
}

int main(void)
{
        cop_node *node;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        run_office(node);
        run_board(node);
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
