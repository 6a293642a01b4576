//! `Write`: a blob that arrives message by message, each of which is answered.
//!
//! The first message names the write. A commit ends the stream, and so does the news that the
//! blob is there already; any other end leaves the bytes for the next stream of that name.

use std::sync::Arc;

use futures_util::Stream;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::ingest::Ingest;
use super::layout::LayoutStore;
use super::{blocking, refusal};
use crate::buildkit::proto::content as wire;
use crate::content::BlobSource as _;

type Answer = Result<wire::WriteContentResponse, Status>;

/// Serves one stream of writes.
pub(super) fn serve(
    layout: Arc<LayoutStore>,
    requests: Streaming<wire::WriteContentRequest>,
) -> impl Stream<Item = Answer> + Send {
    let (answers, stream) = mpsc::channel(1);
    tokio::spawn(async move {
        if let Err(status) = run(layout, requests, &answers).await {
            // A daemon that went away needs no answer.
            drop(answers.send(Err(status)).await);
        }
    });
    ReceiverStream::new(stream)
}

async fn run(
    layout: Arc<LayoutStore>,
    mut requests: Streaming<wire::WriteContentRequest>,
    answers: &mpsc::Sender<Answer>,
) -> Result<(), Status> {
    let Some(first) = requests.message().await? else {
        return Ok(());
    };
    let mut held = Held::take(&layout, &first).await?;
    let mut request = first;
    loop {
        let committing = request.action() == wire::WriteAction::Commit;
        let answer = held.handle(request).await?;
        if answers.send(Ok(answer)).await.is_err() || committing {
            return Ok(());
        }
        request = match requests.message().await? {
            Some(request) => request,
            None => return Ok(()),
        };
    }
}

/// A write in the hands of a stream. It goes back to the store unless it was committed.
struct Held {
    layout: Arc<LayoutStore>,
    name: String,
    ingest: Option<Ingest>,
}

impl Drop for Held {
    fn drop(&mut self) {
        match self.ingest.take() {
            Some(ingest) => self.layout.ingests().leave(&self.name, ingest),
            None => {
                self.layout.ingests().forget(&self.name);
            }
        }
    }
}

impl Held {
    async fn take(
        layout: &Arc<LayoutStore>,
        first: &wire::WriteContentRequest,
    ) -> Result<Self, Status> {
        let name = first.r#ref.clone();
        if name.is_empty() {
            return Err(Status::invalid_argument(
                "the first message of a write must name it",
            ));
        }
        let begun = layout.ingests().take(&name).map_err(|_busy| {
            // The daemon tries again after this code.
            Status::unavailable(format!("the write {name} is in progress"))
        })?;
        let mut held = Self {
            layout: Arc::clone(layout),
            name,
            ingest: begun,
        };
        if held.ingest.is_none() {
            held.ingest = Some(held.begin().await?);
        }
        Ok(held)
    }

    async fn begin(&self) -> Result<Ingest, Status> {
        let layout = Arc::clone(&self.layout);
        blocking(move || layout.begin()).await
    }

    async fn handle(&mut self, request: wire::WriteContentRequest) -> Answer {
        if !request.expected.is_empty() {
            self.refuse_known(&request.expected).await?;
        }
        let mut ingest = match self.ingest.take() {
            Some(ingest) => ingest,
            None => self.begin().await?,
        };
        if !request.expected.is_empty() {
            ingest.expected.clone_from(&request.expected);
        }
        if request.total > 0 {
            ingest.total = request.total;
        }
        let action = request.action();
        if action == wire::WriteAction::Stat {
            let answer = describe(&ingest, action);
            self.ingest = Some(ingest);
            return Ok(answer);
        }
        if request.offset == 0 && ingest.offset > 0 && !request.data.is_empty() {
            ingest = self.restart(ingest).await?;
        }
        let ingest = self.append(ingest, &request).await?;
        let answer = describe(&ingest, action);
        match action {
            wire::WriteAction::Commit => {
                let digest = answer.digest.clone();
                let layout = Arc::clone(&self.layout);
                blocking(move || layout.commit(ingest)).await?;
                self.layout.set_labels(&digest, request.labels, None);
            }
            _ => self.ingest = Some(ingest),
        }
        Ok(answer)
    }

    /// Begins again from the first byte, as a daemon does that lost its own place.
    async fn restart(&self, old: Ingest) -> Result<Ingest, Status> {
        let mut fresh = self.begin().await?;
        fresh.total = old.total;
        fresh.expected = old.expected;
        Ok(fresh)
    }

    async fn append(
        &mut self,
        mut ingest: Ingest,
        request: &wire::WriteContentRequest,
    ) -> Result<Ingest, Status> {
        if request.offset != 0 && u64::try_from(request.offset) != Ok(ingest.offset) {
            let at = ingest.offset;
            self.ingest = Some(ingest);
            return Err(Status::out_of_range(format!(
                "the write is at {at}, not at {}",
                request.offset
            )));
        }
        let data = request.data.clone();
        let work = tokio::task::spawn_blocking(move || {
            let result = ingest.append(&data);
            (ingest, result)
        });
        let (ingest, result) = work
            .await
            .map_err(|failed| Status::internal(failed.to_string()))?;
        match result {
            Ok(()) => Ok(ingest),
            Err(error) => Err(refusal(&error)),
        }
    }

    /// Answers that a blob is there already, which the daemon takes as success.
    async fn refuse_known(&mut self, digest: &str) -> Result<(), Status> {
        let layout = Arc::clone(&self.layout);
        let asked = digest.to_owned();
        if blocking(move || layout.size(&asked)).await?.is_none() {
            return Ok(());
        }
        self.ingest = None;
        Err(Status::already_exists(format!("blob {digest} is held")))
    }
}

fn describe(ingest: &Ingest, action: wire::WriteAction) -> wire::WriteContentResponse {
    wire::WriteContentResponse {
        action: action.into(),
        started_at: Some(ingest.started.into()),
        updated_at: Some(ingest.updated.into()),
        offset: i64::try_from(ingest.offset).unwrap_or(i64::MAX),
        total: ingest.total,
        digest: ingest.digest(),
    }
}
