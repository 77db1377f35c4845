//! The one repository: Delta tables clustered by person, the vault of identifiers, the ledger of people and consents.
//!
//! Files come in through [`Lake::import`] under a contract; everything is read from a [`Snapshot`], one consistent state,
//! and whatever tells facts about people takes a `policy::Grant`, which is applied below any expression. Invariants:
//! clock, randomness and the folder are passed in; one process per folder; an import's data becomes visible as a whole, at its
//! end or, after a crash between the data and its line in `imports`, at the next open, which writes the line; of an import
//! that ended before its data, its people can be known after that open and nothing else of it; identifiers live in the vault
//! only. It deliberately knows no question and no HTTP.

mod chunk;
mod clock;
mod compaction;
mod consents;
mod data_file;
mod error;
mod from_text;
mod hot;
mod import;
mod intake;
mod lake;
mod landing;
mod ledger;
mod lock;
mod mask;
mod quarantine;
mod scan;
mod settling;
mod snapshot;
mod statements;
mod store;
mod stretch;
mod sums;
mod table;
#[cfg(test)]
mod tests;
mod traits;
mod vault;

pub use clock::{Clock, FixedClock, Random, SeededRandom, SystemClock, SystemRandom};
pub use compaction::Compaction;
pub use consents::{PlaceConsents, SignalWord, Standing};
pub use from_text::{
    IDENTIFIER_BYTES_MAX, TIMES, date_from_text, decimal_from_text, number_from_text, timestamp_from_text, value_form,
};
pub use import::{ImportFile, ImportReport};
pub use intake::{
    Alias, AppendFile, Arrival, Aside, Consent, Datum, DiskFiles, Done, Files, IntakeLog, IntakeOptions, Message,
    MessageKind, Origin, Recovered, Refused, free_bytes,
};
pub use lake::{Lake, LakeOptions};
pub use landing::{BookLine, Landing};
pub use ledger::{ImportRecord, PurposePeople};
pub use lock::{Holder, holder};
pub use quarantine::{AsideGroup, AsideMessage};
pub use scan::{MadeOf, Piece, Reading, ScanPart, ScanRequest};
pub use snapshot::LastDay;
pub use snapshot::Snapshot;
pub use stretch::{Column, Number, Numbers, PersonRows, Row, Stretch, Texts};
pub use traits::Traits;
pub use vault::{MergeChange, MergeEntry, MergeReason};
