// Copyright (c) 2026 The Coppice authors. MIT licence.

//! The rows of bench/ on tokio, as its users would write them: tasks, unbounded channels, oneshot answers. What each row is,
//! bench/README.md says; each checks what ours checks.
//!
//!     rows NAME WORKERS MILLISECONDS
//!
//! A row is tried with growing numbers of operations, which warms it up, and then done with as many as take the time wanted; one
//! that takes longer from the start is not done again.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;

type Outcome = (u64, Duration);

async fn timed<F: Future<Output = ()>>(ops: u64, work: F) -> Outcome {
    let began = Instant::now();
    work.await;
    (ops, began.elapsed())
}

async fn hear(done: &mut UnboundedReceiver<()>, count: u64) {
    for _ in 0..count {
        done.recv().await.unwrap();
    }
}

// ---- Messages --------------------------------------------------------------------------

async fn pingpong(pairs: u64, ops: u64) -> Outcome {
    let strokes = ops / pairs / 2 + 1;
    let (done, mut all) = unbounded_channel();
    let mut starts = vec![];
    for _ in 0..pairs {
        let (to, mut at_ponger) = unbounded_channel::<u64>();
        let (from, mut at_pinger) = unbounded_channel::<u64>();
        let (start, started) = oneshot::channel::<()>();
        let done = done.clone();
        starts.push(start);
        tokio::spawn(async move {
            while let Some(number) = at_ponger.recv().await {
                from.send(number).unwrap();
            }
        });
        tokio::spawn(async move {
            started.await.unwrap();
            for number in 1..=strokes {
                to.send(number).unwrap();
                assert_eq!(at_pinger.recv().await, Some(number));
            }
            done.send(()).unwrap();
        });
    }
    timed(2 * strokes * pairs, async {
        starts.into_iter().for_each(|start| start.send(()).unwrap());
        hear(&mut all, pairs).await;
    })
    .await
}

async fn ring(count: u64, hops: u64) -> Outcome {
    let (first, mut at_first) = unbounded_channel::<Option<u64>>();
    let (done, mut all) = unbounded_channel();
    let mut next = first.clone();
    for i in 0..count {
        let (from, mut at_this) = unbounded_channel();
        if i == count - 1 {
            std::mem::swap(&mut at_this, &mut at_first);
        }
        let done = done.clone();
        tokio::spawn(async move {
            while let Some(token) = at_this.recv().await {
                match token {
                    Some(0) => done.send(()).unwrap(),
                    Some(left) => next.send(Some(left - 1)).unwrap(),
                    None => {
                        let _ = next.send(None);
                        break;
                    }
                }
            }
        });
        next = from;
    }
    let outcome = timed(hops, async {
        first.send(Some(hops - 1)).unwrap();
        hear(&mut all, 1).await;
    })
    .await;
    first.send(None).unwrap();
    outcome
}

async fn fanin(senders: u64, ops: u64) -> Outcome {
    let each = ops / senders + 1;
    let (items, mut received) = unbounded_channel::<(usize, u64)>();
    let (done, mut all) = unbounded_channel();
    let mut starts = vec![];
    for sender in 0..senders as usize {
        let (start, started) = oneshot::channel::<()>();
        let items = items.clone();
        starts.push(start);
        tokio::spawn(async move {
            started.await.unwrap();
            for number in 0..each {
                items.send((sender, number)).unwrap();
            }
        });
    }
    tokio::spawn(async move {
        let mut due = vec![0; senders as usize];
        for _ in 0..each * senders {
            let (sender, number) = received.recv().await.unwrap();
            assert_eq!(due[sender], number);
            due[sender] += 1;
        }
        done.send(()).unwrap();
    });
    timed(each * senders, async {
        starts.into_iter().for_each(|start| start.send(()).unwrap());
        hear(&mut all, 1).await;
    })
    .await
}

async fn fanout(receivers: u64, ops: u64) -> Outcome {
    let rounds = ops / receivers + 1;
    let (done, mut all) = unbounded_channel();
    let mut boxes = vec![];
    for _ in 0..receivers {
        let (to, mut pages) = unbounded_channel::<u64>();
        let done = done.clone();
        boxes.push(to);
        tokio::spawn(async move {
            for due in 0..rounds {
                assert_eq!(pages.recv().await, Some(due));
            }
            done.send(()).unwrap();
        });
    }
    timed(rounds * receivers, async {
        tokio::spawn(async move {
            for number in 0..rounds {
                boxes.iter().for_each(|to| to.send(number).unwrap());
                tokio::task::yield_now().await;
            }
        });
        hear(&mut all, receivers).await;
    })
    .await
}

#[derive(Debug)]
enum Ball {
    Go,
    Ping(usize, u64),
    Pong(u64),
}

async fn big(count: usize, ops: u64) -> Outcome {
    let others = count as u64 - 1;
    let rounds = (ops / (2 * count as u64 * others) + 1).max(20);
    let (done, mut all) = unbounded_channel();
    let (boxes, owned): (Vec<_>, Vec<_>) = (0..count).map(|_| unbounded_channel::<Ball>()).unzip();
    for (this, mut at_this) in owned.into_iter().enumerate() {
        let (boxes, done) = (boxes.clone(), done.clone());
        tokio::spawn(async move {
            let (mut round, mut pings, mut pongs) = (0, 0, 0);
            let begin = |round: u64| {
                for (other, to) in boxes.iter().enumerate() {
                    if other != this {
                        to.send(Ball::Ping(this, round)).unwrap();
                    }
                }
            };
            while round < rounds || pongs < others || pings < rounds * others {
                match at_this.recv().await.unwrap() {
                    Ball::Go => {
                        round = 1;
                        begin(round);
                    }
                    Ball::Ping(from, of) => {
                        pings += 1;
                        boxes[from].send(Ball::Pong(of)).unwrap();
                    }
                    Ball::Pong(of) => {
                        assert_eq!(of, round);
                        pongs += 1;
                        if pongs == others && round < rounds {
                            pongs = 0;
                            round += 1;
                            begin(round);
                        }
                    }
                }
            }
            done.send(()).unwrap();
            at_this
        });
    }
    timed(2 * rounds * count as u64 * others, async {
        boxes.iter().for_each(|to| to.send(Ball::Go).map_err(drop).unwrap());
        hear(&mut all, count as u64).await;
    })
    .await
}

static WAITS: Mutex<Vec<u64>> = Mutex::new(vec![]); // of the row with percentiles

/// An open loop: a thread sends a tick every 200 us, whether or not those before have been answered.
async fn quiet(chatterers: u64, ticks: u64) -> Outcome {
    for _ in 0..chatterers / 2 {
        let (to, mut at_ponger) = unbounded_channel::<u64>();
        let (from, mut at_pinger) = unbounded_channel::<u64>();
        tokio::spawn(async move {
            while let Some(number) = at_ponger.recv().await {
                from.send(number).unwrap();
            }
        });
        tokio::spawn(async move {
            for number in 0.. {
                to.send(number).unwrap();
                at_pinger.recv().await.unwrap();
            }
        });
    }
    let (ticker, mut at_asker) = unbounded_channel::<(bool, Instant)>();
    let (questions, mut at_answerer) = unbounded_channel::<Instant>();
    let answers = ticker.clone();
    tokio::spawn(async move {
        while let Some(left) = at_answerer.recv().await {
            answers.send((true, left)).unwrap();
        }
    });
    let asker = tokio::spawn(timed(ticks, async move {
        let mut waits = vec![];
        while waits.len() < ticks as usize {
            match at_asker.recv().await.unwrap() {
                (false, left) => questions.send(left).unwrap(),
                (true, left) => waits.push(left.elapsed().as_nanos() as u64),
            }
        }
        waits.sort();
        *WAITS.lock().unwrap() = waits;
    }));
    std::thread::spawn(move || {
        let mut due = Instant::now();
        for _ in 0..ticks {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            ticker.send((false, Instant::now())).unwrap();
            due += Duration::from_micros(200);
        }
    });
    asker.await.unwrap()
}

async fn sizes(size: usize, ops: u64) -> Outcome {
    const ACKNOWLEDGED: u64 = 32;
    let (parcels, mut at_drain) = unbounded_channel::<(u64, Vec<u8>)>();
    let (receipts, mut at_source) = unbounded_channel();
    let (done, mut all) = unbounded_channel();
    let (start, started) = oneshot::channel::<()>();
    tokio::spawn(async move {
        let mut own = vec![0u8; size];
        let mut room = 2 * ACKNOWLEDGED;
        started.await.unwrap();
        for sent in 0..ops {
            if room == 0 {
                at_source.recv().await.unwrap();
                room = ACKNOWLEDGED;
            }
            room -= 1;
            own[0] = sent as u8;
            own[size - 1] = sent as u8;
            parcels.send((sent, own.clone())).unwrap();
        }
    });
    tokio::spawn(async move {
        for received in 0..ops {
            let (number, load) = at_drain.recv().await.unwrap();
            assert!(number == received && load[0] == received as u8 && load[size - 1] == received as u8);
            if (received + 1) % ACKNOWLEDGED == 0 {
                let _ = receipts.send(());
            }
        }
        done.send(()).unwrap();
    });
    timed(ops, async {
        start.send(()).unwrap();
        hear(&mut all, 1).await;
    })
    .await
}

type Request = (usize, i32, UnboundedSender<Option<(usize, i32)>>);

async fn chameneos(count: usize, ops: u64) -> Outcome {
    let (requests, mut at_mall) = unbounded_channel::<Request>();
    let (reports, mut met) = unbounded_channel();
    let mut starts = vec![];
    for this in 0..count {
        let (start, started) = oneshot::channel::<()>();
        let (requests, reports) = (requests.clone(), reports.clone());
        starts.push(start);
        tokio::spawn(async move {
            let (answer, mut answers) = unbounded_channel();
            let (mut colour, mut meetings) = (this as i32 % 3, 0u64);
            started.await.unwrap();
            loop {
                requests.send((this, colour, answer.clone())).unwrap();
                match answers.recv().await.unwrap() {
                    None => break,
                    Some((whom, other)) => {
                        assert_ne!(whom, this);
                        meetings += 1;
                        if other != colour {
                            colour = 3 - colour - other;
                        }
                    }
                }
            }
            reports.send(meetings).unwrap();
        });
    }
    let (done, over) = oneshot::channel();
    tokio::spawn(async move {
        for _ in 0..ops {
            let (first, second) = (at_mall.recv().await.unwrap(), at_mall.recv().await.unwrap());
            first.2.send(Some((second.0, second.1))).unwrap();
            second.2.send(Some((first.0, first.1))).unwrap();
        }
        done.send(()).unwrap();
        for _ in 0..count {
            at_mall.recv().await.unwrap().2.send(None).unwrap();
        }
    });
    let outcome = timed(ops, async {
        starts.into_iter().for_each(|start| start.send(()).unwrap());
        over.await.unwrap();
    })
    .await;
    let mut total = 0;
    for _ in 0..count {
        total += met.recv().await.unwrap();
    }
    assert_eq!(total, 2 * ops);
    outcome
}

// ---- Lives -----------------------------------------------------------------------------

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

fn skynet_node(up: UnboundedSender<u64>, first: u64, leaves: u64) -> Boxed {
    Box::pin(async move {
        if leaves == 1 {
            up.send(first).unwrap();
            return;
        }
        let (to, mut sums) = unbounded_channel();
        for i in 0..10 {
            tokio::spawn(skynet_node(to.clone(), first + i * leaves / 10, leaves / 10));
        }
        let mut sum = 0;
        for _ in 0..10 {
            sum += sums.recv().await.unwrap();
        }
        up.send(sum).unwrap();
    })
}

async fn skynet(leaves: u64) -> Outcome {
    timed(1111111, async {
        let (to, mut sum) = unbounded_channel();
        tokio::spawn(skynet_node(to, 0, leaves));
        assert_eq!(sum.recv().await, Some(leaves * (leaves - 1) / 2));
    })
    .await
}

fn fib(n: u64) -> u64 {
    if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
}

fn fork(n: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move {
        if n < 2 {
            return n;
        }
        let (one, two) = (tokio::spawn(fork(n - 1)), tokio::spawn(fork(n - 2)));
        one.await.unwrap() + two.await.unwrap()
    })
}

async fn fork_join(n: u64) -> Outcome {
    let want = fib(n);
    timed(2 * fib(n + 1) - 1, async {
        assert_eq!(tokio::spawn(fork(n)).await.unwrap(), want);
    })
    .await
}

async fn spawn_exit(ops: u64) -> Outcome {
    let batches = ops / 1000 + 1;
    let (present, mut all) = unbounded_channel();
    tokio::spawn(timed(batches * 1000, async move {
        for _ in 0..batches {
            for _ in 0..1000 {
                let present = present.clone();
                tokio::spawn(async move { present.send(()).unwrap() });
            }
            hear(&mut all, 1000).await;
        }
    }))
    .await
    .unwrap()
}

static BYTES_EACH: AtomicU64 = AtomicU64::new(0); // of the row that weighs

fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    4096 * text.split(' ').nth(1).unwrap().parse::<u64>().unwrap()
}

/// Each has answered once, and waits on a channel of its own.
async fn idle(count: u64) -> Outcome {
    let before = resident();
    let (present, mut all) = unbounded_channel();
    let mut boxes = Vec::with_capacity(count as usize);
    let outcome = timed(count, async {
        for _ in 0..count {
            let (to, mut calls) = unbounded_channel::<()>();
            let present = present.clone();
            to.send(()).unwrap();
            boxes.push(to);
            tokio::spawn(async move {
                while calls.recv().await.is_some() {
                    present.send(()).unwrap();
                }
            });
        }
        hear(&mut all, count).await;
    })
    .await;
    BYTES_EACH.store((resident() - before) / count, Relaxed);
    outcome
}

// ---- Calls, timers, restarts ----------------------------------------------------------------

async fn calls(clients: u64, ops: u64) -> Outcome {
    let each = ops / clients + 1;
    let (questions, mut asked) = unbounded_channel::<(u64, oneshot::Sender<u64>)>();
    let (done, mut all) = unbounded_channel();
    let mut starts = vec![];
    tokio::spawn(async move {
        while let Some((number, answer)) = asked.recv().await {
            answer.send(2 * number).unwrap();
        }
    });
    for _ in 0..clients {
        let (start, started) = oneshot::channel::<()>();
        let (questions, done) = (questions.clone(), done.clone());
        starts.push(start);
        tokio::spawn(async move {
            started.await.unwrap();
            for number in 0..each {
                let (answer, answered) = oneshot::channel();
                questions.send((number, answer)).unwrap();
                assert_eq!(answered.await.unwrap(), 2 * number);
            }
            done.send(()).unwrap();
        });
    }
    timed(each * clients, async {
        starts.into_iter().for_each(|start| start.send(()).unwrap());
        hear(&mut all, clients).await;
    })
    .await
}

/// A sleep is in the wheel once it has been polled.
async fn timers(ops: u64) -> Outcome {
    tokio::spawn(timed(ops, async move {
        for _ in 0..ops {
            let sleep = tokio::time::sleep(Duration::from_secs(5));
            tokio::select! {
                biased;
                _ = sleep => unreachable!(),
                _ = std::future::ready(()) => {}
            }
        }
    }))
    .await
    .unwrap()
}

/// A task that watches another by its handle, and starts its successor: tokio has no supervisor.
async fn restart(ops: u64) -> Outcome {
    std::panic::set_hook(Box::new(|_| {}));
    let (ready, mut victims) = unbounded_channel::<UnboundedSender<bool>>();
    tokio::spawn(async move {
        loop {
            let ready = ready.clone();
            let victim = tokio::spawn(async move {
                let (to, mut crashes) = unbounded_channel();
                ready.send(to).unwrap();
                assert!(!crashes.recv().await.unwrap(), "told to crash");
            });
            if victim.await.is_ok() {
                break;
            }
        }
    });
    let mut victim = victims.recv().await.unwrap();
    tokio::spawn(timed(ops, async move {
        for _ in 0..ops {
            victim.send(true).unwrap();
            victim = victims.recv().await.unwrap();
        }
        victim.send(false).unwrap();
    }))
    .await
    .unwrap()
}

async fn run(name: &str, ops: u64) -> Option<Outcome> {
    Some(match name {
        "pingpong_1" => pingpong(1, ops).await,
        "pingpong_1000" => pingpong(1000, ops).await,
        "ring_503" => ring(503, ops).await,
        "ring_10000" => ring(10000, ops).await,
        "fanin_2" => fanin(2, ops).await,
        "fanin_16" => fanin(16, ops).await,
        "fanin_1000" => fanin(1000, ops).await,
        "fanout_1000" => fanout(1000, ops).await,
        "spawn_idle_100000" => idle(100000).await,
        "quiet_chatter_1000" => quiet(1000, 3000).await,
        "big_512" => big(512, ops).await,
        "skynet_1000000" => skynet(1000000).await,
        "fib_27" => fork_join(27).await,
        "spawn_exit" => spawn_exit(ops).await,
        "call_1" => calls(1, ops).await,
        "call_64" => calls(64, ops).await,
        "timer_set_cancel" => timers(ops).await,
        "size_16" => sizes(16, ops).await,
        "size_1024" => sizes(1024, ops).await,
        "size_65536" => sizes(65536, ops).await,
        "chameneos_100" => chameneos(100, ops).await,
        "restart_exit" => restart(ops).await,
        _ => return None,
    })
}

fn unit_of(name: &str) -> &'static str {
    match name.split('_').next().unwrap() {
        "ring" => "hop",
        "skynet" | "fib" | "spawn" => "actor",
        "call" => "call",
        "timer" => "timer",
        "chameneos" => "meeting",
        "restart" => "restart",
        "quiet" => "tick",
        _ => "message",
    }
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let (name, workers) = (words[1].as_str(), words[2].parse::<usize>().unwrap());
    let want = words[3].parse::<f64>().unwrap() * 1e6;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_time().build().unwrap();
    runtime.block_on(async {
        let (mut asked, mut outcome) = (1000, run(name, 1000).await.unwrap_or_else(|| std::process::exit(3)));
        let once = name.starts_with("spawn_idle") || name.starts_with("quiet");
        while !once && (outcome.1.as_nanos() as f64) < want / 8.0 {
            asked *= 4;
            outcome = run(name, asked).await.unwrap();
        }
        if !once && (outcome.1.as_nanos() as f64) <= want {
            let ops = want / outcome.1.as_nanos() as f64 * outcome.0 as f64;
            outcome = run(name, ops as u64 + 1).await.unwrap();
        }
        let (done, took) = outcome;
        let waits = WAITS.lock().unwrap();
        let n = waits.len();
        let besides = match BYTES_EACH.load(Relaxed) {
            0 if n > 0 => format!(
                ",\"p50_ns\":{},\"p99_ns\":{},\"p999_ns\":{},\"max_ns\":{}",
                waits[n / 2], waits[n - 1 - n / 100], waits[n - 1 - n / 1000], waits[n - 1]
            ),
            0 => String::new(),
            bytes => format!(",\"bytes_per_actor\":{bytes}"),
        };
        println!(
            "{{\"peer\":\"tokio\",\"name\":\"{}\",\"workers\":{},\"unit\":\"{}\",\"runs\":1,\"ops\":{},\"ns_per_op\":{:.2}{}}}",
            name, workers, unit_of(name), done, took.as_nanos() as f64 / done as f64, besides
        );
    });
    std::process::exit(0); // what tasks are left need not be waited for
}
