//! The workspace that is measured: one event of a dozen properties, one key without limits, one role that may everything.

use std::path::Path;
use xtask::shell::Result;

/// The event that is sent.
pub(super) const EVENT: &str = "product_measured";
/// The write key.
pub(super) const KEY: &str = "pk_benchBenchBenchBenchBenchBenchBench";
/// Who asks.
pub(super) const USER: &str = "bench";
/// Why.
pub(super) const PURPOSE: &str = "measuring";

/// The event's properties beside person, time and message id: name and type, with the decimal's digits.
const PROPERTIES: [(&str, &str); 11] = [
    ("stage", "string"),
    ("canary", "string"),
    ("product_id", "integer"),
    ("category", "string"),
    ("price", "number, physicalType: 'decimal(12,2)'"),
    ("quantity", "integer"),
    ("currency", "string"),
    ("is_member", "boolean"),
    ("rating", "number"),
    ("page_path", "string"),
    ("note", "string"),
];

/// Writes its files into a folder.
pub(super) fn write(folder: &Path) -> Result<()> {
    let files = [
        ("entente.yaml", "title: Bench\n".to_owned()),
        ("users.yaml", format!("users:\n  - {{ name: {USER}, role: bench }}\n")),
        ("purposes/measuring.yaml", purpose()),
        ("roles/bench.yaml", role()),
        ("sources/bench.yaml", source()),
        ("contracts/bench.odcs.yaml", contract()),
    ];
    for (name, text) in files {
        let path = folder.join(name);
        let parent = path.parent().expect("a file lies in a folder");
        let written = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, text));
        written.map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

fn purpose() -> String {
    let basis = "{ gdpr: legitimate_interest, ccpa: legitimate_interest, us_other: legitimate_interest }";
    format!("title: {PURPOSE}\nbasis: {basis}\nmin_group: 2\ndifferences: shown\n")
}

fn role() -> String {
    format!(
        "purposes: {{ {PURPOSE}: profile }}\n\
         masks: {{ none: show, pseudonym: show, direct: show, sensitive: show }}\n\
         sees_cost: true\nmay_import: true\nmay_define: true\n"
    )
}

fn source() -> String {
    let key = format!("name: bench, kind: public, key: {KEY}");
    let limits = "events_per_second: 1000000, events_per_day: 100000000000";
    format!("contract: contracts/bench.odcs.yaml\nkeys:\n  - {{ {key}, {limits} }}\n")
}

fn contract() -> String {
    let property = |name: &str, kind: &str, class: &str| {
        format!(
            "      - {{ name: {name}, logicalType: {kind}, classification: {class}, \
             customProperties: [{{ property: purposes, value: [{PURPOSE}] }}] }}\n"
        )
    };
    let mut text = format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: bench\nversion: 1.0.0\nstatus: active\n\
         schema:\n  - name: {EVENT}\n    logicalType: object\n    customProperties:\n"
    );
    let roles = [
        ("entity", "event"),
        ("person", "user_id"),
        ("time", "ts"),
        ("message_id", "message_id"),
        ("past", "was measured"),
    ];
    for (name, value) in roles {
        text.push_str(&format!("      - {{ property: {name}, value: {value} }}\n"));
    }
    text.push_str("    properties:\n");
    text.push_str(&property("user_id", "string", "pseudonym"));
    text.push_str(&property("ts", "timestamp", "none"));
    text.push_str(&property("message_id", "string", "none"));
    for (name, kind) in PROPERTIES {
        text.push_str(&property(name, kind, "none"));
    }
    text
}
