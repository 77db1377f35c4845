//! The command palette: every page and thing that the role may open, and "ask ...".

use crate::body::percent_encode;
use crate::gate::Caller;
use crate::problem::Problem;
use crate::render::{PageRequest, page};
use crate::routes::App;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use serde_json::json;

/// Lines shown at once.
const LINES_MAX: usize = 12;

#[derive(Serialize)]
struct Line {
    kind: &'static str,
    title: String,
    href: String,
}

pub(crate) async fn palette(State(app): State<App>, caller: Caller, request: PageRequest) -> Result<Response, Problem> {
    let words = request.param("words").trim().to_lowercase();
    let is_it = request.is_it;
    page(&app, &caller, &request, "pages/part.html", move |product, who| {
        let line = |kind: &'static str, title: String, href: String| {
            let face = match (is_it, href.contains('?')) {
                (false, _) => "",
                (true, false) => "?face=it",
                (true, true) => "&face=it",
            };
            Line { kind, title, href: href + face }
        };
        let ask = |question: &serde_json::Value| format!("/ask?q={}", percent_encode(&question.to_string()));
        let mut lines: Vec<Line> = [
            ("Home", "/"),
            ("Ask", "/ask"),
            ("Dashboards", "/dashboards"),
            ("Saved questions", "/questions"),
            ("Audiences", "/audiences"),
            ("Metrics", "/metrics"),
            ("Data", "/sources"),
            ("Rules: who may be used for what, and who may see what", "/rules"),
            ("Promises: what is proved, and when", "/rules/promises"),
        ]
        .map(|(title, href)| line("Page", title.to_owned(), href.to_owned()))
        .into();
        if who.sees_audit {
            lines.push(line("Page", "Who saw what".to_owned(), "/rules/audit".to_owned()));
            lines.push(line("Page", "Who agreed to what, over time".to_owned(), "/rules/consents".to_owned()));
        }
        if who.sees_cost {
            lines.push(line("Page", "Events arriving now".to_owned(), "/live".to_owned()));
            lines.push(line("Page", "Kept aside in quarantine".to_owned(), "/quarantine".to_owned()));
        }
        for (title, kind) in [
            ("Ask: how much, over time", "trend"),
            ("Ask: how far people get", "funnel"),
            ("Ask: who comes back", "retention"),
            ("Ask: what it is owed to", "attribution"),
            ("Ask: what people do next", "paths"),
            ("Ask: which variant does better", "experiment"),
            ("Ask: how large a test has to be", "power"),
            ("Ask: how many people, and who", "audience"),
            ("Ask: in SQL", "sql"),
        ] {
            lines.push(line("Ask", title.to_owned(), format!("/ask?kind={kind}")));
        }
        lines.extend(
            product
                .dashboards(who)?
                .into_iter()
                .map(|found| line("Dashboard", found.title, format!("/dashboards/{}", percent_encode(&found.name)))),
        );
        lines.extend(
            product.questions(who)?.into_iter().map(|found| line("Question", found.title, ask(&found.question))),
        );
        lines.extend(
            product
                .metrics(who)?
                .into_iter()
                .map(|found| line("Metric", found.title, format!("/metrics/{}", percent_encode(&found.name)))),
        );
        lines.extend(
            product
                .audiences(who)?
                .into_iter()
                .map(|found| line("Audience", found.title, format!("/audiences/{}", percent_encode(&found.name)))),
        );
        lines.extend(
            product
                .sources(who)?
                .into_iter()
                .map(|found| line("Source", found.title, format!("/sources/{}", percent_encode(&found.name)))),
        );
        lines.retain(|line| {
            words
                .split_whitespace()
                .all(|word| line.title.to_lowercase().contains(word) || line.kind.to_lowercase().contains(word))
        });
        lines.truncate(LINES_MAX);
        Ok(json!({ "part": "parts/found.html", "title": "Find", "lines": lines, "words": words }))
    })
    .await
}
