//! In: messages. Kept: those to be sent again, when. Out: requests, each to the very address that was checked.
//! Never knows: what they say.

use super::{Message, Receiver, Webhooks, guard};
use crate::clock;
use crate::common::Common;
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Waits before a message is sent again; after the last one it is given up.
const AGAIN: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(25),
    Duration::from_secs(60),
    Duration::from_secs(300),
];
/// How long a connection may take, and a whole request.
const CONNECT: Duration = Duration::from_secs(3);
const REQUEST: Duration = Duration::from_secs(10);
/// Requests at the same time.
const REQUESTS: usize = 8;
/// How often the end of the house is looked for.
const LOOK: Duration = Duration::from_millis(100);

/// Sends until the house stops; what is on its way then is told by the next start, where it is young enough.
///
/// # Errors
/// No runtime to be had.
pub(crate) fn run(common: &Common) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(deliver(&common.webhooks, &AGAIN, || {
        common.stop.load(Ordering::Relaxed)
    }));
    Ok(())
}

async fn deliver(webhooks: &Arc<Webhooks>, again: &'static [Duration], stop: impl Fn() -> bool) {
    let outlet = webhooks.outlet.lock().expect("no holder panics").take();
    let Some(mut outlet) = outlet else {
        return;
    };
    let slots = Arc::new(Semaphore::new(REQUESTS));
    let mut underway = JoinSet::new();
    let mut look = tokio::time::interval(LOOK);
    while !stop() {
        // As many may be underway as may wait before: neither grows without end.
        let room = underway.len() < super::WAITING;
        tokio::select! {
            message = outlet.recv(), if room => {
                let Some(message) = message else { return };
                let (webhooks, slots) = (Arc::clone(webhooks), Arc::clone(&slots));
                underway.spawn(async move {
                    see_through(&webhooks, &slots, again, &message).await;
                    webhooks.waiting.fetch_sub(1, Ordering::Relaxed);
                });
            }
            Some(_) = underway.join_next() => {}
            _ = look.tick() => {}
        }
    }
}

/// Sends a message until it is taken or given up.
async fn see_through(
    webhooks: &Webhooks,
    slots: &Semaphore,
    again: &[Duration],
    message: &Message,
) {
    let Some(Some(receiver)) = webhooks.receivers.get(&message.to) else {
        return;
    };
    let mut waits = again.iter();
    loop {
        let sent = {
            let _slot = slots.acquire().await;
            send(receiver, message).await
        };
        let Err(trouble) = sent else {
            webhooks.note(&message.to, |fare| {
                fare.taken += 1;
                fare.trouble.clear();
            });
            return;
        };
        webhooks.note(&message.to, |fare| fare.failures += 1);
        let Some(wait) = waits.next() else {
            tracing::warn!(
                to = message.to,
                id = message.id,
                trouble,
                "webhook given up"
            );
            webhooks.note(&message.to, |fare| {
                fare.given_up += 1;
                fare.trouble = trouble;
            });
            return;
        };
        tokio::time::sleep(*wait).await;
    }
}

/// One request; why it was not taken, in words without what the receiver answered.
async fn send(receiver: &Receiver, message: &Message) -> Result<(), String> {
    let addresses = resolved(&receiver.url).await?;
    let address = guard::choose(&addresses, receiver.allow_private)?;
    let host = receiver.url.host_str().unwrap_or_default();
    let client = Client::builder()
        .resolve_to_addrs(host, &[address])
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT)
        .timeout(REQUEST)
        .build()
        .map_err(|e| e.to_string())?;
    let second = clock::now().second();
    let signature = receiver.key.sign(&message.id, second, &message.body);
    let request = client
        .post(receiver.url.clone())
        .header("content-type", "application/json")
        .header("user-agent", "watchfloor")
        .header("webhook-id", &message.id)
        .header("webhook-timestamp", second.to_string())
        .header("webhook-signature", signature)
        .body(message.body.clone());
    match request.send().await {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!("it answered {}", answer.status().as_u16())),
        Err(error) if error.is_timeout() => Err("no answer in time".to_owned()),
        Err(error) if error.is_connect() => Err("no connection".to_owned()),
        Err(error) => Err(error.without_url().to_string()),
    }
}

/// The addresses that the receiver's name stands for now.
async fn resolved(url: &Url) -> Result<Vec<SocketAddr>, String> {
    let host = url.host_str().ok_or("the address has no host")?;
    let port = url.port_or_known_default().unwrap_or(443);
    if let Ok(ip) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let found = tokio::net::lookup_host((host, port)).await;
    let found = found.map_err(|_| format!("{host} cannot be resolved"))?;
    Ok(found.collect())
}

#[cfg(test)]
mod tests;
