//! What a client can ask and what comes back: plain structs and the `Product` trait.
//!
//! `app` implements the trait; `web` and the command line only know it. Invariants: no axum, no DataFusion, no IO.
//! Every method that shows or changes anything takes the `Principal` it is for; the implementation decides what that
//! principal may see, so a caller cannot forget to.

mod product;
mod views;

pub use product::{Credential, EncodeFormat, ImportRequest, Input, Product, SaveRequest, SignedIn};
pub use views::{
    Asked, AudienceView, Balance, Catalog, EventView, Explained, FieldView, Health, Judged, MetricView, ObjectView,
    Principal, PurposeView, QuestionView, RejectedGroup, Saved, SourceView, WorkspaceView,
};
