//! Experiments on pages: the first question, what the forms of the builder change, the parts of its sentence, the picture
//! and what is said of it.

use crate::chart::{Bar, BarGroup, Setting, number, shown, width};
use crate::edit::{full_months, with};
use crate::render::last;
use crate::sentence::{Choice, Group, choice_of, is_amount, measure_groups, uncapital, with_chosen};
use crate::words;
use api::{Catalog, EventView, FieldView, MetricView};
use serde::Serialize;
use serde_json::{Value as Json, json};
use spec::{SampleRatio, Value, identifier};

/// What stands for variants that may not be named.
const WITHHELD: &str = "(withheld)";

/// What the sentence of an experiment shows besides what others have.
#[derive(Serialize)]
pub(crate) struct ExperimentView {
    variant: Choice,
    variants: Vec<Choice>,
    metrics: Vec<MetricChip>,
    /// Measures that each person has a figure of.
    measures: Vec<Group>,
    /// The parts that variants were meant to get, as a text to edit.
    split: String,
}

/// A metric, with what its form shows.
#[derive(Serialize)]
pub(crate) struct MetricChip {
    words: String,
    measure: String,
    name: String,
    condition: String,
    within: String,
}

/// What people read under the picture.
#[derive(Serialize)]
pub(crate) struct RatioView {
    text: String,
    is_alarm: bool,
    several: String,
}

/// The parts of an experiment; of any other question there are none.
pub(crate) fn view(question: &Json, catalog: &Catalog, metrics: &[MetricView]) -> Option<ExperimentView> {
    if question["kind"] != "experiment" {
        return None;
    }
    let variant = question["variant"].as_str().unwrap_or_default().to_owned();
    let purpose = question["purpose"].as_str().unwrap_or_default();
    let exposure = &question["exposure"];
    let event = exposure.as_str().or(exposure["event"].as_str()).unwrap_or_default();
    let events = catalog.events.iter().filter(|known| known.name == event);
    let fields = events.flat_map(|event| &event.properties).filter(|field| field.groups);
    let choices = fields.map(|field| choice_of(field, std::slice::from_ref(&variant), purpose)).collect();
    let variants = with_chosen(choices, std::slice::from_ref(&variant));
    let measures = measures(catalog, metrics);
    let asked = question["metrics"].as_array().map(Vec::as_slice).unwrap_or_default();
    let parts = question["split"].as_object();
    let split =
        parts.map(|parts| parts.iter().map(|(name, part)| format!("{name}: {part}")).collect::<Vec<_>>().join(", "));
    Some(ExperimentView {
        variant: variants.iter().find(|choice| choice.selected).cloned().unwrap_or_default(),
        variants,
        metrics: asked.iter().map(|metric| chip(metric, &measures)).collect(),
        measures,
        split: split.unwrap_or_default(),
    })
}

/// Measures that each person has a figure of: how often, whether, how much. Means and ratios are none, agreed or not.
pub(crate) fn measures(catalog: &Catalog, metrics: &[MetricView]) -> Vec<Group> {
    let groups = measure_groups(catalog, metrics, "").into_iter().map(|mut group| {
        group.choices.retain(|choice| is_figure(definition(&choice.value, metrics)));
        group
    });
    groups.filter(|group| !group.choices.is_empty()).collect()
}

fn is_figure(measure: &str) -> bool {
    let is_atom = ["people(", "count(", "sum("].iter().any(|function| measure.starts_with(function));
    // A name in the measure may hold any sign; what divides stands between two functions.
    is_atom && !measure.contains(") / ")
}

/// The measure's text; of an agreed metric the one that it stands for.
fn definition<'a>(measure: &'a str, metrics: &'a [MetricView]) -> &'a str {
    let agreed = metrics.iter().find(|metric| identifier(&metric.name) == measure);
    agreed.map_or(measure, |metric| &metric.measure)
}

/// A metric as its chip and its form show it.
pub(crate) fn chip(metric: &Json, measures: &[Group]) -> MetricChip {
    let text = |key: &str| metric[key].as_str().unwrap_or_default().to_owned();
    let measure = metric.as_str().map_or_else(|| text("measure"), str::to_owned);
    let known = measures.iter().flat_map(|group| &group.choices).find(|choice| choice.value == measure);
    let (name, within) = (text("name"), text("within"));
    let title =
        if name.is_empty() { known.map_or(measure.clone(), |known| uncapital(&known.label)) } else { name.clone() };
    let words = if within.is_empty() { title } else { format!("{title} within {within}") };
    MetricChip { words, measure, name, condition: text("where"), within }
}

/// A first question: whether people do what is wanted, the first of `goals`, after an event with groups of names.
pub(crate) fn start(catalog: &Catalog, goals: &[&EventView], purpose: &str) -> Json {
    let grouping = |event: &EventView, fits: &dyn Fn(&FieldView) -> bool| {
        let usable = event.properties.iter().filter(|field| field.purposes.iter().any(|known| known == purpose));
        let variant = usable.filter(|field| field.groups && fits(field)).map(|field| field.name.clone()).next();
        variant.map(|variant| (event.name.clone(), variant))
    };
    // A property that is called a variant is one; else a text with names tells groups apart, and a number seldom does.
    let is_variant = |field: &FieldView| ["variant", "experiment"].iter().any(|word| field.name.contains(word));
    let is_text = |field: &FieldView| field.value_type == "text";
    // What has a price is a sale rather than something that is shown.
    let mut events: Vec<&EventView> = catalog.events.iter().collect();
    events.sort_by_key(|event| event.properties.iter().any(is_amount));
    let find = |fits: &dyn Fn(&FieldView) -> bool| events.iter().find_map(|event| grouping(event, fits));
    let found = find(&is_variant).or_else(|| find(&is_text)).or_else(|| find(&|_| true));
    let (exposure, variant) = found.unwrap_or_default();
    let other = goals.iter().find(|event| event.name != exposure).or(goals.first());
    let other = identifier(other.map_or("", |event| event.name.as_str()));
    let mut question = json!({
        "kind": "experiment", "purpose": purpose, "exposure": exposure, "variant": variant,
        "metrics": [format!("people({other})"), format!("count({other})")],
    });
    if let Some((from, to)) = full_months(catalog, 6) {
        question["period"] = json!({ "from": from.to_string(), "to": to.to_string() });
    }
    question
}

/// The question with a metric changed, added or left out.
pub(crate) fn measured(question: &Json, fields: &[(String, String)]) -> Json {
    let mut metrics = question["metrics"].as_array().cloned().unwrap_or_default();
    let index = last(fields, "index").parse::<usize>().ok().filter(|index| *index < metrics.len());
    let metric = metric(fields);
    match (last(fields, "edit"), index) {
        ("metric_remove", Some(index)) => drop(metrics.remove(index)),
        ("metric_set", Some(index)) => metrics[index] = metric,
        ("metric_set", None) => metrics.push(metric),
        _ => {}
    }
    with(question, "metrics", metrics.into())
}

/// The metric of a form: its measure alone where there is no more to it.
pub(crate) fn metric(fields: &[(String, String)]) -> Json {
    let text = |key: &str| last(fields, key).trim();
    let mut metric = json!({ "measure": text("value") });
    for (key, field) in [("name", "name"), ("where", "step_where"), ("within", "within")] {
        if !text(field).is_empty() {
            metric[key] = text(field).into();
        }
    }
    if metric.as_object().is_some_and(|map| map.len() == 1) { text("value").into() } else { metric }
}

/// The question with its variants told apart by another property, or meant to have other parts: `control: 1, shorter: 1`.
pub(crate) fn varied(question: &Json, fields: &[(String, String)]) -> Json {
    let parts = last(fields, "split").split(',').filter(|part| !part.trim().is_empty()).map(|part| {
        let (name, part) = part.rsplit_once(':').unwrap_or((part, ""));
        let part = part.trim();
        (name.trim().to_owned(), part.parse::<u32>().map_or_else(|_| Json::from(part), Json::from))
    });
    let parts: serde_json::Map<String, Json> = parts.collect();
    let split = if parts.is_empty() { Json::Null } else { Json::Object(parts) };
    with(&with(question, "variant", last(fields, "value").into()), "split", split)
}

/// For each metric a bar per variant: what a person has on average, or how many of them in percent.
pub(crate) fn bars(rows: &[Vec<Value>], setting: &Setting<'_>) -> Vec<BarGroup> {
    let mut groups: Vec<(String, Vec<&Vec<Value>>)> = Vec::new();
    for row in rows.iter().filter(|row| row[0].to_string() != WITHHELD || row[1] != Value::Null) {
        let metric = row[1].to_string();
        match groups.iter_mut().find(|(known, _)| *known == metric) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((metric, vec![row])),
        }
    }
    let group = |(metric, rows): (String, Vec<&Vec<Value>>)| {
        let most = rows.iter().filter_map(|row| number(&row[3])).fold(0.0, f64::max);
        let bar = |row: &&Vec<Value>| {
            let mean = number(&row[3]);
            Bar {
                title: shown(&row[0]),
                figure: mean.map_or_else(|| "withheld".to_owned(), |mean| mean_words(mean, &metric, setting)),
                width: width(mean.unwrap_or(0.0).max(0.0), most),
                note: number(&row[2]).map_or_else(String::new, |people| format!("of {} people", people_words(people))),
            }
        };
        BarGroup { title: metric_title(&metric, setting), bars: rows.iter().map(bar).collect() }
    };
    groups.into_iter().map(group).collect()
}

/// What people call a metric of the answer.
pub(crate) fn metric_title(metric: &str, setting: &Setting<'_>) -> String {
    words::capital(&chip(&asked(metric, setting), &measures(setting.catalog, setting.metrics)).words)
}

/// The metric of the question that a row is about.
fn asked(metric: &str, setting: &Setting<'_>) -> Json {
    let metrics = setting.question["metrics"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_it = |known: &&Json| known["name"].as_str().or(known["measure"].as_str()).or(known.as_str()) == Some(metric);
    metrics.iter().find(is_it).cloned().unwrap_or_else(|| metric.into())
}

/// A share in percent where each person did or did not, else what they have on average.
pub(crate) fn mean_words(mean: f64, metric: &str, setting: &Setting<'_>) -> String {
    let asked = asked(metric, setting);
    let measure = asked.as_str().or(asked["measure"].as_str()).unwrap_or_default();
    figure_words(mean, measure, setting)
}

/// The same of a measure.
pub(crate) fn figure_words(mean: f64, measure: &str, setting: &Setting<'_>) -> String {
    match is_share(measure, setting.metrics) {
        true => words::percent(mean),
        false => words::figure(&words::rounded(mean), unit(measure, setting).as_deref()),
    }
}

/// The unit of what each person has: that of the metric, else of the property that is added up.
fn unit(measure: &str, setting: &Setting<'_>) -> Option<String> {
    if let Some(metric) = setting.metrics.iter().find(|metric| identifier(&metric.name) == measure) {
        return metric.unit.clone();
    }
    let (_, inner) = measure.split_once('(')?;
    let (event, property) = inner.split_once(')')?.0.split_once('.')?;
    let is_called = |name: &str, written: &str| name == written.trim().trim_matches('"');
    let event = setting.catalog.events.iter().find(|known| is_called(&known.name, event))?;
    event.properties.iter().find(|known| is_called(&known.name, property))?.unit.clone()
}

/// Whether each person did or did not, so that a mean is a share of people.
pub(crate) fn is_share(measure: &str, metrics: &[MetricView]) -> bool {
    definition(measure, metrics).starts_with("people(")
}

/// The picture in one sentence.
pub(crate) fn summary(rows: &[Vec<Value>], setting: &Setting<'_>) -> String {
    let groups = bars(rows, setting);
    let Some(first) = groups.first() else { return "Too few people saw any variant to show one.".to_owned() };
    let variants: Vec<String> = first.bars.iter().map(|bar| format!("{} {}", bar.title, bar.figure)).collect();
    format!("{}: {}.", first.title, variants.join(", "))
}

/// Whether variants got the people that they were meant to get, in words.
pub(crate) fn ratio(ratio: &SampleRatio) -> RatioView {
    let counts: Vec<String> =
        ratio.variants.iter().filter_map(|share| share.people).map(|people| people_words(people as f64)).collect();
    let counts = counts.join(" and ");
    let p =
        ratio.p.map(|p| if p < 0.0001 { "p < 0.0001".to_owned() } else { format!("p = {p:.4}") }).unwrap_or_default();
    let text = match ratio.alarm {
        None => {
            "Too few people, or one variant alone, to say whether variants got the people that they were meant to get."
                .to_owned()
        }
        Some(false) => format!("Variants have {counts} people, as was meant ({p})."),
        Some(true) => format!(
            "Variants have {counts} people, which chance does not explain ({p}). Something treats them differently: look at how \
             people are split, at redirects and at bots, before reading the figures."
        ),
    };
    let several = ratio.several.map_or_else(String::new, |several| {
        format!("{} people saw several variants and are left out.", people_words(several as f64))
    });
    RatioView { text, is_alarm: ratio.alarm == Some(true), several }
}

fn people_words(people: f64) -> String {
    words::figure(&words::rounded(people), None)
}

#[cfg(test)]
mod tests;
