//! Nasmyth: the best neural network that fits a device, from data, hard limits and a time.
//!
//! The crates of the project under one roof, and the run that ties them together: [`Search`] opens the data, searches,
//! trains the winner, exports and certifies it and writes the report; [`Model`] loads the result again.
//!
//! ```no_run
//! use nasmyth::{Request, Search, Silent};
//! use nasmyth::estimator::StopFlag;
//!
//! let request = Request::parse(r#"
//!     limits = "params<=20k"
//!     [data]
//!     path = "builtin:mnist1d"
//!     [budget]
//!     trials = 24
//! "#)?;
//! let outcome = Search::create("runs/digits".as_ref(), &request)?.run(&mut Silent, &StopFlag::new())?;
//! println!("test accuracy {:.3}", outcome.metrics.test["accuracy"]);
//! # Ok::<(), anyhow::Error>(())
//! ```

mod benchmark;
mod cells1d;
mod certificate;
mod config;
mod devices;
mod duration;
mod effort;
mod failure;
mod finalists;
mod fleet;
mod folder;
mod holding;
mod host;
mod hosts;
mod inspect;
mod latency;
mod limit_study;
mod model;
mod most_probable;
mod motifs;
mod page;
mod published;
mod rank;
mod relaxed;
mod reporter;
mod request;
mod samples;
mod search;
mod single;
mod supernet;
mod verification;
mod winner;

pub use benchmark::{comparison_text, write_comparison};
pub use cells1d::Cells1d;
pub use certificate::{Certificate, OnDevice, Reading, RuntimeCheck, Verdict};
pub use config::{BudgetConfig, DataConfig, EstimatorConfig, FinalLength, RunConfig, SearchConfig};
pub use devices::devices_text;
pub use duration::{format_duration, parse_duration};
pub use effort::Effort;
pub use failure::{Infeasible, Interrupted, exit_code, explanation};
pub use finalists::FrontMember;
pub use fleet::{
    Calibration, KnownDevice, MeasuredTable, Progress, READY_DEVICES, TableFit, calibrate, check_device_name,
    device_folder, device_names, device_text, find_device, fit_tables, forget_models, read_device,
};
pub use folder::RunFolder;
pub use host::Host;
pub use hosts::{Hosts, home_folder};
pub use inspect::{PlanReport, load_architecture};
pub use latency::measurable;
pub use limit_study::{
    LimitResult, LimitStudy, Treatment, limit_study_text, study_limits, write_limit_study,
};
pub use model::Model;
pub use page::write_report;
pub use published::{Description, Form, Summary, Weights, grouped, published, scatter, summaries};
pub use rank::{RankCheck, RankReport, RankRun, rank_space};
pub use relaxed::RelaxedConfig;
pub use reporter::{Json, Lines, Notice, Observer, Silent};
pub use request::Request;
pub use search::{Outcome, Search, context};
pub use single::train_architecture;
pub use supernet::{OperatorCheck, SupernetConfig};
pub use verification::verify;
pub use winner::{Length, Metrics, Trained, Winner};

pub use nasmyth_bench as bench;
pub use nasmyth_chat as chat;
pub use nasmyth_data as data;
pub use nasmyth_device as device;
pub use nasmyth_engine as engine;
pub use nasmyth_estimator as estimator;
pub use nasmyth_export as export;
pub use nasmyth_graph as graph;
pub use nasmyth_measure as measure;
pub use nasmyth_report as report;
pub use nasmyth_runner as runner;
pub use nasmyth_space as space;
pub use nasmyth_strategy as strategy;
pub use nasmyth_study as study;
pub use nasmyth_supernet as weights;
pub use nasmyth_surrogate as surrogate;
pub use nasmyth_train as train;
pub use nasmyth_zoo as zoo;
