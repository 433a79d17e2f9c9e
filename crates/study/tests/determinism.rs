//! The same seed gives the same trials: whatever the workers, however often killed.

mod shared;

use nasmyth_estimator::StopFlag;
use nasmyth_space::Space;
use nasmyth_strategy::{SCHEDULERS, STRATEGIES, StrategyKind};
use nasmyth_study::{Event, Method, Record, StopReason, Study, StudyConfig};
use proptest::prelude::*;
use shared::{Synthetic, config, outcome, run, run_on, space};
use std::collections::HashSet;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

fn strategies() -> impl Iterator<Item = &'static StrategyKind> {
    STRATEGIES.iter().filter(|kind| kind.has_defaults())
}

fn all_methods(trials: u64) -> Vec<StudyConfig> {
    let mut configs = Vec::new();
    for strategy in strategies() {
        for scheduler in SCHEDULERS {
            let mut config = config(trials);
            if strategy.name != config.strategy.name {
                config.strategy = Method::new(strategy.name);
            }
            config.scheduler = Method::new(scheduler.name);
            config.epochs = 9.0;
            configs.push(config);
        }
    }
    configs
}

#[test]
fn the_number_of_workers_changes_nothing() {
    // Of each strategy, under all schedulers together: a single run may be spared.
    let (mut panicked, mut failed) = (HashSet::new(), HashSet::new());
    for config in all_methods(60) {
        let mut outcomes = [1, 2, 4].map(|workers| {
            let config = StudyConfig { workers, ..config.clone() };
            let store = nasmyth_study::stores::MemoryStore::default();
            let mut study = Study::in_store(Box::new(store), config, space(4)).unwrap();
            let estimator = Synthetic { slowest_ms: 4, ..Synthetic::default() };
            assert_eq!(
                study.run(&estimator, &mut |_: &Event| {}, &StopFlag::new()).unwrap(),
                StopReason::Trials
            );
            outcome(study.state())
        });
        let name = format!("{} with {}", config.strategy.name, config.scheduler.name);
        assert_eq!(outcomes[0].len(), 60, "{name}");
        let last = outcomes[2].split_off(0);
        assert_eq!(outcomes[0], outcomes[1], "{name}");
        assert_eq!(outcomes[0], last, "{name}");
        for (text, met) in [("panic: the network", &mut panicked), ("diverged", &mut failed)] {
            if last.iter().any(|line| line.contains(text)) {
                met.insert(config.strategy.name.clone());
            }
        }
    }
    let all = strategies().count();
    assert_eq!((panicked.len(), failed.len()), (all, all));
}

#[test]
fn every_network_is_estimated_once_at_each_rung() {
    for config in all_methods(60) {
        let estimator = Synthetic::default();
        let store = nasmyth_study::stores::MemoryStore::default();
        let mut study = Study::in_store(Box::new(store), config, space(2)).unwrap();
        study.run(&estimator, &mut |_: &Event| {}, &StopFlag::new()).unwrap();
        let evaluated = estimator.evaluated.lock().unwrap();
        assert_eq!(evaluated.iter().collect::<HashSet<_>>().len(), evaluated.len());
    }
}

/// Configuration, log and outcome of a whole run.
type Whole = (StudyConfig, Vec<Record>, Vec<String>);

/// Whole runs on two workers.
static LOGS: LazyLock<Vec<Whole>> = LazyLock::new(|| {
    let whole = |config: StudyConfig| {
        let config = StudyConfig { workers: 2, ..config };
        let (study, _, records) = run_on(Vec::new(), &config, &space(4));
        (config, records, outcome(study.state()))
    };
    all_methods(40).into_iter().map(whole).collect()
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// A kill leaves a prefix of the log. Whatever the prefix, the run ends as if nothing had happened, even if the
    /// resumed run is killed as well.
    #[test]
    fn a_killed_run_resumes_to_the_same_result(method in 0..6usize, cut in 0.0..1.0f64, again in 0.0..1.0f64, workers in 1..4usize) {
        let (config, records, expected) = &LOGS[method];
        let config = StudyConfig { workers, ..config.clone() };
        let kept = |records: &[Record], share: f64| records[..(records.len() as f64 * share) as usize].to_vec();
        let (study, reason, second) = run_on(kept(records, cut), &config, &space(4));
        prop_assert_eq!(reason, StopReason::Trials);
        prop_assert_eq!(&outcome(study.state()), expected);
        let (study, _, third) = run_on(kept(&second, again), &config, &space(4));
        prop_assert_eq!(&outcome(study.state()), expected);
        prop_assert!(third.windows(2).all(|pair| pair[0].ms <= pair[1].ms && pair[0].sequence + 1 == pair[1].sequence));
    }
}

const CHILD: &str = "NASMYTH_TEST_RUN_FOLDER";

/// Not a test by itself: the process that `sigkill_loses_nothing` kills.
#[test]
#[ignore = "started by sigkill_loses_nothing"]
fn child_process() {
    let Ok(folder) = std::env::var(CHILD) else { return };
    let folder = std::path::PathBuf::from(folder);
    let mut study = open(&folder, &space(4));
    let estimator = Synthetic { slowest_ms: 12, ..Synthetic::default() };
    study.run(&estimator, &mut |_: &Event| {}, &StopFlag::new()).unwrap();
}

fn open(folder: &std::path::Path, space: &Space) -> Study {
    let config = StudyConfig { workers: 2, ..config(120) };
    match Study::resume(folder, space.clone(), nasmyth_study::Changes::default()) {
        Ok(study) => study,
        Err(_) => Study::create(folder, config, space.clone()).unwrap(),
    }
}

#[test]
fn sigkill_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut killed = 0;
    for wait in [150, 200, 170, 230] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_process", "--ignored"])
            .env(CHILD, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        killed += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(killed > 0, "the child was always faster than the kill");
    let mut study = open(folder.path(), &space(4));
    run(&mut study);
    let (whole, ..) = run_on(Vec::new(), &config(120), &space(4));
    assert_eq!(outcome(study.state()), outcome(whole.state()));
    assert_eq!(&Study::load(folder.path()).unwrap(), study.state());
}
