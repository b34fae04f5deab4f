//! In: `watchfloor user`. Kept: nothing. Out: people of the users file. Never knows: what they may.
//!
//! A password never stands in a command line: others of the machine read those.

use crate::access::register::Register;
use crate::check::{complain, say};
use crate::show;
use anyhow::{Context as _, bail, ensure};
use cx_gateway::access::{Boards, PASSWORD, Person, Role};
use serde_json::json;
use std::io::{BufRead as _, IsTerminal as _, stdin};
use std::path::Path;

/// What to do with people.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum User {
    /// Let somebody in; the password is asked for, or read from the first line of standard input.
    Add {
        name: String,
        /// viewer, operator, marketer, engineer or admin.
        #[arg(long)]
        role: Role,
        /// Boards they may see: care,sales, or '*' for all.
        #[arg(long)]
        boards: Boards,
        /// Which definitions they own and may sign, as the definitions name it: care.operations
        #[arg(long, value_name = "TEAM.ROLE", value_delimiter = ',')]
        answers_for: Vec<String>,
    },
    /// Give somebody a new password; their sessions end.
    Password { name: String },
    /// Give somebody another role, and other boards where they are written.
    Role {
        name: String,
        role: Role,
        #[arg(long)]
        boards: Option<Boards>,
        /// Which definitions they own from now on; '' for none.
        #[arg(long, value_name = "TEAM.ROLE", value_delimiter = ',')]
        answers_for: Option<Vec<String>>,
    },
    /// Let somebody in no more; what they have open ends within 5 s.
    Remove { name: String },
    /// Everybody who may come in.
    List {
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Does it.
///
/// # Errors
/// Nobody of that name, a name that is taken, a password that is too short.
pub(crate) fn run(user: User, data: &Path) -> anyhow::Result<bool> {
    let register = Register::of(data);
    match user {
        User::Add {
            name,
            role,
            boards,
            answers_for,
        } => {
            let (people, _) = register.read()?;
            ensure!(
                people.iter().all(|p| p.name != name),
                "{name} may come in already: user password gives another password, user role another role"
            );
            let mut person = made(&name, role, boards)?;
            person.answers_for = owned(answers_for)?;
            register.change_people(|all| {
                ensure!(
                    all.iter().all(|p| p.name != name),
                    "{name} may come in already"
                );
                all.push(person);
                Ok(())
            })?;
            say(&format!("{name} may come in as {role}"));
        }
        User::Password { name } => {
            let (people, _) = register.read()?;
            let known = found(&people, &name)?;
            let mut person = made(&name, known.role, known.boards.clone())?;
            person.answers_for.clone_from(&known.answers_for);
            change(&register, &name, |known| *known = person)?;
            say(&format!(
                "{name} has a new password; sessions of the old one end"
            ));
        }
        User::Role {
            name,
            role,
            boards,
            answers_for,
        } => {
            let answers_for = answers_for.map(owned).transpose()?;
            change(&register, &name, |person| {
                person.role = role;
                person.boards = boards.unwrap_or_else(|| person.boards.clone());
                if let Some(own) = answers_for {
                    person.answers_for = own;
                }
            })?;
            say(&format!("{name} is {role}"));
        }
        User::Remove { name } => {
            register.change_people(|all| {
                found(all, &name)?;
                all.retain(|p| p.name != name);
                Ok(())
            })?;
            say(&format!("{name} may come in no more"));
        }
        User::List { json } => say(&listed(&register.read()?.0, json)),
    }
    Ok(true)
}

/// Owners as definitions write them.
fn owned(names: Vec<String>) -> anyhow::Result<Vec<String>> {
    let names: Vec<String> = names.into_iter().filter(|n| !n.is_empty()).collect();
    names.iter().try_for_each(|name| owner(name))?;
    Ok(names)
}

/// An owner of definitions, as definitions name it.
///
/// # Errors
/// It is none, with what to write.
pub(crate) fn owner(name: &str) -> anyhow::Result<()> {
    let halves: Vec<&str> = name.split('.').collect();
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
    let word = |w: &&str| !w.is_empty() && w.chars().all(legal);
    ensure!(
        halves.len() == 2 && halves.iter().all(word),
        "{name:?} is no owner; write TEAM.ROLE as definitions do: care.operations"
    );
    Ok(())
}

fn found<'p>(people: &'p [Person], name: &str) -> anyhow::Result<&'p Person> {
    let found = people.iter().find(|p| p.name == name);
    found.with_context(|| format!("there is nobody called {name}; see watchfloor user list"))
}

fn change(register: &Register, name: &str, change: impl FnOnce(&mut Person)) -> anyhow::Result<()> {
    register.change_people(|all| {
        found(all, name)?;
        if let Some(person) = all.iter_mut().find(|p| p.name == name) {
            change(person);
        }
        Ok(())
    })
}

fn made(name: &str, role: Role, boards: Boards) -> anyhow::Result<Person> {
    let password = password()?;
    Person::new(name, role, boards, &password).map_err(anyhow::Error::msg)
}

/// Asked for twice on a terminal; else the first line that comes.
fn password() -> anyhow::Result<String> {
    if stdin().is_terminal() {
        let (least, most) = PASSWORD;
        complain(&format!("a password has {least} to {most} bytes"));
        let first = rpassword::prompt_password("password: ")?;
        let again = rpassword::prompt_password("again: ")?;
        ensure!(first == again, "these were two different passwords");
        return Ok(first);
    }
    let mut line = String::new();
    stdin().lock().read_line(&mut line)?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        bail!("no password came on standard input");
    }
    Ok(password.to_owned())
}

fn listed(people: &[Person], as_json: bool) -> String {
    if as_json {
        let all = people.iter();
        let all = all.map(|p| json!({"name": p.name, "role": p.role, "boards": p.boards, "answers_for": p.answers_for}));
        return json!({"users": all.collect::<Vec<_>>()}).to_string();
    }
    let row = |p: &Person| {
        let own = p.answers_for.join(", ");
        vec![
            p.name.clone(),
            p.role.to_string(),
            p.boards.to_string(),
            own,
        ]
    };
    let rows: Vec<Vec<String>> = people.iter().map(row).collect();
    if rows.is_empty() {
        return "nobody may come in yet".to_owned();
    }
    show::table(&rows, &[])
}
