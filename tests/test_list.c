/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The intrusive list: order, removal at any time, and the random test against an array. */
#include "tests/suite.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/random.h"

#define ITEMS 64
#define STEPS 200000

struct item {
        int number;
        struct cop__list node;
};

static int number_of(struct cop__list *node)
{
        return COP__CONTAINER(node, struct item, node)->number;
}

/* The list holds exactly these numbers, whichever way one goes. */
static void expect(struct cop__list *list, const int *numbers, int count)
{
        struct cop__list *node = list->next;
        for (int i = 0; i < count; i++, node = node->next) {
                ck_assert_ptr_ne(node, list);
                ck_assert_int_eq(number_of(node), numbers[i]);
                ck_assert_ptr_eq(node->prev->next, node);
        }
        ck_assert_ptr_eq(node, list);
        ck_assert_int_eq(cop__list_is_empty(list), count == 0);
        if (count > 0)
                ck_assert_int_eq(number_of(cop__list_last(list)), numbers[count - 1]);
}

TEST(an_empty_list_has_no_first_and_no_last)
{
        struct cop__list list = COP__LIST_INIT(list);
        ck_assert(cop__list_is_empty(&list));
        ck_assert_ptr_null(cop__list_first(&list));
        ck_assert_ptr_null(cop__list_last(&list));
        ck_assert_ptr_null(cop__list_pop_front(&list));
}

TEST(both_ends_accept_nodes)
{
        struct cop__list list = COP__LIST_INIT(list);
        struct item items[3] = { { .number = 0 }, { .number = 1 }, { .number = 2 } };
        cop__list_push_back(&list, &items[1].node);
        cop__list_push_back(&list, &items[2].node);
        cop__list_push_front(&list, &items[0].node);
        expect(&list, (int[]){ 0, 1, 2 }, 3);
        ck_assert_int_eq(number_of(cop__list_pop_front(&list)), 0);
        expect(&list, (int[]){ 1, 2 }, 2);
}

TEST(a_node_may_be_removed_twice)
{
        struct cop__list list = COP__LIST_INIT(list);
        struct item items[2] = { { .number = 0 }, { .number = 1 } };
        cop__list_push_back(&list, &items[0].node);
        cop__list_push_back(&list, &items[1].node);
        cop__list_remove(&items[0].node);
        cop__list_remove(&items[0].node);
        ck_assert(cop__list_is_empty(&items[0].node));
        expect(&list, (int[]){ 1 }, 1);
}

TEST(a_visit_may_free_the_node_it_is_at)
{
        struct cop__list list = COP__LIST_INIT(list);
        for (int i = 0; i < ITEMS; i++) {
                struct item *item = malloc(sizeof(*item));
                ck_assert_ptr_nonnull(item);
                item->number = i;
                cop__list_push_back(&list, &item->node);
        }
        int visited = 0;
        COP__LIST_EACH(&list, node, ahead) {
                ck_assert_int_eq(number_of(node), visited++);
                cop__list_remove(node);
                free(COP__CONTAINER(node, struct item, node));
        }
        ck_assert_int_eq(visited, ITEMS);
        ck_assert(cop__list_is_empty(&list));
}

TEST(append_moves_everything_in_order)
{
        struct cop__list to = COP__LIST_INIT(to);
        struct cop__list from = COP__LIST_INIT(from);
        struct item items[4] = { { .number = 0 }, { .number = 1 }, { .number = 2 },
                                 { .number = 3 } };
        cop__list_append(&to, &from);
        expect(&to, NULL, 0);
        cop__list_push_back(&from, &items[0].node);
        cop__list_push_back(&from, &items[1].node);
        cop__list_append(&to, &from);
        expect(&to, (int[]){ 0, 1 }, 2);
        expect(&from, NULL, 0);
        cop__list_push_back(&from, &items[2].node);
        cop__list_push_back(&from, &items[3].node);
        cop__list_append(&to, &from);
        expect(&to, (int[]){ 0, 1, 2, 3 }, 4);
        expect(&from, NULL, 0);
}

/* The model: an array that is shifted. */
static void model_insert(int *model, int *count, int at, int number)
{
        for (int i = (*count)++; i > at; i--)
                model[i] = model[i - 1];
        model[at] = number;
}

static void model_remove(int *model, int *count, int number)
{
        int to = 0;
        for (int i = 0; i < *count; i++)
                if (model[i] != number)
                        model[to++] = model[i];
        *count = to;
}

TEST(any_order_of_pushes_and_removals_agrees_with_an_array)
{
        uint64_t seed = 1;
        struct cop__list list = COP__LIST_INIT(list);
        struct item items[ITEMS];
        int model[ITEMS];
        int count = 0;
        for (int i = 0; i < ITEMS; i++) {
                items[i].number = i;
                cop__list_init(&items[i].node);
        }
        for (int step = 0; step < STEPS; step++) {
                int i = (int)cop__random_below(&seed, ITEMS);
                struct cop__list *node = &items[i].node;
                if (!cop__list_is_empty(node)) {
                        cop__list_remove(node);
                        model_remove(model, &count, i);
                } else if (cop__random_below(&seed, 2)) {
                        cop__list_push_front(&list, node);
                        model_insert(model, &count, 0, i);
                } else {
                        cop__list_push_back(&list, node);
                        model_insert(model, &count, count, i);
                }
                if (step % 128 == 0)
                        expect(&list, model, count);
        }
        expect(&list, model, count);
}
