//! In: the owners of a definition; somebody's name and roles, wherever they are known from. Kept: nothing.
//! Out: whether they may speak for it, and as what. Never knows: how anybody proved who they are.

use crate::access::signers::Signers;
use cx_catalog::definition::Owners;
use cx_gateway::Role;

/// Somebody: their name, and their roles as `team.role`.
pub(super) type Somebody<'s> = (&'s str, &'s [String]);

/// The role in which somebody signs for a side of a definition.
///
/// # Errors
/// It is not theirs: whose it is, in words.
pub(super) fn signs<'o>(
    owners: &'o Owners,
    side: Role,
    somebody: Somebody<'_>,
    all: &Signers,
) -> Result<&'o str, String> {
    let (owner, word) = match side {
        Role::Business => (&owners.business, "business"),
        Role::Technical => (&owners.technical, "technical"),
    };
    if somebody.1.contains(owner) {
        return Ok(owner);
    }
    Err(format!(
        "its {word} owner is {owner}; {}: {}",
        introduced(somebody),
        may(all, owner, "sign")
    ))
}

/// The role in which somebody takes a definition out of force: either owner may.
///
/// # Errors
/// As [`signs`].
pub(super) fn retires<'o>(
    owners: &'o Owners,
    somebody: Somebody<'_>,
    all: &Signers,
) -> Result<&'o str, String> {
    let both = [&owners.business, &owners.technical];
    let held = both.into_iter().find(|o| somebody.1.contains(*o));
    held.map(String::as_str).ok_or_else(|| {
        format!(
            "its owners are {} and {}; {}: {}, {}",
            owners.business,
            owners.technical,
            introduced(somebody),
            may(all, &owners.business, "retire it"),
            may(all, &owners.technical, "retire it")
        )
    })
}

fn introduced((name, roles): Somebody<'_>) -> String {
    if roles.is_empty() {
        format!("{name} has no role here")
    } else {
        format!("{name} is {}", roles.join(", "))
    }
}

fn may(all: &Signers, owner: &str, what: &str) -> String {
    let holders = all.holders(owner);
    if holders.is_empty() {
        format!("who is {owner} may {what}, and nobody here is")
    } else {
        format!("{} may {what}", holders.join(" or "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use cx_gateway::access::Access;
    use std::sync::Arc;

    fn all() -> Signers {
        Signers::of(&Arc::new(Access::open()))
    }

    fn roles(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn owners() -> Owners {
        Owners {
            business: "commerce.lead".to_owned(),
            technical: "web.platform".to_owned(),
        }
    }

    #[test]
    fn an_owner_signs_for_their_own_side_only() {
        let held = roles(&["insight.lead", "commerce.lead"]);
        let lead: Somebody<'_> = ("Cleo Martin", &held);
        let owners = owners();
        assert_eq!(
            signs(&owners, Role::Business, lead, &all()),
            Ok("commerce.lead")
        );
        let refused = signs(&owners, Role::Technical, lead, &all()).expect_err("not theirs");
        let words = "its technical owner is web.platform; Cleo Martin is insight.lead, commerce.lead: Ben Ito may sign";
        assert_eq!(refused, words);
    }

    #[test]
    fn who_has_no_role_is_told_whose_it_is() {
        let refused = signs(&owners(), Role::Business, ("Eve", &[]), &all()).expect_err("nobody");
        let words =
            "its business owner is commerce.lead; Eve has no role here: Cleo Martin may sign";
        assert_eq!(refused, words);
        let owners = Owners {
            business: "sales.head".to_owned(),
            ..owners()
        };
        let refused = signs(&owners, Role::Business, ("Eve", &[]), &all()).expect_err("nobody");
        assert!(
            refused.ends_with("who is sales.head may sign, and nobody here is"),
            "{refused}"
        );
    }

    #[test]
    fn either_owner_retires_and_nobody_else() {
        assert_eq!(
            retires(&owners(), ("Ben Ito", &roles(&["web.platform"])), &all()),
            Ok("web.platform")
        );
        let owners = owners();
        let held = roles(&["data.platform"]);
        let stranger: Somebody<'_> = ("Dev Patel", &held);
        let refused = retires(&owners, stranger, &all()).expect_err("not theirs");
        assert!(
            refused.contains("Cleo Martin may retire it, Ben Ito may retire it"),
            "{refused}"
        );
    }
}
