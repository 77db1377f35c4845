//! What comes back: columns, rows, and how we know.

use crate::{Instant, Value};
use serde::Serialize;
use std::collections::BTreeMap;

/// An answer: a table and its provenance.
///
/// # Shape
/// `rows` x `columns`; what a row is about depends on the kind of question: `query::run` says it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// The columns, in the order of the cells.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Vec<Vec<Value>>,
    /// For an audience: from everybody to these people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waterfall: Option<Vec<WaterfallStep>>,
    /// For an experiment: whether variants got the people that they were meant to get.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_ratio: Option<SampleRatio>,
    /// How we know.
    pub provenance: Provenance,
}

/// A column of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type's name (`ValueType::name`).
    #[serde(rename = "type")]
    pub value_type: &'static str,
    /// Unit of its values, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// One step from everybody known to the people asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WaterfallStep {
    /// What the step asks, in plain words.
    pub title: String,
    /// `known`, `consent`, `objection`, `law`, or `rule`.
    pub reason: String,
    /// People left after the step; null: withheld.
    pub people: Option<u64>,
    /// People that the step left out; null: withheld.
    pub left: Option<u64>,
}

/// People per variant of an experiment against what was meant, by a chi-square test.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SampleRatio {
    /// The variants that are compared.
    pub variants: Vec<VariantShare>,
    /// People exposed to several variants, who are left out; null: withheld.
    pub several: Option<u64>,
    /// Pearson's chi-square; null: withheld, or nothing to compare.
    pub chi_square: Option<f64>,
    /// How likely so large a difference is by chance.
    pub p: Option<f64>,
    /// Whether chance does not explain it (p below 0.001).
    pub alarm: Option<bool>,
}

/// People of a variant, and how many it was meant to have.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VariantShare {
    /// The variant.
    pub variant: Value,
    /// People in it; null: withheld.
    pub people: Option<u64>,
    /// People that the split gives it; null: withheld.
    pub expected: Option<f64>,
}

/// How we know: everything that the figures depend on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Provenance {
    /// Hash of the question.
    pub question_hash: String,
    /// Hash of the workspace's definitions and rules.
    pub policy_version: String,
    /// Version of each table that was read.
    pub tables: BTreeMap<String, u64>,
    /// When the newest data of the sources used came in; null before the first import.
    pub landed_until: Option<Instant>,
    /// How many people the figures are about.
    pub people: PeopleCounts,
    /// What computed them.
    pub engine: String,
    /// Up to when the question looks: its own `as_of`, the end of its period, or else the instant of asking.
    pub as_of: Instant,
    /// Operational facts, for roles that may see them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// What it was expected to cost, for the same roles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forecast: Option<Cost>,
    /// The smallest group of people that figures for the purpose are shown of.
    pub min_group: u32,
    /// What the purpose says of differences between answers (`Differences::name`). It is the same for each of its answers: to
    /// say of one that a figure gave way would tell what is guarded.
    pub differences: &'static str,
}

/// How many people are known, withheld and used; from the ledger alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PeopleCounts {
    /// People known; null: under the minimum group.
    pub known: Option<u64>,
    /// People withheld, per reason; null: under the minimum group.
    pub withheld: BTreeMap<String, Option<u64>>,
    /// People that may be used; null: under the minimum group.
    pub used: Option<u64>,
}

/// What an answer cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// Rows decoded.
    pub rows_read: u64,
    /// Bytes of the files read.
    pub bytes_read: u64,
    /// Seconds from question to answer on the server.
    pub seconds: f64,
}
