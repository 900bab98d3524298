// Copyright (c) 2026 The Coppice authors. MIT licence.

// The rows of bench/ in Go, as its users would write them: goroutines and buffered channels. What each row is, bench/README.md
// says; each checks what ours checks.
//
//	rows NAME WORKERS MILLISECONDS
//
// A row is tried with growing numbers of operations, which warms it up, and then done with as many as take the time wanted; one
// that takes longer from the start is not done again.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"sync"
	"time"
)

const box = 128 // what a channel holds before its sender waits

type row struct {
	unit string
	run  func(ops int) (int, time.Duration)
}

var rows = map[string]row{
	"pingpong_1":         {"message", func(ops int) (int, time.Duration) { return pingpong(1, ops) }},
	"pingpong_1000":      {"message", func(ops int) (int, time.Duration) { return pingpong(1000, ops) }},
	"ring_503":           {"hop", func(ops int) (int, time.Duration) { return ring(503, ops) }},
	"ring_10000":         {"hop", func(ops int) (int, time.Duration) { return ring(10000, ops) }},
	"fanin_2":            {"message", func(ops int) (int, time.Duration) { return fanin(2, ops) }},
	"fanin_16":           {"message", func(ops int) (int, time.Duration) { return fanin(16, ops) }},
	"fanin_1000":         {"message", func(ops int) (int, time.Duration) { return fanin(1000, ops) }},
	"fanout_1000":        {"message", func(ops int) (int, time.Duration) { return fanout(1000, ops) }},
	"spawn_idle_100000":  {"actor", func(ops int) (int, time.Duration) { return idle(100000) }},
	"quiet_chatter_1000": {"tick", func(ops int) (int, time.Duration) { return quiet(1000, 3000) }},
	"big_512":            {"message", func(ops int) (int, time.Duration) { return big(512, ops) }},
	"skynet_1000000":     {"actor", func(ops int) (int, time.Duration) { return skynet(1000000) }},
	"fib_27":             {"actor", func(ops int) (int, time.Duration) { return forkJoin(27) }},
	"spawn_exit":         {"actor", spawnExit},
	"call_1":             {"call", func(ops int) (int, time.Duration) { return calls(1, ops) }},
	"call_64":            {"call", func(ops int) (int, time.Duration) { return calls(64, ops) }},
	"timer_set_cancel":   {"timer", timers},
	"size_16":            {"message", func(ops int) (int, time.Duration) { return sizes(16, ops) }},
	"size_1024":          {"message", func(ops int) (int, time.Duration) { return sizes(1024, ops) }},
	"size_65536":         {"message", func(ops int) (int, time.Duration) { return sizes(65536, ops) }},
	"chameneos_100":      {"meeting", func(ops int) (int, time.Duration) { return chameneos(100, ops) }},
	"restart_exit":       {"restart", restart},
}

func check(holds bool, what string) {
	if !holds {
		fmt.Fprintln(os.Stderr, "a wrong run:", what)
		os.Exit(2)
	}
}

func timed(ops int, run func()) (int, time.Duration) {
	began := time.Now()
	run()
	return ops, time.Since(began)
}

func await(done <-chan bool, count int) {
	for i := 0; i < count; i++ {
		<-done
	}
}

// ---- Messages ----------------------------------------------------------------------------

func pingpong(pairs, ops int) (int, time.Duration) {
	strokes := ops/pairs/2 + 1
	start, done := make(chan bool), make(chan bool, pairs)
	for i := 0; i < pairs; i++ {
		to, from := make(chan int, 1), make(chan int, 1)
		go func() {
			for number := range to {
				from <- number
			}
		}()
		go func() {
			<-start
			for number := 1; number <= strokes; number++ {
				to <- number
				check(<-from == number, "a wrong ball")
			}
			close(to)
			done <- true
		}()
	}
	return timed(2*strokes*pairs, func() { close(start); await(done, pairs) })
}

func ring(count, hops int) (int, time.Duration) {
	first, done := make(chan int, 1), make(chan bool, 1)
	next := first
	for i := 0; i < count; i++ {
		from, to := make(chan int, 1), next
		if i == count-1 {
			from = first
		}
		go func() {
			for left := range from {
				if left == 0 {
					done <- true
				} else {
					to <- left - 1
				}
			}
			if to != first {
				close(to)
			}
		}()
		next = from
	}
	defer close(first)
	return timed(hops, func() { first <- hops - 1; <-done })
}

type item struct{ sender, number int }

func fanin(senders, ops int) (int, time.Duration) {
	each := ops/senders + 1
	items, start, done := make(chan item, box), make(chan bool), make(chan bool, 1)
	for s := 0; s < senders; s++ {
		go func(s int) {
			<-start
			for number := 0; number < each; number++ {
				items <- item{s, number}
			}
		}(s)
	}
	go func() {
		due := make([]int, senders)
		for i := 0; i < each*senders; i++ {
			got := <-items
			check(due[got.sender] == got.number, "an item out of turn")
			due[got.sender]++
		}
		done <- true
	}()
	return timed(each*senders, func() { close(start); <-done })
}

func fanout(receivers, ops int) (int, time.Duration) {
	rounds := ops/receivers + 1
	boxes, done := make([]chan int, receivers), make(chan bool, receivers)
	for i := range boxes {
		boxes[i] = make(chan int, box)
		go func(pages chan int) {
			for due := 0; due < rounds; due++ {
				check(<-pages == due, "a page out of turn")
			}
			done <- true
		}(boxes[i])
	}
	return timed(rounds*receivers, func() {
		for number := 0; number < rounds; number++ {
			for _, pages := range boxes {
				pages <- number
			}
		}
		await(done, receivers)
	})
}

type ball struct {
	from  int
	pong  bool
	round int
}

// A box holds what may be under way to its owner, so that nobody waits for a place.
func big(count, ops int) (int, time.Duration) {
	rounds := ops/(2*count*(count-1)) + 1
	if rounds < 20 {
		rounds = 20
	}
	boxes := make([]chan ball, count)
	start, done, end := make(chan bool), make(chan bool, count), make(chan bool)
	for i := range boxes {
		boxes[i] = make(chan ball, 3*count)
	}
	for i := range boxes {
		go func(self int) {
			<-start
			pings := 0
			for round := 1; round <= rounds; round++ {
				for other := range boxes {
					if other != self {
						boxes[other] <- ball{self, false, round}
					}
				}
				for pongs := 0; pongs < count-1; {
					got := <-boxes[self]
					if got.pong {
						check(got.round == round, "an answer of another round")
						pongs++
					} else {
						pings++
						boxes[got.from] <- ball{self, true, got.round}
					}
				}
			}
			for ; pings < rounds*(count-1); pings++ {
				got := <-boxes[self]
				boxes[got.from] <- ball{self, true, got.round}
			}
			done <- true
			<-end
		}(i)
	}
	defer close(end)
	return timed(2*rounds*count*(count-1), func() { close(start); await(done, count) })
}

var waits []time.Duration // of the row with percentiles

// An open loop: a tick every 200 us, whether or not those before have been answered. It counts from when it was due, since who
// sends it is a goroutine like the others, which the scheduler may keep from sending. Those that have not been answered five
// seconds after the last one was sent count with what they have waited until then.
func quiet(chatterers, ticks int) (int, time.Duration) {
	for i := 0; i < chatterers; i += 2 {
		to, from := make(chan int, 1), make(chan int, 1)
		go func() {
			for number := range to {
				from <- number
			}
		}()
		go func() {
			for number := 0; ; number++ {
				to <- number
				<-from
			}
		}()
	}
	asked, questions, answers := make(chan time.Time, ticks), make(chan time.Time, ticks), make(chan time.Time, ticks)
	heard := make(chan time.Duration, ticks)
	go func() {
		for left := range questions {
			answers <- left
		}
	}()
	go func() {
		for {
			select {
			case left := <-asked:
				questions <- left
			case left := <-answers:
				heard <- time.Since(left)
			}
		}
	}()
	began := time.Now()
	sent := make([]time.Time, 0, ticks)
	for due := began; len(sent) < ticks; due = due.Add(200 * time.Microsecond) {
		time.Sleep(time.Until(due))
		sent = append(sent, due)
		asked <- due
	}
	late := time.After(5 * time.Second)
	for len(waits) < ticks {
		select {
		case wait := <-heard:
			waits = append(waits, wait)
		case <-late:
			for _, left := range sent[len(waits):] {
				waits = append(waits, time.Since(left))
			}
		}
	}
	sort.Slice(waits, func(i, k int) bool { return waits[i] < waits[k] })
	return ticks, time.Since(began)
}

type parcel struct {
	number int
	load   []byte
}

func sizes(size, ops int) (int, time.Duration) {
	const acknowledged, underWay = 32, 64
	parcels, receipts, done := make(chan parcel, underWay), make(chan bool, 2), make(chan bool, 1)
	go func() {
		own := make([]byte, size)
		for sent, room := 0, underWay; sent < ops; sent++ {
			if room == 0 {
				<-receipts
				room = acknowledged
			}
			room--
			own[0], own[size-1] = byte(sent), byte(sent)
			load := make([]byte, size)
			copy(load, own)
			parcels <- parcel{sent, load}
		}
	}()
	return timed(ops, func() {
		go func() {
			for received := 0; received < ops; received++ {
				got := <-parcels
				check(got.number == received && got.load[0] == byte(received) && got.load[size-1] == byte(received),
					"another parcel")
				if (received+1)%acknowledged == 0 {
					select {
					case receipts <- true:
					default: // the source is through
					}
				}
			}
			done <- true
		}()
		<-done
	})
}

type request struct {
	colour int
	answer chan meeting
}

type meeting struct {
	colour int
	closed bool
}

func chameneos(count, ops int) (int, time.Duration) {
	requests, start, met := make(chan request, count), make(chan bool), make(chan int, count)
	for i := 0; i < count; i++ {
		go func(colour int) {
			<-start
			answer, meetings := make(chan meeting, 1), 0
			for {
				requests <- request{colour, answer}
				other := <-answer
				if other.closed {
					break
				}
				meetings++
				if other.colour != colour {
					colour = 3 - colour - other.colour
				}
			}
			met <- meetings
		}(i % 3)
	}
	result, took := timed(ops, func() {
		close(start)
		for i := 0; i < ops; i++ {
			first, second := <-requests, <-requests
			first.answer <- meeting{second.colour, false}
			second.answer <- meeting{first.colour, false}
		}
	})
	total := 0
	for i := 0; i < count; i++ {
		(<-requests).answer <- meeting{0, true}
	}
	for i := 0; i < count; i++ {
		total += <-met
	}
	check(total == 2*ops, "meetings are missing")
	return result, took
}

// ---- Lives ------------------------------------------------------------------------------

func skynetNode(up chan<- int, first, leaves int) {
	if leaves == 1 {
		up <- first
		return
	}
	sums, sum := make(chan int, 10), 0
	for i := 0; i < 10; i++ {
		go skynetNode(sums, first+i*leaves/10, leaves/10)
	}
	for i := 0; i < 10; i++ {
		sum += <-sums
	}
	up <- sum
}

func skynet(leaves int) (int, time.Duration) {
	return timed(1111111, func() {
		sum := make(chan int, 1)
		go skynetNode(sum, 0, leaves)
		check(<-sum == leaves*(leaves-1)/2, "the sum")
	})
}

func fib(n int) int {
	if n < 2 {
		return n
	}
	return fib(n-1) + fib(n-2)
}

func fork(up chan<- int, n int) {
	if n < 2 {
		up <- n
		return
	}
	sums := make(chan int, 2)
	go fork(sums, n-1)
	go fork(sums, n-2)
	up <- <-sums + <-sums
}

func forkJoin(n int) (int, time.Duration) {
	want := fib(n)
	return timed(2*fib(n+1)-1, func() {
		sum := make(chan int, 1)
		go fork(sum, n)
		check(<-sum == want, "the sum")
	})
}

func spawnExit(ops int) (int, time.Duration) {
	batches := ops/1000 + 1
	var living sync.WaitGroup
	return timed(batches*1000, func() {
		for b := 0; b < batches; b++ {
			living.Add(1000)
			for i := 0; i < 1000; i++ {
				go living.Done()
			}
			living.Wait()
		}
	})
}

var bytesEach int // of the row that weighs

// Each has answered once, and waits on a channel of its own, which takes one message.
func idle(count int) (int, time.Duration) {
	before := resident()
	boxes, present := make([]chan bool, count), make(chan bool, box)
	result, took := timed(count, func() {
		for i := range boxes {
			boxes[i] = make(chan bool, 1)
			go func(calls chan bool) {
				for range calls {
					present <- true
				}
			}(boxes[i])
		}
		go func() {
			for _, calls := range boxes {
				calls <- true
			}
		}()
		await(present, count)
	})
	bytesEach = (resident() - before) / count
	runtime.KeepAlive(boxes)
	return result, took
}

func resident() int {
	text, _ := os.ReadFile("/proc/self/statm")
	var size, pages int
	fmt.Sscan(string(text), &size, &pages)
	return pages * os.Getpagesize()
}

// ---- Calls, timers, restarts ---------------------------------------------------------------

type question struct {
	number int
	answer chan int
}

func calls(clients, ops int) (int, time.Duration) {
	each := ops/clients + 1
	questions, start, done := make(chan question, box), make(chan bool), make(chan bool, clients)
	go func() {
		for q := range questions {
			q.answer <- 2 * q.number
		}
	}()
	for i := 0; i < clients; i++ {
		go func() {
			<-start
			answer := make(chan int, 1)
			for number := 0; number < each; number++ {
				questions <- question{number, answer}
				check(<-answer == 2*number, "the answer to another question")
			}
			done <- true
		}()
	}
	defer close(questions)
	return timed(each*clients, func() { close(start); await(done, clients) })
}

func timers(ops int) (int, time.Duration) {
	return timed(ops, func() {
		for i := 0; i < ops; i++ {
			check(time.AfterFunc(5*time.Second, func() {}).Stop(), "a timer was not there to be cancelled")
		}
	})
}

// A goroutine that recovers its panic and starts its successor: Go has no supervisor.
func victim(ready chan<- chan bool) {
	defer func() {
		if recover() != nil {
			go victim(ready)
		}
	}()
	crash := make(chan bool, 1)
	ready <- crash
	if <-crash {
		panic("told to crash")
	}
}

func restart(ops int) (int, time.Duration) {
	ready := make(chan chan bool, 1)
	go victim(ready)
	crash := <-ready
	return timed(ops, func() {
		for i := 0; i < ops; i++ {
			crash <- true
			crash = <-ready
		}
		crash <- false
	})
}

func main() {
	chosen, known := rows[os.Args[1]]
	if !known {
		os.Exit(3)
	}
	workers, _ := strconv.Atoi(os.Args[2])
	ms, _ := strconv.Atoi(os.Args[3])
	runtime.GOMAXPROCS(workers)
	want := time.Duration(ms) * time.Millisecond
	done, took := chosen.run(1000)
	once := bytesEach > 0 || len(waits) > 0
	for asked := 1000; !once && took < want/8; done, took = chosen.run(asked) {
		asked *= 4
	}
	if !once && took <= want {
		done, took = chosen.run(int(float64(want)/float64(took)*float64(done)) + 1)
	}
	fmt.Printf("{\"peer\":\"go\",\"name\":%q,\"workers\":%d,\"unit\":%q,\"runs\":1,\"ops\":%d,\"ns_per_op\":%.2f",
		os.Args[1], workers, chosen.unit, done, float64(took)/float64(done))
	if bytesEach > 0 {
		fmt.Printf(",\"bytes_per_actor\":%d", bytesEach)
	}
	if n := len(waits); n > 0 {
		fmt.Printf(",\"p50_ns\":%d,\"p99_ns\":%d,\"p999_ns\":%d,\"max_ns\":%d", waits[n/2], waits[n-1-n/100],
			waits[n-1-n/1000], waits[n-1])
	}
	fmt.Println("}")
}
