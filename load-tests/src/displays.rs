//! In: the address of a house. Kept: many displays of one board, each on a socket of its own. Out: when
//! each of them was told what. Never knows: what the numbers mean.
//!
//! A display subscribes twice, live and sealed, and acknowledges once a second like the page does. The same bytes say
//! the same: a frame that many get is read once. One display in a hundred applies every frame to views of its own
//! and verifies their digests; a number that is not the server's ends the bench.

use crate::clock;
use anyhow::{Context as _, Result, bail, ensure};
use cx_client::View;
use cx_model::frame::ServerFrame;
use cx_model::time::Timestamp;
use futures_util::{SinkExt as _, StreamExt as _};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

const LIVE: u32 = 1;
const SEALED: u32 = 2;
/// How often what was shown is acknowledged.
const ACK: Duration = Duration::from_secs(1);
/// One display in so many verifies what it is told.
const PROVING: usize = 100;
/// So many open at a time.
const AT_ONCE: usize = 64;
const PATIENCE: Duration = Duration::from_secs(60);

/// What is looked at, and for how long.
pub(crate) struct Plan {
    pub(crate) address: SocketAddr,
    pub(crate) board: String,
    pub(crate) count: usize,
    /// Of every KPI of that name the cells' values are told, by the value of this dimension.
    pub(crate) kpi: &'static str,
    pub(crate) dimension: &'static str,
}

/// What others see of the displays while they look.
#[derive(Default)]
pub(crate) struct Signs {
    /// Displays with both subscriptions.
    pub(crate) open: AtomicU64,
    /// Whether what they are told is noted.
    pub(crate) noting: AtomicBool,
    pub(crate) over: AtomicBool,
}

/// Something a display was told, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    pub(crate) at: Timestamp,
    pub(crate) what: What,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum What {
    /// A cell of the KPI went from one value to another: index of its dimension's value.
    Value { of: usize, from: i64, to: i64 },
    /// The display has sealed this second.
    Second { s: i64 },
}

/// All that was told, and what it took.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) told: Vec<Told>,
    pub(crate) frames: u64,
    pub(crate) bytes: u64,
}

/// A frame, as far as it is looked at.
struct Read {
    id: u32,
    seq: u64,
    /// Cells that are noted, with their values.
    values: Vec<(usize, i64)>,
    s: Option<i64>,
    g: String,
}

struct Shared {
    plan: Plan,
    names: Vec<String>,
    signs: Arc<Signs>,
    /// Ids of the noted cells: a board's, so the same for all.
    cells: RefCell<BTreeMap<u32, usize>>,
    /// By their bytes: frames of one number differ by what their reader was told before.
    read: RefCell<HashMap<String, Rc<Read>>>,
    log: RefCell<Log>,
}

/// Opens the displays and looks until it is over. `names` are the values of the dimension that are noted.
///
/// # Errors
/// A display that cannot be opened or is closed before its time.
pub(crate) fn look(plan: Plan, names: Vec<String>, signs: &Arc<Signs>) -> Result<Log> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let shared = Rc::new(Shared {
        plan,
        names,
        signs: Arc::clone(signs),
        cells: RefCell::default(),
        read: RefCell::default(),
        log: RefCell::default(),
    });
    let local = LocalSet::new();
    let looked: Result<()> = local.block_on(&runtime, async {
        let mut displays = Vec::new();
        let doors = Rc::new(tokio::sync::Semaphore::new(AT_ONCE));
        for number in 0..shared.plan.count {
            let (shared, doors) = (Rc::clone(&shared), Rc::clone(&doors));
            let proof = (number % PROVING == 0).then(Proof::default);
            displays.push(tokio::task::spawn_local(display(shared, doors, proof)));
        }
        for display in displays {
            display.await??;
        }
        Ok(())
    });
    looked?;
    drop(local);
    let shared = Rc::into_inner(shared).context("all displays have ended")?;
    Ok(shared.log.into_inner())
}

async fn display(
    shared: Rc<Shared>,
    doors: Rc<tokio::sync::Semaphore>,
    mut proof: Option<Proof>,
) -> Result<()> {
    let mut socket = {
        let _place = doors.acquire().await?;
        let opened = tokio::time::timeout(PATIENCE, open(&shared));
        opened.await.context("a display does not open")??
    };
    let mut values = vec![0; shared.names.len()];
    let mut shown = [None, None];
    let mut views = 0;
    let mut due = pin!(sleep(ACK));
    while !shared.signs.over.load(Ordering::Relaxed) {
        let message = tokio::select! {
            biased;
            () = due.as_mut() => {
                acknowledge(&mut socket, &mut shown).await?;
                due.as_mut().reset(Instant::now() + ACK);
                continue;
            }
            message = socket.next() => message,
        };
        let at = clock::now();
        let Message::Text(text) = message.context("a display was closed")?? else {
            continue;
        };
        if let Some(proof) = &mut proof {
            proof.hear(&text)?;
        }
        if text.starts_with(r#"{"op":"d""#) {
            let read = shared.read(&text)?;
            shared.note(&read, &mut values, at, text.len());
            if let Some(shown) = shown.get_mut(read.id as usize - 1) {
                *shown = Some(read);
            }
        } else if text.starts_with(r#"{"op":"view""#) {
            shared.begin(&text)?;
            views += 1;
            if views == 2 {
                shared.signs.open.fetch_add(1, Ordering::Relaxed);
            }
        } else {
            // Whatever else is said is a fault.
            let nothing_new = [r#"{"op":"hb""#, r#"{"op":"note""#];
            ensure!(nothing_new.iter().any(|op| text.starts_with(op)), "{text}");
        }
    }
    Ok(())
}

/// What a display holds that verifies it: of each subscription.
#[derive(Default)]
struct Proof {
    live: View,
    sealed: View,
}

impl Proof {
    /// Takes a frame and verifies the digest of what is held after it.
    ///
    /// # Errors
    /// Other values than the server's.
    fn hear(&mut self, text: &str) -> Result<()> {
        let frame: ServerFrame = serde_json::from_str(text)?;
        let id = match &frame {
            ServerFrame::View { id, .. }
            | ServerFrame::D { id, .. }
            | ServerFrame::Hb { id, .. } => *id,
            ServerFrame::Lagged { .. }
            | ServerFrame::Note { .. }
            | ServerFrame::End { .. }
            | ServerFrame::Why { .. }
            | ServerFrame::Error { .. }
            | ServerFrame::Bye { .. } => return Ok(()),
        };
        let view = if id == SEALED {
            &mut self.sealed
        } else {
            &mut self.live
        };
        view.apply(&frame)
            .with_context(|| format!("a display cannot verify {text}"))?;
        Ok(())
    }
}

async fn open(shared: &Shared) -> Result<WebSocketStream<TcpStream>> {
    let address = shared.plan.address;
    let tcp = TcpStream::connect(address).await?;
    tcp.set_nodelay(true)?;
    let (mut socket, _) = client_async(format!("ws://{address}/v1/stream"), tcp).await?;
    for (id, cadence) in [(LIVE, "live50"), (SEALED, "sealed")] {
        let board = &shared.plan.board;
        let sub = format!(
            r#"{{"op":"sub","id":{id},"board":"{board}","cadence":"{cadence}","ack":true}}"#
        );
        socket.send(Message::text(sub)).await?;
    }
    Ok(socket)
}

/// Says what was shown last of each subscription.
async fn acknowledge(
    socket: &mut WebSocketStream<TcpStream>,
    shown: &mut [Option<Rc<Read>>; 2],
) -> Result<()> {
    for (id, shown) in (LIVE..).zip(shown) {
        if let Some(shown) = shown.take() {
            let Read { seq, g, .. } = &*shown;
            let ack = format!(r#"{{"op":"ack","id":{id},"seq":{seq},"g":"{g}"}}"#);
            socket.send(Message::text(ack)).await?;
        }
    }
    Ok(())
}

impl Shared {
    /// Learns the cells that are noted from a subscription's first frame.
    fn begin(&self, text: &str) -> Result<()> {
        let mut known = self.cells.borrow_mut();
        if !known.is_empty() {
            return Ok(());
        }
        let ServerFrame::View { cells, .. } = serde_json::from_str(text)? else {
            bail!("no view but {text}");
        };
        for (id, _, _, dims, _) in cells.iter().filter(|cell| cell.1 == self.plan.kpi) {
            let value = dims.get(self.plan.dimension);
            let index = self.names.iter().position(|name| Some(name) == value);
            known.extend(index.map(|index| (*id, index)));
        }
        let (kpi, wanted) = (self.plan.kpi, self.names.len());
        ensure!(known.len() == wanted, "the board lacks cells of {kpi}");
        Ok(())
    }

    fn read(&self, text: &str) -> Result<Rc<Read>> {
        if let Some(read) = self.read.borrow().get(text) {
            return Ok(Rc::clone(read));
        }
        let frame: ServerFrame = serde_json::from_str(text)?;
        let ServerFrame::D {
            id,
            seq,
            s,
            sealed,
            v,
            g,
            ..
        } = frame
        else {
            bail!("no values but {text}");
        };
        let cells = self.cells.borrow();
        let noted = |(id, value, _): &(u32, Option<i64>, u8)| Some((*cells.get(id)?, (*value)?));
        let read = Rc::new(Read {
            id,
            seq,
            values: v.iter().filter_map(noted).collect(),
            s: s.filter(|_| sealed != Some(false)),
            g,
        });
        (self.read.borrow_mut()).insert(text.to_owned(), Rc::clone(&read));
        Ok(read)
    }

    fn note(&self, read: &Read, values: &mut [i64], at: Timestamp, bytes: usize) {
        let noting = self.signs.noting.load(Ordering::Relaxed);
        let mut log = self.log.borrow_mut();
        if noting {
            log.frames += 1;
            log.bytes += bytes as u64;
        }
        if read.id == SEALED {
            if let (Some(s), true) = (read.s, noting) {
                log.told.push(Told {
                    at,
                    what: What::Second { s },
                });
            }
            return;
        }
        for (of, to) in &read.values {
            let from = std::mem::replace(&mut values[*of], *to);
            if noting && from != *to {
                let what = What::Value {
                    of: *of,
                    from,
                    to: *to,
                };
                log.told.push(Told { at, what });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared() -> Shared {
        Shared {
            plan: Plan {
                address: ([127, 0, 0, 1], 1).into(),
                board: "bench".to_owned(),
                count: 2,
                kpi: "waiting",
                dimension: "queue",
            },
            names: vec!["a".to_owned()],
            signs: Arc::default(),
            cells: RefCell::new([(7, 0)].into()),
            read: RefCell::default(),
            log: RefCell::default(),
        }
    }

    #[test]
    fn frames_of_one_number_for_readers_of_different_ones_are_read_apart() {
        let shared = shared();
        let text = |v: &str| format!(r#"{{"op":"d","id":1,"seq":9,"s":null,"v":[{v}],"g":"0"}}"#);
        let current = shared.read(&text("[8,1,0]")).expect("a frame");
        assert!(current.values.is_empty(), "nothing of what is noted");
        let late = shared.read(&text("[7,5,0],[8,1,0]")).expect("a frame");
        assert_eq!((late.seq, &*late.values), (9, [(0, 5)].as_slice()));
    }

    #[test]
    fn a_display_that_proves_refuses_another_number_than_the_servers() {
        let mut proof = Proof::default();
        let frame = r#"{"op":"view","id":1,"mode":"snapshot","epoch":"e","seq":1,"s":null,"sealed":false,"cells":[[1,"k","now",{},{"unit":"count","scale":0,"target":null,"direction":"none","definition":"d"}]],"values":[[1,5,0]],"g":"0000000000000000"}"#;
        let told = proof.hear(frame).expect_err("another digest");
        assert!(told.to_string().contains("cannot verify"), "{told:#}");
    }
}
