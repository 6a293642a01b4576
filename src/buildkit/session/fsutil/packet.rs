//! Constructors of the packets; the messages themselves are generated from fsutil's protos.

use buildkit_proto::fsutil::types::packet::PacketType;
use buildkit_proto::fsutil::types::{Packet, Stat};

/// The largest gRPC message that either side of a session takes: what buildkitd allows.
pub const MAX_MESSAGE: usize = 16 << 20;

fn packet(kind: PacketType) -> Packet {
    Packet {
        r#type: kind.into(),
        ..Packet::default()
    }
}

/// Returns the listing of one entry.
#[must_use]
pub fn stat(stat: Stat) -> Packet {
    Packet {
        stat: Some(stat),
        ..packet(PacketType::PacketStat)
    }
}

/// Returns the packet that ends the listing.
#[must_use]
pub fn end_of_list() -> Packet {
    packet(PacketType::PacketStat)
}

/// Returns the request for the content of the `id`-th listed entry.
#[must_use]
pub fn request(id: u32) -> Packet {
    Packet {
        id,
        ..packet(PacketType::PacketReq)
    }
}

/// Returns a piece of a file's content; an empty one ends the file.
#[must_use]
pub fn data(id: u32, data: Vec<u8>) -> Packet {
    Packet {
        id,
        data,
        ..packet(PacketType::PacketData)
    }
}

/// Returns the packet by which both sides agree that the transfer is complete.
#[must_use]
pub fn fin() -> Packet {
    packet(PacketType::PacketFin)
}

/// Returns the packet that tells the other side why the transfer fails.
#[must_use]
pub fn error(message: &str) -> Packet {
    Packet {
        data: message.as_bytes().to_vec(),
        ..packet(PacketType::PacketErr)
    }
}
