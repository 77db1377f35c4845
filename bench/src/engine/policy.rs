//! `cargo xtask bench policy`: what the rules cost. The same questions of two servers that share the ledger, one of which was
//! never given the facts about withheld people; they take turns, so that whatever else the machine does hits both. Then
//! the same with differences guarded.
//!
//! Invariants: it fails when an answer differs; nothing is asserted on a clock.

use super::questions::{self, Question};
use super::{Figure, Options, ask, data, median, prepare, workspace};
use std::path::{Path, PathBuf};
use xtask::server::{self, Server};
use xtask::shell::{Result, target};

/// Measures and prints.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let options = super::read(words)?;
    if options.program.is_none() {
        server::build()?;
    }
    let program = options.program.clone().unwrap_or_else(server::binary);
    let data::Size { n_events, n_people, seed } = options.size;
    let whole = target().join("bench-engine").join(format!("{n_events}-{n_people}-{seed}"));
    let granted = target().join("bench-engine").join(format!("{n_events}-{n_people}-{seed}-granted"));
    prepare(&options, &program, &whole)?;
    let of_granted = Options { only_granted: true, peers: Vec::new(), program: None, ..options };
    prepare(&of_granted, &program, &granted)?;
    let mut wrong = Vec::new();
    println!(
        "{n_events} events of {n_people} people, of whom 30 in 100 are withheld; {} turns, seconds",
        options.n_repeats
    );
    for (way, more) in [("columns kept", &[][..]), ("from Parquet", &["--hot-columns", "0"][..])] {
        let servers = [start(&program, &whole, &whole, more)?, start(&program, &granted, &granted, more)?];
        wrong.extend(take_turns(way, ["with them", "without"], &servers, options.n_repeats)?);
    }
    // A data folder has one server: what is guarded is measured on its own, beside the tables without withheld people again.
    let guarded = target().join("bench-engine").join(format!("{n_events}-{n_people}-{seed}-guarded"));
    workspace::write_with(&guarded.join("workspace"), "guarded")?;
    let files = guarded.join("workspace").join(workspace::FILES);
    if !files.exists() {
        let linked = std::os::unix::fs::symlink(whole.join("workspace").join(workspace::FILES), &files);
        linked.map_err(|error| error.to_string())?;
    }
    let servers = [start(&program, &guarded, &whole, &[])?, start(&program, &granted, &granted, &[])?];
    // Figures that are too near to others differ by design, so that nothing is compared here.
    take_turns("guarded, columns kept", ["guarded", "without"], &servers, options.n_repeats)?;
    if !wrong.is_empty() {
        return Err(format!("\nanswers differ: {}", wrong.join(", ")));
    }
    println!("\nno answer differs");
    Ok(())
}

fn start(program: &Path, workspace: &Path, data: &Path, more: &[&str]) -> Result<(Server, String)> {
    let folder: PathBuf = workspace.join("workspace");
    let server = Server::start_with(program, &folder, &data.join("data"), more)?;
    let token = server.token(workspace::USER)?;
    Ok((server, token))
}

/// Asks two servers everything, by turns; the questions whose answers differ.
fn take_turns(way: &str, names: [&str; 2], servers: &[(Server, String); 2], n_turns: usize) -> Result<Vec<String>> {
    println!("\n{way:<24}{:>11}{:>11}{:>9}{:>9}", names[0], names[1], "median x", "p99 x");
    let (mut wrong, mut ratios) = (Vec::new(), Vec::new());
    for question in questions::all() {
        let [with, without] = both(servers, &question, n_turns)?;
        let (ours, theirs) = (median(&with.seconds), median(&without.seconds));
        let tail = quantile(&with.seconds, 0.99) / quantile(&without.seconds, 0.99);
        println!("{:<24}{ours:>11.4}{theirs:>11.4}{:>9.2}{tail:>9.2}", question.name, ours / theirs);
        ratios.push((ours / theirs, tail));
        if with.rows != without.rows {
            wrong.push(format!("{} ({way})", question.name));
        }
    }
    let mean = |of: fn(&(f64, f64)) -> f64| {
        (ratios.iter().map(|ratio| of(ratio).ln()).sum::<f64>() / ratios.len() as f64).exp()
    };
    println!("{:<24}{:>31.2}{:>9.2}", "geometric mean", mean(|ratio| ratio.0), mean(|ratio| ratio.1));
    Ok(wrong)
}

/// One question of both, as often as there are turns, each first every other time.
fn both(servers: &[(Server, String); 2], question: &Question, n_turns: usize) -> Result<[Figure; 2]> {
    let mut found =
        [Figure { seconds: Vec::new(), rows: Vec::new() }, Figure { seconds: Vec::new(), rows: Vec::new() }];
    for turn in 0..n_turns {
        for place in [turn % 2, (turn + 1) % 2] {
            let (server, token) = &servers[place];
            // It asks twice, and the first one is not counted.
            let figure = ask(server, token, question, 1)?;
            found[place].seconds.extend(figure.seconds);
            found[place].rows = figure.rows;
        }
    }
    Ok(found)
}

fn quantile(seconds: &[f64], share: f64) -> f64 {
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len() as f64 * share) as usize;
    sorted.get(place.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}
