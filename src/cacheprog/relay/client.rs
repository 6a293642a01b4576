//! The end in the build step: plain threads and a plain socket, no runtime.
//!
//! One thread reads; whoever has something to say writes under a lock. The relay always gets
//! its frames read, so neither end can wait for the other for ever.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io::{self, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::frame::{Frame, FrameError, HEAD, MAX_PAYLOAD, USED_PER_FRAME, VERSION};
use crate::cacheprog::core::{Ask, Core, said};
use crate::cacheprog::id::Id;
use crate::cacheprog::ledger::Place;
use crate::cacheprog::pack::{Index, IndexError, MAX_INDEX, MAX_OUTPUT};
use crate::cacheprog::remote::revise::Used;
use crate::cacheprog::remote::unpack::{Incoming, Unpackers};
use crate::cacheprog::report::Traffic;

/// How long a silence of the relay may be while it stores what it got.
const STORING: Duration = Duration::from_secs(600);

/// A connection to a relay.
#[derive(Debug)]
pub(in crate::cacheprog) struct Uplink {
    writer: Writer,
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
    /// What the reading thread passes on: needed outputs, and the end.
    replies: Receiver<Reply>,
}

/// What concerns the writing back.
#[derive(Debug)]
enum Reply {
    Need(Vec<Id>),
    NeedEnd,
    Done(bool),
}

/// The way to the relay.
#[derive(Clone, Debug)]
struct Writer(Arc<Mutex<UnixStream>>);

/// Why a relay is of no use.
#[derive(Debug, thiserror::Error)]
enum UplinkError {
    #[error("the relay has gone")]
    Io(#[from] io::Error),
    #[error("the relay sends something else than frames")]
    Frame(#[from] FrameError),
    #[error("the relay speaks version {0}, not {VERSION}")]
    Version(u16),
    #[error("the relay says something at the wrong time")]
    Order,
    #[error("the relay's index is not usable")]
    Index(#[from] IndexError),
    #[error("the store behind the relay did not take what was compiled")]
    Refused,
}

impl Uplink {
    /// Connects; `None` if nobody is there, which is said.
    pub(in crate::cacheprog) fn start(
        socket: &Path,
        scope: &str,
        patience: Duration,
        core: &Arc<Core>,
        traffic: &Arc<Traffic>,
    ) -> Option<Self> {
        let connected = UnixStream::connect(socket).and_then(|stream| {
            // Until the index is here, requests wait for it: as long as the store has for it, and
            // the relay to say that it has none.
            stream.set_read_timeout(Some(patience * 2))?;
            stream.set_write_timeout(Some(STORING))?;
            let reading = stream.try_clone()?;
            let writer = Writer(Arc::new(Mutex::new(stream)));
            let scope = scope.to_owned();
            let version = VERSION;
            writer.send(&Frame::Hello { version, scope })?;
            Ok((reading, writer))
        });
        let (reading, writer) = match connected {
            Ok(connected) => connected,
            Err(error) => {
                traffic.failed(core, &format!("{}: {error}", socket.display()));
                core.closed();
                return None;
            }
        };
        let (sender, replies) = channel();
        let is_over = Arc::new(AtomicBool::new(false));
        let mut reader = Reader {
            input: BufReader::with_capacity(MAX_PAYLOAD, reading),
            core: Arc::clone(core),
            traffic: Arc::clone(traffic),
            writer: writer.clone(),
            is_over: Arc::clone(&is_over),
            replies: sender,
        };
        let thread = std::thread::spawn(move || reader.run());
        Some(Self {
            writer,
            is_over,
            thread,
            replies,
        })
    }

    /// Sends what is wanted of `used`; tells whether it was stored.
    pub(in crate::cacheprog) fn finish(
        self,
        core: &Arc<Core>,
        used: Option<&[Used]>,
        traffic: &Traffic,
    ) -> bool {
        let sent = used.map(|used| self.write_back(core, used, traffic));
        self.is_over.store(true, Ordering::Relaxed);
        let _ = self.writer.lock().shutdown(std::net::Shutdown::Both);
        let _ = self.thread.join();
        match sent {
            None => false,
            Some(Ok(is_stored)) => is_stored,
            Some(Err(error)) => {
                traffic.failed(core, &said(&error));
                false
            }
        }
    }

    fn write_back(
        &self,
        core: &Core,
        used: &[Used],
        traffic: &Traffic,
    ) -> Result<bool, UplinkError> {
        // The first reply says whether anything is wanted at all.
        let is_writable = matches!(self.next()?, Reply::Done(true));
        if !is_writable {
            return Ok(false);
        }
        traffic.round_trip();
        for used in used.chunks(USED_PER_FRAME) {
            self.writer.send(&Frame::Used(used.to_vec()))?;
        }
        self.writer.send(&Frame::UsedEnd)?;
        let sizes: HashMap<Id, u64> = used.iter().map(|used| (used.output, used.size)).collect();
        let mut needed = Vec::new();
        loop {
            match self.next()? {
                Reply::Need(outputs) => needed.extend(outputs),
                Reply::NeedEnd => break,
                Reply::Done(is_stored) => return Ok(is_stored),
            }
            if needed.len() > sizes.len() {
                return Err(UplinkError::Order);
            }
        }
        traffic.round_trip();
        for output in &needed {
            // What the build did not use is nobody's business.
            let size = *sizes.get(output).ok_or(UplinkError::Order)?;
            self.send_output(core, output, size, traffic)?;
        }
        match self.next()? {
            Reply::Done(true) => Ok(true),
            Reply::Done(false) => Err(UplinkError::Refused),
            _ => Err(UplinkError::Order),
        }
    }

    fn send_output(
        &self,
        core: &Core,
        output: &Id,
        size: u64,
        traffic: &Traffic,
    ) -> Result<(), UplinkError> {
        let places = (0..=core.seeds.len()).map(Place);
        let mut bodies = places.filter_map(|place| core.tier(place).read(output, size));
        let Some(body) = bodies.next() else {
            return Ok(self.writer.send(&Frame::Gone)?);
        };
        traffic.wrote(body.len());
        // The empty output is one empty frame.
        let mut parts = body.chunks(MAX_PAYLOAD);
        let first = parts.next().unwrap_or_default();
        for part in [first].into_iter().chain(parts) {
            self.writer.send(&Frame::Body(part.to_vec()))?;
        }
        Ok(())
    }

    fn next(&self) -> Result<Reply, UplinkError> {
        let reply = self.replies.recv_timeout(STORING);
        reply.map_err(|_| UplinkError::Io(io::Error::from(io::ErrorKind::UnexpectedEof)))
    }
}

impl Writer {
    fn lock(&self) -> std::sync::MutexGuard<'_, UnixStream> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, frame: &Frame) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(64);
        frame.write(&mut bytes);
        self.lock().write_all(&bytes)
    }
}

/// The thread that reads.
struct Reader {
    input: BufReader<UnixStream>,
    core: Arc<Core>,
    traffic: Arc<Traffic>,
    writer: Writer,
    is_over: Arc<AtomicBool>,
    replies: Sender<Reply>,
}

impl Reader {
    fn run(&mut self) {
        let unpackers = Unpackers::start();
        let ended = self.converse(&unpackers);
        // What the relay had begun is lost, and what waits for its cache is a miss.
        unpackers.finish();
        self.core.closed();
        if let (false, Err(error)) = (self.is_over.load(Ordering::Relaxed), ended) {
            self.traffic.failed(&self.core, &said(&error));
        }
    }

    fn frame(&mut self) -> Result<Frame, UplinkError> {
        let mut head = [0; HEAD];
        self.input.read_exact(&mut head)?;
        let mut payload = vec![0; Frame::length(head)?];
        self.input.read_exact(&mut payload)?;
        Ok(Frame::parse(head[0], payload)?)
    }

    fn converse(&mut self, unpackers: &Unpackers) -> Result<Infallible, UplinkError> {
        self.traffic.round_trip();
        let Frame::Welcome {
            version,
            has_host,
            is_writable,
        } = self.frame()?
        else {
            return Err(UplinkError::Order);
        };
        if version != VERSION {
            return Err(UplinkError::Version(version));
        }
        let index = self.index()?;
        self.input.get_ref().set_read_timeout(None)?;
        let _ = self.replies.send(Reply::Done(is_writable));
        let mut packs = self.order(&index, has_host, unpackers)?;
        loop {
            match self.frame()? {
                Frame::Pack(number, bytes) => {
                    self.traffic.read(bytes.len());
                    let pack = packs.get_mut(&number).ok_or(UplinkError::Order)?;
                    let pushed = pack.as_mut().map_or(Ok(()), |pack| pack.push(&bytes));
                    if let Err(error) = pushed {
                        self.core
                            .drop_output(&format!("a pack was dropped: {error}"));
                        // The rest of it comes all the same.
                        *pack = None;
                    }
                }
                Frame::PackEnd(number, is_whole) => {
                    let pack = packs.remove(&number).ok_or(UplinkError::Order)?;
                    self.traffic.pack_read();
                    let finished = pack.map_or(Ok(()), Incoming::finish);
                    if let (true, Err(error)) = (is_whole, finished) {
                        self.core
                            .drop_output(&format!("a pack was dropped: {error}"));
                    }
                }
                Frame::Found {
                    action,
                    output,
                    size,
                } => {
                    let body = self.body(size)?;
                    self.core.host_answered(action, Some((output, &body)));
                }
                Frame::Missing(action) => self.core.host_answered(action, None),
                Frame::Need(outputs) => self.pass(Reply::Need(outputs))?,
                Frame::NeedEnd => self.pass(Reply::NeedEnd)?,
                Frame::Done(is_stored) => self.pass(Reply::Done(is_stored))?,
                _ => return Err(UplinkError::Order),
            }
        }
    }

    fn pass(&self, reply: Reply) -> Result<(), UplinkError> {
        self.replies.send(reply).map_err(|_| UplinkError::Order)
    }

    fn index(&mut self) -> Result<Index, UplinkError> {
        let mut bytes = Vec::new();
        loop {
            match self.frame()? {
                Frame::Index(part) if bytes.len() + part.len() <= MAX_INDEX => bytes.extend(part),
                Frame::IndexEnd(true) if bytes.is_empty() => return Ok(Index::default()),
                Frame::IndexEnd(true) => return Ok(Index::decode(&bytes)?),
                Frame::IndexEnd(false) => {
                    self.traffic
                        .failed(&self.core, "the store behind the relay fails");
                    return Ok(Index::default());
                }
                _ => return Err(UplinkError::Order),
            }
        }
    }

    /// Says what is here, and asks for the packs that hold the rest.
    fn order(
        &self,
        index: &Index,
        has_host: bool,
        unpackers: &Unpackers,
    ) -> Result<HashMap<u16, Option<Incoming>>, UplinkError> {
        let writer = self.writer.clone();
        let ask = move |actions: &[Id]| {
            for action in actions {
                // If the relay has gone, the reading thread notices and answers.
                let _ = writer.send(&Frame::Get(*action));
            }
        };
        let host = has_host.then(|| Box::new(ask) as Ask);
        let missing = self.core.known(index, host);
        let mut packs = HashMap::new();
        for (number, outputs) in (0..).zip(missing) {
            if !outputs.is_empty() {
                packs.insert(number, unpackers.pack(&self.core, outputs));
            }
        }
        if !packs.is_empty() {
            self.traffic.round_trip();
            let mut wanted: Vec<u16> = packs.keys().copied().collect();
            wanted.sort_unstable();
            self.writer.send(&Frame::Want(wanted))?;
        }
        Ok(packs)
    }

    fn body(&mut self, size: u64) -> Result<Vec<u8>, UplinkError> {
        if size > MAX_OUTPUT {
            return Err(UplinkError::Order);
        }
        let mut body = Vec::new();
        while (body.len() as u64) < size {
            // Nothing comes in between.
            match self.frame()? {
                Frame::Data(part)
                    if !part.is_empty() && body.len() as u64 + part.len() as u64 <= size =>
                {
                    body.extend(part);
                }
                _ => return Err(UplinkError::Order),
            }
        }
        Ok(body)
    }
}
