//! The use cases: what the product does, behind `api::Product`.
//!
//! Flow: a question's JSON is parsed and its names resolved by `workspace`, judged here (`question/judge`) with `policy` on
//! what the `lake` knows about people, and answered by `query` under the grant. Folders are nouns and do not import one
//! another; what they share is `state`. Invariants: no HTTP and no HTML; SQLite is named in `store` alone and holds only
//! what people did; definitions live in the workspace folder, facts in the lake.

mod audit;
mod consents;
mod definition;
mod error;
mod files;
mod identity;
mod key;
mod lineage;
mod pipeline;
mod policy;
mod preferences;
mod product;
mod proofs;
mod quarantine;
mod question;
mod record;
mod session;
mod source;
mod state;
mod store;
#[cfg(test)]
mod tests;

pub use key::{NewKey, make_key};
pub use product::{App, Checked, Options, ServerNote, check, make_token, question_from_text, server_of};
pub use record::{VerifiedRecords, verify_records};
