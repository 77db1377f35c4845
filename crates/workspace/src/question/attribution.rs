//! Reading an attribution.

use super::{choice, condition_of, duration_of, read_as_of, read_period, read_step};
use crate::diagnostic::Problems;
use crate::fields::Fields;
use spec::{AttributionModel, AttributionQuestion, Duration};

/// How far back touches are looked for if it is not said.
const LOOKBACK_USUAL: &str = "30 days";

pub(super) fn read(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<AttributionQuestion> {
    let hint = "name the event that is credited, as in `conversion: purchase`";
    let conversion = fields.required("conversion", hint, problems).and_then(|node| read_step(node, problems));
    let hint = "name the event that gets credit, as in `touch: visit`";
    let touch = fields.required("touch", hint, problems).and_then(|node| read_step(node, problems));
    let channel = fields.text("channel", "name the property of a touch that tells channels apart", problems);
    let value = fields.optional_text("value", problems).map(str::to_owned);
    let model = read_model(fields, problems);
    let lookback = fields.optional("lookback").and_then(|node| duration_of(node, "lookback", problems));
    let reset = fields.flag("reset", problems);
    let period = read_period(fields, problems);
    let as_of = read_as_of(fields, problems);
    let filter = fields.optional("where").and_then(|node| condition_of(node, "where", problems));
    Some(AttributionQuestion {
        conversion: conversion?,
        touch: touch?,
        channel: channel?.to_owned(),
        value,
        model,
        lookback: lookback.unwrap_or_else(|| usual(LOOKBACK_USUAL)),
        reset,
        period,
        as_of,
        filter,
    })
}

/// The model with its half-life; the last touch if it is not said.
fn read_model(fields: &mut Fields<'_>, problems: &mut Problems) -> AttributionModel {
    let models = [
        AttributionModel::First,
        AttributionModel::Last,
        AttributionModel::Linear,
        AttributionModel::Position,
        AttributionModel::TimeDecay { half_life: usual(AttributionModel::HALF_LIFE_USUAL) },
        AttributionModel::Markov,
        AttributionModel::Shapley,
    ];
    let choices: Vec<(&str, &AttributionModel)> = models.iter().map(|model| (model.name(), model)).collect();
    let model = fields.optional("model").and_then(|node| choice(node, "model", &choices, problems));
    let Some(node) = fields.optional("half_life") else {
        return model.unwrap_or(&AttributionModel::Last).clone();
    };
    let half_life = duration_of(node, "half_life", problems);
    match (model, half_life) {
        (Some(AttributionModel::TimeDecay { .. }), Some(half_life)) => AttributionModel::TimeDecay { half_life },
        (Some(AttributionModel::TimeDecay { .. }), None) => AttributionModel::Last,
        _ => {
            let message = "`half_life` is for the model `time_decay` only".to_owned();
            problems.add(&node.place, message, "write `model: time_decay`, or leave it out".into());
            AttributionModel::Last
        }
    }
}

fn usual(text: &str) -> Duration {
    Duration::parse(text).expect("a duration of ours can be read")
}
