//! Limits: reading, writing and checking.

use nasmyth_device::{COSTS, Cost, Costs, DeviceCost, Limit, LimitError, Limits, Meter, cost_named};
use nasmyth_graph::{VerifiedGraph, parse};
use proptest::prelude::*;

fn linear(features: usize, out: usize) -> VerifiedGraph {
    parse(&format!("x = input(shape=[{features}])\ny = linear(x, out={out})\noutput y\n")).unwrap()
}

#[test]
fn reads_the_documented_forms() {
    let text = "params<=100k,macs <= 5M, peak-memory<=256KiB,weights<=400KiB,activations<10";
    let limits: Limits = text.parse().unwrap();
    let bounds: Vec<u64> = limits.0.iter().map(|limit| limit.bound).collect();
    assert_eq!(bounds, [100_000, 5_000_000, 262_144, 409_600, 9]);
    assert_eq!(
        limits.to_string(),
        "params<=100k,macs<=5M,peak-memory<=256KiB,weights<=400KiB,activations<=9B"
    );
    assert_eq!(" ".parse::<Limits>().unwrap(), Limits::default());
    let limits: Limits = "latency <= 1.5 ms @pi,energy<2mJ@board.toml".parse().unwrap();
    assert_eq!(limits.to_string(), "latency<=1.5ms@pi,energy<=1.999999mJ@board.toml");
    assert_eq!(limits.0[0].cost, Cost::OnDevice(DeviceCost::Latency, "pi".into()));
    assert_eq!(
        limits.on_devices().map(Cost::to_string).collect::<Vec<_>>(),
        ["latency@pi", "energy@board.toml"]
    );
}

#[test]
fn errors_name_the_place_and_the_nearest_cost() {
    let error = |text: &str| text.parse::<Limits>().unwrap_err();
    let unknown = error("macs<=1k, parms<=3");
    assert!(matches!(unknown, LimitError::UnknownCost { position: 11, nearest: Some("params"), .. }));
    assert!(unknown.to_string().contains("did you mean `params`?"), "{unknown}");
    assert!(matches!(error("macs"), LimitError::Syntax { position: 1, .. }));
    assert!(matches!(error("macs<=1,"), LimitError::Syntax { .. }));
    assert!(matches!(error("macs<=lots"), LimitError::Syntax { position: 7, .. }));
    assert!(matches!(error("macs<0"), LimitError::Syntax { .. }));
    assert!(matches!(error("latency<=2ms"), LimitError::Device { .. }));
    assert!(matches!(error("latency<=2ms@"), LimitError::Device { position: 13, .. }));
    assert!(matches!(error("params<=2k@pi"), LimitError::Device { position: 11, .. }));
    assert!(matches!(error("latency<=2@pi"), LimitError::Syntax { position: 10, .. }));
    assert!(matches!(error("latencyy<=2ms@pi"), LimitError::UnknownCost { nearest: Some("latency"), .. }));
}

#[test]
fn checks_a_graph() {
    let graph = linear(4, 3);
    let limits: Limits = "peak-memory<=14,params<=10,macs<=12".parse().unwrap();
    let meter = Meter::default();
    let broken = limits.check(&graph, &meter).into_iter().map(|v| (v.limit.cost.to_string(), v.value));
    assert_eq!(Vec::from_iter(broken), [("params".to_owned(), 15), ("peak-memory".to_owned(), 28)]);
    assert!((limits.violation(&graph, &meter) - 1.5).abs() < 1e-12);
    assert_eq!(Limits::default().violation(&graph, &meter), 0.0);
    assert!(limits.check(&graph, &meter)[0].to_string().contains("params is 15"));
}

#[test]
fn the_cheaper_bound_never_lies() {
    let graph = linear(4, 3);
    for kind in COSTS.iter().filter(|kind| kind.at_most.is_some()) {
        assert!((kind.at_most.unwrap())(&graph) >= (kind.count)(&graph));
        let exact = (kind.count)(&graph);
        let limit = |bound| Limit { cost: Cost::Counted(kind), bound };
        assert_eq!(limit(exact).broken_by(&graph, &Meter::default()), None);
        assert_eq!(limit(exact - 1).broken_by(&graph, &Meter::default()), Some(exact));
    }
}

#[test]
fn costs_and_limits_survive_json_shapes() {
    let costs = Costs::of(&linear(4, 3));
    assert_eq!(costs.0.len(), COSTS.len());
    assert_eq!(costs.get("weights"), Some(60));
    assert_eq!(costs.get("nothing"), None);
}

fn limits() -> impl Strategy<Value = Limits> {
    let costs = COSTS.iter().map(Cost::Counted);
    let costs: Vec<Cost> =
        costs.chain(DeviceCost::ALL.map(|cost| Cost::OnDevice(cost, "pi/rten".into()))).collect();
    let limit = (0..costs.len(), any::<u64>(), 0..20u32);
    let limit = limit.prop_map(move |(cost, bound, shift)| Limit {
        cost: costs[cost].clone(),
        bound: (bound >> (44 + shift)) << shift,
    });
    proptest::collection::vec(limit, 0..5).prop_map(Limits)
}

proptest! {
    #[test]
    fn the_parser_never_panics(text in "\\PC*") {
        let _ = text.parse::<Limits>();
    }

    #[test]
    fn the_parser_never_panics_on_near_misses(text in "(params|macs|weights|latency|peak-memory|µ)? ?<?=? ?[0-9.,_]{0,25}[kKMGiBmsµ@,é ]{0,4}") {
        let _ = text.parse::<Limits>();
    }

    #[test]
    fn limits_round_trip(limits in limits()) {
        prop_assert_eq!(limits.to_string().parse::<Limits>().unwrap(), limits);
    }

    #[test]
    fn every_bound_is_kept_as_written(bound in any::<u64>()) {
        let limit = Limit { cost: Cost::Counted(cost_named("params").unwrap()), bound };
        prop_assert_eq!(limit.to_string().parse::<Limit>().unwrap(), limit);
    }
}
