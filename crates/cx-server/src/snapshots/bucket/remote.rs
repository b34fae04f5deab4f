//! In: settings, work for the store. Kept: its client, one thread that does the waiting for sockets.
//! Out: what the work came to, or what went wrong and what to do. Never knows: what the work is.

use super::access::Access;
use super::signing::Sha;
use super::trouble::told;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, RetryConfig};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

const CONNECT: Duration = Duration::from_secs(5);
/// Longest silence of the store: the time for one part upwards, and between two bytes downwards.
const SILENCE: Duration = Duration::from_secs(60);
/// Longest request: the copy of the largest object, which the store makes by itself.
const REQUEST: Duration = Duration::from_secs(600);
const RETRIES: usize = 4;
/// After it no request is tried again.
const RETRY_FOR: Duration = Duration::from_secs(30);

/// A store, seen from threads.
#[derive(Debug)]
pub(super) struct Remote {
    store: Arc<AmazonS3>,
    bucket: String,
    folder: Path,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

impl Remote {
    /// # Errors
    /// Settings that fit no store, no thread to be had.
    pub(super) fn open(access: &Access, folder: &str) -> io::Result<Self> {
        let wrong = |e: object_store::Error| {
            let place = format!("s3://{}", access.bucket);
            told("set up", &place, e)
        };
        let path = Path::parse(format!("{}/{folder}", access.prefix));
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("store")
            .enable_all()
            .build()?;
        Ok(Self {
            store: Arc::new(client(access).map_err(wrong)?),
            bucket: access.bucket.clone(),
            folder: path.map_err(|e| wrong(e.into()))?,
            runtime: Some(runtime),
        })
    }

    pub(super) fn store(&self) -> Arc<AmazonS3> {
        Arc::clone(&self.store)
    }

    pub(super) fn folder(&self) -> Path {
        self.folder.clone()
    }

    pub(super) fn key(&self, name: &str) -> Path {
        self.folder.clone().join(name)
    }

    /// Where a name is, for people; the folder itself for none.
    pub(super) fn place(&self, name: &str) -> String {
        let slash = if name.is_empty() { "" } else { "/" };
        format!("s3://{}/{}{slash}{name}", self.bucket, self.folder)
    }

    /// Waits for some work. `what` and `name` are for its errors.
    ///
    /// # Errors
    /// The store's own, with the place and what to do.
    pub(super) fn done<T: Send + 'static>(
        &self,
        what: &str,
        name: &str,
        work: impl Future<Output = object_store::Result<T>> + Send + 'static,
    ) -> io::Result<T> {
        let done = self.wait(work)?;
        done.map_err(|error| told(what, &self.place(name), error))
    }

    /// Waits for some work: handed to the store's own thread, so that no runtime of the caller matters.
    ///
    /// # Errors
    /// A thread that has ended before the work did.
    pub(super) fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> io::Result<T> {
        let ended = || io::Error::other("the thread that speaks to the store has ended");
        let (tell, told) = sync_channel(1);
        let runtime = self.runtime.as_ref().ok_or_else(ended)?;
        runtime.spawn(async move { drop(tell.send(work.await)) });
        told.recv().map_err(|_| ended())
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // Not waited for: all work was, and whoever drops this may be a task.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn client(access: &Access) -> object_store::Result<AmazonS3> {
    let builder = match &access.keys {
        // Nothing of the environment: its token or endpoint would not belong to these keys.
        Some(keys) => AmazonS3Builder::new()
            .with_access_key_id(&keys.id)
            .with_secret_access_key(&keys.secret),
        None => AmazonS3Builder::from_env(),
    };
    let options = ClientOptions::new()
        .with_allow_http(access.allow_http)
        .with_connect_timeout(CONNECT)
        .with_read_timeout(SILENCE)
        .with_timeout(REQUEST);
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(200),
            max_backoff: Duration::from_secs(5),
            base: 2.0,
        },
        max_retries: RETRIES,
        retry_timeout: RETRY_FOR,
    };
    let mut builder = builder
        .with_bucket_name(&access.bucket)
        .with_client_options(options)
        .with_retry(retry)
        .with_crypto_provider(Arc::new(Sha));
    if let Some(region) = &access.region {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = &access.endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    builder.build()
}
