//! The daemon's side of a folder transfer.

use buildkit_proto::fsutil::types::Packet;
use buildkit_proto::fsutil::types::packet::PacketType;
use buildkit_proto::moby::filesync::packet::file_send_client::FileSendClient;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Streaming};

use crate::buildkit::session::filesend::FileSendService;
use crate::buildkit::session::{fsutil, in_process};

/// A folder transfer seen from the daemon.
pub(super) struct Sender {
    pub(super) packets: mpsc::Sender<Packet>,
    pub(super) answers: Streaming<Packet>,
}

impl Sender {
    pub(super) async fn open(service: &FileSendService) -> Self {
        let channel = in_process::channel(service.clone().into_server()).await;
        let (packets, outbound) = mpsc::channel(100);
        let request = Request::new(ReceiverStream::new(outbound));
        let answer = FileSendClient::new(channel)
            .diff_copy(request)
            .await
            .unwrap();
        Self {
            packets,
            answers: answer.into_inner(),
        }
    }

    /// Sends a listing, and whatever is asked for with its path as content; returns how the
    /// transfer ended.
    pub(super) async fn send(mut self, listing: &[Packet]) -> Result<(), String> {
        let listed = listing.iter().cloned().chain([fsutil::end_of_list()]);
        for packet in listed {
            // A receiver that refuses does not wait for the rest.
            if self.packets.send(packet).await.is_err() {
                break;
            }
        }
        loop {
            let answer = self.answers.message().await;
            let answer = answer.map_err(|status| status.message().to_owned())?;
            let answer = answer.ok_or("ended early")?;
            match PacketType::try_from(answer.r#type).unwrap() {
                PacketType::PacketReq => {
                    let stat = listing[answer.id as usize].stat.as_ref().unwrap();
                    let content = stat.path.clone().into_bytes();
                    let content = fsutil::data(answer.id, content);
                    let end = fsutil::data(answer.id, Vec::new());
                    // A receiver that refuses something else takes neither.
                    let packets = &self.packets;
                    let sent = async { packets.send(content).await.is_ok() };
                    if sent.await {
                        packets.send(end).await.ok();
                    }
                }
                PacketType::PacketFin => break,
                PacketType::PacketErr => return Err(String::from_utf8(answer.data).unwrap()),
                other => panic!("unexpected {other:?}"),
            }
        }
        self.packets.send(fsutil::fin()).await.unwrap();
        let end = self.answers.message().await.unwrap();
        assert!(end.is_none());
        Ok(())
    }
}
