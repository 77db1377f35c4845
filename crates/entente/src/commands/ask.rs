//! `entente ask` and `entente judge`.

use crate::arguments::{Ask, Format, Judge, JudgeFormat, Place};
use crate::client::cannot_read;
use crate::commands::{patience, print};
use crate::table::{printable, table};
use crate::{Ending, place};
use serde_json::Value as Json;
use serde_json::value::RawValue;
use spec::{Error, ErrorKind, Result};
use std::io::Read;
use std::path::Path;

/// The longest question that is read.
const QUESTION_BYTES_MAX: u64 = 1 << 20;

/// Asks a question and prints the answer.
pub(crate) fn ask(place: &Place, arguments: &Ask) -> Result<Ending> {
    let Some(body) = request(&arguments.file)? else {
        return Ok(Ending::WrongInput);
    };
    let seat = place::seat(place, arguments.user.as_deref())?;
    let accept = match arguments.format {
        Format::Table | Format::Json => "application/json",
        Format::Csv => "text/csv",
        Format::Arrow => "application/vnd.apache.arrow.stream",
        Format::Parquet => "application/vnd.apache.parquet",
    };
    let reply = patience::ask(&seat.client, &body, accept)?;
    if reply.status != 200 {
        return problem(reply.status, &serde_json::from_slice(&reply.body).unwrap_or_default());
    }
    match arguments.format {
        Format::Table => print(print_answer(&reply.body)?.as_bytes())?,
        _ => print(&reply.body)?,
    }
    Ok(Ending::Done)
}

/// Judges a question and prints the verdict.
pub(crate) fn judge(place: &Place, arguments: &Judge) -> Result<Ending> {
    let Some(body) = request(&arguments.file)? else {
        return Ok(Ending::WrongInput);
    };
    let seat = place::seat(place, arguments.user.as_deref())?;
    let reply = seat.client.post_json("/api/v1/judge", &body, "application/json")?;
    let json: Json = serde_json::from_slice(&reply.body).unwrap_or_default();
    if reply.status != 200 {
        return problem(reply.status, &json);
    }
    let verdict = &json["verdict"];
    match arguments.format {
        JudgeFormat::Json => print(&reply.body)?,
        JudgeFormat::Table => print(verdict_text(verdict).as_bytes())?,
    }
    Ok(if verdict["outcome"] == "yes" { Ending::Done } else { Ending::Refused })
}

/// The body of a request from a file; `None` when the file is wrong, and it was said how.
fn request(file: &Path) -> Result<Option<String>> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().take(QUESTION_BYTES_MAX + 1).read_to_string(&mut text)
    } else {
        let opened = std::fs::File::open(file).map_err(|cause| cannot_read(file, cause))?;
        opened.take(QUESTION_BYTES_MAX + 1).read_to_string(&mut text)
    };
    read.map_err(|cause| cannot_read(file, cause))?;
    if text.len() as u64 > QUESTION_BYTES_MAX {
        let message = format!("`{}` is larger than 1 MiB, which no question is", file.display());
        return Err(Error::new(ErrorKind::Invalid, message).with_hint("is it the right file?"));
    }
    match app::question_from_text(&text, &file.display().to_string()) {
        Ok(question) => Ok(Some(serde_json::json!({ "question": question }).to_string())),
        Err(report) => {
            eprint!("{report}");
            Ok(None)
        }
    }
}

/// Says what a server refused, and how the command ends.
pub(crate) fn problem(status: u16, body: &Json) -> Result<Ending> {
    if body["verdict"].is_object() {
        eprint!("{}", verdict_text(&body["verdict"]));
        return Ok(Ending::Refused);
    }
    if let Some(errors) = body["errors"].as_array() {
        for error in errors {
            let place = printable(error["path"].as_str().unwrap_or_default());
            let message = printable(error["message"].as_str().unwrap_or_default());
            eprintln!("{place}:{}:{}: {message}", error["line"], error["column"]);
            if let Some(hint) = error["hint"].as_str().filter(|hint| !hint.is_empty()) {
                eprintln!("  {}", printable(hint));
            }
        }
        return Ok(Ending::WrongInput);
    }
    let text = |key: &str| body[key].as_str().map(printable);
    let message = text("detail").or_else(|| text("title")).unwrap_or_else(|| format!("the server answered {status}"));
    let kind = match status {
        400 | 404 | 413 | 415 | 422 => ErrorKind::Invalid,
        401 | 403 => ErrorKind::Denied,
        _ => ErrorKind::Unavailable,
    };
    let error = Error::new(kind, message);
    Err(match text("hint") {
        Some(hint) => error.with_hint(&hint),
        None => error,
    })
}

/// A verdict for reading.
fn verdict_text(verdict: &Json) -> String {
    let outcome = match verdict["outcome"].as_str() {
        Some("yes") => "Yes.",
        Some("yes_if") => "Yes, if:",
        _ => "Not this way:",
    };
    let mut text = format!("{outcome}\n");
    let list = |value: &Json| value.as_array().cloned().unwrap_or_default();
    for reason in list(&verdict["reasons"]) {
        text.push_str(&format!("  {}\n", printable(reason["for_marketing"].as_str().unwrap_or_default())));
        text.push_str(&format!("    IT: {}\n", printable(reason["for_it"].as_str().unwrap_or_default())));
        for remedy in list(&reason["remedies"]) {
            text.push_str(&remedy_text(&remedy));
        }
    }
    text
}

fn remedy_text(remedy: &Json) -> String {
    let title = printable(remedy["title"].as_str().unwrap_or_default());
    if remedy["question"].is_object() {
        let effect = remedy["effect"]["summary"].as_str().filter(|effect| !effect.is_empty());
        let effect = effect.map_or_else(String::new, |effect| format!(" ({})", printable(effect)));
        return format!("    -> {title}{effect}\n       {}\n", printable(&remedy["question"].to_string()));
    }
    let who = printable(remedy["gap"]["who"].as_str().unwrap_or_default());
    let file = remedy["gap"]["file"].as_str().map_or_else(String::new, |file| format!(", in {}", printable(file)));
    let within = remedy["gap"]["within"].as_str();
    let within = within.map_or_else(String::new, |within| format!(", usually within {}", printable(within)));
    format!("    or {title}: {who}{within}{file}\n")
}

/// An answer for reading: the table, the waterfall or the sample ratio, how we know.
fn print_answer(body: &[u8]) -> Result<String> {
    let broken = |_| Error::new(ErrorKind::Unavailable, "the server's answer makes no sense".to_owned());
    let answer: Json = serde_json::from_slice(body).map_err(broken)?;
    // Cells are kept as they were written, so that 386.90 does not become 386.9.
    let raw: std::collections::HashMap<&str, &RawValue> = serde_json::from_slice(body).map_err(broken)?;
    let rows = raw.get("rows").map_or("[]", |rows| rows.get());
    let rows: Vec<Vec<Box<RawValue>>> = serde_json::from_str(rows).map_err(broken)?;
    let columns = answer["columns"].as_array().cloned().unwrap_or_default();
    let headings: Vec<String> = columns.iter().map(heading).collect();
    let is_number: Vec<bool> = columns
        .iter()
        .map(|column| matches!(column["type"].as_str(), Some("integer" | "number" | "decimal")))
        .collect();
    let cells: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| cell_text(cell)).collect()).collect();
    let mut text = table(&headings, &cells, &is_number);
    text.push('\n');
    if let Some(steps) = answer["waterfall"].as_array() {
        let count = |value: &Json| value.as_u64().map_or_else(|| "-".to_owned(), |count| count.to_string());
        let row = |step: &Json| {
            vec![printable(step["title"].as_str().unwrap_or_default()), count(&step["people"]), count(&step["left"])]
        };
        let rows: Vec<Vec<String>> = steps.iter().map(row).collect();
        let headings = ["From everybody to these people", "people", "left out"].map(str::to_owned);
        text.push_str(&format!("\n{}\n", table(&headings, &rows, &[false, true, true])));
    }
    if answer["sample_ratio"].is_object() {
        text.push_str(&format!("\n{}\n", ratio_text(&answer["sample_ratio"])));
    }
    text.push_str(&format!("\n{}\n", provenance_text(&answer["provenance"])));
    Ok(text)
}

/// Whether the variants of an experiment got the people that they were meant to get.
fn ratio_text(ratio: &Json) -> String {
    let variants = ratio["variants"].as_array().map(Vec::as_slice).unwrap_or_default();
    let row = |share: &Json| {
        let name = share["variant"].as_str().map_or_else(|| share["variant"].to_string(), str::to_owned);
        let people = share["people"].as_u64().map_or_else(|| "-".to_owned(), |people| people.to_string());
        let meant = share["expected"].as_f64().map_or_else(|| "-".to_owned(), |meant| format!("{meant:.1}"));
        vec![printable(&name), people, meant]
    };
    let rows: Vec<Vec<String>> = variants.iter().map(row).collect();
    let headings = ["Variant", "people", "meant"].map(str::to_owned);
    let mut text =
        if rows.is_empty() { String::new() } else { format!("{}\n", table(&headings, &rows, &[false, true, true])) };
    let p = ratio["p"].as_f64().unwrap_or_default();
    let p = if p < 0.0001 { "p < 0.0001".to_owned() } else { format!("p = {p:.4}") };
    text.push_str(&match ratio["alarm"].as_bool() {
        Some(false) => format!("People per variant are as was meant ({p})"),
        Some(true) => format!(
            "People per variant are NOT as was meant ({p}): look at how people are split before reading the figures"
        ),
        None => "Too few people, or one variant alone, to say whether people per variant are as was meant".to_owned(),
    });
    if let Some(several) = ratio["several"].as_u64() {
        text.push_str(&format!("; left out for several variants: {several}"));
    }
    text
}

fn heading(column: &Json) -> String {
    let name = printable(column["name"].as_str().unwrap_or_default());
    match column["unit"].as_str() {
        Some(unit) if unit != name => format!("{name} ({})", printable(unit)),
        _ => name,
    }
}

fn cell_text(cell: &RawValue) -> String {
    match serde_json::from_str(cell.get()) {
        Ok(Json::Null) => "-".to_owned(),
        Ok(Json::String(text)) => printable(&text),
        _ => cell.get().to_owned(),
    }
}

fn provenance_text(provenance: &Json) -> String {
    let count = |value: &Json| value.as_u64().map_or_else(|| "few".to_owned(), |count| count.to_string());
    let people = &provenance["people"];
    let mut text = format!("{} of {} people may be used", count(&people["used"]), count(&people["known"]));
    for (why, n_people) in people["withheld"].as_object().into_iter().flatten() {
        text.push_str(&format!(", {} left out ({why})", count(n_people)));
    }
    let landed = provenance["landed_until"].as_str().unwrap_or("never");
    let version = provenance["policy_version"].as_str().unwrap_or_default();
    format!("{text}; landed until {landed}; rules {version}")
}

#[cfg(test)]
mod tests;
