//! In: a board's stream. Kept: one verified view. Out: the board on a terminal as it changes, or
//! one line of JSON an update. Never knows: how the numbers were counted.

use crate::check::say;
use crate::show;
use cx_client::{BoardStream, Update, View, Wish};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Write as _, stdout};
use std::time::Duration;

/// Clears the terminal and goes to its first line.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";

/// Watches a board until Ctrl-C, or for `bound`.
///
/// # Errors
/// Nobody at the address, no such board, a digest that does not come right.
pub(crate) fn run(
    (url, token): (&str, Option<String>),
    board: &str,
    bound: Option<Duration>,
    as_json: bool,
) -> anyhow::Result<bool> {
    let address = stream_of(url);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut stream = BoardStream::connect_as(&address, token, board, Wish::default()).await?;
        let end = async {
            match bound {
                Some(bound) => tokio::time::sleep(bound).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(end);
        loop {
            let update = tokio::select! {
                update = stream.next() => update?,
                done = tokio::signal::ctrl_c() => return done.map(|()| true).map_err(Into::into),
                () = &mut end => return Ok(true),
            };
            print(board, &stream, &update, as_json);
        }
    })
}

/// The stream of a house, from its address.
fn stream_of(url: &str) -> String {
    let url = url.trim_end_matches('/');
    let url = url
        .strip_prefix("http")
        .map_or_else(|| url.to_owned(), |rest| format!("ws{rest}"));
    format!("{url}/v1/stream")
}

fn print(board: &str, stream: &BoardStream, update: &Update, as_json: bool) {
    let view = stream.view();
    if as_json {
        return say(&line(board, view, update).to_string());
    }
    if !stdout().is_terminal() {
        let changed = update.cells.iter().copied().collect();
        return say(&page(board, view, update, &changed));
    }
    let all = view.values().keys().copied().collect();
    drop(write!(stdout(), "{CLEAR}"));
    say(&page(board, view, update, &all));
}

/// Heading and rows of the given cells.
fn page(board: &str, view: &View, update: &Update, cells: &BTreeSet<u32>) -> String {
    let seal = if update.sealed {
        "sealed"
    } else {
        "NOT SEALED"
    };
    let second = update
        .s
        .map_or_else(|| "none".to_owned(), |s| s.to_string());
    let head = format!(
        "{board} — {seal} second {second}, seq {}, digest {} verified",
        update.seq, view.digest
    );
    let rows: Vec<Vec<String>> = cells.iter().filter_map(|id| row(view, *id)).collect();
    if rows.is_empty() {
        return head;
    }
    format!("{head}\n{}", show::table(&rows, &[3]))
}

fn row(view: &View, id: u32) -> Option<Vec<String>> {
    let (key, info) = view.cell(id)?;
    let (value, state) = view.value(id)?;
    Some(vec![
        key.kpi.to_string(),
        key.window.name().to_owned(),
        show::dims(&key.dims),
        show::value(value, &info.unit, info.scale),
        show::state(state),
    ])
}

fn line(board: &str, view: &View, update: &Update) -> Value {
    let cells = update.cells.iter().filter_map(|id| {
        let (key, info) = view.cell(*id)?;
        let (value, state) = view.value(*id)?;
        Some(json!({
            "cell": id, "kpi": key.kpi, "window": key.window.name(), "dims": key.dims,
            "value": value, "scale": info.scale, "unit": info.unit, "state": state,
        }))
    });
    json!({
        "board": board, "epoch": view.epoch, "seq": update.seq, "s": update.s,
        "sealed": update.sealed, "g": view.digest, "cells": cells.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_house_is_watched_at_its_own_address() {
        assert_eq!(
            stream_of("http://127.0.0.1:7700/"),
            "ws://127.0.0.1:7700/v1/stream"
        );
        assert_eq!(
            stream_of("https://wall.example"),
            "wss://wall.example/v1/stream"
        );
    }
}
