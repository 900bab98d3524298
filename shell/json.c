/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* JSON as text. See json.h. */
#include "shell/json.h"

#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"
#include "mailbox/kind.h"
#include "mailbox/term.h"
#include "shell/door.h"

/* ---- Values ------------------------------------------------------------------------------- */

static void append_escaped(struct cop__text *out, const char *text, size_t size)
{
        cop__text_append_char(out, '"');
        for (size_t at = 0, step; at < size; at += step) {
                uint32_t point;
                step = cop__utf8_read(text + at, size - at, &point);
                if (step == 0) {
                        step = 1;
                        cop__text_append_string(out, "\\ufffd");
                } else if (point < ' ' || (point >= 0x7f && point < 0xa0)) { /* what moves a terminal */
                        cop__text_printf(out, "\\u%04x", (unsigned)point);
                } else {
                        if (point == '"' || point == '\\')
                                cop__text_append_char(out, '\\');
                        cop__text_append(out, text + at, step);
                }
        }
        cop__text_append_char(out, '"');
}

static void separate(struct cop__text *out)
{
        if (out->size > 0 && strchr("{[:", cop__text_get(out)[out->size - 1]) == NULL)
                cop__text_append_char(out, ',');
}

/* The value follows, as one without a key. */
static void put_key(struct cop__text *out, const char *key, size_t size)
{
        separate(out);
        append_escaped(out, key, size);
        cop__text_append_char(out, ':');
}

/* What stands before a value: a comma where there is one before it, and its key. */
static void begin_value(struct cop__text *out, const char *key)
{
        if (key != NULL)
                put_key(out, key, strlen(key));
        else
                separate(out);
}

void cop__json_open(struct cop__text *out, const char *key, char bracket)
{
        begin_value(out, key);
        cop__text_append_char(out, bracket);
}

void cop__json_close(struct cop__text *out, char bracket)
{
        cop__text_append_char(out, bracket);
}

void cop__json_bytes(struct cop__text *out, const char *key, const char *text, size_t size)
{
        begin_value(out, key);
        append_escaped(out, text, size);
}

static void append_word(struct cop__text *out, const char *key, const char *word)
{
        begin_value(out, key);
        cop__text_append_string(out, word);
}

void cop__json_string(struct cop__text *out, const char *key, const char *text)
{
        if (text != NULL && text[0] != '\0')
                cop__json_bytes(out, key, text, strlen(text));
        else
                append_word(out, key, "null");
}

void cop__json_number(struct cop__text *out, const char *key, int64_t value)
{
        begin_value(out, key);
        cop__text_printf(out, "%" PRId64, value);
}

void cop__json_bool(struct cop__text *out, const char *key, bool value)
{
        append_word(out, key, value ? "true" : "false");
}

void cop__json_pid(struct cop__text *out, const char *key, cop_pid pid)
{
        char text[COP_ID_TEXT_MAX];
        cop__json_string(out, key, pid.bits != 0 ? cop_pid_print(pid, text) : NULL);
}

/* ---- Terms ---------------------------------------------------------------------------------- */

struct json {
        struct cop__text *out;
        const cop_kinds *kinds;
};

static void put(const struct json *json, const char *key, cop_term term, unsigned levels);

static void put_each(const struct json *json, const cop_term *items, size_t count, unsigned levels)
{
        for (size_t i = 0; i < count; i++)
                put(json, NULL, items[i], levels);
}

static void put_items(const struct json *json, const char *key, const cop_term *items, size_t count,
                      unsigned levels)
{
        cop__json_open(json->out, key, '[');
        put_each(json, items, count, levels);
        cop__json_close(json->out, ']');
}

/* What stands behind the last |: [1 | [2 | 3]] is [1, 2 | 3]. */
static cop_term end_of(cop_term list, unsigned levels)
{
        for (; list.type == COP_TERM_CONS && list.count > 0 && levels > 0; levels--)
                list = list.as.items[list.count - 1];
        return list;
}

static void put_list(const struct json *json, const char *key, cop_term list, unsigned levels)
{
        cop_term end = end_of(list, levels);
        bool is_proper = end.type == COP_TERM_LIST || end.type == COP_TERM_NIL;
        if (!is_proper)
                cop__json_open(json->out, key, '{');
        cop__json_open(json->out, is_proper ? key : "list", '[');
        for (unsigned left = levels; list.type == COP_TERM_CONS && list.count > 0 && left > 0; left--) {
                put_each(json, list.as.items, list.count - 1, levels);
                list = list.as.items[list.count - 1];
        }
        if (is_proper)
                put_each(json, list.as.items, cop__term_items(list), levels);
        cop__json_close(json->out, ']');
        if (is_proper)
                return;
        put(json, "tail", end, levels);
        cop__json_close(json->out, '}');
}

static const cop_kind *kind_of(const struct json *json, cop_term tuple)
{
        if (tuple.count == 0 || tuple.as.items[0].type != COP_TERM_ATOM)
                return NULL;
        const cop_kind *kind = cop__kinds_find(json->kinds, tuple.as.items[0].as.text,
                                               tuple.as.items[0].count);
        return kind != NULL && kind->field_count == tuple.count - 1 ? kind : NULL;
}

static bool has_field(const cop_kind *kind, const char *name)
{
        for (size_t i = 0; i < kind->field_count; i++)
                if (strcmp(kind->fields[i].name, name) == 0)
                        return true;
        return false;
}

/* Its fields stand beside its name, or, where a field would bear a name of ours, in an object of their own. */
static void put_record(const struct json *json, const cop_kind *kind, cop_term tuple, unsigned levels)
{
        bool is_apart = has_field(kind, "kind") || has_field(kind, "fields");
        cop__json_string(json->out, "kind", kind->name);
        if (is_apart)
                cop__json_open(json->out, "fields", '{');
        for (size_t i = 0; i < kind->field_count; i++)
                if (!cop__kinds_is_secret(json->kinds, kind->fields[i].name))
                        put(json, kind->fields[i].name, tuple.as.items[i + 1], levels);
        if (is_apart)
                cop__json_close(json->out, '}');
}

static void put_tuple(const struct json *json, const char *key, cop_term tuple, unsigned levels)
{
        const cop_kind *kind = kind_of(json, tuple);
        cop__json_open(json->out, key, '{');
        if (kind == NULL)
                put_items(json, "tuple", tuple.as.items, tuple.count, levels);
        else
                put_record(json, kind, tuple, levels);
        cop__json_close(json->out, '}');
}

/* How keys become texts. Of each sort no two that differ are written the same. */
enum keys { KEYS_AS_THEY_ARE, KEYS_AS_ERLANG_WRITES, KEYS_AS_VALUES };

/* Texts alone are what they are, other plain values what Erlang writes; both together might be the same, and so might containers, which
 * are not printed to any depth, and names that are no UTF-8. */
static enum keys keys_of(cop_term map)
{
        size_t texts = 0;
        for (size_t i = 0; i < map.count; i++) {
                cop_term name = map.as.items[2 * i];
                bool is_name = name.type == COP_TERM_ATOM || name.type == COP_TERM_TEXT;
                if (cop__term_is_container(name) || (is_name && !cop__utf8_valid(name.as.text, name.count)))
                        return KEYS_AS_VALUES;
                texts += name.type == COP_TERM_TEXT;
        }
        return texts == map.count ? KEYS_AS_THEY_ARE : texts == 0 ? KEYS_AS_ERLANG_WRITES : KEYS_AS_VALUES;
}

static void put_pairs(const struct json *json, cop_term map, unsigned levels)
{
        cop__json_open(json->out, "map", '[');
        for (size_t i = 0; i < map.count; i++)
                put_items(json, NULL, &map.as.items[2 * i], 2, levels);
        cop__json_close(json->out, ']');
}

static void put_named(const struct json *json, cop_term name, cop_term value, unsigned levels)
{
        struct cop__text text;
        cop__text_init(&text);
        if (name.type == COP_TERM_TEXT)
                cop__text_append(&text, name.as.text, name.count);
        else
                cop__term_print(&text, name, json->kinds);
        json->out->failed |= text.failed;
        put_key(json->out, cop__text_get(&text), text.size);
        put(json, NULL, value, levels);
        cop__text_fini(&text);
}

static void put_map(const struct json *json, const char *key, cop_term map, unsigned levels)
{
        bool is_object = keys_of(map) != KEYS_AS_VALUES;
        cop__json_open(json->out, key, '{');
        if (!is_object)
                put_pairs(json, map, levels);
        for (size_t i = 0; i < map.count && is_object; i++)
                put_named(json, map.as.items[2 * i], map.as.items[2 * i + 1], levels);
        cop__json_close(json->out, '}');
}

static void put_binary(const struct json *json, const char *key, cop_term term)
{
        if (cop__utf8_valid((const char *)term.as.bytes, term.count)) {
                cop__json_bytes(json->out, key, (const char *)term.as.bytes, term.count);
                return;
        }
        cop__json_open(json->out, key, '{');
        begin_value(json->out, "bytes");
        cop__text_append_char(json->out, '"');
        for (size_t i = 0; i < term.count; i++)
                cop__text_printf(json->out, "%02x", (unsigned)term.as.bytes[i]);
        cop__text_append_char(json->out, '"');
        cop__json_close(json->out, '}');
}

static void put_atom(const struct json *json, const char *key, cop_term term)
{
        if (cop_is_atom(term, "true") || cop_is_atom(term, "false"))
                cop__json_bool(json->out, key, cop_is_atom(term, "true"));
        else if (cop_is_atom(term, "undefined"))
                cop__json_string(json->out, key, NULL);
        else
                cop__json_bytes(json->out, key, term.as.text, term.count);
}

static void put_leaf(const struct json *json, const char *key, cop_term term)
{
        char id[COP_ID_TEXT_MAX];
        switch ((cop_term_type)term.type) {
        case COP_TERM_ATOM: put_atom(json, key, term); return;
        case COP_TERM_TEXT: cop__json_bytes(json->out, key, term.as.text, term.count); return;
        case COP_TERM_BINARY: put_binary(json, key, term); return;
        case COP_TERM_PID: cop__json_pid(json->out, key, term.as.pid); return;
        case COP_TERM_REF: cop__json_string(json->out, key, cop_ref_print(term.as.ref, id)); return;
        default: /* numbers, as Erlang writes them, and [] */
                begin_value(json->out, key);
                cop__term_print(json->out, term, NULL);
        }
}

/* Beyond the depth that terms may have, as text. */
static void put(const struct json *json, const char *key, cop_term term, unsigned levels)
{
        if (json->out->size > COP__JSON_MAX)
                return;
        if (!cop__term_is_container(term))
                put_leaf(json, key, term);
        else if (levels == 0)
                cop__json_string(json->out, key, "...");
        else if (term.type == COP_TERM_TUPLE)
                put_tuple(json, key, term, levels - 1);
        else if (term.type == COP_TERM_MAP)
                put_map(json, key, term, levels - 1);
        else
                put_list(json, key, term, levels - 1);
}

void cop__json_term(struct cop__text *out, const char *key, cop_term term, const cop_kinds *kinds)
{
        const struct json json = { out, kinds };
        put(&json, key, term, COP_TERM_DEPTH_MAX);
}

/* ---- Nodes ------------------------------------------------------------------------------------ */

void cop__json_nodes(struct cop__text *out, const struct cop__neighbour *neighbours, size_t count)
{
        cop__json_open(out, NULL, '[');
        for (size_t i = 0; i < count; i++) {
                cop__json_open(out, NULL, '{');
                cop__json_string(out, "name", neighbours[i].name);
                cop__json_number(out, "process", neighbours[i].process);
                cop__json_close(out, '}');
        }
        cop__json_close(out, ']');
}
