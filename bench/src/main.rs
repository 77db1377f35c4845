//! `cargo xtask bench ingest [--seconds N] [--program PATH]`: how many messages the program takes, how fast, and how soon they count.
//!
//! Flow: the disk -> a workspace of its own (`workspace`) -> loads (`load`, of requests made by `messages`) on the program
//! and on bare routes beside it (`bare`) -> freshness (`canaries`) -> overload -> the count at the end (`ledger`).
//! Invariants: figures are printed for people to read and nothing is asserted on a clock; it fails when an acknowledged
//! message is missing or counted twice at the end, or an answer is wrong. The load runs on the same machine and takes its
//! share of it, so figures compare with others of the same run and machine.

mod bare;
mod canaries;
mod count;
mod device;
mod engine;
mod ledger;
mod load;
mod memory;
mod messages;
mod tally;
mod wire;
mod workspace;

use bare::Bare;
use canaries::Flown;
use count::Asker;
use ledger::Ledger;
use load::Load;
use memory::Memory;
use messages::Prepared;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tally::{Tally, quantile};
use tokio::runtime::Runtime;
use xtask::server::{self, Server, TemporaryFolder};
use xtask::shell::{Result, output};

const USAGE: &str = "cargo xtask bench ingest [--seconds N] [--program PATH]";
/// How long a stage takes.
const SECONDS: f64 = 5.0;
const SINGLES: Shape = Shape { name: "singles", n_messages: 1, n_connections: 256 };
const BATCHES: Shape = Shape { name: "batches", n_messages: 100, n_connections: 16 };
/// Fewer than the program allows one machine, which must be able to ask as well.
const OVERLOAD_CONNECTIONS: usize = 700;
const OVERLOAD: f64 = 5.0;
/// The share of the peak at which latency and freshness are measured.
const STEADY: f64 = 0.6;
/// How long nothing may land before what is missing is missing.
const LANDING_WAIT_MAX: Duration = Duration::from_secs(60);

/// How messages come.
#[derive(Clone, Copy)]
struct Shape {
    name: &'static str,
    n_messages: usize,
    n_connections: usize,
}

/// What the end says of a shape.
struct Found {
    /// Messages per second.
    peak: f64,
    /// Of the bare route, and of the one that syncs.
    ratios: [f64; 2],
    /// Milliseconds at the steady share.
    p99: f64,
    /// Seconds.
    freshness: f64,
    /// Of the peak, under overload.
    goodput: f64,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let result = match words.as_slice() {
        [first, rest @ ..] if first == "ingest" => run(rest),
        [first, rest @ ..] if first == "engine" => engine::run(rest),
        [first, rest @ ..] if first == "policy" => engine::policy::run(rest),
        [first, rest @ ..] if first == "verdict" => engine::verdict::run(rest),
        [first, rest @ ..] if first == bare::TASK => bare::run(rest),
        _ => Err(format!("{USAGE}\n{}", engine::USAGE)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Measures and prints.
fn run(words: &[String]) -> Result<()> {
    let (seconds, program) = read(words)?;
    if program.is_none() {
        server::build()?;
    }
    let folder = TemporaryFolder::new("bench-ingest")?;
    device::print(folder.path())?;
    let mut bench = Bench::start(&program.unwrap_or_else(server::binary), folder.path(), seconds)?;
    let singles = bench.shape(SINGLES)?;
    let batches = bench.shape(BATCHES)?;
    bench.conclude(&singles, &batches)
}

fn read(words: &[String]) -> Result<(f64, Option<PathBuf>)> {
    let (mut seconds, mut program) = (SECONDS, None);
    for pair in words.chunks(2) {
        match pair {
            [flag, word] if flag == "--seconds" => {
                let parsed = word.parse().ok().filter(|seconds| (0.5..=3600.0).contains(seconds));
                seconds = parsed.ok_or_else(|| format!("`{word}` is not a number of seconds from 0.5 to 3600"))?;
            }
            [flag, path] if flag == "--program" => program = Some(PathBuf::from(path)),
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok((seconds, program))
}

/// The servers that run, and what was sent so far.
struct Bench {
    runtime: Runtime,
    seconds: f64,
    // Before the server, so that it does not look at one that is gone.
    memory: Memory,
    asker: Asker,
    read: Bare,
    commit: Bare,
    _server: Server,
    /// The time of messages, to the second.
    second: String,
    next: Arc<AtomicU64>,
    ledger: Ledger,
}

impl Bench {
    fn start(program: &Path, folder: &Path, seconds: f64) -> Result<Bench> {
        let (files, data) = (folder.join("workspace"), folder.join("data"));
        workspace::write(&files)?;
        let server = Server::start(program, &files, &data)?;
        let asker = Asker { address: server.address.clone(), token: server.token(workspace::USER)? };
        let memory = Memory::watch(&server);
        std::thread::sleep(Duration::from_secs(1));
        println!("memory at rest: {} MB", memory.most_mb());
        Ok(Bench {
            runtime: Runtime::new().map_err(|error| error.to_string())?,
            seconds,
            memory,
            asker,
            read: Bare::start("read", folder)?,
            commit: Bare::start("commit", folder)?,
            _server: server,
            second: output("date", &["-u", "+%Y-%m-%dT%H:%M:%S"])?.trim().to_owned(),
            next: Arc::new(AtomicU64::new(0)),
            ledger: Ledger::default(),
        })
    }

    /// All stages with messages of one shape.
    fn shape(&mut self, shape: Shape) -> Result<Found> {
        println!("\n{}: {} of 768 B per request, {} connections", shape.name, shape.n_messages, shape.n_connections);
        println!("  {:<40}{:>10} {:>8}{:>8}{:>8}{:>8}", "", "messages/s", "p50 ms", "p90", "p99", "p99.9");
        let (peak, ratios) = self.peak(shape)?;
        let steady = peak * STEADY / shape.n_messages as f64;
        let p99 = self.latency(shape, steady)?;
        let freshness = self.freshness(shape, steady)?;
        let goodput = self.overload(shape, peak)?;
        Ok(Found { peak, ratios, p99, freshness, goodput })
    }

    /// As many messages as get through, here and through the bare routes.
    fn peak(&mut self, shape: Shape) -> Result<(f64, [f64; 2])> {
        let mut ours = self.ours(shape, None)?;
        print_line("as fast as it answers", &mut ours);
        self.settle()?;
        let mut rates = [0.0; 2];
        for (rate, (name, address)) in rates.iter_mut().zip(self.beside()) {
            let mut tally = self.load(address, shape, None)?;
            print_line(name, &mut tally);
            *rate = tally.rate();
        }
        let ratios = rates.map(|rate| ours.rate() / rate);
        println!("  this is {:.2} of the bare route, {:.2} of the one that syncs", ratios[0], ratios[1]);
        Ok((ours.rate(), ratios))
    }

    /// How long an answer takes under a steady load; the 99th percentile.
    fn latency(&mut self, shape: Shape, per_second: f64) -> Result<f64> {
        let mut ours = self.ours(shape, Some(per_second))?;
        print_line("60 % of that, from when each is due", &mut ours);
        self.settle()?;
        let [_, (name, address)] = self.beside();
        let mut commit = self.load(address, shape, Some(per_second))?;
        print_line(&format!("{name}, as many"), &mut commit);
        Ok(quantile(&mut ours.from_due, 0.99))
    }

    /// How soon messages count under a steady load; the median. The questions take their share of the machine.
    fn freshness(&mut self, shape: Shape, per_second: f64) -> Result<f64> {
        let is_over = AtomicBool::new(false);
        let asker = self.asker.clone();
        let (tally, flown) = std::thread::scope(|scope| {
            let flying = scope.spawn(|| canaries::fly(&asker, shape.name, &is_over));
            let tally = self.ours(shape, Some(per_second));
            is_over.store(true, Ordering::Relaxed);
            let flown = flying.join().map_err(|_| "the canaries ended abnormally".to_owned());
            (tally, flown)
        });
        let mut flown: Flown = flown??;
        print_line("the same while it is asked", &mut tally?);
        println!("  from acknowledged to counted: {}", flown.line());
        self.ledger.enter_canaries(&flown);
        self.settle()?;
        Ok(quantile(&mut flown.seconds, 0.5))
    }

    /// Far more than gets through; what still does, as a share of the peak.
    fn overload(&mut self, shape: Shape, peak: f64) -> Result<f64> {
        let shape = Shape { n_connections: OVERLOAD_CONNECTIONS, ..shape };
        let per_second = OVERLOAD * peak / shape.n_messages as f64;
        let mut tally = self.ours(shape, Some(per_second))?;
        let goodput = tally.rate() / peak;
        let n_messages = shape.n_messages as u64;
        let n_offered = tally.n_acked + tally.n_too_many + tally.n_open() + tally.n_unsent * n_messages;
        let share = |n: u64| 100.0 * n as f64 / n_offered as f64;
        println!(
            "  five times the peak over {OVERLOAD_CONNECTIONS} connections: goodput {:.0} % of the peak",
            goodput * 100.0
        );
        println!(
            "    of what was offered: {:.1} % 429, {:.1} % 503, {:.1} % no answer, {:.1} % waited for a free connection",
            share(tally.n_too_many),
            share(tally.n_unavailable),
            share(tally.n_unanswered),
            share(tally.n_unsent * n_messages)
        );
        if !tally.until_refused.is_empty() {
            println!("    p99 until refused {:.1} ms", quantile(&mut tally.until_refused, 0.99));
        }
        println!("    p99 until answered {:.1} ms", quantile(&mut tally.until_answered, 0.99));
        self.settle()?;
        Ok(goodput)
    }

    /// Sends to the program, and enters what came of it.
    fn ours(&mut self, shape: Shape, per_second: Option<f64>) -> Result<Tally> {
        let tally = self.load(&self.asker.address, shape, per_second)?;
        self.ledger.enter(shape.name, &tally);
        Ok(tally)
    }

    fn load(&self, address: &str, shape: Shape, per_second: Option<f64>) -> Result<Tally> {
        let load = Load {
            address: address.to_owned(),
            request: Prepared::new(shape.n_messages, shape.name, &self.second),
            n_connections: shape.n_connections,
            per_second,
            seconds: self.seconds,
        };
        self.runtime.block_on(load::run(load, &self.next))
    }

    /// What stands beside the program, by name and address.
    fn beside(&self) -> [(&'static str, &str); 2] {
        [("bare route", &self.read.address), ("bare route, one fdatasync for all", &self.commit.address)]
    }

    /// Waits until all that was acknowledged is counted; says how long that took, and the memory until then.
    fn settle(&self) -> Result<()> {
        let started = Instant::now();
        let (mut last, mut changed) = (0, Instant::now());
        loop {
            let counts = self.asker.counts("stage")?;
            let n_counted = counts.values().sum();
            if self.ledger.is_there(&counts) {
                break;
            }
            if n_counted != last {
                (last, changed) = (n_counted, Instant::now());
            }
            if changed.elapsed() > LANDING_WAIT_MAX {
                println!("  nothing has landed for {LANDING_WAIT_MAX:?}");
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let seconds = started.elapsed().as_secs_f64();
        println!("    all counted after {seconds:.1} s; memory at most {} MB", self.memory.most_mb());
        Ok(())
    }

    /// Holds what is counted against what was acknowledged, and says what was found.
    fn conclude(&self, singles: &Found, batches: &Found) -> Result<()> {
        let complaints = self.ledger.complaints(&self.asker.counts("stage")?);
        if !complaints.is_empty() {
            return Err(format!("\nfailed:\n- {}", complaints.join("\n- ")));
        }
        let figures = |found: &Found| {
            format!(
                "{:.0} messages/s ({:.2} of a bare route, {:.2} of one that syncs; p99 {:.1} ms at 60 %; counted after \
                 {:.1} s; {:.0} % of the peak under overload)",
                found.peak,
                found.ratios[0],
                found.ratios[1],
                found.p99,
                found.freshness,
                found.goodput * 100.0
            )
        };
        println!(
            "\none by one {}, in batches {}; each of {} acknowledged messages is there once",
            figures(singles),
            figures(batches),
            self.ledger.n_acked()
        );
        Ok(())
    }
}

/// Messages per second, and milliseconds until acknowledged.
fn print_line(name: &str, tally: &mut Tally) {
    let [middle, high, higher, most] = [0.5, 0.9, 0.99, 0.999].map(|share| quantile(&mut tally.from_due, share));
    println!("  {name:<40}{:>10.0} {middle:>8.2}{high:>8.2}{higher:>8.2}{most:>8.2}", tally.rate());
    let refused = tally.n_too_many + tally.n_unavailable + tally.n_unanswered;
    if refused + tally.n_unsent + tally.n_wrong > 0 {
        println!(
            "    not acknowledged: {refused} messages; requests not sent in time: {}, answered wrongly: {}",
            tally.n_unsent, tally.n_wrong
        );
    }
}
