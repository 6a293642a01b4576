//! The wire to a buildkitd: it takes graphs and content, and gives images, events and errors.
//!
//! 1. [`transport`] dials an [`Address`](transport::Address) once.
//! 2. [`client`] speaks the Control service on that connection.
//! 3. [`session`] offers services to the daemon through a stream of the same connection.
//! 4. [`solve`] runs builds: request, events, answer.
//! 5. [`gateway`] is what a running build asks of the daemon.
//!
//! ```text
//! Client::connect(&address, tls).await?
//!   └─ Session::builder(key).service(…).start(&client).await?
//!        └─ client.build(&session, options, events, cancel, |gateway| async move { … }).await?
//! ```
//!
//! [`engine`] is the API of the Docker Engine around some of these daemons. [`error`] sorts what can go wrong; [`proto`] holds generated code for the protocols that
//! `bollard-buildkit-proto` lacks. Protocol facts are those of BuildKit v0.32; older daemons are
//! served as far as a module says so.

pub mod client;
pub mod engine;
pub mod error;
pub mod gateway;
pub mod identity;
pub mod proto;
pub mod session;
pub mod solve;
mod time;
pub mod transport;
