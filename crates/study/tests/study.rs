//! What a run does besides being deterministic.

mod shared;

use nasmyth_device::{Limits, Meter};
use nasmyth_estimator::{Estimate, EstimateError, Estimator, Job, StopFlag};
use nasmyth_strategy::{Completed, Problem, Proposal, Rng, Strategy, StrategyError, scheduler_named};
use nasmyth_study::stores::{MemoryStore, SqliteStore};
use nasmyth_study::{
    Budget, Changes, Event, GraphHash, Infeasible, Method, Methods, STORE_FILE, Status, StopReason,
    StoreError, Study, StudyConfig, StudyError, feasibility,
};
use shared::{Synthetic, config, outcome, run, run_on, space};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

#[test]
fn a_tiny_space_is_exhausted() {
    for name in ["random", "regularized-evolution"] {
        for scheduler in ["none", "successive-halving", "asha"] {
            let strategy = Method::new(name);
            let config = StudyConfig { strategy, scheduler: Method::new(scheduler), ..config(10_000) };
            let (study, reason, _) = run_on(Vec::new(), &config, &space(1));
            assert_eq!(reason, StopReason::Exhausted, "{name} with {scheduler}");
            let base = study.state().trials().iter().filter(|trial| trial.fidelity.rung == 0).count();
            assert_eq!(base, 8 * 3, "{name} with {scheduler}: all networks, equal ones once");
        }
    }
}

#[test]
fn a_bigger_budget_goes_on() {
    let (_, reason, records) = run_on(Vec::new(), &config(20), &space(4));
    assert_eq!(reason, StopReason::Trials);
    let (longer, ..) = run_on(records, &config(50), &space(4));
    let (whole, ..) = run_on(Vec::new(), &config(50), &space(4));
    assert_eq!(outcome(longer.state()), outcome(whole.state()));
    assert_eq!(longer.state().resumes, 1);
}

#[test]
fn a_time_budget_ends_the_run_and_pauses_do_not_count() {
    let time = |ms| Budget { trials: None, time: Some(Duration::from_millis(ms)) };
    let store = MemoryStore::default();
    let open = |ms| {
        let config = StudyConfig { budget: time(ms), workers: 2, ..config(0) };
        Study::in_store(Box::new(store.clone()), config, space(4)).unwrap()
    };
    let slow = Synthetic { slowest_ms: 40, ..Synthetic::default() };
    let start = Instant::now();
    let mut study = open(300);
    assert_eq!(study.run(&slow, &mut |_: &Event| {}, &StopFlag::new()).unwrap(), StopReason::Time);
    assert!(start.elapsed() < Duration::from_secs(3));
    let first = study.state().completed().count();
    std::thread::sleep(Duration::from_millis(1500));
    let mut study = open(2000);
    assert!(study.state().elapsed_ms < 1500);
    assert_eq!(study.run(&slow, &mut |_: &Event| {}, &StopFlag::new()).unwrap(), StopReason::Time);
    assert!(study.state().completed().count() > first, "the rest of the time was used");
}

#[test]
fn an_interrupted_run_resumes_to_the_same_result() {
    let store = MemoryStore::default();
    let config = StudyConfig { workers: 2, ..config(60) };
    let mut study = Study::in_store(Box::new(store.clone()), config.clone(), space(4)).unwrap();
    let stop = StopFlag::new();
    let mut seen = 0;
    let estimator = Synthetic { slowest_ms: 5, ..Synthetic::default() };
    let mut observer = |_: &Event| {
        seen += 1;
        if seen == 40 {
            stop.raise();
        }
    };
    assert_eq!(study.run(&estimator, &mut observer, &stop).unwrap(), StopReason::Interrupted);
    assert!(study.state().trials().len() < 60);
    let (resumed, ..) = run_on(store.records(), &config, &space(4));
    let (whole, ..) = run_on(Vec::new(), &config, &space(4));
    assert_eq!(outcome(resumed.state()), outcome(whole.state()));
}

#[test]
fn an_estimator_that_gives_up_interrupts_the_run() {
    struct GivesUp;
    impl Estimator for GivesUp {
        fn estimate(&self, _: &Job<'_>) -> Result<Estimate, EstimateError> {
            Err(EstimateError::Interrupted)
        }
    }
    let mut study = Study::in_store(Box::<MemoryStore>::default(), config(9), space(2)).unwrap();
    let reason = study.run(&GivesUp, &mut |_: &Event| {}, &StopFlag::new()).unwrap();
    assert_eq!(reason, StopReason::Interrupted);
    assert!(study.state().trials().iter().all(|trial| trial.running()));
}

/// Proposes the genotypes of a list, whatever they are.
struct Script(Vec<nasmyth_space::Genotype>);

impl Strategy for Script {
    fn ask(&mut self, _: &Problem<'_>, n: usize, _: &mut Rng) -> Result<Vec<Proposal>, StrategyError> {
        let n = n.min(self.0.len());
        Ok(self.0.drain(..n).map(Proposal::random).collect())
    }

    fn tell(&mut self, _: &[Completed]) -> Result<(), StrategyError> {
        Ok(())
    }
}

#[test]
fn equal_networks_are_estimated_once_and_infeasible_ones_never() {
    let space = space(1);
    let words = ["width=8 act=relu", "width=8 act=relu_again", "width=48 act=relu", "width=8 act=relu"];
    let genotype = |words: &&str| {
        let pairs: Vec<String> = words.split(' ').map(|word| format!("layers[0].{word}")).collect();
        space.parse(&pairs.join(" ")).unwrap()
    };
    let script: Vec<_> = words.iter().map(genotype).collect();
    let strategy = || Box::new(Script(script.clone()));
    let methods = || Methods {
        strategy: strategy(),
        scheduler: scheduler_named("none").unwrap().make(&toml::Table::new(), 1.0).unwrap(),
    };
    let store = MemoryStore::default();
    let config = StudyConfig { limits: "params<=300".parse().unwrap(), ..config(100) };
    let mut study = Study::in_store(Box::new(store.clone()), config.clone(), space.clone()).unwrap();
    let estimator = Synthetic::default();
    let reason = study.run_with(methods(), &estimator, &mut |_: &Event| {}, &StopFlag::new()).unwrap();
    assert_eq!(reason, StopReason::Exhausted);
    assert_eq!(estimator.evaluated.lock().unwrap().len(), 1);
    let trials = study.state().trials();
    assert_eq!(trials.iter().map(|t| t.cached_from).collect::<Vec<_>>(), [None, Some(0), None, Some(0)]);
    assert_eq!(trials[1].status, trials[0].status);
    assert!(
        matches!(&trials[2].status, Status::Failed { reason, .. } if reason.contains("breaks params<=300"))
    );
    let expected = outcome(study.state());
    for cut in 1..store.records().len() {
        let kept = MemoryStore::new(store.records()[..cut].to_vec());
        let mut study = Study::in_store(Box::new(kept), config.clone(), space.clone()).unwrap();
        study.run_with(methods(), &estimator, &mut |_: &Event| {}, &StopFlag::new()).unwrap();
        assert_eq!(outcome(study.state()), expected);
    }
}

#[test]
fn a_log_of_another_space_does_not_replay() {
    let (_, _, records) = run_on(Vec::new(), &config(20), &space(4));
    let mut study = Study::in_store(Box::new(MemoryStore::new(records)), config(20), space(5)).unwrap();
    let error = study.run(&Synthetic::default(), &mut |_: &Event| {}, &StopFlag::new()).unwrap_err();
    // Both begin with the default network, so a later trial differs.
    assert!(matches!(error, StudyError::Replay { trial: 1.., .. }), "{error}");
    assert!(error.to_string().contains("another version"), "{error}");
}

#[test]
fn folders_are_protected() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let resume = || Study::resume(&path, space(2), Changes::default());
    assert!(matches!(resume(), Err(StudyError::Missing { .. })));
    let mut study = Study::create(&path, config(5), space(2)).unwrap();
    match resume() {
        Err(StudyError::Locked { pid, .. }) => assert_eq!(pid, std::process::id().to_string()),
        other => panic!("expected a lock, got {:?}", other.map(drop)),
    }
    assert_eq!(Study::load(&path).unwrap().trials().len(), 0, "reading needs no lock");
    run(&mut study);
    study.record_final(serde_json::json!({"accuracy": 0.5})).unwrap();
    drop(study);
    assert!(matches!(Study::create(&path, config(5), space(2)), Err(StudyError::Exists { .. })));
    let study = resume().unwrap();
    assert_eq!(study.state().report, Some(serde_json::json!({"accuracy": 0.5})));
    drop(study);
    std::fs::write(path.join(STORE_FILE), vec![7u8; 10_000]).unwrap();
    assert!(matches!(resume(), Err(StudyError::Store(StoreError::Corrupt { .. }))));
}

#[test]
fn a_damaged_page_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let mut study = Study::create(folder.path(), config(200), space(4)).unwrap();
    run(&mut study);
    drop(study);
    let path = folder.path().join(STORE_FILE);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 2048].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let error = Study::load(folder.path()).unwrap_err();
    assert!(matches!(error, StudyError::Store(StoreError::Corrupt { .. })), "{error}");
}

#[test]
fn wrong_configurations_are_refused() {
    let wrong = |change: fn(&mut StudyConfig)| {
        let mut config = config(1);
        change(&mut config);
        Study::in_store(Box::<MemoryStore>::default(), config, space(1)).map(drop).unwrap_err().to_string()
    };
    assert!(wrong(|c| c.workers = 0).contains("workers"));
    assert!(wrong(|c| c.window = 0).contains("window"));
    assert!(wrong(|c| c.epochs = f64::NAN).contains("epochs"));
    assert!(wrong(|c| c.strategy.name = "randon".into()).contains("did you mean `random`?"));
    assert!(wrong(|c| c.scheduler.name = "ash".into()).contains("did you mean `asha`?"));
}

#[test]
fn events_round_trip_through_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(30);
    config.provenance.versions = BTreeMap::from([("nasmyth".to_owned(), "1.0".to_owned())]);
    config.budget.time = Some(Duration::from_millis(99_999_999));
    config.scheduler = Method::new("asha");
    config.epochs = 10.0;
    let mut study = Study::create(folder.path(), config.clone(), space(3)).unwrap();
    run(&mut study);
    let state = Study::load(folder.path()).unwrap();
    assert_eq!(&state, study.state());
    assert_eq!(state.config, config);
    drop(study);
    let store = SqliteStore::open_read_only(&folder.path().join(STORE_FILE)).unwrap();
    assert!(nasmyth_study::Store::read_since(&store, 30).unwrap().len() > 10);
}

#[test]
fn feasible_limits_give_a_network() {
    for limits in ["", "params<=100", "params<=35,macs<=32", "peak-memory<=32"] {
        let limits = limits.parse().unwrap();
        let space = space(4);
        let found = feasibility(&space, &limits, &Meter::default()).unwrap();
        assert!(limits.check(&space.lower(&found).unwrap().verify().unwrap(), &Meter::default()).is_empty());
    }
}

#[test]
fn infeasible_limits_name_the_one_that_binds() {
    let start = Instant::now();
    let limits = "macs<=1M,params<=30,weights<=1MiB".parse().unwrap();
    let error = feasibility(&space(4), &limits, &Meter::default()).unwrap_err();
    match &error {
        Infeasible::Limit { limit, value, alone, .. } => {
            assert_eq!((limit.to_string().as_str(), *alone), ("params<=30", true));
            assert!((31..60).contains(value), "{value}");
        }
        other => panic!("{other}"),
    }
    assert!(error.to_string().contains("no network of this space keeps params<=30"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(3));
}

#[test]
fn tightened_limits_hold_for_what_comes_and_the_log_replays() {
    let folder = tempfile::tempdir().unwrap();
    let (loose, tight): (Limits, Limits) = ("params<=120".parse().unwrap(), "params<=60".parse().unwrap());
    let config = StudyConfig { limits: loose.clone(), ..config(20) };
    let mut study = Study::create(folder.path(), config.clone(), space(4)).unwrap();
    run(&mut study);
    assert_eq!(study.state().limits(), &loose);
    let params = |trial: &nasmyth_study::Trial| trial.costs.get("params").unwrap();
    assert!(study.state().trials().iter().any(|trial| params(trial) > 60));
    study.tighten(tight.clone(), Budget { trials: Some(35), ..config.budget }).unwrap();
    run(&mut study);
    assert!(study.state().trials().len() > 20);
    assert!(study.state().trials()[20..].iter().all(|trial| params(trial) <= 60));
    drop(study);
    let budget = Some(Budget { trials: Some(40), ..config.budget });
    let mut again = Study::resume(folder.path(), space(4), Changes { budget, workers: None }).unwrap();
    assert_eq!(again.state().limits(), &tight);
    run(&mut again);
    assert!(again.state().trials()[20..].iter().all(|trial| params(trial) <= 60));
}

#[test]
fn a_narrowed_space_is_searched_from_the_first_trial_on_and_the_log_knows() {
    let folder = tempfile::tempdir().unwrap();
    let left_out: Vec<String> = ["layers[0].width=4", "layers[0].act=silu"].map(str::to_owned).into();
    let config = StudyConfig { limits: Limits::default(), ..config(12) };
    let mut study = Study::create(folder.path(), config.clone(), space(1)).unwrap();
    study.narrow(&[]).unwrap();
    study.narrow(&left_out).unwrap();
    assert_eq!(study.space().count(), Some(7 * 3));
    run(&mut study);
    let hashes = |study: &Study| -> Vec<_> { study.state().trials().iter().map(|t| t.hash).collect() };
    for trial in study.state().trials() {
        let graph = study.space().lower(&trial.genotype).unwrap().verify().unwrap();
        assert_eq!(GraphHash(graph.canonical_hash()), trial.hash);
        let text = study.space().describe(&trial.genotype).unwrap();
        assert!(!text.contains("silu") && !text.contains("width=4 "), "{text}");
    }
    let before = hashes(&study);
    drop(study);
    let budget = Some(Budget { trials: Some(30), ..config.budget });
    let mut again = Study::resume(folder.path(), space(1), Changes { budget, workers: None }).unwrap();
    assert_eq!(
        (again.state().left_out.as_slice(), again.space().count()),
        (left_out.as_slice(), Some(7 * 3))
    );
    again.narrow(&left_out).unwrap();
    assert!(again.narrow(&left_out[..1]).unwrap_err().to_string().contains("without 2 options in 12 trials"));
    run(&mut again);
    assert_eq!(hashes(&again)[..12], before);
    drop(again);
    assert_eq!(Study::load(folder.path()).unwrap().left_out, left_out);
}

#[test]
fn queries_answer_from_the_highest_rung() {
    let config = StudyConfig { scheduler: Method::new("asha"), epochs: 9.0, ..config(120) };
    let (study, ..) = run_on(Vec::new(), &config, &space(4));
    let state = study.state();
    let best = state.best().unwrap();
    assert_eq!(best.fidelity.rung, 2);
    assert!(state.finalists().iter().all(|trial| trial.value() <= best.value() && trial.fidelity.rung == 2));
    let front = state.pareto(&"params".parse().unwrap());
    assert_eq!(front.first().map(|trial| trial.trial), Some(best.trial));
    let params = |i: usize| front[i].costs.get("params");
    assert!((1..front.len()).all(|i| params(i - 1) > params(i) && front[i - 1].value() > front[i].value()));
    let first = state.random_first();
    assert_eq!(first.len(), 7, "the population of the evolution less the default network");
}

#[test]
fn preset_spaces_are_searched_under_hard_limits() {
    use nasmyth_space::{Context, preset};
    let cases = [
        ("mobile", Context::image(28, 28, 1, 10), "params<=2k,macs<=150k"),
        ("conv1d", Context::series(128, 3, 6), "params<=700,peak-memory<=4KiB"),
        ("mlp", Context::table(20, 3), "params<=600"),
        ("cell", Context::image(32, 32, 3, 10), "params<=6k"),
    ];
    for (name, context, limits) in cases {
        let space = preset(name, &context).unwrap();
        let config = StudyConfig { limits: limits.parse().unwrap(), workers: 2, ..config(20) };
        feasibility(&space, &config.limits, &Meter::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let (study, reason, _) = run_on(Vec::new(), &config, &space);
        assert_eq!(reason, StopReason::Trials, "{name}");
        let keeps = |trial: &nasmyth_study::Trial| {
            config
                .limits
                .0
                .iter()
                .all(|limit| trial.costs.get(&limit.cost.to_string()).unwrap() <= limit.bound)
        };
        assert!(study.state().trials().iter().all(keeps), "{name}");
    }
}
