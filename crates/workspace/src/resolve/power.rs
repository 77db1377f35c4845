//! What the names of the question how large a test has to be mean.

use super::examine_step;
use super::experiment::examine_metric;
use crate::examine::{About, Examiner, Site};
use spec::PowerQuestion;

/// The question with its conditions explained and its metric replaced by what it measures.
pub(super) fn examine(examiner: &mut Examiner<'_>, power: &PowerQuestion) -> PowerQuestion {
    let exposure = examine_step(examiner, &power.exposure, "/question/exposure/where");
    let mut events = vec![exposure.event.clone()];
    let metric = examine_metric(examiner, "/question/metric", &power.metric, &mut events);
    let site = Site { pointer: "/question/where", about: About::Events, events: &events };
    let filter = power.filter.as_ref().map(|filter| examiner.condition(filter, site));
    PowerQuestion { exposure, metric, filter, ..power.clone() }
}
