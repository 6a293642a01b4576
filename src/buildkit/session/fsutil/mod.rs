//! What both directions of BuildKit's file transfer share: packets, modes, the order of
//! paths, and access to a folder that never leaves it.
//!
//! The protocol is the one of `tonistiigi/fsutil` (`send.go`, `receive.go`): the side that
//! has the files lists every entry in `order`, ends the list with a STAT without content,
//! answers each REQ with DATA packets up to an empty one, and returns the other side's FIN.
//! [`super::filesync`] is the sending side, [`super::filesend`] the receiving one.

mod mode;
mod order;
mod packet;
mod root;

pub use mode::{FileKind, GoMode};
pub use order::{OrderError, PathOrder, compare_paths};
pub use packet::{MAX_MESSAGE, data, end_of_list, error, fin, request, stat};
pub use root::{Located, Root};
