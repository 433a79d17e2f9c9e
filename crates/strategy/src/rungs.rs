//! Which results may be compared with each other, when trials end on different rungs.

/// Items by rung. Values are comparable within a rung only; of the rungs the highest one with enough items says most.
///
/// Falkner, Klein and Hutter: "BOHB: Robust and Efficient Hyperparameter Optimization at Scale", ICML 2018, algorithm 2, line 3: the
/// model is that of the largest budget with enough observations.
#[derive(Clone, Debug)]
pub(crate) struct Rungs<T>(Vec<Vec<T>>);

impl<T> Rungs<T> {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    /// The items of a rung.
    pub(crate) fn at(&mut self, rung: u32) -> &mut Vec<T> {
        let rung = rung as usize;
        if self.0.len() <= rung {
            self.0.resize_with(rung + 1, Vec::new);
        }
        &mut self.0[rung]
    }

    /// The items of the highest rung with at least so many of them; of rung 0 if there is none.
    pub(crate) fn highest(&self, enough: usize) -> &[T] {
        let rung = self.0.iter().rposition(|items| items.len() >= enough).unwrap_or(0);
        self.0.get(rung).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_rung_with_enough_counts() {
        let mut rungs = Rungs::new();
        assert_eq!(rungs.highest(1), [0; 0]);
        rungs.at(0).extend([1, 2, 3]);
        rungs.at(2).extend([4, 5]);
        assert_eq!(rungs.highest(4), [1, 2, 3]);
        assert_eq!(rungs.highest(3), [1, 2, 3]);
        assert_eq!(rungs.highest(2), [4, 5]);
    }
}
