//! Quarantine: what messages are kept aside and why, and the way back for those that keep the contract by now.
//!
//! The messages themselves are shown to nobody: they tell what people did, in the words of their senders.

use crate::body;
use crate::gate::Caller;
use crate::pages::live::check_sees;
use crate::problem::Problem;
use crate::render::{PageRequest, last, page};
use crate::routes::App;
use api::{QuarantineView, Replayed};
use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use serde_json::json;

/// What is aside of one source.
#[derive(Serialize)]
struct Aside {
    source: String,
    title: String,
    /// Empty when the source is gone.
    contract_path: String,
    messages: u64,
    groups: Vec<QuarantineView>,
}

pub(crate) async fn quarantine(
    State(app): State<App>,
    caller: Caller,
    request: PageRequest,
) -> Result<Response, Problem> {
    shown(&app, &caller, &request, None).await
}

/// Takes in what keeps the contract by now, and shows what is left. To do it twice does no more than once.
pub(crate) async fn replay(
    State(app): State<App>,
    caller: Caller,
    page: PageRequest,
    request: Request,
) -> Result<Response, Problem> {
    let form = body::form(request).await?;
    let source = last(&form, "replay").to_owned();
    let reason = Some(last(&form, "reason").to_owned()).filter(|reason| !reason.is_empty());
    let (product, who) = (app.product.clone(), caller.who.clone());
    let done = app.imports.run(move || Ok(product.replay(&who, &source, reason.as_deref())?)).await?;
    shown(&app, &caller, &page, Some(done)).await
}

async fn shown(
    app: &App,
    caller: &Caller,
    request: &PageRequest,
    replayed: Option<Replayed>,
) -> Result<Response, Problem> {
    check_sees(caller)?;
    let wanted = request.param("source").to_owned();
    page(app, caller, request, "pages/quarantine.html", move |product, who| {
        let mut groups = product.quarantine(who)?;
        groups.retain(|group| wanted.is_empty() || group.source == wanted);
        let sources = product.sources(who)?;
        let title = |name: &str| {
            let found = sources.iter().find(|source| source.name == name);
            found.map_or_else(|| name.to_owned(), |source| source.title.clone())
        };
        let replayed =
            replayed.map(|done| json!({ "title": title(&done.source), "taken": done.taken, "left": done.left }));
        let asides = by_source(groups, title);
        let only = (!wanted.is_empty()).then(|| title(&wanted));
        Ok(json!({ "title": "Kept aside", "asides": asides, "replayed": replayed, "wanted": wanted, "only": only,
            "may_import": who.may_import }))
    })
    .await
}

/// The groups by source, in their order; the largest group of a source first.
fn by_source(groups: Vec<QuarantineView>, title: impl Fn(&str) -> String) -> Vec<Aside> {
    let mut asides: Vec<Aside> = Vec::new();
    for group in groups {
        let place = asides.iter().position(|aside| aside.source == group.source).unwrap_or_else(|| {
            let (source, contract_path) = (group.source.clone(), group.contract_path.clone());
            asides.push(Aside { title: title(&source), source, contract_path, messages: 0, groups: Vec::new() });
            asides.len() - 1
        });
        asides[place].messages += group.messages;
        asides[place].groups.push(group);
    }
    for aside in &mut asides {
        aside.groups.sort_by_key(|group| std::cmp::Reverse(group.messages));
    }
    asides
}
