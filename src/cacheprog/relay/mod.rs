//! A remote for build containers, which have no network: one raw byte stream to the client.
//!
//! BuildKit carries a socket's bytes between a step and its client (the `ssh` mount), a stream per
//! connection. [`client`] is the end in the step, [`Relay`] the end in the client; [`frame`] is
//! what they say:
//!
//! 1. step: hello (version, scope). Relay: welcome (version, what it offers), the scope's index.
//! 2. step: the numbers of the packs that it lacks something of. Relay: their bytes, as they come
//!    from the store, in any order.
//! 3. At any time, step: an action. Relay: what the client's own GOCACHE has of it, with its
//!    bytes. Answers come in the order of the questions, which need not wait for each other.
//! 4. At the end, where the relay offers it: step: what the build used. Relay: the outputs that
//!    the store lacks. Step: their bytes. Relay: done, after it has written them to the store.
//!
//! Neither end trusts the other: frames and totals have limits, both check outputs against their
//! ids, and a relay writes only if its options say so.

pub(super) mod client;
pub(super) mod frame;
mod gather;
mod packs;
mod serve;
#[cfg(test)]
mod tests;

pub use frame::FrameError;
pub use serve::{Relay, RelayError, RelayOptions, RelayReport};
