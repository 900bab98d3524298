// Copyright (c) 2026 The Coppice authors. MIT licence.
//
// The rows of bench/ on CAF 0.17, as its users would write them: event-based actors, atoms, request for calls. What each row
// is, bench/README.md says; each checks what ours checks.
//
//      rows NAME WORKERS MILLISECONDS
//
// A row is tried with growing numbers of operations, which warms it up, and then done with as many as take the time wanted; one
// that takes longer from the start is not done again.
#include <caf/all.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <vector>

using namespace caf;

using ping_atom = atom_constant<atom("ping")>;
using pong_atom = atom_constant<atom("pong")>;
using go_atom = atom_constant<atom("go")>;
using done_atom = atom_constant<atom("done")>;
using closed_atom = atom_constant<atom("closed")>;
using clock_type = std::chrono::steady_clock;
using actors = std::vector<actor>;

struct outcome {
        uint64_t ops;
        double ns;
};

struct row {
        const char *unit;
        std::function<outcome(actor_system &, uint64_t)> run;
};

static void check(bool holds, const char *what)
{
        if (holds)
                return;
        std::fprintf(stderr, "a wrong run: %s\n", what);
        std::_Exit(2);
}

static void await(scoped_actor &self, uint64_t count)
{
        for (uint64_t i = 0; i < count; i++)
                self->receive([](done_atom) {});
}

// Tells all of `started` to go, and waits for so many that are done.
static outcome timed(scoped_actor &self, uint64_t ops, const actors &started, uint64_t done)
{
        auto began = clock_type::now();
        for (auto &one : started)
                self->send(one, go_atom::value);
        await(self, done);
        return { ops, std::chrono::duration<double, std::nano>(clock_type::now() - began).count() };
}

static void end(scoped_actor &self, const actors &all)
{
        for (auto &one : all)
                self->send_exit(one, exit_reason::kill);
}

// ---- Messages --------------------------------------------------------------------------

struct pinger_state { uint64_t number = 0; };

static behavior ponger(event_based_actor *)
{
        return { [](ping_atom, uint64_t number) { return std::make_tuple(pong_atom::value, number); } };
}

static behavior pinger(stateful_actor<pinger_state> *self, actor ponger, uint64_t strokes, actor parent)
{
        return {
                [=](go_atom) { self->send(ponger, ping_atom::value, self->state.number = 1); },
                [=](pong_atom, uint64_t number) {
                        check(number == self->state.number, "a wrong ball");
                        if (number == strokes)
                                self->send(parent, done_atom::value);
                        else
                                self->send(ponger, ping_atom::value, ++self->state.number);
                },
        };
}

static outcome pingpong(actor_system &system, uint64_t pairs, uint64_t ops)
{
        scoped_actor self{ system };
        uint64_t strokes = ops / pairs / 2 + 1;
        actors pingers, pongers;
        for (uint64_t i = 0; i < pairs; i++) {
                pongers.push_back(system.spawn(ponger));
                pingers.push_back(system.spawn(pinger, pongers.back(), strokes, actor{ self }));
        }
        auto result = timed(self, 2 * strokes * pairs, pingers, pairs);
        end(self, pingers);
        end(self, pongers);
        return result;
}

struct runner_state { actor next; };

static behavior runner(stateful_actor<runner_state> *self, actor parent, uint64_t hops)
{
        return {
                [=](const actor &next) { self->state.next = next; },
                [=](go_atom) { self->send(self->state.next, hops - 1); },
                [=](uint64_t left) {
                        if (left == 0)
                                self->send(parent, done_atom::value);
                        else
                                self->send(self->state.next, left - 1);
                },
        };
}

static outcome ring(actor_system &system, uint64_t count, uint64_t hops)
{
        scoped_actor self{ system };
        actors runners;
        for (uint64_t i = 0; i < count; i++)
                runners.push_back(system.spawn(runner, actor{ self }, hops));
        for (uint64_t i = 0; i < count; i++)
                self->send(runners[i], runners[(i + 1) % count]);
        auto result = timed(self, hops, { runners[0] }, 1);
        end(self, runners);
        return result;
}

struct counter_state { std::vector<uint64_t> due; uint64_t left = 0; };

static behavior counter(stateful_actor<counter_state> *self, uint64_t senders, uint64_t items, actor parent)
{
        self->state.due.resize(senders);
        self->state.left = items;
        return { [=](uint64_t sender, uint64_t number) {
                check(self->state.due[sender]++ == number, "an item out of turn");
                if (--self->state.left == 0)
                        self->send(parent, done_atom::value);
        } };
}

static behavior sender(event_based_actor *self, actor to, uint64_t index, uint64_t each)
{
        return { [=](go_atom) {
                for (uint64_t number = 0; number < each; number++)
                        self->send(to, index, number);
        } };
}

static outcome fanin(actor_system &system, uint64_t senders, uint64_t ops)
{
        scoped_actor self{ system };
        uint64_t each = ops / senders + 1;
        actors all;
        auto to = system.spawn(counter, senders, each * senders, actor{ self });
        for (uint64_t i = 0; i < senders; i++)
                all.push_back(system.spawn(sender, to, i, each));
        auto result = timed(self, each * senders, all, 1);
        end(self, all);
        end(self, { to });
        return result;
}

static behavior subscriber(stateful_actor<pinger_state> *self, uint64_t rounds, actor parent)
{
        return { [=](uint64_t number) {
                check(number == self->state.number++, "a page out of turn");
                if (number == rounds - 1)
                        self->send(parent, done_atom::value);
        } };
}

static behavior publisher(event_based_actor *self, actors to, uint64_t rounds)
{
        return { [=](go_atom) {
                for (uint64_t number = 0; number < rounds; number++)
                        for (auto &one : to)
                                self->send(one, number);
        } };
}

static outcome fanout(actor_system &system, uint64_t receivers, uint64_t ops)
{
        scoped_actor self{ system };
        uint64_t rounds = ops / receivers + 1;
        actors to;
        for (uint64_t i = 0; i < receivers; i++)
                to.push_back(system.spawn(subscriber, rounds, actor{ self }));
        auto from = system.spawn(publisher, to, rounds);
        auto result = timed(self, rounds * receivers, { from }, receivers);
        end(self, to);
        end(self, { from });
        return result;
}

struct player_state {
        actors others;
        uint64_t round = 0, pings = 0, pongs = 0;
};

static void begin_round(stateful_actor<player_state> *self)
{
        self->state.round++;
        self->state.pongs = 0;
        for (auto &other : self->state.others)
                self->send(other, ping_atom::value, self->state.round);
}

static behavior player(stateful_actor<player_state> *self, uint64_t rounds, actor parent)
{
        auto tell_when_through = [=] {
                auto &s = self->state;
                if (s.round == rounds && s.pongs == s.others.size() && s.pings == rounds * s.others.size())
                        self->send(parent, done_atom::value);
        };
        return {
                [=](const actors &all) {
                        for (auto &one : all)
                                if (one != self)
                                        self->state.others.push_back(one);
                },
                [=](go_atom) { begin_round(self); },
                [=](ping_atom, uint64_t round) {
                        self->state.pings++;
                        self->send(actor_cast<actor>(self->current_sender()), pong_atom::value, round);
                        tell_when_through();
                },
                [=](pong_atom, uint64_t round) {
                        check(round == self->state.round, "an answer of another round");
                        if (++self->state.pongs == self->state.others.size() && round < rounds)
                                begin_round(self);
                        else
                                tell_when_through();
                },
        };
}

static outcome big(actor_system &system, uint64_t count, uint64_t ops)
{
        scoped_actor self{ system };
        uint64_t rounds = std::max<uint64_t>(20, ops / (2 * count * (count - 1)) + 1);
        actors players;
        for (uint64_t i = 0; i < count; i++)
                players.push_back(system.spawn(player, rounds, actor{ self }));
        for (auto &one : players)
                self->send(one, players);
        auto result = timed(self, 2 * rounds * count * (count - 1), players, count);
        end(self, players);
        return result;
}

using bytes = std::vector<char>;
static const uint64_t acknowledged = 32;

struct source_state { bytes own; uint64_t sent = 0; };

static behavior source(stateful_actor<source_state> *self, actor drain, size_t size, uint64_t ops)
{
        auto send_until = [=](uint64_t until) {
                auto &s = self->state;
                for (; s.sent < until && s.sent < ops; s.sent++) {
                        s.own[0] = s.own[size - 1] = static_cast<char>(s.sent);
                        self->send(drain, s.sent, bytes(s.own));
                }
        };
        self->state.own.resize(size);
        return {
                [=](go_atom) { send_until(2 * acknowledged); },
                [=](uint64_t received) { send_until(received + 2 * acknowledged); },
        };
}

static behavior drain(event_based_actor *self, size_t size, uint64_t ops, actor parent)
{
        auto received = std::make_shared<uint64_t>(0);
        return { [=](uint64_t number, const bytes &load) {
                check(number == *received && load.size() == size && load[0] == static_cast<char>(number) &&
                              load[size - 1] == load[0],
                      "another parcel");
                if (++*received % acknowledged == 0)
                        self->send(actor_cast<actor>(self->current_sender()), *received);
                if (*received == ops)
                        self->send(parent, done_atom::value);
        } };
}

static outcome sizes(actor_system &system, size_t size, uint64_t ops)
{
        scoped_actor self{ system };
        auto to = system.spawn(drain, size, ops, actor{ self });
        auto from = system.spawn(source, to, size, ops);
        auto result = timed(self, ops, { from }, 1);
        end(self, { from, to });
        return result;
}

struct creature_state { int32_t colour = 0; uint64_t met = 0; };

static behavior creature(stateful_actor<creature_state> *self, actor mall, int32_t colour, actor parent)
{
        self->state.colour = colour;
        return {
                [=](go_atom) { self->send(mall, self->state.colour); },
                [=](const actor &whom, int32_t other) {
                        auto &s = self->state;
                        check(whom != self, "a creature met itself");
                        s.met++;
                        if (other != s.colour)
                                s.colour = 3 - s.colour - other;
                        self->send(mall, s.colour);
                },
                [=](closed_atom) { self->send(parent, self->state.met); },
        };
}

struct mall_state { uint64_t meetings = 0; actor waiting; int32_t colour = 0; };

static behavior mall(stateful_actor<mall_state> *self, uint64_t wanted, actor parent)
{
        return { [=](int32_t colour) {
                auto &s = self->state;
                auto from = actor_cast<actor>(self->current_sender());
                if (s.meetings == wanted) {
                        self->send(from, closed_atom::value);
                } else if (s.waiting) {
                        self->send(s.waiting, from, colour);
                        self->send(from, s.waiting, s.colour);
                        s.waiting = nullptr;
                        if (++s.meetings == wanted)
                                self->send(parent, done_atom::value);
                } else {
                        s.waiting = from;
                        s.colour = colour;
                }
        } };
}

static outcome chameneos(actor_system &system, uint64_t count, uint64_t ops)
{
        scoped_actor self{ system };
        actors creatures;
        uint64_t met = 0;
        auto place = system.spawn(mall, ops, actor{ self });
        for (uint64_t i = 0; i < count; i++)
                creatures.push_back(system.spawn(creature, place, static_cast<int32_t>(i % 3), actor{ self }));
        auto result = timed(self, ops, creatures, 1);
        for (uint64_t i = 0; i < count; i++)
                self->receive([&](uint64_t meetings) { met += meetings; });
        check(met == 2 * ops, "meetings are missing");
        end(self, creatures);
        end(self, { place });
        return result;
}

// ---- Lives -----------------------------------------------------------------------------

struct adder_state { uint64_t sum = 0; int left = 0; };

static behavior add_up(stateful_actor<adder_state> *self, actor parent, int parts)
{
        self->state.left = parts;
        return { [=](uint64_t part) {
                self->state.sum += part;
                if (--self->state.left > 0)
                        return;
                self->send(parent, self->state.sum);
                self->quit();
        } };
}

static behavior skynet_node(stateful_actor<adder_state> *self, actor parent, uint64_t first, uint64_t leaves)
{
        if (leaves == 1) {
                self->send(parent, first);
                return {};
        }
        for (uint64_t i = 0; i < 10; i++)
                self->spawn(skynet_node, actor{ self }, first + i * leaves / 10, leaves / 10);
        return add_up(self, parent, 10);
}

static behavior fork_node(stateful_actor<adder_state> *self, actor parent, uint64_t n)
{
        if (n < 2) {
                self->send(parent, n);
                return {};
        }
        self->spawn(fork_node, actor{ self }, n - 1);
        self->spawn(fork_node, actor{ self }, n - 2);
        return add_up(self, parent, 2);
}

static uint64_t fib(uint64_t n)
{
        return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

template <class Spawn>
static outcome compute(actor_system &system, uint64_t ops, uint64_t want, Spawn spawn)
{
        scoped_actor self{ system };
        auto began = clock_type::now();
        spawn(actor{ self });
        self->receive([=](uint64_t sum) { check(sum == want, "the sum"); });
        return { ops, std::chrono::duration<double, std::nano>(clock_type::now() - began).count() };
}

static outcome skynet(actor_system &system, uint64_t leaves)
{
        return compute(system, 1111111, leaves * (leaves - 1) / 2,
                       [&](const actor &to) { system.spawn(skynet_node, to, uint64_t{ 0 }, leaves); });
}

static outcome fork_join(actor_system &system, uint64_t n)
{
        return compute(system, 2 * fib(n + 1) - 1, fib(n),
                       [&](const actor &to) { system.spawn(fork_node, to, n); });
}

static void mayfly(event_based_actor *self, actor parent)
{
        self->send(parent, done_atom::value);
}

struct pond_state { uint64_t batches = 0, left = 0; };

static behavior pond(stateful_actor<pond_state> *self, uint64_t batches, actor parent)
{
        auto spawn_all = [=] {
                self->state.left = 1000;
                for (int i = 0; i < 1000; i++)
                        self->spawn(mayfly, actor{ self });
        };
        return {
                [=](go_atom) { spawn_all(); },
                [=](done_atom) {
                        if (--self->state.left > 0)
                                return;
                        if (++self->state.batches == batches)
                                self->send(parent, done_atom::value);
                        else
                                spawn_all();
                },
        };
}

static outcome spawn_exit(actor_system &system, uint64_t ops)
{
        scoped_actor self{ system };
        uint64_t batches = ops / 1000 + 1;
        auto one = system.spawn(pond, batches, actor{ self });
        auto result = timed(self, batches * 1000, { one }, 1);
        end(self, { one });
        return result;
}

static uint64_t bytes_each; // of the row that weighs

static uint64_t resident()
{
        unsigned long size = 0, pages = 0;
        std::FILE *file = std::fopen("/proc/self/statm", "r");
        check(file != nullptr && std::fscanf(file, "%lu %lu", &size, &pages) == 2, "no /proc/self/statm");
        std::fclose(file);
        return pages * 4096;
}

static behavior sleeper(stateful_actor<pinger_state> *self, actor parent)
{
        return { [=](go_atom) {
                self->state.number++;
                self->send(parent, done_atom::value);
        } };
}

// Each has answered once.
static outcome idle(actor_system &system, uint64_t count)
{
        scoped_actor self{ system };
        uint64_t before = resident();
        actors all;
        auto began = clock_type::now();
        for (uint64_t i = 0; i < count; i++)
                all.push_back(system.spawn(sleeper, actor{ self }));
        timed(self, count, all, count);
        double ns = std::chrono::duration<double, std::nano>(clock_type::now() - began).count();
        bytes_each = (resident() - before) / count;
        end(self, all);
        return { count, ns };
}

// ---- Calls -----------------------------------------------------------------------------

static behavior oracle(event_based_actor *)
{
        return { [](uint64_t number) { return 2 * number; } };
}

static void call_next(event_based_actor *self, const actor &oracle, uint64_t left, const actor &parent)
{
        if (left == 0) {
                self->send(parent, done_atom::value);
                return;
        }
        self->request(oracle, std::chrono::seconds(5), left).then([=](uint64_t twice) {
                check(twice == 2 * left, "the answer to another question");
                call_next(self, oracle, left - 1, parent);
        });
}

static behavior client(event_based_actor *self, actor oracle, uint64_t calls, actor parent)
{
        return { [=](go_atom) { call_next(self, oracle, calls, parent); } };
}

static outcome call(actor_system &system, uint64_t clients, uint64_t ops)
{
        scoped_actor self{ system };
        uint64_t each = ops / clients + 1;
        actors all;
        auto to = system.spawn(oracle);
        for (uint64_t i = 0; i < clients; i++)
                all.push_back(system.spawn(client, to, each, actor{ self }));
        auto result = timed(self, each * clients, all, clients);
        end(self, all);
        end(self, { to });
        return result;
}

// ---- Which, and how long -------------------------------------------------------------------

#define ROW(name, unit, call) { name, { unit, [](actor_system &s, uint64_t ops) { (void)ops; return call; } } }

static const std::map<std::string, row> rows = {
        ROW("pingpong_1", "message", pingpong(s, 1, ops)),
        ROW("pingpong_1000", "message", pingpong(s, 1000, ops)),
        ROW("ring_503", "hop", ring(s, 503, ops)),
        ROW("ring_10000", "hop", ring(s, 10000, ops)),
        ROW("fanin_2", "message", fanin(s, 2, ops)),
        ROW("fanin_16", "message", fanin(s, 16, ops)),
        ROW("fanin_1000", "message", fanin(s, 1000, ops)),
        ROW("fanout_1000", "message", fanout(s, 1000, ops)),
        ROW("spawn_idle_100000", "actor", idle(s, 100000)),
        ROW("big_512", "message", big(s, 512, ops)),
        ROW("skynet_1000000", "actor", skynet(s, 1000000)),
        ROW("fib_27", "actor", fork_join(s, 27)),
        ROW("spawn_exit", "actor", spawn_exit(s, ops)),
        ROW("call_1", "call", call(s, 1, ops)),
        ROW("call_64", "call", call(s, 64, ops)),
        ROW("size_16", "message", sizes(s, 16, ops)),
        ROW("size_1024", "message", sizes(s, 1024, ops)),
        ROW("size_65536", "message", sizes(s, 65536, ops)),
        ROW("chameneos_100", "meeting", chameneos(s, 100, ops)),
};

int main(int argc, char **argv)
{
        auto chosen = argc == 4 ? rows.find(argv[1]) : rows.end();
        if (chosen == rows.end())
                return 3;
        size_t workers = std::strtoul(argv[2], nullptr, 10);
        double want = std::strtod(argv[3], nullptr) * 1e6;
        actor_system_config config;
        config.add_message_type<actors>("actors").add_message_type<bytes>("bytes");
        config.set("scheduler.max-threads", workers);
        actor_system system{ config };
        uint64_t asked = 1000;
        outcome result = chosen->second.run(system, asked);
        while (bytes_each == 0 && result.ns < want / 8)
                result = chosen->second.run(system, asked *= 4);
        if (bytes_each == 0 && result.ns <= want)
                result = chosen->second.run(system, static_cast<uint64_t>(want / result.ns * result.ops) + 1);
        std::printf("{\"peer\":\"caf\",\"name\":\"%s\",\"workers\":%zu,\"unit\":\"%s\",\"runs\":1,\"ops\":%llu,"
                    "\"ns_per_op\":%.2f",
                    argv[1], workers, chosen->second.unit, static_cast<unsigned long long>(result.ops),
                    result.ns / result.ops);
        if (bytes_each > 0)
                std::printf(",\"bytes_per_actor\":%llu", static_cast<unsigned long long>(bytes_each));
        std::printf("}\n");
        std::fflush(stdout);
        std::_Exit(0); // what actors are left need not be waited for
}
