//! Models of latency on virtual devices: rooflines with peaks, bandwidths and caches of their own.

use nasmyth_device::models::{
    Beyond, Cells, CostModel, MODELS, Model, ModelError, Neighbours, Range, Sample, best_model, model_named,
};
use nasmyth_device::{
    BEYOND, Cost, DeviceCost, DeviceFile, DeviceFileError, Fit, Header, Limits, Meter, MeterError, Operator,
    Score, operators,
};
use nasmyth_graph::{VerifiedGraph, parse};
use std::fmt::Write;

/// A small generator of numbers below `n`.
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % n
    }

    fn one_of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len() as u64) as usize]
    }
}

/// Networks of three stages with two or three layers each.
fn networks(count: usize, seed: u64) -> Vec<VerifiedGraph> {
    let mut draw = Draw(seed);
    (0..count).map(|_| network(&mut draw)).collect()
}

fn network(draw: &mut Draw) -> VerifiedGraph {
    let mut text = "x = input(shape=[32,32,3])\nl0 = conv(x, out=8, kernel=[3,3])\n".to_owned();
    let mut at = 0;
    let mut layer = |text: &mut String, op: &str, rest: String| {
        let _ = writeln!(text, "l{} = {op}(l{at}{rest})", at + 1);
        at += 1;
    };
    for width in [12, 24, 48] {
        let mut channels = width * draw.one_of(&[1, 2, 3]);
        layer(&mut text, "conv", format!(", out={channels}, kernel=[1,1]"));
        for _ in 0..2 + draw.below(2) {
            let kernel = draw.one_of(&[3, 5]);
            match draw.below(4) {
                0 => layer(
                    &mut text,
                    "pool",
                    ", pooling=average, kernel=[3,3], stride=[1,1], pad=[1,1,1,1]".to_owned(),
                ),
                1 => layer(
                    &mut text,
                    "conv",
                    format!(", out={channels}, kernel=[{kernel},{kernel}], groups={channels}"),
                ),
                2 => layer(&mut text, "conv", format!(", out={channels}, kernel=[{kernel},{kernel}]")),
                _ => {
                    channels *= 2;
                    layer(&mut text, "conv", format!(", out={channels}, kernel=[1,1]"));
                }
            }
            layer(&mut text, "activation", ", function=relu".to_owned());
        }
        layer(&mut text, "pool", ", pooling=max, kernel=[2,2], stride=[2,2]".to_owned());
    }
    let _ = write!(text, "g = global_pool(l{at}, pooling=average)\ny = linear(g, out=10)\noutput y");
    parse(&text).unwrap()
}

/// A virtual device: an operator takes the longer of arithmetic and traffic; what does not fit into the cache comes from memory.
#[derive(Clone, Copy)]
struct Virtual {
    peak: f64,
    depthwise: f64,
    cache: f64,
    cached: f64,
    memory: f64,
    overhead: f64,
}

/// From a microcontroller with one core to a GPU with a slow start.
const DEVICES: [Virtual; 6] = [
    Virtual { peak: 4e8, depthwise: 2e8, cache: 3e4, cached: 1e9, memory: 2e8, overhead: 5e-6 },
    Virtual { peak: 4e9, depthwise: 1e9, cache: 2.5e5, cached: 8e9, memory: 1e9, overhead: 4e-6 },
    Virtual { peak: 2e10, depthwise: 3e9, cache: 5e5, cached: 3e10, memory: 6e9, overhead: 2e-6 },
    Virtual { peak: 8e10, depthwise: 2e10, cache: 1e6, cached: 1e11, memory: 1e10, overhead: 1e-6 },
    Virtual { peak: 1e12, depthwise: 2e10, cache: 4e6, cached: 4e11, memory: 1e11, overhead: 1e-5 },
    Virtual { peak: 2e9, depthwise: 2e9, cache: 1e5, cached: 2e9, memory: 5e8, overhead: 2e-5 },
];

impl Virtual {
    /// Without cache: a roofline.
    fn flat(self) -> Self {
        Self { memory: self.cached, ..self }
    }

    fn operator(&self, operator: &Operator) -> f64 {
        let peak = if operator.depthwise() { self.depthwise } else { self.peak };
        let bytes = operator.traffic(1.0);
        let bandwidth = if bytes <= self.cache { self.cached } else { self.memory };
        self.overhead + (operator.macs as f64 / peak).max(bytes / bandwidth)
    }

    fn seconds(&self, graph: &VerifiedGraph) -> f64 {
        operators(graph).iter().map(|o| self.operator(o)).sum()
    }

    /// Measurements that scatter by up to `noise` in either direction.
    fn measure<'a>(&self, graphs: &'a [VerifiedGraph], noise: f64) -> Vec<Sample<'a>> {
        let mut draw = Draw(99);
        let mut scattered = |s: f64| s * (1.0 + noise * (draw.below(2001) as f64 / 1000.0 - 1.0));
        graphs.iter().map(|graph| Sample { graph, seconds: scattered(self.seconds(graph)) }).collect()
    }
}

fn score(model: &impl CostModel, samples: &[Sample<'_>]) -> Score {
    let pair = |s: &Sample<'_>| (model.seconds(s.graph).unwrap().seconds, s.seconds);
    Score::of(&samples.iter().map(pair).collect::<Vec<_>>())
}

fn fit(name: &str, samples: &[Sample<'_>]) -> Model {
    (model_named(name).unwrap().fit)(samples).unwrap()
}

#[test]
fn the_roofline_finds_peak_bandwidth_and_overhead() {
    let (train, device) = (networks(80, 1), DEVICES[2].flat());
    let Model::Roofline(fitted) = fit("roofline", &device.measure(&train, 0.0)) else {
        panic!("another model")
    };
    let found = fitted.model();
    let close =
        |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 0.02, "{found} {expected}");
    close(found.seconds_per_mac, 1.0 / device.peak);
    close(found.seconds_per_depthwise_mac, 1.0 / device.depthwise);
    close(found.seconds_per_byte, 1.0 / device.cached);
    close(found.overhead, device.overhead);
    assert_eq!(found.weight, 1.0);
}

#[test]
fn every_model_predicts_networks_it_has_not_seen() {
    let (train, test) = (networks(150, 1), networks(100, 2));
    // With a cache, operators of one kind and size take different times; the roofline is the model without one.
    let mut wrong = Vec::new();
    for (name, cached, flat) in
        [("lookup", 0.9, 0.9), ("roofline", 0.7, 0.99), ("linear", 0.7, 0.99), ("learned", 0.9, 0.99)]
    {
        for (i, device) in DEVICES.into_iter().enumerate() {
            for (device, least) in [(device, cached), (device.flat(), flat)] {
                let got = score(&fit(name, &device.measure(&train, 0.0)), &device.measure(&test, 0.0));
                if got.within_10 < least {
                    wrong.push(format!("{name} on device {i}: {got:?}, at least {least}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn intervals_hold_the_share_of_measurements_that_they_promise() {
    let (train, test) = (networks(150, 3), networks(200, 4));
    for kind in MODELS {
        let model = (kind.fit)(&DEVICES[3].measure(&train, 0.05)).unwrap();
        let measured = DEVICES[3].measure(&test, 0.05);
        let inside = measured.iter().filter(|s| {
            let p = model.seconds(s.graph).unwrap();
            (p.low..=p.high).contains(&s.seconds)
        });
        let share = inside.count() as f64 / test.len() as f64;
        assert!((0.89..=0.995).contains(&share), "{}: {share}", kind.name);
    }
}

/// MAPLE's question: a device that nobody has seen, and ten measurements of it.
#[test]
fn ten_networks_are_enough_for_a_new_device_when_others_are_known() {
    let (train, pool, test) = (networks(120, 5), networks(100, 6), networks(100, 7));
    let pool_graphs: Vec<&VerifiedGraph> = pool.iter().collect();
    let mut alone = Vec::new();
    for (new, device) in DEVICES.into_iter().enumerate() {
        let others = (0..DEVICES.len()).filter(|&d| d != new);
        let known: Vec<Model> = others.map(|d| fit("learned", &DEVICES[d].measure(&train, 0.01))).collect();
        let neighbours = Neighbours::new(&known, &pool_graphs).unwrap();
        let measured = device.measure(&pool, 0.01);
        let samples: Vec<Sample<'_>> = neighbours.choose(10).iter().map(|&i| measured[i]).collect();
        let model = neighbours.fit(&samples).unwrap();
        let held_out = device.measure(&test, 0.0);
        let with = score(&model, &held_out).within_10;
        let without =
            score(&Neighbours::new(&[], &pool_graphs).unwrap().fit(&samples).unwrap(), &held_out).within_10;
        alone.push((with, without));
    }
    let mean = |f: fn(&(f64, f64)) -> f64| alone.iter().map(f).sum::<f64>() / alone.len() as f64;
    assert!(mean(|s| s.0) >= 0.85 && mean(|s| s.0) > mean(|s| s.1) + 0.05, "with others, without: {alone:?}");
}

#[test]
fn genotypes_are_predicted_from_their_genes() {
    let genotype = |i: u64| (0..6).map(|g| (i / 5u64.pow(g) % 5) as u32).collect::<Vec<u32>>();
    let seconds =
        |g: &[u32]| 1e-3 + g.iter().map(|&o| [0.0, 1e-4, 5e-4, 2e-3, 3e-4][o as usize]).sum::<f64>();
    let mut draw = Draw(8);
    let genotypes: Vec<Vec<u32>> = (0..500).map(|_| genotype(draw.below(15_625))).collect();
    let times: Vec<f64> = genotypes.iter().map(|g| seconds(g)).collect();
    let cells = Cells::fit(&genotypes, &times).unwrap();
    let test: Vec<(f64, f64)> =
        (0..200).map(|i| genotype(i * 78)).map(|g| (cells.seconds(&g).seconds, seconds(&g))).collect();
    let got = Score::of(&test);
    assert!(got.within_10 >= 0.9 && got.spearman > 0.99, "{got:?}");
    assert!(matches!(Cells::fit(&genotypes, &[0.0]), Err(ModelError::Seconds { index: 0, .. })));
    assert!(Cells::fit(&[], &[]).is_err());
}

#[test]
fn the_model_that_is_best_on_unseen_networks_is_kept() {
    let graphs = networks(60, 12);
    // A device that is exactly a roofline, known already as one that is half as fast.
    let plain = Virtual { cached: 5e9, memory: 5e9, ..DEVICES[2] };
    let samples = plain.measure(&graphs, 0.0);
    let (model, score) = best_model(&samples, &[]).unwrap();
    assert!(score.within_10 > 0.95 && score.networks == 60, "{score:?}");
    let slower: Vec<Sample<'_>> =
        samples.iter().map(|s| Sample { graph: s.graph, seconds: 2.0 * s.seconds }).collect();
    let (few, score) = best_model(&slower[..6], &[model]).unwrap();
    assert!(matches!(few, Model::Transferred(_)), "six networks are too few for a model of their own");
    assert_eq!(score.networks, 6);
    let rest: Vec<(f64, f64)> =
        slower[6..].iter().map(|s| (few.seconds(s.graph).unwrap().seconds, s.seconds)).collect();
    assert!(Score::of(&rest).within_10 > 0.8, "{:?}", Score::of(&rest));
    assert!(matches!(best_model(&slower[..3], &[]), Err(ModelError::TooFew { .. })));
}

fn file(model: Model) -> DeviceFile {
    let words = ["pi", "Cortex-A72", "rten", "0.24", "2026-01-31"].map(str::to_owned);
    let [name, processor, runtime, version_of_runtime, date] = words;
    let address = Some("host:pi".to_owned());
    let header = Header { name, address, processor, runtime, version_of_runtime, threads: 1, date };
    let held_out = Score { within_10: 0.9, spearman: 0.98, networks: 10 };
    let of = "networks of three stages".to_owned();
    let latency = Some(Fit { of, networks: 40, held_out, covered: None, range: None, model });
    let mut device = DeviceFile::new(header);
    device.latency = latency;
    device
}

fn model(file: &DeviceFile) -> &Model {
    &file.latency.as_ref().unwrap().model
}

#[test]
fn the_cost_of_a_network_is_shared_out_over_its_operators() {
    let graphs = networks(40, 13);
    let samples = DEVICES[1].measure(&graphs, 0.0);
    for name in ["lookup", "roofline", "linear", "learned"] {
        let shares = fit(name, &samples).shares(&graphs[0]).unwrap();
        assert_eq!(shares.len(), operators(&graphs[0]).len(), "{name}");
        assert!((shares.iter().map(|s| s.1).sum::<f64>() - 1.0).abs() < 1e-9, "{name}");
        let node = |op: &str| {
            shares.iter().filter(|s| graphs[0].node(s.0).op.kind() == op).map(|s| s.1).sum::<f64>()
        };
        assert!(node("conv") > node("activation"), "{name}: convolutions take most of the time");
    }
}

#[test]
fn a_limit_on_a_device_holds_with_the_margin_of_its_model() {
    let graphs = networks(40, 11);
    let samples = DEVICES[1].measure(&graphs, 0.02);
    let device = file(fit("roofline", &samples));
    let prediction = model(&device).seconds(&graphs[0]).unwrap();
    let meter = Meter::default().with_device("pi", device);
    let cost = Cost::OnDevice(DeviceCost::Latency, "pi".into());
    let amount = meter.tell(&cost, &graphs[0]).unwrap();
    assert_eq!(amount.value, (prediction.seconds * 1e9).round() as u64);
    assert_eq!(amount.at_most, (prediction.high * 1e9).round() as u64);
    assert!(amount.at_most > amount.value);
    let broken =
        |bound: u64| format!("latency<={bound}ns@pi").parse::<Limits>().unwrap().check(&graphs[0], &meter);
    assert!(broken(amount.at_most).is_empty());
    assert_eq!(broken(amount.value)[0].value, amount.at_most);
    // What nobody can tell breaks every limit.
    let energy: Limits = "energy<=1J@pi,latency<=9s@mars".parse().unwrap();
    let broken = energy.check(&graphs[0], &meter);
    assert_eq!(broken.iter().map(|b| b.value).collect::<Vec<_>>(), [u64::MAX; 2]);
    assert!(broken[0].to_string().contains("cannot be predicted"), "{}", broken[0]);
    let mars = Cost::OnDevice(DeviceCost::Latency, "mars".into());
    assert_eq!(meter.tell(&mars, &graphs[0]), Err(MeterError::Device("mars".to_owned())));
    let costs = meter.costs(&graphs[0], [&cost, &mars]);
    assert_eq!((costs.get("latency@pi"), costs.get("latency@mars")), (Some(amount.value), None));
    assert_eq!(costs.get("params"), Some(graphs[0].params()));
}

#[test]
fn a_device_file_says_the_same_when_it_is_read_again() {
    let graphs = networks(40, 9);
    let samples = DEVICES[1].measure(&graphs, 0.02);
    let mut models: Vec<Model> = MODELS.iter().map(|kind| (kind.fit)(&samples).unwrap()).collect();
    let pool: Vec<&VerifiedGraph> = graphs.iter().collect();
    let transferred = Neighbours::new(&models, &pool).unwrap().fit(&samples[..4]).unwrap();
    models.push(Model::Transferred(transferred));
    for model in models {
        let text = file(model.clone()).to_text().unwrap();
        let again = DeviceFile::parse(&text).unwrap();
        assert_eq!((again.name.as_str(), again.threads), ("pi", 1));
        for graph in &graphs[..5] {
            assert_eq!(self::model(&again).seconds(graph), model.seconds(graph));
        }
        assert_eq!(again.to_text().unwrap(), text);
    }
    let genotypes = [vec![0, 1], vec![1, 1], vec![1, 0]];
    let cells = Cells::fit(&genotypes, &[1.0, 2.0, 3.0]).unwrap();
    let again = DeviceFile::parse(&file(Model::Cells(cells.clone())).to_text().unwrap()).unwrap();
    let Model::Cells(read) = model(&again) else { panic!("another model") };
    assert_eq!(read.seconds(&[0, 0]), cells.seconds(&[0, 0]));
    assert!(model(&again).seconds(&graphs[0]).unwrap_err().to_string().contains("genotypes"));
}

#[test]
fn a_broken_file_says_what_is_wrong() {
    let samples_of = networks(20, 10);
    let text = file(fit("learned", &DEVICES[0].measure(&samples_of, 0.0))).to_text().unwrap();
    let error = |text: &str| DeviceFile::parse(text).unwrap_err();
    assert_eq!(error(&text.replace("version = 1", "version = 7")), DeviceFileError::Version { got: 7 });
    assert!(error("name = 'pi'").to_string().contains("version"));
    assert!(error("[[").to_string().contains("line 1"));
    for (old, new, word) in [
        ("threads = 1", "threads = 'one'", "threads"),
        ("date = ", "day = ", "day"),
        ("kind = \"learned\"", "kind = \"oracle\"", "oracle"),
        ("noise = ", "noise = -100.0 # ", "positive definite"),
    ] {
        assert!(text.contains(old), "{old}");
        let message = error(&text.replacen(old, new, 1)).to_string();
        assert!(message.contains(word), "{old}: {message}");
    }
    let row = text.lines().find(|line| line.contains(" = -") || line.trim().starts_with('"')).unwrap();
    let message = error(&text.replacen(row, "    \"1 x = 2\",", 1)).to_string();
    assert!(message.contains("1 x = 2"), "{message}");
}

#[test]
fn a_missing_operator_and_too_few_networks_are_named() {
    let graphs = networks(30, 11);
    let samples = DEVICES[0].measure(&graphs, 0.0);
    let other = parse("x = input(shape=[4])\ny = softmax(x)\noutput y").unwrap();
    let error = fit("lookup", &samples).seconds(&other).unwrap_err();
    assert!(error.to_string().contains("`softmax`"), "{error}");
    assert!(fit("learned", &samples).seconds(&other).is_ok(), "the roofline takes any operator");
    for kind in MODELS {
        assert!(matches!((kind.fit)(&samples[..2]), Err(ModelError::TooFew { got: 2, .. })), "{}", kind.name);
        let wrong = [samples[0], Sample { seconds: f64::NAN, ..samples[1] }];
        assert!(matches!((kind.fit)(&wrong), Err(ModelError::Seconds { index: 1, .. })), "{}", kind.name);
    }
}

#[test]
fn beyond_what_was_measured_the_interval_is_wide_and_the_reason_is_told() {
    let graphs = networks(60, 11);
    let samples = DEVICES[2].flat().measure(&graphs, 0.0);
    let model = (model_named("summed").unwrap().fit)(&samples).unwrap();
    let held_out = Score { within_10: 1.0, spearman: 1.0, networks: 1 };
    let range = Range::of(&samples);
    let of = "networks of three stages".to_owned();
    let fit = Fit { of, networks: 60, held_out, covered: None, range, model };
    let near = networks(20, 12);
    for graph in &near {
        assert_eq!(fit.beyond(graph), None);
        assert_eq!(fit.predict(graph), fit.model.seconds(graph));
    }
    let of = |layers: &str| parse(&format!("x = input(shape=[32,32,3])\n{layers}\noutput y")).unwrap();
    let known = "a = conv(x, out=8, kernel=[3,3])\nb = conv(a, out=12, kernel=[1,1])\n";
    for (graph, expected) in [
        (of(&format!("{known}y = softmax(b)")), Beyond::Kind("softmax".to_owned())),
        (of("y = conv(x, out=65536, kernel=[3,3])"), Beyond::Size("conv-3x3".to_owned())),
        (of("y = conv(x, out=8, kernel=[3,3])"), Beyond::Time),
    ] {
        assert_eq!(fit.beyond(&graph), Some(expected));
        let predicted = fit.predict(&graph).unwrap();
        assert!(predicted.high >= BEYOND * predicted.seconds && predicted.low <= predicted.seconds / BEYOND);
    }
    let without = Fit { range: None, ..fit.clone() };
    assert_eq!(without.beyond(&of(&format!("{known}y = softmax(b)"))), None);
}

#[test]
fn the_best_sum_tells_of_operators_that_it_has_not_seen() {
    let graphs = networks(60, 13);
    let samples = DEVICES[3].flat().measure(&graphs, 0.0);
    let summed = (model_named("summed").unwrap().fit)(&samples).unwrap();
    let graph =
        parse("x = input(shape=[32,32,3])\na = conv(x, out=64, kernel=[7,7])\ny = softmax(a)\noutput y")
            .unwrap();
    let seconds = DEVICES[3].flat().seconds(&graph);
    let predicted = summed.seconds(&graph).unwrap().seconds;
    assert!((0.25..4.0).contains(&(predicted / seconds)), "{predicted} for {seconds}");
    assert!(summed.shares(&graph).is_some());
    let lookup = (model_named("lookup").unwrap().fit)(&samples).unwrap();
    assert!(matches!(lookup.seconds(&graph), Err(ModelError::MissingOperator { .. })));
}
