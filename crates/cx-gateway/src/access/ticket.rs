//! In: somebody who may hear boards. Kept: tickets that nobody has used. Out: who a ticket stands for, once.
//! Never knows: sockets.
//!
//! A page of another origin has no cookie of ours and must hold no key: its own server asks for a ticket,
//! and the page opens one stream with it.

use super::principal::Principal;
use super::secret;
use std::collections::HashMap;

/// How long a ticket holds, ms.
pub(crate) const HOLDS_MS: i64 = 30_000;
/// Tickets that wait.
const MOST: usize = 10_000;

/// Tickets by the digest of their secret.
#[derive(Debug, Default)]
pub(crate) struct Tickets(HashMap<String, Ticket>);

#[derive(Debug)]
struct Ticket {
    who: Principal,
    origin: String,
    until: i64,
}

impl Tickets {
    /// A new one; `None` where too many wait.
    pub(crate) fn issue(&mut self, who: Principal, origin: &str, now: i64) -> Option<String> {
        self.0.retain(|_, ticket| ticket.until > now);
        if self.0.len() >= MOST {
            return None;
        }
        let secret = secret::fresh();
        let ticket = Ticket {
            who,
            origin: origin.to_owned(),
            until: now + HOLDS_MS,
        };
        self.0.insert(secret::digest(&secret), ticket);
        Some(secret)
    }

    /// Uses one up.
    ///
    /// # Errors
    /// Why it holds no more, in words.
    pub(crate) fn take(
        &mut self,
        secret: &str,
        origin: &str,
        now: i64,
    ) -> Result<Principal, String> {
        let ticket = self.0.remove(&secret::digest(secret));
        let ticket = ticket.filter(|ticket| ticket.until > now);
        let ticket = ticket.ok_or("it was used, or is older than 30 s")?;
        if ticket.origin != origin {
            return Err(format!(
                "it is for pages of {}, received {origin:?}",
                ticket.origin
            ));
        }
        Ok(ticket.who)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "https://intranet.example.com";

    #[test]
    fn a_ticket_is_good_once_for_thirty_seconds_and_for_one_origin() {
        let mut tickets = Tickets::default();
        let issue = |tickets: &mut Tickets| tickets.issue(Principal::open(), ORIGIN, 0).unwrap();
        let ticket = issue(&mut tickets);
        assert!(tickets.take(&ticket, ORIGIN, HOLDS_MS - 1).is_ok());
        assert!(tickets.take(&ticket, ORIGIN, 0).is_err());
        let late = issue(&mut tickets);
        assert!(tickets.take(&late, ORIGIN, HOLDS_MS).is_err());
        let stolen = issue(&mut tickets);
        let said = tickets
            .take(&stolen, "https://evil.example", 0)
            .unwrap_err();
        assert!(said.contains(ORIGIN) && said.contains("evil"), "{said}");
    }
}
