//! One answer as a tile of a dashboard: its picture, or what stands against it with the nearest yes.
//!
//! The question stands in the address like everywhere; a tile knows nothing of the dashboard it is on.

use crate::chart;
use crate::gate::Caller;
use crate::pages::ask::{asked_by, current_as_written, refusal, setting_of, with_ground};
use crate::pages::standings::left_to_ask;
use crate::problem::Problem;
use crate::render::{PageRequest, page};
use crate::routes::App;
use crate::table::{provenance_line, source_line};
use crate::typed::in_form_words;
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
            Input::Bad(errors) => view["errors"] = json!(in_form_words(errors, &current.question)),
            Input::Good(asked) => match asked.answer {
                Some(answer) if asked.verdict.outcome == Outcome::Yes => {
                    let setting = setting_of(&current, &answer);
                    view["answer"] = json!(chart::in_short(chart::view(&answer, &setting)?));
                    let last = setting.catalog.days.as_ref().map(|(_, last)| last.as_str());
                    let source = match is_it {
                        true => provenance_line(&answer.provenance),
                        false => source_line(&answer.provenance, last),
                    };
                    view["source"] = source.into();
                }
                _ => {
                    let refused = refusal(&asked.verdict, &asked_by(&current.question.to_string(), &asked_for));
                    view["refused"] = json!(with_ground(product, who, (&current.question, is_it), refused)?);
                }
            },
        }
        Ok(view)
    })
    .await
}
