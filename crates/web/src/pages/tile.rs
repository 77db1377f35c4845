//! One answer as a tile of a dashboard: its picture, or what stands against it with the nearest yes.
//!
//! The question stands in the address like everywhere; a tile knows nothing of the dashboard it is on.

use crate::chart;
use crate::gate::Caller;
use crate::pages::ask::{current_as_written, refusal, setting_of};
use crate::pages::standings::left_to_ask;
use crate::problem::Problem;
use crate::render::{PageRequest, page};
use crate::routes::App;
use crate::table::provenance_line;
use api::{Input, Wanted};
use axum::extract::State;
use axum::response::Response;
use serde_json::json;
use spec::Outcome;

pub(crate) async fn tile(State(app): State<App>, caller: Caller, request: PageRequest) -> Result<Response, Problem> {
    let (fields, asked_for) = (request.params.clone(), request.clone());
    let is_it = request.is_it;
    page(&app, &caller, &request, "pages/part.html", move |product, who| {
        let current = current_as_written(product, who, &fields)?;
        if let Some(left) = left_to_ask(product, who, (&asked_for, Wanted::Answer), &current.question)? {
            return Ok(left);
        }
        let mut view = json!({ "part": "parts/tile.html", "title": "Answer", "q": current.question.to_string() });
        match product.ask(who, &current.question)? {
            Input::Bad(errors) => view["errors"] = json!(errors),
            Input::Good(asked) => match asked.answer {
                Some(answer) if asked.verdict.outcome == Outcome::Yes => {
                    view["answer"] = json!(chart::view(&answer, &setting_of(&current, &answer)));
                    view["source"] = provenance_line(&answer.provenance).into();
                }
                _ => view["refused"] = json!(refusal(&asked.verdict, is_it)),
            },
        }
        Ok(view)
    })
    .await
}
