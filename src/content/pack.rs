//! Many layers at once, over the machine's cores.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{num::NonZero, thread};

use super::builder::{LayerBuilder, LayerError};
use super::compression::Compression;
use super::files::FileCache;
use super::layer::Layer;

/// Packs each builder's layer, in parallel; the results keep the builders' order.
///
/// # Errors
/// That of the first builder, in order, which cannot be packed.
pub fn pack_layers(
    builders: &[LayerBuilder],
    files: &FileCache,
    compression: Compression,
) -> Result<Vec<Layer>, LayerError> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let next = AtomicUsize::new(0);
    let packed = Mutex::new(Vec::with_capacity(builders.len()));
    thread::scope(|scope| {
        for _ in 0..cores.min(builders.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(builder) = builders.get(index) else {
                        break;
                    };
                    let layer = builder.pack(files, compression);
                    packed
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner)
                        .push((index, layer));
                }
            });
        }
    });
    let mut packed = packed
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    packed.sort_by_key(|(index, _)| *index);
    packed.into_iter().map(|(_, layer)| layer).collect()
}
