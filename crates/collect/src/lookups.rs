//! What is known of the world outside messages: user agents, sites, places, signatures. One for the whole collector.

use crate::agents::Agents;
use crate::places::Places;
use crate::referrers::Referrers;
use crate::signatures::Signatures;
use lake::Clock;
use std::sync::Arc;

/// Everything that is looked up for a message.
pub(crate) struct Lookups {
    pub(crate) agents: Agents,
    pub(crate) referrers: Referrers,
    pub(crate) places: Option<Arc<Places>>,
    pub(crate) signatures: Signatures,
}

impl Lookups {
    pub(crate) fn new(clock: Arc<dyn Clock>, places: Option<Arc<Places>>) -> Lookups {
        Lookups { agents: Agents::new(clock), referrers: Referrers::new(), places, signatures: Signatures::default() }
    }
}
