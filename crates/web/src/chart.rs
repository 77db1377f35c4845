//! An answer as people look at it: a picture and one sentence that says the same; `table` makes what stands under it.
//!
//! The chart is data (`ChartSpec` in the page, drawn by `static/chart.js`); bars are SVG, so they print and need no script.

use crate::experiment::{self, RatioView};
use crate::flow::{Flow, flow};
use crate::power::{self, PlansView};
use crate::table::{Cell, Head, Line, cells, cost, guard_words, head, provenance, table_digits};
use crate::{attribution, paths, words};
use api::{Catalog, MetricView};
use chrono::NaiveDate;
use serde::Serialize;
use serde_json::{Value as Json, json};
use spec::{Answer, Result, TestPlan, Value, WaterfallStep};

mod ended;
mod heat;
mod short;

use ended::{Ended, ended};
pub(crate) use heat::is_to_come;
use heat::{Heat, heat};
pub(crate) use short::in_short;

/// Rows that a page shows; files have all.
const ROWS_SHOWN: usize = 500;
/// Lines that a chart tells apart; the rest is in the table.
const SERIES_MAX: usize = 8;

/// An answer, ready for its template.
#[derive(Serialize)]
pub(crate) struct AnswerView {
    kind: String,
    /// One sentence that says the same as the picture.
    pub(crate) summary: String,
    /// The `ChartSpec` as JSON, for a trend.
    chart: Option<String>,
    /// One single figure, for a trend that is one.
    figure: Option<String>,
    bars: Vec<BarGroup>,
    /// For a retention: the share of each cohort that came back.
    heat: Option<Heat>,
    /// For paths: which ways people went.
    flow: Option<Flow>,
    waterfall: Vec<Fall>,
    /// For an experiment: whether variants got the people that they were meant to get.
    ratio: Option<RatioView>,
    /// For the question how large a test has to be: what it takes, way by way of reading it.
    plans: Option<PlansView>,
    head: Vec<Head>,
    rows: Vec<Vec<Cell>>,
    n_hidden: usize,
    /// What a tile leaves out: `18 others`.
    more: Option<String>,
    /// That its days lie after the end of the data, if they do.
    ended: Option<Ended>,
    how: Vec<Line>,
    /// What holds of every answer for a purpose that guards differences.
    guard: Option<String>,
    cost: Vec<Line>,
}

#[derive(Serialize)]
pub(crate) struct BarGroup {
    pub(crate) title: String,
    pub(crate) bars: Vec<Bar>,
}

#[derive(Serialize)]
pub(crate) struct Bar {
    pub(crate) title: String,
    pub(crate) figure: String,
    /// Percent of the width, 0..=100.
    pub(crate) width: f64,
    pub(crate) note: String,
}

#[derive(Serialize)]
struct Fall {
    title: String,
    note: String,
    figure: String,
    width: f64,
    lost: f64,
    is_last: bool,
}

/// What the view needs to know besides the answer.
pub(crate) struct Setting<'a> {
    pub(crate) question: &'a Json,
    pub(crate) catalog: &'a Catalog,
    /// What both teams agreed on.
    pub(crate) metrics: &'a [MetricView],
    /// What people call the measure.
    pub(crate) measure: String,
    /// The measure's unit.
    pub(crate) unit: Option<String>,
}

/// Makes the view of an answer.
///
/// # Errors
/// `Bug` when an answer about a test lacks a column.
pub(crate) fn view(answer: &Answer, setting: &Setting<'_>) -> Result<AnswerView> {
    let kind = setting.question["kind"].as_str().unwrap_or_default().to_owned();
    let trend = (kind == "trend").then(|| Trend::read(answer, setting));
    let plans = (kind == "power").then(|| TestPlan::read(&answer.columns, &answer.rows)).transpose()?;
    let falls = answer.waterfall.as_deref().map(falls).unwrap_or_default();
    let bars = match (&trend, kind.as_str()) {
        (_, "funnel") => funnel_bars(answer, setting),
        (_, "attribution") => attribution::bars(answer, setting),
        (_, "experiment") => experiment::bars(&answer.rows, setting),
        (Some(trend), _) if !trend.has_time => trend.bars(setting),
        _ => Vec::new(),
    };
    let summary = match (&trend, kind.as_str()) {
        (Some(trend), _) => trend.summary(setting),
        (None, "funnel") => funnel_summary(answer, setting),
        (None, "retention") => heat::summary(answer, setting),
        (None, "attribution") => attribution::summary(&answer.rows),
        (None, "paths") => paths::summary(&answer.rows, setting),
        (None, "experiment") => experiment::summary(&answer.rows, setting),
        (None, "power") => power::summary(plans.as_deref().unwrap_or_default(), setting),
        (None, "sql") => rows_summary(answer.rows.len()),
        _ => audience_summary(answer, setting),
    };
    let mut head: Vec<Head> =
        answer.columns.iter().map(|column| head(&column.name, column.value_type, setting)).collect();
    let digits = table_digits(answer);
    let mut rows: Vec<Vec<Cell>> =
        answer.rows.iter().take(ROWS_SHOWN).map(|row| cells(row, (answer, &digits), setting)).collect();
    if let Some(empty) = attribution::empty_column(answer, setting).or(power::empty_column(answer, setting)) {
        head.remove(empty);
        rows.iter_mut().for_each(|row| drop(row.remove(empty)));
    }
    Ok(AnswerView {
        summary,
        chart: trend.as_ref().filter(|trend| trend.has_time).map(|trend| trend.chart(setting).to_string()),
        figure: trend
            .as_ref()
            .and_then(|trend| trend.only())
            .map(|value| words::figure(&words::rounded(value), setting.unit.as_deref())),
        bars,
        heat: (kind == "retention").then(|| heat(answer, setting)),
        flow: (kind == "paths").then(|| flow(&answer.rows, setting)).flatten(),
        waterfall: falls,
        ratio: answer.sample_ratio.as_ref().map(experiment::ratio),
        plans: plans.as_deref().map(|plans| power::plans(plans, setting)),
        head,
        rows,
        n_hidden: answer.rows.len().saturating_sub(ROWS_SHOWN),
        more: None,
        ended: ended(answer, setting),
        how: provenance(&answer.provenance),
        guard: guard_words(&answer.provenance),
        cost: cost(&answer.provenance),
        kind,
    })
}

fn rows_summary(n_rows: usize) -> String {
    match n_rows {
        0 => "No group of enough people.".to_owned(),
        1 => "One row.".to_owned(),
        n => format!("{} rows.", words::figure(&n.to_string(), None)),
    }
}

/// The value of a column in a row as a number.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(_) | Value::Number(_) | Value::Decimal(_) => value.to_string().parse().ok(),
        _ => None,
    }
}

/// The place of a column.
pub(crate) fn column(answer: &Answer, name: &str) -> Option<usize> {
    answer.columns.iter().position(|column| column.name == name)
}

/// Columns that trends and funnels have of their own.
const OWN: [&str; 9] =
    ["interval", "value", "step", "event", "people", "from_first", "from_previous", "median_seconds", "withheld"];

/// Columns that are none of the kind's own: the breakdown.
fn breakdown_columns(answer: &Answer) -> Vec<usize> {
    (0..answer.columns.len()).filter(|index| !OWN.contains(&answer.columns[*index].name.as_str())).collect()
}

/// Whether a column names what a row is about: a number in it is a name, not a figure.
pub(crate) fn names_group(name: &str, question: &Json) -> bool {
    match question["kind"].as_str() {
        Some("trend" | "funnel") => !OWN.contains(&name),
        Some("attribution") => name == "channel",
        Some("experiment") => name == "variant",
        _ => false,
    }
}

fn group_title(row: &[Value], columns: &[usize]) -> String {
    let titles: Vec<String> = columns.iter().map(|index| shown(&row[*index])).collect();
    titles.join(", ")
}

/// A breakdown's value as people read it.
pub(crate) fn shown(value: &Value) -> String {
    if *value == Value::Null { "(none)".to_owned() } else { value.to_string() }
}

/// A trend read back from its rows.
struct Trend {
    has_time: bool,
    by: String,
    times: Vec<String>,
    /// Per group: its title and a value per time.
    series: Vec<(String, Vec<Option<f64>>)>,
    /// Whether groups of too few people are left out: they have a row of their own, which has no time.
    is_folded: bool,
    /// Whether the groups have an order of their own, which is that of time.
    is_dated: bool,
    is_incomplete: bool,
}

impl Trend {
    fn read(answer: &Answer, setting: &Setting<'_>) -> Trend {
        let by = setting.question["by"].as_str().unwrap_or("none").to_owned();
        let (time, value, groups) = (column(answer, "interval"), column(answer, "value"), breakdown_columns(answer));
        let mut times: Vec<String> = Vec::new();
        let mut series: Vec<(String, Vec<Option<f64>>)> = Vec::new();
        let is_folded = |row: &&Vec<Value>| time.is_some_and(|index| row[index] == Value::Null);
        for row in answer.rows.iter().filter(|row| !is_folded(row)) {
            let at = time.map(|index| row[index].to_string()).unwrap_or_default();
            let place = times.iter().rposition(|known| *known == at).unwrap_or_else(|| {
                times.push(at);
                times.len() - 1
            });
            let title = group_title(row, &groups);
            let line = series.iter().position(|(known, _)| *known == title).unwrap_or_else(|| {
                series.push((title, Vec::new()));
                series.len() - 1
            });
            series[line].1.resize(place, None);
            series[line].1.push(value.and_then(|index| number(&row[index])));
        }
        for (_, values) in &mut series {
            values.resize(times.len(), None);
        }
        let is_incomplete = times
            .last()
            .and_then(|at| words::parse_day(at))
            .is_some_and(|start| is_incomplete(start, &by, setting.catalog));
        let is_date = |index: &usize| ["date", "timestamp"].contains(&answer.columns[*index].value_type);
        Trend {
            has_time: time.is_some(),
            by,
            times,
            series,
            is_folded: answer.rows.iter().any(|row| is_folded(&row)),
            is_dated: groups.first().is_some_and(is_date),
            is_incomplete,
        }
    }

    /// Its value when it is a single one.
    fn only(&self) -> Option<f64> {
        match self.series.as_slice() {
            [(_, values)] if !self.has_time => values.first().copied().flatten(),
            _ => None,
        }
    }

    fn chart(&self, setting: &Setting<'_>) -> Json {
        let labels: Vec<String> = self.times.iter().map(|at| words::interval(at, &self.by)).collect();
        let mut series: Vec<&(String, Vec<Option<f64>>)> = self.series.iter().collect();
        let total = |line: &(String, Vec<Option<f64>>)| line.1.iter().flatten().sum::<f64>();
        series.sort_by(|a, b| total(b).total_cmp(&total(a)));
        let lines: Vec<Json> = series
            .iter()
            .take(SERIES_MAX)
            .map(|(title, values)| {
                let title = if title.is_empty() { &setting.measure } else { title };
                json!({ "name": title, "values": values })
            })
            .collect();
        json!({ "labels": labels, "series": lines, "unit": setting.unit, "incomplete": self.is_incomplete, "summary": self.summary(setting) })
    }

    fn bars(&self, setting: &Setting<'_>) -> Vec<BarGroup> {
        if self.series.len() < 2 {
            return Vec::new();
        }
        let value = |line: &(String, Vec<Option<f64>>)| line.1.first().copied().flatten();
        let mut sorted: Vec<&(String, Vec<Option<f64>>)> = self.series.iter().collect();
        if !self.is_dated {
            let size = |line: &(String, Vec<Option<f64>>)| value(line).unwrap_or(f64::NEG_INFINITY);
            sorted.sort_by(|one, other| size(other).total_cmp(&size(one)));
        }
        let values: Vec<f64> = sorted.iter().filter_map(|line| value(line)).collect();
        let (most, digits) = (values.iter().copied().fold(0.0, f64::max), words::digits(&values));
        let bar = |line: &&(String, Vec<Option<f64>>)| {
            let figure = |value: f64| words::figure(&words::rounded_to(value, digits), setting.unit.as_deref());
            Bar {
                title: line.0.clone(),
                figure: value(line).map_or_else(|| "withheld".to_owned(), figure),
                width: width(value(line).unwrap_or(0.0).max(0.0), most),
                note: String::new(),
            }
        };
        vec![BarGroup { title: String::new(), bars: sorted.iter().map(bar).collect() }]
    }

    fn summary(&self, setting: &Setting<'_>) -> String {
        let figure = |value: f64| words::figure(&words::rounded(value), setting.unit.as_deref());
        if let Some(value) = self.only() {
            return format!("{}: {}.", setting.measure, figure(value));
        }
        if self.series.len() != 1 {
            let groups = counted(self.series.len(), "group");
            let over =
                if self.has_time { format!(" over {}", counted(self.times.len(), &self.by)) } else { String::new() };
            let some = if self.has_time { some_shown(self.series.len(), self.times.len()) } else { String::new() };
            let folded = if self.is_folded { " Groups of too few people are left out." } else { "" };
            return format!("{} in {groups}{over}.{some}{folded}", setting.measure);
        }
        let known: Vec<(usize, f64)> =
            self.series[0].1.iter().enumerate().filter_map(|(at, value)| value.map(|value| (at, value))).collect();
        let most = known.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1));
        let least = known.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1));
        let (Some(most), Some(least)) = (most, least) else {
            return format!("{}: no figures in this period.", setting.measure);
        };
        let at = |place: usize| words::interval(&self.times[place], &self.by);
        let digits = words::digits(&[most.1, least.1]);
        let figure = |value: f64| words::figure(&words::rounded_to(value, digits), setting.unit.as_deref());
        let open = if self.is_incomplete { " The last interval is not over." } else { "" };
        format!(
            "{} between {} ({}) and {} ({}).{open}",
            setting.measure,
            figure(least.1),
            at(least.0),
            figure(most.1),
            at(most.0)
        )
    }
}

/// What a chart says that cannot tell all its lines apart; empty where it can.
fn some_shown(n_series: usize, n_times: usize) -> String {
    if n_series <= SERIES_MAX {
        return String::new();
    }
    let place = if n_series * n_times > ROWS_SHOWN { "files" } else { "table" };
    format!(" The {SERIES_MAX} largest of {n_series} are shown; all are in the {place}.")
}

/// `12 months`, `1 month`.
fn counted(count: usize, what: &str) -> String {
    format!("{} {what}{}", words::figure(&count.to_string(), None), if count == 1 { "" } else { "s" })
}

/// The last day that there is anything of.
fn last_day(catalog: &Catalog) -> Option<NaiveDate> {
    catalog.days.as_ref().and_then(|(_, last)| words::parse_day(last))
}

/// Whether the data ends before the interval does.
fn is_incomplete(start: NaiveDate, by: &str, catalog: &Catalog) -> bool {
    last_day(catalog).is_some_and(|last| words::interval_end(start, by) > last.succ_opt().unwrap_or(last))
}

pub(crate) fn width(value: f64, whole: f64) -> f64 {
    if whole > 0.0 { (value / whole * 1000.0).round() / 10.0 } else { 0.0 }
}

fn funnel_bars(answer: &Answer, setting: &Setting<'_>) -> Vec<BarGroup> {
    let groups = breakdown_columns(answer);
    let (Some(event), Some(people)) = (column(answer, "event"), column(answer, "people")) else { return Vec::new() };
    let cell = |row: &[Value], name: &str| column(answer, name).and_then(|index| number(&row[index]));
    let mut out: Vec<BarGroup> = Vec::new();
    for row in &answer.rows {
        let title = group_title(row, &groups);
        if out.last().is_none_or(|group| group.title != title) {
            out.push(BarGroup { title, bars: Vec::new() });
        }
        let previous = cell(row, "from_previous");
        let median = cell(row, "median_seconds");
        let is_first = cell(row, "step").is_none_or(|step| step <= 1.0);
        let note = match (is_first, previous, median) {
            (true, ..) => String::new(),
            (_, Some(rate), Some(seconds)) => {
                format!("{} go on, half of them within {}", words::percent(rate), words::length(seconds))
            }
            (_, Some(rate), None) => format!("{} go on", words::percent(rate)),
            _ => "withheld".to_owned(),
        };
        let figure = number(&row[people])
            .map_or_else(|| "withheld".to_owned(), |count| words::figure(&words::rounded(count), None));
        let bar = Bar {
            title: words::capital(&past(&row[event].to_string(), setting)),
            figure,
            width: width(cell(row, "from_first").unwrap_or(0.0), 1.0),
            note,
        };
        if let Some(group) = out.last_mut() {
            group.bars.push(bar);
        }
    }
    out
}

/// What people did, in the past form.
pub(crate) fn past(event: &str, setting: &Setting<'_>) -> String {
    setting
        .catalog
        .events
        .iter()
        .find(|known| known.name == event)
        .map_or_else(|| event.to_owned(), |known| known.past.clone())
}

fn funnel_summary(answer: &Answer, setting: &Setting<'_>) -> String {
    let (Some(event), Some(people)) = (column(answer, "event"), column(answer, "people")) else { return String::new() };
    let counts: Vec<(String, Option<f64>)> =
        answer.rows.iter().map(|row| (past(&row[event].to_string(), setting), number(&row[people]))).collect();
    if !breakdown_columns(answer).is_empty() {
        let end = counts.last().map(|(end, _)| end.as_str()).unwrap_or_default();
        let groups = funnel_bars(answer, setting);
        let rate = |group: &BarGroup| group.bars.last().map(|bar| format!("{} {:.1} %", group.title, bar.width));
        let rates: Vec<String> = groups.iter().filter_map(rate).take(SERIES_MAX).collect();
        // The bars show all groups; the sentence stays short.
        let some = if groups.len() > rates.len() {
            format!(" These are {} of {} groups; all are in the table.", rates.len(), groups.len())
        } else {
            String::new()
        };
        return format!("Of those who took the first step, so many {end}: {}.{some}", rates.join(", "));
    }
    match (counts.first(), counts.last()) {
        (Some((first, Some(all))), Some((end, Some(some)))) if counts.len() > 1 => {
            let figure = |count: f64| words::figure(&words::rounded(count), None);
            format!("{} people {first}; {} of them ({}) {end}.", figure(*all), figure(*some), words::share(*some, *all))
        }
        _ => "Too few people to show.".to_owned(),
    }
}

fn audience_summary(answer: &Answer, setting: &Setting<'_>) -> String {
    let purpose = setting.question["purpose"].as_str().unwrap_or_default();
    let title =
        setting.catalog.purposes.iter().find(|known| known.name == purpose).map_or(purpose, |known| &known.title);
    let figure = |count: u64| words::figure(&count.to_string(), None);
    if column(answer, "people").is_none() {
        // A list ends at its limit; the last step of the waterfall counts everybody.
        let n_listed = answer.rows.len() as u64;
        let all = answer.waterfall.as_ref().and_then(|steps| steps.last()).and_then(|step| step.people);
        return match all {
            Some(all) if all > n_listed => {
                let listed = figure(n_listed);
                format!("{} people, who may be used for {title}; the first {listed} of them are shown.", figure(all))
            }
            _ => format!("{} people, who may be used for {title}.", figure(n_listed)),
        };
    }
    let count = answer.rows.first().and_then(|row| row.first()).and_then(number);
    let known = answer.provenance.people.known;
    match (count, known) {
        (Some(count), Some(known)) => format!(
            "{} of {} people known meet every condition and may be used for {title}.",
            words::figure(&words::rounded(count), None),
            words::figure(&known.to_string(), None)
        ),
        (Some(count), None) => {
            format!("{} people may be used for {title}.", words::figure(&words::rounded(count), None))
        }
        _ => "Fewer people than may be shown.".to_owned(),
    }
}

fn falls(steps: &[WaterfallStep]) -> Vec<Fall> {
    let most = steps.iter().filter_map(|step| step.people).max().unwrap_or(0) as f64;
    let mut falls: Vec<Fall> = steps
        .iter()
        .map(|step| {
            let note = match (step.reason.as_str(), step.left) {
                ("known", _) => String::new(),
                (_, None) => "so few left out that it is not shown".to_owned(),
                (_, Some(0)) => "nobody left out".to_owned(),
                ("rule", Some(left)) => format!("{} left out", words::figure(&left.to_string(), None)),
                (reason, Some(left)) => format!("{} {}", words::figure(&left.to_string(), None), left_because(reason)),
            };
            Fall {
                title: words::capital(&step.title),
                note,
                figure: step
                    .people
                    .map_or_else(|| "withheld".to_owned(), |people| words::figure(&people.to_string(), None)),
                width: width(step.people.unwrap_or(0) as f64, most),
                lost: width(step.left.unwrap_or(0) as f64, most),
                is_last: false,
            }
        })
        .collect();
    if let Some(last) = falls.last_mut() {
        last.is_last = true;
    }
    falls
}

/// Why people were left out, as the end of "they ...".
pub(crate) fn left_because(reason: &str) -> &'static str {
    match reason {
        "consent" => "have not agreed",
        "objection" => "have objected",
        "law" => "may not be used under their law",
        "suppression" => "asked to be left alone",
        _ => "are left out",
    }
}

#[cfg(test)]
pub(crate) mod tests;
