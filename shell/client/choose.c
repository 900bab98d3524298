/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Listing and choosing nodes. See choose.h. */
#define _GNU_SOURCE
#include "shell/client/choose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shell/client/complain.h"
#include "shell/json.h"

struct nodes {
        struct cop__neighbour *each;
        size_t count;
};

static enum exit_code find_nodes(struct nodes *nodes, bool as_json)
{
        char sentence[COP__DOOR_SENTENCE];
        if (cop__door_neighbours(&nodes->each, &nodes->count, sentence) == COP_OK)
                return EXIT_OK;
        complain(as_json, "coppice: %s", sentence);
        return EXIT_NO_NODE;
}

static void print_nodes(const struct nodes *nodes, FILE *to, bool numbered)
{
        for (size_t i = 0; i < nodes->count; i++) {
                if (numbered)
                        fprintf(to, "%3zu  ", i + 1);
                struct cop__neighbour shown = nodes->each[i]; /* the name of a file may be anything */
                cop__make_harmless(shown.name, strlen(shown.name));
                fprintf(to, "%-24s process %ld\n", shown.name, shown.process);
        }
}

/* By number or by name; NULL: neither. */
static const char *node_called(const struct nodes *nodes, const char *answer)
{
        char *end;
        unsigned long number = strtoul(answer, &end, 10);
        for (size_t i = 0; i < nodes->count; i++)
                if (strcmp(nodes->each[i].name, answer) == 0)
                        return nodes->each[i].name;
        if (*answer != '\0' && *end == '\0' && number >= 1 && number <= nodes->count)
                return nodes->each[number - 1].name;
        return NULL;
}

static enum exit_code ask(const struct nodes *nodes, char name[COP_NAME_MAX + 1])
{
        char answer[256];
        print_nodes(nodes, stdout, true);
        for (;;) {
                printf("which node? ");
                fflush(stdout);
                if (fgets(answer, sizeof(answer), stdin) == NULL) {
                        printf("\n");
                        return EXIT_NO_NODE;
                }
                answer[strcspn(answer, "\n")] = '\0';
                const char *chosen = node_called(nodes, answer);
                if (chosen != NULL) {
                        strcpy(name, chosen);
                        return EXIT_OK;
                }
                printf("expected a number from 1 to %zu, or a name\n", nodes->count);
        }
}

static enum exit_code choose(const struct nodes *nodes, char name[COP_NAME_MAX + 1], bool may_ask, bool as_json)
{
        if (nodes->count == 1) {
                strcpy(name, nodes->each[0].name);
                return EXIT_OK;
        }
        if (nodes->count > 1 && may_ask)
                return ask(nodes, name);
        if (nodes->count == 0) {
                complain(as_json, "coppice: no node runs");
                return EXIT_NO_NODE;
        }
        complain(as_json, "coppice: several nodes run; -n NAME says which one is meant%s", as_json ? "" : ":");
        if (!as_json)
                print_nodes(nodes, stderr, false);
        return EXIT_NO_NODE;
}

enum exit_code choose_node(char name[COP_NAME_MAX + 1], bool may_ask, bool as_json)
{
        struct nodes nodes;
        enum exit_code code = find_nodes(&nodes, as_json);
        if (code != EXIT_OK)
                return code;
        code = choose(&nodes, name, may_ask, as_json);
        free(nodes.each);
        return code;
}

bool node_opens(const char *node)
{
        char sentence[COP__DOOR_SENTENCE];
        int fd;
        if (cop__door_knock(node, 0, &fd, sentence) != COP_OK)
                return false;
        close(fd);
        return true;
}

bool any_node_opens(void)
{
        char sentence[COP__DOOR_SENTENCE];
        struct nodes nodes;
        bool opens = false;
        cop__door_neighbours(&nodes.each, &nodes.count, sentence);
        for (size_t i = 0; i < nodes.count && !opens; i++)
                opens = node_opens(nodes.each[i].name);
        free(nodes.each);
        return opens;
}

static void put_nodes(const struct nodes *nodes)
{
        struct cop__text text;
        cop__text_init(&text);
        cop__json_nodes(&text, nodes->each, nodes->count);
        puts(cop__text_get(&text));
        cop__text_fini(&text);
}

enum exit_code list_nodes(bool as_json)
{
        struct nodes nodes;
        enum exit_code code = find_nodes(&nodes, as_json);
        if (code != EXIT_OK)
                return code;
        if (as_json)
                put_nodes(&nodes);
        else
                print_nodes(&nodes, stdout, false);
        free(nodes.each);
        return EXIT_OK;
}
