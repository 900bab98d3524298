/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Message kinds: an ordinary struct, declared once, that actors can send each other.
 *
 *      typedef struct { int64_t pence, people; } bill;
 *      COP_MESSAGE(bill, pence, people);
 *
 * From this come the copy that a send makes, the record #bill{pence = 900, people = 3} of
 * the shell and the log, the tuple {bill, 900, 3} and the bytes on the wire.
 *
 * A field is an integer (an enum too), float, double, bool, cop_pid, cop_ref, cop_symbol,
 * cop_text, cop_bytes or cop_term; a fixed array of those; a char[N], which is a text that ends
 * at its first NUL; cop_int64s and its like, which are arrays of any length; or another message:
 *
 *      COP_MESSAGE(line, COP_NESTED(point, from), COP_NESTED(point, to), width);
 *      COP_MESSAGE(path, COP_NESTED_ITEMS(point, corners));
 *              where corners is a struct { const point *items; size_t count; }
 *
 * List every field, in the order of the struct, at most 40. Raw pointers, unions, structs that are no message and fields left
 * out do not compile: what is sent shares nothing with its sender. But a field left out where padding could be does compile, as
 * an int32_t before an int64_t or at the end: it is copied within a node, and nothing else knows of it.
 *
 * Ownership: a value that you build borrows what its texts, bytes, arrays and terms point at, and
 * sending copies all of it. What you receive is borrowed until the message is freed; its texts
 * and symbols are followed by a NUL, so that %s prints them.
 *
 * See also: term.h, actor.h, docs/messages.md.
 */
#ifndef COPPICE_MESSAGE_H
#define COPPICE_MESSAGE_H

#include <string.h>

#include <coppice/fields.h>
#include <coppice/term.h>

COP_BEGIN_DECLS

/* A message that needs more bytes than this, in all, is refused: COP_E_TOO_BIG. */
#define COP_MESSAGE_SIZE_MAX ((size_t)1 << 30)

/* The longest cop_symbol, in bytes. */
#define COP_SYMBOL_MAX 255

/* Bytes from this size on are sent by counting, not by copying. */
#define COP_SHARE_MIN 256

/* ---- Field types beside C's own, cop_pid, cop_ref and cop_term -------------------- */

/*
 * An atom: a name out of a small set. UTF-8. Its size comes first, as in a text, so that a bare `.name = "Ada"` does not
 * compile, or is warned of: as C has it, it would have no size.
 */
typedef struct cop_symbol {
        size_t size;
        const char *text;
} cop_symbol;

/* A text: UTF-8. Made by COP_TEXT("Ada") or cop_text_of(name). */
typedef struct cop_text {
        size_t size;
        const char *data;
} cop_text;

/* Immutable bytes in memory of their own, counted, which messages share instead of copying. */
typedef struct cop_buffer cop_buffer;

/* Bytes. With a buffer they lie in it; they are still only borrowed. */
typedef struct cop_bytes {
        const uint8_t *data;
        size_t size;
        cop_buffer *buffer; /* NULL: the bytes are the sender's, and copied */
} cop_bytes;

/* Arrays of any length. */
typedef struct cop_int64s {
        const int64_t *items;
        size_t count;
} cop_int64s;

typedef struct cop_doubles {
        const double *items;
        size_t count;
} cop_doubles;

typedef struct cop_pids {
        const cop_pid *items;
        size_t count;
} cop_pids;

typedef struct cop_texts {
        const cop_text *items;
        size_t count;
} cop_texts;

typedef struct cop_terms {
        const cop_term *items;
        size_t count;
} cop_terms;

/* All three borrow what they are given; NULL is the empty text. */
static inline cop_symbol cop_symbol_of(const char *text)
{
        cop_symbol symbol = { text ? strlen(text) : 0, text ? text : "" };
        return symbol;
}

static inline cop_text cop_text_of(const char *text)
{
        cop_text whole = { text ? strlen(text) : 0, text ? text : "" };
        return whole;
}

static inline cop_bytes cop_bytes_of(const void *data, size_t size)
{
        cop_bytes bytes = { (const uint8_t *)data, size, NULL };
        return bytes;
}

static inline bool cop_symbol_equal(cop_symbol symbol, const char *text)
{
        return symbol.size == strlen(text) && memcmp(symbol.text, text, symbol.size) == 0;
}

static inline bool cop_text_equal(cop_text text, const char *other)
{
        return text.size == strlen(other) && memcmp(text.data, other, text.size) == 0;
}

#ifndef __cplusplus
/* .name = COP_TEXT("Ada"): for literals, also in constants. */
#define COP_TEXT(literal) { sizeof(literal) - 1, "" literal }
#define COP_SYMBOL(literal) { sizeof(literal) - 1, "" literal }
/* .corners = COP_ITEMS(point, { 0, 0 }, { 3, 4 }): lives until the end of the enclosing block. */
#define COP_ITEMS(type, ...) \
        { (const type[]){ __VA_ARGS__ }, sizeof((const type[]){ __VA_ARGS__ }) / sizeof(type) }
#endif

/* ---- Shared bytes ------------------------------------------------------------------ */

/*
 * Sending bytes of COP_SHARE_MIN or more copies them once, into a buffer that the message holds;
 * whoever sends the received cop_bytes on sends no byte of them. Make the buffer yourself to save
 * that copy, too: fill it, send it, and do not write to it again.
 *
 *      cop_buffer *page = cop_buffer_new(size);
 *      read_page(cop_buffer_data(page), size);
 *      cop_send(reader, page_read, .page = cop_buffer_bytes(page));
 *      cop_buffer_drop(page);
 *
 * Ownership: cop_buffer_new and cop_buffer_take give the caller a share, which ends with
 * cop_buffer_drop; the memory goes with the last share. A share does not end with its actor, so
 * drop it before anything that may fail. Take one of a received buffer to keep its bytes beyond
 * the message. Threads: any. Errors: cop_buffer_new gives NULL without memory.
 */
COP_API cop_buffer *cop_buffer_new(size_t size);
COP_API uint8_t *cop_buffer_data(cop_buffer *buffer);
COP_API size_t cop_buffer_size(const cop_buffer *buffer);
COP_API cop_buffer *cop_buffer_take(cop_buffer *buffer); /* returns it; NULL is allowed */
COP_API void cop_buffer_drop(cop_buffer *buffer);        /* NULL is allowed */

/* All bytes of a buffer, as a field to send. Borrowed. */
static inline cop_bytes cop_buffer_bytes(cop_buffer *buffer)
{
        cop_bytes bytes = { cop_buffer_data(buffer), cop_buffer_size(buffer), buffer };
        return bytes;
}

/* ---- What a kind is: constant tables that COP_MESSAGE fills --------------------------- */

typedef struct cop_field cop_field;
typedef struct cop_kind cop_kind;
typedef struct cop_kinds cop_kinds; /* a set of them; a node has one */

typedef enum cop_field_type {
        COP_FIELD_INT8 = 1,
        COP_FIELD_INT16,
        COP_FIELD_INT32,
        COP_FIELD_INT64,
        COP_FIELD_UINT8,
        COP_FIELD_UINT16,
        COP_FIELD_UINT32,
        COP_FIELD_UINT64,
        COP_FIELD_FLOAT,
        COP_FIELD_DOUBLE,
        COP_FIELD_BOOL,
        COP_FIELD_PID,
        COP_FIELD_REF,
        COP_FIELD_CHARS,  /* char[count] */
        COP_FIELD_SYMBOL, /* from here on they point at something */
        COP_FIELD_TEXT,
        COP_FIELD_TERM,
        COP_FIELD_BYTES,
        COP_FIELD_NESTED, /* another kind */
} cop_field_type;

typedef enum cop_field_shape {
        COP_FIELD_ONE = 0,
        COP_FIELD_ARRAY, /* T[count] */
        COP_FIELD_ITEMS, /* struct { const T *items; size_t count; } */
} cop_field_shape;

struct cop_field {
        const char *name;
        const cop_kind *kind; /* of COP_FIELD_NESTED, else NULL */
        uint32_t offset;      /* bytes from the start of the struct */
        uint32_t count;       /* of COP_FIELD_ARRAY and COP_FIELD_CHARS, else 1 */
        uint8_t type;         /* a cop_field_type */
        uint8_t shape;        /* a cop_field_shape */
};

struct cop_kind {
        const char *name;
        uint32_t size;          /* bytes of the struct */
        uint16_t field_count;
        uint8_t plain;          /* not 0: holds nothing that points; copying is memcpy, from 2 on of plain - 2 whole words */
        uint8_t counted;        /* 1: may hold shared bytes; dropping has something to do */
        const cop_field *fields; /* followed by one without a name */
};

/* The kind of a struct: what functions that take a value of any kind want beside it. */
#define COP_KIND_OF(kind) (&cop_kind_of_##kind)

/*
 * For a kind that several files share: this in the header, and COP_MESSAGE_DEFINE, with the fields,
 * in one of the files. (COP_MESSAGE in a header works too, and then each file has its own table.)
 */
#define COP_MESSAGE_DECLARE(kind)                 \
        extern const char cop__traits_of_##kind[]; \
        extern COP_API const cop_kind cop_kind_of_##kind

/* The kinds of the program or library that is being compiled, for cop_node_start(). */
extern const cop_kind *const __start_cop_kinds[]
        __attribute__((weak, visibility("hidden")));
extern const cop_kind *const __stop_cop_kinds[]
        __attribute__((weak, visibility("hidden")));
#define COP__KINDS_FIRST (__start_cop_kinds)
#define COP__KINDS_LAST (__stop_cop_kinds)

#ifndef __cplusplus

/* COP_MESSAGE(kind, field, ...): `kind` is the name of a struct type. */
#define COP_MESSAGE(...) \
        COP__MESSAGE(static __attribute__((unused)), static __attribute__((unused)), __VA_ARGS__)
#define COP_MESSAGE_DEFINE(...) COP__MESSAGE(extern COP_API, COP_API, __VA_ARGS__)

/* The pid in a typed handle (channel.h, future.h). One of another type does not compile, and says so in these words. */
#define COP__HANDLE_PID(handle, handle_type, words)                                            \
        ((void)sizeof(struct {                                                                 \
                 int unused;                                                                   \
                 _Static_assert(__builtin_types_compatible_p(__typeof__(handle), handle_type), \
                                words);                                                        \
         }),                                                                                   \
         (handle).pid)

/* Fields that are messages themselves: one, or T[N]; and a struct of items and count. */
#define COP_NESTED(kind, field) (field, kind, cop__NESTED)
#define COP_NESTED_ITEMS(kind, field) (field, kind, cop__ITEMS)

#else

/* The macros are C's: one error that says so, instead of many that do not; where a value is wanted, by a name that nothing has.
 * docs/cpp.md says what there is in C++. */
#define COP__WRITTEN_IN_C(instead) this_macro_is_for_C__in_cpp_use_##instead
#define COP__DECLARED_IN_C(macro, instead) static_assert(false, #macro " is for C: " instead)
#define COP_MESSAGE(...) \
        COP__DECLARED_IN_C(COP_MESSAGE, "declare the kind with COP_MESSAGE_DECLARE, and define it in a C file")
#define COP_MESSAGE_DEFINE(...) COP__DECLARED_IN_C(COP_MESSAGE_DEFINE, "put it into a C file")

#endif

COP_END_DECLS

#endif
