//! Ask: a question as a sentence that is edited in place, its verdict beside it, its answer below.
//!
//! The state is the address: `?q=` holds the question as JSON. A form of the builder sends `q` and one `edit`; the page
//! answers with the changed question and its new address.

use crate::api_v1::{AnswerFormat, content_type, released};
use crate::attribution;
use crate::body::{self, parse_json, percent_encode};
use crate::chart::{self, Setting};
use crate::edit::{self, Start};
use crate::gate::{Caller, Deed};
use crate::leaving;
use crate::lineage::{self, Group, groups, lineage};
use crate::pages::standings::{left_after_link, left_to_ask};
use crate::problem::{Problem, good};
use crate::render::{PageRequest, html, last, page, work};
use crate::routes::App;
use crate::sentence::{Builder, builder, measure_title, part_texts};
use crate::typed::in_form_words;
use crate::words;
use api::{Catalog, Explained, Input, MetricView, Principal, Product, QuestionView, Wanted};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::Value;
use serde::Serialize;
use serde_json::{Value as Json, json};
use spec::{Answer, Change, Cost, Diagnostic, Outcome, Reason, Remedy, Verdict, Work, identifier};
use std::collections::BTreeMap;

mod saving;

pub(crate) use saving::{save, unsave};

/// The longest question that an address holds.
const Q_BYTES_MAX: usize = 32 << 10;

/// The longest that a link to a file takes along, since people send it to each other.
const LINKED_Q_BYTES_MAX: usize = 4 << 10;

/// Says in an address that its question was offered as a yes, and taken; its value is the mark of that offer, so that
/// nobody makes a page say so by a link.
const TAKEN: &str = "taken";

#[derive(Serialize)]
struct AskView {
    title: String,
    builder: Builder,
    unreadable: Option<Diagnostic>,
    examples: Vec<(String, String)>,
    may_define: bool,
    saving: saving::SavingView,
    /// What keeps it from being saved, and who can change that.
    unsavable: Option<Unsavable>,
    /// Name and title of each, to put the question on.
    dashboards: Vec<(String, String)>,
    /// Whether this very question is saved.
    is_saved: bool,
    /// On IT's face, the saved question that this is, and what rests on it.
    saved: Option<QuestionView>,
    lineage: BTreeMap<String, lineage::Shown>,
    /// On IT's face, what it rests on, saved or not.
    rests_on: Vec<Group>,
    /// The mark of its offer, where it was offered as a yes and has just been taken.
    taken: Option<String>,
    /// Where it is asked, where the page does not ask by itself: a link from elsewhere led here, and asking is charged,
    /// or remembered.
    left: Option<String>,
}

pub(crate) async fn ask(State(app): State<App>, caller: Caller, request: PageRequest) -> Result<Response, Problem> {
    let (fields, is_it, by) = (request.params.clone(), request.is_it, request.clone());
    let (frame, (view, is_changed)) = work(&app, &caller, &request, move |product, who| {
        // A link that was cut still leads to a page, with a fresh question and what was wrong with the other.
        let (written, unreadable) = match read(last(&fields, "q"), "here is a fresh question instead") {
            Ok(written) => (written, None),
            Err(unreadable) => (None, Some(unreadable)),
        };
        let edited: &[(String, String)] = if unreadable.is_some() { &[] } else { &fields };
        let mut current = current(product, who, written, edited)?;
        current.is_changed &= unreadable.is_none();
        let explained = product.explain(who, &current.question)?;
        let saved = product.questions(who)?;
        let saving = saving::view(explained.question.as_ref().unwrap_or(&current.question));
        let unsavable = unsavable(&explained, &asked_by(&current.question.to_string(), &by));
        let this = saved.iter().find(|saved| Some(&saved.question) == explained.question.as_ref()).cloned();
        let is_saved = this.is_some();
        let this = this.filter(|_| is_it);
        let lineage = match &this {
            Some(saved) => lineage(product, who, is_it, &["question"], Some(&saved.name))?,
            None => BTreeMap::new(),
        };
        let rests_on = if is_it { groups(&explained.rests_on) } else { Vec::new() };
        let dashboards = product.dashboards(who)?.into_iter().map(|found| (found.name, found.title)).collect();
        let builder = builder(&current.question, explained, &current.catalog, &current.metrics);
        let title = if builder.sentence.is_empty() { "Ask".to_owned() } else { builder.sentence.clone() };
        let examples = saved.into_iter().map(|saved| (saved.title, saved.question.to_string())).collect();
        let may_define = who.may_define;
        let taken = taken(&by, &current.question);
        let left = left_after_link(product, who, &by, &current.question)?.then(|| address(&builder.q, is_it));
        let view = AskView {
            title,
            builder,
            unreadable,
            examples,
            may_define,
            saving,
            unsavable,
            dashboards,
            is_saved,
            saved: this,
            lineage,
            rests_on,
            taken,
            left,
        };
        Ok((view, current.is_changed))
    })
    .await?;
    let address = address(&view.builder.q, request.is_it);
    if is_changed && !request.is_partial {
        return Ok(Redirect::to(&address).into_response());
    }
    let mut response = html(&app, Some(&frame), &request, "pages/ask.html", Value::from_serialize(&view))?;
    if is_changed && let Ok(value) = HeaderValue::from_str(&address) {
        response.headers_mut().insert("hx-push-url", value);
    }
    Ok(response)
}

/// What keeps a question from being saved.
#[derive(Serialize)]
struct Unsavable {
    why: &'static str,
    gaps: Vec<ReasonView>,
}

/// Whether a question cannot be saved as it stands: what is no question yet, or names what is not there, would be a file
/// with errors.
fn unsavable(explained: &Explained, asked: &AskedBy<'_>) -> Option<Unsavable> {
    if explained.question.is_none() || !explained.errors.is_empty() {
        let why = "It can be saved once it is a question: what is marked above stands in the way.";
        return Some(Unsavable { why, gaps: Vec::new() });
    }
    let gaps: Vec<ReasonView> = explained.missing.iter().map(|reason| reason_view(reason, asked)).collect();
    let why = "It can be saved once this is there:";
    (!gaps.is_empty()).then_some(Unsavable { why, gaps })
}

/// The question of a request: the one in its address, after the edit that it asks for.
pub(crate) struct Current {
    pub(crate) question: Json,
    catalog: Catalog,
    metrics: Vec<MetricView>,
    is_changed: bool,
}

/// The question as it was written, or a new one, after the edit.
fn current(
    product: &dyn Product,
    who: &Principal,
    written: Option<Json>,
    fields: &[(String, String)],
) -> Result<Current, Problem> {
    let catalog = product.catalog(who)?;
    let metrics = product.metrics(who)?;
    let questions = product.questions(who)?;
    let from = Start { catalog: &catalog, metrics: &metrics, questions: &questions };
    let is_new = written.is_none();
    let question = written.unwrap_or_else(|| edit::start(&from, last(fields, "kind"), ""));
    let (question, is_changed) = if last(fields, "edit").is_empty() {
        (question, is_new)
    } else {
        let condition = question["where"].as_str().unwrap_or_default();
        let parts = part_texts(&product.explain(who, &question)?.parts, condition);
        (edit::apply(&question, fields, &parts, &from), true)
    };
    Ok(Current { question, catalog, metrics, is_changed })
}

/// The same where another question than the one that was meant would mislead.
pub(crate) fn current_as_written(
    product: &dyn Product,
    who: &Principal,
    fields: &[(String, String)],
) -> Result<Current, Problem> {
    current(product, who, Some(written_in(fields)?), fields)
}

/// The question in the fields; a problem where there is none, or none that can be read.
pub(crate) fn written_in(fields: &[(String, String)]) -> Result<Json, Problem> {
    let hint = "open it from the page `/ask`";
    match read(last(fields, "q"), hint) {
        Ok(Some(question)) => Ok(question),
        Ok(None) => Err(Problem::invalid(vec![fault("the address holds no question", hint)])),
        Err(error) => Err(Problem::invalid(vec![error])),
    }
}

/// The question that led to another page: its sentence, and the address at which it is judged again. What cannot be read
/// leads nowhere, since that page is about something else.
#[derive(Serialize)]
pub(crate) struct LedHere {
    sentence: String,
    href: String,
    /// As it stands in addresses and forms.
    pub(crate) q: String,
    #[serde(skip)]
    pub(crate) question: Json,
}

/// The question of an address that is about something else.
pub(crate) fn led_here(
    product: &dyn Product,
    who: &Principal,
    q: &str,
    is_it: bool,
) -> Result<Option<LedHere>, Problem> {
    let Ok(Some(question)) = read(q, "") else { return Ok(None) };
    let sentence = product.explain(who, &question)?.sentence;
    Ok(Some(LedHere { sentence, href: address(q, is_it), q: q.to_owned(), question }))
}

/// Reads the question of an address; `None` where it is empty.
fn read(text: &str, what_now: &str) -> Result<Option<Json>, Diagnostic> {
    let hint = format!("the link may have been cut; {what_now}");
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() > Q_BYTES_MAX {
        return Err(fault("the question in the address is too long", &hint));
    }
    match parse_json(text) {
        Ok(question) if question.is_object() => Ok(Some(question)),
        Ok(_) => Err(fault("the address does not hold a question", &hint)),
        // What is wrong with its text helps nobody who has only pressed something.
        Err(_) => Err(fault("the question in the address cannot be read", &hint)),
    }
}

fn fault(message: &str, hint: &str) -> Diagnostic {
    Diagnostic { path: "/q".to_owned(), line: 1, column: 1, message: message.to_owned(), hint: hint.to_owned() }
}

/// The mark of the offer of this question that the address of a request holds; `None` without one that is good.
fn taken(request: &PageRequest, question: &Json) -> Option<String> {
    let (mark, session) = (request.param(TAKEN), request.session.as_deref()?);
    Deed::Offered.is_mark(session, &question.to_string(), mark).then(|| mark.to_owned())
}

fn address(q: &str, is_it: bool) -> String {
    format!("/ask?q={}{}", percent_encode(q), if is_it { "&face=it" } else { "" })
}

/// A verdict as a page shows it.
#[derive(Serialize)]
pub(crate) struct VerdictView {
    part: &'static str,
    title: &'static str,
    outcome: &'static str,
    people: Option<String>,
    purpose: String,
    /// What the answer is expected to take, for IT.
    forecast: Option<String>,
    /// Whether it was offered as a yes: what moved since then is told where it is none any more.
    is_taken: bool,
    reasons: Vec<ReasonView>,
    errors: Vec<Diagnostic>,
    /// On IT's face, what the question rests on, and its text where it is one in SQL.
    rests_on: Vec<Group>,
    sql: Option<String>,
}

#[derive(Serialize)]
struct ReasonView {
    code: &'static str,
    words: String,
    words_it: String,
    remedies: Vec<RemedyView>,
}

#[derive(Serialize)]
struct RemedyView {
    title: String,
    effect: String,
    href: Option<String>,
    who: String,
    /// How soon they usually answer.
    within: Option<String>,
    file: Option<String>,
    /// Where the file opens with the change made.
    open: Option<String>,
    /// Whether who sees this decides; whoever does not asks by another question, or waits.
    is_own: bool,
}

pub(crate) async fn verdict(State(app): State<App>, caller: Caller, request: PageRequest) -> Result<Response, Problem> {
    let asked = request.clone();
    page(&app, &caller, &request, "pages/part.html", move |product, who| verdict_view(product, who, &asked)).await
}

pub(crate) async fn verdict_of_form(
    State(app): State<App>,
    caller: Caller,
    page: PageRequest,
    request: Request,
) -> Result<Response, Problem> {
    let form = body::form(request).await?;
    verdict(State(app), caller, page.with_form(form)).await
}

fn verdict_view(product: &dyn Product, who: &Principal, request: &PageRequest) -> Result<Json, Problem> {
    let current = current_as_written(product, who, &request.params)?;
    if let Some(left) = left_to_ask(product, who, (request, Wanted::Verdict), &current.question)? {
        return Ok(left);
    }
    let purpose = current.question["purpose"].as_str().unwrap_or_default();
    let title = current
        .catalog
        .purposes
        .iter()
        .find(|known| known.name == purpose)
        .map_or(purpose, |known| &known.title)
        .to_owned();
    let mut view = verdict_of("invalid", title);
    match product.judge(who, &current.question)? {
        Input::Bad(errors) => view.errors = in_form_words(errors, &current.question),
        Input::Good(judged) => {
            view.outcome = judged.verdict.outcome.name();
            view.people = judged.people.map(|people| words::figure(&people.to_string(), None));
            view.reasons = reasons(&judged.verdict, &asked_by(&current.question.to_string(), request));
            view.is_taken = taken(request, &current.question).is_some();
            view.forecast = judged.forecast.filter(|_| request.is_it).as_ref().map(forecast);
        }
    }
    Ok(json!(with_ground(product, who, (&current.question, request.is_it), view)?))
}

/// The same with what the question rests on, and its SQL, on IT's face; marketing's words are enough on the other.
pub(crate) fn with_ground(
    product: &dyn Product,
    who: &Principal,
    (question, is_it): (&Json, bool),
    view: VerdictView,
) -> Result<VerdictView, Problem> {
    if !is_it {
        return Ok(view);
    }
    let sql = question["text"].as_str().filter(|_| question["kind"] == "sql").map(str::to_owned);
    Ok(VerdictView { rests_on: groups(&product.explain(who, question)?.rests_on), sql, ..view })
}

fn verdict_of(outcome: &'static str, purpose: String) -> VerdictView {
    VerdictView {
        part: "parts/verdict.html",
        title: "Verdict",
        outcome,
        people: None,
        purpose,
        forecast: None,
        is_taken: false,
        reasons: Vec::new(),
        errors: Vec::new(),
        rests_on: Vec::new(),
        sql: None,
    }
}

/// What an answer is expected to take, in words that stand behind “Expected”.
fn forecast(cost: &Cost) -> String {
    let read = match cost.bytes_read {
        0 => "nothing to read from disk".to_owned(),
        bytes => format!("{} to read from disk", words::figure(&format!("{:.1}", bytes as f64 / 1e6), Some("MB"))),
    };
    format!("{:.2} s, {} rows, {read}.", cost.seconds, words::figure(&cost.rows_read.to_string(), None))
}

/// A question that was judged, its text empty where that is not known, and who looks at what was found: a face, and the
/// session that is offered something.
pub(crate) struct AskedBy<'a> {
    q: &'a str,
    is_it: bool,
    session: Option<&'a str>,
}

/// The question of a request.
pub(crate) fn asked_by<'a>(q: &'a str, request: &'a PageRequest) -> AskedBy<'a> {
    AskedBy { q, is_it: request.is_it, session: request.session.as_deref() }
}

/// A refusal of a question as a tile and the page of a problem show it.
pub(crate) fn refusal(verdict: &Verdict, asked: &AskedBy<'_>) -> VerdictView {
    VerdictView { reasons: reasons(verdict, asked), ..verdict_of(verdict.outcome.name(), String::new()) }
}

/// The reasons of a verdict on a question, for a face.
fn reasons(verdict: &Verdict, asked: &AskedBy<'_>) -> Vec<ReasonView> {
    verdict.reasons.iter().map(|reason| reason_view(reason, asked)).collect()
}

fn reason_view(reason: &Reason, asked: &AskedBy<'_>) -> ReasonView {
    ReasonView {
        code: reason.code.name(),
        words: reason.for_marketing.clone(),
        words_it: reason.for_it.clone(),
        remedies: reason.remedies.iter().map(|remedy| remedy_view(remedy, asked)).collect(),
    }
}

fn remedy_view(remedy: &Remedy, asked: &AskedBy<'_>) -> RemedyView {
    match remedy {
        Remedy::Ask { title, question, effect } => RemedyView {
            title: title.clone(),
            effect: effect.clone(),
            href: Some(offered(&question.to_json().to_string(), asked)),
            who: String::new(),
            within: None,
            file: None,
            open: None,
            is_own: true,
        },
        Remedy::Close { title, gap } => RemedyView {
            title: title.clone(),
            effect: gap.what.clone(),
            href: None,
            who: gap.who.clone(),
            within: gap.within.as_ref().map(ToString::to_string),
            file: gap.file.clone(),
            open: gap.file.as_ref().zip(gap.change.as_ref()).map(|(file, change)| proposal(file, change, asked)),
            is_own: matches!(gap.work, Work::Widen) || gap.file.is_none() && gap.team.is_none(),
        },
    }
}

/// The address of a question that is offered as a yes, with the mark of that.
fn offered(q: &str, asked: &AskedBy<'_>) -> String {
    let mark = asked.session.map(|session| format!("&{TAKEN}={}", Deed::Offered.mark(session, q)));
    format!("{}{}", address(q, asked.is_it), mark.unwrap_or_default())
}

/// The address of a definition's file with a change made, not yet saved, and with the question that it is for, so that
/// whoever follows it finds the way back to that.
fn proposal(file: &str, change: &Change, AskedBy { q, is_it, .. }: &AskedBy<'_>) -> String {
    let change = percent_encode(&change.to_json().to_string());
    let asked =
        if (1..=LINKED_Q_BYTES_MAX).contains(&q.len()) { format!("&q={}", percent_encode(q)) } else { String::new() };
    format!("/definitions/{}?change={change}{asked}{}", words::segments(file), if *is_it { "&face=it" } else { "" })
}

pub(crate) async fn answer(State(app): State<App>, caller: Caller, request: PageRequest) -> Result<Response, Problem> {
    let (fields, asked_for) = (request.params.clone(), request.clone());
    // Beside a builder the provenance goes into its side column.
    let how_aside = request.is_partial && request.param("aside") == "how";
    page(&app, &caller, &request, "pages/part.html", move |product, who| {
        let current = current_as_written(product, who, &fields)?;
        if let Some(left) = left_to_ask(product, who, (&asked_for, Wanted::Answer), &current.question)? {
            return Ok(left);
        }
        let q = current.question.to_string();
        let is_bare = last(&fields, "bare") == "yes";
        let mut view = json!({ "part": "parts/answer.html", "title": "Answer", "q": q, "is_bare": is_bare, "how_aside": how_aside });
        match product.ask(who, &current.question)? {
            Input::Bad(errors) => view["errors"] = json!(in_form_words(errors, &current.question)),
            Input::Good(asked) => match asked.answer {
                Some(answer) if asked.verdict.outcome == Outcome::Yes => {
                    let shown = serde_json::to_value(chart::view(&answer, &setting_of(&current, &answer))?);
                    view["answer"] = shown.expect("a view is plain data and serialises");
                }
                _ => {
                    let reasons = &asked.verdict.reasons;
                    let is_question = |remedy: &Remedy| matches!(remedy, Remedy::Ask { .. });
                    view["refused"] = json!(reasons.first().map(|reason| reason.for_marketing.clone()).unwrap_or_default());
                    view["has_nearest"] = reasons.iter().flat_map(|reason| &reason.remedies).any(is_question).into();
                }
            },
        }
        Ok(view)
    })
    .await
}

/// What a picture of an answer needs to know beside it: what people call the figure, and its unit.
pub(crate) fn setting_of<'a>(current: &'a Current, answer: &Answer) -> Setting<'a> {
    let text = current.question["measure"].as_str().unwrap_or_default();
    let value = answer.columns.iter().find(|column| column.name == "value");
    let metric = current.metrics.iter().find(|metric| identifier(&metric.name) == text);
    Setting {
        question: &current.question,
        catalog: &current.catalog,
        metrics: &current.metrics,
        measure: match current.question["kind"].as_str() {
            Some("attribution") => attribution::measure_title(&current.question, &current.catalog),
            _ => measure_title(&current.catalog, &current.metrics, text),
        },
        unit: value.and_then(|column| column.unit.clone()).or(metric.and_then(|metric| metric.unit.clone())),
    }
}

pub(crate) async fn download(
    State(app): State<App>,
    caller: Caller,
    request: PageRequest,
) -> Result<Response, Problem> {
    let format = AnswerFormat::of_ending(request.param("format")).ok_or_else(|| {
        Problem::new(StatusCode::BAD_REQUEST, "there is no such format").with_hint("choose csv, arrow, parquet or json")
    })?;
    let fields = request.params.clone();
    let (_, (content, name)) = work(&app, &caller, &request, move |product, who| {
        let current = current_as_written(product, who, &fields)?;
        let mut asked = good(product.ask(who, &current.question)?)?;
        let answer = released(&asked.verdict, asked.answer.take())?;
        let name = format!("{}-{}.{}", asked.question.kind(), answer.provenance.question_hash, format.ending());
        Ok((leaving::body(product, asked, answer, format)?, name))
    })
    .await?;
    let plain: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || ['-', '.'].contains(c)).collect();
    let disposition = format!("attachment; filename=\"{plain}\"");
    let headers = [(header::CONTENT_TYPE, content_type(format).to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, content).into_response())
}
