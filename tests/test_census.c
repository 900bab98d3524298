/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The census: rows as data, and readers that meet a writer in the middle. */
#include "tests/suite.h"

#include <pthread.h>
#include <string.h>

#include "actors/census.h"
#include "base/atomic.h"

static struct cop__census_entry entry_of(uint64_t number)
{
        struct cop__census_entry entry = { .supervisor = { number }, .child = { number },
                                           .number = number, .restarts = (uint32_t)number };
        memset(entry.id, 'a' + (int)(number % 26), 8);
        return entry;
}

static bool is_whole(const struct cop__census_entry *entry)
{
        struct cop__census_entry wanted = entry_of(entry->number);
        return memcmp(entry, &wanted, sizeof(wanted)) == 0;
}

TEST(a_row_says_what_was_written_until_it_is_given_back)
{
        struct cop__census census;
        struct cop__census_entry entry;
        cop__census_init(&census);
        ck_assert_uint_eq(cop__census_count(&census), 0);
        uint32_t row = cop__census_take(&census);
        ck_assert(!cop__census_read(&census, row, &entry)); /* not written yet */
        struct cop__census_entry seven = entry_of(7);
        cop__census_write(&census, row, &seven);
        ck_assert(cop__census_read(&census, row, &entry) && is_whole(&entry));
        cop__census_give(&census, row);
        ck_assert(!cop__census_read(&census, row, &entry));
        ck_assert_uint_eq(cop__census_take(&census), row);
        ck_assert_uint_eq(cop__census_count(&census), 1);
        cop__census_give(&census, COP__CENSUS_NONE); /* nothing happens */
        cop__census_write(&census, COP__CENSUS_NONE, &seven);
        cop__census_fini(&census);
}

TEST(rows_of_all_chunks_are_apart)
{
        enum { ROWS = 5000 };
        struct cop__census census;
        struct cop__census_entry entry;
        cop__census_init(&census);
        for (uint32_t i = 0; i < ROWS; i++) {
                struct cop__census_entry mine = entry_of(i + 1);
                ck_assert_uint_eq(cop__census_take(&census), i);
                cop__census_write(&census, i, &mine);
        }
        for (uint32_t i = 0; i < ROWS; i++) {
                ck_assert(cop__census_read(&census, i, &entry));
                ck_assert_uint_eq(entry.number, i + 1);
                ck_assert(is_whole(&entry));
        }
        cop__census_fini(&census);
}

static struct cop__census shared;
static uint32_t done;

static void *write_on(void *unused)
{
        (void)unused;
        for (uint64_t number = 1; !cop__load_acquire(&done); number++) {
                struct cop__census_entry entry = entry_of(number);
                cop__census_write(&shared, 0, &entry);
        }
        return NULL;
}

TEST(a_reader_sees_whole_rows_or_none_while_one_is_written)
{
        pthread_t writer;
        struct cop__census_entry entry;
        uint64_t last = 0;
        int seen = 0;
        cop__census_init(&shared);
        cop__census_take(&shared);
        ck_assert_int_eq(pthread_create(&writer, NULL, write_on, NULL), 0);
        while (seen < 20000) {
                if (!cop__census_read(&shared, 0, &entry))
                        continue;
                ck_assert(is_whole(&entry));
                ck_assert_uint_ge(entry.number, last);
                last = entry.number;
                seen++;
        }
        cop__store_release(&done, 1);
        pthread_join(writer, NULL);
        cop__census_fini(&shared);
}
