//! Sizes of the networks of each preset, and the time that one candidate takes. `cargo run --release --example ranges`

use nasmyth_space::{Context, PRESETS, Rng, Space};
use rand::SeedableRng;
use std::time::Instant;

const SAMPLES: usize = 2000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let contexts = [
        ("image 28x28x1, 10 classes", Context::image(28, 28, 1, 10)),
        ("image 32x32x3, 10 classes", Context::image(32, 32, 3, 10)),
        ("image 224x224x3, 1000 classes", Context::image(224, 224, 3, 1000)),
        ("series 40x1, 10 classes", Context::series(40, 1, 10)),
        ("series 96x1, 2 classes", Context::series(96, 1, 2)),
        ("series 3000x6, 5 classes", Context::series(3000, 6, 5)),
        (
            "table 14, 8 categories, 2 classes",
            Context::table(14, 2).with_categories(&[9, 16, 7, 15, 6, 5, 2, 42]),
        ),
        ("table 8, regression", Context::table(8, 1).with_regression()),
    ];
    for (label, context) in &contexts {
        for preset in PRESETS {
            if let Ok(space) = (preset.build)(context) {
                report(label, &space)?;
            }
        }
    }
    Ok(())
}

fn report(label: &str, space: &Space) -> Result<(), Box<dyn std::error::Error>> {
    let default = space.lower(&space.default_genotype())?.verify()?;
    let mut rng = Rng::seed_from_u64(0);
    let start = Instant::now();
    let mut graphs = Vec::with_capacity(SAMPLES);
    for _ in 0..SAMPLES {
        graphs.push(space.lower(&space.sample(&mut rng))?.verify()?);
    }
    let micros = start.elapsed().as_micros() as f64 / SAMPLES as f64;
    let start = Instant::now();
    let hashes: std::collections::HashSet<u128> = graphs.iter().map(|g| g.canonical_hash()).collect();
    let hash_micros = start.elapsed().as_micros() as f64 / SAMPLES as f64;
    let nodes = graphs.iter().map(|g| g.nodes().len()).sum::<usize>() / SAMPLES;
    println!("{label}: {}", space.name());
    println!(
        "  default {} parameters, {} MACs, {} nodes",
        default.params(),
        default.macs(),
        default.nodes().len()
    );
    println!("  parameters {}", quantiles(graphs.iter().map(|g| g.params()).collect()));
    println!("  MACs       {}", quantiles(graphs.iter().map(|g| g.macs()).collect()));
    println!(
        "  {:?} genotypes, {} code, {} of {SAMPLES} distinct",
        space.count(),
        space.encoded_len(),
        hashes.len()
    );
    println!("  {nodes} nodes, {micros:.1} us for sample + lower + verify, {hash_micros:.1} us for the hash");
    Ok(())
}

fn quantiles(mut values: Vec<u64>) -> String {
    values.sort_unstable();
    let at = |q: f64| values[((values.len() - 1) as f64 * q) as usize];
    format!("min {} / 10 % {} / median {} / 90 % {} / max {}", at(0.0), at(0.1), at(0.5), at(0.9), at(1.0))
}
