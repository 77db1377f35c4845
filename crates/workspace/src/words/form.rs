//! Which shape that a form can edit a condition has.

use spec::{Aggregate, Condition, ConditionForm, Duration, EventSelector, FieldRef, Term, Value};

/// The shape of a condition, if a form can edit it.
pub(super) fn form(condition: &Condition) -> Option<ConditionForm> {
    let (condition, negated) = match condition {
        Condition::Not(inner) => (inner.as_ref(), true),
        other => (other, false),
    };
    match condition {
        Condition::Did(aggregate) if aggregate.filter.is_none() => {
            Some(ConditionForm::Did { event: event_name(aggregate), negated, within: within_text(aggregate) })
        }
        Condition::InAudience(name) => Some(ConditionForm::Audience { name: name.clone(), negated }),
        Condition::Compare { left: Term::Aggregate(aggregate), op, right: Term::Value(value) }
            if !negated && aggregate.filter.is_none() && is_number(value) =>
        {
            Some(ConditionForm::Aggregate {
                function: aggregate.function.name().to_owned(),
                event: event_name(aggregate),
                property: aggregate.property.clone().unwrap_or_default(),
                op: op.sign().to_owned(),
                value: value.to_string(),
                within: within_text(aggregate),
            })
        }
        Condition::Compare { left: Term::Field(FieldRef::Trait(name)), op, right: Term::Value(value) } if !negated => {
            Some(ConditionForm::Trait { name: name.clone(), op: op.sign().to_owned(), value: value.to_string() })
        }
        Condition::In { term: Term::Field(FieldRef::Trait(name)), values } => {
            let values: Vec<String> = values.iter().map(Value::to_string).collect();
            let op = if negated { "NOT IN" } else { "IN" };
            let plain = !values.iter().any(|value| value.contains(','));
            plain.then(|| ConditionForm::Trait { name: name.clone(), op: op.to_owned(), value: values.join(", ") })
        }
        _ => None,
    }
}

fn is_number(value: &Value) -> bool {
    matches!(value, Value::Integer(_) | Value::Decimal(_) | Value::Number(_))
}

fn event_name(aggregate: &Aggregate) -> String {
    match &aggregate.event {
        EventSelector::Any => "*".to_owned(),
        EventSelector::Named(name) => name.clone(),
    }
}

fn within_text(aggregate: &Aggregate) -> String {
    aggregate.within.as_ref().map(Duration::to_string).unwrap_or_default()
}
