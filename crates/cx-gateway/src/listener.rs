//! In: an address. Kept: a listening socket. Out: accepted sockets with a small send buffer, so
//! that the kernel does not become the queue, as many as there may be. Never knows: HTTP.

use crate::Error;
use crate::certificates::Certificates;
use crate::deadline::Timed;
use crate::doorkeeper::Doorkeeper;
use crate::line::Line;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::{TcpListener, TcpSocket};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 4_096;
/// Send buffer of accepted sockets, bytes (the kernel doubles it).
const SEND_BUFFER: u32 = 8 * 1_024;

/// Listens with a deep queue.
pub(crate) struct Listener(TcpListener);

/// Lets in whom the doorkeeper has a place for; others are closed at once.
pub(crate) struct Door {
    pub(crate) listener: Listener,
    pub(crate) keeper: Doorkeeper,
    pub(crate) certificates: Option<Arc<Certificates>>,
}

impl Listener {
    pub(crate) fn bind(address: SocketAddr) -> Result<Self, Error> {
        listen(address).map(Self).map_err(|source| {
            if source.kind() == std::io::ErrorKind::AddrInUse {
                return Error::PortBusy {
                    address,
                    free: next_free(address),
                };
            }
            Error::Listen { address, source }
        })
    }
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn next_free(address: SocketAddr) -> SocketAddr {
    let mut next = address;
    for port in address.port().saturating_add(1)..=u16::MAX {
        next.set_port(port);
        if std::net::TcpListener::bind(next).is_ok() {
            return next;
        }
    }
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

impl Listener {
    pub(crate) fn address(&self) -> std::io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl axum::serve::Listener for Door {
    type Io = Timed;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            match self.listener.0.accept().await {
                Ok((stream, address)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "nodelay");
                    }
                    if let Some(place) = self.keeper.place(address.ip()) {
                        let acceptor = self.certificates.as_ref().map(|c| c.acceptor());
                        return (Timed::new(Line::new(stream, acceptor), place), address);
                    }
                }
                Err(error) => {
                    // Without descriptors there is nothing to do but wait until some are free.
                    self.keeper.refuse("not_accepted");
                    tracing::warn!(%error, "accept; goes on in 50 ms");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.address()
    }
}
