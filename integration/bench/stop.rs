//! When to stop: the time that was given is over, or someone pressed Ctrl-C.
//!
//! The build that is under way is awaited, and the report holds all that was timed. A second Ctrl-C
//! ends that build, too. What the bench starts is in process groups of its own, so that a terminal
//! does not end it behind its back.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{SignalKind, signal};

static ASKED: AtomicBool = AtomicBool::new(false);
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// The end of a run, if it has one.
pub(crate) struct Stop(Option<Instant>);

impl Stop {
    /// Begins to listen for signals, and to count minutes.
    pub(crate) fn after(minutes: Option<u64>) -> Self {
        std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(listen());
        });
        let limit = minutes.map(|minutes| Instant::now() + Duration::from_secs(60 * minutes));
        Self(limit)
    }

    /// Tells whether nothing more is to be begun.
    pub(crate) fn is_now(&self) -> bool {
        let is_over = self.0.is_some_and(|limit| Instant::now() >= limit);
        is_over || ASKED.load(Ordering::Relaxed)
    }
}

/// Notes programs that a second Ctrl-C ends; those of before are forgotten.
pub(crate) fn running(programs: Vec<Pid>) {
    *RUNNING.lock().unwrap() = programs;
}

async fn listen() {
    let mut interrupt = signal(SignalKind::interrupt()).unwrap();
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if ASKED.swap(true, Ordering::Relaxed) {
            for program in &*RUNNING.lock().unwrap() {
                // It may have ended just now.
                let _ = kill_process(*program, Signal::TERM);
            }
        } else {
            eprintln!("stopping after this build; once more to end it");
        }
    }
}
