//! `entente key`: a write key for a source.

use crate::Ending;
use crate::arguments::{Key, KeyKind};
use crate::commands::say;
use spec::Result;

/// Prints a new key, and what the source's file needs of it; neither is kept.
pub(crate) fn run(arguments: &Key) -> Result<Ending> {
    let kind = match arguments.kind {
        KeyKind::Public => spec::KeyKind::Public,
        KeyKind::Secret => spec::KeyKind::Secret,
    };
    let key = app::make_key(kind, arguments.name.as_deref().unwrap_or(kind.name()))?;
    say(&key.text)?;
    let source = arguments.source.as_deref().unwrap_or("NAME");
    eprintln!("Put this under `keys:` of `sources/{source}.yaml`:\n{}", key.yaml);
    Ok(Ending::Done)
}
