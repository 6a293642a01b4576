//! The daemon's side of a transfer.

use std::collections::{BTreeMap, BTreeSet};

use buildkit_proto::fsutil::types::packet::PacketType;
use buildkit_proto::fsutil::types::{Packet, Stat};
use buildkit_proto::moby::filesync::packet::file_sync_client::FileSyncClient;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Status, Streaming};

use crate::buildkit::session::filesync::{FileSyncService, LocalSource};
use crate::buildkit::session::fsutil::{self, FileKind, GoMode, PathOrder};
use crate::buildkit::session::in_process;

/// One open transfer.
pub(super) struct Peer {
    pub(super) requests: mpsc::Sender<Packet>,
    pub(super) packets: Streaming<Packet>,
}

impl Peer {
    pub(super) async fn open(
        source: LocalSource,
        metadata: &[(&'static str, &str)],
    ) -> Result<Self, Box<Status>> {
        let service = FileSyncService::new([("src".to_owned(), source)].into());
        let channel = in_process::channel(service.into_server()).await;
        let (requests, outbound) = mpsc::channel(8);
        let mut request = Request::new(ReceiverStream::new(outbound));
        for (key, value) in metadata {
            request.metadata_mut().append(*key, value.parse().unwrap());
        }
        let answer = FileSyncClient::new(channel).diff_copy(request).await?;
        Ok(Self {
            requests,
            packets: answer.into_inner(),
        })
    }

    /// Returns the next packet, or the message that the transfer failed with.
    pub(super) async fn next(&mut self) -> Result<Packet, String> {
        let packet = self.packets.message().await;
        let packet = packet.map_err(|status| status.message().to_owned())?;
        let packet = packet.ok_or("the stream ended")?;
        match PacketType::try_from(packet.r#type) {
            Ok(PacketType::PacketErr) => Err(String::from_utf8(packet.data).unwrap()),
            _ => Ok(packet),
        }
    }

    pub(super) async fn send(&self, packet: Packet) {
        self.requests.send(packet).await.unwrap();
    }

    pub(super) async fn listing(&mut self) -> Result<Vec<Stat>, String> {
        let mut listing = Vec::new();
        let mut order = PathOrder::default();
        while let Some(stat) = self.next().await?.stat {
            let is_directory = GoMode(stat.mode).kind() == FileKind::Directory;
            order.check(&stat.path, is_directory).unwrap();
            listing.push(stat);
        }
        Ok(listing)
    }

    /// Takes everything: the listing, all contents at once, and the agreement on the end.
    pub(super) async fn all(mut self) -> Result<(Vec<Stat>, BTreeMap<String, Vec<u8>>), String> {
        let listing = self.listing().await?;
        let regular = |stat: &Stat| GoMode(stat.mode).kind() == FileKind::Regular;
        let ids: Vec<u32> = (0..).take(listing.len()).collect();
        let wanted = ids.iter().filter(|id| regular(&listing[**id as usize]));
        let wanted: BTreeSet<u32> = wanted.copied().collect();
        let mut open = wanted.clone();
        let requests = self.requests.clone();
        tokio::spawn(async move {
            for id in wanted {
                requests.send(fsutil::request(id)).await.unwrap();
            }
        });
        let mut contents = BTreeMap::new();
        while !open.is_empty() {
            let packet = self.next().await?;
            assert_eq!(packet.r#type, i32::from(PacketType::PacketData));
            assert!(open.contains(&packet.id), "content after its end");
            let path = listing[packet.id as usize].path.clone();
            let content: &mut Vec<u8> = contents.entry(path).or_default();
            content.extend_from_slice(&packet.data);
            if packet.data.is_empty() {
                open.remove(&packet.id);
            }
        }
        self.send(fsutil::fin()).await;
        let fin = self.next().await?;
        assert_eq!(fin.r#type, i32::from(PacketType::PacketFin));
        assert!(self.packets.message().await.unwrap().is_none());
        Ok((listing, contents))
    }
}
