//! What is built on sources: metrics, audiences and saved questions.

use crate::diagnostic::{Place, Problems};
use crate::fields::{Fields, text_of};
use crate::names::shortened;
use crate::node::Node;
use crate::question::{condition_of, measure_of, read_question};
use crate::rules::check_known;
use spec::{
    AudienceDefinition, AudienceQuestion, Interval, Measure, MetricDefinition, Question, QuestionBody, Release,
    SavedQuestion, TrendQuestion,
};

/// Reads a metric; `None` if it has errors of its own.
pub(crate) fn read_metric(name: &str, node: &Node, problems: &mut Problems) -> Option<MetricDefinition> {
    let n_problems = problems.count();
    let mut fields = Fields::open(node, "a metric", problems)?;
    let title = fields.optional_text("title", problems).unwrap_or(name).to_owned();
    let description = fields.text_or_empty("description", problems);
    let owners = owned_names(fields.texts("owners", problems));
    let measure_node = fields.required("measure", "say what is measured, as in `measure: count(purchase)`", problems);
    let measure = measure_node.and_then(|node| measure_of(node, "measure", problems));
    if let (Some(Measure::Metric(other)), Some(node)) = (&measure, measure_node) {
        let message = format!("a metric cannot be another metric (`{}`)", shortened(other));
        problems.add(&node.place, message, "write its measure, as in `count(purchase)`".into());
    }
    let filter = fields.optional("where").and_then(|node| condition_of(node, "where", problems));
    let unit = fields.optional_text("unit", problems).map(str::to_owned);
    let on_home = fields.flag("on_home", problems);
    fields.close(problems);
    if problems.count() > n_problems {
        return None;
    }
    Some(MetricDefinition {
        name: name.to_owned(),
        title,
        description,
        owners,
        measure: measure?,
        filter,
        unit,
        on_home,
    })
}

/// Reads an audience; `None` if it has errors of its own.
pub(crate) fn read_audience(
    name: &str,
    node: &Node,
    purposes: &[&str],
    problems: &mut Problems,
) -> Option<AudienceDefinition> {
    let n_problems = problems.count();
    let mut fields = Fields::open(node, "an audience", problems)?;
    let title = fields.optional_text("title", problems).unwrap_or(name).to_owned();
    let description = fields.text_or_empty("description", problems);
    let owners = owned_names(fields.texts("owners", problems));
    let purpose_node = fields.required("purpose", "say what it is mostly for, as in `purpose: email`", problems);
    let purpose = purpose_node.and_then(|node| text_of(node, "purpose", problems));
    if let (Some(purpose), Some(node)) = (purpose, purpose_node) {
        check_known(purpose, &node.place, "purpose", purposes, problems);
    }
    let condition = fields.required("where", "say who is in it, as in `where: did(purchase)`", problems);
    let condition = condition.and_then(|node| condition_of(node, "where", problems));
    fields.close(problems);
    if problems.count() > n_problems {
        return None;
    }
    let (name, purpose) = (name.to_owned(), purpose?.to_owned());
    Some(AudienceDefinition { name, title, description, owners, purpose, condition: condition? })
}

/// Reads a saved question; `None` if it has errors. Whether its names exist is for the judge to say.
pub(crate) fn read_saved(name: &str, node: &Node, purposes: &[&str], problems: &mut Problems) -> Option<SavedQuestion> {
    let n_problems = problems.count();
    let mut fields = Fields::open(node, "a saved question", problems)?;
    let title = fields.optional_text("title", problems).unwrap_or(name).to_owned();
    let description = fields.text_or_empty("description", problems);
    let question_node = fields.required("question", "write the question under it", problems);
    let question = question_node.and_then(|node| read_question(node, problems));
    if let (Some(question), Some(node)) = (&question, question_node) {
        check_known(&question.purpose, key_place(node, "purpose"), "purpose", purposes, problems);
    }
    fields.close(problems);
    if problems.count() > n_problems {
        return None;
    }
    Some(SavedQuestion { name: name.to_owned(), title, description, question: question? })
}

fn owned_names(names: Vec<(&str, &Place)>) -> Vec<String> {
    names.into_iter().map(|(name, _)| name.to_owned()).collect()
}

/// Where the value of a key stands, else where the mapping starts.
pub(crate) fn key_place<'a>(node: &'a Node, key: &'static str) -> &'a Place {
    let fields = Fields::open(node, "a definition", &mut Problems::default());
    fields.and_then(|mut fields| fields.optional(key)).map_or(&node.place, |value| &value.place)
}

/// The question that counts an audience, for checks.
pub(crate) fn audience_as_question(audience: &AudienceDefinition) -> Question {
    let condition = audience.condition.clone();
    let body = AudienceQuestion {
        condition,
        as_of: None,
        release: Release::Aggregate,
        columns: Vec::new(),
        limit: None,
        destination: None,
    };
    let purpose = audience.purpose.clone();
    Question { purpose, body: QuestionBody::Audience(body), time_zone: chrono_tz::UTC }
}

/// The question that asks for a metric, for checks.
pub(crate) fn metric_as_question(metric: &MetricDefinition) -> Question {
    let body = TrendQuestion {
        measure: metric.measure.clone(),
        by: Interval::None,
        period: None,
        as_of: None,
        filter: metric.filter.clone(),
        breakdown: Vec::new(),
        limit: None,
        offset: None,
    };
    Question { purpose: String::new(), body: QuestionBody::Trend(body), time_zone: chrono_tz::UTC }
}
