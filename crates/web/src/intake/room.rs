//! The bound on what the intake holds: how many deliveries at once, and how many bytes of them in all.

use crate::problem::Problem;
use std::sync::{Arc, Mutex, PoisonError};

/// What may be held and what is.
pub(crate) struct Room {
    deliveries_max: usize,
    bytes_max: usize,
    /// Deliveries, and bytes of all of them.
    held: Mutex<(usize, usize)>,
}

impl Room {
    /// Makes an empty room.
    pub(crate) fn new(deliveries_max: usize, bytes_max: usize) -> Arc<Room> {
        Arc::new(Room { deliveries_max, bytes_max, held: Mutex::default() })
    }

    /// Takes a place for one more delivery; a full room is a problem that passes.
    ///
    /// What it declares is not held for it, since whoever only declares would fill the room with nothing. But where it would
    /// not fit now, it is refused before any of it is read.
    pub(crate) fn enter(room: &Arc<Room>, n_declared: usize) -> Result<Place, Problem> {
        let mut held = room.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.0 >= room.deliveries_max || held.1.saturating_add(n_declared) > room.bytes_max {
            return Err(full());
        }
        held.0 += 1;
        Ok(Place { room: room.clone(), n_bytes: 0 })
    }
}

/// A delivery's place; given back with its bytes when dropped.
pub(crate) struct Place {
    room: Arc<Room>,
    n_bytes: usize,
}

impl Place {
    /// Says how many bytes the delivery holds now.
    pub(crate) fn hold(&mut self, n_bytes: usize) -> Result<(), Problem> {
        let mut held = self.room.held.lock().unwrap_or_else(PoisonError::into_inner);
        let n_all = held.1 - self.n_bytes + n_bytes;
        if n_all > self.room.bytes_max && n_bytes > self.n_bytes {
            return Err(full());
        }
        held.1 = n_all;
        self.n_bytes = n_bytes;
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.room.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.0 -= 1;
        held.1 -= self.n_bytes;
    }
}

fn full() -> Problem {
    Problem::busy("more is being delivered than can be taken at once")
        .with_hint("send it again after the seconds in `Retry-After`; nothing of it was kept")
}
