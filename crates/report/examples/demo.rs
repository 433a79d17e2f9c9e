//! Example reports on made-up numbers: `cargo run -p nasmyth-report --example demo -- FOLDER [DRAWING.svg]`

use nasmyth_report::*;
use std::collections::BTreeMap;
use std::path::Path;

struct Numbers(u64);

impl Numbers {
    /// Uniform in 0..1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next()).sum::<f64>() - 6.0
    }
}

fn search() -> Vec<Trial> {
    let mut r = Numbers(3);
    let mut clock = 0.0;
    let trial = |i: u64| {
        let random = i < 24;
        let size = 10f64.powf(3.6 + 2.2 * r.next()) * if random { 1.0 } else { 0.7 };
        let skill = (size.log10() - 3.6) * 0.07 + if random { 0.0 } else { 0.05 * (i as f64 / 120.0).sqrt() };
        let value = (0.74 + skill + 0.025 * r.normal()).clamp(0.1, 0.94);
        clock += 2.0 + size / 20_000.0;
        let failed = i % 29 == 11;
        Trial {
            trial: i,
            status: if failed {
                Status::Failed
            } else if i % 17 == 5 {
                Status::Cached
            } else {
                Status::Ok
            },
            epochs: 8.0,
            value: (!failed).then_some(value),
            costs: BTreeMap::from([
                ("parameters".to_owned(), size.round()),
                ("peak memory".to_owned(), (size * 0.6 + 20_000.0 * (1.0 + r.next())).round()),
                ("latency".to_owned(), size / 14_000.0 + 0.6 * r.next() + 0.4),
            ]),
            genotype: format!(
                "stem=16 stages=[(k=3,e={},n=2),(k=5,e={},n=3)] act=hard_swish se={:.2}",
                i % 4 + 1,
                i % 6,
                r.next()
            ),
            seconds: 2.0 + size / 20_000.0,
            finished_at: clock,
            origin: if random { "random" } else { "mutation" }.to_owned(),
            reason: if failed {
                "loss is not finite after epoch 3 <diverged>".to_owned()
            } else {
                String::new()
            },
            ..Trial::default()
        }
    };
    (0..120).map(trial).collect()
}

fn classification(drawing: Option<String>) -> Report {
    let trials = search();
    let fits = |t: &&Trial| {
        t.costs["parameters"] <= 100_000.0 && t.costs["peak memory"] <= 98_304.0 && t.finite_value().is_some()
    };
    let best =
        trials.iter().filter(fits).max_by(|a, b| a.value.unwrap_or(0.0).total_cmp(&b.value.unwrap_or(0.0)));
    let costs = best.map(|t| t.costs.clone()).unwrap_or_default();
    let cost = |name: &str| costs.get(name).copied().unwrap_or_default();
    let best = best.map(|t| t.trial);
    let mut r = Numbers(9);
    let classes =
        ["T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"];
    let miss = |i: usize, j: usize| {
        if [(0, 6), (2, 4), (4, 2), (6, 0), (6, 2), (5, 7), (7, 9)].contains(&(i, j)) { 70.0 } else { 6.0 }
    };
    let mut row = |i: usize| -> Vec<u64> {
        (0..10).map(|j| if i == j { 860 } else { (miss(i, j) * r.next()) as u64 }).collect()
    };
    let metrics =
        |v: f64| BTreeMap::from([("accuracy".to_owned(), v), ("cross entropy".to_owned(), 1.3 * (1.0 - v))]);
    let row_of = |limit: &str, value: &str, how: &str| CertificateRow {
        limit: limit.to_owned(),
        value: value.to_owned(),
        how: how.to_owned(),
        holds: true,
    };
    Report {
        title: "fashion on a microcontroller".to_owned(),
        data: Data {
            name: "fashion-mnist".to_owned(),
            task: "image classification, 10 classes".to_owned(),
            format: "IDX".to_owned(),
            shape: "28×28×1".to_owned(),
            train: 54_000,
            valid: 6_000,
            test: 10_000,
        },
        command: "nasmyth search fashion/ --limit params=100k --limit memory=96KiB --time 30m".to_owned(),
        config: "[search]\nstrategy = \"evolution\"\npopulation = 24\n".to_owned(),
        seed: 7,
        elapsed: 1834.0,
        strategy: "evolution".to_owned(),
        space: "mobile".to_owned(),
        limits: vec![
            Limit { cost: "parameters".to_owned(), bound: 100_000.0, unit: String::new() },
            Limit { cost: "peak memory".to_owned(), bound: 98_304.0, unit: "B".to_owned() },
        ],
        costs: [("parameters", ""), ("peak memory", "B"), ("latency", "ms")]
            .map(|(n, u)| Cost { name: n.to_owned(), unit: u.to_owned() })
            .into(),
        best,
        trials,
        metrics: FinalMetrics { train: metrics(0.953), valid: metrics(0.921), test: metrics(0.914) },
        certificate: vec![
            row_of(
                "parameters ≤ 100 k",
                &format!("{:.1} k", cost("parameters") / 1e3),
                "counted in the network",
            ),
            row_of(
                "peak memory ≤ 96 KiB",
                &format!("{:.1} KiB", cost("peak memory") / 1024.0),
                "planned ahead of time, exact for this order",
            ),
        ],
        runtime_difference: Some(3.1e-6),
        network_svg: drawing,
        confusion: Some(Confusion {
            classes: classes.map(str::to_owned).into(),
            counts: (0..10).map(&mut row).collect(),
        }),
        ..Report::default()
    }
}

fn regression() -> Report {
    let mut r = Numbers(5);
    let mut report = classification(None);
    report.title = "houses <by> price & \"size\"".to_owned();
    report.metric = Metric { name: "rmse".to_owned(), higher_is_better: false, percent: false };
    report.trials.iter_mut().for_each(|t| t.value = t.value.map(|v| 60.0 * (1.05 - v)));
    report.confusion = None;
    report.residuals = (0..1500)
        .map(|_| {
            let t = 50.0 + 400.0 * r.next().powi(2);
            (t, t + 12.0 * r.normal())
        })
        .collect();
    report.metrics =
        FinalMetrics { test: BTreeMap::from([("rmse".to_owned(), 11.92)]), ..FinalMetrics::default() };
    report.notes =
        vec!["Validation has fewer than 200 samples: differences below 2 % mean little.".to_owned()];
    report
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("expected a folder")?;
    let drawing = std::env::args().nth(2).map(std::fs::read_to_string).transpose()?;
    let empty = Report { title: "nothing yet".to_owned(), ..Report::default() };
    for (name, report) in
        [("classification", classification(drawing)), ("regression", regression()), ("empty", empty)]
    {
        std::fs::write(Path::new(&folder).join(format!("{name}.html")), html(&report))?;
    }
    Ok(())
}
