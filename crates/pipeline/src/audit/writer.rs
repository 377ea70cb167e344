//! Recording: many events with one write.
//!
//! While one group is written the next gathers, so that throughput is not one write an event.

use std::sync::Arc;

use storage::Lake;
use tokio::sync::{mpsc, oneshot};

use super::Access;
use super::chain::Chain;
use super::line::Head;
use crate::{Error, Result};

/// Events written together, at most.
const GROUP: usize = 1_024;
/// Bytes written together, save that a group has one event at least.
const GROUP_BYTES: usize = 4 << 20;

#[derive(Debug)]
pub(super) struct Request {
    access: Access,
    reply: oneshot::Sender<Result<Head>>,
}

/// Begins to write; ends when nobody is left who could record.
pub(super) fn open(lake: &Lake, source: &str) -> mpsc::Sender<Request> {
    let (requests, incoming) = mpsc::channel(GROUP);
    let writer = Writer { lake: lake.clone(), source: source.to_owned(), chain: None };
    tokio::spawn(writer.run(incoming));
    requests
}

/// Records an access; its place in the chain.
pub(super) async fn record(requests: &mpsc::Sender<Request>, access: Access) -> Result<Head> {
    let (reply, answer) = oneshot::channel();
    requests.send(Request { access, reply }).await.map_err(|_| Error::Interrupted)?;
    answer.await.map_err(|_| Error::Interrupted)?
}

struct Writer {
    lake: Lake,
    source: String,
    chain: Option<Chain>,
}

impl Writer {
    async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        while let Some(first) = requests.recv().await {
            let mut bytes = first.access.size();
            let mut group = vec![first];
            while group.len() < GROUP && bytes < GROUP_BYTES {
                let Ok(request) = requests.try_recv() else { break };
                bytes += request.access.size();
                group.push(request);
            }
            let written = self.write(&group).await;
            answer(group, written);
        }
    }

    /// Writes a group at the end of the chain. One of which the end is not known is left, and another begun by the next event:
    /// what may or may not be there must not be followed by anything.
    async fn write(&mut self, group: &[Request]) -> Result<Vec<Head>> {
        let chain = match self.chain.take().filter(Chain::is_of_today) {
            Some(chain) => chain,
            None => Chain::begin(&self.lake).await?,
        };
        let accesses = group.iter().map(|request| &request.access);
        let (chain, heads) = chain.append(&self.lake, &self.source, accesses).await?;
        self.chain = Some(chain);
        Ok(heads)
    }
}

/// Tells each who waits. Whoever went away meanwhile is not told; the event is kept all the same.
fn answer(group: Vec<Request>, written: Result<Vec<Head>>) {
    match written {
        Ok(heads) => {
            for (request, head) in group.into_iter().zip(heads) {
                let _ = request.reply.send(Ok(head));
            }
        }
        Err(error) => {
            let error = Arc::new(error);
            for request in group {
                let _ = request.reply.send(Err(Error::Audit(error.clone())));
            }
        }
    }
}
