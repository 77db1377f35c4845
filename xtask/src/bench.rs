//! `bench [REPEATS] [--against PROGRAM]`: figures on the demo, of this program and of another one side by side.
//!
//! They are printed for people to read; nothing is asserted on a clock. `bench ingest` is about messages that come in, `bench
//! engine` about questions beside other engines, `bench policy` about what the rules cost.

use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use xtask::http::{self, Request, Response};
use xtask::server::{self, Server, TemporaryFolder};
use xtask::shell::{Result, cargo, root, step, target};

const N_REPEATS: usize = 30;

/// Imports the demo, asks every question of demo/answers.json warm, opens Home, and looks at the memory.
pub(crate) fn run(words: &[String]) -> Result<()> {
    if words.first().is_some_and(|first| ["ingest", "engine", "policy", "verdict"].contains(&first.as_str())) {
        // A crate of its own: it has a server, a runtime and tables, which no other task needs.
        // Built with all others: alone, its dependencies would have other features, and be compiled once more.
        cargo(&["build", "--quiet", "--workspace"])?;
        let mut bench = Command::new(target().join("debug").join("bench"));
        bench.args(words);
        return step(bench);
    }
    let (n_repeats, other) = read(words)?;
    server::build()?;
    let folder = TemporaryFolder::new("bench")?;
    let ours = Runner::start("this", &server::binary(), folder.path())?;
    let other = other.map(|program| Runner::start("other", &program, folder.path())).transpose()?;
    let runners: Vec<&Runner> = std::iter::once(&ours).chain(&other).collect();
    println!("\n{:<36}{:>9}{:>9}{:>9}   server: {:>8}", "question (ms, warm)", "min", "median", "p95", "median");
    let mut ratios = Vec::new();
    for (name, answer) in answers()? {
        let medians = ask(&runners, &name, &answer["question"], n_repeats)?;
        if let [ours, other] = medians.as_slice() {
            println!("{:<36}{:>9.2}", "  this / other, by median", ours / other);
            ratios.push(ours / other);
        }
    }
    for runner in &runners {
        home(&runner.server, n_repeats)?;
    }
    if !ratios.is_empty() {
        let mean = (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp();
        println!(
            "\nthis / other over all questions     {mean:>9.2} (geometric mean), at most {:.2}",
            quantile(&mut ratios, 1.0)
        );
    }
    for runner in &runners {
        println!(
            "resident memory at rest, {:<11}{:>9} at start, {} afterwards",
            runner.name,
            runner.at_start,
            memory_at_rest(&runner.server)
        );
    }
    Ok(())
}

/// `[REPEATS] [--against PROGRAM]`
fn read(words: &[String]) -> Result<(usize, Option<PathBuf>)> {
    let (repeats, other) = match words {
        [repeats @ .., flag, program] if flag == "--against" => (repeats, Some(PathBuf::from(program))),
        repeats => (repeats, None),
    };
    match repeats {
        [] => Ok((N_REPEATS, other)),
        [word] => {
            let n_repeats = word.parse().map_err(|_| format!("`{word}` is not a number of repeats"))?;
            Ok((n_repeats, other))
        }
        _ => Err("cargo xtask bench [REPEATS] [--against PROGRAM]".to_owned()),
    }
}

/// A program that serves the demo from a data folder of its own.
struct Runner {
    name: &'static str,
    server: Server,
    at_start: String,
    marketer: String,
    engineer: String,
}

impl Runner {
    /// Imports the demo, says how long it took, and serves it.
    fn start(name: &'static str, program: &Path, folder: &Path) -> Result<Runner> {
        let data = folder.join(name);
        let started = Instant::now();
        let mut import = Command::new(program);
        import.current_dir(root()).args(["import", "--all", "--workspace", "demo", "--data"]).arg(&data);
        step(import)?;
        println!("import of the whole demo, {name:<10}{:>9.2} s", started.elapsed().as_secs_f64());
        let server = Server::start(program, Path::new("demo"), &data)?;
        println!("start on the data that is there     {:>9.2} s", server.start_seconds);
        let at_start = memory_at_rest(&server);
        let (marketer, engineer) = (server.token("marketer")?, server.token("engineer")?);
        Ok(Runner { name, server, at_start, marketer, engineer })
    }
}

fn memory_at_rest(server: &Server) -> String {
    std::thread::sleep(Duration::from_secs(3));
    server::memory_mb(server.id()).map_or("unknown".to_owned(), |megabytes| format!("{megabytes:.0} MB"))
}

/// The questions with a known answer.
fn answers() -> Result<Vec<(String, Json)>> {
    let path = root().join("demo/answers.json");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let answers: Json = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let answers = answers.as_object().ok_or("demo/answers.json is not an object")?;
    Ok(answers.iter().map(|(name, answer)| (name.clone(), answer.clone())).collect())
}

/// Asks once cold, then again and again, each program in turn, and prints a line for each.
///
/// # Shape
/// One median per program, in milliseconds: on the server where it says so, else as seen from here.
fn ask(runners: &[&Runner], name: &str, question: &Json, n_repeats: usize) -> Result<Vec<f64>> {
    let body = json!({ "question": question }).to_string();
    let mut times: Vec<(Vec<f64>, Vec<f64>)> = vec![Default::default(); runners.len()];
    for repeat in 0..=n_repeats {
        for (runner, (walls, servers)) in runners.iter().zip(&mut times) {
            // The engineer sees what a question cost on the server, for the purpose that the role has.
            let is_analytics = question["purpose"] == "analytics";
            let token = if is_analytics { &runner.engineer } else { &runner.marketer };
            let authorization = format!("Bearer {token}");
            let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
            let request = Request { method: "POST", path: "/api/v1/ask", headers: &headers, body: &body };
            let response = http::send(&runner.server.address, &request)?;
            if response.status != 200 {
                return Err(format!("{name}: {} {}", response.status, response.body));
            }
            if repeat > 0 {
                walls.push(response.seconds * 1e3);
                servers.extend(server_seconds(&response).map(|seconds| seconds * 1e3));
            }
        }
    }
    let mut medians = Vec::new();
    for (runner, (walls, servers)) in runners.iter().zip(&mut times) {
        let on_server = (!servers.is_empty()).then(|| quantile(servers, 0.5));
        let said = on_server.map_or("-".to_owned(), |median| format!("{median:.1}"));
        let line = if runners.len() == 1 { name.to_owned() } else { format!("{name}, {}", runner.name) };
        print_line(&line, walls, &said);
        medians.push(on_server.unwrap_or_else(|| quantile(walls, 0.5)));
    }
    Ok(medians)
}

fn server_seconds(response: &Response) -> Option<f64> {
    let answer: Json = serde_json::from_str(&response.body).ok()?;
    answer["provenance"]["cost"]["seconds"].as_f64()
}

/// Opens Home as the marketer.
fn home(server: &Server, n_repeats: usize) -> Result<()> {
    let Some(cookie) = session(server)? else {
        println!("GET /: not measured, no sign-in worked");
        return Ok(());
    };
    let request = Request { method: "GET", path: "/", headers: &[("cookie", &cookie)], body: "" };
    let mut walls = Vec::new();
    for repeat in 0..=n_repeats {
        let response = http::send(&server.address, &request)?;
        if response.status != 200 {
            return Err(format!("GET /: {} {}", response.status, response.body));
        }
        if repeat > 0 {
            walls.push(response.seconds * 1e3);
        }
    }
    print_line("GET /", &mut walls, "");
    Ok(())
}

/// The cookies of a marketer's session, by what the server printed.
fn session(server: &Server) -> Result<Option<String>> {
    let Some((user, secret)) = server.sign_ins.iter().find(|(name, _)| name == "marketer") else { return Ok(None) };
    if let Some((_, path)) = secret.split_once(&server.address) {
        let link = http::send(&server.address, &Request { method: "GET", path, headers: &[], body: "" })?;
        return Ok(cookies(&link, ""));
    }
    let page = http::send(&server.address, &Request { method: "GET", path: "/sign-in", headers: &[], body: "" })?;
    let before = cookies(&page, "").unwrap_or_default();
    let mut body = format!("name={user}&password={}", percent_encoded(secret));
    for (name, value) in hidden_fields(&page.body) {
        body.push_str(&format!("&{name}={}", percent_encoded(&value)));
    }
    let origin = format!("http://{}", server.address);
    let headers =
        [("cookie", before.as_str()), ("content-type", "application/x-www-form-urlencoded"), ("origin", &origin)];
    let form =
        http::send(&server.address, &Request { method: "POST", path: "/sign-in", headers: &headers, body: &body })?;
    Ok(cookies(&form, &before).filter(|_| form.status < 400))
}

/// The cookies that an answer sets, after those there were.
fn cookies(response: &Response, before: &str) -> Option<String> {
    let set = response.header("set-cookie").filter_map(|cookie| cookie.split(';').next());
    let all: Vec<&str> = std::iter::once(before).chain(set).filter(|cookie| !cookie.is_empty()).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// Name and value of every hidden field of a page.
fn hidden_fields(page: &str) -> Vec<(String, String)> {
    let attribute = |tag: &str, name: &str| {
        let rest = tag.split_once(&format!("{name}=\""))?.1;
        Some(rest.split('"').next().unwrap_or_default().to_owned())
    };
    let tags = page.split("<input").skip(1).filter_map(|rest| rest.split('>').next());
    let hidden = tags.filter(|tag| tag.contains("type=\"hidden\""));
    hidden.filter_map(|tag| Some((attribute(tag, " name")?, attribute(tag, " value")?))).collect()
}

/// A form's value: every byte that is no letter or digit by its number.
fn percent_encoded(text: &str) -> String {
    let encode =
        |byte: u8| if byte.is_ascii_alphanumeric() { (byte as char).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(encode).collect()
}

fn print_line(name: &str, milliseconds: &mut [f64], on_server: &str) {
    let (least, median, most) =
        (quantile(milliseconds, 0.0), quantile(milliseconds, 0.5), quantile(milliseconds, 0.95));
    println!("{name:<36}{least:>9.1}{median:>9.1}{most:>9.1}           {on_server:>8}");
}

/// The value below which this share of the values lies.
fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1) as f64;
    values.get((last * share).round() as usize).copied().unwrap_or(f64::NAN)
}
