/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Text into a term, without recursion.
 *
 * Values are pushed on a stack of items. A bracket that opens pushes a frame that knows
 * where its items begin; the one that closes it takes them off, stores them, and pushes
 * the container in their place:
 *
 *      {a, [1, 2       items   a 1 2          frames   { at 0, [ at 1
 *      {a, [1, 2]      items   a [1, 2]       frames   { at 0
 *      {a, [1, 2]}     items   {a, [1, 2]}    frames   none: done
 *
 * A byte of input costs a bounded number of bytes of memory; a record's fields, however
 * many are left out, are bounded by its kind.
 *
 * A record's frame begins with the record's name and a place for each field, still unset.
 */
#include "mailbox/kind.h"
#include "mailbox/term_hint.h"
#include "mailbox/term_lexer.h"
#include "mailbox/term_stack.h"

/* The type of a field that has no value yet. */
#define UNSET UINT32_MAX

enum frame_type { TUPLE, LIST, TAIL, KEY, VALUE, RECORD };

struct frame {
        enum frame_type type; /* what the value that comes next is a part of */
        size_t base;          /* its first item */
        const cop_kind *kind; /* of a record */
        size_t field;         /* of a record: whose value comes next */
};

struct parser {
        struct cop__lexer lexer;
        const cop_kinds *kinds; /* NULL: none */
        struct cop__term_stack stack;
        size_t depth;           /* frames in use */
        bool complete;          /* the last item is a whole value, and the token stands behind it */
        struct cop__text bytes; /* of a binary */
        struct frame frames[COP_TERM_DEPTH_MAX];
};

/* --- frames --------------------------------------------------------------- */

/* The stack has refused; it knows why. */
static bool no_room(struct parser *parser)
{
        struct cop__lexer *lexer = &parser->lexer;
        if (parser->stack.scratch.status == COP_E_NO_MEMORY)
                return cop__lexer_no_memory(lexer);
        return cop__lexer_refuse(lexer, COP_E_TOO_BIG, lexer->token.offset,
                                 parser->stack.scratch.limit == COP_MESSAGE_SIZE_MAX
                                         ? "with this, the term is larger than a message may be"
                                         : "with this, the term takes more memory than it may here");
}

static bool push(struct parser *parser, cop_term item)
{
        return cop__term_stack_push(&parser->stack, item) || no_room(parser);
}

/* Keeps bytes until the parser ends. Returns NULL, and notes it, when there is no room. */
static void *keep(struct parser *parser, const void *bytes, size_t size)
{
        void *kept = cop__term_stack_keep(&parser->stack, bytes, size);
        if (!kept)
                no_room(parser);
        return kept;
}

/* At the last token of a value: pushes the value, and goes on to the next token. */
static bool finish_value(struct parser *parser, cop_term value)
{
        parser->complete = true;
        return push(parser, value) && cop__lexer_next(&parser->lexer);
}

static struct frame *top(struct parser *parser)
{
        return &parser->frames[parser->depth - 1];
}

static bool open_frame(struct parser *parser, enum frame_type type)
{
        struct cop__lexer *lexer = &parser->lexer;
        if (parser->depth == COP_TERM_DEPTH_MAX)
                return cop__lexer_refuse(lexer, COP_E_TOO_DEEP, lexer->token.offset,
                                         "this is nested deeper than %d", COP_TERM_DEPTH_MAX);
        size_t base = parser->stack.count;
        parser->frames[parser->depth++] = (struct frame){ .type = type, .base = base };
        return true;
}

/*
 * The tail of a list, when it is itself one, goes on with the list: [1 | [2, 3]] is [1, 2, 3]. It was closed just now, so what its items
 * took is free again: else 64 tails, each in the other, would take 64 times what they hold.
 */
static bool splice_tail(struct parser *parser)
{
        cop_term tail = parser->stack.items[parser->stack.count - 1];
        if (tail.type != COP_TERM_LIST && tail.type != COP_TERM_CONS)
                return true;
        parser->stack.count--;
        for (size_t i = 0; i < tail.count; i++)
                if (!push(parser, tail.as.items[i]))
                        return false;
        cop__scratch_give_back(&parser->stack.scratch, tail.as.items);
        return tail.type == COP_TERM_CONS || push(parser, cop_nil());
}

static void fill_unset(struct parser *parser, const struct frame *frame)
{
        for (size_t i = 0; i < frame->kind->field_count; i++) {
                cop_term *field = &parser->stack.items[frame->base + 1 + i];
                if (field->type == UNSET)
                        *field = cop__field_zero(&frame->kind->fields[i]);
        }
}

/* Replaces the items of the innermost frame with what they make together. */
static bool close_frame(struct parser *parser)
{
        struct frame *frame = top(parser);
        if (frame->type == RECORD)
                fill_unset(parser, frame);
        if (frame->type == TAIL && !splice_tail(parser))
                return false;
        size_t count = parser->stack.count - frame->base;
        cop_term *items = cop__term_stack_take(&parser->stack, frame->base);
        if (!items)
                return no_room(parser);
        parser->depth--;
        switch (frame->type) {
        case TUPLE:
        case RECORD: return finish_value(parser, cop_tuple_of(items, count));
        case LIST: return finish_value(parser, cop_list_of(items, count));
        case TAIL: return finish_value(parser, cop_cons_of(items, count));
        case KEY:
        case VALUE: break;
        }
        return finish_value(parser, cop_map_of(items, count / 2));
}

/* --- records -------------------------------------------------------------- */

static bool is_name(const struct cop__token *token)
{
        return token->type == COP__TOKEN_NAME ||
               (token->type == COP__TOKEN_VALUE && token->value.type == COP_TERM_ATOM);
}

/* Behind #, at the name. Leaves the token behind the brace. */
static bool open_record(struct parser *parser)
{
        struct cop__lexer *lexer = &parser->lexer;
        if (!is_name(&lexer->token))
                return cop__lexer_expected(lexer, "the name of a kind, or '{' for a map");
        cop_term name = lexer->token.value;
        const cop_kind *kind = cop__kinds_find(parser->kinds, name.as.text, name.count);
        if (!kind)
                return cop__hint_no_kind(lexer, parser->kinds);
        if (!open_frame(parser, RECORD))
                return false;
        top(parser)->kind = kind;
        name.as.text = keep(parser, name.as.text, name.count);
        if (!name.as.text || !push(parser, name))
                return false;
        for (size_t i = 0; i < kind->field_count; i++)
                if (!push(parser, (cop_term){ .type = UNSET }))
                        return false;
        if (!cop__lexer_next(lexer))
                return false;
        if (lexer->token.type != '{')
                return cop__lexer_expected(lexer, "'{' behind the name of a kind");
        return cop__lexer_next(lexer);
}

static size_t find_field(const cop_kind *kind, cop_term name)
{
        size_t i = 0;
        while (i < kind->field_count && !cop_is_atom(name, kind->fields[i].name))
                i++;
        return i;
}

/* `pence =`. Leaves the token behind the sign, where the value begins. */
static bool read_field(struct parser *parser)
{
        struct cop__lexer *lexer = &parser->lexer;
        struct frame *frame = top(parser);
        if (!is_name(&lexer->token))
                return cop__hint_no_field(lexer, frame->kind);
        frame->field = find_field(frame->kind, lexer->token.value);
        if (frame->field == frame->kind->field_count)
                return cop__hint_no_field(lexer, frame->kind);
        if (parser->stack.items[frame->base + 1 + frame->field].type != UNSET)
                return cop__lexer_refuse(lexer, COP_E_MALFORMED, lexer->token.offset,
                                         "the field %s of %s is given twice",
                                         frame->kind->fields[frame->field].name,
                                         frame->kind->name);
        if (!cop__lexer_next(lexer))
                return false;
        if (lexer->token.type != '=')
                return cop__lexer_expected(lexer, "'=' behind the name of a field");
        return cop__lexer_next(lexer);
}

/* --- values --------------------------------------------------------------- */

static bool read_leaf(struct parser *parser)
{
        cop_term value = parser->lexer.token.value;
        if (cop__term_is_bytes(value)) {
                value.as.text = keep(parser, value.as.text, value.count);
                if (!value.as.text)
                        return false;
        }
        return finish_value(parser, value);
}

/* Behind a brace that opened a frame: stops where its first value begins, or closes it if empty. */
static bool begin_items(struct parser *parser)
{
        if (parser->lexer.token.type == '}')
                return close_frame(parser);
        return top(parser)->type != RECORD || read_field(parser);
}

static bool begin_tuple(struct parser *parser)
{
        return open_frame(parser, TUPLE) && cop__lexer_next(&parser->lexer) && begin_items(parser);
}

/* [] holds nothing, so it is no level of its own. */
static bool begin_list(struct parser *parser)
{
        if (!cop__lexer_next(&parser->lexer))
                return false;
        if (parser->lexer.token.type == ']')
                return finish_value(parser, cop_nil());
        return open_frame(parser, LIST);
}

static bool begin_map_or_record(struct parser *parser)
{
        if (!cop__lexer_next(&parser->lexer))
                return false;
        if (parser->lexer.token.type != '{')
                return open_record(parser) && begin_items(parser);
        return open_frame(parser, KEY) && cop__lexer_next(&parser->lexer) && begin_items(parser);
}

static bool read_binary(struct parser *parser)
{
        if (!cop__lexer_read_binary(&parser->lexer, &parser->bytes))
                return false;
        size_t size = parser->bytes.size;
        void *bytes = keep(parser, cop__text_get(&parser->bytes), size);
        return bytes && finish_value(parser, cop_binary(bytes, size));
}

/* Reads a value that holds nothing, or what opens one that does. */
static bool begin_value(struct parser *parser)
{
        switch (parser->lexer.token.type) {
        case COP__TOKEN_VALUE: return read_leaf(parser);
        case COP__TOKEN_BYTES_OPEN: return read_binary(parser);
        case '{': return begin_tuple(parser);
        case '[': return begin_list(parser);
        case '#': return begin_map_or_record(parser);
        case COP__TOKEN_NAME:
                return cop__lexer_expected(&parser->lexer, "a term, which a variable is not");
        default: return cop__lexer_expected(&parser->lexer, "a term");
        }
}

/* The token is a separator: another value of the same frame comes next. */
static bool await_value(struct parser *parser, enum frame_type type)
{
        top(parser)->type = type;
        parser->complete = false;
        return cop__lexer_next(&parser->lexer) && (type != RECORD || read_field(parser));
}

/* Takes the value to its field. */
static void place_field(struct parser *parser)
{
        const struct frame *frame = top(parser);
        struct cop__term_stack *stack = &parser->stack;
        stack->items[frame->base + 1 + frame->field] = stack->items[--stack->count];
}

/* Behind a complete value: what may follow it depends on what it stands in. */
static bool follow_value(struct parser *parser)
{
        static const char *const followers[] = {
                [TUPLE] = "',' or '}'",
                [LIST] = "',', '|' or ']'",
                [TAIL] = "']' behind the tail of a list",
                [KEY] = "'=>' behind the key of a map",
                [VALUE] = "',' or '}'",
                [RECORD] = "',' or '}'",
        };
        enum frame_type type = top(parser)->type;
        int token = parser->lexer.token.type;
        if (type == RECORD)
                place_field(parser);
        if (token == ',' && (type == TUPLE || type == LIST || type == RECORD))
                return await_value(parser, type);
        if (token == ',' && type == VALUE)
                return await_value(parser, KEY);
        if (token == COP__TOKEN_ARROW && type == KEY)
                return await_value(parser, VALUE);
        if (token == '|' && type == LIST)
                return await_value(parser, TAIL);
        int end = type == LIST || type == TAIL ? ']' : '}';
        if (token == end && type != KEY)
                return close_frame(parser);
        return cop__lexer_expected(&parser->lexer, followers[type]);
}

static bool parse(struct parser *parser)
{
        struct cop__lexer *lexer = &parser->lexer;
        if (lexer->size > UINT32_MAX)
                return cop__lexer_refuse(lexer, COP_E_MALFORMED, 0, "the text is over 4 GiB");
        if (!cop__lexer_next(lexer))
                return false;
        while (!parser->complete || parser->depth > 0)
                if (!(parser->complete ? follow_value(parser) : begin_value(parser)))
                        return false;
        return lexer->token.type == COP__TOKEN_END ||
               cop__lexer_expected(lexer, "nothing behind the term");
}

/* No deeper than the frames were: what is left out of a record is no container. But each record has its kind's name once more. */
static bool copy_out(struct parser *parser, cop_term *term)
{
        cop_status status = cop_term_copy(parser->stack.items[0], term);
        if (status == COP_OK)
                return true;
        return status == COP_E_TOO_BIG ? no_room(parser) : cop__lexer_no_memory(&parser->lexer);
}

static void parser_init(struct parser *parser, const char *text, size_t size,
                        const cop_kinds *kinds)
{
        cop__lexer_init(&parser->lexer, text, size);
        cop__text_init(&parser->bytes);
        parser->kinds = kinds;
        cop__term_stack_init(&parser->stack);
        parser->depth = 0;
        parser->complete = false;
}

static void parser_fini(struct parser *parser)
{
        cop__term_stack_fini(&parser->stack);
        cop__text_fini(&parser->bytes);
        cop__lexer_fini(&parser->lexer);
}

cop_status cop_term_parse(const char *text, size_t size, const cop_kinds *kinds, cop_term *term,
                          cop_parse_error *error)
{
        return cop__term_parse_within(text, size, kinds, COP_MESSAGE_SIZE_MAX, term, error);
}

cop_status cop__term_parse_within(const char *text, size_t size, const cop_kinds *kinds,
                                  size_t memory_max, cop_term *term, cop_parse_error *error)
{
        struct parser parser;
        parser_init(&parser, text, size, kinds);
        parser.stack.scratch.limit = memory_max;
        cop_status status = COP_OK;
        if (!parse(&parser) || !copy_out(&parser, term)) {
                status = parser.lexer.status;
                if (error)
                        *error = parser.lexer.error;
        }
        parser_fini(&parser);
        return status;
}
