//! In: the section `access` of the settings, files of people, keys and passes. Kept: nothing. Out: who may do
//! what, as the gateway asks it; and again whenever a file changed. Never knows: HTTP.

mod fetch;
mod issuer;
mod oidc;
mod provider;
pub(crate) mod register;
pub(crate) mod settings;
pub(crate) mod signers;
mod tokens;

use crate::check::complain;
use crate::clock;
use cx_gateway::access::{Access, Key, Person};
use register::Register;
use settings::{Mode, Settings};
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How often files are looked at: who is taken out of one is shown out within 5 s.
const LOOK: Duration = Duration::from_secs(1);

/// Who may do what in a house whose folder is `data`, and whose own names are reached by http or https.
///
/// # Errors
/// A file that cannot be read.
pub(crate) fn opened(
    settings: &Settings,
    data: &Path,
    scheme: &'static str,
) -> anyhow::Result<Arc<Access>> {
    if settings.mode == Mode::Open {
        return Ok(Arc::new(Access::open()));
    }
    let register = Register::of(data);
    let (people, keys) = register.read()?;
    let tokens = settings.tokens.as_ref();
    if people.is_empty() && keys.is_empty() && tokens.is_none() && settings.oidc.is_none() {
        complain(
            "access is closed and nobody may come in yet: watchfloor user add NAME --role admin --boards '*'",
        );
    }
    let passes = register.passes()?;
    let keeper = Register::of(data);
    let keep = Box::new(move |all: &[_]| keeper.keep_passes(all).map_err(|e| format!("{e:#}")));
    let mut access = Access::closed(settings.gateway(), passes, keep, || clock::now().0);
    let issuer = tokens.map(tokens::Settings::keeper).transpose()?;
    if let Some(issuer) = &issuer {
        access = access.with_tokens(issuer.tokens());
    }
    let people_at = settings.oidc.as_ref();
    let people_at = people_at.map(|oidc| oidc.sign_on(scheme)).transpose()?;
    let (sign_on, people_at) = people_at.unzip();
    if let Some(sign_on) = sign_on {
        access = access.with_sign_on(sign_on);
    }
    let access = Arc::new(access);
    access.set(people.clone(), keys.clone());
    for issuer in issuer.into_iter().chain(people_at) {
        issuer.keep(&access)?;
    }
    let known = (people, keys);
    std::thread::Builder::new()
        .name("access".to_owned())
        .spawn({
            let access = Arc::downgrade(&access);
            move || look(&register, &access, known)
        })?;
    Ok(access)
}

/// Takes over what changed in the files, until nobody asks any more. Files that cannot be read change nothing.
fn look(register: &Register, access: &Weak<Access>, mut known: (Vec<Person>, Vec<Key>)) {
    let mut told = String::new();
    loop {
        std::thread::sleep(LOOK);
        let Some(access) = access.upgrade() else {
            return;
        };
        match register.read() {
            Ok(now) if now != known => {
                known.clone_from(&now);
                access.set(now.0, now.1);
                told.clear();
            }
            Ok(_) => told.clear(),
            Err(error) => {
                let words = format!("{error:#}");
                if words != told {
                    tracing::error!("people and keys stay as they were: {words}");
                    told = words;
                }
            }
        }
    }
}
