//! Compares the counters with a table of published networks: `name,resolution,params,conv_linear_macs,bn_running_values`.
//! `cargo run --release -p nasmyth-zoo --example oracle -- families.csv [NAME-PREFIX]`

use nasmyth_zoo::{Input, member};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("expected the path of a table")?;
    let prefix = arguments.next().unwrap_or_default();
    let (mut equal, mut different, mut missing) = (0, 0, Vec::new());
    let table = std::fs::read_to_string(path)?;
    for line in table.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [name, numbers @ ..] = &fields[..] else { continue };
        if !name.starts_with(&prefix) {
            continue;
        }
        let Ok(network) = member(name) else {
            missing.push(*name);
            continue;
        };
        let numbers: Vec<u64> = numbers.iter().map(|n| n.parse()).collect::<Result<_, _>>()?;
        let [resolution, params, macs, buffers] = numbers[..] else { return Err(line.into()) };
        let input = Input { resolution: Some(resolution as usize), ..Input::default() };
        let graph = network.graph(&input)?.verify()?;
        let got = [graph.params(), graph.layer_macs(), graph.buffers()];
        let ok = got == [params, macs, buffers] && network.published.resolution as u64 == resolution;
        if ok {
            equal += 1;
        } else {
            different += 1;
            println!(
                "{name}: expected {params} parameters, {macs} MACs, {buffers} running values at {resolution}, got {} {} {} at {}",
                got[0], got[1], got[2], network.published.resolution
            );
        }
    }
    println!("{equal} equal, {different} different, {} not in the zoo: {}", missing.len(), missing.join(" "));
    if different == 0 { Ok(()) } else { Err("not all counters agree".into()) }
}
