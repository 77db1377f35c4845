//! Reading an experiment.

use super::{condition_of, duration_of, measure_of, read_as_of, read_period, read_step};
use crate::diagnostic::Problems;
use crate::fields::{Fields, entries_of};
use crate::names::shortened;
use crate::node::{Node, NodeKind};
use spec::{ExperimentMetric, ExperimentQuestion};

const METRICS_MAX: usize = ExperimentQuestion::METRICS_MAX;
const VARIANTS_MAX: usize = 100;
/// The largest part of a split.
const PART_MAX: u32 = 1_000_000;

pub(super) fn read(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<ExperimentQuestion> {
    let hint = "name the event that exposes people to a variant, as in `exposure: experiment_viewed`";
    let exposure = fields.required("exposure", hint, problems).and_then(|node| read_step(node, problems));
    let variant = fields.text("variant", "name the property of an exposure that tells variants apart", problems);
    let metrics = read_metrics(fields, problems);
    let split = read_split(fields, problems);
    let period = read_period(fields, problems);
    let as_of = read_as_of(fields, problems);
    let filter = fields.optional("where").and_then(|node| condition_of(node, "where", problems));
    let (exposure, variant) = (exposure?, variant?.to_owned());
    Some(ExperimentQuestion { exposure, variant, metrics: metrics?, split, period, as_of, filter })
}

fn read_metrics(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Vec<ExperimentMetric>> {
    let hint = "list what is compared, as in `metrics: [people(purchase), sum(purchase.amount)]`";
    let place = &fields.required("metrics", hint, problems)?.place;
    let nodes = fields.list("metrics", problems);
    if nodes.is_empty() || nodes.len() > METRICS_MAX {
        let message = format!("an experiment has 1 to {METRICS_MAX} metrics, not {}", nodes.len());
        problems.add(place, message, hint.to_owned());
    }
    let mut metrics: Vec<ExperimentMetric> = Vec::new();
    for node in nodes.iter().take(METRICS_MAX) {
        let metric = read_metric(node, ("metrics", "a metric of an experiment"), problems)?;
        if metrics.iter().any(|known| known.title() == metric.title()) {
            let message = format!("two metrics are called `{}`", shortened(&metric.title()));
            problems.add(&node.place, message, "give one of them a `name` of its own".into());
        }
        metrics.push(metric);
    }
    Some(metrics)
}

/// A measure's text, or a mapping with more about it; the key that it stands under, and what it is called in messages.
pub(super) fn read_metric(
    node: &Node,
    (key, what): (&str, &'static str),
    problems: &mut Problems,
) -> Option<ExperimentMetric> {
    if matches!(node.kind, NodeKind::Text(_)) {
        let measure = measure_of(node, key, problems)?;
        return Some(ExperimentMetric { name: None, measure, filter: None, within: None });
    }
    let mut fields = Fields::open(node, what, problems)?;
    let name = fields.optional_text("name", problems).map(str::to_owned);
    let hint = "say what is measured, as in `measure: count(purchase)`";
    let measure = fields.required("measure", hint, problems).and_then(|node| measure_of(node, "measure", problems));
    let filter = fields.optional("where").and_then(|node| condition_of(node, "where", problems));
    let within = fields.optional("within").and_then(|node| duration_of(node, "within", problems));
    fields.close(problems);
    Some(ExperimentMetric { name, measure: measure?, filter, within })
}

/// Parts by the names of variants, ascending.
fn read_split(fields: &mut Fields<'_>, problems: &mut Problems) -> Vec<(String, u32)> {
    let Some(node) = fields.optional("split") else { return Vec::new() };
    let entries = entries_of(node, "split", problems);
    if !(2..=VARIANTS_MAX).contains(&entries.len()) && matches!(node.kind, NodeKind::Map(_)) {
        let message = format!("a split has 2 to {VARIANTS_MAX} variants, not {}", entries.len());
        problems.add(&node.place, message, "write it as in `split: {control: 1, shorter: 1}`".into());
    }
    let mut split = Vec::with_capacity(entries.len());
    for entry in entries.iter().take(VARIANTS_MAX) {
        let part = match entry.value.kind {
            NodeKind::Integer(part) => u32::try_from(part).ok().filter(|part| (1..=PART_MAX).contains(part)),
            _ => None,
        };
        match part {
            Some(part) => split.push((entry.key.clone(), part)),
            None => {
                let message = format!("the part of `{}` is a whole number from 1 to {PART_MAX}", shortened(&entry.key));
                problems.add(&entry.value.place, message, "write parts as in `{control: 90, shorter: 10}`".into());
            }
        }
    }
    split.sort();
    split
}
