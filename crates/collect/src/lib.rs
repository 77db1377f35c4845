//! Events in: who sends, what it says, whether it keeps its contract; then to the log, and an answer when it is on disk.
//!
//! Flow: `web` hands a delivery over -> its key -> limits -> each message against the contract -> one submission to the
//! intake log -> the receipt. Invariants: it needs neither tables nor questions; everything is bounded; what is answered as
//! taken is on disk; whatever is not taken is counted under its reason.
