//! The workspace in which messages are sent: one event, one key without limits that matter, one role that may everything.

use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use xtask::shell::Result;

/// The event that is sent.
pub(super) const EVENT: &str = "thing_done";
/// The text of the write key.
pub(super) const KEY: &str = "sk_crash01234567890123456789012345678901";
/// The source that it is of.
pub(super) const SOURCE: &str = "site";
/// Who asks.
pub(super) const USER: &str = "witness";
/// Why.
pub(super) const PURPOSE: &str = "analytics";

/// Where everything lies.
pub(super) struct World {
    pub(super) workspace: PathBuf,
    pub(super) data: PathBuf,
    /// What the program says, over all its lives.
    pub(super) log: PathBuf,
    /// What was sent, for whoever looks for a message.
    pub(super) truth: PathBuf,
}

impl World {
    /// Writes the workspace into a folder.
    pub(super) fn new(folder: &Path) -> Result<World> {
        let world = World {
            workspace: folder.join("workspace"),
            data: folder.join("data"),
            log: folder.join("program.log"),
            truth: folder.join("sent.csv"),
        };
        let digest: String = Sha256::digest(KEY).iter().map(|byte| format!("{byte:02x}")).collect();
        let files = [
            ("entente.yaml", "title: Crash\n".to_owned()),
            ("users.yaml", format!("users:\n  - {{ name: {USER}, role: witness }}\n")),
            ("roles/witness.yaml", ROLE.to_owned()),
            ("purposes/analytics.yaml", PURPOSE_FILE.to_owned()),
            ("sources/site.yaml", SOURCE_FILE.replace("DIGEST", &digest)),
            ("contracts/site.odcs.yaml", CONTRACT.to_owned()),
        ];
        for (name, text) in files {
            let path = world.workspace.join(name);
            let parent = path.parent().expect("a file lies in a folder");
            let written = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, text));
            written.map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(world)
    }

    /// What the program has said so far.
    pub(super) fn said(&self) -> Result<String> {
        let said = std::fs::read(&self.log).map_err(|error| format!("{}: {error}", self.log.display()))?;
        Ok(String::from_utf8_lossy(&said).into_owned())
    }
}

const ROLE: &str = "\
purposes: { analytics: profile }
masks: { none: show, pseudonym: show, direct: show, sensitive: show }
sees_cost: true
may_import: true
may_define: true
";

const PURPOSE_FILE: &str = "\
title: analytics
basis: { gdpr: legitimate_interest, ccpa: legitimate_interest, us_other: legitimate_interest }
min_group: 2
differences: shown
";

const SOURCE_FILE: &str = "\
contract: contracts/site.odcs.yaml
keys:
  - { name: sender, kind: secret, sha256: DIGEST, events_per_second: 1000000, events_per_day: 100000000000 }
";

const CONTRACT: &str = "\
apiVersion: v3.1.0
kind: DataContract
id: crash
version: 1.0.0
status: active
customProperties:
  - { property: on_unknown_event, value: reject }
  - { property: on_bad_value, value: reject }
  - { property: on_bad_time, value: reject }
schema:
  - name: thing_done
    logicalType: object
    customProperties:
      - { property: entity, value: event }
      - { property: person, value: user_id }
      - { property: time, value: ts }
      - { property: message_id, value: message_id }
    properties:
      - name: user_id
        logicalType: string
        classification: pseudonym
        customProperties: [{ property: purposes, value: [analytics] }]
      - name: ts
        logicalType: timestamp
        required: true
        classification: none
        customProperties: [{ property: purposes, value: [analytics] }]
      - name: message_id
        logicalType: string
        classification: none
        customProperties: [{ property: purposes, value: [analytics] }]
      - name: batch
        logicalType: string
        required: true
        classification: none
        customProperties: [{ property: purposes, value: [analytics] }]
      - name: number
        logicalType: integer
        required: true
        classification: none
        customProperties: [{ property: purposes, value: [analytics] }]
";
