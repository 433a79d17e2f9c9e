//! The update rule of the small networks that strategies train.

/// Decays of the means of gradients and of their squares.
const BETAS: [f64; 2] = [0.9, 0.999];
/// Added to the root of the second moment.
const EPSILON: f64 = 1e-8;

/// Adam (Kingma and Ba 2015, algorithm 1), and its memory.
#[derive(Clone, Debug)]
pub(crate) struct Adam {
    rate: f64,
    moments: Vec<[f64; 2]>,
    /// The decays to the power of the steps made.
    powers: [f64; 2],
}

impl Adam {
    /// Fresh, for so many parameters.
    pub fn new(params: usize, rate: f64) -> Self {
        Self { rate, moments: vec![[0.0; 2]; params], powers: [1.0; 2] }
    }

    /// Changes the learning rate.
    pub fn set_rate(&mut self, rate: f64) {
        self.rate = rate;
    }

    /// Moves the parameters against the gradient, of which `scale` is a factor.
    pub fn step(&mut self, params: &mut [f64], gradient: &[f64], scale: f64) {
        self.powers = [self.powers[0] * BETAS[0], self.powers[1] * BETAS[1]];
        let unbiased = self.powers.map(|power| 1.0 / (1.0 - power));
        for ((param, [first, second]), g) in params.iter_mut().zip(&mut self.moments).zip(gradient) {
            let g = g * scale;
            *first += (1.0 - BETAS[0]) * (g - *first);
            *second += (1.0 - BETAS[1]) * (g * g - *second);
            *param -= self.rate * *first * unbiased[0] / ((*second * unbiased[1]).sqrt() + EPSILON);
        }
    }
}
