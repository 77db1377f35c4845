//! The collector from the outside: deliveries in, receipts and the log's records out.

mod attacks;
mod calls;
mod consents;
mod contracts;
mod keys;
mod laws;
mod places;
mod preferences;
mod replays;
mod signed;
mod speed;
mod surroundings;
mod world;
