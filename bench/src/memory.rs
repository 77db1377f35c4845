//! The program's resident memory, looked at all the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use xtask::server::{self, Server};

const EVERY: Duration = Duration::from_millis(50);

/// The most memory since somebody asked.
pub(super) struct Memory {
    most_mb: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Memory {
    /// Starts looking.
    pub(super) fn watch(server: &Server) -> Memory {
        let (most_mb, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let id = server.id();
        let (most, over) = (Arc::clone(&most_mb), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                most.fetch_max(server::memory_mb(id).unwrap_or_default() as u64, Ordering::Relaxed);
                std::thread::sleep(EVERY);
            }
        });
        Memory { most_mb, is_over, thread: Some(thread) }
    }

    /// The most since the last time this was asked, in MB.
    pub(super) fn most_mb(&self) -> u64 {
        self.most_mb.swap(0, Ordering::Relaxed)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}
