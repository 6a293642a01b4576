//! Receives files in fsutil's protocol: the stream around [`DirectoryReceiver`].

use std::path::{Path, PathBuf};

use buildkit_proto::fsutil::types::Packet;
use bytes::Bytes;
use prost::Message;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tonic::Status;

use super::bytes::{Answers, Inbound};
use super::directory::{DirectoryReceiver, Progress, ReceiveError, WINDOW};
use super::failures::Failures;
use crate::buildkit::error::explained;
use crate::buildkit::session::fsutil::{self, Root};

/// How many packets wait for the disk.
const WAITING: usize = 16;

/// Receives files into a folder, which is made if missing.
pub(super) fn to_directory(path: PathBuf, inbound: impl Inbound, failures: Failures) -> Answers {
    // Room for all requests that can be open, so that answering never waits for the network
    // while the daemon waits for this side to read.
    let (answer, answers) = mpsc::channel(WINDOW + 3);
    tokio::spawn(async move {
        let (packets, queue) = mpsc::channel(WAITING);
        let requests = answer.clone();
        let receiver = tokio::task::spawn_blocking(move || receive(&path, queue, &requests));
        let forwarded = tokio::select! {
            forwarded = forward(inbound, packets) => forwarded,
            // The caller is gone: the receiver stops as its queue does, and cleans up.
            () = answer.closed() => return,
        };
        let status = match receiver.await {
            Ok(Ok(())) => return,
            // The queue ended early because the stream broke: that is the better reason.
            Ok(Err(ReceiveError::Gone)) => match forwarded {
                Err(status) => status,
                Ok(()) => Status::unknown(explained(&ReceiveError::Gone)),
            },
            Ok(Err(error)) => failures.note(&error),
            Err(error) => failures.note(&error),
        };
        // If the caller is gone nobody is left to tell.
        answer
            .send(Ok(encoded(&fsutil::error(status.message()))))
            .await
            .ok();
        answer.send(Err(status)).await.ok();
    });
    answers
}

fn encoded(packet: &Packet) -> Bytes {
    packet.encode_to_vec().into()
}

/// Passes packets on until the stream ends or the receiver has all.
async fn forward(mut inbound: impl Inbound, packets: mpsc::Sender<Packet>) -> Result<(), Status> {
    loop {
        let message = tokio::select! {
            message = inbound.next() => message,
            // The receiver has all, or has failed: the daemon may wait for that answer.
            () = packets.closed() => return Ok(()),
        };
        let Some(message) = message else {
            return Ok(());
        };
        let packet = Packet::decode(message?)
            .map_err(|_| Status::invalid_argument("the exporter sends no files"))?;
        if packets.send(packet).await.is_err() {
            return Ok(());
        }
    }
}

/// Takes packets and answers them until the transfer is complete.
fn receive(
    path: &Path,
    mut packets: mpsc::Receiver<Packet>,
    answers: &mpsc::Sender<Result<Bytes, Status>>,
) -> Result<(), ReceiveError> {
    let open = || {
        std::fs::create_dir_all(path)?;
        Root::open(path)
    };
    let root = open().map_err(|source| ReceiveError::Place {
        path: path.display().to_string(),
        source,
    })?;
    let mut receiver = DirectoryReceiver::new(root);
    while let Some(packet) = packets.blocking_recv() {
        let progress = receiver.take(packet)?;
        for id in receiver.requests()? {
            let sent = answers.blocking_send(Ok(encoded(&fsutil::request(id))));
            sent.map_err(|_| ReceiveError::Gone)?;
        }
        match progress {
            Progress::More => {}
            Progress::Complete => {
                let sent = answers.blocking_send(Ok(encoded(&fsutil::fin())));
                sent.map_err(|_| ReceiveError::Gone)?;
            }
            Progress::Agreed => return Ok(()),
        }
    }
    Err(ReceiveError::Gone)
}
