//! Functions of categories and numbers whose optimum is known.
//!
//! `func2c` and `func3c` are those of Ru et al. (2020, "Bayesian Optimisation over Multiple Continuous and Categorical Inputs", CoCaBO),
//! `ackley53` that of Wan et al. (2021, "Think Global and Act Local", CASMOPOLITAN). The others follow COCO's mixed-integer suite
//! (Tušar, Brockhoff and Hansen 2019): functions of ten dimensions, shifted and rotated by a seed, some of whose coordinates
//! lie on a grid that the optimum is on; or all of them, as categories in random order.

use crate::network::chain;
use crate::statistics::{mixed, normal};
use crate::{BenchError, Benchmark};
use nasmyth_space::{Gene, Genotype, Space, SpaceError, Tree};
use std::f64::consts::{E, TAU};
use std::str::FromStr;

/// Dimensions of the rotated functions.
const DIMENSIONS: usize = 10;
/// Grid points of a coordinate, each for two of the ten dimensions; 0 for a continuum.
const GRIDS: [u32; 5] = [2, 4, 8, 16, 0];
/// Categories of a coordinate where all are categories.
const CATEGORIES: u32 = 5;
/// Bound of the rotated functions' coordinates.
const BOUND: f64 = 5.0;
/// Widths that stand for a number in the network of a genotype.
const WIDTHS: f64 = 100.0;

/// A function by name.
#[derive(Debug)]
pub struct FunctionKind {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    build: fn(seed: u64) -> Parts,
}

/// All functions. To add one: write its parts and add its line.
pub static FUNCTIONS: &[FunctionKind] = &[
    FunctionKind {
        name: "func2c",
        doc: "2 categories choose which of three functions of 2 numbers are summed",
        build: |_| camels(&["first", "second"]),
    },
    FunctionKind {
        name: "func3c",
        doc: "3 categories choose which of three functions of 2 numbers are summed",
        build: |_| camels(&["first", "second", "third"]),
    },
    FunctionKind { name: "ackley53", doc: "Ackley's function of 50 bits and 3 numbers", build: ackley53 },
    FunctionKind {
        name: "ellipsoid-mixed",
        doc: "rotated ellipsoid, 8 coordinates on grids of 2 to 16 points and 2 numbers",
        build: |seed| rotated(seed, ellipsoid, false),
    },
    FunctionKind {
        name: "rastrigin-mixed",
        doc: "rotated Rastrigin function, 8 coordinates on grids of 2 to 16 points and 2 numbers",
        build: |seed| rotated(seed, rastrigin, false),
    },
    FunctionKind {
        name: "rastrigin-categories",
        doc: "rotated Rastrigin function of 10 coordinates, each of which is one of 5 categories",
        build: |seed| rotated(seed, rastrigin, true),
    },
];

type Value = Box<dyn Fn(&[Gene]) -> f64 + Send + Sync>;

/// What makes a function: its genes, its value (lower is better), and where the value is least.
struct Parts {
    genes: Vec<(String, Domain)>,
    value: Value,
    optimum: Vec<Gene>,
}

#[derive(Clone, Copy)]
enum Domain {
    Categories(u32),
    Steps(u32),
    Real(f64, f64),
}

/// A function to be minimised. Score and signal are its negative value.
pub struct Function {
    name: String,
    space: Space,
    value: Value,
    optimum: Genotype,
}

impl Function {
    /// The function of this name; shift and rotation, where it has them, are those of the seed.
    ///
    /// # Errors
    /// There is none; the error names the nearest and all others.
    pub fn new(name: &str, seed: u64) -> Result<Self, BenchError> {
        let kind = FUNCTIONS.iter().find(|kind| kind.name == name).ok_or_else(|| unknown(name))?;
        let Parts { genes, value, optimum } = (kind.build)(seed);
        let tree = Tree::group(genes.iter().map(|(name, domain)| tree(name, *domain)).collect::<Vec<_>>());
        let space = Space::new(kind.name, kind.doc, tree, move |reader| {
            let width = |(name, domain): &(String, Domain)| match *domain {
                Domain::Real(low, high) => {
                    Ok(((reader.float(name)? - low) / (high - low) * WIDTHS).round() as usize)
                }
                _ => reader.size(name),
            };
            Ok(chain(genes.iter().map(width).collect::<Result<Vec<_>, SpaceError>>()?)?)
        })?;
        Ok(Self { name: kind.name.to_owned(), space, value, optimum: Genotype::new(optimum) })
    }

    /// The best genotype.
    pub fn optimum(&self) -> &Genotype {
        &self.optimum
    }
}

fn unknown(got: &str) -> BenchError {
    let known = FUNCTIONS.iter().map(|kind| kind.name);
    let distance = |name: &&str| strsim::damerau_levenshtein(got, name);
    let nearest =
        known.clone().min_by_key(distance).map_or(String::new(), |name| format!(": did you mean `{name}`?"));
    BenchError::Contest {
        what: "function",
        expected: format!(
            "one of {}, or one with a seed such as rastrigin-mixed:3",
            known.collect::<Vec<_>>().join(", ")
        ),
        got: format!("`{got}`{nearest}"),
    }
}

impl FromStr for Function {
    type Err = BenchError;

    /// `NAME`, or `NAME:SEED` for another shift and rotation than those of seed 0.
    fn from_str(text: &str) -> Result<Self, BenchError> {
        let (name, seed) = text.split_once(':').unwrap_or((text, "0"));
        let seed = seed.parse().map_err(|_| BenchError::Contest {
            what: "seed of a function",
            expected: "a whole number of at least 0".to_owned(),
            got: format!("`{seed}`"),
        })?;
        Self::new(name, seed)
    }
}

fn tree(name: &str, domain: Domain) -> Tree {
    match domain {
        Domain::Categories(n) => Tree::choice(name, (0..i64::from(n)).collect::<Vec<_>>()),
        Domain::Steps(n) => Tree::int(name, 0..=i64::from(n) - 1, 1),
        Domain::Real(low, high) => Tree::real(name, low..=high),
    }
}

/// The number of an option or step; of a real number itself.
fn number(gene: &Gene) -> f64 {
    match gene {
        Gene::Index(i) => f64::from(*i),
        Gene::Real(v) => *v,
    }
}

/// Func2C and Func3C: each category chooses one of Rosenbrock's function, the six-hump camel and Beale's function of twice the numbers;
/// the third has weights too.
fn camels(categories: &'static [&'static str]) -> Parts {
    let options = [3, 5, 4];
    let mut genes: Vec<(String, Domain)> =
        categories.iter().zip(options).map(|(name, n)| ((*name).to_owned(), Domain::Categories(n))).collect();
    genes.extend(["x", "y"].map(|name| (name.to_owned(), Domain::Real(-1.0, 1.0))));
    let value = |genes: &[Gene]| {
        let (categories, numbers) = genes.split_at(genes.len() - 2);
        let (x, y) = (2.0 * number(&numbers[0]), 2.0 * number(&numbers[1]));
        let chosen = |gene: &Gene| match number(gene) as u32 {
            0 => rosenbrock(x, y),
            1 => camel(x, y),
            _ => beale(x, y),
        };
        let third = |gene: &Gene| match number(gene) as u32 {
            0 => 5.0 * camel(x, y),
            1 => 2.0 * rosenbrock(x, y),
            n => f64::from(n) * beale(x, y),
        };
        categories.iter().take(2).map(chosen).sum::<f64>() + categories.get(2).map_or(0.0, third)
    };
    // The camel alone is negative anywhere.
    let (x, y) = camel_minimum();
    let mut optimum = vec![Gene::Index(1), Gene::Index(1), Gene::Index(0)];
    optimum.truncate(categories.len());
    optimum.extend([Gene::Real(x / 2.0), Gene::Real(y / 2.0)]);
    Parts { genes, value: Box::new(value), optimum }
}

fn rosenbrock(x: f64, y: f64) -> f64 {
    (100.0 * (y - x * x).powi(2) + (x - 1.0).powi(2)) / 300.0
}

fn camel(x: f64, y: f64) -> f64 {
    ((4.0 - 2.1 * x * x + x.powi(4) / 3.0) * x * x + x * y + (4.0 * y * y - 4.0) * y * y) / 10.0
}

fn beale(x: f64, y: f64) -> f64 {
    let term = |constant: f64, power: i32| (constant - x + x * y.powi(power)).powi(2);
    (term(1.5, 1) + term(2.25, 2) + term(2.625, 3)) / 50.0
}

/// Where the camel is least, one of two places: Newton's method on its gradient.
fn camel_minimum() -> (f64, f64) {
    let (mut x, mut y) = (0.0898f64, -0.7126f64);
    for _ in 0..5 {
        let (dx, dy) = (8.0 * x - 8.4 * x.powi(3) + 2.0 * x.powi(5) + y, x - 8.0 * y + 16.0 * y.powi(3));
        let (xx, yy) = (8.0 - 25.2 * x * x + 10.0 * x.powi(4), 48.0 * y * y - 8.0);
        let determinant = xx * yy - 1.0;
        (x, y) = (x - (yy * dx - dy) / determinant, y - (xx * dy - dx) / determinant);
    }
    (x, y)
}

/// Which option of a bit is 0 comes from the seed: a strategy that begins with the first of each would begin at the best.
fn ackley53(seed: u64) -> Parts {
    let bits = (1..=50).map(|i| (format!("bit{i}"), Domain::Categories(2)));
    let genes = bits.chain((1..=3).map(|i| (format!("x{i}"), Domain::Real(-1.0, 1.0)))).collect();
    let zeros = (0..50).map(|i| Gene::Index((mixed(seed, i) % 2) as u32));
    let optimum: Vec<Gene> = zeros.chain([Gene::Real(0.0); 3]).collect();
    let centre: Vec<f64> = optimum.iter().map(number).collect();
    let value = move |genes: &[Gene]| {
        let at = || genes.iter().zip(&centre).map(|(gene, zero)| number(gene) - zero);
        let n = genes.len() as f64;
        let (square, cosine) =
            (at().map(|x| x * x).sum::<f64>() / n, at().map(|x| (TAU * x).cos()).sum::<f64>() / n);
        20.0 * (1.0 - (-0.2 * square.sqrt()).exp()) + E - cosine.exp()
    };
    Parts { genes, value: Box::new(value), optimum }
}

/// Condition 10^2 along the axes.
fn ellipsoid(z: &[f64]) -> f64 {
    let weight = |i: usize| 100f64.powf(i as f64 / (z.len() - 1) as f64);
    z.iter().enumerate().map(|(i, z)| weight(i) * z * z).sum()
}

fn rastrigin(z: &[f64]) -> f64 {
    z.iter().map(|z| z * z + 10.0 * (1.0 - (TAU * z).cos())).sum()
}

/// `of(Q (x - optimum))` with a random orthogonal matrix `Q`.
fn rotated(seed: u64, of: fn(&[f64]) -> f64, categories: bool) -> Parts {
    let domain = |i: usize| match GRIDS[i * GRIDS.len() / DIMENSIONS] {
        _ if categories => Domain::Categories(CATEGORIES),
        0 => Domain::Real(-BOUND, BOUND),
        n => Domain::Steps(n),
    };
    let domains: Vec<Domain> = (0..DIMENSIONS).map(domain).collect();
    let draw = |i: usize| mixed(seed, i as u64);
    let drawn = |(i, domain): (usize, &Domain)| match *domain {
        Domain::Categories(n) | Domain::Steps(n) => Gene::Index((draw(i) % u64::from(n)) as u32),
        // The middle four fifths of the range.
        Domain::Real(low, high) => {
            Gene::Real(low + (high - low) * (0.1 + 0.8 * (draw(i) % 10_001) as f64 / 10_000.0))
        }
    };
    let optimum: Vec<Gene> = domains.iter().enumerate().map(drawn).collect();
    // The order of categories says nothing: category c of coordinate i is the grid point order[i][c].
    let orders: Vec<Vec<u32>> = (0..DIMENSIONS).map(|i| order(seed, i)).collect();
    let coordinate = move |(i, gene): (usize, &Gene)| match (domains[i], gene) {
        (Domain::Categories(n), Gene::Index(c)) => on_grid(orders[i][*c as usize], n),
        (Domain::Steps(n), Gene::Index(c)) => on_grid(*c, n),
        _ => number(gene),
    };
    let centre: Vec<f64> = optimum.iter().enumerate().map(&coordinate).collect();
    let genes = (0..DIMENSIONS).map(|i| (format!("x{}", i + 1), domain(i))).collect();
    let rows = orthogonal(seed);
    let value = move |genes: &[Gene]| {
        let at = genes.iter().enumerate().map(&coordinate).zip(&centre).map(|(x, c)| x - c);
        let difference: Vec<f64> = at.collect();
        let z: Vec<f64> =
            rows.iter().map(|row| row.iter().zip(&difference).map(|(q, d)| q * d).sum()).collect();
        of(&z)
    };
    Parts { genes, value: Box::new(value), optimum }
}

/// Point `i` of `n` equally spaced ones.
fn on_grid(i: u32, n: u32) -> f64 {
    BOUND * (2.0 * f64::from(i) / f64::from(n.max(2) - 1) - 1.0)
}

/// The categories of a coordinate in random order.
fn order(seed: u64, coordinate: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..CATEGORIES).collect();
    order.sort_by_key(|&c| mixed(seed, 1_000 + 100 * coordinate as u64 + u64::from(c)));
    order
}

/// Rows of a random orthogonal matrix: normal numbers, orthonormalised by Gram and Schmidt.
fn orthogonal(seed: u64) -> Vec<Vec<f64>> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut rows: Vec<Vec<f64>> = Vec::new();
    for i in 0..DIMENSIONS {
        let mut row: Vec<f64> =
            (0..DIMENSIONS).map(|j| normal(seed, 10_000 + (DIMENSIONS * i + j) as u64)).collect();
        for other in &rows {
            let share = dot(&row, other);
            row.iter_mut().zip(other).for_each(|(x, o)| *x -= share * o);
        }
        let length = dot(&row, &row).sqrt();
        rows.push(row.into_iter().map(|x| x / length).collect());
    }
    rows
}

impl Benchmark for Function {
    fn name(&self) -> String {
        format!("function {}", self.name)
    }
    fn space(&self) -> &Space {
        &self.space
    }
    fn signal(&self, genotype: &Genotype, _: usize, _: u64) -> Option<f64> {
        self.score(genotype)
    }
    fn score(&self, genotype: &Genotype) -> Option<f64> {
        self.space.validate(genotype).ok()?;
        Some(-(self.value)(genotype.genes()))
    }
    fn class(&self, genotype: &Genotype) -> Option<u64> {
        let bits = |gene: &Gene| match gene {
            Gene::Index(i) => u64::from(*i),
            Gene::Real(v) => v.to_bits(),
        };
        self.space.validate(genotype).ok()?;
        Some(genotype.genes().iter().fold(0, |n, gene| mixed(n, bits(gene))))
    }
    fn best(&self) -> f64 {
        -(self.value)(self.optimum.genes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nasmyth_space::Rng;
    use rand::SeedableRng;

    fn score(name: &str, genotype: &str) -> f64 {
        let function = Function::new(name, 0).unwrap();
        function.score(&function.space.parse(genotype).unwrap()).unwrap()
    }

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-6, "{a}, not {b}");
    }

    #[test]
    fn values_equal_those_by_hand() {
        // At (1, 1): Rosenbrock 0, camel 4 - 2.1 + 1/3 + 1 = 3.2333, Beale 1.5^2 + 2.25^2 + 2.625^2 = 14.203125.
        near(score("func2c", "0_1_0.5_0.5"), -3.233333333 / 10.0);
        near(score("func2c", "2_4_0.5_0.5"), -2.0 * 14.203125 / 50.0);
        near(score("func3c", "0_0_0_0.5_0.5"), -5.0 * 3.233333333 / 10.0);
        near(score("func3c", "0_0_3_0.5_0.5"), -3.0 * 14.203125 / 50.0);
        // At (0, 2): Rosenbrock (400 + 1) / 300.
        near(score("func3c", "0_0_1_0.0_1.0"), -4.0 * 401.0 / 300.0);
        // All bits wrong: mean square 50/53, mean cosine 1.
        let ackley = Function::new("ackley53", 0).unwrap();
        let wrong = ackley.optimum().genes().iter().map(|gene| match gene {
            Gene::Index(bit) => Gene::Index(1 - bit),
            real => *real,
        });
        let expected = -20.0 * (1.0 - (-0.2 * (50.0f64 / 53.0).sqrt()).exp());
        near(ackley.score(&Genotype::new(wrong)).unwrap(), expected);
        near(ellipsoid(&[1.0, 0.0, 2.0]), 1.0 + 4.0 * 100.0);
        near(rastrigin(&[0.5, 1.0]), 0.25 + 20.0 + 1.0);
    }

    #[test]
    fn optima_are_those_of_the_papers() {
        // The camel's least value is -1.0316285.
        near(Function::new("func2c", 0).unwrap().best(), 0.2 * 1.0316284535);
        near(Function::new("func3c", 0).unwrap().best(), 0.7 * 1.0316284535);
        near(Function::new("ackley53", 0).unwrap().best(), 0.0);
        for name in ["ellipsoid-mixed", "rastrigin-mixed", "rastrigin-categories"] {
            near(Function::new(name, 5).unwrap().best(), 0.0);
        }
    }

    #[test]
    fn nothing_is_better_than_the_optimum_and_seeds_move_it() {
        for kind in FUNCTIONS {
            let function = Function::new(kind.name, 2).unwrap();
            let best = function.best();
            assert_eq!(function.score(function.optimum()), Some(best));
            let mut rng = Rng::seed_from_u64(1);
            for _ in 0..2_000 {
                let genotype = function.space.sample(&mut rng);
                assert!(function.score(&genotype).unwrap() < best, "{} at {genotype}", kind.name);
            }
            // Steps from the optimum too.
            for genotype in function.space.neighbours(function.optimum()) {
                assert!(function.score(&genotype).unwrap() <= best, "{} at {genotype}", kind.name);
            }
            assert!(function.space.lower(function.optimum()).unwrap().verify().is_ok());
        }
        let optimum = |seed| Function::new("rastrigin-categories", seed).unwrap().optimum().clone();
        assert_ne!(optimum(1), optimum(2));
    }

    #[test]
    fn the_rotation_keeps_lengths() {
        let rows = orthogonal(3);
        for (i, a) in rows.iter().enumerate() {
            for (j, b) in rows.iter().enumerate() {
                near(a.iter().zip(b).map(|(a, b)| a * b).sum(), f64::from(u8::from(i == j)));
            }
        }
    }

    #[test]
    fn slips_are_answered_by_the_nearest() {
        let error = |text: &str| text.parse::<Function>().map(drop).unwrap_err().to_string();
        assert!(error("fuc2c").contains("did you mean `func2c`?"), "{}", error("fuc2c"));
        assert!(error("func2c:x").contains("a whole number"), "{}", error("func2c:x"));
    }
}
