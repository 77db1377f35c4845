//! `api`: schemathesis sends the server what its own description allows and forbids (`fuzz.py`), as several callers.

use std::path::Path;
use std::process::Command;
use xtask::python;
use xtask::server::{self, Server, TemporaryFolder};
use xtask::shell::{Result, root, step};

const PACKAGES: [&str; 1] = ["schemathesis==4.32.5"];
const USAGE: &str = "cargo xtask api [--examples N] [--seed S]
  --examples N   of each operation and caller, 1 to 1000 (5)
  --seed S       what is drawn (1)";
/// The demo's public write key.
const KEY: &str = "shop=pk_demoTheCompleteJourneyShop2017Pages";
const USERS: [&str; 2] = ["engineer", "privacy"];

/// Serves the demo and lets it be tried.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let (mut n_examples, mut seed) = (5_u64, 1_u64);
    for pair in words.chunks(2) {
        let number = |word: &String, most: u64| {
            let parsed = word.parse().ok().filter(|number| (1..=most).contains(number));
            parsed.ok_or_else(|| format!("`{word}` is not a whole number from 1 to {most}\n{USAGE}"))
        };
        match pair {
            [flag, word] if flag == "--examples" => n_examples = number(word, 1_000)?,
            [flag, word] if flag == "--seed" => seed = number(word, u64::from(u32::MAX))?,
            _ => return Err(USAGE.to_owned()),
        }
    }
    let python = python::environment("fuzz", &PACKAGES)?;
    server::build()?;
    let folder = TemporaryFolder::new("api")?;
    // It saves definitions and takes them back.
    let workspace = folder.path().join("workspace");
    let mut copy = Command::new("cp");
    copy.arg("-r").arg(root().join("demo")).arg(&workspace);
    step(copy)?;
    let server = Server::start(&server::binary(), Path::new(&workspace), &folder.path().join("data"))?;
    let mut script = Command::new(python);
    script.arg(root().join("xtask/src/fuzz.py")).arg(format!("http://{}", server.address));
    script.args([seed.to_string(), n_examples.to_string(), KEY.to_owned()]);
    for user in USERS {
        script.arg(format!("{user}={}", server.token(user)?));
    }
    step(script)
}
