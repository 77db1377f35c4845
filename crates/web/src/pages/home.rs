//! Home: what both teams agreed to look at. The page comes at once; its tiles load themselves.

use crate::chart::{self, AnswerView, Setting};
use crate::edit::{default_purpose, full_months};
use crate::gate::Caller;
use crate::pages::standings::left_to_ask;
use crate::problem::{Problem, good};
use crate::render::{PageRequest, page};
use crate::routes::App;
use crate::standing::{Asked, List, Lists, lists};
use crate::words;
use api::{Catalog, MetricView, Principal, Product, PurposeView, Wanted};
use axum::extract::{Path, State};
use axum::response::Response;
use chrono::Datelike;
use serde::Serialize;
use serde_json::{Value as Json, json};
use spec::{Answer, identifier};

/// Months behind the small line of a tile.
const MONTHS_SHOWN: u32 = 12;

#[derive(Serialize)]
struct Home {
    title: &'static str,
    metrics: Vec<MetricView>,
    lists: Lists,
    month: Option<String>,
    series: Option<SeriesHead>,
    has_data: bool,
}

#[derive(Serialize)]
struct SeriesHead {
    metric: String,
    by: &'static str,
}

pub(crate) async fn home(State(app): State<App>, caller: Caller, request: PageRequest) -> Result<Response, Problem> {
    let asked = Asked { list: List::Home, is_it: request.is_it, is_again: false, since: None };
    page(&app, &caller, &request, "pages/home.html", move |product, who| {
        let catalog = product.catalog(who)?;
        let metrics: Vec<MetricView> = product.metrics(who)?.into_iter().filter(|metric| metric.on_home).collect();
        Ok(Home {
            title: "Home",
            month: full_months(&catalog, 1).map(|(from, _)| from.format("%B %Y").to_string()),
            series: metrics.first().map(|metric| SeriesHead { metric: metric.name.clone(), by: "week" }),
            lists: lists(product, who, asked)?,
            has_data: catalog.days.is_some(),
            metrics,
        })
    })
    .await
}

#[derive(Serialize)]
struct Kpi {
    metric: MetricView,
    value: Option<String>,
    change: Option<String>,
    rises: bool,
    before: String,
    /// Heights of the small line, as points of an SVG polyline in a box of 100 x 28.
    points: String,
    refused: Option<String>,
}

pub(crate) async fn kpi(
    State(app): State<App>,
    caller: Caller,
    request: PageRequest,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let asked = request.clone();
    page(&app, &caller, &request, "pages/part.html", move |product, who| {
        let metric = metric(product, who, &name)?;
        let catalog = product.catalog(who)?;
        let question = series_question(&catalog, &metric, "month", MONTHS_SHOWN);
        if let Some(left) = left_to_ask(product, who, (&asked, Wanted::Answer), &question)? {
            return Ok(left);
        }
        let asked = good(product.ask(who, &question)?)?;
        let refused =
            asked.verdict.reasons.first().filter(|_| asked.answer.is_none()).map(|reason| reason.for_marketing.clone());
        let view = kpi_view(metric, asked.answer.as_ref(), refused);
        Ok(json!({ "part": "parts/kpi.html", "title": view.metric.title, "kpi": view }))
    })
    .await
}

fn kpi_view(metric: MetricView, answer: Option<&Answer>, refused: Option<String>) -> Kpi {
    let values: Vec<(String, f64, String)> = answer.map(month_values).unwrap_or_default();
    let now = values.last();
    let before = values.len().checked_sub(2).and_then(|index| values.get(index));
    let change = now.zip(before).and_then(|(now, before)| words::change(now.1, before.1));
    let shown = |text: &str| {
        let is_large = text.len() > "9999.99".len();
        let text = if is_large { text.split('.').next().unwrap_or(text) } else { text };
        // What is counted is in the title already; a currency is not.
        words::figure(text, metric.unit.as_deref().filter(|unit| unit.len() == 3 || *unit == "%"))
    };
    Kpi {
        value: now.map(|(_, _, text)| shown(text)),
        rises: now.zip(before).is_some_and(|(now, before)| now.1 >= before.1),
        change,
        before: before.map(|(at, ..)| words::interval(at, "month")).unwrap_or_default(),
        points: points(&values.iter().map(|(_, value, _)| *value).collect::<Vec<f64>>()),
        refused,
        metric,
    }
}

/// Month, value as a number, value as text to show; months that are withheld are left out.
fn month_values(answer: &Answer) -> Vec<(String, f64, String)> {
    let column = |name: &str| answer.columns.iter().position(|column| column.name == name);
    let (Some(at), Some(value)) = (column("interval"), column("value")) else { return Vec::new() };
    let read = |row: &Vec<spec::Value>| {
        let number: f64 = row[value].to_string().parse().ok()?;
        let text =
            if matches!(row[value], spec::Value::Number(_)) { words::rounded(number) } else { row[value].to_string() };
        Some((row[at].to_string(), number, text))
    };
    answer.rows.iter().filter_map(read).collect()
}

fn points(values: &[f64]) -> String {
    let (low, high) =
        values.iter().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
    let span = if high > low { high - low } else { 1.0 };
    let step = if values.len() > 1 { 100.0 / (values.len() - 1) as f64 } else { 0.0 };
    let point =
        |(index, value): (usize, &f64)| format!("{:.1},{:.1}", index as f64 * step, 26.0 - (value - low) / span * 24.0);
    values.iter().enumerate().map(point).collect::<Vec<_>>().join(" ")
}

#[derive(Serialize)]
struct Series {
    metric: String,
    by: String,
    metrics: Vec<(String, String)>,
    answer: Option<AnswerView>,
    refused: Option<String>,
    q: String,
}

pub(crate) async fn series(State(app): State<App>, caller: Caller, request: PageRequest) -> Result<Response, Problem> {
    let name = request.param("metric").to_owned();
    let by = if request.param("by") == "month" { "month" } else { "week" };
    let asked_for = request.clone();
    page(&app, &caller, &request, "pages/part.html", move |product, who| {
        let metric = metric(product, who, &name)?;
        let catalog = product.catalog(who)?;
        let question = series_question(&catalog, &metric, by, MONTHS_SHOWN);
        if let Some(left) = left_to_ask(product, who, (&asked_for, Wanted::Answer), &question)? {
            return Ok(left);
        }
        let asked = good(product.ask(who, &question)?)?;
        let setting = Setting {
            question: &question,
            catalog: &catalog,
            metrics: std::slice::from_ref(&metric),
            measure: metric.title.clone(),
            unit: metric.unit.clone(),
        };
        let series = Series {
            metric: metric.name.clone(),
            by: by.to_owned(),
            metrics: product
                .metrics(who)?
                .into_iter()
                .filter(|metric| metric.on_home)
                .map(|metric| (metric.name, metric.title))
                .collect(),
            refused: asked
                .verdict
                .reasons
                .first()
                .filter(|_| asked.answer.is_none())
                .map(|reason| reason.for_marketing.clone()),
            answer: asked.answer.as_ref().map(|answer| chart::view(answer, &setting)).transpose()?,
            q: question.to_string(),
        };
        Ok(json!({ "part": "parts/series.html", "title": metric.title, "series": series }))
    })
    .await
}

#[derive(Serialize)]
struct PurposeLine {
    purpose: PurposeView,
    share: Option<String>,
    width: f64,
    basis: String,
}

pub(crate) async fn people(State(app): State<App>, caller: Caller, request: PageRequest) -> Result<Response, Problem> {
    let asked = request.clone();
    page(&app, &caller, &request, "pages/part.html", move |product, who| {
        let catalog = product.catalog(who)?;
        let question = people_question(&catalog);
        let left = question.as_ref().map(|question| left_to_ask(product, who, (&asked, Wanted::Answer), question));
        if let Some(left) = left.transpose()?.flatten() {
            return Ok(left);
        }
        let known = people_known(product, who, question.as_ref())?;
        let most = known.or_else(|| catalog.purposes.iter().filter_map(|purpose| purpose.people).max()).unwrap_or(0);
        let line = |purpose: PurposeView| PurposeLine {
            share: purpose.people.zip(known).map(|(people, known)| words::share(people as f64, known as f64)),
            width: purpose.people.map_or(0.0, |people| {
                if most == 0 { 0.0 } else { (people as f64 / most as f64 * 1000.0).round() / 10.0 }
            }),
            basis: basis_words(&purpose),
            purpose,
        };
        let lines: Vec<PurposeLine> = catalog.purposes.into_iter().map(line).collect();
        Ok(json!({ "part": "parts/people.html", "title": "People that may be used", "known": known, "lines": lines }))
    })
    .await
}

/// How many people are known: the ledger's figure, which comes with any answer.
fn people_known(product: &dyn Product, who: &Principal, question: Option<&Json>) -> Result<Option<u64>, Problem> {
    let Some(question) = question else { return Ok(None) };
    match product.ask(who, question)? {
        api::Input::Good(asked) => Ok(asked.answer.and_then(|answer| answer.provenance.people.known)),
        api::Input::Bad(_) => Ok(None),
    }
}

/// A question whose answer tells it.
fn people_question(catalog: &Catalog) -> Option<Json> {
    let measure = format!("count({})", identifier(&catalog.events.first()?.name));
    Some(json!({ "kind": "trend", "purpose": default_purpose(catalog), "measure": measure, "by": "none" }))
}

/// Whom a purpose takes, in words; per law only where they differ.
fn basis_words(purpose: &PurposeView) -> String {
    let word = |basis: &str| match basis {
        "consent" => "only those who agreed",
        "opt_out" | "legitimate_interest" => "all but those who objected",
        _ => "everybody, by law or contract",
    };
    let law = |law: &str| match law {
        "gdpr" => "GDPR",
        "ccpa" => "California",
        "us_other" => "elsewhere in the US",
        _ => "other laws",
    };
    let mut lines: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, basis) in &purpose.basis {
        match lines.iter_mut().find(|(known, _)| *known == word(basis)) {
            Some((_, laws)) => laws.push(law(name)),
            None => lines.push((word(basis), vec![law(name)])),
        }
    }
    match lines.as_slice() {
        [(only, _)] => (*only).to_owned(),
        many => many.iter().map(|(words, laws)| format!("{}: {words}", laws.join(", "))).collect::<Vec<_>>().join("; "),
    }
}

fn metric(product: &dyn Product, who: &Principal, name: &str) -> Result<MetricView, Problem> {
    product.metrics(who)?.into_iter().find(|metric| metric.name == name).ok_or_else(|| Problem::not_found("metric"))
}

/// A metric over the last full months of the data; by week, over the full weeks in them.
pub(crate) fn series_question(catalog: &Catalog, metric: &MetricView, by: &str, months: u32) -> Json {
    let mut question =
        json!({ "kind": "trend", "purpose": default_purpose(catalog), "measure": identifier(&metric.name), "by": by });
    if let Some((mut from, mut to)) = full_months(catalog, months) {
        if by == "week" {
            // Part of a week looks like a fall.
            from = from + chrono::Days::new((7 - u64::from(from.weekday().num_days_from_monday())) % 7);
            to = to - chrono::Days::new(u64::from(to.weekday().num_days_from_monday()));
        }
        question["period"] = json!({ "from": from.to_string(), "to": to.to_string() });
    }
    question
}
