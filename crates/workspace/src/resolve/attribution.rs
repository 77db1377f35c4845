//! What the names of an attribution mean.

use super::{Figure, check_groups, examine_shared, examine_step};
use crate::examine::Examiner;
use crate::types::phrase;
use spec::{AttributionQuestion, FieldRef};

/// The question with its conditions explained; the channel is what it is broken down by, the value its measure.
pub(super) fn examine(
    examiner: &mut Examiner<'_>,
    attribution: &AttributionQuestion,
    figure: &mut Figure,
) -> AttributionQuestion {
    let conversion = examine_step(examiner, &attribution.conversion, "/question/conversion/where");
    let touch = examine_step(examiner, &attribution.touch, "/question/touch/where");
    let filter = examine_shared(examiner, [&conversion, &touch], attribution.filter.as_ref());
    const CHANNEL: &str = "/question/channel";
    figure.breakdown = vec![FieldRef::Property(attribution.channel.clone())];
    if let Some(field) = examiner.property_of(&touch.event, &attribution.channel, CHANNEL) {
        check_groups(examiner, &field, CHANNEL);
    }
    if let Some(name) = &attribution.value {
        const VALUE: &str = "/question/value";
        if let Some(field) = examiner.property_of(&conversion.event, name, VALUE) {
            if !field.value_type.is_numeric() {
                let message = format!("`value` is summed and `{name}` is {}", phrase(field.value_type));
                examiner.wrong(VALUE, message, "name a number of the conversion, or leave it out");
            }
            figure.unit.clone_from(&field.unit);
            figure.measure_type = Some(field.value_type);
        }
    }
    AttributionQuestion { conversion, touch, filter, ..attribution.clone() }
}
