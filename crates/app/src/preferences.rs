//! How one person stands with every purpose, for that person alone: what the page of preferences shows.

use crate::state::State;
use api::{LinkHolder, PreferenceView, PreferencesView, SignalView};
use chrono::SecondsFormat;
use lake::SignalWord;
use sha2::{Digest, Sha256};
use spec::{Purpose, Result};

/// The signal of the page itself.
const SIGNAL: &str = "preferences";
/// How much of a digest makes the version of a text.
const VERSION_BYTES: usize = 8;

/// What the holder of a link agreed to.
///
/// No grant is asked for, and nothing is on record: this is what a person said, told to the person.
pub(crate) fn view(state: &State, holder: &LinkHolder) -> Result<PreferencesView> {
    let loaded = state.folder.current()?;
    let definitions = &loaded.definitions;
    let snapshot = state.lake.snapshot();
    let mut text = Sha256::new();
    let mut purposes = Vec::with_capacity(definitions.purposes.len());
    for purpose in definitions.purposes.values() {
        for part in [&purpose.name, &purpose.title, &purpose.description] {
            // With a length, so that no two texts run into the same bytes.
            text.update(part.len().to_le_bytes());
            text.update(part);
        }
        let standing = snapshot.standing(&holder.user_id, purpose, &definitions.laws);
        purposes.push(preference(purpose, standing));
    }
    let text_version = spec::hex(&text.finalize()[..VERSION_BYTES]);
    Ok(PreferencesView { company: definitions.title.clone(), purposes, text_version })
}

fn preference(purpose: &Purpose, standing: lake::Standing) -> PreferenceView {
    let (here, others): (Vec<SignalWord>, Vec<SignalWord>) =
        standing.words.into_iter().partition(|word| word.signal == SIGNAL);
    let signal = |word: SignalWord| SignalView {
        signal: word.signal,
        is_yes: word.is_yes,
        since: word.since.map(|since| since.to_rfc3339_opts(SecondsFormat::Secs, true)),
    };
    PreferenceView {
        name: purpose.name.clone(),
        title: purpose.title.clone(),
        description: purpose.description.clone(),
        is_chosen: standing.is_chosen,
        withheld: standing.withheld.map(str::to_owned),
        said: here.first().map(|word| word.is_yes),
        others: others.into_iter().map(signal).collect(),
    }
}
