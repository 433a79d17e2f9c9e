//! Every runtime that is here, on the same networks.

use nasmyth_engine::ParamStore;
use nasmyth_graph::{VerifiedGraph, parse};
use nasmyth_measure::{MeasureError, Measurement, Model, Options, RUNTIMES, Runtime, measure};
use std::time::Duration;

/// Images, with what a search finds: convolutions, batch norms, a residual, several axes to permute.
const NETWORK: &str = "graph small
x = input(shape=[12, 10, 3])
conv_1 = conv(x, out=8, kernel=[3, 3])
norm_1 = batch_norm(conv_1)
relu_1 = activation(norm_1, function=relu)
conv_2 = conv(relu_1, out=8, kernel=[3, 3], groups=8)
sum = add(conv_2, relu_1)
pool = global_pool(sum, pooling=average)
y = linear(pool, out=5)
output y
";

fn network() -> (VerifiedGraph, ParamStore<f32>) {
    let graph = parse(NETWORK).unwrap();
    let params = ParamStore::new(&graph, 4);
    (graph, params)
}

fn model() -> Model {
    let (graph, params) = network();
    Model::new(graph, params)
}

/// The runtimes that can be used here; `plan` and `rten` always can.
fn available() -> Vec<&'static Runtime> {
    RUNTIMES.iter().filter(|r| r.version(&Options::default()).is_ok()).collect()
}

fn output(runtime: &Runtime) -> Vec<f32> {
    let mut session = runtime.load(&model(), &Options::default()).unwrap();
    session.run().unwrap();
    let first = session.output().to_vec();
    session.run().unwrap();
    assert_eq!(first, session.output(), "{}: the second run differs", runtime.name);
    first
}

#[test]
fn all_runtimes_agree_on_the_output() {
    let ours = output(Runtime::find("plan").unwrap());
    assert!(ours.len() == 5 && ours.iter().any(|v| v.abs() > 1e-3), "{ours:?}");
    let names: Vec<&str> = available().iter().map(|r| r.name).collect();
    assert!(names.starts_with(&["plan", "rten"]), "{names:?}");
    for runtime in available() {
        let theirs = output(runtime);
        assert_eq!(ours.len(), theirs.len(), "{}", runtime.name);
        for (a, b) in ours.iter().zip(&theirs) {
            assert!((a - b).abs() <= 1e-4, "{}: {ours:?} {theirs:?}", runtime.name);
        }
    }
}

#[test]
fn a_measurement_is_consistent_and_survives_json() {
    for runtime in available() {
        let options = Options { time: Duration::from_millis(30), ..Options::default() };
        let m = measure(runtime, &model(), &options).unwrap();
        assert_eq!((m.runtime.as_str(), m.threads), (runtime.name, 1));
        assert!(m.least_s > 0.0 && m.least_s <= m.low_s && m.p99_s.is_finite(), "{m:?}");
        assert!(m.low_s <= m.median_s && m.median_s <= m.high_s && m.median_s <= m.p99_s, "{m:?}");
        assert!(m.repetitions >= 6 * m.per_reading && m.repetitions.is_multiple_of(m.per_reading), "{m:?}");
        assert!(m.energy_j.is_none_or(|e| e > 0.0) && !m.cpu.is_empty() && m.date.ends_with('Z'), "{m:?}");
        let text = serde_json::to_string(&m).unwrap();
        assert_eq!(serde_json::from_str::<Measurement>(&text).unwrap(), m);
    }
}

/// What `runtime` says against `model`.
fn refusal(runtime: &str, model: &Model, options: &Options) -> MeasureError {
    Runtime::find(runtime).unwrap().load(model, options).err().expect("a refusal")
}

#[test]
fn a_foreign_file_runs_elsewhere_but_not_in_the_plan() {
    let (graph, params) = network();
    let file = nasmyth_export::to_onnx(&graph, &params, &[]).unwrap();
    let foreign = Model::foreign("other.onnx", file);
    assert!(matches!(refusal("plan", &foreign, &Options::default()), MeasureError::NoNetwork(_)));
    let mut session = Runtime::find("rten").unwrap().load(&foreign, &Options::default()).unwrap();
    session.run().unwrap();
    assert_eq!(session.output().len(), 5);
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let two = Options { threads: 2, ..Options::default() };
    assert!(matches!(refusal("plan", &model(), &two), MeasureError::Threads { threads: 2, .. }));
    let damaged = Model::foreign("damaged.onnx", vec![8, 7, 255]);
    assert!(matches!(refusal("rten", &damaged, &Options::default()), MeasureError::File(_)));
    let unknown = Runtime::find("onnx-runtime").err().expect("no such name").to_string();
    assert!(unknown.contains("`onnxruntime`"), "{unknown}");
    for runtime in RUNTIMES.iter().filter(|r| !r.is_built()) {
        let error = refusal(runtime.name, &model(), &Options::default()).to_string();
        assert!(error.contains(&format!("--features {}", runtime.name)), "{error}");
    }
}

#[test]
fn more_threads_for_a_runtime_give_the_same() {
    let two = Options { threads: 2, time: Duration::from_millis(20), ..Options::default() };
    let m = measure(Runtime::find("rten").unwrap(), &model(), &two).unwrap();
    assert_eq!((m.threads, m.core), (2, None));
    let mut session = Runtime::find("rten").unwrap().load(&model(), &two).unwrap();
    session.run().unwrap();
    let one = output(Runtime::find("rten").unwrap());
    assert!(session.output().iter().zip(&one).all(|(a, b)| (a - b).abs() <= 1e-5));
}
