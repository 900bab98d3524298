/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Kinds: what COP_MESSAGE makes of a struct, values laid flat, and sets of kinds.
 */
#include "tests/suite.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/compiler.h"
#include "mailbox/kind.h"
#include "mailbox/signal.h"
#include "tests/failing_malloc.h"
#include "tests/kinds.h"

/* ---- Declaring ------------------------------------------------------------------------ */

typedef struct {
        cop_text text;
} shared_kind;
COP_MESSAGE_DECLARE(shared_kind);

/* Before its definition nothing is known of a kind that is only declared. */
typedef struct {
        shared_kind inner;
} holds_early;
COP_MESSAGE(holds_early, COP_NESTED(shared_kind, inner));
_Static_assert(!cop__plain_of_holds_early && cop__counted_of_holds_early, "nothing is assumed");

COP_MESSAGE_DEFINE(shared_kind, text);

typedef struct {
        shared_kind inner;
} holds_late;
COP_MESSAGE(holds_late, COP_NESTED(shared_kind, inner));
_Static_assert(!cop__plain_of_holds_late && !cop__counted_of_holds_late, "no bytes in it");

_Static_assert(cop__plain_of_bill && cop__plain_of_tick && cop__plain_of_line, "plain kinds");
_Static_assert(!cop__plain_of_drawing && !cop__counted_of_drawing, "points, but shares nothing");
_Static_assert(!cop__plain_of_photo && cop__counted_of_photo, "may hold shared bytes");
_Static_assert(cop__counted_of_album && cop__counted_of_everything, "hold it inside");

typedef struct {
        char f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19,
                f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35,
                f36, f37, f38, f39, f40;
} wide;
COP_MESSAGE(wide, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18,
            f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35,
            f36, f37, f38, f39, f40);

static const cop_field *field_of(const cop_kind *kind, const char *name)
{
        for (const cop_field *field = kind->fields; field->name; field++)
                if (strcmp(field->name, name) == 0)
                        return field;
        ck_abort_msg("%s has no field %s", kind->name, name);
        return NULL;
}

static void check_field(const char *name, int type, int shape, size_t offset, unsigned count)
{
        const cop_field *field = field_of(COP_KIND_OF(everything), name);
        ck_assert_msg(field->type == type && field->shape == shape && field->offset == offset &&
                              field->count == count,
                      "%s: type %d, shape %d, offset %u, count %u", name, field->type,
                      field->shape, field->offset, field->count);
}

TEST(a_field_of_each_type_is_recognised)
{
#define CHECK(field, type, shape, count) \
        check_field(#field, COP_FIELD_##type, COP_FIELD_##shape, offsetof(everything, field), count)
        CHECK(tiny, INT8, ONE, 1);
        CHECK(small, INT16, ONE, 1);
        CHECK(middle, INT32, ONE, 1);
        CHECK(large, INT64, ONE, 1);
        CHECK(longest, INT64, ONE, 1);
        CHECK(byte, UINT8, ONE, 1);
        CHECK(port, UINT16, ONE, 1);
        CHECK(mask, UINT32, ONE, 1);
        CHECK(key, UINT64, ONE, 1);
        CHECK(longest_key, UINT64, ONE, 1);
        CHECK(paint, UINT32, ONE, 1);
        CHECK(ratio, FLOAT, ONE, 1);
        CHECK(exact, DOUBLE, ONE, 1);
        CHECK(yes, BOOL, ONE, 1);
        check_field("letter", (char)-1 < 0 ? COP_FIELD_INT8 : COP_FIELD_UINT8, COP_FIELD_ONE,
                    offsetof(everything, letter), 1);
        CHECK(pid, PID, ONE, 1);
        CHECK(ref, REF, ONE, 1);
        CHECK(symbol, SYMBOL, ONE, 1);
        CHECK(text, TEXT, ONE, 1);
        CHECK(bytes, BYTES, ONE, 1);
        CHECK(term, TERM, ONE, 1);
        CHECK(name, CHARS, ONE, 13);
        CHECK(hash, UINT8, ARRAY, 4);
        CHECK(weights, FLOAT, ARRAY, 3);
        CHECK(flags, BOOL, ARRAY, 2);
        CHECK(pair, PID, ARRAY, 2);
        CHECK(tags, SYMBOL, ARRAY, 2);
        CHECK(titles, TEXT, ARRAY, 2);
        CHECK(scores, INT64, ITEMS, 1);
        CHECK(samples, DOUBLE, ITEMS, 1);
        CHECK(members, PID, ITEMS, 1);
        CHECK(lines, TEXT, ITEMS, 1);
        CHECK(terms, TERM, ITEMS, 1);
        CHECK(at, NESTED, ONE, 1);
        CHECK(nothing, NESTED, ONE, 1);
#undef CHECK
        ck_assert_ptr_eq(field_of(COP_KIND_OF(everything), "at")->kind, COP_KIND_OF(point));
}

TEST(a_kind_knows_its_name_size_and_fields_in_order)
{
        const cop_kind *kind = COP_KIND_OF(bill);
        ck_assert_str_eq(kind->name, "bill");
        ck_assert_uint_eq(kind->size, sizeof(bill));
        ck_assert_uint_eq(kind->field_count, 2);
        ck_assert_str_eq(kind->fields[0].name, "pence");
        ck_assert_str_eq(kind->fields[1].name, "people");
        ck_assert_ptr_null(kind->fields[2].name);
}

TEST(a_message_may_have_no_field_or_forty)
{
        ck_assert_uint_eq(COP_KIND_OF(tick)->size, 0);
        ck_assert_uint_eq(COP_KIND_OF(tick)->field_count, 0);
        ck_assert_uint_eq(COP_KIND_OF(wide)->field_count, 40);
        ck_assert_str_eq(COP_KIND_OF(wide)->fields[39].name, "f40");
        ck_assert_uint_eq(COP_KIND_OF(wide)->fields[39].offset, 39);
}

typedef struct {
        int64_t at[8];
} eight_words;
COP_MESSAGE(eight_words, at);

typedef struct {
        int64_t at[9];
} nine_words;
COP_MESSAGE(nine_words, at);

typedef struct {
        int32_t at[3];
} half_a_word;
COP_MESSAGE(half_a_word, at);

TEST(a_small_plain_kind_says_how_many_whole_words_it_is)
{
        ck_assert_uint_eq(COP_KIND_OF(tick)->plain, 2 + sizeof(tick) / 8);
        ck_assert_uint_eq(COP_KIND_OF(bill)->plain, 2 + sizeof(bill) / 8);
        ck_assert_uint_eq(COP_KIND_OF(eight_words)->plain, 2 + 8);
        ck_assert_uint_eq(COP_KIND_OF(nine_words)->plain, 1);
        ck_assert_uint_eq(COP_KIND_OF(half_a_word)->plain, 1);
        ck_assert_uint_eq(COP_KIND_OF(photo)->plain, 0);
}

TEST(a_message_of_a_few_words_is_a_block_of_the_class_that_its_bytes_ask_for)
{
        for (uint32_t words = 0; words <= COP__WORDS_MAX; words++)
                ck_assert_uint_eq(cop__signal_class_of_words(words),
                                  cop__pool_class(sizeof(struct cop__signal) + 8 * words));
}

TEST(the_kinds_of_a_program_are_listed_without_registering)
{
        bool found[2] = { false, false };
        for (const cop_kind *const *kind = COP__KINDS_FIRST; kind < COP__KINDS_LAST; kind++) {
                found[0] |= *kind == COP_KIND_OF(bill);
                found[1] |= *kind == COP_KIND_OF(shared_kind);
        }
        ck_assert(found[0]);
        ck_assert(found[1]);
}

/* ---- Sameness ------------------------------------------------------------------------- */

/* As another file's table of the same COP_MESSAGE would be. */
struct twin {
        cop_kind kind;
        cop_field fields[4];
};

static cop_kind *twin_of(const cop_kind *kind, struct twin *twin)
{
        ck_assert_uint_lt(kind->field_count, COP__COUNT(twin->fields));
        memcpy(twin->fields, kind->fields, (kind->field_count + 1u) * sizeof twin->fields[0]);
        twin->kind = *kind;
        twin->kind.fields = twin->fields;
        return &twin->kind;
}

TEST(two_tables_of_one_declaration_are_the_same_kind)
{
        struct twin twin, inner;
        ck_assert(cop__kind_same(COP_KIND_OF(bill), COP_KIND_OF(bill)));
        ck_assert(cop__kind_same(COP_KIND_OF(bill), twin_of(COP_KIND_OF(bill), &twin)));
        ck_assert(cop__kind_same(COP_KIND_OF(tick), twin_of(COP_KIND_OF(tick), &twin)));
        const cop_kind *other_line = twin_of(COP_KIND_OF(line), &twin);
        twin.fields[0].kind = twin.fields[1].kind = twin_of(COP_KIND_OF(point), &inner);
        ck_assert(cop__kind_same(COP_KIND_OF(line), other_line));
}

TEST(a_kind_that_nests_itself_can_be_compared)
{
        struct twin twin;
        const cop_kind *other = twin_of(COP_KIND_OF(tree), &twin);
        twin.fields[1].kind = other;
        ck_assert(cop__kind_same(COP_KIND_OF(tree), other));
        twin.fields[0].type = COP_FIELD_SYMBOL;
        ck_assert(!cop__kind_same(COP_KIND_OF(tree), other));
}

TEST(kinds_that_differ_anywhere_are_not_the_same)
{
        struct twin twin, inner;
        ck_assert(!cop__kind_same(COP_KIND_OF(bill), COP_KIND_OF(point)));
        ck_assert(!cop__kind_same(COP_KIND_OF(bill), NULL));
#define DIFFERS(change)                                                   \
        do {                                                              \
                cop_kind *other = twin_of(COP_KIND_OF(bill), &twin);      \
                change;                                                   \
                ck_assert_msg(!cop__kind_same(COP_KIND_OF(bill), other), #change); \
        } while (0)
        DIFFERS(other->name = "bull");
        DIFFERS(other->size = 24);
        DIFFERS(other->field_count = 1);
        DIFFERS(twin.fields[1].name = "persons");
        DIFFERS(twin.fields[1].offset = 0);
        DIFFERS(twin.fields[1].type = COP_FIELD_UINT64);
        DIFFERS(twin.fields[1].shape = COP_FIELD_ARRAY);
        DIFFERS(twin.fields[1].count = 2);
        DIFFERS(twin.fields[1].kind = COP_KIND_OF(point));
#undef DIFFERS
        const cop_kind *other_line = twin_of(COP_KIND_OF(line), &twin);
        twin.fields[1].kind = twin_of(COP_KIND_OF(point), &inner);
        inner.fields[1].name = "z";
        ck_assert(!cop__kind_same(COP_KIND_OF(line), other_line));
}

/* ---- Flat values ---------------------------------------------------------------------- */

#define CANARY 0xa5

/* A block of exactly the size that was asked for, with canaries behind it. */
static void *flat(const cop_kind *kind, const void *value, size_t *size)
{
        ck_assert_int_eq(cop__flat_size(kind, value, size), COP_OK);
        unsigned char *block = malloc(*size + 16);
        ck_assert_ptr_nonnull(block);
        memset(block, CANARY, *size + 16);
        ck_assert_int_eq(cop__flat_copy(kind, block, value), COP_OK);
        for (size_t i = 0; i < 16; i++)
                ck_assert_msg(block[*size + i] == CANARY, "%s: wrote beyond its size", kind->name);
        return block;
}

static void drop(const cop_kind *kind, void *block)
{
        cop__flat_drop(kind, block);
        free(block);
}

static void check_inside(const void *block, size_t size, const void *at, size_t bytes)
{
        uintptr_t first = (uintptr_t)block, start = (uintptr_t)at;
        ck_assert_uint_ge(start, first);
        ck_assert_uint_le(start + bytes, first + size);
}

TEST(a_plain_value_is_its_struct)
{
        bill sent = { 900, 3 };
        size_t size;
        bill *got = flat(COP_KIND_OF(bill), &sent, &size);
        ck_assert_uint_eq(size, sizeof(bill));
        ck_assert_mem_eq(got, &sent, sizeof sent);
        drop(COP_KIND_OF(bill), got);
        tick nothing;
        void *empty = flat(COP_KIND_OF(tick), &nothing, &size);
        ck_assert_uint_eq(size, 0);
        drop(COP_KIND_OF(tick), empty);
}

TEST(a_copy_shares_nothing_with_its_sender)
{
        char name[] = "Ada", tag[] = "red", title[] = "Notes", word[] = "deep";
        int64_t scores[] = { 3, 1, 4 };
        cop_text lines[] = { cop_text_of(title), cop_text_of("") };
        uint8_t small[] = { 1, 2, 3 };
        cop_term items[] = { cop_atom(tag), cop_string(word) };
        everything sent = { .text = cop_text_of(name), .symbol = cop_symbol_of(tag),
                            .titles[1] = cop_text_of(title), .scores = { scores, 3 },
                            .lines = { lines, 2 }, .bytes = cop_bytes_of(small, 3),
                            .term = cop_list_of(items, 2), .terms = { items, 2 },
                            .name = "thirteen chr" };
        size_t size;
        everything *got = flat(COP_KIND_OF(everything), &sent, &size);
        memset(name, 'X', 3), memset(tag, 'X', 3), memset(title, 'X', 5), memset(word, 'X', 4);
        memset(scores, 0xff, sizeof scores), memset(small, 0xff, 3), memset(lines, 0, sizeof lines);
        memset(items, 0, sizeof items);
        memset(&sent, 0xff, sizeof sent);

        ck_assert_str_eq(got->text.data, "Ada");
        ck_assert_uint_eq(got->text.size, 3);
        ck_assert(cop_symbol_equal(got->symbol, "red"));
        ck_assert_str_eq(got->titles[1].data, "Notes");
        ck_assert_uint_eq(got->titles[0].size, 0);
        ck_assert_str_eq(got->titles[0].data, "");
        ck_assert_uint_eq(got->scores.count, 3);
        ck_assert_int_eq(got->scores.items[2], 4);
        ck_assert(cop_text_equal(got->lines.items[0], "Notes"));
        ck_assert(cop_text_equal(got->lines.items[1], ""));
        ck_assert_mem_eq(got->bytes.data, ((uint8_t[]){ 1, 2, 3 }), 3);
        ck_assert_ptr_null(got->bytes.buffer);
        cop_term list = COP_LIST(cop_atom("red"), cop_string("deep"));
        ck_assert(cop_term_equal(got->term, list));
        ck_assert(cop_term_equal(got->terms.items[1], cop_string("deep")));
        ck_assert_str_eq(got->name, "thirteen chr");
        ck_assert_ptr_null(got->members.items);

        check_inside(got, size, got->text.data, 4);
        check_inside(got, size, got->symbol.text, 4);
        check_inside(got, size, got->scores.items, 24);
        check_inside(got, size, got->lines.items[0].data, 6);
        check_inside(got, size, got->bytes.data, 3);
        check_inside(got, size, got->term.as.items, 32);
        check_inside(got, size, got->terms.items[1].as.text, 4);
        ck_assert_uint_eq((uintptr_t)got->scores.items % 8, 0);
        drop(COP_KIND_OF(everything), got);
}

TEST(a_text_that_fills_its_words_has_room_for_its_nul)
{
        photo sent = { .name = COP_TEXT("12345678") };
        size_t size;
        photo *got = flat(COP_KIND_OF(photo), &sent, &size);
        ck_assert_uint_eq(size, sizeof(photo) + 16);
        ck_assert_str_eq(got->name.data, "12345678");
        drop(COP_KIND_OF(photo), got);
}

TEST(nested_messages_and_their_arrays_are_copied_whole)
{
        tree leaves[] = { { .name = COP_TEXT("oak") }, { .name = COP_TEXT("ash") } };
        tree root = { .name = COP_TEXT("wood"), .branches = { leaves, 2 } };
        size_t size;
        tree *got = flat(COP_KIND_OF(tree), &root, &size);
        memset(leaves, 0xff, sizeof leaves);
        ck_assert_uint_eq(got->branches.count, 2);
        ck_assert_str_eq(got->branches.items[1].name.data, "ash");
        check_inside(got, size, got->branches.items[1].name.data, 4);
        drop(COP_KIND_OF(tree), got);

        line lines[] = { { { 0, 0 }, { 3, 4 }, 7 } };
        drawing sent = { .lines = { lines, 1 }, .box = { { 1, 2 }, { 3, 4 } } };
        drawing *drawn = flat(COP_KIND_OF(drawing), &sent, &size);
        ck_assert_uint_eq(size, sizeof(drawing) + sizeof(line));
        memset(lines, 0xff, sizeof lines);
        ck_assert_int_eq(drawn->lines.items[0].width, 7);
        ck_assert_double_eq(drawn->box[1].y, 4);
        drop(COP_KIND_OF(drawing), drawn);
}

TEST(few_bytes_are_copied_and_many_are_shared)
{
        static uint8_t pixels[COP_SHARE_MIN];
        pixels[COP_SHARE_MIN - 1] = 7;
        photo sent = { .pixels = cop_bytes_of(pixels, COP_SHARE_MIN - 1) };
        size_t size;
        photo *got = flat(COP_KIND_OF(photo), &sent, &size);
        ck_assert_ptr_null(got->pixels.buffer);
        check_inside(got, size, got->pixels.data, COP_SHARE_MIN - 1);
        drop(COP_KIND_OF(photo), got);

        sent.pixels.size = COP_SHARE_MIN;
        got = flat(COP_KIND_OF(photo), &sent, &size);
        ck_assert_uint_eq(size, sizeof(photo));
        ck_assert_ptr_nonnull(got->pixels.buffer);
        ck_assert_ptr_ne(got->pixels.data, pixels);
        ck_assert_mem_eq(got->pixels.data, pixels, COP_SHARE_MIN);

        photo *forwarded = flat(COP_KIND_OF(photo), got, &size);
        ck_assert_ptr_eq(forwarded->pixels.data, got->pixels.data);
        drop(COP_KIND_OF(photo), got);
        ck_assert_uint_eq(forwarded->pixels.data[COP_SHARE_MIN - 1], 7);
        drop(COP_KIND_OF(photo), forwarded);
}

TEST(a_part_of_a_buffer_can_be_sent_and_a_share_outlives_the_message)
{
        cop_buffer *buffer = cop_buffer_new(100);
        ck_assert_uint_eq(cop_buffer_size(buffer), 100);
        memset(cop_buffer_data(buffer), 9, 100);
        photo sent = { .pixels = cop_buffer_bytes(buffer) };
        sent.pixels.data += 10;
        sent.pixels.size = 5;
        size_t size;
        photo *got = flat(COP_KIND_OF(photo), &sent, &size);
        cop_buffer_drop(buffer);
        ck_assert_ptr_eq(got->pixels.buffer, buffer);
        cop_buffer *kept = cop_buffer_take(got->pixels.buffer);
        drop(COP_KIND_OF(photo), got);
        ck_assert_uint_eq(cop_buffer_data(kept)[12], 9);
        cop_buffer_drop(kept);
        cop_buffer_drop(NULL);
        ck_assert_ptr_null(cop_buffer_take(NULL));
        ck_assert_ptr_null(cop_buffer_new(SIZE_MAX));
}

TEST(shared_bytes_are_found_wherever_they_nest)
{
        static uint8_t pixels[1000];
        photo photos[] = { { .pixels = cop_bytes_of(pixels, 1000) },
                           { .pixels = cop_bytes_of(pixels, 300) } };
        album sent = { .photos = { photos, 2 },
                       .cover = { .pixels = cop_bytes_of(pixels, 999) },
                       .notes = { cop_bytes_of(pixels, 4), cop_bytes_of(pixels, 512) } };
        size_t size;
        album *got = flat(COP_KIND_OF(album), &sent, &size);
        ck_assert_ptr_nonnull(got->photos.items[1].pixels.buffer);
        ck_assert_ptr_nonnull(got->cover.pixels.buffer);
        ck_assert_ptr_null(got->notes[0].buffer);
        ck_assert_ptr_nonnull(got->notes[1].buffer);
        drop(COP_KIND_OF(album), got); /* the leak checker counts */
}

/* True if nothing is mapped there: what malloc maps for one block it unmaps with free. */
static bool is_unmapped(const void *at)
{
        unsigned char resident;
        uintptr_t page = (uintptr_t)at & ~(uintptr_t)4095;
        return mincore((void *)page, 1, &resident) == -1 && errno == ENOMEM;
}

TEST(a_copy_without_memory_for_its_buffers_holds_nothing)
{
        if (!failing_malloc_can())
                return;
        static uint8_t pixels[1000];
        cop_buffer *buffer = cop_buffer_new(1 << 20);
        const uint8_t *bytes = cop_buffer_data(buffer);
        photo photos[] = { { .pixels = cop_buffer_bytes(buffer) },
                           { .pixels = cop_bytes_of(pixels, 300) },
                           { .pixels = cop_buffer_bytes(buffer) } };
        album sent = { .photos = { photos, 3 }, .notes[1] = cop_bytes_of(pixels, 512) };
        size_t size;
        ck_assert_int_eq(cop__flat_size(COP_KIND_OF(album), &sent, &size), COP_OK);
        void *block = malloc(size);
        long failures = 0;
        for (long n = 1;; n++) {
                fail_malloc_after(n);
                cop_status status = cop__flat_copy(COP_KIND_OF(album), block, &sent);
                if (!stop_failing_malloc()) {
                        ck_assert_int_eq(status, COP_OK);
                        break;
                }
                ck_assert_int_eq(status, COP_E_NO_MEMORY);
                failures++;
        }
        ck_assert_int_eq(failures, 2);
        cop__flat_drop(COP_KIND_OF(album), block);
        free(block);
        ck_assert(!is_unmapped(bytes));
        cop_buffer_drop(buffer);
        ck_assert(is_unmapped(bytes));
}

/* Forwards the same photo again and again. */
static void *forward(void *context)
{
        const photo *sent = context;
        photo block;
        for (int i = 0; i < 50000; i++) {
                if (cop__flat_copy(COP_KIND_OF(photo), &block, sent) != COP_OK)
                        return NULL;
                cop__flat_drop(COP_KIND_OF(photo), &block);
        }
        return context;
}

TEST(threads_may_share_a_buffer)
{
        pthread_t threads[3];
        cop_buffer *buffer = cop_buffer_new(1000);
        memset(cop_buffer_data(buffer), 5, 1000);
        photo sent = { .pixels = cop_buffer_bytes(buffer) };
        for (size_t i = 0; i < COP__COUNT(threads); i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, forward, &sent), 0);
        for (size_t i = 0; i < COP__COUNT(threads); i++) {
                void *done;
                ck_assert_int_eq(pthread_join(threads[i], &done), 0);
                ck_assert_ptr_eq(done, &sent);
        }
        /* Were a share lost or left over, a sanitizer would see one drop too many or a leak. */
        ck_assert_uint_eq(cop_buffer_data(buffer)[999], 5);
        cop_buffer_drop(buffer);
}

static cop_status size_of(const cop_kind *kind, const void *value)
{
        size_t size = 77;
        cop_status status = cop__flat_size(kind, value, &size);
        if (status != COP_OK)
                ck_assert_uint_eq(size, 77);
        return status;
}

TEST(nothing_with_a_size_is_a_bad_argument)
{
        photo no_name = { .name = { 1, NULL } };
        ck_assert_int_eq(size_of(COP_KIND_OF(photo), &no_name), COP_E_BAD_ARGUMENT);
        photo no_pixels = { .pixels = { NULL, 1, NULL } };
        ck_assert_int_eq(size_of(COP_KIND_OF(photo), &no_pixels), COP_E_BAD_ARGUMENT);
        tree no_branches = { .branches = { NULL, 1 } };
        ck_assert_int_eq(size_of(COP_KIND_OF(tree), &no_branches), COP_E_BAD_ARGUMENT);
        tree empty = { .branches = { NULL, 0 } };
        ck_assert_int_eq(size_of(COP_KIND_OF(tree), &empty), COP_OK);
}

TEST(bytes_outside_their_buffer_are_a_bad_argument)
{
        cop_buffer *buffer = cop_buffer_new(100);
        photo sent = { .pixels = cop_buffer_bytes(buffer) };
        ck_assert_int_eq(size_of(COP_KIND_OF(photo), &sent), COP_OK);
        sent.pixels.size = 101;
        ck_assert_int_eq(size_of(COP_KIND_OF(photo), &sent), COP_E_BAD_ARGUMENT);
        sent.pixels.size = SIZE_MAX;
        sent.pixels.data += 1;
        ck_assert_int_eq(size_of(COP_KIND_OF(photo), &sent), COP_E_BAD_ARGUMENT);
        sent.pixels.data = (const uint8_t *)((uintptr_t)cop_buffer_data(buffer) + 200);
        sent.pixels.size = 1;
        ck_assert_int_eq(size_of(COP_KIND_OF(photo), &sent), COP_E_BAD_ARGUMENT);
        static const uint8_t elsewhere[1];
        sent.pixels.data = elsewhere;
        sent.pixels.size = 1;
        ck_assert_int_eq(size_of(COP_KIND_OF(photo), &sent), COP_E_BAD_ARGUMENT);
        cop_buffer_drop(buffer);
}

TEST(what_is_over_a_limit_is_too_big)
{
        static const uint8_t byte[1];
        static const char letter[1];
        photo sent = { .pixels = cop_bytes_of(byte, COP_MESSAGE_SIZE_MAX + 1) };
        ck_assert_int_eq(size_of(COP_KIND_OF(photo), &sent), COP_E_TOO_BIG);
        sent.pixels.size = COP_MESSAGE_SIZE_MAX; /* with the struct it is more */
        ck_assert_int_eq(size_of(COP_KIND_OF(photo), &sent), COP_E_TOO_BIG);
        sent = (photo){ .name = { SIZE_MAX, letter } };
        ck_assert_int_eq(size_of(COP_KIND_OF(photo), &sent), COP_E_TOO_BIG);
        drawing many = { .lines = { (const line *)(const void *)&sent, SIZE_MAX / 2 } };
        ck_assert_int_eq(size_of(COP_KIND_OF(drawing), &many), COP_E_TOO_BIG);
        everything named = { .symbol = { COP_SYMBOL_MAX + 1, letter } };
        ck_assert_int_eq(size_of(COP_KIND_OF(everything), &named), COP_E_TOO_BIG);
}

TEST(what_nests_too_deep_or_in_itself_is_refused)
{
        tree chain[40] = { { .name = { 0, NULL } } };
        for (size_t i = 0; i + 1 < COP__COUNT(chain); i++)
                chain[i].branches.items = &chain[i + 1], chain[i].branches.count = 1;
        /* Each tree is two levels: a message and an array. */
        ck_assert_int_eq(size_of(COP_KIND_OF(tree), &chain[40 - COP_TERM_DEPTH_MAX / 2]), COP_OK);
        ck_assert_int_eq(size_of(COP_KIND_OF(tree), &chain[39 - COP_TERM_DEPTH_MAX / 2]),
                         COP_E_TOO_DEEP);
        tree ring = { .branches = { &ring, 1 } };
        ck_assert_int_eq(size_of(COP_KIND_OF(tree), &ring), COP_E_TOO_DEEP);
        garden planted = { .first = ring }; /* with a level more it is an array that is too deep */
        ck_assert_int_eq(size_of(COP_KIND_OF(garden), &planted), COP_E_TOO_DEEP);
        tree knots[2] = { { .branches = { knots, 2 } }, { .branches = { knots, 2 } } };
        ck_assert_int_ne(size_of(COP_KIND_OF(tree), knots), COP_OK);

        cop_term levels[COP_TERM_DEPTH_MAX + 1];
        levels[0] = cop_int(1);
        for (size_t i = 1; i < COP__COUNT(levels); i++)
                levels[i] = cop_list_of(&levels[i - 1], 1);
        everything holds = { .term = levels[COP_TERM_DEPTH_MAX] };
        ck_assert_int_eq(size_of(COP_KIND_OF(everything), &holds), COP_OK);
        cop_term deeper = cop_list_of(&holds.term, 1);
        everything too_deep = { .term = deeper };
        ck_assert_int_eq(size_of(COP_KIND_OF(everything), &too_deep), COP_E_TOO_DEEP);
}

typedef struct heartwood {
        cop_text colour;
        int64_t rings[2];
} heartwood;
COP_MESSAGE(heartwood, colour, rings);

typedef struct twig twig;
struct twig {
        struct {
                const twig *items;
                size_t count;
        } twigs;
        heartwood core;
};
COP_MESSAGE(twig, COP_NESTED_ITEMS(twig, twigs), COP_NESTED(heartwood, core));

/* The walk that measures passed over it, as over what points at nothing, and a reader then refused what had been sent. */
TEST(an_array_of_plain_values_is_a_level_as_any_array_is)
{
        enum { DEEPEST = COP_TERM_DEPTH_MAX / 2 }; /* twigs, each a message and an array; the last one's core lies below */
        twig chain[DEEPEST] = { { .core = { .rings = { 1, 2 } } } };
        for (size_t i = 0; i + 1 < DEEPEST; i++)
                chain[i].twigs.items = &chain[i + 1], chain[i].twigs.count = 1;
        ck_assert_int_eq(size_of(COP_KIND_OF(twig), &chain[0]), COP_E_TOO_DEEP);
        ck_assert_int_eq(size_of(COP_KIND_OF(twig), &chain[1]), COP_OK);
}

typedef struct softwood {
        int64_t rings[2];
} softwood;
COP_MESSAGE(softwood, rings);

typedef struct bough bough;
struct bough {
        struct {
                const bough *items;
                size_t count;
        } boughs;
        softwood core;
        struct {
                const point *items;
                size_t count;
        } knots;
};
COP_MESSAGE(bough, COP_NESTED_ITEMS(bough, boughs), COP_NESTED(softwood, core), COP_NESTED_ITEMS(point, knots));

/* Neither was walked, since it points at nothing. */
TEST(a_struct_of_plain_values_has_its_levels_too)
{
        enum { DEEPEST = COP_TERM_DEPTH_MAX / 2 };
        static const point knot = { 1, 2 };
        bough chain[DEEPEST] = { { .core = { { 1, 2 } } } };
        for (size_t i = 0; i + 1 < DEEPEST; i++)
                chain[i].boughs.items = &chain[i + 1], chain[i].boughs.count = 1;
        ck_assert_int_eq(size_of(COP_KIND_OF(bough), &chain[0]), COP_E_TOO_DEEP);
        ck_assert_int_eq(size_of(COP_KIND_OF(bough), &chain[1]), COP_OK);
        chain[DEEPEST - 1].knots.items = &knot, chain[DEEPEST - 1].knots.count = 1;
        ck_assert_int_eq(size_of(COP_KIND_OF(bough), &chain[1]), COP_OK);

        const cop_kind *only[] = { COP_KIND_OF(bough) }, *found;
        cop_kinds *kinds = cop__kinds_new(only, only + 1);
        uint8_t *bytes;
        size_t size;
        void *value;
        ck_assert_int_eq(cop__kind_encode(COP_KIND_OF(bough), &chain[1], &bytes, &size), COP_OK);
        ck_assert_int_eq(cop__kind_decode(kinds, bytes, size, &found, &value), COP_OK);
        cop__flat_drop(found, value);
        free(value);
        free(bytes);
        cop__kinds_free(kinds);
}

typedef struct spray spray;
struct spray {
        softwood core;
        struct {
                const spray *items;
                size_t count;
        } sprays;
};
COP_MESSAGE(spray, COP_NESTED(softwood, core), COP_NESTED_ITEMS(spray, sprays));

typedef struct vase {
        spray flowers;
} vase;
COP_MESSAGE(vase, COP_NESTED(spray, flowers));

TEST(a_struct_of_plain_values_is_refused_where_no_level_is_left_for_it)
{
        enum { DEEPEST = COP_TERM_DEPTH_MAX / 2 };
        spray chain[DEEPEST] = { { .core = { { 1, 2 } } } };
        for (size_t i = 0; i + 1 < DEEPEST; i++)
                chain[i].sprays.items = &chain[i + 1], chain[i].sprays.count = 1;
        ck_assert_int_eq(size_of(COP_KIND_OF(vase), &(vase){ chain[0] }), COP_E_TOO_DEEP);
        ck_assert_int_eq(size_of(COP_KIND_OF(vase), &(vase){ chain[1] }), COP_OK);
}

/* ---- Sets ----------------------------------------------------------------------------- */

TEST(a_set_of_kinds_is_sorted_and_found_by_name)
{
        const cop_kind *const list[] = { COP_KIND_OF(point), NULL, COP_KIND_OF(bill),
                                         COP_KIND_OF(tick), COP_KIND_OF(line) };
        cop_kinds *kinds = cop__kinds_new(list, list + 5);
        static const char *const order[] = { "bill", "line", "point", "tick" };
        ck_assert_uint_eq(cop__kinds_count(kinds), 4);
        for (size_t i = 0; i < 4; i++) {
                ck_assert_str_eq(cop__kinds_at(kinds, i)->name, order[i]);
                ck_assert_ptr_eq(cop__kinds_find(kinds, order[i], strlen(order[i])),
                                 cop__kinds_at(kinds, i));
        }
        ck_assert_ptr_null(cop__kinds_at(kinds, 4));
        ck_assert_ptr_null(cop__kinds_find(kinds, "bil", 3));
        ck_assert_ptr_null(cop__kinds_find(kinds, "bills", 5));
        ck_assert_ptr_null(cop__kinds_find(kinds, "bill\0x", 6));
        ck_assert_ptr_null(cop__kinds_find(kinds, "zoo", 3));
        ck_assert_ptr_null(cop__kinds_find(kinds, "", 0));
        ck_assert_ptr_eq(cop__kinds_find(kinds, "billions", 4), COP_KIND_OF(bill));
        cop__kinds_free(kinds);
}

TEST(an_empty_set_and_no_set_have_no_kinds)
{
        cop_kinds *none = cop__kinds_new(NULL, NULL);
        ck_assert_uint_eq(cop__kinds_count(none), 0);
        ck_assert_ptr_null(cop__kinds_find(none, "bill", 4));
        cop__kinds_free(none);
        ck_assert_uint_eq(cop__kinds_count(NULL), 0);
        ck_assert_ptr_null(cop__kinds_find(NULL, "bill", 4));
        ck_assert_ptr_null(cop__kinds_at(NULL, 0));
        ck_assert_ptr_null(cop__kinds_clash(NULL));
        cop__kinds_free(NULL);
}

TEST(a_kind_that_comes_twice_counts_once_and_a_clash_is_told)
{
        struct twin twin, other;
        const cop_kind *const mine[] = { COP_KIND_OF(bill), COP_KIND_OF(tick) };
        const cop_kind *const theirs[] = { twin_of(COP_KIND_OF(bill), &twin), COP_KIND_OF(tick),
                                           COP_KIND_OF(point) };
        cop_kinds *kinds = cop__kinds_new(mine, mine + 2);
        ck_assert_int_eq(cop__kinds_add(kinds, theirs, theirs + 3), COP_OK);
        ck_assert_uint_eq(cop__kinds_count(kinds), 3);
        ck_assert_ptr_null(cop__kinds_clash(kinds));
        const cop_kind *const wrong[] = { twin_of(COP_KIND_OF(bill), &other) };
        other.fields[0].name = "cents";
        ck_assert_int_eq(cop__kinds_add(kinds, wrong, wrong + 1), COP_OK);
        ck_assert_uint_eq(cop__kinds_count(kinds), 3);
        ck_assert_ptr_eq(cop__kinds_clash(kinds), wrong[0]);
        ck_assert_ptr_eq(cop__kinds_find(kinds, "bill", 4), COP_KIND_OF(bill));
        cop__kinds_free(kinds);
}

TEST(a_set_without_memory_is_null_or_as_it_was)
{
        if (!failing_malloc_can())
                return;
        const cop_kind *const list[] = { COP_KIND_OF(bill), COP_KIND_OF(tick) };
        for (long n = 1; n <= 2; n++) {
                fail_malloc_after(n);
                cop_kinds *none = cop__kinds_new(list, list + 2);
                ck_assert(stop_failing_malloc());
                ck_assert_ptr_null(none);
        }
        cop_kinds *kinds = cop__kinds_new(list, list + 1);
        fail_malloc_after(1);
        cop_status status = cop__kinds_add(kinds, list, list + 2);
        ck_assert(stop_failing_malloc());
        ck_assert_int_eq(status, COP_E_NO_MEMORY);
        ck_assert_uint_eq(cop__kinds_count(kinds), 1);
        fail_malloc_after(1);
        status = cop__kinds_hide(kinds, "pence");
        ck_assert(stop_failing_malloc());
        ck_assert_int_eq(status, COP_E_NO_MEMORY);
        ck_assert(!cop__kinds_is_secret(kinds, "pence"));
        cop__kinds_free(kinds);
}
