//! The rules of the slow model, each with a case worked by hand.

mod kit;
mod naming;
mod objects;
mod values;
