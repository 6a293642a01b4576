//! Blocks of packs → outputs in the local tier.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::cacheprog::core::{Core, said};
use crate::cacheprog::id::Id;
use crate::cacheprog::pack::{Block, BlockError, Blocks};

/// Blocks that wait; what is sent beyond that is left with the sender.
const QUEUE: usize = 2;

/// Threads that unpack.
#[derive(Debug)]
pub(in crate::cacheprog) struct Unpackers {
    queue: Option<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Job {
    block: Block,
    pack: Arc<Pending>,
}

/// A pack that is under way. When the last of its blocks is done, what it lacked is lost.
struct Pending {
    core: Arc<Core>,
    outputs: Vec<Id>,
}

/// The bytes of a pack, as they come.
pub(in crate::cacheprog) struct Incoming {
    blocks: Blocks,
    pack: Arc<Pending>,
    queue: SyncSender<Job>,
}

impl Unpackers {
    /// Starts the threads.
    pub(in crate::cacheprog) fn start() -> Self {
        let (queue, jobs) = sync_channel(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(4));
        let threads = (0..threads).map(|_| {
            let jobs = Arc::clone(&jobs);
            std::thread::spawn(move || work(&jobs))
        });
        Self {
            queue: Some(queue),
            threads: threads.collect(),
        }
    }

    /// Returns the way in of a pack that holds these outputs.
    pub(in crate::cacheprog) fn pack(
        &self,
        core: &Arc<Core>,
        outputs: Vec<Id>,
    ) -> Option<Incoming> {
        Some(Incoming {
            blocks: Blocks::default(),
            pack: Arc::new(Pending {
                core: Arc::clone(core),
                outputs,
            }),
            queue: self.queue.clone()?,
        })
    }

    /// Waits until all that was sent is done. Every [`Incoming`] must be gone.
    pub(in crate::cacheprog) fn finish(mut self) {
        self.queue = None;
        for thread in self.threads {
            // A thread that panicked has dropped its pack: what it lacked is lost.
            let _ = thread.join();
        }
    }
}

impl Incoming {
    /// Takes bytes; waits while there is much to do.
    ///
    /// # Errors
    /// They are not those of a pack.
    pub(in crate::cacheprog) fn push(&mut self, bytes: &[u8]) -> Result<(), BlockError> {
        for block in self.blocks.push(bytes)? {
            let pack = Arc::clone(&self.pack);
            // Without threads the outputs are lost, not the build.
            let _ = self.queue.send(Job { block, pack });
        }
        Ok(())
    }

    /// Tells whether all has come.
    ///
    /// # Errors
    /// The end is missing.
    pub(in crate::cacheprog) fn finish(self) -> Result<(), BlockError> {
        self.blocks.finish()
    }
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending")
            .field("outputs", &self.outputs.len())
            .finish_non_exhaustive()
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.core.lost(&self.outputs);
    }
}

fn work(jobs: &Mutex<Receiver<Job>>) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { block, pack }) = job else {
            return;
        };
        if let Err(error) = block.outputs(|output, body| pack.core.land(output, body)) {
            pack.core
                .drop_output(&format!("a pack is damaged: {}", said(&error)));
        }
    }
}
