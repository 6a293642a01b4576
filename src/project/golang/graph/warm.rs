//! Loading ahead, over the machine's cores: reading and parsing is most of what closures cost.

use std::collections::HashSet;
use std::num::NonZero;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::{Edge, Loader};
use crate::project::golang::workspace::Resolution;
use crate::project::tree::TreePath;

/// Packages that are known and not loaded.
#[derive(Default)]
struct Queue {
    open: Vec<(String, TreePath)>,
    seen: HashSet<String>,
    /// How many are being loaded, which may add others.
    busy: usize,
}

impl Queue {
    fn add(&mut self, import_path: &str, directory: &TreePath) {
        if !self.seen.contains(import_path) {
            self.seen.insert(import_path.to_owned());
            self.open.push((import_path.to_owned(), directory.clone()));
        }
    }
}

impl Loader<'_> {
    /// Loads the programs in some folders and all that they need from the tree. What fails does so
    /// again when a closure asks for it, which says where it was imported.
    pub fn warm<'d>(&self, programs: impl IntoIterator<Item = &'d TreePath>) {
        let mut queue = Queue::default();
        for directory in programs {
            if let Some(import_path) = self.workspace.import_path_of(directory) {
                queue.add(&import_path, directory);
            }
        }
        let (queue, more) = (Mutex::new(queue), Condvar::new());
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        thread::scope(|scope| {
            for _ in 0..cores {
                scope.spawn(|| self.work(&queue, &more));
            }
        });
    }

    fn work(&self, queue: &Mutex<Queue>, more: &Condvar) {
        let mut held = lock(queue);
        loop {
            let Some((import_path, directory)) = held.open.pop() else {
                if held.busy == 0 {
                    return;
                }
                held = more.wait(held).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            held.busy += 1;
            drop(held);
            let node = self.node(&import_path, &directory, None);
            held = lock(queue);
            held.busy -= 1;
            for Edge {
                import_path,
                resolution,
            } in node.iter().flat_map(|node| &node.edges)
            {
                if let Resolution::Local(directory) = resolution {
                    held.add(import_path, directory);
                }
            }
            more.notify_all();
        }
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}
