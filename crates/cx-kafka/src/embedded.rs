//! In: topic names with partition counts. Kept: librdkafka's mock cluster on a thread of its own.
//! Out: its address. Never knows: clients.
//!
//! It is a bounded queue in memory, no log: 5 MiB per partition, oldest batches dropped, nothing
//! survives the process. It keeps the producer's time.

use crate::Error;
use rdkafka::mocking::MockCluster;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

/// A broker inside this process; dropping it ends it.
#[derive(Debug)]
pub struct Embedded {
    bootstrap: String,
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Embedded {
    /// Starts one broker with the given topics on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// [`Error::Client`] when librdkafka refuses.
    pub fn start(topics: &[(&str, u32)]) -> Result<Self, Error> {
        let topics: Vec<(String, u32)> =
            topics.iter().map(|(t, n)| ((*t).to_owned(), *n)).collect();
        let (tell, told) = sync_channel(1);
        let (stop, stopped) = sync_channel::<()>(1);
        let thread = std::thread::Builder::new()
            .name("embedded-broker".to_owned())
            .spawn(move || match cluster(&topics) {
                Ok(cluster) => {
                    let sent = tell.send(Ok(cluster.bootstrap_servers()));
                    if sent.is_ok() {
                        // Ends with a message or with the sender's drop; both mean stop.
                        let _ended = stopped.recv();
                    }
                }
                Err(e) => drop(tell.send(Err(e))),
            })
            .map_err(|e| refused(&e.to_string()))?;
        let bootstrap = told.recv().map_err(|_| refused("its thread ended"))??;
        Ok(Self {
            bootstrap,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Its address.
    #[must_use]
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn refused(detail: &str) -> Error {
    Error::Client {
        bootstrap: "embedded broker".to_owned(),
        detail: detail.to_owned(),
    }
}

fn cluster(
    topics: &[(String, u32)],
) -> Result<MockCluster<'static, rdkafka::producer::DefaultProducerContext>, Error> {
    let cluster = MockCluster::new(1).map_err(|e| refused(&e.to_string()))?;
    for (topic, partitions) in topics {
        let partitions = i32::try_from(*partitions).map_err(|e| refused(&e.to_string()))?;
        cluster
            .create_topic(topic, partitions, 1)
            .map_err(|e| refused(&e.to_string()))?;
    }
    Ok(cluster)
}
