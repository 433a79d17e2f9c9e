//! Predictors of latency, judged on a table of virtual devices.

use nasmyth_bench::*;
use std::fmt::Write;

/// Arithmetic and bytes of the operators.
const WORK: [(f64, f64); 4] = [(0.0, 1.0), (2.0, 3.0), (9.0, 4.0), (0.5, 6.0)];
/// Name, peak, bandwidth, overhead of an operator and start.
const DEVICES: [(&str, f64, f64, f64, f64); 6] = [
    ("big_1", 9.0, 3.0, 0.2, 3.0),
    ("big_32", 9.5, 3.2, 0.2, 1.0),
    ("even_a", 2.0, 2.0, 0.1, 1.0),
    ("small_a", 0.7, 2.5, 0.3, 0.5),
    ("memory_a", 6.0, 0.9, 0.1, 2.0),
    ("slow_a", 1.2, 0.6, 2.0, 4.0),
];

/// All networks of five places with four operators. Two operators on the first places run at the same time, so times are no sums.
fn text(wrong: &str) -> String {
    let names: Vec<&str> = DEVICES.iter().map(|d| d.0).collect();
    let mut text = format!("genotype,work,{}\n", names.join(","));
    for i in 0..1024usize {
        let genes: Vec<usize> = (0..5).map(|g| i / 4usize.pow(g) % 4).collect();
        let words: Vec<String> = genes.iter().map(usize::to_string).collect();
        let work: f64 = genes.iter().map(|&o| WORK[o].0).sum();
        let _ = write!(text, "{},{work}", words.join("_"));
        for (name, peak, bandwidth, overhead, start) in DEVICES {
            let one = |o: usize| overhead + (WORK[o].0 / peak).max(WORK[o].1 / bandwidth);
            let together = one(genes[0]).max(one(genes[1]));
            let time = start + together + genes[2..].iter().map(|&o| one(o)).sum::<f64>();
            let _ = if name == wrong { write!(text, ",-1") } else { write!(text, ",{time}") };
        }
        text.push('\n');
    }
    text
}

fn table(folder: &tempfile::TempDir, wrong: &str) -> Table {
    let (from, to) = (folder.path().join("t.csv"), folder.path().join("t.table"));
    std::fs::write(&from, text(wrong)).unwrap();
    import(&[from], &to, &ImportOptions::default()).unwrap();
    Table::open(&to).unwrap()
}

fn protocol() -> DeviceProtocol {
    DeviceProtocol { train: 250, few: 10, seeds: 2, work: Some("work".to_owned()) }
}

#[test]
fn known_devices_are_predicted_and_new_ones_need_few_networks() {
    let folder = tempfile::tempdir().unwrap();
    let table = table(&folder, "");
    let columns: Vec<String> = DEVICES.iter().map(|d| d.0.to_owned()).collect();
    let results = evaluate_devices(&table, &columns, &protocol()).unwrap();
    for r in &results {
        let name = &r.device;
        assert_eq!(r.model.networks, 774, "{name}");
        assert!(r.model.within_10 > 0.9 && r.model.spearman > 0.98, "{name}: {:?}", r.model);
        assert!((0.9..=1.0).contains(&r.coverage), "{name}: {}", r.coverage);
    }
    let sum = |f: fn(&DeviceResult) -> f64| results.iter().map(f).sum::<f64>();
    let macs = sum(|r| r.chosen.macs.unwrap().within_10);
    assert!(sum(|r| r.chosen.others.within_10) > macs + 0.5, "{macs}: {results:?}");
    assert!(results.iter().all(|r| r.chosen.other_families.is_some() && r.random.mixture.is_some()));
    let again = evaluate_devices(&table, &columns, &protocol()).unwrap();
    let text = |results: &[DeviceResult]| {
        format!("{:?}", results.iter().map(|r| (&r.chosen, &r.random, r.model)).collect::<Vec<_>>())
    };
    assert_eq!(text(&results), text(&again));
}

#[test]
fn wrong_requests_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let table = table(&folder, "slow_a");
    let error = |columns: &[&str], protocol: DeviceProtocol| {
        let columns: Vec<String> = columns.iter().map(|&c| c.to_owned()).collect();
        evaluate_devices(&table, &columns, &protocol).unwrap_err().to_string()
    };
    assert!(error(&["big_2"], protocol()).contains("a column `big_2`"));
    assert!(error(&["big_1", "slow_a"], protocol()).contains("above zero"));
    assert!(error(&["big_1", "big_32"], protocol()).contains("three devices"));
    let all = DeviceProtocol { train: 1024, ..protocol() };
    assert!(error(&["big_1", "big_32"], all).contains("1 to 1023"));
    let work = DeviceProtocol { work: Some("flops".to_owned()), ..protocol() };
    assert!(error(&["big_1", "big_32"], work).contains("a column `flops`"));
}
