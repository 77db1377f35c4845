//! What a monitoring system reads: the pulse and the books as text in Prometheus' exposition format.
//!
//! Invariant: labels come from files of the workspace (sources, keys) and from fixed words and reasons that say nothing
//! of a value, so there are few of them and none names a person.

use crate::gate::Caller;
use crate::pages::live::check_sees;
use crate::problem::Problem;
use crate::routes::App;
use api::{BooksView, Pulse};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::fmt::{Display, Write};

const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(crate) async fn metrics(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    check_sees(&caller)?;
    let (collector, product) = (app.collector.clone(), app.product.clone());
    // Not behind questions: monitoring has to see a server that is busy.
    let found = app.checks.run(move || Ok((collector.pulse(), product.books(&caller.who, 0)?)));
    let (pulse, books) = found.await?;
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], text(&pulse, &books)).into_response())
}

fn text(pulse: &Pulse, books: &BooksView) -> String {
    let mut out = Exposition::default();
    of_keys(&mut out, pulse);
    out.family("entente_books_messages_total", "counter", "Messages in the books, by what became of them.");
    for line in &books.totals {
        for (fate, count) in [("stored", line.stored), ("duplicate", line.duplicate), ("rejected", line.rejected)] {
            out.sample(&[("source", &line.source), ("key", &line.key), ("fate", fate)], count);
        }
    }
    for (name, help, value) in [
        ("entente_log_bytes", "Bytes of the intake log.", pulse.log_bytes as f64),
        ("entente_log_records", "Records of the intake log that are not in the tables.", pulse.log_records as f64),
        ("entente_log_durable", "1 while the last write to the intake log succeeded.", flag(pulse.is_durable)),
        ("entente_landing_lag_seconds", "How long the oldest of them has waited.", pulse.lag_micros as f64 / 1e6),
        ("entente_landing_up", "1 while the last landing succeeded.", flag(pulse.is_landing)),
    ] {
        out.family(name, "gauge", help);
        out.sample(&[], value);
    }
    out.text
}

/// What came with each key since the server started.
fn of_keys(out: &mut Exposition, pulse: &Pulse) {
    out.family("entente_messages_total", "counter", "Messages since the server started, by what they were told.");
    for key in &pulse.keys {
        let n_rejected = key.rejected.iter().map(|(_, n_messages)| n_messages).sum();
        let outcomes = [("accepted", key.accepted), ("quarantined", key.quarantined), ("rejected", n_rejected)];
        for (outcome, count) in outcomes {
            out.sample(&[("source", &key.source), ("key", &key.key), ("outcome", outcome)], count);
        }
    }
    out.family("entente_messages_rejected_total", "counter", "Messages that were refused, by reason.");
    for key in &pulse.keys {
        for (reason, count) in &key.rejected {
            out.sample(&[("source", &key.source), ("key", &key.key), ("reason", reason)], count);
        }
    }
    out.family("entente_last_message_timestamp_seconds", "gauge", "When the last message came.");
    for key in &pulse.keys {
        if let Some(micros) = key.last_micros {
            out.sample(&[("source", &key.source), ("key", &key.key)], micros as f64 / 1e6);
        }
    }
}

fn flag(is_so: bool) -> f64 {
    if is_so { 1.0 } else { 0.0 }
}

/// The text so far.
#[derive(Default)]
struct Exposition {
    text: String,
    name: &'static str,
}

impl Exposition {
    /// Begins the samples of one name.
    fn family(&mut self, name: &'static str, kind: &str, help: &str) {
        self.name = name;
        writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}").expect("a string takes all");
    }

    fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        writeln!(self.text, "{}{labels} {value}", self.name).expect("a string takes all");
    }
}

/// A label's value, in which three characters may not stand as they are.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::KeyPulse;

    #[test]
    fn a_label_cannot_make_a_line_of_its_own() {
        let key = KeyPulse { source: "a\"} 1\nevil 2".to_owned(), key: "\\".to_owned(), ..KeyPulse::default() };
        let text = text(&Pulse { keys: vec![key], ..Pulse::default() }, &BooksView::default());
        let line = text.lines().find(|line| line.starts_with("entente_messages_total")).expect("it is there");
        assert_eq!(line, r#"entente_messages_total{source="a\"} 1\nevil 2",key="\\",outcome="accepted"} 0"#);
        assert!(!text.lines().any(|line| line.starts_with("evil")));
    }

    #[test]
    fn every_sample_follows_its_type() {
        let text = text(&Pulse { is_landing: true, lag_micros: 1_500_000, ..Pulse::default() }, &BooksView::default());
        assert!(text.contains("# TYPE entente_landing_lag_seconds gauge\nentente_landing_lag_seconds 1.5\n"), "{text}");
        assert!(text.contains("entente_landing_up 1\n") && text.contains("entente_log_durable 0\n"), "{text}");
    }
}
