//! The workspace in which engines are measured: a dozen events of ten properties, a trait, and a purpose that needs consent.

use super::data::{EVENTS, TEXTS};
use sha2::{Digest, Sha256};
use std::path::Path;
use xtask::shell::Result;

/// Who asks.
pub(super) const USER: &str = "bench";
/// Why.
pub(super) const PURPOSE: &str = "measuring";

/// Who may have figures and no lists.
pub(super) const ASKER: &str = "asker";
/// A purpose for which nobody may be used, and no field.
pub(super) const OTHER_PURPOSE: &str = "mailing";

/// With which new events of known people are sent; it opens nothing but this.
pub(super) const KEY: &str = "sk_bench_EnginesBenchEnginesBenchEngines";

/// Where files of data lie in it.
pub(super) const FILES: &str = "files";

/// Writes its definitions into a folder.
pub(super) fn write(folder: &Path) -> Result<()> {
    write_with(folder, "shown")
}

/// The same with differences guarded, or shown.
pub(super) fn write_with(folder: &Path, differences: &str) -> Result<()> {
    let basis = "{ gdpr: consent, ccpa: consent, us_other: consent }";
    let role = format!(
        "purposes: {{ {PURPOSE}: profile }}\n\
         masks: {{ none: show, pseudonym: show, direct: show, sensitive: show }}\n\
         sees_cost: true\nmay_import: true\nmay_define: true\n"
    );
    let files = [
        ("entente.yaml", "title: Engines\n".to_owned()),
        ("users.yaml", format!("users:\n  - {{ name: {USER}, role: bench }}\n  - {{ name: {ASKER}, role: asker }}\n")),
        (
            "purposes/mailing.yaml",
            format!("title: {OTHER_PURPOSE}\nbasis: {basis}\nmin_group: 2\ndifferences: shown\n"),
        ),
        (
            "roles/asker.yaml",
            format!("purposes: {{ {PURPOSE}: aggregate, {OTHER_PURPOSE}: aggregate }}\nmasks: {{ none: show }}\n"),
        ),
        (
            "purposes/measuring.yaml",
            format!("title: {PURPOSE}\nbasis: {basis}\nmin_group: 2\ndifferences: {differences}\n"),
        ),
        ("roles/bench.yaml", role),
        ("sources/shop.yaml", source()),
        ("contracts/shop.odcs.yaml", contract()),
    ];
    for (name, text) in files {
        let path = folder.join(name);
        let parent = path.parent().expect("a file lies in a folder");
        let written = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, text));
        written.map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

fn source() -> String {
    let objects = ["consent", "profile"].into_iter().chain(EVENTS.into_iter().map(|(name, _)| name));
    let file = |name: &str| format!("  - {{ path: {FILES}/{name}.parquet, object: {name} }}\n");
    let files: String = objects.map(file).collect();
    let digest: String = Sha256::digest(KEY).iter().map(|byte| format!("{byte:02x}")).collect();
    let limits = "events_per_second: 1000000, events_per_day: 100000000000";
    format!(
        "contract: contracts/shop.odcs.yaml\nfiles:\n{files}\
         keys:\n  - {{ name: bench, kind: secret, sha256: {digest}, {limits} }}\n"
    )
}

fn contract() -> String {
    let mut text =
        "apiVersion: v3.1.0\nkind: DataContract\nid: shop\nversion: 1.0.0\nstatus: active\nschema:\n".to_owned();
    text.push_str(&object("consent", "consent", true, &[("purpose", "string"), ("state", "string")]));
    text.push_str(&object("profile", "traits", false, &[("plan", "string")]));
    let mut fields: Vec<(&str, &str)> = TEXTS.iter().map(|(name, ..)| (*name, "string")).collect();
    fields.extend([
        ("product_id", "integer"),
        ("price", "number, physicalType: 'decimal(12,2)'"),
        ("quantity", "integer"),
    ]);
    for (name, _) in EVENTS {
        text.push_str(&object(name, "event", true, &fields));
    }
    text
}

fn object(name: &str, entity: &str, has_time: bool, fields: &[(&str, &str)]) -> String {
    let mut text = format!("  - name: {name}\n    logicalType: object\n    customProperties:\n");
    let mut say = |property: &str, value: &str| {
        text.push_str(&format!("      - {{ property: {property}, value: {value} }}\n"));
    };
    say("entity", entity);
    say("person", "person");
    say("person_prefix", "p");
    if has_time {
        say("time", "ts");
    }
    if entity == "event" {
        say("past", "did it");
    }
    text.push_str("    properties:\n");
    text.push_str(&field("person", "integer, required: true", "pseudonym"));
    if has_time {
        text.push_str(&field("ts", "timestamp, required: true", "none"));
    }
    fields.iter().for_each(|(name, kind)| text.push_str(&field(name, kind, "none")));
    text
}

fn field(name: &str, kind: &str, class: &str) -> String {
    format!(
        "      - {{ name: {name}, logicalType: {kind}, classification: {class}, \
         customProperties: [{{ property: purposes, value: [{PURPOSE}] }}] }}\n"
    )
}
