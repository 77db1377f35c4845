//! Stories through the binary: what somebody types, what is printed, and how the command ends.
//!
//! Each story has a workspace and a data folder of its own. Nothing is waited for by the clock: a server is up when it
//! prints its address.

use serde_json::json;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Twelve people bought on 3 March 2026, the first three of them once more on 4 March.
const N_BUYERS: usize = 12;

const FILES: [(&str, &str); 8] = [
    (
        "entente.yaml",
        "title: Corner shop\nlaws: [{ country: DE, law: gdpr }]\n",
    ),
    (
        "users.yaml",
        "users: [{ name: mia, role: marketer }, { name: eve, role: engineer }]\n",
    ),
    (
        "purposes/analytics.yaml",
        "title: analytics\nbasis: { gdpr: legitimate_interest, ccpa: legitimate_interest, us_other: legitimate_interest }\nmin_group: 5\n",
    ),
    (
        "purposes/email.yaml",
        "title: e-mail\nbasis: { gdpr: consent, ccpa: consent, us_other: consent }\nmin_group: 5\n",
    ),
    (
        "roles/marketer.yaml",
        "title: Marketer\npurposes: { analytics: aggregate, email: list }\nmasks: { none: show, pseudonym: hash }\nmay_define: true\n",
    ),
    (
        "roles/engineer.yaml",
        "title: Engineer\npurposes: { analytics: aggregate }\nmasks: { none: show }\nsees_cost: true\nmay_import: true\n",
    ),
    (
        "sources/till.yaml",
        "title: The till\ncontract: contracts/till.odcs.yaml\nfiles: [{ path: paid.csv, object: paid }]\n",
    ),
    (
        "contracts/till.odcs.yaml",
        "apiVersion: v3.1.0
kind: DataContract
id: till
version: 1.0.0
status: active
schema:
  - name: paid
    customProperties: [{ property: entity, value: event }, { property: person, value: card }, { property: time, value: at }, { property: message_id, value: slip }]
    properties:
      - { name: card, logicalType: string, classification: pseudonym, customProperties: [{ property: purposes, value: [analytics, email] }] }
      - { name: at, logicalType: timestamp, classification: none }
      - { name: slip, logicalType: string, classification: none }
      - { name: amount, logicalType: number, physicalType: 'decimal(18,2)', classification: none, customProperties: [{ property: unit, value: EUR }, { property: purposes, value: [analytics, email] }] }
",
    ),
];

const SUM: &str = "{ kind: trend, purpose: analytics, measure: sum(paid.amount), by: none }";

/// How long something may take, on a machine with much else to do.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// A workspace with its data folder, and the binary at work on them.
struct Shop {
    folder: TempDir,
}

impl Shop {
    fn new() -> Shop {
        let shop = Shop { folder: TempDir::new().expect("a temporary folder can be made") };
        for (path, text) in FILES {
            shop.write(path, text);
        }
        let mut slips = String::from("card,at,slip,amount\n");
        for buyer in 0..N_BUYERS {
            slips.push_str(&format!("c{buyer},2026-03-03T10:00:00Z,first-{buyer},10.10\n"));
        }
        for buyer in 0..3 {
            slips.push_str(&format!("c{buyer},2026-03-04T10:00:00Z,second-{buyer},0.60\n"));
        }
        slips.push_str("c0,yesterday,bad,1.00\n");
        shop.write("paid.csv", &slips);
        shop
    }

    /// A shop whose file is imported.
    fn stocked() -> Shop {
        let shop = Shop::new();
        shop.run(&["import", "--all"]).ends(0);
        shop
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join("workspace").join(path);
        fs::create_dir_all(path.parent().expect("it stands in the workspace")).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_entente"));
        command.args(arguments).env("ENTENTE_WORKSPACE", self.folder.path().join("workspace"));
        command.env("ENTENTE_DATA", self.folder.path().join("data"));
        for name in
            ["ENTENTE_SERVER", "ENTENTE_TOKEN", "ENTENTE_LOG", "ENTENTE_LISTEN", "ENTENTE_PLACES", "ENTENTE_TEMPLATES"]
        {
            command.env_remove(name);
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).stdin(Stdio::null()).output().expect("the binary runs"))
    }

    /// Runs with a question on its input.
    fn ask(&self, arguments: &[&str], question: &str) -> Ended {
        let mut command = self.command(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
        child.stdin.take().expect("it has an input").write_all(question.as_bytes()).expect("it reads its input");
        Ended::of(child.wait_with_output().expect("it ends"))
    }

    fn serve(&self) -> Server {
        self.serve_with("warn", Stdio::null())
    }

    /// Serves with a log of this level.
    fn serve_with(&self, level: &str, log: Stdio) -> Server {
        let mut command = self.command(&["up", "--listen", "127.0.0.1:0"]);
        command.env("ENTENTE_LOG", level);
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().expect("it runs");
        let lines = BufReader::new(child.stdout.take().expect("it prints")).lines();
        let said = lines.map_while(Result::ok).find(|line| line.contains("http://")).expect("it says where it serves");
        let url = said[said.find("http://").expect("just found")..].trim().to_owned();
        Server { child, url }
    }
}

/// A server that ends with its story.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    /// Sends a request with these headers; what comes back, its head included.
    fn send(&self, line: &str, headers: &[(&str, &str)], body: &str) -> String {
        let mut stream = TcpStream::connect(self.url.trim_start_matches("http://")).expect("it listens");
        stream.set_read_timeout(Some(WAIT_MAX)).expect("a connection has a timeout");
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        let head =
            format!("{line} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).expect("it takes requests");
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).expect("it answers and closes");
        String::from_utf8_lossy(&reply).into_owned()
    }

    fn stop(mut self) -> i32 {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status().expect("kill runs");
        assert!(asked.success());
        self.child.wait().expect("it ends").code().expect("it ends by itself")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a command ended.
struct Ended {
    code: i32,
    printed: Vec<u8>,
    said: String,
}

impl Ended {
    fn of(output: Output) -> Ended {
        let code = output.status.code().expect("it ends by itself");
        Ended { code, printed: output.stdout, said: String::from_utf8_lossy(&output.stderr).into_owned() }
    }

    fn printed(&self) -> String {
        String::from_utf8_lossy(&self.printed).into_owned()
    }

    #[track_caller]
    fn ends(self, code: i32) -> Ended {
        assert_eq!(self.code, code, "it printed\n{}\nand said\n{}", self.printed(), self.said);
        self
    }

    #[track_caller]
    fn prints(self, texts: &[&str]) -> Ended {
        let printed = self.printed();
        texts.iter().for_each(|text| assert!(printed.contains(text), "`{text}` is not in\n{printed}"));
        self
    }

    #[track_caller]
    fn says(self, texts: &[&str]) -> Ended {
        texts.iter().for_each(|text| assert!(self.said.contains(text), "`{text}` is not in\n{}", self.said));
        self
    }
}

#[test]
fn check_prints_all_that_is_wrong() {
    let shop = Shop::new();
    shop.run(&["check"]).ends(0).prints(&["1 source,", "nothing is wrong"]);
    shop.write("purposes/email.yaml", "title: e-mail\nbasis: { gdpr: consnt }\nmin_grup: 5\n");
    shop.write("roles/marketer.yaml", "title: Marketer\npurposes: [\n");
    shop.run(&["check"]).ends(2).prints(&[
        "purposes/email.yaml:2:16:",
        "did you mean `consent`",
        "purposes/email.yaml:3:1:",
        "did you mean `min_group`",
        "roles/marketer.yaml:",
    ]);
}

#[test]
fn a_new_key_is_printed_once_and_its_line_is_what_the_source_needs() {
    let shop = Shop::new();
    for (kind, prefix) in [("public", "pk_"), ("secret", "sk_")] {
        let made = shop.run(&["key", "--source", "till", "--kind", kind]).ends(0).says(&["sources/till.yaml", kind]);
        let text = made.printed().trim().to_owned();
        assert!(text.starts_with(prefix) && !text.contains('\n'), "{text}");
        assert_eq!(made.said.contains(&text), kind == "public", "a secret key stands in no file");
        let line = made.said.lines().last().expect("it says what to write");
        shop.write("sources/till.yaml", &format!("contract: contracts/till.odcs.yaml\nkeys:\n{line}\n"));
        shop.run(&["check"]).ends(0).prints(&["nothing is wrong"]);
    }
    shop.write(
        "sources/till.yaml",
        "contract: contracts/till.odcs.yaml\nkeys: [{ name: a, kind: secret, key: sk_a }]\n",
    );
    shop.run(&["check"]).ends(2).prints(&["this key is burnt"]);
    shop.run(&["key", "--name", "Shop 1"]).ends(2).says(&["`Shop 1`"]);
    shop.run(&["key", "--kind", "hidden"]).ends(2).says(&["hidden"]);
    assert!(!shop.folder.path().join("data").exists(), "nothing is kept");
}

#[test]
fn a_folder_without_a_workspace_is_named() {
    let shop = Shop::new();
    let elsewhere = shop.folder.path().join("elsewhere");
    shop.run(&["check", "--workspace", &elsewhere.display().to_string()]).ends(2).says(&["entente.yaml"]);
}

#[test]
fn a_file_of_places_that_cannot_be_used_is_named() {
    let shop = Shop::new();
    shop.run(&["up", "--places", "nowhere.mmdb"]).ends(1).says(&["nowhere.mmdb", "--places"]);
    let file = shop.folder.path().join("workspace/paid.csv").display().to_string();
    shop.run(&["up", "--places", &file]).ends(2).says(&[file.as_str(), ".mmdb"]);
}

#[test]
fn import_closes_its_books_and_a_repeat_changes_nothing() {
    let shop = Shop::new();
    shop.run(&["import", "--all"]).ends(0).prints(&["16", "15", "1 rejected"]);
    shop.run(&["import", "--all"]).ends(0).prints(&["16", "0 stored"]);
    let file = shop.folder.path().join("workspace/paid.csv").display().to_string();
    shop.run(&["import", "till", &file]).ends(0).prints(&["0 stored"]);
    shop.run(&["import", "tilt", &file]).ends(2).says(&["`tilt`", "till"]);
    shop.run(&["import", "till", "nowhere.csv"]).ends(2).says(&["nowhere.csv"]);
    shop.run(&["import"]).ends(2).says(&["--help"]);
    shop.run(&["import", "till", &file, "--as", "mia"]).ends(1).says(&["import"]);
}

#[test]
fn ask_answers_in_every_form() {
    let shop = Shop::stocked();
    shop.ask(&["ask", "-", "--as", "mia"], SUM).ends(0).prints(&["123.00", "EUR", "12 of 12 people may be used"]);
    shop.ask(&["ask", "-", "--as", "mia", "--format", "csv"], SUM).ends(0).prints(&["value\r\n123.00\r\n"]);
    shop.ask(&["ask", "-", "--as", "mia", "--format", "json"], SUM).ends(0).prints(&["123.00", "\"provenance\""]);
    let parquet = shop.ask(&["ask", "-", "--as", "mia", "--format", "parquet"], SUM).ends(0);
    assert!(parquet.printed.starts_with(b"PAR1") && parquet.printed.ends_with(b"PAR1"));
    let arrow = shop.ask(&["ask", "-", "--as", "mia", "--format", "arrow"], SUM).ends(0);
    assert!(arrow.printed.starts_with(&[0xff; 4]), "an Arrow stream starts with its mark");
    shop.write("sum.yaml", SUM);
    let file = shop.folder.path().join("workspace/sum.yaml").display().to_string();
    shop.run(&["ask", &file, "--as", "eve"]).ends(0).prints(&["123.00"]);
}

#[test]
fn a_refusal_ends_with_3_and_nonsense_with_2() {
    let shop = Shop::stocked();
    shop.ask(&["judge", "-", "--as", "mia"], SUM).ends(0).prints(&["Yes."]);
    let email = "{ kind: audience, purpose: email, where: did(paid) }";
    shop.ask(&["judge", "-", "--as", "mia"], email)
        .ends(3)
        .prints(&["Nobody may be used for e-mail", "Ask for analytics"]);
    shop.ask(&["ask", "-", "--as", "mia"], email).ends(3).says(&["Not this way", "Ask for analytics"]);
    let misspelt = "{ kind: trend, purpose: analitics, measure: sum(payd.amount) }";
    shop.ask(&["judge", "-", "--as", "mia"], misspelt).ends(3).prints(&["`analitics`", "`payd`", "sum(paid.amount)"]);
    let nonsense = "{ kind: funnel, purpose: analytics, steps: [paid, paid], within: -1 days, colour: red }";
    shop.ask(&["ask", "-", "--as", "mia"], nonsense).ends(2).says(&["-1 days", "colour"]);
    shop.ask(&["ask", "-", "--as", "mia"], "{ kind: [").ends(2).says(&["-:2:1:"]);
    shop.ask(&["ask", "-"], SUM).ends(2).says(&["--as"]);
    shop.ask(&["ask", "-", "--as", "nobody"], SUM).ends(1);
}

#[test]
fn commands_go_through_the_server_that_runs() {
    let shop = Shop::new();
    let server = shop.serve();
    let pid = server.child.id().to_string();
    for address in ["127.0.0.1:0", server.url.trim_start_matches("http://")] {
        shop.run(&["up", "--listen", address]).ends(1).says(&[&pid, &server.url]);
    }
    shop.ask(&["ask", "-", "--as", "mia"], SUM).ends(0).prints(&["123.00"]);
    let more = "card,at,slip,amount\nc1,2026-03-05T10:00:00Z,third-1,7.00\n";
    shop.write("paid_more.csv", more);
    let file = shop.folder.path().join("workspace/paid_more.csv").display().to_string();
    shop.run(&["import", "till", &file]).ends(2).says(&["--as"]);
    shop.run(&["import", "till", &file, "--as", "eve"]).ends(0).prints(&["1 stored"]);
    shop.ask(&["ask", "-", "--as", "mia"], SUM).ends(0).prints(&["130.00"]);

    let token = shop.run(&["token", "mia", "--for", "1 days"]).ends(0).printed().trim().to_owned();
    let far =
        |token: &str, question: &str| shop.ask(&["ask", "-", "--server", &server.url, "--token", token], question);
    far(&token, SUM).ends(0).prints(&["130.00"]);
    far("wrong", SUM).ends(1).says(&["entente:"]);
    shop.run(&["import", "till", &file, "--server", &server.url, "--token", &token]).ends(1).says(&["may not"]);
    assert_eq!(server.stop(), 0);
    // The folder is free again, and nothing is lost.
    shop.ask(&["ask", "-", "--as", "mia"], SUM).ends(0).prints(&["130.00"]);
}

#[test]
fn a_damaged_file_does_not_keep_the_others_out() {
    let shop = Shop::new();
    let files = "title: The till\ncontract: contracts/till.odcs.yaml\nfiles: [{ path: gone.csv, object: paid }, { path: paid.parquet, object: paid }, { path: paid.csv, object: paid }]\n";
    shop.write("sources/till.yaml", files);
    shop.write("paid.parquet", "PAR1 and then nothing of the sort");
    let _server = shop.serve();
    shop.ask(&["ask", "-", "--as", "mia"], SUM).ends(0).prints(&["123.00"]);
}

#[test]
fn secrets_are_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let shop = Shop::stocked();
    let _server = shop.serve();
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    let data = shop.folder.path().join("data");
    assert_eq!(mode(&data), 0o700);
    for secret in ["owner.secret", "server.address"] {
        assert_eq!(mode(&data.join(secret)), 0o600, "{secret}");
    }
}

#[test]
fn help_completions_and_the_manual_come_from_one_definition() {
    let shop = Shop::new();
    shop.run(&["--help"]).ends(0).prints(&["Exit codes", "judge"]);
    shop.run(&["completions", "bash"]).ends(0).prints(&["judge"]);
    shop.run(&["manual"]).ends(0).prints(&[".TH", "judge"]);
    shop.run(&["judg"]).ends(2).says(&["judge"]);
}

/// What stands in an id and an address, and nowhere else.
const CANARY: &str = "5150canary";
const WEB_KEY: &str = "pk_0000000000000000000000000000000000000000";
/// Traits, with an address that goes to the vault.
const BUYERS: &str = "  - name: buyer
    customProperties: [{ property: entity, value: traits }, { property: person, value: card }]
    properties:
      - { name: card, logicalType: string, classification: pseudonym, customProperties: [{ property: purposes, value: [analytics, email] }] }
      - { name: email, logicalType: string, classification: direct, customProperties: [{ property: purposes, value: [email] }] }
      - { name: nick, logicalType: string, classification: none, customProperties: [{ property: purposes, value: [analytics, email] }] }
";

#[test]
fn case_70_neither_log_nor_metrics_nor_environment_name_anybody() {
    let shop = Shop::new();
    let (path, till) = FILES[FILES.len() - 1];
    shop.write(path, &format!("{till}{BUYERS}"));
    let (path, source) = FILES[FILES.len() - 2];
    shop.write(path, &format!("{source}keys: [{{ name: web, kind: public, key: {WEB_KEY} }}]\n"));
    let log = shop.folder.path().join("log");
    let server = shop.serve_with("trace", fs::File::create(&log).expect("a file can be made").into());
    let (id, address) = (format!("{CANARY}-user"), format!("{CANARY}@example.org"));

    let paid = |slip: &str, amount: serde_json::Value| {
        json!({
            "type": "track", "event": "paid", "messageId": slip, "userId": id, "timestamp": "2026-03-05T10:00:00Z",
            "properties": { "amount": amount, "email": address },
        })
    };
    let batch = json!({ "batch": [
        paid("m-1", json!(5)),
        paid("m-2", json!(address)),
        { "type": "identify", "userId": id, "traits": { "email": address, "nick": id } },
        { "type": "track", "event": "paid", "userId": format!("{id}\u{0}") },
    ] })
    .to_string();
    let bearer = format!("Bearer {WEB_KEY}");
    let intake = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let taken = server.send("POST /v1/batch", &intake, &batch);
    assert!(taken.starts_with("HTTP/1.1 200"), "{taken}");
    let torn = server.send("POST /v1/identify", &intake, &batch[..batch.len() - 9]);
    assert!(torn.starts_with("HTTP/1.1 400"), "{torn}");

    shop.write(
        "paid_more.csv",
        &format!("card,at,slip,amount\n{id},2026-03-05,third-1,7.00\n{id},2026-03-05,third-2,{address}\n"),
    );
    let file = shop.folder.path().join("workspace/paid_more.csv").display().to_string();
    shop.run(&["import", "till", &file, "--as", "eve"]).ends(0).prints(&["1 stored"]);

    let owner = fs::read_to_string(shop.folder.path().join("data/owner.secret")).expect("we own the folder");
    let as_eve = [("x-entente-owner", owner.trim()), ("x-entente-as", "eve")];
    let start = Instant::now();
    // What is kept aside is shown once it has landed.
    while !server.send("GET /api/v1/quarantine", &as_eve, "").contains("\"messages\":") {
        assert!(start.elapsed() < WAIT_MAX, "the message does not land");
        std::thread::sleep(Duration::from_millis(20));
    }
    let trend = format!(
        "{{ kind: trend, purpose: analytics, measure: sum(paid.amount), by: none, where: \"nick IS NULL OR nick <> '{id}'\" }}"
    );
    shop.ask(&["ask", "-", "--as", "mia"], &trend).ends(0);
    let audience = format!("{{ kind: audience, purpose: analytics, where: \"nick = '{address}'\" }}");
    shop.ask(&["ask", "-", "--as", "mia"], &audience).ends(3);
    let sql =
        format!("{{ kind: sql, purpose: analytics, text: \"SELECT count(*) AS n FROM people WHERE nick = '{id}'\" }}");
    shop.ask(&["ask", "-", "--as", "mia"], &sql).ends(3);
    shop.ask(&["ask", "-", "--as", "mia"], &audience.replace("'\"", "\"")).ends(2);

    let metrics = server.send("GET /api/v1/collector/metrics", &as_eve, "");
    assert!(metrics.starts_with("HTTP/1.1 200") && !metrics.contains(CANARY), "{metrics}");
    for name in ["environ", "cmdline"] {
        let bytes = fs::read(format!("/proc/{}/{name}", server.child.id())).expect("the process is ours");
        assert!(!String::from_utf8_lossy(&bytes).contains(CANARY), "{name}");
    }
    assert_eq!(server.stop(), 0);
    let log = fs::read_to_string(&log).expect("it is text");
    assert!(log.contains("DEBUG"), "nothing was logged, so nothing was proved: {log}");
    let told: Vec<&str> = log.lines().filter(|line| line.contains(CANARY)).take(5).collect();
    assert!(told.is_empty(), "{told:#?}");
}
