//! Protobuf timestamps as points in time.

use buildkit_proto::google::protobuf;
use jiff::Timestamp;

/// Reads a protobuf timestamp; none if it is beyond what [`Timestamp`] can hold.
pub(super) fn from_wire(timestamp: protobuf::Timestamp) -> Option<Timestamp> {
    Timestamp::new(timestamp.seconds, timestamp.nanos).ok()
}
