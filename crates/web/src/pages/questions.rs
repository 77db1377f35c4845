//! Saved questions: each as a line that leads to its answer.

use crate::gate::Caller;
use crate::problem::Problem;
use crate::render::{PageRequest, page};
use crate::routes::App;
use api::QuestionView;
use axum::extract::State;
use axum::response::Response;
use serde_json::{Value as Json, json};

pub(crate) async fn list(State(app): State<App>, caller: Caller, request: PageRequest) -> Result<Response, Problem> {
    page(&app, &caller, &request, "pages/questions.html", |product, who| {
        let purposes = product.catalog(who)?.purposes;
        let line = |saved: QuestionView| {
            let name = saved.question["purpose"].as_str().unwrap_or_default();
            let known = purposes.iter().find(|purpose| purpose.name == name);
            let purpose = known.map_or(name, |purpose| &purpose.title).to_owned();
            json!({ "q": saved.question.to_string(), "saved": saved, "purpose": purpose })
        };
        let lines: Vec<Json> = product.questions(who)?.into_iter().map(line).collect();
        Ok(json!({ "title": "Saved questions", "questions": lines }))
    })
    .await
}
