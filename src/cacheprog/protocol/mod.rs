//! The protocol between `go` and a GOCACHEPROG: JSON values on standard input and output.
//!
//! [`Requests`] reads what `go` sends, [`response`] writes the answers. Ids are base64 in JSON; the
//! body of a `put` follows its request as a JSON string of base64 on a line of its own and is
//! decoded while it is read, so it is never held whole.
//!
//! Source: `cmd/go/internal/cacheprog` and `cmd/go/internal/cache/prog.go` (Go 1.24 and later).

mod request;
pub(super) mod response;

pub(super) use request::{ProtocolError, Request, Requests};
