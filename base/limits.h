/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The limits of the runtime, each with its reason. A hostile build (-DCOP__TINY=1) makes them so small that rare
 * paths become common.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#ifndef COP__TINY
#define COP__TINY 0
#endif

/* Workers of a node: the idle set is one 64-bit word. */
#define COP__WORKERS_MAX 64

/*
 * Tasks in a worker's own ring; more go to the queue that all share, where they wander between the workers, and what comes from
 * outside waits behind them. So as many as are awake at a time in a program of many thousand actors; 16 KiB, touched as far as
 * needed. A power of two.
 */
#define COP__RUNQUEUE_SIZE (COP__TINY ? 2u : 2048u)

/* Tasks that leave a ring at once, when it is full or robbed: they pass through an array on a stack, which may be an actor's. */
#define COP__RUNQUEUE_BATCH (COP__TINY ? 2u : 256u)

/* Tasks that move from the shared queue to a ring at once: pays for the lock. */
#define COP__SHARED_BATCH (COP__TINY ? 1u : 64u)

/* A worker looks at the clock and its timers once in so many turns: reading the clock costs as much as a turn. */
#define COP__TIMERS_EVERY (COP__TINY ? 1u : 16u)

/* A worker looks at the shared queue first once in so many turns, or a busy ring would starve it. A multiple of the above. */
#define COP__SHARED_EVERY (COP__TINY ? 2u : 16u)

/* Tasks that a worker takes out of its ring at once: pays for the exchange. While others wait there are four times as many left. */
#define COP__DESK_FEW (COP__TINY ? 1u : 8u)

/* A busy worker looks for news of the outside world once in so many turns, which costs a system call. A multiple of the timers'. */
#define COP__POLL_EVERY (COP__TINY ? 2u : 64u)

/*
 * Where answers from outside have come at once, an idle worker looks for the next one for so long before it sleeps: about as long as
 * going to sleep and being woken take together, so that at worst it costs as much again.
 */
#define COP__LINGER_NS 20000u

/* Such news that are fetched at once. */
#define COP__POLL_BATCH 16

/* What an actor's own process may be behind with, in bytes of packets, before its mailbox waits; see actors/outpost.h. */
#define COP__CROSSING_WAITING (COP__TINY ? 64u : 65536u)

/* With more than that before it, in bytes of packets, an answer that such a process has not fetched is its last: it asks without reading. */
#define COP__CROSSING_UNREAD 1048576u

/* Bytes that are read from such a process before others have their turns. */
#define COP__CROSSING_SLICE (COP__TINY ? 512u : 262144u)

/* Names of behaviours that live in processes, each kept until the node ends: more than a program has. */
#define COP__SERVER_NAMES_MAX (COP__TINY ? 16u : 1024u)

/* What a process with a limit of memory may have on top of it: room for the allocator's own books. */
#define COP__INSIDE_MEMORY_SPARE (UINT64_C(1) << 20)

/* How long the process that has hung up may take to end, and the one that forks them to say how: milliseconds. */
#define COP__CROSSING_END_MS 5000

/* How long a node that stops waits for the one that forks them to kill all that they have forked: it gives up by itself a second after the
 * last one that it could kill, but on a machine that is busy many take their time. */
#define COP__ZYGOTE_END_MS 60000

/* Turns that the next-slot may take in a row before what it holds goes to the end of the ring. */
#define COP__NEXT_TURNS (COP__TINY ? 1u : 16u)

/* Tasks on a worker's pile that begin in the order of their birth; of more, the newest does. They fit a core's own cache. */
#define COP__PILE_IN_ORDER (COP__TINY ? 1u : 64u)

/* Of the tasks that begin from a larger pile, one in so many is the oldest: rarely, since it brings all its subtree onto the pile. */
#define COP__PILE_OLDEST (COP__TINY ? 2u : 1024u)

/* A worker tries to steal before it looks at what is its own, but once it has stolen so many in a row, it comes to its own. 0: it steals
 * only when nothing else is left. */
#define COP__STEALS_FIRST (COP__TINY ? 7u : 0u)

/* Turns that a worker gives to urgent tasks in a row before one goes to another. */
#define COP__URGENT_TURNS (COP__TINY ? 3u : 31u)

/* Of the turns that no urgent task takes, one in so many is for a low one; of those that one takes, for a high one. */
#define COP__LOW_EVERY (COP__TINY ? 2u : 8u)

/* One task in so many that are put behind the others goes to the queue that all workers share. */
#define COP__WANDER_EVERY (COP__TINY ? 2u : 61u)

/* How long a task may wait in the next-slot of a busy worker while another worker is idle. */
#define COP__LOOKOUT_NS 1000000u

/*
 * What a worker takes from others should keep it busy for longer than this, and so much more for each task, or it was not worth it: a
 * wake-up, and the cache lines that travel. In an explored runtime all is, since who wakes up by itself hides who was not woken.
 */
#if defined(COP__ATOMICS)
#define COP__HAUL_WAKE_NS 0u
#define COP__HAUL_TASK_NS 0u
#else
#define COP__HAUL_WAKE_NS 10000u
#define COP__HAUL_TASK_NS 1000u
#endif

/* How long it is aloof then (scheduler/haul.h): at first, and at most. */
#define COP__ALOOF_NS (COP__TINY ? 100000u : 1000000u)
#define COP__ALOOF_MOST_NS (COP__TINY ? 200000u : 32000000u)

/* Messages to somebody on another worker, in turns that they have used up, from which on their sender goes there (scheduler/follow.h). */
#define COP__FOLLOW_LEAST (COP__TINY ? 1u : 8u)

/*
 * What each of these takes off the time gained with a haul: twice the lines of a message, from far. So many of them make it be judged
 * at the next search, and with so many in it the worker stays aloof for its while, however long the turns of those who send now are.
 */
#define COP__ABROAD_NS 256u
#define COP__ABROAD_MOST 4096u
#define COP__ABROAD_MANY 512u

/*
 * How long a worker shares tasks with another, and then leaves them to it, to find out which is faster (scheduler/retreat.h): long
 * enough for a thousand short turns. In an explored runtime none does.
 */
#if defined(COP__ATOMICS)
#define COP__RETREATS 0
#else
#define COP__RETREATS 1
#endif
#define COP__SHARE_NS (COP__TINY ? 50000u : 1000000u)

/* Turns are short, and whether one worker would do them sooner worth finding out, when one takes less than the lines of some messages. */
#define COP__TURN_SHORT_NS (COP__TINY ? 1000000u : 2000u)

/* How long it leaves it at sharing that is better, at first and at most, and how many turns apart are its looks whether that is over. */
#define COP__SHARE_EVERY_NS (COP__TINY ? 100000u : 16000000u)
#define COP__SHARE_EVERY_MOST_NS (COP__TINY ? 400000u : 128000000u)
#define COP__SHARE_TURNS (COP__TINY ? 16u : 1024u)

/* Turns are long, and tasks behind them worth taking, when one takes as long as a wake-up. */
#define COP__TURN_LONG_NS 10000u

/* A worker with others beside it is alone when it has been the only one awake for so long (scheduler/company.h). */
#if defined(COP__ATOMICS) || COP__TINY
#define COP__SOLITUDE_NS 0u
#else
#define COP__SOLITUDE_NS 1000000u
#endif

/* A turn that is longer is interrupted when others wait: short enough for people, and for nearly all handlers long. */
#define COP__SLICE_MS (COP__TINY ? 1u : 4u)

/* How often the watch looks while there are long turns: a message waits so long at most for an endless loop to be interrupted. */
#define COP__WATCH_NS 500000u

/* Memory that nobody has needed for so long goes back to the system (scheduler/ebb.h): longer than most bursts are apart. */
#define COP__EBB_NS (COP__TINY ? UINT64_C(20000000) : UINT64_C(1000000000))

/* How long an interrupted task waits for its next turn if others have something to do all the time. */
#define COP__PINNED_WAIT_NS (COP__TINY ? 500000u : 8000000u)

/* Signals an actor handles, or messages it sends or receives without waiting, in one turn. */
#define COP__TURN_BUDGET (COP__TINY ? 1 : 512)

/* Signals and blocks of memory that a death deals with before others run. */
#define COP__DEATH_SLICE (COP__TINY ? 1u : 512u)

/* Messages in a turn to one that is a little behind. */
#define COP__PRESSED_TURN 32

/* Unread messages from which on a mailbox slows those who send to it. */
#define COP__PRESSURE_FROM (COP__TINY ? 2u : 1024u)

/* How long each message holds back who sends to an actor that is 16 times as far behind; 4 times as long at 64, and 16 at 256. */
#define COP__PAUSE_NS (COP__TINY ? 12500u : 200000u)

/* Names that a thread remembers who bears them, and the bytes of such a name with its end: with the rest a cache line. */
#define COP__REMEMBERED (COP__TINY ? 1u : 8u)
#define COP__REMEMBERED_NAME (COP__TINY ? 4u : 48u)

/* Dead slots that a thread keeps for its next spawns. */
#define COP__SLOTS_CACHED (COP__TINY ? 2u : 128u)

/* Slots that a thread opens at once when no dead one is left. */
#define COP__SLOTS_OPENED (COP__TINY ? 1u : 8u)

/* Links and monitors of one actor from which on they are found through a table. */
#define COP__RELATIONS_LISTED (COP__TINY ? 2u : 16u)

/* Blocks taken out of a table from which on a thread does all it can to free them. */
#define COP__EPOCH_PENDING (COP__TINY ? 1u : 64u)

/* Entries of a dead actor, or of a table that ends, that are taken out before others get the lock. */
#define COP__HOLDINGS_BATCH (COP__TINY ? 1u : 512u)

/* Unread messages from which on an actor marks the place in its mailbox where a reference was made. */
#define COP__MARK_FROM (COP__TINY ? 1u : 16u)

/* Such places that an actor remembers, the oldest overwritten: more than requests are outstanding at once as a rule. */
#define COP__MARKS 8u

/* Timers that end at once with the actor they are for; more are freed so many at each turn of the wheel. */
#define COP__TIMERS_ENDED (COP__TINY ? 2u : 256u)

/* How much longer than its time-out who waits for a channel or a future waits to hear that its giving up has been heard: many
 * times what a busy one needs to come to it, and little to a user. And how long a try takes at most. */
#define COP__GRACE_MS 100u
#define COP__TRY_MS 500u

/* How long an operation without a time-out of its own waits for an answer: as OTP's calls. */
#define COP__ANSWER_MS 5000

/* How long a caller whose wait seems to close a ring sleeps before it looks again: as one takes to fall asleep; doubled up to the
 * second. */
#define COP__RING_PAUSE_NS 50000u
#define COP__RING_PAUSE_MAX_NS 10000000u

/* An outpost that cannot make sure whether its process is in a ring looks again so much later. */
#define COP__OUTPOST_LOOK_MS 1

/* Crash reports that a node keeps, the oldest overwritten. */
#define COP__REPORTS_KEPT 64u

/* Reports of long turns that a node keeps, the oldest overwritten. */
#define COP__LONG_TURNS_KEPT 64u

/* How long an actor may be at one message, or between two waits, before that is reported. */
#define COP__LONG_TURN_MS 1000u

/* Workers besides, while others are stuck: each is a thread that may be stuck, too. */
#define COP__SPARES 16u

/* For so many there is room beside as many workers as a node has by default. */
#define COP__SPARES_LEAST 4u

/* OS processes of actors at once: many times what a machine has cores for, and well below what a user may have. */
#define COP__PROCESSES 1024u

/* Threads for functions that block, at once: what waits in the system costs little but its stack. */
#define COP__BLOCKING_THREADS 64u

/* How long such a thread waits for another function before it ends. */
#define COP__BLOCKING_IDLE_MS (COP__TINY ? 10u : 1000u)
/* Crashes that a node writes to its log within a second, with what its supervisors did: more are counted. To print one takes as long
 * as the restart. */
#define COP__REPORTS_LOGGED 200u

/* Blocks that were given back and are kept for the next, in bytes, by a thread, and by a node
 * besides: what some tens of messages of 64 KiB take that are under way at once. A thread and its
 * node exchange so much at once, or one block. */
#define COP__STOCK_AT_HAND (COP__TINY ? (size_t)4096 : (size_t)1 << 20)
#define COP__STOCK_KEPT (COP__TINY ? (size_t)65536 : (size_t)8 << 20)
#define COP__STOCK_BATCH (COP__TINY ? (size_t)1 : (size_t)32 << 10)

/* Dead letters that a node keeps, the oldest overwritten. */
#define COP__LETTERS_KEPT 64u

/* Bytes of a dead letter that are kept in print. */
#define COP__LETTER_TEXT 256u

/* Dead letters that a thread may print and keep in so many nanoseconds: well under a hundredth of its time. */
#define COP__LETTERS_SHARE 32u
#define COP__LETTERS_SHARE_NS 100000000u

/* The smallest limit of a node's memory: some workers' caches of each size fit. */
#define COP__MEMORY_LIMIT_LEAST ((size_t)4 << 20)

/* Actors that are told of one sort of event of the node (memory, dead letters, mailboxes): it is done by whoever sees one, so they
 * must be few. */
#define COP__AUDIENCE_MAX 16u

/* Unread messages from which on a subscriber is told of no more dead letters. */
#define COP__LETTERS_UNREAD 1024u

/* Bytes of a message or a term that a report or a log line prints. */
#define COP__REPORT_TEXT 512u

/* Bytes that a message takes as a term, while it is to be shown, and that one takes which was typed: what a line of the console or a crash
 * costs for a moment must hurt nobody. */
#define COP__SHOWN_MAX ((size_t)16 << 20)

/* And a state that is to replace another one. */
#define COP__STATE_MAX ((size_t)64 << 20)

/* Bytes of one log entry. */
#define COP__LOG_TEXT 8192u

/* How long a worker waits for the reader of a log that has no room: one that is at work takes less. */
#define COP__LOG_WAIT_MS 50

#endif
