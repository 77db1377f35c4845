//! What a client can ask and what comes back: plain structs, the `Product` and the `Collector`.
//!
//! `app` implements the trait; `web` and the command line only know it. Invariants: no axum, no DataFusion, no IO.
//! Every method that shows or changes anything takes the `Principal` it is for; the implementation decides what that
//! principal may see, so a caller cannot forget to.

mod collector;
mod definitions;
mod governance;
mod lineage;
mod product;
mod standing;
mod views;

pub use collector::{
    Call, Choice, Collector, Delivery, KeyPulse, LinkHolder, MessageFault, MessageOutcome, MessageReceipt,
    PreferenceLink, Pulse, Receipt, Refusal, RefusalKind, Said, Sender,
};
pub use definitions::{
    DefinitionCheck, DefinitionEdit, DefinitionSaved, DefinitionView, ForeseenPeople, ForeseenTurn, NameView,
};
pub use governance::{
    AuditHead, AuditRecord, AuditRequest, AuditView, ConsentPlace, ConsentsRequest, ConsentsView, PolicyDestination,
    PolicyLaw, PolicyPurpose, PolicyRole, PolicyTeam, PolicyView, PreferenceView, PreferencesView, ProofRun, ProofView,
    ProofsView, PurposeConsents, SignalView,
};
pub use lineage::{LineageRequest, LineageView, ThingView};
pub use product::{
    Credential, DashboardRequest, DefinitionRequest, EncodeFormat, ImportRequest, Input, Product, SaveRequest, SignedIn,
};
pub use standing::{BothFaces, GroundView, StandingView, StandingsRequest, StandingsView, Subject, Wanted};
pub use views::{
    Asked, AudienceView, Balance, BookView, BooksView, Catalog, DashboardView, EventView, Explained, FieldView, Health,
    Judged, Leaving, MergeView, MetricView, ObjectView, Principal, PurposeView, QuarantineView, QuestionView,
    RejectedGroup, Replayed, Saved, SourceView, TileView, ValuesRequest, ValuesView, Waiting, WorkspaceView,
};
