//! In: which bench. Kept: nothing. Out: its figures, measured against a real Kafka. Never knows: how
//! it measures.

use crate::kafka;
use crate::page;
use crate::run::{cargo, passed, program, root, target};
use anyhow::{Result, ensure};
use clap::Subcommand;

/// `cargo xtask bench …`.
#[derive(Subcommand)]
pub(crate) enum Bench {
    /// The whole job per event beside consuming and decoding alone, through a real Kafka.
    Floor {
        /// Options: --events 2000000 --customers 375000 --rounds 3 --json.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// What an event costs with 20, 50 and 200 KPIs.
    Kpis {
        /// Options: --events 1000000 --rounds 3 --json.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// What an idle customer costs, and how long a killed program takes to its first correct number.
    Restart {
        /// Options: --customers 10000000 --json.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// How long an event takes to a thousand displays, and a second until it is sealed on them.
    Screen {
        /// Options: --displays 1000 --seconds 60 --json.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// What a display costs the gateway beside a bare send loop, Node and Bun; displays that sleep or return;
    /// needs no Kafka.
    Fanout {
        /// Options: --displays 1000 --rounds 3 --stall-s 60 --return 2000 --json.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// How long records wait for the engine while a snapshot is made; needs no Kafka.
    Pause {
        /// Options: --customers 5000000 --rounds 7 --json.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
}

/// Builds what is measured and measures it, on the cluster that `WATCHFLOOR_TEST_KAFKA` names or one
/// started for it.
pub(crate) fn run(bench: &Bench) -> Result<bool> {
    let (name, options) = match bench {
        Bench::Floor { options } => ("floor", options),
        Bench::Kpis { options } => ("kpis", options),
        Bench::Restart { options } => ("restart", options),
        Bench::Screen { options } => ("screen", options),
        Bench::Fanout { options } => ("fanout", options),
        Bench::Pause { options } => ("pause", options),
    };
    let packages = ["--package", "cx-server", "--package", "load-tests"];
    let build: Vec<&str> = ["build", "--release"].into_iter().chain(packages).collect();
    ensure!(passed(cargo(&build))?, "it does not build, see above");
    let binary = target().join("release/load-tests").display().to_string();
    if let Bench::Fanout { .. } = bench {
        ensure!(page::install_peers()?, "npm ci failed, see above");
    }
    if let Bench::Pause { .. } | Bench::Fanout { .. } = bench {
        let mut command = program(&root(), &binary, &[name]);
        command.args(options);
        return passed(command);
    }
    kafka::during((1, false), |cluster| {
        let watchfloor = target().join("release/watchfloor").display().to_string();
        let mut command = program(&root(), &binary, &[name, "--watchfloor", &watchfloor]);
        command
            .args(["--bootstrap", &cluster.bootstrap])
            .args(options);
        passed(command)
    })
}
