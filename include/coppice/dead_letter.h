/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Dead letters: messages that nobody will ever read.
 *
 * Sending to the dead is no error, so that a sender need not care; but whoever looks after a system wants to know. Every
 * dead letter is counted, the last 64 are kept with what was in them, and an actor may ask to be told:
 *
 *      cop_dead_letters_subscribe();
 *      for (;;) {
 *              cop_auto message = cop_receive(COP_FOREVER, COP_KIND(cop_dead_letter));
 *              const cop_dead_letter *letter = cop_read(cop_dead_letter, message);
 *              cop_log(COP_LOG_WARNING, "%s: %s", letter->reason.text, letter->text.data);
 *      }
 *
 * Cost: nobody is slowed down for it. Of many that die at once only some are kept and told of, about 300 a second on each
 * thread; the others are only counted, and `missed` says how many. A subscriber that has not read the last 1,024 is not told until
 * it does. A dead letter about a dead letter is only counted.
 *
 * See also: the shell's `dead`.
 */
#ifndef COPPICE_DEAD_LETTER_H
#define COPPICE_DEAD_LETTER_H

#include <coppice/node.h>

COP_BEGIN_DECLS

/*
 * What a subscriber gets. The reasons:
 *      no_actor      there was nobody with this pid
 *      unread        its receiver ended before it had read it
 *      late_reply    the call or the request that it answers was over
 *      closed_alias  the alias that it was sent to was closed
 *      full          the mailbox had reached its limit (mailbox.h)
 *      coalesced     it waited at a full mailbox, and a newer one with the same key took its place (mailbox.h)
 *      expired       a call that its caller had given up, or had ended, before it was taken up
 */
typedef struct cop_dead_letter {
        cop_symbol reason;
        cop_pid from;
        cop_pid to;
        cop_symbol kind;
        cop_text text;   /* the message as the shell shows it, cut at 255 bytes */
        uint64_t number; /* among those that are kept, from 1 */
        uint64_t missed; /* that died on the same thread since the one before it, and were only counted */
} cop_dead_letter;
COP_MESSAGE_DECLARE(cop_dead_letter);

/*
 * From now on the calling actor is told of dead letters, until it takes that back or ends. Twice is once.
 * Errors: COP_E_LIMIT (16 are subscribed already), COP_E_ISOLATED, COP_E_NO_NODE.
 */
COP_API cop_status cop_dead_letters_subscribe(void);
COP_API void cop_dead_letters_unsubscribe(void);

/* How many there have been since the node started. Threads: any. */
COP_API uint64_t cop_dead_letter_count(cop_node *node);

COP_END_DECLS

#endif
