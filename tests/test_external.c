/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Erlang's bytes, pids and references that are not ours, and the digest of the handshake. */
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "distribution/external.h"
#include "distribution/md5.h"
#include "distribution/peer.h"
#include "mailbox/term_hash.h"
#include "tests/random_term.h"
#include "tests/suite.h"

static struct cop__network *network_of(const char *name)
{
        struct cop__network *network = calloc(1, sizeof(*network));
        ck_assert_ptr_nonnull(network);
        cop__list_init(&network->refs_idle);
        strcpy(network->name, name);
        network->creation = 77;
        return network;
}

static void end(struct cop__network *network)
{
        for (uint32_t i = 0; i < network->peer_count; i++)
                free(network->peers[i]);
        for (struct cop__peer *own = network->own, *before; own != NULL; own = before) {
                before = own->before;
                free(own);
        }
        cop__foreign_end(network);
        free(network);
}

/* What the first node writes the second one reads. The caller ends the term. */
static cop_status cross(struct cop__network *from, struct cop__network *to, cop_term term, cop_term *result)
{
        struct cop__tray tray = { 0 };
        struct cop__pen pen = { .tray = &tray, .network = from };
        struct cop__reader reader;
        cop_term read;
        cop__pen_version(&pen);
        cop__pen_term(&pen, term);
        cop_status status = pen.status;
        if (status == COP_OK) {
                cop__reader_begin(&reader, to, tray.data + tray.start, cop__tray_waiting(&tray), (size_t)1 << 24);
                status = cop__reader_term(&reader, &read);
                if (status == COP_OK)
                        status = cop_term_copy(read, result);
                cop__reader_end(&reader);
        }
        cop__tray_free(&tray);
        return status;
}

TEST(digests_are_those_of_the_standard)
{
        static const struct {
                const char *text, *digest;
        } known[] = {
                { "", "d41d8cd98f00b204e9800998ecf8427e" },
                { "abc", "900150983cd24fb0d6963f7d28e17f72" },
                { "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f" },
                { "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                  "57edf4a22be3c955ac49da2e2107b67a" },
        };
        for (size_t i = 0; i < COP__COUNT(known); i++) {
                uint8_t digest[COP__MD5_SIZE];
                char text[2 * COP__MD5_SIZE + 1] = "";
                cop__md5(known[i].text, strlen(known[i].text), digest);
                for (unsigned j = 0; j < COP__MD5_SIZE; j++)
                        snprintf(text + (size_t)2 * j, 3, "%02x", digest[j]);
                ck_assert_str_eq(text, known[i].digest);
        }
}

TEST(a_pid_that_goes_there_and_back_is_itself)
{
        struct cop__network *a = network_of("a@x"), *b = network_of("b@x");
        cop_pid pid = cop__pid_of(0, 0xffffef, 0xffffffff);
        cop_term there, back;
        ck_assert_int_eq(cross(a, b, cop_pid_term(pid), &there), COP_OK);
        ck_assert_int_eq(cop__pid_node(there.as.pid), 1);
        ck_assert_int_eq(cross(b, a, there, &back), COP_OK);
        ck_assert(cop_pid_equal(back.as.pid, pid));
        /* Nobody is nobody everywhere. */
        ck_assert_int_eq(cross(a, b, cop_pid_term(cop_no_pid()), &there), COP_OK);
        ck_assert_int_eq(there.as.pid.bits, 0);
        end(a);
        end(b);
}

TEST(a_pid_of_an_earlier_life_is_another_one)
{
        struct cop__network *a = network_of("a@x"), *b = network_of("b@x");
        cop_pid pid = cop__pid_of(0, 7, 1);
        cop_term before, after, back;
        ck_assert_int_eq(cross(a, b, cop_pid_term(pid), &before), COP_OK);
        a->creation = 78;
        ck_assert_int_eq(cross(a, b, cop_pid_term(pid), &after), COP_OK);
        ck_assert(!cop_pid_equal(before.as.pid, after.as.pid));
        ck_assert_int_eq(cross(b, a, before, &back), COP_OK); /* and is not ours any more */
        ck_assert_int_ne(cop__pid_node(back.as.pid), 0);
        end(a);
        end(b);
}

/* Erlang counts to 2^28 before its serial moves on: these need no memory. */
TEST(a_pid_with_a_large_id_is_itself_and_takes_no_place)
{
        struct cop__network *a = network_of("a@x");
        for (uint32_t serial = 0; serial < 15; serial++) {
                struct cop__wire_pid wire = { "c@x", 3, (1u << 28) - 1 - serial, serial, 5 }, again;
                cop_pid pid;
                ck_assert_int_eq(cop__pid_of_wire(a, &wire, &pid), COP_OK);
                ck_assert(cop__pid_to_wire(a, pid, &again));
                ck_assert_uint_eq(again.id, wire.id);
                ck_assert_uint_eq(again.serial, serial);
        }
        ck_assert_uint_eq(a->foreign_count, 0);
        end(a);
}

/* A node of Erlang's has gone through its ids as often after some months. */
TEST(a_pid_with_a_large_id_takes_no_place_with_a_large_serial_either)
{
        struct cop__network *a = network_of("a@x");
        for (uint32_t serial = 15; serial < 8192; serial++) {
                struct cop__wire_pid wire = { "c@x", 3, (1u << 28) - 1 - serial, serial, 5 }, again;
                cop_pid pid;
                ck_assert_int_eq(cop__pid_of_wire(a, &wire, &pid), COP_OK);
                ck_assert(cop__pid_to_wire(a, pid, &again));
                ck_assert_uint_eq(again.id, wire.id);
                ck_assert_uint_eq(again.serial, serial);
        }
        ck_assert_uint_eq(a->foreign_count, 0);
        end(a);
}

TEST(a_pid_with_more_bits_than_ours_is_remembered)
{
        struct cop__network *a = network_of("a@x");
        struct cop__wire_pid wire = { "c@x", 3, 0xfffffff0, 0x12345678, 5 }, again, other = wire;
        cop_pid pid, same, second;
        ck_assert_int_eq(cop__pid_of_wire(a, &wire, &pid), COP_OK);
        ck_assert_int_eq(cop__pid_of_wire(a, &wire, &same), COP_OK);
        ck_assert(cop_pid_equal(pid, same));
        other.serial++;
        ck_assert_int_eq(cop__pid_of_wire(a, &other, &second), COP_OK);
        ck_assert(!cop_pid_equal(pid, second));
        ck_assert(cop__pid_to_wire(a, pid, &again));
        ck_assert(again.id == wire.id && again.serial == wire.serial && again.creation == wire.creation);
        end(a);
}

TEST(more_nodes_than_have_numbers_are_refused)
{
        struct cop__network *a = network_of("a@x");
        char name[16];
        cop_pid pid;
        struct cop__wire_pid wire = { name, 0, 1, 1, 5 };
        for (unsigned i = 0; i < COP__LIVES_MENTIONED; i++) {
                wire.name_size = (size_t)snprintf(name, sizeof(name), "n%u@x", i);
                ck_assert_int_eq(cop__pid_of_wire(a, &wire, &pid), COP_OK);
        }
        struct cop__wire_pid one_more = { "one_more@x", 10, 1, 1, 5 };
        ck_assert_int_eq(cop__pid_of_wire(a, &one_more, &pid), COP_E_LIMIT);
        for (unsigned i = COP__LIVES_MENTIONED; i < COP__LIVES - 1; i++) /* those that come themselves */
                ck_assert_uint_eq(cop__network_life(a, a->peers[0], i), i + 1);
        ck_assert_uint_eq(cop__network_life(a, a->peers[0], 1), 0);
        end(a);
}

TEST(a_reference_goes_there_and_back_and_is_forgotten_only_if_nothing_leads_along_it)
{
        struct cop__network *a = network_of("a@x"), *b = network_of("b@x");
        cop_ref own = { UINT64_C(0x0123456789abcdef) };
        cop_term there, back, first = cop_nil(), pinned = cop_nil();
        ck_assert_int_eq(cross(a, b, cop_ref_term(own), &there), COP_OK);
        ck_assert_int_eq(there.as.ref.bits >> 62, 1);
        ck_assert_int_eq(cross(b, a, there, &back), COP_OK);
        ck_assert(cop_ref_equal(back.as.ref, own));
        for (uint64_t i = 1; i <= COP__FOREIGN_REFS + 10; i++) {
                cop_term term;
                ck_assert_int_eq(cross(a, b, cop_ref_term((cop_ref){ i }), &term), COP_OK);
                if (i == 1)
                        first = term;
                if (i == 2) {
                        pinned = term;
                        cop__ref_pin(b, pinned.as.ref);
                }
        }
        ck_assert_int_eq(cross(b, a, first, &back), COP_E_NOT_FOUND);
        ck_assert_int_eq(cross(b, a, pinned, &back), COP_OK);
        ck_assert_int_eq(back.as.ref.bits, 2);
        cop__ref_let_go(b, pinned.as.ref);
        end(a);
        end(b);
}

TEST(a_reference_that_was_forgotten_is_what_it_was_when_it_comes_again)
{
        struct cop__network *a = network_of("a@x"), *b = network_of("b@x");
        cop_term term, often = cop_nil(), once = cop_nil();
        for (uint64_t i = 1; i <= COP__FOREIGN_REFS + 10; i++) {
                ck_assert_int_eq(cross(a, b, cop_ref_term((cop_ref){ i }), i == 2 ? &once : &term), COP_OK);
                ck_assert_int_eq(cross(a, b, cop_ref_term((cop_ref){ 1 }), i == 1 ? &often : &term), COP_OK);
                ck_assert(cop_ref_equal((i == 1 ? often : term).as.ref, often.as.ref));
        }
        ck_assert_int_eq(cross(b, a, often, &term), COP_OK);
        ck_assert_int_eq(cross(b, a, once, &term), COP_E_NOT_FOUND);
        ck_assert_int_eq(cross(a, b, cop_ref_term((cop_ref){ 2 }), &term), COP_OK);
        ck_assert_msg(cop_ref_equal(term.as.ref, once.as.ref), "it is another one");
        ck_assert(!cop_ref_equal(term.as.ref, often.as.ref));
        ck_assert_int_eq(cross(b, a, once, &term), COP_OK);
        end(a);
        end(b);
}

/* One step of the hash that a reference's number is made of: see foreign.c. */
static uint64_t hash_step(uint64_t hash, uint32_t word, uint64_t key)
{
        return cop__mix((hash ^ word) + key);
}

struct half {
        uint64_t hash; /* of a reference whose only word is that */
        uint32_t word;
};

static int by_high_bits(const void *one, const void *other)
{
        uint64_t a = ((const struct half *)one)->hash >> 32, b = ((const struct half *)other)->hash >> 32;
        return (a > b) - (a < b);
}

/* Two references of two words each with the same hash, which takes the key of this node, by chance, and some luck. */
static void find_of_one_hash(uint64_t key, uint32_t life, uint32_t one[2], uint32_t other[2])
{
        enum { HALVES = 400000 };
        struct half *halves = malloc(HALVES * sizeof(*halves));
        size_t at = 1;
        ck_assert_ptr_nonnull(halves);
        for (uint32_t i = 0; i < HALVES; i++)
                halves[i] = (struct half){ hash_step(cop__mix(key ^ life), i, key), i };
        qsort(halves, HALVES, sizeof(*halves), by_high_bits);
        while (at < HALVES && by_high_bits(&halves[at - 1], &halves[at]) != 0)
                at++;
        ck_assert_uint_lt(at, HALVES);
        one[0] = halves[at - 1].word;
        other[0] = halves[at].word;
        one[1] = 7;
        other[1] = 7 ^ (uint32_t)(halves[at - 1].hash ^ halves[at].hash);
        ck_assert_uint_eq(hash_step(halves[at - 1].hash, one[1], key), hash_step(halves[at].hash, other[1], key));
        free(halves);
}

TEST(two_references_of_one_hash_are_two)
{
        struct cop__network *network = network_of("a@x");
        struct cop__wire_ref one = { "b@x", 3, 5, 2, { 0 } }, other = one, said;
        cop_ref first, second, again;
        network->ref_key = UINT64_C(0x1234567890abcdef);
        find_of_one_hash(network->ref_key, cop__network_mention(network, "b@x", 3, 5), one.words, other.words);
        ck_assert_int_eq(cop__ref_of_wire(network, &one, &first), COP_OK);
        ck_assert_int_eq(cop__ref_of_wire(network, &other, &second), COP_OK);
        ck_assert(!cop_ref_equal(first, second));
        ck_assert_uint_eq(second.bits >> 62, 1);
        ck_assert_int_eq(cop__ref_of_wire(network, &one, &again), COP_OK);
        ck_assert(cop_ref_equal(again, first));
        ck_assert(cop__ref_to_wire(network, first, &said));
        ck_assert_mem_eq(said.words, one.words, sizeof(said.words));
        ck_assert(cop__ref_to_wire(network, second, &said));
        ck_assert_mem_eq(said.words, other.words, sizeof(said.words));
        end(network);
}

TEST(what_is_too_deep_or_takes_too_much_memory_is_refused)
{
        struct cop__network *a = network_of("a@x");
        struct cop__reader reader;
        cop_term term;
        uint8_t deep[400] = { 131 }, wide[4103] = { 131, 108, 0, 0, 0x10, 0 };
        for (size_t i = 0; i < 190; i++) {
                deep[1 + 2 * i] = 104;
                deep[2 + 2 * i] = 1;
        }
        deep[381] = 106;
        memset(wide + 6, 106, sizeof(wide) - 6);
        cop__reader_begin(&reader, a, deep, 382, (size_t)1 << 20);
        ck_assert_int_eq(cop__reader_term(&reader, &term), COP_E_TOO_DEEP);
        cop__reader_end(&reader);
        cop__reader_begin(&reader, a, wide, sizeof(wide), 4096);
        ck_assert_int_eq(cop__reader_term(&reader, &term), COP_E_TOO_BIG);
        cop__reader_end(&reader);
        cop__reader_begin(&reader, a, wide, sizeof(wide), (size_t)1 << 20);
        ck_assert_int_eq(cop__reader_term(&reader, &term), COP_OK);
        ck_assert_int_eq(term.count, 4096);
        cop__reader_end(&reader);
        cop__reader_begin(&reader, a, wide, sizeof(wide) - 2, (size_t)1 << 20);
        ck_assert_int_eq(cop__reader_term(&reader, &term), COP_E_MALFORMED); /* two items are missing */
        cop__reader_end(&reader);
        end(a);
}

/* ... but for what is a text and what a list. What is not said is no key that others know. */
TEST(each_random_term_that_is_said_is_read_as_one_that_compares_equal)
{
        struct cop__network *a = network_of("a@x"), *b = network_of("b@x");
        unsigned said = 0;
        for (uint64_t seed = 1; seed <= 3000; seed++) {
                struct random_terms random = { .state = seed, .alone = true };
                cop_term term = random_term(&random, 5), there;
                uint64_t hash, hash_there;
                cop_status status = cross(a, b, term, &there);
                ck_assert_msg(status == cop__term_hash_abroad(term, &hash), "seed %lu: %s", (unsigned long)seed,
                              cop_status_text(status));
                ck_assert(status == COP_OK || status == COP_E_MALFORMED);
                if (status == COP_OK) {
                        ck_assert_msg(cop_term_compare(term, there) == 0, "seed %lu is another one", (unsigned long)seed);
                        ck_assert(cop__term_same(term, there));
                        ck_assert_int_eq(cop__term_hash_abroad(there, &hash_there), COP_OK);
                        ck_assert_uint_eq(hash, hash_there);
                        cop_term_free(there);
                        said++;
                }
                random_terms_fini(&random);
        }
        ck_assert_uint_gt(said, 2500);
        end(a);
        end(b);
}
