# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# What is explored, and the bugs that must be found: each under the schedules that its scenario is tried under. So many are at least twice
# what the slowest of the bugs needs.

# ---- The arrival queue: mailbox/queue.h -----------------------------------------------

explore_test(arrivals 50000 one_node_each 4)
explore_c11(arrivals 20000)

explore_plant(queue_links_in_relaxed_order arrivals what_two mailbox/queue.h
        "cop__store_release(&previous->next, node); /* LINK */"
        "cop__store_relaxed(&previous->next, node);" C11)
explore_plant(queue_publishes_its_head_in_relaxed_order arrivals what_two mailbox/queue.h
        "cop__store_release(&queue->head, node); /* LINK */"
        "cop__store_relaxed(&queue->head, node);" C11)
explore_plant(queue_follows_links_in_relaxed_order arrivals what_two mailbox/queue.h
        "node = cop__load_acquire(&cursor->node->next); /* LINK */"
        "node = cop__load_relaxed(&cursor->node->next);" C11)
explore_plant(queue_takes_its_head_in_relaxed_order arrivals what_two mailbox/queue.h
        "node = cop__load_acquire(&queue->head); /* LINK */"
        "node = cop__load_relaxed(&queue->head);" C11)
explore_plant(queue_sleeps_and_releases_nothing arrivals what_two mailbox/queue.h
        "return cop__cas_release(&queue->tail, &empty, mark); /* SLEEP */"
        "return cop__cas_acquire(&queue->tail, &empty, mark);" C11)
explore_plant(queue_exchanges_and_acquires_nothing arrivals what_two mailbox/queue.h
        ": cop__exchange_acq_rel(&queue->tail, (uintptr_t)node);"
        ": cop__exchange_relaxed(&queue->tail, (uintptr_t)node);" C11)

explore_plant(queue_sleeps_blindly arrivals what_two mailbox/queue.h
        "return cop__cas_release(&queue->tail, &empty, mark); /* SLEEP */"
        "(void)empty; cop__store_release(&queue->tail, mark); return true;")
explore_plant(queue_publishes_in_relaxed_order arrivals what_two mailbox/queue.h
        "before = alone ? cop__queue_swap_alone(queue, (uintptr_t)node)\n                                 : cop__exchange_acq_rel(&queue->tail, (uintptr_t)node);"
        "before = alone ? 0 : cop__load_relaxed(&queue->tail); cop__store_relaxed(&queue->tail, (uintptr_t)node);")
explore_plant(queue_frees_its_cursor arrivals what_two mailbox/queue.h
        "if (cursor->node != node)\n                return true;\n        cursor->done = true;\n        return false;"
        "(void)cursor; (void)node; return true;")
explore_plant(queue_schedules_an_owner_that_is_awake arrivals what_two mailbox/queue.h
        "return before == COP__QUEUE_ASLEEP;"
        "return true;")
explore_plant(queue_lets_go_without_a_mark arrivals what_two mailbox/queue.h
        "cop__queue_mark(queue, (uintptr_t)node, COP__QUEUE_AWAKE))\n                return;"
        "(queue->head = NULL, true))\n                return;")
explore_plant(queue_rouses_without_a_look arrivals what_two mailbox/queue.h
        "return tail == COP__QUEUE_ASLEEP &&\n               cop__cas_acquire(&queue->tail, &tail, COP__QUEUE_AWAKE); /* SLEEP */"
        "return tail == COP__QUEUE_ASLEEP && (cop__store_seq(&queue->tail, COP__QUEUE_AWAKE), true);")

# ---- The run queue: scheduler/runqueue.h ------------------------------------------------

explore_test(ring 30000 three_tasks 4)
explore_c11(ring 10000)

explore_plant(ring_looks_for_slots_in_relaxed_order ring each_task scheduler/runqueue.h
        "uint32_t tail = cop__load_acquire(&queue->tail); /* FILL */"
        "uint32_t tail = cop__load_relaxed(&queue->tail);" C11)

explore_plant(ring_steals_without_a_swap ring each_task scheduler/runqueue.h
        "if (cop__cas_acq_rel(&queue->head, &head, head + count)) /* TAKE */"
        "if (cop__store_release(&queue->head, head + count), true)")
explore_plant(ring_shows_a_slot_that_is_not_filled ring each_task scheduler/runqueue.h
        "cop__store_release(&queue->tail, tail + 1); /* FILL */"
        "cop__store_relaxed(&queue->tail, tail + 1);")

# ---- A worker's desk: scheduler/desk.h, and the fence that it rests on ---------------------

explore_test(desk 20000 two_tasks 3)
explore_c11(desk 10000)

explore_plant(desk_is_left_and_nothing_released desk a_task_on scheduler/desk.h
        "cop__store_release(&desk->at_work, false); /* DESK */"
        "cop__store_relaxed(&desk->at_work, false);" C11)
explore_plant(desk_is_come_to_and_nothing_acquired desk a_task_on scheduler/desk.h
        "if (COP__UNLIKELY(cop__load_acquire(&desk->raided))) /* DESK */"
        "if (COP__UNLIKELY(cop__load_relaxed(&desk->raided)))" C11)
explore_plant(desk_is_raided_and_nothing_released desk a_task_on scheduler/desk.c
        "cop__store_release(&desk->raided, false); /* DESK */"
        "cop__store_relaxed(&desk->raided, false);" C11)
explore_plant(desk_is_raided_and_nothing_acquired desk a_task_on scheduler/desk.c
        "if (cop__barrier_all() && !cop__load_acquire(&desk->at_work)) /* DESK */"
        "if (cop__barrier_all() && !cop__load_relaxed(&desk->at_work))" C11)

explore_plant(desk_has_its_guard_before_it_is_shut desk whoever_finds scheduler/desk.c
        "        cop__store_relaxed(&desk->shut, true);
        cop__store_release(&desk->guard, (uint8_t)cop__desk_guard_for(2)); /* GUARD */"
        "        cop__store_release(&desk->guard, (uint8_t)cop__desk_guard_for(2));
        cop__store_relaxed(&desk->shut, true);")
explore_plant(desk_owner_does_not_step_back desk a_task_on scheduler/desk.h
        "if (COP__UNLIKELY(cop__load_acquire(&desk->raided))) /* DESK */\n                cop__desk_step_back(desk);"
        "(void)0;")
explore_plant(desk_is_raided_without_the_fence desk a_task_on scheduler/desk.c
        "if (cop__barrier_all() && !cop__load_acquire(&desk->at_work)) /* DESK */"
        "if (!cop__load_acquire(&desk->at_work))")
explore_plant(desk_is_raided_without_a_look desk a_task_on scheduler/desk.c
        "if (cop__barrier_all() && !cop__load_acquire(&desk->at_work)) /* DESK */"
        "if (cop__barrier_all())")
explore_plant(desk_has_a_lock_that_nobody_takes desk so_it_is scheduler/desk.c
        "if (cop__exchange_acquire(&desk->at_work, true)) /* DESK */\n                        return 0;"
        "cop__store_release(&desk->at_work, true);")
explore_plant(desk_is_raided_while_its_guard_begins desk a_desk_whose scheduler/desk.c
        "cop__store_relaxed(&desk->shut, true);"
        "cop__store_relaxed(&desk->shut, false);")
explore_plant(desk_opens_at_once desk a_desk_whose scheduler/desk.c
        "if (is_elsewhere)"
        "(void)is_elsewhere;\n        if (true)")
explore_plant(desk_steps_back_into_a_raid desk a_task_on scheduler/desk.c
        "} while (cop__load_acquire(&desk->raided));"
        "} while (false);")

# ---- The only worker awake and who comes: scheduler/company.h, mailbox/queue.h ----------------

explore_test(company 20000)
explore_c11(company 10000)

explore_plant(company_is_left_alone_and_nothing_released company what_a_lonely scheduler/company.h
        "cop__store_release(&solitude->at_work, false); /* JOIN */"
        "cop__store_relaxed(&solitude->at_work, false);" C11)
explore_plant(company_is_joined_and_nothing_acquired company what_a_lonely scheduler/company.c
        "for (unsigned looks = 0; cop__load_acquire(&solitude->at_work); looks++) /* JOIN */"
        "for (unsigned looks = 0; cop__load_relaxed(&solitude->at_work); looks++)" C11)
explore_plant(company_is_left_without_its_lock company two_workers scheduler/company.c
        "        cop__lock_lock(&company->lock);
        cop__store_relaxed(&company->awake, company->awake - 1);
        cop__lock_unlock(&company->lock); /* PART */"
        "        cop__store_relaxed(&company->awake, company->awake - 1);" C11)

explore_plant(company_is_joined_without_the_fence company what_a_lonely scheduler/company.c
        "if (!cop__barrier_all())\n                end_without_fence();"
        "(void)end_without_fence;")
explore_plant(company_waits_for_nobody company what_a_lonely scheduler/company.c
        "for (unsigned looks = 0; cop__load_acquire(&solitude->at_work); looks++) /* JOIN */\n                cop__spin_wait(looks);"
        "(void)0;")
explore_plant(company_is_not_looked_for_again company what_a_lonely scheduler/company.h
        "if (COP__LIKELY(cop__load_acquire(&solitude->alone)))"
        "if (true)")
explore_plant(company_is_claimed_beside_others company what_a_lonely scheduler/company.c
        "if (company->awake == 1) {"
        "{")
explore_plant(company_of_two_workers_both_alone company two_workers scheduler/company.c
        "company->solitude != NULL && company->solitude != own"
        "company->solitude != NULL && own == NULL")

# ---- The pool's depot: base/pool.c, ck_stack.h --------------------------------------------

explore_test(depot 10000)
explore_c11(depot 4000)

explore_plant(depot_pops_without_a_generation depot a_block base/pool.c
        "ck_stack_pop_mpmc(&depot->stack)"
        "ck_stack_pop_upmc(&depot->stack)")

explore_plant(depot_says_so_and_does_not_look_again depot a_pool_that base/pool.c
        "used = cop__load_seq(&pool->used);"
        "return;")

# ---- The pool's spans: base/pool.c ----------------------------------------------------------

explore_test(spans 6000)
explore_c11(spans 1000)

explore_plant(spans_are_cut_before_their_pages_have_gone spans what_goes base/pool.c
        "                return_pages(reach_of(slab_of(pool, span), span));
                cop__lock_lock(&pool->lock);
                cop__list_remove(node);
                cop__list_push_back(&pool->classes[span->class].bare, node);
                cop__store_relaxed(&pool->returned, pool->returned + SPAN);
                cop__lock_unlock(&pool->lock);"
        "                cop__lock_lock(&pool->lock);
                cop__list_remove(node);
                cop__list_push_back(&pool->classes[span->class].bare, node);
                cop__store_relaxed(&pool->returned, pool->returned + SPAN);
                cop__lock_unlock(&pool->lock);
                return_pages(reach_of(slab_of(pool, span), span));")
explore_plant(spans_go_while_they_are_cut spans what_goes base/pool.c
        "if (span->returned < span->cut || span == of->newest)"
        "if (span->returned < span->cut)")
explore_plant(spans_go_with_a_block_out spans what_goes base/pool.c
        "if (span->returned < span->cut || span == of->newest)"
        "if (span->returned + 1 < span->cut || span == of->newest)")
explore_plant(spans_ebb_from_a_stack_without_a_generation spans what_goes base/pool.c
        "ck_stack_pop_mpmc(&depot->stack)"
        "ck_stack_pop_upmc(&depot->stack)")

# ---- Where workers sleep: scheduler/park.h, poll.h ---------------------------------------------

explore_test(poll 6000)
explore_c11(poll 8000)

explore_plant(poll_is_looked_for_without_the_fence poll who_sleeps_in_the_epoll_is_woken scheduler/park.c
        "ck_ec32_inc(&park->count, &mode);
        cop__fence_seq(); /* POLLING */"
        "ck_ec32_inc(&park->count, &mode);" C11)

explore_plant(poll_sleeps_without_its_fence poll who_sleeps_in_the_epoll_is_woken scheduler/park.c
        "cop__store_release(&park->polling, 1); /* with the descriptor; pairs with the waker's load */\n        cop__fence_seq(); /* POLLING */"
        "cop__store_release(&park->polling, 1);")
explore_plant(poll_sleeps_without_a_look poll who_sleeps_in_the_epoll_is_woken scheduler/poll.c
        "if (cop__park_ticket(park) == ticket)"
        "(void)ticket;")
explore_plant(poll_is_looked_for_before_the_call poll who_sleeps_in_the_epoll_is_woken scheduler/park.c
        "        ck_ec32_inc(&park->count, &mode);
        cop__fence_seq(); /* POLLING */
        if (COP__UNLIKELY(cop__load_acquire(&park->polling)))"
        "        bool polls = cop__load_acquire(&park->polling);
        cop__fence_seq();
        ck_ec32_inc(&park->count, &mode);
        if (COP__UNLIKELY(polls))")
explore_plant(poll_seats_two poll of_two_workers scheduler/poll.c
        "cop__load_relaxed(&poll->seat) == 0 &&\n               cop__cas_acquire(&poll->seat, &empty, worker + 1);"
        "(cop__store_release(&poll->seat, empty + worker + 1), true);")
explore_plant(poll_is_left_to_nobody poll what_happens_while scheduler/lookout.c
        "                cop__poll_is_open(&scheduler->poll) || is_another_awake(scheduler));"
        "                is_another_awake(scheduler));")
explore_plant(poll_is_looked_at_without_a_wake poll who_falls_asleep_while scheduler/due.c
        "        cop__fence_seq(); /* SLEEPER */
        if (cop__load_seq(&scheduler->idle) != 0)
                cop__wake_one(scheduler);"
        "")
explore_plant(poll_is_looked_at_and_who_sleeps_before_the_seat_is_free poll who_falls_asleep_while scheduler/due.c
        "        cop__poll_rise(&scheduler->poll);
        if (events.count > 0) {
                cop__company_join(&scheduler->company);
                for (int i = 0; i < events.count; i++)
                        scheduler->hooks.ready(&scheduler->watch_thread, events.items[i].data.u64);
                cop__company_leave(&scheduler->company);
        }
        cop__fence_seq(); /* SLEEPER */
        if (cop__load_seq(&scheduler->idle) != 0)"
        "        bool some_sleep = cop__load_seq(&scheduler->idle) != 0;
        cop__poll_rise(&scheduler->poll);
        if (events.count > 0) {
                cop__company_join(&scheduler->company);
                for (int i = 0; i < events.count; i++)
                        scheduler->hooks.ready(&scheduler->watch_thread, events.items[i].data.u64);
                cop__company_leave(&scheduler->company);
        }
        if (some_sleep)")
explore_plant(poll_lingers_on poll who_lingers scheduler/sleep.c
        "                cop__poll_set_lively(poll, false);
        cop__poll_rise(poll);"
        "                cop__poll_set_lively(poll, false);")

# ---- Sleep and wake: scheduler/wake.h, and the whole of the scheduler with it -------------

explore_test(wake 36000 a_worker_runs 2)
explore_c11(wake 3000)

explore_plant(wake_puts_without_its_fence wake a_worker_runs_one scheduler/shared.c
        "cop__fence_seq(); /* SLEEPER */\n        cop__offer(scheduler);"
        "cop__offer(scheduler);")
explore_plant(wake_leaves_the_aloof_asleep wake aloof_workers scheduler/shared.c
        "cop__offer(scheduler)" "cop__offer_own(scheduler)")
explore_plant(wake_puts_for_who_searches_without_its_fence wake what_comes_while scheduler/shared.c
        "cop__fence_seq(); /* SLEEPER */\n        cop__offer(scheduler);"
        "cop__offer(scheduler);")
explore_plant(wake_finds_quietly wake who_finds_two scheduler/sleep.c
        "if ((lookout || more) && !worker->searching) {"
        "if (lookout && !worker->searching) {")
explore_plant(wake_looks_before_it_says_so wake one_worker scheduler/sleep.c
        "uint32_t ticket = cop__park_ticket(&worker->park);\n        cop__or_seq(&scheduler->idle, bit);"
        "uint32_t ticket = cop__park_ticket(&worker->park);\n        bool left = cop__is_work_left(scheduler, true);\n        cop__or_seq(&scheduler->idle, bit);\n#define cop__is_work_left(unused, either) left")
explore_plant(wake_takes_its_ticket_late wake one_worker scheduler/sleep.c
        "if (COP__UNLIKELY(cop__load_seq(&scheduler->quiet.onlookers) != 0))"
        "ticket = cop__park_ticket(&worker->park);\n                if (COP__UNLIKELY(cop__load_seq(&scheduler->quiet.onlookers) != 0))")

explore_plant(wake_sleeps_over_its_pile wake a_worker_does_not_sleep scheduler/pick.c
        "return task != NULL ? task : cop__desk_begin(&worker->desk);"
        "return task;")

explore_plant(guest_comes_without_its_fence wake a_guest_that scheduler/guest.c
        "cop__fence_seq(); /* SLEEPER */\n        wake(host);"
        "wake(host);" C11)
explore_plant(guest_is_slept_over wake a_guest_that scheduler/sleep.c
        "cop__is_work_left(scheduler, !aloof) || cop__guests_are_there(&worker->guests);"
        "cop__is_work_left(scheduler, !aloof);")
explore_plant(guest_is_taken_in_two_steps wake guests_that_two scheduler/guest.c
        "cop__exchange_acquire(&guests->last, (struct cop__task *)NULL); /* GUEST */"
        "cop__load_acquire(&guests->last); cop__store_relaxed(&guests->last, (struct cop__task *)NULL);")
explore_plant(guest_is_put_in_two_steps wake guests_that_two scheduler/guest.c
        "while (!cop__cas_release(&host->guests.last, &before, task)); /* GUEST */"
        "while (cop__store_release(&host->guests.last, task), false);")
explore_plant(guest_is_left_by_one_that_ends wake comes_while_the_scheduler scheduler/sleep.c
        "        cop__fence_seq(); /* STOP */
        return cop__guests_are_there(&worker->guests);"
        "        return worker == NULL;")
explore_plant(guest_is_looked_for_without_a_fence wake comes_while_the_scheduler scheduler/sleep.c
        "        cop__fence_seq(); /* STOP */\n"
        "" C11)
explore_plant(guest_is_left_with_one_that_has_ended wake comes_while_the_scheduler scheduler/guest.c
        "if (COP__UNLIKELY(cop__load_relaxed(&host->thread.scheduler->stopping)))"
        "if (false)")
explore_plant(watch_stands_in_and_wakes_nobody wake is_the_lookout_next scheduler/lookout.c
        "        cop__store_seq(&scheduler->lookout, 0);
        if (cop__load_seq(&scheduler->idle) != 0)
                cop__wake_one(scheduler);"
        "        cop__store_seq(&scheduler->lookout, 0);")
explore_plant(spare_is_shown_before_it_is_there wake there_as_a_whole scheduler/spare.c
        "        if (index == scheduler->worker_count + scheduler->spare_count ||
            cop__open_worker(scheduler, index) != COP_OK)
                return;"
        "        if (index == scheduler->worker_count + scheduler->spare_count)
                return;
        cop__store_release(&scheduler->reach, index + 1);
        if (cop__open_worker(scheduler, index) != COP_OK)
                return;")
explore_plant(spare_is_not_woken wake a_spare_that_rested scheduler/spare.c
        "cop__and_seq(&scheduler->spares.resting, ~bit_of(spare)); /* RESTING */\n        cop__park_wake(&spare->park);"
        "cop__and_seq(&scheduler->spares.resting, ~bit_of(spare));")
explore_plant(spare_is_woken_before_it_is_told wake a_spare_that_rested scheduler/spare.c
        "cop__and_seq(&scheduler->spares.resting, ~bit_of(spare)); /* RESTING */\n        cop__park_wake(&spare->park);"
        "cop__park_wake(&spare->park);\n        cop__and_seq(&scheduler->spares.resting, ~bit_of(spare));")
explore_plant(spare_forgets_its_count wake a_spare_that_rested scheduler/spare.c
        "if (cop__cas_seq(&scheduler->spares.at_work, &at_work, at_work - 1))\n                        return true;"
        "return true;")

# ---- The watch falls asleep, and is woken: scheduler/watch.h -------------------------------------

explore_test(watch 12000)
explore_c11(watch 2000)

explore_plant(watch_looks_before_it_says_so watch a_worker scheduler/watch.c
        "cop__store_seq(&watch->asleep, 1); /* WATCH */\n        if (all_idle(watch->scheduler) &&"
        "bool idle = all_idle(watch->scheduler);\n        cop__store_seq(&watch->asleep, 1);\n        if (idle &&")
explore_plant(watch_says_so_late watch a_worker scheduler/watch.c
        "cop__store_seq(&watch->asleep, 1); /* WATCH */"
        "cop__store_release(&watch->asleep, 1);")
explore_plant(watch_takes_its_ticket_late watch a_worker scheduler/watch.c
        "                cop__park_wait(&watch->park, ticket, deadline_ns);
        cop__store_seq(&watch->asleep, 0);"
        "                ticket = cop__park_ticket(&watch->park), cop__park_wait(&watch->park, ticket, deadline_ns);
        cop__store_seq(&watch->asleep, 0);")
explore_plant(watch_looks_at_who_sleeps_in_relaxed_order watch a_worker scheduler/watch.c
        "return ((cop__load_seq(&scheduler->idle) | resting) & all) == all; /* WATCH */"
        "return ((cop__load_relaxed(&scheduler->idle) | resting) & all) == all;" C11)
explore_plant(watch_is_looked_at_too_early watch a_worker scheduler/sleep.c
        "        worker->searching = !(cop__and_seq(&scheduler->idle, ~bit) & bit);
        if (COP__UNLIKELY(cop__load_seq(&scheduler->watch.asleep) != 0)) /* WATCH */
                cop__watch_wake(&scheduler->watch);"
        "        if (COP__UNLIKELY(cop__load_seq(&scheduler->watch.asleep) != 0))
                cop__watch_wake(&scheduler->watch);
        worker->searching = !(cop__and_seq(&scheduler->idle, ~bit) & bit);")

# ---- Turns that are interrupted: scheduler/watch.h, actors/preempt.h, scheduler/pinned.h --------------

explore_test(preempt 4000)
explore_c11(preempt 1200)

explore_plant(preempt_hears_no_turn preempt endless actors/preempt.c
        "cop__load_acquire(&cop__here_of(thread)->asked_turn) != worker->turns) /* ASKED */"
        "worker->turns == 0)")
explore_plant(preempt_asks_in_relaxed_order preempt whoever_waits actors/preempt.c
        "cop__store_release(&here->asked_turn, request->turn); /* ASKED */"
        "cop__store_relaxed(&here->asked_turn, request->turn);" C11)
explore_plant(preempt_hears_in_relaxed_order preempt whoever_waits actors/preempt.c
        "cop__load_acquire(&cop__here_of(thread)->asked_turn) != worker->turns) /* ASKED */"
        "cop__load_relaxed(&cop__here_of(thread)->asked_turn) != worker->turns)" C11)
explore_plant(preempt_tells_in_relaxed_order preempt endless actors/preempt.c
        "cop__store_release(&thread->worker->run_turn, thread->worker->turns); /* RUN */"
        "cop__store_relaxed(&thread->worker->run_turn, thread->worker->turns);" C11)
explore_plant(preempt_is_read_in_relaxed_order preempt endless scheduler/watch.c
        "if (watched->carried || cop__load_acquire(&worker->run_turn) != turn ||"
        "if (watched->carried || cop__load_relaxed(&worker->run_turn) != turn ||" C11)
explore_plant(watch_looks_at_turns_in_relaxed_order preempt endless scheduler/watch.c
        "struct cop__task *task = cop__load_acquire(&worker->thread.current); /* TURN */"
        "struct cop__task *task = cop__load_relaxed(&worker->thread.current);" C11)
explore_plant(preempt_interrupts_the_runtime preempt who_is_in actors/preempt.c
        "        if (here == COP__GROUND_OWN)
                return COP__PREEMPT_RUNTIME;
        if (here == COP__GROUND_CLOSED)"
        "        if (here == COP__GROUND_OWN)
                return COP__PREEMPTED;
        if (here == COP__GROUND_CLOSED)")
explore_plant(preempt_forgets_errno preempt endless actors/preempt.c
        "/* RUN */
        errno = saved_errno;"
        "/* RUN */
        (void)saved_errno;")
explore_plant(watch_forgets_timers preempt for_a_timer scheduler/watch.c
        "               cop__load_relaxed(&scheduler->waiting) != 0 ||
               cop__wheel_next(&worker->wheel) <= now_ns;"
        "               (cop__load_relaxed(&scheduler->waiting) != 0 && now_ns > 0);")
explore_plant(watch_hears_no_call preempt is_ended scheduler/watch.c
        "return call == COP__WATCH_CALLED_NOW || (is_long && call == COP__WATCH_CALLED);"
        "return call == COP__WATCH_CALLED_NOW && !is_long && false;")
explore_plant(pinned_wait_for_ever preempt has_its_share scheduler/pinned.c
        "cop__clock_ns() - worker->pinned_at_ns < COP__PINNED_WAIT_NS)"
        "worker->pinned_at_ns > 0)")
explore_plant(pinned_go_on_anywhere preempt on_its_thread scheduler/pinned.c
        "        task->next = NULL;
"
        "        cop__shared_put(worker->thread.scheduler, COP_PRIORITY_NORMAL, task, task, 1);
        if (list != NULL)
                return;
")

# ---- Threads for what blocks: scheduler/blocking_pool.h ----------------------------------------

explore_test(blocking 4000)

explore_plant(blocking_counts_on_who_has_work blocking of_two_jobs scheduler/blocking_pool.c
        "return waiting > pool->idle && pool->count < pool->most;"
        "return waiting > 0 && pool->idle == 0 && pool->count < pool->most;")
explore_plant(blocking_goes_without_a_look blocking one_thread scheduler/blocking_pool.c
        "return !cop__list_is_empty(&pool->jobs);"
        "return waited != ETIMEDOUT && !cop__list_is_empty(&pool->jobs);")
explore_plant(blocking_counts_who_has_gone blocking one_thread scheduler/blocking_pool.c
        "        run_jobs(thread);
        pool->count--;
        pthread_mutex_unlock(&pool->lock);"
        "        run_jobs(thread);
        pthread_mutex_unlock(&pool->lock);
        pthread_mutex_lock(&pool->lock);
        pool->count--;
        pthread_mutex_unlock(&pool->lock);")

# ---- A grace: scheduler/grace.h -------------------------------------------------------------

explore_test(grace 40000)
explore_c11(grace 10000)

explore_plant(grace_begins_without_a_fence grace what_a_worker scheduler/grace.c
        "if (!cop__barrier_is_there()) /* it is a fence, too */\n                return false;"
        "(void)0;")
explore_plant(grace_ends_without_a_fence grace what_a_worker scheduler/grace.c
        "return grace->workers == 0 && !grace->visitors && cop__barrier_all();"
        "return grace->workers == 0 && !grace->visitors;")
explore_plant(grace_forgets_a_worker grace what_workers_and scheduler/grace.c
        "(UINT64_C(1) << reach) - 1"
        "(UINT64_C(1) << (reach - 1)) - 1")
explore_plant(grace_takes_who_looks_out_for_asleep grace what_workers_and scheduler/grace.c
        "return cop__load_seq(&scheduler->lookout) != index + 1;"
        "return true;")
explore_plant(grace_takes_who_fires_for_at_rest grace what_a_spare scheduler/grace.c
        "& bit && cop__load_seq(&scheduler->spares.firing) == 0;"
        "& bit;")
explore_plant(grace_overlooks_visitors grace what_workers_and scheduler/grace.c
        "grace->visitors = true;"
        "grace->visitors = false;")

# ---- Slots that go: actors/slot_ebb.h, scheduler/grace.h -----------------------------------------

explore_test(ebb 3000)
explore_c11(ebb 200)

explore_plant(ebb_waits_for_no_visitor ebb nobody_writes scheduler/grace.c
        "return grace->workers == 0 && !grace->visitors && cop__barrier_all();"
        "return grace->workers == 0 && cop__barrier_all();")
explore_plant(ebb_has_no_grace ebb nobody_writes actors/slot_ebb.c
        "if (ebb->waits && !cop__grace_is_over(&node->scheduler, &ebb->grace))"
        "if (false)")
# ---- Whole nodes ----------------------------------------------------------------------------

explore_test(lives 3000)
explore_c11(lives 300)

explore_plant(lives_reads_the_mail_of_the_dead lives a_sender_that actors/turn.c
        "(actor->life != COP__ALIVE || signal->node.generation != generation)"
        "(actor->life != COP__ALIVE || (signal->type != COP__SIGNAL_MESSAGE && signal->node.generation != generation))")

explore_test(bonds 3000)
explore_c11(bonds 400)

explore_plant(bonds_hears_what_was_unlinked bonds no_exit actors/relation.c
        "drop_exit(thread, actor, signal); /* unlinked meanwhile */\n                return false;"
        "(void)0;")
explore_plant(bonds_ends_one_of_two_links bonds two_that_link actors/relation.c
        "cop__relation_free(thread, half);\n        }\n        if (hushed) {"
        "cop__relation_free(thread, half);\n                break;\n        }\n        if (hushed) {")
explore_plant(bonds_keeps_what_the_queue_has bonds each_monitor actors/relation.c
        "/* The signal is the half, and one day it is sent again: the queue must have let go of it. */\n        cop__queue_release(&actor->queue, &actor->cursor, &signal->node);"
        "(void)0;")

explore_plant(bonds_forgets_a_half_that_has_been_sent bonds a_deferral actors/relation.c
        "if (half->as.tie.mode & COP__TIE_OF_CALL) /* this one may be gone: cop__watch_fail */"
        "if (false)")

explore_plant(bonds_tells_twice_after_a_farewell bonds a_farewell_is actors/relation.c
        "if (relation->as.tie.mode & COP__TIE_TOLD)"
        "if (false)")
explore_plant(bonds_keeps_its_link_to_who_is_gone bonds a_farewell_is actors/relation.c
        "forget(actor, half);\n                cop__relation_free(thread, half);\n        }\n        become_down(signal, NULL);"
        "(void)thread;\n        }\n        become_down(signal, NULL);")
explore_plant(bonds_answers_no_farewell_to_the_dead bonds a_farewell_is actors/relation.c
        "send_down(thread, relation->as.farewell.watch, dead, reason);"
        "cop__relation_free(thread, relation->as.farewell.watch);")

explore_test(answers 3000)
explore_c11(answers 300)

explore_plant(answers_late_in_the_mailbox answers a_late_reply_enters actors/alias.c
        "        if (signal->type != COP__SIGNAL_REPLY || !cop__alias_lets_in(actor, signal)) {"
        "        if (signal->type == COP__SIGNAL_REPLY && find_alias(actor, ref) == NULL) {
                signal->type = COP__SIGNAL_MESSAGE;
                signal->ref.bits = 0;
                return cop__to_mailbox(actor, signal);
        }
        if (signal->type != COP__SIGNAL_REPLY || !cop__alias_lets_in(actor, signal)) {")
explore_plant(answers_by_a_closed_alias answers nothing_comes actors/alias.c
        "        if (signal->type != COP__SIGNAL_REPLY || !cop__alias_lets_in(actor, signal)) {"
        "        if (signal->type == COP__SIGNAL_REPLY && find_alias(actor, ref) == NULL) {
                signal->type = COP__SIGNAL_MESSAGE;
                signal->ref.bits = 0;
                return cop__to_mailbox(actor, signal);
        }
        if (signal->type != COP__SIGNAL_REPLY || !cop__alias_lets_in(actor, signal)) {")

explore_test(doors 3000)
explore_c11(doors 300)

explore_plant(doors_counts_on_by_two_steps doors who_is actors/limit.c
        "return cop__add_acq_rel(&limit->count, 1) + 1;"
        "uint64_t count = cop__load_relaxed(&limit->count) + 1;\n        cop__store_relaxed(&limit->count, count);\n        return count;")
explore_plant(doors_keeps_counting_the_refused doors who_is actors/limit.c
        "count_off(thread, limit, pid, cop__limit_bytes_of(signal));\n        if (policy == COP_MAILBOX_COALESCE"
        "if (policy == COP_MAILBOX_COALESCE")
explore_plant(doors_lets_overtake doors the_newest actors/limit.c
        "if (policy == COP_MAILBOX_COALESCE && cop__load_relaxed(&limit->porch.waiting) != 0)"
        "if (policy == COP_MAILBOX_COALESCE && limit->porch.waiting > 1000)")
explore_plant(doors_does_not_look_for_room_again doors the_newest actors/porch.c
        "} else if (taken) {"
        "} else if (taken && limit->count > 1) {")
explore_plant(doors_look_for_who_waits_in_relaxed_order doors the_newest actors/porch.c
        "while (cop__add_acq_rel(&porch->waiting, 0) != 0) { /* ROOM */"
        "while (cop__load_relaxed(&porch->waiting) != 0) {" C11)

explore_test(marks 1500)
explore_c11(marks 400)

explore_plant(marks_tells_and_does_not_look_again marks what_is_left actors/watermark.c
        "word_of(pid, next == RISING ? ABOVE : BELOW)); /* LOOK */"
        "word_of(pid, next == RISING ? ABOVE : BELOW));\n                return;")
explore_plant(marks_tells_without_taking_the_word marks news_alternate actors/watermark.c
        "if (!cop__cas_acq_rel(&limit->mark, &word, word_of(pid, next)))\n                        continue;"
        "cop__exchange_acq_rel(&limit->mark, word_of(pid, next));")
explore_plant(marks_looks_in_relaxed_order marks what_is_left actors/watermark.c
        "uint64_t word = cop__add_acq_rel(&limit->mark, 0); /* a look that is a write: LOOK */"
        "uint64_t word = cop__load_relaxed(&limit->mark);" C11)

explore_test(names 3000)
explore_c11(names 300)

explore_plant(names_frees_what_is_looked_at names a_look_up actors/registry.c
        "cop__epoch_call(here, &entry->epoch, free_entry);"
        "free_entry(&entry->epoch);")
explore_plant(names_outlast_their_end names whoever_has_heard actors/registry.c
        "        ck_hs_remove(&registry->names, hash, entry);
        cop__table_remove(&registry->pids, &entry->node);
        registry->count--;
        cop__store_release(&registry->removals, registry->removals + 1); /* see registry.h, Remembered */"
        "        cop__store_release(&registry->removals, registry->removals + 1);
        cop__spin_pause();
        ck_hs_remove(&registry->names, hash, entry);
        cop__table_remove(&registry->pids, &entry->node);
        registry->count--;")
explore_plant(names_stay_with_who_dies_meanwhile names no_name_stays actors/exit.c
        "cop__store_seq(&actor->pid, next.bits); /* pairs with registration */"
        "cop__store_release(&actor->pid, next.bits);")
explore_plant(names_are_given_and_not_looked_after names no_name_stays actors/registry.c
        "        cop__or_seq(&actor->named, COP__NAMED); /* pairs with the dying actor's look; see registry.h */
        if (cop__load_seq(&actor->pid) != entry->pid.bits)
                return COP_E_NO_ACTOR;"
        "        if (cop__load_seq(&actor->pid) != entry->pid.bits)
                return COP_E_NO_ACTOR;
        cop__or_seq(&actor->named, COP__NAMED);")

# ---- Books of registries and groups: actors/book.h --------------------------------------------

explore_test(books 3000)
explore_c11(books 300)

explore_plant(books_lose_who_is_behind books who_is_a_member actors/book_change.c
        "                key->last = entry->prev;\n        cop__count_by(&key->count, (uint64_t)-1);"
        "                key->last = entry->prev;\n        cop__store_release(&entry->next, NULL);\n        cop__count_by(&key->count, (uint64_t)-1);")
explore_plant(books_free_what_is_looked_at books a_look_up actors/book_change.c
        "cop__epoch_call(here, &key->epoch, free_key);"
        "(void)here; free_key(&key->epoch);")
explore_plant(books_let_in_after_their_end books a_book_that_ends actors/book_change.c
        "if (partition->closed)\n                return COP_E_NO_NAME;"
        "(void)0;")
explore_plant(books_enter_the_dead books nobody_dead actors/book_change.c
        "if (cop__owner_lives(visit->here, pid)) {"
        "if (cop_is_alive(pid)) {")

explore_test(alarms 3000)
explore_c11(alarms 600)

explore_plant(company_is_not_joined_for_a_task alarms what_timers_send scheduler/sleep.c
        "        cop__join_company(worker);\n        cop__stop_searching"
        "        cop__stop_searching")
explore_plant(company_is_not_joined_for_timers alarms what_timers_send scheduler/due.c
        "        if (worker != NULL)\n                cop__join_company(worker);\n"
        "        (void)worker;\n")
explore_plant(alarms_cancel_what_has_fired alarms a_cancelled actors/timer.c
        "cop__timer_leave(cop__timer_home_of(timers, timed->as.wait.ref), timed);\n}"
        "(void)timers;\n}")
explore_plant(alarms_are_set_and_not_looked_after alarms no_timer_stays actors/timer_home.c
        "        if (!(cop__load_seq(&actor->named) & bit))
                cop__or_seq(&actor->named, bit);
        /* Pairs with the dying actor's move. */
        return cop__load_seq(&actor->pid) == to.bits;"
        "        bool lives = cop__load_seq(&actor->pid) == to.bits;
        cop__or_seq(&actor->named, bit);
        return lives;")

explore_test(rings 3000)
explore_c11(rings 1500)

explore_plant(rings_are_looked_for_twice_at_most rings of_two actors/call.c
        "if (ring == COP__RING_NONE)\n                        break;"
        "break;")
explore_plant(rings_show_an_edge_late rings of_two actors/call.c
        "if (COP__LIKELY(!(request->flags & COP__SIGNAL_ASIDE)))\n                cop__calling_wait_for(own, ref, to);"
        "\n#undef cop__fence_after_exchange\n#define cop__fence_after_exchange() cop__calling_wait_for(own, ref, to)\n")

explore_plant(calling_is_open_in_relaxed_order rings that_of_the_call actors/calling.h
        "cop__store_release(&own->open, ref.bits);           /* OPEN */"
        "cop__store_relaxed(&own->open, ref.bits);" C11)
explore_plant(calling_is_the_next_in_relaxed_order rings of_few_calls actors/calling.h
        "cop__store_release(&own->deadline_ns, deadline_ns); /* NEXT */"
        "cop__store_relaxed(&own->deadline_ns, deadline_ns);" C11)
explore_plant(calling_is_looked_at_in_relaxed_order rings that_of_the_call actors/calling.c
        "if (cop__load_acquire(&theirs->open) == request->ref.bits) {            /* OPEN */"
        "if (cop__load_relaxed(&theirs->open) == request->ref.bits) {" C11)
explore_plant(calling_is_read_in_relaxed_order rings of_few_calls actors/calling.c
        "uint64_t deadline_ns = cop__load_acquire(&theirs->deadline_ns); /* NEXT */"
        "uint64_t deadline_ns = cop__load_relaxed(&theirs->deadline_ns);" C11)
explore_plant(calling_is_not_looked_at_again rings that_of_the_call actors/calling.c
        "                if (cop__load_relaxed(&theirs->open) == request->ref.bits)
                        return deadline_ns;"
        "                return deadline_ns;")

# ---- The census: actors/census.h ------------------------------------------------------------------

explore_test(census 4000)
explore_c11(census 4000)

explore_plant(census_shows_words_in_relaxed_order census was_written actors/census.c
        "cop__store_release(&at->words[i], words[i]);"
        "cop__store_relaxed(&at->words[i], words[i]);" C11)
explore_plant(census_changes_words_in_relaxed_order census was_changed actors/census.h
        "cop__store_release(&at->words[1], word);"
        "cop__store_relaxed(&at->words[1], word);" C11)
explore_plant(census_ends_in_relaxed_order census was_written actors/census.c
        "cop__store_release(&at->version, version + 2); /* pairs with cop__census_read */"
        "cop__store_relaxed(&at->version, version + 2);" C11)
explore_plant(census_reads_without_its_fence census was_written actors/census.c
        "cop__fence_seq(); /* the words are read before the version is looked at again */
"
        "" C11)
explore_plant(census_looks_in_relaxed_order census was_written actors/census.c
        "uint32_t version = cop__load_acquire(&at->version); /* pairs with cop__census_write */"
        "uint32_t version = cop__load_relaxed(&at->version);" C11)
explore_plant(census_writes_unsaid census was_written actors/census.c
        "        cop__store_relaxed(&at->version, version + 1);
"
        "")

explore_test(quiet 1000)
explore_c11(quiet 300)

explore_plant(quiet_overlooks_timers quiet when_it_is_quiet_who scheduler/quiet.c
        "if (!all_asleep(scheduler, &turns) || has_timers(scheduler) ||"
        "(void)has_timers;\n        if (!all_asleep(scheduler, &turns) ||")
