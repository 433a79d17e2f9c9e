//! Genotypes of categories as numbers, and where they stand in a table.

use nasmyth_space::{Gene, Genotype};

/// The mixed-radix number of a genotype: a gene with `n` options is a digit of base `n`, the last gene turns fastest. `None` if it
/// has another length or a gene without that option.
pub(crate) fn key(options: &[u32], genotype: &Genotype) -> Option<u64> {
    let genes = genotype.genes();
    if genes.len() != options.len() {
        return None;
    }
    genes.iter().zip(options).try_fold(0u64, |key, (gene, &n)| match gene {
        Gene::Index(i) if *i < n => key.checked_mul(n.into())?.checked_add((*i).into()),
        _ => None,
    })
}

/// The genotype of digits.
pub(crate) fn genotype(digits: &[u8]) -> Genotype {
    Genotype::new(digits.iter().map(|&d| Gene::Index(d.into())))
}

/// Number of genotypes; `None` beyond `u64`.
pub(crate) fn count(options: &[u32]) -> Option<u64> {
    options.iter().try_fold(1u64, |all, &n| all.checked_mul(n.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_count_up_as_the_last_gene_turns_fastest() {
        let options = [2, 3, 2];
        let all: Vec<u64> =
            (0..12u8).map(|i| key(&options, &genotype(&[i / 6, i / 2 % 3, i % 2])).unwrap()).collect();
        assert_eq!(all, (0..12).collect::<Vec<u64>>());
        assert_eq!(
            (count(&options), key(&options, &genotype(&[0, 3, 0])), key(&options, &genotype(&[0]))),
            (Some(12), None, None)
        );
    }
}
