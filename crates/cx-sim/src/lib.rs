//! The rehearsal: a seeded company with a truth ledger, the slow model, virtual time.
