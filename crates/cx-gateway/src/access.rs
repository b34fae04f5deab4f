//! In: people, keys, rules; what requests show. Kept: passes, tickets, codes, failures. Out: who somebody
//! is, and whether they still are. Never knows: files, sockets.
//!
//! Access is open (whoever reaches this machine is everybody) or closed (nobody is anybody without a
//! credential). What somebody may is asked in one place, [`principal`], of one table, [`right`].

mod bearer;
pub(crate) mod credential;
pub(crate) mod devices;
pub(crate) mod door;
mod failures;
mod key;
mod pairing;
mod pass;
pub(crate) mod peer;
mod person;
pub(crate) mod principal;
pub(crate) mod refused;
pub(crate) mod right;
mod role;
mod secret;
pub(crate) mod seen;
pub(crate) mod session;
pub mod sign_on;
pub(crate) mod stay;
mod ticket;
pub(crate) mod tickets;
pub mod token;

pub use key::Key;
pub use pass::Pass;
pub use person::{PASSWORD, Person};
pub use right::Right;
pub use role::{Boards, Role};

use crate::alerts;
use crate::close::Close;
use credential::Credential;
use failures::{Failures, OF_ADDRESS, OF_NAME};
use pairing::{Pairings, Waiting};
use pass::{Holder, Passes};
use principal::{Means, Principal};
use refused::Refused;
use sign_on::SignOn;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, RwLock};
use std::time::Duration;
use ticket::Tickets;
use token::Tokens;
use tokio::sync::{Semaphore, watch};

/// Passwords that are checked at once: each takes 19 MiB for some tens of milliseconds.
const CHECKED: usize = 2;
/// How long a paired display may stay, ms.
const DEVICE_MS: i64 = 365 * 24 * 3_600 * 1_000;

/// Keeps the passes, so that a restart finds them.
pub type Keep = Box<dyn Fn(&[Pass]) -> Result<(), String> + Send + Sync>;

/// The machine's time, ms since 1970.
pub type Clock = fn() -> i64;

/// How access is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Under which addresses (`https://wall.example.com`) the house is reached, beside this machine's own
    /// names: the only `Host`s and, for its pages, the only `Origin`s.
    pub addresses: Vec<String>,
    /// Origins of other pages that may open a stream with a ticket.
    pub foreign_origins: Vec<String>,
    /// How long a session holds.
    pub session: Duration,
}

/// Who may do what here.
pub struct Access {
    /// `None`: open.
    closed: Option<Settings>,
    people: RwLock<Vec<Person>>,
    keys: RwLock<Vec<Key>>,
    /// Whose tokens hold.
    tokens: Option<Arc<Tokens>>,
    /// Where else people sign in.
    sign_on: Option<Arc<SignOn>>,
    passes: Mutex<Passes>,
    keep: Keep,
    clock: Clock,
    keeping: Mutex<()>,
    tickets: Mutex<Tickets>,
    pairings: Mutex<Pairings>,
    failures: Mutex<Failures>,
    checking: Semaphore,
    changed: watch::Sender<()>,
}

/// Why somebody is not signed in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotIn {
    /// Too many failed: wait so many seconds.
    Wait(i64),
    /// Name or password is wrong.
    Wrong,
}

impl Access {
    /// Whoever reaches the address is everybody.
    #[must_use]
    pub fn open() -> Self {
        // Nothing ends here.
        Self::new(None, Vec::new(), Box::new(|_| Ok(())), || 0)
    }

    /// Nobody is anybody without a credential; with the passes that were kept.
    #[must_use]
    pub fn closed(settings: Settings, kept: Vec<Pass>, keep: Keep, clock: Clock) -> Self {
        Self::new(Some(settings), kept, keep, clock)
    }

    fn new(closed: Option<Settings>, kept: Vec<Pass>, keep: Keep, clock: Clock) -> Self {
        Self {
            closed,
            people: RwLock::default(),
            keys: RwLock::default(),
            tokens: None,
            sign_on: None,
            passes: Mutex::new(Passes::of(kept, clock())),
            keep,
            clock,
            keeping: Mutex::default(),
            tickets: Mutex::default(),
            pairings: Mutex::default(),
            failures: Mutex::default(),
            checking: Semaphore::new(CHECKED),
            changed: watch::Sender::new(()),
        }
    }

    /// These are the people and keys from now on; whose is gone, or is another one, is shown out.
    pub fn set(&self, people: Vec<Person>, keys: Vec<Key>) {
        *self.people.write().expect("no holder panics") = people;
        *self.keys.write().expect("no holder panics") = keys;
        self.changed.send_replace(());
    }

    /// Whether anybody is asked who they are.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.is_some()
    }

    /// Who answers for a definition's owner, as `team.role`: people of the users file, and in words those of
    /// the issuer, whose names are not known before they sign in.
    #[must_use]
    pub fn holders(&self, role: &str) -> Vec<String> {
        let people = self.people.read().expect("no holder panics");
        let held = people
            .iter()
            .filter(|p| p.answers_for.iter().any(|own| own == role));
        let held = held.map(|p| p.name.clone());
        let wanted = self.sign_on.as_ref().map(|on| &on.rules().wanted);
        let issued = wanted.into_iter().flat_map(|wanted| wanted.owning(role));
        held.chain(issued).collect()
    }

    /// People of the users file who may do something about alerts.
    pub(crate) fn actors(&self) -> Vec<alerts::Person> {
        let people = self.people.read().expect("no holder panics");
        let may = people
            .iter()
            .filter(|p| Right::Act.roles().contains(&p.role));
        may.map(|p| alerts::Person::of(&p.name, p.role.name()))
            .collect()
    }

    /// How access is closed; `None`: it is open.
    pub(crate) fn settings(&self) -> Option<&Settings> {
        self.closed.as_ref()
    }

    /// Whoever shows a credential.
    ///
    /// # Errors
    /// There is none, or it is nobody's.
    pub(crate) fn who(&self, credential: &Credential) -> Result<Principal, Refused> {
        if !self.is_closed() {
            return Ok(Principal::open());
        }
        match credential {
            Credential::Nothing => Err(Refused::NoCredential),
            Credential::Cookie(secret) => {
                let found = self.of_pass(&secret::digest(secret));
                found.ok_or_else(|| Refused::Unknown("session", "it ended, or never began".into()))
            }
            Credential::Bearer(text) => self.of_bearer(text),
            Credential::Long(bytes) => {
                let fault = token::Fault::Long(*bytes, credential::LONGEST);
                Err(Refused::Token(fault))
            }
        }
    }

    fn of_pass(&self, digest: &str) -> Option<Principal> {
        let pass = self.passes().get(digest)?.clone();
        let means = Means::Pass(digest.to_owned());
        let until = Some(pass.until).filter(|until| *until > self.now_ms())?;
        let (name, role, boards, answers_for) = match pass.of {
            Holder::Device { name, boards, .. } => (name, Role::Viewer, boards, Vec::new()),
            Holder::Issued(issued) => {
                let own = self.still_issued(&issued)?;
                (issued.name, issued.role, issued.boards, own)
            }
            Holder::Person { name, stamp } => {
                let people = self.people.read().expect("no holder panics");
                let person = people.iter().find(|person| person.name == name)?;
                let same = person.stamp() == stamp;
                same.then(|| {
                    let own = person.answers_for.clone();
                    (name, person.role, person.boards.clone(), own)
                })?
            }
        };
        Some(Principal {
            name,
            role,
            answers_for,
            boards,
            only: None,
            until: Some(until),
            means,
        })
    }

    /// Whether somebody who was let in may stay as they are.
    ///
    /// # Errors
    /// Why their stream ends.
    pub(crate) fn stands(&self, who: &Principal) -> Result<(), Close> {
        if who.until.is_some_and(|until| until <= self.now_ms()) {
            return Err(Close::Expired);
        }
        let now = match &who.means {
            Means::Open => return Ok(()),
            Means::Nobody => None,
            Means::Token(by) => return self.token_stands(who, by),
            Means::Pass(digest) => self.of_pass(digest),
            Means::Key(id) => {
                let keys = self.keys.read().expect("no holder panics");
                keys.iter().find(|key| key.id == *id).map(Key::principal)
            }
        };
        let same = now.is_some_and(|now| {
            let boards = now.boards.narrowed(who.boards.clone());
            now.role == who.role && now.only == who.only && boards == who.boards
        });
        if same { Ok(()) } else { Err(Close::Revoked) }
    }

    /// Tells when anybody may have ceased to be who they are.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// The machine's time, ms since 1970.
    pub(crate) fn now_ms(&self) -> i64 {
        (self.clock)()
    }

    fn passes(&self) -> MutexGuard<'_, Passes> {
        self.passes.lock().expect("no holder panics")
    }

    /// Signs a person in: the secret of their session.
    pub(crate) async fn sign_in(
        self: &Arc<Self>,
        name: String,
        password: String,
        address: IpAddr,
    ) -> Result<String, NotIn> {
        let (of_name, of_address) = (format!("name {name}"), format!("address {address}"));
        {
            let mut failures = self.failures.lock().expect("no holder panics");
            let now = self.now_ms();
            failures
                .attempt(&of_address, OF_ADDRESS, now)
                .map_err(NotIn::Wait)?;
            failures
                .attempt(&of_name, OF_NAME, now)
                .map_err(NotIn::Wait)?;
        }
        let _place = self.checking.acquire().await.expect("it is never closed");
        let access = Arc::clone(self);
        let checked = tokio::task::spawn_blocking(move || access.check(&name, &password));
        let secret = checked.await.ok().flatten().ok_or(NotIn::Wrong)?;
        let mut failures = self.failures.lock().expect("no holder panics");
        failures.forget(&of_name);
        failures.forgive(&of_address);
        Ok(secret)
    }

    fn check(&self, name: &str, password: &str) -> Option<String> {
        let person = {
            let people = self.people.read().expect("no holder panics");
            people.iter().find(|person| person.name == name).cloned()
        };
        if !person::proves(person.as_ref(), password) {
            return None;
        }
        let stamp = person?.stamp();
        let session = self.closed.as_ref()?.session;
        let session = i64::try_from(session.as_millis()).ok()?;
        let of = Holder::Person {
            name: name.to_owned(),
            stamp,
        };
        let now = self.now_ms();
        let secret = self.passes().issue(of, (now, now + session));
        if let Err(why) = self.save() {
            tracing::warn!(why, "sessions cannot be kept; a restart ends this one");
        }
        Some(secret)
    }

    /// Ends the pass of a secret; false where there was none.
    ///
    /// # Errors
    /// It is ended, and a restart would bring it back.
    pub(crate) fn sign_out(&self, secret: &str) -> Result<bool, String> {
        let ended = self.passes().end(&secret::digest(secret));
        self.ended(ended)
    }

    /// Ends a display's pass; false where there is none of that id.
    ///
    /// # Errors
    /// It is ended, and a restart would bring it back.
    pub(crate) fn end_device(&self, id: &str) -> Result<bool, String> {
        let ended = self.passes().end_device(id);
        self.ended(ended)
    }

    fn ended(&self, ended: bool) -> Result<bool, String> {
        self.changed.send_replace(());
        if ended {
            self.save()?;
        }
        Ok(ended)
    }

    fn save(&self) -> Result<(), String> {
        let _one = self.keeping.lock().expect("no holder panics");
        let all = self.passes().all();
        (self.keep)(&all)
    }

    /// A ticket for a page of a foreign origin, to hear some boards of `who`'s; `None` where too many wait.
    pub(crate) fn ticket(&self, who: &Principal, boards: Boards, origin: &str) -> Option<String> {
        let who = Principal {
            boards: who.boards.narrowed(boards),
            ..who.clone()
        };
        let mut tickets = self.tickets.lock().expect("no holder panics");
        tickets.issue(who, origin, self.now_ms())
    }

    /// Uses a ticket up.
    ///
    /// # Errors
    /// Why it does not hold.
    pub(crate) fn take_ticket(&self, ticket: &str, origin: &str) -> Result<Principal, Refused> {
        let mut tickets = self.tickets.lock().expect("no holder panics");
        let taken = tickets.take(ticket, origin, self.now_ms());
        let who = taken.map_err(|why| Refused::Unknown("ticket", why))?;
        drop(tickets);
        let gone = || Refused::Unknown("ticket", "who asked for it is not let in any more".into());
        self.stands(&who).map_err(|_| gone())?;
        Ok(who)
    }

    /// A display asks to be let in: the code it shows and the claim it keeps.
    ///
    /// # Errors
    /// How long to wait, s, where too many ask.
    pub(crate) fn begin_pairing(&self, address: IpAddr) -> Result<(String, String), i64> {
        let mut failures = self.failures.lock().expect("no holder panics");
        failures.attempt(&format!("pairing {address}"), OF_ADDRESS, self.now_ms())?;
        let mut pairings = self.pairings.lock().expect("no holder panics");
        pairings.begin(self.now_ms()).ok_or(60)
    }

    /// Somebody lets the display in that shows a code; its id, or `None` where none shows it.
    pub(crate) fn confirm(&self, code: &str, name: &str, board: &str, by: &str) -> Option<String> {
        let id = secret::hex(&secret::random::<4>());
        let of = Holder::Device {
            id: id.clone(),
            name: name.to_owned(),
            boards: Boards::of([board]),
            by: by.to_owned(),
        };
        let now = self.now_ms();
        let issue = || self.passes().issue(of, (now, now + DEVICE_MS));
        let mut pairings = self.pairings.lock().expect("no holder panics");
        if !pairings.confirm(code, board, now, issue) {
            return None;
        }
        drop(pairings);
        if let Err(why) = self.save() {
            tracing::warn!(why, "displays cannot be kept; a restart ends this one");
        }
        Some(id)
    }

    pub(crate) fn claim(&self, claim: &str) -> Waiting {
        let mut pairings = self.pairings.lock().expect("no holder panics");
        pairings.claim(claim, self.now_ms())
    }

    /// Passes of displays.
    pub(crate) fn devices(&self) -> Vec<Pass> {
        let mut all = self.passes().all();
        all.retain(|pass| matches!(pass.of, Holder::Device { .. }));
        all
    }
}
