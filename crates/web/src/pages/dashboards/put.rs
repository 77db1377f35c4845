//! A question onto a dashboard, from one form: the question may be new, the dashboard may be new, or both.

use crate::api_v1::dashboards::find;
use crate::api_v1::unsave;
use crate::dashboard::{Undo, definition, tile_of};
use crate::pages::ask::written_in;
use crate::problem::{Problem, good};
use crate::render::last;
use api::{DashboardRequest, DashboardView, Principal, Product, SaveRequest};
use serde_json::json;
use spec::Diagnostic;

/// The pairs of a form.
type Fields = [(String, String)];

/// Puts the form's question on its dashboard; without a question, makes an empty one.
///
/// What is missing is said before anything is written, and a question that was saved for nothing is taken back.
pub(super) fn put(product: &dyn Product, who: &Principal, fields: &Fields) -> Result<Undo, Problem> {
    let before = chosen(product, who, fields)?;
    let title = last(fields, "new_title").trim();
    let mut changed = before.as_ref().map_or_else(|| json!({ "title": title, "tiles": [] }), definition);
    let question = if last(fields, "q").is_empty() { None } else { Some(saved_question(product, who, fields)?) };
    if let Some((name, _)) = &question {
        let tile = tile_of(&format!("question-{name}"));
        changed["tiles"].as_array_mut().expect("a definition has a list of tiles").push(json!(tile));
    }
    let request = DashboardRequest {
        name: before.as_ref().map(|found| found.name.clone()),
        version: before.as_ref().map(|found| found.version.clone()),
        dashboard: changed,
    };
    let new_question = question.as_ref().filter(|(_, is_new)| *is_new).map(|(name, _)| name.clone());
    let saved = match product.save_dashboard(who, &request).map_err(Problem::from).and_then(good) {
        Ok(saved) => saved,
        Err(problem) => {
            new_question.map_or(Ok(()), |name| unsave(product, who, "question", &name))?;
            return Err(problem);
        }
    };
    Ok(Undo {
        text: if question.is_some() { "Put on".to_owned() } else { "Made".to_owned() },
        title: Some(saved.title),
        name: saved.name,
        before: before.as_ref().map_or_else(String::new, |before| definition(before).to_string()),
        version: saved.version,
        question: new_question,
    })
}

/// The dashboard that was chosen; `None` for a new one, which then has a title.
fn chosen(product: &dyn Product, who: &Principal, fields: &Fields) -> Result<Option<DashboardView>, Problem> {
    match last(fields, "dashboard") {
        "" if last(fields, "new_title").trim().is_empty() => {
            Err(missing("/new_title", "the new dashboard has no title", "say what it is called, as “Monday”"))
        }
        "" => Ok(None),
        name => find(product, who, name)?.map(Some).ok_or_else(|| Problem::not_found("dashboard")),
    }
}

/// The name of the saved question that a form holds, and whether it was saved just now.
fn saved_question(product: &dyn Product, who: &Principal, fields: &Fields) -> Result<(String, bool), Problem> {
    let written = written_in(fields)?;
    let canonical = product.explain(who, &written)?.question;
    let same = product.questions(who)?.into_iter().find(|saved| Some(&saved.question) == canonical.as_ref());
    if let Some(saved) = same {
        return Ok((saved.name, false));
    }
    let title = last(fields, "title").trim().to_owned();
    if title.is_empty() {
        return Err(missing("/title", "the question is not saved yet", "give it a title, and it is saved with it"));
    }
    let request = SaveRequest { kind: "question".to_owned(), title, description: String::new(), question: written };
    Ok((good(product.save(who, &request)?)?.name, true))
}

fn missing(path: &str, message: &str, hint: &str) -> Problem {
    let (path, message, hint) = (path.to_owned(), message.to_owned(), hint.to_owned());
    Problem::invalid(vec![Diagnostic { path, line: 1, column: 1, message, hint }])
}
